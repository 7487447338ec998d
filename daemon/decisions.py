"""What the owner has decided: values chosen for conflicts, and fields put back that are to stand still.

Each counts for one state of the sides only (`mappings.conflict`). One that fits nothing any more is dropped by the next
run that could see all of its sides, so that the same clash, should it come again, is asked about again.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from daemon.codec import pack_sides, pack_value, time_text, unpack_sides, unpack_value
from daemon.state import Readable, Transaction
from mappings.conflict import Bare, ConflictId, Decided, Standstill
from mappings.fields import FIELDS
from mappings.person import FieldName, Uid, Value
from mappings.record import AccountName, NoteHash


def decided(state: Readable) -> Decided:
    """Return everything that the owner has decided and that was not dropped yet."""
    chosen = state.all("SELECT conflict, value FROM choices")
    still = state.all("SELECT uid, field, ours, theirs FROM standstills")
    standstills = (
        Standstill(Uid(uid), name, unpack_value(ours), unpack_sides(theirs))
        for uid, field, ours, theirs in still
        for name in FIELDS
        if name == field
    )
    bare = state.all("SELECT uid, note_hash, accounts FROM bare")
    return Decided(
        choices={ConflictId(conflict): unpack_value(value) for conflict, value in chosen},
        standstills={(one.uid, one.field): one for one in standstills},
        bare={
            Uid(uid): Bare(NoteHash(note_hash), frozenset(map(AccountName, json.loads(accounts))))
            for uid, note_hash, accounts in bare
        },
    )


def choose(tx: Transaction, conflict: ConflictId, uid: Uid, value: Value, at: datetime) -> None:
    """Remember what all sides of a conflict are to say; a later choice replaces an earlier one."""
    tx.run("INSERT OR REPLACE INTO choices VALUES (?, ?, ?, ?)", (conflict, uid, pack_value(value), time_text(at)))


def stand_still(tx: Transaction, standstills: Iterable[Standstill], at: datetime) -> None:
    """Remember fields that are to stay as they are; a later one replaces an earlier one of the same field."""
    tx.run_each(
        "INSERT OR REPLACE INTO standstills VALUES (?, ?, ?, ?, ?)",
        ((one.uid, one.field, pack_value(one.ours), pack_sides(one.theirs), time_text(at)) for one in standstills),
    )


def keep_bare(tx: Transaction, people: Mapping[Uid, Bare]) -> None:
    """Remember people whose uid is to stay out of their note and contacts while the note is as it is."""
    tx.run_each(
        "INSERT OR REPLACE INTO bare VALUES (?, ?, ?)",
        ((uid, one.note_hash, json.dumps(sorted(one.accounts))) for uid, one in people.items()),
    )


def move_again(tx: Transaction, fields: Iterable[tuple[Uid, FieldName]]) -> None:
    """Forget that fields stand still."""
    tx.run_each("DELETE FROM standstills WHERE uid = ? AND field = ?", fields)


def drop_outdated(tx: Transaction, found: Collection[ConflictId], seen: Mapping[Uid, NoteHash]) -> None:
    """Forget what was decided about people that were seen whole, and fits them no more.

    Shapes: `found` are the conflicts that there are; `seen` says what the people's notes are now.
    """
    changed = [uid for uid, kept in tx.all("SELECT uid, note_hash FROM bare") if seen.get(uid, kept) != kept]
    tx.run_each("DELETE FROM bare WHERE uid = ?", ((uid,) for uid in changed))
    outdated = [
        conflict
        for conflict, uid in tx.all("SELECT conflict, uid FROM choices")
        if uid in seen and conflict not in found
    ]
    tx.run_each("DELETE FROM choices WHERE conflict = ?", ((conflict,) for conflict in outdated))


def rename_account(tx: Transaction, old: AccountName, new: AccountName) -> None:
    """Give an account another name in every standstill.

    A conflict whose account is called otherwise is another conflict: a choice that was not carried out is asked for
    once more.
    """
    for uid, field, packed in tx.all("SELECT uid, field, theirs FROM standstills"):
        theirs = {new if account == old else account: value for account, value in unpack_sides(packed).items()}
        tx.run("UPDATE standstills SET theirs = ? WHERE uid = ? AND field = ?", (pack_sides(theirs), uid, field))
    for uid, packed in tx.all("SELECT uid, accounts FROM bare"):
        accounts = sorted(new if account == old else account for account in json.loads(packed))
        tx.run("UPDATE bare SET accounts = ? WHERE uid = ?", (json.dumps(accounts), uid))
