"""What was really done, and by whom: the ground on which the oracle judges. It knows nothing of the program's state."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from connectors.memory import Entry
from mappings.fields import texts, value_of
from mappings.person import FieldName, Uid
from mappings.record import AccountName, NotePath, RemoteId
from mappings.returns import LATELY
from mappings.world import LinkState
from simulation import notetext, values
from simulation.notetext import Fields, Illegible
from simulation.values import MANY, TYPED
from simulation.world import World

Side = NotePath | tuple[AccountName, RemoteId]
"""A note by its path, or a record."""

Keys = frozenset[str]

Said = Mapping[FieldName, tuple[str, ...]]

_BLANK = ""
"""The key of nothing, where a field said nothing before the program wrote to it."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A value that somebody typed: which, where, when."""

    text: str
    field: FieldName
    side: Side
    moment: str


Times = dict[tuple[Side, FieldName, str], datetime]


@dataclass(slots=True)
class Ledger:
    """Everything that was typed, taken away and seen.

    `overwritten` are keys of values that somebody has deliberately replaced or cleared on a side that had them, with
    that side and the records that agreed on them with their notes then, until they are put back; `replaced` are all that
    ever were. `gone` went with a note, a record or the state that was lost. `held` is every value that a side ever
    had. `agreed` are values that a side and a record both had when a cycle came to its end undisturbed. `renamed` leads
    from an id that a record had to the next one. `brought` and `taken` are what the program put into a side's field or
    took out of it, and when it did so last; `put_back` are fields over which an old copy was saved. `touched` and
    `deleted_at` are the program's steps when somebody changed what is not compared of a record, or deleted a note.
    """

    typed: list[Typed] = field(default_factory=list[Typed])
    overwritten: dict[str, tuple[Side, set[Side]]] = field(default_factory=dict[str, tuple[Side, set[Side]]])
    replaced: set[str] = field(default_factory=set[str])
    gone: set[str] = field(default_factory=set[str])
    held: defaultdict[Side, defaultdict[FieldName, set[Keys]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(set))
    )
    agreed: defaultdict[Side, defaultdict[FieldName, set[Keys]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(set))
    )
    deleted_notes: set[NotePath] = field(default_factory=set[NotePath])
    deleted_uids: set[str] = field(default_factory=set[str])
    deleted_records: set[tuple[AccountName, RemoteId]] = field(default_factory=set[tuple[AccountName, RemoteId]])
    deleted_record_uids: set[tuple[AccountName, str]] = field(default_factory=set[tuple[AccountName, str]])
    created: defaultdict[tuple[AccountName, str], int] = field(default_factory=lambda: defaultdict(int))
    doubtful: set[str] = field(default_factory=set[str])
    lost_states: int = 0
    renamed: dict[Side, Side] = field(default_factory=dict[Side, Side])
    brought: Times = field(default_factory=dict[tuple[Side, FieldName, str], datetime])
    taken: Times = field(default_factory=dict[tuple[Side, FieldName, str], datetime])
    put_back: set[tuple[Side, FieldName]] = field(default_factory=set[tuple[Side, FieldName]])
    touched: dict[Side, int] = field(default_factory=dict[Side, int])
    deleted_at: dict[str, int] = field(default_factory=dict[str, int])
    copied_uids: set[tuple[AccountName, str]] = field(default_factory=set[tuple[AccountName, str]])

    def see_note(self, path: NotePath, content: bytes) -> None:
        """Remember what a note says."""
        said = fields_of_note(path, content)
        for name in said or ():
            self.held[path][name].add(values.keys(said[name]) if said else frozenset())

    def see_record(self, side: tuple[AccountName, RemoteId], entry: Entry) -> None:
        """Remember what a record says."""
        for name, found in fields_of_record(entry).items():
            self.held[side][name].add(values.keys(found))

    def overwrite(self, side: Side, name: FieldName, key: str) -> None:
        """Remember that somebody has replaced or cleared a value."""
        common = {record for record, seen in self.agreed.items() if any(key in keys for keys in seen[name])}
        self.overwritten[key] = (side, common)
        self.replaced.add(key)

    def program_wrote(self, side: Side, before: Said, after: Said, at: datetime) -> None:
        """Remember what the program has made of a side."""
        for name in TYPED:
            old, new = values.keys(before.get(name, ())), values.keys(after.get(name, ()))
            self.brought.update({(side, name, key): at for key in new - old})
            self.taken.update({(side, name, key): at for key in (old or {_BLANK}) - new})

    def save_over(self, side: Side, before: Said, after: Said, at: datetime, typed: Collection[FieldName]) -> None:
        """Remember that somebody has saved an old copy over a side, in which he had `typed` into some fields only.

        What the program has put there lately he cannot have meant to take away, unless he typed another value instead.
        """
        for name in TYPED:
            old, new = values.keys(before.get(name, ())), values.keys(after.get(name, ()))
            lost, back = old - new, new - old
            if lost or back:
                self.put_back.add((side, name))
            kept = {key for key in lost if _is_recent(self.brought, (side, name, key), at)}
            restored = {key for key in back if _is_recent(self.taken, (side, name, key), at)}
            if name not in MANY:
                # One value is another's place: it is a return only of the very value, or of the blank, that stood there.
                stood = all(_is_recent(self.taken, (side, name, key), at) for key in back or {_BLANK})
                if not stood or name in typed:
                    kept, restored = set[str](), set[str]()
            for key in lost - kept:
                self.overwrite(side, name, key)
            for key in back - restored:
                self.overwritten.pop(key, None)

    def was_asked_for_cause(self, side: Side, name: FieldName) -> bool:
        """Tell whether the program had written to a field of a side at all, so that its value can have come back."""
        return any((where, what) == (side, name) for where, what, _ in (*self.brought, *self.taken))

    def was_undone(self, key: str, record: Side, sides: Collection[Side]) -> bool:
        """Tell whether a value had been in common, and was then replaced or cleared on one of these sides."""
        if key not in self.overwritten:
            return False
        where, common = self.overwritten[key]
        return where in sides and record in common

    def note_was_deleted(self, uid: Uid, path: NotePath | None) -> bool:
        """Tell whether somebody has deleted the note of a person, or one at the path where it was seen last."""
        return uid in self.deleted_uids or path in self.deleted_notes

    def rename(self, record: Side, new: Side) -> None:
        """Let a record that goes by another id keep its past."""
        self.renamed[record] = new
        self._take_along(record, new)
        self.touched.update({new: self.touched[record]} if record in self.touched else {})
        for seen in (self.held, self.agreed):
            for name, found in seen[record].items():
                seen[new][name] |= found
            del seen[record]
        for key, (side, common) in self.overwritten.items():
            if record in common:
                common.add(new)
            self.overwritten[key] = (new if side == record else side, common)

    def remember_copy(self, record: Side, copy: Side) -> None:
        """Let a copy of a record have its past: where the copy is all that a look sees, it is the record, renamed."""
        for name, found in self.held[record].items():
            self.held[copy][name] |= found

    def _take_along(self, side: Side, new: Side) -> None:
        for times in (self.brought, self.taken):
            times.update({(new, name, key): at for (where, name, key), at in times.items() if where == side})
        self.put_back |= {(new, name) for where, name in self.put_back if where == side}

    def current(self, record: Side) -> Side:
        """Return where a record is now, whatever id it was known by."""
        while record in self.renamed:
            record = self.renamed[record]
        return record

    def part(self, record: Side) -> None:
        """Forget what a record agreed on with a note that it is no longer linked to."""
        del self.agreed[record]
        for _, common in self.overwritten.values():
            common.discard(record)

    def follow(self, path: NotePath, target: NotePath) -> None:
        """Let a note that was moved or copied keep its past."""
        for name, seen in self.held[path].items():
            self.held[target][name] |= seen
        self._take_along(path, target)
        for key, (side, common) in self.overwritten.items():
            self.overwritten[key] = (target if side == path else side, common)


def _is_recent(times: Times, what: tuple[Side, FieldName, str], now: datetime) -> bool:
    return what in times and now - times[what] < LATELY


def pair_of(world: World, path: NotePath, link: LinkState) -> tuple[Fields, Fields] | None:
    """Return what a note and its record say, None if one of them is not there or says nothing now."""
    file = world.vault.files.get(path)
    entry = world.books[link.account].all_entries.get(link.remote_id)
    if file is None or entry is None or entry.unreadable:
        return None
    said = fields_of_note(path, file.content)
    return None if said is None else (said, fields_of_record(entry))


@lru_cache(maxsize=1024)
def fields_of_note(path: NotePath, content: bytes) -> Mapping[FieldName, tuple[str, ...]] | None:
    """Return what a note says, None if that cannot be told now."""
    try:
        return notetext.read(content.decode(), path)
    except Illegible:
        return None


def fields_of_record(entry: Entry) -> Mapping[FieldName, tuple[str, ...]]:
    """Return what a record says."""
    return {name: texts(value_of(entry.person, name)) for name in TYPED}
