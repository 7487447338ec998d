"""Broken, hostile and senseless calendars: each trouble is told with its line, costs little, and stops nothing else."""

import time
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings import vevent
from mappings.errors import UnreadableRecord
from mappings.event import CalendarName, Event, Window
from mappings.record import AccountName, RemoteId

ORIGIN = vevent.Origin(AccountName("home"), CalendarName("work"), RemoteId("a.ics"))
WINDOW = Window(datetime(2025, 10, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), UTC)
GOOD = "BEGIN:VEVENT\nUID:good\nDTSTART:20260503T090000Z\nEND:VEVENT\n"

SECONDS_MAX = 2.0
"""Of the processor's time, whatever else the machine does; a quiet one takes less than one."""


def read(body: str) -> tuple[list[str], list[tuple[int | None, str]]]:
    """Return the uids of the events, and what is not understood, of a calendar whose second line is the body's first."""
    parsed = vevent.parse(f"BEGIN:VCALENDAR\n{body}END:VCALENDAR\n")
    events, unreadable = vevent.events_in(parsed, WINDOW, ORIGIN)
    return [event.uid for event in events], [(each.line, each.reason) for each in unreadable]


def event(*lines: str, uid: str = "bad") -> str:
    return "\n".join(("BEGIN:VEVENT", f"UID:{uid}", *lines, "END:VEVENT\n"))


