"""One session with a WebDAV server: who we are there, and what its answers mean for whoever asked.

Source: RFC 4918, RFC 7617 and RFC 6750.
"""

import base64
import hashlib
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from connectors import http, multistatus, secrets
from connectors.errors import ConnectorError, Misunderstood, SignInNeeded
from connectors.http import PATIENCE, Answer, Patience, Request
from connectors.multistatus import DAV, Multistatus, document, element
from connectors.secrets import Source
from mappings.record import AccountName

CARD = "{urn:ietf:params:xml:ns:carddav}"
CAL = "{urn:ietf:params:xml:ns:caldav}"
CTAG = "{http://calendarserver.org/ns/}getctag"

ETAG = f"{DAV}getetag"
SYNC_TOKEN = f"{DAV}sync-token"
RESOURCE_TYPE = f"{DAV}resourcetype"

_HEADER = re.compile(r"[\x21-\x7e]+")

_KIN = {"icloud.com": ".icloud.com"}
"""Providers that keep accounts on several hosts: the end of the host that is configured, and of those that may follow.

Source: observed with iCloud, whose home sets are at `pNN-contacts.icloud.com`.
"""


class NotThere(ConnectorError):
    """Nothing is at this URL, or not what was looked for: look elsewhere."""


class NotOffered(ConnectorError):
    """The server does not do this: do without."""


class Forbidden(SignInNeeded):
    """The server knows us, but does not let us read this."""


@dataclass(frozen=True, slots=True)
class Login:
    """How to sign in: with a username and a password, with a token alone, or, without either, not at all."""

    username: str
    source: Source | None


class Session:
    """One account's connection to its server; calls are never concurrent."""

    def __init__(
        self,
        account: AccountName,
        url: str,
        login: Login,
        *,
        patience: Patience = PATIENCE,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        host = http.origin_of(url).host
        kin = next((end for owner, end in _KIN.items() if f".{host}".endswith(f".{owner}")), "")
        self.account = account
        self.url = url
        self.login = login
        self.client = http.Client(url, kin=kin, patience=patience, wait=wait)
        self._password: str | None = None
        self._asking = threading.Lock()

    @property
    def fingerprint(self) -> str:
        """Return what tells this account's server and user from others."""
        return hashlib.blake2b(f"{self.url}\n{self.login.username}".encode(), digest_size=8).hexdigest()

    def ask(self, method: str, url: str, body: bytes, depth: str) -> Answer:
        """Send what only reads. Errors: `SignInNeeded` and those of `Client.ask`."""
        headers = {"Depth": depth, "Content-Type": "application/xml; charset=utf-8"}
        return self._signed_in(lambda: self.client.ask(self._request(method, url, headers, body)))

    def get(self, url: str) -> Answer:
        """Read one resource. Errors: as `ask`."""
        return self._signed_in(lambda: self.client.ask(self._request("GET", url, {}, b"")))

    def tell(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Answer:
        """Send what writes. Errors: `SignInNeeded` and those of `Client.tell`."""
        return self._signed_in(lambda: self.client.tell(self._request(method, url, headers, body)))

    def propfind(self, url: str, depth: str, *names: str) -> tuple[str, Multistatus]:
        """Return properties, and the URL that answered in the end. Errors: `NotThere` and those of `checked`."""
        asked = element(f"{DAV}propfind", element(f"{DAV}prop", *(element(name) for name in names)))
        answer = self.ask("PROPFIND", url, document(asked), depth)
        return answer.url, self.checked(answer)

    def report(self, url: str, root: str, depth: str) -> Multistatus:
        """Return a report. Errors: `NotThere`, `NotOffered` and those of `checked`."""
        return self.checked(self.ask("REPORT", url, document(root), depth))

    def checked(self, answer: Answer) -> Multistatus:
        """Return what an answer lists.

        Errors: `NotThere`, `NotOffered`, `SignInNeeded`, `Misunderstood`, `TryLater`.
        """
        match answer.status:
            case 207:
                return multistatus.parse(answer)
            case 404 | 410 | 301 | 302 | 307 | 308:
                raise NotThere(f"{self.client.origin.host} has nothing there")
            case 403:
                raise Forbidden(self.account, f"{self._who} may not read it there", self._remedy)
            case 400 | 405 | 409 | 412 | 415 | 422 | 501:
                raise NotOffered(f"{self.client.origin.host} answered {answer.status}")
            case status:
                said = answer.body[:2000].decode("utf-8", errors="replace")
                raise Misunderstood(f"{self.client.origin.host} answered {status}, which is no list of resources", said)

    def _signed_in(self, send: Callable[[], Answer]) -> Answer:
        answer = send()
        if answer.status == 401 and self._has_new_password():
            answer = send()
        if answer.status == 401:
            raise SignInNeeded(self.account, f"{self.client.origin.host} does not let {self._who} in", self._remedy)
        return answer

    def _has_new_password(self) -> bool:
        """Look the password up again, once: it may have been changed since, and we may run for months."""
        with self._asking:
            before, self._password = self._password, None
        return self.login.source is not None and self._secret(self.login.source) != before

    def _request(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Request:
        return Request(method, url, {**self._authorization(), **headers}, body)

    def _authorization(self) -> dict[str, str]:
        if self.login.source is None:
            return {}
        secret = self._secret(self.login.source)
        if not self.login.username:
            if _HEADER.fullmatch(secret) is None:
                # A library would say what it does not like about it, and so what it is.
                raise SignInNeeded(self.account, "its token has characters that no token has", self._remedy)
            return {"Authorization": f"Bearer {secret}"}
        pair = base64.b64encode(f"{self.login.username}:{secret}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    def _secret(self, source: Source) -> str:
        # Whoever else needs it at the same time must not have its owner asked twice.
        with self._asking:
            if self._password is None:
                self._password = secrets.secret(self.account, source)
            return self._password

    @property
    def _who(self) -> str:
        if self.login.source is None:
            return "us"
        return f"{self.login.username} with this password" if self.login.username else "whoever has this token"

    @property
    def _remedy(self) -> str:
        if self.login.source is None:
            return f"give accounts.{self.account} a username and a password"
        return secrets.remedy(self.account, self.login.source)


def guard(etag: str) -> str | None:
    """Return an etag as a header has it (RFC 9110 section 8.8.3), None for one that no header can hold."""
    if _HEADER.fullmatch(etag) is None:
        return None
    return etag if etag.endswith('"') else f'"{etag}"'
