"""Everything that one cycle works with, opened and resolved: the vault, the rules, the accounts.

Built from the configuration at the door (`opening`), or by a test from worlds of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from uuid import UUID

from connectors.calendar_interface import Calendar
from connectors.interface import Contacts
from daemon.vault import Vault
from mappings.brakes import Limit
from mappings.fields import Policy
from mappings.note import NoteRules
from mappings.person import FieldName
from mappings.record import AccountName
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
class Setup:
    """What a cycle works with; `vault_id` names the vault wherever it is mounted.

    `zone` is the owner's, in which days begin and end. Accounts `left_out` are not read in this run; their people are planned as if nothing had changed there.
    """

    vault: Vault
    vault_id: UUID
    rules: NoteRules
    accounts: tuple[Account, ...]
    calendars: tuple[Calendar, ...]
    left_out: frozenset[AccountName]
    zone: tzinfo
