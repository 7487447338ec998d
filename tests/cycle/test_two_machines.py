"""Two machines share one vault folder and one address book: one works, the other refuses, until it takes over."""

import json
from pathlib import Path

import pytest

from folder_worlds import CONTACTD, FolderWorld, Ran, edit, made, person, run

NAMES = ("Ada Byron", "Grace Hopper", "Edith Clarke")


@pytest.fixture
def world(tmp_path: Path) -> FolderWorld:
    """Three people, kept in step by the first machine."""
    world = made(tmp_path)
    for name in NAMES:
        world.note(name).write_text(person(name, "role: Analyst", f"email: {name.split()[0].lower()}@example.test"))
    assert world.sync().code == 0
    return world


def second(world: FolderWorld, *arguments: str) -> Ran:
    """Run a command as the second machine does: the same folders, a state of its own."""
    config = world.root / "second.toml"
    state = json.dumps(str(world.root / "second-state"))
    config.write_text(world.config.read_text().replace(json.dumps(str(world.state)), state))
    return run(world.root, CONTACTD, *arguments, "--config", config)


def test_the_second_refuses_and_touches_nothing(world: FolderWorld) -> None:
    edit(world.note(NAMES[0]), "Analyst", "Countess")
    before = world.sides()
    for command in (("sync", "--once", "--yes"), ("sync", "--once", "--dry-run"), ("plan",), ("apply", "--yes")):
        ran = second(world, *command)
        assert (ran.code, "takeover" in ran.said) == (69, True), command
    assert world.sides() == before


@pytest.mark.parametrize("meanwhile", ["nothing", "an edit of a note", "an edit of a card"])
def test_after_a_takeover_it_goes_on_without_one_duplicate_and_the_first_refuses(
    world: FolderWorld, meanwhile: str
) -> None:
    if meanwhile == "an edit of a note":
        edit(world.note(NAMES[0]), "Analyst", "Countess")
    elif meanwhile == "an edit of a card":
        edit(world.card_of(NAMES[0]), "TITLE:Analyst", "TITLE:Countess")
    assert second(world, "takeover").code == 0
    ran = second(world, "sync", "--once", "--yes")
    # Without a base, two values that differ are the owner's to choose from; nothing else is asked.
    assert ran.code == (0 if meanwhile == "nothing" else 1), ran.said
    assert len(world.cards()) == len(NAMES)
    assert len(list((world.vault / "People").glob("*.md"))) == len(NAMES)
    before = world.sides()
    assert second(world, "sync", "--once", "--yes").code == ran.code
    assert world.sides() == before
    assert world.sync().code == 69
    assert world.sides() == before
