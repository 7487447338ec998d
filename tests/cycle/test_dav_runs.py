"""The installed program between a vault and an address book on a server: two-way, beside others, through faults."""

import json
import re
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dav_servers import PASSWORD, USERNAME, Passing, Said, Server, Wire, ics, undisturbed, wire_to
from folder_worlds import FolderWorld, Ran, carried_out, difference, edit, person, run, seen, writable_copy

pytestmark = pytest.mark.thorough

SAMPLE_VAULT = Path(__file__).parent.parent / "sample_vault"

PEOPLE = [
    "Ana Lucía Prado",
    "Freya Lindqvist",
    "Jun Watanabe",
    "Mira Castellan",
    "Ngozi Adeyemi",
    "Oona Byrne",
    "Samir Haddad",
    "Tobias Renner",
]


ON_RADICALE = pytest.mark.parametrize("dav_server", ["radicale"], indirect=True)
"""For what has little to do with the server."""


@dataclass(frozen=True, slots=True)
class DavWorld:
    """A vault, an address book on a server, and the wire between them; all else is in one folder."""

    folders: FolderWorld
    server: Server
    wire: Wire
    book: str

    def sync(self, *options: str) -> Ran:
        return self.folders.sync(*options)

    def status(self) -> Ran:
        return self.folders.contactd("status")

    def note(self, name: str) -> Path:
        return self.folders.note(name)

    def cards(self) -> dict[str, str]:
        return self.server.texts(self.book)

    def names(self) -> list[str]:
        return sorted(
            re.sub(r"(?s).*^FN:(.*?)\r?$.*", r"\1", text, flags=re.MULTILINE) for text in self.cards().values()
        )

    def path_of(self, name: str) -> str:
        (found,) = (path for path, text in self.cards().items() if f"\nFN:{name}\n" in text.replace("\r\n", "\n"))
        return found

    def card_of(self, name: str) -> str:
        return self.cards()[self.path_of(name)]

    def edit_card(self, name: str, old: str, new: str) -> None:
        """Edit a card as another program does."""
        path = self.path_of(name)
        text = self.server.text(path)
        assert text.count(old) == 1, text
        self.server.put(path, text.replace(old, new))

    def rests(self) -> None:
        """Two further runs find nothing to do: no note and no card is written, and the server is asked once."""
        notes, etags = seen(self.folders.vault), self.server.etags(self.book)
        self.wire.requests.clear()
        assert self.sync().code == 0
        assert self.wire.writes == []
        # The first of them may have to look whether an answer that lists our own writes lists everything.
        self.wire.requests.clear()
        assert self.sync().code == 0
        assert self.wire.methods == ["REPORT"]
        assert (seen(self.folders.vault), self.server.etags(self.book)) == (notes, etags)


def made(root: Path, server: Server, wire: Wire, *, account: str = "", more: str = "") -> DavWorld:
    """Make an empty vault, an empty address book, and a configuration that names the book by what it is shown as."""
    world = FolderWorld(root)
    world.vault.joinpath("People").mkdir(parents=True)
    word = root / "word"
    word.write_text(f"{PASSWORD}\n")
    word.chmod(0o600)
    shown = f"Friends of {root.name}"
    book = server.make("contacts", root.name, shown)
    world.config.write_text(
        f"[vault]\npath = {json.dumps(str(world.vault))}\n[state]\npath = {json.dumps(str(world.state))}\n"
        f'[accounts.home]\nconnector = "dav"\nurl = "{wire.url}"\nusername = "{USERNAME}"\n'
        f'password_command = ["cat", {json.dumps(str(word))}]\ncontacts = "{shown}"\n'
        f'new_contacts = "all"\n{account}\n{more}\n'
    )
    return DavWorld(world, server, wire, book)


@pytest.fixture
def wire(dav_server: Server) -> Generator[Wire]:
    with wire_to(dav_server) as wire:
        yield wire


@pytest.fixture
def radicale_wire(radicale: Server) -> Generator[Wire]:
    with wire_to(radicale) as wire:
        yield wire


@pytest.fixture
def world(tmp_path: Path, dav_server: Server, wire: Wire) -> DavWorld:
    """The sample vault and what has become of it on the server."""
    world = made(tmp_path, dav_server, wire)
    writable_copy(SAMPLE_VAULT, world.folders.vault)
    ran = world.sync()
    assert ran.code == 0, ran.said
    return world


