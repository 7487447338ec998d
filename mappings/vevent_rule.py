"""What a recurrence rule costs to expand, before anything is expanded.

A line of forty characters can take place every second for ever, or never, which takes longest to find out: the
expansion steps through every period from the series' start, and where nothing matches it stops only in the year 9999.
So its steps are counted on paper first, and a rule with conditions is tried on the last years of the calendar, where a
rule that never takes place comes to its end at once.

Source: RFC 5545 section 3.3.10; the costs are dateutil's, measured.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import inf, prod
from typing import cast

from dateutil.rrule import rrulestr  # type: ignore[import-untyped]  # it has no types of its own
from icalendar import vRecur

from mappings.errors import UnreadableRecord

FOREIGN_ERRORS = (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What icalendar, dateutil and recurring_ical_events stumble with over values that they did not foresee."""

STEPS_MAX = 40_000
"""More than a hundred years of days, which take half a second."""

_BOUND = re.compile(r";(?:UNTIL|COUNT)=[^;]*|^(?:UNTIL|COUNT)=[^;]*;", re.IGNORECASE)
_WITHIN_A_DAY = {
    "SECONDLY": timedelta(seconds=1),
    "MINUTELY": timedelta(minutes=1),
    "HOURLY": timedelta(hours=1),
}
_PERIODS = _WITHIN_A_DAY | {
    "DAILY": timedelta(days=1),
    "WEEKLY": timedelta(days=7),
    "MONTHLY": timedelta(days=28),
    "YEARLY": timedelta(days=365),
}
_DAYS_PER_STEP = 16
"""A step of a month or a year looks at each of its days, about so many in the time of one step."""

_LAST_YEAR = 9999
_CYCLE_YEARS = 28
_CYCLE_DAYS = 10227
"""After so many years, which are so many days, the days of the week fall on the same dates again."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One RRULE; `endless` is its text without COUNT and UNTIL, `until` is naive and in UTC."""

    text: str
    endless: str
    frequency: str
    interval: int
    count: float
    until: datetime | None
    times_a_day: int
    has_conditions: bool


def rule_of(text: str) -> Rule:
    """Read a rule.

    Errors: `UnreadableRecord`.
    """
    try:
        values = cast("dict[str, list[object]]", vRecur.from_ical(text))
        until = values.get("UNTIL", [None])[0]
        rule = Rule(
            text=text,
            endless=_BOUND.sub("", text),
            frequency=str(values["FREQ"][0]).upper(),
            interval=int(str(values.get("INTERVAL", [1])[0])),
            count=int(str(values["COUNT"][0])) if "COUNT" in values else inf,
            until=naive(until) if isinstance(until, date) else None,
            times_a_day=prod(len(values.get(part, [0])) for part in ("BYHOUR", "BYMINUTE", "BYSECOND")),
            has_conditions=any(name.startswith("BY") for name in values),
        )
    except FOREIGN_ERRORS as error:
        raise UnreadableRecord(None, f"its rule is not understood: {text}") from error
    if rule.frequency not in _PERIODS or rule.interval < 1 or rule.count < 1:
        raise UnreadableRecord(None, f"its rule is not understood: {text}")
    return rule


def steps_to(rule: Rule, start: datetime | date, end: datetime) -> int:
    """Return about how many steps it takes to expand a rule from its start to an end.

    Errors: `UnreadableRecord` if they are too many, or if it never takes place.
    """
    steps = _steps(rule, _span(rule, naive(start), naive(end)))
    if steps > STEPS_MAX:
        raise UnreadableRecord(None, f"repeats too often or for too long to be followed: {rule.text}")
    if rule.has_conditions:
        _check_takes_place(rule, naive(start))
    return steps


def at_most(rule: Rule, start: datetime | date, end: datetime) -> int:
    """Return a number of times that a rule cannot exceed between two moments."""
    span = _span(rule, naive(start), naive(end))
    if rule.frequency in _WITHIN_A_DAY:
        return int(min(span / (_PERIODS[rule.frequency] * rule.interval) + 1, rule.count))
    return int(min((span.days + 1) * rule.times_a_day, rule.count))


def naive(moment: datetime | date) -> datetime:
    """Return a moment in UTC, but without saying so: near enough to count with."""
    if not isinstance(moment, datetime):
        return datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001  # a day has no zone
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo is not None else moment


def _span(rule: Rule, start: datetime, end: datetime) -> timedelta:
    return max(min(end, rule.until or end) - start, timedelta(0))


def _steps(rule: Rule, span: timedelta) -> int:
    if rule.frequency in _WITHIN_A_DAY and rule.has_conditions:
        raise UnreadableRecord(None, f"repeats within a day under conditions, which no meeting does: {rule.text}")
    periods = min(span / (_PERIODS[rule.frequency] * rule.interval), rule.count)
    days_looked_at = span.days / _DAYS_PER_STEP if rule.frequency in {"MONTHLY", "YEARLY"} else 0
    return int((periods + days_looked_at + 1) * rule.times_a_day)


def _check_takes_place(rule: Rule, start: datetime) -> None:
    if next(iter(rrulestr(rule.endless, dtstart=_late(rule, start))), None) is None:
        raise UnreadableRecord(None, f"its rule never takes place: {rule.text}")


def _late(rule: Rule, start: datetime) -> datetime:
    """Return a start at which the rule is where it is at `start`, one to two cycles before the end of the calendar."""
    cycles = max((_LAST_YEAR - start.year) // (_CYCLE_YEARS * rule.interval) - 1, 0) * rule.interval
    if rule.frequency in {"MONTHLY", "YEARLY"}:
        return start.replace(year=start.year + cycles * _CYCLE_YEARS, day=min(start.day, 28))
    return start + timedelta(days=cycles * _CYCLE_DAYS)
