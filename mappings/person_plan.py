"""The steps of one person: the note, every record it is linked to, and those to be made.

A pair is planned only if both of its ends can be read now; what cannot be read is as if it had not changed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mappings import google_people, graph_contacts, vcard
from mappings.conflict import Conflict, Decided
from mappings.fields import (
    FIELDS,
    NAMES,
    Cardinality,
    Direction,
    Format,
    blank,
    keys,
    same,
    shared,
    texts,
    value_of,
    with_values,
)
from mappings.merge import NOTE, Merged, Side, Verdict, merge, target
from mappings.note_dates import settled, without_asked_anew, without_ours
from mappings.operation import (
    Agree,
    Agreed,
    Change,
    CreateRecord,
    Link,
    Operation,
    RememberDate,
    UpdateRecord,
    WriteNote,
)
from mappings.person import FieldName, Person, Uid, Value
from mappings.record import AccountName, NotePath, Record, RemoteId
from mappings.returns import THE_NOTE, undone
from mappings.world import AccountState, Base, NoteState, Return, World

_PROJECTIONS: Mapping[Format, Callable[[Person, Mapping[FieldName, Value]], Person]] = {
    Format.VCARD: lambda person, _: vcard.project(person),
    Format.GOOGLE: lambda person, _: google_people.project(person),
    Format.GRAPH: graph_contacts.project,
}
"""What each format can hold of a person; a base is only ever compared with what its own format can hold.

The second argument is what the record holds already, or last held: where there is no room for everything, that stays.
"""

_ALL = AccountName("")
_NAME_PARTS: frozenset[FieldName] = frozenset({"given_name", "family_name"})


@dataclass(frozen=True, slots=True)
class Hold:
    """Something that is left untouched, and why; `field` and `account` are "" where all are meant.

    `remote_id` is that of the record which is the reason, "" if none is. `waiting` is what would travel if it could:
    by the side that says it, which is an account or `note`.
    """

    uid: Uid
    path: NotePath
    account: AccountName
    field: FieldName | Literal[""]
    reason: str
    remote_id: RemoteId | Literal[""]
    waiting: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Surplus:
    """Values of a note that stay in it because the account's records have no room for them: how many, of which field."""

    uid: Uid
    path: NotePath
    account: AccountName
    field: FieldName
    count: int


@dataclass(frozen=True, slots=True)
class Pair:
    """The note and one record of it; `evidence` is what a link that is still to be made rests on, else ""."""

    account: AccountState
    record: Record
    base: Base
    evidence: str


@dataclass(frozen=True, slots=True)
class PersonPlan:
    """What is to be done for one person, in order, and what is not.

    `moved_on` are fields that the owner had put back, and that a side has changed since.
    """

    operations: tuple[Operation, ...]
    conflicts: tuple[Conflict, ...]
    holds: tuple[Hold, ...]
    moved_on: tuple[FieldName, ...]
    surplus: tuple[Surplus, ...]


@dataclass(frozen=True, slots=True)
class _Joint:
    """One pair in the merge: its side, and what its record can hold of the merged person."""

    pair: Pair
    side: Side
    held: Person


@dataclass(frozen=True, slots=True)
class _Case:
    """One person with everything that the steps are read off; contacts of `bare` accounts are to be without a uid."""

    note: NoteState
    merged: Merged
    joints: tuple[_Joint, ...]
    makers: Sequence[AccountState]
    remembered: tuple[RememberDate, ...]
    lacks_uid: bool
    bare: frozenset[AccountName]


NOTHING = PersonPlan((), (), (), (), ())
"""The plan of somebody for whom nothing is to be done."""


def plan_person(
    note: NoteState,
    pairs: Sequence[Pair],
    makers: Sequence[AccountState],
    returns: Sequence[Return],
    world: World,
) -> PersonPlan:
    """Plan one person.

    Shapes: at most one pair or maker for each account; `makers` are the accounts that are to get a new record;
    `returns` are the person's own. Of the world only what concerns everybody is looked at: dates, decisions, whether
    notes are to carry their uid.
    """
    decided = without_asked_anew(note, world.dates, world.decided)
    sides = [without_ours(note, _side(note, pair, returns), world.dates) for pair in pairs]
    takes = frozenset[FieldName]() if note.unwritable else note.holdable - note.refused.keys()
    merged = merge(note.uid, note.reading.person, sides, takes, undone(returns, THE_NOTE), decided)
    dated = settled(note, merged, sides, takes, world.dates, decided)
    merged = dated.merged
    joints = tuple(
        _Joint(pair, side, _holdable(pair.account, merged.person, _values(pair.record.person)))
        for pair, side in zip(pairs, sides, strict=True)
    )
    bare = decided.bare.get(note.uid)
    is_bare = bare is not None and bare.note_hash == note.note_hash
    case = _Case(
        note,
        merged,
        joints,
        makers,
        dated.remembered,
        lacks_uid=world.uid_in_notes and note.reading.uid is None and not is_bare,
        bare=bare.accounts if bare is not None and is_bare else frozenset(),
    )
    moved_on: tuple[FieldName, ...] = tuple(
        name for name, verdict in merged.verdicts.items() if _has_moved_on(note.uid, name, verdict, world.decided)
    )
    return PersonPlan(tuple(_steps(case)), merged.conflicts, tuple(_holds(case)), moved_on, tuple(_surplus(case)))


