"""The program as a later version will be, whose state has seen one migration more: `python -m proof.newer_program sync`."""

import sys
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from daemon import backup, cli, state
from daemon.schema import MIGRATIONS

_LATER = (
    *MIGRATIONS,
    """
    CREATE TABLE colours (uid TEXT NOT NULL PRIMARY KEY, colour TEXT NOT NULL) STRICT;
    INSERT INTO colours SELECT uid, 'red' FROM people
    """,
)


@contextmanager
def installed() -> Generator[None]:
    """Be that version for a while."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state, "MIGRATIONS", _LATER)
        patch.setattr(backup, "MIGRATIONS", _LATER)
        yield


if __name__ == "__main__":
    with installed():
        sys.exit(cli.main())
