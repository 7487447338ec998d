"""What a run tells: every note and contact accounted for, the question on a terminal, and what went wrong."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from daemon import errands
from folder_worlds import CONTACTD, FolderWorld, Ran, card, made, person, seen

Contactd = Callable[..., Ran]
Command = Callable[..., Ran]
ADA = "Ada Byron"
FEW = ("Ada Byron", "Grace Hopper", "Mary Somerville")


@pytest.fixture
def world(tmp_path: Path) -> FolderWorld:
    world = made(tmp_path)
    for name in FEW:
        world.note(name).write_text(person(name))
    return world


@pytest.fixture
def told(contactd: Contactd, world: FolderWorld) -> Command:
    """Run a command on the world."""
    return lambda *arguments: contactd(*arguments, "--config", world.config)


def test_every_note_and_contact_is_accounted_for(told: Command, world: FolderWorld) -> None:
    told("sync", "--once", "--yes")
    (world.vault / "Diary.md").write_text("Nobody.\n")
    world.note("Broken").write_text("---\ntype: people\nbirthday: 1\n")
    (world.contacts / "stranger.vcf").write_text(card("Some Body"))
    (world.contacts / "broken.vcf").write_text("BEGIN:VCARD\nFN:X\n")
    world.note(ADA).write_bytes(world.note(ADA).read_bytes().replace(b"tags:", b"role: Analyst\ntags:"))
    ran = told("sync", "--once")
    assert ran.code == 1
    assert "vault: 5 notes seen: 3 about people (3 unchanged), 1 others, 1 skipped\n" in ran.said
    assert (
        "home: 5 contacts seen: 1 changed, 3 unchanged, 1 skipped; 3 notes linked; 1 contact without a note" in ran.said
    )
    assert "  skipped: People/Broken.md, line 1: " in ran.said
    assert f"  change contact  home: {ADA}: title: (nothing) -> Analyst\n" in ran.said


def test_a_dry_run_of_work_to_do_never_says_that_all_is_in_step(told: Command, world: FolderWorld) -> None:
    told("sync", "--once", "--yes")
    assert "All is in step" in told("sync", "--once", "--dry-run").said
    world.note(ADA).write_bytes(world.note(ADA).read_bytes().replace(b"tags:", b"role: Analyst\ntags:"))
    ran = told("sync", "--once", "--dry-run")
    assert (ran.code, "in step" in ran.said, "To be done:\n" in ran.said) == (0, False, True)


def test_many_steps_are_counted_and_the_first_shown(told: Command, world: FolderWorld) -> None:
    for number in range(60):
        world.note(f"Person {number:02}").write_text(person(f"Person {number:02}"))
    short, long = (told("sync", "--once", "--yes", "--dry-run", *options).said for options in ((), ("--verbose",)))
    assert "  make contact in home  63\n" in short
    assert (short.count("make contact  "), long.count("make contact  ")) == (10, 63)
    assert "and 106 more; --verbose shows all" in short


def test_json_is_one_object_that_says_the_same(told: Command) -> None:
    dry = json.loads(told("sync", "--once", "--yes", "--dry-run", "--json").said)
    assert (dry["dry_run"], dry["exit_code"], len(dry["plan"]["waiting"]), dry["done"]) == (True, 4, 6, None)
    done = json.loads(told("sync", "--once", "--yes", "--json").said)
    assert (done["exit_code"], done["done"]["created"], done["done"]["notes_written"]) == (0, {"home": 3}, 3)
    assert {step["path"] for step in done["plan"]["operations"]} == {f"People/{name}.md" for name in FEW}


def test_without_a_marker_init_is_named_and_nothing_is_touched(contactd: Contactd, world: FolderWorld) -> None:
    ran = contactd("sync", "--once", "--config", world.config)
    assert (ran.code, "run `contactd init " in ran.said) == (69, True)
    assert (world.cards(), (world.vault / "contactd-vault.md").exists()) == ([], False)


@pytest.mark.parametrize("arguments", [(), ("--no-such-option",), ("nonsense",), ("sync", "--yes"), ("link", "one")])
def test_wrong_usage_is_no_state_of_an_account(contactd: Contactd, arguments: tuple[str, ...]) -> None:
    assert contactd(*arguments).code == 64


def test_a_mistake_of_ours_says_where_it_is_and_names_nobody(told: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> str:
        raise KeyError(ADA)

    monkeypatch.setattr(errands, "take_over", broken)
    ran = told("takeover")
    assert (ran.code, "KeyError in test_cli_run.py, line" in ran.said, ADA in ran.said) == (70, True, False)
    assert "Traceback" in told("takeover", "--verbose").said


def test_an_interrupted_command_says_that_nothing_is_lost(told: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(errands, "take_over", interrupted)
    ran = told("takeover")
    assert (ran.code, "the next run goes on from there" in ran.said) == (130, True)


@pytest.mark.parametrize(("answer", "code", "made_cards"), [("y", 0, 3), ("n", 4, 0), ("", 4, 0)])
def test_on_a_terminal_the_first_plan_is_shown_and_asked_about(
    told: Command, world: FolderWorld, answer: str, code: int, made_cards: int
) -> None:
    told("init")
    ran = _on_a_terminal(world, answer)
    question = ran.said.index("Carry this out for home? [y/N]")
    assert ran.said[:question].count("make contact") == 3
    assert "its first run" in ran.said[:question]
    assert (ran.code, len(world.cards())) == (code, made_cards)
    # What was shown and asked about is not told again.
    assert (ran.said.count("make contact"), "Done, as shown above.\n" in ran.said) == (3, answer == "y")
    told_lines = ran.said.replace("[y/N]: ", "[y/N]:\n").splitlines()
    assert [line for line in told_lines if "`contactd" not in line and len(line) > 80] == []
    # A command is never broken: it is there to be copied.
    assert ("`contactd" in ran.said) == (f"`contactd sync --once --yes --config {world.config}`" in ran.said)


HEAVY = frozenset({"pydantic", "icalendar", "yaml_edit", "yaml12", "mappings.plan", "mappings.note", "daemon.cycle"})


def test_help_loads_nothing_of_ours_but_the_command_line() -> None:
    # Not measured: what a loaded machine takes says nothing.
    loaded = _loaded_by("--help")
    ours = {name for name in loaded if name.partition(".")[0] in {"connectors", "daemon", "mappings"}}
    others = {name for name in ours if not name.startswith("daemon.cli")}
    assert (others, loaded & {*HEAVY, "sqlite3", "logging"}) == ({"daemon", "daemon.command"}, set())


def test_status_loads_nothing_that_only_a_run_needs(told: Command, world: FolderWorld) -> None:
    told("sync", "--once", "--yes")
    assert not _loaded_by("status", "--config", str(world.config)) & HEAVY


def test_a_dry_run_leaves_every_file_as_it_was(told: Command, world: FolderWorld) -> None:
    told("sync", "--once", "--yes")
    (world.contacts / "new.vcf").write_text(card("Grace Hopper", "EMAIL:grace@example.test"))
    world.note(ADA).write_bytes(world.note(ADA).read_bytes().replace(b"tags:", b"role: Analyst\ntags:"))
    before = seen(world.root)
    told("sync", "--once", "--dry-run")
    assert seen(world.root) == before


def _loaded_by(*arguments: str) -> set[str]:
    """Run a command in a Python of its own; return what it has imported by its end."""
    tell = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); "
    script = f"{tell}from daemon.cli import main; main({list(arguments)})"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return set(done.stderr.split())


def _on_a_terminal(world: FolderWorld, answer: str) -> Ran:
    """Run a sync on a terminal of eighty columns, and answer its question."""
    ours, its = pty.openpty()
    command = [str(CONTACTD), "sync", "--once", "--config", str(world.config)]
    environment = {**os.environ, "HOME": str(world.root), "COLUMNS": "80"}
    with subprocess.Popen(command, stdin=its, stdout=its, stderr=its, env=environment) as process:
        os.close(its)
        os.write(ours, f"{answer}\n".encode())
        said = _read_to_the_end(ours)
        process.wait(60)
    os.close(ours)
    return Ran(process.returncode, said.replace("\r\n", "\n"))


def _read_to_the_end(terminal: int) -> str:
    chunks: list[bytes] = []
    try:
        while chunk := os.read(terminal, 1 << 16):
            chunks.append(chunk)
    except OSError:  # how Linux ends a terminal that nobody has open any more
        pass
    return b"".join(chunks).decode()
