"""A record: one person at a provider, as read; and the names by which both sides are known."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NewType

from mappings.person import FieldName, Person, Uid

AccountName = NewType("AccountName", str)
"""One configured connector, by the owner's name for it."""

MEETINGS = AccountName("the calendar")
"""All calendars together, as where dates are from: beside account names, none of which has a blank in it."""

RemoteId = NewType("RemoteId", str)
"""The provider's stable name of a record: an href, a `resourceName`, a Graph `id`, a file name."""

Etag = NewType("Etag", str)
"""Changes whenever the record does; opaque; guards every write (RFC 9110 section 8.8.3)."""

NotePath = NewType("NotePath", str)
"""A note's path beneath the vault's root, with `/` between its parts."""

NoteHash = NewType("NoteHash", str)
"""The hash of a note's bytes; guards every write to it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a lens got out of a text: the person, our uid in it, and the fields it will not vouch for.

    `held` names fields that stand in the text but cannot be read safely, with a reason for the owner;
    their value in `person` means nothing and nobody may merge or write them.
    """

    uid: Uid | None
    person: Person
    held: Mapping[FieldName, str]


@dataclass(frozen=True, slots=True)
class Record:
    """One person at a provider, as last read."""

    remote_id: RemoteId
    etag: Etag
    reading: Reading

    @property
    def uid(self) -> Uid | None:
        return self.reading.uid

    @property
    def person(self) -> Person:
        return self.reading.person
