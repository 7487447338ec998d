"""Editors save while notes are replaced: is any edit lost?

    python tests/benchmarks/editor_race.py TRIALS [FOLDER]

In each trial another process saves a text with a token of its own into a note, at a random offset within the time
that a replacement takes. Afterwards each token must stand in a note or in a conflict copy. The same is done with a
plain "compare, write beside, rename over", to show that the trials hit the instants in which edits get lost: its
losses are what the vault is for. Exit code 1 if the vault lost an edit or left a file set aside behind.
"""

import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from daemon.errors import NoteChanged
from daemon.folder_vault import FolderVault
from daemon.vault import hash_of
from mappings.record import NotePath

_LINES = b"".join(b"line %d of a note as long as notes about people are\n" % number for number in range(80))
_BEFORE = b"---\nphone: before\n---\n" + _LINES
_AFTER = b"---\nphone: after\n---\n" + _LINES
_TOKEN = re.compile(rb"<edit of [^>]*>")
_TOGETHER_S = 0.0003
_SLOW_S = 0.0005

Editor = Callable[[Path, bytes], None]
Replace = Callable[[NotePath], bool]


def in_place(path: Path, text: bytes) -> None:
    """Save as Obsidian, VS Code and nano do: empty the file and fill it."""
    path.write_bytes(text)


def in_place_slow(path: Path, text: bytes) -> None:
    """Save in two halves, as over a slow disk."""
    with path.open("wb", buffering=0) as file:
        file.write(text[: len(text) // 2])
        time.sleep(_SLOW_S)
        file.write(text[len(text) // 2 :])


def in_place_late(path: Path, text: bytes) -> None:
    """Open the file without emptying it, and write a while later."""
    with path.open("r+b", buffering=0) as file:
        time.sleep(_SLOW_S)
        file.write(text)
        file.truncate()


def append(path: Path, text: bytes) -> None:
    """Add a line, as `echo >>` does."""
    with path.open("ab", buffering=0) as file:
        file.write(text[-40:])


def rename_over(path: Path, text: bytes) -> None:
    """Save as sed -i and sync tools do: a new file is renamed over the note."""
    beside = path.with_name(f"{path.name}.part")
    beside.write_bytes(text)
    beside.replace(path)


def move_away(path: Path, text: bytes) -> None:
    """Save as vim does: the note becomes the backup, and for a moment there is no note."""
    backup = path.with_name(f"{path.name}~")
    path.rename(backup)
    path.write_bytes(text)
    backup.unlink()


EDITORS: tuple[Editor, ...] = (in_place, in_place_slow, in_place_late, append, rename_over, move_away)


@dataclass(frozen=True, slots=True)
class Score:
    """How the trials with one editor went."""

    replaced: int
    conflict_copies: int
    lost: int
    left_behind: int


def _edit(commands: Connection) -> None:
    """Be the other process: save when told to, until told to stop."""
    while (command := commands.recv()) is not None:
        editor, path, text, at_ns = command
        _spin_until(at_ns)
        editor(path, text)
        commands.send(None)


def _spin_until(at_ns: int) -> None:
    while time.monotonic_ns() < at_ns:
        pass


def _race(editor: Editor, root: Path, replace: Replace, settle: Callable[[], int], trials: int) -> Score:
    paths = [NotePath(f"{number}.md") for number in range(trials)]
    for path in paths:
        (root / path).write_bytes(_BEFORE)
    window_ns = _duration_ns(root, replace)
    ours, theirs = get_context("fork").Pipe()
    other = get_context("fork").Process(target=_edit, args=(theirs,))
    other.start()
    offsets = random.Random(1)  # noqa: S311 - a race needs no secrets
    replaced = 0
    for path in paths:
        start_ns = time.monotonic_ns() + int(_TOGETHER_S * 1e9)
        ours.send((editor, root / path, _LINES + _token(path), start_ns + offsets.randrange(window_ns)))
        _spin_until(start_ns)
        replaced += replace(path)
        ours.recv()
    ours.send(None)
    other.join()
    copies = settle()
    return Score(replaced, copies, _lost(root, paths), sum(1 for path in root.iterdir() if path.name.startswith(".")))


def _token(path: NotePath) -> bytes:
    return b"<edit of %s>" % path.encode()


def _duration_ns(root: Path, replace: Replace) -> int:
    """Measure a replacement without anybody else."""
    durations: list[int] = []
    for number in range(20):
        path = NotePath(f"calm-{number}.md")
        (root / path).write_bytes(_BEFORE)
        start_ns = time.monotonic_ns()
        replace(path)
        durations.append(time.monotonic_ns() - start_ns)
    return int(statistics.median(durations) * 1.2)


def _lost(root: Path, paths: list[NotePath]) -> int:
    found: set[bytes] = set()
    for path in root.glob("[!.]*.md"):
        found.update(_TOKEN.findall(path.read_bytes()))
    return sum(_token(path) not in found for path in paths)


def _with_the_vault(editor: Editor, root: Path, trials: int) -> Score:
    vault = FolderVault(root, None)

    def replace(path: NotePath) -> bool:
        with suppress(NoteChanged):
            vault.replace(path, hash_of(_BEFORE), _AFTER)
            return True
        return False

    return _race(editor, root, replace, lambda: len(vault.settle()), trials)


def _with_a_rename(editor: Editor, root: Path, trials: int) -> Score:
    def replace(path: NotePath) -> bool:
        beside = root / f"{path}.new"
        beside.write_bytes(_AFTER)
        with suppress(FileNotFoundError):
            if (root / path).read_bytes() == _BEFORE:
                beside.replace(root / path)
                return True
        return False

    return _race(editor, root, replace, lambda: 0, trials)


def main(trials: int, folder: Path | None) -> int:
    failed = False
    sys.stdout.write(
        f"{'editor':<14} {'trials':>6} | vault: {'replaced':>8} {'copies':>6} {'lost':>5} | rename: {'lost':>5}\n"
    )
    for editor in EDITORS:
        with tempfile.TemporaryDirectory(dir=folder) as ours, tempfile.TemporaryDirectory(dir=folder) as theirs:
            score = _with_the_vault(editor, Path(ours), trials)
            plain = _with_a_rename(editor, Path(theirs), trials)
        failed |= bool(score.lost or score.left_behind)
        sys.stdout.write(
            f"{editor.__name__:<14} {trials:>6} |        {score.replaced:>8} {score.conflict_copies:>6} {score.lost:>5}"
            f" |         {plain.lost:>5}\n"
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None))
