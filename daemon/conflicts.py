"""What waits for the owner: conflicts, questions about links, and what is held, as the last run found it.

Conflicts are never deleted: each clash stays with all its values, settled or not, because it may hold the only copy
of something that somebody typed. One (person, field) has at most one open conflict. A clash whose values change again
supersedes the earlier one and keeps its `since`: the owner has been asked for that long.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from daemon.codec import pack_sides, pack_value, time_of, time_text, unpack_sides, unpack_value
from daemon.journal import RunId
from daemon.state import Readable, Row, Transaction
from mappings.conflict import Conflict
from mappings.fields import FIELDS, texts
from mappings.person import FieldName, Uid, Value
from mappings.record import AccountName, NotePath, RemoteId


class ConflictState(StrEnum):
    """What became of a conflict."""

    OPEN = "open"
    SETTLED = "settled by a rule"
    DECIDED = "settled by you"
    CLOSED = "settled by a side changing"
    SUPERSEDED = "superseded by a later clash"


@dataclass(frozen=True, slots=True)
class KeptConflict:
    """A conflict and its history: the run that found it, since when its field clashes, and when it ended."""

    conflict: Conflict
    run: RunId
    since: datetime
    state: ConflictState
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class LinkQuestion:
    """Somebody who cannot be linked without the owner, and the records that might be meant."""

    account: AccountName
    uid: Uid
    path: NotePath
    kind: str
    candidates: tuple[RemoteId, ...]
    detail: str


@dataclass(frozen=True, slots=True)
class Held:
    """Something that is left untouched: a note's path, a remote id or a uid; `account` is "" for a note's.

    `waiting` is what would travel if it could, by the side that says it. It may change while the same is held.
    """

    subject: str
    account: AccountName
    kind: str
    reason: str
    waiting: Mapping[str, Value] = field(compare=False)


def open_conflicts(state: Readable) -> tuple[KeptConflict, ...]:
    """Return the conflicts that wait for the owner, the oldest first."""
    return _kept(state, "WHERE state = 'open' ORDER BY since, number")


def all_conflicts(state: Readable) -> tuple[KeptConflict, ...]:
    """Return every conflict that ever was, settled ones too, in the order in which they were found."""
    return _kept(state, "ORDER BY number")


def sync_open(
    tx: Transaction,
    conflicts: Sequence[Conflict],
    at: datetime,
    run: RunId,
    untouched: Collection[Uid | AccountName],
) -> None:
    """Make the open conflicts those that a run has found.

    Shapes: each (uid, field) at most once in `conflicts`. `untouched` are people and accounts that the run could not
    look at: their conflicts stay open though they were not found.
    """
    found = {(conflict.uid, conflict.field): conflict for conflict in conflicts}
    for number, kept in _numbered(tx, "WHERE state = 'open'"):
        earlier = kept.conflict
        later = found.get((earlier.uid, earlier.field))
        if later is None and not _involves(earlier, untouched):
            _close(tx, number, ConflictState.CLOSED, at)
        elif later is not None and later.id == earlier.id:
            del found[earlier.uid, earlier.field]
        elif later is not None:
            _close(tx, number, ConflictState.SUPERSEDED, at)
            _insert(tx, replace(kept, conflict=later, run=run))
            del found[earlier.uid, earlier.field]
    for conflict in found.values():
        _insert(tx, KeptConflict(conflict, run, at, ConflictState.OPEN, None))


def record_decided(tx: Transaction, conflicts: Iterable[Conflict], at: datetime, run: RunId) -> None:
    """Note what the owner chose for conflicts that wait, and for fields that he had put back.

    These never waited: each is kept with all its values from now on, once, however many runs its writing takes.
    """
    for conflict in conflicts:
        tx.run(
            "UPDATE conflicts SET state = ?, closed_at = ?, settled_by = ?, chosen = ? WHERE id = ? AND state = 'open'",
            (ConflictState.DECIDED, time_text(at), conflict.settled_by, pack_value(conflict.chosen), conflict.id),
        )
        if not _is_last(tx, conflict, ConflictState.DECIDED):
            _insert(tx, KeptConflict(conflict, run, at, ConflictState.DECIDED, at))


def record_settled(tx: Transaction, conflicts: Iterable[Conflict], at: datetime, run: RunId) -> None:
    """Keep clashes that a rule has settled, with all their values.

    One that was the last of its field already is the same clash, met again because its outcome was not yet written.
    """
    for conflict in conflicts:
        if not _is_last(tx, conflict, ConflictState.SETTLED):
            _insert(tx, KeptConflict(conflict, run, at, ConflictState.SETTLED, at))


def _is_last(tx: Transaction, conflict: Conflict, state: ConflictState) -> bool:
    """Tell whether a clash is the last of its field that is kept, and ended so."""
    last = _kept(tx, "WHERE uid = ? AND field = ? ORDER BY number DESC LIMIT 1", conflict.uid, conflict.field)
    return bool(last) and last[0].state is state and last[0].conflict.id == conflict.id


def sync_questions(tx: Transaction, questions: Iterable[LinkQuestion], at: datetime) -> None:
    """Make the questions those that a run has found; one that was asked before keeps its `since`."""
    since = link_questions(tx)
    tx.run("DELETE FROM questions")
    tx.run_each(
        "INSERT INTO questions VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            (
                one.account,
                one.uid,
                one.path,
                one.kind,
                json.dumps(one.candidates),
                one.detail,
                time_text(since.get(one, at)),
            )
            for one in questions
        ),
    )


def link_questions(state: Readable) -> dict[LinkQuestion, datetime]:
    """Return the questions that wait, and since when each does, the oldest first."""
    sql = "SELECT account, uid, path, kind, candidates, detail, since FROM questions ORDER BY since, rowid"
    return {
        LinkQuestion(account, uid, path, kind, tuple(json.loads(candidates)), detail): time_of(since)
        for account, uid, path, kind, candidates, detail, since in state.all(sql)
    }


def sync_holds(tx: Transaction, holds: Iterable[Held], at: datetime) -> None:
    """Make what is held that which a run has found; what was held before for the same reason keeps its `since`."""
    since = holds_since(tx)
    tx.run("DELETE FROM holds")
    tx.run_each(
        "INSERT INTO holds VALUES (?, ?, ?, ?, ?, ?)",
        (
            (one.subject, one.account, one.kind, one.reason, pack_sides(one.waiting), time_text(since.get(one, at)))
            for one in holds
        ),
    )


def holds_since(state: Readable) -> dict[Held, datetime]:
    """Return what is held, and since when, the oldest first."""
    sql = "SELECT subject, account, kind, reason, waiting, since FROM holds ORDER BY since, rowid"
    return {
        Held(subject, account, kind, reason, {str(side): value for side, value in unpack_sides(waiting).items()}): (
            time_of(since)
        )
        for subject, account, kind, reason, waiting, since in state.all(sql)
    }


def rename_account(tx: Transaction, old: AccountName, new: AccountName) -> None:
    """Give an account another name in every conflict that it has a part in."""
    for number, kept in _numbered(tx, ""):
        if old not in kept.conflict.theirs and old not in kept.conflict.bases:
            continue
        theirs, bases = (
            {new if account == old else account: value for account, value in sides.items()}
            for sides in (kept.conflict.theirs, kept.conflict.bases)
        )
        returned = tuple(new if side == old else side for side in kept.conflict.returned)
        renamed = replace(kept.conflict, theirs=theirs, bases=bases)
        tx.run(
            "UPDATE conflicts SET id = ?, theirs = ?, bases = ?, returned = ? WHERE number = ?",
            (renamed.id, pack_sides(theirs), pack_sides(bases), pack_value(returned), number),
        )


def _involves(conflict: Conflict, untouched: Collection[Uid | AccountName]) -> bool:
    return conflict.uid in untouched or any(account in untouched for account in conflict.theirs)


def _close(tx: Transaction, number: int, state: ConflictState, at: datetime) -> None:
    tx.run("UPDATE conflicts SET state = ?, closed_at = ? WHERE number = ?", (state, time_text(at), number))


def _insert(tx: Transaction, kept: KeptConflict) -> None:
    conflict = kept.conflict
    tx.run(
        "INSERT INTO conflicts VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            conflict.id,
            conflict.uid,
            conflict.field,
            pack_value(conflict.ours),
            pack_sides(conflict.theirs),
            pack_sides(conflict.bases),
            conflict.settled_by,
            pack_value(conflict.chosen),
            pack_value(conflict.returned),
            kept.run,
            time_text(kept.since),
            kept.state,
            None if kept.closed_at is None else time_text(kept.closed_at),
        ),
    )


def _kept(state: Readable, where: str, *parameters: str) -> tuple[KeptConflict, ...]:
    return tuple(kept for _, kept in _numbered(state, where, *parameters))


def _numbered(state: Readable, where: str, *parameters: str) -> Iterator[tuple[int, KeptConflict]]:
    """Yield conflicts with their row numbers; those of a field that this program does not know are passed over."""
    columns = "number, uid, field, ours, theirs, bases, settled_by, chosen, returned, run, since, state, closed_at"
    for row in state.all(f"SELECT {columns} FROM conflicts {where}", parameters):  # noqa: S608  # our own text
        for name in FIELDS:
            if name == row[2]:
                yield row[0], _of_row(name, row)


def _of_row(name: FieldName, row: Row) -> KeptConflict:
    _, uid, _, ours, theirs, bases, settled_by, chosen, returned, run, since, state, closed_at = row
    return KeptConflict(
        Conflict(
            uid=uid,
            field=name,
            ours=unpack_value(ours),
            theirs=unpack_sides(theirs),
            bases=unpack_sides(bases),
            settled_by=settled_by,
            chosen=unpack_value(chosen),
            returned=texts(unpack_value(returned)),
        ),
        run=run,
        since=time_of(since),
        state=ConflictState(state),
        closed_at=None if closed_at is None else time_of(closed_at),
    )
