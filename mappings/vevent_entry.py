"""One VEVENT as it stands in its text: when, how often, and what it says of the meeting and of those invited.

Source: RFC 5545 sections 3.2, 3.6.1 and 3.8; RFC 7986 section 6.2 (EMAIL); Microsoft's properties: [MS-OXCICAL]
section 2.1.3.1.1.20; Nextcloud's: its BirthdayService; `X-GOOGLE-EVENT-TYPE`: written by Thunderbird's provider for
Google, while Google itself does not tell.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import cast
from urllib.parse import unquote

from icalendar import vDDDTypes

from mappings.content_line import Line
from mappings.errors import UnreadableRecord
from mappings.event import Attendee, AttendeeKind, Availability, Kind, Response, Status
from mappings.normalize import email_key, is_email, tidy
from mappings.vevent_rule import FOREIGN_ERRORS
from mappings.vevent_text import Block, Property, properties, unescape
from mappings.vevent_zone import Zones

Moment = datetime | date
"""A day, an instant, or a time of day that no zone is said of (a naive datetime: "floating")."""

Period = tuple[datetime, datetime | timedelta]
"""A start with an end or a duration (RFC 5545 section 3.3.9)."""

_STATUSES = {"TENTATIVE": Status.TENTATIVE, "CANCELLED": Status.CANCELLED}
_RESPONSES = {
    "ACCEPTED": Response.ACCEPTED,
    "TENTATIVE": Response.TENTATIVE,
    "DECLINED": Response.DECLINED,
    # Somebody else comes, who is in the list himself.
    "DELEGATED": Response.DECLINED,
}
_ATTENDEE_KINDS = {
    "": AttendeeKind.PERSON,
    "INDIVIDUAL": AttendeeKind.PERSON,
    "GROUP": AttendeeKind.GROUP,
    "ROOM": AttendeeKind.ROOM,
    "RESOURCE": AttendeeKind.RESOURCE,
}
_OPTIONAL_ROLES = frozenset({"OPT-PARTICIPANT", "NON-PARTICIPANT"})
_AVAILABILITIES = {
    "FREE": Availability.FREE,
    "TENTATIVE": Availability.TENTATIVE,
    "BUSY": Availability.BUSY,
    "OOF": Availability.OUT_OF_OFFICE,
    "WORKINGELSEWHERE": Availability.WORKING_ELSEWHERE,
}
_KINDS = {
    "outofoffice": Kind.OUT_OF_OFFICE,
    "focustime": Kind.FOCUS,
    "workinglocation": Kind.WORKING_LOCATION,
    "birthday": Kind.BIRTHDAY,
    "fromgmail": Kind.FROM_MAIL,
}

_Properties = Mapping[str, list[Property]]


@dataclass(frozen=True, slots=True)
class Details:
    """What an event says but for its times."""

    title: str
    status: Status
    kind: Kind
    availability: Availability
    is_private: bool
    organizer: str
    attendees: tuple[Attendee, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One VEVENT; `end` is not before `start`.

    `original` is the RECURRENCE-ID of an entry that changes one occurrence of a series, or it and all that follow.
    `spans_days` says that times from midnight to midnight are meant as whole days.
    """

    line: int
    uid: str
    start: Moment
    end: Moment
    original: Moment | None
    and_following: bool
    sequence: int
    rules: tuple[str, ...]
    extra: tuple[Moment | Period, ...]
    excluded: tuple[Moment, ...]
    spans_days: bool
    details: Details

    @property
    def repeats(self) -> bool:
        """Whether it says of itself when else it takes place, or does not."""
        return bool(self.rules or self.extra or self.excluded)

    @property
    def is_alone(self) -> bool:
        """Whether it is no part of a series."""
        return not self.repeats and self.original is None


