"""Graph event → event: one entry of a `calendarView`, in which the service has resolved series into occurrences.

- `start` and `end` are local times with the name of their zone beside them; we ask for UTC. What lasts whole days is
  midnight to midnight there, in whatever zone it was made: its dates are taken as they stand and never converted.
- "No time" is an instant in the year 1, which many calculations with times cannot bear; none is read here.
- `iCalUId` differs from one occurrence of a series to the next, unlike the UID in iCalendar texts.
- An address may be that of an old Exchange (`/O=…`), or be missing: then it is known to nobody.

Source: https://learn.microsoft.com/graph/api/resources/event and /api/user-list-calendarview (both v1.0).
"""

from datetime import UTC, datetime, timedelta, tzinfo

from mappings import graph_json
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
    occurrence_at,
)
from mappings.graph_json import JsonObject
from mappings.normalize import email_key, is_email
from mappings.record import AccountName, RemoteId

PROPERTIES = (
    "id", "iCalUId", "type", "subject", "start", "end", "isAllDay", "isCancelled", "isDraft", "originalStart",
    "sensitivity", "showAs", "organizer", "isOrganizer", "attendees", "hideAttendees", "responseStatus",
    "changeKey",
)  # fmt: skip
"""What is read of an event, and so all that is asked for; its text and its place are nobody's business."""

_RESPONSES = {
    "organizer": Response.ORGANIZER,
    "accepted": Response.ACCEPTED,
    "tentativelyaccepted": Response.TENTATIVE,
    "declined": Response.DECLINED,
    "notresponded": Response.NEEDS_ACTION,
}
_AVAILABILITIES = {
    "free": Availability.FREE,
    "tentative": Availability.TENTATIVE,
    "busy": Availability.BUSY,
    "oof": Availability.OUT_OF_OFFICE,
    "workingelsewhere": Availability.WORKING_ELSEWHERE,
}
_UTC_NAMES = frozenset({"", "utc", "tzone://microsoft/utc", "etc/utc", "gmt", "etc/gmt"})
_DAY = timedelta(days=1)


def event(document: JsonObject, account: AccountName, calendar: CalendarName) -> Event | None:
    """Read one entry; None for the master of a series, which takes place at no time of its own.

    Errors: `UnreadableRecord`.
    """
    if _word(document, "type") == "seriesmaster":
        return None
    return Event(
        uid=EventUid(graph_json.text(document, "iCalUId")),
        occurrence=_occurrence(document),
        account=account,
        calendar=calendar,
        source=RemoteId(graph_json.text(document, "id")),
        when=_when(document),
        title=graph_json.text(document, "subject"),
        status=Status.CANCELLED if graph_json.truth(document, "isCancelled") else Status.CONFIRMED,
        is_draft=graph_json.truth(document, "isDraft"),
        kind=Kind.ORDINARY,
        availability=_AVAILABILITIES.get(_word(document, "showAs"), Availability.UNKNOWN),
        is_private=_word(document, "sensitivity") not in {"", "normal"},
        organizer=_address(graph_json.child(document, "organizer")),
        attendees=tuple(_attendee(each) for each in graph_json.children(document, "attendees")),
        attendees_complete=_is_complete(document),
        own_response=_own_response(document),
    )


def _when(document: JsonObject) -> Timed | AllDay:
    start, end = _local(document, "start"), _local(document, "end")
    if graph_json.truth(document, "isAllDay"):
        return AllDay(start.date(), max(end.date(), start.date() + _DAY))
    first, last = _instant(document, "start", start), _instant(document, "end", end)
    if last < first:
        raise UnreadableRecord(None, "it ends before it begins")
    return Timed(first, last)


def _local(document: JsonObject, name: str) -> datetime:
    """Return the time as it stands. Seven digits follow the seconds, of which Python keeps six."""
    text = graph_json.text(graph_json.child(document, name), "dateTime")
    if not text:
        raise UnreadableRecord(None, f"{name} is missing")
    return _parsed(text, name)


def _parsed(text: str, name: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise UnreadableRecord(None, f"{name} is no time") from error


def _instant(document: JsonObject, name: str, local: datetime) -> datetime:
    if local.year <= 1:
        raise UnreadableRecord(None, f"{name} is in the year 1")
    zoned = local if local.tzinfo is not None else local.replace(tzinfo=_zone(document, name))
    return zoned.astimezone(UTC)


def _zone(document: JsonObject, name: str) -> tzinfo:
    zone = graph_json.text(graph_json.child(document, name), "timeZone")
    if zone.casefold() in _UTC_NAMES:
        return UTC
    # Only here: it takes longer to import than all else, and UTC is what was asked for.
    from mappings.vevent_zone import Zones  # noqa: PLC0415

    return Zones(()).zone(zone)


def _occurrence(document: JsonObject) -> Occurrence:
    """Return which one of its series it is: should the UID be the same for all of them, this tells them apart."""
    text = graph_json.text(document, "originalStart")
    if not text or _word(document, "type") not in {"occurrence", "exception"}:
        return Occurrence("")
    original = _parsed(text, "originalStart")
    if original.year <= 1:
        return Occurrence("")
    return occurrence_at(original if original.tzinfo is not None else original.replace(tzinfo=UTC))


def _attendee(attendee: JsonObject) -> Attendee:
    kind = _word(attendee, "type")
    return Attendee(
        address=_address(attendee),
        response=_response(graph_json.child(attendee, "status")),
        kind=AttendeeKind.RESOURCE if kind == "resource" else AttendeeKind.PERSON,
        is_optional=kind == "optional",
    )


def _address(recipient: JsonObject) -> str:
    address = graph_json.text(graph_json.child(recipient, "emailAddress"), "address")
    return email_key(address) if is_email(address) else ""


def _response(status: JsonObject) -> Response:
    """Return an answer; "none" is what stands where nobody is asked for one."""
    return _RESPONSES.get(_word(status, "response"), Response.UNKNOWN)


def _own_response(document: JsonObject) -> Response:
    if graph_json.truth(document, "isOrganizer"):
        return Response.ORGANIZER
    return _response(graph_json.child(document, "responseStatus"))


def _is_complete(document: JsonObject) -> bool:
    """Tell whether all of those invited are named; whoever organizes a meeting sees those whom it hides."""
    hides = graph_json.truth(document, "hideAttendees") and not graph_json.truth(document, "isOrganizer")
    listed = document.get("attendees")
    return not hides and not (isinstance(listed, list) and None in listed)


def _word(document: JsonObject, name: str) -> str:
    """Return a word of a closed set, in small letters; the service has changed capitals before."""
    return graph_json.text(document, name).casefold()
