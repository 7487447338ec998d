"""Worlds end to end with an account at Microsoft: the installed program, a vault, a folder of cards, and the emulator."""

import io
import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors import microsoft
from connectors.tokens import open_store
from daemon import log
from emulators.graph import certificates
from emulators.graph.authority import Authority, Refusal, signed_in_at
from emulators.graph.browser import agree
from emulators.graph.certificates import Certificates
from emulators.graph.contacts import Stored
from emulators.graph.server import served
from emulators.graph.service import Service
from emulators.graph.wire import Ask, Fault, answers, done_but_says, lost, unheard
from folder_worlds import CONTACTD, FolderWorld, Ran, card, carried_out, edit, made, person
from graph_accounts import WORK, account_table, options, sign_in
from mappings import graph_properties

pytestmark = pytest.mark.thorough


@dataclass
class World:
    """One vault, a folder of cards, and a mailbox."""

    folders: FolderWorld
    service: Service
    authority: Authority
    certificate: Certificates
    graph: str

    def configured(self, more: str = "") -> None:
        text = self.folders.config.read_text().partition("[accounts.work]")[0]
        self.folders.config.write_text(text + account_table(self.authority, self.graph, self.certificate, more))

    def sign_in(self) -> None:
        sign_in(self.authority, self.graph, self.certificate, self.folders.state / "tokens")

    def sync(self, code: int = 0) -> Ran:
        ran = self.folders.sync()
        assert ran.code == code, ran.said
        return ran

    def quiet(self) -> None:
        """Sync twice more: nothing is written anywhere."""
        sides, writes = self.folders.sides(), self.service.counters.writes
        for _ in range(2):
            self.sync()
        assert (self.folders.sides(), self.service.counters.writes) == (sides, writes)

    def outlook(self, name: str) -> Stored:
        (found,) = (one for one in self.service.contacts.live() if one.properties["displayName"] == name)
        return found

    def write(self, name: str, *lines: str) -> Path:
        note = self.folders.note(name)
        note.write_text(person(name, *lines))
        return note


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    certificate = certificates.made(tmp_path)
    authority = Authority(Service())
    with served(authority.service) as graph, signed_in_at(authority, certificate.server_file):
        world = World(made(tmp_path / "world"), authority.service, authority, certificate, graph)
        world.configured()
        world.sign_in()
        yield world


def test_values_travel_both_ways_and_a_rest_is_quiet(world: World) -> None:
    note = world.write("Ada Lovelace", "email: ada@example.test", "phone: +44 20 7946 0018")
    world.service.contacts.add(displayName="Grace Hopper", emailAddresses=[{"address": "grace@example.test"}])
    world.sync()
    ada = world.outlook("Ada Lovelace")
    assert ada.properties["emailAddresses"][0]["address"] == "ada@example.test"
    assert ada.properties["mobilePhone"] == "+44 20 7946 0018"
    world.quiet()
    world.service.contacts.edit(ada.immutable_id, jobTitle="Countess")
    world.sync()
    assert "Countess" in note.read_text()
    edit(note, "Countess", "Poet")
    world.sync()
    assert ada.properties["jobTitle"] == "Poet"
    world.quiet()


def test_a_run_with_nothing_to_do_is_one_request_for_the_contacts(world: World) -> None:
    world.configured("calendars = []")
    world.write("Ada Lovelace", "email: ada@example.test")
    world.sync()
    world.sync()
    world.service.counters.clear()
    world.authority.requests.clear()
    world.sync()
    assert (world.service.counters.requests, world.service.counters.items) == (1, 0)
    assert not world.authority.requests


def test_one_person_in_outlook_and_in_a_folder_converges_and_nothing_goes_round(world: World) -> None:
    note = world.write("Ada Lovelace", "email: ada@example.test")
    world.folders.contacts.joinpath("ada.vcf").write_text(
        card("Ada Lovelace", "EMAIL:ada@example.test", "TEL:+44 20 7946 0018")
    )
    world.service.contacts.add(
        displayName="Ada Lovelace", givenName="Ada", surname="Lovelace", jobTitle="Analyst",
        emailAddresses=[{"address": "ADA@example.test"}],
    )  # fmt: skip
    for _ in range(3):
        world.sync()
    assert len(world.service.contacts.live()) == len(world.folders.cards()) == 1
    text = note.read_text()
    assert ("+44 20 7946 0018" in text, "Analyst" in text) == (True, True)
    assert world.outlook("Ada Lovelace").properties["mobilePhone"] == "+44 20 7946 0018"
    assert b"TITLE:Analyst" in world.folders.card_of("Ada Lovelace").read_bytes()
    world.quiet()


