"""What every calendar does, whatever the provider.

A new connector joins by a class with the members of `Diary`, and its place in `DIARIES`. What the owner does there must
not pass through our code for that provider's wire format.
"""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest

from connectors import dav
from connectors.caldav import CalendarCollection
from connectors.calendar_interface import Calendar, EventSet, Known
from connectors.graph_client import GraphClient
from connectors.graph_events import GraphCalendar
from connectors.graph_sign_in import Lent
from connectors.http import Client
from connectors.memory_calendar import Agenda, MemoryCalendar
from connectors.tokens import open_store
from connectors.vdir_calendar import CalendarFolder
from dav_servers import PASSWORD, USERNAME, Server
from emulators.graph.service import Service
from google_worlds import GoogleWorld
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


class MemoryDiary:
    """An agenda in memory."""

    def __init__(self, folder: Path) -> None:
        del folder
        self._agenda = Agenda()

    def connector(self) -> Calendar:
        return MemoryCalendar(ACCOUNT, WORK, self._agenda)

    def add(self, uid: str, start: datetime) -> RemoteId:
        return self._agenda.add(an_event(uid, start))

    def move(self, source: RemoteId, start: datetime) -> None:
        self._agenda.put(source, replace(self._event(source), when=Timed(start, start + HOUR)))

    def decline(self, source: RemoteId) -> None:
        event = self._event(source)
        me, ada = event.attendees
        self._agenda.put(source, replace(event, attendees=(me, replace(ada, response=Response.DECLINED))))

    def cancel(self, source: RemoteId) -> None:
        self._agenda.put(source, replace(self._event(source), status=Status.CANCELLED))

    def remove(self, source: RemoteId) -> None:
        self._agenda.remove(source)

    def spoil(self, source: RemoteId) -> str:
        self._agenda.spoil(source, "DTSTART is missing")
        return "DTSTART is missing"

    def _event(self, source: RemoteId) -> Event:
        event = self._agenda.entries[source]
        assert isinstance(event, Event)
        return event


