"""Everything that one cycle works with, opened and resolved: the vault, the rules, the accounts.

Built from the configuration at the door (`opening`), or by a test from worlds of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from uuid import UUID

from connectors.calendar_interface import Calendar
from connectors.interface import Contacts
from daemon.vault import Vault
from mappings.brakes import Limit
from mappings.fields import Policy
from mappings.meeting_case import MeetingRules
from mappings.meeting_people import Me
from mappings.note_rules import NoteRules
from mappings.person import FieldName
from mappings.record import AccountName, NotePath
from mappings.world import NewContacts


@dataclass(frozen=True, slots=True)
class Account:
    """One account with its connector and the owner's settings for it."""

    contacts: Contacts
    policies: Mapping[FieldName, Policy]
    new_contacts: NewContacts
    delete_with_note: bool
    limit: Limit

    @property
    def name(self) -> AccountName:
        return self.contacts.account


@dataclass(frozen=True, slots=True)
class Meetings:
    """What the owner decided about meetings: who he is, which count, how far they are looked at, what is kept up.

    `zone` is the owner's, in which days begin and end; `fields` are the derived fields of notes; `from_context` as in
    `mappings.date_memory.Dates`. `limit` is how many dates may be taken back in one run without asking.
    """

    zone: tzinfo
    me: Me
    rules: MeetingRules
    back: timedelta
    ahead: timedelta
    keep_titles: bool
    fields: frozenset[FieldName]
    from_context: bool
    limit: Limit


@dataclass(frozen=True, slots=True)
class NewNotes:
    """Who gets a note by himself, and how it is made.

    `met` are the accounts whose calendars tell whom the owner met, `contacts` those all of whose contacts get one.
    `template` is None for the built-in one; `per_run` is how many one run makes at most.
    """

    met: frozenset[AccountName]
    contacts: frozenset[AccountName]
    folder: str
    template: NotePath | None
    per_run: int


NO_NEW_NOTES = NewNotes(frozenset(), frozenset(), "People", None, 20)


@dataclass(frozen=True, slots=True)
class Setup:
    """What a cycle works with; `vault_id` names the vault wherever it is mounted.

    Accounts `left_out` are not read in this run; their people are planned as if nothing had changed there. What a run
    did can be undone for as long as `undo_for`. `review_note` is where open questions are asked in the vault, None where
    they are not.
    """

    vault: Vault
    vault_id: UUID
    rules: NoteRules
    accounts: tuple[Account, ...]
    calendars: tuple[Calendar, ...]
    left_out: frozenset[AccountName]
    meetings: Meetings
    undo_for: timedelta
    review_note: NotePath | None
    new_notes: NewNotes
