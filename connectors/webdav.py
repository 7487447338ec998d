"""What CardDAV and CalDAV share: one session with a server, and where on it the collections are.

Servers differ, and each way of differing that is lived with here has a test. Etags are taken from the properties of a
resource and not from the header of an answer, which proxies change.

Discovery begins at the URL that is configured: that may be a collection itself, a principal, a home or only a server.
What was found is remembered by the caller for as long as it can be reached.

Source: RFC 4918, RFC 5397, RFC 6764, RFC 6578, RFC 7617 and RFC 6750.
"""

import base64
import hashlib
import re
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urljoin, urlsplit

from connectors import http, multistatus, secrets
from connectors.errors import ConnectorError, Misunderstood, SignInNeeded, TryLater
from connectors.http import PATIENCE, Answer, Patience, Request, TooLarge
from connectors.multistatus import DAV, Multistatus, Property, Response, document, element, text
from connectors.secrets import Source
from mappings.record import AccountName

CARD = "{urn:ietf:params:xml:ns:carddav}"
CAL = "{urn:ietf:params:xml:ns:caldav}"
CTAG = "{http://calendarserver.org/ns/}getctag"

PAGES_MAX = 1_000
"""Answers of one listing that a server may cut it into."""

BATCH_MAX = 500
"""Resources asked for at once."""

_BATCH = 100
_BATCH_BYTES = 2 * 1024 * 1024
"""A batch that is answered with less may be twice as large next time."""

_KIN = {"icloud.com": ".icloud.com"}
"""Providers that keep accounts on several hosts: the end of the host that is configured, and of those that may follow.

Source: observed with iCloud, whose home sets are at `pNN-contacts.icloud.com`.
"""

_PRINCIPAL = f"{DAV}current-user-principal"
_TYPE = f"{DAV}resourcetype"
_NAME = f"{DAV}displayname"
_REPORTS = f"{DAV}supported-report-set"
_PRIVILEGES = f"{DAV}current-user-privilege-set"
_TOKEN = f"{DAV}sync-token"
ETAG = f"{DAV}getetag"

_WRITES = frozenset({f"{DAV}{name}" for name in ("all", "write", "write-content", "bind")})
_USUAL = ("default", "contacts", "card", "personal", "addressbook")
"""What providers call the address book that is there from the beginning."""


class NotThere(ConnectorError):
    """Nothing is at this URL, or not what was looked for: look elsewhere."""


class NotOffered(ConnectorError):
    """The server does not do this: do without."""


class Forbidden(SignInNeeded):
    """The server knows us, but does not let us read this."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What sort of collection is looked for: its resource type, its home set, the name of its well-known URL."""

    resource_type: str
    home_set: str
    well_known: str
    noun: str
    option: str


BOOK = Kind(f"{CARD}addressbook", f"{CARD}addressbook-home-set", "carddav", "address book", "contacts")
CALENDAR = Kind(f"{CAL}calendar", f"{CAL}calendar-home-set", "caldav", "calendar", "calendars")


@dataclass(frozen=True, slots=True)
class Login:
    """How to sign in: with a username and a password, with a token alone, or, without either, not at all."""

    username: str
    source: Source | None


@dataclass(frozen=True, slots=True)
class Collection:
    """An address book or a calendar; `url` ends in `/`, `syncs` tells whether it can say what changed since a token.

    `token` and `ctag` are how it was when it was found, "" if the server does not say.
    """

    url: str
    name: str
    syncs: bool
    token: str
    ctag: str
    writable: bool

    @property
    def path(self) -> str:
        return urlsplit(self.url).path


@dataclass(frozen=True, slots=True)
class Listing:
    """The etags of what is in a collection, and what is not there any more, by path; `token` is where it ends."""

    etags: dict[str, str]
    removed: frozenset[str]
    token: str


@dataclass(frozen=True, slots=True)
class Body:
    """What a resource holds, with its etag, "" if the server gives none."""

    etag: str
    text: str


@dataclass(frozen=True, slots=True)
class Unread:
    """A resource that is there, but whose body could not be had, and why."""

    reason: str


Found = Body | Unread | None
"""What became of asking for a resource; None is that it is not there."""


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


def collection_at(session: Session, kind: Kind, url: str) -> Collection:
    """Return the collection at a URL. Errors: `NotThere` if there is none of this kind, and those of `propfind`."""
    if not session.client.may_send_to(url):
        raise NotThere("not at the account's server")
    answered, found = session.propfind(url, "0", *_COLLECTION)
    for response in found.responses:
        if kind.resource_type in response.names(_TYPE):
            return _collection(response, answered)
    raise NotThere(f"no {kind.noun} is there")


