"""The state's file: opened, checked, brought up to date, copied. The only module that knows SQLite's errors.

SQLite opens a file of zero bytes as an empty database without a word. Beside the database therefore lies
`state.generation`, made with it: while it is there, an empty file is a loss, not a beginning. A database that is
*missing* beside it was moved away, as the errors below advise: a new one is made, and remembers that it follows
another (`LOST_STATE_AT`), because notes may then carry uids that nobody remembers having given.

Checks, and what they cost. Pages that SQLite cannot read show themselves whenever they are touched. All of them are
looked at once a day (`PRAGMA quick_check`), not at every start and not after a crash: a crash is what the write-ahead
log is for, rot is not tied to it, and `status` has to be quick.
"""

import os
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from daemon.codec import time_of, time_text
from daemon.errors import StateError, StateUnusable
from daemon.schema import APPLICATION_ID, migrate, version_of

DATABASE_NAME = "state.db"
GENERATION_NAME = "state.generation"
BACKUPS_NAME = "backups"

CREATED_AT = "created_at"
LOST_STATE_AT = "lost_state_at"
"""Meta: when this database was begun in the place of one that was lost."""

_CHECKED_AT = "checked_at"
_CHECK_EVERY = timedelta(days=1)
_BUSY_S = 5.0
PRIVATE_FILE = 0o600
_PRIVATE_FOLDER = 0o700

_WAY_OUT = (
    "losing it is safe: move state.db away and run again, then equal values are adopted and differing ones are asked "
    "about; or bring a copy back with `contactd restore`"
)
_UNUSABLE = {
    sqlite3.SQLITE_BUSY: "another program is using it",
    sqlite3.SQLITE_LOCKED: "another program is using it",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_READONLY: "it is read-only",
    sqlite3.SQLITE_PERM: "it is not ours to write",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
}


@contextmanager
def folder_usable() -> Generator[None]:
    """Let the operating system's errors about the folder of the state end here."""
    try:
        yield
    except OSError as error:
        raise StateError(f"the folder of the state cannot be used: {error.strerror}") from error


@contextmanager
def translated() -> Generator[None]:
    """Let SQLite's errors end here; those that only a mistake of ours can cause rise as they are."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        # SQLite's own errors carry a code. Python's for text that is no UTF-8 has none, and quotes the text.
        if isinstance(error, sqlite3.OperationalError) and not hasattr(error, "sqlite_errorcode"):
            raise damaged("it holds text that cannot be read") from None
        code = error.sqlite_errorcode & 0xFF
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            raise damaged(str(error)) from error
        if code in _UNUSABLE:
            raise StateUnusable(f"the state cannot be used: {_UNUSABLE[code]}") from error
        raise


def damaged(detail: str) -> StateError:
    """Return the error for a state that is not to be trusted."""
    return StateError(f"the state is damaged ({detail}); {_WAY_OUT}")


def opened(folder: Path, migrations: Sequence[str], now: datetime) -> sqlite3.Connection:
    """Open the database of a folder, make it if it is missing, and bring it to the last of the migrations.

    An older one is copied into `backups/` before it is changed.
    Errors: `StateError`; a database that is damaged or newer is as it was.
    """
    path = folder / DATABASE_NAME
    followed = (folder / GENERATION_NAME).exists()
    if followed and path.exists() and not path.stat().st_size:
        raise damaged("state.db is empty, and was not")
    _make_private(path)
    connection = connect(path)
    try:
        _bring_up_to_date(connection, folder, now, migrations)
        _begin(connection, now, following=followed)
        if not followed:
            _write_generation(folder)
        _check_pages(connection, now)
    except BaseException:
        connection.close()
        raise
    return connection


def connect(path: Path | str) -> sqlite3.Connection:
    """Connect as the stores need it: transactions are begun by hand, and durable when they end."""
    connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _bring_up_to_date(connection: sqlite3.Connection, folder: Path, now: datetime, migrations: Sequence[str]) -> None:
    # Nothing is written before the file is known to be ours to write.
    version = version_of(connection)
    check_version(connection, len(migrations))
    connection.execute("PRAGMA journal_mode = WAL")
    if 0 < version < len(migrations):
        backups = folder / BACKUPS_NAME
        make_folder(backups)
        copy_database(connection, backups / f"state-{version}-{stamp(now)}.db")
    migrate(connection, migrations)


def check_version(connection: sqlite3.Connection, known: int) -> None:
    """Check that a database is contactd's and not newer than the program; an empty one passes.

    Errors: `StateError`.
    """
    version = version_of(connection)
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables and application_id != APPLICATION_ID:
        raise damaged("it is another program's database")
    if version > known:
        raise StateError(
            f"the state is of a newer contactd (version {version}, this one knows {known}): upgrade contactd, "
            f"or bring back an older state from its folder `{BACKUPS_NAME}` with `contactd restore`"
        )


def _begin(connection: sqlite3.Connection, now: datetime, *, following: bool) -> None:
    """Remember when the database was made, and whether in the place of one that was lost; once."""
    if connection.execute("SELECT 1 FROM meta WHERE key = ?", (CREATED_AT,)).fetchone():
        return
    keys = (CREATED_AT, LOST_STATE_AT) if following else (CREATED_AT,)
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT OR IGNORE INTO meta VALUES (?, ?)", [(key, time_text(now)) for key in keys])
    connection.execute("COMMIT")


def _write_generation(folder: Path) -> None:
    generation_fd = os.open(folder / GENERATION_NAME, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
    with os.fdopen(generation_fd, "w", encoding="ascii") as generation:
        generation.write("While this file is here, contactd knows that state.db beside it must not be empty.\n")
        generation.flush()
        os.fsync(generation.fileno())
    sync_folder(folder)


def _check_pages(connection: sqlite3.Connection, now: datetime) -> None:
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (_CHECKED_AT,)).fetchone()
    # A clock that was set back makes the last check lie in the future; then it is due as well.
    if row and timedelta(0) <= now - time_of(row[0]) < _CHECK_EVERY:
        return
    check_soundness(connection, "quick_check")
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_CHECKED_AT, time_text(now)))


def check_soundness(connection: sqlite3.Connection, pragma: Literal["quick_check", "integrity_check"]) -> None:
    """Look at all pages, or at all pages and whether indexes agree with their tables.

    Errors: `StateError`. What SQLite found is not repeated in it: it may quote what is stored.
    """
    if connection.execute(f"PRAGMA {pragma}(1)").fetchall() != [("ok",)]:
        raise damaged(f"{pragma} fails")


def copy_database(connection: sqlite3.Connection, target: Path) -> None:
    """Copy a database as of now into a new file that is the owner's alone; durable when this returns.

    Errors: `FileExistsError`; an incomplete copy does not stay.
    """
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE_FILE))
    try:
        with closing(connect(target)) as copy:
            connection.backup(copy)
            # One file is to be the whole copy, without a log beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
        sync_file(target)
    except BaseException:
        target.unlink()
        raise


def stamp(now: datetime) -> str:
    """Return an instant as part of a file name that sorts as time does."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}"


def make_folder(folder: Path) -> None:
    """Make a folder that is the owner's alone; one that is there stays as it is.

    Errors: `StateError`.
    """
    with folder_usable():
        folder.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)


def sync_file(path: Path) -> None:
    """Make a file and its name durable."""
    _fsync(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    _fsync(folder)


def _make_private(path: Path) -> None:
    # SQLite gives its log the permissions of the database.
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, PRIVATE_FILE))


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
