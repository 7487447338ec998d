"""A calendar on a CalDAV server, of which only what takes place in the window is read.

The first look asks for the window's records with all that they hold; a later one for what has changed since the
server's sync-token, or else for the window's etags, and reads what is new. The cursor holds the collection's URL too, so
that a look that finds nothing new is a single request.

The server decides which records have anything to do with the window, and is asked for a day more at either end, because
servers judge whole days and times without a zone by zones of their own; which occurrences lie in it is worked out here.

Source: RFC 4791 sections 7.8 to 7.10 and 9.9; RFC 6578.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from connectors import webdav_items, webdav_places
from connectors.calendar_interface import NOTHING_KNOWN, EventSet, Known
from connectors.errors import TryLater
from connectors.http import TooLarge
from connectors.interface import Cursor
from connectors.multistatus import DAV, Response, element
from connectors.webdav import CAL, ETAG, Forbidden, NotOffered, NotThere, Session
from connectors.webdav_items import Body, Found, Listing, Unread
from connectors.webdav_places import CALENDAR, Collection
from mappings.errors import UnreadableRecord
from mappings.event import CalendarName, Event, UnreadableEvent, Window
from mappings.record import AccountName, Etag, RemoteId

MARGIN = timedelta(days=1)

_MULTIGET = f"{CAL}calendar-multiget"
_DATA = f"{CAL}calendar-data"


@dataclass(slots=True)
class _Answer:
    """What a look has found so far."""

    events: list[Event] = field(default_factory=list[Event])
    unreadable: list[UnreadableEvent] = field(default_factory=list[UnreadableEvent])
    unchanged: set[RemoteId] = field(default_factory=set[RemoteId])
    etags: dict[RemoteId, Etag] = field(default_factory=dict[RemoteId, Etag])

    def event_set(self, listed: int, cursor: Cursor | None) -> EventSet:
        return EventSet(
            events=tuple(self.events),
            unreadable=tuple(self.unreadable),
            complete=True,
            listed=listed,
            unchanged=frozenset(self.unchanged),
            etags=self.etags,
            cursor=cursor,
        )


class CalendarCollection:
    """One calendar; `wanted` is its name or URL."""

    def __init__(self, session: Session, name: CalendarName, wanted: str) -> None:
        self.account: AccountName = session.account
        self.name = name
        self._session = session
        self._wanted = wanted

    def events(self, window: Window, known: Known = NOTHING_KNOWN) -> EventSet:
        pointed_to = self._pointed_to(known.cursor)
        if pointed_to is not None:
            # Whatever a server says of a token that it does not know, or of a calendar that has moved.
            with suppress(NotThere, NotOffered, Forbidden):
                return self._since(pointed_to, window, known)
        try:
            collection = webdav_places.chosen(self._session, CALENDAR, self._wanted)
            return self._listed(collection, window, known)
        except (NotThere, NotOffered) as error:
            raise TryLater(f"calendar {self.name} cannot be read: {error}", None) from error

    def _since(self, collection: Collection, window: Window, known: Known) -> EventSet:
        if not collection.token:
            return self._listed(collection, window, known)
        listing = webdav_items.changed_since(self._session, collection, collection.token)
        if _looks_complete(listing, known.etags):
            raise NotOffered("the server lists what has not changed")
        answer = _Answer()
        for source in known.etags:
            if source not in listing.etags and source not in listing.removed:
                answer.unchanged.add(source)
                answer.etags[source] = known.etags[source]
        self._read(answer, collection, window, list(listing.etags))
        return answer.event_set(
            len(answer.etags) + len(answer.unreadable), self._cursor(answer, collection, listing.token)
        )

    def _listed(self, collection: Collection, window: Window, known: Known) -> EventSet:
        answer = _Answer()
        found = self._found(collection, window, known)
        unread: list[str] = []
        for response in found:
            source, etag = RemoteId(response.path), response.text(ETAG)
            if etag and known.etags.get(source) == etag:
                answer.unchanged.add(source)
                answer.etags[source] = Etag(etag)
            elif _DATA in response.properties:
                self._add(answer, source, Body(etag, response.text(_DATA)), window)
            else:
                unread.append(response.path)
        self._read(answer, collection, window, unread)
        return answer.event_set(
            len(found), self._cursor(answer, collection, collection.token if collection.syncs else "")
        )

    def _found(self, collection: Collection, window: Window, known: Known) -> Sequence[Response]:
        """Return the window's records, with all that they hold if none is known, unless that is too much at once."""
        if not known.etags:
            with suppress(TooLarge):
                return webdav_items.queried(self._session, collection, _query(window, element(ETAG), element(_DATA)))
        return webdav_items.queried(self._session, collection, _query(window, element(ETAG)))

    def _read(self, answer: _Answer, collection: Collection, window: Window, paths: Sequence[str]) -> None:
        for path, found in webdav_items.bodies(self._session, collection, _MULTIGET, _DATA, paths):
            self._add(answer, RemoteId(path), found, window)

    def _add(self, answer: _Answer, source: RemoteId, found: Found, window: Window) -> None:
        if found is None:
            # It has just gone away, and the next look is told so.
            return
        if isinstance(found, Unread):
            answer.unreadable.append(UnreadableEvent(source, None, found.reason))
            return
        # Only here: it takes longer to import than a run that finds nothing new.
        from mappings import vevent  # noqa: PLC0415

        try:
            parsed = vevent.parse(found.text)
        except UnreadableRecord as error:
            answer.unreadable.append(UnreadableEvent(source, error.line, error.reason))
            return
        events, damages = vevent.events_in(parsed, window, vevent.Origin(self.account, self.name, source))
        answer.events.extend(events)
        answer.unreadable.extend(damages)
        if found.etag and not damages:
            answer.etags[source] = Etag(found.etag)

    def _cursor(self, answer: _Answer, collection: Collection, token: str) -> Cursor:
        """Return where to go on from; what is not understood would never be mentioned again by a token."""
        return Cursor(json.dumps([self._fingerprint, collection.url, "" if answer.unreadable else token]))

    def _pointed_to(self, cursor: Cursor | None) -> Collection | None:
        """Return the collection of a cursor with its token, None for none, or one of another account."""
        if cursor is None:
            return None
        try:
            fingerprint, url, token = json.loads(cursor)
        except ValueError:
            return None
        if fingerprint != self._fingerprint or not self._session.client.may_send_to(url):
            return None
        return Collection(url, "", bool(token), token, "", writable=False)

    @property
    def _fingerprint(self) -> str:
        return f"{self._session.fingerprint} {self._wanted}"


def _looks_complete(listing: Listing, known: Mapping[RemoteId, Etag]) -> bool:
    """Tell whether an answer lists what has not changed: the server has forgotten the token and does not say so."""
    return any(etag and known.get(RemoteId(path)) == etag for path, etag in listing.etags.items())


def _query(window: Window, *properties: str) -> str:
    times = {"start": _utc(window.start - MARGIN), "end": _utc(window.end + MARGIN)}
    within = element(f"{CAL}comp-filter", element(f"{CAL}time-range", **times), name="VEVENT")
    wanted = element(f"{CAL}filter", element(f"{CAL}comp-filter", within, name="VCALENDAR"))
    return element(f"{CAL}calendar-query", element(f"{DAV}prop", *properties), wanted)


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"
