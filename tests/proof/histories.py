"""Run quick histories: `python -m proof.histories --seeds 1..50000`, or look at one of them: `--seed 17`.

The histories that once broke a promise are run before any others. Every thousandth seed is run twice, and must take the same course. A seed that fails is printed with the commit, and
with the shortest course that still fails.
"""

import argparse
import gc
import sys
import time
from collections import Counter
from collections.abc import Iterable
from itertools import chain

from proof.memory_state import installed
from proof.quick import Outcome, run, shrunk
from simulation.seeds import TWICE_EVERY, asked, commit

REGRESSIONS = (25014, 27483, 1795697979006701)
"""A write whose outcome was not learnt, before somebody edited the same field again; twice. A record renamed twice
before it was followed."""

SHOWN = 3


def main() -> int:
    """Run what the command line asks for; fail if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m proof.histories")
    parser.add_argument("--seeds", default="1..10000", help="A..B, both ends included, or A+N")
    parser.add_argument("--seed", type=int, help="one history, in words, as short as it still fails")
    options = parser.parse_args()
    with installed():
        if options.seed is not None:
            outcome = shrunk(options.seed)
            say(*outcome.trace, told(outcome))
            return 1 if outcome.broken else 0
        count, failed, took = search(chain(REGRESSIONS, asked(options.seeds)))
    say(f"{count} quick histories in {took:.0f} s, {count / took:.0f} a second of one core; {len(failed)} failed")
    return 1 if failed else 0


def search(seeds: Iterable[int]) -> tuple[int, list[Outcome], float]:
    """Run histories; return how many, those that failed, and the processor time that it took."""
    began = time.process_time()
    failed: list[Outcome] = []
    rules: Counter[str] = Counter()
    count = 0
    # A history leaves little behind, and the program itself is not to be looked through again and again.
    gc.freeze()
    for seed in seeds:
        outcome, count = run(seed), count + 1
        if seed % TWICE_EVERY == 0 and run(seed).digest != outcome.digest:
            say(f"seed {seed} takes another course when it is run again")
            failed.append(outcome)
        if outcome.broken:
            failed.append(outcome)
            rules.update({one.rule for one in outcome.broken})
            if len(failed) <= SHOWN:
                short = shrunk(seed)
                say(*short.trace, told(short))
    if rules:
        say(str(dict(rules)))
    return count, failed, time.process_time() - began


def told(outcome: Outcome) -> str:
    """Return what was broken, and how to see it again."""
    words = [f"{one.rule}: {one.words}" for one in outcome.broken]
    again = f"again: PYTHONPATH=.:tests python -m proof.histories --seed {outcome.seed}, at commit {commit()}"
    return "\n".join((f"seed {outcome.seed}: {'broken' if words else 'holds'}", *words, again))


def say(*lines: str) -> None:
    """Print at once."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
