"""What a note's date is to say: what calendars derive, and what the owner wrote, who is never overruled downwards.

Every value that we have no record of having written is the owner's:

- one not below the derived date is the *floor*: the date never falls below it, and rises with newer meetings;
- a lower one is a *pin*: it stands until a meeting counts that starts later than the latest one that counted when it
  was set; then it is a floor. A value that was emptied is a pin to nothing;
- a key that was removed turns the field *off* for its note, until it is put back.

The next meeting has no floor: what the owner wrote stands until that day is over, nothing until another meeting is
next.

A note says `None` where it has no such key, `""` where the key stands empty. Between the decision to write and the
write a run may die; so what is intended is remembered beside what stood there, and either one is known as ours.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from mappings.meetings import Evidence, Findings, NearMiss
from mappings.person import Uid


@dataclass(frozen=True, slots=True)
class Free:
    """The owner has said nothing."""


@dataclass(frozen=True, slots=True)
class Floor:
    """The owner's date, below which it does not fall."""

    date: str


@dataclass(frozen=True, slots=True)
class Pin:
    """The owner's date, "" for none, which stands against a meeting at `against`; None if there was no meeting."""

    date: str
    against: datetime | None


@dataclass(frozen=True, slots=True)
class Off:
    """The owner took the key out."""


Standing = Free | Floor | Pin | Off
"""What the owner's last word on a field means."""


@dataclass(frozen=True, slots=True)
class DateMemory:
    """What is remembered of one field of one note.

    `stood` is what the note said when last looked at or written to; `intended` what we set out to write since, None
    for nothing. `written_on` is the local day of our last write, "" if there was none.
    """

    stood: str | None
    intended: str | None
    standing: Standing
    written_on: str


NOTHING_REMEMBERED = DateMemory(None, None, Free(), "")


@dataclass(frozen=True, slots=True)
class Settled:
    """What the note is to say, and what to remember before it is written; equal to what it says: write nothing."""

    wanted: str | None
    memory: DateMemory

    @property
    def is_owners(self) -> bool:
        """Whether what the note is to say is the owner's word, which no calendar has moved on."""
        standing = self.memory.standing
        return isinstance(standing, Floor | Pin) and standing.date == self.wanted


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one person's dates are what they are; `note_date` is what the note says now."""

    uid: Uid
    note_date: str | None
    standing: Standing
    last_contact: Evidence | None
    next_meeting: Evidence | None
    near_misses: tuple[NearMiss, ...]
    missed_next: tuple[NearMiss, ...]
    doubtful: tuple[NearMiss, ...]
    shared: tuple[str, ...]
    suggested: tuple[str, ...]


def settle_last(memory: DateMemory, noted: str | None, derived: Evidence | None, body_floor: str) -> Settled:
    """Decide what a date of the past is to say.

    Shapes: `noted` is `YYYY-MM-DD`, `""` or None; hold the field where the note says anything else. `body_floor` is
    the newest dated line of the note's text, "" unless the owner wants it; it serves while he has written no value.
    Errors: none.
    """
    standing = memory.standing
    if _is_ours(memory, noted):
        standing = _unpinned(standing, derived)
    else:
        standing = _said(memory.stood, noted, derived)
    floor = body_floor if isinstance(standing, Free) else ""
    return _settled(memory, noted, standing, _last_value(standing, derived, floor))


def settle_next(memory: DateMemory, noted: str | None, derived: Evidence | None, today: str) -> Settled:
    """Decide what the next meeting is to say; what was written today stays until tomorrow, to keep notes still.

    Shapes: as for `settle_last`; `today` is the local day.
    Errors: none.
    """
    if not _is_ours(memory, noted):
        standing = _said_of_next(memory.stood, noted, derived)
    else:
        standing = _next_unpinned(memory.standing, derived, today)
    value = standing.date if isinstance(standing, Pin) else _date(derived)
    if memory.written_on == today and memory.intended is None:
        value = noted or ""
    return _settled(memory, noted, standing, value)


def carried_out(memory: DateMemory, today: str) -> DateMemory:
    """Return what to remember once the note says what was intended."""
    if memory.intended is None:
        return memory
    return replace(memory, stood=memory.intended, intended=None, written_on=today)


def explain(uid: Uid, note_date: str | None, memory: DateMemory, findings: Findings) -> Explanation:
    """Gather what there is to say about one person; `memory` is that of `last_contact`."""
    tally = findings.tally(uid)
    return Explanation(
        uid=uid,
        note_date=note_date,
        standing=memory.standing,
        last_contact=tally.last_contact,
        next_meeting=tally.next_meeting,
        near_misses=tally.near_misses,
        missed_next=tally.missed_next,
        doubtful=tally.doubtful,
        shared=tuple(sorted(address for address, uids in findings.shared.items() if uid in uids)),
        suggested=tuple(sorted(address for address, owner in findings.suggested.items() if owner == uid)),
    )


def _is_ours(memory: DateMemory, noted: str | None) -> bool:
    return noted == memory.stood or (memory.intended is not None and noted == memory.intended)


def _said(stood: str | None, noted: str | None, derived: Evidence | None) -> Standing:
    """Return what the owner means who made of one value the other."""
    if noted is None:
        return Off()
    # An empty key where there was none, as in a template, asks for a date; an emptied one refuses it.
    if not noted and stood is None:
        return Free()
    if noted >= _date(derived) and noted:
        return Floor(noted)
    return Pin(noted, derived.start if derived else None)


def _unpinned(standing: Standing, derived: Evidence | None) -> Standing:
    """Return what is left of a pin once a later meeting counts."""
    if not isinstance(standing, Pin) or derived is None:
        return standing
    if standing.against is not None and derived.start <= standing.against:
        return standing
    return Floor(standing.date) if standing.date else Free()


def _last_value(standing: Standing, derived: Evidence | None, body_floor: str) -> str | None:
    match standing:
        case Free():
            return max(body_floor, _date(derived))
        case Floor(date):
            return max(date, _date(derived))
        case Pin(date, _):
            return date
        case Off():
            return None
        case _:
            assert_never(standing)


def _said_of_next(stood: str | None, noted: str | None, derived: Evidence | None) -> Standing:
    if noted is None:
        return Off()
    if not noted and stood is None:
        return Free()
    return Pin(noted, derived.start if derived else None)


def _next_unpinned(standing: Standing, derived: Evidence | None, today: str) -> Standing:
    if not isinstance(standing, Pin):
        return standing
    if standing.date:
        return Free() if standing.date < today else standing
    return Free() if derived is not None and derived.start != standing.against else standing


def _settled(memory: DateMemory, noted: str | None, standing: Standing, value: str | None) -> Settled:
    """Return the decision; no key is made or kept for a value that says nothing."""
    wanted = noted if isinstance(standing, Off) or not (value or noted) else value
    intended = None if wanted == noted else wanted
    return Settled(wanted, DateMemory(noted, intended, standing, memory.written_on))


def _date(evidence: Evidence | None) -> str:
    return evidence.date if evidence is not None else ""
