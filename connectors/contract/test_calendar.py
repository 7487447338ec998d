"""What every calendar does, whatever the provider.

A connector joins by a fixture `diary`, an empty `Diary`, in a module that takes all of this one:
`from connectors.contract.test_calendar import *`. What the owner does there must not pass through the connector.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from connectors.calendar_interface import Calendar, EventSet, Known
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
    Window,
    names_nobody,
)
from mappings.record import AccountName, RemoteId

ACCOUNT = AccountName("home")
WORK = CalendarName("work")
TEA = datetime(2026, 5, 3, 9, tzinfo=UTC)
MAY = Window(datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC), UTC)
HOUR = timedelta(hours=1)

NOTHING_THERE = EventSet(
    events=(), unreadable=(), complete=True, listed=0, unchanged=frozenset(), etags={}, cursor=None
)


class Diary(Protocol):
    """A calendar with its owner's hand in it. Every event takes an hour, and is of Ada, who accepted, and the owner."""

    def connector(self) -> Calendar:
        """Return a connector that shares nothing with those returned before but the calendar."""
        ...

    def add(self, uid: str, start: datetime) -> RemoteId: ...

    def move(self, source: RemoteId, start: datetime) -> None: ...

    def decline(self, source: RemoteId) -> None:
        """Let Ada decline."""
        ...

    def cancel(self, source: RemoteId) -> None: ...

    def remove(self, source: RemoteId) -> None: ...

    def spoil(self, source: RemoteId) -> str:
        """Make a record one that is not understood, and return what is to be said of it."""
        ...


def an_event(uid: str, start: datetime) -> Event:
    """Return what a diary is to say of an event that was added; the source is the diary's own."""
    return Event(
        uid=EventUid(uid),
        occurrence=Occurrence(""),
        account=ACCOUNT,
        calendar=WORK,
        source=RemoteId(""),
        when=Timed(start, start + HOUR),
        title="Tea",
        status=Status.CONFIRMED,
        is_draft=False,
        kind=Kind.ORDINARY,
        availability=Availability.BUSY,
        is_private=False,
        organizer="me@example.test",
        attendees=(
            Attendee("me@example.test", Response.ACCEPTED, AttendeeKind.PERSON, is_optional=False),
            Attendee("ada@example.test", Response.ACCEPTED, AttendeeKind.PERSON, is_optional=True),
        ),
        attendees_complete=True,
        own_response=Response.UNKNOWN,
    )


def read(diary: Diary) -> EventSet:
    return diary.connector().events(MAY)


def test_an_empty_calendar_is_read_completely(diary: Diary) -> None:
    assert replace(read(diary), cursor=None) == NOTHING_THERE


def test_what_was_added_is_what_is_read(diary: Diary) -> None:
    source = diary.add("tea", TEA)
    expected = replace(an_event("tea", TEA), source=source)
    found = read(diary)
    assert (found.events, found.unreadable, found.complete, found.listed) == ((expected,), (), True, 1)


def test_a_connector_says_whose_calendar_it_is(diary: Diary) -> None:
    assert (diary.connector().account, diary.connector().name) == (ACCOUNT, WORK)


def test_several_events_are_all_read_each_with_a_source_of_its_own(diary: Diary) -> None:
    sources = {diary.add(f"tea-{day}", TEA + timedelta(days=day)) for day in range(9)}
    found = read(diary)
    assert {event.source for event in found.events} == sources
    assert (len(sources), len(found.events), found.listed, found.complete) == (9, 9, 9, True)


@pytest.mark.parametrize(
    ("start", "is_in"),
    [
        (MAY.start - HOUR, False),
        (MAY.start - HOUR / 2, True),
        (MAY.start, True),
        (MAY.end - HOUR, True),
        (MAY.end - HOUR / 2, True),
        (MAY.end, False),
    ],
)
def test_what_lies_in_the_window_even_in_part_is_read(diary: Diary, start: datetime, *, is_in: bool) -> None:
    diary.add("tea", start)
    assert len(read(diary).events) == int(is_in)


def test_a_window_in_another_zone_is_the_same_window(diary: Diary) -> None:
    diary.add("tea", TEA)
    west = Window(MAY.start.astimezone(), MAY.end.astimezone(), UTC)
    assert diary.connector().events(west).events == read(diary).events


