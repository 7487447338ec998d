"""The state in memory, and stand-ins for the modules that keep it in SQLite: what the quick tier runs the program on.

Real are `mappings.plan` and everything under it, `daemon.execute`, `daemon.recover`, `daemon.gather` and the reference
connector. They are told here to find, under the names of `journal`, `links`, `records`, `returns` and so on, functions
of the same name and meaning that keep plain values; and in place of the lens on notes one whose "text" is the person.

A transaction is all or nothing: whoever ends the process does so before it begins or after it has ended, never inside.
"""

from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import SimpleNamespace

from connectors.interface import ChangeSet, Cursor
from daemon import execute, gather, recover
from daemon.journal import OperationId, RunId, Unfinished
from daemon.records import AccountRow
from mappings.conflict import UNDECIDED, Conflict, ConflictId, Decided
from mappings.fields import with_values
from mappings.operation import CreateRecord, Operation, Parting, UpdateRecord, WriteNote
from mappings.person import FieldName, Person, Uid, Value
from mappings.record import AccountName, Etag, NotePath, Record, RemoteId
from mappings.returns import LATELY, THE_NOTE
from mappings.world import LinkState, RecentWrite, Return, Tombstone


@dataclass(slots=True)
class Row:
    """One record as last read, or the reason why it is not understood; the rest as in `daemon.records`."""

    etag: Etag
    record: Record | None
    reason: str
    missed: int
    first_look: int
    stale: bool


@dataclass(slots=True)
class Pairing:
    """A link; `apart` while its note is no person's."""

    remote_id: RemoteId
    base: dict[FieldName, Value]
    etag: Etag
    apart: bool


@dataclass(slots=True)
class Intent:
    """One operation of the journal."""

    operation: Operation
    at: datetime
    is_open: bool
    undoable: bool


@dataclass(slots=True)
class Reader:
    """How far an account was read; `first_look` and so on as in `daemon.records`."""

    cursor: Cursor | None = None
    looks: int = 0
    has_run: bool = False
    rows: dict[RemoteId, Row] = field(default_factory=dict[RemoteId, Row])


@dataclass(slots=True)
class Store:
    """Everything that outlives the process; `parted` is told of every link that ends by a deletion."""

    step: Callable[[str], None]
    parted: Callable[[Tombstone, Parting], None]
    lost_before: bool
    links: dict[tuple[AccountName, Uid], Pairing] = field(default_factory=dict[tuple[AccountName, Uid], Pairing])
    people: dict[Uid, NotePath] = field(default_factory=dict[Uid, NotePath])
    missed: dict[Uid, int] = field(default_factory=dict[Uid, int])
    tombstones: set[Tombstone] = field(default_factory=set[Tombstone])
    intents: list[Intent] = field(default_factory=list[Intent])
    readers: dict[AccountName, Reader] = field(default_factory=dict[AccountName, Reader])
    log: dict[ConflictId, Conflict] = field(default_factory=dict[ConflictId, Conflict])
    returns: tuple[Return, ...] = ()
    looks: dict[AccountName, datetime] = field(default_factory=dict[AccountName, datetime])

    @contextmanager
    def transaction(self) -> Generator["Store"]:
        """Do all of it or nothing."""
        self.step("commit asked")
        yield self
        self.step("commit done")

    def reader(self, account: AccountName) -> Reader:
        """Return what is remembered of an account."""
        return self.readers.setdefault(account, Reader())


@dataclass(frozen=True, slots=True)
class Page:
    """A note's content, as bytes and as text: the person, the uid in it, and what is not ours."""

    person: Person
    uid: Uid | None
    extra: str

    def encode(self) -> "Page":
        """Return it as what stands in the file."""
        return self


def _decode(content: Page) -> Page:
    return content


def _put(path: NotePath, text: Page, changes: Mapping[FieldName, Value], uid: Uid | None, rules: object) -> Page:
    del path, rules
    return replace(text, person=with_values(text.person, changes), uid=text.uid or uid)


def _keep_former_bases(tx: Store, run: RunId, people: Iterable[Uid]) -> None:
    del tx, run, people


def _intend(tx: Store, run: RunId, operations: Sequence[Operation], at: datetime) -> list[OperationId]:
    del run
    first = len(tx.intents)
    for one in operations:
        undoable = isinstance(one, WriteNote | UpdateRecord) and bool(one.changes)
        tx.intents.append(Intent(one, at, is_open=True, undoable=undoable))
    return [OperationId(number) for number in range(first, len(tx.intents))]


def _end(tx: Store, intent: OperationId, *outcome: object) -> None:
    del outcome
    tx.intents[intent].is_open = False


