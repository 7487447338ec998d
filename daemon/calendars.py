"""Read the calendars that the owner named, and say what is in them; nothing is ever written to one.

A calendar that cannot be read is reported and nothing else; it never keeps notes and contacts from being synced.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from connectors.calendar_interface import Calendar, EventSet
from connectors.errors import ConnectorError
from daemon.gather import Workers, health_of
from daemon.report import CalendarReport, Health, Trouble
from daemon.setup import Setup
from mappings.event import Window, names_nobody

BACK = timedelta(days=400)
"""How far back meetings are looked at: a year, and a month for those that come once a year."""

AHEAD = timedelta(days=60)


def read_calendars(setup: Setup, now: datetime, workers: Workers) -> tuple[CalendarReport, ...]:
    """Read every calendar of the accounts that are not left out.

    Result: one report for each, in the setup's order.
    """
    window = Window(now - BACK, now + AHEAD, setup.zone)
    calendars = [calendar for calendar in setup.calendars if calendar.account not in setup.left_out]
    reports: dict[int, CalendarReport] = {}

    def reading(number: int, calendar: Calendar) -> Callable[[], None]:
        def work() -> None:
            reports[number] = _read(calendar, window)

        return work

    workers([reading(number, calendar) for number, calendar in enumerate(calendars)])
    return tuple(reports[number] for number in range(len(calendars)))


def _read(calendar: Calendar, window: Window) -> CalendarReport:
    try:
        found = calendar.events(window)
    except ConnectorError as error:
        return CalendarReport(
            calendar.account, calendar.name, health_of(error), str(error), 0, 0, (), names_nobody=False
        )
    return _report(calendar, found)


def _report(calendar: Calendar, found: EventSet) -> CalendarReport:
    return CalendarReport(
        calendar.account,
        calendar.name,
        Health.OK if found.complete else Health.AWAY,
        "" if found.complete else "it could only be read in part",
        found.listed,
        len(found.events),
        tuple(Trouble(one.source, one.line or 0, one.reason) for one in found.unreadable),
        names_nobody=names_nobody(found.events),
    )
