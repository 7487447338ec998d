"""A real terminal for tests: tmux holds it, keys are typed into it, and what it shows is read off it."""

import os
import shlex
import subprocess
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

_NUMBERS = count()

PATIENCE_S = 60.0
"""A loaded machine takes its time; a test that waits for what never comes fails after this."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """One terminal with a shell in it."""

    tmux: Path
    socket: Path

    def type(self, *keys: str) -> None:
        """Type keys, by the names that tmux has for them, or texts."""
        self._run("send-keys", "-t", "0", *keys)

    def resize(self, columns: int, lines: int) -> None:
        self._run("resize-window", "-t", "0", "-x", str(columns), "-y", str(lines))
        # tmux tells the terminal of it a moment later, and only then a program can know.
        end = time.monotonic() + PATIENCE_S
        with Path(self._run("display-message", "-p", "-t", "0", "#{pane_tty}").strip()).open("rb") as tty:
            while os.get_terminal_size(tty.fileno()).columns != columns:
                assert time.monotonic() < end, "the terminal never had its new size"
                time.sleep(0.05)

    def shown(self) -> str:
        """Return what is on the screen."""
        return self._run("capture-pane", "-p", "-t", "0")

    def shown_in_colour(self) -> str:
        """Return what is on the screen, with the escapes that colour it."""
        return self._run("capture-pane", "-p", "-e", "-t", "0")

    def wait_for(self, text: str) -> str:
        """Return the screen as soon as it shows a text."""
        return self._wait(text, shows=True)

    def wait_until_gone(self, text: str) -> str:
        """Return the screen as soon as it no longer shows a text."""
        return self._wait(text, shows=False)

    def _wait(self, text: str, *, shows: bool) -> str:
        end = time.monotonic() + PATIENCE_S
        while (text in (screen := self.shown())) is not shows:
            assert time.monotonic() < end, f"{text!r} {'never came' if shows else 'stayed'}; the screen:\n{screen}"
            time.sleep(0.05)
        return screen

    def _run(self, *arguments: str) -> str:
        command = [str(self.tmux), "-S", str(self.socket), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@contextmanager
def terminal(
    tmux: Path, folder: Path, command: Sequence[str | Path], *, columns: int = 80, lines: int = 24, **environment: str
) -> Generator[Terminal]:
    """Run a command in a terminal of its own; whatever is left of it is ended with the block.

    The last line says `ENDED code` once the command has ended.
    """
    # A server that has just been ended may still hold its socket.
    socket = folder / f"tmux-{next(_NUMBERS)}"
    kept: dict[str, str] = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"}
    kept |= {"TERM": "screen-256color", **environment}
    line = " ".join(shlex.quote(str(part)) for part in command)
    words = ["env", "-i", *(f"{name}={value}" for name, value in kept.items())]
    shell = f"{' '.join(map(shlex.quote, words))} {line}; echo ENDED $?; sleep 600"
    start = ["-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(lines), shell]
    opened = Terminal(tmux, socket)
    subprocess.run([str(tmux), "-S", str(socket), *start], check=True, env={**os.environ, "LANG": "C.UTF-8"})
    try:
        yield opened
    finally:
        subprocess.run([str(tmux), "-S", str(socket), "kill-server"], check=False, capture_output=True)
