"""The canonical event: what a calendar says of one meeting at one time, in one shape for every provider.

A meeting that repeats is as many events as it takes place times. Every field is required, so that a codec which
forgets one does not type-check. Nothing is judged here: which event counts for whom is said by `meetings`.

- Instants are in UTC; whole days are dates, of no zone.
- Addresses are keys (`normalize.email_key`); `""` is one that is not known or is no e-mail address.
- An organizer need not be among the attendees (Exchange leaves him out), and may be (Google lists him twice).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from enum import StrEnum
from typing import NewType

from mappings.record import AccountName, RemoteId

EventUid = NewType("EventUid", str)
"""The iCalendar UID, the same in every calendar that the meeting is in (RFC 5545 section 3.8.4.7; `iCalUID`)."""

Occurrence = NewType("Occurrence", str)
"""Which one of a series: when it was to start before anybody moved it; `""` for an event that does not repeat.

`2026-11-03T09:00:00Z`, or `2026-11-03` for whole days, so that calendars that use other zones agree.
"""

CalendarName = NewType("CalendarName", str)
"""A calendar of an account, by the name that its owner knows it by."""

NO_ATTENDEES = "this calendar has no attendees, so it cannot tell whom you met"
"""What to say where `names_nobody` is true."""


class Status(StrEnum):
    """What has become of an event (RFC 5545 section 3.8.1.11)."""

    CONFIRMED = "confirmed"
    TENTATIVE = "tentative"
    CANCELLED = "cancelled"


class Kind(StrEnum):
    """What sort of entry it is (Google `eventType`); what is not known to be another is ordinary."""

    ORDINARY = "ordinary"
    OUT_OF_OFFICE = "out of office"
    FOCUS = "focus"
    WORKING_LOCATION = "working location"
    BIRTHDAY = "birthday"
    FROM_MAIL = "from mail"


class Availability(StrEnum):
    """What the event does to its owner's time (Graph `showAs`)."""

    BUSY = "busy"
    FREE = "free"
    TENTATIVE = "tentative"
    OUT_OF_OFFICE = "out of office"
    WORKING_ELSEWHERE = "working elsewhere"
    UNKNOWN = "unknown"


class Response(StrEnum):
    """What somebody answered; UNKNOWN is that the calendar does not say, NEEDS_ACTION that it says: nothing yet."""

    ORGANIZER = "organizer"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    TENTATIVE = "tentative"
    NEEDS_ACTION = "needs action"
    UNKNOWN = "unknown"


class AttendeeKind(StrEnum):
    """Who or what is invited (RFC 5545 section 3.2.3)."""

    PERSON = "person"
    ROOM = "room"
    RESOURCE = "resource"
    GROUP = "group"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Attendee:
    """One line of the list of those invited."""

    address: str
    response: Response
    kind: AttendeeKind
    is_optional: bool


@dataclass(frozen=True, slots=True)
class Timed:
    """From an instant to another, which is not before it; both in UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class AllDay:
    """Whole days, from the first to the one before `end`."""

    start: date
    end: date


@dataclass(frozen=True, slots=True)
class Window:
    """The span of time that is asked for, its end not included.

    `start` and `end` are aware; `zone` is the owner's, in which whole days and times without a zone are meant.
    """

    start: datetime
    end: datetime
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class Event:
    """One meeting at one time, as one calendar has it.

    `source` is the record that it was read from: a file, a provider's id; several events may share one.
    `attendees_complete` is false where the provider hides some or left them out.
    `own_response` is what the calendar itself says that its owner answered.
    """

    uid: EventUid
    occurrence: Occurrence
    account: AccountName
    calendar: CalendarName
    source: RemoteId
    when: Timed | AllDay
    title: str
    status: Status
    is_draft: bool
    kind: Kind
    availability: Availability
    is_private: bool
    organizer: str
    attendees: tuple[Attendee, ...]
    attendees_complete: bool
    own_response: Response


@dataclass(frozen=True, slots=True)
class UnreadableEvent:
    """A record that is there but of which not every event is understood; `line` is where, if it is text.

    What was known of the record's events stays true as far as anybody knows.
    """

    source: RemoteId
    line: int | None
    reason: str


def occurrence_at(original_start: datetime | date) -> Occurrence:
    """Return the name of the occurrence that was to start then; an instant is aware."""
    if isinstance(original_start, datetime):
        utc = original_start.astimezone(UTC).replace(microsecond=0, tzinfo=None)
        return Occurrence(f"{utc.isoformat()}Z")
    return Occurrence(original_start.isoformat())


def is_within(when: Timed | AllDay, window: Window) -> bool:
    """Tell whether some of it lies in the window; what takes no time does if it starts there."""
    start, end = _instants(when, window.zone)
    return start < window.end and (end > window.start or start == end == window.start)


def names_nobody(events: Iterable[Event]) -> bool:
    """Tell whether there are events and none has any attendee, as in the feeds that Google and Exchange publish."""
    lists = [event.attendees for event in events]
    return bool(lists) and not any(lists)


def _instants(when: Timed | AllDay, zone: tzinfo) -> tuple[datetime, datetime]:
    if isinstance(when, Timed):
        return when.start, when.end
    return datetime.combine(when.start, time(), zone), datetime.combine(when.end, time(), zone)
