"""Every connector, beside a stranger who uses the same address book.

A new connector joins by a class with the members that `connectors.contract.test_contacts.AddressBook` lists, and its place in
`BOOKS`. What the stranger does must not pass through our code for that provider's wire format.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest

from connectors import dav
from connectors.elsewhere import GuardedContacts
from connectors.graph_client import GraphClient
from connectors.graph_contacts import GraphContacts
from connectors.graph_sign_in import Lent
from connectors.http import Client
from connectors.interface import Contacts, Cursor
from connectors.memory import Book, Memory
from connectors.tokens import open_store
from connectors.vdir import ContactsFolder
from dav_servers import PASSWORD, USERNAME, Server
from emulators.google.server import Server as GoogleServer
from emulators.graph.server import served
from emulators.graph.service import Service
from google_worlds import GoogleWorld
from mappings.person import FieldName, Value
from mappings.record import AccountName, RemoteId
from worlds import person

ACCOUNT = AccountName("home")

_FOREIGN = """\
PRODID:-//Stranger//Address Book 7//EN
NOTE:met at the fair\\, liked the engine\\;\\nlong talk
PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJ
 CQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIsIxwcKDcpLDAxNDQ0Hyc5PTgyPC4zNDL/2Q==
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


class GuardedBook(MemoryBook):
    """The same behind the guard of connectors from elsewhere, which lets through all that is of the protocol."""

    def connector(self) -> Contacts:
        return GuardedContacts("memory", ACCOUNT, super().connector())


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


class DavBook:
    """An address book on a server, written by a client that knows nothing of etags."""

    def __init__(self, server: Server, folder: Path) -> None:
        self._server, self._folder = server, folder
        self._path = server.make("contacts", f"{folder.name} ü")
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o600)
        self._added = 0

    def connector(self) -> Contacts:
        options = dav.Options(
            self._server.url, USERNAME, password_file=self._folder / "password", contacts=self._path.replace(" ", "%20")
        )
        contacts = dav.open_contacts(ACCOUNT, options, open_store(self._folder / "tokens"))
        assert contacts is not None
        return contacts

    def add(self, name: str) -> RemoteId:
        self._added += 1
        path, (given, _, family) = f"{self._path}stranger-{self._added}.vcf", name.rpartition(" ")
        self._server.put(
            path,
            f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:stranger-{self._added}\r\nFN:{name}\r\nN:{family};{given};;;\r\n"
            f"EMAIL;TYPE=INTERNET:ada@example.test\r\nTITLE:Analyst\r\n"
            + _FOREIGN.replace("\n", "\r\n")
            + "END:VCARD\r\n",
        )
        return RemoteId(quote(path))

    def retitle(self, remote_id: RemoteId, title: str) -> None:
        path = unquote(remote_id)
        self._server.put(path, re.sub(r"(?m)^TITLE:[^\r\n]*", f"TITLE:{title}", self._server.text(path)))

    def remove(self, remote_id: RemoteId) -> None:
        self._server.delete(unquote(remote_id))

    def spoil(self, remote_id: RemoteId) -> None:
        path = unquote(remote_id)
        self._server.put(path, self._server.text(path).replace("VERSION:3.0", "VERSION:9.0"))

    def foreign(self, remote_id: RemoteId) -> str:
        """Compare line by line: servers fold and order them as they like, and write names in upper case."""
        lines = _lines(self._server.text(unquote(remote_id)))
        return _FOREIGN if _lines(_FOREIGN) <= lines else "\n".join(sorted(lines))

    def size(self) -> int:
        return len(self._server.etags(self._path))

    def expired_cursor(self) -> Cursor | None:
        cursor = self.connector().changes(None, {}).cursor
        assert cursor is not None
        # Of the form that the server gives, but of no state that it was ever in.
        return Cursor(re.sub(r"[0-9a-f]{40,}", lambda found: "0" * len(found[0]), cursor))


def _lines(text: str) -> set[str]:
    """Return the unfolded lines of a card, in upper case."""
    return {line.upper() for line in re.sub(r"\r?\n[ \t]", "", text).replace("\r\n", "\n").split("\n")} - {
        "PRODID:-//STRANGER//ADDRESS BOOK 7//EN"
    }


class GraphBook:
    """The contacts of a mailbox at Microsoft, whose owner uses Outlook."""

    def __init__(self, service: Service, base: str) -> None:
        self._service = service
        self._base = base

    def connector(self) -> Contacts:
        client = GraphClient(ACCOUNT, self._base, Client(self._base), Lent("t"), self._service.clock.advance)
        return GraphContacts(ACCOUNT, client, ("Contacts",), lambda: self._service.clock.now)

    def add(self, name: str) -> RemoteId:
        given, _, family = name.partition(" ")
        address = {"name": name, "address": "ada@example.test"}
        names = {"displayName": name, "givenName": given, "surname": family, "fileAs": f"{family}, {given}"}
        held: dict[str, Any] = {**names, "jobTitle": "Analyst", "emailAddresses": [address], **_FOREIGN_TO_GRAPH}
        return RemoteId(self._service.contacts.add(**held))

    def retitle(self, remote_id: RemoteId, title: str) -> None:
        self._service.contacts.edit(remote_id, jobTitle=title)

    def remove(self, remote_id: RemoteId) -> None:
        self._service.contacts.remove(remote_id)

    def spoil(self, remote_id: RemoteId) -> None:
        self._service.contacts.edit(remote_id, emailAddresses="ada@example.test")

    def foreign(self, remote_id: RemoteId) -> str:
        held = self._service.contacts.find(remote_id).properties
        home = {part: text for part, text in held["homeAddress"].items() if text}
        return json.dumps({name: held[name] for name in _FOREIGN_TO_GRAPH} | {"homeAddress": home})

    def size(self) -> int:
        return len(self._service.contacts.live())

    def expired_cursor(self) -> Cursor | None:
        cursor = self.connector().changes(None, {}).cursor
        self._service.contacts.expire_links()
        return cursor


