"""Known bugs for the whole tier, put into the program one at a time.

Each is a bug that programs of this kind have had. A mutant names what it replaces, so that one which no longer fits
the program fails instead of passing for nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

import pytest

from connectors.errors import CursorExpired, RecordError, TryLater
from connectors.interface import ChangeSet, Written
from connectors.memory import Book, Entry, Memory
from daemon import conflicts, gather, journal, links, records, recover, scan
from daemon import returns as daemon_returns
from daemon.codec import pack_base
from daemon.intents import Write
from daemon.journal import OperationId, RunId, Unfinished
from daemon.setup import Account
from daemon.state import State, Transaction
from daemon.vault import Listing, NoteFile
from mappings import note, person_plan, plan, returns
from mappings.conflict import Conflict, Decided
from mappings.fields import value_of
from mappings.merge import Merged, Side, Verdict, merge
from mappings.note_rules import NoteRules
from mappings.operation import Agreed, CreateRecord, UpdateRecord, WriteNote
from mappings.person import FieldName, Person, Uid, Value
from mappings.record import AccountName, Etag, NoteHash, NotePath, Record, RemoteId
from mappings.returns import Undone
from mappings.world import AccountState, LinkState, NoteState, Return, Whereabouts, World
from simulation.vault import MemoryVault

Patch = pytest.MonkeyPatch


def base_before_the_note(patch: Patch) -> None:
    """The base is stored with the intent, before the note is written."""
    intend = journal.intend

    def early(tx: Transaction, of_run: RunId, operations: Sequence[Write], at: datetime) -> list[OperationId]:
        for step in operations:
            for agreed in step.agreed if isinstance(step, WriteNote) else ():
                links.agree(tx, agreed.account, step.uid, agreed.values)
        return intend(tx, of_run, operations, at)

    patch.setattr(journal, "intend", early)


def no_precondition(patch: Patch) -> None:
    """A record is written over whatever it has become since it was read."""
    update = Memory.update

    def unguarded(self: Memory, intents: Sequence[UpdateRecord]) -> Iterator[Written | RecordError]:
        for intent in intents:
            for found in self.read([intent.remote_id]):
                yield from update(self, [replace(intent, etag=found.etag) if isinstance(found, Record) else intent])

    patch.setattr(Memory, "update", unguarded)


def note_written_unseen(patch: Patch) -> None:
    """A note is replaced whatever it has become since it was read."""
    replaced = MemoryVault.replace

    def unseen(self: MemoryVault, path: NotePath, expected: NoteHash, content: bytes) -> NoteFile:
        del expected
        return replaced(self, path, MemoryVault.read(self, path).note_hash, content)

    patch.setattr(MemoryVault, "replace", unseen)


def conflict_not_logged(patch: Patch) -> None:
    """A clash that a rule settles leaves no trace."""

    def forget(tx: Transaction, found: Iterable[Conflict], at: datetime, of_run: RunId) -> None:
        del tx, found, at, of_run

    patch.setattr(conflicts, "record_settled", forget)


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


def unmounted_vault_unnoticed(patch: Patch) -> None:
    """A vault that is not mounted is an empty one."""
    listing = MemoryVault.listing

    def unproven(self: MemoryVault) -> None:
        del self

    def empty(self: MemoryVault) -> Listing:
        return listing(self) if self.mounted else Listing((), (), (), ())

    patch.setattr(MemoryVault, "check_identity", unproven)
    patch.setattr(MemoryVault, "listing", empty)


def unmapped_data_dropped(patch: Patch) -> None:
    """A record is written anew, with only what we know of it."""
    edit = Book.edit

    def anew(self: Book, remote_id: RemoteId, changes: Mapping[FieldName, Value], uid: Uid | None = None) -> None:
        edit(self, remote_id, {**changes, "tags": ()}, uid)

    patch.setattr(Book, "edit", anew)


def echo_every_round(patch: Patch) -> None:
    """What was written is never remembered as agreed on."""

    def forget(tx: Transaction, account: AccountName, uid: Uid, values: Mapping[FieldName, Value]) -> None:
        del tx, account, uid, values

    patch.setattr(links, "agree", forget)


def feed_cut_short(patch: Patch) -> None:
    """A feed that breaks off between two pages is taken for one that ended."""
    pages: Callable[[Memory, Sequence[RemoteId]], Iterator[tuple[RemoteId, Entry]]] = vars(Memory)["_pages"]

    def until_it_breaks(self: Memory, remote_ids: Sequence[RemoteId]) -> Iterator[tuple[RemoteId, Entry]]:
        with suppress(TryLater):
            yield from pages(self, remote_ids)

    patch.setattr(Memory, "_pages", until_it_breaks)


def base_wiped_with_the_cursor(patch: Patch) -> None:
    """A cursor that expired takes the bases with it."""

    def wiped(account: Account, state: State, known: Mapping[RemoteId, Etag], now: datetime) -> ChangeSet:
        del now
        try:
            return account.contacts.changes(records.account_row(state, account.name).cursor, known)
        except CursorExpired:
            with state.transaction() as tx:
                tx.run("UPDATE links SET base = ? WHERE account = ?", (pack_base({}), account.name))
            return account.contacts.changes(None, known)

    patch.setattr(gather, "_changes", wiped)


def create_without_looking(patch: Patch) -> None:
    """A record is made without looking for one that carries the uid already, neither by the cycle nor by the connector."""

    def blind(self: Book, uid: Uid) -> None:
        del self, uid

    def unconcerned(state: State, account: AccountName) -> Mapping[Uid, datetime]:
        del state, account
        return {}

    patch.setattr(Book, "with_uid", blind)
    patch.setattr(journal, "unclear_creates", unconcerned)


def base_from_the_server(patch: Patch) -> None:
    """After an answer that was lost, the base is what the record says by now."""
    agree: Callable[[Transaction, Uid, Agreed], None] = vars(recover)["_agree"]
    settle: Callable[..., None] = vars(recover)["_settle_create"]

    def from_server(
        tx: Transaction, intent: Unfinished, step: CreateRecord, account: AccountState, *others: object
    ) -> None:
        settle(tx, intent, step, account, *others)
        for record in account.records.values():
            if record.uid == step.uid:
                now: dict[FieldName, Value] = {name: value_of(record.person, name) for name in step.agreed.values}
                agree(tx, step.uid, Agreed(step.account, now))

    patch.setattr(recover, "_settle_create", from_server)


def gone_at_the_first_look(patch: Patch) -> None:
    """One look that misses a note is enough to call it deleted."""
    patch.setattr("mappings.plan.LOOKS_BEFORE_ABSENT", 1)


def qualifiers_kept(patch: Patch) -> None:
    """A note's line loses what stands behind a value although the value stays."""
    put = note.put

    def careless(
        path: NotePath, text: str, changes: Mapping[FieldName, Value], uid: Uid | None, rules: NoteRules
    ) -> str:
        return put(path, text, changes, uid, rules).replace(" (of two)", "").replace("  # by hand", "")

    patch.setattr(note, "put", careless)


