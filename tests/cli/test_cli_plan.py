"""A plan is kept, seen, and carried out as it was seen: exactly its steps, and none of a person who has moved since."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from folder_worlds import CONTACTD, FolderWorld, Ran, edit, made, person
from terminal import terminal

Contactd = Callable[..., Ran]
Command = Callable[..., Ran]
NeedsTool = Callable[[str], Path]
ADA, GRACE = "Ada Byron", "Grace Hopper"


@pytest.fixture
def world(tmp_path: Path) -> FolderWorld:
    return made(tmp_path)


@pytest.fixture
def told(contactd: Contactd, world: FolderWorld) -> Command:
    """Run a command on the world."""
    return lambda *arguments: contactd(*arguments, "--config", world.config)


@pytest.fixture
def edited(told: Command, world: FolderWorld) -> FolderWorld:
    """Two people in step, whose roles their notes have changed since."""
    for name in (ADA, GRACE):
        world.note(name).write_text(person(name, "role: Analyst"))
    assert told("sync", "--once", "--yes").code == 0
    edit(world.note(ADA), "Analyst", "Countess")
    edit(world.note(GRACE), "Analyst", "Admiral")
    return world


def title(world: FolderWorld, name: str) -> str:
    lines = world.card_of(name).read_text().splitlines()
    return next(line for line in lines if line.startswith("TITLE:")).removeprefix("TITLE:")


def test_a_kept_plan_touches_nothing_and_is_carried_out_as_it_is(told: Command, edited: FolderWorld) -> None:
    before, target = edited.sides(), edited.root / "plan.json"
    ran = told("plan", "-o", target)
    assert (ran.code, "title: Analyst -> Countess" in ran.said, edited.sides() == before) == (0, True, True)
    assert target.stat().st_mode & 0o777 == 0o600
    assert told("apply", target, "--yes").code == 0
    assert (title(edited, ADA), title(edited, GRACE)) == ("Countess", "Admiral")
    assert told("sync", "--once").code == 0


def test_what_was_shown_and_asked_about_is_not_told_again(
    told: Command, edited: FolderWorld, needs_tool: NeedsTool, tmp_path: Path
) -> None:
    told("plan", "-o", edited.root / "plan.json")
    line: list[str | Path] = [CONTACTD, "apply", edited.root / "plan.json", "--config", edited.config]
    with terminal(needs_tool("tmux"), tmp_path, line) as screen:
        screen.wait_for("Carry this out?")
        screen.type("y", "Enter")
        shown = screen.wait_for("ENDED 0")
    assert (shown.count("Analyst -> Countess"), "Done, as shown above." in shown) == (1, True), shown
    assert title(edited, ADA) == "Countess"


def test_a_plan_says_what_it_leaves_to_its_owner(told: Command, edited: FolderWorld) -> None:
    edit(edited.note(ADA), "role: Countess", "role: Countess\ncompany: Looms")
    edit(edited.card_of(ADA), "TITLE:", "ORG:Gears\r\nTITLE:")
    ran = told("plan")
    assert (ran.code, "1 conflict;" in ran.said, "Analyst -> Admiral" in ran.said) == (1, True, True)


def test_what_came_after_the_plan_is_not_in_it(told: Command, edited: FolderWorld) -> None:
    target = edited.root / "plan.json"
    told("plan", "-o", target)
    edited.note("Edith Clarke").write_text(person("Edith Clarke"))
    assert told("apply", target, "--yes").code == 0
    assert len(edited.cards()) == 2
    assert title(edited, ADA) == "Countess"


@pytest.mark.parametrize("side", ["note", "contact"])
def test_a_person_who_has_moved_since_is_left_out_and_named(told: Command, edited: FolderWorld, side: str) -> None:
    target = edited.root / "plan.json"
    told("plan", "-o", target)
    if side == "note":
        edit(edited.note(ADA), "Countess", "Queen")
    else:
        edit(edited.card_of(ADA), "TITLE:Analyst", "TITLE:Poet")
    before = edited.card_of(ADA).read_bytes()
    ran = told("apply", target, "--yes")
    assert (ran.code, f"People/{ADA}.md" in ran.said) == (1, True)
    assert edited.card_of(ADA).read_bytes() == before
    assert title(edited, GRACE) == "Admiral"


def test_an_edit_elsewhere_in_the_note_has_not_moved_a_value(told: Command, edited: FolderWorld) -> None:
    target = edited.root / "plan.json"
    told("plan", "-o", target)
    with edited.note(ADA).open("a") as file:
        file.write("\nMet at the fair.\n")
    assert told("apply", target, "--yes").code == 0
    assert title(edited, ADA) == "Countess"


def test_a_first_plan_that_waits_is_approved_as_it_waits(told: Command, world: FolderWorld, contactd: Contactd) -> None:
    contactd("init", world.vault, "--config", world.config)
    world.note(ADA).write_text(person(ADA))
    assert told("sync", "--once").code == 4
    world.note(GRACE).write_text(person(GRACE))
    ran = told("apply", "--yes")
    assert (ran.code, len(world.cards())) == (4, 1)
    assert told("sync", "--once").code == 4
    assert (told("apply", "--yes").code, len(world.cards())) == (0, 2)
    assert told("apply", "--yes").code == 64


def test_a_plan_over_the_brakes_is_approved_as_it_waits(told: Command, world: FolderWorld) -> None:
    names = [f"Person {number}" for number in range(8)]
    for name in names:
        world.note(name).write_text(person(name, "role: Analyst"))
    assert told("sync", "--once", "--yes").code == 0
    for name in names:
        edit(world.note(name), "Analyst", "Chief")
    assert told("sync", "--once").code == 4
    assert {title(world, name) for name in names} == {"Analyst"}
    edit(world.note(names[0]), "Chief", "Queen")
    ran = told("apply", "--yes")
    assert (names[0] in ran.said, {title(world, name) for name in names[1:]}) == (True, {"Chief"})
    assert title(world, names[0]) == "Analyst"
    assert (told("sync", "--once").code, title(world, names[0])) == (0, "Queen")


@pytest.mark.usefixtures("edited")
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[1",
        b"\xff\xfe",
        b'{"format": "contactd plan 1"}',
        b"[" * 100_000,
        b'{"format": "contactd plan 2"}',
    ],
)
def test_a_file_that_is_no_plan_is_refused(told: Command, world: FolderWorld, content: bytes) -> None:
    target = world.root / "plan.json"
    target.write_bytes(content)
    before = world.sides()
    ran = told("apply", target, "--yes")
    assert (ran.code, "plan" in ran.said, world.sides() == before) == (64, True, True)


def test_a_plan_of_another_vault_or_one_that_was_tampered_with_does_nothing(told: Command, edited: FolderWorld) -> None:
    target = edited.root / "plan.json"
    told("plan", "-o", target)
    document = json.loads(target.read_text())
    target.write_text(json.dumps({**document, "vault": "00000000-0000-4000-8000-000000000000"}))
    before = edited.sides()
    assert told("apply", target, "--yes").code == 64
    for person_of_it in document["people"]:
        for step in person_of_it["steps"]:
            for change in step["changes"]:
                change["after"] = "Owned"
    target.write_text(json.dumps(document))
    assert told("apply", target, "--yes").code == 1
    assert edited.sides() == before


def test_json_of_a_plan_is_that_of_a_dry_run(told: Command, edited: FolderWorld) -> None:
    planned, dry = (
        json.loads(told(*words).said) for words in (("plan", "--json"), ("sync", "--once", "--dry-run", "--json"))
    )
    assert planned["plan"] == dry["plan"]
    kinds = [step["kind"] for step in planned["plan"]["operations"]]
    assert kinds.count("UpdateRecord") == len(edited.cards())
