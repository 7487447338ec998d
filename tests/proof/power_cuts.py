"""Power cuts: what a run has made durable when the current fails, on the file systems that people have.

A vault stands on a file system in a file. A card was edited, and a run takes the value over into the note. The file that
backs the file system is copied right as the run is killed, at several moments, or as it ends, with nothing flushed for
the copy's sake; the copy is mounted as the machine would after the cut. The state stands on another disk, which lost
nothing: it may be ahead of the note, which is the dangerous order.

What must hold in every copy: the note is the old or the new one, whole; and the next run brings note and card to the new
value, asks about nothing, and leaves the card what it was edited to. Needs root, loop devices and the mkfs tools.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from folder_worlds import CONTACTD, FolderWorld, card, edit, made, person
from proof.histories import say
from proof.pieces import LEFT_OUT

_SIZE_BYTES = {"ext4": 16 << 20, "xfs": 320 << 20, "btrfs": 128 << 20}
_OLD, _NEW = "+47 55 55 01 00", "+47 55 55 01 99"


@dataclass(frozen=True, slots=True)
class Disk:
    """A kind of file system and how it is mounted."""

    kind: str
    options: str

    def __str__(self) -> str:
        return f"{self.kind} {self.options}".strip()


DISKS = (Disk("ext4", ""), Disk("ext4", "noauto_da_alloc"), Disk("xfs", ""), Disk("btrfs", ""))


def main() -> int:
    """Cut the current on every disk there is."""
    parser = argparse.ArgumentParser(prog="python -m proof.power_cuts")
    parser.add_argument(
        "--times", type=int, default=6, help="cuts on each disk while a run is under way, besides one as it ends"
    )
    asked = parser.parse_args()
    lacking = [disk.kind for disk in DISKS if shutil.which(f"mkfs.{disk.kind}") is None]
    if os.geteuid() != 0 or len(lacking) == len(DISKS):
        say("needs root, loop devices, and mkfs.ext4, mkfs.xfs, mkfs.btrfs")
        return LEFT_OUT
    tried, failures = 0, 0
    for disk in (one for one in DISKS if one.kind not in lacking):
        with tempfile.TemporaryDirectory() as folder:
            results = [_cut(disk, Path(folder), number, asked.times) for number in range(asked.times + 1)]
        wrong = [one for one in results if one not in {"old", "new"}]
        say(
            f"{disk}: {results.count('old')} times the old note, {results.count('new')} the new one, {len(wrong)} wrong {wrong}"
        )
        tried, failures = tried + len(results), failures + len(wrong)
    say(
        f"{tried} power cuts on {len(DISKS) - len(lacking)} disks, {failures} wrong; not there: {', '.join(lacking) or 'none'}"
    )
    return 1 if failures else LEFT_OUT if lacking else 0


def _cut(disk: Disk, folder: Path, number: int, times: int) -> str:
    """Return what the note was after a cut, or what is wrong."""
    root = folder / str(number)
    backing = root / "disk"
    root.mkdir()
    with backing.open("wb") as file:
        file.truncate(_SIZE_BYTES[disk.kind])
    force = {"ext4": ("-q", "-F"), "xfs": ("-q", "-f"), "btrfs": ("-q", "-f")}[disk.kind]
    _do(f"mkfs.{disk.kind}", *force, backing)
    world = made(root)
    with _mounted(backing, world.vault, disk.options):
        (world.vault / "People").mkdir(exist_ok=True)
        _prepare(world)
        _do("sync")
        process = subprocess.Popen(
            [CONTACTD, "sync", "--once", "--yes", "--config", world.config],
            env=os.environ | {"HOME": str(root)},
            stdout=subprocess.DEVNULL,
        )
        copy = root / "copy"
        if number < times:
            # Spread over the second half of a run, in which notes are written; how long that is differs, and may.
            try:
                process.wait(0.25 + 0.1 * number)
            except subprocess.TimeoutExpired:
                # The current fails for the program and for its state as well: nothing goes on.
                process.kill()
                _do("cp", "--sparse=always", backing, copy)
        process.wait()
        if not copy.exists():
            _do("cp", "--sparse=always", backing, copy)
    with _mounted(copy, world.vault, disk.options):
        return _judged(world)


def _prepare(world: FolderWorld) -> None:
    world.note("Ada").write_text(person("Ada", f'phone: "{_OLD}"'))
    (world.contacts / "ada.vcf").write_text(card("Ada", "EMAIL:ada@example.test", f"TEL:{_OLD}"), newline="")
    # Whom they have in common is told by the phone; the first run links them.
    for _ in range(2):
        ran = world.sync()
        if ran.code != 0:
            raise AssertionError(ran.said)
    edit(world.card_of("Ada"), _OLD, _NEW)


def _judged(world: FolderWorld) -> str:
    text = world.note("Ada").read_text()
    found = "new" if _NEW in text else "old" if _OLD in text else f"damaged: {text!r}"
    ran = world.sync()
    if ran.code != 0:
        return f"{found}, then: {ran.said}"
    if _NEW not in world.note("Ada").read_text() or _NEW not in world.card_of("Ada").read_text():
        return f"{found}, and the edit was lost"
    return found


@contextmanager
def _mounted(backing: Path, place: Path, options: str) -> Generator[None]:
    place.mkdir(parents=True, exist_ok=True)
    _do("mount", "-o", ",".join(["loop", *([options] if options else [])]), backing, place)
    try:
        yield
    finally:
        _do("umount", place)


def _do(*command: str | Path) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]}: {done.stderr.strip()}")


if __name__ == "__main__":
    sys.exit(main())
