"""What a calendar is to us: somewhere to read events from, and nothing else; nothing is ever written to one.

An account-wide failure is raised (`connectors.errors`); it says nothing of any event. A folder or a calendar that is
not there is such a failure, never a calendar without events.

What a caller has *known* of a window it need not be told again. Every record of the window is in the answer exactly
once: its events are sent, or it is `unreadable`, or it is known and `unchanged`; a known record that is none of these
is gone. So a folder names as unchanged the files that are as they were, and a feed everything that it does not
mention. A calendar may ignore what is known and send all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from connectors.interface import Cursor
from mappings.event import CalendarName, Event, UnreadableEvent, Window
from mappings.record import AccountName, Etag, RemoteId


@dataclass(frozen=True, slots=True)
class Known:
    """What the caller still has of the calendar, from complete reads of the very window that it asks for again.

    `etags` are the records whose events it has, as they were then (those of `EventSet.etags`), also records without
    any event in the window; `cursor` is what the last complete read returned.
    """

    etags: Mapping[RemoteId, Etag]
    cursor: Cursor | None


NOTHING_KNOWN = Known({}, None)


@dataclass(frozen=True, slots=True)
class EventSet:
    """What a read of a window returned.

    `complete` says that every event of the window is in `events`, but for those of the records that are `unchanged`
    or in `unreadable`; where it is false, an event that is missing means nothing. `listed` counts the records that
    the read accounts for, inside the window or not, where the provider tells them; else those in the answer.
    `etags` are those of records that were understood whole, sent or unchanged, if it is worth to know them the next
    time; `cursor` is where to go on from, None where there is no such thing.
    """

    events: tuple[Event, ...]
    unreadable: tuple[UnreadableEvent, ...]
    complete: bool
    listed: int
    unchanged: frozenset[RemoteId]
    etags: Mapping[RemoteId, Etag]
    cursor: Cursor | None


class Calendar(Protocol):
    """One calendar of one account.

    Errors: `events` may raise `TryLater`, `SignInNeeded`, `Misunderstood`.
    """

    @property
    def account(self) -> AccountName:
        """The owner's name for the account."""
        ...

    @property
    def name(self) -> CalendarName:
        """The calendar's name, which no other of the account has."""
        ...

    def events(self, window: Window, known: Known = NOTHING_KNOWN) -> EventSet:
        """Read what takes place in the window, series resolved into their occurrences.

        A cursor that is too old is no error: everything is read, and nothing is unchanged.
        """
        ...
