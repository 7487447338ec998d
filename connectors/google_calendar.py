"""A calendar in a Google account, read by windows.

Every read asks for the whole window, with series resolved by the server. Sync tokens are not used: with resolved series
a token returns a changed series to its end in the year 2099, cannot be bound to a window, and knows nothing of an event
that leaves it. What the caller knows in the same version is not sent on to him again.

Source: discovery document calendar.v3 (`events.list`); what is observed beyond it is in the facts that the emulator
follows.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from connectors.calendar_interface import NOTHING_KNOWN, EventSet, Known
from connectors.errors import Misunderstood, TryLater
from connectors.google_access import Access, documented
from connectors.google_answers import Refused, Sort
from mappings.errors import UnreadableRecord
from mappings.event import CalendarName, Event, UnreadableEvent, Window
from mappings.google_calendar import MEMBERS, event_of
from mappings.json_object import JsonObject
from mappings.record import Etag, RemoteId

PAGE_SIZE = 2500
"""The most that a page may hold."""

PAGES_MAX = 200
"""A year in which anybody met more often than half a million times does not exist."""

_FIELDS = f"nextPageToken,items({MEMBERS})"


class GoogleCalendar:
    """One calendar of one Google account."""

    def __init__(self, access: Access, name: CalendarName) -> None:
        self.account = access.account
        self.name = name
        self._access = access

    def events(self, window: Window, known: Known = NOTHING_KNOWN) -> EventSet:
        with documented():
            items = {item.text("id"): item for page in self._pages(window) for item in page.objects("items")}
        events: list[Event] = []
        unreadable: list[UnreadableEvent] = []
        etags: dict[RemoteId, Etag] = {}
        unchanged: set[RemoteId] = set()
        for item in items.values():
            read = self._read(item)
            if isinstance(read, UnreadableEvent):
                unreadable.append(read)
                continue
            if read is None:
                continue
            etags[read.source] = Etag(item.text("etag"))
            if known.etags.get(read.source) == etags[read.source]:
                unchanged.add(read.source)
            else:
                events.append(read)
        return EventSet(
            events=tuple(events),
            unreadable=tuple(unreadable),
            complete=True,
            listed=len(etags) + len(unreadable),
            unchanged=frozenset(unchanged),
            etags=etags,
            cursor=None,
        )

    def _read(self, item: JsonObject) -> Event | UnreadableEvent | None:
        try:
            return event_of(item, self.account, self.name)
        except UnreadableRecord as error:
            return UnreadableEvent(RemoteId(item.text("id")), None, error.reason)

    def _pages(self, window: Window) -> Iterator[JsonObject]:
        asked: dict[str, object] = {
            "calendarId": self.name,
            "timeMin": _instant(window.start),
            "timeMax": _instant(window.end),
            "singleEvents": True,
            "showDeleted": True,
            "maxResults": PAGE_SIZE,
            "fields": _FIELDS,
        }
        page_token = ""
        for _ in range(PAGES_MAX):
            page = self._page({**asked, "pageToken": page_token} if page_token else asked)
            yield page
            page_token = page.text("nextPageToken")
            if not page_token:
                return
        raise Misunderstood("the Google Calendar API lists pages without an end", "")

    def _page(self, asked: Mapping[str, object]) -> JsonObject:
        try:
            return self._access.ask(lambda calendar: calendar.events().list(**asked))
        except Refused as error:
            if error.refusal.sort is Sort.NOT_FOUND:
                cure = 'Google Calendar shows the id in the calendar\'s settings, under "Integrate calendar"'
                reason = (
                    f"there is no such calendar, or it is no longer shared; correct accounts.{self.account}.calendars"
                )
                raise TryLater(f"{reason} ({cure})", None) from error
            raise self._access.not_understood(error) from error


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
