"""What a note's date is to say, step by step: what stood there, what the calendars say, what is remembered."""

from dataclasses import dataclass, replace
from datetime import datetime

import pytest

from mappings.date_memory import NOTHING_REMEMBERED, DateMemory, Floor, Free, Off, Pin, Standing, carried_out
from mappings.derived_dates import settle_count, settle_last, settle_next
from mappings.event import AttendeeKind, Response, Timed
from mappings.explanation import explain
from mappings.meetings import Clock, Evidence
from mappings.person import Uid
from meeting_worlds import ACCEPTED, ADA, CLOCK, MEETING, among, at, contact, found, invited

NOV = "2026-11-"


def met(day: int, clock: Clock = CLOCK) -> Evidence:
    """Return a meeting of November 2026 as evidence."""
    return contact(found(replace(MEETING, when=Timed(at(day), at(day, 10))), clock=clock))


def coming(day: int) -> Evidence:
    """Return one as it looked before it was to take place."""
    return met(day, replace(CLOCK, now=at(30)))


M1, M5, M9, M12 = met(1), met(5), met(9), met(12)


@dataclass(frozen=True)
class Step:
    """What the owner does to the note (`keep` nothing), what the calendars then say, what the note says after."""

    typed: str | None
    derived: Evidence | None
    says: str | None
    standing: Standing


KEEP = "keep"

