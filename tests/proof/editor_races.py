"""Real editors save notes while the service writes them: is any edit lost?

    python tests/proof/editor_races.py EDITS [FOLDER] [EDITOR]...

In each trial a value is changed in the contact, so that the service writes it into the note, and an editor saves an
edit of its own into the same note at about the same time. An edit is a line with a number that stands nowhere else.
At the end every line must stand in the note, or in a conflict copy beside it. FOLDER must lie outside the system's
temporary folder, where vim saves otherwise (its `backupskip`). Exit code 1 if a line was lost.
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from folder_worlds import FolderWorld, made, person
from service_worlds import running, until

QUICK = "[service]\ndebounce_s = 0.02\ndebounce_max_s = 0.2\ninterval_s = 1\n[brakes]\npeople = 1000000\n"
NOTES = 10
"""How many notes are edited in turn; every one is raced for many times."""

Editor = Callable[[Path, str], None]


def with_vim(path: Path, line: str) -> None:
    """Save as vim does by default: the note is moved away, and written anew under its name."""
    vim = shutil.which("vim") or shutil.which("vim.tiny") or "vim"
    script = ["+set backupcopy=auto", f"+call append(line('$'), '{line}')", "+wq"]
    subprocess.run([vim, "-u", "NONE", "-N", "-n", "-es", *script, path], check=False, timeout=60)


def with_sed(path: Path, line: str) -> None:
    """Save as `sed -i` does: a new file is renamed over the note."""
    subprocess.run(["/bin/sed", "-i", f"$a\\{line}", path], check=True, timeout=60)


def with_nano(path: Path, line: str) -> None:
    """Save as nano does: in place; it needs a terminal, which `script` gives it."""
    # To the end; the line; leave, saving, under this name, and also if the file has changed meanwhile.
    keys = f"\x1b/{line}\r\x18y\ry"
    command = f"nano --ignorercfiles '{path}'"
    program = shutil.which("script") or "script"
    with subprocess.Popen(
        [program, "-qec", command, "/dev/null"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"TERM": "xterm"}
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


def races(root: Path, editor: Editor, edits: int) -> tuple[int, int]:
    """Return how many edits were lost, and how often the service wrote meanwhile."""
    world = made(root, more=QUICK)
    names = [f"Person {number}" for number in range(NOTES)]
    for name in names:
        world.note(name).write_text(person(name, "role: r0", body="begin\n"))
    if world.sync().code != 0:
        sys.exit("the world did not come into step")
    cards = {name: world.card_of(name) for name in names}
    chance = random.Random(1)  # noqa: S311  # a race needs no secrets
    saved: list[str] = []
    with running(world) as service:
        for number in range(edits):
            name = names[number % NOTES]
            _change(cards[name], number)
            # The service reads the cards every second; the editor comes at any time of it.
            if number % NOTES == 0:
                service.process.send_signal(10)
            time.sleep(chance.random() * 0.05)
            line = f"edit-{number}-end"
            editor(world.note(name), line)
            saved.append(line)
        until(lambda: all(_says_last(world, name, edits) for name in names), 60)
        wrote = service.log.count("notes and contacts written")
        if service.stop() != 0:
            sys.exit("the service did not end well")
    kept = "".join(path.read_text() for path in world.vault.rglob("*.md"))
    return sum(line not in kept for line in saved), wrote


def _change(card: Path, number: int) -> None:
    lines = [line for line in card.read_text().splitlines() if not line.startswith("TITLE:")]
    beside = card.with_suffix(".new")
    beside.write_text("\r\n".join([*lines[:-1], f"TITLE:r{number + 1}", lines[-1], ""]), newline="")
    beside.replace(card)


def _says_last(world: FolderWorld, name: str, edits: int) -> bool:
    del edits
    title = next(line for line in world.card_of(name).read_text().splitlines() if line.startswith("TITLE:"))
    return f"role: {title[6:]}" in world.note(name).read_text()


def main(edits: int, folder: Path | None, names: list[str]) -> int:
    lost_at_all = 0
    for name in names or EDITORS:
        with tempfile.TemporaryDirectory(dir=folder or "/var/tmp") as root:  # noqa: S108  # not where vim saves otherwise
            lost, wrote = races(Path(root), EDITORS[name], edits)
        lost_at_all += lost
        sys.stdout.write(f"{name:<9} {edits} edits, {wrote} runs wrote meanwhile, {lost} edits lost\n")
    return int(bool(lost_at_all))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None, sys.argv[3:]))
