"""Known bugs beside what a history is made of, put into the program one at a time: its own tests must find them.

A test that finds one is an ordinary one, run in this process with the bug in place.
"""

import io
import os
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from connectors import http, tokens
from connectors.http import Answer
from daemon import folder_vault, lock, log, scan
from daemon.notes import NoteRow
from daemon.vault import FileStat
from mappings import frontmatter_edit, note
from mappings.frontmatter_edit import NewText

Patch = pytest.MonkeyPatch

_ROOT = Path(__file__).parents[2]


def values_as_they_come(patch: Patch) -> None:
    """A value is written into the frontmatter without quotes, and nobody reads the result again."""

    def plainly(new: NewText, *, in_flow: bool) -> str:
        del in_flow
        return new.text

    def believed(*readings: object) -> None:
        del readings

    patch.setattr(frontmatter_edit, "_spell", plainly)
    patch.setattr(note, "_check_second_reading", believed)


def asked_again_at_once(patch: Patch) -> None:
    """A server that asks to be left alone for a while is asked again."""

    def unheard(answer: Answer) -> float | None:
        del answer
        return None

    patch.setattr(http, "_retry_after_s", unheard)


def links_followed(patch: Patch) -> None:
    """A note or a folder of the vault may be a link, wherever it leads."""
    patch.setattr(folder_vault, "_NOTE", vars(folder_vault)["_NOTE"] & ~os.O_NOFOLLOW)
    patch.setattr(folder_vault, "_FOLDER", vars(folder_vault)["_FOLDER"] & ~os.O_NOFOLLOW)


def secrets_logged(patch: Patch) -> None:
    """What looks like a secret goes into the log like anything else."""
    patch.setattr(log, "without_secrets", str)


def tokens_of_everybody(patch: Patch) -> None:
    """A file of tokens that others may open is taken like any other."""

    def trusted(*asked: object) -> None:
        del asked

    patch.setattr(tokens, "_check_ours", trusted)


def two_at_a_time(patch: Patch) -> None:
    """Whoever comes second does not look whether somebody holds the lock."""

    def unlocked(lock_fd: int) -> None:
        del lock_fd

    patch.setattr(lock, "_lock", unlocked)


def only_later_times_are_edits(patch: Patch) -> None:
    """A note whose time is not later than the one last seen is as it was."""
    is_valid: Callable[..., bool] = vars(scan)["_is_valid"]

    def by_the_clock(row: NoteRow, stat: FileStat, *others: object) -> bool:
        return stat.mtime_ns <= row.mtime_ns or is_valid(row, stat, *others)

    patch.setattr(scan, "_is_valid", by_the_clock)


MUTANTS: Mapping[Callable[[Patch], None], tuple[str, str]] = {
    values_as_they_come: ("I6", "tests/pure/test_note_laws.py"),
    asked_again_at_once: ("I16", "tests/contract/test_http.py"),
    links_followed: ("I18", "tests/cycle/test_vault.py"),
    secrets_logged: ("I19", "tests/cli/test_log.py"),
    tokens_of_everybody: ("I19", "tests/contract/test_tokens.py"),
    two_at_a_time: (
        "I20",
        "tests/cycle/test_lock.py::test_a_holder_that_has_not_written_its_pid_yet_is_still_a_holder",
    ),
    only_later_times_are_edits: ("I22", "tests/cycle/test_partial_looks.py"),
}
"""Each with the invariant that it is about, and the tests that must find it."""


class Mutated:
    """A plug-in of pytest that has a bug in place while a test runs; `failed` is the first that found it, "" if none."""

    def __init__(self, mutant: Callable[[Patch], None]) -> None:
        self._mutant = mutant
        self.count = 0
        self.failed = ""

    @pytest.fixture(autouse=True)
    def mutated(self, monkeypatch: Patch) -> None:
        self._mutant(monkeypatch)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.count += report.when == "call"
        if report.failed and report.when == "call":
            self.failed = report.nodeid.rpartition("::")[2]


def tried(mutant: Callable[[Patch], None], tests: str) -> tuple[int, str]:
    """Return which test in order found a bug, and its name; 0 and what pytest said if none did."""
    mutated, said = Mutated(mutant), io.StringIO()
    with redirect_stdout(said):
        code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", str(_ROOT / tests)], plugins=[mutated])
    if code == pytest.ExitCode.TESTS_FAILED and mutated.failed:
        return mutated.count, mutated.failed
    return 0, f"{mutated.count} tests, {said.getvalue().strip()[-200:]}"
