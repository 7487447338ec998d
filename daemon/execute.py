"""Carry out a plan: one line for each kind of step, every intent durable before its act.

Order, and why. What is merely remembered goes first, in one transaction. Then the notes: intent row, file, base row;
a base row is never newer than the file it speaks of. Then the records, account by account, and only of people whose
note was written: a record is told what the note says, so that no base claims what the note never said.

Nothing is undone when a step fails. The next cycle reads both sides anew and plans again; what a crash or a lost
answer left unclear is settled by `recover` from the intent rows, before anything else is decided.

Who is asked to stop finishes the step that it is at. Steps that were not begun by then are journaled as not done; those
that a connector has taken without telling their outcome stay open, as after a crash.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar, assert_never

from connectors.errors import ConnectorError, Gone, PreconditionFailed, Refused
from connectors.interface import Deleted, Written
from daemon import dates, egress, journal, links, new_notes, records, scan
from daemon.errors import NoteChanged, VaultError, VaultMissing
from daemon.handed import Handed
from daemon.journal import OperationId, RunId
from daemon.report import Deeds, Trouble
from daemon.setup import Account, Setup
from daemon.state import State, Transaction
from daemon.vault import NoteFile
from mappings import note as note_lens
from mappings.errors import EditRefused, UnreadableNote
from mappings.operation import (
    Agree,
    Bookkeeping,
    CreateNote,
    CreateRecord,
    DeleteRecord,
    Follow,
    Link,
    NoteWrite,
    Operation,
    Parting,
    Rebase,
    RememberDate,
    RemoteWrite,
    RemoveNote,
    RestoreNote,
    RestoreRecord,
    Resume,
    Suspend,
    Unlink,
    UpdateRecord,
    WriteNote,
    values_after,
)
from mappings.person import FieldName, Uid, Value
from mappings.record import AccountName, NotePath, RemoteId
from mappings.world import Tombstone

Outcome = Written | Deleted | PreconditionFailed | Gone | Refused
"""What became of one write to a record."""

NOTES_AT_ONCE = 256
"""How many notes share a transaction of intents; their old and new contents are in memory together."""

_EDITED = "it was edited since it was read"
_UNSETTLED = "notes have changed since they were looked at, and may be about this person; the next sync looks again"
_STOPPED = "contactd was asked to stop before it was begun"


@dataclass(slots=True)
class _Tally:
    """What has been done so far; workers of several accounts add to it under the state's own lock."""

    notes_written: int = 0
    notes_made: int = 0
    notes_removed: int = 0
    created: Counter[AccountName] = field(default_factory=Counter[AccountName])
    updated: Counter[AccountName] = field(default_factory=Counter[AccountName])
    deleted: Counter[AccountName] = field(default_factory=Counter[AccountName])
    linked: int = 0
    parted: int = 0
    failures: list[Trouble] = field(default_factory=list[Trouble])
    postponed: list[Trouble] = field(default_factory=list[Trouble])
    copies: list[NotePath] = field(default_factory=list[NotePath])
    broken: dict[AccountName, ConnectorError] = field(default_factory=dict[AccountName, ConnectorError])

    def deeds(self) -> Deeds:
        return Deeds(
            self.notes_written,
            self.notes_made,
            self.notes_removed,
            dict(self.created),
            dict(self.updated),
            dict(self.deleted),
            self.linked,
            self.parted,
            tuple(self.failures),
            tuple(self.postponed),
            tuple(self.copies),
            {name: str(error) for name, error in self.broken.items()},
        )


@dataclass(frozen=True, slots=True)
class Execution:
    """One run's execution: what it works with, when it is, and whether it is to stop at the next step."""

    setup: Setup
    state: State
    run: RunId
    now: datetime
    stopping: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Begun:
    """An execution whose notes are written: what is left to be done in each account, by one thread each.

    `deeds` returns what was really done so far, `broken` are accounts that failed as a whole.
    """

    remote: Mapping[AccountName, Callable[[], None]]
    deeds: Callable[[], Deeds]
    broken: Mapping[AccountName, ConnectorError]


def never() -> bool:
    """Go on to the end."""
    return False