def _has_moved_on(uid: Uid, name: FieldName, verdict: Verdict, decided: Decided) -> bool:
    """Tell whether a side has changed a field since it was put back. What is chosen for it only becomes so once written."""
    standstill = decided.standstills.get((uid, name))
    if standstill is None or verdict.stands_still:
        return False
    return verdict.conflict is None or verdict.conflict.id != standstill.id


def _steps(case: _Case) -> Iterator[Operation]:
    uid, changes = case.note.uid, _note_changes(case)
    written: frozenset[FieldName] = frozenset(change.field for change in changes)
    yield from case.remembered
    for joint in case.joints:
        if joint.pair.evidence:
            yield Link(joint.side.account, uid, joint.pair.record.remote_id, joint.pair.evidence)
        if values := _newly_common(case, joint, NAMES - written):
            yield Agree(uid, Agreed(joint.side.account, values))
    insert_uid = case.lacks_uid and not case.note.unwritable and bool(case.joints or case.makers)
    if changes or insert_uid:
        agreed = ((joint.side.account, _newly_common(case, joint, written)) for joint in case.joints)
        carried = tuple(Agreed(account, values) for account, values in agreed if values)
        yield WriteNote(uid, case.note.path, case.note.note_hash, changes, insert_uid, carried)
    for joint in case.joints:
        yield from _update(case, joint)
    for maker in case.makers:
        yield _creation(case, maker)


def _side(note: NoteState, pair: Pair, returns: Sequence[Return]) -> Side:
    account, reading = pair.account, pair.record.reading
    # Where the two never agreed on anything, the record is to keep what it has; afterwards what they agreed on.
    agreed: dict[FieldName, Value] = {name: value for name, value in pair.base.items() if value}
    ours = _holdable(account, note.reading.person, _values(reading.person) | agreed)
    theirs = shared(reading.person, account.policies)
    fields = frozenset(fields_of(account)).difference(note.reading.held, reading.held, note.refused)
    homeless = frozenset(_without_place(note.reading.person, ours))
    came_back = undone(returns, account.name)
    return Side(account.name, pair.base, ours, theirs, account.policies, fields - homeless, came_back)


def _holdable(account: AccountState, person: Person, there: Mapping[FieldName, Value]) -> Person:
    """Return what a record of the account can hold, and may, of a person."""
    return shared(_PROJECTIONS[account.format](person, there), account.policies)


def _values(person: Person) -> dict[FieldName, Value]:
    return {name: value_of(person, name) for name in FIELDS}


def _without_place(person: Person, held: Person) -> Iterator[FieldName]:
    """Yield the fields of one value that a record cannot hold as it is: there is nothing to compare then."""
    for name, row in FIELDS.items():
        if row.cardinality is Cardinality.ONE and value_of(person, name) and not value_of(held, name):
            yield name


def fields_of(account: AccountState) -> Iterator[FieldName]:
    """Yield the fields that are kept in step with an account."""
    for name, row in FIELDS.items():
        if account.format in row.held_by and account.policies[name].direction is not Direction.OFF:
            yield name


def _note_changes(case: _Case) -> tuple[Change, ...]:
    """Return what the note is to say otherwise than now."""
    changes: list[Change] = []
    for name, verdict in case.merged.verdicts.items():
        ours = value_of(case.note.reading.person, name)
        if not same(name, ours, verdict.value):
            changes.append(Change(name, ours, verdict.value, verdict.sources))
    return tuple(changes)


def _newly_common(case: _Case, joint: _Joint, among: frozenset[FieldName]) -> Mapping[FieldName, Value]:
    """Return the fields in which the record already says what the note does after the merge, but the base does not."""
    common: dict[FieldName, Value] = {}
    for name in FIELDS:
        if name not in joint.side.fields & among or case.merged.verdicts[name].rests:
            continue
        value, base = value_of(joint.held, name), joint.side.base.get(name)
        if same(name, value_of(joint.side.theirs, name), value) and (base is None or not same(name, base, value)):
            common[name] = value
    return common


