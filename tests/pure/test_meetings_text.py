"""The rules on real iCalendar text, both ways: what a calendar file says, and what Ada's note is told of it."""

from datetime import timedelta

import pytest

from mappings.event import CalendarName, Event, Window
from mappings.meeting_case import DEFAULT_RULES
from mappings.meeting_copies import sighting_with_title
from mappings.meetings import Findings, Ledger, recompute
from mappings.person import Uid
from mappings.record import RemoteId
from mappings.vevent import Origin, events_in, parse
from meeting_worlds import CLOCK, HOME, NOW, PEOPLE

WINDOW = Window(NOW - timedelta(days=400), NOW + timedelta(days=60), CLOCK.zone)
ORIGIN = Origin(HOME, CalendarName("main"), RemoteId("meeting.ics"))

ADA = "ATTENDEE;PARTSTAT=NEEDS-ACTION;CN=Ada:mailto:ada@example.test"
ME = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:me@example.test"
WHEN = "DTSTART:20261120T090000Z\nDTEND:20261120T100000Z"
PARTS = {
    "when": WHEN,
    "organizer": "ORGANIZER;CN=Ada:mailto:ada@example.test",
    "me": ME,
    "ada": ADA,
}

COUNTS = "2026-11-20"
CROWD = "\n".join(f"ATTENDEE:mailto:g{number}@example.test" for number in range(22))
SEVEN_MORE = "\n".join(f"ATTENDEE:mailto:g{number}@example.test" for number in range(7))
ROOM = "ATTENDEE;CUTYPE=ROOM:mailto:boiler@example.test"
BOB = "ATTENDEE:mailto:bob@example.test"
CREW = "ATTENDEE;CUTYPE=GROUP:mailto:crew@example.test"

ROWS: list[tuple[dict[str, str], str]] = [
    # what stands otherwise in the file, and the date that it gives or what speaks against it
    ({}, COUNTS),
    ({"more": "STATUS:CANCELLED"}, "it was cancelled"),
    ({"more": "STATUS:CONFIRMED"}, COUNTS),
    ({"when": "DTSTART:20261123T113000Z\nDTEND:20261123T120001Z"}, "it has not ended yet"),
    ({"when": "DTSTART:20261123T113000Z\nDTEND:20261123T120000Z"}, "2026-11-23"),
    ({"when": "DTSTART;TZID=Europe/Berlin:20261120T003000\nDURATION:PT1H"}, COUNTS),
    ({"when": "DTSTART;TZID=W. Europe Standard Time:20261120T003000\nDURATION:PT1H"}, COUNTS),
    ({"when": "DTSTART;VALUE=DATE:20261120"}, "all-day"),
    ({"more": "TRANSP:TRANSPARENT"}, COUNTS),
    ({"more": f"TRANSP:TRANSPARENT\n{BOB}"}, "it leaves you free"),
    ({"more": f"TRANSP:OPAQUE\n{BOB}"}, COUNTS),
    ({"more": "X-MICROSOFT-CDO-BUSYSTATUS:OOF"}, "it says that you are out of office"),
    ({"more": "X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE"}, "it says that you work elsewhere"),
    ({"more": "X-MICROSOFT-CDO-BUSYSTATUS:BUSY"}, COUNTS),
    ({"me": "ATTENDEE;PARTSTAT=DECLINED:mailto:me@example.test"}, "you declined"),
    ({"me": "ATTENDEE;PARTSTAT=DECLINED:mailto:ME@Example.test"}, "you declined"),
    ({"me": "ATTENDEE;PARTSTAT=TENTATIVE:mailto:me@example.test"}, "you answered tentatively"),
    ({"me": "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:me@example.test"}, "you have not answered"),
    ({"me": ""}, "the calendar does not say whether you were to come"),
    ({"me": "", "organizer": "ORGANIZER:mailto:me@example.test"}, COUNTS),
    ({"ada": "ATTENDEE;PARTSTAT=DECLINED:mailto:ada@example.test"}, "they declined"),
    ({"ada": "ATTENDEE;PARTSTAT=TENTATIVE:mailto:ada@example.test"}, COUNTS),
    ({"ada": ""}, COUNTS),
    ({"organizer": ""}, COUNTS),
    ({"more": CROWD}, "23 people, limit 8"),
    ({"more": SEVEN_MORE}, COUNTS),
    ({"more": f"{SEVEN_MORE}\n{ROOM}"}, COUNTS),
    ({"more": f"{BOB}\n{CREW}"}, "a mailing list was invited, so nobody knows how many"),
    ({"more": CREW}, COUNTS),
    ({"more": "CLASS:PRIVATE"}, COUNTS),
    ({"ada": "ATTENDEE;CUTYPE=ROOM:mailto:ada@example.test"}, "ada@example.test is a room or a thing, not a person"),
    ({"ada": "ATTENDEE;CUTYPE=GROUP:mailto:ada@example.test"}, "a mailing list was invited, so nobody knows how many"),
]


