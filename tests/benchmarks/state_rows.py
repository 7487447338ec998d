"""Print what ten thousand people cost in the state: `python tests/benchmarks/state_rows.py [COUNT]`."""

import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from connectors.interface import ChangeSet
from daemon import links, notes, records
from daemon.codec import pack_reading, unpack_reading
from daemon.database import check_soundness, connect
from daemon.notes import NoteRow
from daemon.state import State, Transaction
from mappings.fields import FIELDS, blank, with_values
from mappings.person import FieldName, Person, Uid, Value
from mappings.record import AccountName, Etag, NoteHash, NotePath, Reading, Record, RemoteId

NOW = datetime(2026, 11, 23, tzinfo=UTC)
HOME = AccountName("home")
NOBODY = Person(**{name: blank(name) for name in FIELDS})  # type: ignore[arg-type]  # each name has its own shape


def values_of(number: int) -> dict[FieldName, Value]:
    return {
        "name": f"Person Number{number}",
        "given_name": "Person",
        "family_name": f"Number{number}",
        "emails": (f"person{number}@example.test", f"p{number}@work.example.test"),
        "phones": (f"+49 30 {number:07}",),
        "organization": f"Company {number % 300}",
        "title": "Cloud team lead",
        "location": "Tel Aviv",
        "birthday": "1990-05-09",
        "links": (f"https://example.test/{number}",),
        "last_contact": "2026-11-07",
        "department": "Research",
    }


def reading_of(number: int) -> Reading:
    return Reading(Uid(f"uid-{number:06}"), with_values(NOBODY, values_of(number)), {})


def note_row(number: int) -> NoteRow:
    return NoteRow(
        path=NotePath(f"People/Person Number{number}.md"),
        device=66310,
        inode=1_000_000 + number,
        size_bytes=900,
        mtime_ns=1_700_000_000_000_000_000 + number,
        ctime_ns=1_700_000_000_000_000_000 + number,
        trusted=True,
        note_hash=NoteHash(f"{number:064x}"),
        hashed_at=NOW,
        rules_key="people-notes 1",
        uid=Uid(f"uid-{number:06}"),
        reading=pack_reading(reading_of(number)),
        dated=frozenset(("last_contact",)),
        context_date="",
        holdable=frozenset(("name", "emails", "phones", "organization", "title")),
        unwritable="",
        unreadable_line=None,
        unreadable_reason=None,
        missing_looks=0,
        addresses=(),
    )


@contextmanager
def measured(what: str) -> Generator[None]:
    begun = time.perf_counter()
    yield
    print(f"{what:60} {1000 * (time.perf_counter() - begun):8.1f} ms")  # noqa: T201  # a script that prints


def main(count: int) -> None:
    rows = [note_row(number) for number in range(count)]
    found = tuple(
        Record(RemoteId(f"{number:06}.vcf"), Etag(f"e{number}"), reading_of(number)) for number in range(count)
    )
    with tempfile.TemporaryDirectory() as folder:
        state = State.open(Path(folder), NOW)
        _notes(state, rows)
        _records(state, ChangeSet(found, (), (), None, complete=True, listed=count))
        _links(state, count)
        state.close()
        with measured("open, nothing to check"):
            State.open(Path(folder), NOW).close()
        connection = connect(Path(folder) / "state.db")
        with measured("quick_check, once a day"):
            check_soundness(connection, "quick_check")
        connection.close()
        print(f"{(Path(folder) / 'state.db').stat().st_size / count:60.0f} bytes a person")  # noqa: T201  # as above


def _notes(state: State, rows: list[NoteRow]) -> None:
    _written(state, "notes: insert", lambda tx: notes.put_rows(tx, rows))
    _written(state, "notes: upsert", lambda tx: notes.put_rows(tx, [replace(row, inode=1) for row in rows]))
    with measured("notes: load, readings packed"):
        loaded = notes.rows(state)
    with measured("notes: unpack all readings"):
        [unpack_reading(row.reading) for row in loaded.values() if row.reading is not None]


def _records(state: State, change_set: ChangeSet) -> None:
    _written(state, "records: store a change set", lambda tx: records.store_change_set(tx, HOME, change_set, NOW))
    with measured("records: known"):
        records.known(state, HOME)
    with measured("records: load, unpacked"):
        records.records(state, HOME)


def _links(state: State, count: int) -> None:
    def link_all(tx: Transaction) -> None:
        for number in range(count):
            uid = Uid(f"uid-{number:06}")
            links.remember_person(tx, uid, NotePath(f"People/Person Number{number}.md"))
            links.add_link(tx, HOME, uid, RemoteId(f"{number:06}.vcf"))
            links.agree(tx, HOME, uid, values_of(number))

    _written(state, "links: remember, link and agree, one by one", link_all)
    with measured("links: load all bases"):
        links.links(state)


def _written(state: State, what: str, write: Callable[[Transaction], None]) -> None:
    with measured(what), state.transaction() as tx:
        write(tx)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
