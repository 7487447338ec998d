"""Read the calendars that the owner named into the ledger, and say what is in them; nothing is ever written to one.

A calendar that cannot be read is reported and nothing else; it never keeps notes and contacts from being synced.
"""

from collections.abc import Callable
from datetime import datetime, time, timedelta

from connectors.calendar_interface import Calendar, EventSet
from connectors.errors import ConnectorError
from daemon import ledger
from daemon.gather import Workers, health_of
from daemon.health import Health
from daemon.ledger import CalendarId
from daemon.report import CalendarReport, Trouble
from daemon.setup import Setup
from daemon.state import State
from mappings.event import Window


def read_calendars(setup: Setup, state: State, now: datetime, workers: Workers) -> tuple[CalendarReport, ...]:
    """Read every calendar of the accounts that are not left out, and store what they say.

    Result: one report for each, in the setup's order.
    """
    with state.transaction() as tx:
        ledger.name_calendars(tx, [CalendarId(calendar.account, calendar.name) for calendar in setup.calendars])
        if not setup.meetings.keep_titles:
            ledger.drop_titles(tx)
    window = window_at(setup, now)
    calendars = [calendar for calendar in setup.calendars if calendar.account not in setup.left_out]
    reports: dict[int, CalendarReport] = {}

    def reading(number: int, calendar: Calendar) -> Callable[[], None]:
        def work() -> None:
            reports[number] = _read(setup, state, calendar, window)

        return work

    workers([reading(number, calendar) for number, calendar in enumerate(calendars)])
    return tuple(reports[number] for number in range(len(calendars)))


def window_at(setup: Setup, now: datetime) -> Window:
    """Return what is asked for: whole months, so that for a month what has not changed need not be sent again."""
    first = (now - setup.meetings.back).astimezone(setup.meetings.zone).date().replace(day=1)
    beyond = (
        (now + setup.meetings.ahead).astimezone(setup.meetings.zone).date().replace(day=28) + timedelta(days=4)
    ).replace(day=1)
    start, end = (datetime.combine(day, time(), setup.meetings.zone) for day in (first, beyond))
    return Window(start, end, setup.meetings.zone)


def _read(setup: Setup, state: State, calendar: Calendar, window: Window) -> CalendarReport:
    which, keep_titles = CalendarId(calendar.account, calendar.name), setup.meetings.keep_titles
    try:
        found = calendar.events(window, ledger.known(state, which, window, keep_titles=keep_titles))
    except ConnectorError as error:
        return CalendarReport(
            calendar.account, calendar.name, health_of(error), str(error), 0, 0, (), names_nobody=False
        )
    with state.transaction() as tx:
        ledger.store(tx, which, window, found, keep_titles=keep_titles)
        counts = ledger.counts(tx, which)
    return _report(calendar, found, counts)


def _report(calendar: Calendar, found: EventSet, counts: ledger.Counts) -> CalendarReport:
    return CalendarReport(
        calendar.account,
        calendar.name,
        Health.OK if found.complete else Health.AWAY,
        "" if found.complete else "it could only be read in part",
        found.listed,
        counts.events,
        tuple(Trouble(one.source, one.line or 0, one.reason) for one in found.unreadable),
        names_nobody=counts.names_nobody,
    )
