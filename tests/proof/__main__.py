"""Run every piece of the proof, each for a bounded time, and write the table: `python -m proof [--long] [PIECE ...]`.

A piece is a program that prints its figures in its last line and fails if anything does not hold. What it needs and does
not find (a tool, the right to mount) makes it fail where CI is set; elsewhere it says so and counts as left out.
"""

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_TABLE = Path(__file__).with_name("README.md")
LEFT_OUT = 77
"""How a piece ends that lacks what it needs. Source: automake's test protocol."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One program, what it is given in a hurry, usually and for a night, and what the most trusted systems of this kind show."""

    name: str
    what: str
    short: tuple[str, ...]
    usual: tuple[str, ...]
    long: tuple[str, ...]
    anchors: str
    seconds: int


PIECES: tuple[Piece, ...] = (
    Piece(
        "quick",
        "histories of the real planner, merge, executor and recovery over records",
        ("proof.histories", "--seeds", "1..1000000", "--seconds", "60"),
        ("proof.histories", "--seeds", "1..1000000", "--seconds", "240"),
        ("proof.histories", "--seeds", "1..100000000", "--seconds", "14400"),
        "Dropbox: tens of millions a night; FoundationDB: tens of thousands of simulations a night",
        300,
    ),
    Piece(
        "whole",
        "histories of the whole cycle with lenses, SQLite and calendars",
        ("simulation", "--seeds", "10001..10300"),
        ("simulation", "--seeds", "10001..12000"),
        ("simulation", "--seeds", "10001..150000"),
        "vdirsyncer: 1,000 examples, no lost-update oracle",
        480,
    ),
    Piece(
        "mutants",
        "known bugs, each found by one of the two tiers",
        ("proof.mutants", "--tier", "quick"),
        ("proof.mutants",),
        ("proof.mutants",),
        "SQLite: mutation testing of branches; TigerBeetle: its oracle's false alarms are fixed in public",
        600,
    ),
    Piece(
        "sweeps",
        "system calls of a run, killed at or failing with EIO or ENOSPC, after which the next run ends as it should",
        ("proof.sweeps", "--stride", "40"),
        ("proof.sweeps", "--stride", "5"),
        ("proof.sweeps", "--stride", "1"),
        "isync: every journal step of 15 scenarios; a prototype: 124 points of one",
        420,
    ),
    Piece(
        "power",
        "cuts of the current on ext4, ext4 noauto_da_alloc, xfs and btrfs",
        ("proof.power_cuts", "--times", "2"),
        ("proof.power_cuts", "--times", "8"),
        ("proof.power_cuts", "--times", "60"),
        "rename without fsync: an empty note on xfs and ext4 noauto_da_alloc",
        240,
    ),
    Piece(
        "fuzz",
        "hostile inputs to every parser and lens",
        ("proof.fuzz", "--seconds", "44"),
        ("proof.fuzz", "--seconds", "150"),
        ("proof.fuzz", "--seconds", "7200", "--first", "1000000"),
        "SQLite: dbsqlfuzz, about a thousand million mutations a day",
        300,
    ),
)


@dataclass(frozen=True, slots=True)
class Result:
    """How one piece ended."""

    piece: Piece
    code: int
    figures: str
    seconds: float


def main() -> int:
    """Run what is asked for; write the table if that was everything."""
    parser = argparse.ArgumentParser(prog="python -m proof")
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--long", action="store_true", help="for a night")
    forms.add_argument("--short", action="store_true", help="for a few minutes")
    parser.add_argument("pieces", nargs="*", help=", ".join(piece.name for piece in PIECES))
    asked = parser.parse_args()
    chosen = [piece for piece in PIECES if not asked.pieces or piece.name in asked.pieces]
    form = "long" if asked.long else "short" if asked.short else "usual"
    results = [_run(piece, form) for piece in chosen]
    if len(results) == len(PIECES):
        _TABLE.write_text(table(results, form))
    failed = [one for one in results if one.code != 0 and (one.code != LEFT_OUT or os.environ.get("CI"))]
    _say(f"{len(results)} pieces, {len(failed)} failed")
    return 1 if failed else 0


def _run(piece: Piece, form: str) -> Result:
    _say(f"== {piece.name}: {piece.what}")
    began, last = time.monotonic(), ""
    command = [sys.executable, "-m", *{"short": piece.short, "usual": piece.usual, "long": piece.long}[form]]
    limit = None if form == "long" else piece.seconds
    with subprocess.Popen(command, cwd=_ROOT, env=_environment(), stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            sys.stdout.write(line)
            last = line.strip() or last
            if limit is not None and time.monotonic() - began > limit:
                process.kill()
                last = f"stopped after {limit} s: {last}"
                break
    return Result(piece, process.returncode, last, time.monotonic() - began)


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": f"{_ROOT}:{_ROOT / 'tests'}", "PYTHONUNBUFFERED": "1"}


def table(results: list[Result], form: str) -> str:
    """Return the figures of a run, which had a form, beside what others show."""
    lines = [
        "# The proof, in figures",
        "",
        "Made by `make proof`; each row is the last line that its program printed. `make proof PIECES=quick` runs one,",
        "`make proof PIECES=--short` all in some minutes, `PIECES=--long` for a night.",
        "",
        f"| piece | what | this run ({form}) | others |",
        "| --- | --- | --- | --- |",
    ]
    for one in results:
        ended = {0: "", LEFT_OUT: "left out: "}.get(one.code, "FAILED: ")
        figures = f"{ended}{one.figures} ({one.seconds:.0f} s)"
        lines.append(f"| {one.piece.name} | {one.piece.what} | {figures} | {one.piece.anchors} |")
    return "\n".join(lines) + "\n"


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
