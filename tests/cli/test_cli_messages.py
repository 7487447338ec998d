"""What messages say: commands that can be copied and run, and nothing of a stranger's that acts on the terminal."""

import json
import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from daemon import render
from daemon.cli import main
from folder_worlds import CONTACTD, FolderWorld, Ran, card, edit, made, person, run

Contactd = Callable[..., Ran]
ROOT = Path(__file__).parent.parent.parent
ADA, GRACE = "Ada Byron", "Grace Hopper"

ESCAPE, REVERSED, BELL = "\x1b[2J", "\u202e", "\x07"
HOSTILE = f"Eve{ESCAPE}\n{REVERSED}gpj{BELL}"
SHOWN = "Eve\\x1b[2J\\n\\u202egpj\\x07"

COMMANDS = (
    ("status",),
    ("conflicts",),
    ("conflicts", "--all"),
    ("links",),
    ("doctor",),
    ("sync", "--once", "--dry-run"),
    ("sync", "--once", "--verbose"),
    ("link", "Nobody", "new"),
    ("account", "remove", "nobody", "--yes"),
    ("account", "rename", "home", "work"),
    ("backup", "copy of it.db"),
    ("takeover",),
)


@pytest.fixture
def world(tmp_path: Path) -> FolderWorld:
    """Ada, who clashes, and Grace, who waits to be linked; the path of the configuration needs quotes."""
    (tmp_path / "a world").mkdir()
    world = made(tmp_path / "a world")
    world.note(ADA).write_text(person(ADA, "company: Engines"))
    return world


def named(said: str) -> list[str]:
    """Return the commands that a text names."""
    return re.findall(r"`(contactd [^`]*)`", said)


def everything_said(contactd: Contactd, world: FolderWorld) -> Iterator[str]:
    """Bring about whatever the commands can say of a world that has a bit of all, and yield it."""

    def told(*arguments: str) -> str:
        return contactd(*arguments, "--config", world.config).said

    yield from (told(*command) for command in COMMANDS)
    yield told("init", str(world.vault))
    yield told("sync", "--once")
    yield told("sync", "--once", "--yes")
    edit(world.note(ADA), "Engines", "Looms")
    edit(world.card_of(ADA), "Engines", "Tables")
    world.note(GRACE).write_text(person(GRACE))
    (world.contacts / "g.vcf").write_text(card(GRACE))
    yield from (told(*command) for command in COMMANDS)
    (world.vault / "contactd-vault.md").unlink()
    yield from (told(*command) for command in COMMANDS)


def test_every_command_that_a_message_names_can_be_copied_and_run(contactd: Contactd, world: FolderWorld) -> None:
    commands = {command for said in everything_said(contactd, world) for command in named(said)}
    assert {command.split(" --config ")[1] for command in commands} == {shlex.quote(str(world.config))}
    kinds = {tuple(shlex.split(command)[1:-2]) for command in commands}
    assert {("init",), ("sync", "--once"), ("sync", "--once", "--yes"), ("conflicts",), ("links",)} <= kinds
    wrong = {kind for kind in kinds if contactd(*kind, "--config", world.config).code == 64}
    # Words in capitals are for the owner to replace; a review asks, and here is nobody to be asked.
    assert {kind for kind in wrong if not any(word.isupper() for word in kind)} == {("review",), ("links", "review")}


def test_with_the_usual_configuration_commands_are_short(contactd: Contactd, tmp_path: Path) -> None:
    assert named(contactd("status").said) == ["contactd init"]
    (tmp_path / "Notes").mkdir()
    assert named(contactd("init", tmp_path / "Notes").said)[-1] == "contactd sync --once --dry-run"


TO_COME = frozenset({"ignore"})
"""Commands that messages name already, of connectors and rules that no command leads to yet."""


def test_every_command_that_a_text_of_ours_names_is_there_with_its_options() -> None:
    sources = [path for folder in ("daemon", "connectors", "mappings") for path in (ROOT / folder).glob("*.py")]
    texts = [path.read_text(encoding="utf-8") for path in (*sources, ROOT / "README.md", ROOT / "config.example.toml")]
    commands = {command for text in texts for command in re.findall(r"`contactd ([a-z][^`\n]*)`", text)}
    assert len(commands) > 20
    assert {command for command in commands if not _is_there(command) and command.split()[0] not in TO_COME} == set()


def _is_there(command: str) -> bool:
    words = re.sub(r"\{[^}]*\}", "X", command).split()
    found: click.Command = main
    while isinstance(found, click.Group):
        if not words or words[0] not in found.commands:
            return not words and found.invoke_without_command
        found = found.commands[words.pop(0)]
    options = {option for parameter in found.params for option in parameter.opts}
    return all(word in options for word in words if word.startswith("-"))


@pytest.fixture
def hostile(world: FolderWorld) -> FolderWorld:
    """A note and two cards whose names and values were made to play tricks on whoever reads them."""
    world.note(HOSTILE).write_text(person("Eve", "company: Engines"))
    (world.contacts / f"{HOSTILE}.vcf").write_text(card(f"Mallory{ESCAPE}{REVERSED}", "TITLE:one\\ntwo"))
    (world.contacts / f"broken{HOSTILE}.vcf").write_text("BEGIN:VCARD\r\n")
    return world


