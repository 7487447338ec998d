"""What an event says of the meeting and of those invited, as programs write it."""

from datetime import UTC, datetime

import pytest

from mappings import vevent
from mappings.event import (
    Attendee,
    AttendeeKind,
    Availability,
    CalendarName,
    Event,
    Kind,
    Response,
    Status,
    Window,
)
from mappings.record import AccountName, RemoteId

ORIGIN = vevent.Origin(AccountName("home"), CalendarName("work"), RemoteId("a.ics"))
MAY = Window(datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC), UTC)


def the_event(*lines: str) -> Event:
    body = "\r\n".join(("BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:a", "DTSTART:20260503T090000Z", *lines))
    parsed = vevent.parse(f"{body}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
    (event,), unreadable = vevent.events_in(parsed, MAY, ORIGIN)
    assert unreadable == ()
    return event


@pytest.mark.parametrize(
    ("value", "address"),
    [
        (":mailto:ada@example.test", "ada@example.test"),
        (":MAILTO:Ada@Example.test", "ada@example.test"),
        (";CN=Ada:mailto:ada%2Bwork@example.test?subject=x", "ada+work@example.test"),
        (":mailto: ada@example.test ", "ada@example.test"),
        (":ada@example.test", "ada@example.test"),
        # Apple's servers
        (";CN=Ada;EMAIL=Ada@example.test:/aMTIzNDU2/principal/", "ada@example.test"),
        (";EMAIL=ada@example.test:urn:uuid:5d0f0b1a-0000-4000-8000-000000000001", "ada@example.test"),
        (":urn:uuid:5d0f0b1a-0000-4000-8000-000000000001", ""),
        # Exchange, of a colleague who has left
        (":mailto:/O=EXCHANGELABS/OU=GROUP/CN=RECIPIENTS/CN=ADA", ""),
        (';CN="Lovelace, Ada":invalid:nomail', ""),
        (":mailto:", ""),
        (":", ""),
    ],
)
def test_the_address_of_an_attendee_and_of_the_organizer(value: str, address: str) -> None:
    event = the_event(f"ATTENDEE{value}", f"ORGANIZER{value}")
    kind = AttendeeKind.PERSON if address else AttendeeKind.UNKNOWN
    assert event.attendees == (Attendee(address, Response.NEEDS_ACTION, kind, is_optional=False),)
    assert event.organizer == address


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("PARTSTAT=ACCEPTED", (Response.ACCEPTED, AttendeeKind.PERSON, False)),
        ("PARTSTAT=declined", (Response.DECLINED, AttendeeKind.PERSON, False)),
        ("PARTSTAT=TENTATIVE;CUTYPE=INDIVIDUAL", (Response.TENTATIVE, AttendeeKind.PERSON, False)),
        ("PARTSTAT=DELEGATED", (Response.DECLINED, AttendeeKind.PERSON, False)),
        ("PARTSTAT=X-MAYBE", (Response.NEEDS_ACTION, AttendeeKind.PERSON, False)),
        ("CUTYPE=ROOM;PARTSTAT=ACCEPTED", (Response.ACCEPTED, AttendeeKind.ROOM, False)),
        ("CUTYPE=RESOURCE;ROLE=NON-PARTICIPANT", (Response.NEEDS_ACTION, AttendeeKind.RESOURCE, True)),
        ("CUTYPE=GROUP", (Response.NEEDS_ACTION, AttendeeKind.GROUP, False)),
        ("CUTYPE=UNKNOWN", (Response.NEEDS_ACTION, AttendeeKind.UNKNOWN, False)),
        ("CUTYPE=X-ROBOT", (Response.NEEDS_ACTION, AttendeeKind.UNKNOWN, False)),
        ("ROLE=OPT-PARTICIPANT", (Response.NEEDS_ACTION, AttendeeKind.PERSON, True)),
        ('ROLE=CHAIR;CN="Lovelace; Ada: PARTSTAT=DECLINED"', (Response.NEEDS_ACTION, AttendeeKind.PERSON, False)),
        ('PARTSTAT="ACCEPTED";X-NUM-GUESTS=0', (Response.ACCEPTED, AttendeeKind.PERSON, False)),
    ],
)
def test_what_is_said_of_an_attendee(parameters: str, expected: tuple[Response, AttendeeKind, bool]) -> None:
    (attendee,) = the_event(f"ATTENDEE;{parameters}:mailto:a@example.test").attendees
    assert (attendee.response, attendee.kind, attendee.is_optional) == expected


