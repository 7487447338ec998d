"""Known bugs for the quick tier, put into the program or its stand-ins one at a time; each breaks the promise it names.

Each is told by the promise under which it must be found, so that none passes for another reason.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace

import pytest

from connectors.errors import CursorExpired, Misunderstood, PreconditionFailed, RecordError
from connectors.interface import ChangeSet, Cursor, Written
from connectors.memory import Book, Entry, Memory
from daemon import gather, recover
from daemon.journal import OperationId, RunId, Unfinished
from daemon.setup import Account
from mappings import person_plan
from mappings.conflict import Decided
from mappings.fields import FIELDS, value_of
from mappings.merge import Merged, Side, Verdict, merge
from mappings.operation import Agreed, Operation, UpdateRecord, WriteNote
from mappings.person import FieldName, Person, Uid, Value
from mappings.record import AccountName, Etag, NoteHash, NotePath, Record, RemoteId
from mappings.returns import Undone
from mappings.world import NoteState, Tombstone
from proof.memory_state import JOURNAL, LINKS, RECORDS, Page, Store
from proof.quick import Vault
from proof.whole_mutants import base_from_the_server, feed_cut_short, gone_at_the_first_look

Patch = pytest.MonkeyPatch


def base_before_the_note(patch: Patch) -> None:
    """The base is stored with the intent, before the note is written."""
    intend: Callable[[Store, RunId, Sequence[Operation], datetime], list[OperationId]] = JOURNAL.intend

    def early(tx: Store, of_run: RunId, operations: Sequence[Operation], at: datetime) -> list[OperationId]:
        for step in operations:
            for agreed in step.agreed if isinstance(step, WriteNote) else ():
                LINKS.agree(tx, agreed.account, step.uid, agreed.values)
        return intend(tx, of_run, operations, at)

    patch.setattr(JOURNAL, "intend", early)


def base_before_the_record(patch: Patch) -> None:
    """The base is stored with the intent, before the record is written."""
    intend: Callable[[Store, RunId, Sequence[Operation], datetime], list[OperationId]] = JOURNAL.intend

    def early(tx: Store, of_run: RunId, operations: Sequence[Operation], at: datetime) -> list[OperationId]:
        for step in operations:
            if isinstance(step, UpdateRecord):
                LINKS.agree(tx, step.account, step.uid, step.agreed.values)
        return intend(tx, of_run, operations, at)

    patch.setattr(JOURNAL, "intend", early)


def no_precondition(patch: Patch) -> None:
    """A record is written over whatever it has become since it was read."""
    update = Memory.update

    def unguarded(self: Memory, intents: Sequence[UpdateRecord]) -> Iterator[Written | RecordError]:
        for intent in intents:
            for found in self.read([intent.remote_id]):
                yield from update(self, [replace(intent, etag=found.etag) if isinstance(found, Record) else intent])

    patch.setattr(Memory, "update", unguarded)


def old_body_sent_again(patch: Patch) -> None:
    """After a refusal because the record moved on, the same body is sent with the new etag."""
    update = Memory.update

    def stubborn(self: Memory, intents: Sequence[UpdateRecord]) -> Iterator[Written | RecordError]:
        for intent in intents:
            for outcome in update(self, [intent]):
                again = intent
                for found in self.read([intent.remote_id]) if isinstance(outcome, PreconditionFailed) else ():
                    again = replace(intent, etag=found.etag) if isinstance(found, Record) else intent
                yield from update(self, [again]) if again is not intent else [outcome]

    patch.setattr(Memory, "update", stubborn)


def note_written_unseen(patch: Patch) -> None:
    """A note is replaced whatever it has become since it was read."""
    replaced = Vault.replace

    def unseen(self: Vault, path: NotePath, expected: NoteHash, content: Page) -> None:
        replaced(self, path, self.pages[path][0] if path in self.pages else expected, content)

    def read_anew(self: Vault, path: NotePath, expected: NoteHash, content: Page) -> None:
        self.step("replace asked")
        unseen(self, path, expected, content)

    patch.setattr(Vault, "replace", read_anew)


def whole_records(patch: Patch) -> None:
    """The note's person is taken whole, not field by field."""

    def whole(  # as `merge`
        uid: Uid, ours: Person, sides: Sequence[Side], takes: frozenset[FieldName], undone: Undone, decided: Decided
    ) -> Merged:
        merged = merge(uid, ours, sides, takes, undone, decided)
        verdicts: dict[FieldName, Verdict] = {
            name: replace(verdict, value=value_of(ours, name), sources=("note",), conflict=None)
            for name, verdict in merged.verdicts.items()
        }
        return Merged(ours, verdicts)

    patch.setattr(person_plan, "merge", whole)


