"""Brakes: a plan that changes more people than is plausible does not run by itself.

Counted per account, per side and per kind of change. A deletion that merely ends links counts too: it decides
that these people are never linked again by themselves, and a folder that is not mounted looks like one.
What contactd derives (dates from calendars) and its own uid do not count once the account has had its first run;
the first run of all waits for the owner whatever it contains.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from mappings.date_memory import Dates
from mappings.fields import FIELDS, texts
from mappings.operation import (
    Agree,
    Change,
    CreateNote,
    CreateRecord,
    DeleteRecord,
    Follow,
    Link,
    Operation,
    Parting,
    Rebase,
    RememberDate,
    RemoveNote,
    RestoreNote,
    RestoreRecord,
    Resume,
    Suspend,
    Unlink,
    UpdateRecord,
    WriteNote,
)
from mappings.person import Uid, Value
from mappings.record import MEETINGS, AccountName
from mappings.world import AccountState


class Place(StrEnum):
    """The side that would be changed."""

    NOTES = "notes"
    CONTACTS = "contacts"


class Kind(StrEnum):
    """What would happen to it."""

    CREATE = "create"
    CHANGE = "change"
    DELETE = "delete"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class Limit:
    """How many people one run may touch in one way: the larger of a number and a share of the linked ones."""

    people: int
    share_percent: int

    def for_linked(self, linked: int) -> int:
        """Return the number of people for an account with so many links."""
        return max(self.people, linked * self.share_percent // 100)


@dataclass(frozen=True, slots=True)
class FirstRun:
    """The account's first plan waits to be seen."""

    account: AccountName


@dataclass(frozen=True, slots=True)
class RulesChanged:
    """The account's first plan under other rules waits to be seen: what it would change is nobody's edit."""

    account: AccountName


@dataclass(frozen=True, slots=True)
class TooMany:
    """The plan touches more people than the limit allows."""

    account: AccountName
    place: Place
    kind: Kind
    people: int
    limit: int


Brake = FirstRun | RulesChanged | TooMany


def brake(
    account: AccountState, operations: Sequence[Operation], people: AbstractSet[Uid], limit: Limit
) -> tuple[Brake, ...]:
    """Return why the account's part of a plan has to wait for the owner; nothing if it may run.

    Shapes: `people` are those who are linked in the account.
    """
    if account.first_run or account.rules_changed:
        new: Brake = FirstRun(account.name) if account.first_run else RulesChanged(account.name)
        return (new,) if any(_concerns(operation, account.name, people) for operation in operations) else ()
    linked, allowed = len(people), limit.for_linked(len(people))
    counted = Counter(footprint for operation in operations for footprint in _footprints(operation, account.name))
    limits = dict.fromkeys(Kind, allowed)
    if linked > 1:
        # However few they are: all of them gone at once is a folder that is not there, until the owner says otherwise.
        limits[Kind.DELETE] = min(allowed, linked - 1)
    return tuple(
        TooMany(account.name, place, kind, count, limits[kind])
        for (place, kind), count in sorted(counted.items())
        if count > limits[kind]
    )


def brake_dates(
    operations: Sequence[Operation], dates: Dates, limit: Limit, *, is_new_for_notes: bool
) -> tuple[Brake, ...]:
    """Return why the calendars' part of a plan has to wait: it is the first, takes back many dates, makes many notes.

    Shapes: `is_new_for_notes` says that no plan was carried out yet since the owner wants notes for those whom he met.
    An empty calendar looks like one whose folder is not there; a date that moves on needs no asking.
    """
    if dates.first_run:
        return (FirstRun(MEETINGS),) if any(touches(operation, MEETINGS) for operation in operations) else ()
    if is_new_for_notes and any(_makes_note(operation) for operation in operations):
        return (RulesChanged(MEETINGS),)
    given = sum(1 for (_, field), memory in dates.memories.items() if field == "last_contact" and memory.stood)
    allowed = min(limit.for_linked(given), given - 1) if given > 1 else limit.for_linked(given)
    counted = (
        (
            Kind.CREATE,
            sum(map(_makes_note, operations)),
            limit.for_linked(given),
        ),
        (Kind.LOWER, sum(_takes_back(one) for one in operations), allowed),
    )
    return tuple(TooMany(MEETINGS, Place.NOTES, kind, people, most) for kind, people, most in counted if people > most)


def _makes_note(operation: Operation) -> bool:
    return isinstance(operation, CreateNote) and operation.source == MEETINGS


def _takes_back(operation: Operation) -> bool:
    return isinstance(operation, WriteNote) and any(
        change.field == "last_contact" and MEETINGS in change.sources and _text(change.after) < _text(change.before)
        for change in operation.changes
    )


def _text(value: Value) -> str:
    return "".join(texts(value))


def _concerns(operation: Operation, account: AccountName, people: AbstractSet[Uid]) -> bool:
    """Tell whether a step is the account's, or makes somebody's note carry the uid who is linked in it."""
    return touches(operation, account) or (puts_uid(operation) and operation.uid in people)


def puts_uid(operation: Operation) -> bool:
    """Tell whether a step puts the uid into a note."""
    return isinstance(operation, WriteNote) and operation.insert_uid


def touches(operation: Operation, account: AccountName) -> bool:
    """Tell whether a step is the account's, or brings its values into a note."""
    match operation:
        case (
            CreateRecord()
            | UpdateRecord()
            | DeleteRecord()
            | RestoreRecord()
            | Unlink()
            | Link()
            | Follow()
            | Suspend()
            | Resume()
        ):
            return operation.account == account
        case WriteNote():
            return any(account in change.sources for change in operation.changes)
        case CreateNote():
            return operation.source == account
        case RestoreNote() | RemoveNote() | RememberDate():
            return False
        case Agree() | Rebase():
            return operation.agreed.account == account


def _footprints(operation: Operation, account: AccountName) -> Iterator[tuple[Place, Kind]]:
    match operation:
        case CreateRecord(account=owner) if owner == account:
            yield Place.CONTACTS, Kind.CREATE
        case UpdateRecord(account=owner) if owner == account and _counts(operation.changes):
            yield Place.CONTACTS, Kind.CHANGE
        case DeleteRecord(account=owner) if owner == account:
            yield Place.CONTACTS, Kind.DELETE
        case Unlink(account=owner, parting=Parting.NOTE_DELETED | Parting.CONTACT_SAYS_MORE) if owner == account:
            yield Place.CONTACTS, Kind.DELETE
        case Unlink(account=owner) if owner == account:
            yield Place.NOTES, Kind.DELETE
        case CreateNote(source=owner) if owner == account:
            yield Place.NOTES, Kind.CREATE
        case WriteNote() if _counts(change for change in operation.changes if account in change.sources):
            yield Place.NOTES, Kind.CHANGE
        case _:
            return


def _counts(changes: Iterable[Change]) -> bool:
    return any(not FIELDS[change.field].derived for change in changes)
