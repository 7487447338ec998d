"""Microsoft Graph v1.0 for one mailbox, as far as contacts and calendars go: routes, batches, limits and faults.

It follows what is documented, what users and other clients report, and, where nobody knows, a switch.
"""

import base64
import json
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from emulators.graph.calendars import Calendars
from emulators.graph.clock import Clock
from emulators.graph.contacts import DEFAULT, Contacts
from emulators.graph.switches import Switches
from emulators.graph.wire import Ask, Document, Fault, Refusal, Reply, asked, failure

IN_FLIGHT_MAX = 4
BATCH_MAX = 20
LIMIT, LIMIT_S = 10_000, 600

Validate = Callable[[str, Document], None]
"""Judges a body by the name of its type in the published schema; raises if it does not fit."""


@dataclass
class Counters:
    """What was asked so far. `requests` are those on the wire, `items` those of batches besides."""

    requests: int = 0
    items: int = 0
    in_flight_max: int = 0
    routes: Counter[str] = field(default_factory=Counter[str])
    writes: int = 0

    def clear(self) -> None:
        self.requests = self.items = self.in_flight_max = self.writes = 0
        self.routes.clear()


@dataclass
class _Planned:
    fault: Fault
    on: Callable[[Ask], bool]
    times: int


class Service:
    """One mailbox at Graph. `origin` is where it is reached, known once a server serves it."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.switches = Switches()
        self.origin = ["http://127.0.0.1"]
        self.contacts = Contacts(self.clock, self.switches, self.origin)
        self.calendars = Calendars(self.clock, self.switches, self.origin)
        self.counters = Counters()
        self.scopes_of: dict[str, frozenset[str]] = {"t": frozenset({"Contacts.ReadWrite", "Calendars.ReadWrite"})}
        """The access tokens that let in, and what each is good for; their text says nothing."""
        self.violations: list[str] = []
        self.validate: Validate | None = None
        self.has_mailbox = True
        self.limit = 10**9
        self._recent: deque[Any] = deque()
        self._planned: list[_Planned] = []
        self._lock = threading.RLock()
        self._in_flight = 0

    def plan(self, fault: Fault, on: Callable[[Ask], bool] = lambda _: True, *, times: int = 1) -> None:
        """Let the next requests of a kind, alone or within a batch, run into a fault."""
        self._planned.append(_Planned(fault, on, times))

    def forget_faults(self) -> None:
        """Let nothing more go wrong."""
        self._planned.clear()

    def serve(self, method: str, url: str, headers: dict[str, str], content: bytes) -> Reply:
        """Answer one request of the wire."""
        reply = self._served(method, url, headers, content)
        sent = {name.casefold(): value for name, value in headers.items()}
        reply.headers |= {"request-id": "r-1", "client-request-id": sent.get("client-request-id", "")}
        reply.headers["Date"] = f"{self.clock.now:%a, %d %b %Y %H:%M:%S GMT}"
        if 'idtype="immutableid"' in sent.get("prefer", "").casefold():
            reply.headers["Preference-Applied"] = 'IdType="ImmutableId"'
        return reply

    def _served(self, method: str, url: str, headers: dict[str, str], content: bytes) -> Reply:
        try:
            body: Document | None = json.loads(content) if content else None
            ask = asked(method, url, headers, body, ("v1.0",))
            self._let_in(ask)
        except Refusal as refusal:
            return refusal.reply
        except ValueError:
            return failure(400, "BadRequest", "Unable to read JSON request payload.")
        width = self._width(ask)
        with self._lock:
            self._in_flight += width
            self.counters.requests += 1
            self.counters.in_flight_max = max(self.counters.in_flight_max, self._in_flight)
            crowded = self._in_flight > IN_FLIGHT_MAX and ask.path != ("$batch",)
        try:
            if crowded:
                return failure(429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.")
            return self._done(ask)
        finally:
            with self._lock:
                self._in_flight -= width

    def _done(self, ask: Ask) -> Reply:
        """Do one request, unless a fault stands in for it."""
        with self._lock:
            self.counters.routes[ask.route()] += 1
            if ask.path != ("$batch",) and self._is_over_limit():
                return failure(429, "TooManyRequests", "Please retry again later.", Retry_After="10")
            planned = next((one for one in self._planned if one.on(ask)), None)
            if planned is None:
                return self._judged(ask)
            planned.times -= 1
            if planned.times <= 0:
                self._planned.remove(planned)
            return planned.fault(ask, lambda: self._judged(ask))

    def _judged(self, ask: Ask) -> Reply:
        try:
            self._check_request(ask)
            self.counters.writes += ask.method in {"POST", "PATCH", "DELETE"} and ask.path != ("$batch",)
            reply = self._batch(ask) if ask.path == ("$batch",) else self._routed(ask)
        except Refusal as refusal:
            reply = refusal.reply
        self._check_answer(ask, reply)
        return reply

    def _is_over_limit(self) -> bool:
        now = self.clock.now.timestamp()
        while self._recent and self._recent[0] <= now - LIMIT_S:
            self._recent.popleft()
        self._recent.append(now)
        return len(self._recent) > self.limit

    def _let_in(self, ask: Ask) -> None:
        kind, _, token = ask.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or token not in self.scopes_of:
            raise Refusal(401, "InvalidAuthenticationToken", "Access token has expired or is not yet valid.")
        wanted = "Calendars" if {"calendar", "calendars", "calendarView", "events"} & {*ask.path} else "Contacts"
        if ask.path != ("$batch",) and not any(scope.startswith(wanted) for scope in self.scopes_of[token]):
            raise Refusal(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        if not self.has_mailbox:
            raise Refusal(
                404, "MailboxNotEnabledForRESTAPI", "The mailbox is either inactive, soft-deleted, or on-premise."
            )

    def _width(self, ask: Ask) -> int:
        """Return how many requests of the mailbox this one is at once."""
        if ask.path != ("$batch",):
            return 1
        items = (ask.body or {}).get("requests", ())
        return max(1, min(sum(not item.get("dependsOn") for item in items), IN_FLIGHT_MAX + 1))

    def _batch(self, ask: Ask) -> Reply:
        items: list[Document] = (ask.body or {}).get("requests", [])
        ids = [str(item.get("id", "")).casefold() for item in items]
        if not items or len(items) > BATCH_MAX or len({*ids}) != len(ids):
            raise Refusal(400, "BadRequest", "Invalid batch payload format.")
        replies: dict[str, Reply] = {}
        free = [item["id"] for item in items if not item.get("dependsOn")]
        for item in items:
            self.counters.items += 1
            if any(replies[each].status >= 400 for each in item.get("dependsOn", ())):
                replies[item["id"]] = failure(424, "FailedDependency", "")
            elif self.switches.batch_overload and item["id"] in free[IN_FLIGHT_MAX:]:
                replies[item["id"]] = failure(
                    429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.", Retry_After="1"
                )
            else:
                replies[item["id"]] = self._item(item, ask)
        responses = [self._response(name, reply) for name, reply in replies.items()]
        if self.switches.shuffles_batches:
            responses = responses[1::2] + responses[::2]
        return Reply(200, {"responses": responses})

    def _item(self, item: Document, batch: Ask) -> Reply:
        headers = {"authorization": batch.headers["authorization"], **item.get("headers", {})}
        try:
            ask = asked(item["method"], "/" + item["url"].lstrip("/"), headers, item.get("body"))
            self._let_in(ask)
            _check_item(ask)
        except Refusal as refusal:
            return refusal.reply
        reply = self._done(ask)
        # Within a batch a lost connection is an error of the one item.
        return failure(504, "UnknownError", "") if reply.dropped else reply

    def _response(self, name: str, reply: Reply) -> Document:
        response: Document = {"id": name, "status": reply.status, "headers": reply.headers}
        if isinstance(reply.body, bytes):
            response["body"] = base64.b64encode(reply.body).decode()
        elif reply.body is not None:
            encoded = base64.b64encode(json.dumps(reply.body).encode()).decode()
            response["body"] = encoded if self.switches.base64_bodies else reply.body
        return response

    def _routed(self, ask: Ask) -> Reply:
        match ask.path:
            case ("me", "contacts" | "contactFolders", *_):
                return self._contacts(ask)
            case ("me", "calendar" | "calendars" | "calendarView" | "events", *_):
                return self._calendars(ask)
            case ("me",):
                return Reply(200, {"id": "me", "mail": "me@example.test", "userPrincipalName": "me@example.test"})
            case _:
                raise Refusal(400, "BadRequest", "Resource not found for the segment.")

    def _contacts(self, ask: Ask) -> Reply:  # noqa: C901, PLR0912  # one line for each route
        book = self.contacts
        match ask.method, ask.path[1:]:
            case "GET", ("contactFolders",):
                top = int(ask.query.get("$top", self.switches.page_default))
                return Reply(200, {"value": [*book.folders.values()][:top]})
            case "GET", ("contactFolders", folder):
                return Reply(200, book.folder_answer(folder))
            case "GET", ("contactFolders", folder, "childFolders"):
                parent = book.folder_id(folder)
                return Reply(200, {"value": [one for one in book.folders.values() if one["parentFolderId"] == parent]})
            case "GET", ("contacts",):
                return book.listing(ask, DEFAULT)
            case "GET", ("contacts", "delta"):
                return book.delta(ask, DEFAULT)
            case "GET", ("contactFolders", folder, "contacts"):
                return book.listing(ask, book.folder_id(folder))
            case "GET", ("contactFolders", folder, "contacts", "delta"):
                return book.delta(ask, book.folder_id(folder))
            case "POST", ("contacts",):
                return book.create(ask, DEFAULT)
            case "POST", ("contactFolders", folder, "contacts"):
                return book.create(ask, book.folder_id(folder))
            case "GET", ("contacts", remote_id):
                return Reply(200, book.seen(book.find(remote_id), ask))
            case "PATCH", ("contacts", remote_id):
                return book.update(ask, remote_id)
            case "DELETE", ("contacts", remote_id):
                return book.delete(ask, remote_id)
            case "GET", ("contacts", remote_id, "photo", "$value"):
                book.find(remote_id)
                raise Refusal(404, "ImageNotFound", "The photo was not found.")
            case _:
                raise Refusal(400, "ErrorInvalidRequest", "The OData request is not supported.")

    def _calendars(self, ask: Ask) -> Reply:
        diary = self.calendars
        match ask.method, ask.path[1:]:
            case "GET", ("calendars",):
                return diary.listing(ask)
            case "GET", ("calendar",):
                return Reply(200, diary.calendars[diary.default])
            case "GET", ("calendarView",):
                return diary.view(ask, diary.default)
            case "GET", ("calendarView", "delta"):
                return diary.feed(ask, diary.default, in_window=True)
            case "GET", ("calendars", calendar, "calendarView"):
                return diary.view(ask, diary.calendar_id(calendar))
            case "GET", ("calendars", calendar, "calendarView", "delta"):
                return diary.feed(ask, diary.calendar_id(calendar), in_window=True)
            case "GET", ("calendars", calendar, "events", "delta"):
                return diary.feed(ask, diary.calendar_id(calendar), in_window=False)
            case "POST", ("calendars", calendar, "events"):
                return diary.create(ask, diary.calendar_id(calendar))
            case _, ("events", remote_id):
                return diary.one(ask, remote_id)
            case _:
                raise Refusal(400, "ErrorInvalidRequest", "The OData request is not supported.")

    def _check_request(self, ask: Ask) -> None:
        if ask.path == ("$batch",):
            self._check("batchRequest", ask.body or {}, "request")
        elif ask.body is not None and ask.path[:2] == ("me", "contacts"):
            self._check("contact", {"id": "", **ask.body}, "request")

    def _check_answer(self, ask: Ask, reply: Reply) -> None:
        if not isinstance(reply.body, dict):
            return
        if reply.status >= 400:
            self._check("odataError", reply.body, "answer")
        elif ask.path == ("$batch",):
            self._check("batchResponse", reply.body, "answer")
        elif reply.body.get("value", ()) is not None and (name := _type_of_answer(ask)):
            self._check(name, reply.body, "answer")

    def _check(self, name: str, body: Document, what: str) -> None:
        if self.validate is not None:
            try:
                self.validate(name, body)
            except Exception as error:  # noqa: BLE001  # whatever a judge says is written down; the client must not notice
                self.violations.append(f"{what} {name}: {str(error).splitlines()[0][:300]}")


def _check_item(ask: Ask) -> None:
    if ask.path == ("$batch",):
        raise Refusal(400, "BadRequest", "A batch within a batch.")
    if ask.body is not None and "content-type" not in ask.headers:
        raise Refusal(400, "BadRequest", "Write request bodies need a Content-Type header.")


def _type_of_answer(ask: Ask) -> str:
    """Return the name that the published schema has for what such a request is answered with, "" for none."""
    match ask.path:
        case (*_, "calendarView" | "events", "delta"):
            return "eventDeltaPage"
        case (*_, "contacts", "delta"):
            return "contactDeltaPage"
        case ("me", "contacts") | ("me", "contactFolders", _, "contacts"):
            return "contactCollection" if ask.method == "GET" else "contact"
        case ("me", "contacts", _):
            return "contact"
        case ("me", "contactFolders"):
            return "contactFolderCollection"
        case (*_, "calendarView"):
            return "eventCollection"
        case ("me", "calendars"):
            return "calendarCollection"
        case ("me", "events", _):
            return "event"
        case _:
            return ""
