"""Calendars on servers, through a wire on which things happen: how often is asked, and what a failure leaves."""

import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors import dav
from connectors.calendar_interface import Calendar, EventSet, Known
from connectors.errors import TryLater
from connectors.tokens import open_store
from dav_servers import PASSWORD, USERNAME, Passing, Said, Server, Wire, ics, wire_to, wired
from mappings.event import Window
from mappings.record import AccountName, RemoteId

ACCOUNT = AccountName("home")
MAY = Window(datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC), UTC)
TEA = datetime(2026, 5, 3, 9, tzinfo=UTC)


@contextmanager
def calendar_of(server: Server, folder: Path) -> Generator[tuple[Callable[[], Calendar], Wire, str]]:
    """Make a calendar of three events that is known by what it is shown as."""
    shown = f"Work ü {folder.name}"
    path = server.make("calendars", folder.name, shown)
    for day in range(3):
        server.put(f"{path}{day}.ics", ics(str(day), TEA + timedelta(days=day)))
    (folder / "word").write_text(PASSWORD)
    (folder / "word").chmod(0o600)
    with wire_to(server) as wire:

        def opened() -> Calendar:
            options = dav.Options(wire.url, USERNAME, password_file=folder / "word", calendars=(shown,))
            (calendar,) = dav.open_calendars(ACCOUNT, options, open_store(folder / "tokens"))
            return calendar

        yield opened, wire, path


def uids(found: EventSet) -> list[str]:
    return sorted(event.uid for event in found.events)


def again(opened: Callable[[], Calendar], before: EventSet) -> EventSet:
    return opened().events(MAY, Known(before.etags, before.cursor))


def test_a_look_that_finds_nothing_new_is_one_request(dav_server: Server, tmp_path: Path) -> None:
    with calendar_of(dav_server, tmp_path) as (opened, wire, path):
        first = opened().events(MAY)
        assert uids(first) == ["0", "1", "2"]
        wire.requests.clear()
        second = again(opened, first)
        assert (wire.methods, second.events, len(second.unchanged), second.listed) == (["REPORT"], (), 3, 3)
        dav_server.put(f"{path}1.ics", ics("1", TEA, "STATUS:CANCELLED"))
        dav_server.delete(f"{path}2.ics")
        dav_server.put(f"{path}3.ics", ics("3", TEA))
        third = again(opened, second)
        assert (uids(third), third.unchanged) == (["1", "3"], frozenset({RemoteId(f"{path}0.ics")}))
        assert third.complete


def without_sync(passing: Passing, carry: Callable[[], Said]) -> Said:
    """Be a server that has never heard of sync-collection."""
    if b"sync-collection xmlns" in passing.body:
        return Said(415, {}, b"")
    said = carry()
    return Said(said.status, said.headers, said.body.replace(b"<sync-collection />", b"<expand-property />"))


def test_a_server_without_tokens_is_asked_for_etags(radicale: Server, tmp_path: Path) -> None:
    with calendar_of(radicale, tmp_path) as (opened, wire, path):
        wire.meddle = without_sync
        first = opened().events(MAY)
        wire.requests.clear()
        second = again(opened, first)
        assert (wire.methods, len(second.unchanged)) == (["REPORT"], 3)
        assert b"calendar-data" not in wire.requests[0].body
        radicale.put(f"{path}1.ics", ics("1", TEA, "STATUS:CANCELLED"))
        radicale.delete(f"{path}2.ics")
        third = again(opened, second)
        assert (uids(third), third.unchanged) == (["1"], frozenset({RemoteId(f"{path}0.ics")}))


@pytest.mark.parametrize("status", [400, 403, 404, 412])
def test_a_token_or_a_place_that_is_not_known_any_more_is_looked_for_anew(
    radicale: Server, tmp_path: Path, status: int
) -> None:
    with calendar_of(radicale, tmp_path) as (opened, wire, path):
        first = opened().events(MAY)
        radicale.delete(f"{path}2.ics")
        wire.meddle = lambda passing, carry: (
            Said(status, {}, b"") if b"sync-collection xmlns" in passing.body else carry()
        )
        second = again(opened, first)
        assert (second.complete, second.events, len(second.unchanged), second.listed) == (True, (), 2, 2)


def test_a_token_that_is_answered_with_everything_hides_no_deletion(radicale: Server, tmp_path: Path) -> None:
    with calendar_of(radicale, tmp_path) as (opened, wire, path):
        first = opened().events(MAY)
        radicale.delete(f"{path}2.ics")

        def forgetful(passing: Passing, carry: Callable[[], Said]) -> Said:
            if b"sync-collection xmlns" not in passing.body:
                return carry()
            body = re.sub(rb"(<sync-token [^>]*>)[^<]*", rb"\1", passing.body)
            return radicale.ask("REPORT", passing.path, body, Depth="0")

        wire.meddle = forgetful
        second = again(opened, first)
        assert (second.complete, len(second.unchanged)) == (True, 2)
        assert f"{path}2.ics" not in second.etags


