"""What is read of an event of a Graph calendar view; the samples follow the documented resource."""

from datetime import UTC, date, datetime

import pytest

from mappings.errors import UnreadableRecord
from mappings.event import (
    AllDay,
    Attendee,
    AttendeeKind,
    Availability,
    CalendarName,
    Event,
    EventUid,
    Kind,
    Occurrence,
    Response,
    Status,
    Timed,
)
from mappings.graph_events import event
from mappings.graph_json import Json
from mappings.record import AccountName, RemoteId

WORK = AccountName("work")
CALENDAR = CalendarName("Calendar")

LUNCH: dict[str, Json] = {
    "@odata.etag": 'W/"k"', "id": "O1=", "iCalUId": "040000008200E000", "type": "singleInstance", "subject": "Lunch",
    "start": {"dateTime": "2026-03-02T09:00:00.0000000", "timeZone": "UTC"},
    "end": {"dateTime": "2026-03-02T09:30:00.0000000", "timeZone": "UTC"},
    "isAllDay": False, "isCancelled": False, "isDraft": False, "originalStart": None, "sensitivity": "normal",
    "showAs": "busy", "isOrganizer": False, "hideAttendees": False,
    "organizer": {"emailAddress": {"name": "Me", "address": "Me@example.com"}},
    "responseStatus": {"response": "accepted", "time": "0001-01-01T00:00:00Z"},
    "attendees": [
        {"type": "required", "status": {"response": "declined", "time": "2026-03-01T08:00:00Z"},
         "emailAddress": {"name": "Ann Doe", "address": "Ann@Example.com"}},
        {"type": "optional", "status": None, "emailAddress": {"name": "Old", "address": "/O=EXCHANGELABS/CN=OLD"}},
        {"type": "resource", "status": {"response": "none"}, "emailAddress": None},
    ],
}  # fmt: skip


def read(**changes: Json) -> Event:
    found = event({**LUNCH, **changes}, WORK, CALENDAR)
    assert found is not None
    return found


def test_an_event_is_read() -> None:
    assert read() == Event(
        uid=EventUid("040000008200E000"),
        occurrence=Occurrence(""),
        account=WORK,
        calendar=CALENDAR,
        source=RemoteId("O1="),
        when=Timed(datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 3, 2, 9, 30, tzinfo=UTC)),
        title="Lunch",
        status=Status.CONFIRMED,
        is_draft=False,
        kind=Kind.ORDINARY,
        availability=Availability.BUSY,
        is_private=False,
        organizer="me@example.com",
        attendees=(
            Attendee("ann@example.com", Response.DECLINED, AttendeeKind.PERSON, is_optional=False),
            Attendee("", Response.UNKNOWN, AttendeeKind.PERSON, is_optional=True),
            Attendee("", Response.UNKNOWN, AttendeeKind.RESOURCE, is_optional=False),
        ),
        attendees_complete=True,
        own_response=Response.ACCEPTED,
    )


def test_the_master_of_a_series_is_no_meeting() -> None:
    assert event({**LUNCH, "type": "seriesMaster"}, WORK, CALENDAR) is None


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "W. Europe Standard Time"])
@pytest.mark.parametrize("end", ["2026-03-03T00:00:00.0000000", "2026-03-02T00:00:00.0000000"])
def test_whole_days_are_dates_in_whatever_zone_they_were_made(zone: str, end: str) -> None:
    day: Json = {"dateTime": "2026-03-02T00:00:00.0000000", "timeZone": zone}
    found = read(isAllDay=True, start=day, end={"dateTime": end, "timeZone": zone})
    assert found.when == AllDay(date(2026, 3, 2), date(2026, 3, 3))


@pytest.mark.parametrize("zone", ["Europe/Berlin", "W. Europe Standard Time"])
def test_a_time_in_a_zone_that_was_not_asked_for_is_understood(zone: str) -> None:
    start: Json = {"dateTime": "2026-03-02T10:00:00.0000000", "timeZone": zone}
    end: Json = {"dateTime": "2026-03-02T11:00:00.0000000", "timeZone": zone}
    assert read(start=start, end=end).when == Timed(
        datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 3, 2, 10, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("changes", "response"),
    [
        ({"isOrganizer": True, "responseStatus": {"response": "none"}}, Response.ORGANIZER),
        ({"responseStatus": {"response": "organizer"}}, Response.ORGANIZER),
        ({"responseStatus": {"response": "tentativelyAccepted"}}, Response.TENTATIVE),
        ({"responseStatus": {"response": "declined"}}, Response.DECLINED),
        ({"responseStatus": {"response": "notResponded"}}, Response.NEEDS_ACTION),
        ({"responseStatus": {"response": "none"}}, Response.UNKNOWN),
        ({"responseStatus": None}, Response.UNKNOWN),
    ],
)
def test_what_its_owner_answered(changes: dict[str, Json], response: Response) -> None:
    assert read(**changes).own_response is response


def test_an_exception_of_a_series_is_told_from_the_others_by_when_it_was_to_be() -> None:
    found = read(type="exception", originalStart="2026-03-01T09:00:00Z")
    assert found.occurrence == "2026-03-01T09:00:00Z"
    assert read(type="occurrence", originalStart="0001-01-01T00:00:00Z").occurrence == ""
    assert read(type="occurrence", originalStart=None).occurrence == ""


@pytest.mark.parametrize(("sensitivity", "private"), [("normal", False), ("private", True), ("confidential", True)])
def test_what_is_not_for_everybody_is_private(sensitivity: str, *, private: bool) -> None:
    assert read(sensitivity=sensitivity).is_private is private


def test_hidden_attendees_are_not_all_but_for_the_organizer() -> None:
    assert not read(hideAttendees=True).attendees_complete
    assert read(hideAttendees=True, isOrganizer=True).attendees_complete
    assert not read(attendees=[None]).attendees_complete
    assert read(attendees=None).attendees == ()


def test_a_cancelled_draft_out_of_office() -> None:
    found = read(isCancelled=True, isDraft=True, showAs="oof")
    assert (found.status, found.is_draft, found.availability) == (
        Status.CANCELLED,
        True,
        Availability.OUT_OF_OFFICE,
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"start": None},
        {"end": {"dateTime": None}},
        {"start": {"dateTime": "noon", "timeZone": "UTC"}},
        {"start": {"dateTime": "0001-01-01T00:00:00.0000000", "timeZone": "UTC"}},
        {"end": {"dateTime": "2026-03-02T08:00:00.0000000", "timeZone": "UTC"}},
        {"start": {"dateTime": "2026-03-02T09:00:00", "timeZone": "tzone://Microsoft/Custom"}},
        {"attendees": "Ann"},
    ],
)
def test_what_cannot_be_placed_in_time_is_not_understood(wrong: dict[str, Json]) -> None:
    with pytest.raises(UnreadableRecord):
        read(**wrong)
