"""A calendar of one mailbox at Microsoft, read by its view of a window: occurrences come whole there.

The feed of changes gives occurrences of series in part, does not slide, and forgets; so it is asked one thing only,
whether anything has happened. Its link is the cursor, and if it has nothing to tell, everything is as it was. That is
believed for a day; then the view is read again, as some deletions are never reported.

An event of whole days is in the window by the instant at which it began where it was made, so the view is asked for a
day more on both sides, and what it gives is judged by its dates.

Source: https://learn.microsoft.com/graph/api/user-list-calendarview, /event-delta (both v1.0).
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from connectors.calendar_interface import NOTHING_KNOWN, EventSet, Known
from connectors.errors import Misunderstood, TryLater
from connectors.graph_client import GraphClient, objects, word
from connectors.interface import Cursor
from mappings import graph_events
from mappings.errors import UnreadableRecord
from mappings.event import CalendarName, Event, UnreadableEvent, Window, is_within
from mappings.graph_json import JsonObject
from mappings.record import AccountName, Etag, RemoteId

DEFAULT_CALENDAR = "Calendar"
"""What the owner calls the calendar that a mailbox comes with, whatever its name is in his language."""

READ_ANEW_AFTER = timedelta(days=1)
PAD = timedelta(days=1)

_UTC = 'outlook.timezone="UTC"'
_PAGE = "odata.maxpagesize=500"


class GraphCalendar:
    """The calendar of this name."""

    def __init__(
        self,
        account: AccountName,
        name: CalendarName,
        client: GraphClient,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.account = account
        self.name = name
        self._client = client
        self._now = now
        self._path = "/me" if name == DEFAULT_CALENDAR else ""

    def events(self, window: Window, known: Known = NOTHING_KNOWN) -> EventSet:
        cursor = _unpacked(known.cursor)
        if cursor is not None and self._now() - cursor[0] <= READ_ANEW_AFTER:
            link = self._link_if_still(cursor[1])
            if link:
                unchanged = frozenset(known.etags)
                packed = _packed(cursor[0], link)
                return EventSet((), (), True, len(unchanged), unchanged, known.etags, packed)  # noqa: FBT003  # complete
        # Before the view: what changes between the two is seen twice, never not at all.
        link = self._link(window)
        return self._viewed(window, link)

    def _viewed(self, window: Window, link: str) -> EventSet:
        events: list[Event] = []
        unreadable: list[UnreadableEvent] = []
        etags: dict[RemoteId, Etag] = {}
        for row in self._rows(window):
            try:
                event = graph_events.event(row, self.account, self.name)
            except UnreadableRecord as error:
                unreadable.append(UnreadableEvent(RemoteId(word(row, "id")), None, error.reason))
                continue
            if event is not None:
                etags[event.source] = Etag(word(row, "changeKey"))
                if is_within(event.when, window):
                    events.append(event)
        # What is not understood is told at every look, so nothing may say that all is as it was.
        cursor = _packed(self._now(), link) if link and not unreadable else None
        return EventSet(
            events=tuple(events),
            unreadable=tuple(unreadable),
            complete=True,
            listed=len(etags) + len(unreadable),
            unchanged=frozenset(),
            etags=etags,
            cursor=cursor,
        )

    def _rows(self, window: Window) -> Iterator[JsonObject]:
        select = ",".join(graph_events.PROPERTIES)
        url = f"{self._calendar()}/calendarView?{_span(window)}&$select={select}&$top=999"
        seen: set[str] = set()
        for row in self._paged(url):
            remote_id = word(row, "id")
            # A page may repeat what the one before had, if something was added meanwhile.
            if remote_id not in seen:
                seen.add(remote_id)
                yield row

    def _paged(self, url: str) -> Iterator[JsonObject]:
        try:
            yield from (row for page in self._client.pages(url, _UTC) for row in objects(page))
        except Misunderstood:
            # A calendar's id has been seen to change shortly after it was made: look it up again next time.
            if self.name != DEFAULT_CALENDAR:
                self._path = ""
            raise

    def _link(self, window: Window) -> str:
        """Return a link that tells whether anything happens from now on; "" if the service gives none."""
        url = f"{self._calendar()}/calendarView/delta?{_span(window)}"
        try:
            return self._end_of(url)[1]
        except Misunderstood:
            return ""

    def _link_if_still(self, link: str) -> str:
        """Return the next link if nothing has happened since this one, else ""."""
        try:
            rows, following = self._end_of(link)
        except Misunderstood:
            return ""
        return following if not rows else ""

    def _end_of(self, url: str) -> tuple[int, str]:
        """Return how many rows a round has, and the link behind them."""
        rows, link = 0, ""
        for page in self._client.pages(url, _UTC, _PAGE):
            rows += len(objects(page))
            link = word(page, "@odata.deltaLink")
        return rows, link

    def _calendar(self) -> str:
        """Return the calendar's path."""
        if not self._path:
            url = "/me/calendars?$top=999&$select=id,name"
            known = {word(row, "name"): word(row, "id") for page in self._client.pages(url) for row in objects(page)}
            if self.name not in known:
                there = ", ".join(sorted({DEFAULT_CALENDAR, *known}))
                raise TryLater(f"no calendar is called {self.name}; there are: {there}", None)
            self._path = f"/me/calendars/{quote(known[self.name], safe='')}"
        return self._path


def _span(window: Window) -> str:
    start, end = (moment.astimezone(UTC) for moment in (window.start - PAD, window.end + PAD))
    return f"startDateTime={start:%Y-%m-%dT%H:%M:%SZ}&endDateTime={end:%Y-%m-%dT%H:%M:%SZ}"


def _packed(read_at: datetime, link: str) -> Cursor:
    return Cursor(json.dumps({"read_at": read_at.isoformat(), "link": link}))


def _unpacked(cursor: Cursor | None) -> tuple[datetime, str] | None:
    try:
        document: Mapping[str, str] = json.loads(cursor or "{}")
        return datetime.fromisoformat(document["read_at"]), document["link"]
    except (ValueError, KeyError, TypeError):
        return None
