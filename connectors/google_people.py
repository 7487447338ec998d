"""Contacts in a Google account.

Theory of operation
-------------------
*Reading.* The change feed says which contacts may have changed, minutes late, and may show what is no longer so, our
own writes among it. So a contact that is known in another version is read once more by its name, which shows it as it
is; so is one that is said to be deleted, or that a complete list lacks. Only what is not found there is gone.

*Writing.* An update replaces whole arrays. They are rebuilt from a fresh read, whose version must be the one that the
intent was made from, and which guards the write once more at the server. Contacts with the same mask share a request,
contacts with different masks never: a body that lacks a masked array empties it.

*Making.* Nothing but our uid, which each contact carries, tells a repeated create from a new one. So before anything is
made, the uids that are there must be known: from a complete list that was read since the last create whose answer was
lost, or, where this connector was asked for changes first, from its caller, who asks for everything where a create is
unclear.

Source: discovery document people.v1; what is observed beyond it is in the facts that the emulator follows.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from connectors.errors import ConnectorError, CursorExpired, Gone, PreconditionFailed, TryLater
from connectors.errors import Refused as RecordRefused
from connectors.google_access import Access
from connectors.google_answers import Refused, Sort
from connectors.google_contact import Contact, as_read, name_in, version_in
from connectors.google_labels import Labels, Wanted, groups_of
from connectors.google_people_api import (
    BATCH_SIZE,
    EVERYTHING,
    Item,
    ItemRefused,
    NotAnswered,
    NotFound,
    Page,
    PeopleApi,
)
from connectors.google_people_write import Draft, Result, in_order, write
from connectors.google_reading import Seen, chunks, contact_in, contacts_in, id_of, uid_of, uids_of
from connectors.interface import ChangeSet, Cursor, Deleted, Unreadable, Written
from mappings import google_people
from mappings.errors import EditRefused, UnreadableRecord
from mappings.fields import Format, texts
from mappings.google_fields import read_uid
from mappings.google_person import WRITABLE_KINDS, body, difference, entries, with_entries
from mappings.json_object import JsonObject, composed, parsed
from mappings.operation import CreateRecord, DeleteRecord, RestoreRecord, UpdateRecord, values_after
from mappings.person import Uid
from mappings.record import Etag, Record, RemoteId

FIELDS = (
    "addresses,birthdays,clientData,emailAddresses,memberships,metadata,names,nicknames,organizations,phoneNumbers,urls,"
    "userDefined"
)
"""What is listed of each contact: what a field stands for, and no more."""

_ONLY_UIDS = "clientData,metadata"
_PARAMETERS = hashlib.blake2b(FIELDS.encode(), digest_size=6).hexdigest()
"""A sync token is good for the parameters that it was given for; a cursor says which these were."""

_CHANGED = "changed since it was read"
_GONE = "no longer among the contacts"

_WriteIntent = UpdateRecord | DeleteRecord | RestoreRecord


class GoogleContacts:
    """The contacts of one Google account."""

    def __init__(self, access: Access) -> None:
        self.account = access.account
        self.format = Format.GOOGLE
        self._api = PeopleApi(access)
        self._labels = Labels(self._api)
        self._uids: dict[Uid, RemoteId] | None = None
        """Who is there, as far as it must be known to make somebody; None if it is not known."""

    def changes(self, since: Cursor | None, known: Mapping[RemoteId, Etag]) -> ChangeSet:
        if since is None:
            self._labels.forget()
        before = {} if since is None else self._uids or {}
        seen = Seen(known, complete=since is None)
        uids: dict[Uid, RemoteId] = {}
        for page in self._pages(since):
            # Page by page, so that no more than one is in memory.
            contacts = contacts_in(page.persons)
            uids |= uids_of(contacts.values())
            self._read_into(seen, seen.listed(contacts))
            seen.sync_token = page.sync_token
        doubtful = seen.doubtful()
        for some in chunks(list(doubtful)):
            items = self._api.got([doubtful[each] for each in some], FIELDS)
            contacts = {each: contact_in(item) for each, item in zip(some, items, strict=True)}
            self._read_into(seen, seen.confirmed(contacts))
        gone = set(seen.removed)
        self._uids = {uid: each for uid, each in {**before, **uids}.items() if each not in gone}
        token = Cursor(f"{_PARAMETERS} {seen.sync_token}") if seen.sync_token else since
        return ChangeSet(
            records=tuple(each for each in seen.news.values() if isinstance(each, Record)),
            removed=tuple(seen.removed),
            unreadable=tuple(each for each in seen.news.values() if isinstance(each, Unreadable)),
            cursor=token,
            complete=since is None,
            listed=len(seen.there),
        )

    def read(self, remote_ids: Sequence[RemoteId]) -> Iterator[Record | Unreadable | Gone]:
        for first in range(0, len(remote_ids), BATCH_SIZE):
            some = remote_ids[first : first + BATCH_SIZE]
            contacts = [contact_in(item) for item in self._api.got([name_in(each, None) for each in some], FIELDS)]
            labels = self._labels.of(contact.person for contact in contacts if contact is not None)
            for remote_id, contact in zip(some, contacts, strict=True):
                yield Gone(remote_id, _GONE) if contact is None else as_read(contact, labels)

    def create(self, intents: Sequence[CreateRecord]) -> Iterator[Written | RecordRefused]:
        for first in range(0, len(intents), BATCH_SIZE):
            yield from self._created(intents[first : first + BATCH_SIZE])

    def update(self, intents: Sequence[UpdateRecord]) -> Iterator[Written | PreconditionFailed | Gone | RecordRefused]:
        for first in range(0, len(intents), BATCH_SIZE):
            some = intents[first : first + BATCH_SIZE]
            yield from in_order(self._updated(some, self._current(some)))

    def delete(self, intents: Sequence[DeleteRecord]) -> Iterator[Deleted | PreconditionFailed | Gone | RecordRefused]:
        for first in range(0, len(intents), BATCH_SIZE):
            some = intents[first : first + BATCH_SIZE]
            yield from self._deleted(some, self._current(some))

    def restore(
        self, intents: Sequence[RestoreRecord]
    ) -> Iterator[Written | Deleted | PreconditionFailed | Gone | RecordRefused]:
        for intent in intents:
            try:
                yield self._made_anew(intent) if intent.after is None else self._put_back(intent)
            except UnreadableRecord as error:
                yield RecordRefused(intent.remote_id, error.reason)

    # Reading.

    def _pages(self, since: Cursor | None) -> Iterator[Page]:
        parameters, _, token = (since or "").partition(" ")
        if since is not None and parameters != _PARAMETERS:
            raise CursorExpired("the cursor is from a reader of other fields")
        try:
            yield from self._api.pages(FIELDS, token, with_token=True)
        except Refused as error:
            # What Google thinks of a token that it does not like differs: expired, or an invalid argument.
            if token and error.refusal.sort in {Sort.EXPIRED, Sort.WRONG}:
                raise CursorExpired("the sync token is too old") from error
            raise self._api.access.not_understood(error) from error

    def _read_into(self, seen: "Seen", contacts: Sequence[Contact]) -> None:
        labels = self._labels.of(contact.person for contact in contacts)
        for contact in contacts:
            seen.news[contact.remote_id] = as_read(contact, labels)

    # Writing.

    def _current(self, intents: Sequence[_WriteIntent]) -> list[Contact | PreconditionFailed | Gone | RecordRefused]:
        """Return the contacts as they are now, if they are still what the intents were made from and may be written."""
        names = [name_in(intent.remote_id, intent.etag) for intent in intents]
        items = self._api.got(names, EVERYTHING)
        return [self._guarded(intent, item) for intent, item in zip(intents, items, strict=True)]

    def _guarded(self, intent: _WriteIntent, item: Item) -> Contact | PreconditionFailed | Gone | RecordRefused:
        contact = contact_in(item)
        if contact is None:
            return Gone(intent.remote_id, _GONE)
        if intent.etag is None or contact.source.etag != version_in(intent.etag):
            return PreconditionFailed(intent.remote_id, _CHANGED)
        read = as_read(contact, {})
        return RecordRefused(intent.remote_id, read.reason) if isinstance(read, Unreadable) else contact

    def _updated(
        self,
        intents: Sequence[UpdateRecord],
        current: Sequence[Contact | PreconditionFailed | Gone | RecordRefused],
    ) -> Iterator[tuple[int, Written | PreconditionFailed | Gone | RecordRefused]]:
        drafts: dict[int, Draft] = {}
        for number, (intent, contact) in enumerate(zip(intents, current, strict=True)):
            drafted = _drafted(intent, contact) if isinstance(contact, Contact) else contact
            if isinstance(drafted, Draft):
                drafts[number] = drafted
            else:
                yield number, drafted
        numbers = list(drafts)
        tagged = {number for number in numbers if any(change.field == "tags" for change in intents[number].changes)}
        later: dict[int, JsonObject] = {}
        for place, result in write(self._api, list(drafts.values())):
            number = numbers[place]
            if number in tagged and isinstance(result, JsonObject):
                later[number] = result
            else:
                yield number, self._outcome(drafts[number].contact, result)
        for number, person in self._labelled({number: (person, intents[number]) for number, person in later.items()}):
            yield number, self._outcome(drafts[number].contact, person)

    def _outcome(self, before: Contact, result: Result) -> Written | PreconditionFailed | Gone | RecordRefused:
        match result:
            case JsonObject():
                return self._as_written(result, composed(before.person))
            case NotFound():
                return Gone(before.remote_id, _GONE)
            case ItemRefused():
                sort = PreconditionFailed if result.is_stale else RecordRefused
                return sort(before.remote_id, result.reason)

    def _as_written(self, person: JsonObject, before: str | None) -> Written | RecordRefused:
        contact = contact_in(person)
        if contact is None:
            raise TryLater("the People API answered a write with a contact that is none", None)
        read = as_read(contact, self._labels.of([person]))
        if isinstance(read, Unreadable):
            return RecordRefused(contact.remote_id, read.reason)
        return Written(read, before, composed(person))

    def _labelled(self, written: Mapping[int, tuple[JsonObject, UpdateRecord]]) -> Iterator[tuple[int, Result]]:
        """Give contacts the labels that they are to have, and yield them as they are then."""
        if not written:
            return
        self._labels.of(person for person, _ in written.values())
        self._labels.move(
            Wanted(person, texts(values_after(intent.changes)["tags"])) for person, intent in written.values()
        )
        names = [person.text("resourceName") for person, _ in written.values()]
        for number, item in zip(written, self._api.got(names, EVERYTHING), strict=True):
            if isinstance(item, NotAnswered):
                raise TryLater(str(item), None)
            yield number, item

    # Deleting.

    def _deleted(
        self,
        intents: Sequence[DeleteRecord],
        current: Sequence[Contact | PreconditionFailed | Gone | RecordRefused],
    ) -> Iterator[Deleted | PreconditionFailed | Gone | RecordRefused]:
        refused = self._delete_all([contact for contact in current if isinstance(contact, Contact)])
        for intent, contact in zip(intents, current, strict=True):
            if isinstance(contact, Contact):
                yield refused.get(intent.remote_id) or Deleted(intent.remote_id, composed(contact.person))
            else:
                yield contact

    def _delete_all(self, contacts: Sequence[Contact]) -> Mapping[RemoteId, RecordRefused]:
        """Delete contacts; one that is gone by then is what was wanted. Return those that Google does not delete."""
        if not contacts:
            return {}
        try:
            self._api.delete([contact.name for contact in contacts])
        except Refused as error:
            if len(contacts) > 1:
                return self._delete_one_by_one(contacts)
            if error.refusal.sort is not Sort.NOT_FOUND:
                return {contacts[0].remote_id: RecordRefused(contacts[0].remote_id, error.refusal.message)}
        return {}

    def _delete_one_by_one(self, contacts: Sequence[Contact]) -> Mapping[RemoteId, RecordRefused]:
        """Delete what a batch that failed as a whole has left."""
        refused: dict[RemoteId, RecordRefused] = {}
        for contact, item in zip(contacts, self._api.got([each.name for each in contacts], FIELDS), strict=True):
            if not isinstance(item, NotFound):
                refused |= self._delete_all([contact])
        return refused

    # Making.

    def _created(self, intents: Sequence[CreateRecord]) -> Iterator[Written | RecordRefused]:
        outcomes: dict[int, Written | RecordRefused] = {}
        bodies: dict[int, JsonObject] = {}
        for number, intent in enumerate(intents):
            found = self._found(intent.uid) or _new(intent)
            if isinstance(found, JsonObject):
                bodies[number] = found
            else:
                outcomes[number] = found
        made = dict(zip(bodies, self._make(list(bodies.values())), strict=True))
        persons = {number: item for number, item in made.items() if isinstance(item, JsonObject)}
        for number, person in persons.items():
            self._known_uids()[intents[number].uid] = id_of(person)
        finished = self._with_tags(persons, intents)
        for number in range(len(intents)):
            if number in finished:
                yield self._as_written(finished[number], None)
            elif number in made:
                yield RecordRefused(None, str(made[number]))
            else:
                yield outcomes[number]

    def _known_uids(self) -> dict[Uid, RemoteId]:
        if self._uids is None:
            uids: dict[Uid, RemoteId] = {}
            try:
                for page in self._api.pages(_ONLY_UIDS, "", with_token=False):
                    uids |= uids_of(contacts_in(page.persons).values())
            except Refused as error:
                raise self._api.access.not_understood(error) from error
            self._uids = uids
        return self._uids

    def _found(self, uid: Uid) -> Written | RecordRefused | None:
        """Return the contact that a create whose answer was lost has made, None if there is none, or no more."""
        remote_id = self._known_uids().get(uid)
        if remote_id is None:
            return None
        (item,) = self._api.got([name_in(remote_id, None)], EVERYTHING)
        contact = contact_in(item)
        if contact is None or uid_of(contact.person) != uid:
            # It was deleted since, or is another note's by now.
            del self._known_uids()[uid]
            return None
        return self._as_written(contact.person, None)

    def _make(self, bodies: Sequence[JsonObject]) -> list[JsonObject | ItemRefused | NotFound]:
        """Make contacts; where that is unclear, the uids that are there are no longer known."""
        if not bodies:
            return []
        try:
            items = self._api.create(bodies) if len(bodies) > 1 else [self._api.create_one(bodies[0])]
            return [_clear(item) for item in items]
        except Refused:
            # A batch is refused as a whole for one bad contact. Should it have been carried out in part all the same,
            # a complete list shows whom it made.
            self._uids = None
            there = self._known_uids()
            return [self._made_alone(body, there) for body in bodies]
        except ConnectorError:
            self._uids = None
            raise

    def _made_alone(self, body: JsonObject, there: Mapping[Uid, RemoteId]) -> JsonObject | ItemRefused | NotFound:
        remote_id = there.get(Uid(read_uid(body)))
        try:
            if remote_id is not None:
                (item,) = self._api.got([name_in(remote_id, None)], EVERYTHING)
            else:
                item = self._api.create_one(body)
            return _clear(item)
        except ConnectorError:
            self._uids = None
            raise

    def _with_tags(
        self, persons: Mapping[int, JsonObject], intents: Sequence[CreateRecord]
    ) -> Mapping[int, JsonObject]:
        """Give new contacts their labels, and return all as they are then."""
        tagged = {number: person for number, person in persons.items() if intents[number].person.tags}
        if not tagged:
            return persons
        self._labels.move(Wanted(person, intents[number].person.tags) for number, person in tagged.items())
        items = self._api.got([person.text("resourceName") for person in tagged.values()], EVERYTHING)
        fresh = {number: item for number, item in zip(tagged, items, strict=True) if isinstance(item, JsonObject)}
        return {**persons, **fresh}

    # Putting back.

    def _put_back(self, intent: RestoreRecord) -> Written | Deleted | PreconditionFailed | Gone | RecordRefused:
        (contact,) = self._current([intent])
        if not isinstance(contact, Contact):
            return contact
        if difference(contact.person, parsed(intent.after or "")):
            return PreconditionFailed(intent.remote_id, _CHANGED)
        if intent.before is None:
            refused = self._delete_all([contact])
            return refused.get(intent.remote_id) or Deleted(intent.remote_id, composed(contact.person))
        after = contact.person
        before = parsed(intent.before)
        for kind in WRITABLE_KINDS:
            after = with_entries(after, kind, entries(before, kind))
        draft = Draft(contact, after, difference(contact.person, after))
        ((_, result),) = write(self._api, [draft])
        return self._outcome(contact, result)

    def _made_anew(self, intent: RestoreRecord) -> Written | PreconditionFailed | RecordRefused:
        before = google_people.put(parsed(intent.before or ""), {}, intent.uid)
        found = self._found(intent.uid)
        if found is not None:
            # Groups may be gone by now, and an answer may have been lost before it was put into them.
            is_same = isinstance(found, Written) and {*difference(parsed(found.after), before)} <= {"memberships"}
            return found if is_same else PreconditionFailed(intent.remote_id, "is there again, and is not what it was")
        # Whether a contact may be made in groups is not known for certain, so it is put into them afterwards.
        kinds = [kind for kind in WRITABLE_KINDS if kind != "memberships" and entries(before, kind)]
        (made,) = self._make([body(before, kinds, None)])
        if not isinstance(made, JsonObject):
            return RecordRefused(None, str(made))
        self._known_uids()[intent.uid] = id_of(made)
        if not self._labels.put_into(made, groups_of(before)):
            return self._as_written(made, None)
        (item,) = self._api.got([made.text("resourceName")], EVERYTHING)
        return self._as_written(item if isinstance(item, JsonObject) else made, None)


def _drafted(intent: UpdateRecord, contact: Contact) -> Draft | RecordRefused:
    try:
        uid = intent.uid if intent.insert_uid else None
        after = google_people.put(contact.person, values_after(intent.changes), uid)
    except (EditRefused, UnreadableRecord) as error:
        return RecordRefused(intent.remote_id, error.reason)
    return Draft(contact, after, difference(contact.person, after))


def _new(intent: CreateRecord) -> JsonObject | RecordRefused:
    try:
        return google_people.new(intent.person, intent.uid)
    except EditRefused as error:
        return RecordRefused(None, error.reason)


def _clear(item: Item) -> JsonObject | ItemRefused | NotFound:
    if isinstance(item, NotAnswered):
        raise TryLater(str(item), None)
    return item
