"""The owner decides conflicts by a command: what he says reaches every side, once, and only for what he saw."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from folder_worlds import FolderWorld, Ran, edit, made, person

Contactd = Callable[..., Ran]
Command = Callable[..., Ran]
ADA = "Ada Byron"


@pytest.fixture
def world(tmp_path: Path) -> FolderWorld:
    return made(tmp_path)


@pytest.fixture
def told(contactd: Contactd, world: FolderWorld) -> Command:
    """Run a command on the world."""
    return lambda *arguments: contactd(*arguments, "--config", world.config)


@pytest.fixture
def clashing(told: Command, world: FolderWorld) -> FolderWorld:
    """Ada, whose company her note and her contact changed differently."""
    world.note(ADA).write_text(person(ADA, "company: Engines", "role: Analyst", "email: ada@example.test"))
    assert told("sync", "--once", "--yes").code == 0
    edit(world.note(ADA), "Engines", "Looms")
    edit(world.card_of(ADA), "Engines", "Tables")
    assert told("sync", "--once").code == 1
    return world


def the_id(told: Command) -> str:
    (kept,) = json.loads(told("conflicts", "--json").said)
    identity: str = kept["id"]
    return identity


def says(world: FolderWorld) -> tuple[str, str]:
    """Return the company that the note and the card give."""
    note, card = world.note(ADA).read_text(), world.card_of(ADA).read_text()
    return (
        next(line for line in note.splitlines() if line.startswith("company:")).removeprefix("company: "),
        next(line for line in card.splitlines() if line.startswith("ORG:")).removeprefix("ORG:"),
    )


@pytest.mark.parametrize(
    ("options", "company"),
    [(["--note"], "Looms"), (["--remote"], "Tables"), (["--value", "Punch cards"], "Punch cards")],
)
def test_settling_makes_both_sides_say_it_at_once(
    told: Command, clashing: FolderWorld, options: list[str], company: str
) -> None:
    ran = told("settle", the_id(told), *options)
    assert (ran.code, says(clashing)) == (0, (company, company))
    assert f"organization is to be {company}" in ran.said
    assert told("conflicts").said == "No conflict.\n"
    assert "by you" in told("conflicts", "--all").said
    before = clashing.sides()
    assert (told("sync", "--once").code, clashing.sides()) == (0, before)


def test_settling_later_writes_nothing_until_the_next_sync(told: Command, clashing: FolderWorld) -> None:
    before = clashing.sides()
    assert told("settle", the_id(told), "--remote", "--later").code == 0
    assert clashing.sides() == before
    assert (told("sync", "--once").code, says(clashing)) == (0, ("Tables", "Tables"))


def test_an_answer_is_void_once_a_side_has_changed_and_the_new_clash_is_asked(
    told: Command, clashing: FolderWorld
) -> None:
    first = the_id(told)
    told("settle", first, "--note", "--later")
    edit(clashing.card_of(ADA), "Tables", "Gears")
    assert told("sync", "--once").code == 1
    assert (says(clashing), the_id(told) == first) == (("Looms", "Gears"), False)


def test_the_same_clash_is_asked_again_if_it_comes_again(told: Command, clashing: FolderWorld) -> None:
    told("settle", the_id(told), "--value", "Engines")
    assert told("sync", "--once").code == 0
    edit(clashing.note(ADA), "Engines", "Looms")
    edit(clashing.card_of(ADA), "Engines", "Tables")
    assert told("sync", "--once").code == 1
    assert says(clashing) == ("Looms", "Tables")


@pytest.mark.usefixtures("clashing")
def test_one_conflict_is_shown_with_the_commands_that_settle_it(told: Command) -> None:
    identity = the_id(told)
    said = told("show", identity[:4]).said
    assert all(word in said for word in (f"People/{ADA}.md", "Looms", "Tables", "Engines", f"settle {identity}"))
    shown = json.loads(told("show", identity, "--json").said)
    assert (shown["id"], shown["ours"], shown["theirs"]) == (identity, "Looms", {"home": "Tables"})


def test_both_values_are_kept_where_a_field_has_several(told: Command, world: FolderWorld) -> None:
    world.config.write_text(world.config.read_text() + '[fields.emails]\nrule = "ask"\n')
    world.note(ADA).write_text(person(ADA, "email: ada@example.test"))
    assert told("sync", "--once", "--yes").code == 0
    edit(world.note(ADA), "ada@example.test", "note@example.test")
    edit(world.card_of(ADA), "ada@example.test", "card@example.test")
    assert told("sync", "--once").code == 1
    assert told("settle", the_id(told), "--both").code == 0
    for text in (world.note(ADA).read_text(), world.card_of(ADA).read_text()):
        assert ("note@example.test" in text, "card@example.test" in text) == (True, True)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["feedbeef", "--note"], "contactd conflicts"),
        (["ID"], "--note, --remote, --both, --value"),
        (["ID", "--note", "--value", "x"], "--note, --remote, --both, --value"),
        (["ID", "--both"], "several values"),
        (["ID", "--remote", "--account", "work"], "home"),
        (["ID", "--note", "--account", "home"], "--remote"),
        (["ID", "--value", "a", "--value", "b"], "once"),
    ],
)
def test_an_answer_that_does_not_fit_changes_nothing_and_says_what_would(
    told: Command, clashing: FolderWorld, arguments: list[str], word: str
) -> None:
    before = clashing.sides()
    ran = told("settle", *[the_id(told) if argument == "ID" else argument for argument in arguments])
    assert (ran.code, word in ran.said) == (64, True)
    assert told("sync", "--once").code == 1
    assert clashing.sides() == before