def test_what_two_address_books_say_differently_is_a_conflict_and_stays_on_both(world: World) -> None:
    note = world.write("Ada Lovelace", "email: ada@example.test", "company: Engines")
    world.sync()
    world.quiet()
    before = note.read_bytes()
    ada = world.outlook("Ada Lovelace")
    world.service.contacts.edit(ada.immutable_id, companyName="Looms")
    edit(world.folders.card_of("Ada Lovelace"), "ORG:Engines", "ORG:Mills")
    for _ in range(3):
        ran = world.sync(code=1)
        assert "to be decided by you: People/Ada Lovelace.md: organization" in ran.said, ran.said
    assert note.read_bytes() == before
    assert (ada.properties["companyName"], b"ORG:Mills" in world.folders.card_of("Ada Lovelace").read_bytes()) == (
        "Looms",
        True,
    )


def test_the_same_edit_in_both_address_books_is_none(world: World) -> None:
    note = world.write("Ada Lovelace", "email: ada@example.test", "company: Engines")
    world.sync()
    world.service.contacts.edit(world.outlook("Ada Lovelace").immutable_id, companyName="Mills")
    edit(world.folders.card_of("Ada Lovelace"), "ORG:Engines", "ORG:Mills")
    world.sync()
    assert "Mills" in note.read_text()
    world.quiet()


def test_more_than_outlook_has_room_for_stays_in_the_note_is_told_and_is_no_trouble(world: World) -> None:
    addresses = [f"{number}@example.test" for number in range(5)]
    note = world.write("Ada Lovelace", f"emails: {json.dumps(addresses)}")
    ran = world.sync()
    assert "1 note with more than a contact there has room for" in ran.said, ran.said
    ada = world.outlook("Ada Lovelace")
    assert [each["address"] for each in ada.properties["emailAddresses"]] == addresses[:3]
    world.quiet()
    world.service.contacts.edit(
        ada.immutable_id, emailAddresses=[{"address": "new@example.test"}, {"address": addresses[1]}]
    )
    world.sync()
    text = note.read_text()
    assert [each in text for each in ("new@example.test", *addresses)] == [True, False, True, False, True, True]
    world.sync()
    world.quiet()


def test_a_contact_deleted_in_outlook_leaves_its_note_and_is_not_made_again(world: World) -> None:
    note = world.write("Ada Lovelace", "email: ada@example.test")
    world.sync()
    before = note.read_bytes()
    world.service.contacts.remove(world.outlook("Ada Lovelace").immutable_id)
    for _ in range(4):
        world.folders.sync()
    assert (note.read_bytes(), world.service.contacts.live()) == (before, [])


def test_a_contact_whose_deletion_is_never_told_is_missed_once_it_was_to_be_written(world: World) -> None:
    note = world.write("Ada Lovelace", "email: ada@example.test", "role: Analyst")
    world.write("Grace Hopper", "email: grace@example.test")
    world.sync()
    world.service.contacts.remove(world.outlook("Ada Lovelace").immutable_id)
    edit(note, "Analyst", "Poet")
    assert "no longer among the contacts" in world.sync(code=1).said
    assert "1 no longer found" in world.sync().said
    assert "the contact is gone; the note is kept" in world.sync().said
    world.quiet()
    assert ("role: Poet" in note.read_text(), len(world.service.contacts.live())) == (True, 1)


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("POST", lost),
        ("POST", done_but_says(503)),
        ("PATCH", lost),
        ("PATCH", answers(429, "ApplicationThrottled")),
        ("GET", unheard),
    ],
)
def test_a_run_that_is_cut_short_is_made_good_by_the_next(world: World, kind: str, fault: Fault) -> None:
    notes = [world.write(f"Ada {letter}", f"email: {letter}@example.test") for letter in "abc"]
    if kind != "POST":
        world.sync()
        for note in notes:
            edit(note, "type: people", "type: people\nrole: Poet")

    def hits(ask: Ask) -> bool:
        return ask.path == ("$batch",) if kind == "POST" else ask.method == kind

    world.service.plan(fault, hits, times=2)
    for _ in range(3):
        world.folders.sync()
    world.quiet()
    assert len(world.service.contacts.live()) == 3
    titles = {one.properties["jobTitle"] for one in world.service.contacts.live()}
    assert titles == ({None} if kind == "POST" else {"Poet"})
    assert all(note.read_text().count("uid:") == 1 for note in notes)


