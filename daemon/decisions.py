"""What the owner has decided: values chosen for conflicts, and fields put back that are to stand still.

Each counts for one state of the sides only (`mappings.conflict`). One that fits nothing any more is dropped by the next
run that could see all of its sides, so that the same clash, should it come again, is asked about again.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

from daemon.codec import pack_sides, pack_value, time_of, time_text, unpack_sides, unpack_value
from daemon.state import Readable, Transaction
from mappings.conflict import Bare, ConflictId, Decided, Standstill
from mappings.fields import FIELDS
from mappings.person import FieldName, Uid, Value
from mappings.record import AccountName, NoteHash


def decided(state: Readable) -> Decided:
    """Return everything that the owner has decided and that was not dropped yet."""
    chosen = state.all("SELECT conflict, value FROM choices")
    bare = state.all("SELECT uid, note_hash, accounts FROM bare")
    return Decided(
        choices={ConflictId(conflict): unpack_value(value) for conflict, value in chosen},
        standstills={(one.uid, one.field): one for one, _ in standstills(state)},
        bare={
            Uid(uid): Bare(NoteHash(note_hash), frozenset(map(AccountName, json.loads(accounts))))
            for uid, note_hash, accounts in bare
        },
    )


def standstills(state: Readable) -> tuple[tuple[Standstill, datetime], ...]:
    """Return the fields that stand still, the oldest first, and since when.

    Result: `theirs` are the accounts that the person is still linked in: what a contact says from which the note was
    parted since is no side any more.
    """
    rows = state.all("SELECT uid, field, ours, theirs, at FROM standstills ORDER BY at, uid, field")
    linked: set[tuple[AccountName, Uid]] = set(state.all("SELECT account, uid FROM links")) if rows else set()
    return tuple(
        (
            Standstill(Uid(uid), name, unpack_value(ours), _of_linked(Uid(uid), unpack_sides(theirs), linked)),
            time_of(at),
        )
        for uid, field, ours, theirs, at in rows
        for name in FIELDS
        if name == field
    )


def _of_linked(
    uid: Uid, theirs: Mapping[AccountName, Value], linked: AbstractSet[tuple[AccountName, Uid]]
) -> Mapping[AccountName, Value]:
    return {account: value for account, value in theirs.items() if (account, uid) in linked}


def choose(tx: Transaction, conflict: ConflictId, uid: Uid, value: Value, at: datetime) -> None:
    """Remember what all sides of a conflict are to say; a later choice replaces an earlier one."""
    tx.run("INSERT OR REPLACE INTO choices VALUES (?, ?, ?, ?)", (conflict, uid, pack_value(value), time_text(at)))


def stand_still(tx: Transaction, put_back: Sequence[Standstill], at: datetime) -> None:
    """Remember fields that are to stay as they are; a later one replaces an earlier one of the same field.

    What was chosen earlier for just these sides is forgotten: the undo has taken that back.
    """
    tx.run_each("DELETE FROM choices WHERE conflict = ?", ((one.id,) for one in put_back))
    tx.run_each(
        "INSERT OR REPLACE INTO standstills VALUES (?, ?, ?, ?, ?)",
        ((one.uid, one.field, pack_value(one.ours), pack_sides(one.theirs), time_text(at)) for one in put_back),
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
