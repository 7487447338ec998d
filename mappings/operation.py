"""The closed set of steps. A plan is made of these and of nothing else; `execute` has one line for each.

An operation carries what it was computed from (the note's hash, the record's etag), so that it can only
be carried out on exactly that, and what both sides are known to agree on once it is done (`agreed`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from mappings.date_memory import DateMemory
from mappings.person import FieldName, Person, Uid, Value
from mappings.record import AccountName, Etag, NoteHash, NotePath, RemoteId


@dataclass(frozen=True, slots=True)
class Change:
    """One field's old and new value, and on whose word: account names, or `note`."""

    field: FieldName
    before: Value
    after: Value
    sources: tuple[str, ...]


def values_after(changes: Iterable[Change]) -> dict[FieldName, Value]:
    """Return what the changed fields are to say."""
    values: dict[FieldName, Value] = {}
    for change in changes:
        values[change.field] = change.after
    return values


@dataclass(frozen=True, slots=True)
class Agreed:
    """Values that note and record both hold: what the link's base says from then on."""

    account: AccountName
    values: Mapping[FieldName, Value]


@dataclass(frozen=True, slots=True)
class WriteNote:
    """Replace the changed values' characters in one note, and insert the uid where it is to be kept there."""

    uid: Uid
    path: NotePath
    note_hash: NoteHash
    changes: tuple[Change, ...]
    insert_uid: bool
    agreed: tuple[Agreed, ...]


@dataclass(frozen=True, slots=True)
class CreateRecord:
    """Make one record that carries the uid; `person` holds only what may leave, as the format can hold it."""

    account: AccountName
    uid: Uid
    person: Person
    agreed: Agreed


@dataclass(frozen=True, slots=True)
class UpdateRecord:
    """Replace the changed values in one record, and put the uid into it where it lacks one or carries another."""

    account: AccountName
    uid: Uid
    remote_id: RemoteId
    etag: Etag
    changes: tuple[Change, ...]
    insert_uid: bool
    agreed: Agreed


@dataclass(frozen=True, slots=True)
class DeleteRecord:
    """Delete one record, because the owner deleted its note and chose that contacts follow."""

    account: AccountName
    uid: Uid
    remote_id: RemoteId
    etag: Etag


@dataclass(frozen=True, slots=True)
class RestoreNote:
    """Put one note back, to the byte, to what it was before a write of ours."""

    uid: Uid
    path: NotePath
    note_hash: NoteHash
    text: str


@dataclass(frozen=True, slots=True)
class Joined:
    """A record that a note is linked to as long as it is there, and what the two agree on."""

    remote_id: RemoteId
    agreed: Agreed


@dataclass(frozen=True, slots=True)
class CreateNote:
    """Make one note that is not there, with its uid in it; `source` is the account, or the calendars, it is made from.

    `joined` are the records that it is linked to once it is there.
    """

    uid: Uid
    path: NotePath
    text: str
    source: AccountName
    joined: tuple[Joined, ...]


@dataclass(frozen=True, slots=True)
class RemoveNote:
    """Take away one note that we made, if it still is what we made of it; its links end with it.

    `text` is what it says, for making it again; `joined` are the links that end.
    """

    uid: Uid
    path: NotePath
    note_hash: NoteHash
    text: str
    joined: tuple[Joined, ...]


@dataclass(frozen=True, slots=True)
class RestoreRecord:
    """Put one record back to what it was before a write of ours, if nobody has changed it since.

    `before` and `after` are its payloads then (`connectors.interface.Written`), None where it was not there: one that
    was made is deleted, one that was deleted is made anew. `etag` is that of the record as it is now, None if it is
    gone. `agreed` is what the link's base says once the record is made anew, None if it is to be linked to nobody,
    because its note is gone.
    """

    account: AccountName
    uid: Uid
    remote_id: RemoteId
    etag: Etag | None
    before: str | None
    after: str | None
    agreed: Agreed | None


@dataclass(frozen=True, slots=True)
class Rebase:
    """Put a link's base back to what it was: these values, and no word on what was `never_agreed`."""

    uid: Uid
    agreed: Agreed
    never_agreed: frozenset[FieldName]


@dataclass(frozen=True, slots=True)
class RememberDate:
    """Remember what a note's date is and is to be, and on whose word; durable before the note says it."""

    uid: Uid
    field: FieldName
    memory: DateMemory


@dataclass(frozen=True, slots=True)
class Link:
    """Remember that this note is that record; nothing is written on either side."""

    account: AccountName
    uid: Uid
    remote_id: RemoteId
    evidence: str


@dataclass(frozen=True, slots=True)
class Agree:
    """Remember values that both sides came to hold by themselves."""

    uid: Uid
    agreed: Agreed


@dataclass(frozen=True, slots=True)
class Follow:
    """Remember that a linked record goes by another id now; the link keeps its base, and nothing is written."""

    account: AccountName
    uid: Uid
    former_id: RemoteId
    remote_id: RemoteId
    evidence: str


@dataclass(frozen=True, slots=True)
class Suspend:
    """Keep a link apart, base and all, while its note is no person's: nothing is read for it or written."""

    account: AccountName
    uid: Uid
    remote_id: RemoteId


@dataclass(frozen=True, slots=True)
class Resume:
    """Take a link up again that was kept apart: its note is a person's again."""

    account: AccountName
    uid: Uid
    remote_id: RemoteId


class Parting(StrEnum):
    """Why a link ends."""

    NOTE_DELETED = "note deleted"
    CONTACT_SAYS_MORE = "note deleted, contact says more"
    RECORD_DELETED = "contact deleted"
    ANOTHER_PERSON = "the note is another person's"
    UNDONE = "making the contact was undone"
    NOTE_UNDONE = "making the note was undone"
    BY_OWNER = "you parted them"


@dataclass(frozen=True, slots=True)
class Unlink:
    """End a link and remember the pair, so that it is never made again by itself; nothing is written."""

    account: AccountName
    uid: Uid
    remote_id: RemoteId
    parting: Parting


NoteWrite = WriteNote | CreateNote | RemoveNote | RestoreNote
RemoteWrite = CreateRecord | UpdateRecord | DeleteRecord | RestoreRecord
Bookkeeping = Link | Follow | Suspend | Resume | Agree | Unlink | Rebase | RememberDate
Operation = NoteWrite | RemoteWrite | Bookkeeping
