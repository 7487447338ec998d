"""Backup and restore of the state: one file, a database like the state's own, with the machine's id in it.

Why restoring an old state is safe. It brings back who is linked to whom, and nothing that time has passed by. An old
base would make a value that both sides agreed on since, and the owner then set back, look like nobody's edit; so bases
are emptied: what is equal is adopted again, what differs is asked about. A restored state has no cursors, believes no
record and no stat of a note, has missed nothing so far, makes no contact for a note whose uid no contact carries, and
drops the intents that were open when it was copied, because what came of them was settled long ago.

Whoever calls `restore` holds the lock. Tokens are not in a backup: signing in again is cheaper than a leaked one.
"""

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from daemon import journal, links, records
from daemon.database import (
    BACKUPS_NAME,
    DATABASE_NAME,
    PRIVATE_FILE,
    check_soundness,
    check_version,
    connect,
    copy_database,
    make_folder,
    stamp,
    sync_file,
    sync_folder,
    translated,
)
from daemon.errors import StateError
from daemon.schema import MIGRATIONS, version_of
from daemon.state import State, Transaction, get_meta, is_kept

MACHINE_ID_NAME = "machine-id"
"""The file in the state's folder that holds this machine's id."""

_MACHINE_ID = "machine_id"
_WORK_NAME = "restoring"


def backup(state_folder: Path, target: Path, now: datetime) -> None:
    """Copy the state and the machine's id into a new file that is the owner's alone.

    Errors: `StateError` if there is no state, if it is damaged, or if the target exists; nothing is left behind then.
    """
    if not is_kept(state_folder):
        raise StateError("there is no state to back up")
    with closing(State.open(state_folder, now)) as state:
        try:
            state.copy_to(target)
        except OSError as error:
            raise StateError(f"the backup cannot be written: {error.strerror}") from error
    try:
        _complete(target, state_folder / MACHINE_ID_NAME)
    except BaseException:
        target.unlink()
        raise


def restore(source: Path, state_folder: Path, now: datetime) -> None:
    """Put a backup, or a copy from `backups/`, in the place of the present state, which is kept in `backups/`.

    A machine id that the folder has stays: it is this machine's. The state is the old one or the new one at every
    instant.
    Errors: `StateError` if the source is damaged, newer than the program or not contactd's; nothing has changed then.
    """
    make_folder(state_folder)
    work = state_folder / _WORK_NAME
    shutil.rmtree(work, ignore_errors=True)
    make_folder(work)
    try:
        shutil.copyfile(source, work / DATABASE_NAME)
        (work / DATABASE_NAME).chmod(PRIVATE_FILE)
        _check(work / DATABASE_NAME)
        machine_id = _prepare(work, now)
        _keep_aside(state_folder, now)
        (work / DATABASE_NAME).replace(state_folder / DATABASE_NAME)
        sync_folder(state_folder)
        _write_machine_id(state_folder / MACHINE_ID_NAME, machine_id)
    except OSError as error:
        raise StateError(f"the state cannot be restored: {error.strerror}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _complete(target: Path, machine_id_file: Path) -> None:
    with translated(), closing(connect(target)) as copy:
        check_soundness(copy, "integrity_check")
        if machine_id_file.exists():
            machine_id = machine_id_file.read_text(encoding="utf-8")
            copy.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_MACHINE_ID, machine_id))
    sync_file(target)


def _check(candidate: Path) -> None:
    with translated(), closing(connect(candidate)) as copy:
        check_version(copy, len(MIGRATIONS))
        if not version_of(copy):
            raise StateError("this file is no state of contactd")
        check_soundness(copy, "integrity_check")


def _prepare(work: Path, now: datetime) -> str | None:
    """Make the copy one that counts on nothing; return the machine's id that came with it."""
    with closing(State.open(work, now)) as state, state.transaction() as tx:
        believe_nothing(tx, "open when the state was backed up; the state was restored since")
        machine_id = get_meta(tx, _MACHINE_ID)
        tx.run("DELETE FROM meta WHERE key = ?", (_MACHINE_ID,))
    sync_file(work / DATABASE_NAME)
    return machine_id


def believe_nothing(tx: Transaction, why_dropped: str) -> None:
    """Keep who is linked to whom, and nothing that time may have passed by.

    Shapes: `why_dropped` is what the journal says of intents that were open.
    """
    for account in records.accounts(tx):
        records.read_anew(tx, account)
        # Contacts may have been deleted since: a uid that no contact carries is then a question, not a new contact.
        records.set_recovering(tx, account, True)  # noqa: FBT003  # the value
    links.distrust_bases(tx)
    tx.run("UPDATE records SET missing_looks = 0")
    tx.run("UPDATE notes SET missing_looks = 0, trusted = 0")
    for intent in journal.unfinished(tx):
        journal.dropped(tx, intent.id, why_dropped)


def _keep_aside(state_folder: Path, now: datetime) -> None:
    """Copy the present database into `backups/` and end its log, which would be taken for the new one's."""
    present = state_folder / DATABASE_NAME
    if present.exists():
        backups = state_folder / BACKUPS_NAME
        make_folder(backups)
        _copy_whatever_it_is(present, backups / f"state-replaced-{stamp(now)}.db")
    for suffix in ("-wal", "-shm"):
        present.with_name(present.name + suffix).unlink(missing_ok=True)


def _copy_whatever_it_is(present: Path, target: Path) -> None:
    try:
        with closing(connect(present)) as connection:
            copy_database(connection, target)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.DatabaseError:
        # It is damaged: the bytes are all that can be kept of it.
        shutil.copyfile(present, target)
        target.chmod(PRIVATE_FILE)
        sync_file(target)


def _write_machine_id(path: Path, machine_id: str | None) -> None:
    if machine_id is None or path.exists():
        return
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE_FILE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(machine_id)
    sync_file(path)
