"""Requests to Microsoft Graph: single ones, pages, and batches, each as the service bears it.

Theory of operation. A mailbox serves four requests at once and throttles the fifth, also within one batch. So what
mostly succeeds goes in *chains*: up to twenty items of which each waits for the one before, one at work at a time. An
item that fails takes those behind it along (424): they were not begun, and go into the next chain. What mostly fails
(a look whether something is really gone) goes four *side by side*, where nobody waits for anybody.

Throttled items (429) were not done and are sent again, after the longest wait that any of them names. An item whose
answer is an error of the server (5xx) may have been done: what reads is sent again, what writes is told apart.

Ids are immutable ones in every request and in every item, since a classic id changes with the folder.

Source: https://learn.microsoft.com/graph/json-batching, /throttling, /outlook-immutable-id, /errors.
"""

import json
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import uuid4

from connectors.errors import Misunderstood, SignInNeeded, TryLater
from connectors.http import Answer, Client, Request
from mappings.graph_json import Json, JsonObject
from mappings.record import AccountName

CHAIN_MAX = 20
SIDE_BY_SIDE_MAX = 4

ROUNDS_MAX = 5
"""How often a group of items is sent without one of them coming to an end."""

WAIT_S_MAX = 10.0
"""The longest wait that the service is granted within a run; beyond it the account is left alone."""

PAGES_MAX = 20_000

_IMMUTABLE = 'IdType="ImmutableId"'
_DEPENDENCY_FAILED = 424
_THROTTLED = 429
_NO_MAILBOX = frozenset({"mailboxnotenabledforrestapi", "mailboxnotsupportedforrestapi", "errorinvaliduser"})
_NOTHING: JsonObject = {}


class Access(Protocol):
    """What lets us in."""

    def token(self, *, anew: bool) -> str:
        """Return an access token; `anew` if the last one was refused. Errors: `SignInNeeded`, `TryLater`."""
        ...


@dataclass(frozen=True, slots=True)
class Item:
    """One request of a batch; `path` is below the version, its parts quoted."""

    method: str
    path: str
    body: JsonObject | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one request; `code` is the service's name for what is wrong, in small letters."""

    status: int
    code: str
    document: JsonObject
    retry_after_s: float | None

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status < 300

    @property
    def failed_there(self) -> bool:
        """Tell whether the service failed, so that nobody knows whether a write was done."""
        return self.status >= 500


