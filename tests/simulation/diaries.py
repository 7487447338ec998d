"""The calendars of a history, and what the program has read and kept of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from connectors.calendar_interface import NOTHING_KNOWN, EventSet, Known
from connectors.memory_calendar import Agenda, MemoryCalendar
from mappings.event import CalendarName, Event, Window
from mappings.record import AccountName, RemoteId

MAIN = CalendarName("main")

Entries = Mapping[RemoteId, Event]


@dataclass(slots=True)
class Diary:
    """One account's calendar: `settled` is what its last complete read left, `unsettled` what later ones showed."""

    account: AccountName
    agenda: Agenda = field(default_factory=Agenda)
    settled: Entries = field(default_factory=dict[RemoteId, Event])
    unsettled: dict[RemoteId, Event] = field(default_factory=dict[RemoteId, Event])
    _read: Callable[[], None] | None = None

    def events(self) -> dict[RemoteId, Event]:
        """Return what stands in the calendar now."""
        return {source: entry for source, entry in self.agenda.entries.items() if isinstance(entry, Event)}

    def was_read(self, found: EventSet) -> None:
        """Take down what a read has returned, for when it is kept."""
        now = self.events()

        def settle() -> None:
            self.settled, self.unsettled = now, {}

        def overlay() -> None:
            self.unsettled |= {event.source: event for event in found.events}

        self._read = settle if found.complete else overlay

    def kept(self) -> None:
        """Note that the program has kept what it read last."""
        if self._read is not None:
            self._read()
            self._read = None

    def forget(self) -> None:
        """Note that the process has ended, whatever it read."""
        self._read = None


class WatchedCalendar:
    """A calendar whose reads are taken down."""

    def __init__(self, diary: Diary, step: Callable[[str], None]) -> None:
        self.account = diary.account
        self.name = MAIN
        self._diary = diary
        self._inner = MemoryCalendar(diary.account, MAIN, diary.agenda, step)

    def events(self, window: Window, known: Known = NOTHING_KNOWN) -> EventSet:
        found = self._inner.events(window, known)
        self._diary.was_read(found)
        return found
