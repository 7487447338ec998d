"""Which histories are run, and what must be known to run one of them again."""

import subprocess
import time
from pathlib import Path

SPAN = 1_000_000
"""How many seeds belong to one second, so that no two runs of a proof try the same ones."""

TWICE_EVERY = 1000
"""How often a seed is run a second time, to see that it takes the same course."""


def asked(seeds: str) -> range:
    """Read `A..B`, both ends included, `A+N`, or one seed."""
    first, joined, count = seeds.partition("+")
    if joined:
        return range(int(first), int(first) + int(count))
    first, _, last = seeds.partition("..")
    return range(int(first), int(last or first) + 1)


def fresh() -> int:
    """Return a seed to begin at that no run began at before."""
    return int(time.time()) * SPAN


def commit() -> str:
    """Return at which commit this is, as far as git knows."""
    git = ["git", "describe", "--always", "--dirty"]
    ran = subprocess.run(git, cwd=Path(__file__).parent, check=False, capture_output=True, text=True)
    return ran.stdout.strip() or "unknown"
