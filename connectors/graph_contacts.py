"""Contacts in folders of one mailbox at Microsoft.

Reading. A feed (delta) tells which ids have changed; what a contact says is read by itself, since the feed has no
extended properties and its rows may be of parts. Nothing in the feed is believed that can be asked: an id that it
says is removed is looked for, because a contact that was moved, or moved there and back, is removed to it as well; and
as some deletions are never reported, everything is read anew once a day.

The cursor holds a link for each folder, used as it stands, and when everything was read last.

Writing. A contact is read before it is written: the write is refused if its change key is another than the caller's,
and a list is rebuilt from the one that is there. `If-Match` is sent besides, for the service may honour it. A 412 comes
at times without any change, and is tried once more then.

Creating. The service has no key for a create, so a contact carries our uid in an extended property, and is looked for
by it first; an answer that does not say whether it was made is followed by another look.

Source: https://learn.microsoft.com/graph/api/contact-delta, /delta-query-overview, /contact-update.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypedDict, TypeVar
from urllib.parse import quote

from connectors.errors import CursorExpired, Gone, Misunderstood, PreconditionFailed, Refused, TryLater
from connectors.graph_client import GraphClient, Item, LinkRefused, Reply
from connectors.interface import ChangeSet, Cursor, Deleted, Unreadable, Written
from mappings import graph_contacts, graph_properties
from mappings.errors import EditRefused, UnreadableRecord
from mappings.fields import Format
from mappings.graph_json import Json, JsonObject
from mappings.operation import CreateRecord, DeleteRecord, RestoreRecord, UpdateRecord, values_after
from mappings.person import Uid
from mappings.record import AccountName, Etag, Record, RemoteId

DEFAULT_FOLDER = "Contacts"
"""What the owner calls the folder that a mailbox comes with, whatever its name is in his language."""

READ_ANEW_AFTER = timedelta(days=1)
GROUP_MAX = 20
LISTING_FROM = 3 * GROUP_MAX
"""From so many contacts on, whole pages of a folder cost less than reading each by itself."""

FOLDERS_MAX = 500

_ALIAS = "contacts"
_PAGE = "odata.maxpagesize=500"
_NOT_FOUND = "erroritemnotfound"
_LISTED = "$top=999&$expand=" + quote(graph_properties.EXPAND, safe="()/'=$")
_EXPAND = "?$expand=" + quote(graph_properties.EXPAND, safe="()/'=$")
_CHANGED = "changed since it was read"
_GONE = "no longer among the contacts"
_UNCLEAR = "Microsoft did not say whether it was done; the next run will see"

_Intent = TypeVar("_Intent", UpdateRecord, DeleteRecord)
_Change = Written | Deleted | PreconditionFailed | Gone | Refused


class _CursorDocument(TypedDict):
    read_at: str
    links: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Cursor:
    read_at: datetime
    links: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Round:
    """What the feeds of all folders say: ids that are there, with their change keys ("" if not told), and removed ones."""

    alive: Mapping[RemoteId, Etag]
    removed: frozenset[RemoteId]
    links: Mapping[str, str]


class GraphContacts:
    """Contacts in the folders of these names; new ones go into the first."""

    def __init__(
        self,
        account: AccountName,
        client: GraphClient,
        folders: tuple[str, ...],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        marked_line: bool = False,
    ) -> None:
        self.account = account
        self.format = Format.GRAPH
        self._client = client
        self._names = folders
        self._ids: tuple[str, ...] = ()
        self._now = now
        self._marked_line = marked_line

    def changes(self, since: Cursor | None, known: Mapping[RemoteId, Etag]) -> ChangeSet:
        cursor = None if since is None else self._cursor(since)
        round_ = self._first_round() if cursor is None else self._next_round(cursor)
        changed = [each for each, etag in round_.alive.items() if not etag or known.get(each) != etag]
        absent = known.keys() - round_.alive.keys() if cursor is None else round_.removed & known.keys()
        looks = [*self._fetched(changed, is_all=cursor is None), *self._confirmed(sorted(absent))]
        news = [each for each in looks if not isinstance(each, Gone) and known.get(each.remote_id) != each.etag]
        kept = sum(not isinstance(each, Gone) for each in looks[len(changed) :])
        return ChangeSet(
            records=tuple(each for each in news if isinstance(each, Record)),
            removed=tuple(
                each.remote_id
                for each in looks
                if isinstance(each, Gone) and each.remote_id is not None and each.remote_id in known
            ),
            unreadable=tuple(each for each in news if isinstance(each, Unreadable)),
            cursor=_packed(_Cursor(self._now() if cursor is None else cursor.read_at, round_.links)),
            complete=cursor is None,
            listed=len(round_.alive) + kept,
        )

    def read(self, remote_ids: Sequence[RemoteId]) -> Iterator[Record | Unreadable | Gone]:
        for remote_id, reply in zip(remote_ids, self._read(remote_ids), strict=True):
            yield _looked(remote_id, reply)

    def create(self, intents: Sequence[CreateRecord]) -> Iterator[Written | Refused]:
        there = self._with_uids([intent.uid for intent in intents])
        bodies = {intent.uid: self._new(intent) for intent in intents if intent.uid not in there}
        path = f"/me/contactFolders/{quote(self._folders()[0], safe='')}/contacts"
        items = [Item("POST", path, body) for body in bodies.values() if not isinstance(body, Refused)]
        replies = self._client.chain(items, reads=False)
        for intent in intents:
            if intent.uid in there:
                yield _found(there[intent.uid])
                continue
            body = bodies[intent.uid]
            yield body if isinstance(body, Refused) else self._created(intent.uid, body, next(replies))

    def update(self, intents: Sequence[UpdateRecord]) -> Iterator[Written | PreconditionFailed | Gone | Refused]:
        for group in _groups(intents):
            for outcome in self._carried_out(group, self._patch):
                # Only a PATCH without a body would be a deletion, and there is none.
                assert not isinstance(outcome, Deleted)  # noqa: S101  # a case of its own, and impossible
                yield outcome

    def delete(self, intents: Sequence[DeleteRecord]) -> Iterator[Deleted | PreconditionFailed | Gone | Refused]:
        for group in _groups(intents):
            for outcome in self._carried_out(group, self._deletion):
                assert not isinstance(outcome, Written)  # noqa: S101  # as above
                yield outcome

    def restore(
        self, intents: Sequence[RestoreRecord]
    ) -> Iterator[Written | Deleted | PreconditionFailed | Gone | Refused]:
        for intent in intents:
            yield self._made_anew(intent) if intent.after is None else self._restored(intent, intent.after)

    # Reading.

    def _cursor(self, since: Cursor) -> _Cursor:
        """Return the cursor. Errors: `CursorExpired` also for one of other folders, and for one of yesterday."""
        cursor = _unpacked(since)
        if cursor is None or set(cursor.links) != set(self._folders()):
            raise CursorExpired("the cursor is of other folders")
        if self._now() - cursor.read_at > READ_ANEW_AFTER:
            raise CursorExpired("everything is read anew once a day, as some deletions are never reported")
        return cursor

    def _first_round(self) -> _Round:
        urls = {folder: f"{_path(folder)}/delta?$select=id,changeKey" for folder in self._folders()}
        try:
            return self._round(urls)
        except LinkRefused:
            pass
        try:
            return self._round(urls)
        except LinkRefused as error:
            raise TryLater("Microsoft lost the thread twice while everything was read", None) from error

    def _next_round(self, cursor: _Cursor) -> _Round:
        try:
            return self._round(cursor.links)
        except LinkRefused as error:
            raise CursorExpired(str(error)) from error

    def _round(self, urls: Mapping[str, str]) -> _Round:
        alive: dict[RemoteId, Etag] = {}
        removed: set[RemoteId] = set()
        links: dict[str, str] = {}
        for folder, url in urls.items():
            rows: dict[RemoteId, Etag | None] = {}
            for page in self._client.pages(url, _PAGE):
                rows |= _rows(page)
                links[folder] = _word(page, "@odata.deltaLink")
            if not links[folder]:
                raise TryLater("Microsoft ended a feed without a link to go on from", None)
            # An id that one folder lost and another has was moved.
            alive |= {each: etag for each, etag in rows.items() if etag is not None}
            removed |= {each for each, etag in rows.items() if etag is None}
        return _Round(alive, frozenset(removed - alive.keys()), links)

    def _fetched(self, remote_ids: Sequence[RemoteId], *, is_all: bool) -> Iterator[Record | Unreadable | Gone]:
        pays = is_all and len(remote_ids) > LISTING_FROM
        listed: Mapping[RemoteId, JsonObject] = (
            self._listed(frozenset(remote_ids)) if pays else dict[RemoteId, JsonObject]()
        )
        single = [each for each in remote_ids if each not in listed]
        replies = dict(zip(single, self._read(single), strict=True))
        for each in remote_ids:
            yield _seen(listed[each]) if each in listed else _looked(each, replies[each])

    def _listed(self, wanted: frozenset[RemoteId]) -> Mapping[RemoteId, JsonObject]:
        """Read whole pages; what they skip while somebody changes the folder is missing in the result."""
        found: dict[RemoteId, JsonObject] = {}
        for folder in self._folders():
            for page in self._client.pages(f"{_path(folder)}?{_LISTED}"):
                found |= {each: row for row in _objects(page) if (each := _id(row)) in wanted}
        return found

    def _confirmed(self, remote_ids: Sequence[RemoteId]) -> Iterator[Record | Unreadable | Gone]:
        """Look for contacts that are said to be removed."""
        items = [Item("GET", _item_path(each) + _EXPAND) for each in remote_ids]
        replies = [*self._client.side_by_side(items)]
        places = self._places_if_told() if any(reply.succeeded for reply in replies) else None
        for each, reply in zip(remote_ids, replies, strict=True):
            place = _word(reply.document, "parentFolderId") if reply.succeeded else ""
            is_elsewhere = bool(place) and places is not None and place not in places
            # A deleted contact may still be read in the folder of deleted items, which is none of contacts.
            yield Gone(each, _GONE) if is_elsewhere else _looked(each, reply)

    def _places_if_told(self) -> frozenset[str] | None:
        """Return the ids of all folders of contacts; None if they are not told, and then every place is one."""
        try:
            return self._places()
        except Misunderstood:
            return None

    def _places(self) -> frozenset[str] | None:
        reply = self._client.get(f"/me/contactFolders/{_ALIAS}?$select=id")
        default = _word(reply.document, "id") if reply.succeeded else ""
        if not default:
            return None
        found, unseen = {default, *self._own_places()}, [_ALIAS]
        found |= {_word(folder, "id") for page in self._client.pages(_folders_url("")) for folder in _objects(page)}
        unseen += sorted(found - {default})
        while unseen and len(found) < FOLDERS_MAX:
            inner = {
                _word(row, "id") for page in self._client.pages(_folders_url(unseen.pop())) for row in _objects(page)
            }
            unseen += sorted(inner - found)
            found |= inner
        return frozenset(found)

    def _own_places(self) -> Iterator[str]:
        """Yield what contacts of the chosen folders say is their place, should a folder's id have several forms."""
        for folder in self._folders():
            reply = self._client.get(f"{_path(folder)}?$top=1&$select=parentFolderId")
            yield from (_word(row, "parentFolderId") for row in _objects(reply.document))

    def _folders(self) -> tuple[str, ...]:
        """Return the ids of the folders that the owner chose."""
        if not self._ids:
            others = {name for name in self._names if name != DEFAULT_FOLDER}
            ids: Mapping[str, str] = self._ids_of(others) if others else {DEFAULT_FOLDER: _ALIAS}
            self._ids = tuple(_ALIAS if name == DEFAULT_FOLDER else ids[name] for name in self._names)
        return self._ids

    def _ids_of(self, names: set[str]) -> Mapping[str, str]:
        known: dict[str, str] = {}
        for url in (_folders_url(""), _folders_url(_ALIAS)):
            for page in self._client.pages(url):
                known |= {_word(row, "displayName"): _word(row, "id") for row in _objects(page)}
        missing = sorted(names - known.keys())
        if missing:
            there = ", ".join(sorted({DEFAULT_FOLDER, *known}))
            raise TryLater(f"no folder of contacts is called {', '.join(missing)}; there are: {there}", None)
        return known

    def _read(self, remote_ids: Sequence[RemoteId]) -> Iterator[Reply]:
        return self._client.chain([Item("GET", _item_path(each) + _EXPAND) for each in remote_ids], reads=True)

    # Creating.

    def _new(self, intent: CreateRecord) -> JsonObject | Refused:
        try:
            return graph_contacts.new(intent.person, intent.uid, marked_line=self._marked_line)
        except EditRefused as error:
            return Refused(None, error.reason)

    def _created(self, uid: Uid, body: JsonObject, reply: Reply) -> Written | Refused:
        if reply.status == 201 and reply.document.get("id"):
            return _found(_carrying(reply.document, graph_properties.read(body)))
        if reply.succeeded or reply.failed_there:
            made = self._with_uids([uid])
            return _found(made[uid]) if uid in made else Refused(None, "Microsoft failed to make the contact")
        return Refused(None, _refusal(reply))

    def _with_uids(self, uids: Sequence[Uid]) -> Mapping[Uid, JsonObject]:
        """Return the contacts that carry these uids, the first of each."""
        wanted = frozenset(uids)
        found: dict[Uid, JsonObject] = {}
        pages = self._found_by_uid(uids) if len(uids) <= GROUP_MAX else self._uids_listed()
        for row in (row for page in pages for row in _objects(page)):
            uid = _uid(row)
            if uid in wanted and uid not in found:
                found[uid] = row
        return found

    def _found_by_uid(self, uids: Sequence[Uid]) -> Iterator[JsonObject]:
        conditions = [quote(graph_properties.filter_of(graph_properties.UID, uid), safe="()/'=$:") for uid in uids]
        items = [
            Item("GET", f"{_path(folder)}?$filter={condition}&{_LISTED}")
            for folder in self._folders()
            for condition in conditions
        ]
        for reply in self._client.chain(items, reads=True):
            if not reply.succeeded:
                raise Misunderstood(f"Graph does not find contacts by our uid: {reply.status} {reply.code}", "")
            yield reply.document

    def _uids_listed(self) -> Iterator[JsonObject]:
        for folder in self._folders():
            yield from self._client.pages(f"{_path(folder)}?{_LISTED}")

    # Changing.

    def _carried_out(
        self, group: Sequence[_Intent], prepare: Callable[[_Intent, JsonObject], Item | Written | Refused]
    ) -> Iterator[_Change]:
        """Read a group, prepare each write from what is there, and carry them out."""
        now = [
            _still(intent, reply)
            for intent, reply in zip(group, self._read([each.remote_id for each in group]), strict=True)
        ]
        prepared = [
            prepare(intent, each) if isinstance(each, dict) else each for intent, each in zip(group, now, strict=True)
        ]
        items = [each for each in prepared if isinstance(each, Item)]
        replies = self._client.chain(items, reads=False)
        for intent, before, each in zip(group, now, prepared, strict=True):
            if isinstance(each, Item) and isinstance(before, dict):
                yield self._outcome(intent.remote_id, before, each, next(replies))
            elif not isinstance(each, Item | dict):
                yield each

    def _patch(self, intent: UpdateRecord, document: JsonObject) -> Item | Written | Refused:
        try:
            read = graph_contacts.contact(document)
            uid = intent.uid if intent.insert_uid else None
            body = graph_contacts.put(read, values_after(intent.changes), uid, marked_line=self._marked_line)
        except (EditRefused, UnreadableRecord) as error:
            return Refused(intent.remote_id, error.reason)
        if not body:
            return Written(_record(document), _text(document), _text(document))
        return _writing("PATCH", document, body)

    def _deletion(self, intent: DeleteRecord, document: JsonObject) -> Item | Written | Refused:
        try:
            graph_contacts.contact(document)
        except UnreadableRecord as error:
            return Refused(intent.remote_id, error.reason)
        return _writing("DELETE", document, None)

    def _outcome(self, remote_id: RemoteId, before: JsonObject, item: Item, reply: Reply) -> _Change:
        if reply.status == 412:
            retried = self._again(remote_id, before, item)
            if retried is None:
                return PreconditionFailed(remote_id, _CHANGED)
            reply = retried
        if reply.succeeded:
            if item.body is None:
                return Deleted(remote_id, _text(before))
            return self._written(remote_id, before, item.body, reply)
        if reply.failed_there or reply.status == 412:
            return PreconditionFailed(remote_id, _UNCLEAR if reply.failed_there else _CHANGED)
        if reply.status == 404 and reply.code == _NOT_FOUND:
            return Gone(remote_id, _GONE)
        return Refused(remote_id, _refusal(reply))

    def _again(self, remote_id: RemoteId, before: JsonObject, item: Item) -> Reply | None:
        """Try once more what was refused for a change, if there was none."""
        (now,) = self._read([remote_id])
        if not now.succeeded or _etag(now.document) != _etag(before):
            return None
        (reply,) = self._client.chain([item], reads=False)
        return reply

    def _written(self, remote_id: RemoteId, before: JsonObject, body: JsonObject, reply: Reply) -> _Change:
        after = reply.document
        if not after.get("id") or not after.get("changeKey"):
            (again,) = self._read([remote_id])
            if not again.succeeded:
                return PreconditionFailed(remote_id, _UNCLEAR)
            after = again.document
        ours = {**graph_properties.read(before), **_written_properties(body)}
        after = _carrying(after, ours)
        return Written(_record(after), _text(before), _text(after))

    # Putting back.

    def _restored(self, intent: RestoreRecord, after: str) -> _Change:
        (reply,) = self._read([intent.remote_id])
        if reply.status == 404 and reply.code == _NOT_FOUND:
            return Gone(intent.remote_id, _GONE)
        if not reply.succeeded:
            return Refused(intent.remote_id, _refusal(reply))
        now = reply.document
        if _etag(now) != intent.etag or not graph_contacts.is_as(_document(after), now):
            return PreconditionFailed(intent.remote_id, _CHANGED)
        body = None if intent.before is None else graph_contacts.restoring(_document(intent.before), now)
        if body is not None and not body:
            return Written(_record(now), _text(now), _text(now))
        item = _writing("DELETE" if body is None else "PATCH", now, body)
        (written,) = self._client.chain([item], reads=False)
        return self._outcome(intent.remote_id, now, item, written)

    def _made_anew(self, intent: RestoreRecord) -> Written | PreconditionFailed | Refused:
        before = _document(intent.before or "{}")
        there = self._with_uids([intent.uid]).get(intent.uid)
        if there is None:
            (reply,) = self._read([intent.remote_id])
            in_place = reply.succeeded and not self._is_thrown_away(reply.document)
            there = reply.document if in_place else None
        if there is not None:
            found = _found(there)
            is_same = isinstance(found, Written) and graph_contacts.is_as(before, there)
            return found if is_same else PreconditionFailed(intent.remote_id, "is there again, and is not what it was")
        ours = {**graph_properties.read(before), graph_properties.UID: intent.uid}
        body = graph_contacts.restoring(_carrying(before, ours), {})
        path = f"/me/contactFolders/{quote(self._folders()[0], safe='')}/contacts"
        (made,) = self._client.chain([Item("POST", path, body)], reads=False)
        return self._created(intent.uid, body, made)

    def _is_thrown_away(self, document: JsonObject) -> bool:
        places = self._places_if_told()
        return places is not None and _word(document, "parentFolderId") not in places