STORIES: dict[str, list[Step]] = {
    "a date is made, moved on, taken back and taken away": [
        Step(KEEP, M5, NOV + "05", Free()),
        Step(KEEP, M9, NOV + "09", Free()),
        Step(KEEP, M1, NOV + "01", Free()),
        Step(KEEP, None, "", Free()),
        Step(KEEP, M5, NOV + "05", Free()),
    ],
    "no key is made for nothing": [Step(KEEP, None, None, Free())],
    "an empty key asks for a date": [Step("", None, "", Free()), Step(KEEP, M5, NOV + "05", Free())],
    "what stood there before us is the owner's": [
        Step(NOV + "05", M1, NOV + "05", Floor(NOV + "05")),
        Step(KEEP, M9, NOV + "09", Floor(NOV + "05")),
        Step(KEEP, M1, NOV + "05", Floor(NOV + "05")),
        Step(KEEP, None, NOV + "05", Floor(NOV + "05")),
    ],
    "the derived date itself, typed, is a floor": [
        Step(NOV + "05", M5, NOV + "05", Floor(NOV + "05")),
        Step(KEEP, None, NOV + "05", Floor(NOV + "05")),
    ],
    "a lower date is a pin until a later meeting": [
        Step(KEEP, M9, NOV + "09", Free()),
        Step(NOV + "05", M9, NOV + "05", Pin(NOV + "05", M9.start)),
        Step(KEEP, M9, NOV + "05", Pin(NOV + "05", M9.start)),
        # the meeting stopped counting, and an earlier one came: none starts later
        Step(KEEP, M1, NOV + "05", Pin(NOV + "05", M9.start)),
        Step(KEEP, met(7), NOV + "05", Pin(NOV + "05", M9.start)),
        Step(KEEP, M12, NOV + "12", Floor(NOV + "05")),
        Step(KEEP, M9, NOV + "09", Floor(NOV + "05")),
        Step(KEEP, None, NOV + "05", Floor(NOV + "05")),
    ],
    "an emptied value is a pin to nothing": [
        Step(KEEP, M9, NOV + "09", Free()),
        Step("", M9, "", Pin("", M9.start)),
        Step(KEEP, M5, "", Pin("", M9.start)),
        Step(KEEP, M12, NOV + "12", Free()),
        Step(KEEP, None, "", Free()),
    ],
    "an emptied date of the owner's own, without meetings": [
        Step(NOV + "05", None, NOV + "05", Floor(NOV + "05")),
        Step("", None, "", Pin("", None)),
        Step(KEEP, M1, NOV + "01", Free()),
    ],
    "the owner's last word replaces an earlier one": [
        Step(NOV + "09", M1, NOV + "09", Floor(NOV + "09")),
        Step(NOV + "05", M1, NOV + "05", Floor(NOV + "05")),
        Step(NOV + "12", M1, NOV + "12", Floor(NOV + "12")),
        Step("2026-10-01", M1, "2026-10-01", Pin("2026-10-01", M1.start)),
    ],
    "a removed key turns the field off until it comes back": [
        Step(KEEP, M5, NOV + "05", Free()),
        Step(None, M5, None, Off()),
        Step(KEEP, M9, None, Off()),
        Step("", M9, NOV + "09", Free()),
        Step(None, M9, None, Off()),
        Step(NOV + "12", M9, NOV + "12", Floor(NOV + "12")),
    ],
    "an empty key that is removed": [Step("", None, "", Free()), Step(None, M5, None, Off())],
    "an emptied key that is removed": [
        Step(NOV + "05", None, NOV + "05", Floor(NOV + "05")),
        Step("", None, "", Pin("", None)),
        Step(None, M1, None, Off()),
    ],
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_a_story_of_one_date(story: list[Step]) -> None:
    memory, note = NOTHING_REMEMBERED, None
    for step in story:
        note = note if step.typed == KEEP else step.typed
        settled = settle_last(memory, note, None, step.derived, "")
        note, memory = settled.wanted, carried_out(settled.memory, NOV + "23")
        assert (note, memory.standing) == (step.says, step.standing)


@pytest.mark.parametrize(
    ("noted", "expected"), [(NOV + "05", NOV + "09"), (NOV + "09", NOV + "09"), (NOV + "07", NOV + "07")]
)
def test_a_run_that_died_before_or_after_the_write_has_written_nothing_of_the_owners(noted: str, expected: str) -> None:
    settled = settle_last(DateMemory(NOV + "05", None, Free(), ""), NOV + "05", None, M9, "")
    assert settled.wanted == NOV + "09"
    again = settle_last(settled.memory, noted, None, M9, "")
    assert again.wanted == expected
    assert isinstance(again.memory.standing, Free) is (noted != NOV + "07")


def test_a_written_value_that_the_owner_takes_back_is_his_word() -> None:
    written = carried_out(
        settle_last(DateMemory(NOV + "05", None, Free(), ""), NOV + "05", None, M9, "").memory, NOV + "23"
    )
    assert settle_last(written, NOV + "05", None, M9, "").memory.standing == Pin(NOV + "05", M9.start)


@pytest.mark.parametrize(
    ("noted", "derived", "is_owners"),
    [(NOV + "05", M1, True), (NOV + "01", M5, True), (NOV + "05", None, True), (None, M5, False), (None, None, False)],
)
def test_whose_word_a_date_is(noted: str | None, derived: Evidence | None, *, is_owners: bool) -> None:
    assert settle_last(NOTHING_REMEMBERED, noted, None, derived, "").is_owners is is_owners


def test_a_floor_that_a_meeting_has_risen_above_is_no_longer_the_owners_word() -> None:
    below = settle_last(NOTHING_REMEMBERED, NOV + "05", None, M1, "").memory
    assert settle_last(below, NOV + "05", None, M9, "").is_owners is False


@pytest.mark.parametrize(
    ("memory", "noted", "derived", "wanted"),
    [
        (NOTHING_REMEMBERED, None, M5, NOV + "09"),
        (NOTHING_REMEMBERED, None, None, NOV + "09"),
        (NOTHING_REMEMBERED, None, M12, NOV + "12"),
        (DateMemory(NOV + "12", None, Free(), ""), NOV + "12", None, NOV + "09"),
        (NOTHING_REMEMBERED, NOV + "01", None, NOV + "01"),
        (DateMemory(NOV + "12", None, Free(), ""), "", None, ""),
    ],
)
def test_a_dated_line_of_the_text_serves_while_the_owner_wrote_no_value(
    memory: DateMemory, noted: str | None, derived: Evidence | None, wanted: str | None
) -> None:
    assert settle_last(memory, noted, None, derived, NOV + "09").wanted == wanted


@pytest.mark.parametrize(
    ("memory", "noted", "derived", "wanted", "standing"),
    [
        (NOTHING_REMEMBERED, "", coming(25), NOV + "25", Free()),
        (NOTHING_REMEMBERED, None, coming(25), NOV + "25", Free()),
        (DateMemory(NOV + "25", None, Free(), NOV + "22"), NOV + "25", None, "", Free()),
        (DateMemory(NOV + "25", None, Free(), NOV + "22"), NOV + "25", coming(24), NOV + "24", Free()),
        # once a day is enough
        (DateMemory(NOV + "25", None, Free(), NOV + "23"), NOV + "25", coming(24), NOV + "25", Free()),
        # what the owner wrote stands until its day is over
        (NOTHING_REMEMBERED, NOV + "28", coming(25), NOV + "28", Pin(NOV + "28", coming(25).start)),
        (DateMemory(NOV + "23", None, Pin(NOV + "23", None), ""), NOV + "23", coming(25), NOV + "23", Pin(NOV + "23", None)),
        (DateMemory(NOV + "22", None, Pin(NOV + "22", None), ""), NOV + "22", coming(25), NOV + "25", Free()),
        # nothing stands until another meeting is next
        (DateMemory(NOV + "25", None, Free(), ""), "", coming(25), "", Pin("", coming(25).start)),
        (DateMemory("", None, Pin("", coming(25).start), ""), "", coming(25), "", Pin("", coming(25).start)),
        (DateMemory("", None, Pin("", coming(25).start), ""), "", coming(26), NOV + "26", Free()),
        (DateMemory("", None, Pin("", coming(25).start), ""), "", None, "", Pin("", coming(25).start)),
        # a removed key is off
        (DateMemory(NOV + "25", None, Free(), ""), None, coming(25), None, Off()),
        (DateMemory(None, None, Off(), ""), None, coming(25), None, Off()),
        (DateMemory(None, None, Off(), ""), "", coming(25), NOV + "25", Free()),
    ],
)  # fmt: skip
def test_the_next_meeting(
    memory: DateMemory, noted: str | None, derived: Evidence | None, wanted: str | None, standing: Standing
) -> None:
    settled = settle_next(memory, noted, derived, NOV + "23")
    assert (settled.wanted, settled.memory.standing) == (wanted, standing)


def test_an_explanation() -> None:
    large = replace(among(*(invited(f"g{n}@example.test") for n in range(22))), uid="large", when=Timed(at(22), at(22, 10)))  # type: ignore[arg-type]  # fmt: skip
    declined = replace(MEETING, uid="declined", when=Timed(at(21), at(21, 10)), attendees=(replace(ACCEPTED, response=Response.DECLINED), invited(ADA)))  # type: ignore[arg-type]  # fmt: skip
    tagged = replace(MEETING, uid="tagged", attendees=(ACCEPTED, invited("ada+x@example.test")), organizer="")  # type: ignore[arg-type]  # fmt: skip
    findings = found(MEETING, large, declined, tagged)
    said = explain(Uid("ada"), NOV + "20", NOTHING_REMEMBERED, findings)
    assert said.last_contact == contact(found(MEETING))
    assert [(miss.evidence.date, miss.objection.words) for miss in said.near_misses] == [
        (NOV + "22", "23 people, limit 8"),
        (NOV + "21", "you declined"),
    ]
    assert (said.suggested, said.shared, said.doubtful) == (("ada+x@example.test",), (), ())


def test_the_local_day_of_the_start_is_meant() -> None:
    late = replace(MEETING, when=Timed(datetime.fromisoformat("2026-11-19T23:30:00Z"), at(20, 1)))
    assert contact(found(late)).date == NOV + "20"


def test_a_room_with_a_note_is_no_person() -> None:
    room = replace(MEETING, attendees=(ACCEPTED, invited(ADA, kind=AttendeeKind.ROOM)))
    assert found(room).tally(Uid("ada")).last_contact is None


WRITTEN = DateMemory(NOV + "09", None, Free(), NOV + "22")


@pytest.mark.parametrize(
    ("memory", "noted", "heard", "derived", "wanted", "standing"),
    [
        # somebody's word in a contact, while the note says what we wrote
        (WRITTEN, NOV + "09", NOV + "12", M9, NOV + "12", Floor(NOV + "12")),
        (WRITTEN, NOV + "09", NOV + "05", M9, NOV + "05", Pin(NOV + "05", M9.start)),
        (WRITTEN, NOV + "09", "", M9, "", Pin("", M9.start)),
        (WRITTEN, NOV + "09", NOV + "09", M9, NOV + "09", Floor(NOV + "09")),
        # both say the same, or a rule has chosen between them
        (WRITTEN, NOV + "12", NOV + "12", M9, NOV + "12", Floor(NOV + "12")),
        (WRITTEN, NOV + "12", NOV + "14", M9, NOV + "14", Floor(NOV + "14")),
        # a run that took it up died before the note said it, and a meeting came meanwhile
        (
            DateMemory(NOV + "05", NOV + "10", Floor(NOV + "10"), ""),
            NOV + "05", NOV + "10", M12, NOV + "12", Floor(NOV + "10"),
        ),
        # a key that is off is put back by a word
        (DateMemory(None, None, Off(), ""), None, NOV + "12", M9, NOV + "12", Floor(NOV + "12")),
    ],
)  # fmt: skip
def test_a_word_in_a_contact(
    memory: DateMemory, noted: str | None, heard: str, derived: Evidence, wanted: str, standing: Standing
) -> None:
    settled = settle_last(memory, noted, heard, derived, "")
    assert (settled.wanted, settled.memory.standing) == (wanted, standing)


@pytest.mark.parametrize(
    ("memory", "noted", "count", "wanted", "standing"),
    [
        (NOTHING_REMEMBERED, None, 3, "3", Free()),
        (NOTHING_REMEMBERED, None, 0, None, Free()),
        (NOTHING_REMEMBERED, "", 0, "0", Free()),
        (NOTHING_REMEMBERED, "7", 3, "3", Free()),
        (DateMemory("3", None, Free(), NOV + "22"), "3", 0, "0", Free()),
        (DateMemory("3", None, Free(), NOV + "23"), "3", 4, "3", Free()),
        (DateMemory("3", None, Free(), NOV + "22"), None, 4, None, Off()),
        (DateMemory(None, None, Off(), ""), None, 4, None, Off()),
        (DateMemory(None, None, Off(), ""), "", 4, "4", Free()),
    ],
)
def test_a_count_is_nobodys_but_ours(
    memory: DateMemory, noted: str | None, count: int, wanted: str | None, standing: Standing
) -> None:
    settled = settle_count(memory, noted, count, NOV + "23")
    assert (settled.wanted, settled.memory.standing) == (wanted, standing)
