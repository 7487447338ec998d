"""The calendars inside other programs' source archives: read as recurring_ical_events itself reads them, or held.

Runs where `CONTACTD_SDISTS` names a folder with archives (`pip download --no-binary :all: --no-deps icalendar
recurring-ical-events khal`); nothing is fetched here. `pytest -s` shows the figures.
"""

import os
import tarfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import cast

import icalendar
import pytest
import recurring_ical_events  # type: ignore[import-untyped]  # it does not say that it has types

from mappings import vevent
from mappings.errors import UnreadableRecord
from mappings.event import CalendarName, Event, Window
from mappings.record import AccountName, RemoteId
from mappings.vevent_rule import FOREIGN_ERRORS

FOLDER = os.environ.get("CONTACTD_SDISTS", "")
YEARS = range(2008, 2027)

pytestmark = pytest.mark.skipif(not FOLDER, reason="CONTACTD_SDISTS names no folder of source archives")

DELIBERATE = {
    "tz_windows_format.ics": "gives a name of Windows rules of its own, which are wrong: the name counts",
}
"""Where we do not read what the library reads, and why."""

Times = set[tuple[str, datetime | date, datetime | date]]


@dataclass
class Figures:
    """What became of the files."""

    files: int = 0
    events: int = 0
    same: int = 0
    not_judged: int = 0
    held: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    different: dict[str, tuple[Times, Times]] = field(default_factory=dict[str, tuple[Times, Times]])


def test_every_calendar_is_read_as_the_library_reads_it_or_held_with_a_reason() -> None:
    figures = Figures()
    for name, content in calendars():
        judge(name, content, figures)
    print(  # noqa: T201  # the figures are what this is run for
        f"\n{figures.files} files, {figures.events} occurrences; as the library says: {figures.same}; held with a "
        f"reason: {len(figures.held)}; beyond the library: {figures.not_judged}; different: {len(figures.different)}"
    )
    for name, reasons in figures.held.items():
        print(f"held {name}: {'; '.join(reasons)}")  # noqa: T201  # idem
    assert figures.files > 0
    assert figures.different == {}


def calendars() -> Iterator[tuple[str, bytes]]:
    for path in sorted(Path(FOLDER).glob("*.tar.gz")):
        with tarfile.open(path) as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isfile() and member.name.endswith(".ics") else None
                if file is not None:
                    yield member.name, whole(file.read())


def whole(content: bytes) -> bytes:
    """Return a calendar for a fixture that is a bare event, and give an event that lacks one a UID."""
    if b"\nUID" not in content:
        content = content.replace(b"BEGIN:VEVENT", b"BEGIN:VEVENT\nUID:made-up", 1)
    if b"BEGIN:VCALENDAR" in content:
        return content
    return b"BEGIN:VCALENDAR\n" + content.strip() + b"\nEND:VCALENDAR\n"


def judge(name: str, content: bytes, figures: Figures) -> None:
    figures.files += 1
    try:
        parsed = vevent.parse(vevent.decode(content))
    except UnreadableRecord as error:
        figures.held[name] = [error.reason]
        return
    found, reasons = ours(parsed)
    figures.events += len(found)
    if reasons:
        figures.held[name] = reasons
        return
    expected = the_librarys(content)
    if expected is None:
        figures.not_judged += 1
    elif plain(found) == plain(expected) or Path(name).name in DELIBERATE:
        figures.same += 1
    else:
        figures.different[name] = (found - expected, expected - found)


def ours(parsed: vevent.Parsed) -> tuple[Times, list[str]]:
    origin = vevent.Origin(AccountName("a"), CalendarName("c"), RemoteId("s"))
    found: Times = set()
    reasons: list[str] = []
    for year in YEARS:
        events, unreadable = vevent.events_in(parsed, window(year), origin)
        found |= {(event.uid, *times(event)) for event in events}
        reasons.extend(each.reason for each in unreadable if each.reason not in reasons)
    return found, reasons


def window(year: int) -> Window:
    return Window(datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC), UTC)


def times(event: Event) -> tuple[datetime | date, datetime | date]:
    return event.when.start, event.when.end


def the_librarys(content: bytes) -> Times | None:
    """Return what icalendar and recurring_ical_events say by themselves, None if they refuse."""
    found: Times = set()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for calendar in icalendar.Calendar.from_ical(content, multiple=True):
                query = recurring_ical_events.of(calendar)
                for year in YEARS:
                    for component in cast(
                        "list[icalendar.Event]", query.between(date(year, 1, 1), date(year + 1, 1, 1))
                    ):
                        found.add((str(component["UID"]), moment(component, "DTSTART"), moment(component, "DTEND")))
    except FOREIGN_ERRORS:
        return None
    return found


def plain(found: Times) -> set[tuple[str, str, str]]:
    """Return what both can say: days as midnights, and a day that ends when it starts as a whole one."""
    return {(uid, instant(start), instant(max(end, next_day(start)))) for uid, start, end in found}


def next_day(start: datetime | date) -> datetime | date:
    return start if isinstance(start, datetime) else start + timedelta(days=1)


def instant(value: datetime | date) -> str:
    return value.isoformat() if isinstance(value, datetime) else f"{value.isoformat()}T00:00:00+00:00"


def moment(component: icalendar.Event, name: str) -> datetime | date:
    value: object = cast("icalendar.vDDDTypes", component[name]).dt
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
    if isinstance(value, date):
        return value
    raise TypeError(name)