def _unchanged(tx: Store, intent: OperationId) -> None:
    tx.intents[intent].undoable = False


def _nothing(*_: object) -> None:
    pass


def _unfinished(state: Store) -> tuple[Unfinished, ...]:
    return tuple(
        Unfinished(OperationId(number), RunId(1), one.operation)  # type: ignore[arg-type]  # only writes are intended
        for number, one in enumerate(state.intents)
        if one.is_open
    )


def _unclear_creates(state: Store, account: AccountName) -> Mapping[Uid, datetime]:
    return {
        one.operation.uid: one.at
        for one in state.intents
        if one.is_open and isinstance(one.operation, CreateRecord) and one.operation.account == account
    }


def _add_link(tx: Store, account: AccountName, uid: Uid, remote_id: RemoteId) -> None:
    key = (account, uid)
    if key in tx.links or any(
        pairing.remote_id == remote_id for (name, _), pairing in tx.links.items() if name == account
    ):
        raise AssertionError(f"{key} or {remote_id} has a link already")
    tx.links[key] = Pairing(remote_id, {}, Etag(""), apart=False)


def _agree(tx: Store, account: AccountName, uid: Uid, values: Mapping[FieldName, Value]) -> None:
    if (account, uid) in tx.links:
        tx.links[account, uid].base.update(values)


def _follow(tx: Store, account: AccountName, uid: Uid, remote_id: RemoteId) -> None:
    tx.links[account, uid].remote_id = remote_id


def _suspend(tx: Store, account: AccountName, uid: Uid, at: datetime) -> None:
    del at
    tx.links[account, uid].apart = True


def _resume(tx: Store, account: AccountName, uid: Uid) -> None:
    tx.links[account, uid].apart = False


def _remove_link(tx: Store, account: AccountName, uid: Uid) -> None:
    tx.links.pop((account, uid), None)


def _bury(tx: Store, tombstone: Tombstone, reason: Parting, at: datetime) -> None:
    del at
    tx.tombstones.add(tombstone)
    tx.parted(tombstone, reason)


def _saw(tx: Store, seen: Iterable[tuple[AccountName, Uid, Etag]]) -> None:
    for account, uid, etag in seen:
        if (account, uid) in tx.links:
            tx.links[account, uid].etag = etag


def _states(state: Store, *, apart: bool) -> tuple[LinkState, ...]:
    return tuple(
        LinkState(account, uid, one.remote_id, dict(one.base), one.etag)
        for (account, uid), one in sorted(state.links.items())
        if one.apart == apart
    )


def _linked(state: Store) -> tuple[LinkState, ...]:
    return _states(state, apart=False)


def _suspended(state: Store) -> tuple[LinkState, ...]:
    return _states(state, apart=True)


def _tombstones(state: Store) -> frozenset[Tombstone]:
    return frozenset(state.tombstones)


def _no_tombstones(state: Store) -> frozenset[Tombstone]:
    del state
    return frozenset()


def _put_record(tx: Store, account: AccountName, record: Record) -> None:
    reader = tx.reader(account)
    _keep(reader, record.remote_id, record.etag, record, "")


def _keep(reader: Reader, remote_id: RemoteId, etag: Etag, record: Record | None, reason: str) -> None:
    first = reader.rows[remote_id].first_look if remote_id in reader.rows else reader.looks
    reader.rows[remote_id] = Row(etag, record, reason, 0, first, stale=False)


def _forget_record(tx: Store, account: AccountName, remote_id: RemoteId) -> None:
    tx.reader(account).rows.pop(remote_id, None)


def _look_for(tx: Store, account: AccountName, remote_id: RemoteId) -> None:
    reader = tx.reader(account)
    reader.cursor = None
    if remote_id in reader.rows:
        reader.rows[remote_id].stale = True


def _known(state: Store, account: AccountName) -> dict[RemoteId, Etag]:
    return {
        remote_id: row.etag for remote_id, row in state.reader(account).rows.items() if not (row.missed or row.stale)
    }


def _account_row(state: Store, account: AccountName) -> AccountRow:
    reader = state.reader(account)
    return AccountRow(account, reader.cursor, None, reader.has_run, state.lost_before, "")


def _store_change_set(tx: Store, account: AccountName, change_set: ChangeSet, at: datetime) -> None:
    del at
    reader = tx.reader(account)
    reader.looks += 1
    for row in reader.rows.values():
        row.missed += row.missed > 0
    for remote_id in change_set.removed:
        if remote_id in reader.rows:
            reader.rows[remote_id].missed = max(1, reader.rows[remote_id].missed)
    for row in reader.rows.values():
        if change_set.complete and row.stale:
            row.missed = max(1, row.missed)
    for record in change_set.records:
        _keep(reader, record.remote_id, record.etag, record, "")
    for other in change_set.unreadable:
        _keep(reader, other.remote_id, other.etag, None, other.reason)
    reader.cursor = change_set.cursor