def collections(session: Session, kind: Kind) -> tuple[Collection, ...]:
    """Return all collections of a kind that the account has.

    Errors: `NotThere` if the server does not say where they would be, and those of `propfind`.
    """
    for home in _homes(session, kind):
        if isinstance(home, Collection):
            return (home,)
        answered, found = session.propfind(home, "1", *_COLLECTION)
        folder = _folder(multistatus.path_of(urlsplit(answered).path, answered))
        inside = [each for each in found.responses if each.path.startswith(folder)]
        fitting = [each for each in inside if kind.resource_type in each.names(_TYPE)]
        if fitting:
            return tuple(_collection(each, answered) for each in fitting)
    raise NotThere(f"{session.client.origin.host} does not say where a {kind.noun} is")


def chosen(session: Session, kind: Kind, wanted: str) -> Collection:
    """Return the collection that the owner means: by URL, by name, or, for "", the only or usual one.

    Errors: `TryLater` with what to do, where it is not to be found now; those of `propfind`.
    """
    place = f"accounts.{session.account}.{kind.option}"
    try:
        if is_address(wanted):
            return collection_at(session, kind, _folder(urljoin(session.url, wanted)))
        there = collections(session, kind)
    except (NotThere, NotOffered) as error:
        raise TryLater(f"no {kind.noun} was found ({error}): correct accounts.{session.account}.url", None) from error
    fitting = list(_named(there, wanted) if wanted else _usual(there))
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(sorted(f'"{each.name}"' for each in there))
    what = f"no {kind.noun} is called so" if wanted and not fitting else f"there are several {kind.noun}s"
    raise TryLater(f"{what}: set {place} to one of {names}, or to a URL", None)


def is_address(wanted: str) -> bool:
    """Tell whether a collection is given by its URL, or by the path of one."""
    return wanted.startswith(("/", "https://", "http://"))


def changed_since(session: Session, collection: Collection, token: str) -> Listing:
    """Return what changed since a token, everything for "" (RFC 6578).

    It is never asked for in parts: one server forgets changes then. A server may cut its answer by itself, and says so
    by a status of 507 for the collection.
    Errors: those of `report`.
    """
    etags: dict[str, str] = {}
    removed: set[str] = set()
    for _ in range(PAGES_MAX):
        asked = (element(f"{DAV}sync-token", text(token)), element(f"{DAV}sync-level", "1"), _LISTED)
        page = session.report(collection.url, element(f"{DAV}sync-collection", *asked), "0")
        for response in _items(page, collection):
            if response.status == 404:
                removed.add(response.path)
                etags.pop(response.path, None)
            else:
                etags[response.path] = response.text(ETAG)
                removed.discard(response.path)
        is_cut = any(each.path == collection.path and each.status == 507 for each in page.responses)
        if not page.sync_token or (is_cut and page.sync_token == token):
            raise Misunderstood("the answer does not say how far it goes", "")
        token = page.sync_token
        if not is_cut:
            return Listing(etags, frozenset(removed), token)
    raise Misunderstood(f"the answer has more than {PAGES_MAX} parts", "")


def listed(session: Session, collection: Collection) -> Listing:
    """Return the etags of everything in a collection, without a token. Errors: those of `propfind`."""
    _, found = session.propfind(collection.url, "1", ETAG, _TYPE)
    return Listing({each.path: each.text(ETAG) for each in _items(found, collection)}, frozenset(), "")


def queried(session: Session, collection: Collection, query: str) -> tuple[Response, ...]:
    """Return the resources that a query finds. Errors: those of `report`."""
    return tuple(_items(session.report(collection.url, query, "1"), collection))


