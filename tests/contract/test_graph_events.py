"""What is particular to calendars at Microsoft: whole days, feeds that only hint, names, and many calendars at once."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from connectors.calendar_interface import NOTHING_KNOWN, EventSet, Known
from connectors.errors import ConnectorError, Misunderstood, SignInNeeded, TryLater
from connectors.graph_client import GraphClient
from connectors.graph_events import GraphCalendar
from connectors.graph_sign_in import Lent
from connectors.http import Client
from emulators.graph.server import served
from emulators.graph.service import IN_FLIGHT_MAX, Service
from emulators.graph.wire import Ask, Fault, answers, says, unheard
from mappings.event import AllDay, CalendarName, Response, Window
from mappings.record import AccountName

HOME = AccountName("home")
START = datetime(2026, 5, 3, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
MAY = Window(datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC), UTC)


@dataclass
class World:
    """A mailbox with calendars."""

    service: Service
    base: str

    def client(self) -> GraphClient:
        http = Client(self.base, wait=self.service.clock.advance)
        return GraphClient(HOME, self.base, http, Lent("t"), self.service.clock.advance)

    def calendar(self, name: str = "Calendar", client: GraphClient | None = None) -> GraphCalendar:
        return GraphCalendar(HOME, CalendarName(name), client or self.client(), lambda: self.service.clock.now)

    def add(self, hours: int = 0, **properties: Any) -> str:  # noqa: ANN401  # an event's
        start = START + hours * HOUR
        return self.service.calendars.add(start, start + HOUR, **properties)

    def read(self, known: Known = NOTHING_KNOWN) -> EventSet:
        return self.calendar().events(MAY, known)


@pytest.fixture
def world() -> Iterator[World]:
    service = Service()
    with served(service) as base:
        yield World(service, base)


def known_of(found: EventSet) -> Known:
    return Known(found.etags, found.cursor)


def test_a_calendar_in_which_nothing_happened_is_one_request(world: World) -> None:
    for number in range(1_200):
        world.add(number % 600)
    first = world.read()
    assert len(first.events) == 1_200
    world.service.counters.clear()
    second = world.read(known_of(first))
    assert (world.service.counters.requests, len(second.unchanged), second.events) == (1, 1_200, ())


def test_whatever_happens_is_read_whole_again(world: World) -> None:
    kept, gone = world.add(subject="Tea"), world.add(1)
    first = world.read()
    world.service.calendars.edit(kept, subject="Cake")
    world.service.calendars.remove(gone)
    second = world.read(known_of(first))
    assert [event.title for event in second.events] == ["Cake"]
    assert second.unchanged == frozenset()


def test_nothing_is_believed_for_longer_than_a_day(world: World) -> None:
    gone = world.add()
    first = world.read()
    # A removal that is in no feed.
    del world.service.calendars.events[gone]
    assert len(world.read(known_of(first)).unchanged) == 1
    world.service.clock.advance(86_401)
    found = world.read(known_of(first))
    assert (found.events, found.unchanged, found.complete) == ((), frozenset(), True)


@pytest.mark.parametrize(
    "fault",
    [answers(410, "SyncStateNotFound"), answers(400, "ErrorInvalidIdMalformed"), answers(404, "ErrorItemNotFound")],
)
def test_without_a_feed_everything_is_read_each_time(world: World, fault: Fault) -> None:
    world.add()
    world.service.plan(fault, lambda ask: ask.path[-1] == "delta", times=9)
    first = world.read()
    assert (len(first.events), first.cursor) == (1, None)
    assert len(world.read(known_of(first)).events) == 1


def test_a_worn_out_cursor_is_no_error(world: World) -> None:
    world.add()
    first = world.read()
    world.service.calendars.expire_links()
    assert len(world.read(known_of(first)).events) == 1
    assert len(world.read(Known(first.etags, None)).events) == 1


def test_what_is_not_understood_is_told_at_every_look(world: World) -> None:
    world.add()
    spoiled = world.add()
    world.service.calendars.edit(spoiled, start=None)
    first = world.read()
    second = world.read(known_of(first))
    assert [[each.source for each in found.unreadable] for found in (first, second)] == [[spoiled], [spoiled]]


@pytest.mark.parametrize("offset_h", [-11, 0, 13])
@pytest.mark.parametrize(("first", "last", "is_in"), [
    ("2026-05-01", "2026-05-02", True), ("2026-04-30", "2026-05-01", False), ("2026-05-31", "2026-06-01", True),
    ("2026-06-01", "2026-06-02", False), ("2026-04-29", "2026-06-03", True),
])  # fmt: skip
def test_whole_days_are_in_the_window_by_their_dates_wherever_they_were_made(
    world: World, offset_h: int, first: str, last: str, *, is_in: bool
) -> None:
    world.service.calendars.add_day(first, last, offset_h)
    found = [event.when for event in world.read().events]
    assert found == ([AllDay(date.fromisoformat(first), date.fromisoformat(last))] if is_in else [])


def test_the_owners_zone_says_when_a_day_begins(world: World) -> None:
    zone = timezone(timedelta(hours=13))
    world.service.calendars.add_day("2026-06-01", "2026-06-02")
    window = Window(datetime(2026, 5, 1, tzinfo=zone), datetime(2026, 6, 1, tzinfo=zone), zone)
    assert world.calendar().events(window).events == ()
    longer = Window(window.start, datetime(2026, 6, 1, 1, tzinfo=zone), zone)
    assert len(world.calendar().events(longer).events) == 1


def test_occurrences_exceptions_and_cancelled_ones_are_events_and_the_master_is_none(world: World) -> None:
    world.service.switches.masters_in_view = True
    world.add(type="seriesMaster", subject="Weekly")
    for number in range(3):
        kind = "exception" if number == 1 else "occurrence"
        world.add(number * 24, type=kind, subject="Weekly", seriesMasterId="m", isCancelled=number == 2)
    found = world.read()
    assert [(event.title, event.status) for event in found.events] == [
        ("Weekly", "confirmed"), ("Weekly", "confirmed"), ("Weekly", "cancelled"),
    ]  # fmt: skip
    assert (found.listed, len(found.etags)) == (3, 3)


def test_answers_in_the_year_one_and_addresses_of_an_old_exchange_are_no_trouble(world: World) -> None:
    rows: list[dict[str, Any] | None] = [
        {"type": "required", "status": {"response": "accepted", "time": "0001-01-01T00:00:00Z"}, "emailAddress": None},
        {"type": "resource", "status": None, "emailAddress": {"name": "Room", "address": "/O=EXCHANGELABS/CN=ROOM"}},
        {
            "type": "optional",
            "status": {"response": None, "time": None},
            "emailAddress": {"address": "Ann@Example.test"},
        },
    ]
    world.add(
        attendees=rows, responseStatus={"response": "accepted", "time": "0001-01-01T00:00:00Z"}, sensitivity="private"
    )
    (event,) = world.read().events
    assert [each.address for each in event.attendees] == ["", "", "ann@example.test"]
    assert (event.own_response, event.is_private) == (Response.ACCEPTED, True)


def test_a_calendar_is_found_by_its_name_once(world: World) -> None:
    work = world.service.calendars.add_calendar("Work")
    world.service.switches.page_default = 1
    world.service.calendars.add(START, START + HOUR, work, subject="Tea")
    calendar = world.calendar("Work")
    for _ in range(2):
        assert [event.title for event in calendar.events(MAY).events] == ["Tea"]
    assert world.service.counters.routes["GET /me/calendars"] == 1
    with pytest.raises(TryLater, match="Play; there are: Calendar, Work"):
        world.calendar("Play").events(MAY)


def test_a_calendar_whose_id_has_changed_is_found_again(world: World) -> None:
    work = world.service.calendars.add_calendar("Work")
    world.service.calendars.add(START, START + HOUR, work, subject="Tea")
    calendar = world.calendar("Work")
    calendar.events(MAY)
    world.service.calendars.rename_id(work)
    with pytest.raises(Misunderstood):
        calendar.events(MAY)
    assert [event.title for event in calendar.events(MAY).events] == ["Tea"]


def test_the_usual_calendar_needs_no_list_which_some_mailboxes_cannot_give(world: World) -> None:
    world.service.switches.calendars_list_fails = True
    world.add()
    assert len(world.read().events) == 1
    with pytest.raises(TryLater):
        world.calendar("Work").events(MAY)


def test_many_calendars_at_once_ask_one_after_the_other(world: World) -> None:
    names = [f"Calendar {number}" for number in range(9)]
    for name in names:
        world.service.calendars.add_calendar(name)
    client = world.client()
    found: list[EventSet] = []

    def read(name: str) -> None:
        found.append(world.calendar(name, client).events(MAY))

    threads = [threading.Thread(target=read, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 9
    assert world.service.counters.in_flight_max <= IN_FLIGHT_MAX


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (answers(404, "MailboxNotEnabledForRESTAPI"), SignInNeeded),
        (answers(403, "ErrorAccessDenied"), SignInNeeded),
        (answers(404, "ErrorItemNotFound"), Misunderstood),
        (answers(400, "ErrorInvalidParameter"), Misunderstood),
        (answers(503, "UnknownError"), TryLater),
        (says(200, b"<html></html>"), TryLater),
        (answers(429, "ApplicationThrottled", Retry_After="60"), TryLater),
        (unheard, TryLater),
    ],
)
def test_whatever_answers_in_the_place_of_a_calendar_is_no_empty_one(
    world: World, fault: Fault, error: type[ConnectorError]
) -> None:
    world.add()
    world.service.plan(fault, lambda ask: ask.path[-1] == "calendarView", times=40)
    with pytest.raises(error):
        world.read()
    assert world.service.counters.requests < 10


def test_a_link_to_another_host_is_not_followed(world: World) -> None:
    for number in range(1_100):
        world.add(number % 600)
    world.service.switches.links_elsewhere = "https://graph.example.test"
    with pytest.raises(Misunderstood, match="nothing was sent"):
        world.read()


def test_a_page_that_repeats_rows_tells_none_twice(world: World) -> None:
    for number in range(1_100):
        world.add(number % 600)

    def adds_one(ask: Ask, act: Any) -> Any:  # noqa: ANN401  # a fault
        del ask
        reply = act()
        # Somebody adds an event at the front: the next page begins one row earlier.
        events = world.service.calendars.events
        added = world.add(subject="new")
        world.service.calendars.events = {added: events.pop(added), **events}
        return reply

    world.service.plan(adds_one, lambda ask: ask.path[-1] == "calendarView")
    found = world.read()
    sources = [event.source for event in found.events]
    assert len(sources) == len(set(sources)) == 1_100
