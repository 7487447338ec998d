"""Calendar API event → event. The server has resolved every series into its occurrences (`singleEvents`).

Source: discovery document calendar.v3 (`Event`); end dates are exclusive there as here.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime

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
from mappings.json_object import JsonObject
from mappings.normalize import email_key, is_email, tidy
from mappings.record import AccountName, RemoteId

MEMBERS = (
    "id,etag,status,iCalUID,recurringEventId,originalStartTime,start,end,summary,eventType,transparency,visibility,"
    "organizer(email,self),attendees(email,self,resource,optional,responseStatus),attendeesOmitted,"
    "guestsCanSeeOtherGuests"
)
"""What is asked for of every event (the API's partial responses)."""

_STATUSES = {"tentative": Status.TENTATIVE, "cancelled": Status.CANCELLED}
_KINDS: Mapping[str, Kind] = {
    "birthday": Kind.BIRTHDAY,
    "focusTime": Kind.FOCUS,
    "fromGmail": Kind.FROM_MAIL,
    "outOfOffice": Kind.OUT_OF_OFFICE,
    "workingLocation": Kind.WORKING_LOCATION,
}
_RESPONSES: Mapping[str, Response] = {
    "accepted": Response.ACCEPTED,
    "declined": Response.DECLINED,
    "tentative": Response.TENTATIVE,
    "needsAction": Response.NEEDS_ACTION,
}


def event_of(item: JsonObject, account: AccountName, calendar: CalendarName) -> Event | None:
    """Read one event; None for what is left of a cancelled one, of which the id is all that is sure.

    Errors: `UnreadableRecord`.
    """
    status = _STATUSES.get(item.text("status"), Status.CONFIRMED)
    if status is Status.CANCELLED and "start" not in item.members:
        return None
    organizer = item.object("organizer")
    kind = _KINDS.get(item.text("eventType"), Kind.ORDINARY)
    return Event(
        uid=EventUid(item.text("iCalUID") or item.text("id")),
        occurrence=_occurrence(item),
        account=account,
        calendar=calendar,
        source=RemoteId(item.text("id")),
        when=_when(item),
        title=tidy(item.text("summary")),
        status=status,
        is_draft=False,
        kind=kind,
        availability=_availability(item, kind),
        is_private=item.text("visibility") in {"private", "confidential"},
        organizer=_address(organizer),
        attendees=tuple(_attendee(each) for each in item.objects("attendees")),
        attendees_complete=_shows_all(item),
        own_response=_own_response(item),
    )


def _when(item: JsonObject) -> Timed | AllDay:
    start = _moment(item.object("start"), "start")
    end = _moment(item.object("end"), "end") if "end" in item.members else start
    match start, end:
        case datetime(), datetime():
            when: Timed | AllDay = Timed(start, end)
        case _ if isinstance(start, datetime) or isinstance(end, datetime):
            raise UnreadableRecord(None, "starts at a time and ends on a day, or the other way round")
        case _:
            when = AllDay(start, end)
    if end < start:
        raise UnreadableRecord(None, "ends before it starts")
    return when


def _moment(moment: JsonObject, name: str) -> datetime | date:
    """Read a time, as an instant in UTC, or a day."""
    text = moment.text("dateTime") or moment.text("date")
    if not text:
        raise UnreadableRecord(None, f"has no {name}")
    try:
        if not moment.text("dateTime"):
            return date.fromisoformat(text)
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UnreadableRecord(None, f"its {name} is not understood") from error
    if found.tzinfo is None:
        raise UnreadableRecord(None, f"its {name} is a time in no zone")
    return found.astimezone(UTC)


def _occurrence(item: JsonObject) -> Occurrence:
    if not item.text("recurringEventId") or "originalStartTime" not in item.members:
        return Occurrence("")
    return occurrence_at(_moment(item.object("originalStartTime"), "original start"))


def _availability(item: JsonObject, kind: Kind) -> Availability:
    if kind is Kind.OUT_OF_OFFICE:
        return Availability.OUT_OF_OFFICE
    return Availability.FREE if item.text("transparency") == "transparent" else Availability.BUSY


def _attendee(entry: JsonObject) -> Attendee:
    address = _address(entry)
    kind = AttendeeKind.PERSON if address else AttendeeKind.UNKNOWN
    return Attendee(
        address=address,
        response=_response(entry),
        kind=AttendeeKind.RESOURCE if entry.flag("resource") else kind,
        is_optional=entry.flag("optional"),
    )


def _response(entry: JsonObject) -> Response:
    # An answer that is not known is taken for none, as with iCalendar (RFC 5545 section 3.2.12).
    return _RESPONSES.get(entry.text("responseStatus"), Response.NEEDS_ACTION)


def _own_response(item: JsonObject) -> Response:
    """Return what the owner answered; whoever convened it comes unless he declined, though his own entry may say nothing."""
    own = next((_response(each) for each in item.objects("attendees") if each.flag("self")), Response.UNKNOWN)
    convened = item.object("organizer").flag("self")
    return Response.ORGANIZER if convened and own is not Response.DECLINED else own


def _shows_all(item: JsonObject) -> bool:
    hidden = item.members.get("guestsCanSeeOtherGuests") is False and not item.object("organizer").flag("self")
    return not (item.flag("attendeesOmitted") or hidden)


def _address(entry: JsonObject) -> str:
    text = entry.text("email")
    return email_key(text) if is_email(text) else ""
