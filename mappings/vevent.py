"""iCalendar text → events: each time that something takes place in a window is an event of its own.

A text is parsed once (`parse`) and asked for any window (`events_in`), since the window moves on with the clock and the
text stays. Nothing is ever written back.

A series is understood as a whole or not at all: if one of its entries is broken, that may be the one that cancels an
occurrence or moves it, and the others alone would tell of meetings that never were.

Source: RFC 5545; series are expanded by recurring_ical_events.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, tzinfo
from zoneinfo import ZoneInfo

from mappings.errors import UnreadableRecord
from mappings.event import (
    AllDay,
    CalendarName,
    Event,
    EventUid,
    Occurrence,
    Response,
    Timed,
    UnreadableEvent,
    Window,
    is_within,
    occurrence_at,
)
from mappings.record import AccountName, RemoteId
from mappings.vevent_entry import Entry, entry_of
from mappings.vevent_rule import FOREIGN_ERRORS
from mappings.vevent_series import Found, occurrences, steps_to
from mappings.vevent_text import Cut, cut, uid_of
from mappings.vevent_zone import Zones

STEPS_MAX = 2_000_000
"""Of all series of one text, and about twenty seconds: far beyond any calendar, not beyond an hour for a bomb."""

_STEPS_PER_OCCURRENCE = 40
"""Making an occurrence takes as long as so many steps of a rule, measured."""

_STEPS_PER_REFUSAL = 10_000
"""So many it takes at worst to find that a series is not to be followed."""


@dataclass(frozen=True, slots=True)
class Damage:
    """Something in the text that is not understood."""

    line: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """A text's series, each with the entries of one UID, of which a single event is the shortest."""

    series: tuple[tuple[Entry, ...], ...]
    damages: tuple[Damage, ...]
    utc_zone: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a text is from."""

    account: AccountName
    calendar: CalendarName
    source: RemoteId


def decode(content: bytes) -> str:
    """Return the text of a calendar file.

    What is not UTF-8, and characters that a fold has cut in two, become U+FFFD: nothing is written back, so that
    another charset costs no more than a title.
    """
    return content.decode("utf-8", errors="replace")


def parse(text: str) -> Parsed:
    """Parse a text.

    Errors: `UnreadableRecord` if it is not a whole calendar; an event that is not understood is a damage.
    """
    parts = cut(text)
    zones = Zones(parts.zones)
    calendar_zone = _calendar_zone(zones, parts.zone_name)
    entries: dict[str, list[Entry]] = {}
    damages: dict[str, list[Damage]] = {}
    for read in _entries(parts, zones, calendar_zone):
        if isinstance(read, Entry):
            entries.setdefault(read.uid, []).append(read)
        else:
            uid, damage = read
            damages.setdefault(uid, []).append(damage)
    return Parsed(
        series=tuple(tuple(series) for uid, series in entries.items() if uid not in damages),
        damages=tuple(damage for found in damages.values() for damage in found),
        utc_zone=calendar_zone.key if isinstance(calendar_zone, ZoneInfo) else "",
    )


def events_in(parsed: Parsed, window: Window, origin: Origin) -> tuple[tuple[Event, ...], tuple[UnreadableEvent, ...]]:
    """Return what takes place in the window, and what of the text is not understood."""
    events: list[Event] = []
    damages = list(parsed.damages)
    steps_left = STEPS_MAX
    for entries in parsed.series:
        try:
            steps = _affordable_steps(entries, window, steps_left)
            found = tuple(_events(entries, window, origin, parsed.utc_zone))
        except UnreadableRecord as error:
            damages.append(Damage(error.line, error.reason))
            steps_left -= _STEPS_PER_REFUSAL
        else:
            events.extend(found)
            steps_left -= steps + max(len(found) - 1, 0) * _STEPS_PER_OCCURRENCE
    return tuple(events), tuple(UnreadableEvent(origin.source, each.line, each.reason) for each in damages)


def _calendar_zone(zones: Zones, name: str) -> tzinfo | None:
    """Return the zone of times that name none; one that nobody knows says no more than none."""
    try:
        return zones.zone(name) if name else None
    except UnreadableRecord:
        return None


def _entries(parts: Cut, zones: Zones, calendar_zone: tzinfo | None) -> Iterator[Entry | tuple[str, Damage]]:
    for block in parts.events:
        try:
            yield entry_of(block, zones, calendar_zone)
        except UnreadableRecord as error:
            yield uid_of(block), Damage(error.line, error.reason)


def _affordable_steps(entries: Sequence[Entry], window: Window, steps_left: int) -> int:
    if not any(entry.repeats for entry in entries):
        return 0
    if steps_left <= 0 or (steps := steps_to(entries, window.end)) > steps_left:
        raise UnreadableRecord(entries[0].line, "comes after more series than can be followed in one file")
    return steps


def _events(entries: Sequence[Entry], window: Window, origin: Origin, utc_zone: str) -> Iterator[Event]:
    if len(entries) == 1 and entries[0].is_alone:
        (entry,) = entries
        found = [Found(entry, entry.start, entry.end, None)]
    else:
        found = list(occurrences(entries, window, utc_zone))
    for each in found:
        try:
            event = _event(each, window.zone, origin)
        except FOREIGN_ERRORS as error:  # the first and the last day of time, in another zone
            raise UnreadableRecord(each.entry.line, "its time is not understood") from error
        if is_within(event.when, window):
            yield event


def _event(found: Found, zone: tzinfo, origin: Origin) -> Event:
    details = found.entry.details
    return Event(
        uid=EventUid(found.entry.uid),
        occurrence=_occurrence(found, zone),
        account=origin.account,
        calendar=origin.calendar,
        source=origin.source,
        when=_when(found, zone),
        title=details.title,
        status=details.status,
        is_draft=False,
        kind=details.kind,
        availability=details.availability,
        is_private=details.is_private,
        organizer=details.organizer,
        attendees=details.attendees,
        # iCalendar has no way to say that some are left out.
        attendees_complete=True,
        # A file does not know whose it is.
        own_response=Response.UNKNOWN,
    )


def _when(found: Found, zone: tzinfo) -> Timed | AllDay:
    start, end = found.start, found.end
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        return AllDay(start, end)
    if found.entry.spans_days and start < end and start.time() == end.time() == time():
        return AllDay(start.date(), end.date())
    return Timed(_utc(start, zone), _utc(end, zone))


def _occurrence(found: Found, zone: tzinfo) -> Occurrence:
    if found.original is None:
        return Occurrence("")
    return occurrence_at(_utc(found.original, zone) if isinstance(found.original, datetime) else found.original)


def _utc(moment: datetime, zone: tzinfo) -> datetime:
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)).astimezone(UTC)
