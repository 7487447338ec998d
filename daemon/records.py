"""What was last read of every account: its records, how far it was read, and what was not found.

Who vouches for a row. `known` tells a connector what need not be sent again, so it names only rows that were there at
the last successful look and may be believed. The others must be sent if they exist:

- a *missing* row (a look did not find it): were it known, a record that comes back unchanged would not be sent, and
  would be missing for ever. A provider reports a removal only once, so each later successful look that does not send
  the row has missed it again.
- a *stale* row (`read_anew`, `look_for`: its reading may not be what the provider has): it keeps its reading until it is sent
  again; a complete read that does not send it has missed it.

A missing row keeps its reading until it is forgotten.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from connectors.interface import ChangeSet, Cursor
from daemon import conflicts, decisions, egress, journal
from daemon.codec import pack_reading, time_of, time_text, unpack_reading
from daemon.database import LOST_STATE_AT
from daemon.state import Parameter, Readable, Transaction, get_meta
from mappings.record import AccountName, Etag, Record, RemoteId
from mappings.world import LOOKS_BEFORE_ABSENT

_FORMER = "former account "
"""Meta, before a name: an account of that name was removed."""

_DAMAGED = "contactd's own copy of it is damaged; it is read anew when it changes, or when the whole account is"


@dataclass(frozen=True, slots=True)
class AccountRow:
    """What is remembered of one account; `recovering` as in `mappings.world.AccountState`.

    `rules` names those under which it was kept in step the last time (`daemon.rules`), "" before its first run.
    """

    account: AccountName
    cursor: Cursor | None
    last_success_at: datetime | None
    first_run_done: bool
    recovering: bool
    rules: str


def accounts(state: Readable) -> tuple[AccountName, ...]:
    """Return the accounts of which anything is remembered, by name."""
    return tuple(AccountName(account) for (account,) in state.all("SELECT account FROM accounts ORDER BY account"))


def account_row(state: Readable, account: AccountName) -> AccountRow:
    """Return what is remembered of an account.

    Result: one that was never read recovers if notes may know it: it was removed and has come back, or the state
    that knew it was lost.
    """
    sql = "SELECT cursor, last_success_at, first_run_done, recovering, rules FROM accounts WHERE account = ?"
    for cursor, last_success_at, first_run_done, recovering, rules in state.all(sql, (account,)):
        succeeded = None if last_success_at is None else time_of(last_success_at)
        return AccountRow(account, cursor, succeeded, bool(first_run_done), bool(recovering), rules)
    recovering = any(get_meta(state, key) is not None for key in (LOST_STATE_AT, _FORMER + account))
    return AccountRow(account, None, None, first_run_done=False, recovering=recovering, rules="")


def set_run_done(tx: Transaction, account: AccountName, rules: str) -> None:
    """Remember that a plan of the account was carried out, and under which rules."""
    _begin(tx, account)
    tx.run("UPDATE accounts SET first_run_done = 1, rules = ? WHERE account = ?", (rules, account))


def set_recovering(tx: Transaction, account: AccountName, recovering: bool) -> None:  # noqa: FBT001  # it is the value
    """Remember whether notes may carry uids of the account that an earlier state has given them."""
    _begin(tx, account)
    tx.run("UPDATE accounts SET recovering = ? WHERE account = ?", (recovering, account))


def known(state: Readable, account: AccountName) -> dict[RemoteId, Etag]:
    """Return what a connector need not send again."""
    rows = state.all(
        "SELECT remote_id, etag FROM records WHERE account = ? AND missing_looks = 0 AND NOT stale", (account,)
    )
    return {RemoteId(remote_id): Etag(etag) for remote_id, etag in rows}


def accounted_for(known: Mapping[RemoteId, Etag], changes: ChangeSet) -> int:
    """Return how many records an account has, of which `known` were known before a look; a feed tells only some."""
    if changes.complete:
        return changes.listed
    told = {*(each.remote_id for each in changes.records), *(each.remote_id for each in changes.unreadable)}
    return len((known.keys() | told) - set(changes.removed))


def records(
    state: Readable, account: AccountName
) -> tuple[dict[RemoteId, Record], dict[RemoteId, str], dict[RemoteId, int]]:
    """Return an account as last read: readable records, why others are not, and how often missing ones were missed.

    Missing records are in the first or second as well, as they last were.
    """
    readable: dict[RemoteId, Record] = {}
    unreadable: dict[RemoteId, str] = {}
    missing: dict[RemoteId, int] = {}
    sql = (
        "SELECT remote_id, etag, reading, unreadable_line, unreadable_reason, missing_looks"
        " FROM records WHERE account = ? ORDER BY remote_id"
    )
    for remote_id, etag, packed, line, reason, looks in state.all(sql, (account,)):
        if looks:
            missing[remote_id] = looks
        if packed is None:
            unreadable[remote_id] = reason if line is None else f"line {line}: {reason}"
        elif (reading := unpack_reading(packed)) is None:
            unreadable[remote_id] = _DAMAGED
        else:
            readable[remote_id] = Record(remote_id, etag, reading)
    return readable, unreadable, missing


def has_newly_gone(state: Readable, account: AccountName) -> bool:
    """Tell whether the last look was the one after which some record counts as deleted."""
    sql = "SELECT 1 FROM records WHERE account = ? AND missing_looks = ? LIMIT 1"
    return bool(state.all(sql, (account, LOOKS_BEFORE_ABSENT)))


def arrived(state: Readable, account: AccountName) -> dict[RemoteId, int]:
    """Return how many looks ago, the last one included, each record came that came after some missing one was seen."""
    sql = (
        "SELECT r.remote_id, a.looks - r.first_look + 1 FROM records r JOIN accounts a USING (account)"
        " WHERE account = ? AND r.first_look > a.looks -"
        " (SELECT max(missing_looks) FROM records WHERE account = a.account)"
    )
    return {RemoteId(remote_id): looks for remote_id, looks in state.all(sql, (account,))}


def is_linked(state: Readable, account: AccountName, remote_id: RemoteId) -> bool:
    """Tell whether a record is some note's."""
    return bool(state.all("SELECT 1 FROM links WHERE account = ? AND remote_id = ?", (account, remote_id)))


