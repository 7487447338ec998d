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

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import quote

from connectors.errors import Gone, Misunderstood, PreconditionFailed, Refused
from connectors.graph_client import GraphClient, Item, Reply, objects, word
from connectors.graph_feed import Feed, Position, packed
from connectors.graph_folders import Folders, path_of
from connectors.graph_record import (
    CHANGED,
    GONE,
    NOT_FOUND,
    carrying,
    document_of,
    etag_of,
    found_as,
    id_of,
    looked_at,
    path_to,
    record_of,
    refusal_of,
    seen_as,
    still,
    text_of,
    uid_of,
    writing,
    written_properties,
)
from connectors.interface import ChangeSet, Cursor, Deleted, Unreadable, Written
from mappings import graph_contacts, graph_properties
from mappings.errors import EditRefused, UnreadableRecord
from mappings.fields import Format
from mappings.graph_json import JsonObject
from mappings.operation import CreateRecord, DeleteRecord, RestoreRecord, UpdateRecord, values_after
from mappings.person import Uid
from mappings.record import AccountName, Etag, Record, RemoteId

GROUP_MAX = 20
PAGE_SIZE = 999

_LISTED = f"$top={PAGE_SIZE}&$expand=" + quote(graph_properties.EXPAND, safe="()/'=$")
_EXPAND = "?$expand=" + quote(graph_properties.EXPAND, safe="()/'=$")
_UNCLEAR = "Microsoft did not say whether it was done; the next run will see"

