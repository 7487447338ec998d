"""What is remembered of the dates in a note, and what calendars tell of a person: what `derived_dates` decides from."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from mappings.person import FieldName, Uid


@dataclass(frozen=True, slots=True)
class Free:
    """The owner has said nothing."""


@dataclass(frozen=True, slots=True)
class Floor:
    """The owner's date, below which it does not fall."""

    date: str


@dataclass(frozen=True, slots=True)
class Pin:
    """The owner's date, "" for none, which stands against a meeting at `against`; None if there was no meeting."""

    date: str
    against: datetime | None


@dataclass(frozen=True, slots=True)
class Off:
    """The owner took the key out."""


Standing = Free | Floor | Pin | Off
"""What the owner's last word on a field means."""


@dataclass(frozen=True, slots=True)
class DateMemory:
    """What is remembered of one field of one note.

    `stood` is what the note said when last looked at or written to; `intended` what we set out to write since, None
    for nothing. `written_on` is the local day of our last write, "" if there was none.
    """

    stood: str | None
    intended: str | None
    standing: Standing
    written_on: str


NOTHING_REMEMBERED = DateMemory(None, None, Free(), "")


def carried_out(memory: DateMemory, today: str) -> DateMemory:
    """Return what to remember once the note says what was intended."""
    if memory.intended is None:
        return memory
    return replace(memory, stood=memory.intended, intended=None, written_on=today)


class Dated(Protocol):
    """A meeting as far as dates are concerned: its local day and the instant at which it starts."""

    @property
    def date(self) -> str: ...

    @property
    def start(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Met:
    """A meeting that gives somebody a date."""

    date: str
    start: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """What the calendars tell of one person."""

    last_contact: Met | None
    next_meeting: Met | None
    last_1on1: Met | None
    meetings_90d: int


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody who was met and has no note: the first and the last meeting that count. `address` is as invited."""

    address: str
    first: Met
    last: Met


NOTHING_TOLD = Told(None, None, None, 0)


@dataclass(frozen=True, slots=True)
class Dates:
    """What there is to derive dates from, for everybody.

    `unanswered` counts the meetings of two that lack only the owner's answer; `shared` are the addresses that were
    invited and are several notes', so that nobody was met there. `today` is the owner's local day; `fields` are those that are kept up at all. `from_context` says that the newest
    dated line of a note's "Recent Context" serves where no other date is the owner's. `first_run` says that no
    date was ever given to anybody, `held` that none is to be given or taken now.
    """

    today: str
    fields: frozenset[FieldName]
    from_context: bool
    first_run: bool
    held: bool
    told: Mapping[Uid, Told]
    unanswered: int
    shared: Mapping[str, frozenset[Uid]]
    memories: Mapping[tuple[Uid, FieldName], DateMemory]

    def memory(self, uid: Uid, field: FieldName) -> DateMemory:
        return self.memories.get((uid, field), NOTHING_REMEMBERED)
