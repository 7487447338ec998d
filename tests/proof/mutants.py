"""The mutant gate: every known bug must be found, in either tier or by the tests of its module. `python -m proof.mutants`

Prints at which history, or test, each died; each invariant has a bug of its own. One that survives fails the run, and so does one that breaks the simulation itself:
it no longer fits the program, and proves nothing.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

import pytest

from proof import case_mutants, quick, whole_mutants, whole_mutants_dates
from proof.histories import say
from proof.memory_state import installed
from proof.quick_mutants import MUTANTS
from simulation import history

QUICK_HISTORIES = 20_000
WHOLE_HISTORIES = 600
"""How many histories a mutant may survive in each tier."""

INVARIANTS = frozenset(f"I{number}" for number in range(1, 23))

Mutant = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True, slots=True)
class Death:
    """How a mutant fared: at which history or test it died and of what; 0 if it survived."""

    tier: str
    mutant: str
    about: str
    at: int
    of: str
    seconds: float


def main() -> int:
    """Try all of them."""
    parser = argparse.ArgumentParser(prog="python -m proof.mutants")
    parser.add_argument("--tier", choices=("quick", "whole", "cases", "all"), default="all")
    parser.add_argument("--only", default="", help="mutants in whose names this stands")
    asked = parser.parse_args()
    deaths = list(tried(asked.tier, asked.only))
    survivors = [one for one in deaths if not one.at]
    tried_all = (asked.tier, asked.only) == ("all", "")
    untried = sorted(INVARIANTS - {one.about for one in deaths}) if tried_all else []
    covered = (
        f"; none against {', '.join(untried)}"
        if untried
        else "; one at least against each of I1-I22"
        if tried_all
        else ""
    )
    say(f"{len(deaths)} mutants, {len(survivors)} survived{covered}")
    return 1 if survivors or untried else 0


def tried(tier: str, only: str) -> Iterator[Death]:
    """Yield how each fared, having said so."""
    tiers = {"quick": _quick, "whole": _whole, "cases": _cases}
    for name in tiers if tier == "all" else (tier,):
        for one in tiers[name](only):
            fate = f"died at {one.at} of {one.of}" if one.at else f"SURVIVED ({one.of})"
            say(f"{one.tier:6} {one.mutant:40} {one.about:4} {fate}, {one.seconds:.1f} s")
            yield one


def _quick(only: str) -> Iterator[Death]:
    for mutant, about in MUTANTS.items():
        if only in mutant.__name__:
            yield _fate("quick", mutant, about, 1, QUICK_HISTORIES, _broken_quick)


def _whole(only: str) -> Iterator[Death]:
    for mutant, (about, first) in {**whole_mutants.MUTANTS, **whole_mutants_dates.MUTANTS}.items():
        if only in mutant.__name__:
            yield _fate("whole", mutant, about, first, WHOLE_HISTORIES, _broken_whole)


def _cases(only: str) -> Iterator[Death]:
    for mutant, (about, tests) in case_mutants.MUTANTS.items():
        if only in mutant.__name__:
            began = time.monotonic()
            at, of = case_mutants.tried(mutant, tests)
            yield Death("cases", mutant.__name__, about, at, of, time.monotonic() - began)


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
