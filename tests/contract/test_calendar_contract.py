"""The suite for calendars, on every diary of ours.

A new connector joins by a class with the members of `Diary`, and its place in `DIARIES`. What the owner does there must
not pass through our code for that provider's wire format.
"""

import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from connectors import dav
from connectors.caldav import CalendarCollection
from connectors.calendar_interface import Calendar
from connectors.contract.test_calendar import *  # noqa: F403  # pytest runs what it finds in a module's names
from connectors.contract.test_calendar import ACCOUNT, HOUR, TEA, WORK, Diary, an_event
from connectors.elsewhere import GuardedCalendar
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
    Event,
    Response,
    Status,
    Timed,
)
from mappings.record import RemoteId


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


class GuardedDiary(MemoryDiary):
    """The same behind the guard of connectors from elsewhere, which lets through all that is of the protocol."""

    def connector(self) -> Calendar:
        return GuardedCalendar("memory", ACCOUNT, super().connector())


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


DIARIES = (MemoryDiary, GuardedDiary, VdirDiary)


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
