"""Contacts on a CardDAV server.

The remote id is the path of a card on the server. Every write is guarded by the etag that it was computed from; a new
card gets a path derived from the uid and is only put where nothing is, so that repeating it makes no second one.

*Cursor.* It holds the collection's URL, so that a look that finds nothing new is a single request, and the server's
sync-token, or else its ctag. What was listed is read afterwards, in batches: a card that changes in between is listed
again by the next look, with the token from before. Whatever a server makes of a token that it no longer knows leads
to a complete read.

What could not be had, although it is there, is named in the cursor and asked for again.

*Read back.* Servers reorder, convert and drop what they are given, some without a word, some with an etag that is
soon another's. So after a write the card is read again, and that is the record. A field that came back with another
meaning is held: it is neither sent again at every look, nor taken for somebody's edit.

Source: RFC 6352, RFC 6578; `getctag`: calendarserver.org.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar
from urllib.parse import urljoin

from connectors import multistatus, webdav, webdav_items, webdav_places
from connectors.carddav_card import (
    CHANGED,
    GONE,
    NO_PERSON,
    Card,
    CardList,
    Look,
    Sent,
    as_kept,
    guard_of,
    guarded,
    hash_of,
    look_of,
    uid_property,
    wire,
    with_uid,
)
from connectors.errors import CursorExpired, Gone, Misunderstood, PreconditionFailed, Refused, TryLater
from connectors.http import Answer
from connectors.interface import ChangeSet, Cursor, Deleted, Unreadable, Written
from connectors.webdav import CARD, Forbidden, NotOffered, NotThere, Session
from connectors.webdav_items import Listing
from connectors.webdav_places import BOOK, Collection
from mappings import vcard
from mappings.errors import EditRefused, UnreadableRecord
from mappings.fields import FIELDS, Format
from mappings.operation import CreateRecord, DeleteRecord, RestoreRecord, UpdateRecord
from mappings.person import FieldName, Uid, Value
from mappings.record import AccountName, Etag, Record, RemoteId

GROUP = 25
"""Cards that are written before they are read back together."""

MISSED_MAX = 100
"""Cards that a cursor names; if there are more, the next look reads everything."""

_MULTIGET = f"{CARD}addressbook-multiget"
_DATA = f"{CARD}address-data"
_SAFE_UID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_DONE = frozenset({200, 201, 202, 204})
_NOT_TAKEN = frozenset({400, 403, 405, 409, 412, 413, 415, 422, 423, 507})
"""What servers answer to a card that they will not have, or that may not be changed."""

_NO_ETAG = "the server gives it no etag, so that a change made there meanwhile would be overwritten"


_Intent = TypeVar("_Intent", CreateRecord, UpdateRecord, DeleteRecord)


class AddressBook:
    """One address book; `wanted` is its name or URL, "" for the only or usual one."""

    def __init__(self, session: Session, wanted: str) -> None:
        self.account: AccountName = session.account
        self.format = Format.VCARD
        self._session = session
        self._wanted = wanted
        self._found: Collection | None = None

    def changes(self, since: Cursor | None, known: Mapping[RemoteId, Etag]) -> ChangeSet:
        try:
            return self._complete(known) if since is None else self._since(since, known)
        except (NotThere, NotOffered) as error:
            raise TryLater(f"the address book cannot be read: {error}", None) from error

    def read(self, remote_ids: Sequence[RemoteId]) -> Iterator[Record | Unreadable | Gone]:
        for remote_id, look in self._looks(remote_ids):
            match look:
                case None:
                    yield Gone(remote_id, GONE)
                case Card():
                    yield look.record
                case CardList():
                    yield Unreadable(remote_id, Etag(""), None, NO_PERSON)
                case Unreadable():
                    yield look

    def create(self, intents: Sequence[CreateRecord]) -> Iterator[Written | Refused]:
        for group in _groups(intents):
            results = [self._created(intent) for intent in group]
            kept = self._read_back(result for result in results if isinstance(result, Sent))
            for result in results:
                yield kept[result.path] if isinstance(result, Sent) else result

    def update(self, intents: Sequence[UpdateRecord]) -> Iterator[Written | PreconditionFailed | Gone | Refused]:
        for group in _groups(intents):
            looks = dict(self._looks([intent.remote_id for intent in group]))
            results = [self._updated(intent, looks[intent.remote_id]) for intent in group]
            kept = self._read_back(result for result in results if isinstance(result, Sent))
            for result in results:
                yield kept[result.path] if isinstance(result, Sent) else result

    def delete(self, intents: Sequence[DeleteRecord]) -> Iterator[Deleted | PreconditionFailed | Gone | Refused]:
        for group in _groups(intents):
            looks = dict(self._looks([intent.remote_id for intent in group]))
            for intent in group:
                card = guarded(intent, looks[intent.remote_id])
                yield self._deleted(card) if isinstance(card, Card) else card

    def restore(
        self, intents: Sequence[RestoreRecord]
    ) -> Iterator[Written | Deleted | PreconditionFailed | Gone | Refused]:
        for intent in intents:
            result = self._restored(intent)
            yield self._read_back([result])[result.path] if isinstance(result, Sent) else result

    def _complete(self, known: Mapping[RemoteId, Etag]) -> ChangeSet:
        collection = self._found = webdav_places.chosen(self._session, BOOK, self._wanted)
        listing = self._listed(collection)
        news = self._news(collection, listing.etags, known)
        return ChangeSet(
            records=tuple(each.record for each in news if isinstance(each, Card)),
            removed=tuple(remote_id for remote_id in known if remote_id not in listing.etags),
            unreadable=tuple(each for each in news if isinstance(each, Unreadable)),
            cursor=self._cursor(collection, listing, news),
            complete=True,
            listed=len(listing.etags) - sum(isinstance(each, CardList) for each in news),
        )

    def _listed(self, collection: Collection) -> Listing:
        if collection.syncs:
            with suppress(NotOffered, Forbidden):
                return webdav_items.changed_since(self._session, collection, "")
        return webdav_items.listed(self._session, collection)

    def _since(self, since: Cursor, known: Mapping[RemoteId, Etag]) -> ChangeSet:
        collection, mark, missed = self._pointed_to(since)
        self._found = collection
        try:
            if collection.syncs:
                return self._synced(collection, mark, missed, known)
            _, found = self._session.propfind(collection.url, "0", webdav.CTAG)
        except (NotThere, NotOffered, Forbidden) as error:
            # All that a server may say of a token that it does not know, or of a collection that has moved.
            raise CursorExpired("the server does not know how far it was read") from error
        if not missed and any(response.text(webdav.CTAG).strip() == mark for response in found.responses):
            return ChangeSet((), (), (), since, complete=False, listed=0)
        return self._complete(known)

    def _synced(
        self, collection: Collection, token: str, missed: Sequence[str], known: Mapping[RemoteId, Etag]
    ) -> ChangeSet:
        listing = webdav_items.changed_since(self._session, collection, token)
        if _looks_complete(listing, known):
            return self._complete(known)
        again = {path: "" for path in missed if path not in listing.removed}
        news = self._news(collection, again | listing.etags, known)
        return ChangeSet(
            records=tuple(each.record for each in news if isinstance(each, Card)),
            removed=tuple(remote_id for remote_id in known if remote_id in listing.removed),
            unreadable=tuple(each for each in news if isinstance(each, Unreadable)),
            cursor=self._cursor(collection, listing, news),
            complete=False,
            listed=len(listing.etags) - sum(isinstance(each, CardList) for each in news),
        )

    def _news(
        self, collection: Collection, etags: Mapping[str, str], known: Mapping[RemoteId, Etag]
    ) -> Sequence[Card | CardList | Unreadable]:
        """Read what is not known; what is gone by now is left to the next look, which is told so."""
        paths = [path for path, etag in etags.items() if not etag or known.get(RemoteId(path)) != etag]
        news: list[Card | CardList | Unreadable] = []
        for path, found in webdav_items.bodies(self._session, collection, _MULTIGET, _DATA, paths):
            match look_of(RemoteId(path), found):
                case None:
                    pass
                case Card(record=record) if known.get(record.remote_id) == record.etag:
                    pass
                case Card(record=record):
                    # The text is let go of: a book with photos has too much of it to keep.
                    news.append(Card("", record))
                case CardList(remote_id=remote_id, etag=etag) if remote_id in known:
                    # Whoever takes it for a person is told.
                    news.append(Unreadable(remote_id, etag, None, NO_PERSON))
                case look:
                    news.append(look)
        return news

    def _cursor(
        self, collection: Collection, listing: Listing, news: Sequence[Card | CardList | Unreadable]
    ) -> Cursor | None:
        mark, kind = listing.token or collection.ctag, "token" if listing.token else "ctag"
        missed = [each.remote_id for each in news if isinstance(each, Unreadable) and not each.etag]
        if not mark or len(missed) > MISSED_MAX:
            return None
        return Cursor(json.dumps([self._fingerprint, collection.url, kind, mark, missed]))

    def _pointed_to(self, cursor: Cursor) -> tuple[Collection, str, Sequence[str]]:
        """Return the collection of a cursor, the token or ctag, and what was missed.

        Errors: `CursorExpired` for another account's.
        """
        try:
            fingerprint, url, kind, mark, missed = json.loads(cursor)
        except ValueError as error:
            raise CursorExpired("it is no cursor of an address book") from error
        if fingerprint != self._fingerprint or not self._session.client.may_send_to(url):
            raise CursorExpired("the account is configured otherwise by now")
        return Collection(url, "", kind == "token", "", "", writable=True), mark, missed

    @property
    def _fingerprint(self) -> str:
        return f"{self._session.fingerprint} {self._wanted}"

    def _collection(self) -> Collection:
        if self._found is None:
            self._found = webdav_places.chosen(self._session, BOOK, self._wanted)
        return self._found

    def _looks(self, remote_ids: Sequence[RemoteId]) -> Iterator[tuple[RemoteId, Look]]:
        """Yield what is at each path now; nothing of ours is outside of the collection."""
        collection = self._collection()
        there = [each for each in remote_ids if multistatus.is_child(each, collection.path)]
        found = webdav_items.bodies(self._session, collection, _MULTIGET, _DATA, there)
        for remote_id in remote_ids:
            if multistatus.is_child(remote_id, collection.path):
                _, body = next(found)
                yield remote_id, look_of(remote_id, body)
            else:
                yield remote_id, None

    def _created(self, intent: CreateRecord) -> Sent | Written | Refused:
        try:
            text = vcard.new(intent.person, intent.uid)
            reading = vcard.get(text)
        except (EditRefused, UnreadableRecord) as error:
            return Refused(None, error.reason)
        path = self._path_for(intent.uid)
        answer = self._put(path, text, {"If-None-Match": "*"})
        if answer.status in _DONE:
            place = self._place(path, answer)
            return Sent(place, None, text, reading, tuple(FIELDS), intent.uid, answer.headers.get("etag", ""))
        for place in (path, *self._conflicting(answer)):
            look = self._look_at(place)
            if isinstance(look, Card) and intent.uid in {look.record.uid, uid_property(look.text)}:
                return Written(with_uid(look.record, intent.uid), None, look.text)
            if look is not None and answer.status == 412:
                return Refused(place, "a contact that is not this person's is in its place")
        return self._refused(None, answer)

    def _updated(self, intent: UpdateRecord, look: Look) -> Sent | Written | PreconditionFailed | Gone | Refused:
        card = guarded(intent, look)
        if not isinstance(card, Card):
            return card
        changes: dict[FieldName, Value] = {change.field: change.after for change in intent.changes}
        uid = intent.uid if intent.insert_uid else None
        try:
            text = vcard.put(card.text, changes, uid)
        except (EditRefused, UnreadableRecord) as error:
            return Refused(intent.remote_id, error.reason)
        if text == card.text:
            return Written(card.record, card.text, card.text)
        return self._put_over(card, text, tuple(changes), uid)

    def _put_over(
        self, card: Card, text: str, fields: tuple[FieldName, ...], uid: Uid | None
    ) -> Sent | PreconditionFailed | Gone | Refused:
        path, guard = card.record.remote_id, guard_of(card.record)
        if guard is None:
            return Refused(path, _NO_ETAG)
        try:
            reading = vcard.get(text)
        except UnreadableRecord as error:
            return Refused(path, error.reason)
        answer = self._put(path, text, {"If-Match": guard})
        if answer.status in _DONE:
            return Sent(path, card.text, text, reading, fields, uid, answer.headers.get("etag", ""))
        return self._not_done(card, answer)

    def _restored(self, intent: RestoreRecord) -> Sent | Written | Deleted | PreconditionFailed | Gone | Refused:
        if intent.after is None:
            return self._made_anew(intent)
        card = guarded(intent, self._look_at(intent.remote_id))
        if not isinstance(card, Card):
            return card
        if wire(card.text) != wire(intent.after):
            return PreconditionFailed(intent.remote_id, CHANGED)
        return self._deleted(card) if intent.before is None else self._put_over(card, intent.before, (), None)

    def _made_anew(self, intent: RestoreRecord) -> Sent | Written | PreconditionFailed | Refused:
        text = intent.before or ""
        is_ours = multistatus.is_child(intent.remote_id, self._collection().path)
        path = intent.remote_id if is_ours else self._path_for(intent.uid)
        try:
            reading = vcard.get(text)
        except UnreadableRecord as error:
            return Refused(path, error.reason)
        answer = self._put(path, text, {"If-None-Match": "*"})
        if answer.status in _DONE:
            return Sent(self._place(path, answer), None, text, reading, (), None, answer.headers.get("etag", ""))
        for place in (path, *self._conflicting(answer)):
            look = self._look_at(place)
            if isinstance(look, Card) and wire(look.text) == wire(text):
                return Written(look.record, None, look.text)
            if look is not None:
                return PreconditionFailed(place, "is there again, and is not what it was")
        return self._refused(path, answer)

    def _deleted(self, card: Card) -> Deleted | PreconditionFailed | Gone | Refused:
        path, guard = card.record.remote_id, guard_of(card.record)
        if guard is None:
            return Refused(path, _NO_ETAG)
        answer = self._session.tell("DELETE", self._url(path), {"If-Match": guard}, b"")
        if answer.status in _DONE:
            return Deleted(path, card.text)
        return self._not_done(card, answer)

    def _not_done(self, card: Card, answer: Answer) -> PreconditionFailed | Gone | Refused:
        """Find out why a guarded write was not carried out: 412 is also what some say of a card they will not have."""
        path = card.record.remote_id
        if answer.status in {404, 410}:
            return Gone(path, GONE)
        if answer.status in {409, 412}:
            look = self._look_at(path)
            if look is None:
                return Gone(path, GONE)
            if not isinstance(look, Card) or look.record.etag != card.record.etag:
                return PreconditionFailed(path, CHANGED)
        return self._refused(path, answer)

    def _refused(self, path: RemoteId | None, answer: Answer) -> Refused:
        if answer.status not in _NOT_TAKEN:
            raise Misunderstood(f"{self._session.client.origin.host} answered {answer.status} to a write", "")
        named = ", ".join(sorted(name.rpartition("}")[2] for name in multistatus.conditions(answer.body)))
        return Refused(path, f"the server does not take it: {answer.status}{f' ({named})' if named else ''}")

    def _conflicting(self, answer: Answer) -> Iterator[RemoteId]:
        """Yield the cards that the server names as having the same uid (RFC 6352 section 6.3.2.1)."""
        conflict = multistatus.conditions(answer.body).get(f"{CARD}no-uid-conflict")
        for href in conflict.hrefs if conflict is not None else ():
            yield RemoteId(multistatus.path_of(href, answer.url))

    def _read_back(self, sent: Iterable[Sent]) -> Mapping[RemoteId, Written]:
        """Return what was sent as it is there now, by path."""
        by_path = {each.path: each for each in sent}
        return {path: as_kept(by_path[path], look) for path, look in self._looks(list(by_path))}

    def _look_at(self, path: RemoteId) -> Look:
        ((_, look),) = self._looks([path])
        return look

    def _put(self, path: RemoteId, text: str, guard: dict[str, str]) -> Answer:
        headers = {"Content-Type": "text/vcard; charset=utf-8", **guard}
        return self._session.tell("PUT", self._url(path), headers, wire(text))

    def _place(self, path: RemoteId, answer: Answer) -> RemoteId:
        """Return where a new card is: a server may keep it at a path of its own choice (RFC 9110 section 10.2.2)."""
        said = answer.headers.get("location", "")
        place = RemoteId(multistatus.path_of(said, answer.url)) if said else path
        return place if multistatus.is_child(place, self._collection().path) else path

    def _url(self, path: RemoteId) -> str:
        return urljoin(self._collection().url, path)

    def _path_for(self, uid: Uid) -> RemoteId:
        """Return the path of `<uid>.vcf`, as other programs name their cards, or a hash of the uid where that is not safe."""
        name = uid if _SAFE_UID.fullmatch(uid) else hash_of(uid)
        return RemoteId(f"{self._collection().path}{name}.vcf")


def _looks_complete(listing: Listing, known: Mapping[RemoteId, Etag]) -> bool:
    """Tell whether an answer may list everything, because the server has forgotten the token and does not say so.

    What did not change has no place in it, but for what we wrote ourselves. So it is taken for one that lists all if
    it has at least as much of what is known and unchanged as it leaves out; then what it leaves out may be gone.
    """
    unchanged = sum(1 for path, etag in listing.etags.items() if etag and known.get(RemoteId(path)) == etag)
    left_out = sum(1 for path in known if path not in listing.etags and path not in listing.removed)
    return unchanged > 0 and unchanged >= left_out


def _groups(intents: Sequence[_Intent]) -> Iterator[Sequence[_Intent]]:
    for first in range(0, len(intents), GROUP):
        yield intents[first : first + GROUP]
