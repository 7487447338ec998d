"""Settle what an earlier run left unclear: intents without an outcome, after a crash or a lost answer.

Theory of operation. An intent says which values were about to be written to one side, all of which the other side
already held. So there is one question for each value: is it there now? If so, both sides have held it, and the base
may say so; if not, either it never arrived or somebody has changed it since, and the base stays as it was. The rest
is the normal path: the next plan sees both sides as they are. Nothing is ever sent again from here.

A create is found again by the uid that it carries. What the new record says *now* does not matter for the base: it
was made from the payload in the intent, and a remote edit since then must be seen as one.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from daemon import journal, links, records
from daemon.journal import Unfinished
from daemon.state import State, Transaction
from mappings.fields import same, value_of
from mappings.moves import moves
from mappings.operation import (
    Agreed,
    CreateNote,
    CreateRecord,
    DeleteRecord,
    NoteWrite,
    Parting,
    RemoveNote,
    RestoreNote,
    RestoreRecord,
    UpdateRecord,
    WriteNote,
    values_after,
)
from mappings.person import FieldName, Person, Uid, Value
from mappings.record import AccountName, Record
from mappings.world import AccountState, NoteState, Tombstone, World

_NOTHING: Mapping[FieldName, Value] = {}


def recover(state: State, world: World, read: AbstractSet[AccountName], now: datetime) -> bool:
    """Settle every open intent whose side could be read; tell whether anything was settled.

    Shapes: `read` are the accounts that were read after the intents were made.
    Result: True means that links or bases have changed, and the world is to be put together anew.
    Intents about notes and accounts that cannot be read now stay open: their answer is still out.
    """
    unfinished = [one for one in journal.unfinished(state) if one.operation.uid not in world.unreadable_people]
    notes = {note.uid: note for note in world.notes}
    accounts = {account.name: _followed(account, world) for account in world.accounts if account.name in read}
    linked = {(link.account, link.uid) for link in (*world.links, *world.suspended)}
    settled = False
    with state.transaction() as tx:
        for intent in unfinished:
            settled |= _settle(tx, intent, notes, accounts, linked, now)
    return settled


def _settle(
    tx: Transaction,
    intent: Unfinished,
    notes: Mapping[Uid, NoteState],
    accounts: Mapping[AccountName, AccountState],
    linked: AbstractSet[tuple[AccountName, Uid]],
    now: datetime,
) -> bool:
    step = intent.operation
    if isinstance(step, NoteWrite):
        _settle_note_write(tx, intent, step, notes.get(step.uid), linked, now)
        return True
    account = accounts.get(step.account)
    if account is None:
        return False
    match step:
        case CreateRecord():
            _settle_create(tx, intent, step, account, linked)
        case UpdateRecord():
            _settle_update(tx, intent, step, account.records.get(step.remote_id))
        case DeleteRecord():
            _settle_delete(tx, intent, step, account, Parting.NOTE_DELETED, now)
        case RestoreRecord(before=None):
            _settle_delete(tx, intent, step, account, Parting.UNDONE, now)
        case RestoreRecord(after=None):
            _settle_create(tx, intent, step, account, linked)
        case RestoreRecord():
            journal.dropped(tx, intent.id, "cut short")
    return True


def _settle_note_write(
    tx: Transaction,
    intent: Unfinished,
    step: NoteWrite,
    note: NoteState | None,
    linked: AbstractSet[tuple[AccountName, Uid]],
    now: datetime,
) -> None:
    match step:
        case WriteNote():
            _settle_note(tx, intent, step, note)
        case CreateNote():
            _settle_new_note(tx, intent, step, note, linked)
        case RemoveNote():
            _settle_removal(tx, intent, step, note, now)
        case RestoreNote():
            journal.dropped(tx, intent.id, "cut short")
        case _:
            assert_never(step)


def _followed(account: AccountState, world: World) -> AccountState:
    """Let a record that was renamed since be found under the id that an intent names."""
    found = {step.former_id: account.records[step.remote_id] for step in moves(account, world)}
    missing = {remote_id: looks for remote_id, looks in account.missing.items() if remote_id not in found}
    return replace(account, records={**account.records, **found}, missing=missing) if found else account


def _settle_note(tx: Transaction, intent: Unfinished, step: WriteNote, note: NoteState | None) -> None:
    arrived = _arrived(values_after(step.changes), note.reading.person) if note is not None else _NOTHING
    for agreed in step.agreed:
        _agree(
            tx,
            step.uid,
            Agreed(agreed.account, {name: value for name, value in agreed.values.items() if name in arrived}),
        )
    journal.dropped(tx, intent.id, f"cut short; {len(arrived)} of {len(step.changes)} values are in the note")
    if note is not None and note.note_hash == step.note_hash:
        journal.unchanged(tx, intent.id)


def _settle_new_note(
    tx: Transaction,
    intent: Unfinished,
    step: CreateNote,
    note: NoteState | None,
    linked: AbstractSet[tuple[AccountName, Uid]],
) -> None:
    if note is not None:
        for one in step.joined:
            # The owner may have linked the person by hand meanwhile.
            if (one.agreed.account, step.uid) not in linked:
                links.join(tx, step.uid, one)
    journal.dropped(tx, intent.id, "cut short; the note was made" if note else "cut short; no note was made")


def _settle_removal(
    tx: Transaction, intent: Unfinished, step: RemoveNote, note: NoteState | None, now: datetime
) -> None:
    if note is None:
        for one in step.joined:
            links.remove_link(tx, one.agreed.account, step.uid)
            links.bury(tx, Tombstone(one.agreed.account, step.uid, one.remote_id), Parting.NOTE_UNDONE, now)
    journal.dropped(tx, intent.id, "cut short; the note is still there" if note else "cut short; the note is gone")


def _settle_create(
    tx: Transaction,
    intent: Unfinished,
    step: CreateRecord | RestoreRecord,
    account: AccountState,
    linked: AbstractSet[tuple[AccountName, Uid]],
) -> None:
    made = [record for record in account.records.values() if record.uid == step.uid]
    # The owner may have linked the person by hand meanwhile.
    if len(made) == 1 and (step.account, step.uid) not in linked and step.agreed is not None:
        if isinstance(step, RestoreRecord):
            links.unbury(tx, step.account, step.uid, step.remote_id)
        links.add_link(tx, step.account, step.uid, made[0].remote_id)
        _agree(tx, step.uid, step.agreed)
    journal.dropped(tx, intent.id, "cut short; the contact was made" if made else "cut short; no contact was made")


def _settle_update(tx: Transaction, intent: Unfinished, step: UpdateRecord, record: Record | None) -> None:
    arrived = _arrived(values_after(step.changes), record.person) if record is not None else _NOTHING
    values: dict[FieldName, Value] = {name: value for name, value in step.agreed.values.items() if name in arrived}
    _agree(tx, step.uid, Agreed(step.account, values))
    journal.dropped(tx, intent.id, f"cut short; {len(arrived)} of {len(step.changes)} values are in the contact")
    if record is not None and record.etag == step.etag:
        journal.unchanged(tx, intent.id)


def _settle_delete(
    tx: Transaction,
    intent: Unfinished,
    step: DeleteRecord | RestoreRecord,
    account: AccountState,
    parting: Parting,
    now: datetime,
) -> None:
    gone = step.remote_id not in account.records or step.remote_id in account.missing
    if gone:
        links.remove_link(tx, step.account, step.uid)
        links.bury(tx, Tombstone(step.account, step.uid, step.remote_id), parting, now)
        records.forget_record(tx, step.account, step.remote_id)
    journal.dropped(
        tx, intent.id, "cut short; the contact is gone" if gone else "cut short; the contact is still there"
    )


def _arrived(wanted: Mapping[FieldName, Value], person: Person) -> Mapping[FieldName, Value]:
    return {name: value for name, value in wanted.items() if same(name, value_of(person, name), value)}


def _agree(tx: Transaction, uid: Uid, agreed: Agreed) -> None:
    if agreed.values:
        links.agree(tx, agreed.account, uid, agreed.values)