def test_an_account_that_lets_nobody_in_stops_no_other_and_says_what_to_do(world: World) -> None:
    world.write("Ada Lovelace", "email: ada@example.test")
    world.authority.revoke()
    ran = world.sync(code=2)
    assert "run `contactd auth work" in ran.said
    assert "AADSTS700082" in ran.said
    assert len(world.folders.cards()) == 1
    assert "contactd auth work" in world.folders.contactd("status").said
    world.sign_in()
    world.sync()
    assert len(world.service.contacts.live()) == 1


@pytest.mark.parametrize("option", ["--no-browser", "--device"])
def test_the_command_signs_in_without_a_screen(world: World, option: str) -> None:
    world.sync()
    world.authority.revoke()
    command = [str(CONTACTD), "auth", "work", option, "--config", str(world.folders.config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
        assert running.stdout is not None
        address = next(line.strip() for line in running.stdout if line.startswith("https://"))
        if option == "--no-browser":
            assert agree(address, world.certificate.ca_file) == 200
        said = running.stdout.read()
    assert (running.returncode, "Signed in as me@example.test." in said) == (0, True), said
    assert not any(secret in said for secret in world.authority.secrets)
    world.sync()


def test_meetings_in_outlook_are_read(world: World) -> None:
    world.write("Ada Lovelace", "email: ada@example.test")
    world.service.calendars.add_day("2026-11-20", "2026-11-21", subject="Fair")
    ran = world.sync()
    assert "work, calendar Calendar: 1 event" in ran.said, ran.said


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the program's own log says, at its finest."""
    stream, root = io.StringIO(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr(sys, "stderr", stream)
    log.set_up(logging.DEBUG)
    yield stream
    root.handlers[:], root.level = handlers, level


def test_no_token_and_nothing_of_a_contact_is_in_any_log(world: World, logged: io.StringIO) -> None:
    """The log at its finest, what a run says, and the state's folder but for the tokens."""
    world.service.contacts.add(
        displayName="CANARY-name", emailAddresses=[{"address": "CANARY@example.test"}], personalNotes="CANARY-notes"
    )
    world.sign_in()
    own = options(world.authority, world.graph, world.certificate)
    contacts = microsoft.open_contacts(WORK, own, open_store(world.folders.state / "tokens"))
    assert contacts is not None
    assert len(contacts.changes(None, {}).records) == 1
    world.authority.end_access()
    assert len(contacts.changes(None, {}).records) == 1
    logging.getLogger("contactd").debug("the log is on")
    assert "the log is on" in logged.getvalue()
    assert re.search(r"CANARY|example\.test", logged.getvalue()) is None
    world.authority.revoke()
    ran = world.folders.contactd("sync", "--once", "--json")
    assert not any(secret in ran.said for secret in world.authority.secrets)
    for path in world.folders.state.rglob("*"):
        if path.is_file() and path.parent.name != "tokens":
            content = path.read_bytes()
            assert not any(secret.encode() in content for secret in world.authority.secrets), path


def test_listed_tags_are_categories_in_outlook_and_others_stay_where_they_are(world: World) -> None:
    world.configured('tags = ["friend", "climber"]')
    note = world.write("Ada Lovelace", "email: ada@example.test")
    edit(note, "- type/people", "- type/people\n- friend\n- secret")
    world.sync()
    ada = world.outlook("Ada Lovelace")
    assert ada.properties["categories"] == ["friend"]
    world.service.contacts.edit(ada.immutable_id, categories=["Blue", "friend", "climber"])
    world.sync()
    assert "- friend\n- secret\n- climber\n" in note.read_text()
    edit(note, "- friend\n", "")
    world.sync()
    assert ada.properties["categories"] == ["Blue", "climber"]
    world.quiet()


def test_a_plan_is_carried_out_and_taken_back_on_both_sides_and_again(world: World) -> None:
    world.write("Ada Lovelace", "email: ada@example.test", "role: Analyst", "location: London")
    world.write("Grace Hopper", "email: grace@example.test")
    world.sync()
    world.service.contacts.edit(
        world.outlook("Ada Lovelace").immutable_id, spouseName="William", nickName="Enchantress"
    )
    world.service.contacts.edit(world.outlook("Grace Hopper").immutable_id, companyName="Navy", jobTitle="Admiral")
    edit(world.folders.note("Ada Lovelace"), "role: Analyst", "role: Countess")
    world.write("Edith Clarke", "email: edith@example.test")
    theirs = {"id", "changeKey", "@odata.etag", "createdDateTime", "lastModifiedDateTime", "parentFolderId"}

    def now() -> tuple[dict[str, bytes], dict[str, object]]:
        notes = {path: stamp.content for path, stamp in world.folders.sides().items()}
        contacts = {
            one.properties["displayName"]: ({k: v for k, v in one.properties.items() if k not in theirs}, one.extended)
            for one in world.service.contacts.live()
        }
        return notes, {str(name): said for name, said in contacts.items()}

    before = now()
    ran = carried_out(world.folders)
    assert ran.code == 0, ran.said
    after = now()
    assert after != before
    for expected in (before, after):
        run = json.loads(world.folders.contactd("log", "--json").said)[0]["run"]
        ran = world.folders.contactd("undo", str(run), "--yes")
        assert ran.code == 0, ran.said
        assert now() == expected
        world.sync()
        assert now() == expected


def test_the_doctor_looks_at_the_account_and_says_what_is_wrong_with_it(world: World) -> None:
    world.sync()
    said = world.folders.contactd("doctor").said
    assert re.search(r"work.*can be read: 0 contacts", said), said
    world.authority.refusals += [Refusal("interaction_required", (50076,))] * 9
    world.authority.end_access()
    ran = world.folders.contactd("doctor")
    assert "second factor" in ran.said, ran.said
    assert "contactd auth work" in ran.said


def test_a_meeting_in_outlook_dates_the_note_and_the_contact_once(world: World) -> None:
    note = world.write("Ada Lovelace", "email: ada@example.test")
    start = datetime(2026, 11, 20, 9, tzinfo=UTC)
    invited: dict[str, Any] = {
        "type": "required", "status": {"response": "accepted", "time": "0001-01-01T00:00:00Z"},
        "emailAddress": {"name": "Ada", "address": "Ada@example.test"},
    }  # fmt: skip
    world.service.calendars.add(start, start + timedelta(hours=1), attendees=[invited], isOrganizer=True, subject="Tea")
    for _ in range(2):
        world.sync()
    assert re.search(r'last_contact: "?2026-11-20', note.read_text()), note.read_text()
    kept = world.outlook("Ada Lovelace").extended[graph_properties.id_of(graph_properties.LAST_CONTACT)]
    assert kept == "2026-11-20"
    world.quiet()


def test_what_was_written_to_outlook_is_taken_back(world: World) -> None:
    note = world.write("Ada Lovelace", "email: ada@example.test", "role: Analyst")
    world.sync()
    ada = world.outlook("Ada Lovelace")
    ada.properties |= {"manager": "Charles", "spouseName": "William"}
    edit(note, "Analyst", "Poet")
    ran = world.sync()
    assert ada.properties["jobTitle"] == "Poet", ran.said
    run = json.loads(world.folders.contactd("log", "--json").said)[0]["run"]
    undone = world.folders.contactd("undo", str(run), "--yes")
    assert undone.code == 0, undone.said
    assert (ada.properties["jobTitle"], ada.properties["manager"]) == ("Analyst", "Charles")
    # The note is as its owner wrote it, and neither side moves until somebody does.
    assert "Poet" in note.read_text()
    world.quiet()
