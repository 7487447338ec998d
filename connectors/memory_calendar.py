"""The reference calendar: a calendar in memory, and the executable specification of the protocol.

`Agenda` is the provider: it keeps the events, and its public methods are the hands of its owner or of those who invite
him. `MemoryCalendar` is a connector to one agenda; it remembers nothing.

What the other calendars have in common with this one is what `tests/contract` says of all of them:

- What is read is what lies in the window, cancelled events too: that something is off is news.
- A record that is not understood is told with its reason and stops no other.
- The agenda may change while pages are read. What is read then may be neither the old nor the new state, and is not
  complete.

Nothing here depends on time, chance or hash order, so that a simulation which is run again takes the same course.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from connectors.calendar_interface import NOTHING_KNOWN, EventSet, Known
from mappings.event import CalendarName, Event, UnreadableEvent, Window, is_within
from mappings.record import AccountName, Etag, RemoteId

PAGE_SIZE = 4
"""Records in one answer: small, so that short histories have several pages to be cut between."""

Interrupt = Callable[[str], None]
"""Called with `page asked` before the agenda answers and `page done` before the caller learns of it.

It may use the agenda's hands, raise what the protocol allows, or raise a BaseException that stands for the end of the
process.
"""

_Entry = Event | UnreadableEvent


class Agenda:
    """A calendar at a provider; its methods are what is done there by others than us."""

    def __init__(self) -> None:
        self._entries: dict[RemoteId, _Entry] = {}
        self._etags: dict[RemoteId, Etag] = {}
        self._added = 0
        self._changes = 0

    @property
    def entries(self) -> Mapping[RemoteId, _Entry]:
        """What the agenda holds now, oldest first; an event's account, calendar and source mean nothing here."""
        return MappingProxyType(self._entries)

    @property
    def changes(self) -> int:
        """How often something has changed."""
        return self._changes

    def add(self, event: Event) -> RemoteId:
        """Add an event; the id is never used again."""
        self._added += 1
        source = RemoteId(f"event-{self._added}")
        self.put(source, event)
        return source

    def put(self, source: RemoteId, event: Event) -> None:
        """Put an event in the place of what is there: moved, answered, cancelled, understood again."""
        self._keep(source, event)

    def spoil(self, source: RemoteId, reason: str) -> None:
        """Make a record one that nobody understands."""
        self._keep(source, UnreadableEvent(source, None, reason))

    def remove(self, source: RemoteId) -> None:
        """Remove a record that is there."""
        del self._entries[source]
        self._changes += 1

    def etag(self, source: RemoteId) -> Etag:
        """Return what changes whenever a record does; that of one that is gone is its last."""
        return self._etags[source]

    def _keep(self, source: RemoteId, entry: _Entry) -> None:
        self._entries[source] = entry
        self._changes += 1
        self._etags[source] = Etag(f"{self._changes}")


def _undisturbed(step: str) -> None:
    del step


class MemoryCalendar:
    """A connector to an agenda."""

    def __init__(
        self, account: AccountName, name: CalendarName, agenda: Agenda, interrupt: Interrupt = _undisturbed
    ) -> None:
        self.account = account
        self.name = name
        self._agenda = agenda
        self._interrupt = interrupt

    def events(self, window: Window, known: Known = NOTHING_KNOWN) -> EventSet:
        before = self._agenda.changes
        found = dict(self._pages())
        etags = {source: self._agenda.etag(source) for source in found if isinstance(found[source], Event)}
        unchanged = frozenset(source for source, etag in etags.items() if known.etags.get(source) == etag)
        return EventSet(
            events=tuple(
                replace(entry, account=self.account, calendar=self.name, source=source)
                for source, entry in found.items()
                if isinstance(entry, Event) and source not in unchanged and is_within(entry.when, window)
            ),
            unreadable=tuple(entry for entry in found.values() if isinstance(entry, UnreadableEvent)),
            complete=self._agenda.changes == before,
            listed=len(found),
            unchanged=unchanged,
            etags=etags,
            cursor=None,
        )

    def _pages(self) -> Iterator[tuple[RemoteId, _Entry]]:
        sources = tuple(self._agenda.entries)
        for start in range(0, len(sources), PAGE_SIZE):
            self._interrupt("page asked")
            entries = self._agenda.entries
            page = [(each, entries[each]) for each in sources[start : start + PAGE_SIZE] if each in entries]
            self._interrupt("page done")
            yield from page
