"""The mutant gate: every known bug must be found, in either tier. `python -m proof.mutants`

Prints at which history each died. One that survives fails the run, and so does one that breaks the simulation itself:
it no longer fits the program, and proves nothing.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from proof import quick
from proof.histories import say
from proof.memory_state import installed
from proof.quick_mutants import MUTANTS
from simulation import history

QUICK_HISTORIES = 20_000
WHOLE_HISTORIES = 600
"""How many histories a mutant may survive in each tier."""

_CYCLE = Path(__file__).parents[1] / "cycle"

Mutant = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True, slots=True)
class Death:
    """How a mutant fared: at which history it died and of what; 0 if it survived."""

    tier: str
    mutant: str
    about: str
    at: int
    of: str
    seconds: float


def main() -> int:
    """Try all of them."""
    parser = argparse.ArgumentParser(prog="python -m proof.mutants")
    parser.add_argument("--tier", choices=("quick", "whole", "both"), default="both")
    parser.add_argument("--only", default="", help="mutants in whose names this stands")
    asked = parser.parse_args()
    deaths = list(tried(asked.tier, asked.only))
    survivors = [one for one in deaths if not one.at]
    say(f"{len(deaths)} mutants, {len(survivors)} survived")
    return 1 if survivors else 0


def tried(tier: str, only: str) -> Iterator[Death]:
    """Yield how each fared, having said so."""
    found = _quick(only) if tier != "whole" else iter(())
    yield from _said(found)
    if tier != "quick":
        yield from _said(_whole(only))


def _said(deaths: Iterator[Death]) -> Iterator[Death]:
    for one in deaths:
        fate = f"died at history {one.at} of {one.of}" if one.at else f"SURVIVED ({one.of})"
        say(f"{one.tier:6} {one.mutant:40} {one.about:4} {fate}, {one.seconds:.1f} s")
        yield one


def _quick(only: str) -> Iterator[Death]:
    for mutant, about in MUTANTS.items():
        if only in mutant.__name__:
            yield _fate("quick", mutant, about, 1, QUICK_HISTORIES, _broken_quick)


def _whole(only: str) -> Iterator[Death]:
    for mutant, first in _whole_mutants().items():
        if only in mutant.__name__:
            yield _fate("whole", mutant, "", first, WHOLE_HISTORIES, _broken_whole)


def _whole_mutants() -> Mapping[Mutant, int]:
    # They stand with the tests that try them in every ordinary run, in a folder that is no package.
    sys.path.insert(0, str(_CYCLE))
    contacts = __import__("test_simulation_mutants")
    dates = __import__("test_simulation_mutants_dates")
    found: dict[Mutant, int] = {**contacts.MUTANTS, **dates.MUTANTS}
    return found


def _broken_quick(seed: int) -> str:
    with installed():
        broken = quick.run(seed).broken
    return broken[0].rule if broken else ""


def _broken_whole(seed: int) -> str:
    violations = history.run(seed).violations
    return violations[0].rule if violations else ""


def _fate(  # what is tried, how long, and how
    tier: str, mutant: Mutant, about: str, first: int, most: int, broken: Callable[[int], str]
) -> Death:
    began = time.monotonic()
    with pytest.MonkeyPatch.context() as patch:
        mutant(patch)
        for at in count(1):
            rule = broken(first + at - 1)
            if rule:
                died = 0 if rule == "error" else at
                return Death(tier, mutant.__name__, about, died, rule, time.monotonic() - began)
            if at == most:
                break
    return Death(tier, mutant.__name__, about, 0, f"{most} histories", time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