def test_everybody_arrives_once_and_nothing_comes_back(world: DavWorld) -> None:
    assert world.names() == PEOPLE
    world.rests()
    # A feed that tells nothing new does not say that there is nothing.
    assert "8 contacts seen: 8 unchanged" in world.sync().said
    assert "can be read: 8 contacts" in world.folders.contactd("doctor").said


def test_an_edit_at_the_server_is_one_line_of_the_note(world: DavWorld) -> None:
    note = world.note("Tobias Renner").read_bytes()
    world.edit_card("Tobias Renner", "TITLE:Editor", "TITLE:Publisher")
    assert world.sync().code == 0
    assert difference(note, world.note("Tobias Renner").read_bytes()) == (
        ("**Role**: Editor at Kiosk & Quill\n",),
        ("**Role**: Publisher at Kiosk & Quill\n",),
    )
    world.rests()


def test_an_edit_of_the_note_is_one_write_at_the_server(world: DavWorld) -> None:
    edit(world.note("Samir Haddad"), "+353 1 555 0123", "+353 1 555 0124")
    path = world.path_of("Samir Haddad")
    world.wire.requests.clear()
    assert world.sync().code == 0
    assert world.wire.writes == [("PUT", path)]
    assert re.findall(r"^TEL.*?:(.*?)\r?$", world.card_of("Samir Haddad"), re.MULTILINE) == ["+353 1 555 0124"]
    world.rests()


@ON_RADICALE
def test_both_sides_change_different_fields_of_one_person(world: DavWorld) -> None:
    edit(world.note("Samir Haddad"), "+353 1 555 0123", "+353 1 555 0124")
    card = world.card_of("Samir Haddad")
    assert "NICKNAME" not in card
    world.edit_card("Samir Haddad", "VERSION:3.0\r\n", "VERSION:3.0\r\nNICKNAME:Sam\r\n")
    ran = world.sync()
    assert ran.code == 0, ran.said
    assert "+353 1 555 0124" in world.card_of("Samir Haddad")
    assert "Sam" in world.note("Samir Haddad").read_text()
    world.rests()


@ON_RADICALE
def test_photos_groups_and_foreign_fields_survive_and_groups_are_nobody(world: DavWorld) -> None:
    group = (
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:family\r\nFN:Family\r\nN:Family;;;;\r\nX-ADDRESSBOOKSERVER-KIND:group\r\n"
        "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:ada\r\nEND:VCARD\r\n"
    )
    world.server.put(f"{world.book}family.vcf", group)
    kept = world.server.text(f"{world.book}family.vcf")
    photo = "/9j/4AAQSkZJRgABAQAAAQABAAD/" * 400
    foreign = f"PHOTO;ENCODING=b;TYPE=JPEG:{photo}\r\nitem7.X-ABRELATEDNAMES:Annabella\r\nitem7.X-ABLabel:Mother\r\n"
    world.edit_card("Oona Byrne", "VERSION:3.0\r\n", f"VERSION:3.0\r\n{foreign}")
    assert world.sync().code == 0
    note = world.note("Oona Byrne")
    note.write_text(note.read_text().replace("---\n", "---\nnickname: Oo\n", 1))
    ran = world.sync()
    assert ran.code == 0, ran.said
    card = re.sub(r"\r?\n[ \t]", "", world.card_of("Oona Byrne"))
    assert "NICKNAME:Oo" in card
    assert photo in card
    assert "Annabella" in card
    assert world.server.text(f"{world.book}family.vcf") == kept
    assert not world.note("Family").exists()
    world.rests()


@ON_RADICALE
def test_a_deleted_card_leaves_its_note_and_a_deleted_note_its_card(world: DavWorld) -> None:
    world.server.delete(world.path_of("Jun Watanabe"))
    world.note("Mira Castellan").unlink()
    for _ in range(3):
        ran = world.sync()
        assert ran.code in {0, 1}, ran.said
    assert world.note("Jun Watanabe").exists()
    assert "Mira Castellan" in world.names()
    assert "Jun Watanabe" not in world.names()


@ON_RADICALE
def test_with_delete_with_note_the_card_goes_too(tmp_path: Path, dav_server: Server, wire: Wire) -> None:
    world = made(tmp_path, dav_server, wire, account="delete_with_note = true")
    for name in ("Ada King", "Bo Lind"):
        world.note(name).write_text(person(name, f"email: {name[:2].lower()}@example.test"))
    assert world.sync().code == 0
    path = world.path_of("Ada King")
    world.note("Ada King").unlink()
    wire.requests.clear()
    for _ in range(3):
        assert world.sync().code == 0
    assert (wire.writes, world.names()) == ([("DELETE", path)], ["Bo Lind"])


