"""Known bugs with calendars for the whole tier, put into the program one at a time."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from connectors.calendar_interface import NOTHING_KNOWN, EventSet, Known
from connectors.errors import TryLater
from connectors.memory_calendar import MemoryCalendar
from daemon import dates
from daemon import ledger as daemon_ledger
from daemon.ledger import CalendarId
from daemon.state import Transaction
from mappings import derived_dates, meeting_rules, note_dates
from mappings.date_memory import Dated, DateMemory
from mappings.derived_dates import Settled
from mappings.event import Event, Window
from mappings.meeting_copies import MeetingId, Sighting, sighting_without_title
from mappings.meeting_rules import RuleName
from mappings.operation import RememberDate

Patch = pytest.MonkeyPatch


def date_only_moves_on(patch: Patch) -> None:
    """A last contact is never taken back."""
    settle = derived_dates.settle_last

    def ratcheted(
        memory: DateMemory, noted: str | None, heard: str | None, derived: Dated | None, body_floor: str
    ) -> Settled:
        return settle(memory, noted, heard, derived, max(body_floor, noted or ""))

    patch.setattr(note_dates, "settle_last", ratcheted)


def part_of_a_calendar_is_all_of_it(patch: Patch) -> None:
    """A calendar that changed while it was read, page by page, is taken for what was seen of it."""
    store_whole = daemon_ledger.store

    def whole(tx: Transaction, calendar: CalendarId, window: Window, found: EventSet, *, keep_titles: bool) -> None:
        store_whole(tx, calendar, window, replace(found, complete=True), keep_titles=keep_titles)

    patch.setattr(daemon_ledger, "store", whole)


def calendar_out_of_reach_is_empty(patch: Patch) -> None:
    """A calendar that cannot be read has no events."""
    events = MemoryCalendar.events

    def empty(self: MemoryCalendar, window: Window, known: Known = NOTHING_KNOWN) -> EventSet:
        try:
            return events(self, window, known)
        except TryLater:
            return EventSet((), (), complete=True, listed=0, unchanged=frozenset(), etags={}, cursor=None)

    patch.setattr(MemoryCalendar, "events", empty)


def date_remembered_after_it_is_written(patch: Patch) -> None:
    """What is intended for a date is not remembered before the note says it."""
    remember = dates.remember

    def without_intent(tx: Transaction, of_run: int, step: RememberDate) -> None:
        remember(tx, of_run, replace(step, memory=replace(step.memory, intended=None)))

    patch.setattr(dates, "remember", without_intent)


def declined_meetings_count(patch: Patch) -> None:
    """That somebody declined is not looked at."""
    asked = {
        purpose: tuple(rule for rule in rules if rule.name is not RuleName.THEY_DECLINED)
        for purpose, rules in meeting_rules.ASKED_OF_GUESTS.items()
    }
    patch.setattr(meeting_rules, "ASKED_OF_GUESTS", asked)


def copies_of_a_meeting_are_meetings(patch: Patch) -> None:
    """A meeting that stands in two calendars is two, of which one may be cancelled."""

    def one_for_each_account(event: Event) -> Sighting:
        seen = sighting_without_title(event)
        return replace(seen, id=MeetingId(f"{event.account}{seen.id}"), likeness="")

    patch.setattr("daemon.ledger.sighting_without_title", one_for_each_account)


def unchanged_records_are_gone(patch: Patch) -> None:
    """What a calendar does not send again is taken for deleted."""
    store_all = daemon_ledger.store

    def sent_alone(
        tx: Transaction, calendar: CalendarId, window: Window, found: EventSet, *, keep_titles: bool
    ) -> None:
        store_all(tx, calendar, window, replace(found, unchanged=frozenset()), keep_titles=keep_titles)

    patch.setattr(daemon_ledger, "store", sent_alone)


MUTANTS: Mapping[Callable[[Patch], None], tuple[str, int]] = {
    date_only_moves_on: ("I13", 1),
    part_of_a_calendar_is_all_of_it: ("I13", 570),
    calendar_out_of_reach_is_empty: ("I13", 310),
    date_remembered_after_it_is_written: ("I13", 1),
    declined_meetings_count: ("I13", 10),
    copies_of_a_meeting_are_meetings: ("I13", 1),
    unchanged_records_are_gone: ("I13", 1),
}
"""Each with the invariant that it is about, and the seed to begin at: a little before the one that finds it."""
