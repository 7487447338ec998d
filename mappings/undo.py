"""Taking back what a run did: the deeds of a run and the sides as they are now → the steps that put them back.

Theory of operation. A deed is a write that was carried out, with what the note or record was before and after it. Where
the side still is what the deed made of it, it is put back whole, to the byte or in all that a client may write. Where
somebody has changed it since, only those fields are put back that still say what the deed made them say, and the others
are refused, each with its reason. A record may have been touched where no field of ours shows it; the connector finds
that out and refuses, and a second round, told of it (`touched`), goes field by field.

What says already what it said before is no refusal: an undo that was cut short is taken up by doing it again.

What was put back would be done again by the next sync, for the sides differ as they did before. So the bases are put
back too, and every field stands still (`conflict.Standstill`) until a side changes again or the owner settles it.

An undo is a run like any other: its deeds can be taken back in turn.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import assert_never

from mappings.conflict import Bare, Standstill
from mappings.fields import same, value_of
from mappings.merge import OWNER
from mappings.operation import (
    Agreed,
    Change,
    CreateNote,
    CreateRecord,
    DeleteRecord,
    Joined,
    NoteWrite,
    Operation,
    Rebase,
    RemoteWrite,
    RemoveNote,
    RestoreNote,
    RestoreRecord,
    UpdateRecord,
    WriteNote,
)
from mappings.person import FieldName, Uid, Value
from mappings.record import AccountName, NoteHash, Record, RemoteId
from mappings.world import AccountState, Base, LinkState, NoteState, World

CHANGED = "was changed since"
_NOTE = AccountName("")

Formers = Mapping[tuple[AccountName, Uid], Base]
"""The bases as they were before the run; a link that the run made has none."""

Values = dict[FieldName, Value]


@dataclass(frozen=True, slots=True)
class Deed:
    """One write that was carried out.

    `remote_id` names the record, None for a note. `before` and `after` are the note's text or the record's payload;
    None where there was none.
    """

    operation: NoteWrite | RemoteWrite
    remote_id: RemoteId | None
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that is not put back; `account` is "" for the note, `field` "" where all of it is meant."""

    uid: Uid
    account: AccountName
    field: FieldName | str
    reason: str


@dataclass(frozen=True, slots=True)
class Undoing:
    """The steps that take deeds back, what cannot be, and what is to stand still from before the first step on.

    `changes` are what they make of the fields, by person and account ("" for the note): for the owner to see.
    """

    operations: tuple[Operation, ...]
    changes: Mapping[tuple[Uid, AccountName], tuple[Change, ...]]
    refusals: tuple[Refusal, ...]
    standstills: tuple[Standstill, ...]
    bare: Mapping[Uid, Bare]


@dataclass(slots=True)
class _Person:
    """One person's undoing as it comes together: `note` and `records` are the values that are put back."""

    uid: Uid
    state: NoteState | None
    note_hash: NoteHash
    note: Values = field(default_factory=dict[FieldName, Value])
    records: dict[AccountName, Values] = field(default_factory=dict[AccountName, Values])
    gone: set[AccountName] = field(default_factory=set[AccountName])
    bare: bool = False
    bare_accounts: set[AccountName] = field(default_factory=set[AccountName])
    changes: dict[AccountName, tuple[Change, ...]] = field(default_factory=dict[AccountName, tuple[Change, ...]])
    operations: list[Operation] = field(default_factory=list[Operation])
    refusals: list[Refusal] = field(default_factory=list[Refusal])

    def refuse(self, account: AccountName, name: FieldName | str, reason: str) -> None:
        self.refusals.append(Refusal(self.uid, account, name, reason))


@dataclass(frozen=True, slots=True)
class _Sides:
    """The sides as they are now, by what they are looked up by."""

    notes: Mapping[Uid, NoteState]
    accounts: Mapping[AccountName, AccountState]
    links: Mapping[Uid, Sequence[LinkState]]

    def followed(self, account: AccountName, uid: Uid, remote_id: RemoteId) -> RemoteId:
        """Return the id by which a person's record goes now; one that is linked no more goes by the one it had."""
        links = self.links.get(uid, ())
        return next((link.remote_id for link in links if link.account == account), remote_id)

    def record(self, account: AccountName, remote_id: RemoteId) -> Record | str:
        """Return a record as it is now, or why it cannot be put back."""
        state = self.accounts.get(account)
        if state is None or not state.reachable:
            return "the account could not be read"
        if remote_id in state.unreadable:
            return state.unreadable[remote_id]
        if remote_id in state.missing or remote_id not in state.records:
            return "the contact is gone"
        return state.records[remote_id]


