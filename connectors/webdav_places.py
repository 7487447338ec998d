"""Where on a server the collections are, and which of them the owner means.

It begins at the URL that is configured: that may be a collection itself, a principal, a home or only a server. What
was found is remembered by the caller for as long as it can be reached.

Source: RFC 4918, RFC 5397, RFC 6352 section 7, RFC 4791 section 6.2 and RFC 6764.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urljoin, urlsplit

from connectors import multistatus
from connectors.errors import Misunderstood, TryLater
from connectors.multistatus import DAV, Property, Response
from connectors.webdav import CAL, CARD, CTAG, RESOURCE_TYPE, SYNC_TOKEN, Forbidden, NotOffered, NotThere, Session

_PRINCIPAL = f"{DAV}current-user-principal"
_NAME = f"{DAV}displayname"
_REPORTS = f"{DAV}supported-report-set"
_PRIVILEGES = f"{DAV}current-user-privilege-set"

_WRITES = frozenset({f"{DAV}{name}" for name in ("all", "write", "write-content", "bind")})
_USUAL = ("default", "contacts", "card", "personal", "addressbook")
"""What providers call the address book that is there from the beginning."""


NAME_LENGTH_MAX = 200
"""Names are shown to the owner."""


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


def collection_at(session: Session, kind: Kind, url: str) -> Collection:
    """Return the collection at a URL. Errors: `NotThere` if there is none of this kind, and those of `propfind`."""
    if not session.client.may_send_to(url):
        raise NotThere("not at the account's server")
    answered, found = session.propfind(url, "0", *_COLLECTION)
    for response in found.responses:
        if kind.resource_type in response.names(RESOURCE_TYPE):
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
        fitting = [each for each in inside if kind.resource_type in each.names(RESOURCE_TYPE)]
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


_COLLECTION = (RESOURCE_TYPE, _NAME, _REPORTS, SYNC_TOKEN, _PRIVILEGES, CTAG)


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
            if kind.resource_type in response.names(RESOURCE_TYPE):
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
        try:
            yield _folder(urljoin(url, href))
        except ValueError as error:
            raise Misunderstood("the answer names a place that has no address", "") from error


def _folder(url: str) -> str:
    return url if url.endswith("/") else f"{url}/"


def _collection(response: Response, url: str) -> Collection:
    reports = response.names(_REPORTS)
    privileges = response.names(_PRIVILEGES)
    return Collection(
        url=_folder(urljoin(url, response.path)),
        name=response.text(_NAME).strip()[:NAME_LENGTH_MAX] or _segment(response.path),
        syncs=f"{DAV}sync-collection" in reports if reports else bool(response.text(SYNC_TOKEN)),
        token=response.text(SYNC_TOKEN).strip(),
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