def test_a_room_without_an_address_is_still_a_room() -> None:
    (attendee,) = the_event("ATTENDEE;CUTYPE=ROOM:urn:uuid:1").attendees
    assert (attendee.address, attendee.kind) == ("", AttendeeKind.ROOM)


def test_a_folded_attendee_is_one_line() -> None:
    (attendee,) = the_event("ATTENDEE;CN=Ada;PARTSTAT=ACC", " EPTED:mailto:ada@exam", "\tple.test").attendees
    assert (attendee.address, attendee.response) == ("ada@example.test", Response.ACCEPTED)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((), Availability.BUSY),
        (("TRANSP:OPAQUE",), Availability.BUSY),
        (("TRANSP:TRANSPARENT",), Availability.FREE),
        (("TRANSP:TRANSPARENT", "X-MICROSOFT-CDO-BUSYSTATUS:OOF"), Availability.OUT_OF_OFFICE),
        (("X-MICROSOFT-CDO-BUSYSTATUS:FREE",), Availability.FREE),
        (("X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE",), Availability.TENTATIVE),
        (("X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE",), Availability.WORKING_ELSEWHERE),
    ],
)
def test_what_the_event_does_to_its_owners_time(lines: tuple[str, ...], expected: Availability) -> None:
    assert the_event(*lines).availability is expected


@pytest.mark.parametrize(
    ("line", "is_private"),
    [("", False), ("CLASS:PUBLIC", False), ("CLASS:PRIVATE", True), ("CLASS:confidential", True), ("CLASS:X-A", True)],
)
def test_whether_the_event_is_private(line: str, *, is_private: bool) -> None:
    assert the_event(*filter(None, [line])).is_private is is_private


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("X-NEXTCLOUD-BC-FIELD-TYPE:BDAY", Kind.BIRTHDAY),
        ("X-GOOGLE-EVENT-TYPE:outOfOffice", Kind.OUT_OF_OFFICE),
        ("X-GOOGLE-EVENT-TYPE:focusTime", Kind.FOCUS),
        ("X-GOOGLE-EVENT-TYPE:workingLocation", Kind.WORKING_LOCATION),
        ("X-GOOGLE-EVENT-TYPE:default", Kind.ORDINARY),
        ("X-OTHER:1", Kind.ORDINARY),
    ],
)
def test_what_sort_of_entry_it_is(line: str, kind: Kind) -> None:
    assert the_event(line).kind is kind


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("STATUS:CONFIRMED", Status.CONFIRMED),
        ("STATUS:tentative", Status.TENTATIVE),
        ("STATUS:CANCELLED", Status.CANCELLED),
        ("STATUS:X-NEW", Status.CONFIRMED),
    ],
)
def test_what_has_become_of_it(line: str, status: Status) -> None:
    assert the_event(line).status is status


def test_the_title_is_one_line_without_escapes() -> None:
    assert the_event("SUMMARY;LANGUAGE=de:Hull\\, drawings\\;\\n  and tea").title == "Hull, drawings; and tea"


def test_an_alarm_within_the_event_is_not_the_event() -> None:
    alarm = ("BEGIN:VALARM", "SUMMARY:beep", "ATTENDEE:mailto:alarm@example.test", "DURATION:PT15M", "END:VALARM")
    event = the_event("SUMMARY:Tea", *alarm)
    assert (event.title, event.attendees, event.when.start) == ("Tea", (), event.when.end)


def test_where_it_is_from_and_what_no_file_can_say() -> None:
    event = the_event()
    assert (event.account, event.calendar, event.source) == ("home", "work", "a.ics")
    assert (event.own_response, event.attendees_complete, event.is_draft) == (Response.UNKNOWN, True, False)
