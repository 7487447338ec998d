"""Events as the Calendar API sends them, with their occurrences resolved by the server."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from mappings.errors import UnreadableRecord
from mappings.event import (
    AllDay,
    Attendee,
    AttendeeKind,
    Availability,
    CalendarName,
    Event,
    Kind,
    Response,
    Status,
    Timed,
)
from mappings.google_calendar import event_of
from mappings.json_object import frozen
from mappings.record import AccountName

HOME, PRIMARY = AccountName("home"), CalendarName("primary")


def item(**members: object) -> dict[str, object]:
    usual: dict[str, object] = {
        "kind": "calendar#event",
        "etag": '"1"',
        "id": "abc",
        "status": "confirmed",
        "iCalUID": "abc@google.com",
        "start": {"dateTime": "2026-08-03T10:00:00+02:00", "timeZone": "Europe/Amsterdam"},
        "end": {"dateTime": "2026-08-03T11:00:00+02:00", "timeZone": "Europe/Amsterdam"},
    }
    return usual | members


def read(**members: object) -> Event:
    event = event_of(frozen(item(**members)), HOME, PRIMARY)
    assert event is not None
    return event


def test_a_meeting_is_read() -> None:
    event = read(
        summary="  Tea\twith Ada ",
        organizer={"email": "Ada@Example.test"},
        attendees=[
            {"email": "Ada@Example.test", "organizer": True, "responseStatus": "accepted"},
            {"email": "me@example.test", "self": True, "responseStatus": "tentative", "optional": True},
            {"email": "room-1@resource.calendar.google.com", "resource": True, "responseStatus": "accepted"},
            {"displayName": "Somebody"},
        ],
    )
    start, end = datetime(2026, 8, 3, 8, tzinfo=UTC), datetime(2026, 8, 3, 9, tzinfo=UTC)
    assert event == Event(
        uid=event.uid, occurrence=event.occurrence, account=HOME, calendar=PRIMARY, source=event.source,
        when=Timed(start, end), title="Tea with Ada", status=Status.CONFIRMED, is_draft=False, kind=Kind.ORDINARY,
        availability=Availability.BUSY, is_private=False, organizer="ada@example.test",
        attendees=(
            Attendee("ada@example.test", Response.ACCEPTED, AttendeeKind.PERSON, is_optional=False),
            Attendee("me@example.test", Response.TENTATIVE, AttendeeKind.PERSON, is_optional=True),
            Attendee("room-1@resource.calendar.google.com", Response.ACCEPTED, AttendeeKind.RESOURCE, is_optional=False),
            Attendee("", Response.NEEDS_ACTION, AttendeeKind.UNKNOWN, is_optional=False),
        ),
        attendees_complete=True, own_response=Response.TENTATIVE,
    )  # fmt: skip
    assert (event.uid, event.occurrence, event.source) == ("abc@google.com", "", "abc")


@pytest.mark.parametrize(
    ("original", "occurrence"),
    [
        ({"dateTime": "2026-11-03T10:00:00+01:00", "timeZone": "Europe/Berlin"}, "2026-11-03T09:00:00Z"),
        ({"date": "2026-11-03"}, "2026-11-03"),
    ],
)
def test_an_occurrence_is_named_by_when_it_was_to_start(original: dict[str, str], occurrence: str) -> None:
    assert read(recurringEventId="abc", originalStartTime=original).occurrence == occurrence


def test_whole_days_end_before_their_end() -> None:
    assert read(start={"date": "2026-08-03"}, end={"date": "2026-08-04"}).when == AllDay(
        date(2026, 8, 3), date(2026, 8, 4)
    )


@pytest.mark.parametrize("zone", ["Z", "+00:00", "-11:00"])
def test_any_offset_is_an_instant(zone: str) -> None:
    when = read(start={"dateTime": f"2026-08-03T10:00:00{zone}"}, end={"dateTime": f"2026-08-03T10:00:00{zone}"}).when
    assert isinstance(when, Timed)
    assert when.start == datetime.fromisoformat(f"2026-08-03T10:00:00{zone}")
    assert when.start.tzinfo is UTC


@pytest.mark.parametrize(
    ("own", "organizer", "response"),
    [
        (None, {}, Response.UNKNOWN),
        (None, {"self": True}, Response.ORGANIZER),
        ("needsAction", {"self": True}, Response.ORGANIZER),
        ("declined", {"self": True}, Response.DECLINED),
        ("declined", {}, Response.DECLINED),
        ("needsAction", {}, Response.NEEDS_ACTION),
        ("a new word", {}, Response.NEEDS_ACTION),
    ],
)
def test_what_the_owner_answered(own: str | None, organizer: dict[str, object], response: Response) -> None:
    attendees = [] if own is None else [{"email": "me@example.test", "self": True, "responseStatus": own}]
    assert read(organizer={"email": "x@example.test", **organizer}, attendees=attendees).own_response is response


@pytest.mark.parametrize(
    ("members", "complete"),
    [
        ({}, True),
        ({"attendeesOmitted": True}, False),
        ({"guestsCanSeeOtherGuests": False, "organizer": {"email": "a@b.test"}}, False),
        ({"guestsCanSeeOtherGuests": False, "organizer": {"email": "a@b.test", "self": True}}, True),
    ],
)
def test_a_list_of_which_some_are_left_out_is_not_complete(members: dict[str, object], *, complete: bool) -> None:
    assert read(**members).attendees_complete is complete


@pytest.mark.parametrize(
    ("event_type", "kind"),
    [
        ("default", Kind.ORDINARY),
        ("birthday", Kind.BIRTHDAY),
        ("focusTime", Kind.FOCUS),
        ("outOfOffice", Kind.OUT_OF_OFFICE),
        ("workingLocation", Kind.WORKING_LOCATION),
        ("fromGmail", Kind.FROM_MAIL),
    ],
)
def test_kinds_of_entries_are_told_apart(event_type: str, kind: Kind) -> None:
    assert read(eventType=event_type).kind is kind


def test_private_events_may_lack_everything_but_their_time() -> None:
    event = read(visibility="private", summary=None, transparency="transparent")
    assert (event.is_private, event.title, event.attendees, event.availability) == (True, "", (), Availability.FREE)


def test_what_is_left_of_a_cancelled_event_is_no_event_and_a_whole_one_is_cancelled() -> None:
    assert event_of(frozen({"kind": "calendar#event", "id": "abc", "status": "cancelled"}), HOME, PRIMARY) is None
    assert read(status="cancelled").status is Status.CANCELLED


@pytest.mark.parametrize(
    "members",
    [
        {"start": None, "end": None},
        {"start": {"dateTime": "2026-08-03T10:00:00"}},
        {"start": {"dateTime": "soon"}},
        {"start": {"date": "2026-08-03"}},
        {"end": {"dateTime": "2026-08-03T09:00:00+02:00"}},
        {"attendees": "many"},
    ],
)
def test_what_is_not_understood_says_why(members: dict[str, object]) -> None:
    with pytest.raises(UnreadableRecord):
        read(**members)


def test_recorded_events_are_read(shared: Path) -> None:
    texts = [
        path.read_text().replace("\r\n", "\n").partition("\n\n")[2]
        for path in sorted((shared / "corpora/google-recorded/calendar").glob("event*_response.txt"))
    ]
    found = [json.loads(text) for text in texts if text.strip()]
    items = [each for body in found for each in body.get("items", [body])]
    if not items:
        pytest.skip("CONTACTD_SHARED has no recorded traffic")
    events = [event_of(frozen(each), HOME, PRIMARY) for each in items]
    assert [event.title for event in events if event is not None][:2] == [each["summary"] for each in items][:2]
    assert all(event is not None and event.uid for event in events)