def entry_of(block: Block, zones: Zones, default_zone: tzinfo | None) -> Entry:
    """Read one VEVENT; times without a zone are given the default one, if there is one.

    Errors: `UnreadableRecord` with the line.
    """
    try:
        return _entry(block.line, properties(block), _Reader(zones, default_zone))
    except FOREIGN_ERRORS as error:
        raise UnreadableRecord(block.line, f"not understood ({error})") from error


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads values that are times."""

    zones: Zones
    default_zone: tzinfo | None

    def moments(self, found: Sequence[Property]) -> list[Moment]:
        values = [(each.number, value) for each in found for value in self.values(each)]
        for number, value in values:
            if not isinstance(value, date):
                raise UnreadableRecord(number, "neither a day nor a time")
        return [value for _, value in values if isinstance(value, date)]

    def values(self, found: Property) -> list[Moment | Period | timedelta]:
        """Return the values of a line, which may be several with commas between."""
        texts = [text.strip() for text in found.line.value.split(",")]
        try:
            name = _parameters(found.line).get("TZID", "")
            zone = self.zones.zone(name) if name else self.default_zone
            # Some write local times with a Z behind them; khal and icalendar too go by the zone that is named.
            return [_placed(_value(text.rstrip("Zz") if name else text), zone) for text in texts if text]
        except UnreadableRecord as error:
            raise UnreadableRecord(found.number, error.reason) from error
        except FOREIGN_ERRORS as error:
            raise UnreadableRecord(found.number, f"{found.line.name} is not understood") from error


def _placed(value: object, zone: tzinfo | None) -> Moment | Period | timedelta:
    match value:
        case datetime():
            return value.replace(tzinfo=value.tzinfo or zone)
        case date() | timedelta():
            return value
        case (datetime() as start, datetime() | timedelta() as end):
            placed_end = end.replace(tzinfo=end.tzinfo or zone) if isinstance(end, datetime) else end
            return start.replace(tzinfo=start.tzinfo or zone), placed_end
        case _:
            raise UnreadableRecord(None, "neither a day nor a time")


def _value(text: str) -> object:
    return cast("object", vDDDTypes.from_ical(text))  # type: ignore[no-untyped-call]  # it says nothing of types


def _entry(line: int, found: _Properties, reader: _Reader) -> Entry:
    uid = _text(found, "UID")
    if not uid:
        raise UnreadableRecord(line, "has no UID, by which a meeting is known again")
    start, end = _start_and_end(line, found, reader)
    originals = found.get("RECURRENCE-ID", [])[:1]
    return Entry(
        line=line,
        uid=uid,
        start=start,
        end=end,
        original=next(iter(reader.moments(originals)), None),
        and_following=any(_parameters(each.line).get("RANGE", "").upper() == "THISANDFUTURE" for each in originals),
        sequence=int(_text(found, "SEQUENCE") or 0),
        rules=tuple(rule for each in found.get("RRULE", []) if (rule := _rule(each.line))),
        extra=tuple(_extra(found.get("RDATE", []), reader)),
        excluded=tuple(reader.moments(found.get("EXDATE", []))),
        spans_days=_text(found, "X-MICROSOFT-CDO-ALLDAYEVENT").upper() == "TRUE",
        details=_details(found),
    )


def _start_and_end(line: int, found: _Properties, reader: _Reader) -> tuple[Moment, Moment]:
    starts = reader.moments(found.get("DTSTART", []))
    if len(starts) != 1:
        raise UnreadableRecord(line, "DTSTART is missing" if not starts else "DTSTART is there twice")
    start = starts[0]
    end = next(iter(reader.moments(found.get("DTEND", [])[:1])), None)
    if end is None:
        end = start + _duration(start, found, reader)
    start, end = _alike(start, end)
    if end < start:
        raise UnreadableRecord(line, "ends before it starts")
    # Many write the same day twice for one day, though the end is not included (RFC 5545 section 3.6.1).
    return start, end if isinstance(end, datetime) else max(end, _day(start) + timedelta(days=1))


def _duration(start: Moment, found: _Properties, reader: _Reader) -> timedelta:
    """Return how long it takes if its end is not said (RFC 5545 section 3.6.1)."""
    for each in found.get("DURATION", [])[:1]:
        for value in reader.values(each):
            if isinstance(value, timedelta):
                return value
        raise UnreadableRecord(each.number, "DURATION is not understood")
    return timedelta(0) if isinstance(start, datetime) else timedelta(days=1)


def _extra(found: Sequence[Property], reader: _Reader) -> list[Moment | Period]:
    values = [value for each in found for value in reader.values(each)]
    return [value for value in values if not isinstance(value, timedelta)]


def _rule(line: Line) -> str:
    """Return a rule without the blanks, and the semicolon behind it, that some write; "" if it says nothing."""
    return "".join(line.value.split()).strip(";")


def _day(moment: Moment) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _alike(start: Moment, end: Moment) -> tuple[Moment, Moment]:
    """Return both as days if one of them is, and both in a zone if one of them is: what is said of one holds."""
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        return _day(start), _day(end)
    return start.replace(tzinfo=start.tzinfo or end.tzinfo), end.replace(tzinfo=end.tzinfo or start.tzinfo)


def _details(found: _Properties) -> Details:
    organizers = found.get("ORGANIZER", [])
    return Details(
        title=tidy(_text(found, "SUMMARY")),
        status=_STATUSES.get(_text(found, "STATUS").upper(), Status.CONFIRMED),
        kind=_kind(found),
        availability=_availability(found),
        # A class that is not known is to be taken for a private one (RFC 5545 section 3.8.1.3).
        is_private=_text(found, "CLASS").upper() not in {"", "PUBLIC"},
        organizer=_address(organizers[0].line) if organizers else "",
        attendees=tuple(_attendee(each.line) for each in found.get("ATTENDEE", [])),
    )


def _kind(found: _Properties) -> Kind:
    if "X-NEXTCLOUD-BC-FIELD-TYPE" in found:
        return Kind.BIRTHDAY
    return _KINDS.get(_text(found, "X-GOOGLE-EVENT-TYPE").lower(), Kind.ORDINARY)


def _availability(found: _Properties) -> Availability:
    standard = Availability.FREE if _text(found, "TRANSP").upper() == "TRANSPARENT" else Availability.BUSY
    return _AVAILABILITIES.get(_text(found, "X-MICROSOFT-CDO-BUSYSTATUS").upper(), standard)


def _attendee(line: Line) -> Attendee:
    said = _parameters(line)
    address = _address(line)
    kind = _ATTENDEE_KINDS.get(said.get("CUTYPE", "").upper(), AttendeeKind.UNKNOWN)
    return Attendee(
        address=address,
        # An answer that is not known is to be taken for none (RFC 5545 section 3.2.12).
        response=_RESPONSES.get(said.get("PARTSTAT", "").upper(), Response.NEEDS_ACTION),
        kind=AttendeeKind.UNKNOWN if kind is AttendeeKind.PERSON and not address else kind,
        is_optional=said.get("ROLE", "").upper() in _OPTIONAL_ROLES,
    )


def _address(line: Line) -> str:
    """Return the key of an e-mail address; Apple writes a path and gives the address in EMAIL, Exchange X.500 paths."""
    value = line.value.strip()
    scheme, _, rest = value.partition(":")
    if scheme.lower() == "mailto":
        value = unquote(rest.partition("?")[0])
    if not is_email(value):
        value = _parameters(line).get("EMAIL", "")
    return email_key(value) if is_email(value) else ""


def _text(found: _Properties, name: str) -> str:
    """Return a text value, the first if there are several, "" if there is none."""
    return unescape(found[name][0].line.value).strip() if name in found else ""


def _parameters(line: Line) -> dict[str, str]:
    """Return the parameters by name; several values, which a comma in quotes makes too, are one text."""
    return {each.name: ", ".join(each.values) for each in line.parameters}
