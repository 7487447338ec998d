"""Worlds with real notes in a folder and address books in memory: what a cycle or the service works with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from connectors.interface import Contacts
from connectors.memory import Book, Memory
from daemon.folder_vault import FolderVault
from daemon.marker import Marker, write_marker
from daemon.setup import NO_NEW_NOTES, Account, Meetings, Setup
from daemon.state import State
from mappings.brakes import Limit
from mappings.fields import DEFAULT_POLICIES
from mappings.meeting_case import DEFAULT_RULES
from mappings.meeting_people import me_of
from mappings.note_rules import NoteRules
from mappings.person import FieldName, Person, Uid, Value
from mappings.profiles import PROFILES
from mappings.record import AccountName, NotePath
from mappings.world import NewContacts
from meeting_worlds import ME

MEETINGS = Meetings(
    zone=UTC,
    me=me_of([ME], {}),
    rules=DEFAULT_RULES,
    back=timedelta(days=400),
    ahead=timedelta(days=60),
    keep_titles=False,
    fields=frozenset({"last_contact", "next_meeting"}),
    from_context=False,
    limit=Limit(people=1000, share_percent=100),
)

MARKER = Marker(UUID(int=1), UUID(int=2))
ANYTHING = Limit(people=1000, share_percent=100)
HOME, WORK = AccountName("home"), AccountName("work")


@dataclass(frozen=True, slots=True)
class MemoryWorld:
    """A vault and its books; `setup` may be made anew around the same books."""

    vault: Path
    state: State
    books: dict[AccountName, Book]
    setup: Setup

    def path(self, name: str) -> NotePath:
        return NotePath(f"People/{name}.md")

    def note(self, name: str) -> Path:
        return self.vault / self.path(name)

    def in_book(self, account: AccountName, uid: str) -> Person | None:
        book = self.books[account]
        remote_id = book.with_uid(Uid(uid))
        return None if remote_id is None else book.entries[remote_id].person

    def remote_edit(self, account: AccountName, uid: str, changes: Mapping[FieldName, Value]) -> None:
        book = self.books[account]
        remote_id = book.with_uid(Uid(uid))
        assert remote_id is not None
        book.edit(remote_id, changes)


def setup_of(vault: Path, accounts: Sequence[Account]) -> Setup:
    return Setup(
        vault=FolderVault(vault, MARKER),
        vault_id=MARKER.vault_id,
        rules=NoteRules(PROFILES["people-notes"], (), "uid", ()),
        accounts=tuple(accounts),
        calendars=(),
        left_out=frozenset(),
        meetings=MEETINGS,
        undo_for=timedelta(days=90),
        review_note=None,
        new_notes=NO_NEW_NOTES,
    )


def account_of(contacts: Contacts, limit: Limit = ANYTHING) -> Account:
    return Account(contacts, DEFAULT_POLICIES, NewContacts.ALL, delete_with_note=False, limit=limit)


def made(root: Path, *names: AccountName) -> MemoryWorld:
    """Make an empty vault with these accounts, each with an empty book."""
    vault = root / "vault"
    (vault / "People").mkdir(parents=True)
    write_marker(vault, MARKER)
    books = {name: Book() for name in names or (HOME,)}
    accounts = [account_of(Memory(name, book)) for name, book in books.items()]
    return MemoryWorld(vault, State.in_memory(), books, setup_of(vault, accounts))


def person(name: str, uid: str, *lines: str) -> str:
    """Return a note that carries its uid, so that its record is found by it."""
    return (
        "\n".join(["---", "type: people", f"title: {name}", f"uid: {uid}", *lines, "---", "", f"About {name}."]) + "\n"
    )


def one_by_one(works: Sequence[Callable[[], None]]) -> None:
    for work in works:
        work()


def clock() -> datetime:
    return datetime.now(UTC)
