"""Run every piece of the proof and write the table: `python -m proof [--short | --long] [--first SEED] [PIECE ...]`.

A piece is a program that prints its figures in its last line and fails if anything does not hold. What it needs and does
not find (a tool, the right to mount) makes it fail where CI is set; elsewhere it says so and counts as left out. Two run
at a time, the longest first. Chance begins at a seed that no run began at before; it is printed, and `--first` takes it.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

from proof.pieces import LEFT_OUT, PIECES, Piece
from simulation.seeds import commit, fresh

_ROOT = Path(__file__).parents[2]
_TABLE = Path(__file__).with_name("README.md")
_AT_A_TIME = 2


@dataclass(frozen=True, slots=True)
class Result:
    """How one piece ended; the last line that it printed has its figures."""

    piece: Piece
    code: int
    figures: str
    seconds: float


def main() -> int:
    """Run what is asked for; write the table if that was everything."""
    options = _arguments()
    chosen = [piece for piece in PIECES if not options.pieces or piece.name in options.pieces]
    _say(f"{len(chosen)} pieces at commit {commit()}; chance begins at --first {options.first}")
    began = time.monotonic()
    with ThreadPoolExecutor(_AT_A_TIME) as lanes:
        longest_first = sorted(chosen, key=lambda piece: -piece.limit_s)
        running = {piece: lanes.submit(_run, piece, options.form, options.first) for piece in longest_first}
        results = [running[piece].result() for piece in chosen]
    if len(results) == len(PIECES):
        _TABLE.write_text(table(results, options.form), "utf-8")
    failed = [one for one in results if one.code != 0 and (one.code != LEFT_OUT or os.environ.get("CI"))]
    for one in results:
        _say(f"{one.piece.name:8} {_told(one)}")
    _say(f"{len(results)} pieces in {(time.monotonic() - began) / 60:.0f} minutes, {len(failed)} failed")
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m proof")
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--long", dest="form", action="store_const", const="long", help="for a night")
    forms.add_argument("--short", dest="form", action="store_const", const="short", help="for a few minutes")
    parser.set_defaults(form="usual")
    parser.add_argument("--first", type=int, default=fresh(), help="the seed at which chance begins")
    parser.add_argument("pieces", nargs="*", metavar="PIECE", help=", ".join(piece.name for piece in PIECES))
    options = parser.parse_args()
    if unknown := set(options.pieces) - {piece.name for piece in PIECES}:
        parser.error(f"there is no piece {', '.join(sorted(unknown))}")
    return options


def _run(piece: Piece, form: str, first: int) -> Result:
    began, last = time.monotonic(), ""
    with subprocess.Popen(
        [sys.executable, "-m", *_command(piece, form, first)],
        cwd=_ROOT,
        env=os.environ | {"PYTHONPATH": f"{_ROOT}:{_ROOT / 'tests'}", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        # As from a terminal: it ends what it has started.
        timer = Timer(piece.limit_s, process.send_signal, [signal.SIGINT])
        if form != "long":
            timer.start()
        for line in process.stdout or ():
            _say(f"{piece.name:8} | {line.rstrip()}")
            last = line.strip() or last
        code = process.wait()
        timer.cancel()
    if code == -signal.SIGINT:
        last = f"interrupted, as after {piece.limit_s} s: {last}"
    return Result(piece, code, last, time.monotonic() - began)


def _command(piece: Piece, form: str, first: int) -> Sequence[str]:
    words = {"short": piece.short, "usual": piece.usual, "long": piece.long}[form]
    return [word.format(first=first) for word in words.split()]


def table(results: Sequence[Result], form: str) -> str:
    """Return the figures of a run, which had a form, beside what others show."""
    lines = [
        "# The proof, in figures",
        "",
        "Made by `make proof`; each row is the last line that its program printed. `make proof PIECES=quick` runs one,",
        "`make proof PIECES=--short` all in some minutes, `PIECES=--long` for a night. Two run at a time.",
        "",
        f"| piece | what | this run ({form}) | others |",
        "| --- | --- | --- | --- |",
        *(f"| {one.piece.name} | {one.piece.what} | {_told(one)} | {one.piece.anchors} |" for one in results),
    ]
    return "\n".join(lines) + "\n"


def _told(one: Result) -> str:
    ended = {0: "", LEFT_OUT: "left out: "}.get(one.code, "FAILED: ")
    return f"{ended}{one.figures} ({one.seconds:.0f} s)"


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
