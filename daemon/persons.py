"""Everybody who has a note, as the last run read it: who is meant by a name, and what the note says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from daemon import dates, links, notes
from daemon.codec import unpack_reading
from daemon.errors import DaemonError
from daemon.state import Readable
from mappings.fields import DERIVED, texts, value_of
from mappings.person import FieldName, Person, Uid
from mappings.record import NotePath


class NoSuchPerson(DaemonError):
    """Nobody, or more than one, is called so: say who might be meant."""

    exit_code = 64


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """One person whose note was read; `dates` are what it says of each derived field that has a key in it.

    `untouched` are the derived fields of which nothing can be written into the note, and why.
    """

    uid: Uid
    path: NotePath
    person: Person
    dates: Mapping[FieldName, str]
    untouched: Mapping[FieldName, str]

    @property
    def stem(self) -> str:
        """The note's name, without folder and ending."""
        return self.path.rpartition("/")[2].removesuffix(".md")


def persons(state: Readable) -> tuple[KnownPerson, ...]:
    """Return everybody whose note could be read by the last run, by path."""
    rows, memories = notes.rows(state), dates.memories(state)
    found: list[KnownPerson] = []
    for uid, path in sorted(links.people(state).items(), key=lambda item: item[1]):
        row = rows.get(path)
        reading = unpack_reading(row.reading) if row is not None and row.reading is not None else None
        if row is not None and reading is not None and not row.missing_looks:
            read: dict[FieldName, str | None] = {
                field: "".join(texts(value_of(reading.person, field))) for field in row.dated
            }
            # What was written since the note was read is remembered, and what it said when it was looked at.
            read |= {field: memories[uid, field].stood for field in DERIVED if (uid, field) in memories}
            said: dict[FieldName, str] = {field: text for field, text in read.items() if text is not None}
            refused = {**reading.held, **(dict.fromkeys(DERIVED, row.unwritable) if row.unwritable else {})}
            untouched: dict[FieldName, str] = {field: refused[field] for field in DERIVED if field in refused}
            found.append(KnownPerson(uid, path, reading.person, said, untouched))
    return tuple(found)


def named(everybody: Sequence[KnownPerson], name: str) -> KnownPerson:
    """Return the person who is named by the note's path, its name, the person's own name or the uid.

    Errors: `NoSuchPerson`, with those who might be meant.
    """
    wanted = name.casefold()
    exactly = [one for one in everybody if name in {one.uid, one.path, one.path.removesuffix(".md")}]
    alike = exactly or [one for one in everybody if wanted in {one.stem.casefold(), one.person.name.casefold()}]
    if len(alike) == 1:
        return alike[0]
    if alike:
        raise NoSuchPerson(f"several notes are called {name}: {', '.join(one.path for one in alike)}")
    parts = [one.path for one in everybody if wanted in one.person.name.casefold() or wanted in one.stem.casefold()]
    hint = f"; perhaps {' or '.join(parts[:3])}" if parts else ""
    raise NoSuchPerson(
        f"no person's note is called {name}{hint}. Expected its path in the vault, its file name, the person's name or "
        "the uid. A note that is new is known after the next `contactd sync --once`"
    )
