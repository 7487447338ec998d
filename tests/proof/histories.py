"""Run quick histories: `python -m proof.histories --seeds 1..50000`, or look at one of them: `--seed 17`.

Every thousandth seed is run twice, and must take the same course. A seed that fails is printed with the commit, and
with the shortest course that still fails.
"""

import argparse
import gc
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from proof.memory_state import installed
from proof.quick import Outcome, run, shrunk

TWICE_EVERY = 1000
SHOWN = 3


def main() -> int:
    """Run what the command line asks for; fail if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m proof.histories")
    parser.add_argument("--seeds", default="1..10000", help="a range, both ends included")
    parser.add_argument("--seconds", type=float, help="stop after so long")
    parser.add_argument("--seed", type=int, help="one history, in words, as short as it still fails")
    asked = parser.parse_args()
    with installed():
        if asked.seed is not None:
            outcome = shrunk(asked.seed)
            say(*outcome.trace, told(outcome))
            return 1 if outcome.broken else 0
        first, _, last = asked.seeds.partition("..")
        count, failed, took = search(range(int(first), int(last or first) + 1), asked.seconds)
    say(f"{count} quick histories in {took:.0f} s, {count / took:.0f} a second of one core; {len(failed)} failed")
    return 1 if failed else 0


def search(seeds: Iterable[int], seconds: float | None) -> tuple[int, list[Outcome], float]:
    """Run histories, at most so long; return how many, those that failed, and the processor time that it took."""
    began, ends = time.process_time(), None if seconds is None else time.monotonic() + seconds
    failed: list[Outcome] = []
    rules: Counter[str] = Counter()
    count = 0
    # A history leaves little behind, and the program itself is not to be looked through again and again.
    gc.freeze()
    for seed in seeds:
        if ends is not None and time.monotonic() > ends:
            break
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
    again = f"again: PYTHONPATH=.:tests python -m proof.histories --seed {outcome.seed}, at commit {_commit()}"
    return "\n".join((f"seed {outcome.seed}: {'broken' if words else 'holds'}", *words, again))


def _commit() -> str:
    git = ["git", "rev-parse", "--short", "HEAD"]
    ran = subprocess.run(git, cwd=Path(__file__).parent, check=False, capture_output=True, text=True)
    return ran.stdout.strip() or "unknown"


def say(*lines: str) -> None:
    """Print at once."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