@ON_RADICALE
def test_auth_looks_whether_the_password_is_right_and_names_what_is_there(
    tmp_path: Path, dav_server: Server, wire: Wire
) -> None:
    world = made(tmp_path, dav_server, wire)
    dav_server.make("calendars", f"{tmp_path.name}-work", f"Work of {tmp_path.name}")
    ran = world.folders.contactd("auth", "home")
    assert ran.code == 0, ran.said
    assert "127.0.0.1 lets me in." in ran.said
    assert re.search(rf"address books: .*Friends of {tmp_path.name}", ran.said) is not None
    assert re.search(rf"calendars: .*Work of {tmp_path.name}", ran.said) is not None
    assert wire.writes == []
    (tmp_path / "word").write_text("wrong\n")
    ran = world.folders.contactd("auth", "home")
    assert (ran.code, "does not let me with this password in" in ran.said) == (2, True)


@ON_RADICALE
def test_a_wrong_password_is_told_with_what_to_do(world: DavWorld) -> None:
    (world.folders.root / "word").write_text("wrong\n")
    notes, etags = seen(world.folders.vault), world.server.etags(world.book)
    world.wire.requests.clear()
    ran, told, examined = world.sync(), world.status(), world.folders.contactd("doctor")
    remedy = "look at what the command in accounts.home.password_command prints"
    for each in (ran, told, examined):
        assert each.code == 2, each.said
        assert remedy in each.said
        assert "contactd auth" not in each.said
        assert PASSWORD not in each.said
    assert len(world.wire.requests) <= 4
    (world.folders.root / "word").write_text(f"{PASSWORD}\n")
    world.wire.requests.clear()
    assert world.sync().code == 0
    assert (seen(world.folders.vault), world.server.etags(world.book)) == (notes, etags)


Meddle = Callable[[Passing, Callable[[], Said]], Said | None]


def after_it_was_done(passing: Passing, carry: Callable[[], Said]) -> Said | None:
    """Hang up on a write that the server has carried out."""
    said = carry()
    return None if passing.method in {"PUT", "DELETE"} else said


def before_it_was_done(passing: Passing, carry: Callable[[], Said]) -> Said | None:
    """Hang up on a write that the server never sees."""
    return None if passing.method in {"PUT", "DELETE"} else carry()