def text_of(parts: dict[str, str]) -> str:
    lines = "\n".join(part for part in (PARTS | parts).values() if part)
    event = f"BEGIN:VEVENT\nUID:meeting@example.test\nSUMMARY:Soundings\n{lines}\nEND:VEVENT"
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//example.test//EN\n{event}\nEND:VCALENDAR\n".replace("\n", "\r\n")


def read(text: str) -> tuple[Event, ...]:
    events, damages = events_in(parse(text), WINDOW, ORIGIN)
    assert damages == ()
    return events


def found(text: str) -> Findings:
    ledger = Ledger(tuple(sighting_with_title(event) for event in read(text)), ())
    return recompute(ledger, PEOPLE, DEFAULT_RULES, frozenset(), CLOCK)


@pytest.mark.parametrize(("parts", "expected"), ROWS)
def test_a_calendar_file(parts: dict[str, str], expected: str) -> None:
    tally = found(text_of(parts)).tally(Uid("ada"))
    reasons = [miss.objection.words for miss in tally.near_misses]
    assert ([tally.last_contact.date] if tally.last_contact else reasons) == [expected]


def test_a_series_gives_the_last_occurrence_that_took_place() -> None:
    weekly = text_of({"when": "DTSTART:20261005T090000Z\nDTEND:20261005T100000Z\nRRULE:FREQ=WEEKLY\nEXDATE:20261116T090000Z"})  # fmt: skip
    tally = found(weekly).tally(Uid("ada"))
    assert (tally.last_contact and tally.last_contact.date, tally.next_meeting and tally.next_meeting.date) == (
        "2026-11-23",
        "2026-11-30",
    )
    # October 5, 12, 19, 26, November 2, 9, 23
    assert tally.meetings_90d == 7


def test_an_occurrence_that_was_declined_is_judged_by_itself() -> None:
    series = text_of({"when": "DTSTART:20261105T090000Z\nDTEND:20261105T100000Z\nRRULE:FREQ=WEEKLY;COUNT=3"})
    declined = text_of({"when": "RECURRENCE-ID:20261119T090000Z\nDTSTART:20261119T090000Z\nDTEND:20261119T100000Z", "me": "ATTENDEE;PARTSTAT=DECLINED:mailto:me@example.test"})  # fmt: skip
    exception = declined[declined.index("BEGIN:VEVENT") : declined.index("END:VCALENDAR")]
    tally = found(series.replace("END:VCALENDAR", f"{exception}END:VCALENDAR")).tally(Uid("ada"))
    assert (tally.last_contact and tally.last_contact.date) == "2026-11-12"
    assert [(miss.evidence.date, miss.objection.words) for miss in tally.near_misses] == [
        ("2026-11-19", "you declined")
    ]


def test_a_private_title_goes_no_further() -> None:
    tally = found(text_of({"more": "CLASS:PRIVATE"})).tally(Uid("ada"))
    assert (tally.last_contact and tally.last_contact.title) == ""
    shown = found(text_of({})).tally(Uid("ada"))
    assert (shown.last_contact and shown.last_contact.title) == "Soundings"