def _looked(remote_id: RemoteId, reply: Reply) -> Record | Unreadable | Gone:
    if reply.succeeded:
        return _seen(reply.document)
    if reply.status == 404 and reply.code == _NOT_FOUND:
        return Gone(remote_id, _GONE)
    raise Misunderstood(f"Graph does not read a contact: {reply.status} {reply.code}", "")


def _seen(document: JsonObject) -> Record | Unreadable:
    try:
        return _record(document)
    except UnreadableRecord as error:
        return Unreadable(_id(document), _etag(document), None, error.reason)


def _record(document: JsonObject) -> Record:
    reading = graph_contacts.get(graph_contacts.contact(document))
    return Record(_id(document), _etag(document), reading)


def _found(document: JsonObject) -> Written | Refused:
    """Return a contact that is there as the outcome of a create, whoever's answer was lost."""
    document = _carrying(document, graph_properties.read(document))
    try:
        return Written(_record(document), None, _text(document))
    except UnreadableRecord as error:
        return Refused(_id(document), error.reason)


def _still(intent: UpdateRecord | DeleteRecord, reply: Reply) -> dict[str, Json] | PreconditionFailed | Gone | Refused:
    """Return the contact if it is still what the intent was made from."""
    if reply.succeeded:
        if _etag(reply.document) != intent.etag:
            return PreconditionFailed(intent.remote_id, _CHANGED)
        return dict(reply.document)
    if reply.status == 404 and reply.code == _NOT_FOUND:
        return Gone(intent.remote_id, _GONE)
    return Refused(intent.remote_id, _refusal(reply))