def begin(job: Execution, operations: Sequence[Operation], leftovers: Sequence[NotePath]) -> Begun:
    """Carry out the part of a plan that is the notes', and settle what a run that was cut short left in the vault.

    Result: what is left to do, and then says what was done; a step that could not be is a failure (its value is refused) or postponed
    (the side moved on; the next cycle plans anew), an account that failed as a whole is in `broken`.
    Errors: `VaultMissing`, `NotOurVault`, `StateError`; everything done until then is recorded.
    """
    tally = _Tally()
    if leftovers:
        tally.copies.extend(job.setup.vault.clean_up(leftovers))
    writes = [step for step in operations if isinstance(step, NoteWrite)]
    with job.state.transaction() as tx:
        journal.keep_former_bases(tx, job.run, {step.uid for step in operations})
    _remember(job, [step for step in operations if isinstance(step, Bookkeeping)], tally)
    unwritten = _write_notes(job, writes, tally)
    by_account: defaultdict[AccountName, list[RemoteWrite]] = defaultdict(list)
    for step in operations:
        if isinstance(step, RemoteWrite) and step.uid not in unwritten:
            by_account[step.account].append(step)
    accounts = {account.name: account for account in job.setup.accounts}
    remote = {name: _account_worker(job, accounts[name], steps, tally) for name, steps in by_account.items()}
    return Begun(remote, tally.deeds, tally.broken)


def _remember(job: Execution, steps: Iterable[Bookkeeping], tally: _Tally) -> None:
    with job.state.transaction() as tx:
        for step in steps:
            match step:
                case Link():
                    links.add_link(tx, step.account, step.uid, step.remote_id)
                    tally.linked += 1
                case Follow():
                    links.follow(tx, step.account, step.uid, step.remote_id)
                    records.forget_record(tx, step.account, step.former_id)
                case Suspend():
                    links.suspend(tx, step.account, step.uid, job.now)
                case Resume():
                    links.resume(tx, step.account, step.uid)
                case Agree():
                    links.agree(tx, step.agreed.account, step.uid, step.agreed.values)
                case Rebase():
                    links.rebase(tx, step.agreed.account, step.uid, step.agreed.values, step.never_agreed)
                case Unlink():
                    _part(tx, step.account, step.uid, step.remote_id, step.parting, job.now)
                    tally.parted += 1
                case RememberDate():
                    dates.remember(tx, job.run, step)
                case _:
                    assert_never(step)


def _part(
    tx: Transaction, account: AccountName, uid: Uid, remote_id: RemoteId, parting: Parting, now: datetime
) -> None:
    """End a link; unless the note is merely another person's, the pair is buried: it is never joined again by itself."""
    links.remove_link(tx, account, uid)
    if parting is not Parting.ANOTHER_PERSON:
        links.bury(tx, Tombstone(account, uid, remote_id), parting, now)
    if parting is Parting.RECORD_DELETED:
        records.forget_record(tx, account, remote_id)


@dataclass(frozen=True, slots=True)
class _Draft:
    """One note's edit, ready: what the step was computed from, and what is to stand there instead; None for nothing."""

    step: NoteWrite
    before: bytes | None
    after: bytes | None


def _write_notes(job: Execution, steps: Sequence[NoteWrite], tally: _Tally) -> frozenset[Uid]:
    """Write the notes; return the people whose note does not say what the plan counted on."""
    if not steps:
        return frozenset()
    job.setup.vault.check_identity()
    written: set[Uid] = set()
    certain = _certain(job, steps, tally)
    for first in range(0, len(certain), NOTES_AT_ONCE):
        if job.stopping():
            tally.postponed.extend(Trouble(step.path, 0, _STOPPED) for step in certain[first:])
            break
        drafts = [draft for step in certain[first : first + NOTES_AT_ONCE] if (draft := _draft(job, step, tally))]
        with job.state.transaction() as tx:
            intents = journal.intend(tx, job.run, [draft.step for draft in drafts], job.now)
            for draft, intent in zip(drafts, intents, strict=True):
                if draft.before is not None:
                    journal.keep_before(tx, intent, draft.before)
        for draft, intent in zip(drafts, intents, strict=True):
            if job.stopping():
                _leave(job, [(intent, draft.step.path)], tally)
            elif _write_note(job, draft, intent, tally):
                written.add(draft.step.uid)
        tally.copies.extend(job.setup.vault.settle())
    return frozenset(step.uid for step in steps) - written


def _certain(job: Execution, steps: Sequence[NoteWrite], tally: _Tally) -> Sequence[NoteWrite]:
    """Return the steps without notes for people who may have one after all; an undo makes again what was there."""
    doubtful = [step for step in steps if isinstance(step, CreateNote) and step.source]
    if not doubtful or new_notes.is_still_as_seen(job.setup, job.state):
        return steps
    tally.postponed.extend(Trouble(step.path, 0, _UNSETTLED) for step in doubtful)
    return [step for step in steps if step not in doubtful]


