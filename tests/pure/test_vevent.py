"""Recurring meetings as calendars write them: when each takes place is worked out by hand, from a printed calendar."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from mappings import vevent
from mappings.errors import UnreadableRecord
from mappings.event import AllDay, CalendarName, Event, Status, Timed, UnreadableEvent, Window, names_nobody
from mappings.record import AccountName, RemoteId

BERLIN = ZoneInfo("Europe/Berlin")
ORIGIN = vevent.Origin(AccountName("home"), CalendarName("work"), RemoteId("a.ics"))
YEAR = Window(datetime(2026, 1, 1, tzinfo=BERLIN), datetime(2027, 1, 1, tzinfo=BERLIN), BERLIN)


def calendar(*events: str, head: str = "") -> str:
    """Return a calendar of these events, each a text of lines with blanks before them."""
    bodies = "".join(f"BEGIN:VEVENT\n{lines(event)}END:VEVENT\n" for event in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//y//EN\n{lines(head)}{bodies}END:VCALENDAR\n"


def lines(text: str) -> str:
    return "".join(f"{line.strip()}\n" for line in text.splitlines() if line.strip())


def read(text: str, window: Window = YEAR) -> tuple[tuple[Event, ...], tuple[UnreadableEvent, ...]]:
    return vevent.events_in(vevent.parse(text), window, ORIGIN)


def starts(text: str, window: Window = YEAR) -> list[str]:
    """Return the starts, in UTC or as days, of a text in which everything is understood; cancelled ones with an x."""
    events, unreadable = read(text, window)
    assert unreadable == ()
    return sorted(f"{start(event)}{' x' if event.status is Status.CANCELLED else ''}" for event in events)


def start(event: Event) -> str:
    if isinstance(event.when, AllDay):
        return event.when.start.isoformat()
    return f"{event.when.start:%m-%d %H:%M}"


def reasons(text: str, window: Window = YEAR) -> list[tuple[int | None, str]]:
    return [(each.line, each.reason) for each in read(text, window)[1]]


DST = [
    # Clocks go forward on 29 March 2026 and back on 25 October in Berlin: 09:00 there is 08:00, then 07:00 UTC.
    ("Europe/Berlin", "20260322T090000", ["03-22 08:00", "03-29 07:00", "04-05 07:00"]),
    ("Europe/Berlin", "20261018T090000", ["10-18 07:00", "10-25 08:00", "11-01 08:00"]),
    # New York: 8 March and 1 November 2026; 09:00 is 14:00, then 13:00 UTC.
    ("America/New_York", "20260301T090000", ["03-01 14:00", "03-08 13:00", "03-15 13:00"]),
    ("America/New_York", "20261025T090000", ["10-25 13:00", "11-01 14:00", "11-08 14:00"]),
    # Israel: Friday 27 March and Sunday 25 October 2026; 09:00 is 07:00, then 06:00 UTC.
    ("Asia/Tel_Aviv", "20260322T090000", ["03-22 07:00", "03-29 06:00", "04-05 06:00"]),
    ("Asia/Tel_Aviv", "20261018T090000", ["10-18 06:00", "10-25 07:00", "11-01 07:00"]),
    # What Outlook and Exchange call Berlin, New York and Jerusalem.
    ("W. Europe Standard Time", "20260322T090000", ["03-22 08:00", "03-29 07:00", "04-05 07:00"]),
    ("Eastern Standard Time", "20260301T090000", ["03-01 14:00", "03-08 13:00", "03-15 13:00"]),
    ("Israel Standard Time", "20261018T090000", ["10-18 06:00", "10-25 07:00", "11-01 07:00"]),
    # Evolution and Mozilla put a path of their own before the name.
    (
        "/freeassociation.sourceforge.net/Europe/Berlin",
        "20260322T090000",
        ["03-22 08:00", "03-29 07:00", "04-05 07:00"],
    ),
    ("/mozilla.org/20050126_1/America/New_York", "20260301T090000", ["03-01 14:00", "03-08 13:00", "03-15 13:00"]),
]


@pytest.mark.parametrize(("zone", "first", "expected"), DST)
def test_a_weekly_meeting_keeps_its_hour_when_the_clocks_change(zone: str, first: str, expected: list[str]) -> None:
    event = f'UID:a\nDTSTART;TZID="{zone}":{first}\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=3'
    assert starts(calendar(event)) == expected


OWN_ZONE = """
    BEGIN:VTIMEZONE
    TZID:(UTC+01:00) Amsterdam\\, Berlin
    BEGIN:STANDARD
    DTSTART:16010101T030000
    TZOFFSETFROM:+0200
    TZOFFSETTO:+0100
    RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
    END:STANDARD
    BEGIN:DAYLIGHT
    DTSTART:16010101T020000
    TZOFFSETFROM:+0100
    TZOFFSETTO:+0200
    RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
    END:DAYLIGHT
    END:VTIMEZONE