def moved_without_its_base(patch: Patch) -> None:
    """A record that goes by another id is linked as if nobody had known it."""
    follow = links.follow

    def anew(tx: Transaction, account: AccountName, uid: Uid, remote_id: RemoteId) -> None:
        follow(tx, account, uid, remote_id)
        tx.run("UPDATE links SET base = ? WHERE account = ? AND uid = ?", (pack_base({}), account, uid))

    patch.setattr(links, "follow", anew)


def kept_apart_without_its_base(patch: Patch) -> None:
    """What a note and a record had agreed on is forgotten when the note stops being a person's."""
    suspend = links.suspend

    def forgetful(tx: Transaction, account: AccountName, uid: Uid, at: datetime) -> None:
        suspend(tx, account, uid, at)
        tx.run("UPDATE links SET base = ? WHERE account = ? AND uid = ?", (pack_base({}), account, uid))

    patch.setattr(links, "suspend", forgetful)


def nobodys_taken_for_deleted(patch: Patch) -> None:
    """A note that is no person's any more is one that was deleted."""

    def gone(*_: object) -> Whereabouts:
        return Whereabouts.GONE

    patch.setattr(scan, "_whereabouts", gone)


def old_buffers_believed(patch: Patch) -> None:
    """A note that an editor saved from an old buffer is an edit like any other."""
    find = returns.find

    def of_contacts(world: World, people: Mapping[Uid, NoteState]) -> tuple[Return, ...]:
        return tuple(one for one in find(world, people) if one.side != returns.THE_NOTE)

    patch.setattr(returns, "find", of_contacts)


def old_copies_believed(patch: Patch) -> None:
    """A contact that a program sent from an old copy is an edit like any other."""
    find = returns.find

    def of_notes(world: World, people: Mapping[Uid, NoteState]) -> tuple[Return, ...]:
        return tuple(one for one in find(world, people) if one.side == returns.THE_NOTE)

    patch.setattr(returns, "find", of_notes)


def returns_forgotten(patch: Patch) -> None:
    """What an old copy has undone is known only as long as the write is recent."""

    def forget(tx: Transaction, found: Iterable[Return]) -> None:
        del tx, found

    patch.setattr(daemon_returns, "remember", forget)


def touched_contact_deleted(patch: Patch) -> None:
    """A contact follows its note although something that is not compared was changed in it."""
    is_as_agreed: Callable[[Record, LinkState, AccountState], bool] = vars(plan)["_is_as_agreed"]

    def untouched(record: Record, link: LinkState, account: AccountState) -> bool:
        return is_as_agreed(record, replace(link, etag=record.etag), account)

    patch.setattr(plan, "_is_as_agreed", untouched)


MUTANTS: Mapping[Callable[[Patch], None], tuple[str, int]] = {
    base_before_the_note: ("I12", 50),
    no_precondition: ("I9", 60),
    note_written_unseen: ("I3", 20),
    conflict_not_logged: ("I14", 10),
    whole_records: ("I3", 1),
    unmounted_vault_unnoticed: ("I7", 110),
    unmapped_data_dropped: ("I5", 20),
    echo_every_round: ("I2", 10),
    feed_cut_short: ("I1", 20),
    base_wiped_with_the_cursor: ("I4", 10),
    create_without_looking: ("I8", 280),
    base_from_the_server: ("I10", 460),
    gone_at_the_first_look: ("I7", 1),
    qualifiers_kept: ("I5", 1),
    old_buffers_believed: ("I15", 1),
    old_copies_believed: ("I15", 1),
    returns_forgotten: ("I15", 1),
    touched_contact_deleted: ("I7", 270),
    moved_without_its_base: ("I4", 1),
    kept_apart_without_its_base: ("I4", 1),
    nobodys_taken_for_deleted: ("I7", 1),
}
"""Each with the invariant that it is about, and the seed to begin at: a little before the one that finds it."""
