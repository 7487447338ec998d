"""A card on a server: what is there, whether it may be written, and how the server has kept what it was sent.

Source: RFC 6352; RFC 9110 section 8.8.3.
"""

import hashlib
import re
from dataclasses import dataclass, replace

from connectors import webdav
from connectors.errors import Gone, PreconditionFailed, Refused
from connectors.interface import Unreadable, Written
from connectors.webdav_items import Body, Found, Unread
from mappings import vcard
from mappings.errors import UnreadableRecord
from mappings.fields import same, value_of
from mappings.operation import DeleteRecord, RestoreRecord, UpdateRecord
from mappings.person import FieldName, Uid
from mappings.record import Etag, Reading, Record, RemoteId
from mappings.vcard_card import parsed
from mappings.vcard_text import unescape

_NEWLINE = re.compile(r"\r*\n")
_HASH = "hash:"
CHANGED = "changed since it was read"
NO_PERSON = "a list of contacts, and no person"
_KEPT_OTHERWISE = "the server keeps it otherwise than it was written"
GONE = "no longer in the address book"


@dataclass(frozen=True, slots=True)
class Card:
    """A card that is understood."""

    text: str
    record: Record


@dataclass(frozen=True, slots=True)
class CardList:
    """A list of others, which is no person; left as it is."""

    remote_id: RemoteId
    etag: Etag


Look = Card | CardList | Unreadable | None
"""What is at a path; None if nothing is."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A card that was put, and what was put there.

    `reading` is what it says, `fields` are those that were to change, `uid` is ours if it was to be put in. `etag` is
    what the answer said, "" if nothing.
    """

    path: RemoteId
    before: str | None
    text: str
    reading: Reading
    fields: tuple[FieldName, ...]
    uid: Uid | None
    etag: str


def look_of(remote_id: RemoteId, found: Found) -> Look:
    """Return what is at a path, by what became of asking for it."""
    match found:
        case None:
            return None
        case Unread():
            return Unreadable(remote_id, Etag(""), None, found.reason)
        case Body():
            return _understood(remote_id, found)


def _understood(remote_id: RemoteId, body: Body) -> Card | CardList | Unreadable:
    etag = Etag(body.etag or f"{_HASH}{hash_of(body.text)}")
    if vcard.is_group(body.text):
        return CardList(remote_id, etag)
    try:
        return Card(body.text, Record(remote_id, etag, vcard.get(body.text)))
    except UnreadableRecord as error:
        return Unreadable(remote_id, etag, error.line, error.reason)


def guarded(
    intent: UpdateRecord | DeleteRecord | RestoreRecord, look: Look
) -> Card | PreconditionFailed | Gone | Refused:
    """Return the card if it is still what the intent was made from and may be written."""
    match look:
        case None:
            return Gone(intent.remote_id, GONE)
        case CardList():
            return Refused(intent.remote_id, NO_PERSON)
        case Unreadable():
            is_same = look.etag == intent.etag
            return Refused(intent.remote_id, look.reason) if is_same else PreconditionFailed(intent.remote_id, CHANGED)
        case Card():
            return look if look.record.etag == intent.etag else PreconditionFailed(intent.remote_id, CHANGED)


def as_kept(sent: Sent, look: Look) -> Written:
    """Return a card as the server keeps it; where it has gone or is not understood already, as it was sent.

    An etag that is not the one of our write says that somebody was quick to edit the card, and what he wrote is no doing
    of the server's. That something is gone may still be: a value is not given up on the word of an etag.
    """
    if not isinstance(look, Card):
        return Written(Record(sent.path, Etag(sent.etag), sent.reading), sent.before, sent.text)
    kept, is_edited = look.record.reading, bool(sent.etag) and _opaque(sent.etag) != _opaque(look.record.etag)
    held = dict(kept.held)
    for name in sent.fields:
        if _is_other(name, sent.reading, kept) and not (is_edited and value_of(kept.person, name)):
            held[name] = _KEPT_OTHERWISE
    record = replace(look.record, reading=replace(kept, held=held))
    return Written(with_uid(record, sent.uid), sent.before, look.text)


def _is_other(name: FieldName, sent: Reading, kept: Reading) -> bool:
    if name in sent.held or name in kept.held:
        return False
    return not same(name, value_of(sent.person, name), value_of(kept.person, name))


def with_uid(record: Record, uid: Uid | None) -> Record:
    """Return a record with our uid where the server has dropped it; else it would be put in again at every look."""
    if uid is None or record.uid is not None:
        return record
    return replace(record, reading=replace(record.reading, uid=uid))


def uid_property(text: str) -> str:
    """Return the card's UID, which other programs go by, "" if it has none. Errors: `UnreadableRecord`."""
    line = parsed(text).first("UID")
    return unescape(line.value).strip() if line is not None else ""


def guard_of(record: Record) -> str | None:
    """Return what a header guards a write to the card with, None where the server gives no etag that can."""
    return None if record.etag.startswith(_HASH) else webdav.guard(record.etag)


def _opaque(etag: str) -> str:
    """Return what a proxy leaves of an etag when it packs an answer."""
    return etag.removeprefix("W/").strip('"').removesuffix("-gzip")


def wire(text: str) -> bytes:
    """Return a card as it is sent: its lines end in CRLF (RFC 6350 section 3.2), of which XML leaves a LF."""
    return _NEWLINE.sub("\r\n", text).encode()


def hash_of(text: str) -> str:
    """Return what tells a text from others."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
