"""The review note in a vault: a box that is ticked settles just that question, at the next sync, by whoever ticks it."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from folder_worlds import FolderWorld, Ran, card, edit, made, person

Contactd = Callable[..., Ran]
Command = Callable[..., Ran]
ADA, GRACE = "Ada Byron", "Grace Hopper"


@pytest.fixture
def world(tmp_path: Path) -> FolderWorld:
    return made(tmp_path, vault='review_note = "Contact review.md"')


@pytest.fixture
def told(contactd: Contactd, world: FolderWorld) -> Command:
    """Run a command on the world."""
    return lambda *arguments: contactd(*arguments, "--config", world.config)


@pytest.fixture
def clashing(told: Command, world: FolderWorld) -> FolderWorld:
    """Ada and Grace, whose companies both sides changed differently."""
    for name in (ADA, GRACE):
        world.note(name).write_text(person(name, "company: Engines"))
    assert told("sync", "--once", "--yes").code == 0
    for name in (ADA, GRACE):
        edit(world.note(name), "Engines", "Looms")
        edit(world.card_of(name), "Engines", "Tables")
    assert told("sync", "--once").code == 1
    return world


def review(world: FolderWorld) -> Path:
    return world.vault / "Contact review.md"


def line_of(world: FolderWorld, name: str, said: str) -> str:
    section = review(world).read_text().partition(f"## {name}")[2]
    return next(line for line in section.splitlines() if said in line)


def by_sed(path: Path, line: str) -> None:
    identity = line.rpartition("^")[2]
    subprocess.run(["/bin/sed", "-i", f"/{identity}/s/\\[ \\]/[x]/", str(path)], check=True)


def in_place(path: Path, line: str) -> None:
    edit(path, line, line.replace("[ ]", "[x]"))


def test_nothing_is_made_where_nothing_waits(told: Command, world: FolderWorld) -> None:
    world.note(ADA).write_text(person(ADA))
    assert told("sync", "--once", "--yes").code == 0
    assert not review(world).exists()


@pytest.mark.parametrize("tick", [by_sed, in_place])
def test_ticking_a_box_settles_exactly_that_conflict(
    told: Command, clashing: FolderWorld, tick: Callable[[Path, str], None]
) -> None:
    tick(review(clashing), line_of(clashing, ADA, "home: Tables"))
    assert told("sync", "--once").code == 1
    assert "company: Tables" in clashing.note(ADA).read_text()
    assert "company: Looms" in clashing.note(GRACE).read_text()
    text = review(clashing).read_text()
    assert (f"## {ADA}" in text, f"## {GRACE}" in text) == (False, True)


def test_it_is_written_only_when_it_asks_something_else(told: Command, clashing: FolderWorld) -> None:
    before = review(clashing).stat()
    assert told("sync", "--once").code == 1
    assert review(clashing).stat().st_ino == before.st_ino
    tick = line_of(clashing, ADA, "note: Looms")
    in_place(review(clashing), tick)
    with review(clashing).open("a") as file:
        file.write("\nmy own words\n")
    told("sync", "--once")
    assert review(clashing).read_text().endswith("\nmy own words\n")
    assert "ORG:Looms" in clashing.card_of(ADA).read_text()


def test_an_old_tick_means_nothing_once_a_side_has_changed(told: Command, clashing: FolderWorld) -> None:
    in_place(review(clashing), line_of(clashing, ADA, "home: Tables"))
    edit(clashing.card_of(ADA), "Tables", "Gears")
    assert told("sync", "--once").code == 1
    assert "company: Looms" in clashing.note(ADA).read_text()
    assert "home: Gears" in review(clashing).read_text()


def test_doubtful_links_are_answered_there_too(told: Command, world: FolderWorld) -> None:
    world.note(GRACE).write_text(person(GRACE))
    (world.contacts / "hostile.vcf").write_text(card(GRACE, "ORG:<%* x %>[[y]]`z`"), newline="")
    assert told("sync", "--once", "--yes").code == 1
    assert not set("<`[") & set(line_of(world, GRACE, "link to").replace("- [ ]", ""))
    in_place(review(world), line_of(world, GRACE, "link to"))
    assert told("sync", "--once", "--yes").code == 0
    assert [remote_id for _, remote_id in world.linked()] == ["hostile.vcf"]


def test_a_dry_run_takes_a_tick_into_account_and_writes_nothing(told: Command, clashing: FolderWorld) -> None:
    in_place(review(clashing), line_of(clashing, ADA, "home: Tables"))
    before = clashing.sides()
    assert "organization: Looms -> Tables" in told("sync", "--once", "--dry-run").said
    assert clashing.sides() == before