def _leave(job: Execution, steps: Iterable[tuple[OperationId, NotePath | RemoteId]], tally: _Tally) -> None:
    """Journal steps that were not begun as not done."""
    with job.state.transaction() as tx:
        for intent, place in steps:
            journal.dropped(tx, intent, _STOPPED)
            tally.postponed.append(Trouble(place, 0, _STOPPED))


def _draft(job: Execution, step: NoteWrite, tally: _Tally) -> _Draft | None:
    if isinstance(step, CreateNote):
        return _Draft(step, None, step.text.encode())
    try:
        note = job.setup.vault.read(step.path)
        if note.note_hash != step.note_hash:
            raise NoteChanged(_EDITED)
        after = None if isinstance(step, RemoveNote) else _text_after(job, step, note.content).encode()
    except (VaultError, EditRefused, UnreadableNote) as error:
        _tell(tally, step.path, error)
        return None
    return _Draft(step, note.content, after)


def _text_after(job: Execution, step: WriteNote | RestoreNote, content: bytes) -> str:
    if isinstance(step, RestoreNote):
        return step.text
    uid = step.uid if step.insert_uid else None
    return note_lens.put(step.path, note_lens.decode(content), values_after(step.changes), uid, job.setup.rules)


def _write_note(job: Execution, draft: _Draft, intent: OperationId, tally: _Tally) -> bool:
    step = draft.step
    try:
        made = _act(job, draft)
    except VaultError as error:
        _tell(tally, step.path, error)
        with job.state.transaction() as tx:
            journal.failed(tx, intent, error.reason)
        return False
    with job.state.transaction() as tx:
        journal.done(tx, intent, None, draft.after)
        if made is not None:
            scan.remember_made(tx, job.setup, made, step.uid, job.now)
        _remember_note(job, tx, step, tally)
    return True


def _act(job: Execution, draft: _Draft) -> NoteFile | None:
    """Make, replace or take away one note, and return one that was made. Errors: as `Vault`."""
    vault, step = job.setup.vault, draft.step
    if draft.after is None and not isinstance(step, CreateNote):
        vault.remove(step.path, step.note_hash)
    elif draft.after is not None:
        if isinstance(step, CreateNote):
            return vault.create(step.path, draft.after)
        vault.replace(step.path, step.note_hash, draft.after)
    return None


def _remember_note(job: Execution, tx: Transaction, step: NoteWrite, tally: _Tally) -> None:
    """Remember what follows from a note that was written, made, put back or taken away."""
    match step:
        case WriteNote():
            for agreed in step.agreed:
                links.agree(tx, agreed.account, step.uid, agreed.values)
            dates.written(tx, step.uid, (change.field for change in step.changes), _today(job))
            tally.notes_written += 1
        case CreateNote():
            for joined in step.joined:
                links.join(tx, step.uid, joined)
            tally.notes_made += 1
        case RemoveNote():
            for joined in step.joined:
                _part(tx, joined.agreed.account, step.uid, joined.remote_id, Parting.NOTE_UNDONE, job.now)
            tally.notes_removed += 1
        case RestoreNote():
            tally.notes_written += 1
        case _:
            assert_never(step)


def _today(job: Execution) -> str:
    return job.now.astimezone(job.setup.meetings.zone).date().isoformat()


def _tell(tally: _Tally, path: NotePath, error: VaultError | EditRefused | UnreadableNote) -> None:
    """Put what went wrong with one note where it belongs; a vault that is gone is not about one note."""
    match error:
        case VaultMissing():
            raise error
        case NoteChanged():
            tally.postponed.append(Trouble(path, 0, error.reason))
        case _:
            tally.failures.append(Trouble(path, 0, error.reason))


def _account_worker(
    job: Execution, account: Account, steps: Sequence[RemoteWrite], tally: _Tally
) -> Callable[[], None]:
    def work() -> None:
        try:
            _write_records(job, account, steps, tally)
        except ConnectorError as error:
            # Intents without an outcome stay open: they may have been applied, and `recover` finds out.
            tally.broken[account.name] = error

    return work