def undo(
    deeds: Sequence[Deed],
    world: World,
    formers: Formers,
    hash_of: Callable[[str], NoteHash],
    touched: AbstractSet[tuple[AccountName, Uid]],
) -> Undoing:
    """Return what takes the deeds of one run back.

    Shapes: `deeds` are those that were done, in their order; `world` is the present; `touched` are people whose
    record the connector has found to be changed since.
    Errors: none; what cannot be put back is a value.
    """
    sides = _sides(world)
    people: dict[Uid, _Person] = {}
    for deed in deeds:
        uid = deed.operation.uid
        state = sides.notes.get(uid)
        person = people.setdefault(uid, _Person(uid, state, state.note_hash if state else NoteHash("")))
        _take_back(person, deed, sides, formers, hash_of, touched)
    for person in people.values():
        person.operations[:0] = _rebased(person, sides, formers)
    return Undoing(
        operations=tuple(step for person in people.values() for step in person.operations),
        changes={
            (person.uid, account): changes
            for person in people.values()
            for account, changes in person.changes.items()
            if changes
        },
        refusals=tuple(refusal for person in people.values() for refusal in person.refusals),
        standstills=tuple(one for person in people.values() for one in _standstills(person, sides)),
        bare={
            person.uid: Bare(person.note_hash, frozenset(person.bare_accounts))
            for person in people.values()
            if person.bare or person.bare_accounts
        },
    )


def _sides(world: World) -> _Sides:
    links: defaultdict[Uid, list[LinkState]] = defaultdict(list)
    for link in world.links:
        links[link.uid].append(link)
    return _Sides({note.uid: note for note in world.notes}, {one.name: one for one in world.accounts}, links)


def _take_back(  # a deed, and everything that says what became of it
    person: _Person,
    deed: Deed,
    sides: _Sides,
    formers: Formers,
    hash_of: Callable[[str], NoteHash],
    touched: AbstractSet[tuple[AccountName, Uid]],
) -> None:
    operation = deed.operation
    match operation:
        case WriteNote() | RestoreNote():
            _note_back(person, operation, deed, hash_of)
        case CreateNote():
            _new_note_back(person, operation, deed, sides, hash_of)
        case RemoveNote():
            _note_anew(person, operation, sides)
        case CreateRecord() | UpdateRecord() | DeleteRecord() | RestoreRecord():
            if deed.remote_id is None or (deed.before is None and deed.after is None):
                person.refuse(operation.account, "", "what it was before is not known")
            elif deed.after is None:
                _made_anew(person, operation.account, deed.remote_id, deed.before or "", sides, formers)
            else:
                is_touched = (operation.account, person.uid) in touched
                remote_id = sides.followed(operation.account, person.uid, deed.remote_id)
                _record_back(person, operation, remote_id, deed, sides, is_touched=is_touched)
        case _:
            assert_never(operation)


def _new_note_back(
    person: _Person, operation: CreateNote, deed: Deed, sides: _Sides, hash_of: Callable[[str], NoteHash]
) -> None:
    """Take away a note that was made, if it still is where it was made, to the byte what was made."""
    state = person.state
    if state is None:
        person.refuse(AccountName(""), "", "the note is gone, or cannot be read")
    elif deed.after is None or hash_of(deed.after) != state.note_hash:
        person.refuse(AccountName(""), "", CHANGED)
    elif state.path != operation.path:
        person.refuse(AccountName(""), "", "was moved since")
    else:
        joined = tuple(
            Joined(link.remote_id, Agreed(link.account, link.base)) for link in sides.links.get(person.uid, ())
        )
        person.operations.append(RemoveNote(person.uid, state.path, state.note_hash, deed.after, joined))


def _note_anew(person: _Person, operation: RemoveNote, sides: _Sides) -> None:
    """Make a note again that was taken away, linked to what it was linked to, as far as that is nobody's."""
    if person.state is not None:
        person.refuse(AccountName(""), "", "the note is there again")
        return
    taken = {(link.account, link.remote_id) for links in sides.links.values() for link in links}
    joined = tuple(one for one in operation.joined if (one.agreed.account, one.remote_id) not in taken)
    person.operations.append(CreateNote(person.uid, operation.path, operation.text, AccountName(""), joined))


def _note_back(
    person: _Person, operation: WriteNote | RestoreNote, deed: Deed, hash_of: Callable[[str], NoteHash]
) -> None:
    changes = operation.changes if isinstance(operation, WriteNote) else ()
    if person.state is None:
        person.refuse(AccountName(""), "", "the note is gone, or cannot be read")
    elif deed.before is not None and deed.after is not None and hash_of(deed.after) == person.state.note_hash:
        person.operations.append(RestoreNote(person.uid, person.state.path, person.state.note_hash, deed.before))
        person.note_hash = hash_of(deed.before)
        person.changes[_NOTE] = _reversed(changes)
        person.note.update((change.field, change.before) for change in changes)
        person.bare = isinstance(operation, WriteNote) and operation.insert_uid
    elif deed.before is not None and hash_of(deed.before) == person.state.note_hash:
        person.note.update((change.field, change.before) for change in changes)
        person.bare = isinstance(operation, WriteNote) and operation.insert_uid
    elif changes:
        _note_fields_back(person, person.state, changes)
    else:
        person.refuse(AccountName(""), "", CHANGED)


