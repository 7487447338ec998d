"""Worlds in which a sync tool leaves a conflict copy beside a note: nobody's, and the note goes on being kept in step."""

import shutil
from pathlib import Path

import pytest

from folder_worlds import FolderWorld, edit, made, person

NAME = "Ada"
COPIES = (
    "Ada.sync-conflict-20260301-120000-ABCDEFG.md",
    "Ada (conflicted copy).md",
    "Ada (conflicted copy 2026-03-01).md",
    "Ada (Conflicted copy laptop 202603011200).md",
    "Ada (laptop's conflicted copy 2026-03-01).md",
)


@pytest.fixture
def world(tmp_path: Path) -> FolderWorld:
    world = made(tmp_path)
    world.note(NAME).write_text(person(NAME, "role: Analyst", "company: Engines"))
    assert world.sync().code == 0
    return world


@pytest.mark.parametrize("copy", COPIES)
def test_a_conflict_copy_is_nobody_and_its_original_goes_on(world: FolderWorld, copy: str) -> None:
    linked, path = world.linked(), world.note(NAME).with_name(copy)
    shutil.copyfile(world.note(NAME), path)
    edit(path, "company: Engines", "company: Looms")
    before = path.read_bytes()
    edit(world.note(NAME), "role: Analyst", "role: Boss")
    assert world.sync().code == 0
    edit(world.card_of(NAME), "ORG:Engines", "ORG:Tables")
    assert world.sync().code == 0
    assert ("TITLE:Boss" in world.card_of(NAME).read_text(), "company: Tables\n" in world.note(NAME).read_text()) == (
        True,
        True,
    )
    assert (world.linked(), len(world.cards()), path.read_bytes()) == (linked, 1, before)


@pytest.mark.parametrize("copy", COPIES[:2])
def test_a_conflict_copy_does_not_take_the_place_of_its_original(world: FolderWorld, copy: str) -> None:
    path = world.note(NAME).with_name(copy)
    shutil.copyfile(world.note(NAME), path)
    world.sync()
    world.note(NAME).unlink()
    card = world.card_of(NAME).read_bytes()
    edit(path, "company: Engines", "company: Looms")
    assert [world.sync().code for _ in range(3)] == [0, 0, 0]
    assert (world.linked(), world.card_of(NAME).read_bytes()) == ([], card)


def test_a_plain_copy_holds_both_until_one_of_them_has_no_uid(world: FolderWorld) -> None:
    copy = world.note("Ada copy")
    shutil.copyfile(world.note(NAME), copy)
    edit(world.card_of(NAME), "ORG:Engines", "ORG:Tables")
    before = world.sides()
    assert [world.sync().code for _ in range(2)] == [1, 1]
    assert world.sides() == before
    lines = copy.read_text().splitlines(keepends=True)
    copy.write_text(
        "".join(line for line in lines if not line.startswith("uid:")).replace(f"title: {NAME}", "title: Bea")
    )
    assert world.sync().code == 0
    assert ("company: Tables\n" in world.note(NAME).read_text(), len(world.cards())) == (True, 2)
    assert "company: Engines\n" in copy.read_text()
