"""Who needs no plan: people of whom note and records say just what they last agreed on, and nothing else is open.

In most runs that is nearly everybody. It is told by comparing values as they stand, spelling and order included, which
is stricter than what a plan goes by: whoever is at rest here has the empty plan, and whoever is not may have it too.
"""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from operator import attrgetter

from mappings.fields import value_of
from mappings.person import FieldName, Person, Uid, Value
from mappings.person_plan import Pair, fields_of
from mappings.record import AccountName
from mappings.world import AccountState, NoteState, World


@dataclass(frozen=True, slots=True)
class _Compared:
    """The fields that are compared with one account, and what reads them all off a person at once."""

    names: tuple[FieldName, ...]
    values: Callable[[Person], tuple[Value, ...]]


@dataclass(frozen=True, slots=True)
class Calm:
    """What is open about whom, and what is compared where; made once for a world, asked for each person."""

    accounts: Mapping[AccountName, _Compared]
    stirred: AbstractSet[Uid]
    needs_uid: bool
    dated: AbstractSet[FieldName]
    reads_context: bool


def calm(world: World, stirred: AbstractSet[Uid]) -> Calm:
    """Return what `is_at_rest` goes by; `stirred` are people of whom more is known than the world says."""
    decided, dates = world.decided, world.dates
    open_ones = {*stirred, *(uid for uid, _ in decided.standstills), *decided.bare}
    if dates is not None:
        open_ones |= {*dates.told, *(uid for uid, _ in dates.memories)}
    return Calm(
        accounts={account.name: _compared(account) for account in world.accounts},
        stirred=open_ones,
        needs_uid=world.uid_in_notes,
        dated=dates.fields if dates is not None else frozenset(),
        reads_context=dates is not None and dates.from_context,
    )


def is_at_rest(note: NoteState, pairs: Sequence[Pair], calm: Calm) -> bool:
    """Tell whether a person with these records, and none to be made, needs no plan."""
    reading = note.reading
    if note.uid in calm.stirred or reading.held or note.refused or note.unwritable:
        return False
    if (calm.needs_uid and reading.uid is None and pairs) or note.dated & calm.dated:
        return False
    if calm.reads_context and note.context_date:
        return False
    return all(_agrees(note, pair, calm.accounts[pair.account.name]) for pair in pairs)


def _agrees(note: NoteState, pair: Pair, compared: _Compared) -> bool:
    """Tell whether note, record and base say the very same, and the record carries the person's uid."""
    record = pair.record
    if pair.evidence or record.uid != note.uid or record.reading.held:
        return False
    said = compared.values(record.person)
    if said != compared.values(note.reading.person):
        return False
    return all(name in pair.base and pair.base[name] == value for name, value in zip(compared.names, said, strict=True))


def _compared(account: AccountState) -> _Compared:
    names = tuple(fields_of(account))
    if len(names) > 1:
        return _Compared(names, attrgetter(*names))
    return _Compared(names, lambda person: tuple(value_of(person, name) for name in names))
