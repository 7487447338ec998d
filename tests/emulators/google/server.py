"""The emulator's HTTP server: routes, credentials, validation of both sides, faults, counters.

Everything runs in threads of the test's own process, so that a test has its hands in the world (`Google`) while the
program talks to it. Both APIs answer on one address, each below its own path.
"""

import json
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from emulators.google import answers, oauth_api
from emulators.google.answers import Answer, Refusal
from emulators.google.calendar_api import CalendarApi
from emulators.google.discovery import CALENDAR, PEOPLE, Api, Method
from emulators.google.people_api import MUTATES, PeopleApi
from emulators.google.world import Google, Silence, When

Doc = dict[str, Any]

_SCOPES = {
    "people": frozenset({"https://www.googleapis.com/auth/contacts"}),
    "calendar": frozenset(
        {
            "https://www.googleapis.com/auth/calendar.events.readonly",
            "https://www.googleapis.com/auth/calendar.readonly",
        }
    ),
}


class Server:
    """One running emulator; over TLS where there is a file with a certificate and its key."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.google = Google()
        self._scheme = "http" if certificate is None else "https"
        google = self.google

        class Handler(_Handler):
            world = google

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def base(self) -> str:
        """The address at which everything is."""
        return f"{self._scheme}://127.0.0.1:{self._http.server_port}"

    @property
    def endpoints(self) -> dict[str, str]:
        """What a configuration says to come here."""
        return {
            "people": self.base,
            "calendar": f"{self.base}/calendar/v3",
            "authorize": f"{self.base}/o/oauth2/v2/auth",
            "token": f"{self.base}/token",
        }

    @contextmanager
    def running(self) -> Generator["Server"]:
        self._thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._thread.join()
            self._http.server_close()


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    world: Google
    protocol_version = "HTTP/1.1"
    # A header and a body in packets of their own would each wait for the other side's acknowledgement.
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class calls it so
        pass

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = urlsplit(self.path)
        verb, query = self.command, parts.query
        if override := self.headers.get("x-http-method-override"):
            # google-api-python-client sends what is too long for a query as a form.
            verb, query, content = override, content.decode(), b""
        match parts.path:
            case "/o/oauth2/v2/auth":
                with self.world.lock:
                    self._answer("authorize", lambda: oauth_api.authorize(self.world, _flat(query)))
            case "/token":
                with self.world.lock:
                    authorization = self.headers.get("Authorization", "")
                    self._answer("token", lambda: oauth_api.token(self.world, _flat(content.decode()), authorization))
            case path:
                self._serve_api(verb, path, parse_qs(query, keep_blank_values=True), content)

    def _serve_api(self, verb: str, path: str, query: dict[str, list[str]], content: bytes) -> None:
        api = CALENDAR if path.startswith("/calendar/v3/") else PEOPLE
        found = api.method(verb, path)
        if found is None:
            self._send(answers.no_such_page())
            return
        method, placed = found
        name = method.id.rpartition(".")[2]
        self.world.mutates_at_once += name in MUTATES
        try:
            with self.world.lock:
                if name in MUTATES and self.world.mutates_at_once > 1:
                    self.world.violations.append(f"{method.id}: while another change of the same user was under way")
                self._answer(method.id, lambda: self._called(api, method, placed, query, content))
        finally:
            self.world.mutates_at_once -= name in MUTATES

    def _called(
        self, api: Api, method: Method, path: dict[str, str], query: dict[str, list[str]], content: bytes
    ) -> Answer:
        service = method.id.partition(".")[0]
        _, _, token = self.headers.get("Authorization", "").partition(" ")
        who = oauth_api.email_of(self.world, token)
        if who is None:
            return answers.unauthorized()
        if not _SCOPES[service] & set(who[1].split(" ")):
            return answers.scope_missing()
        try:
            body: Doc = json.loads(content) if content else {}
        except ValueError:
            return answers.error(400, "Invalid JSON payload received.", "INVALID_ARGUMENT")
        problems = [*api.problems_of_query(method, query), *api.problems_of_request(method, body)]
        if problems:
            self.world.violations.extend(problems)
            return answers.error(400, "; ".join(problems), "INVALID_ARGUMENT")
        account = self.world.accounts[who[0]]
        self.world.meddle(method.id)
        if service == "people":
            made = PeopleApi(self.world, account.book).call(method.id, path, query, body)
        else:
            made = CalendarApi(self.world, account.diaries).call(method.id, path, query)
        if not account.book.spoiled:
            self.world.violations.extend(f"answer of {problem}" for problem in api.problems_of_response(method, made))
        return Answer(200, made)

    def _answer(self, method: str, work: Any) -> None:  # noqa: ANN401  # a function that returns an Answer
        self.world.calls[method] += 1
        fault = self.world.next_fault(method)
        if fault is not None and fault.when is When.BEFORE:
            self._fail(fault.what, Answer(200, {}))
            return
        try:
            answer: Answer = work()
        except Refusal as refusal:
            answer = refusal.answer
        if fault is not None:
            self._fail(fault.what, answer)
        else:
            self._send(answer)

    def _fail(self, what: Answer | Silence, answer: Answer) -> None:
        match what:
            case Answer():
                self._send(what)
            case Silence.HANG_UP:
                self.close_connection = True
            case Silence.CUT_OFF:
                self._send(answer, cut=True)
            case Silence.NO_JSON:
                self._send(Answer(200, "<!DOCTYPE html>\n<title>Sorry</title>"))

    def _send(self, answer: Answer, *, cut: bool = False) -> None:
        content = answer.content
        self.send_response(answer.status)
        for name, value in {"Content-Type": answer.content_type, **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if cut:
            self.close_connection = True
            content = content[: len(content) // 2]
        self.wfile.write(content)


def _flat(form: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(form, keep_blank_values=True).items()}