def bodies(
    session: Session, collection: Collection, multiget: str, data: str, paths: Sequence[str]
) -> Iterator[tuple[str, Found]]:
    """Yield what each of these resources holds, in order; they are asked for in batches that fit into an answer.

    Shapes: `multiget` is the name of the report, `data` of the property with the body.
    Errors: those of `report`.
    """
    size, done = _BATCH, 0
    while done < len(paths):
        batch = paths[done : done + size]
        try:
            found, size_bytes = _batch(session, collection, multiget, data, batch)
        except TooLarge as error:
            if size == 1:
                yield batch[0], Unread(str(error))
                done += 1
            size = max(size // 2, 1)
            continue
        for path in batch:
            yield path, found[path] if path in found else _alone(session, collection, path)
        done += len(batch)
        if size_bytes < _BATCH_BYTES:
            size = min(size * 2, BATCH_MAX)


def _batch(
    session: Session, collection: Collection, multiget: str, data: str, paths: Sequence[str]
) -> tuple[dict[str, Found], int]:
    """Ask for bodies; what the answer does not mention, or has no body for, is not in the result."""
    hrefs = (element(f"{DAV}href", text(path)) for path in paths)
    asked = element(multiget, element(f"{DAV}prop", element(ETAG), element(data)), *hrefs)
    answer = session.ask("REPORT", collection.url, document(asked), "0")
    try:
        listing = session.checked(answer)
    except NotThere as error:
        raise TryLater(f"the collection is not there any more ({error})", None) from error
    except NotOffered:
        return {}, 0
    found: dict[str, Found] = {}
    for response in listing.responses:
        if data in response.properties:
            found[response.path] = Body(response.text(ETAG), response.text(data))
        elif response.status in {404, 410}:
            found[response.path] = None
    return found, len(answer.body)


def _alone(session: Session, collection: Collection, path: str) -> Found:
    """Ask for one body by itself, where a report left it out."""
    try:
        answer = session.get(urljoin(collection.url, path))
    except TooLarge as error:
        return Unread(str(error))
    if answer.status in {404, 410}:
        return None
    if answer.status != 200:
        return Unread(f"{session.client.origin.host} answered {answer.status}")
    try:
        return Body(answer.headers.get("etag", ""), answer.body.decode("utf-8"))
    except UnicodeDecodeError:
        return Unread("not UTF-8")


_LISTED = element(f"{DAV}prop", element(ETAG), element(_TYPE))
_COLLECTION = (_TYPE, _NAME, _REPORTS, _TOKEN, _PRIVILEGES, CTAG)


def _items(found: Multistatus, collection: Collection) -> Iterator[Response]:
    """Yield the resources of a collection; it itself, and collections in it, are none.

    Errors: `Misunderstood` for one that is not in the collection.
    """
    for response in found.responses:
        if response.path.rstrip("/") == collection.path.rstrip("/"):
            continue
        if not multistatus.is_child(response.path, collection.path):
            raise Misunderstood("the answer names a resource outside of the collection", "")
        if not response.path.endswith("/") and f"{DAV}collection" not in response.names(_TYPE):
            yield response


def _homes(session: Session, kind: Kind) -> Iterator[str | Collection]:
    """Yield where the collections may be, the likeliest first."""
    asked = (_PRINCIPAL, kind.home_set, *_COLLECTION)
    root, well_known = (urljoin(session.url, path) for path in ("/", f"/.well-known/{kind.well_known}"))
    seen: set[str] = set()
    for url in dict.fromkeys((session.url, well_known, root)):
        try:
            answered, found = session.propfind(url, "0", *asked)
        except (NotThere, NotOffered, Forbidden):
            continue
        for response in found.responses:
            if kind.resource_type in response.names(_TYPE):
                yield _collection(response, answered)
            for home in _homes_of(session, kind, response, answered):
                if home not in seen:
                    seen.add(home)
                    yield home


def _homes_of(session: Session, kind: Kind, response: Response, url: str) -> Iterator[str]:
    yield from _hrefs(response.properties.get(kind.home_set), url)
    for principal in _hrefs(response.properties.get(_PRINCIPAL), url):
        answered, found = session.propfind(principal, "0", kind.home_set)
        for each in found.responses:
            yield from _hrefs(each.properties.get(kind.home_set), answered)


def _hrefs(found: Property | None, url: str) -> Iterator[str]:
    for href in found.hrefs if found is not None else ():
        yield _folder(urljoin(url, href))


def _folder(url: str) -> str:
    return url if url.endswith("/") else f"{url}/"


def _collection(response: Response, url: str) -> Collection:
    reports = response.names(_REPORTS)
    privileges = response.names(_PRIVILEGES)
    return Collection(
        url=_folder(urljoin(url, response.path)),
        name=response.text(_NAME).strip() or _segment(response.path),
        syncs=f"{DAV}sync-collection" in reports if reports else bool(response.text(_TOKEN)),
        token=response.text(_TOKEN).strip(),
        ctag=response.text(CTAG).strip(),
        writable=not privileges or not privileges.isdisjoint(_WRITES),
    )


def _segment(path: str) -> str:
    return unquote(path.rstrip("/").rpartition("/")[2])


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip().casefold()


def _named(there: Sequence[Collection], wanted: str) -> Iterator[Collection]:
    """Yield the collections of this name; one that has it to the letter is meant before those that nearly have it."""
    exact = [each for each in there if each.name == wanted]
    near = [each for each in there if _key(wanted) in {_key(each.name), _key(_segment(each.path))}]
    yield from exact if len(exact) == 1 else near


def _usual(there: Sequence[Collection]) -> Iterator[Collection]:
    """Yield the only collection that can be written, or the one that is there from the beginning."""
    writable = [each for each in there if each.writable]
    if len(writable) <= 1:
        yield from writable or there
        return
    ranks = {name: rank for rank, name in enumerate(_USUAL)}
    known = [each for each in writable if _key(_segment(each.path)) in ranks or _key(each.name) in ranks]
    yield from known if len(known) == 1 else writable


_ETAG_HEADER = re.compile(r"[\x21-\x7e]+")


def guard(etag: str) -> str | None:
    """Return an etag as a header has it (RFC 9110 section 8.8.3), None for one that no header can hold."""
    if _ETAG_HEADER.fullmatch(etag) is None:
        return None
    return etag if etag.endswith('"') else f'"{etag}"'