def _update(case: _Case, joint: _Joint) -> Iterator[UpdateRecord]:
    record, side = joint.pair.record, joint.side
    changes: list[Change] = []
    for name in FIELDS:
        if name not in side.fields:
            continue
        verdict, theirs = case.merged.verdicts[name], value_of(side.theirs, name)
        wanted = target(name, side, joint.held, verdict)
        if not same(name, theirs, wanted):
            whole = value_of(record.person, name)
            changes.append(Change(name, whole, _beside(name, whole, theirs, wanted), verdict.sources or (NOTE,)))
    # One that was linked by hand may carry an earlier person's uid: a lost state would give it back to whoever has that.
    insert_uid = record.uid != case.note.uid and side.account not in case.bare
    if changes or insert_uid:
        agreed = Agreed(side.account, {change.field: value_of(joint.held, change.field) for change in changes})
        uid, remote_id, etag = case.note.uid, record.remote_id, record.etag
        yield UpdateRecord(side.account, uid, remote_id, etag, tuple(changes), insert_uid, agreed)


def _beside(name: FieldName, whole: Value, theirs: Value, wanted: Value) -> Value:
    """Return what a record is to say in place of `theirs`, the part of the whole that travels; the rest stays."""
    if whole == theirs:
        return wanted
    travels = keys(name, theirs)
    return (*(text for text in texts(whole) if FIELDS[name].key(text) not in travels), *texts(wanted))


def _creation(case: _Case, account: AccountState) -> CreateRecord:
    held = _holdable(account, case.merged.person, {})
    leaving: list[FieldName] = [
        name
        for name in fields_of(account)
        if account.policies[name].direction.pushes and name not in case.note.reading.held
    ]
    # A new contact's name is split as the note splits it; afterwards its parts are no fields of their own.
    told = {*leaving, *(_NAME_PARTS if "name" in leaving else ())}
    kept_home: dict[FieldName, Value] = {name: blank(name) for name in FIELDS if name not in told}
    sent = with_values(held, kept_home)
    agreed = Agreed(account.name, {name: value_of(sent, name) for name in leaving})
    return CreateRecord(account.name, case.note.uid, sent, agreed)


def _holds(case: _Case) -> Iterator[Hold]:
    uid, path = case.note.uid, case.note.path
    for name, reason in (*case.note.reading.held.items(), *case.note.refused.items()):
        comes = {str(joint.side.account): joint.side.theirs for joint in case.joints if _comes(joint, name)}
        coming = {side: value_of(theirs, name) for side, theirs in comes.items()}
        yield Hold(uid, path, _ALL, name, reason, "", coming)
    for joint in case.joints:
        record = joint.pair.record
        for name, reason in record.reading.held.items():
            going = {NOTE: value_of(joint.side.ours, name)} if _goes(case, joint, name) else {}
            yield Hold(uid, path, joint.side.account, name, reason, record.remote_id, going)
    if case.note.unwritable:
        for name in FIELDS:
            if shut_out := dict(_shut_out(case, name)):
                yield Hold(uid, path, _ALL, name, case.note.unwritable, "", shut_out)


def _surplus(case: _Case) -> Iterator[Surplus]:
    person, note = case.merged.person, case.note
    helds = [(joint.pair.account, joint.held) for joint in case.joints]
    helds += [(account, _holdable(account, person, {})) for account in case.makers]
    for account, held in helds:
        leaving = shared(person, account.policies)
        for name in fields_of(account):
            if account.policies[name].direction.pushes and name not in note.reading.held:
                over = keys(name, value_of(leaving, name)) - keys(name, value_of(held, name))
                if count := len(over - {""}):
                    yield Surplus(note.uid, note.path, account.name, name, count)


def _comes(joint: _Joint, name: FieldName) -> bool:
    """Tell whether a record has a change of a field that the note would get."""
    is_shared = name in fields_of(joint.pair.account) and name not in joint.pair.record.reading.held
    return is_shared and joint.side.pulls(name) and joint.side.changed(name)


def _goes(case: _Case, joint: _Joint, name: FieldName) -> bool:
    """Tell whether the note has a change of a field that a record would get."""
    is_shared = name in fields_of(joint.pair.account) and name not in case.note.reading.held
    return is_shared and joint.side.pushes(name) and joint.side.note_changed(name)


def _shut_out(case: _Case, name: FieldName) -> Iterator[tuple[str, Value]]:
    """Yield what records go on saying after this run otherwise than a note that may not be written."""
    for joint in case.joints:
        side = joint.side
        if name not in side.fields & case.note.holdable or not _comes(joint, name):
            continue
        verdict = case.merged.verdicts[name]
        kept = target(name, side, joint.held, verdict)
        if not verdict.is_open and not same(name, kept, value_of(joint.held, name)):
            yield side.account, value_of(side.theirs, name)
