"""Every system call of a run, killed at or failing: `python -m proof.sweeps --stride 1`.

Which calls a run makes is asked of strace first. Then, one by one, a run is killed as a call begins, or the call fails
with an error that disks know; the next run, which nothing disturbs, must end where one ends that nothing ever disturbed.
The worlds and what two of them have in common are those of `tests/cycle/test_killed_runs.py`, which tries a few points in
every ordinary run.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from folder_worlds import CONTACTD, FolderWorld, edit, run
from proof.histories import say

sys.path.insert(0, str(Path(__file__).parents[1] / "cycle"))
killed_runs = __import__("test_killed_runs")

LEFT_OUT = 77
FAULTS = ("signal=SIGKILL", "error=EIO", "error=ENOSPC")
DISKS_SAY = frozenset(
    {"write", "fsync", "fdatasync", "renameat2", "rename", "linkat", "unlinkat", "ftruncate", "mkdir"}
)
"""The calls that are made to fail; the rest are only killed at."""


class Scenario(NamedTuple):
    """A world, ready for the run that is disturbed, and how a run ends there that nothing disturbs."""

    name: str
    prepared: Callable[[Path], FolderWorld]
    code: int


def one_note(root: Path) -> FolderWorld:
    """A card was edited: the run writes one note."""
    world: FolderWorld = killed_runs.before_the_first_run(root)
    _settled(world)
    edit(world.card_of("Bo Known"), "+47 55 55 01 00", "+47 55 55 01 99")
    return world


def one_card(root: Path) -> FolderWorld:
    """A note was edited: the run writes one card."""
    world: FolderWorld = killed_runs.before_the_first_run(root)
    _settled(world)
    edit(world.note("Ada New"), "ada@", "ada.note@")
    return world


def _settled(world: FolderWorld) -> None:
    for _ in range(2):
        ran = world.sync()
        if ran.code != 0:
            raise AssertionError(ran.said)


SCENARIOS = (
    Scenario("first link", killed_runs.before_the_first_run, 0),
    Scenario("note write", one_note, 0),
    Scenario("card write", one_card, 0),
    Scenario("both sides edited", killed_runs.edited_on_both_sides, 1),
)


def main() -> int:
    """Disturb runs, every one of so many."""
    parser = argparse.ArgumentParser(prog="python -m proof.sweeps")
    parser.add_argument("--stride", type=int, default=1, help="of the points only every so manieth")
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    strace = shutil.which("strace")
    if strace is None:
        say("needs strace")
        return LEFT_OUT
    tried = failures = 0
    for scenario in (one for one in SCENARIOS if asked.only in one.name):
        with tempfile.TemporaryDirectory() as folder:
            wrong, points = _sweep(scenario, Path(folder), Path(strace), asked.stride)
        say(f"{scenario.name}: {points} points, {len(wrong)} astray", *wrong)
        tried, failures = tried + points, failures + len(wrong)
    say(f"{tried} points at which a run was killed or a call failed, {failures} astray")
    return 1 if failures else 0


def _sweep(scenario: Scenario, folder: Path, strace: Path, stride: int) -> tuple[list[str], int]:
    (folder / "start").mkdir()
    start = scenario.prepared(folder / "start")
    reference = start.copied_to(folder / "reference")
    points = killed_runs.calls(reference, strace)
    expected = killed_runs.ended(reference)
    wrong: list[str] = []
    chosen = list(_disturbances(points))[::stride]
    for number, (point, fault) in enumerate(chosen):
        world = start.copied_to(folder / str(number))
        injection = f"inject={point.name}:{fault}:when={point.number}"
        command = (CONTACTD, "sync", "--once", "--yes", "--config", world.config)
        run(world.root, strace, "-f", "-qq", "-o", "/dev/null", "-e", f"trace={point.name}", "-e", injection, *command)
        ran = world.sync()
        if (ran.code, killed_runs.ended(world)) != (scenario.code, expected):
            wrong.append(f"  {scenario.name}, {injection}: exit {ran.code}: {ran.said}")
        shutil.rmtree(world.root)
    return wrong, len(chosen)


class Point(NamedTuple):
    """The `number`th call of this name, counted from 1."""

    name: str
    number: int


def _disturbances(points: Sequence[Point]) -> Iterator[tuple[Point, str]]:
    for point in points:
        for fault in FAULTS:
            if fault.startswith("signal") or point.name in DISKS_SAY:
                yield point, fault


if __name__ == "__main__":
    sys.exit(main())
