"""A CardDAV server that differs from others in one thing at a time, as servers do that cannot be had here.

Each quirk was observed in a server that somebody runs. Nothing of ours is used: it knows cards as texts.
"""

import re
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import quote, unquote
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from dav_servers import Passing, Said, Wire, wired

BOOK = "/dav/me/friends/"
_NAMESPACES = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav" xmlns:CS="http://calendarserver.org/ns/"'
_UID = re.compile(r"(?m)^UID:([^\r\n]*)")


def as_it_is(text: str) -> str:
    """Keep a card as it came."""
    return text


@dataclass(slots=True)
class Quirks:
    """How a server differs; every default is what the standards say."""

    well_known: int = 301
    etag_on_put: bool = True
    keep: Callable[[str], str] = as_it_is
    deleted: int = 204
    bad_token: int = 403
    syncs: bool = True
    says_reports: bool = True
    ctag: bool = True
    etags: bool = True
    same_uid: int = 409
    names_conflict: bool = True
    unacceptable: Callable[[str], int | None] = lambda _: None
    multiget: bool = True
    own_paths: bool = False
    page: int = 0
    href: Callable[[str], str] = as_it_is
    username: str = ""
    names: tuple[tuple[str, str], ...] = ((BOOK, "Friends"),)


@dataclass(slots=True)
class Quirky:
    """The server: its cards by path, and every state that it was in, for its tokens."""

    quirks: Quirks
    wire: Wire
    cards: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    _changes: list[str] = field(default_factory=list[str])
    _epoch: int = 1

    @property
    def url(self) -> str:
        return self.wire.url

    def put(self, path: str, text: str) -> str:
        """Write a card, and return its etag."""
        self._changes.append(path)
        etag = f'"{len(self._changes)}"'
        self.cards[path] = (etag, self.quirks.keep(text))
        return etag

    def remove(self, path: str) -> None:
        self._changes.append(path)
        del self.cards[path]

    def forget_tokens(self) -> None:
        """Be restored from a backup: no token that was given out is known any more."""
        self._epoch += 1

    def texts(self) -> dict[str, str]:
        return {path: text for path, (_, text) in self.cards.items()}

    def answer(self, passing: Passing) -> Said:
        path = unquote(passing.path)
        match passing.method:
            case "PROPFIND":
                return self._propfind(path, passing)
            case "REPORT" if path in dict(self.quirks.names):
                return self._report(path, passing)
            case "PUT":
                return self._put(path, passing)
            case "DELETE":
                return self._delete(path, passing)
            case "GET" if path in self.cards:
                etag, text = self.cards[path]
                return Said(200, {"ETag": etag, "Content-Type": "text/vcard"}, text.encode())
            case _:
                return Said(404, {}, b"")

    def _propfind(self, path: str, passing: Passing) -> Said:
        if path == "/.well-known/carddav":
            status = self.quirks.well_known
            return Said(status, {"Location": "/dav/"} if status < 400 else {}, b"")
        if path in {"/", "/dav/"} and (path == "/dav/" or self.quirks.well_known == 404):
            return _multistatus([_found(path, "<current-user-principal><href>/dav/me</href></current-user-principal>")])
        if path.rstrip("/") == "/dav/me":
            books = [self._collection(each, name) for each, name in self.quirks.names]
            home = "<C:addressbook-home-set><href>/dav/me</href></C:addressbook-home-set>"
            return _multistatus([_found("/dav/me/", home + "<resourcetype><collection/></resourcetype>"), *books])
        if path in dict(self.quirks.names):
            members = [] if passing.headers.get("depth") == "0" else self._members(path, self.cards)
            return _multistatus([self._collection(path, dict(self.quirks.names)[path]), *members])
        return Said(404, {}, b"<html>nothing here</html>")

    def _collection(self, path: str, name: str) -> str:
        reports = "".join(
            f"<supported-report><report><{report}/></report></supported-report>"
            for report in ("C:addressbook-multiget", *(["sync-collection"] if self.quirks.syncs else []))
        )
        return _found(
            path,
            f"<resourcetype><collection/><C:addressbook/></resourcetype><displayname>{escape(name)}</displayname>"
            + (f"<supported-report-set>{reports}</supported-report-set>" if self.quirks.says_reports else "")
            + (f"<sync-token>{self._token()}</sync-token>" if self.quirks.syncs else "")
            + (f"<CS:getctag>{len(self._changes)}</CS:getctag>" if self.quirks.ctag else ""),
        )

    def _members(self, book: str, paths: Iterable[str]) -> list[str]:
        return [
            _found(self.quirks.href(path), f"<getetag>{escape(self.cards[path][0])}</getetag><resourcetype/>")
            if self.quirks.etags
            else _found(self.quirks.href(path), "<resourcetype/>")
            for path in paths
            if path.startswith(book)
        ]

    def _token(self, at: int | None = None) -> str:
        return f"data:,{self._epoch}-{len(self._changes) if at is None else at}"

    def _report(self, book: str, passing: Passing) -> Said:
        root = ET.fromstring(passing.body)  # noqa: S314  # from our own client
        if root.tag.endswith("multiget"):
            return self._multiget(root) if self.quirks.multiget else Said(501, {}, b"")
        if not self.quirks.syncs:
            return Said(403, {}, f"<error {_NAMESPACES}><supported-report/></error>".encode())
        assert root.find("{DAV:}limit") is None, "one server forgets changes then"
        return self._synced(book, root.findtext("{DAV:}sync-token") or "")

    def _synced(self, book: str, token: str) -> Said:
        known = re.fullmatch(rf"data:,{self._epoch}-(\d+)", token)
        if known is None and token and self.quirks.bad_token != 207:
            return Said(self.quirks.bad_token, {}, f"<error {_NAMESPACES}><valid-sync-token/></error>".encode())
        start = int(known[1]) if known is not None else 0
        paged = self._changes[start : start + self.quirks.page] if self.quirks.page else self._changes[start:]
        touched = list(dict.fromkeys(each for each in paged if each.startswith(book)))
        if known is None and not self.quirks.page:
            touched = [path for path in self.cards if path.startswith(book)]
        there = self._members(book, [path for path in touched if path in self.cards])
        gone = [_status(path, 404) for path in touched if path not in self.cards]
        end = start + len(paged)
        cut = [_status(book, 507)] if end < len(self._changes) else []
        return _multistatus([*there, *gone, *cut], self._token(end))

    def _multiget(self, root: ET.Element) -> Said:
        answers: list[str] = []
        for href in root.iter("{DAV:}href"):
            path = unquote(href.text or "")
            if path not in self.cards:
                answers.append(_status(path, 404))
                continue
            etag, text = self.cards[path]
            shown = f"<getetag>{escape(etag)}</getetag>" if self.quirks.etags else ""
            data = f"<C:address-data>{escape(text)}</C:address-data>"
            answers.append(_found(self.quirks.href(path), shown + data))
        return _multistatus(answers)

    def _put(self, path: str, passing: Passing) -> Said:
        text = passing.body.decode()
        refusal = self.quirks.unacceptable(text)
        if refusal is not None:
            return Said(refusal, {}, f"<error {_NAMESPACES}><C:valid-address-data/></error>".encode())
        if (failure := self._unguarded(path, passing)) is not None:
            return failure
        uid = _UID.search(text)
        here = [each for each in self.cards if each.rpartition("/")[0] == path.rpartition("/")[0] and each != path]
        others = [each for each in here if uid and uid[0] in self.cards[each][1]]
        if others and self.quirks.same_uid == 409:
            named = f"<href>{others[0]}</href>" if self.quirks.names_conflict else ""
            return Said(
                409, {}, f"<error {_NAMESPACES}><C:no-uid-conflict>{named}</C:no-uid-conflict></error>".encode()
            )
        status, headers = 204 if path in self.cards else 201, dict[str, str]()
        if self.quirks.own_paths and status == 201:
            path = f"{path.rpartition('/')[0]}/{len(self._changes)} of ours.vcf"
            headers["Location"] = quote(path)
        etag = self.put(path, text)
        return Said(status, headers | ({"ETag": etag} if self.quirks.etag_on_put and self.quirks.etags else {}), b"")

    def _delete(self, path: str, passing: Passing) -> Said:
        if path not in self.cards:
            return Said(404, {}, b"")
        if (failure := self._unguarded(path, passing)) is not None:
            return failure
        self.remove(path)
        return Said(self.quirks.deleted, {}, b"")

    def _unguarded(self, path: str, passing: Passing) -> Said | None:
        wanted, none = passing.headers.get("if-match"), passing.headers.get("if-none-match")
        assert wanted is not None or none == "*", "a write that nothing guards"
        if none == "*" and path in self.cards:
            return Said(412, {}, b"")
        if wanted is not None and (path not in self.cards or self.cards[path][0] != wanted):
            return Said(412, {}, b"")
        return None


@contextmanager
def quirky(quirks: Quirks) -> Generator[Quirky]:
    """Run a server with these quirks."""
    running: list[Quirky] = []
    with wired(lambda passing: running[0].answer(passing)) as wire:  # noqa: PLW0108  # it is not running yet
        running.append(Quirky(quirks, wire))
        yield running[0]


def _found(path: str, properties: str) -> str:
    propstat = f"<propstat><prop>{properties}</prop><status>HTTP/1.1 200 OK</status></propstat>"
    return f"<response><href>{escape(path)}</href>{propstat}</response>"


def _status(path: str, status: int) -> str:
    return f"<response><href>{escape(path)}</href><status>HTTP/1.1 {status} So</status></response>"


def _multistatus(responses: list[str], token: str = "") -> Said:
    end = f"<sync-token>{token}</sync-token>" if token else ""
    body = f'<?xml version="1.0"?><multistatus {_NAMESPACES}>{"".join(responses)}{end}</multistatus>'
    return Said(207, {"Content-Type": "application/xml"}, body.encode())