_Intent = TypeVar("_Intent", UpdateRecord, DeleteRecord)
_Change = Written | Deleted | PreconditionFailed | Gone | Refused


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
        self._folders = Folders(client, folders)
        self._feed = Feed(client, self._folders)
        self._now = now
        self._marked_line = marked_line

    def changes(self, since: Cursor | None, known: Mapping[RemoteId, Etag]) -> ChangeSet:
        cursor = None if since is None else self._feed.position(since, self._now())
        round_ = self._feed.first_round() if cursor is None else self._feed.next_round(cursor)
        changed = [each for each, etag in round_.alive.items() if not etag or known.get(each) != etag]
        absent = known.keys() - round_.alive.keys() if cursor is None else round_.removed & known.keys()
        size = max(len(known), len(round_.alive))
        looks = [*self._fetched(changed, size), *self._confirmed(sorted(absent))]
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
            cursor=packed(Position(self._now() if cursor is None else cursor.read_at, round_.links)),
            complete=cursor is None,
            listed=len(round_.alive) + kept,
        )

    def read(self, remote_ids: Sequence[RemoteId]) -> Iterator[Record | Unreadable | Gone]:
        for remote_id, reply in zip(remote_ids, self._read(remote_ids), strict=True):
            yield looked_at(remote_id, reply)

    def create(self, intents: Sequence[CreateRecord]) -> Iterator[Written | Refused]:
        there = self._with_uids([intent.uid for intent in intents])
        bodies = {intent.uid: self._new(intent) for intent in intents if intent.uid not in there}
        path = f"/me/contactFolders/{quote(self._folders.ids()[0], safe='')}/contacts"
        items = [Item("POST", path, body) for body in bodies.values() if not isinstance(body, Refused)]
        replies = self._client.chain(items, reads=False)
        for intent in intents:
            if intent.uid in there:
                yield found_as(there[intent.uid])
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

    def _fetched(self, remote_ids: Sequence[RemoteId], size: int) -> Iterator[Record | Unreadable | Gone]:
        """Read contacts, each by itself or all of about `size` in pages, whichever takes fewer requests."""
        pays = len(remote_ids) / GROUP_MAX > size / PAGE_SIZE + 1
        listed: Mapping[RemoteId, JsonObject] = (
            self._listed(frozenset(remote_ids)) if pays else dict[RemoteId, JsonObject]()
        )
        single = [each for each in remote_ids if each not in listed]
        replies = dict(zip(single, self._read(single), strict=True))
        for each in remote_ids:
            yield seen_as(listed[each]) if each in listed else looked_at(each, replies[each])

    def _listed(self, wanted: frozenset[RemoteId]) -> Mapping[RemoteId, JsonObject]:
        """Read whole pages; what they skip while somebody changes the folder is missing in the result."""
        found: dict[RemoteId, JsonObject] = {}
        for folder in self._folders.ids():
            for page in self._client.pages(f"{path_of(folder)}?{_LISTED}"):
                found |= {each: row for row in objects(page) if (each := id_of(row)) in wanted}
        return found

    def _confirmed(self, remote_ids: Sequence[RemoteId]) -> Iterator[Record | Unreadable | Gone]:
        """Look for contacts that are said to be removed."""
        items = [Item("GET", path_to(each) + _EXPAND) for each in remote_ids]
        replies = [*self._client.side_by_side(items)]
        places = self._folders.places() if any(reply.succeeded for reply in replies) else None
        for each, reply in zip(remote_ids, replies, strict=True):
            place = word(reply.document, "parentFolderId") if reply.succeeded else ""
            is_elsewhere = bool(place) and places is not None and place not in places
            # A deleted contact may still be read in the folder of deleted items, which is none of contacts.
            yield Gone(each, GONE) if is_elsewhere else looked_at(each, reply)

    def _read(self, remote_ids: Sequence[RemoteId]) -> Iterator[Reply]:
        return self._client.chain([Item("GET", path_to(each) + _EXPAND) for each in remote_ids], reads=True)

    # Creating.

    def _new(self, intent: CreateRecord) -> JsonObject | Refused:
        try:
            return graph_contacts.new(intent.person, intent.uid, marked_line=self._marked_line)
        except EditRefused as error:
            return Refused(None, error.reason)

    def _created(self, uid: Uid, body: JsonObject, reply: Reply) -> Written | Refused:
        if reply.status == 201 and reply.document.get("id"):
            return found_as(carrying(reply.document, graph_properties.read(body)))
        if reply.succeeded or reply.failed_there:
            made = self._with_uids([uid])
            return found_as(made[uid]) if uid in made else Refused(None, "Microsoft failed to make the contact")
        return Refused(None, refusal_of(reply))

    def _with_uids(self, uids: Sequence[Uid]) -> Mapping[Uid, JsonObject]:
        """Return the contacts that carry these uids, the first of each."""
        wanted = frozenset(uids)
        found: dict[Uid, JsonObject] = {}
        pages = self._found_by_uid(uids) if len(uids) <= GROUP_MAX else self._uids_listed()
        for row in (row for page in pages for row in objects(page)):
            uid = uid_of(row)
            if uid in wanted and uid not in found:
                found[uid] = row
        return found

    def _found_by_uid(self, uids: Sequence[Uid]) -> Iterator[JsonObject]:
        conditions = [quote(graph_properties.filter_of(graph_properties.UID, uid), safe="()/'=$:") for uid in uids]
        items = [
            Item("GET", f"{path_of(folder)}?$filter={condition}&{_LISTED}")
            for folder in self._folders.ids()
            for condition in conditions
        ]
        for reply in self._client.chain(items, reads=True):
            if not reply.succeeded:
                raise Misunderstood(f"Graph does not find contacts by our uid: {reply.status} {reply.code}", "")
            yield reply.document

    def _uids_listed(self) -> Iterator[JsonObject]:
        for folder in self._folders.ids():
            yield from self._client.pages(f"{path_of(folder)}?{_LISTED}")

    # Changing.

    def _carried_out(
        self, group: Sequence[_Intent], prepare: Callable[[_Intent, JsonObject], Item | Written | Refused]
    ) -> Iterator[_Change]:
        """Read a group, prepare each write from what is there, and carry them out."""
        now = [
            still(intent, reply)
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
            return Written(record_of(document), text_of(document), text_of(document))
        return writing("PATCH", document, body)

    def _deletion(self, intent: DeleteRecord, document: JsonObject) -> Item | Written | Refused:
        try:
            graph_contacts.contact(document)
        except UnreadableRecord as error:
            return Refused(intent.remote_id, error.reason)
        return writing("DELETE", document, None)

    def _outcome(self, remote_id: RemoteId, before: JsonObject, item: Item, reply: Reply) -> _Change:
        if reply.status == 412:
            retried = self._again(remote_id, before, item)
            if retried is None:
                return PreconditionFailed(remote_id, CHANGED)
            reply = retried
        if reply.succeeded:
            if item.body is None:
                return Deleted(remote_id, text_of(before))
            return self._written(remote_id, before, item.body, reply)
        if reply.failed_there or reply.status == 412:
            return PreconditionFailed(remote_id, _UNCLEAR if reply.failed_there else CHANGED)
        if reply.status == 404 and reply.code == NOT_FOUND:
            return Gone(remote_id, GONE)
        return Refused(remote_id, refusal_of(reply))

    def _again(self, remote_id: RemoteId, before: JsonObject, item: Item) -> Reply | None:
        """Try once more what was refused for a change, if there was none."""
        (now,) = self._read([remote_id])
        if not now.succeeded or etag_of(now.document) != etag_of(before):
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
        ours = {**graph_properties.read(before), **written_properties(body)}
        after = carrying(after, ours)
        return Written(record_of(after), text_of(before), text_of(after))

    # Putting back.

    def _restored(self, intent: RestoreRecord, after: str) -> _Change:
        (reply,) = self._read([intent.remote_id])
        if reply.status == 404 and reply.code == NOT_FOUND:
            return Gone(intent.remote_id, GONE)
        if not reply.succeeded:
            return Refused(intent.remote_id, refusal_of(reply))
        now = reply.document
        if etag_of(now) != intent.etag or not graph_contacts.is_as(document_of(after), now):
            return PreconditionFailed(intent.remote_id, CHANGED)
        body = None if intent.before is None else graph_contacts.restoring(document_of(intent.before), now)
        if body is not None and not body:
            return Written(record_of(now), text_of(now), text_of(now))
        item = writing("DELETE" if body is None else "PATCH", now, body)
        (written,) = self._client.chain([item], reads=False)
        return self._outcome(intent.remote_id, now, item, written)

    def _made_anew(self, intent: RestoreRecord) -> Written | PreconditionFailed | Refused:
        before = document_of(intent.before or "{}")
        there = self._with_uids([intent.uid]).get(intent.uid)
        if there is None:
            (reply,) = self._read([intent.remote_id])
            in_place = reply.succeeded and not self._is_thrown_away(reply.document)
            there = reply.document if in_place else None
        if there is not None:
            found = found_as(there)
            is_same = isinstance(found, Written) and graph_contacts.is_as(before, there)
            return found if is_same else PreconditionFailed(intent.remote_id, "is there again, and is not what it was")
        ours = {**graph_properties.read(before), graph_properties.UID: intent.uid}
        body = graph_contacts.restoring(carrying(before, ours), {})
        path = f"/me/contactFolders/{quote(self._folders.ids()[0], safe='')}/contacts"
        (made,) = self._client.chain([Item("POST", path, body)], reads=False)
        return self._created(intent.uid, body, made)

    def _is_thrown_away(self, document: JsonObject) -> bool:
        places = self._folders.places()
        return places is not None and word(document, "parentFolderId") not in places


def _groups(intents: Sequence[_Intent]) -> Iterator[Sequence[_Intent]]:
    for first in range(0, len(intents), GROUP_MAX):
        yield intents[first : first + GROUP_MAX]
