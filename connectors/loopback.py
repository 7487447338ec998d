"""The end of a sign-in: one request to this machine, by the browser in which the owner agreed.

The listener is bound to the loopback address, on a port that is free, and answers at one path. It takes one request
that is ours (the caller says which is, by a secret that only the sign-in page was told), and is then gone. Everything
else is turned away and waited on: another program's request must not end a sign-in. A request that names another host
comes from a page that was led here (DNS rebinding).

Source: RFC 8252 sections 7.3 and 8.3.
"""

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, urlsplit

from connectors.errors import SignInFailed

TIME_LIMIT_S = 300.0
"""How long a sign-in may take; whoever needs longer begins again."""

_LOOK_AGAIN_S = 0.2
_REQUEST_TAKES_S = 5.0
_FORM_BYTES_MAX = 64 * 1024
_PAGE = b"""<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>contactd</title>
<p>contactd has what it needs, or says in its terminal why not. You can close this page.</p></html>"""


class Listener:
    """Waits for the owner's browser."""

    def __init__(self, server: "_Server", redirect_uri: str) -> None:
        self._server = server
        self.redirect_uri = redirect_uri
        """Where the sign-in page is to send the browser in the end."""

    def query(self, is_ours: Callable[[Mapping[str, str]], bool], limit_s: float = TIME_LIMIT_S) -> Mapping[str, str]:
        """Return what the browser brings.

        Errors: `SignInFailed` if it does not come in time.
        """
        give_up_at = time.monotonic() + limit_s
        self._server.is_ours = is_ours
        while self._server.found is None:
            if time.monotonic() > give_up_at:
                raise SignInFailed(f"nobody signed in within {limit_s / 60:.0f} minutes; begin again")
            self._server.handle_request()
        return self._server.found


@contextmanager
def listening(path: str, host: str = "127.0.0.1") -> Generator[Listener]:
    """Listen at a path of this machine; `host` is what the redirect calls it, the address is the same."""
    server = _Server(path)
    try:
        yield Listener(server, f"http://{host}:{server.server_port}{path}")
    finally:
        server.server_close()


class _Server(HTTPServer):
    """Listens on a free port of the loopback address."""

    def __init__(self, path: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.timeout = _LOOK_AGAIN_S
        self.path = path
        self.found: Mapping[str, str] | None = None
        self.is_ours: Callable[[Mapping[str, str]], bool] = lambda query: False  # noqa: ARG005  # until somebody waits

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a browser that hung up."""


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    timeout = _REQUEST_TAKES_S
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]  # it is only ever given this one

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class calls it so
        """Say nothing: the request's line has the code in it."""

    def do_GET(self) -> None:
        self._take(urlsplit(self.path).query)

    def do_POST(self) -> None:
        """Take a form, by which the code is in no address (OAuth 2.0 Form Post Response Mode)."""
        said = self.headers.get("Content-Length", "")
        size_bytes = int(said) if said.isascii() and said.isdigit() else 0
        self._take(self.rfile.read(min(size_bytes, _FORM_BYTES_MAX)).decode(errors="replace"))

    def _take(self, text: str) -> None:
        parts = urlsplit(self.path)
        own = {f"{name}:{self.server.server_port}" for name in ("127.0.0.1", "localhost")}
        if self.headers.get("Host", "") not in own:
            self._answer(403, b"")
        elif parts.path != self.server.path:
            self._answer(404, b"")
        elif self.server.found is None and self.server.is_ours(query := dict(parse_qsl(text))):
            self.server.found = query
            self._answer(200, _PAGE)
        else:
            self._answer(400, b"")

    def _answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        # The address that the page was called by has the code in it, and must not travel on.
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(content)