BROKEN = [
    (event("SUMMARY:x"), 2, "DTSTART is missing"),
    (event("DTSTART:soon"), 4, "DTSTART is not understood"),
    (event("DTSTART:20261345"), 4, "DTSTART is not understood"),
    (event("DTSTART:20260503T090000Z", "DTSTART:20260503T090000Z"), 2, "DTSTART is there twice"),
    (event("DTSTART;TZID=Nowhere/Land:20260503T090000"), 4, "time zone Nowhere/Land is not known"),
    (event("DTSTART;TZID=../../etc/passwd:20260503T090000"), 4, "time zone ../../etc/passwd is not known"),
    (event("DTSTART;TZID=Europe:20260503T090000"), 4, "time zone Europe is not known"),
    (event("DTSTART:20260503T090000Z", "DTEND:20260503T080000Z"), 2, "ends before it starts"),
    (event("DTSTART:20260503T090000Z", "DURATION:-PT1H"), 2, "ends before it starts"),
    (event("DTSTART:20260503T090000Z", "DURATION:long"), 5, "DURATION is not understood"),
    (event("DTSTART:20260503T090000Z", "EXDATE:x"), 5, "EXDATE is not understood"),
    (event("DTSTART:20260503T090000Z", "and this is no property"), 5, "neither a property nor a blank line"),
    (event("DTSTART:20260503T090000Z", uid=""), 2, "has no UID, by which a meeting is known again"),
    (event("DTSTART:20260503T090000Z", "RRULE:FREQ=FORTNIGHTLY"), 2, "its rule is not understood: FREQ=FORTNIGHTLY"),
    (event("DTSTART:20260503T090000Z", "RRULE:weekly"), 2, "its rule is not understood: weekly"),
    (
        event("DTSTART:20260503T090000Z").replace("END:VEVENT\n", ""),
        2,
        "END:VEVENT is missing",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("broken", "line", "reason"), BROKEN, ids=[case[2] for case in BROKEN])
def test_a_broken_event_is_told_with_its_line_and_the_others_are_read(broken: str, line: int, reason: str) -> None:
    before = "END:VEVENT is missing" in reason
    uids, unreadable = read(broken if before else f"{broken}{GOOD}")
    assert (uids, unreadable) == ([] if before else ["good"], [(line, reason)])


def test_a_series_with_a_broken_exception_is_held_as_a_whole() -> None:
    """The broken entry may be the one that cancels the meeting."""
    series = event("DTSTART:20260503T090000Z", "RRULE:FREQ=WEEKLY;COUNT=3")
    assert read(series + event("RECURRENCE-ID:20260510T090000Z", "STATUS:CANCELLED") + GOOD) == (
        ["good"],
        [(7, "DTSTART is missing")],
    )


BOMBS = [
    "FREQ=SECONDLY",
    "FREQ=MINUTELY",
    "FREQ=HOURLY",
    "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=MONTHLY;BYSETPOS=300;BYDAY=MO",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6",
    "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
    "FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11;BYMINUTE=0,5,10,15,20,25,30,35,40,45,50,55",
    "FREQ=DAILY;INTERVAL=0",
    "FREQ=DAILY;COUNT=0",
    "FREQ=DAILY;INTERVAL=99999999999999999999",
]


@pytest.mark.parametrize("rule", BOMBS)
def test_a_rule_that_would_never_come_to_an_end_is_refused_at_once(rule: str) -> None:
    """The series begins on a Sunday, so that a rule for every seventh day, if it is a Tuesday, never comes true."""
    started = time.process_time()
    uids, unreadable = read(event("DTSTART:20260503T090000Z", f"RRULE:{rule}") + GOOD)
    assert time.process_time() - started < SECONDS_MAX
    assert (uids, [line for line, _ in unreadable]) == (["good"], [2])


@pytest.mark.parametrize("rule", ["FREQ=SECONDLY", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=HOURLY;BYDAY=MO"])
def test_a_zone_with_such_a_rule_is_refused_too(rule: str) -> None:
    zone = (
        "BEGIN:VTIMEZONE\nTZID:Mine\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\n"
        f"TZOFFSETTO:+0100\nRRULE:{rule}\nEND:STANDARD\nEND:VTIMEZONE\n"
    )
    uids, unreadable = read(zone + event("DTSTART;TZID=Mine:20260503T090000") + GOOD)
    assert (uids, len(unreadable)) == (["good"], 1)


def test_a_rule_since_the_year_one_thousand_is_refused_and_a_birthday_since_1604_is_not() -> None:
    assert read(event("DTSTART:10000101T090000Z", "RRULE:FREQ=DAILY")) == (
        [],
        [(2, "repeats too often or for too long to be followed: FREQ=DAILY")],
    )
    assert read(event("DTSTART;VALUE=DATE:16040509", "RRULE:FREQ=YEARLY")) == (["bad"], [])


def test_thousands_of_dates_are_refused() -> None:
    dates = ",".join(f"2026{month:02}{day:02}T{hour:02}0000Z" for month in range(1, 13) for day in range(1, 29) for hour in range(20))  # fmt: skip
    for name in ("RDATE", "EXDATE"):
        uids, unreadable = read(event("DTSTART:20260503T090000Z", f"{name}:{dates}") + GOOD)
        assert (uids, [line for line, _ in unreadable]) == (["good"], [2])


def test_a_file_full_of_series_that_cannot_be_followed_ends() -> None:
    endless = "".join(event("DTSTART:20260503T090000Z", "RRULE:FREQ=HOURLY", uid=f"u{number}") for number in range(220))
    uids, unreadable = read(endless + GOOD)
    assert (uids, len(unreadable)) == (["good"], 220)
    assert unreadable[-1][1] == "comes after more series than can be followed in one file"


@pytest.mark.parametrize(
    "text",
    [
        "x" * 1_000_000,
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\n" + '\u20ac;:\\",' * 200_000 + "\nEND:VEVENT\nEND:VCALENDAR\n",
        "BEGIN:VCALENDAR\n" + "BEGIN:VEVENT\n" * 80_000 + "END:VCALENDAR\n",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\n" + "BEGIN:VALARM\n" * 80_000 + "END:VEVENT\nEND:VCALENDAR\n",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\n" + "\n" * 1_000_000 + "END:VEVENT\nEND:VCALENDAR\n",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nATTENDEE" + ";CN=a" * 100_000 + ":x\nEND:VEVENT\nEND:VCALENDAR\n",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:a" + "\n b" * 300_000 + "\nEND:VEVENT\nEND:VCALENDAR\n",
    ],
    ids=["letters", "signs", "begins", "alarms", "newlines", "parameters", "folds"],
)
def test_a_megabyte_of_garbage_is_refused_in_time(text: str) -> None:
    started = time.process_time()
    try:
        events, unreadable = vevent.events_in(vevent.parse(text), WINDOW, ORIGIN)
    except UnreadableRecord:
        events, unreadable = (), ()
    assert events == ()
    assert len(unreadable) <= 1
    assert time.process_time() - started < SECONDS_MAX


def test_bytes_that_are_not_utf_8_cost_their_character_only() -> None:
    content = (
        b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nSUMMARY:Caf\xe9\nDTSTART:20260503T090000Z\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    (found,), _ = vevent.events_in(vevent.parse(vevent.decode(content)), WINDOW, ORIGIN)
    assert found.title == "Caf\ufffd"


_NAMES = ("DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "SEQUENCE", "ATTENDEE", "UID")
_PARAMETERS = ("", ";TZID=Europe/Berlin", ";TZID=Mine", ";VALUE=DATE", ";RANGE=THISANDFUTURE", ';CN="')
_VALUES = (
    *("20260503", "20260503T090000", "20260503T090000Z", "00010101", "99991231T235959", "20260503,20260504T10"),
    *("20260503T090000Z/PT1H", "PT1H", "-P9999999D", "a", "1e9", "mailto:a@b.test"),
    *("FREQ=DAILY", "FREQ=DAILY;COUNT=3", "FREQ=WEEKLY;UNTIL=20260601", "FREQ=YEARLY;BYDAY=99MO"),
)
_LINES = st.builds(
    "{}{}:{}".format,
    st.sampled_from((*_NAMES, "ORGANIZER", "STATUS", "BEGIN", "END")),
    st.sampled_from(_PARAMETERS),
    st.sampled_from((*_VALUES, "VEVENT", "VALARM")) | st.text(max_size=12),
)
_EVENTS = st.lists(
    st.lists(_LINES, max_size=6).map(lambda lines: event("DTSTART:20260503T090000Z", *lines, uid="a")), max_size=3
)


@settings(max_examples=100)
@given(_EVENTS)
def test_no_event_however_broken_stops_another(events: list[str]) -> None:
    body = "".join(events)
    try:
        uids, _ = read(f"{GOOD}{body}")
    except UnreadableRecord:
        return  # an END:VCALENDAR too many or too few
    assert "good" in uids


@settings(max_examples=100)
@given(st.text() | st.text(alphabet='BEGIN:VCALENDR\n;=,"\\ \r\t\ufeff', max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    found: tuple[Event, ...] = ()
    with suppress(UnreadableRecord):
        found, _ = vevent.events_in(vevent.parse(text), WINDOW, ORIGIN)
    assert found == ()