def test_no_name_and_no_value_acts_on_the_terminal(contactd: Contactd, hostile: FolderWorld) -> None:
    told = list(everything_said(contactd, hostile))
    assert {character for said in told for character in said if render.plain(character) != character} == {"\n"}
    assert any(SHOWN in said for said in told)


def test_a_name_with_line_ends_stays_on_its_line(contactd: Contactd, hostile: FolderWorld) -> None:
    said = contactd("sync", "--once", "--dry-run", "--yes", "--config", hostile.config).said
    (skipped,) = (line for line in said.splitlines() if "broken" in line)
    assert skipped.startswith(f"  skipped: broken{SHOWN}.vcf: ")
    assert all(re.match(r"Waiting for|  |vault:|home:|home waits|This was", line) for line in said.splitlines()), said


def test_json_says_the_very_same_and_shows_it_too(contactd: Contactd, hostile: FolderWorld) -> None:
    said = contactd("sync", "--once", "--dry-run", "--yes", "--json", "--config", hostile.config).said
    assert {character for character in said if render.plain(character) != character} == {"\n"}
    (account,) = json.loads(said)["accounts"]
    assert [one["place"] for one in account["troubles"]] == [f"broken{HOSTILE}.vcf"]


def test_what_a_terminal_cannot_show_is_escaped_and_never_an_error(hostile: FolderWorld) -> None:
    hostile.note("Łucja 李").write_text(person("Łucja 李"))
    ran = run(
        hostile.root, CONTACTD, "sync", "--once", "--yes", "--config", hostile.config, PYTHONIOENCODING="iso-8859-1"
    )
    assert (ran.code, "\\u0141ucja \\u674e" in ran.said) == (1, True)


@pytest.mark.parametrize("columns", [30, 50, 80])
def test_lines_are_broken_for_a_terminal_and_commands_never(columns: int) -> None:
    text = "Nothing was done for home; `contactd sync --once --yes --config notes.toml` carries out what waits."
    fitted = render.fitted(text, columns)
    assert "`contactd sync --once --yes --config notes.toml`" in fitted
    assert max(len(line) for line in fitted.splitlines() if "`" not in line) <= columns
    assert fitted.split() == text.split()


def test_what_cannot_be_used_is_named_with_its_place(contactd: Contactd, world: FolderWorld) -> None:
    def said(*command: str) -> str:
        return contactd(*command, "--config", world.config).said

    said("init")
    world.vault.rename(world.root / "away")
    assert said("sync", "--once").startswith(f"contactd: {world.vault}: vault missing")
    (world.root / "away").rename(world.vault)
    (world.state / "state.db").write_bytes(b"nothing of the kind" * 1000)
    assert said("sync", "--once").startswith(f"contactd: {world.state}: the state")
    edit(world.config, "[vault]", "[volt]")
    assert said("sync", "--once").startswith(f"The configuration {world.config} cannot be used:\n  vault: ")


def test_the_way_on_names_the_account_that_the_run_was_for(contactd: Contactd, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    world = made(tmp_path, more=f'[accounts.work]\nconnector = "vdir"\ncontacts = "{tmp_path}/work"\n')
    world.note(ADA).write_text(person(ADA))
    contactd("init", "--config", world.config)
    for options, wanted in (("--account", "work"), "--yes --account work"), ((), "--yes"):
        ran = contactd("sync", "--once", *options, "--config", world.config)
        assert named(ran.said) == [f"contactd sync --once {wanted} --config {world.config}"]


def test_without_accounts_nobody_claims_that_all_is_in_step(contactd: Contactd, tmp_path: Path) -> None:
    (tmp_path / "Notes").mkdir()
    (tmp_path / "c.toml").write_text(f'[vault]\npath = "{tmp_path}/Notes"\n')
    contactd("init", "--config", "c.toml")
    ran = contactd("sync", "--once", "--config", "c.toml")
    assert (ran.code, ran.said.splitlines()[-2:]) == (
        0,
        ["No account has an address book: name one in the configuration.", "There is nothing to keep in step with."],
    )


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_what_cannot_be_said_is_no_mistake_of_the_program(world: FolderWorld, unbuffered: str) -> None:
    command = [str(CONTACTD), "links", "--config", str(world.config)]
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (74, "Error: what is said cannot be written: No space left on device\n")


def test_whoever_stops_reading_hears_nothing_more(world: FolderWorld) -> None:
    for number in range(1500):
        world.note(f"Person {number:04}").write_text(person(f"Person {number:04}"))
    command = shlex.join(
        [str(CONTACTD), "sync", "--once", "--yes", "--dry-run", "--verbose", "--config", str(world.config)]
    )
    done = subprocess.run(["/bin/sh", "-c", f"{command} | head -n 1"], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("Waiting for you:\n", "")


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"FORCE_COLOR": "1"}, {"CLICOLOR_FORCE": "1"}])
def test_nothing_is_ever_coloured(world: FolderWorld, environment: dict[str, str]) -> None:
    for command in (("--help",), ("sync", "--once", "--yes", "--config", str(world.config)), ("nonsense",)):
        assert "\x1b" not in run(world.root, CONTACTD, *command, **environment).said
