"""The state of all sides at one instant: what `plan` decides from. Gathered by the daemon, read by nobody else.

Absence is never a fact by itself: a note or record that was not found is listed with the number of complete
looks that missed it, an account that could not be read is present and `reachable=False`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from mappings.conflict import Decided
from mappings.date_memory import Dates, Stranger
from mappings.fields import Format, Policy
from mappings.note_rules import NoteRules
from mappings.operation import Change, RestoreNote, RestoreRecord, UpdateRecord, WriteNote
from mappings.person import FieldName, Person, Uid, Value
from mappings.record import AccountName, Etag, NoteHash, NotePath, Reading, Record, RemoteId

Base = Mapping[FieldName, Value]
"""What note and record last agreed on, field by field; a field that they never agreed on is missing."""

LOOKS_BEFORE_ABSENT = 2
"""Complete looks in a row that must miss a note or record before it counts as deleted.

Editors save by removing a file and making it again; one look can hit that instant.
"""


class NewContacts(StrEnum):
    """Which people without a record get one."""

    NONE = "none"
    REACHABLE = "reachable"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class NoteState:
    """One people note as it is now.

    `uid` is the person's name even where `reading.uid` is None, because the note does not carry it (yet).
    `holdable` are the fields for which the note has a place or its profile makes one.
    `dated` are the derived fields that have a key in it, be it empty; `context_date` is the newest date in its list
    "Recent Context", "" for none.
    `unwritable` is the reason why nothing may be written into it, "" if it may. `refused` are fields that were tried
    on paper in this run and cannot be written, with reasons: nothing of them travels in any direction.
    """

    path: NotePath
    note_hash: NoteHash
    uid: Uid
    reading: Reading
    holdable: frozenset[FieldName]
    dated: frozenset[FieldName]
    context_date: str
    unwritable: str
    refused: Mapping[FieldName, str]


@dataclass(frozen=True, slots=True)
class LinkState:
    """This note is that record, and this is the base of the two.

    `etag` is the record's when it was last seen while its note was there, "" if it never was.
    """

    account: AccountName
    uid: Uid
    remote_id: RemoteId
    base: Base
    etag: Etag


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A pair that was deleted on one side: never made or linked again by itself."""

    account: AccountName
    uid: Uid
    remote_id: RemoteId


@dataclass(frozen=True, slots=True)
class AccountState:
    """One account as last read.

    `missing` counts the complete looks that missed a record which was there; `arrived` counts the looks since
    a record came, that one included, for those that came while one was missing, and may be missing again. `unreadable` records exist but are not understood.
    `recovering` says that notes may carry uids which an earlier, lost state has put there. `first_run` says that no
    plan of this account was ever carried out, `rules_changed` that the last one was under other rules. `asked_for` are people whom the owner, asked about a doubt, wants to have
    a contact of their own here.
    """

    name: AccountName
    format: Format
    reachable: bool
    first_run: bool
    rules_changed: bool
    recovering: bool
    policies: Mapping[FieldName, Policy]
    new_contacts: NewContacts
    delete_with_note: bool
    asked_for: frozenset[Uid]
    records: Mapping[RemoteId, Record]
    unreadable: Mapping[RemoteId, str]
    missing: Mapping[RemoteId, int]
    arrived: Mapping[RemoteId, int]


class Whereabouts(StrEnum):
    """What has become of a note in which its person is not found: nothing is there, nobody, or somebody else."""

    GONE = "gone"
    NOBODYS = "nobody's"
    SOMEBODY_ELSES = "somebody else's"


@dataclass(frozen=True, slots=True)
class AbsentNote:
    """A person whose note was not found, or was found but is no longer this person's (`whereabouts`).

    `looks` counts the complete looks in a row that saw it so: an editor empties a file before it writes it.
    """

    path: NotePath
    looks: int
    whereabouts: Whereabouts


RecentWrite = WriteNote | RestoreNote | UpdateRecord | RestoreRecord
"""A write of ours that an older copy may undo."""


@dataclass(frozen=True, slots=True)
class Return:
    """One side says again what it said before a write of ours, as if an older copy had been saved over it.

    `side` is an account, or "" for the note; `undone` is what we had made of the field there (`mappings.returns`).
    """

    uid: Uid
    side: AccountName
    undone: Change


@dataclass(frozen=True, slots=True)
class Newcomers:
    """Who may get a note that he lacks, and what it is made from.

    `accounts` are those all of whose contacts get one, `met` whom the owner met, by the address's key. `files` are all
    notes of the vault, people's or not; `former` is what notes said that are not found now, `addresses`
    are those in notes that are nobody's. `remembered` are all people
    who ever had one. `own` are the owner's addresses as keys. `limit` is how many one run makes at most. `closed` is
    why nobody gets one now, "" if they may. `first_met` says that no plan with those whom the owner met was ever carried
    out under this configuration.
    """

    accounts: frozenset[AccountName]
    met: Mapping[str, Stranger]
    folder: str
    template: str
    rules: NoteRules
    vault_id: UUID
    files: tuple[NotePath, ...]
    former: tuple[Person, ...]
    addresses: frozenset[str]
    remembered: frozenset[Uid]
    own: frozenset[str]
    limit: int
    closed: str
    first_met: bool


@dataclass(frozen=True, slots=True)
class World:
    """All sides at one instant.

    `unreadable_people` are uids of notes that exist but cannot be read now: nothing about them is decided.
    `suspended` are links kept apart while their notes are no persons': their records are neither read for anybody nor
    written, nor anybody else's. `strangers` are notes and records of which the owner said that they are two people.
    `decided` is what the owner said of earlier states, and counts where it still fits.
    `dates` is what calendars tell, None where none was ever read. `uid_in_notes` says whether notes are to carry their
    uid. `writes` are ours, the oldest first, that were made less than `returns.LATELY` before each side was looked at
    the last time before this; whether their outcome was learnt does not matter. `returns` are those that earlier looks
    have found. `newcomers` is None where nobody gets a note by himself.
    """

    notes: tuple[NoteState, ...]
    absent: Mapping[Uid, AbsentNote]
    unreadable_people: frozenset[Uid]
    accounts: tuple[AccountState, ...]
    links: tuple[LinkState, ...]
    suspended: tuple[LinkState, ...]
    tombstones: frozenset[Tombstone]
    strangers: frozenset[Tombstone]
    decided: Decided
    dates: Dates | None
    uid_in_notes: bool
    writes: tuple[RecentWrite, ...]
    returns: tuple[Return, ...]
    newcomers: Newcomers | None