def _records(
    state: Store, account: AccountName
) -> tuple[dict[RemoteId, Record], dict[RemoteId, str], dict[RemoteId, int]]:
    rows = state.reader(account).rows
    return (
        {remote_id: row.record for remote_id, row in rows.items() if row.record is not None},
        {remote_id: row.reason for remote_id, row in rows.items() if row.record is None},
        {remote_id: row.missed for remote_id, row in rows.items() if row.missed},
    )


def _arrived(state: Store, account: AccountName) -> dict[RemoteId, int]:
    reader = state.reader(account)
    longest = max((row.missed for row in reader.rows.values()), default=0)
    return {
        remote_id: reader.looks - row.first_look + 1
        for remote_id, row in reader.rows.items()
        if row.first_look > reader.looks - longest
    }


def _accounted_for(known: Collection[RemoteId], changes: ChangeSet) -> int:
    del known
    return changes.listed


def _recent_writes(state: Store, accounts: Iterable[AccountName]) -> tuple[RecentWrite, ...]:
    sides = {THE_NOTE, *accounts}
    return tuple(one.operation for one in state.intents if _is_recent(state, one, sides))  # type: ignore[misc]  # undoable ones are such


def _is_recent(state: Store, one: Intent, sides: Collection[AccountName]) -> bool:
    side = one.operation.account if isinstance(one.operation, UpdateRecord) else THE_NOTE
    return one.undoable and side in sides and (side not in state.looks or one.at > state.looks[side] - LATELY)


def _found_earlier(state: Store) -> tuple[Return, ...]:
    return state.returns


def _decided(state: Store) -> Decided:
    del state
    return UNDECIDED


def _nobody(state: Store, account: AccountName) -> frozenset[Uid]:
    del state, account
    return frozenset()


def _no_rules(*_: object) -> str:
    return ""


JOURNAL = SimpleNamespace(
    keep_former_bases=_keep_former_bases,
    intend=_intend,
    keep_before=_nothing,
    done=_end,
    created=_end,
    failed=_end,
    dropped=_end,
    unchanged=_unchanged,
    unfinished=_unfinished,
    unclear_creates=_unclear_creates,
)
LINKS = SimpleNamespace(
    add_link=_add_link,
    agree=_agree,
    follow=_follow,
    suspend=_suspend,
    resume=_resume,
    remove_link=_remove_link,
    bury=_bury,
    saw=_saw,
    links=_linked,
    suspended=_suspended,
    tombstones=_tombstones,
    strangers=_no_tombstones,
)
RECORDS = SimpleNamespace(
    put_record=_put_record,
    forget_record=_forget_record,
    look_for=_look_for,
    known=_known,
    account_row=_account_row,
    store_change_set=_store_change_set,
    records=_records,
    arrived=_arrived,
    accounted_for=_accounted_for,
)
RETURNS = SimpleNamespace(recent_writes=_recent_writes, found_earlier=_found_earlier)
LENS = SimpleNamespace(put=_put, decode=_decode)

_STAND_INS: Sequence[tuple[object, str, object]] = (
    (execute, "journal", JOURNAL),
    (execute, "links", LINKS),
    (execute, "records", RECORDS),
    (execute, "dates", SimpleNamespace(remember=_nothing, written=_nothing)),
    (execute, "egress", SimpleNamespace(note_sent=_nothing)),
    (execute, "note_lens", LENS),
    (recover, "journal", JOURNAL),
    (recover, "links", LINKS),
    (recover, "records", RECORDS),
    (gather, "answers", SimpleNamespace(drop_fulfilled=_nothing, asked_for=_nobody)),
    (gather, "decisions", SimpleNamespace(decided=_decided)),
    (gather, "journal", JOURNAL),
    (gather, "links", LINKS),
    (gather, "records", RECORDS),
    (gather, "returns", RETURNS),
    (gather, "rules_key", _no_rules),
)


@contextmanager
def installed() -> Generator[None]:
    """Let the program find its state in memory for a while."""
    real = [(module, name, getattr(module, name)) for module, name, _ in _STAND_INS]
    for module, name, stand_in in _STAND_INS:
        setattr(module, name, stand_in)
    try:
        yield
    finally:
        for module, name, former in real:
            setattr(module, name, former)
