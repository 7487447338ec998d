"""What the feeds of the chosen folders say: which ids are there, which are said to be removed, and where to go on.

Source: https://learn.microsoft.com/graph/api/contact-delta, /delta-query-overview.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict

from connectors.errors import CursorExpired, TryLater
from connectors.graph_client import GraphClient, LinkRefused, objects, word
from connectors.graph_folders import Folders, path_of
from connectors.graph_record import etag_of, id_of
from connectors.interface import Cursor
from mappings.graph_json import JsonObject
from mappings.record import Etag, RemoteId

READ_ANEW_AFTER = timedelta(days=1)

_PAGE = "odata.maxpagesize=500"


class _CursorDocument(TypedDict):
    read_at: str
    links: dict[str, str]


@dataclass(frozen=True, slots=True)
class Position:
    """How far the feeds were read, and when everything was read last."""

    read_at: datetime
    links: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Round:
    """What the feeds of all folders say: ids that are there, with their change keys ("" if not told), and removed ones."""

    alive: Mapping[RemoteId, Etag]
    removed: frozenset[RemoteId]
    links: Mapping[str, str]


class Feed:
    """The feeds of the chosen folders."""

    def __init__(self, client: GraphClient, folders: Folders) -> None:
        self._client = client
        self._folders = folders

    def position(self, since: Cursor, now: datetime) -> Position:
        """Return where a cursor stands. Errors: `CursorExpired` also for one of other folders, and for one of yesterday."""
        cursor = _unpacked(since)
        if cursor is None or set(cursor.links) != set(self._folders.ids()):
            raise CursorExpired("the cursor is of other folders")
        if now - cursor.read_at > READ_ANEW_AFTER:
            raise CursorExpired("everything is read anew once a day, as some deletions are never reported")
        return cursor

    def first_round(self) -> Round:
        """Return all there is. Errors: `TryLater`."""
        urls = {folder: f"{path_of(folder)}/delta?$select=id,changeKey" for folder in self._folders.ids()}
        try:
            return self._round(urls)
        except LinkRefused:
            pass
        try:
            return self._round(urls)
        except LinkRefused as error:
            raise TryLater("Microsoft lost the thread twice while everything was read", None) from error

    def next_round(self, position: Position) -> Round:
        """Return what has happened since. Errors: `CursorExpired`."""
        try:
            return self._round(position.links)
        except LinkRefused as error:
            raise CursorExpired(str(error)) from error

    def _round(self, urls: Mapping[str, str]) -> Round:
        alive: dict[RemoteId, Etag] = {}
        removed: set[RemoteId] = set()
        links: dict[str, str] = {}
        for folder, url in urls.items():
            rows: dict[RemoteId, Etag | None] = {}
            for page in self._client.pages(url, _PAGE):
                rows |= _rows(page)
                links[folder] = word(page, "@odata.deltaLink")
            if not links[folder]:
                raise TryLater("Microsoft ended a feed without a link to go on from", None)
            # An id that one folder lost and another has was moved.
            alive |= {each: etag for each, etag in rows.items() if etag is not None}
            removed |= {each for each, etag in rows.items() if etag is None}
        return Round(alive, frozenset(removed - alive.keys()), links)


def packed(position: Position) -> Cursor:
    """Return a position as a cursor."""
    return Cursor(json.dumps({"read_at": position.read_at.isoformat(), "links": dict(position.links)}))


def _unpacked(cursor: Cursor) -> Position | None:
    try:
        document: _CursorDocument = json.loads(cursor)
        return Position(datetime.fromisoformat(document["read_at"]), dict(document["links"]))
    except (ValueError, KeyError, TypeError):
        return None


def _rows(page: JsonObject) -> dict[RemoteId, Etag | None]:
    """Return the ids of a page, the last word on each: None for removed, "" for a row that does not tell its key."""
    rows: dict[RemoteId, Etag | None] = {}
    for row in objects(page):
        if remote_id := id_of(row):
            rows[remote_id] = None if "@removed" in row else etag_of(row)
    return rows
