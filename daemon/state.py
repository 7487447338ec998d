"""What contactd remembers: one SQLite database, outside the vault.

Losing it is safe by design: without a base equal values are adopted, differing ones are asked about, and nothing is
deleted. Trusting a damaged one is not. So a state that is newer than the program, is no database, has a page that
SQLite cannot read, or became empty although there was one, is a `StateError`: stop, and let the owner decide.

The stores (`links`, `records`, …) are functions on a `State` or a `Transaction`. A transaction is durable when it
ends (`synchronous=FULL`), because rows are ordered with files: intent, note, base.
"""

import sqlite3
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import RLock
from typing import Any, Self

from daemon.database import DATABASE_NAME, connect, copy_database, folder_usable, make_folder, opened, translated
from daemon.schema import MIGRATIONS, migrate

Parameter = str | int | bytes | None
Row = tuple[Any, ...]
"""One row as SQLite returns it; the STRICT tables of `schema` are what types its columns."""


class Transaction:
    """A transaction that is open: all that is done with it happens, or none of it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def all(self, sql: str, parameters: Sequence[Parameter] = ()) -> list[Row]:
        """Return all rows of a query."""
        with translated():
            return self._connection.execute(sql, parameters).fetchall()

    def run(self, sql: str, parameters: Sequence[Parameter] = ()) -> int:
        """Run one statement; return the row id of the last row that was ever inserted."""
        with translated():
            return self._connection.execute(sql, parameters).lastrowid or 0

    def run_each(self, sql: str, rows: Iterable[Sequence[Parameter]]) -> None:
        """Run one statement for each row of parameters."""
        with translated():
            self._connection.executemany(sql, rows)


class State:
    """The database, open. Threads may share it: they take turns, a transaction at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = RLock()

    @classmethod
    def open(cls, folder: Path, now: datetime) -> Self:
        """Open the state kept in a folder; make both if they are not there.

        A database from an older program is copied into `backups/` and brought up to date. Files are the owner's alone.
        Errors: `StateError`, with the way out.
        """
        make_folder(folder)
        with folder_usable(), translated():
            return cls(opened(folder, MIGRATIONS, now))

    @classmethod
    def in_memory(cls) -> Self:
        """Make a state that is nowhere kept: for a dry run before there is any, and for simulations."""
        connection = connect(":memory:")
        migrate(connection, MIGRATIONS)
        return cls(connection)

    @contextmanager
    def transaction(self) -> Generator[Transaction]:
        """Begin a transaction, commit it at the end of the block, roll it back if the block raises.

        Errors: `StateError` if the state cannot be written; nothing of the block has happened then.
        """
        with self._lock:
            with translated():
                self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield Transaction(self._connection)
                with translated():
                    self._connection.execute("COMMIT")
            except BaseException:
                # SQLite has rolled back by itself after some errors, a full disk among them.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def all(self, sql: str, parameters: Sequence[Parameter] = ()) -> list[Row]:
        """Return all rows of a query, as of now."""
        with self._lock, translated():
            return self._connection.execute(sql, parameters).fetchall()

    def copied_in_memory(self) -> Self:
        """Return a copy that is nowhere kept: what happens to it has not happened."""
        connection = connect(":memory:")
        with self._lock, translated():
            self._connection.backup(connection)
        return type(self)(connection)

    def copy_to(self, target: Path) -> None:
        """Copy the state as of now into a new file that is the owner's alone; durable when this returns.

        Errors: `FileExistsError`; `StateError` if it cannot be read; an incomplete copy does not stay.
        """
        with self._lock, translated():
            copy_database(self._connection, target)

    def close(self) -> None:
        """Close the database; what was committed is kept."""
        with self._lock, translated():
            self._connection.close()


Readable = State | Transaction
"""What a store reads from."""


def is_kept(folder: Path) -> bool:
    """Tell whether a folder holds a state, whole or damaged; opening it would not make a new one.

    Errors: `StateError`.
    """
    with folder_usable():
        return (folder / DATABASE_NAME).exists()


def get_meta(state: Readable, key: str) -> str | None:
    """Return what is remembered under a name, None if nothing is."""
    rows = state.all("SELECT value FROM meta WHERE key = ?", (key,))
    return str(rows[0][0]) if rows else None


def set_meta(tx: Transaction, key: str, value: str) -> None:
    """Remember a text under a name."""
    tx.run("INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", (key, value))
