"""Take back what a run did: look, plan it, show it, do it, as a run of its own.

What is to stand still is remembered before the first step: it says nothing until the sides are as it says, and a run
that is cut short behind a step must not be undone by the next sync. Records that the connector finds to be changed
where no field of ours shows it are gone over a second time, field by field.
"""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime

from daemon import cycle, dates, decisions, journal, linking
from daemon.errors import DaemonError
from daemon.execute import Execution, begin, never
from daemon.gather import Workers
from daemon.journal import Entry, OperationState, RunId
from daemon.report import Deeds
from daemon.setup import Setup
from daemon.state import Readable, State, Transaction
from daemon.vault import hash_of
from mappings import note as note_lens
from mappings import undo as decide
from mappings.operation import NoteWrite, RestoreNote, RestoreRecord
from mappings.person import FieldName, Uid
from mappings.record import AccountName, NoteHash, NotePath
from mappings.undo import Deed, Undoing
from mappings.world import World

KIND = "undo of run"


class NothingToUndo(DaemonError):
    """There is no such run, or it did nothing that could be taken back: nothing was changed, say what could be."""

    exit_code = 64


@dataclass(frozen=True, slots=True)
class Undone:
    """What taking back a run came to: what was to be done, and what was (None if the owner did not want it)."""

    run: RunId
    undoing: Undoing
    deeds: Deeds | None


@dataclass(frozen=True, slots=True)
class Past:
    """What a run did, as far as it is to be taken back."""

    run: RunId
    deeds: tuple[Deed, ...]


def past(state: Readable, run: int, person: str | None) -> Past:
    """Return what a run did, to one person only if one is named.

    Errors: `NothingToUndo`; `NoSuchLink` if nobody is called so.
    """
    if journal.run_of(state, run) is None:
        raise NothingToUndo(f"no run {run} is remembered; `contactd log` shows those that are")
    entries = [one for one in journal.entries(state, RunId(run)) if one.state is OperationState.DONE]
    if person is not None:
        uid, _ = linking.person_of(state, person)
        entries = [one for one in entries if one.operation.uid == uid]
    if not entries:
        raise NothingToUndo(f"run {run} wrote nothing{'' if person is None else f' for {person}'}")
    return Past(RunId(run), tuple(map(_deed, entries)))


def _deed(entry: Entry) -> Deed:
    remote_id = None if isinstance(entry.operation, NoteWrite) else entry.remote_id
    return Deed(entry.operation, remote_id, _text(entry.before), _text(entry.after))


def _text(kept: bytes | None) -> str | None:
    return None if kept is None else kept.decode("utf-8")


def planned(state: Readable, what: Past, world: World) -> Undoing:
    """Return what takes the deeds of a run back, as the sides are now."""
    return _planned(state, what, world, frozenset())


def _planned(state: Readable, what: Past, world: World, touched: AbstractSet[tuple[AccountName, Uid]]) -> Undoing:
    return decide.undo(what.deeds, world, journal.former_bases(state, what.run), _hash_of, touched)


def _hash_of(text: str) -> NoteHash:
    return hash_of(text.encode())


def carry_out(
    setup: Setup,
    state: State,
    what: Past,
    clock: Callable[[], datetime],
    confirmed: Callable[[Undoing], bool],
    workers: Workers,
) -> Undone:
    """Take back what a run did, if the owner confirms what that comes to.

    Errors: as `cycle.look`; what was done until then is recorded, and can be taken back in turn.
    """
    seen = cycle.look(setup, state, clock(), workers)
    undoing = planned(state, what, seen.world)
    if not undoing.operations or not confirmed(undoing):
        return Undone(RunId(0), undoing, None)
    with state.transaction() as tx:
        own_run = journal.begin_run(tx, f"{KIND} {what.run}", clock())
    job = Execution(setup, state, own_run, clock(), never)
    done = _round(job, undoing, seen.leftovers, workers)
    touched = _touched(state, own_run)
    if touched:
        world = cycle.look(setup, state, clock(), workers).world
        theirs = Past(what.run, tuple(deed for deed in what.deeds if _whose(deed) in touched))
        again = _planned(state, theirs, world, touched)
        done = _sum(done, _round(job, again, (), workers))
        undoing = replace(undoing, refusals=(*undoing.refusals, *again.refusals))
    with state.transaction() as tx:
        _dates_put_back(tx, what.run, undoing, _keys_left(setup, seen.world, undoing))
        journal.finish_run(tx, own_run, 1 if undoing.refusals or done.failures else 0, _counts(done), clock())
    return Undone(own_run, undoing, done)


def _round(job: Execution, undoing: Undoing, leftovers: Sequence[NotePath], workers: Workers) -> Deeds:
    with job.state.transaction() as tx:
        decisions.stand_still(tx, undoing.standstills, job.now)
        decisions.keep_bare(tx, undoing.bare)
    begun = begin(job, undoing.operations, leftovers)
    workers(list(begun.remote.values()))
    return begun.deeds()


def _dates_put_back(tx: Transaction, run: RunId, undoing: Undoing, keys: Mapping[Uid, AbstractSet[FieldName]]) -> None:
    """Take back what the run made of the owner's word on dates: what he had set before, he has set again.

    `keys` are those that notes have for dates now: an empty one of these asks for nothing.
    """
    for standstill in undoing.standstills:
        dates.put_back(tx, run, standstill.uid, [standstill.field])
        if standstill.field in keys.get(standstill.uid, frozenset()) and not standstill.ours:
            dates.seen_empty(tx, standstill.uid, [standstill.field])


def _keys_left(setup: Setup, world: World, undoing: Undoing) -> Mapping[Uid, AbstractSet[FieldName]]:
    """Return the dates for which each note has a key once it is put back."""
    left: dict[Uid, AbstractSet[FieldName]] = {note.uid: note.dated for note in world.notes}
    for step in undoing.operations:
        if isinstance(step, RestoreNote):
            reading = note_lens.read(step.path, step.text, setup.rules)
            left[step.uid] = reading.dated if reading is not None else frozenset()
    return left


def _touched(state: Readable, run: RunId) -> frozenset[tuple[AccountName, Uid]]:
    failed = (one for one in journal.entries(state, run) if one.state is OperationState.FAILED)
    return frozenset(
        (one.operation.account, one.operation.uid) for one in failed if isinstance(one.operation, RestoreRecord)
    )


def _whose(deed: Deed) -> tuple[AccountName, Uid] | None:
    if isinstance(deed.operation, NoteWrite):
        return None
    return deed.operation.account, deed.operation.uid


def _sum(first: Deeds, second: Deeds) -> Deeds:
    """Return both rounds as one; what was left over by the first was gone over by the second."""
    updated = {
        name: first.updated.get(name, 0) + second.updated.get(name, 0) for name in {*first.updated, *second.updated}
    }
    return replace(
        second,
        notes_written=first.notes_written + second.notes_written,
        notes_made=first.notes_made + second.notes_made,
        notes_removed=first.notes_removed + second.notes_removed,
        created=first.created,
        updated=updated,
        deleted=first.deleted,
        failures=(*first.failures, *second.failures),
        copies=(*first.copies, *second.copies),
        broken={**first.broken, **second.broken},
    )


def _counts(done: Deeds) -> dict[str, int]:
    return {
        "notes_written": done.notes_written,
        "notes_made": done.notes_made,
        "notes_removed": done.notes_removed,
        "contacts_written": sum(done.created.values()) + sum(done.updated.values()),
        "contacts_deleted": sum(done.deleted.values()),
        "failed": len(done.failures),
    }
