"""From the configuration to what a cycle works with: opens the vault and the accounts, resolves the rules."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import tzinfo
from zoneinfo import ZoneInfo

from connectors import registry
from connectors.calendar_interface import Calendar
from connectors.interface import Contacts
from connectors.tokens import TokenStore, open_store
from daemon.config import AccountConfig, Config
from daemon.folder_vault import FolderVault
from daemon.local_zone import local_zone
from daemon.marker import Marker
from daemon.setup import Account, Meetings, NewNotes, Setup
from mappings.meeting_people import me_of
from mappings.note_rules import NoteRules
from mappings.profiles import PROFILES, adding
from mappings.record import NotePath

_WORKERS_MAX = 16


def note_rules(config: Config) -> NoteRules:
    """Return how the owner's notes are read and written."""
    vault = config.vault
    profile = adding(PROFILES[vault.profile], config.meetings.created)
    templates = (vault.new_note_template,) if vault.new_note_template else ()
    return NoteRules(profile, vault.people, vault.uid_key, template_folders=templates)


def setup(config: Config, marker: Marker, only: frozenset[str]) -> Setup:
    """Open everything that a cycle works with.

    Shapes: `only` names the accounts to read, all if it is empty.
    Errors: `VaultMissing` if the vault's folder is not there.
    """
    tokens = open_store(config.tokens)
    opened = [(one, contacts) for one in config.accounts if (contacts := _contacts(one, tokens)) is not None]
    left_out = frozenset(account.name for account in config.accounts if only and account.name not in only)
    return Setup(
        vault=FolderVault(config.vault.path, expect=marker),
        vault_id=marker.vault_id,
        rules=note_rules(config),
        accounts=tuple(_account(account, contacts) for account, contacts in opened),
        calendars=tuple(calendar for account in config.accounts for calendar in _calendars(account, tokens)),
        left_out=left_out,
        meetings=meetings(config),
        undo_for=config.undo_for,
        review_note=NotePath(config.vault.review_note) if config.vault.review_note else None,
        new_notes=new_notes(config),
    )


def new_notes(config: Config) -> NewNotes:
    """Return who gets a note by himself: of an account that makes them for all, whom the owner met as well."""
    vault = config.vault
    return NewNotes(
        met=frozenset(account.name for account in config.accounts if account.create_notes != "none"),
        contacts=frozenset(account.name for account in config.accounts if account.create_notes == "all"),
        folder=vault.new_notes_folder,
        template=NotePath(vault.new_note_template) if vault.new_note_template else None,
        per_run=vault.new_notes_per_run,
    )


def meetings(config: Config) -> Meetings:
    """Return what the owner decided about meetings, and who he is."""
    kept = config.meetings
    return Meetings(
        zone=zone_of(kept.timezone),
        me=me_of(
            (address for account in config.accounts for address in account.me),
            {account.name: account.email for account in config.accounts},
        ),
        rules=kept.rules,
        back=kept.back,
        ahead=kept.ahead,
        keep_titles=kept.keep_titles,
        fields=kept.fields,
        from_context=kept.from_context,
        limit=kept.limit,
    )


def zone_of(name: str) -> tzinfo:
    """Return the time zone of this name, the system's for ""."""
    return ZoneInfo(name) if name else local_zone()


def _contacts(account: AccountConfig, tokens: TokenStore) -> Contacts | None:
    return registry.connector(account.connector).open_contacts(account.name, account.options, tokens)


def _calendars(account: AccountConfig, tokens: TokenStore) -> tuple[Calendar, ...]:
    return registry.connector(account.connector).open_calendars(account.name, account.options, tokens)


def _account(account: AccountConfig, contacts: Contacts) -> Account:
    return Account(contacts, account.policies, account.new_contacts, account.delete_with_note, account.limit)


def side_by_side(works: Sequence[Callable[[], None]]) -> None:
    """Run every piece of work to its end, each account's in a thread of its own; the first error is raised then."""
    if len(works) <= 1:
        for work in works:
            work()
        return
    with ThreadPoolExecutor(max_workers=min(len(works), _WORKERS_MAX), thread_name_prefix="account") as pool:
        for future in [pool.submit(work) for work in works]:
            future.result()