def _reversed(changes: Sequence[Change]) -> tuple[Change, ...]:
    return tuple(Change(one.field, one.after, one.before, (OWNER,)) for one in changes)


def _note_fields_back(person: _Person, state: NoteState, changes: Sequence[Change]) -> None:
    back: list[Change] = []
    for change in changes:
        said = value_of(state.reading.person, change.field)
        if same(change.field, said, change.after):
            back.append(Change(change.field, change.after, change.before, (OWNER,)))
            person.note[change.field] = change.before
        elif same(change.field, said, change.before):
            person.note[change.field] = change.before
        else:
            person.refuse(AccountName(""), change.field, CHANGED)
    if back:
        person.operations.append(
            WriteNote(person.uid, state.path, state.note_hash, tuple(back), insert_uid=False, agreed=())
        )


def _record_back(
    person: _Person, operation: RemoteWrite, remote_id: RemoteId, deed: Deed, sides: _Sides, *, is_touched: bool
) -> None:
    account = operation.account
    record = sides.record(account, remote_id)
    if isinstance(record, str):
        person.refuse(account, "", record)
        return
    if isinstance(operation, CreateRecord) and person.state is None:
        person.refuse(account, "", "the note is gone, or cannot be read: nothing else is left of the person")
        return
    changes = operation.changes if isinstance(operation, UpdateRecord) else ()
    changed = [one.field for one in changes if not same(one.field, value_of(record.person, one.field), one.after)]
    if not changed and not is_touched:
        nothing = Agreed(account, {})
        person.operations.append(
            RestoreRecord(account, person.uid, remote_id, record.etag, deed.before, deed.after, nothing)
        )
        if deed.before is None:
            person.gone.add(account)
        elif isinstance(operation, UpdateRecord) and operation.insert_uid:
            person.bare_accounts.add(account)
        person.records[account] = {change.field: change.before for change in changes}
        person.changes[account] = _reversed(changes)
    elif changes:
        _record_fields_back(person, account, record, changes)
    else:
        person.refuse(account, "", CHANGED)


def _record_fields_back(person: _Person, account: AccountName, record: Record, changes: Sequence[Change]) -> None:
    back: list[Change] = []
    for change in changes:
        said = value_of(record.person, change.field)
        if same(change.field, said, change.after):
            back.append(Change(change.field, change.after, change.before, (OWNER,)))
        elif not same(change.field, said, change.before):
            person.refuse(account, change.field, CHANGED)
            continue
        person.records.setdefault(account, {})[change.field] = change.before
    if back:
        person.operations.append(
            UpdateRecord(
                account,
                person.uid,
                record.remote_id,
                record.etag,
                tuple(back),
                insert_uid=False,
                agreed=Agreed(account, {}),
            )
        )


def _made_anew(  # a record that is gone has nothing but its name, and what it was
    person: _Person, account: AccountName, remote_id: RemoteId, before: str, sides: _Sides, formers: Formers
) -> None:
    record = sides.record(account, remote_id)
    if isinstance(record, Record):
        person.refuse(account, "", "the contact is there again")
    elif account not in sides.accounts or not sides.accounts[account].reachable:
        person.refuse(account, "", record)
    elif any(link.account == account for link in sides.links.get(person.uid, ())):
        person.refuse(account, "", "the note has another contact by now")
    else:
        # Linked to a note that is gone, it would be deleted by the next sync.
        base = formers.get((account, person.uid), {}) if person.state is not None else None
        agreed = Agreed(account, base) if base is not None else None
        person.operations.append(RestoreRecord(account, person.uid, remote_id, None, before, None, agreed))


def _rebased(person: _Person, sides: _Sides, formers: Formers) -> Iterator[Rebase]:
    """Yield the bases of the fields that are put back, as they were before the run."""
    for link in sides.links.get(person.uid, ()):
        back: set[FieldName] = {*person.note, *person.records.get(link.account, ())}
        if link.account in person.gone or not back:
            continue
        former = formers.get((link.account, person.uid), {})
        values: Values = {name: former[name] for name in back if name in former}
        yield Rebase(person.uid, Agreed(link.account, values), frozenset(back - values.keys()))


def _standstills(person: _Person, sides: _Sides) -> Iterator[Standstill]:
    """Yield every field that is put back anywhere, with what each side will say of it."""
    if person.state is None:
        return
    links = [link for link in sides.links.get(person.uid, ()) if link.account not in person.gone]
    records = {link.account: sides.record(link.account, link.remote_id) for link in links}
    back: set[FieldName] = {*person.note, *(name for values in person.records.values() for name in values)}
    for name in sorted(back):
        theirs: dict[AccountName, Value] = {
            account: person.records.get(account, {}).get(name, value_of(record.person, name))
            for account, record in records.items()
            if isinstance(record, Record)
        }
        ours = person.note.get(name, value_of(person.state.reading.person, name))
        yield Standstill(person.uid, name, ours, theirs)
