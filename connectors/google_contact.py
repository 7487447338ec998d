"""One Google contact as a connector has it: its lasting id, where it is found, its version, what it says.

The remote id is that of the contact's source. The resource name is nearly always the same number in decimals, but may
change when a profile turns up behind a contact. So an etag is the source's version, and behind a blank the resource name
where it is not the usual one: whoever knows the etag can find the contact.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from connectors.interface import Unreadable
from mappings import google_people
from mappings.errors import UnreadableRecord
from mappings.google_people import Labels
from mappings.google_person import Source, is_deleted, source_of, usual_name
from mappings.json_object import JsonObject
from mappings.record import Etag, Record, RemoteId


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact as it was read."""

    source: Source
    name: str
    person: JsonObject

    @property
    def remote_id(self) -> RemoteId:
        return self.source.id

    @property
    def etag(self) -> Etag:
        is_usual = self.name == usual_name(self.source.id)
        return self.source.etag if is_usual else Etag(f"{self.source.etag} {self.name}")


def contact_of(person: JsonObject) -> Contact | None:
    """Return the contact that a person is, None for one that has no contact, or no more.

    Errors: `UnreadableRecord` for what has neither an id nor a place, of which nothing can be said.
    """
    source = source_of(person)
    return None if source is None or is_deleted(person) else Contact(source, person.text("resourceName"), person)


def name_in(remote_id: RemoteId, etag: Etag | None) -> str:
    """Return the resource name of a contact that is known by its id and its etag."""
    _, _, name = (etag or "").partition(" ")
    return name or usual_name(remote_id)


def version_in(etag: Etag) -> Etag:
    """Return the source's version, by which a write is guarded."""
    return Etag(etag.partition(" ")[0])


def as_read(contact: Contact, labels: Labels) -> Record | Unreadable:
    """Read what a contact says, or say why it is not understood."""
    try:
        return Record(contact.remote_id, contact.etag, google_people.get(contact.person, labels))
    except UnreadableRecord as error:
        return Unreadable(contact.remote_id, contact.etag, None, error.reason)


def by_id(persons: Iterable[JsonObject]) -> Mapping[RemoteId, Contact | None]:
    """Return the contacts of a list by their ids, None for those that are said to be deleted; the last word counts."""
    found: dict[RemoteId, Contact | None] = {}
    for person in persons:
        source = source_of(person)
        if source is not None:
            found[source.id] = contact_of(person)
    return found
