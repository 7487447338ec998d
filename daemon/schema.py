"""The state's tables, as numbered migrations; `migrate` brings a database up to date.

A migration is never edited once it has been released: a change is a further one. Tables are STRICT, so that SQLite
itself answers for the type of every column that the stores read back.
"""

import sqlite3
from collections.abc import Iterator, Sequence

APPLICATION_ID = 0x434E5444
"""Marks the file as ours in SQLite's header: "CNTD"."""

MIGRATIONS: Sequence[str] = (
    """
    CREATE TABLE meta (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

    CREATE TABLE people (uid TEXT NOT NULL PRIMARY KEY, path TEXT NOT NULL) STRICT, WITHOUT ROWID;

    CREATE TABLE links (
        account TEXT NOT NULL,
        uid TEXT NOT NULL,
        remote_id TEXT NOT NULL,
        base BLOB NOT NULL,
        etag TEXT NOT NULL,
        suspended_at TEXT,
        PRIMARY KEY (account, uid),
        UNIQUE (account, remote_id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE tombstones (
        account TEXT NOT NULL,
        uid TEXT NOT NULL,
        remote_id TEXT NOT NULL,
        reason TEXT NOT NULL,
        at TEXT NOT NULL,
        PRIMARY KEY (account, uid, remote_id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE strangers (
        account TEXT NOT NULL,
        uid TEXT NOT NULL,
        remote_id TEXT NOT NULL,
        PRIMARY KEY (account, uid, remote_id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE accounts (
        account TEXT NOT NULL PRIMARY KEY,
        cursor TEXT,
        last_success_at TEXT,
        first_run_done INTEGER NOT NULL,
        recovering INTEGER NOT NULL,
        looks INTEGER NOT NULL,
        rules TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE records (
        account TEXT NOT NULL,
        remote_id TEXT NOT NULL,
        etag TEXT NOT NULL,
        reading BLOB,
        unreadable_line INTEGER,
        unreadable_reason TEXT,
        missing_looks INTEGER NOT NULL,
        stale INTEGER NOT NULL,
        first_look INTEGER NOT NULL,
        PRIMARY KEY (account, remote_id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE notes (
        path TEXT NOT NULL PRIMARY KEY,
        device INTEGER NOT NULL,
        inode INTEGER NOT NULL,
        size_bytes INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        ctime_ns INTEGER NOT NULL,
        trusted INTEGER NOT NULL,
        note_hash TEXT NOT NULL,
        hashed_at TEXT NOT NULL,
        rules_key TEXT NOT NULL,
        uid TEXT,
        reading BLOB,
        holdable TEXT NOT NULL,
        dated TEXT NOT NULL,
        addresses TEXT NOT NULL,
        context_date TEXT NOT NULL,
        unwritable TEXT NOT NULL,
        unreadable_line INTEGER,
        unreadable_reason TEXT,
        missing_looks INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE calendars (
        account TEXT NOT NULL,
        calendar TEXT NOT NULL,
        span TEXT NOT NULL,
        cursor TEXT,
        events INTEGER NOT NULL,
        with_attendees INTEGER NOT NULL,
        PRIMARY KEY (account, calendar)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE sightings (
        account TEXT NOT NULL,
        calendar TEXT NOT NULL,
        source TEXT NOT NULL,
        settled INTEGER NOT NULL,
        etag TEXT NOT NULL,
        packed BLOB NOT NULL,
        PRIMARY KEY (account, calendar, source, settled)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE vetoes (
        meeting TEXT NOT NULL,
        uid TEXT NOT NULL,
        at TEXT NOT NULL,
        PRIMARY KEY (meeting, uid)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE dates (
        uid TEXT NOT NULL,
        field TEXT NOT NULL,
        stood TEXT,
        intended TEXT,
        standing TEXT NOT NULL,
        date TEXT NOT NULL,
        against TEXT,
        written_on TEXT NOT NULL,
        PRIMARY KEY (uid, field)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE conflicts (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL,
        uid TEXT NOT NULL,
        field TEXT NOT NULL,
        ours TEXT NOT NULL,
        theirs TEXT NOT NULL,
        bases TEXT NOT NULL,
        settled_by TEXT NOT NULL,
        chosen TEXT NOT NULL,
        returned TEXT NOT NULL,
        run INTEGER NOT NULL,
        since TEXT NOT NULL,
        state TEXT NOT NULL,
        closed_at TEXT
    ) STRICT;
    CREATE INDEX conflicts_of_field ON conflicts (uid, field, number);

    CREATE TABLE choices (
        conflict TEXT NOT NULL PRIMARY KEY,
        uid TEXT NOT NULL,
        value TEXT NOT NULL,
        at TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE standstills (
        uid TEXT NOT NULL,
        field TEXT NOT NULL,
        ours TEXT NOT NULL,
        theirs TEXT NOT NULL,
        at TEXT NOT NULL,
        PRIMARY KEY (uid, field)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE returns (
        account TEXT NOT NULL,
        uid TEXT NOT NULL,
        field TEXT NOT NULL,
        before TEXT NOT NULL,
        after TEXT NOT NULL,
        PRIMARY KEY (account, uid, field)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE looks (account TEXT NOT NULL PRIMARY KEY, at TEXT NOT NULL) STRICT, WITHOUT ROWID;

    CREATE TABLE bare (
        uid TEXT NOT NULL PRIMARY KEY,
        note_hash TEXT NOT NULL,
        accounts TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE questions (
        account TEXT NOT NULL,
        uid TEXT NOT NULL,
        path TEXT NOT NULL,
        kind TEXT NOT NULL,
        candidates TEXT NOT NULL,
        detail TEXT NOT NULL,
        since TEXT NOT NULL
    ) STRICT;

    CREATE TABLE holds (
        subject TEXT NOT NULL,
        account TEXT NOT NULL,
        kind TEXT NOT NULL,
        reason TEXT NOT NULL,
        waiting TEXT NOT NULL,
        since TEXT NOT NULL
    ) STRICT;

    CREATE TABLE waiting_steps (
        uid TEXT NOT NULL PRIMARY KEY,
        path TEXT NOT NULL,
        steps TEXT NOT NULL,
        made_at TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        started_at TEXT NOT NULL,
        finished_at TEXT,
        exit_code INTEGER,
        summary TEXT NOT NULL
    ) STRICT;

    CREATE TABLE operations (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        ordinal INTEGER NOT NULL,
        account TEXT NOT NULL,
        uid TEXT NOT NULL,
        remote_id TEXT NOT NULL,
        path TEXT NOT NULL,
        kind TEXT NOT NULL,
        intent TEXT NOT NULL,
        before BLOB,
        after BLOB,
        state TEXT NOT NULL,
        reason TEXT NOT NULL,
        at TEXT NOT NULL,
        undoable INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE egress (
        account TEXT NOT NULL,
        uid TEXT NOT NULL,
        field TEXT NOT NULL,
        first_at TEXT NOT NULL,
        last_at TEXT NOT NULL,
        times INTEGER NOT NULL,
        PRIMARY KEY (account, uid, field)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE former_bases (
        run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        account TEXT NOT NULL,
        uid TEXT NOT NULL,
        base BLOB NOT NULL,
        PRIMARY KEY (run, account, uid)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE dates_before (
        run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        uid TEXT NOT NULL,
        field TEXT NOT NULL,
        stood TEXT,
        intended TEXT,
        standing TEXT NOT NULL,
        date TEXT NOT NULL,
        against TEXT,
        written_on TEXT NOT NULL,
        PRIMARY KEY (run, uid, field)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX operations_of_run ON operations (run, ordinal);
    CREATE INDEX operations_unfinished ON operations (id) WHERE state = 'intended';
    CREATE INDEX operations_undoable ON operations (account, at) WHERE undoable;
    """,
)


def version_of(connection: sqlite3.Connection) -> int:
    """Return the number of the last migration that the database has seen; 0 for one that is empty."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def migrate(connection: sqlite3.Connection, migrations: Sequence[str]) -> None:
    """Run the migrations that are missing, each in a transaction of its own with the version that it leads to.

    A database that is up to date is not locked. The version is read again inside each transaction: another process
    may have done the same meanwhile.
    """
    seen = version_of(connection)
    for version, script in enumerate(migrations[seen:], start=seen + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            if version_of(connection) < version:
                _run(connection, script, version)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _run(connection: sqlite3.Connection, script: str, version: int) -> None:
    # `executescript` would commit first, and a half-done migration would stay.
    for statement in _statements(script):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {version}")


def _statements(script: str) -> Iterator[str]:
    """Yield the statements of a script; none of them holds a semicolon of its own."""
    return (statement for statement in script.split(";") if statement.strip())
