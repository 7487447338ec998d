"""Try every note edit of a plan on paper, and plan again around those that cannot be made.

Whether a value fits into a note is known only when it is put there: a body line takes plain text only, an odd YAML
value is not edited on doubt. And a note may be read-only: then it is still read, and what it says travels. What cannot be written must be known *before* anything is done, because other accounts
would otherwise be told a value that the note never got.
"""

from collections.abc import Callable
from dataclasses import replace

from daemon.errors import NoteChanged, VaultError, VaultMissing
from daemon.setup import Setup
from mappings import note as note_lens
from mappings.errors import EditRefused, UnreadableNote
from mappings.note import FieldRefused
from mappings.operation import WriteNote, values_after
from mappings.person import Uid
from mappings.plan import Plan
from mappings.world import NoteState, World


def rehearse(setup: Setup, world: World, plan: Callable[[World], Plan]) -> Plan:
    """Return the plan whose note edits can all be made; what cannot stands among its holds.

    Bound: every round takes at least one field, or the whole note, of at least one person out of the next.
    """
    while True:
        planned = plan(world)
        attempts = (_attempt(setup, step) for step in planned.operations if isinstance(step, WriteNote))
        refusals = {uid: reason for uid, reason in attempts if reason is not None}
        if not refusals:
            return planned
        notes = tuple(_without(note, refusals.get(note.uid)) for note in world.notes)
        world = replace(world, notes=notes)


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
