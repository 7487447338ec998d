"""Asking on a terminal: one key for an answer, an editor for a value. It works over any line, and needs no colour."""

import os
import shutil
import sys
import termios
import tty
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager

import click

from daemon import difference, links_review, render_links_review, render_review
from daemon.deciding import Take, TakeBoth, TakeNote, TakeRemote, TakeValue, is_list
from daemon.links_review import Doubtful, LinkTo, Say
from daemon.render import People, field_name, plain
from daemon.review import Answer, Case, Move, Settle
from mappings.conflict import Conflict
from mappings.fields import texts

_COLUMNS_MIN = 20
_KEY_BYTES_MAX = 32
_CONTROL_CHARACTERS, _NO_CHARACTER = 6, b"\0"
"""Where a terminal's settings have these, and what turns one off. Source: Linux, termios(3), `_POSIX_VDISABLE`."""

_END_OF_INPUT = frozenset({"", "\x04", "\x1a"})
_MOVES: Mapping[str, Move] = {"s": Move.SKIP, "p": Move.BACK, "q": Move.QUIT}
_SAID: Mapping[str, Say] = {"n": Say.NEW, "x": Say.NOBODY, "s": Say.SKIP, "p": Say.BACK, "q": Say.QUIT}
_HELP_IN_EDITOR = (
    "# Lines that begin with # do not count; no other line at all empties the field on all sides.",
    "# A value that itself begins with # or \\ has a \\ before it.",
)
_CLEAR = "\x1b[H\x1b[2J"


class Asker:
    """An `ask` for `review`: shows one conflict after the other, and reads a key for each."""

    def __init__(self, people: People) -> None:
        self._people = people

    def __call__(self, case: Case) -> Answer:
        problem = case.problem
        while True:
            with _keys() as next_key:
                self._show(case, problem)
                key = next_key()
            try:
                answer = self._answer(case.conflict, key)
            except click.ClickException as error:
                # An editor that is not there, or that its owner left with an error, such as vi's `:cq`.
                problem = f"Nothing was taken: {error.message}"
                continue
            if answer is not None:
                return answer
            problem = _is_no_key(key)

    def _show(self, case: Case, problem: str) -> None:
        columns = _columns()
        keys = render_review.prompt(case.conflict, columns)
        # The cursor stands on a line of its own, below the keys.
        lines = shutil.get_terminal_size().lines - len(keys.splitlines()) - len(problem.splitlines()) - 1
        text = render_review.screen(case, self._people, columns, lines, coloured=difference.is_wanted())
        _show(text, problem, keys)

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


def ask_about_link(doubtful: Doubtful) -> links_review.Answer:
    """Show a doubtful link and read the key that answers it: an `ask` for `links_review`."""
    problem = doubtful.problem
    shown = doubtful.candidates[: render_links_review.SHOWN_MAX]
    while True:
        columns = _columns()
        with _keys() as next_key:
            _show(render_links_review.screen(doubtful, columns), problem, render_links_review.prompt(doubtful, columns))
            key = next_key()
        if key in _END_OF_INPUT:
            return Say.QUIT
        if key.isdecimal() and 1 <= int(key) <= len(shown):
            return LinkTo(shown[int(key) - 1].remote_id)
        if key in _SAID and (key != "x" or shown):
            return _SAID[key]
        problem = _is_no_key(key)


def _columns() -> int:
    """Return the width that is used; the terminal may have been resized since the last screen."""
    return max(_COLUMNS_MIN, shutil.get_terminal_size().columns - 1)


def _show(text: str, problem: str, keys: str) -> None:
    """Show a screen of its own, where the terminal can; else one below the other."""
    told = [text, *([plain(problem)] if problem else []), keys]
    is_coloured = difference.is_wanted()
    click.echo((_CLEAR if is_coloured else "\n") + "\n".join(told), err=True, color=is_coloured)


def _is_no_key(key: str) -> str:
    return f"{key!r} is none of these keys" if key.isprintable() else ""


def _take(conflict: Conflict, key: str) -> Take | None:
    accounts = list(conflict.theirs)
    if key == "n":
        return TakeNote()
    if key == "r" and len(accounts) == 1:
        return TakeRemote(accounts[0])
    if key.isdecimal() and 1 <= int(key) <= len(accounts) > 1:
        return TakeRemote(accounts[int(key) - 1])
    return TakeBoth() if key == "b" and is_list(conflict) else None


@contextmanager
def _keys() -> Generator[Callable[[], str]]:
    """Take keys one by one from here on, and hand over what reads the next; "" is the end of the input.

    From before a screen is shown: a key counts as soon as one can see what it answers, and none that was typed earlier
    does, for a screen that was not there yet. What one key sends, such as an arrow's three characters, comes as one.
    Ctrl-C interrupts; Ctrl-Z is a key, because whoever comes back finds a terminal that waits for whole lines.
    """
    stdin = sys.stdin.fileno()
    before = termios.tcgetattr(stdin)
    tty.setcbreak(stdin, termios.TCSAFLUSH)
    single = termios.tcgetattr(stdin)
    single[_CONTROL_CHARACTERS][termios.VSUSP] = _NO_CHARACTER
    termios.tcsetattr(stdin, termios.TCSADRAIN, single)
    try:
        yield lambda: os.read(stdin, _KEY_BYTES_MAX).decode(errors="replace")
    finally:
        termios.tcsetattr(stdin, termios.TCSADRAIN, before)


def _edited(conflict: Conflict) -> Take | None:
    """Have a value edited, one line for each text; None if nothing was saved.

    Errors: `click.ClickException` if there is no such editor, or it says that it failed.
    """
    lines = [_as_line(plain(text)) for text in texts(conflict.ours)] or [""]
    help_line = f"# {field_name(conflict.field)}: {'one value on each line' if is_list(conflict) else 'one line'}."
    said = [f"# {account}: {plain(text)}" for account, value in conflict.theirs.items() for text in texts(value)]
    edited = click.edit("\n".join([*lines, help_line, *said, *_HELP_IN_EDITOR, ""]))
    if edited is None:
        return None
    kept = (line.strip() for line in edited.splitlines() if not line.startswith("#"))
    return TakeValue(tuple(line.removeprefix("\\") for line in kept if line))


def _as_line(text: str) -> str:
    """Return a text as a line that counts, whatever it begins with."""
    return f"\\{text}" if text.startswith(("#", "\\")) else text


def is_terminal() -> bool:
    """Tell whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()
