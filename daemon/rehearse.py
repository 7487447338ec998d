"""Try every note edit of a plan on paper, and plan again around those that cannot be made.

Whether a value fits into a note is known only when it is put there: a body line takes plain text only, an odd YAML
value is not edited on doubt. And a note may be read-only: then it is still read, and what it says travels. What cannot
be written must be known *before* anything is done, because other accounts would otherwise be told a value that the note
never got.

A value that the owner chose for a conflict, and that does not fit, is no answer: the conflict waits for another one.
"""

from collections.abc import Callable
from dataclasses import replace

from daemon.errors import NoteChanged, VaultError, VaultMissing
from daemon.setup import Setup
from mappings import note as note_lens
from mappings.conflict import Conflict
from mappings.errors import EditRefused, UnreadableNote
from mappings.merge import OWNER
from mappings.note import FieldRefused
from mappings.operation import WriteNote, values_after
from mappings.person import Uid
from mappings.person_plan import Hold
from mappings.plan import Plan
from mappings.record import AccountName, NotePath
from mappings.world import NoteState, World


def rehearse(setup: Setup, world: World, plan: Callable[[World], Plan]) -> Plan:
    """Return the plan whose note edits can all be made; what cannot stands among its holds.

    Bound: every round takes at least one answer, field, or the whole note, of at least one person out of the next.
    """
    unfit: list[Hold] = []
    while True:
        planned = plan(world)
        # What waits is tried, too: the owner is shown it, and approves what is shown.
        steps = (*planned.operations, *planned.waiting)
        attempts = (_attempt(setup, step) for step in steps if isinstance(step, WriteNote))
        refusals = {uid: reason for uid, reason in attempts if reason is not None}
        if not refusals:
            return replace(planned, holds=(*planned.holds, *unfit))
        answers = {(one.uid, one.field): one for one in planned.conflicts if one.settled_by == OWNER}
        paths = {note.uid: note.path for note in world.notes}
        choices = dict(world.decided.choices)
        for uid, refusal in list(refusals.items()):
            answer = answers.get((uid, refusal.field)) if isinstance(refusal, FieldRefused) else None
            if answer is not None and choices.pop(answer.id, None) is not None:
                del refusals[uid]
                unfit.append(_unfit(answer, paths[uid], refusal))
        notes = tuple(_without(note, refusals.get(note.uid)) for note in world.notes)
        world = replace(world, notes=notes, decided=replace(world.decided, choices=choices))


def _unfit(answer: Conflict, path: NotePath, refusal: EditRefused) -> Hold:
    reason = f"your answer does not fit, choose another: {refusal.reason}"
    return Hold(answer.uid, path, AccountName(""), answer.field, reason, "", {OWNER: answer.chosen})


def _attempt(setup: Setup, step: WriteNote) -> tuple[Uid, EditRefused | None]:
    changes = values_after(step.changes)
    uid = step.uid if step.insert_uid else None
    try:
        note = setup.vault.read(step.path)
        reason = _why_unwritable(setup, step)
        if reason:
            return step.uid, EditRefused(reason)
        if note.note_hash == step.note_hash:
            note_lens.put(step.path, note_lens.decode(note.content), changes, uid, setup.rules)
    except EditRefused as error:
        return step.uid, error
    except UnreadableNote as error:
        return step.uid, EditRefused(str(error))
    except VaultMissing:
        raise
    except VaultError:
        # It is being edited; executing the step finds out and leaves it to the next cycle.
        return step.uid, None
    return step.uid, None


def _why_unwritable(setup: Setup, step: WriteNote) -> str:
    """Return why nothing may be written into a note, "" if it may, or if that cannot be told just now."""
    try:
        setup.vault.check_writable(step.path)
    except (VaultMissing, NoteChanged):
        raise
    except VaultError as error:
        return error.reason
    return ""


def _without(note: NoteState, refusal: EditRefused | None) -> NoteState:
    match refusal:
        case None:
            return note
        case FieldRefused():
            return replace(note, refused={**note.refused, refusal.field: refusal.reason})
        case _:
            return replace(note, unwritable=refusal.reason)
