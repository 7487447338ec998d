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

from dataclasses import dataclass
from typing import assert_never

from mappings.date_memory import Dated, DateMemory, Floor, Free, Off, Pin, Standing


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


def settle_last(
    memory: DateMemory, noted: str | None, heard: str | None, derived: Dated | None, body_floor: str
) -> Settled:
    """Decide what a date of the past is to say.

    Shapes: `noted` is `YYYY-MM-DD`, `""` or None; hold the field where the note says anything else. `heard` is what
    somebody wrote into a contact instead, None for nothing; if the note was edited too, it is what both say or what
    was chosen. `body_floor` is the newest dated line of the note's text, "" unless the owner wants it; it serves
    while he has written no value.
    Errors: none.
    """
    if not is_ours(memory, noted) and heard in {None, noted or ""}:
        standing = _said(memory.stood, noted, derived)
    elif heard is not None and not _is_known(memory, heard):
        standing = _meant(heard, derived)
    else:
        standing = _unpinned(memory.standing, derived)
    floor = body_floor if isinstance(standing, Free) else ""
    return _settled(memory, noted, standing, _last_value(standing, derived, floor))


def settle_next(memory: DateMemory, noted: str | None, derived: Dated | None, today: str) -> Settled:
    """Decide what the next meeting is to say; what was written today stays until tomorrow, to keep notes still.

    Shapes: as for `settle_last`; `today` is the local day.
    Errors: none.
    """
    if not is_ours(memory, noted):
        standing = _said_of_next(memory.stood, noted, derived)
    else:
        standing = _next_unpinned(memory.standing, derived, today)
    value = standing.date if isinstance(standing, Pin) else _date(derived)
    if memory.written_on == today and memory.intended is None:
        value = noted or ""
    return _settled(memory, noted, standing, value)


def settle_count(memory: DateMemory, noted: str | None, count: int, today: str) -> Settled:
    """Decide what a number of meetings is to say. It is nobody's but ours: what is typed over it is counted anew.

    Shapes: as for `settle_next`; `noted` is a number.
    Errors: none.
    """
    removed = noted is None and (isinstance(memory.standing, Off) or not is_ours(memory, noted))
    value = str(count) if count or noted is not None else ""
    if memory.written_on == today and is_ours(memory, noted) and memory.intended is None:
        value = noted or ""
    return _settled(memory, noted, Off() if removed else Free(), value)


def is_ours(memory: DateMemory, noted: str | None) -> bool:
    """Tell whether a note says what it said when we last looked, or what we set out to write."""
    return noted == memory.stood or (memory.intended is not None and noted == memory.intended)


def _said(stood: str | None, noted: str | None, derived: Dated | None) -> Standing:
    """Return what the owner means who made of one value the other."""
    if noted is None:
        return Off()
    # An empty key where there was none, as in a template, asks for a date; an emptied one refuses it.
    if not noted and stood is None:
        return Free()
    return _meant(noted, derived)


def _meant(date: str, derived: Dated | None) -> Standing:
    """Return what a date means that the owner wrote, or "" where he emptied one."""
    if date and date >= _date(derived):
        return Floor(date)
    return Pin(date, derived.start if derived else None)


def _is_known(memory: DateMemory, heard: str) -> bool:
    """Tell whether what stands in a contact was taken for the owner's word before, by a run that died over it."""
    standing = memory.standing
    return memory.intended == heard and isinstance(standing, Floor | Pin) and standing.date == heard


def _unpinned(standing: Standing, derived: Dated | None) -> Standing:
    """Return what is left of a pin once a later meeting counts."""
    if not isinstance(standing, Pin) or derived is None:
        return standing
    if standing.against is not None and derived.start <= standing.against:
        return standing
    return Floor(standing.date) if standing.date else Free()


def _last_value(standing: Standing, derived: Dated | None, body_floor: str) -> str | None:
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


def _said_of_next(stood: str | None, noted: str | None, derived: Dated | None) -> Standing:
    if noted is None:
        return Off()
    if not noted and stood is None:
        return Free()
    return Pin(noted, derived.start if derived else None)


def _next_unpinned(standing: Standing, derived: Dated | None, today: str) -> Standing:
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


def _date(derived: Dated | None) -> str:
    return derived.date if derived is not None else ""
