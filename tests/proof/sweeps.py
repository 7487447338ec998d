"""Every system call of a command, killed at or failing: `python -m proof.sweeps --stride 1`.

Which calls a command makes is asked of strace first: it counts each call by its name, so a point is (name, number). Then,
one by one, the command is killed as a call begins, or the call fails with an error that disks know. Whoever gave it gives
it again, and syncs; that must end where it does if nothing is ever disturbed. Of the points every so manieth is tried,
beginning elsewhere in each run, so that some runs try them all. Root is told of EACCES too: the kernel is not asked.
"""

import argparse
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from folder_worlds import FolderWorld
from proof.histories import say
from proof.pieces import LEFT_OUT
from proof.sweep_worlds import SCENARIOS, Command, Scenario

CALLS = "write,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,ftruncate"
"""Every way in which a file, its name or its durability changes here, but for SQLite's own pages."""

KILL, FULL, BROKEN, FORBIDDEN = "signal=SIGKILL", "error=ENOSPC", "error=EIO", "error=EACCES"
_NAMES = (KILL, BROKEN, FORBIDDEN)
FAULTS = {
    "write": (KILL, BROKEN, FULL),
    "ftruncate": (KILL, BROKEN, FULL),
    "fsync": (KILL, BROKEN, FULL),
    "fdatasync": (KILL, BROKEN, FULL),
    "mkdir": (KILL, FULL, FORBIDDEN),
    "link": (KILL, FULL, FORBIDDEN),
    "linkat": (KILL, FULL, FORBIDDEN),
    "rename": _NAMES,
    "renameat": _NAMES,
    "renameat2": _NAMES,
    "unlink": _NAMES,
    "unlinkat": _NAMES,
}
"""What may come over each."""


class Point(NamedTuple):
    """The `number`th call of this name, counted from 1, and what comes over it."""

    call: str
    number: int
    fault: str

    def __str__(self) -> str:
        return f"inject={self.call}:{self.fault}:when={self.number}"


def main() -> int:
    """Disturb commands, at every one of so many points."""
    parser = argparse.ArgumentParser(prog="python -m proof.sweeps")
    parser.add_argument("--stride", type=int, default=1, help="of the points only every so manieth")
    parser.add_argument("--first", type=int, default=0, help="where to begin")
    parser.add_argument("--only", default="", help="scenarios in whose names this stands")
    options = parser.parse_args()
    if shutil.which("strace") is None:
        say("needs strace")
        return LEFT_OUT
    tried = failures = 0
    chosen = [one for one in SCENARIOS if options.only in one.name]
    for scenario in chosen:
        with tempfile.TemporaryDirectory() as folder:
            wrong, of, points = _sweep(scenario, Path(folder), options.first % options.stride, options.stride)
        say(f"{scenario.name}: {points} of {of} points, {len(wrong)} astray", *wrong)
        tried, failures = tried + points, failures + len(wrong)
    say(f"{tried} points of {len(chosen)} scenarios at which a run was killed or a call failed, {failures} astray")
    return 1 if failures else 0


def _sweep(scenario: Scenario, folder: Path, first: int, stride: int) -> tuple[list[str], int, int]:
    """Return what went astray, how many points there are, and how many were tried."""
    (folder / "start").mkdir()
    start, command = scenario.prepared(folder / "start")
    reference = start.copied_to(folder / "reference")
    points = list(_points(scenario, reference, command))
    expected = scenario.finished(reference, command)
    wrong: list[str] = []
    chosen = points[first::stride]
    for number, point in enumerate(chosen):
        world = start.copied_to(folder / str(number))
        # Not with --seccomp-bpf: strace 6.1 then injects nothing.
        quiet = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={point.call}", "-e", str(point))
        ran = scenario.run(world, command, *quiet)
        found = scenario.finished(world, command)
        if found != expected:
            wrong.append(
                f"  {scenario.name}, {point}: exit {ran.code}, then {found[0]}: {ran.said} {_what(found, expected)}"
            )
        shutil.rmtree(world.root)
    return wrong, len(points), len(chosen)


def _what(found: Sequence[object], expected: Sequence[object]) -> str:
    pairs = zip(found, expected, strict=True)
    return "; ".join(f"{one} instead of {other}" for one, other in pairs if one != other)


def _points(scenario: Scenario, world: FolderWorld, command: Command) -> Iterator[Point]:
    """Run the command, and yield every point in it, in order."""
    trace = world.root / "trace"
    ran = scenario.run(world, command, "strace", "-f", "--seccomp-bpf", "-o", trace, "-e", f"trace={CALLS}")
    if ran.code not in {0, 1}:
        raise AssertionError(ran.said)
    seen: Counter[str] = Counter()
    for call in re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.MULTILINE):
        seen[call] += 1
        for fault in FAULTS[call]:
            yield Point(call, seen[call], fault)


if __name__ == "__main__":
    sys.exit(main())
