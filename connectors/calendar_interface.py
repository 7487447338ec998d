"""What a calendar is to us: somewhere to read events from, and nothing else; nothing is ever written to one.

An account-wide failure is raised (`connectors.errors`); it says nothing of any event. A folder or a calendar that is
not there is such a failure, never a calendar without events.
"""

from dataclasses import dataclass
from typing import Protocol

from mappings.event import CalendarName, Event, UnreadableEvent, Window
from mappings.record import AccountName


@dataclass(frozen=True, slots=True)
class EventSet:
    """What a read of a window returned.

    `complete` says that every event of the window is in `events`, but for those of the records in `unreadable`;
    where it is false, an event that is missing means nothing. `listed` counts the records that the read accounts
    for, inside the window or not, where the provider tells them; else those in the answer.
    """

    events: tuple[Event, ...]
    unreadable: tuple[UnreadableEvent, ...]
    complete: bool
    listed: int


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

    def events(self, window: Window) -> EventSet:
        """Read what takes place in the window, series resolved into their occurrences."""
        ...