"""
"""As Outlook writes zones: by a name that only it knows, with rules since 1601."""


def test_a_zone_that_only_the_text_defines_is_taken_from_it() -> None:
    event = 'UID:a\nDTSTART;TZID="(UTC+01:00) Amsterdam, Berlin":20260322T090000\nRRULE:FREQ=WEEKLY;COUNT=3'
    assert starts(calendar(event, head=OWN_ZONE)) == ["03-22 08:00", "03-29 07:00", "04-05 07:00"]
    # It may stand behind the events that use it.
    text = calendar(event).replace("END:VCALENDAR", f"{lines(OWN_ZONE)}END:VCALENDAR")
    assert starts(text) == ["03-22 08:00", "03-29 07:00", "04-05 07:00"]


def test_a_zone_of_one_text_means_nothing_in_another() -> None:
    zone = OWN_ZONE.replace("(UTC+01:00) Amsterdam\\, Berlin", "Ours")
    event = "UID:a\nDTSTART;TZID=Ours:20260701T090000"
    assert starts(calendar(event, head=zone)) == ["07-01 07:00"]
    assert starts(calendar(event, head=zone.replace("+0200", "+0500"))) == ["07-01 04:00"]
    assert reasons(calendar(event)) == [(6, "time zone Ours is not known")]


SERIES = [
    ("every day until, the last included", "RRULE:FREQ=DAILY;UNTIL=20260107T080000Z", ["01-05", "01-06", "01-07"]),
    ("until a day", "RRULE:FREQ=DAILY;UNTIL=20260106", ["01-05"]),
    ("count", "RRULE:FREQ=WEEKLY;COUNT=2", ["01-05", "01-12"]),
    ("second Tuesday", "RRULE:FREQ=MONTHLY;BYDAY=2TU;COUNT=3", ["01-05", "01-13", "02-10", "03-10"]),
    ("last Friday", "RRULE:FREQ=MONTHLY;BYDAY=-1FR;UNTIL=20260401T000000Z", ["01-05", "01-30", "02-27", "03-27"]),
    ("every other week on two days", "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;COUNT=4", ["01-05", "01-07", "01-19", "01-21"]),
    ("the 31st, where there is one", "RRULE:FREQ=MONTHLY;BYMONTHDAY=31;COUNT=2", ["01-05", "01-31", "03-31"]),
    ("excluded", "RRULE:FREQ=DAILY;COUNT=3\nEXDATE;TZID=Europe/Berlin:20260106T090000", ["01-05", "01-07"]),
    ("excluded in UTC", "RRULE:FREQ=DAILY;COUNT=3\nEXDATE:20260106T080000Z", ["01-05", "01-07"]),
    ("excluded by day", "RRULE:FREQ=DAILY;COUNT=3\nEXDATE;VALUE=DATE:20260106", ["01-05", "01-07"]),
    ("excluded on two lines", "RRULE:FREQ=DAILY;COUNT=4\nEXDATE:20260106T080000Z\nEXDATE:20260107T080000Z", ["01-05", "01-08"]),
    ("excluded in one list", "RRULE:FREQ=DAILY;COUNT=4\nEXDATE:20260106T080000Z,20260107T080000Z", ["01-05", "01-08"]),
    ("added", "RDATE;TZID=Europe/Berlin:20260201T090000,20260301T090000", ["01-05", "02-01", "03-01"]),
    ("added to a rule", "RRULE:FREQ=DAILY;COUNT=2\nRDATE:20260201T080000Z", ["01-05", "01-06", "02-01"]),
    ("an empty rule", "RRULE:", ["01-05"]),
    ("blanks in a rule", "RRULE:FREQ=WEEKLY;COUNT=2;BYDAY=MO, WE;", ["01-05", "01-07"]),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "expected"), [case[1:] for case in SERIES], ids=[case[0] for case in SERIES])
def test_a_series_takes_place_when_its_rule_says(rule: str, expected: list[str]) -> None:
    """All begin on Monday 5 January 2026 at nine in Berlin, which is 08:00 UTC in winter."""
    text = calendar(f"UID:a\nDTSTART;TZID=Europe/Berlin:20260105T090000\nDURATION:PT1H\n{rule}")
    assert [each[:5] for each in starts(text)] == expected


WEEKLY = "UID:a\nDTSTART;TZID=Europe/Berlin:20260105T090000\nDTEND;TZID=Europe/Berlin:20260105T100000\nRRULE:FREQ=WEEKLY;COUNT=4"
"""Mondays: 5, 12, 19 and 26 January."""

EXCEPTIONS = [
    (
        "moved",
        "UID:a\nRECURRENCE-ID;TZID=Europe/Berlin:20260112T090000\nDTSTART;TZID=Europe/Berlin:20260114T150000",
        ["01-05 08:00", "01-14 14:00", "01-19 08:00", "01-26 08:00"],
    ),
    (
        "moved, named in UTC",
        "UID:a\nRECURRENCE-ID:20260112T080000Z\nDTSTART;TZID=Europe/Berlin:20260114T150000",
        ["01-05 08:00", "01-14 14:00", "01-19 08:00", "01-26 08:00"],
    ),
    (
        "cancelled, which is kept",
        "UID:a\nRECURRENCE-ID;TZID=Europe/Berlin:20260112T090000\nDTSTART;TZID=Europe/Berlin:20260112T090000\nSTATUS:CANCELLED",
        ["01-05 08:00", "01-12 08:00 x", "01-19 08:00", "01-26 08:00"],
    ),
    (
        "moved out of the year",
        "UID:a\nRECURRENCE-ID;TZID=Europe/Berlin:20260112T090000\nDTSTART;TZID=Europe/Berlin:20270301T090000",
        ["01-05 08:00", "01-19 08:00", "01-26 08:00"],
    ),
    (
        "this and all that follow, an hour later",
        "UID:a\nRECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20260119T090000\nDTSTART;TZID=Europe/Berlin:20260119T100000",
        ["01-05 08:00", "01-12 08:00", "01-19 09:00", "01-26 09:00"],
    ),
    (
        "cancelled, named by its day alone",
        "UID:a\nRECURRENCE-ID;VALUE=DATE:20260112\nDTSTART;TZID=Europe/Berlin:20260112T090000\nSTATUS:CANCELLED",
        ["01-05 08:00", "01-12 08:00 x", "01-19 08:00", "01-26 08:00"],
    ),
    (
        "moved, named by its day alone",
        "UID:a\nRECURRENCE-ID;VALUE=DATE:20260112\nDTSTART;TZID=Europe/Berlin:20260114T150000",
        ["01-05 08:00", "01-14 14:00", "01-19 08:00", "01-26 08:00"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("exception", "expected"), [case[1:] for case in EXCEPTIONS], ids=[case[0] for case in EXCEPTIONS]
)
@pytest.mark.parametrize("master_first", [True, False])
def test_exceptions_take_the_place_of_what_they_change(
    exception: str, expected: list[str], *, master_first: bool
) -> None:
    events = (WEEKLY, exception) if master_first else (exception, WEEKLY)
    assert starts(calendar(*events)) == expected


@pytest.mark.parametrize("named", [":20260112T080000Z", ";VALUE=DATE:20260112"])
def test_an_occurrence_keeps_its_name_when_it_is_moved(named: str) -> None:
    moved = "UID:a\nRECURRENCE-ID{}\nDTSTART:20260114T150000Z"
    events, _ = read(calendar(WEEKLY, moved.format(named)))
    names = ["2026-01-05T08:00:00Z", "2026-01-12T08:00:00Z", "2026-01-19T08:00:00Z", "2026-01-26T08:00:00Z"]
    assert sorted(event.occurrence for event in events) == names


def test_each_of_those_that_follow_a_change_keeps_its_own_name() -> None:
    events, _ = read(calendar(WEEKLY, EXCEPTIONS[4][1]))
    names = ["2026-01-05T08:00:00Z", "2026-01-12T08:00:00Z", "2026-01-19T08:00:00Z", "2026-01-26T08:00:00Z"]
    assert sorted(event.occurrence for event in events) == names


def test_what_does_not_repeat_has_no_name_among_others() -> None:
    (event,), _ = read(calendar("UID:a\nDTSTART:20260105T090000Z"))
    assert (event.uid, event.occurrence) == ("a", "")


def test_an_invitation_to_one_occurrence_alone_is_read_without_its_series() -> None:
    (event,), _ = read(calendar("UID:a\nRECURRENCE-ID:20260112T080000Z\nDTSTART:20260114T150000Z"))
    assert (event.occurrence, start(event)) == ("2026-01-12T08:00:00Z", "01-14 15:00")


def test_of_two_states_of_an_exception_the_later_counts() -> None:
    exception = "UID:a\nRECURRENCE-ID:20260112T080000Z\nSEQUENCE:{}\nDTSTART:201401{}T150000Z".replace("2014", "2026")
    text = calendar(WEEKLY, exception.format(3, "15"), exception.format(2, "14"))
    assert starts(text) == ["01-05 08:00", "01-15 15:00", "01-19 08:00", "01-26 08:00"]


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("Europe/Berlin", "07-01 07:00"), ("America/New_York", "07-01 13:00"), ("Asia/Tel_Aviv", "07-01 06:00")],
)
def test_a_time_without_a_zone_is_by_the_owners_clock(zone: str, expected: str) -> None:
    window = Window(YEAR.start, YEAR.end, ZoneInfo(zone))
    assert starts(calendar("UID:a\nDTSTART:20260701T090000"), window) == [expected]
    assert starts(calendar("UID:a\nDTSTART:20260701T090000\nRRULE:FREQ=YEARLY;COUNT=1"), window) == [expected]


def test_a_time_without_a_zone_is_by_the_calendars_clock_if_it_has_one() -> None:
    event = "UID:a\nDTSTART:20260701T090000"
    assert starts(calendar(event, head="X-WR-TIMEZONE:America/New_York")) == ["07-01 13:00"]
    assert starts(calendar(event, head="X-WR-TIMEZONE:Eastern Standard Time")) == ["07-01 13:00"]
    assert starts(calendar(event, head="X-WR-TIMEZONE:Nowhere/Land")) == ["07-01 07:00"]


def test_a_zone_that_is_named_counts_more_than_a_z_behind_the_time() -> None:
    assert starts(calendar("UID:a\nDTSTART;TZID=Europe/Berlin:20260701T120000Z")) == ["07-01 10:00"]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ("DTSTART;VALUE=DATE:20260503", AllDay(date(2026, 5, 3), date(2026, 5, 4))),
        ("DTSTART:20260503", AllDay(date(2026, 5, 3), date(2026, 5, 4))),
        ("DTSTART;VALUE=DATE:20260503\nDTEND;VALUE=DATE:20260503", AllDay(date(2026, 5, 3), date(2026, 5, 4))),
        ("DTSTART;VALUE=DATE:20260503\nDTEND;VALUE=DATE:20260506", AllDay(date(2026, 5, 3), date(2026, 5, 6))),
        ("DTSTART;VALUE=DATE:20260503\nDURATION:P2D", AllDay(date(2026, 5, 3), date(2026, 5, 5))),
        (
            "DTSTART;TZID=Europe/Berlin:20260503T000000\nDTEND;TZID=Europe/Berlin:20260504T000000\nX-MICROSOFT-CDO-ALLDAYEVENT:TRUE",
            AllDay(date(2026, 5, 3), date(2026, 5, 4)),
        ),
        (
            "DTSTART:20260503T090000Z\nDTEND:20260503T100000Z",
            Timed(datetime(2026, 5, 3, 9, tzinfo=UTC), datetime(2026, 5, 3, 10, tzinfo=UTC)),
        ),
        (
            "DTSTART:20260503T090000Z\nDURATION:PT90M",
            Timed(datetime(2026, 5, 3, 9, tzinfo=UTC), datetime(2026, 5, 3, 10, 30, tzinfo=UTC)),
        ),
        (
            "DTSTART:20260503T090000Z",
            Timed(datetime(2026, 5, 3, 9, tzinfo=UTC), datetime(2026, 5, 3, 9, tzinfo=UTC)),
        ),
    ],
)
def test_how_long_an_event_takes(times: str, expected: Timed | AllDay) -> None:
    (event,), unreadable = read(calendar(f"UID:a\n{times}"))
    assert (event.when, unreadable) == (expected, ())


def test_a_birthday_is_every_year_a_day() -> None:
    birthday = "UID:a\nDTSTART;VALUE=DATE:16040509\nRRULE:FREQ=YEARLY"
    leap_day = "UID:b\nDTSTART;VALUE=DATE:19840229\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1"
    assert starts(calendar(birthday, leap_day)) == ["2026-02-28", "2026-05-09"]
    (first, _), _ = read(calendar(birthday, leap_day))
    assert first.occurrence == "2026-05-09"


WINDOW = Window(datetime(2026, 5, 3, 9, tzinfo=UTC), datetime(2026, 5, 3, 10, tzinfo=UTC), UTC)


@pytest.mark.parametrize("rule", ["", "\nRRULE:FREQ=YEARLY;COUNT=1"])
@pytest.mark.parametrize(
    ("times", "is_in"),
    [
        ("DTSTART:20260503T080000Z\nDTEND:20260503T090000Z", False),
        ("DTSTART:20260503T080000Z\nDTEND:20260503T090001Z", True),
        ("DTSTART:20260503T080000Z\nDTEND:20260504T090001Z", True),
        ("DTSTART:20260503T095959Z\nDTEND:20260504T090001Z", True),
        ("DTSTART:20260503T100000Z\nDTEND:20260503T110000Z", False),
        ("DTSTART:20260503T090000Z", True),
        ("DTSTART:20260503T100000Z", False),
        ("DTSTART:20260503", True),
        ("DTSTART:20260504", False),
    ],
)
def test_what_lies_in_the_window_even_in_part_is_read(times: str, rule: str, *, is_in: bool) -> None:
    assert len(starts(calendar(f"UID:a\n{times}{rule}"), WINDOW)) == int(is_in)


def test_a_calendar_without_attendees_says_so() -> None:
    bare = "UID:a\nDTSTART:20260503T090000Z"
    assert names_nobody(read(calendar(bare))[0])
    assert not names_nobody(read(calendar(bare, bare.replace("UID:a", "UID:b\nATTENDEE:mailto:a@b.test")))[0])
    assert not names_nobody(())


def test_the_text_of_a_whole_calendar_is_refused_only_if_it_is_none() -> None:
    for text, line in [("", None), ("\n \n", None), ("no calendar", 1), ("BEGIN:VCALENDAR\nVERSION:2.0\n", 3)]:
        with pytest.raises(UnreadableRecord) as raised:
            vevent.parse(text)
        assert raised.value.line == line
