"""Reading Google's contacts: what of a list counts, and what is only believed when it is read once more.

A list is a hint (see `google_people`). What is new in it is read as it stands; a contact that is known in another version,
that is said to be deleted, or that a complete list lacks is named as doubtful, and asked for by its name.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from connectors.errors import TryLater
from connectors.google_access import documented
from connectors.google_contact import Contact, by_id, contact_of, name_in
from connectors.google_people_api import BATCH_SIZE, Item, ItemRefused, NotAnswered, NotFound
from connectors.interface import Unreadable
from mappings.errors import UnreadableRecord
from mappings.google_fields import read_uid
from mappings.json_object import JsonObject
from mappings.person import Uid
from mappings.record import Etag, Record, RemoteId


class Seen:
    """What a read has come across so far, and what of it is not believed yet."""

    def __init__(self, known: Mapping[RemoteId, Etag], *, complete: bool) -> None:
        self._known = known
        self._complete = complete
        self._names: dict[RemoteId, str] = {}
        self._mentioned: set[RemoteId] = set()
        self.there: set[RemoteId] = set()
        self.news: dict[RemoteId, Record | Unreadable] = {}
        self.removed: list[RemoteId] = []
        self.sync_token = ""

    def listed(self, contacts: Mapping[RemoteId, Contact | None]) -> list[Contact]:
        """Take a page of a list; return the contacts in it that nobody knew, which may be read as they are."""
        for remote_id, contact in contacts.items():
            self._mentioned.add(remote_id)
            self.news.pop(remote_id, None)
            self._names.pop(remote_id, None)
            if contact is None:
                self.there.discard(remote_id)
                if remote_id in self._known:
                    self._names[remote_id] = name_in(remote_id, self._known[remote_id])
                continue
            self.there.add(remote_id)
            if contact.etag != self._known.get(remote_id, contact.etag):
                # The name under which it is listed is the one that it has by now.
                self._names[remote_id] = contact.name
        return [each for each in contacts.values() if each is not None and each.remote_id not in self._known]

    def doubtful(self) -> Mapping[RemoteId, str]:
        """Return the contacts of which a list is not believed, and where each is found.

        They are those that are known in another version, and those that are said to be deleted or are missing.
        """
        absent = self._known.keys() - self._mentioned if self._complete else ()
        return {**self._names, **{each: name_in(each, self._known[each]) for each in absent}}

    def confirmed(self, contacts: Mapping[RemoteId, Contact | None]) -> list[Contact]:
        """Take contacts as they are at this moment; return those that are news."""
        for remote_id, contact in contacts.items():
            if contact is None:
                self.there.discard(remote_id)
                self.removed.append(remote_id)
            else:
                self.there.add(remote_id)
        return [each for each in contacts.values() if each is not None and each.etag != self._known.get(each.remote_id)]


def contacts_in(persons: Sequence[JsonObject]) -> Mapping[RemoteId, Contact | None]:
    """Return the contacts of a page by their ids, None for those that are said to be deleted."""
    with documented():
        return by_id(persons)


def contact_in(item: Item) -> Contact | None:
    """Return the contact that was asked for by its name, None if it is gone. Errors: `TryLater` if nobody knows."""
    match item:
        case JsonObject():
            with documented():
                return contact_of(item)
        case NotFound():
            return None
        case ItemRefused() | NotAnswered():
            raise TryLater(str(item), None)


def uids_of(contacts: Iterable[Contact | None]) -> dict[Uid, RemoteId]:
    """Return whose contacts these are, as far as they carry a uid."""
    there = (contact for contact in contacts if contact is not None)
    return {Uid(uid): contact.remote_id for contact in there if (uid := uid_of(contact.person))}


def chunks(remote_ids: Sequence[RemoteId]) -> Iterator[Sequence[RemoteId]]:
    """Cut a list into as many as may be asked for at once."""
    for first in range(0, len(remote_ids), BATCH_SIZE):
        yield remote_ids[first : first + BATCH_SIZE]


def uid_of(person: JsonObject) -> str:
    """Return our uid in a contact, "" if it has none, or none that can be read."""
    try:
        return read_uid(person)
    except UnreadableRecord:
        return ""


def id_of(person: JsonObject) -> RemoteId:
    """Return the id of a contact that was just made. Errors: `TryLater` if it is none."""
    contact = contact_in(person)
    if contact is None:
        raise TryLater("the People API answered a create with a contact that is none", None)
    return contact.remote_id