def test_what_is_not_understood_is_told_at_every_look(radicale: Server, tmp_path: Path) -> None:
    with calendar_of(radicale, tmp_path) as (opened, _, path):
        odd = (
            ics("odd", TEA)
            .replace("DTSTART:", "DTSTART;TZID=Nowhere/Nothing:")
            .replace("Z\r\nDURATION", "\r\nDURATION")
        )
        radicale.put(f"{path}odd.ics", odd)
        first = opened().events(MAY)
        second = again(opened, first)
        for found in (first, second):
            assert [each.source for each in found.unreadable] == [f"{path}odd.ics"]
        assert len(second.unchanged) == 3


def test_tasks_and_what_lies_elsewhere_are_no_events(dav_server: Server, tmp_path: Path) -> None:
    with calendar_of(dav_server, tmp_path) as (opened, _, path):
        first = opened().events(MAY)
        task = ics("task", TEA).replace("VEVENT", "VTODO").replace("DURATION:PT1H\r\n", "").replace("DTSTART", "DUE")
        dav_server.put(f"{path}task.ics", task)
        dav_server.put(f"{path}old.ics", ics("old", TEA - timedelta(days=900)))
        second = again(opened, first)
        assert (second.events, second.unreadable, len(second.unchanged)) == ((), (), 3)
        assert uids(opened().events(MAY)) == ["0", "1", "2"]


def test_a_calendar_that_is_gone_is_away_and_not_empty(dav_server: Server, tmp_path: Path) -> None:
    with calendar_of(dav_server, tmp_path) as (opened, _, path):
        first = opened().events(MAY)
        dav_server.delete(path)
        for known in (Known({}, None), Known(first.etags, first.cursor)):
            with pytest.raises(TryLater, match=r"no calendar is called so|no calendar was found"):
                opened().events(MAY, known)


def test_a_calendar_that_was_moved_is_found_again_by_its_name(radicale: Server, tmp_path: Path) -> None:
    with calendar_of(radicale, tmp_path) as (opened, _, path):
        first = opened().events(MAY)
        shown = f"Work ü {tmp_path.name}"
        radicale.delete(path)
        moved = radicale.make("calendars", f"{tmp_path.name}-moved", shown)
        radicale.put(f"{moved}0.ics", ics("0", TEA))
        second = again(opened, first)
        assert (uids(second), second.unchanged) == (["0"], frozenset())
        assert [event.source for event in second.events] == [f"{moved}0.ics"]


def big(passing: Passing) -> Said:
    """Be a server with a calendar of 5,000 events."""
    if passing.method == "PROPFIND":
        kind = "<resourcetype><collection/><C:calendar/></resourcetype>"
        return _said(f"<response><href>/c/</href>{_found(kind)}</response>")
    wanted = re.findall(rb"<href[^>]*>([^<]+)<", passing.body)
    numbers = [int(re.sub(rb"\D", b"", href)) for href in wanted] if wanted else range(5_000)
    whole = b"<calendar-data" in passing.body
    return _said(
        "".join(f"<response><href>/c/{each}.ics</href>{_event(each, whole=whole)}</response>" for each in numbers)
    )


def _event(number: int, *, whole: bool) -> str:
    text = ics(f"e{number}", TEA + timedelta(minutes=number)) if whole else ""
    return _found(f'<getetag>"{number}"</getetag>' + (f"<C:calendar-data>{text}</C:calendar-data>" if whole else ""))


def _found(properties: str) -> str:
    return f"<propstat><prop>{properties}</prop><status>HTTP/1.1 200 OK</status></propstat>"


def _said(responses: str) -> Said:
    names = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
    return Said(207, {}, f"<multistatus {names}>{responses}</multistatus>".encode())


def test_a_calendar_of_five_thousand_events_is_one_answer_or_some_if_that_is_too_large(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with wired(big) as wire:
        options = dav.Options(wire.url, calendars=("/c/",))
        (calendar,) = dav.open_calendars(ACCOUNT, options, open_store(tmp_path))
        first = calendar.events(MAY)
        assert (len(first.events), len(first.etags), wire.methods) == (5_000, 5_000, ["PROPFIND", "REPORT"])
        wire.requests.clear()
        second = calendar.events(MAY, Known(first.etags, first.cursor))
        assert (len(second.unchanged), wire.methods) == (5_000, ["REPORT"])
        wire.requests.clear()
        monkeypatch.setattr("connectors.http.BODY_BYTES_MAX", 1_000_000)
        third = calendar.events(MAY)
        assert (third.events, third.etags) == (first.events, first.etags)
        assert len(wire.requests) < 20