def cut_off(passing: Passing, carry: Callable[[], Said]) -> Said | None:
    """Let answers end in the middle, with a length that says so."""
    said = carry()
    if passing.method not in {"REPORT", "PROPFIND"}:
        return said
    return Said(said.status, {**said.headers, "content-length": str(len(said.body))}, said.body[: len(said.body) // 2])


def cut_off_unnoticed(passing: Passing, carry: Callable[[], Said]) -> Said | None:
    """Let answers end in the middle, with a length that fits."""
    said = carry()
    return Said(said.status, said.headers, said.body[: len(said.body) // 2]) if passing.method == "REPORT" else said


def failing(passing: Passing, carry: Callable[[], Said]) -> Said | None:
    """Answer writes with 500, some of which were carried out."""
    said = carry()
    return Said(500, {}, b"") if passing.method == "PUT" else said


def too_busy(passing: Passing, carry: Callable[[], Said]) -> Said | None:
    """Ask for half an hour of patience."""
    del passing, carry
    return Said(429, {"Retry-After": "1800"}, b"")


def hanging_up(passing: Passing, carry: Callable[[], Said]) -> Said | None:
    """Say nothing to anybody."""
    del passing, carry
    return None


class Vanishing:
    """A server that is gone after some answers."""

    def __init__(self, answers: int) -> None:
        self._left = answers

    def __call__(self, passing: Passing, carry: Callable[[], Said]) -> Said | None:
        del passing
        self._left -= 1
        return carry() if self._left >= 0 else None


FAULTS: list[Meddle] = [
    after_it_was_done,
    before_it_was_done,
    cut_off,
    cut_off_unnoticed,
    failing,
    too_busy,
    hanging_up,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_makes_no_second_contact_and_loses_nothing(
    tmp_path: Path, radicale: Server, radicale_wire: Wire, fault: Meddle
) -> None:
    wire, world = radicale_wire, made(tmp_path, radicale, radicale_wire)
    for name in ("Ada King", "Bo Lind"):
        world.note(name).write_text(person(name, f"email: {name[:2].lower()}@example.test", "job_title: Analyst"))
    assert world.sync().code == 0
    edit(world.note("Ada King"), "job_title: Analyst", "job_title: Poet")
    world.edit_card("Bo Lind", "TITLE:Analyst", "TITLE:Cook")
    for name in ("Cy Moon", "Di Sun"):
        world.note(name).write_text(person(name, f"email: {name[:2].lower()}@example.test"))
    wire.meddle = fault
    for _ in range(2):
        wire.requests.clear()
        ran = world.sync()
        assert ran.code == 2, ran.said
        assert "mistake in contactd" not in ran.said
        # Bounded: what reads is asked three times at most, what writes is told once for each person.
        assert len(wire.requests) <= 12
    wire.meddle = undisturbed
    ran = world.sync()
    assert ran.code == 0, ran.said
    assert world.names() == ["Ada King", "Bo Lind", "Cy Moon", "Di Sun"]
    assert "TITLE:Poet" in world.card_of("Ada King")
    assert "job_title: Cook" in world.note("Bo Lind").read_text()
    world.rests()


@pytest.mark.parametrize("answers", [1, 5, 6, 7, 8])
def test_a_server_that_vanishes_half_way_is_made_good_by_the_next_run(
    tmp_path: Path, radicale: Server, radicale_wire: Wire, answers: int
) -> None:
    wire, world = radicale_wire, made(tmp_path, radicale, radicale_wire)
    for name in ("Ada King", "Bo Lind", "Cy Moon"):
        world.note(name).write_text(person(name, f"email: {name[:2].lower()}@example.test"))
    wire.meddle = Vanishing(answers)
    ran = world.sync()
    assert ran.code in {0, 2}, ran.said
    wire.meddle = undisturbed
    ran = world.sync()
    assert ran.code == 0, ran.said
    assert world.names() == ["Ada King", "Bo Lind", "Cy Moon"]
    world.rests()


VDIRSYNCER = """\
[general]
status_path = "{root}/status/"
[pair people]
a = "folder"
b = "server"
collections = null
conflict_resolution = null
[storage folder]
type = "filesystem"
path = "{root}/cards/"
fileext = ".vcf"
[storage server]
type = "carddav"
url = "http://127.0.0.1:{port}{book}"
username = "{username}"
password = "{password}"
"""

KHARD = """\
[addressbooks]
[[people]]
path = {root}/cards/
[general]
default_action = list
editor = {editor}
"""


@dataclass(frozen=True, slots=True)
class Third:
    """vdirsyncer, which carries the address book to a folder and back, and khard, which makes cards there."""

    root: Path
    vdirsyncer: Path
    khard: Path

    def carry(self) -> None:
        ran = run(self.root, self.vdirsyncer, "sync", VDIRSYNCER_CONFIG=str(self.root / "vdirsyncer.conf"))
        assert ran.code == 0, ran.said

    def make(self, described: str) -> None:
        (self.root / "new.yaml").write_text(described)
        words = ("-c", self.root / "khard.conf", "new", "-i", self.root / "new.yaml", "-a", "people")
        ran = run(self.root, self.khard, *words, answers="y\n")
        assert ran.code == 0, ran.said

    def edit(self, old: str, new: str) -> None:
        (card,) = (path for path in self.root.joinpath("cards").glob("*.vcf") if old in path.read_text())
        card.write_text(card.read_text().replace(old, new))

    def lines(self) -> list[set[str]]:
        return sorted((_lines(path.read_text()) for path in self.root.joinpath("cards").glob("*.vcf")), key=sorted)


def _lines(text: str) -> set[str]:
    """Return the lines of a card, which servers put in an order of their own."""
    return set(re.sub(r"\r?\n[ \t]", "", text).split())


@pytest.fixture
def third(world: DavWorld, needs_tool: Callable[[str], Path]) -> Third:
    root, program = world.folders.root, needs_tool("vdirsyncer")
    (root / "cards").mkdir()
    where = {"root": root, "port": world.server.port, "book": world.book, "username": USERNAME, "password": PASSWORD}
    (root / "vdirsyncer.conf").write_text(VDIRSYNCER.format(**where))
    (root / "khard.conf").write_text(KHARD.format(root=root, editor="true"))
    settings = str(root / "vdirsyncer.conf")
    ran = run(root, program, "discover", "people", answers="y\n" * 9, VDIRSYNCER_CONFIG=settings)
    assert ran.code == 0, ran.said
    third = Third(root, program, needs_tool("khard"))
    third.carry()
    return third


def test_a_third_program_edits_between_the_runs_and_nothing_of_it_is_lost(world: DavWorld, third: Third) -> None:
    third.make("First name: Kit\nLast name: Marlowe\nNote: met in Deptford\nEmail:\n  home: kit@example.test\n")
    world.note("Kit Marlowe").write_text(person("Kit Marlowe", "email: kit@example.test"))
    third.edit("TITLE:Editor", "TITLE:Publisher\nX-STRANGE;X-A=1:kept")
    edit(world.note("Samir Haddad"), "+353 1 555 0123", "+353 1 555 0124")
    third.carry()
    ran = world.sync()
    assert ran.code == 0, ran.said
    third.carry()
    assert "Publisher" in world.note("Tobias Renner").read_text()
    kit = world.card_of("Kit Marlowe")
    assert "met in Deptford" in kit
    assert "X-CONTACTD-UID" in kit
    assert "X-STRANGE;X-A=1:kept" in world.card_of("Tobias Renner")
    world.rests()
    third.carry()
    assert third.lines() == sorted((_lines(text) for text in world.cards().values()), key=sorted)
    world.rests()


def test_a_calendar_is_read_by_its_name_and_costs_one_request(tmp_path: Path, dav_server: Server, wire: Wire) -> None:
    world = made(tmp_path, dav_server, wire, account=f'calendars = ["Work of {tmp_path.name}"]')
    world.note("Ada King").write_text(person("Ada King", "email: ad@example.test"))
    calendar = dav_server.make("calendars", f"{tmp_path.name}-work", f"Work of {tmp_path.name}")
    soon = datetime.now(UTC) + timedelta(days=2)
    dav_server.put(f"{calendar}tea.ics", ics("tea", soon, "ATTENDEE;PARTSTAT=ACCEPTED:mailto:me@example.test"))
    ran = world.sync()
    assert ran.code == 0, ran.said
    assert "1 event read" in ran.said
    assert world.sync().code == 0
    wire.requests.clear()
    assert world.sync().code == 0
    assert (wire.methods, wire.writes) == (["REPORT", "REPORT"], [])
    other = dav_server.make("calendars", f"{tmp_path.name}-other", f"Other of {tmp_path.name}")
    dav_server.delete(calendar)
    ran = world.sync()
    assert ran.code == 2, ran.said
    assert "no calendar is called so" in ran.said
    dav_server.delete(other)


def meaning(world: DavWorld) -> dict[str, list[str]]:
    """Return what every card says: its lines, whatever order and spelling of names the server gives them."""

    def lines(text: str) -> list[str]:
        unfolded = re.sub(r"\r?\n[ \t]", "", text).splitlines()
        return sorted(re.sub(r"^[^:;]*", lambda name: name[0].upper(), line) for line in unfolded)

    return {name: [one for one in lines(world.card_of(name)) if not one.startswith("REV")] for name in world.names()}


def test_a_plan_is_carried_out_and_taken_back_on_both_sides_and_again(world: DavWorld) -> None:
    world.edit_card(
        "Oona Byrne", "VERSION:3.0\r\n", "VERSION:3.0\r\nitem7.X-ABRELATEDNAMES:Annabella\r\nNICKNAME:Oo\r\n"
    )
    world.edit_card("Tobias Renner", "TITLE:Editor", "TITLE:Publisher")
    edit(world.note("Samir Haddad"), "+353 1 555 0123", "+353 1 555 0124")
    world.note("Newcomer").write_text(person("Newcomer", "email: new@example.test"))
    before = {path: stamp.content for path, stamp in seen(world.folders.vault).items()}, meaning(world)
    ran = carried_out(world.folders)
    assert ran.code == 0, ran.said
    after = {path: stamp.content for path, stamp in seen(world.folders.vault).items()}, meaning(world)
    assert after != before
    for expected in (before, after):
        run = json.loads(world.folders.contactd("log", "--json").said)[0]["run"]
        ran = world.folders.contactd("undo", str(run), "--yes")
        assert ran.code == 0, ran.said
        now = {path: stamp.content for path, stamp in seen(world.folders.vault).items()}, meaning(world)
        assert now == expected
        world.rests()
