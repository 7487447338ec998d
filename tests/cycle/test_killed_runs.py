"""The installed program killed at its system calls: the next run ends where one that nobody killed would have.

Which calls there are is asked of strace first: it counts each call by its name, so a point is (name, number).
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from signal import SIGKILL
from typing import NamedTuple

import pytest

from daemon.conflicts import ConflictState, all_conflicts
from folder_worlds import CONTACTD, FolderWorld, card, edit, made, person, run

pytestmark = pytest.mark.thorough

CALLS = "write,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,ftruncate"
"""Every way in which a file, its name or its durability changes here, but for SQLite's own pages."""

POINTS = 12
"""How many of the fifty or sixty calls of a run are tried, evenly spread."""

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Point(NamedTuple):
    """The `number`th call of this name, counted from 1."""

    name: str
    number: int


def calls(world: FolderWorld, strace: Path) -> Sequence[Point]:
    """Sync, and return every call that this took, in order."""
    trace = world.root / "trace"
    ran = run(world.root, strace, "-f", "--seccomp-bpf", "-o", trace, "-e", f"trace={CALLS}", *_command(world))
    assert ran.code in {0, 1}, ran.said
    names = re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.MULTILINE)
    seen: Counter[str] = Counter()
    points: list[Point] = []
    for name in names:
        seen[name] += 1
        points.append(Point(name, seen[name]))
    return points


def kill(world: FolderWorld, strace: Path, point: Point) -> None:
    """Sync, and be killed as the call begins."""
    injection = f"inject={point.name}:signal=SIGKILL:when={point.number}"
    # Not with --seccomp-bpf: strace 6.1 then injects nothing.
    quiet = ("-f", "-qq", "-o", "/dev/null")
    ran = run(world.root, strace, *quiet, "-e", f"trace={point.name}", "-e", injection, *_command(world))
    assert ran.code == -SIGKILL, (point, ran)


def _command(world: FolderWorld) -> tuple[str | Path, ...]:
    return CONTACTD, "sync", "--once", "--yes", "--config", world.config


def spread(points: Sequence[Point]) -> Iterator[Point]:
    for number in range(POINTS):
        yield points[number * len(points) // POINTS]


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


def before_the_first_run(root: Path) -> FolderWorld:
    """Three people: new to the folder, known there by address, and with a uid of their own already."""
    world = made(root)
    world.note("Ada New").write_text(person("Ada New", "email: ada@example.test"))
    world.note("Bo Known").write_text(person("Bo Known", "email: bo@example.test"))
    world.note("Cy Named").write_text(person("Cy Named", "uid: cy-has-one"))
    theirs = card("Bo Known", "EMAIL:bo@example.test", "TEL:+47 55 55 01 00")
    (world.contacts / "bo.vcf").write_text(theirs, newline="")
    return world


def edited_on_both_sides(root: Path) -> FolderWorld:
    """Linked people, edited in the note, in the card, in both alike differently, and in two fields of one person."""
    world = before_the_first_run(root)
    for name in ("Di Both", "Ed Clash"):
        world.note(name).write_text(person(name, "company: Northlight", "role: Editor"))
    assert world.sync().code == 0
    edit(world.note("Ada New"), "ada@", "ada.note@")
    edit(world.card_of("Bo Known"), "+47 55 55 01 00", "+47 55 55 01 99")
    edit(world.note("Di Both"), "role: Editor", "role: Publisher")
    edit(world.card_of("Di Both"), "ORG:Northlight", "ORG:Southlight")
    edit(world.note("Ed Clash"), "company: Northlight", "company: Eastlight")
    edit(world.card_of("Ed Clash"), "ORG:Northlight", "ORG:Westlight")
    world.note("Fay Late").write_text(person("Fay Late", "email: fay@example.test"))
    return world


@pytest.mark.parametrize(("prepared", "code"), [(before_the_first_run, 0), (edited_on_both_sides, 1)])
def test_a_killed_run_is_made_good_by_the_next(
    prepared: Callable[[Path], FolderWorld], code: int, tmp_path: Path, needs_tool: Callable[[str], Path]
) -> None:
    strace = needs_tool("strace")
    (tmp_path / "start").mkdir()
    start = prepared(tmp_path / "start")
    reference = start.copied_to(tmp_path / "reference")
    points = calls(reference, strace)
    expected = ended(reference)
    astray = {}
    for point in spread(points):
        world = start.copied_to(tmp_path / f"{point.name}-{point.number}")
        kill(world, strace, point)
        ran = world.sync()
        if (ran.code, ended(world)) != (code, expected):
            astray[point] = ran.said
    assert not astray
