"""Requests and answers as the emulator takes them apart: paths, options, `Prefer`, errors in the service's shape."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

Document = dict[str, Any]
"""A JSON object; the emulator is the service, and looks into everything."""


@dataclass(frozen=True)
class Ask:
    """One request, alone or within a batch; the names in `headers` are in small letters."""

    method: str
    path: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Document | None

    @property
    def prefer(self) -> Mapping[str, str]:
        """What the client prefers, by name in small letters."""
        return preferences(self.headers.get("prefer", ""))

    @property
    def immutable(self) -> bool:
        return self.prefer.get("idtype", "").casefold() == "immutableid"

    def route(self) -> str:
        """Return the path with ids blanked out, for counting."""
        return f"{self.method} /{'/'.join('*' if len(part) > 30 else part for part in self.path)}"


@dataclass
class Reply:
    """One answer; `dropped` is a connection that ends without one."""

    status: int
    body: Document | bytes | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    dropped: bool = False

    def content(self) -> bytes:
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class Refusal(Exception):
    """The service does not do it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.reply = failure(status, code, message)


def failure(status: int, code: str, message: str, **headers: str) -> Reply:
    """Return an error as https://learn.microsoft.com/graph/errors has it; its date lacks a zone."""
    inner = {"date": "2026-11-25T12:00:00", "request-id": "r", "client-request-id": "c"}
    error = {"code": code, "message": message, "innerError": inner}
    return Reply(status, {"error": error}, {name.replace("_", "-"): value for name, value in headers.items()})


def asked(
    method: str, url: str, headers: Mapping[str, str], body: Document | None, prefix: tuple[str, ...] = ()
) -> Ask:
    """Take a request apart; `url` is what stands on the request line, or beside an item of a batch."""
    parts = urlsplit(url)
    segments = [part for part in parts.path.split("/") if part]
    if tuple(segments[: len(prefix)]) == prefix:
        segments = segments[len(prefix) :]
    if any("%2f" in part.casefold() for part in segments):
        raise Refusal(400, "RequestBroker--ParseUri", "Resource not found for the segment.")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    small = {name.casefold(): value for name, value in headers.items()}
    return Ask(method, tuple(unquote(part) for part in segments), query, small, body)


def preferences(header: str) -> Mapping[str, str]:
    """Take a Prefer header apart (RFC 7240)."""
    found: dict[str, str] = {}
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        if name:
            found[name.casefold()] = value.strip('"')
    return found


Act = Callable[[], Reply]
Fault = Callable[[Ask, Act], Reply]
"""Stands in for one request: may answer by itself, or act and answer otherwise."""


def answers(status: int, code: str = "", message: str = "", **headers: str) -> Fault:
    """Answer so, and do nothing."""

    def fault(ask: Ask, act: Act) -> Reply:
        del ask, act
        return failure(status, code, message, **headers)

    return fault


def says(status: int, body: bytes, **headers: str) -> Fault:
    """Answer with bytes that are no error of the service's own shape."""

    def fault(ask: Ask, act: Act) -> Reply:
        del ask, act
        return Reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})

    return fault


def lost(ask: Ask, act: Act) -> Reply:
    """Do it, and end the connection without an answer."""
    del ask
    act()
    return Reply(0, dropped=True)


def unheard(ask: Ask, act: Act) -> Reply:
    """End the connection without doing it."""
    del ask, act
    return Reply(0, dropped=True)


def done_but_says(status: int, code: str = "UnknownError") -> Fault:
    """Do it, and answer with an error all the same."""

    def fault(ask: Ask, act: Act) -> Reply:
        del ask
        act()
        return failure(status, code, "")

    return fault
