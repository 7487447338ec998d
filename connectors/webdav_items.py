"""What is in a collection: etags, what changed since a token, and bodies in batches that fit into an answer.

Servers differ, and each way of differing that is lived with here has a test. Etags are taken from the properties of a
resource and not from the header of an answer, which proxies change.

Source: RFC 4918 section 9.1, RFC 6578, RFC 6352 section 8.7 and RFC 4791 section 7.9.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urljoin

from connectors import multistatus
from connectors.errors import Misunderstood, TryLater
from connectors.http import ServerFailed, TooLarge
from connectors.multistatus import DAV, Multistatus, Response, document, element, text
from connectors.webdav import ETAG, RESOURCE_TYPE, SYNC_TOKEN, NotOffered, NotThere, Session
from connectors.webdav_places import Collection

PAGES_MAX = 1_000
"""Answers of one listing that a server may cut it into."""

TOKEN_LENGTH_MAX = 4_096
"""It is kept for every look; those that are observed are a URL at most."""

BATCH_MAX = 500
"""Resources asked for at once."""

FAILURES_MAX = 20
"""So often a server may fail before it is left alone; one card that it chokes on is found with seven."""

_BATCH = 100
_BATCH_BYTES = 2 * 1024 * 1024
"""A batch that is answered with less may be twice as large next time."""


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


def changed_since(session: Session, collection: Collection, token: str) -> Listing:
    """Return what changed since a token, everything for "" (RFC 6578).

    It is never asked for in parts: one server forgets changes then. A server may cut its answer by itself, and says so
    by a status of 507 for the collection.
    Errors: those of `report`.
    """
    etags: dict[str, str] = {}
    removed: set[str] = set()
    for _ in range(PAGES_MAX):
        asked = (element(SYNC_TOKEN, text(token)), element(f"{DAV}sync-level", "1"), _LISTED)
        page = session.report(collection.url, element(f"{DAV}sync-collection", *asked), "0")
        for response in _items(page, collection):
            if response.status == 404:
                removed.add(response.path)
                etags.pop(response.path, None)
            else:
                etags[response.path] = response.text(ETAG)
                removed.discard(response.path)
        is_cut = any(each.path == collection.path and each.status == 507 for each in page.responses)
        if not 0 < len(page.sync_token) <= TOKEN_LENGTH_MAX or (is_cut and page.sync_token == token):
            raise Misunderstood("the answer does not say how far it goes", "")
        token = page.sync_token
        if not is_cut:
            return Listing(etags, frozenset(removed), token)
    raise Misunderstood(f"the answer has more than {PAGES_MAX} parts", "")


def listed(session: Session, collection: Collection) -> Listing:
    """Return the etags of everything in a collection, without a token. Errors: those of `propfind`."""
    _, found = session.propfind(collection.url, "1", ETAG, RESOURCE_TYPE)
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
    size, done, failures = _BATCH, 0, 0
    while done < len(paths):
        batch = paths[done : done + size]
        try:
            found, size_bytes = _batch(session, collection, multiget, data, batch)
        except (TooLarge, ServerFailed) as error:
            failures += isinstance(error, ServerFailed)
            if failures > FAILURES_MAX:
                raise
            if len(batch) == 1:
                yield batch[0], Unread(str(error))
                done += 1
            size = max(len(batch) // 2, 1)
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


_LISTED = element(f"{DAV}prop", element(ETAG), element(RESOURCE_TYPE))


def _items(found: Multistatus, collection: Collection) -> Iterator[Response]:
    """Yield the resources of a collection; it itself, and collections in it, are none.

    Errors: `Misunderstood` for one that is not in the collection.
    """
    for response in found.responses:
        if response.path.rstrip("/") == collection.path.rstrip("/"):
            continue
        if not multistatus.is_child(response.path, collection.path):
            raise Misunderstood("the answer names a resource outside of the collection", "")
        if not response.path.endswith("/") and f"{DAV}collection" not in response.names(RESOURCE_TYPE):
            yield response
