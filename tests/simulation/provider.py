"""Address books that are watched: who did what in them, and what they make of the values they are given."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from connectors.interface import Cursor
from connectors.memory import Book, Entry
from mappings.person import FieldName, Person, Uid, Value
from mappings.record import RemoteId

Witness = Callable[[RemoteId, Entry | None, Entry | None], None]
"""Told of everything that happens in a book: the record before and after."""


LAG = timedelta(minutes=3)
"""How long a feed that lags does not know of a change. Source: People API, "Sync changes are not immediate"."""


class Provider(Book):
    """A book that tells a witness of every change; a fussy one spells values in its own way, a slow one's feed lags."""

    def __init__(self, clock: Callable[[], datetime], *, fussy: bool, slow: bool) -> None:
        super().__init__()
        self._clock = clock
        self._slow = slow
        self._marks: list[tuple[datetime, Cursor]] = [(clock(), super().cursor())]
        self.witness: Witness = _unseen
        self.hidden = False
        self._fussy = fussy

    @property
    def entries(self) -> Mapping[RemoteId, Entry]:
        return {} if self.hidden else super().entries

    @property
    def all_entries(self) -> Mapping[RemoteId, Entry]:
        """What the book holds, whether it shows it or not."""
        return super().entries

    def show(self) -> None:
        """Show again what was hidden; who read meanwhile has to read anew."""
        if self.hidden:
            self.hidden = False
            self.expire_cursors()

    def cursor(self) -> Cursor:
        """Return the position behind everything that the feed knows of."""
        now = super().cursor()
        if not self._slow:
            return now
        known = [cursor for at, cursor in self._marks if at + LAG <= self._clock()]
        # Positions are only comparable since cursors expired the last time.
        return known[-1] if known and known[-1].partition("-")[0] == now.partition("-")[0] else now

    def touched(self, since: Cursor) -> Sequence[RemoteId]:
        later = set(super().touched(self.cursor())) if self._slow else set[RemoteId]()
        return tuple(remote_id for remote_id in super().touched(since) if remote_id not in later)

    def add(self, person: Person, extra: str = "", uid: Uid | None = None) -> RemoteId:
        remote_id = super().add(self._spelled(person), extra, uid)
        self._tell(remote_id, None)
        return remote_id

    def edit(self, remote_id: RemoteId, changes: Mapping[FieldName, Value], uid: Uid | None = None) -> None:
        before = self.all_entries[remote_id]
        super().edit(remote_id, {name: self._value(name, value) for name, value in changes.items()}, uid)
        self._tell(remote_id, before)

    def remove(self, remote_id: RemoteId) -> None:
        before = self.all_entries[remote_id]
        super().remove(remote_id)
        self._tell(remote_id, before)

    def rename(self, remote_id: RemoteId) -> RemoteId:
        """Give a record another id, as programs do that name a card's file after the person."""
        before = self.all_entries[remote_id]
        super().remove(remote_id)
        renamed = super().add(before.person, before.extra, before.uid)
        self._tell(remote_id, before)
        self._tell(renamed, None)
        return renamed

    def annotate(self, remote_id: RemoteId, extra: str) -> None:
        """Change what we have no word for."""
        before = self.all_entries[remote_id]
        super().annotate(remote_id, extra)
        self._tell(remote_id, before)

    def _tell(self, remote_id: RemoteId, before: Entry | None) -> None:
        self._marks.append((self._clock(), super().cursor()))
        self.witness(remote_id, before, self.all_entries.get(remote_id))

    def _spelled(self, person: Person) -> Person:
        title, organization, phones = (
            self._value("title", person.title),
            self._value("organization", person.organization),
            self._value("phones", person.phones),
        )
        return replace(person, title=title, organization=organization, phones=phones)  # type: ignore[arg-type]  # as they were

    def _value(self, name: FieldName, value: Value) -> Value:
        if not self._fussy:
            return value
        if name in {"title", "organization"} and isinstance(value, str):
            return value.upper()
        if name == "phones":
            return tuple(text.replace(" ", "") for text in value)
        return value


def _unseen(remote_id: RemoteId, before: Entry | None, after: Entry | None) -> None:
    del remote_id, before, after
