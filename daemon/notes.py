"""The scan cache: what every note of the vault was when it was last read, so that it need not be read again.

It holds all notes, people or not, and remembers those that vanished until they are dropped. Whether a row may be
used without reading the file is the scan's to decide; here is only what was seen.

Ten thousand rows are loaded and written at every large run, so a reading stays packed (`codec.unpack_reading`) until
somebody asks what it says.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from daemon.codec import PackedReading, is_whole, time_of, time_text
from daemon.state import Readable, Row, Transaction
from mappings.fields import FIELDS
from mappings.person import FieldName, Uid
from mappings.record import NoteHash, NotePath


@dataclass(frozen=True, slots=True)
class NoteRow:
    """One note as last read.

    `trusted` says that the stat was old enough when the note was read to notice any later change. `rules_key` names
    the rules that decided whose note it is and read it. `reading` is None for a note that is not a person's or could
    not be read (`unreadable_reason` is then not None). `uid` may be known where the note does not carry it.
    `addresses` are those in a note that is nobody's. `missing_looks` counts the complete looks in a row that did not find it,
    or found no person in it any more.
    """

    path: NotePath
    device: int
    inode: int
    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    trusted: bool
    note_hash: NoteHash
    hashed_at: datetime
    rules_key: str
    uid: Uid | None
    reading: PackedReading | None
    holdable: frozenset[FieldName]
    dated: frozenset[FieldName]
    addresses: tuple[str, ...]
    context_date: str
    unwritable: str
    unreadable_line: int | None
    unreadable_reason: str | None
    missing_looks: int


def rows(state: Readable) -> dict[NotePath, NoteRow]:
    """Return all rows by path; without those whose reading is damaged, so that their notes are read as new ones."""
    sql = (
        "SELECT path, device, inode, size_bytes, mtime_ns, ctime_ns, trusted, note_hash, hashed_at, rules_key, uid,"
        " reading, holdable, dated, addresses, context_date, unwritable, unreadable_line, unreadable_reason, missing_looks FROM notes"
    )
    found = map(_of_row, state.all(sql))
    return {row.path: row for row in found if row.reading is None or is_whole(row.reading)}


def put_rows(tx: Transaction, rows: Iterable[NoteRow]) -> None:
    """Store rows as given, each in the place of an earlier one of its path."""
    tx.run_each(
        "INSERT OR REPLACE INTO notes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                row.path,
                row.device,
                row.inode,
                row.size_bytes,
                row.mtime_ns,
                row.ctime_ns,
                row.trusted,
                row.note_hash,
                _time_text(row.hashed_at),
                row.rules_key,
                row.uid,
                row.reading,
                _fields_text(row.holdable),
                _fields_text(row.dated),
                "\n".join(row.addresses),
                row.context_date,
                row.unwritable,
                row.unreadable_line,
                row.unreadable_reason,
                row.missing_looks,
            )
            for row in rows
        ),
    )


def drop_rows(tx: Transaction, paths: Iterable[NotePath]) -> None:
    """Forget notes."""
    tx.run_each("DELETE FROM notes WHERE path = ?", ((path,) for path in paths))


def count_missing(tx: Transaction, paths: Iterable[NotePath]) -> None:
    """Remember that one more complete look did not find these notes."""
    tx.run_each("UPDATE notes SET missing_looks = missing_looks + 1 WHERE path = ?", ((path,) for path in paths))


def found_again(tx: Transaction, paths: Iterable[NotePath]) -> None:
    """Remember that notes which looks had missed are there."""
    tx.run_each("UPDATE notes SET missing_looks = 0 WHERE path = ?", ((path,) for path in paths))


def _of_row(row: Row) -> NoteRow:
    # Naming the columns is twice as fast as slicing the row around those that are converted.
    path, device, inode, size, mtime, ctime, trusted, note_hash, hashed_at, rules, uid, reading, *rest = row
    seen = (device, inode, size, mtime, ctime)
    holdable, dated, addresses, *others = rest
    sets = (_fields(holdable), _fields(dated), tuple(addresses.split("\n")) if addresses else ())
    return NoteRow(path, *seen, bool(trusted), note_hash, _time(hashed_at), rules, uid, reading, *sets, *others)


# Notes of one vault share a few sets of fields, and those of one scan a few instants.
_CACHED = 256
_time = lru_cache(_CACHED)(time_of)
_time_text = lru_cache(_CACHED)(time_text)


@lru_cache(_CACHED)
def _fields_text(fields: frozenset[FieldName]) -> str:
    return " ".join(sorted(fields))


@lru_cache(_CACHED)
def _fields(text: str) -> frozenset[FieldName]:
    names = frozenset(text.split())
    return frozenset(name for name in FIELDS if name in names)