def clash_told_to_nobody(patch: Patch) -> None:
    """Where both sides differ the note wins, and nothing says so."""

    def silent(  # as `merge`
        uid: Uid, ours: Person, sides: Sequence[Side], takes: frozenset[FieldName], undone: Undone, decided: Decided
    ) -> Merged:
        merged = merge(uid, ours, sides, takes, undone, decided)
        return Merged(
            merged.person, {name: replace(verdict, conflict=None) for name, verdict in merged.verdicts.items()}
        )

    patch.setattr(person_plan, "merge", silent)


def unmounted_vault_unnoticed(patch: Patch) -> None:
    """A vault that is not mounted is an empty one."""

    def unproven(self: Vault) -> None:
        del self

    patch.setattr(Vault, "check_identity", unproven)


def unmapped_data_dropped(patch: Patch) -> None:
    """A record is written anew, with only what we know of it."""
    edit = Book.edit

    def anew(self: Book, remote_id: RemoteId, changes: Mapping[FieldName, Value], uid: Uid | None = None) -> None:
        edit(self, remote_id, changes, uid)
        entries: dict[RemoteId, Entry] = vars(self)["_entries"]
        entries[remote_id] = replace(entries[remote_id], extra="")

    patch.setattr(Book, "edit", anew)


def echo_every_round(patch: Patch) -> None:
    """What was written is never remembered as agreed on."""

    def forget(tx: Store, account: AccountName, uid: Uid, values: Mapping[FieldName, Value]) -> None:
        del tx, account, uid, values

    patch.setattr(LINKS, "agree", forget)


def base_wiped_with_the_cursor(patch: Patch) -> None:
    """A cursor that expired takes the bases with it."""

    def wiped(account: Account, state: Store, known: Mapping[RemoteId, Etag], now: datetime) -> ChangeSet:
        del now
        try:
            return account.contacts.changes(state.reader(account.name).cursor, known)
        except CursorExpired:
            for (name, _), pairing in state.links.items():
                if name == account.name:
                    pairing.base.clear()
            return account.contacts.changes(None, known)

    patch.setattr(gather, "_changes", wiped)


def create_without_looking(patch: Patch) -> None:
    """A record is made without looking for one that carries the uid already, neither by the cycle nor by the connector."""

    def blind(self: Book, uid: Uid) -> None:
        del self, uid

    def unconcerned(state: Store, account: AccountName) -> Mapping[Uid, datetime]:
        del state, account
        return {}

    patch.setattr(Book, "with_uid", blind)
    patch.setattr(JOURNAL, "unclear_creates", unconcerned)


def intents_forgotten(patch: Patch) -> None:
    """What was written when the answer was lost is not learnt from what stands there."""

    def forget(tx: Store, uid: Uid, agreed: Agreed) -> None:
        del tx, uid, agreed

    patch.setattr(recover, "_agree", forget)


def crash_never_made_good(patch: Patch) -> None:
    """What a process that ended had begun is not looked at by the next one."""

    def nothing(state: Store) -> tuple[Unfinished, ...]:
        del state
        return ()

    patch.setattr(JOURNAL, "unfinished", nothing)


def deletions_forgotten(patch: Patch) -> None:
    """A pair that a deletion parted may be made again."""

    def nothing(tx: Store, tombstone: Tombstone, reason: object, at: datetime) -> None:
        del tx, tombstone, reason, at

    patch.setattr(LINKS, "bury", nothing)


