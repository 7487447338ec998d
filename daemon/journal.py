"""The journal: what was about to be done outside the state, and what became of it.

An intent is durable before its act and holds the whole operation, so that start-up can find out from it alone what an
interrupted run left unclear. Its outcome keeps the bytes from before and after: the note, or the record's payload.
What is only remembered (links, bases) happens in one transaction and needs no intent.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from daemon.codec import time_of, time_text, unpack_base
from daemon.intents import Kind, Write, kind_of, pack_operation, rename_in_packed, unpack_operation
from daemon.state import Parameter, Readable, Transaction
from mappings.operation import (
    CreateNote,
    CreateRecord,
    DeleteRecord,
    RemoveNote,
    RestoreNote,
    RestoreRecord,
    UpdateRecord,
    WriteNote,
)
from mappings.person import Uid
from mappings.record import AccountName, RemoteId
from mappings.world import Base, RecentWrite

RunId = NewType("RunId", int)
OperationId = NewType("OperationId", int)


class OperationState(StrEnum):
    """What became of an intent: nothing yet, done, refused or failed, or given up without being done by us."""

    INTENDED = "intended"
    DONE = "done"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the program; `finished_at` and `exit_code` are None for one that is at work or was cut short."""

    id: RunId
    kind: str
    started_at: datetime
    finished_at: datetime | None
    exit_code: int | None
    summary: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An intent without an outcome: it may have been carried out, or not."""

    id: OperationId
    run: RunId
    operation: Write


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation with its outcome; `before` and `after` are what the note or record was and became, if known.

    `remote_id` names the record that was written, also one that the operation made.
    """

    id: OperationId
    run: RunId
    operation: Write
    remote_id: RemoteId | None
    before: bytes | None
    after: bytes | None
    state: OperationState
    reason: str
    at: datetime


def begin_run(tx: Transaction, kind: str, at: datetime) -> RunId:
    """Note that a run has begun."""
    return RunId(tx.run("INSERT INTO runs VALUES (NULL, ?, ?, NULL, NULL, '{}')", (kind, time_text(at))))


def finish_run(tx: Transaction, run: RunId, exit_code: int, summary: Mapping[str, int], at: datetime) -> None:
    """Note how a run ended, with the counts that it reports."""
    tx.run(
        "UPDATE runs SET finished_at = ?, exit_code = ?, summary = ? WHERE id = ?",
        (time_text(at), exit_code, json.dumps(dict(summary)), run),
    )


def last_runs(state: Readable, count: int) -> tuple[Run, ...]:
    """Return the latest runs, the last one first."""
    return _runs(state, "ORDER BY id DESC LIMIT ?", (count,))


def runs_that_wrote(state: Readable, count: int) -> tuple[Run, ...]:
    """Return the latest runs that set out to write anything, the last one first."""
    where = "WHERE EXISTS (SELECT 1 FROM operations WHERE operations.run = runs.id) ORDER BY id DESC LIMIT ?"
    return _runs(state, where, (count,))


def _runs(state: Readable, where: str, parameters: Sequence[Parameter]) -> tuple[Run, ...]:
    sql = f"SELECT id, kind, started_at, finished_at, exit_code, summary FROM runs {where}"  # noqa: S608  # our own text
    return tuple(
        Run(RunId(run), kind, time_of(started), _time_or_none(finished), exit_code, json.loads(summary))
        for run, kind, started, finished, exit_code, summary in state.all(sql, parameters)
    )


def intend(tx: Transaction, run: RunId, operations: Sequence[Write], at: datetime) -> list[OperationId]:
    """Write down what is about to be done; the caller acts once the transaction has ended."""
    ((ordinal,),) = tx.all("SELECT coalesce(max(ordinal), 0) FROM operations WHERE run = ?", (run,))
    return [_intend(tx, run, ordinal + number, operation, at) for number, operation in enumerate(operations, start=1)]


def keep_before(tx: Transaction, operation: OperationId, before: bytes) -> None:
    """Keep what a note or record is before the act, where that is known before the outcome."""
    tx.run("UPDATE operations SET before = ? WHERE id = ?", (before, operation))


