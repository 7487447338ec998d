"""Every connector, beside a stranger who uses the same address book.

A new connector joins by a class with the members that `test_contacts_contract.AddressBook` lists, and its place in
`BOOKS`. What the stranger does must not pass through our code for that provider's wire format.
"""

from pathlib import Path

import pytest

from connectors.interface import Contacts, Cursor
from connectors.memory import Book, Memory
from connectors.vdir import ContactsFolder
from mappings.person import FieldName, Value
from mappings.record import AccountName, RemoteId
from worlds import person

ACCOUNT = AccountName("home")

_FOREIGN = """\
PRODID:-//Stranger//Address Book 7//EN
NOTE:met at the fair\\, liked the engine\\;\\nlong talk
PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJ
 CQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIsIxwcKDcpLDAxNDQ0Hyc5PTgyPC4zNDL/2w
item1.X-ABRELATEDNAMES:Annabella
item1.X-ABLABEL:_$!<Mother>!$_
X-SOCIALPROFILE;type=engine:x-apple:ada
"""
"""What a stranger's program keeps in a card and we have no word for."""


class MemoryBook:
    """A book in memory."""

    def __init__(self, folder: Path) -> None:
        del folder
        self._book = Book()

    def connector(self) -> Contacts:
        return Memory(ACCOUNT, self._book)

    def add(self, name: str) -> RemoteId:
        values: dict[FieldName, Value] = {"name": name, "emails": ("ada@example.test",), "title": "Analyst"}
        return self._book.add(person(values), extra=_FOREIGN)

    def retitle(self, remote_id: RemoteId, title: str) -> None:
        self._book.edit(remote_id, {"title": title})

    def remove(self, remote_id: RemoteId) -> None:
        self._book.remove(remote_id)

    def spoil(self, remote_id: RemoteId) -> None:
        self._book.spoil(remote_id, "neither a property nor a blank line")

    def foreign(self, remote_id: RemoteId) -> str:
        return self._book.entries[remote_id].extra

    def size(self) -> int:
        return len(self._book.entries)

    def expired_cursor(self) -> Cursor | None:
        cursor = self._book.cursor()
        self._book.expire_cursors()
        return cursor


class VdirBook:
    """A folder of .vcf files, written by a program that replaces files by renaming, as vdirsyncer does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "people"
        self._folder.mkdir()
        self._added = 0

    def connector(self) -> Contacts:
        return ContactsFolder(ACCOUNT, self._folder)

    def add(self, name: str) -> RemoteId:
        self._added += 1
        remote_id = RemoteId(f"stranger-{self._added}.vcf")
        card = (
            f"BEGIN:VCARD\nVERSION:3.0\nUID:stranger-{self._added}\nFN:{name}\n"
            f"EMAIL;TYPE=INTERNET:ada@example.test\nTITLE:Analyst\n{_FOREIGN}END:VCARD\n"
        )
        self._write(remote_id, card.replace("\n", "\r\n").encode())
        return remote_id

    def retitle(self, remote_id: RemoteId, title: str) -> None:
        lines = (self._folder / remote_id).read_bytes().split(b"\r\n")
        changed = [b"TITLE:" + title.encode() if line.startswith(b"TITLE:") else line for line in lines]
        self._write(remote_id, b"\r\n".join(changed))

    def remove(self, remote_id: RemoteId) -> None:
        (self._folder / remote_id).unlink()

    def spoil(self, remote_id: RemoteId) -> None:
        self._write(remote_id, b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN\r\n")

    def foreign(self, remote_id: RemoteId) -> str:
        text = (self._folder / remote_id).read_bytes().decode().replace("\r\n", "\n")
        return _FOREIGN if _FOREIGN in text else text

    def size(self) -> int:
        return len(list(self._folder.glob("*.vcf")))

    def expired_cursor(self) -> Cursor | None:
        return None

    def _write(self, remote_id: RemoteId, content: bytes) -> None:
        spare = self._folder / f"{remote_id}.tmp"
        spare.write_bytes(content)
        spare.replace(self._folder / remote_id)


BOOKS = (MemoryBook, VdirBook)


@pytest.fixture(params=BOOKS, ids=lambda book: book.__name__)
def book(request: pytest.FixtureRequest, tmp_path: Path) -> MemoryBook | VdirBook:
    """An empty address book of each kind in turn."""
    made: MemoryBook | VdirBook = request.param(tmp_path)
    return made
