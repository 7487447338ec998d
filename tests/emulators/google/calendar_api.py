"""The Calendar API's one method that is used: a calendar's events in a window."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from emulators.google import answers
from emulators.google.answers import Refusal, calendar_error
from emulators.google.diary import Diaries, instant, is_within
from emulators.google.world import Google

Doc = dict[str, Any]
Query = Mapping[str, Sequence[str]]

_NOT_WITH_SYNC_TOKEN = (
    "iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "timeMin", "timeMax", "updatedMin",
)  # fmt: skip


class CalendarApi:
    """What one account's owner may do with the Calendar API."""

    def __init__(self, google: Google, diaries: Diaries) -> None:
        self._google, self._diaries = google, diaries

    def call(self, method: str, path: Mapping[str, str], query: Query) -> Doc:
        """Carry out a method.

        Errors: `Refusal`.
        """
        if method != "calendar.events.list":
            raise Refusal(answers.no_such_page())
        calendar = path["calendarId"]
        if not self._diaries.has(calendar):
            raise Refusal(calendar_error(404, "notFound", "Not Found", "global"))
        page = _page(self._events(calendar, query))
        made = self._paged(page, query) | self._head(calendar)
        return _selected(made, query["fields"][0]) if "fields" in query else made

    def _head(self, calendar: str) -> Doc:
        return {
            "kind": "calendar#events", "etag": '"p32"', "summary": calendar, "description": "", "timeZone": "UTC",
            "updated": self._google.clock.text(), "accessRole": self._diaries.access_role, "defaultReminders": [],
        }  # fmt: skip

    def _events(self, calendar: str, query: Query) -> list[Doc]:
        if "syncToken" in query and any(name in query for name in _NOT_WITH_SYNC_TOKEN):
            raise Refusal(calendar_error(400, "invalid", "Sync token cannot be used with other filters.", "global"))
        if "syncToken" in query:
            raise Refusal(answers.calendar_gone())
        since, until = _time(query, "timeMin"), _time(query, "timeMax")
        if since is not None and until is not None and since >= until:
            place = {"locationType": "parameter", "location": "timeMax"}
            message = "The specified time range is empty."
            raise Refusal(calendar_error(400, "timeRangeEmpty", message, **place))
        if _one(query, "singleEvents") != "true" and _one(query, "orderBy") == "startTime":
            message = "The requested ordering is not available for the particular query."
            raise Refusal(calendar_error(400, "badRequest", message, "global"))
        kinds, deleted_too = query.get("eventTypes", ()), _one(query, "showDeleted") == "true"
        found = [
            event
            for event in self._diaries.of(calendar).values()
            if is_within(event, since, until)
            and (not kinds or event.get("eventType", "default") in kinds)
            and (deleted_too or event["status"] != "cancelled")
        ]
        timed = [event for event in found if "start" in event]
        bare = [event for event in found if "start" not in event]
        return sorted(timed, key=lambda event: instant(event["start"])) + bare

    def _paged(self, events: list[Doc], query: Query) -> Doc:
        size = min(int(_one(query, "maxResults", "250")), 2500, self._diaries.page_size_max)
        at = int(_one(query, "pageToken", "0"))
        if self._diaries.empty_pages and at == 0 and "pageToken" not in query:
            self._diaries.empty_pages -= 1
            return {"items": [], "nextPageToken": "0"}
        made: Doc = {"items": events[at : at + size]}
        if at + size < len(events):
            made["nextPageToken"] = str(at + size)
        elif "orderBy" not in query and "timeMin" not in query:
            made["nextSyncToken"] = "calendar-sync"
        return made


def _page(events: list[Doc]) -> list[Doc]:
    return [dict(event) for event in events]


def _time(query: Query, name: str) -> datetime | None:
    if name not in query:
        return None
    try:
        found = datetime.fromisoformat(query[name][0])
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Refusal(calendar_error(400, "badRequest", "Bad Request", "global"))
    return found


def _one(query: Query, parameter: str, otherwise: str = "") -> str:
    return next(iter(query.get(parameter, [])), otherwise)


def _selected(body: Doc, fields: str) -> Doc:
    """Return the part of an answer that a `fields` parameter asks for."""
    tree = _tree(re.findall(r"[^,()]+|[,()]", fields))
    return {name: _pick(body[name], further) for name, further in tree.items() if name in body}


def _tree(marks: list[str]) -> Doc:
    """Read `a,b(c,d)` as nested names; consumes the marks of one level."""
    made: Doc = {}
    name = ""
    while marks:
        mark = marks.pop(0)
        if mark == "(":
            made[name] = _tree(marks)
        elif mark == ")":
            return made
        elif mark != ",":
            name = mark
            made[name] = {}
    return made


def _pick(value: Any, tree: Doc) -> Any:  # noqa: ANN401  # JSON of any kind
    if isinstance(value, list):
        return [_pick(each, tree) for each in value]  # pyright: ignore[reportUnknownVariableType]  # idem
    if not tree or not isinstance(value, dict):
        return value
    return {name: _pick(value[name], further) for name, further in tree.items() if name in value}
