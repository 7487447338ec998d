"""Real editors save notes while the service writes them: is any edit lost?

In each trial a value is changed in the contact, so that the service writes it into the note, and an editor saves an
edit of its own into the same note at about the same time. An edit is a line with a number that stands nowhere else.
At the end every line must stand in the note, or in a conflict copy beside it, and both sides say the same value, or
somebody is asked: an editor that saves what it read before the service wrote brings back an old one. Several hands edit at a time, each its own
notes. The vault lies outside the system's temporary folder, where vim saves otherwise (its `backupskip`).
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, NamedTuple

from folder_worlds import FolderWorld, made, person
from proof.histories import say
from proof.pieces import LEFT_OUT
from service_worlds import running

QUICK = "[service]\ndebounce_s = 0.02\ndebounce_max_s = 0.2\ninterval_s = 1\n[brakes]\npeople = 1000000\n"
HANDS = 4
NOTES = 5
"""How many notes each hand edits in turn; every one is raced for many times."""

Editor = Callable[[Path, str], None]


def _found(program: str) -> str:
    return shutil.which(program) or program


def with_vim(path: Path, line: str) -> None:
    """Save as vim does by default: the note is moved away, and written anew under its name."""
    # In words that the smallest build understands, too; the `!` is for a note that was written since it was read.
    script = ["+set backupcopy=auto", f"+$s/$/\\r{line}/", "+wq!"]
    subprocess.run([_found("vim.tiny"), "-u", "NONE", "-N", "-n", "-es", *script, path], check=True, timeout=60)


def with_sed(path: Path, line: str) -> None:
    """Save as `sed -i` does: a new file is renamed over the note."""
    subprocess.run(["/bin/sed", "-i", f"$a\\{line}", path], check=True, timeout=60)


def with_nano(path: Path, line: str) -> None:
    """Save as nano does: in place; it needs a terminal, which `script` gives it."""
    # To the end; the line; leave, saving, under this name, and also if the file has changed meanwhile.
    keys = f"\x1b/{line}\r\x18y\ry"
    command = f"nano --ignorercfiles '{path}'"
    with subprocess.Popen(
        [_found("script"), "-qec", command, "/dev/null"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"TERM": "xterm"},
    ) as typed:
        try:
            # What is typed before its screen stands is thrown away by it.
            _read_until(typed.stdout, b"^X")
            typed.communicate(keys.encode(), timeout=60)
        finally:
            typed.kill()


def _read_until(output: IO[bytes] | None, shown: bytes) -> None:
    """Read a program's output until it has shown something, or ends."""
    seen = b""
    while output is not None and shown not in seen and (chunk := os.read(output.fileno(), 4096)):
        seen += chunk


def in_place(path: Path, line: str) -> None:
    """Save as Obsidian and VS Code do: read, then empty the file and fill it."""
    text = path.read_text() if path.exists() else ""
    path.write_text(f"{text}{line}\n")


EDITORS: dict[str, Editor] = {"vim": with_vim, "sed": with_sed, "nano": with_nano, "in_place": in_place}


class Raced(NamedTuple):
    """How many edits there were, in how many runs the service wrote meanwhile, and the lines that are nowhere."""

    edits: int
    runs: int
    lost: Sequence[str]


def races(root: Path, editor: Editor, edits: int) -> Raced:
    """Edit so often, shared among the hands."""
    world = made(root, more=QUICK)
    hands = [[f"Person {hand} {number}" for number in range(NOTES)] for hand in range(HANDS)]
    names = [name for hand in hands for name in hand]
    for name in names:
        world.note(name).write_text(person(name, "role: r0", body="begin\n"))
    if world.sync().code != 0:
        raise AssertionError("the world did not come into step")
    cards = {name: world.card_of(name) for name in names}
    with running(world) as service, ThreadPoolExecutor(HANDS) as at_work:
        shares = [at_work.submit(_hand, world, cards, hand, editor, edits // HANDS) for hand in hands]
        while not all(share.done() for share in shares):
            # The cards are looked at now, and not only when a second has passed.
            service.signal(signal.SIGUSR1)
            time.sleep(0.2)
        saved = [line for share in shares for line in share.result()]
        runs = service.log.count("notes and contacts written")
        if service.stop() != 0:
            raise AssertionError(service.log[-2000:])
    world.sync()
    world.sync()
    apart = {f"People/{name}.md" for name in names if not _says_last(world.note(name), cards[name])}
    if unasked := apart - _asked_about(world):
        raise AssertionError(f"not in step, and nobody is asked: {unasked}")
    kept = "".join(path.read_text() for path in world.vault.rglob("*.md"))
    return Raced(len(saved), runs, [line for line in saved if line not in kept])


def _hand(world: FolderWorld, cards: Mapping[str, Path], names: Sequence[str], editor: Editor, edits: int) -> list[str]:
    """Change a card, and save the note of the same person right after it, so often; return the lines that were saved."""
    chance = random.Random(names[0])  # noqa: S311  # a race needs no secrets
    saved: list[str] = []
    for number in range(edits):
        name = names[number % len(names)]
        _change(cards[name], number)
        time.sleep(chance.random() * 0.05)
        line = f"edit-{name.replace(' ', '-')}-{number}-end"
        editor(world.note(name), line)
        saved.append(line)
    return saved


def _change(card: Path, number: int) -> None:
    lines = [line for line in card.read_text().splitlines() if not line.startswith("TITLE:")]
    beside = card.with_suffix(".new")
    beside.write_text("\r\n".join([*lines[:-1], f"TITLE:r{number + 1}", lines[-1], ""]), newline="")
    beside.replace(card)


def _asked_about(world: FolderWorld) -> set[str]:
    """Return the notes into which an editor brought back the role that it had read before it was written."""
    return {one["path"] for one in json.loads(world.contactd("conflicts", "--json").said)}


def _says_last(note: Path, card: Path) -> bool:
    title = next(line for line in card.read_text().splitlines() if line.startswith("TITLE:"))
    return f"role: {title[6:]}\n" in note.read_text()


def main() -> int:
    """Race with every editor in turn, or with one."""
    parser = argparse.ArgumentParser(prog="python -m proof.editor_races")
    parser.add_argument("--edits", type=int, default=3000, help="with each editor")
    parser.add_argument("--only", choices=tuple(EDITORS))
    options = parser.parse_args()
    if lacking := [name for name in ("vim.tiny", "nano", "script") if shutil.which(name) is None]:
        say(f"needs {', '.join(lacking)}")
        return LEFT_OUT
    lost = 0
    for name in (options.only,) if options.only else EDITORS:
        with tempfile.TemporaryDirectory(dir=os.environ.get("CONTACTD_ELSEWHERE", "/var/tmp")) as root:  # noqa: S108
            raced = races(Path(root), EDITORS[name], options.edits)
        lost += len(raced.lost)
        say(
            f"{name}: {raced.edits} edits, {raced.runs} runs wrote meanwhile, {len(raced.lost)} edits lost", *raced.lost
        )
    say(f"{options.edits} races with each of {options.only or ', '.join(EDITORS)}; {lost} edits lost")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
