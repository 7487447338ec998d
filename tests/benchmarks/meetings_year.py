"""Print what a busy year costs to judge: `python tests/benchmarks/meetings_year.py [EVENTS PEOPLE]`; processor time."""

import random
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from daemon.command import collect_seldom
from mappings.event import (
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
)
from mappings.meeting_case import DEFAULT_RULES
from mappings.meeting_copies import sighting_without_title
from mappings.meeting_people import me_of, people_of
from mappings.meetings import Clock, Findings, Ledger, recompute
from mappings.person import Uid
from mappings.record import AccountName, RemoteId

NOW = datetime(2026, 11, 23, tzinfo=UTC)
CLOCK = Clock(NOW, ZoneInfo("Europe/Berlin"))
CALENDARS = (AccountName("home"), AccountName("work"))
SIZES = (1, 1, 1, 2, 3, 4, 6, 12, 40)


def event_of(number: int, people: int, chance: random.Random) -> Event:
    """Return one of the year's events; every fifth is the same meeting in the other calendar."""
    original = number - 1 if number % 5 == 4 else number
    start = NOW - timedelta(minutes=50 * original - 60 * 24 * 30)
    guests = [f"person{chance.randrange(people)}@example.test" for _ in range(chance.choice(SIZES))]
    return Event(
        uid=EventUid(f"event{original}@example.test"),
        occurrence=Occurrence(""),
        account=CALENDARS[number % 2],
        calendar=CalendarName("main"),
        source=RemoteId(f"{number}.ics"),
        when=Timed(start, start + timedelta(minutes=45)),
        title=f"Soundings {original}",
        status=Status.CONFIRMED,
        is_draft=False,
        kind=Kind.ORDINARY,
        availability=Availability.BUSY,
        is_private=False,
        organizer=guests[0],
        attendees=tuple(_attendee(address) for address in ("me@example.test", *guests)),
        attendees_complete=True,
        own_response=Response.ACCEPTED,
    )


def main(events: int, people: int) -> None:
    collect_seldom()
    chance = random.Random(events)  # noqa: S311  # the same year every time
    year = [event_of(number, people, chance) for number in range(events)]
    with measured("remember: ids and likenesses"):
        sightings = tuple(sighting_without_title(event) for event in year)
    me = me_of([], dict.fromkeys(CALENDARS, "me@example.test"))
    everybody = people_of(me, [(Uid(f"{number}"), [f"person{number}@example.test"]) for number in range(people)])

    def judged(ledger: Ledger) -> Findings:
        return recompute(ledger, everybody, DEFAULT_RULES, frozenset(), CLOCK)

    with measured("judge and recompute"):
        judged(Ledger(sightings, ()))
    with measured("the same, a tenth of it unsettled"):
        judged(Ledger(sightings, sightings[::10]))


@contextmanager
def measured(what: str) -> Generator[None]:
    begun = time.process_time()
    yield
    print(f"{what:60} {1000 * (time.process_time() - begun):8.1f} ms")  # noqa: T201  # a script that prints


def _attendee(address: str) -> Attendee:
    return Attendee(address, Response.ACCEPTED, AttendeeKind.PERSON, is_optional=False)


if __name__ == "__main__":
    main(*(int(given) for given in sys.argv[1:3]) if len(sys.argv) == 3 else (10_000, 300))