def _writing(method: str, document: JsonObject, body: JsonObject | None) -> Item:
    return Item(method, _item_path(_id(document)), body, {"If-Match": f'W/"{_etag(document)}"'})


def _written_properties(body: JsonObject) -> Mapping[str, str]:
    """Return what a body sets ours to, also to nothing."""
    ids = {graph_properties.id_of(name): name for name in graph_properties.NAMES}
    return {ids[_word(item, "id")]: _word(item, "value") for item in _objects(body, graph_properties.PROPERTY)}


def _carrying(document: JsonObject, ours: Mapping[str, str]) -> JsonObject:
    """Return a contact with our properties in it, and without the notes of the protocol."""
    plain = {name: value for name, value in document.items() if "@" not in name}
    return graph_properties.carried(plain, {name: ours.get(name, "") for name in graph_properties.NAMES})


def _text(document: JsonObject) -> str:
    plain = _carrying(document, graph_properties.read(document))
    # In ASCII, because a text there may hold halves of characters that no encoding has.
    return json.dumps(plain, sort_keys=True)


def _document(payload: str) -> JsonObject:
    document: dict[str, Json] = json.loads(payload)
    return document


def _rows(page: JsonObject) -> dict[RemoteId, Etag | None]:
    """Return the ids of a page, the last word on each: None for removed, "" for a row that does not tell its key."""
    rows: dict[RemoteId, Etag | None] = {}
    for row in _objects(page):
        if remote_id := _id(row):
            rows[remote_id] = None if "@removed" in row else _etag(row)
    return rows


