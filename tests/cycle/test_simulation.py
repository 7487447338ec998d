"""Thousands of seeded histories: the real cycle between a vault and two accounts, disturbed wherever it can be.

What each must keep is said in `simulation.oracle`. `make proof` runs thousands of fresh ones, and `python -m simulation
--seeds A..B` others, with `tests` on the path; a seed that fails here prints how to see it again.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from simulation.__main__ import told
from simulation.history import run

CHUNKS, QUICK = 16, 4
HISTORIES = 150
"""In each chunk; the chunks are spread over the processes that run the tests. The first few run with every test."""

_DIGESTS = "from simulation.history import run; print(*(run(seed).digest for seed in range(1, 9)))"


@pytest.mark.parametrize(
    "chunk", [chunk if chunk < QUICK else pytest.param(chunk, marks=pytest.mark.thorough) for chunk in range(CHUNKS)]
)
def test_every_promise_is_kept_in_every_history(chunk: int) -> None:
    first = chunk * HISTORIES + 1
    failed = [outcome for seed in range(first, first + HISTORIES) if (outcome := run(seed)).violations]
    assert not failed, "\n\n".join(told(outcome, verbose=True) for outcome in failed[:3])


def test_a_seed_takes_the_same_course_whenever_and_wherever_it_is_run() -> None:
    root = Path(__file__).parents[2]
    courses = {
        subprocess.run(
            [sys.executable, "-c", _DIGESTS],
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": f"{root}:{root / 'tests'}"},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    here = " ".join(run(seed).digest for seed in range(1, 9))
    assert courses == {f"{here}\n"}
