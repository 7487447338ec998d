"""Run histories: `python -m simulation --seeds 1..1000`, or one of them in words: `--seed 17 -v`."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable

from simulation.history import Outcome, run, shrunk


def main() -> int:
    """Run what the command line asks for; fail if a promise was broken."""
    asked = _arguments()
    if asked.seed is not None:
        outcome = shrunk(asked.seed, _same_rule(asked.seed)) if asked.shrink else run(asked.seed)
        say(told(outcome, verbose=asked.verbose))
        return 1 if outcome.violations else 0
    first, _, last = asked.seeds.partition("..")
    return _run_all(int(first), int(last or first))


def told(outcome: Outcome, *, verbose: bool) -> str:
    """Return what to print of a history: its trace if it failed or is asked for, and how to see it again."""
    lines = [f"seed {outcome.seed}: {'; '.join(one.rule for one in outcome.violations) or 'holds'}"]
    if verbose:
        lines += [str(outcome.nature), *outcome.trace]
    lines += [f"{one.rule}: {one.words}" for one in outcome.violations]
    if outcome.violations:
        lines.append(f"again: PYTHONPATH=.:tests python -m simulation --seed {outcome.seed} -v --shrink")
    return "\n".join(lines)


def say(words: str) -> None:
    """Print at once, so that what was found is known even if the rest is never run."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def _same_rule(seed: int) -> Callable[[Outcome], bool]:
    rules = {one.rule for one in run(seed).violations[:1]}

    def is_same(outcome: Outcome) -> bool:
        return bool(rules & {one.rule for one in outcome.violations})

    return is_same


def _run_all(first: int, last: int) -> int:
    began = time.perf_counter()
    failed: list[int] = []
    rules: Counter[str] = Counter()
    residue: Counter[str] = Counter()
    for seed in range(first, last + 1):
        outcome = run(seed)
        residue.update(outcome.residue)
        if outcome.violations:
            failed.append(seed)
            rules.update({one.rule for one in outcome.violations})
            say(told(outcome, verbose=False))
    count, took = last - first + 1, time.perf_counter() - began
    say(
        f"{count} histories in {took:.0f} s, {count / took:.1f} a second; {len(failed)} failed {dict(rules)}; {dict(residue)}"
    )
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulation")
    parser.add_argument("--seeds", default="1..1000", help="a range, both ends included")
    parser.add_argument("--seed", type=int, help="one history")
    parser.add_argument("--shrink", action="store_true", help="leave out what the failure does not need")
    parser.add_argument("-v", "--verbose", action="store_true", help="print the whole trace")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
