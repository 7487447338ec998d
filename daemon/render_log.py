"""What runs did, and what taking one back would do or did: as text or as JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from daemon import render_plan
from daemon.codec import time_text
from daemon.difference import change
from daemon.journal import Entry, OperationState, Run
from daemon.render import People, aligned, day, document, field_name, number, page
from daemon.report import Deeds
from daemon.undo import Undone
from mappings.fields import FIELDS, blank, texts, value_of
from mappings.operation import (
    Change,
    CreateNote,
    CreateRecord,
    DeleteRecord,
    NoteWrite,
    Operation,
    RemoveNote,
    RestoreNote,
    RestoreRecord,
    UpdateRecord,
    WriteNote,
)
from mappings.record import AccountName
from mappings.undo import Refusal, Undoing

_STATES = {
    OperationState.DONE: "",
    OperationState.FAILED: "not done: ",
    OperationState.DROPPED: "given up: ",
    OperationState.INTENDED: "begun, and not known to be done: ",
}


def runs(found: Sequence[Run]) -> str:
    """Return runs, the last one first, with what each did in numbers."""
    if not found:
        return "No run has written anything yet."
    rows = [(f"{run.id}  {day(run.started_at)}", f"{run.kind}: {_counts(run)}") for run in found]
    return page([*aligned(rows, ""), "`contactd log RUN` shows what one did, `contactd undo RUN` takes it back."])


def runs_json(found: Sequence[Run]) -> str:
    """Return the same as JSON, a list."""
    return document(
        [
            {
                "run": run.id,
                "kind": run.kind,
                "started_at": time_text(run.started_at),
                "finished_at": None if run.finished_at is None else time_text(run.finished_at),
                "exit_code": run.exit_code,
                "counts": dict(run.summary),
            }
            for run in found
        ]
    )


def run(entries: Sequence[Entry], people: People) -> str:
    """Return everything that one run set out to do, with both values of each field, old and new."""
    return page([line for entry in entries for line in _entry(entry, people)] or ["This run wrote nothing."])


def run_json(entries: Sequence[Entry], people: People) -> str:
    """Return the same as JSON, a list; the payloads that are kept for an undo are left out."""
    return document(
        [
            {
                "kind": type(entry.operation).__name__,
                "uid": entry.operation.uid,
                "path": people.get(entry.operation.uid),
                "account": None if isinstance(entry.operation, NoteWrite) else entry.operation.account,
                "remote_id": entry.remote_id,
                "changes": [asdict(change) for change in _changes(entry)],
                "state": entry.state,
                "reason": entry.reason,
                "at": time_text(entry.at),
            }
            for entry in entries
        ]
    )


def undoing(planned: Undoing, people: People) -> str:
    """Return what taking back would do, and what it would leave."""
    steps = [step for step in planned.operations if render_plan.is_shown(step)]
    told = [
        line
        for step, shown in zip(steps, render_plan.lines(steps, people, all_of_them=True), strict=True)
        for line in (shown, *_put_back(step, planned))
    ]
    return page(
        [*(["To be put back:", *told] if told else ["There is nothing to put back."]), *_refusals(planned, people)]
    )


def _put_back(step: Operation, planned: Undoing) -> Sequence[str]:
    """Return both values of each field that a note or contact is put back in; what is put back field by field says so."""
    match step:
        case RestoreNote():
            return _values(planned.changes.get((step.uid, AccountName("")), ()), "    ")
        case RestoreRecord():
            return _values(planned.changes.get((step.uid, step.account), ()), "    ")
        case _:
            return ()


def _values(changes: Sequence[Change], indent: str) -> Sequence[str]:
    return aligned([(field_name(one.field), change(one.before, one.after)) for one in changes], indent)


def undone(done: Undone, people: People) -> str:
    """Return what taking back did."""
    if done.deeds is None:
        return page([*_refusals(done.undoing, people), "Nothing was put back."])
    deeds = done.deeds
    counts = [
        (deeds.notes_written + deeds.notes_made, "note"),
        (sum(deeds.updated.values()) + sum(deeds.created.values()), "contact"),
    ]
    if (
        not any(count for count, _ in counts)
        and not any(_taken(deeds))
        and not done.undoing.refusals
        and not deeds.failures
    ):
        return page(["All of it is as it was before that run already."])
    told = " and ".join(number(count, noun) for count, noun in counts if count) or "nothing"
    lines = [f"Put back: {told}." + (f" Taken away: {' and '.join(taken)}." if (taken := list(_taken(deeds))) else "")]
    lines += _refusals(done.undoing, people)
    lines += [f"  not put back: {one.place}: {one.reason}" for one in deeds.failures]
    lines += [f"  {account} stopped half way: {reason}" for account, reason in deeds.broken.items()]
    lines.append(
        "What was put back stays so until you change or settle it (`contactd conflicts`)."
        f" `contactd undo {done.run}` takes this back in turn."
    )
    return page(lines)


def _taken(deeds: Deeds) -> Iterator[str]:
    for count, noun in ((deeds.notes_removed, "note"), (sum(deeds.deleted.values()), "contact")):
        if count:
            yield number(count, noun)


def _counts(found: Run) -> str:
    names = {
        "notes_written": "note",
        "notes_made": "note",
        "notes_removed": "note",
        "contacts_written": "contact",
        "contacts_deleted": "contact",
        "failed": "step",
    }
    verbs = {
        "notes_written": "",
        "notes_made": " made",
        "notes_removed": " taken away",
        "contacts_written": "",
        "contacts_deleted": " deleted",
        "failed": " failed",
    }
    told = [f"{number(found.summary[key], noun)}{verbs[key]}" for key, noun in names.items() if found.summary.get(key)]
    if found.finished_at is None:
        told.append("cut short, or at work")
    return ", ".join(told) or "nothing written"


def _entry(entry: Entry, people: People) -> Iterator[str]:
    operation = entry.operation
    where = "note" if isinstance(operation, NoteWrite) else operation.account
    state = _STATES[entry.state]
    yield f"{people.get(operation.uid, operation.uid)} ({where}): {state}{_verb(entry)}" + (
        f" ({entry.reason})" if entry.reason else ""
    )
    yield from _values(_changes(entry), "  ")


def _verb(entry: Entry) -> str:
    match entry.operation:
        case WriteNote(insert_uid=True):
            return "written, uid added"
        case WriteNote():
            return "written"
        case RestoreNote() | RestoreRecord():
            return "put back"
        case CreateNote() | CreateRecord():
            return "made"
        case RemoveNote():
            return "taken away"
        case UpdateRecord():
            return "changed"
        case DeleteRecord():
            return "deleted"


def _changes(entry: Entry) -> Sequence[Change]:
    match entry.operation:
        case WriteNote() | UpdateRecord():
            return entry.operation.changes
        case CreateRecord(person=person):
            return [
                Change(name, blank(name), value_of(person, name), ())
                for name in FIELDS
                if texts(value_of(person, name))
            ]
        case _:
            return ()


def _refusals(planned: Undoing, people: People) -> Iterator[str]:
    for refusal in planned.refusals:
        yield f"  left as it is: {_where(refusal, people)}: {refusal.reason}"


def _where(refusal: Refusal, people: People) -> str:
    place = " ".join(part for part in (refusal.account or "the note", field_name(refusal.field)) if part)
    return f"{people.get(refusal.uid, refusal.uid)} ({place})"
