"""What changes is coloured where somebody reads it on a terminal that wants it, and nowhere else."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from daemon.difference import change, painted, unmarked
from daemon.render import BEGIN, END, page, plain, value
from folder_worlds import CONTACTD, FolderWorld, edit, made, person
from mappings.person import Value
from terminal import terminal

NeedsTool = Callable[[str], Path]
ADA = "Ada Byron"
EMAILS = "emails: [ada@example.test]"


@pytest.fixture
def world(tmp_path: Path) -> FolderWorld:
    """Ada, whose note has another role and one more address than her contact; the run before that has been recorded."""
    world = made(tmp_path)
    world.note(ADA).write_text(person(ADA, "role: Analyst", EMAILS))
    assert world.sync().code == 0
    edit(world.note(ADA), "Analyst", "Countess")
    edit(world.note(ADA), "test]", "test, countess@example.test]")
    return world


def coloured(screen: str) -> list[str]:
    """Return the texts that stand in bold yellow."""
    return re.findall(r"(?:\x1b\[1m\x1b\[33m|\x1b\[1;33m)([^\x1b]*)", screen)


def commands(world: FolderWorld) -> dict[str, list[str | Path]]:
    """Return the commands that tell what changes; the last tells of what the one before it has done."""
    world.contactd("plan", "-o", str(world.root / "plan.json"))
    return {
        "plan": ["plan"],
        "dry run": ["sync", "--once", "--dry-run"],
        "apply": ["apply", world.root / "plan.json", "--yes"],
        "log": ["log", "2"],
    }


def test_every_command_that_tells_changes_colours_what_differs(
    world: FolderWorld, needs_tool: NeedsTool, tmp_path: Path
) -> None:
    for name, command in commands(world).items():
        line: list[str | Path] = [CONTACTD, *command, "--config", world.config]
        with terminal(needs_tool("tmux"), tmp_path, line) as screen:
            screen.wait_for("ENDED 0")
            found = [text.strip() for text in coloured(screen.shown_in_colour())]
            assert sorted(found) == ["Analyst", "Countess", "countess@example.test"], (name, screen.shown())
            assert all(len(shown) <= 80 for shown in screen.shown().splitlines())


@pytest.mark.parametrize("setting", ["NO_COLOR=1", "TERM=dumb"])
def test_who_wants_none_gets_none(world: FolderWorld, needs_tool: NeedsTool, tmp_path: Path, setting: str) -> None:
    for command in commands(world).values():
        line: list[str | Path] = ["env", setting, CONTACTD, *command, "--config", world.config]
        with terminal(needs_tool("tmux"), tmp_path, line) as screen:
            assert "Analyst -> Countess" in screen.wait_for("ENDED 0")
            assert "\x1b" not in screen.shown_in_colour()


def test_a_pipe_gets_none(world: FolderWorld) -> None:
    for command in commands(world).values():
        said = world.contactd(*map(str, command)).said
        assert ("Analyst -> Countess" in said, [one for one in ("\x1b", BEGIN, END) if one in said]) == (
            True,
            [],
        )


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("Analyst", "Countess", "[Analyst] -> [Countess]"),
        ("Looms", "Looms Ltd", "Looms -> Looms[ Ltd]"),
        ("", "Looms", "(nothing) -> [Looms]"),
        ("Looms", "", "[Looms] -> (nothing)"),
        (("a", "b"), ("b", "c"), "[a], b -> b, [c]"),
        ((), ("a",), "(nothing) -> [a]"),
        ("1883-02-10", "1883-02-17", "1883-02-1[0] -> 1883-02-1[7]"),
        ("<%\x1b[31m", "q", "[<%\\x1b[31m] -> [q]"),
    ],
)
def test_what_the_other_does_not_have_is_marked(before: Value, after: Value, shown: str) -> None:
    told = change(before, after)
    assert told.replace(BEGIN, "[").replace(END, "]") == shown
    assert unmarked(told) == plain(f"{value(before)} -> {value(after)}")


def test_nobody_elses_text_colours_anything() -> None:
    hostile = f"Eve{BEGIN}{END}\x1b[31m"
    assert painted(page([hostile])) == "Eve\\x0e\\x0f\\x1b[31m"