def test_a_moved_event_is_where_it_was_moved_to_and_keeps_its_name(diary: Diary) -> None:
    source = diary.add("tea", TEA)
    diary.move(source, TEA + timedelta(days=2))
    (event,) = read(diary).events
    assert (event.uid, event.occurrence) == ("tea", "")
    assert event.when == Timed(TEA + timedelta(days=2), TEA + timedelta(days=2) + HOUR)


def test_an_event_moved_out_of_the_window_is_no_longer_in_it(diary: Diary) -> None:
    diary.move(diary.add("tea", TEA), MAY.end + HOUR)
    assert (read(diary).events, read(diary).complete) == ((), True)


def test_a_cancelled_event_is_read_as_cancelled(diary: Diary) -> None:
    diary.cancel(diary.add("tea", TEA))
    assert [event.status for event in read(diary).events] == [Status.CANCELLED]


def test_an_answer_that_changed_is_read(diary: Diary) -> None:
    calendar = diary.connector()
    source = diary.add("tea", TEA)
    before = calendar.events(MAY)
    diary.decline(source)
    responses = [[each.response for each in found.events[0].attendees] for found in (before, calendar.events(MAY))]
    assert responses == [[Response.ACCEPTED, Response.ACCEPTED], [Response.ACCEPTED, Response.DECLINED]]


def test_a_removed_event_is_not_read(diary: Diary) -> None:
    calendar = diary.connector()
    source = diary.add("tea", TEA)
    calendar.events(MAY)
    diary.remove(source)
    assert replace(calendar.events(MAY), cursor=None) == NOTHING_THERE


def test_what_is_not_understood_is_told_and_stops_nothing_else(diary: Diary) -> None:
    diary.add("tea", TEA)
    spoiled = diary.add("cake", TEA)
    reason = diary.spoil(spoiled)
    found = read(diary)
    assert [event.uid for event in found.events] == ["tea"]
    assert [(each.source, each.reason) for each in found.unreadable] == [(spoiled, reason)]
    assert (found.complete, found.listed) == (True, 2)


def test_reading_twice_says_the_same(diary: Diary) -> None:
    for day in range(6):
        diary.add(f"tea-{day}", TEA + timedelta(days=day))
    calendar = diary.connector()
    # Where to go on from may be called otherwise each time.
    first, *others = (
        replace(found, cursor=None) for found in (calendar.events(MAY), calendar.events(MAY), read(diary))
    )
    assert others == [first, first]


def test_every_record_is_sent_or_unreadable_or_known_and_unchanged(diary: Diary) -> None:
    """What a caller has known is as good as what is sent: put together, they are what a first read sends."""
    stays, moves, goes, breaks = (diary.add(f"tea-{day}", TEA + timedelta(days=day)) for day in range(4))
    outside = diary.add("later", MAY.end + HOUR)
    calendar = diary.connector()
    before = calendar.events(MAY)
    known = Known(before.etags, before.cursor)
    diary.move(moves, TEA + HOUR)
    diary.remove(goes)
    diary.spoil(breaks)
    comes = diary.add("cake", TEA)
    after = calendar.events(MAY, known)
    assert (after.complete, after.unchanged <= known.etags.keys()) == (True, True)
    sent = {event.source for event in after.events}
    assert sent.isdisjoint(after.unchanged)
    assert sent | after.unchanged == {stays, moves, comes} | (after.unchanged & {outside})
    assert [each.source for each in after.unreadable] == [breaks]
    kept = [event for event in before.events if event.source in after.unchanged]
    assert {*kept, *after.events} == set(read(diary).events)


def test_whoever_knows_everything_is_told_no_more(diary: Diary) -> None:
    for day in range(3):
        diary.add(f"tea-{day}", TEA + timedelta(days=day))
    before = diary.connector().events(MAY)
    after = diary.connector().events(MAY, Known(before.etags, before.cursor))
    assert (after.complete, after.listed) == (True, 3)
    assert {event.source for event in after.events} | after.unchanged == {event.source for event in before.events}


def test_a_calendar_with_attendees_can_tell_whom_its_owner_met(diary: Diary) -> None:
    diary.add("tea", TEA)
    assert not names_nobody(read(diary).events)
