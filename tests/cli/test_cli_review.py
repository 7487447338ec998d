"""Conflicts are gone through on a real terminal: one key for each, resumable, readable at eighty columns and fewer."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from folder_worlds import CONTACTD, FolderWorld, Ran, edit, made, person
from terminal import terminal

Contactd = Callable[..., Ran]
Command = Callable[..., Ran]
NeedsTool = Callable[[str], Path]

BEFORE: dict[str, tuple[str, str, str]] = {
    "Ada Byron": ("company: Engines", "company: Looms", "ORG:Tables"),
    "Grace Hopper": ("company: Navy", "company: Army of the Republic of Somewhere far away from here", "ORG:Guild"),
    "Edith Clarke": ("birthday: 1883-02-10", "birthday: 1883-02-11", "BDAY:1883-02-12"),
    "Mary Jackson": ("role: Engineer", "role:", "TITLE:Manager"),
    "Dorothy Vaughan": ("department: West", "department: East", "DEPARTMENT"),
    "Jean Bartik": ("company: ENIAC", "company: Πανεπιστήμιο Αθηνών", "ORG:株式会社"),
    "Betty Holberton": ("emails: [b@example.test]", "emails: []", "EMAIL:c@example.test"),
    "Kay McNulty": ("company: Ballistics", "company: A;B", "ORG:C\\;D"),
    "Ruth Teitelbaum": ("nickname: Ruthie", "nickname: R", "NICKNAME:Rue"),
    "Fran Bilas": ("company: Moore", "company: '`x` [[y]]'", "ORG:<%* run %>"),
}
"""Ten people, each with what note and card said, what the note says now, and the line that the card has now."""


@pytest.fixture
def world(tmp_path: Path) -> FolderWorld:
    return made(tmp_path)


@pytest.fixture
def told(contactd: Contactd, world: FolderWorld) -> Command:
    """Run a command on the world."""
    return lambda *arguments: contactd(*arguments, "--config", world.config)


@pytest.fixture
def clashing(told: Command, world: FolderWorld) -> FolderWorld:
    """Ten people who are asked about, for whatever reason."""
    for name, (before, _, _) in BEFORE.items():
        world.note(name).write_text(person(name, before))
    assert told("sync", "--once", "--yes").code == 0
    for name, (before, note_now, card_now) in BEFORE.items():
        edit(world.note(name), before, note_now)
        world.card_of(name).write_bytes(_with(world.card_of(name).read_bytes(), card_now))
    assert told("sync", "--once", "--yes").code == 1
    assert len(waiting(told)) == len(BEFORE)
    return world


def _with(card: bytes, line: str) -> bytes:
    """Return a card with one property saying something else."""
    lines = card.decode().split("\r\n")
    if line == "DEPARTMENT":
        return "\r\n".join("ORG:;North" if old.startswith("ORG:") else old for old in lines).encode()
    name = line.partition(":")[0]
    return "\r\n".join(line if old.partition(":")[0].partition(";")[0] == name else old for old in lines).encode()


def waiting(told: Command) -> list[str]:
    return [kept["id"] for kept in json.loads(told("conflicts", "--json").said)]


def reviewing(world: FolderWorld) -> list[str | Path]:
    return [CONTACTD, "review", "--config", world.config]


def test_ten_conflicts_are_gone_through_and_both_sides_say_what_was_chosen(
    told: Command, clashing: FolderWorld, needs_tool: NeedsTool, tmp_path: Path
) -> None:
    with terminal(needs_tool("tmux"), tmp_path, reviewing(clashing)) as screen:
        for number in range(1, len(BEFORE) + 1):
            shown = screen.wait_for(f"Conflict {number} of {len(BEFORE)}")
            assert all(len(line) <= 80 for line in shown.splitlines())
            assert all(word in shown for word in ("note", "home", "before", "[n] take the note's", "[q] quit")), shown
            screen.type("n" if number % 2 else "r")
        screen.wait_for("ENDED 0")
    assert waiting(told) == []
    assert told("sync", "--once").code == 0


def test_whoever_quits_goes_on_from_there(
    told: Command, clashing: FolderWorld, needs_tool: NeedsTool, tmp_path: Path
) -> None:
    tmux = needs_tool("tmux")
    with terminal(tmux, tmp_path, [*reviewing(clashing), "--later"]) as screen:
        screen.wait_for("Conflict 1 of 10")
        screen.type("n")
        screen.wait_for("Conflict 2 of 10")
        screen.type("s")
        screen.wait_for("Conflict 3 of 10")
        screen.type("p")
        screen.wait_for("Conflict 2 of 10")
        screen.type("r")
        screen.wait_for("Conflict 3 of 10")
        screen.type("C-c")
        screen.wait_for("ENDED 130")
    with terminal(tmux, tmp_path, [*reviewing(clashing), "--later"]) as screen:
        screen.wait_for("Conflict 1 of 8")
        screen.type("q")
        screen.wait_for("8 conflicts left")
        screen.wait_for("ENDED 0")
    assert told("sync", "--once").code == 1
    assert len(waiting(told)) == 8


def test_a_capital_letter_answers_all_that_are_alike(
    told: Command, clashing: FolderWorld, needs_tool: NeedsTool, tmp_path: Path
) -> None:
    companies = sum(before.startswith("company") for before, _, _ in BEFORE.values())
    fields = [kept["field"] for kept in json.loads(told("conflicts", "--json").said)]
    with terminal(needs_tool("tmux"), tmp_path, reviewing(clashing)) as screen:
        screen.wait_for("Conflict 1 of 10")
        for number in range(1, fields.index("organization") + 1):
            screen.type("s")
            screen.wait_for(f"Conflict {number + 1} of 10")
        screen.type("R")
        screen.wait_until_gone("organization")
        screen.type("q")
        screen.wait_for("ENDED 1")
    assert len(waiting(told)) == len(BEFORE) - companies
    for name, (before, _, card_now) in BEFORE.items():
        if before.startswith("company"):
            assert card_now.removeprefix("ORG:").replace("\\;", ";") in clashing.note(name).read_text().replace(
                "\\x3C", "<"
            )


@pytest.mark.parametrize("key", ["C-d", "C-z"])
def test_the_end_of_the_input_quits_and_leaves_the_terminal_as_it_was(
    clashing: FolderWorld, needs_tool: NeedsTool, tmp_path: Path, key: str
) -> None:
    line = ["sh", "-c", '"$@"; stty -a | grep -o "[ -]icanon"; stty -a | grep -o "susp = [^;]*"', "sh"]
    with terminal(needs_tool("tmux"), tmp_path, [*line, *reviewing(clashing)]) as screen:
        screen.wait_for("Conflict 1 of 10")
        screen.type(key)
        shown = screen.wait_for("ENDED 0")
    assert ("Nothing was settled" in shown, " icanon" in shown, "susp = ^Z" in shown) == (True, True, True), shown


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (40, 24), (80, 40)])
def test_values_too_long_for_the_screen_leave_who_and_what_to_be_seen(
    told: Command, world: FolderWorld, needs_tool: NeedsTool, tmp_path: Path, columns: int, lines: int
) -> None:
    world.config.write_text(world.config.read_text() + '[fields.emails]\nrule = "ask"\n')
    world.note("Ada Byron").write_text(person("Ada Byron", "emails: [a@example.test]"))
    assert told("sync", "--once", "--yes").code == 0
    many = [f"note{number}@example.test" for number in range(30)]
    edit(world.note("Ada Byron"), "a@example.test", ", ".join(many))
    edit(world.card_of("Ada Byron"), "a@example.test", "card@example.test")
    assert told("sync", "--once", "--yes").code == 1
    with terminal(needs_tool("tmux"), tmp_path, reviewing(world), columns=columns, lines=lines) as screen:
        shown = screen.wait_for("accounts alike.")
        words = (
            "Conflict 1 of 1",
            "People/Ada Byron.md: emails",
            "note0@",
            "card@",
            "more lines; [e] shows",
            "[b] keep",
        )
        assert all(word in shown for word in words), shown
        screen.type("q")
        screen.wait_for("ENDED 0")


def test_an_editor_that_fails_takes_nothing_and_ends_nothing(
    told: Command, clashing: FolderWorld, needs_tool: NeedsTool, tmp_path: Path
) -> None:
    with terminal(needs_tool("tmux"), tmp_path, reviewing(clashing), EDITOR="false") as screen:
        screen.wait_for("Conflict 1 of 10")
        screen.type("e")
        screen.wait_for("Nothing was taken")
        screen.type("q")
        screen.wait_for("ENDED 0")
    assert len(waiting(told)) == len(BEFORE)


@pytest.mark.parametrize("company", ["#1 Cochran", "\\#2", "\\\\"])
def test_a_value_that_looks_like_a_remark_is_kept_by_the_editor(
    told: Command, world: FolderWorld, needs_tool: NeedsTool, tmp_path: Path, company: str
) -> None:
    world.note("Ada Byron").write_text(person("Ada Byron", "company: Engines"))
    assert told("sync", "--once", "--yes").code == 0
    edit(world.note("Ada Byron"), "Engines", f"'{company}'")
    edit(world.card_of("Ada Byron"), "Engines", "Tables")
    assert told("sync", "--once", "--yes").code == 1
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsleep 1.1\ntouch "$1"\n')
    editor.chmod(0o700)
    with terminal(needs_tool("tmux"), tmp_path, reviewing(world), EDITOR=str(editor)) as screen:
        screen.wait_for("Conflict 1 of 1")
        screen.type("e")
        screen.wait_for("ENDED 0")
    assert f"ORG:{company.replace(chr(92), chr(92) * 2)}\r\n" in world.card_of("Ada Byron").read_bytes().decode()


def test_a_value_is_written_in_the_owners_editor(
    told: Command, clashing: FolderWorld, needs_tool: NeedsTool, tmp_path: Path
) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nprintf \'Ministry\\n# a remark\\n\' > "$1"\nsleep 1.1\ntouch "$1"\n')
    editor.chmod(0o700)
    first = json.loads(told("conflicts", "--json").said)[0]
    with terminal(needs_tool("tmux"), tmp_path, reviewing(clashing), EDITOR=str(editor)) as screen:
        screen.wait_for("Conflict 1 of 10")
        screen.type("e")
        screen.wait_for("Conflict 2 of 10")
        screen.type("q")
        screen.wait_for("ENDED")
    name = first["path"].removeprefix("People/").removesuffix(".md")
    assert "Ministry" in clashing.note(name).read_text()


@pytest.mark.parametrize("columns", [40, 60, 132])
def test_it_is_readable_at_any_width_and_after_a_resize_without_colour(
    clashing: FolderWorld, needs_tool: NeedsTool, tmp_path: Path, columns: int
) -> None:
    with terminal(needs_tool("tmux"), tmp_path, reviewing(clashing), NO_COLOR="1") as screen:
        screen.wait_for("Conflict 1 of 10")
        screen.resize(columns, 30)
        screen.type("s")
        shown = screen.wait_for("Conflict 2 of 10")
        assert "[n] take the note's" in shown
        second = shown[shown.index("Conflict 2") :]
        assert all(len(line) <= columns for line in second.splitlines())


def test_without_a_terminal_it_says_what_to_do_instead(told: Command) -> None:
    ran = told("review")
    assert (ran.code, "contactd settle" in ran.said) == (64, True)
