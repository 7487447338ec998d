"""The calendars of one mailbox: views of a window, their feed, and the events by themselves."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from emulators.graph.clock import Clock
from emulators.graph.switches import Switches
from emulators.graph.wire import Ask, Document, Refusal, Reply

_STUB = ("id", "type", "start", "end", "seriesMasterId", "@odata.etag", "@odata.type")
_NEVER_SELECTED = {"createdDateTime", "lastModifiedDateTime"}
HIDDEN_START = "hidden start"
"""The instant at which an event of whole days really begins, which windows are compared with."""


@dataclass(frozen=True)
class Round:
    """What a link of a feed stands for."""

    calendar: str
    window: tuple[datetime, datetime] | None
    select: str
    position: int


def event_id(text: str) -> str:
    return "AAkALgE" + hashlib.sha256(text.encode()).hexdigest() + "="


class Calendars:
    """The store, with its owner's hands as its methods."""

    def __init__(self, clock: Clock, switches: Switches, origin: list[str]) -> None:
        self._clock = clock
        self._switches = switches
        self._origin = origin
        self.calendars: dict[str, Document] = {}
        self.events: dict[str, Document] = {}
        self._home: dict[str, str] = {}
        self._journal: list[tuple[str, str]] = []
        self._rounds: dict[str, Round] = {}
        self._made = 0
        self.default = self.add_calendar("Calendar", isDefaultCalendar=True)

    def add_calendar(self, name: str, **properties: Any) -> str:  # noqa: ANN401  # a calendar's
        calendar = event_id(f"calendar {name} {len(self.calendars)}")
        owner = {"name": "Me", "address": "me@example.test"}
        self.calendars[calendar] = {
            "id": calendar, "name": name, "canEdit": True, "isDefaultCalendar": False, "owner": owner, **properties,
        }  # fmt: skip
        return calendar

    def rename_id(self, calendar: str) -> str:
        """Give a calendar another id, as was seen to happen shortly after one was made."""
        renamed = event_id(f"renamed {calendar}")
        self.calendars[renamed] = {**self.calendars.pop(calendar), "id": renamed}
        self._home = {event: renamed if home == calendar else home for event, home in self._home.items()}
        self._journal = [(renamed if home == calendar else home, event) for home, event in self._journal]
        return renamed

    def add(self, start: datetime, end: datetime, calendar: str = "", **properties: Any) -> str:  # noqa: ANN401  # an event's
        """Add an event, without any check; return its id."""
        self._made += 1
        remote_id = event_id(f"event {self._made}")
        self.events[remote_id] = {
            "id": remote_id, "iCalUId": f"0400{self._made:04d}", "type": "singleInstance", "subject": "",
            "isAllDay": False, "isCancelled": False, "isDraft": False, "isOrganizer": False, "hideAttendees": False,
            "sensitivity": "normal", "showAs": "busy", "attendees": [], "seriesMasterId": None, "originalStart": None,
            "organizer": {"emailAddress": {"name": "Me", "address": "me@example.test"}},
            "responseStatus": {"response": "none", "time": "0001-01-01T00:00:00Z"},
            "start": _local(start), "end": _local(end), **properties,
        }  # fmt: skip
        self._home[remote_id] = calendar or self.default
        self._journal.append((self._home[remote_id], remote_id))
        return remote_id

    def add_day(self, first: str, last: str, offset_h: int = 0, **properties: Any) -> str:  # noqa: ANN401  # an event's
        """Add an event of whole days that was made so many hours east of UTC."""
        start, end = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (first, last))
        hidden = start - timedelta(hours=offset_h)
        remote_id = self.add(start, end, isAllDay=True, **properties)
        self.events[remote_id][HIDDEN_START] = hidden
        return remote_id

    def edit(self, remote_id: str, **properties: Any) -> None:  # noqa: ANN401  # an event's
        self.events[remote_id].update(properties)
        self._journal.append((self._home[remote_id], remote_id))

    def move(self, remote_id: str, start: datetime, end: datetime) -> None:
        self.edit(remote_id, start=_local(start), end=_local(end))

    def remove(self, remote_id: str) -> None:
        del self.events[remote_id]
        self._journal.append((self._home[remote_id], remote_id))

    def expire_links(self) -> None:
        self._rounds.clear()

    # The API.

    def listing(self, ask: Ask) -> Reply:
        if self._switches.calendars_list_fails:
            raise Refusal(500, "ErrorInternalServerError", "An internal server error occurred.")
        return _paged(self, ask, list(self.calendars.values()), self._switches.page_default)

    def calendar_id(self, named: str) -> str:
        if named not in self.calendars:
            raise Refusal(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        return named

    def view(self, ask: Ask, calendar: str) -> Reply:
        if _NEVER_SELECTED & {*ask.query.get("$select", "").split(",")}:
            raise Refusal(400, "ErrorInvalidProperty", "The property cannot be selected.")
        window = _window(ask)
        found = [one for one in self._of(calendar) if self._is_in(one, window)]
        if not self._switches.masters_in_view:
            found = [one for one in found if one["type"] != "seriesMaster"]
        return _paged(self, ask, [self.seen(one, ask) for one in found], self._switches.page_default)

    def feed(self, ask: Ask, calendar: str, *, in_window: bool) -> Reply:
        if "$top" in ask.query or "$expand" in ask.query:
            raise Refusal(400, "ErrorInvalidUrlQuery", "Parsing OData Select and Expand failed: Value cannot be null.")
        named = ask.query.get("$deltatoken")
        if named is None:
            window = _window(ask) if in_window else None
            round_ = Round(calendar, window, ask.query.get("$select", ""), 0)
            touched = list(dict.fromkeys(one for home, one in self._journal if home == calendar and one in self.events))
        elif named in self._rounds:
            round_ = self._rounds[named]
            since = self._journal[round_.position :]
            touched = list(dict.fromkeys(one for home, one in since if home == round_.calendar))
        else:
            raise Refusal(410, self._switches.error_code, "The sync state generation is not found.")
        rows = [row for one in touched if (row := self._row(one, ask, round_, is_first=named is None)) is not None]
        name = f"d{len(self._rounds)}"
        self._rounds[name] = Round(calendar, round_.window, round_.select, len(self._journal))
        path = "/".join(ask.path)
        return Reply(200, {"value": rows, "@odata.deltaLink": f"{self._origin[0]}/v1.0/{path}?$deltatoken={name}"})

    def seen(self, event: Document, ask: Ask) -> Document:
        zone = ask.prefer.get("outlook.timezone", "UTC")
        whole = {name: value for name, value in event.items() if name != HIDDEN_START}
        whole["changeKey"] = f"ck{self._journal.count((self._home[event['id']], event['id']))}"
        if not event["isAllDay"]:
            whole |= {name: _in_zone(event[name], zone) for name in ("start", "end")}
        select = ask.query.get("$select", "")
        if select:
            whole = {name: value for name, value in whole.items() if name in {"id", *select.split(",")}}
        return {"@odata.etag": f'W/"{event["id"][-6:]}"', **whole}

    def create(self, ask: Ask, calendar: str) -> Reply:
        some_time = datetime(2026, 1, 1, tzinfo=UTC)
        remote_id = self.add(some_time, some_time, calendar)
        self.edit(remote_id, **(ask.body or {}))
        return Reply(201, self.seen(self.events[remote_id], ask))

    def one(self, ask: Ask, remote_id: str) -> Reply:
        if remote_id not in self.events:
            raise Refusal(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        if ask.method == "DELETE":
            self.remove(remote_id)
            return Reply(204)
        if ask.method == "PATCH":
            self.edit(remote_id, **(ask.body or {}))
        return Reply(200, self.seen(self.events[remote_id], ask))

    def link(self, ask: Ask, skip: int) -> str:
        options = "&".join(f"{name}={value}" for name, value in {**ask.query, "$skip": str(skip)}.items())
        return f"{self._switches.links_elsewhere or self._origin[0]}/v1.0/{'/'.join(ask.path)}?{options.replace('+', '%2B')}"

    def _of(self, calendar: str) -> list[Document]:
        return [event for remote_id, event in self.events.items() if self._home[remote_id] == calendar]

    def _is_in(self, event: Document, window: tuple[datetime, datetime] | None) -> bool:
        if window is None:
            return True
        start, end = _instant(event["start"]), _instant(event["end"])
        hidden: datetime | None = event.get(HIDDEN_START)
        if start is None or end is None:
            return True
        if hidden is not None:
            start, end = hidden, hidden + (end - start)
        return start < window[1] and end > window[0]

    def _row(self, remote_id: str, ask: Ask, round_: Round, *, is_first: bool) -> Document | None:
        event = self.events.get(remote_id)
        if event is None or (not is_first and not self._is_in(event, round_.window)):
            return {"@odata.type": "#microsoft.graph.event", "id": remote_id, "@removed": {"reason": "deleted"}}
        if not self._is_in(event, round_.window):
            return None
        row = {"@odata.type": "#microsoft.graph.event", **self.seen(event, ask)}
        if event["type"] == "occurrence":
            return {name: value for name, value in row.items() if name in _STUB}
        return row


def _paged(store: Calendars, ask: Ask, found: list[Document], default: int) -> Reply:
    top, skip = int(ask.query.get("$top", default)), int(ask.query.get("$skip", "0"))
    if top > 1000:
        raise Refusal(400, "BadRequest", "The limit of '1000' for Top query has been exceeded.")
    body: Document = {"value": found[skip : skip + top]}
    if skip + top < len(found):
        body["@odata.nextLink"] = store.link(ask, skip + top)
    return Reply(200, body)


def _window(ask: Ask) -> tuple[datetime, datetime]:
    query = {name.casefold(): value for name, value in ask.query.items()}
    if not {"startdatetime", "enddatetime"} <= query.keys():
        raise Refusal(
            400,
            "ErrorInvalidParameter",
            "This request requires a time window specified by the query string parameters StartDateTime and EndDateTime.",
        )
    start, end = (datetime.fromisoformat(query[name].replace(" ", "+")) for name in ("startdatetime", "enddatetime"))
    return tuple(each if each.tzinfo else each.replace(tzinfo=UTC) for each in (start, end))  # type: ignore[return-value]


def _local(moment: datetime) -> Document:
    return {"dateTime": f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": "UTC"}


def _instant(stored: Document | None) -> datetime | None:
    if not stored or not stored.get("dateTime"):
        return None
    moment = datetime.fromisoformat(stored["dateTime"])
    zone = ZoneInfo(stored.get("timeZone") or "UTC")
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _in_zone(stored: Document, zone: str) -> Document:
    moment = _instant(stored)
    if moment is None:
        return stored
    return {"dateTime": f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": zone}