def _write_records(job: Execution, account: Account, steps: Sequence[RemoteWrite], tally: _Tally) -> None:
    contacts = account.contacts
    deletes = [step for step in steps if isinstance(step, DeleteRecord)]
    updates = [step for step in steps if isinstance(step, UpdateRecord)]
    creates = [step for step in steps if isinstance(step, CreateRecord)]
    restores = [step for step in steps if isinstance(step, RestoreRecord)]
    # Updates first: a value that the owner waits for is one; deletions last, as whatever is wrong shows up before.
    _write_group(job, updates, contacts.update, tally)
    _write_group(job, creates, contacts.create, tally)
    _write_group(job, restores, contacts.restore, tally)
    _write_group(job, deletes, contacts.delete, tally)


Step = TypeVar("Step", CreateRecord, UpdateRecord, DeleteRecord, RestoreRecord)


def _write_group(
    job: Execution,
    steps: Sequence[Step],
    write: Callable[[Sequence[Step]], Iterator[Outcome]],
    tally: _Tally,
) -> None:
    if not steps:
        return
    if job.stopping():
        tally.postponed.extend(Trouble(_place(step), 0, _STOPPED) for step in steps)
        return
    with job.state.transaction() as tx:
        intents = journal.intend(tx, job.run, steps, job.now)
    handed = Handed(steps)
    for step, intent, outcome in zip(steps, intents, write(handed), strict=True):
        with job.state.transaction() as tx:
            record_outcome(tx, step, intent, outcome, job.now)
            _count(tally, step, outcome)
        if job.stopping():
            _leave(job, zip(intents[handed.taken :], map(_place, steps[handed.taken :]), strict=True), tally)
            return


def record_outcome(tx: Transaction, step: RemoteWrite, intent: OperationId, outcome: Outcome, now: datetime) -> None:
    """Store what became of one step; the base learns exactly what was sent, but for what the record took otherwise."""
    match outcome:
        case Written():
            records.put_record(tx, step.account, outcome.record)
            egress.note_sent(tx, step, now)
            if outcome.before is None:
                _remember_made(tx, step, intent, outcome)
            else:
                journal.done(tx, intent, outcome.before.encode(), outcome.after.encode())
            if not isinstance(step, DeleteRecord) and step.agreed is not None:
                links.agree(tx, step.account, step.uid, _kept(step.agreed.values, outcome))
            links.saw(tx, [(step.account, step.uid, outcome.record.etag)])
        case Deleted():
            journal.done(tx, intent, outcome.before.encode(), None)
            records.forget_record(tx, step.account, outcome.remote_id)
            parting = Parting.UNDONE if isinstance(step, RestoreRecord) else Parting.NOTE_DELETED
            _part(tx, step.account, step.uid, outcome.remote_id, parting, now)
        case PreconditionFailed() | Gone() | Refused():
            journal.failed(tx, intent, outcome.reason)
            journal.unchanged(tx, intent)
            if isinstance(outcome, Gone) and not isinstance(step, CreateRecord):
                records.look_for(tx, step.account, step.remote_id)
        case _:
            assert_never(outcome)


def _kept(values: Mapping[FieldName, Value], outcome: Written) -> Mapping[FieldName, Value]:
    held = outcome.record.reading.held
    return {name: value for name, value in values.items() if name not in held}


def _remember_made(tx: Transaction, step: RemoteWrite, intent: OperationId, outcome: Written) -> None:
    """Link a record that is new, under whatever id it got; one that was deleted is no longer parted from its note."""
    remote_id = outcome.record.remote_id
    journal.created(tx, intent, remote_id, outcome.after.encode())
    if isinstance(step, RestoreRecord) and step.agreed is None:
        return
    if isinstance(step, RestoreRecord):
        links.unbury(tx, step.account, step.uid, step.remote_id)
    links.add_link(tx, step.account, step.uid, remote_id)


def _place(step: RemoteWrite) -> NotePath | RemoteId:
    return NotePath(step.uid) if isinstance(step, CreateRecord) else step.remote_id


def _count(tally: _Tally, step: RemoteWrite, outcome: Outcome) -> None:
    match outcome:
        case Written() if outcome.before is None:
            tally.created[step.account] += 1
        case Written():
            tally.updated[step.account] += 1
        case Deleted():
            tally.deleted[step.account] += 1
        case PreconditionFailed() | Gone():
            tally.postponed.append(_trouble(step, outcome.reason))
        case Refused():
            tally.failures.append(_trouble(step, outcome.reason))
        case _:
            assert_never(outcome)


def _trouble(step: RemoteWrite, reason: str) -> Trouble:
    """Return what went wrong with a contact, at the person's note: that is what the owner knows it by."""
    where = step.account if isinstance(step, CreateRecord) else f"{step.account}, {step.remote_id}"
    return Trouble(NotePath(step.uid), 0, f"{where}: {reason}")
