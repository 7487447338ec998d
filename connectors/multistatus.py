"""What WebDAV servers answer: a list of resources, each with properties, read without trusting it.

Names are in Clark's notation, `{namespace}name`. A document that declares a type or an entity is refused, one that is
cut off is an answer that did not arrive. Every href is resolved to a path at the host that was asked; one that leads
elsewhere, or out of the folder that was asked about, is nobody's mistake.

Source: RFC 4918 sections 8.3 and 14; RFC 3986 sections 3.3 and 6.2.2.
"""

import html
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes, urljoin, urlsplit
from xml.etree.ElementTree import Element, ParseError  # only their types; defusedxml does the reading

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from connectors.errors import Misunderstood, TryLater
from connectors.http import Answer

DAV = "{DAV:}"

RESPONSES_MAX = 200_000
"""In one answer; nobody has so many contacts, nor events in a year."""

DEPTH_MAX = 40
ELEMENTS_MAX = 10_000
"""In what is said of one resource; its tree takes ten times the memory of its text."""

_PLAIN_PATH = re.compile(r"/(?:[\w~@:!$&'()*+,;=-][\w.~@:!$&'()*+,;=-]*+/?)*+", re.ASCII)
_UNQUOTED = "~@:!$&'()*+,;="
_STATUS = re.compile(r"HTTP/\d(?:\.\d)? +(\d{3})\b")


@dataclass(frozen=True, slots=True)
class Property:
    """What a property says: its text, the names of all elements in it, and its hrefs as they stand there."""

    text: str
    names: frozenset[str]
    hrefs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Response:
    """One resource: its path, and the properties that were found; `status` is 404 for one that is not there."""

    path: str
    status: int
    properties: Mapping[str, Property]

    def text(self, name: str) -> str:
        """Return a property's text, "" if it was not found."""
        found = self.properties.get(name)
        return found.text if found is not None else ""

    def names(self, name: str) -> frozenset[str]:
        found = self.properties.get(name)
        return found.names if found is not None else frozenset()


@dataclass(frozen=True, slots=True)
class Multistatus:
    """An answer of status 207; `sync_token` is "" where it has none (RFC 6578 section 6.4)."""

    responses: tuple[Response, ...]
    sync_token: str


def parse(answer: Answer) -> Multistatus:
    """Read an answer of status 207.

    Errors: `TryLater` for what is cut off or no XML at all, `Misunderstood` for what is not to be trusted.
    """
    responses: list[Response] = []
    sync_token = ""
    try:
        for element in _children(answer.body):
            if element.tag == f"{DAV}response":
                responses.extend(_responses(element, answer.url))
            elif element.tag == f"{DAV}sync-token":
                sync_token = (element.text or "").strip()
            if len(responses) > RESPONSES_MAX:
                raise Misunderstood(f"the answer lists more than {RESPONSES_MAX} resources", "")
    except ParseError as error:
        raise TryLater("the answer is cut off, or is no XML", None) from error
    except DefusedXmlException as error:
        raise Misunderstood("the answer declares entities of its own", "") from error
    return Multistatus(tuple(responses), sync_token)


def conditions(body: bytes) -> Mapping[str, Property]:
    """Return the preconditions that an error names (RFC 4918 section 16); none if it is no such XML."""
    try:
        return {element.tag: _property(element) for element in _children(body)}
    except (ParseError, DefusedXmlException, Misunderstood):
        return {}


def path_of(href: str, url: str) -> str:
    """Return the canonical path of an href in an answer from this URL.

    Errors: `Misunderstood` if it leads to another host, or is no path that can be asked for.
    """
    if _PLAIN_PATH.fullmatch(href):
        return href
    try:
        target = urlsplit(urljoin(url, href.strip()))
        host = target.hostname
    except ValueError as error:
        raise Misunderstood("the answer names a resource that has no address", "") from error
    if host != urlsplit(url).hostname or target.query or target.fragment:
        raise Misunderstood("the answer names a resource at another host, or none at all", "")
    segments = [unquote_to_bytes(segment) for segment in target.path.split("/")]
    # Nothing that a server or a proxy on the way might resolve to another resource.
    if any(segment in {b".", b".."} or b"\x00" in segment for segment in segments):
        raise Misunderstood("the answer names a resource outside of its folder", "")
    return "/".join(quote(segment, safe=_UNQUOTED) for segment in segments)


def is_child(path: str, folder: str) -> bool:
    """Tell whether a path lies right in a folder, whose path ends in `/`."""
    return path.startswith(folder) and path != folder and "/" not in path[len(folder) :].rstrip("/")


def element(tag: str, /, *inner: str, **attributes: str) -> str:
    """Return an XML element of a Clark name, around markup."""
    namespace, _, local = tag[1:].partition("}")
    marks = "".join(f' {key}="{text(value)}"' for key, value in attributes.items())
    return f'<{local} xmlns="{namespace}"{marks}>{"".join(inner)}</{local}>'


def text(value: str) -> str:
    """Return a text as markup."""
    return html.escape(value)


def document(root: str) -> bytes:
    """Return a whole XML document."""
    return f'<?xml version="1.0" encoding="utf-8"?>\n{root}'.encode()


def _children(body: bytes) -> Iterator[Element]:
    """Yield the elements right below the root, each once it is whole, and let go of it then."""
    depth = elements = 0
    root: Element | None = None
    for event, node in iterparse(io.BytesIO(body), events=("start", "end"), forbid_dtd=True):
        if event == "start":
            depth, elements = depth + 1, elements + 1
            root = node if root is None else root
            if depth > DEPTH_MAX or elements > ELEMENTS_MAX:
                raise Misunderstood("the answer is nested too deep, or says too much of one resource", "")
            continue
        depth -= 1
        if depth == 1 and root is not None:
            yield node
            root.clear()
            elements = 0


def _responses(node: Element, url: str) -> Iterator[Response]:
    """Yield a response for each of its hrefs, of which there may be several where there is one status."""
    properties: dict[str, Property] = {}
    statuses: list[int] = []
    for propstat in node.iterfind(f"{DAV}propstat"):
        status = _status(propstat)
        statuses.append(status)
        if 200 <= status < 300:
            properties |= {each.tag: _property(each) for prop in propstat.iterfind(f"{DAV}prop") for each in prop}
    whole = _status(node) if node.find(f"{DAV}status") is not None else _best(statuses)
    for href in node.iterfind(f"{DAV}href"):
        yield Response(path_of(href.text or "", url), whole, properties)


def _best(statuses: list[int]) -> int:
    """Return what the statuses of properties say of their resource: it is there if any of them is."""
    return next((status for status in statuses if 200 <= status < 300), next(iter(statuses), 200))


def _status(node: Element) -> int:
    said = _STATUS.match((node.findtext(f"{DAV}status") or "").strip())
    if said is None:
        raise Misunderstood("the answer has a status that is none", "")
    return int(said[1])


def _property(node: Element) -> Property:
    if not len(node):
        return Property(node.text or "", frozenset(), ())
    hrefs = tuple((each.text or "").strip() for each in node.iter(f"{DAV}href"))
    names = frozenset(each.tag for each in node.iter() if each is not node)
    return Property("".join(node.itertext()), names, hrefs)