_FOREIGN_TO_GRAPH: Mapping[str, Any] = {
    "manager": "Charles", "spouseName": "William", "children": ["Byron", "Anne"], "officeLocation": "Room 7",
    "imAddresses": ["sip:ada@example.test"], "personalNotes": "met at the fair,\nlong talk", "assistantName": "Mary",
    "homeAddress": {"street": "St James's Square", "city": "London", "countryOrRegion": "UK"}, "middleName": "Augusta",
}  # fmt: skip
"""What Outlook keeps in a contact and we have no word for."""


class GoogleBook:
    """The contacts of a Google account, whose owner uses a phone."""

    def __init__(self, world: GoogleWorld) -> None:
        self._world = world
        world.book.groups["contactGroups/ab"] = {"name": "Rowers"}

    def connector(self) -> Contacts:
        return self._world.contacts()

    def add(self, name: str) -> RemoteId:
        given, _, family = name.partition(" ")
        names = {"givenName": given, "familyName": family, "phoneticGivenName": "Ey-duh"}
        address = {"value": "ada@example.test", "type": "Engine room", "displayName": name}
        organization = {"title": "Analyst", "type": "work", "symbol": "AE", "jobDescription": "notes"}
        source_id = self._world.book.add(
            names=[names], emailAddresses=[address], organizations=[organization], **_FOREIGN_TO_GOOGLE
        )
        return RemoteId(source_id)

    def retitle(self, remote_id: RemoteId, title: str) -> None:
        (organization,) = self._entries(remote_id, "organizations")
        self._world.book.edit(remote_id, organizations=[{**organization, "title": title}])

    def remove(self, remote_id: RemoteId) -> None:
        self._world.book.remove(remote_id)

    def spoil(self, remote_id: RemoteId) -> None:
        self._world.book.spoil(remote_id)

    def foreign(self, remote_id: RemoteId) -> str:
        """Return what is left of the stranger's arrays, and of those entries of his that are in arrays with ours."""
        kept = {kind: self._entries(remote_id, kind) for kind in _FOREIGN_TO_GOOGLE}
        theirs = {
            kind: [entry for entry in kept[kind] if entry in entries] for kind, entries in _FOREIGN_TO_GOOGLE.items()
        }
        sound = [entry.get("phoneticGivenName") for entry in self._entries(remote_id, "names")]
        labels = [(entry["type"], entry["displayName"]) for entry in self._entries(remote_id, "emailAddresses")[:1]]
        further = [(entry["symbol"], entry["jobDescription"]) for entry in self._entries(remote_id, "organizations")]
        return json.dumps([theirs, sound, labels, further], sort_keys=True)

    def size(self) -> int:
        assert self._world.google.violations == []
        return len(self._world.book.living)

    def expired_cursor(self) -> Cursor | None:
        cursor = self.connector().changes(None, {}).cursor
        self._world.google.clock.advance(timedelta(days=8))
        return cursor

    def _entries(self, remote_id: RemoteId, kind: str) -> list[dict[str, Any]]:
        return self._world.book.contacts[remote_id].entries.get(kind, [])


_FOREIGN_TO_GOOGLE: Mapping[str, list[dict[str, Any]]] = {
    "biographies": [{"value": "met at the fair,\nlong talk", "contentType": "TEXT_PLAIN"}],
    "relations": [{"person": "Annabella", "type": "mother"}],
    "phoneNumbers": [{"value": "020 1234567", "type": "homeFax"}],
    "nicknames": [{"value": "AAL", "type": "INITIALS"}],
    "userDefined": [{"key": "shoe size", "value": "37"}],
    "clientData": [{"key": "other.app", "value": "x"}],
    "events": [{"date": {"year": 1835, "month": 7, "day": 8}, "type": "anniversary"}],
    "memberships": [
        {"contactGroupMembership": {"contactGroupResourceName": f"contactGroups/{name}"}}
        for name in ("myContacts", "starred")
    ],
}
"""What a phone keeps in a contact and we have no word for, some of it beside what we have."""


BOOKS = (MemoryBook, GuardedBook, VdirBook)


DAV_SERVERS = ("radicale", "xandikos")


@pytest.fixture
def graph_service() -> Iterator[tuple[Service, str]]:
    """A mailbox at Microsoft, and where it is."""
    service = Service()
    with served(service) as base:
        yield service, base


@pytest.fixture
def google(tmp_path: Path) -> Iterator[GoogleWorld]:
    """An account at Google that is signed in to."""
    with GoogleServer().running() as server:
        yield GoogleWorld(server, tmp_path).signed_in()


@pytest.fixture(params=[*BOOKS, *DAV_SERVERS, "graph", "google"], ids=lambda book: getattr(book, "__name__", book))
def book(request: pytest.FixtureRequest, tmp_path: Path) -> MemoryBook | VdirBook | DavBook | GraphBook | GoogleBook:
    """An empty address book of each kind in turn."""
    if request.param == "google":
        return GoogleBook(request.getfixturevalue("google"))
    if request.param == "graph":
        return GraphBook(*request.getfixturevalue("graph_service"))
    if request.param in DAV_SERVERS:
        return DavBook(request.getfixturevalue(request.param), tmp_path)
    made: MemoryBook | VdirBook = request.param(tmp_path)
    return made
