"""Real CardDAV and CalDAV servers on this machine, asked by hand, and a wire in front of them on which things happen."""

import base64
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote
from xml.sax.saxutils import unescape

READY_S_MAX = 60.0
TIMEOUT_S = 60.0

USERNAME, PASSWORD = "me", "correct: hörse"

_RADICALE = """\
[server]
hosts = 127.0.0.1:{port}
[auth]
type = htpasswd
htpasswd_filename = {root}/users
htpasswd_encryption = plain
delay = 0
[storage]
filesystem_folder = {root}/server
[logging]
level = warning
"""

_MAKE = {
    "contacts": '<mkcol xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"><set><prop><resourcetype><collection/>'
    "<c:addressbook/></resourcetype><displayname>{name}</displayname></prop></set></mkcol>",
    "calendars": '<mkcol xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><set><prop><resourcetype><collection/>'
    "<c:calendar/></resourcetype><displayname>{name}</displayname></prop></set></mkcol>",
}
_LISTING = '<propfind xmlns="DAV:"><prop><getetag/><resourcetype/></prop></propfind>'
_LISTED = re.compile(r"<(?:\w+:)?href>([^<]+\.(?:vcf|ics))</.*?getetag>([^<]+)<", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Said:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True, slots=True)
class Server:
    """A server; `home` is the path below which its user's collections are."""

    name: str
    port: int
    home: Mapping[str, str]
    timeout_s: float = TIMEOUT_S

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def ask(self, method: str, path: str, body: str | bytes = b"", **headers: str) -> Said:
        """Send one request and insist on nothing."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=self.timeout_s)
        sent = {"Authorization": _authorization(), "Content-Type": "text/xml; charset=utf-8"}
        sent |= {name.replace("_", "-"): text for name, text in headers.items()}
        content = body.encode() if isinstance(body, str) else body
        connection.request(method, quote(path, safe="/%"), content, sent)
        answer = connection.getresponse()
        said = Said(answer.status, {name.lower(): text for name, text in answer.getheaders()}, answer.read())
        connection.close()
        return said

    def make(self, kind: str, name: str, shown: str = "") -> str:
        """Make an address book (`contacts`) or a calendar (`calendars`), and return its path."""
        path = f"{self.home[kind]}{name}/"
        said = self.ask("MKCOL", path, _MAKE[kind].format(name=shown or name))
        assert said.status == 201, said
        return path

    def put(self, path: str, text: str) -> None:
        """Write a card or an event, whatever is there."""
        kind = "text/vcard" if path.endswith(".vcf") else "text/calendar"
        said = self.ask("PUT", path, text, Content_Type=f"{kind}; charset=utf-8")
        assert said.status in {200, 201, 204}, said

    def text(self, path: str) -> str:
        said = self.ask("GET", path)
        assert said.status == 200, said
        return said.text

    def delete(self, path: str) -> None:
        assert self.ask("DELETE", path).status in {200, 204}

    def etags(self, collection: str) -> dict[str, str]:
        """Return the etag of everything in a collection, by its path."""
        said = self.ask("PROPFIND", collection, _LISTING, Depth="1")
        assert said.status == 207, said
        return {unquote(path): unescape(etag) for path, etag in _LISTED.findall(said.text)}

    def texts(self, collection: str) -> dict[str, str]:
        """Return everything in a collection, by its path."""
        return {path: self.text(path) for path in self.etags(collection)}


def _authorization() -> str:
    return "Basic " + base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()


def ics(uid: str, start: datetime, *lines: str) -> str:
    """Return an event of an hour, as another program writes it."""
    return "\r\n".join(
        (
            *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Stranger//EN", "BEGIN:VEVENT", f"UID:{uid}"),
            *("DTSTAMP:20260101T000000Z", f"DTSTART:{start:%Y%m%dT%H%M%SZ}", "DURATION:PT1H", "SUMMARY:Tea"),
            *(*lines, "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ada@example.test", "END:VEVENT", "END:VCALENDAR", ""),
        )
    )


def free_port() -> int:
    """Return a port that nobody uses just now; these servers cannot choose one themselves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def radicale(program: Path, root: Path) -> Generator[Server]:
    """Run a Radicale with one user."""
    port, settings = free_port(), root / "radicale.conf"
    settings.write_text(_RADICALE.format(root=root, port=port))
    (root / "users").write_text(f"{USERNAME}:{PASSWORD}\n")
    home = {"contacts": "/me/", "calendars": "/me/"}
    with running([program, "--config", settings], root, Server("radicale", port, home)) as server:
        yield server