def done(tx: Transaction, operation: OperationId, before: bytes | None, after: bytes | None) -> None:
    """Note that an operation was carried out; a `before` that was kept earlier stays if None is given."""
    tx.run(
        "UPDATE operations SET state = 'done', before = coalesce(?, before), after = ? WHERE id = ?",
        (before, after, operation),
    )


def created(tx: Transaction, operation: OperationId, remote_id: RemoteId, after: bytes) -> None:
    """Note that a record was made, and its name, without which the making could not be undone."""
    tx.run("UPDATE operations SET remote_id = ? WHERE id = ?", (remote_id, operation))
    done(tx, operation, None, after)


def failed(tx: Transaction, operation: OperationId, reason: str) -> None:
    """Note that an operation was not carried out, and why."""
    _end(tx, operation, OperationState.FAILED, reason)


def unchanged(tx: Transaction, operation: OperationId) -> None:
    """Note that an operation has changed nothing, so that no older copy can undo it."""
    tx.run("UPDATE operations SET undoable = 0 WHERE id = ?", (operation,))


def dropped(tx: Transaction, operation: OperationId, reason: str) -> None:
    """Note that an intent is given up: what became of it was found out otherwise, or no longer matters."""
    _end(tx, operation, OperationState.DROPPED, reason)


def unfinished(state: Readable) -> tuple[Unfinished, ...]:
    """Return the intents without an outcome, in the order in which they were written."""
    sql = "SELECT id, run, kind, intent FROM operations WHERE state = 'intended' ORDER BY id"
    return tuple(
        Unfinished(OperationId(number), RunId(run), unpack_operation(Kind(kind), intent))
        for number, run, kind, intent in state.all(sql)
    )


def unclear_creates(state: Readable, account: AccountName) -> Mapping[Uid, datetime]:
    """Return whose record may have been made in an account without an answer, and when that was intended."""
    sql = "SELECT kind, intent, at FROM operations WHERE state = 'intended' AND account = ? ORDER BY id"
    steps = ((unpack_operation(Kind(kind), intent), at) for kind, intent, at in state.all(sql, (account,)))
    return {
        step.uid: time_of(at)
        for step, at in steps
        if isinstance(step, CreateRecord) or (isinstance(step, RestoreRecord) and step.after is None)
    }


def accounts_unfinished(state: Readable) -> frozenset[AccountName]:
    """Return the accounts that have intents without an outcome."""
    sql = "SELECT DISTINCT account FROM operations WHERE state = 'intended' AND account <> ''"
    return frozenset(AccountName(account) for (account,) in state.all(sql))


def entries(state: Readable, run: RunId) -> tuple[Entry, ...]:
    """Return everything that a run set out to do, in order."""
    sql = (
        "SELECT id, kind, intent, remote_id, before, after, state, reason, at"
        " FROM operations WHERE run = ? ORDER BY ordinal"
    )
    return tuple(
        Entry(
            id=OperationId(number),
            run=run,
            operation=unpack_operation(Kind(kind), intent),
            remote_id=RemoteId(remote_id) if remote_id else None,
            before=before,
            after=after,
            state=OperationState(outcome),
            reason=reason,
            at=time_of(at),
        )
        for number, kind, intent, remote_id, before, after, outcome, reason, at in state.all(sql, (run,))
    )


def done_steps(state: Readable, run: RunId) -> dict[Uid, int]:
    """Return how many of its steps a run has done, by person; people without any are missing."""
    rows = state.all("SELECT uid, count(*) FROM operations WHERE run = ? AND state = 'done' GROUP BY uid", (run,))
    return {Uid(uid): count for uid, count in rows}


