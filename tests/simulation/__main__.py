"""Run histories: `python -m simulation --seeds 1..1000`, or one of them in words: `--seed 17 -v`.

The histories that once broke a promise are run before any others. Every thousandth seed is run twice, and must take the
same course. A seed that fails is printed with the commit, and the first few with the shortest course that still fails.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable
from itertools import chain

from simulation.history import Outcome, run, shrunk
from simulation.seeds import TWICE_EVERY, asked, commit

REGRESSIONS = (1112, 1790)
"""A note of which an older copy was saved; a note away at the very first look of all."""

SHOWN = 3


def main() -> int:
    """Run what the command line asks for; fail if a promise was broken."""
    options = _arguments()
    if options.seed is not None:
        outcome = _shortest(options.seed) if options.shrink else run(options.seed)
        say(told(outcome, verbose=options.verbose))
        return 1 if outcome.violations else 0
    return _run_all(chain(REGRESSIONS, asked(options.seeds)))


def told(outcome: Outcome, *, verbose: bool) -> str:
    """Return what to print of a history: its trace if it failed or is asked for, and how to see it again."""
    lines = [f"seed {outcome.seed}: {'; '.join(one.rule for one in outcome.violations) or 'holds'}"]
    if verbose:
        lines += [str(outcome.nature), *outcome.trace]
    lines += [f"{one.rule}: {one.words}" for one in outcome.violations]
    if outcome.violations:
        again = f"PYTHONPATH=.:tests python -m simulation --seed {outcome.seed} -v --shrink"
        lines.append(f"again: {again}, at commit {commit()}")
    return "\n".join(lines)


def say(words: str) -> None:
    """Print at once, so that what was found is known even if the rest is never run."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def _shortest(seed: int) -> Outcome:
    """Return the history without whatever its first fault does not need."""
    rules = {one.rule for one in run(seed).violations[:1]}
    return shrunk(seed, lambda outcome: bool(rules & {one.rule for one in outcome.violations}))


def _run_all(seeds: Iterable[int]) -> int:
    began = time.perf_counter()
    count = failed = 0
    rules: Counter[str] = Counter()
    residue: Counter[str] = Counter()
    for seed in seeds:
        outcome, count = run(seed), count + 1
        residue.update(outcome.residue)
        if seed % TWICE_EVERY == 0 and run(seed).digest != outcome.digest:
            failed += 1
            say(f"seed {seed} takes another course when it is run again")
        if outcome.violations:
            failed += 1
            rules.update({one.rule for one in outcome.violations})
            say(told(_shortest(seed) if failed <= SHOWN else outcome, verbose=failed <= SHOWN))
    took = time.perf_counter() - began
    say(
        f"{count} histories in {took:.0f} s, {count / took:.1f} a second; {failed} failed {dict(rules) or ''}; {_counted(residue)}"
    )
    return 1 if failed else 0


def _counted(residue: Counter[str]) -> str:
    """Return what the README names as a question that may be one too many, and how often it was asked."""
    return ", ".join(f"{count} times a {what}" for what, count in sorted(residue.items()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulation")
    parser.add_argument("--seeds", default="1..1000", help="A..B, both ends included, or A+N")
    parser.add_argument("--seed", type=int, help="one history")
    parser.add_argument("--shrink", action="store_true", help="leave out what the failure does not need")
    parser.add_argument("-v", "--verbose", action="store_true", help="print the whole trace")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