def _objects(document: JsonObject, name: str = "value") -> Iterable[JsonObject]:
    values = document.get(name)
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def _word(document: JsonObject, name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""


def _id(document: JsonObject) -> RemoteId:
    return RemoteId(_word(document, "id"))


def _etag(document: JsonObject) -> Etag:
    return Etag(_word(document, "changeKey"))


def _uid(document: JsonObject) -> Uid:
    try:
        return Uid(graph_properties.read(document).get(graph_properties.UID, ""))
    except UnreadableRecord:
        return Uid("")


def _refusal(reply: Reply) -> str:
    return f"Microsoft refuses it ({reply.status} {reply.code or 'without a reason'})"


def _path(folder: str) -> str:
    return f"/me/contactFolders/{quote(folder, safe='')}/contacts"


def _item_path(remote_id: RemoteId) -> str:
    # What came from elsewhere may hold the characters that stand for these in a path.
    return f"/me/contacts/{quote(remote_id.replace('/', '-').replace('+', '_'), safe='')}"


def _folders_url(parent: str) -> str:
    inner = f"/{quote(parent, safe='')}/childFolders" if parent else ""
    return f"/me/contactFolders{inner}?$top=999&$select=id,displayName"


def _groups(intents: Sequence[_Intent]) -> Iterator[Sequence[_Intent]]:
    for first in range(0, len(intents), GROUP_MAX):
        yield intents[first : first + GROUP_MAX]


def _packed(cursor: _Cursor) -> Cursor:
    return Cursor(json.dumps({"read_at": cursor.read_at.isoformat(), "links": dict(cursor.links)}))


def _unpacked(cursor: Cursor) -> _Cursor | None:
    try:
        document: _CursorDocument = json.loads(cursor)
        return _Cursor(datetime.fromisoformat(document["read_at"]), dict(document["links"]))
    except (ValueError, KeyError, TypeError):
        return None