def ics(uid: str, start: datetime) -> str:
    """Return an event as a stranger's program writes it."""
    text = (
        f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Stranger//EN\nBEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20260101T000000Z\n"
        f"{_starts(start)}\nDURATION:PT1H\nSUMMARY:Tea\nORGANIZER:mailto:me@example.test\n"
        "ATTENDEE;PARTSTAT=ACCEPTED:mailto:me@example.test\n"
        "ATTENDEE;CN=Ada;ROLE=OPT-PARTICIPANT;PARTSTAT=ACCEPTED:mailto:ada@example.test\n"
        "STATUS:CONFIRMED\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    return text.replace("\n", "\r\n")


class VdirDiary:
    """A folder of .ics files, written by a program that replaces files by renaming, as vdirsyncer does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "work"
        self._folder.mkdir()

    def connector(self) -> Calendar:
        return CalendarFolder(ACCOUNT, WORK, self._folder)

    def add(self, uid: str, start: datetime) -> RemoteId:
        source = RemoteId(f"{uid}.ics")
        self._write(source, ics(uid, start))
        return source

    def move(self, source: RemoteId, start: datetime) -> None:
        lines = self._text(source).split("\r\n")
        self._write(source, "\r\n".join(_starts(start) if line.startswith("DTSTART") else line for line in lines))

    def decline(self, source: RemoteId) -> None:
        self._replace(source, "PARTICIPANT;PARTSTAT=ACCEPTED", "PARTICIPANT;PARTSTAT=DECLINED")

    def cancel(self, source: RemoteId) -> None:
        self._replace(source, "STATUS:CONFIRMED", "STATUS:CANCELLED")

    def remove(self, source: RemoteId) -> None:
        (self._folder / source).unlink()

    def spoil(self, source: RemoteId) -> str:
        self._replace(source, "DTSTART", "DTEND")
        return "DTSTART is missing"

    def _replace(self, source: RemoteId, old: str, new: str) -> None:
        self._write(source, self._text(source).replace(old, new))

    def _text(self, source: RemoteId) -> str:
        return (self._folder / source).read_bytes().decode()

    def _write(self, source: RemoteId, text: str) -> None:
        spare = self._folder / f"{source}.tmp"
        spare.write_bytes(text.encode())
        spare.replace(self._folder / source)


class DavDiary:
    """A calendar on a server, written by a client that knows nothing of etags."""

    def __init__(self, server: Server, folder: Path) -> None:
        self._server, self._folder = server, folder
        self._path = server.make("calendars", folder.name, "work")
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o600)

    def connector(self) -> Calendar:
        word = self._folder / "password"
        options = dav.Options(self._server.url, USERNAME, password_file=word, calendars=(self._path,))
        (calendar,) = dav.open_calendars(ACCOUNT, options, open_store(self._folder / "tokens"))
        assert isinstance(calendar, CalendarCollection)
        calendar.name = WORK
        return calendar

    def add(self, uid: str, start: datetime) -> RemoteId:
        source = RemoteId(f"{self._path}{uid}.ics")
        self._server.put(source, ics(uid, start))
        return source

    def move(self, source: RemoteId, start: datetime) -> None:
        self._replace(source, r"(?m)^DTSTART[^\r\n]*", _starts(start))

    def decline(self, source: RemoteId) -> None:
        self._replace(source, r"(?s)(Ada.*?PARTSTAT=)ACCEPTED", r"\1DECLINED")

    def cancel(self, source: RemoteId) -> None:
        self._replace(source, "STATUS:CONFIRMED", "STATUS:CANCELLED")

    def remove(self, source: RemoteId) -> None:
        self._server.delete(source)

    def spoil(self, source: RemoteId) -> str:
        # What these servers take from their clients, and can find in a window.
        self._replace(source, r"(?m)^DTSTART:(\w+)Z", r"DTSTART;TZID=Nowhere/Nothing:\1")
        return "time zone Nowhere/Nothing is not known"

    def _replace(self, source: RemoteId, pattern: str, replacement: str) -> None:
        text, count = re.subn(pattern, replacement, self._server.text(source))
        assert count == 1
        self._server.put(source, text)


class GraphDiary:
    """The calendar of a mailbox at Microsoft, whose owner uses Outlook."""

    def __init__(self, service: Service, base: str) -> None:
        self._service = service
        self._base = base

    def connector(self) -> Calendar:
        client = GraphClient(ACCOUNT, self._base, Client(self._base), Lent("t"), self._service.clock.advance)
        return GraphCalendar(ACCOUNT, WORK, client, lambda: self._service.clock.now)

    def add(self, uid: str, start: datetime) -> RemoteId:
        attendees = [_invited("me@example.test", "required"), _invited("Ada@example.test", "optional")]
        source = self._service.calendars.add(
            start, start + HOUR, self._home(), iCalUId=uid, subject="Tea", attendees=attendees
        )
        return RemoteId(source)

    def move(self, source: RemoteId, start: datetime) -> None:
        self._service.calendars.move(source, start, start + HOUR)

    def decline(self, source: RemoteId) -> None:
        declined = _invited("Ada@example.test", "optional", "declined")
        self._service.calendars.edit(source, attendees=[_invited("me@example.test", "required"), declined])

    def cancel(self, source: RemoteId) -> None:
        self._service.calendars.edit(source, isCancelled=True)

    def remove(self, source: RemoteId) -> None:
        self._service.calendars.remove(source)

    def spoil(self, source: RemoteId) -> str:
        self._service.calendars.edit(source, start=None)
        return "start is missing"

    def _home(self) -> str:
        known = {one["name"]: remote_id for remote_id, one in self._service.calendars.calendars.items()}
        return known.get(WORK) or self._service.calendars.add_calendar(WORK)


class GoogleDiary:
    """A calendar of a Google account, which its owner keeps on a phone."""

    def __init__(self, world: GoogleWorld) -> None:
        self._world = world
        self._diaries = world.google.account(world.email).diaries
        self._diaries.calendars[WORK] = {}

    def connector(self) -> Calendar:
        assert self._world.google.violations == []
        return self._world.calendar(WORK)

    def add(self, uid: str, start: datetime) -> RemoteId:
        attendees = [_guest("me@example.test"), _guest("Ada@example.test", optional=True)]
        event = {**_lasts(start), "iCalUID": uid, "summary": "Tea", "organizer": {"email": "me@example.test"}}
        return RemoteId(self._diaries.add({**event, "attendees": attendees}, WORK))

    def move(self, source: RemoteId, start: datetime) -> None:
        self._diaries.change(source, _lasts(start), WORK)

    def decline(self, source: RemoteId) -> None:
        declined = _guest("Ada@example.test", "declined", optional=True)
        self._diaries.change(source, {"attendees": [_guest("me@example.test"), declined]}, WORK)

    def cancel(self, source: RemoteId) -> None:
        self._diaries.change(source, {"status": "cancelled"}, WORK)

    def remove(self, source: RemoteId) -> None:
        self._diaries.cancel(source, WORK)

    def spoil(self, source: RemoteId) -> str:
        self._diaries.change(source, {"start": None}, WORK)
        return "has no start"


def _guest(email: str, response: str = "accepted", **more: bool) -> dict[str, object]:
    return {"email": email, "responseStatus": response, **more}


def _lasts(start: datetime) -> dict[str, object]:
    return {name: {"dateTime": at.isoformat()} for name, at in (("start", start), ("end", start + HOUR))}


def _invited(address: str, kind: str, response: str = "accepted") -> dict[str, object]:
    status = {"response": response, "time": "0001-01-01T00:00:00Z"}
    return {"type": kind, "status": status, "emailAddress": {"name": address, "address": address}}


def _starts(start: datetime) -> str:
    return f"DTSTART:{start:%Y%m%dT%H%M%SZ}"


NOTHING_THERE = EventSet(
    events=(), unreadable=(), complete=True, listed=0, unchanged=frozenset(), etags={}, cursor=None
)

DIARIES = (MemoryDiary, VdirDiary)


DAV_SERVERS = ("radicale", "xandikos")


@pytest.fixture(params=[*DIARIES, *DAV_SERVERS, "graph", "google"], ids=lambda diary: getattr(diary, "__name__", diary))
def diary(request: pytest.FixtureRequest, tmp_path: Path) -> Diary:
    """An empty calendar of each kind in turn."""
    if request.param == "google":
        return GoogleDiary(request.getfixturevalue("google"))
    if request.param == "graph":
        graph = GraphDiary(*request.getfixturevalue("graph_service"))
        graph.remove(graph.add("first", TEA))
        return graph
    if request.param in DAV_SERVERS:
        return DavDiary(request.getfixturevalue(request.param), tmp_path)
    made: Diary = request.param(tmp_path)
    return made


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
