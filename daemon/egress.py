"""What has left the notes: which fields of whom were sent to which account, when and how often. No value is kept here.

It outlives the journal, the link and the account: what once left stays told.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from daemon.codec import time_of, time_text
from daemon.state import Readable, Transaction
from mappings.fields import FIELDS, texts, value_of
from mappings.operation import CreateRecord, DeleteRecord, RemoteWrite, RestoreRecord, UpdateRecord
from mappings.person import Uid
from mappings.record import AccountName

UID = "uid"
"""Told beside the fields: our own name of a person, which a record carries."""

EVERYTHING = "as it was before"
"""Told in the place of fields where a whole record was put back."""


@dataclass(frozen=True, slots=True)
class Left:
    """One field of one person that was sent to one account."""

    account: AccountName
    uid: Uid
    field: str
    first_at: datetime
    last_at: datetime
    times: int


def note_sent(tx: Transaction, step: RemoteWrite, at: datetime) -> None:
    """Remember what a write that was carried out has sent."""
    tx.run_each(
        "INSERT INTO egress VALUES (?, ?, ?, ?, ?, 1) ON CONFLICT DO UPDATE"
        " SET last_at = excluded.last_at, times = times + 1",
        ((step.account, step.uid, name, time_text(at), time_text(at)) for name in _sent(step)),
    )


def left(state: Readable) -> tuple[Left, ...]:
    """Return everything that was ever sent, by account and person."""
    rows = state.all("SELECT account, uid, field, first_at, last_at, times FROM egress ORDER BY account, uid, field")
    return tuple(
        Left(AccountName(account), Uid(uid), name, time_of(first_at), time_of(last_at), times)
        for account, uid, name, first_at, last_at, times in rows
    )


def rename_account(tx: Transaction, old: AccountName, new: AccountName) -> None:
    """Give an account another name; what was sent to one of that name before is told together with it."""
    tx.run(
        "INSERT INTO egress SELECT ?, uid, field, first_at, last_at, times FROM egress WHERE account = ?"
        " ON CONFLICT DO UPDATE SET first_at = min(first_at, excluded.first_at),"
        " last_at = max(last_at, excluded.last_at), times = times + excluded.times",
        (new, old),
    )
    tx.run("DELETE FROM egress WHERE account = ?", (old,))


def _sent(step: RemoteWrite) -> Iterator[str]:
    match step:
        case CreateRecord():
            yield UID
            yield from (name for name in FIELDS if texts(value_of(step.person, name)))
        case UpdateRecord():
            yield from (UID,) if step.insert_uid else ()
            # What is emptied tells nothing of anybody.
            yield from (change.field for change in step.changes if texts(change.after))
        case RestoreRecord():
            yield from (EVERYTHING,) if step.before is not None else ()
        case DeleteRecord():
            return
        case _:
            assert_never(step)