class GraphClient:
    """Sends requests for one account."""

    def __init__(
        self, account: AccountName, base: str, http: Client, access: Access, wait: Callable[[float], None] = time.sleep
    ) -> None:
        self.account = account
        self._base = base.rstrip("/")
        self._http = http
        self._access = access
        self._wait = wait
        # Calendars of one account are read side by side; the mailbox bears four requests at once, a batch being some.
        self._one_at_a_time = threading.Lock()

    def get(self, url: str, *preferences: str) -> Reply:
        """Read; `url` is a path below the version, or a link of the service's own, which is used as it stands.

        Result: any answer but those that say to try later, or that the account does not let us in.
        Errors: `TryLater`, `SignInNeeded`, `Misunderstood`.
        """
        target = url if "://" in url else f"{self._base}{url}"
        headers = {"Prefer": ", ".join((_IMMUTABLE, *preferences)), "Accept": "application/json"}
        return self._checked(self._sent(self._http.ask, Request("GET", target, headers)))

    def pages(self, url: str, *preferences: str) -> Iterator[JsonObject]:
        """Yield a page and all that follow it, to the one without a further link.

        Errors: as `get`, `Misunderstood` also for a page that is an error or leads back; `LinkRefused` if the service
        no longer knows a link.
        """
        seen: set[str] = set()
        link = url
        for _ in range(PAGES_MAX):
            reply = self.get(link, *preferences)
            if not reply.succeeded:
                raise refused_page(reply, is_link="://" in link)
            yield reply.document
            following = reply.document.get("@odata.nextLink")
            if not isinstance(following, str) or not following:
                return
            if following in seen:
                raise Misunderstood("a page of Graph leads back to one before", "")
            seen.add(following)
            link = following
        raise Misunderstood(f"more than {PAGES_MAX} pages of Graph", "")

    def chain(self, items: Sequence[Item], *, reads: bool) -> Iterator[Reply]:
        """Carry out items one after the other, and yield their replies in order, as soon as they are known.

        Result: never 424 or 429; 5xx only for writes.
        Errors: as `get`. Items without a reply by then may have been done.
        """
        yield from self._batches(items, CHAIN_MAX, reads=reads)

    def side_by_side(self, items: Sequence[Item]) -> Iterator[Reply]:
        """Carry out reads, a few at a time; otherwise as `chain`."""
        yield from self._batches(items, SIDE_BY_SIDE_MAX, reads=True)

    def _batches(self, items: Sequence[Item], size: int, *, reads: bool) -> Iterator[Reply]:
        done: dict[int, Reply] = {}
        yielded = rounds = 0
        while yielded < len(items):
            group = [number for number in range(yielded, len(items)) if number not in done][:size]
            replies = self._batch({number: items[number] for number in group}, is_chain=size == CHAIN_MAX, reads=reads)
            final = {number: reply for number, reply in replies.items() if not _is_to_be_sent_again(reply, reads=reads)}
            done |= final
            while yielded in done:
                yield done.pop(yielded)
                yielded += 1
            rounds = 0 if final else rounds + 1
            if len(final) < len(replies):
                self._rest([*replies.values()], rounds)

    def _rest(self, replies: Collection[Reply], rounds: int) -> None:
        """Wait as long as the busiest of the items asks for, or grow patient where none says anything."""
        busy = [reply for reply in replies if reply.status == _THROTTLED or reply.failed_there]
        if not busy and not rounds:
            return
        asked_s = max((reply.retry_after_s or 0.0 for reply in busy), default=0.0)
        if asked_s > WAIT_S_MAX or rounds >= ROUNDS_MAX:
            raise TryLater("Microsoft is busy", asked_s or None)
        self._wait(max(asked_s, 0.5 * 2**rounds))

    def _batch(self, items: Mapping[int, Item], *, is_chain: bool, reads: bool) -> Mapping[int, Reply]:
        """Send one batch. Result: a reply for each item."""
        numbers = list(items)
        requests: list[Json] = [
            _item_json(number, items[number], after=numbers[place - 1] if is_chain and place else None)
            for place, number in enumerate(numbers)
        ]
        body = json.dumps({"requests": requests}, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        send = self._http.ask if reads else self._http.tell
        reply = self._checked(self._sent(send, Request("POST", f"{self._base}/$batch", headers, body)))
        if not reply.succeeded:
            raise Misunderstood(f"Graph refuses a batch: {reply.status} {reply.code}", "")
        replies = dict(_responses(reply.document))
        for each in replies.values():
            # That one contact may not be written says nothing of the others; they were read a moment ago.
            if reads or each.status != 403:
                self._check_let_in(each)
        missing = [number for number in numbers if str(number) not in replies]
        if missing:
            raise TryLater("Graph answered only a part of a batch", None)
        return {number: replies[str(number)] for number in numbers}

    def _sent(self, send: Callable[[Request], Answer], request: Request) -> Answer:
        with self._one_at_a_time:
            answer = self._authorized(send, request, anew=False)
            return answer if answer.status != 401 else self._authorized(send, request, anew=True)

    def _authorized(self, send: Callable[[Request], Answer], request: Request, *, anew: bool) -> Answer:
        headers = {
            **request.headers,
            "Authorization": f"Bearer {self._access.token(anew=anew)}",
            "client-request-id": str(uuid4()),
        }
        return send(Request(request.method, request.url, headers, request.body))

    def _checked(self, answer: Answer) -> Reply:
        document = _parsed(answer.body) if answer.body else _NOTHING
        if document is None:
            if answer.status < 300 or answer.status >= 500:
                raise TryLater("something answered in Microsoft's place that is not Graph", None)
            document = _NOTHING
        reply = Reply(answer.status, _code(document), document, _retry_after_s(answer.headers))
        self._check_let_in(reply)
        return reply

    def _check_let_in(self, reply: Reply) -> None:
        if reply.status == 401:
            raise SignInNeeded(self.account, "Microsoft no longer lets us in")
        if reply.code in _NO_MAILBOX:
            reason = "this account has no mailbox that Graph reaches (none is licensed, or it is kept on premises)"
            raise SignInNeeded(self.account, reason)
        if reply.status == 403 and reply.code != "errorquotaexceeded":
            reason = "Microsoft does not permit it: a permission is missing, or your organisation has taken it back"
            raise SignInNeeded(self.account, reason)


class LinkRefused(Misunderstood):
    """A link that the service gave is no longer known to it: begin a new round."""


def refused_page(reply: Reply, *, is_link: bool) -> Misunderstood:
    """Return what to raise for a page that is an error.

    A link is worn out in many words: 410, any status with a code of lost state, and a 400 for what it gave itself.
    """
    reason = f"Graph refuses a page: {reply.status} {reply.code}"
    lost = reply.status == 410 or "syncstate" in reply.code or "resync" in reply.code
    if lost or (is_link and reply.status == 400):
        return LinkRefused(reason, "")
    return Misunderstood(reason, "")


def _is_to_be_sent_again(reply: Reply, *, reads: bool) -> bool:
    return reply.status in {_DEPENDENCY_FAILED, _THROTTLED} or (reads and reply.failed_there)


def _item_json(number: int, item: Item, after: int | None) -> Json:
    headers: dict[str, Json] = {"Prefer": _IMMUTABLE, **item.headers}
    request: dict[str, Json] = {"id": str(number), "method": item.method, "url": item.path}
    if item.body is not None:
        headers["Content-Type"] = "application/json"
        request["body"] = dict(item.body)
    if after is not None:
        request["dependsOn"] = [str(after)]
    return {**request, "headers": headers}


def _responses(document: JsonObject) -> Iterator[tuple[str, Reply]]:
    responses = document.get("responses")
    for response in responses if isinstance(responses, list) else ():
        if not isinstance(response, dict):
            continue
        name, status = response.get("id"), response.get("status")
        if isinstance(name, str) and isinstance(status, int):
            body = _item_body(response.get("body"))
            yield name, Reply(status, _code(body), body, _retry_after_s(_headers(response.get("headers"))))


def _item_body(body: Json) -> JsonObject:
    """Return an item's body; one that is no JSON comes as text in base64, and may be JSON all the same."""
    if isinstance(body, dict):
        return body
    if isinstance(body, str):
        import base64  # noqa: PLC0415  # hardly ever

        try:
            return _parsed(base64.b64decode(body, validate=True)) or _NOTHING
        except ValueError:
            return _NOTHING
    return _NOTHING


def _headers(headers: Json) -> Mapping[str, str]:
    found = headers if isinstance(headers, dict) else {}
    return {name.casefold(): str(value) for name, value in found.items()}


def _parsed(body: bytes) -> JsonObject | None:
    """Return a JSON object, None for anything else; texts may hold raw control characters (observed by other clients)."""
    try:
        document: Json = json.loads(body.decode(), strict=False)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _code(document: JsonObject) -> str:
    error = document.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return code.casefold() if isinstance(code, str) else ""


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait, which the service also gives with decimals."""
    try:
        said = float(headers.get("retry-after", ""))
    except ValueError:
        return None
    return said if 0 <= said < 10**6 else None


def objects(document: JsonObject, name: str = "value") -> Sequence[JsonObject]:
    """Return a list's objects, those of a page if nothing else is said; what is none is left out."""
    values = document.get(name)
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def word(document: JsonObject, name: str) -> str:
    """Return a property's text, "" if it is none."""
    value = document.get(name)
    return value if isinstance(value, str) else ""