def undoable_since(state: Readable, account: AccountName, since: datetime | None) -> dict[OperationId, RecentWrite]:
    """Return the writes that an older copy could undo, all or those after an instant; `account` is "" for notes.

    Result: whether they were carried out is left open; one whose answer was lost may have been.
    """
    sql = "SELECT id, kind, intent FROM operations WHERE undoable AND account = ? AND at > ?"
    writes: dict[OperationId, RecentWrite] = {}
    for number, kind, intent in state.all(sql, (account, "" if since is None else time_text(since))):
        write = unpack_operation(Kind(kind), intent)
        if isinstance(write, RecentWrite):
            writes[OperationId(number)] = write
    return writes


def keep_former_bases(tx: Transaction, run: RunId, people: Iterable[Uid]) -> None:
    """Keep the bases that the people's links have before a run does anything; what has no link has none."""
    tx.run_each(
        "INSERT OR IGNORE INTO former_bases SELECT ?, account, uid, base FROM links WHERE uid = ?",
        ((run, uid) for uid in people),
    )


def former_bases(state: Readable, run: RunId) -> dict[tuple[AccountName, Uid], Base]:
    """Return the bases from before a run, of the people that it set out to touch and who were linked then."""
    rows = state.all("SELECT account, uid, base FROM former_bases WHERE run = ?", (run,))
    return {(AccountName(account), Uid(uid)): unpack_base(base) or {} for account, uid, base in rows}


def run_of(state: Readable, run: int) -> Run | None:
    """Return one run, None if it is not remembered."""
    found = _runs(state, "WHERE id = ?", (run,))
    return found[0] if found else None


def prune(tx: Transaction, before: datetime) -> None:
    """Forget runs that began before an instant, with their pre-images; those with open intents stay whole."""
    tx.run(
        "DELETE FROM runs WHERE started_at < ? AND id NOT IN (SELECT run FROM operations WHERE state = 'intended')",
        (time_text(before),),
    )


def rename_account(tx: Transaction, old: AccountName, new: AccountName) -> None:
    """Give an account another name in the whole journal: intents can be settled and outcomes undone only by name."""
    for number, intent in tx.all("SELECT id, intent FROM operations"):
        tx.run("UPDATE operations SET intent = ? WHERE id = ?", (rename_in_packed(intent, old, new), number))
    tx.run("UPDATE operations SET account = ? WHERE account = ?", (new, old))
    tx.run("UPDATE former_bases SET account = ? WHERE account = ?", (new, old))


def drop_unfinished(tx: Transaction, account: AccountName, reason: str) -> None:
    """Give up the open intents of an account."""
    tx.run(
        "UPDATE operations SET state = 'dropped', reason = ? WHERE state = 'intended' AND account = ?",
        (reason, account),
    )


def _intend(tx: Transaction, run: RunId, ordinal: int, operation: Write, at: datetime) -> OperationId:
    account, remote_id, path = _names(operation)
    return OperationId(
        tx.run(
            "INSERT INTO operations VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, 'intended', '', ?, ?)",
            (
                run,
                ordinal,
                account,
                operation.uid,
                remote_id,
                path,
                kind_of(operation),
                pack_operation(operation),
                time_text(at),
                _is_undoable(operation),
            ),
        )
    )


def _is_undoable(operation: Write) -> bool:
    """Tell whether an older copy of what was written could undo it; of very many first uids nobody need know."""
    match operation:
        case WriteNote() | UpdateRecord():
            return bool(operation.changes)
        case RestoreNote() | RestoreRecord():
            return True
        case CreateNote() | RemoveNote() | CreateRecord() | DeleteRecord():
            return False


def _names(operation: Write) -> tuple[str, str, str]:
    """Return the account, remote id and path that an operation is about; "" for those that it has not."""
    match operation:
        case WriteNote() | CreateNote() | RemoveNote() | RestoreNote():
            return "", "", operation.path
        case CreateRecord():
            return operation.account, "", ""
        case UpdateRecord() | DeleteRecord() | RestoreRecord():
            return operation.account, operation.remote_id, ""


def _end(tx: Transaction, operation: OperationId, outcome: OperationState, reason: str) -> None:
    tx.run("UPDATE operations SET state = ?, reason = ? WHERE id = ?", (outcome, reason, operation))


def _time_or_none(text: str | None) -> datetime | None:
    return None if text is None else time_of(text)
