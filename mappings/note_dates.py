"""One person's dates in the merge: whose word the note's date is, and the derived date as the last word.

A date that we wrote is no edit. So before the merge it counts as unchanged, and whatever somebody wrote into a contact
beats it; after the merge `derived_dates` decides what the note is to say, from what was noted, what was heard from a
contact, and what calendars tell. A clash of two people is open and stays as it is; so does what the owner put back.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from mappings.conflict import Decided
from mappings.date_memory import NOTHING_TOLD, DateMemory, Dates
from mappings.derived_dates import Settled, is_ours, settle_count, settle_last, settle_next
from mappings.fields import DERIVED, FIELDS, texts, value_of, with_values
from mappings.merge import NOTE, Merged, Side, Verdict, stands_still
from mappings.operation import RememberDate
from mappings.person import FieldName, Value
from mappings.record import MEETINGS
from mappings.world import NoteState


@dataclass(frozen=True, slots=True)
class Dated:
    """A merge in which the dates have their last word, and what is to be remembered of them."""

    merged: Merged
    remembered: tuple[RememberDate, ...]


def without_ours(note: NoteState, side: Side, dates: Dates | None) -> Side:
    """Return the note's side of a merge without the dates that we wrote: they are as if nobody had changed them."""
    if dates is None:
        return side
    ours: dict[FieldName, Value] = {
        name: side.common(name)
        for name in side.fields & DERIVED
        if (note.uid, name) in dates.memories and is_ours(dates.memory(note.uid, name), noted(note, name))
    }
    return replace(side, ours=with_values(side.ours, ours)) if ours else side


def settled(
    note: NoteState,
    merged: Merged,
    sides: Sequence[Side],
    takes: AbstractSet[FieldName],
    dates: Dates | None,
    decided: Decided,
) -> Dated:
    """Give the dates their last word in a person's merge.

    Shapes: `takes` are the fields that the note can be given.
    """
    if dates is None or dates.held:
        return Dated(merged, ())
    verdicts: dict[FieldName, Verdict] = dict(merged.verdicts)
    remembered: list[RememberDate] = []
    for name in FIELDS:
        if name not in dates.fields or not _is_ours_to_keep(note, name, takes, dates):
            continue
        verdict = _before(note, name, merged, sides, decided)
        if verdict.rests:
            verdicts[name] = verdict
            continue
        memory = dates.memory(note.uid, name)
        decision = _decision(note, name, verdict, memory, dates)
        verdicts[name] = _after(verdict, decision)
        if decision.memory != memory:
            remembered.append(RememberDate(note.uid, name, decision.memory))
    values: dict[FieldName, Value] = {name: verdict.value for name, verdict in verdicts.items()}
    return Dated(Merged(with_values(merged.person, values), verdicts), tuple(remembered))


def without_asked_anew(note: NoteState, dates: Dates | None, decided: Decided) -> Decided:
    """Return what the owner has decided, but for dates that he had put back and asks for again.

    He does so by an empty key where there was none: that changes what the note says of the date, though no value.
    """
    if dates is None:
        return decided
    asked = {
        (note.uid, name)
        for name in note.dated & dates.fields
        if (note.uid, name) in decided.standstills.keys() & dates.memories.keys()
        and noted(note, name) == ""
        and dates.memory(note.uid, name).stood is None
    }
    left = {key: one for key, one in decided.standstills.items() if key not in asked}
    return replace(decided, standstills=left) if asked else decided


def noted(note: NoteState, name: FieldName) -> str | None:
    """Return what a note says of a date, None where it has no key for it."""
    return "".join(texts(value_of(note.reading.person, name))) if name in note.dated else None


def _is_ours_to_keep(note: NoteState, name: FieldName, takes: AbstractSet[FieldName], dates: Dates) -> bool:
    if note.unwritable or name in note.refused or name in note.reading.held:
        return False
    # A key that stood there and is gone was taken out; nothing else is to be said where the note has no place for it.
    return name in takes or dates.memory(note.uid, name).stood is not None


def _before(note: NoteState, name: FieldName, merged: Merged, sides: Sequence[Side], decided: Decided) -> Verdict:
    """Return the merge's verdict; of a field that no contact holds, the note's own word, at rest if it was put back."""
    if name in merged.verdicts:
        return merged.verdicts[name]
    value = value_of(note.reading.person, name)
    standstill = decided.standstills.get((note.uid, name))
    rests = standstill is not None and stands_still(standstill, value, [side for side in sides if name in side.fields])
    return Verdict(value, (), None, stands_still=rests)


def _decision(note: NoteState, name: FieldName, verdict: Verdict, memory: DateMemory, dates: Dates) -> Settled:
    says, told = noted(note, name), dates.told.get(note.uid, NOTHING_TOLD)
    match name:
        case "last_contact":
            context = note.context_date if dates.from_context else ""
            return settle_last(memory, says, _heard(verdict), told.last_contact, context)
        case "last_1on1":
            return settle_last(memory, says, None, told.last_1on1, "")
        case "next_meeting":
            return settle_next(memory, says, told.next_meeting, dates.today)
        case "meetings_90d":
            return settle_count(memory, says, told.meetings_90d, dates.today)
        case _:
            raise AssertionError(name)


def _heard(verdict: Verdict) -> str | None:
    """Return what was taken from contacts, None if nothing was."""
    from_contacts = set(verdict.sources) - {NOTE}
    return "".join(texts(verdict.value)) if from_contacts else None


def _after(verdict: Verdict, decision: Settled) -> Verdict:
    wanted = decision.wanted or ""
    if wanted == verdict.value:
        return verdict
    heard = tuple(source for source in verdict.sources if source != NOTE)
    return replace(verdict, value=wanted, sources=(*heard, MEETINGS))
