"""One account's calendars, as Google keeps them: single events, and instances of series as the server resolves them."""

import itertools
from datetime import UTC, date, datetime, time
from typing import Any

from emulators.google.clock import Clock

Doc = dict[str, Any]


class Diaries:
    """The calendars of one account, by their ids; `primary` is an alias."""

    def __init__(self, clock: Clock, email: str) -> None:
        self._clock = clock
        self._numbers = itertools.count(1)
        self.email = email
        self.calendars: dict[str, dict[str, Doc]] = {email: {}}
        self.page_size_max = 2500
        self.empty_pages = 0
        self.access_role = "owner"

    def add(self, event: Doc, calendar: str = "primary") -> str:
        """Add an event; what it does not say is as usual. Return its id."""
        number = next(self._numbers)
        usual: Doc = {
            "kind": "calendar#event", "id": f"event{number}", "status": "confirmed", "iCalUID": f"event{number}@google.com",
            "htmlLink": "https://www.google.com/calendar/event", "created": self._clock.text(), "sequence": 0,
            "creator": {"email": self.email, "self": True}, "organizer": {"email": self.email, "self": True},
            "reminders": {"useDefault": True}, "eventType": "default",
        }  # fmt: skip
        made = usual | event
        self._kept(self.of(calendar), made)
        return str(made["id"])

    def change(self, event_id: str, changes: Doc, calendar: str = "primary") -> None:
        """Change members of an event; None takes one away."""
        made = {name: value for name, value in (self.of(calendar)[event_id] | changes).items() if value is not None}
        self._kept(self.of(calendar), made)

    def purge(self, event_id: str, calendar: str = "primary") -> None:
        """Let nothing be left of an event."""
        del self.of(calendar)[event_id]

    def cancel(self, event_id: str, calendar: str = "primary") -> None:
        """Delete an event: a feed says its id, and nothing else for sure."""
        kept = self.of(calendar)
        kept[event_id] = {name: kept[event_id][name] for name in ("kind", "etag", "id")} | {"status": "cancelled"}

    def of(self, calendar: str) -> dict[str, Doc]:
        """Return a calendar's events by their ids."""
        return self.calendars[self.email if calendar == "primary" else calendar]

    def has(self, calendar: str) -> bool:
        return calendar == "primary" or calendar in self.calendars

    def _kept(self, events: dict[str, Doc], event: Doc) -> None:
        events[event["id"]] = event | {"etag": f'"{next(self._numbers)}"', "updated": self._clock.text()}


def is_within(event: Doc, since: datetime | None, until: datetime | None) -> bool:
    """Tell whether an event ends after the one and starts before the other; one without times is in every window."""
    if "start" not in event:
        return True
    start, end = instant(event["start"]), instant(event.get("end") or event["start"])
    return (since is None or end > since or start == end == since) and (until is None or start < until)


def instant(moment: Doc) -> datetime:
    """Return when a moment is; a day begins at midnight in the calendar's zone, which is UTC here."""
    if "dateTime" in moment:
        return datetime.fromisoformat(moment["dateTime"])
    return datetime.combine(date.fromisoformat(moment["date"]), time(), UTC)