def adopted_on_linking(patch: Patch) -> None:
    """Who meets a record for the first time is held to have agreed on whatever it says."""
    add_link: Callable[[Store, AccountName, Uid, RemoteId], None] = LINKS.add_link

    def adopt(tx: Store, account: AccountName, uid: Uid, remote_id: RemoteId) -> None:
        add_link(tx, account, uid, remote_id)
        row = tx.reader(account).rows.get(remote_id)
        if row is not None and row.record is not None:
            person = row.record.person
            tx.links[account, uid].base.update({name: value_of(person, name) for name in FIELDS})

    patch.setattr(LINKS, "add_link", adopt)


def base_of_the_note_on_linking(patch: Patch) -> None:
    """A lost state is made up for by taking what records say for news, whatever the notes say."""
    add_link: Callable[[Store, AccountName, Uid, RemoteId], None] = LINKS.add_link
    match: Callable[..., object] = vars(gather)["world"]
    notes: dict[Uid, NoteState] = {}

    def remember(setup: object, state: Store, scanned: SimpleNamespace, reports: object) -> object:
        notes.clear()
        notes.update({note.uid: note for note in scanned.notes})
        return match(setup, state, scanned, reports)

    def adopt(tx: Store, account: AccountName, uid: Uid, remote_id: RemoteId) -> None:
        add_link(tx, account, uid, remote_id)
        if uid in notes:
            person = notes[uid].reading.person
            tx.links[account, uid].base.update({name: value_of(person, name) for name in FIELDS})

    patch.setattr(gather, "world", remember)
    patch.setattr(LINKS, "add_link", adopt)


def one_bad_record_stops_all(patch: Patch) -> None:
    """An account in which one record is not understood is not read."""
    changes = Memory.changes

    def strict(self: Memory, since: Cursor | None, known: Mapping[RemoteId, Etag]) -> ChangeSet:
        found = changes(self, since, known)
        if found.unreadable:
            raise Misunderstood("a record is not understood", "")
        return found

    patch.setattr(Memory, "changes", strict)


def last_account_forgotten(patch: Patch) -> None:
    """A person is merged with his first account alone."""
    whole: Callable[..., object] = vars(person_plan)["plan_person"]

    def first(note: NoteState, pairs: Sequence[object], *others: object) -> object:
        return whole(note, pairs[:1], *others)

    patch.setattr("mappings.plan.plan_person", first)


def stale_rows_kept(patch: Patch) -> None:
    """What a feed brings of a record that is known already is not stored."""
    store: Callable[[Store, AccountName, ChangeSet, datetime], None] = RECORDS.store_change_set

    def keep(tx: Store, account: AccountName, found: ChangeSet, at: datetime) -> None:
        rows = tx.reader(account).rows
        store(tx, account, replace(found, records=tuple(one for one in found.records if one.remote_id not in rows)), at)

    patch.setattr(RECORDS, "store_change_set", keep)


MUTANTS: Mapping[Callable[[Patch], None], str] = {
    base_before_the_note: "I12",
    base_before_the_record: "I12",
    no_precondition: "I9",
    old_body_sent_again: "I9",
    note_written_unseen: "I3",
    whole_records: "I3",
    clash_told_to_nobody: "I14",
    unmounted_vault_unnoticed: "I7",
    unmapped_data_dropped: "I5",
    echo_every_round: "I2",
    feed_cut_short: "I1",
    base_wiped_with_the_cursor: "I4",
    create_without_looking: "I8",
    base_from_the_server: "I10",
    intents_forgotten: "I4",
    crash_never_made_good: "I11",
    gone_at_the_first_look: "I7",
    deletions_forgotten: "I7",
    adopted_on_linking: "I21",
    base_of_the_note_on_linking: "I21",
    one_bad_record_stops_all: "I17",
    last_account_forgotten: "I1",
    stale_rows_kept: "I1",
}
"""Each with the invariant of the reliability notes that it is about."""
