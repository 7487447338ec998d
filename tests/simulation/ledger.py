"""What was really done, and by whom: the ground on which the oracle judges. It knows nothing of the program's state."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from connectors.memory import Entry
from mappings.fields import texts, value_of
from mappings.person import FieldName, Uid
from mappings.record import AccountName, NotePath, RemoteId
from mappings.world import LinkState
from simulation import notetext, values
from simulation.notetext import Fields, Illegible
from simulation.values import TYPED
from simulation.world import World

Side = NotePath | tuple[AccountName, RemoteId]
"""A note by its path, or a record."""

Keys = frozenset[str]


@dataclass(frozen=True, slots=True)
class Typed:
    """A value that somebody typed: which, where, when."""

    text: str
    field: FieldName
    side: Side
    moment: str


@dataclass(slots=True)
class Ledger:
    """Everything that was typed, taken away and seen.

    `overwritten` are keys of values that somebody has deliberately replaced or cleared on a side that had them, with
    that side and the records that agreed on them with their notes then; `gone` went with a note, a record or the state that was lost. `held` is every value that a side ever
    had. `agreed` are values that a side and a record both had when a cycle came to its end undisturbed. `renamed` leads
    from an id that a record had to the next one.
    """

    typed: list[Typed] = field(default_factory=list[Typed])
    overwritten: dict[str, tuple[Side, set[Side]]] = field(default_factory=dict[str, tuple[Side, set[Side]]])
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
        for key, (side, common) in self.overwritten.items():
            self.overwritten[key] = (target if side == path else side, common)


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
