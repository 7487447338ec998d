"""One person in Outlook, at Google, on a CardDAV server and in a folder at once: all of them meet in the note."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import google_worlds
from dav_servers import PASSWORD, USERNAME, Server
from emulators.google.server import Server as Google
from emulators.graph import certificates
from emulators.graph.authority import Authority, signed_in_at
from emulators.graph.contacts import Stored
from emulators.graph.server import served
from emulators.graph.service import Service
from folder_worlds import FolderWorld, Ran, Seen, card, edit, made, person
from google_worlds import GoogleWorld
from graph_accounts import account_table, sign_in
from mappings.record import AccountName

pytestmark = pytest.mark.thorough

ADDRESS = "ada@example.test"


@dataclass
class World:
    """A note in the middle of four address books."""

    folders: FolderWorld
    service: Service
    google: GoogleWorld
    server: Server
    book: str

    def sync(self, code: int = 0) -> Ran:
        ran = self.folders.sync()
        assert ran.code == code, ran.said
        return ran

    @property
    def outlook(self) -> Stored:
        (found,) = self.service.contacts.live()
        return found

    def title_at_google(self) -> str:
        (contact,) = self.google.book.living
        return str(contact.entries["organizations"][0].get("title", ""))

    def title_on_the_server(self) -> str:
        (text,) = self.server.texts(self.book).values()
        return text.partition("TITLE:")[2].split("\r\n")[0]

    def state(self) -> tuple[Seen, int, int, dict[str, str]]:
        """Return all that any write would change."""
        (contact,) = self.google.book.living
        return self.folders.sides(), self.outlook.changes, hash(contact.etag), self.server.etags(self.book)


@pytest.fixture
def world(tmp_path: Path, radicale: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    certificate = certificates.made(tmp_path)
    authority = Authority(Service())
    folders = made(tmp_path / "world")
    with (
        Google().running() as running,
        served(authority.service) as graph,
        signed_in_at(authority, certificate.server_file),
    ):
        google = GoogleWorld(running, folders.root, account=AccountName("mail"))
        book = radicale.make("contacts", f"four-{tmp_path.name}", "Friends")
        word = tmp_path / "word"
        word.write_text(PASSWORD)
        word.chmod(0o600)
        cloud = (
            f'[accounts.cloud]\nconnector = "dav"\nurl = "{radicale.url}{book}"\nusername = "{USERNAME}"\n'
            f"password_file = {json.dumps(str(word))}\n"
        )
        tables = (
            google_worlds.account_table(google, more="calendars = []"),
            account_table(authority, graph, certificate, "calendars = []"),
            cloud,
        )
        folders.config.write_text("\n".join((folders.config.read_text(), *tables)))
        google_worlds.sign_in(folders, google)
        sign_in(authority, graph, certificate, folders.state / "tokens")
        yield World(folders, authority.service, google, radicale, book)


def everywhere(world: World) -> Path:
    """Put the same person, whom nobody has linked, into all five places, each with something of its own."""
    note = world.folders.note("Ada Lovelace")
    note.write_text(person("Ada Lovelace", f"email: {ADDRESS}"))
    world.folders.contacts.joinpath("ada.vcf").write_text(card("Ada Lovelace", f"EMAIL:{ADDRESS}", "NICKNAME:Countess"))
    world.server.put(f"{world.book}ada.vcf", card("Ada Lovelace", f"EMAIL:{ADDRESS}", "ORG:Engines", uid="ada"))
    world.google.book.add(
        names=[{"givenName": "Ada", "familyName": "Lovelace"}], emailAddresses=[{"value": ADDRESS}],
        phoneNumbers=[{"value": "+44 20 7946 0018"}],
    )  # fmt: skip
    world.service.contacts.add(
        displayName="Ada Lovelace", givenName="Ada", surname="Lovelace", jobTitle="Analyst",
        emailAddresses=[{"address": "Ada@Example.test"}],
    )  # fmt: skip
    for _ in range(3):
        world.sync()
    return note


def test_one_person_in_four_address_books_converges_and_nothing_goes_round(world: World) -> None:
    note = everywhere(world)
    text = note.read_text()
    assert all(each in text for each in ("Countess", "Engines", "+44 20 7946 0018", "Analyst"))
    properties = world.outlook.properties
    assert (properties["nickName"], properties["companyName"], properties["mobilePhone"]) == (
        "Countess", "Engines", "+44 20 7946 0018",
    )  # fmt: skip
    assert (world.title_at_google(), world.title_on_the_server()) == ("Analyst", "Analyst")
    assert b"TITLE:Analyst" in world.folders.card_of("Ada Lovelace").read_bytes()
    before = world.state()
    for _ in range(2):
        world.sync()
    assert world.state() == before
    edit(note, "Analyst", "Poet")
    world.sync()
    assert (world.title_at_google(), world.title_on_the_server()) == ("Poet", "Poet")
    assert world.outlook.properties["jobTitle"] == "Poet"
    before = world.state()
    for _ in range(2):
        world.sync()
    assert world.state() == before


def test_two_that_say_different_things_are_asked_about_and_neither_reaches_the_others(world: World) -> None:
    note = everywhere(world)
    before, server = note.read_bytes(), world.server.etags(world.book)
    world.service.contacts.edit(world.outlook.immutable_id, companyName="Looms")
    (contact,) = world.google.book.living
    organization = {**contact.entries["organizations"][0], "name": "Mills"}
    world.google.book.edit(contact.id, organizations=[organization])
    for _ in range(3):
        ran = world.sync(code=1)
        assert "to be decided by you" in ran.said, ran.said
    assert (note.read_bytes(), world.server.etags(world.book)) == (before, server)
    (contact,) = world.google.book.living
    assert (world.outlook.properties["companyName"], contact.entries["organizations"][0]["name"]) == ("Looms", "Mills")
