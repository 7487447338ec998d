"""What is remembered of calendars: windows, records that break, other names, and what need not be read again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.calendar_interface import NOTHING_KNOWN, EventSet
from connectors.interface import Cursor
from daemon import ledger
from daemon.ledger import CalendarId
from daemon.state import State
from mappings.event import AllDay, CalendarName, Event, EventUid, Occurrence, Timed, UnreadableEvent, Window
from mappings.meeting_case import Veto
from mappings.meeting_copies import MeetingId, sighting_with_title, sighting_without_title
from mappings.person import Uid
from mappings.record import AccountName, Etag, RemoteId
from meeting_worlds import HOME, MEETING, WORK, at

MAIN = CalendarId(HOME, CalendarName("main"))
NOVEMBER = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC), UTC)
NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def state() -> State:
    made = State.in_memory()
    with made.transaction() as tx:
        ledger.name_calendars(tx, [MAIN])
    return made


def event(name: str, day: int, *, source: str = "", **changes: object) -> Event:
    settings: dict[str, object] = {
        "uid": EventUid(name),
        "source": RemoteId(source or f"{name}.ics"),
        "when": Timed(at(day), at(day, 10)),
        **changes,
    }
    return replace(MEETING, **settings)  # type: ignore[arg-type]  # a test names only what differs


def read(*events: Event, **changes: object) -> EventSet:
    settings: dict[str, object] = {
        "events": events,
        "unreadable": (),
        "complete": True,
        "listed": len(events),
        "unchanged": frozenset[RemoteId](),
        "etags": {one.source: Etag(f"etag of {one.source}") for one in events},
        "cursor": None,
        **changes,
    }
    return EventSet(**settings)  # type: ignore[arg-type]  # a test names only what differs


def store(state: State, found: EventSet, *, window: Window = NOVEMBER, calendar: CalendarId = MAIN) -> None:
    with state.transaction() as tx:
        ledger.store(tx, calendar, window, found, keep_titles=False)


def settled(state: State) -> list[tuple[str, object]]:
    return sorted((one.event.uid, one.event.when.start) for one in ledger.ledger(state).settled)


def test_what_is_kept_is_what_was_seen(state: State) -> None:
    whole_day = event("trip", 5, when=AllDay(at(5).date(), at(7).date()), occurrence=Occurrence("2026-11-05"))
    seen = (event("tea", 9), whole_day, event("tea", 16, occurrence=Occurrence("2026-11-16T09:00:00Z")))
    store(state, read(*seen))
    assert set(ledger.ledger(state).settled) == {sighting_without_title(one) for one in seen}


def test_a_complete_read_is_all_there_is_in_its_window_and_nothing_beyond(state: State) -> None:
    long_ago = event("old", 9, when=Timed(at(9) - timedelta(days=500), at(9, 10) - timedelta(days=500)))
    wide = Window(NOVEMBER.start - timedelta(days=600), NOVEMBER.end, UTC)
    store(state, read(event("tea", 9), long_ago), window=wide)
    store(state, read())
    assert settled(state) == [("old", at(9) - timedelta(days=500))]


def test_a_meeting_moved_into_the_window_is_no_longer_where_it_was(state: State) -> None:
    before = event("tea", 9, when=Timed(at(9) - timedelta(days=90), at(9, 10) - timedelta(days=90)))
    store(state, read(before), window=Window(NOVEMBER.start - timedelta(days=99), NOVEMBER.end, UTC))
    store(state, read(event("tea", 12)))
    assert settled(state) == [("tea", at(12))]


def test_a_record_that_is_not_understood_keeps_what_was_known_of_it(state: State) -> None:
    store(state, read(event("tea", 9)))
    broken = UnreadableEvent(RemoteId("tea.ics"), 3, "half of it")
    store(state, read(event("cake", 12), unreadable=(broken,)))
    assert settled(state) == [("cake", at(12)), ("tea", at(9))]
    assert ledger.known(state, MAIN, NOVEMBER, keep_titles=False).etags.keys() == {"cake.ics"}
    store(state, read(event("cake", 12)))
    assert settled(state) == [("cake", at(12))]


def test_what_is_unchanged_stays_and_is_not_written_again(state: State) -> None:
    first = read(event("tea", 9), cursor=Cursor("1"))
    store(state, first)
    version = ledger.version(state)
    known = ledger.known(state, MAIN, NOVEMBER, keep_titles=False)
    assert (known.etags, known.cursor) == (first.etags, "1")
    store(state, read(unchanged=frozenset(first.etags), etags=first.etags, cursor=Cursor("1")))
    assert (settled(state), ledger.version(state)) == ([("tea", at(9))], version)


def test_nothing_is_known_of_another_window_or_zone_or_where_titles_are_kept_now(state: State) -> None:
    store(state, read(event("tea", 9)))
    later = Window(NOVEMBER.start, NOVEMBER.end + timedelta(days=31), UTC)
    assert ledger.known(state, MAIN, later, keep_titles=False) == NOTHING_KNOWN
    assert ledger.known(state, MAIN, NOVEMBER, keep_titles=True) == NOTHING_KNOWN
    assert ledger.known(state, MAIN, NOVEMBER, keep_titles=False) != NOTHING_KNOWN


def test_a_row_that_is_damaged_is_read_again(state: State) -> None:
    store(state, read(event("tea", 9), event("cake", 12)))
    with state.transaction() as tx:
        tx.run("UPDATE sightings SET packed = X'00' WHERE source = 'tea.ics'")
    assert settled(state) == [("cake", at(12))]
    assert ledger.known(state, MAIN, NOVEMBER, keep_titles=False).etags.keys() == {"cake.ics"}


def test_a_part_lies_over_the_whole_until_the_next_whole(state: State) -> None:
    store(state, read(event("tea", 9)))
    store(state, read(event("tea", 12), complete=False))
    store(state, read(event("cake", 13), complete=False))
    found = ledger.ledger(state)
    assert [one.event.when.start for one in found.settled] == [at(9)]
    assert sorted(one.event.uid for one in found.unsettled) == ["cake", "tea"]
    store(state, read(event("tea", 12)))
    found = ledger.ledger(state)
    assert ([one.event.when.start for one in found.settled], found.unsettled) == ([at(12)], ())


def test_a_calendar_that_is_no_longer_named_does_not_count_once_the_others_were_read(state: State) -> None:
    former = CalendarId(HOME, CalendarName("former"))
    store(state, read(event("tea", 9)), calendar=former)
    assert settled(state) == [("tea", at(9))]
    store(state, read(event("cake", 12)))
    assert settled(state) == [("cake", at(12))]
    with state.transaction() as tx:
        ledger.name_calendars(tx, [MAIN, former])
    assert settled(state) == [("cake", at(12)), ("tea", at(9))]


def test_titles_are_kept_if_wanted_but_never_those_of_private_events(state: State) -> None:
    open_one, secret = event("tea", 9, title="Soundings"), event("cake", 12, title="Secret", is_private=True)
    with state.transaction() as tx:
        ledger.store(tx, MAIN, NOVEMBER, read(open_one, secret), keep_titles=True)
    assert set(ledger.ledger(state).settled) == {sighting_with_title(open_one), sighting_with_title(secret)}
    assert {one.event.title for one in ledger.ledger(state).settled} == {"Soundings", ""}
    with state.transaction() as tx:
        ledger.drop_titles(tx)
    assert {one.event.title for one in ledger.ledger(state).settled} == {""}


def test_an_account_gets_another_name_or_is_forgotten(state: State) -> None:
    store(state, read(event("tea", 9)))
    office = AccountName("office")
    with state.transaction() as tx:
        ledger.rename_account(tx, HOME, office)
        ledger.name_calendars(tx, [CalendarId(office, MAIN.name)])
    assert [one.event.account for one in ledger.ledger(state).settled] == [office]
    assert ledger.accounts(state) == {office}
    with state.transaction() as tx:
        ledger.remove_account(tx, WORK)
        ledger.remove_account(tx, office)
    assert (settled(state), ledger.is_begun(state)) == ([], False)


def test_vetoes(state: State) -> None:
    mine, ours = Veto(MeetingId("a"), Uid("ada")), Veto(MeetingId("a"), None)
    with state.transaction() as tx:
        ledger.ignore(tx, mine, NOW)
        ledger.ignore(tx, ours, NOW)
        ledger.ignore(tx, ours, NOW)
    assert ledger.vetoes(state) == {mine, ours}
    with state.transaction() as tx:
        ledger.count_again(tx, mine)
    assert ledger.vetoes(state) == {ours}


def test_a_calendar_without_attendees_is_blind(state: State) -> None:
    store(state, read(event("tea", 9, attendees=(), organizer="")))
    assert ledger.blind(state) == (MAIN,)
    store(state, read(event("tea", 9, attendees=(), organizer=""), event("cake", 12)))
    assert (ledger.blind(state), ledger.counts(state, MAIN)) == ((), ledger.Counts(2, 1))
