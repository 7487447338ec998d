"""The occurrences of one series of events in a window, each with the entry that it is taken from.

Which ones there are is worked out by recurring_ical_events. It is given components with nothing in them but times and
the entry's number, since it copies them for every occurrence.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from typing import cast

import recurring_ical_events  # type: ignore[import-untyped]  # it does not say that it has types
from icalendar import Calendar, Event, vDDDLists, vDDDTypes, vRecur, vText

from mappings import vevent_rule
from mappings.errors import UnreadableRecord
from mappings.event import Window
from mappings.vevent_entry import Entry, Moment, Period
from mappings.vevent_rule import FOREIGN_ERRORS, STEPS_MAX, naive, rule_of

OCCURRENCES_MAX = 5_000
"""Of one series in one window; nobody meets more often than that."""

_STEPS_PER_DATE = 8
"""Taking in a single date takes as long as so many steps of a rule, measured."""

_ENTRY = "X-ENTRY"


@dataclass(frozen=True, slots=True)
class Found:
    """One occurrence: its entry, its times, when it was to start before anybody moved it (None if it is no series)."""

    entry: Entry
    start: Moment
    end: Moment
    original: Moment | None


def steps_to(entries: Sequence[Entry], end: datetime) -> int:
    """Return about how many steps it takes to expand a series up to an end.

    Errors: `UnreadableRecord` if they are too many.
    """
    # A changed occurrence that brings rules of its own is looked for among all those of the series.
    searches = sum(1 for entry in entries if entry.original is not None and entry.repeats)
    steps = sum(_steps_to(entry, end) for entry in entries) * (1 + searches)
    if steps > STEPS_MAX:
        raise UnreadableRecord(entries[0].line, "repeats too often or for too long to be followed")
    return steps


def occurrences(entries: Sequence[Entry], window: Window, utc_zone: str) -> tuple[Found, ...]:
    """Return what takes place of a series in the window.

    Shapes: the entries have one UID, and `steps_to` was content with them; `utc_zone` is the zone by whose clock a
    series in UTC repeats, "" if by UTC itself.
    Errors: `UnreadableRecord`.
    """
    zoned = _with_times([_in_zone(entry, window.zone) for entry in entries])
    try:
        _check_count(zoned, window)
        return tuple(_found(component, zoned) for component in _between(_calendar(zoned, utc_zone), window))
    except FOREIGN_ERRORS as error:
        raise UnreadableRecord(entries[0].line, "its recurrence is not understood") from error


def _with_times(entries: Sequence[Entry]) -> Sequence[Entry]:
    """Return the entries with a time where they change an occurrence of which they name the day alone.

    That is not allowed, but some write it: such an entry would be taken for one more, beside the one that is meant.
    """
    starts = [entry.start for entry in entries if entry.original is None]
    if len(starts) != 1 or not isinstance(start := starts[0], datetime):
        return entries
    return [
        replace(entry, original=datetime.combine(entry.original, start.timetz()))
        if entry.original is not None and not isinstance(entry.original, datetime)
        else entry
        for entry in entries
    ]


def _between(calendar: Calendar, window: Window) -> list[Event]:
    # Whole days are compared with the span as it stands: it is to begin and end by the owner's clock.
    span = window.start.astimezone(window.zone), window.end.astimezone(window.zone)
    return cast("list[Event]", recurring_ical_events.of(calendar).between(*span))


def _steps_to(entry: Entry, end: datetime) -> int:
    try:
        by_rules = sum(vevent_rule.steps_to(rule_of(rule), entry.start, end) for rule in entry.rules)
    except UnreadableRecord as error:
        raise UnreadableRecord(entry.line, error.reason) from error
    except FOREIGN_ERRORS as error:
        raise UnreadableRecord(entry.line, "its rule is not understood") from error
    return by_rules + _STEPS_PER_DATE * (len(entry.extra) + len(entry.excluded))


def _check_count(entries: Sequence[Entry], window: Window) -> None:
    """Refuse what takes place too often, before each time costs the making of an occurrence."""
    count = sum(_at_most(entry, window) for entry in entries)
    if count > OCCURRENCES_MAX:
        raise UnreadableRecord(entries[0].line, f"takes place more than {OCCURRENCES_MAX} times in the time asked for")


def _at_most(entry: Entry, window: Window) -> int:
    start = max(naive(entry.start), naive(window.start))
    by_rules = sum(vevent_rule.at_most(rule_of(rule), start, window.end) for rule in entry.rules)
    return 1 + len(entry.extra) + by_rules


def _in_zone(entry: Entry, zone: tzinfo) -> Entry:
    """Return an entry whose times all have a zone: those that had none are given this one."""

    def placed(moment: Moment) -> Moment:
        return moment.replace(tzinfo=moment.tzinfo or zone) if isinstance(moment, datetime) else moment

    return replace(
        entry,
        start=placed(entry.start),
        end=placed(entry.end),
        original=placed(entry.original) if entry.original is not None else None,
        extra=tuple(_period_in(each, zone) if isinstance(each, tuple) else placed(each) for each in entry.extra),
        excluded=tuple(map(placed, entry.excluded)),
    )


def _period_in(period: Period, zone: tzinfo) -> Period:
    start, end = period
    placed_end = end if isinstance(end, timedelta) else end.replace(tzinfo=end.tzinfo or zone)
    return start.replace(tzinfo=start.tzinfo or zone), placed_end


def _calendar(entries: Sequence[Entry], utc_zone: str) -> Calendar:
    calendar = Calendar()
    if utc_zone:
        # Makes a series in UTC keep the time of day of this zone, as those who write the property mean it.
        calendar["X-WR-TIMEZONE"] = utc_zone
    for number, entry in enumerate(entries):
        calendar.add_component(_component(number, entry))
    return calendar


def _component(number: int, entry: Entry) -> Event:
    component = Event()
    component["UID"] = vText(entry.uid)
    component["DTSTART"] = vDDDTypes(entry.start)
    component["DTEND"] = vDDDTypes(entry.end)
    component["SEQUENCE"] = entry.sequence
    component[_ENTRY] = number
    if entry.original is not None:
        component["RECURRENCE-ID"] = _original(entry.original, and_following=entry.and_following)
    if entry.rules:
        component["RRULE"] = [vRecur.from_ical(rule) for rule in entry.rules]
    if entry.extra:
        component["RDATE"] = vDDDLists(entry.extra)
    if entry.excluded:
        component["EXDATE"] = vDDDLists(entry.excluded)
    return component


def _original(moment: Moment, *, and_following: bool) -> vDDDTypes:
    value = vDDDTypes(moment)
    if and_following:
        value.params["RANGE"] = "THISANDFUTURE"
    return value


def _found(component: Event, entries: Sequence[Entry]) -> Found:
    entry = entries[cast("int", component[_ENTRY])]
    start, end, original = (_moment(component, name) for name in ("DTSTART", "DTEND", "RECURRENCE-ID"))
    if entry.and_following and entry.original is not None:
        # Every later occurrence is a copy of the changed one, and says to have been meant for its time.
        original = start - _shift(entry.start, entry.original)
    return Found(entry, start, end, original)


def _shift(start: Moment, original: Moment) -> timedelta:
    if isinstance(start, datetime) and isinstance(original, datetime):
        return start - original
    return naive(start) - naive(original)


def _moment(component: Event, name: str) -> Moment:
    value: object = cast("vDDDTypes", component[name]).dt
    if not isinstance(value, date):
        raise TypeError(name)
    return value
