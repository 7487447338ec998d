"""What the reference calendar offers beyond the contract: pages that can be cut, changes and failures between them."""

from datetime import UTC, datetime

import pytest

from connectors.errors import TryLater
from connectors.memory_calendar import PAGE_SIZE, Agenda, MemoryCalendar
from mappings.event import (
    Availability,
    CalendarName,
    Event,
    EventUid,
    Kind,
    Occurrence,
    Response,
    Status,
    Timed,
    Window,
)
from mappings.record import AccountName, RemoteId

NOON = datetime(2026, 5, 3, 12, tzinfo=UTC)
MAY = Window(datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC), UTC)
HOME, WORK = AccountName("home"), CalendarName("work")


def an_event(uid: str) -> Event:
    return Event(
        uid=EventUid(uid), occurrence=Occurrence(""), account=HOME, calendar=WORK, source=RemoteId(""),
        when=Timed(NOON, NOON), title="", status=Status.CONFIRMED, is_draft=False, kind=Kind.ORDINARY,
        availability=Availability.BUSY, is_private=False, organizer="", attendees=(), attendees_complete=True,
        own_response=Response.UNKNOWN,
    )  # fmt: skip


def agenda_of(size: int) -> tuple[Agenda, list[RemoteId]]:
    agenda = Agenda()
    return agenda, [agenda.add(an_event(f"tea-{number}")) for number in range(size)]


def test_a_read_cut_between_two_pages_raises_and_returns_nothing() -> None:
    agenda, _ = agenda_of(PAGE_SIZE + 1)
    steps: list[str] = []

    def fail_at_the_second_page(step: str) -> None:
        steps.append(step)
        if steps.count("page asked") == 2:
            raise TryLater("the line is down", None)

    with pytest.raises(TryLater):
        MemoryCalendar(HOME, WORK, agenda, fail_at_the_second_page).events(MAY)
    assert steps == ["page asked", "page done", "page asked"]
    assert len(MemoryCalendar(HOME, WORK, agenda).events(MAY).events) == PAGE_SIZE + 1


def test_what_changes_while_pages_are_read_makes_the_read_incomplete() -> None:
    agenda, sources = agenda_of(PAGE_SIZE + 1)
    steps: list[str] = []

    def remove_the_last(step: str) -> None:
        steps.append(step)
        if len(steps) == 2:
            agenda.remove(sources[-1])

    found = MemoryCalendar(HOME, WORK, agenda, remove_the_last).events(MAY)
    assert (len(found.events), found.complete) == (PAGE_SIZE, False)
    assert MemoryCalendar(HOME, WORK, agenda).events(MAY).complete


def test_a_record_that_is_understood_again_is_read_again() -> None:
    agenda, (source,) = agenda_of(1)
    agenda.spoil(source, "half of it")
    assert [each.reason for each in MemoryCalendar(HOME, WORK, agenda).events(MAY).unreadable] == ["half of it"]
    agenda.put(source, an_event("tea-0"))
    assert [event.source for event in MemoryCalendar(HOME, WORK, agenda).events(MAY).events] == [source]


def test_an_id_is_never_used_again() -> None:
    agenda, (source,) = agenda_of(1)
    agenda.remove(source)
    assert agenda.add(an_event("cake")) != source
