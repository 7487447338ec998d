"""The worlds in which runs are killed and disturbed, and what two worlds have in common that ended alike."""

import json
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import NamedTuple

from daemon.conflicts import ConflictState, all_conflicts
from folder_worlds import CONTACTD, FolderWorld, Ran, card, edit, made, person, run
from proof import newer_program

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TESTS = Path(__file__).parents[1]
_SYNC = ("sync", "--once", "--yes")

Command = Sequence[str]


class Scenario(NamedTuple):
    """How a world is made ready, and the command that is disturbed in it; `prepared` returns both."""

    name: str
    prepared: Callable[[Path], tuple[FolderWorld, Command]]
    program: Sequence[str | Path] = (CONTACTD,)
    version: Callable[[], AbstractContextManager[None]] = nullcontext

    def run(self, world: FolderWorld, command: Command, *under: str | Path) -> Ran:
        """Run the command, perhaps under another program."""
        path = f"{_TESTS.parent}:{_TESTS}"
        return run(world.root, *under, *self.program, *command, "--config", world.config, PYTHONPATH=path)

    def finished(self, world: FolderWorld, command: Command) -> tuple[int, "Ended"]:
        """Do once more what was perhaps cut short, sync, and return how that ended, and the world."""
        if command != _SYNC:
            self.run(world, command)
        ran = self.run(world, _SYNC)
        with self.version():
            return ran.code, ended(world)


class Ended(NamedTuple):
    """What two worlds have in common that ended alike: ids are random, and so are the names of cards made."""

    notes: dict[str, str]
    cards: list[str]
    clashes: list[tuple[str, str, ConflictState]]


def ended(world: FolderWorld) -> Ended:
    """Return how a world ended, having made sure that each note's card carries its uid."""
    notes = {
        path.relative_to(world.vault).as_posix(): path.read_text() for path in world.vault.rglob("*") if path.is_file()
    }
    cards = [path.read_text() for path in world.cards()]
    carried = {uid for text in notes.values() for uid in re.findall(r"^uid: (.*)$", text, re.MULTILINE)}
    assert carried == {uid for text in cards for uid in re.findall(r"^X-CONTACTD-UID:(.*)$", text, re.MULTILINE)}
    with world.opened_state() as state:
        clashes = [(kept.conflict.uid, kept.conflict.field, kept.state) for kept in all_conflicts(state)]
    return Ended(
        {path: _UUID.sub("ID", text) for path, text in notes.items()},
        sorted(_UUID.sub("ID", text) for text in cards),
        sorted((_UUID.sub("ID", uid), field, outcome) for uid, field, outcome in clashes),
    )


def first_link(root: Path) -> tuple[FolderWorld, Command]:
    """Three people: new to the folder, known there by address, and with a uid of their own already."""
    world = made(root)
    world.note("Ada New").write_text(person("Ada New", "email: ada@example.test"))
    world.note("Bo Known").write_text(person("Bo Known", "email: bo@example.test"))
    world.note("Cy Named").write_text(person("Cy Named", "uid: cy-has-one"))
    theirs = card("Bo Known", "EMAIL:bo@example.test", "TEL:+47 55 55 01 00")
    (world.contacts / "bo.vcf").write_text(theirs, newline="")
    return world, _SYNC


def _in_step(root: Path) -> FolderWorld:
    world, _ = first_link(root)
    for name in ("Di Both", "Ed Clash"):
        world.note(name).write_text(person(name, "company: Northlight", "role: Editor"))
    assert [world.sync().code, world.sync().code] == [0, 0]
    return world


def note_write(root: Path) -> tuple[FolderWorld, Command]:
    """A card was edited: the run writes one note."""
    world = _in_step(root)
    edit(world.card_of("Bo Known"), "+47 55 55 01 00", "+47 55 55 01 99")
    return world, _SYNC


def remote_write(root: Path) -> tuple[FolderWorld, Command]:
    """A note was edited: the run writes one card."""
    world = _in_step(root)
    edit(world.note("Ada New"), "ada@", "ada.note@")
    return world, _SYNC


def both_sides(root: Path) -> tuple[FolderWorld, Command]:
    """Edits in the note, in the card, in both alike differently, and in two fields of one person; and a new note."""
    world = _in_step(root)
    edit(world.note("Ada New"), "ada@", "ada.note@")
    edit(world.card_of("Bo Known"), "+47 55 55 01 00", "+47 55 55 01 99")
    edit(world.note("Di Both"), "role: Editor", "role: Publisher")
    edit(world.card_of("Di Both"), "ORG:Northlight", "ORG:Southlight")
    _clash(world)
    world.note("Fay Late").write_text(person("Fay Late", "email: fay@example.test"))
    return world, _SYNC


def _clash(world: FolderWorld) -> None:
    edit(world.note("Ed Clash"), "company: Northlight", "company: Eastlight")
    edit(world.card_of("Ed Clash"), "ORG:Northlight", "ORG:Westlight")


def settling(root: Path) -> tuple[FolderWorld, Command]:
    """A conflict, of which the owner says that the card is right."""
    world = _in_step(root)
    _clash(world)
    assert world.sync().code == 1
    (kept,) = json.loads(world.contactd("conflicts", "--json").said)
    return world, ("settle", kept["id"], "--remote")


def undoing(root: Path) -> tuple[FolderWorld, Command]:
    """A run wrote a note and a card, and is taken back."""
    world = _in_step(root)
    edit(world.note("Ada New"), "ada@", "ada.note@")
    edit(world.card_of("Bo Known"), "+47 55 55 01 00", "+47 55 55 01 99")
    assert world.sync().code == 0
    last, *_ = json.loads(world.contactd("log", "--json").said)
    return world, ("undo", str(last["run"]), "--yes")


SCENARIOS = (
    Scenario("note write", note_write),
    Scenario("first link", first_link),
    Scenario("remote write", remote_write),
    Scenario("both sides edited", both_sides),
    Scenario("conflict settle", settling),
    Scenario("undo", undoing),
    Scenario("migration", both_sides, (sys.executable, "-m", "proof.newer_program"), newer_program.installed),
)