def store_change_set(tx: Transaction, account: AccountName, change_set: ChangeSet, at: datetime) -> None:
    """Store a successful look at an account whole: what it sent, what it missed, and how far it read."""
    _begin(tx, account)
    tx.run("UPDATE accounts SET looks = looks + 1 WHERE account = ?", (account,))
    _miss_again(tx, account)
    _miss(tx, account, change_set.removed)
    if change_set.complete:
        tx.run("UPDATE records SET missing_looks = 1 WHERE account = ? AND stale AND missing_looks = 0", (account,))
    tx.run_each(_PUT, _rows(account, change_set))
    tx.run(
        "UPDATE accounts SET cursor = ?, last_success_at = ? WHERE account = ?",
        (change_set.cursor, time_text(at), account),
    )


def put_record(tx: Transaction, account: AccountName, record: Record) -> None:
    """Store a record as it is after our own write."""
    tx.run(_PUT, _row(account, record))


def forget_record(tx: Transaction, account: AccountName, remote_id: RemoteId) -> None:
    """Forget a record that is gone and needs no further look."""
    tx.run("DELETE FROM records WHERE account = ? AND remote_id = ?", (account, remote_id))


def read_anew(tx: Transaction, account: AccountName) -> None:
    """Make the next look at an account a complete read that believes nothing; what was read last stays until then.

    For what the provider's own bookkeeping cannot know: a restored state, or a program that reads records otherwise.
    """
    tx.run("UPDATE records SET stale = 1 WHERE account = ?", (account,))
    tx.run("UPDATE accounts SET cursor = NULL WHERE account = ?", (account,))


def look_for(tx: Transaction, account: AccountName, remote_id: RemoteId) -> None:
    """Make the next look at an account a complete read, in which a record is sent if it is still there, or missed.

    For one that was not found when it was to be written, and of whose removal the provider may never tell.
    """
    tx.run("UPDATE records SET stale = 1 WHERE account = ? AND remote_id = ?", (account, remote_id))
    tx.run("UPDATE accounts SET cursor = NULL WHERE account = ?", (account,))


def rename_account(tx: Transaction, old: AccountName, new: AccountName) -> None:
    """Give an account another name wherever it is remembered.

    Shapes: nothing is remembered under the new name.
    """
    for table in _TABLES:
        tx.run(f"UPDATE {table} SET account = ? WHERE account = ?", (new, old))  # noqa: S608  # our own table names
    conflicts.rename_account(tx, old, new)
    decisions.rename_account(tx, old, new)
    egress.rename_account(tx, old, new)
    journal.rename_account(tx, old, new)


def remove_account(tx: Transaction, account: AccountName) -> None:
    """Forget everything of an account but its name, by which it is known to recover should it come back.

    What the journal says was done stays, as history; intents that are still open are dropped.
    """
    journal.drop_unfinished(tx, account, "the account was removed")
    for table in _TABLES:
        tx.run(f"DELETE FROM {table} WHERE account = ?", (account,))  # noqa: S608  # our own table names
    tx.run("INSERT INTO meta VALUES (?, '') ON CONFLICT DO NOTHING", (_FORMER + account,))


_TABLES = ("accounts", "records", "links", "tombstones", "strangers", "questions", "holds", "returns", "looks")
"""The tables with a column `account` that are not history."""

_PUT = (
    "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, 0, 0, coalesce((SELECT looks FROM accounts WHERE account = ?1), 0))"
    " ON CONFLICT DO UPDATE SET etag = excluded.etag, reading = excluded.reading,"
    " unreadable_line = excluded.unreadable_line, unreadable_reason = excluded.unreadable_reason,"
    " missing_looks = 0, stale = 0"
)


def _begin(tx: Transaction, account: AccountName) -> None:
    row = account_row(tx, account)
    tx.run("INSERT INTO accounts VALUES (?, NULL, NULL, 0, ?, 0, '') ON CONFLICT DO NOTHING", (account, row.recovering))


def _miss_again(tx: Transaction, account: AccountName) -> None:
    tx.run("UPDATE records SET missing_looks = missing_looks + 1 WHERE account = ? AND missing_looks > 0", (account,))


def _miss(tx: Transaction, account: AccountName, removed: tuple[RemoteId, ...]) -> None:
    tx.run_each(
        "UPDATE records SET missing_looks = 1 WHERE account = ? AND remote_id = ? AND missing_looks = 0",
        ((account, remote_id) for remote_id in removed),
    )


def _rows(account: AccountName, change_set: ChangeSet) -> Iterator[tuple[Parameter, ...]]:
    for record in change_set.records:
        yield _row(account, record)
    for unreadable in change_set.unreadable:
        yield (account, unreadable.remote_id, unreadable.etag, None, unreadable.line, unreadable.reason)


def _row(account: AccountName, record: Record) -> tuple[Parameter, ...]:
    return (account, record.remote_id, record.etag, pack_reading(record.reading), None, None)
