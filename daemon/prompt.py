"""Asking on a terminal: one key for an answer, an editor for a value. It works over any line, and needs no colour."""

import os
import shutil
import sys
from collections.abc import Mapping

import click

from daemon import render_review
from daemon.deciding import Take, TakeBoth, TakeNote, TakeRemote, TakeValue, is_list
from daemon.render import People, field_name, plain
from daemon.review import Answer, Case, Move, Settle
from mappings.conflict import Conflict
from mappings.fields import texts

_COLUMNS_MIN = 20
_END_OF_INPUT = frozenset({"", "\x04", "\x1a"})
_MOVES: Mapping[str, Move] = {"s": Move.SKIP, "p": Move.BACK, "q": Move.QUIT}
_CLEAR = "\x1b[H\x1b[2J"


def asker(people: People) -> "Asker":
    """Return an `ask` for `review` that shows conflicts on the terminal and reads keys from it."""
    return Asker(people, coloured="NO_COLOR" not in os.environ and os.environ.get("TERM", "dumb") != "dumb")


class Asker:
    """Shows one conflict after the other; the size of the terminal is asked for each time."""

    def __init__(self, people: People, *, coloured: bool) -> None:
        self._people = people
        self._coloured = coloured

    def __call__(self, case: Case) -> Answer:
        problem = case.problem
        while True:
            self._show(case, problem)
            key = _key()
            answer = self._answer(case.conflict, key)
            if answer is not None:
                return answer
            problem = f"{key!r} is none of these keys" if key.isprintable() else ""

    def _show(self, case: Case, problem: str) -> None:
        columns = max(_COLUMNS_MIN, shutil.get_terminal_size().columns - 1)
        text = render_review.screen(case, self._people, columns, coloured=self._coloured)
        told = [text, *([plain(problem)] if problem else []), render_review.prompt(case.conflict, columns)]
        # A screen of its own for each, where the terminal can; else one below the other.
        click.echo((_CLEAR if self._coloured else "\n") + "\n".join(told), err=True, color=self._coloured)

    def _answer(self, conflict: Conflict, key: str) -> Answer | None:
        if key in _END_OF_INPUT:
            return Move.QUIT
        if key in _MOVES:
            return _MOVES[key]
        if key == "e":
            edited = _edited(conflict)
            return None if edited is None else Settle(edited, alike=False)
        take = _take(conflict, key.lower())
        return None if take is None else Settle(take, alike=key.isupper())


def _take(conflict: Conflict, key: str) -> Take | None:
    accounts = list(conflict.theirs)
    if key == "n":
        return TakeNote()
    if key == "r" and len(accounts) == 1:
        return TakeRemote(accounts[0])
    if key.isdecimal() and 1 <= int(key) <= len(accounts) > 1:
        return TakeRemote(accounts[int(key) - 1])
    return TakeBoth() if key == "b" and is_list(conflict) else None


def _key() -> str:
    """Read one key; the end of the input quits, Ctrl-C goes on as `KeyboardInterrupt`."""
    try:
        return click.getchar()
    except EOFError:
        return ""


def _edited(conflict: Conflict) -> Take | None:
    """Have a value edited, one line for each text; None if nothing was saved."""
    lines = "\n".join(plain(text) for text in texts(conflict.ours))
    help_lines = f"# {field_name(conflict.field)}: {'one value on each line' if is_list(conflict) else 'one line'}."
    said = [f"# {account}: {plain(text)}" for account, value in conflict.theirs.items() for text in texts(value)]
    edited = click.edit("\n".join([lines, help_lines, *said, "# Lines that begin with # do not count.", ""]))
    if edited is None:
        return None
    kept = (line.strip() for line in edited.splitlines() if not line.startswith("#"))
    return TakeValue(tuple(line for line in kept if line))


def is_terminal() -> bool:
    """Tell whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()