@contextmanager
def xandikos(program: Path, root: Path) -> Generator[Server]:
    """Run a xandikos, which lets everybody in."""
    port = free_port()
    words: list[str | Path] = [program, "serve", "-d", root / "server", "-l", "127.0.0.1", "-p", str(port)]
    words += ["--autocreate", "--defaults", "--current-user-principal", "/me/"]
    home = {"contacts": "/me/contacts/", "calendars": "/me/calendars/"}
    with running(words, root, Server("xandikos", port, home)) as server:
        yield server


@contextmanager
def running(words: list[str | Path], root: Path, server: Server) -> Generator[Server]:
    """Run a server until it is no longer needed; what it says goes to a file."""
    with (root / "said").open("wb") as said, subprocess.Popen(words, stdout=said, stderr=said) as process:
        try:
            give_up_at = time.monotonic() + READY_S_MAX
            while not _answers(server):
                assert process.poll() is None, (root / "said").read_text()
                assert time.monotonic() < give_up_at, (root / "said").read_text()
                time.sleep(0.05)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _answers(server: Server) -> bool:
    try:
        return server.ask("OPTIONS", "/").status < 500
    except (OSError, HTTPException):
        return False


@dataclass(frozen=True, slots=True)
class Passing:
    """A request on its way."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


Meddling = Callable[[Passing, Callable[[], Said]], Said | None]
"""Decides what becomes of a request: calls the second to have the server carry it out. None hangs up without a word."""


def undisturbed(passing: Passing, carry: Callable[[], Said]) -> Said:
    """Let a request through."""
    del passing
    return carry()


def always(said: Said) -> Meddling:
    """Let no request through, and answer each of them so."""

    def meddle(passing: Passing, carry: Callable[[], Said]) -> Said:
        del passing, carry
        return said

    return meddle


@dataclass(slots=True)
class Wire:
    """What stands between a client and its server, and remembers every request; `meddle` may be exchanged at any time."""

    port: int
    requests: list[Passing] = field(default_factory=list[Passing])
    meddle: Meddling = undisturbed

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def methods(self) -> list[str]:
        return [request.method for request in self.requests]

    @property
    def writes(self) -> list[tuple[str, str]]:
        reads = {"GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT"}
        return [(each.method, each.path) for each in self.requests if each.method not in reads]


_NOT_PASSED_ON = {"connection", "transfer-encoding", "content-length", "keep-alive", "date", "server"}


@contextmanager
def wired(answer: Callable[[Passing], Said]) -> Generator[Wire]:
    """Listen on a port of this machine, and answer as told."""
    wire = Wire(0)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            passing = Passing(
                self.command, self.path, {name.lower(): text for name, text in self.headers.items()}, body
            )
            wire.requests.append(passing)
            said = wire.meddle(passing, lambda: answer(passing))
            if said is None:
                self.close_connection = True
                return
            self.send_response_only(said.status)
            for name, text in said.headers.items():
                self.send_header(name, text)
            if "content-length" not in said.headers:
                self.send_header("Content-Length", str(len(said.body)))
            self.end_headers()
            self.wfile.write(said.body)
            # A length that was promised and not kept: the connection ends in the middle of the body.
            self.close_connection = int(said.headers.get("content-length", len(said.body))) != len(said.body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    wire.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield wire
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def wire_to(server: Server) -> Generator[Wire]:
    """Listen in front of a server."""

    def carry(passing: Passing) -> Said:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT_S)
        sent = {name: text for name, text in passing.headers.items() if name not in {"connection", "accept-encoding"}}
        connection.request(passing.method, passing.path, passing.body, sent)
        answer = connection.getresponse()
        headers = {name: text for name, text in answer.getheaders() if name.lower() not in _NOT_PASSED_ON}
        said = Said(answer.status, headers, answer.read())
        connection.close()
        return said

    with wired(carry) as wire:
        yield wire
