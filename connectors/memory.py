"""The reference connector: an address book in memory, and the executable specification of the protocol.

`Book` is the provider: it keeps the records, and its public methods are the hands of a user there, or of another
program. `Memory` is a connector to one book; several may share a book, as several machines share an account, and a
connector that is thrown away and made again has lost nothing, because it remembers nothing.

What the other connectors have in common with this one is what `tests/contract` says of all of them:

- A record is its uid, its person, and extra data which we have no word for and which every write preserves. What is
  read of the person is what a card can hold: the book has the format of one.
- Every write gives the record a new etag, also one that brings back an earlier state.
- A cursor is a position in the book's journal of changes, taken before the first page: what changes while pages
  are read is read again next time. A book may let its cursors expire.
- A removal is in the feed once. In a complete read it shows as the absence of an id that the caller knows, again
  and again until the caller forgets that id.
- A record that is not understood is listed like any other, and neither updated nor deleted.

Nothing here depends on time, chance or hash order, so that a simulation which is run again takes the same course.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType

from connectors.errors import CursorExpired, Gone, PreconditionFailed, Refused
from connectors.interface import ChangeSet, Cursor, Deleted, Unreadable, Written
from mappings import vcard
from mappings.fields import FIELDS, Format, with_values
from mappings.operation import CreateRecord, DeleteRecord, RestoreRecord, UpdateRecord
from mappings.person import FieldName, Person, Uid, Value
from mappings.record import AccountName, Etag, Reading, Record, RemoteId

PAGE_SIZE = 4
"""Records in one answer: small, so that short histories have several pages to be cut between."""

CHANGED = "changed since it was read"

Interrupt = Callable[[str], None]
"""Called with `VERB asked` before the book carries out a request and `VERB done` before the caller learns of it.

VERB is `page`, `read`, `create`, `update`, `delete` or `restore`. It may use the book's hands, raise what the protocol allows,
or raise a BaseException that stands for the end of the process.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as the book keeps it; `unreadable` is the reason why it is not understood, "" if it is."""

    uid: Uid | None
    person: Person
    extra: str
    etag: Etag
    unreadable: str


class Book:
    """An address book at a provider; its methods are what is done there by others than us."""

    def __init__(self) -> None:
        self._entries: dict[RemoteId, Entry] = {}
        self._journal: list[RemoteId] = []
        self._epoch = 1
        self._added = 0

    @property
    def entries(self) -> Mapping[RemoteId, Entry]:
        """What the book holds now, oldest first."""
        return MappingProxyType(self._entries)

    def add(self, person: Person, extra: str = "", uid: Uid | None = None) -> RemoteId:
        """Add a person; the id is never used again."""
        self._added += 1
        remote_id = RemoteId(f"record-{self._added}")
        self._keep(remote_id, Entry(uid, person, extra, Etag(""), ""))
        return remote_id

    def edit(self, remote_id: RemoteId, changes: Mapping[FieldName, Value], uid: Uid | None = None) -> None:
        """Change fields of a record that is there, and give it the uid, in the place of another, if there is one."""
        entry = self._entries[remote_id]
        self._keep(remote_id, replace(entry, uid=uid or entry.uid, person=with_values(entry.person, changes)))

    def put_back(self, remote_id: RemoteId, entry: Entry) -> None:
        """Make a record what it was, whether it is there or not."""
        self._keep(remote_id, entry)

    def annotate(self, remote_id: RemoteId, extra: str) -> None:
        """Change what we have no word for in a record that is there."""
        self._keep(remote_id, replace(self._entries[remote_id], extra=extra))

    def remove(self, remote_id: RemoteId) -> None:
        """Remove a record that is there."""
        del self._entries[remote_id]
        self._journal.append(remote_id)

    def spoil(self, remote_id: RemoteId, reason: str) -> None:
        """Make a record that is there one that nobody understands."""
        self._keep(remote_id, replace(self._entries[remote_id], unreadable=reason))

    def expire_cursors(self) -> None:
        """Refuse from now on every cursor that was given out before."""
        self._epoch += 1

    def with_uid(self, uid: Uid) -> RemoteId | None:
        """Return the oldest record that carries the uid."""
        return next((remote_id for remote_id, entry in self._entries.items() if entry.uid == uid), None)

    def cursor(self) -> Cursor:
        """Return the position behind everything that has happened."""
        return Cursor(f"{self._epoch}-{len(self._journal)}")

    def touched(self, since: Cursor) -> Sequence[RemoteId]:
        """Return the ids of what happened since, each once. Errors: CursorExpired."""
        epoch, _, position = since.partition("-")
        if epoch != str(self._epoch):
            raise CursorExpired("the cursor is too old")
        return tuple(dict.fromkeys(self._journal[int(position) :]))

    def _keep(self, remote_id: RemoteId, entry: Entry) -> None:
        self._journal.append(remote_id)
        self._entries[remote_id] = replace(entry, etag=Etag(str(len(self._journal))))


def payload(entry: Entry) -> str:
    """Return everything that a record holds as canonical JSON."""
    held = {"uid": entry.uid, "extra": entry.extra, "person": asdict(entry.person)}
    return json.dumps(held, ensure_ascii=False, sort_keys=True)


def _entry_of(text: str) -> Entry:
    """Return what `payload` made a text of, but for its etag."""
    held = json.loads(text)
    packed: Mapping[FieldName, str | list[str]] = held["person"]
    values: dict[FieldName, Value] = {
        name: value if isinstance(value, str) else tuple(value) for name, value in packed.items()
    }
    person = Person(**values)  # type: ignore[arg-type]  # `payload` wrote every field in its own shape
    return Entry(held["uid"], person, held["extra"], Etag(""), "")


def _undisturbed(step: str) -> None:
    del step


class Memory:
    """A connector to a book."""

    def __init__(self, account: AccountName, book: Book, interrupt: Interrupt = _undisturbed) -> None:
        self.account = account
        self.format = Format.VCARD
        self._book = book
        self._interrupt = interrupt

    def changes(self, since: Cursor | None, known: Mapping[RemoteId, Etag]) -> ChangeSet:
        cursor = self._book.cursor()
        asked = tuple(self._book.entries) if since is None else self._book.touched(since)
        found = dict(self._pages(asked))
        news = [_as_read(remote_id, entry) for remote_id, entry in found.items() if known.get(remote_id) != entry.etag]
        possibly_removed = known if since is None else asked
        return ChangeSet(
            records=tuple(each for each in news if isinstance(each, Record)),
            removed=tuple(remote_id for remote_id in possibly_removed if remote_id in known and remote_id not in found),
            unreadable=tuple(each for each in news if isinstance(each, Unreadable)),
            cursor=cursor,
            complete=since is None,
            listed=len(found),
        )

    def read(self, remote_ids: Sequence[RemoteId]) -> Iterator[Record | Unreadable | Gone]:
        for remote_id in remote_ids:
            self._interrupt("read asked")
            entry = self._book.entries.get(remote_id)
            outcome = _gone(remote_id) if entry is None else _as_read(remote_id, entry)
            self._interrupt("read done")
            yield outcome

    def create(self, intents: Sequence[CreateRecord]) -> Iterator[Written | Refused]:
        for intent in intents:
            self._interrupt("create asked")
            outcome = self._created(intent)
            self._interrupt("create done")
            yield outcome

    def update(self, intents: Sequence[UpdateRecord]) -> Iterator[Written | PreconditionFailed | Gone | Refused]:
        for intent in intents:
            self._interrupt("update asked")
            outcome = self._updated(intent)
            self._interrupt("update done")
            yield outcome

    def delete(self, intents: Sequence[DeleteRecord]) -> Iterator[Deleted | PreconditionFailed | Gone | Refused]:
        for intent in intents:
            self._interrupt("delete asked")
            outcome = self._deleted(intent)
            self._interrupt("delete done")
            yield outcome

    def restore(
        self, intents: Sequence[RestoreRecord]
    ) -> Iterator[Written | Deleted | PreconditionFailed | Gone | Refused]:
        for intent in intents:
            self._interrupt("restore asked")
            outcome = self._restored(intent)
            self._interrupt("restore done")
            yield outcome

    def _pages(self, remote_ids: Sequence[RemoteId]) -> Iterator[tuple[RemoteId, Entry]]:
        for start in range(0, len(remote_ids), PAGE_SIZE):
            self._interrupt("page asked")
            entries = self._book.entries
            page = [(each, entries[each]) for each in remote_ids[start : start + PAGE_SIZE] if each in entries]
            self._interrupt("page done")
            yield from page

    def _created(self, intent: CreateRecord) -> Written | Refused:
        # A record that carries our uid already was made by this very intent; the answer was lost.
        remote_id = self._book.with_uid(intent.uid) or self._book.add(intent.person, uid=intent.uid)
        if reason := self._book.entries[remote_id].unreadable:
            return Refused(remote_id, reason)
        return self._written(remote_id, before=None)

    def _updated(self, intent: UpdateRecord) -> Written | PreconditionFailed | Gone | Refused:
        entry = self._guarded(intent)
        if not isinstance(entry, Entry):
            return entry
        for change in intent.changes:
            if Format.VCARD not in FIELDS[change.field].held_by:
                return Refused(intent.remote_id, f"has no place for {change.field}")
        changes: dict[FieldName, Value] = {change.field: change.after for change in intent.changes}
        self._book.edit(intent.remote_id, changes, intent.uid if intent.insert_uid else None)
        return self._written(intent.remote_id, before=payload(entry))

    def _deleted(self, intent: DeleteRecord) -> Deleted | PreconditionFailed | Gone | Refused:
        entry = self._guarded(intent)
        if not isinstance(entry, Entry):
            return entry
        self._book.remove(intent.remote_id)
        return Deleted(intent.remote_id, payload(entry))

    def _restored(self, intent: RestoreRecord) -> Written | Deleted | PreconditionFailed | Gone | Refused:
        if intent.after is None:
            return self._made_anew(intent)
        entry = self._guarded(intent)
        if not isinstance(entry, Entry):
            return entry
        if payload(entry) != intent.after:
            return PreconditionFailed(intent.remote_id, CHANGED)
        if intent.before is None:
            self._book.remove(intent.remote_id)
            return Deleted(intent.remote_id, payload(entry))
        self._book.put_back(intent.remote_id, _entry_of(intent.before))
        return self._written(intent.remote_id, before=payload(entry))

    def _made_anew(self, intent: RestoreRecord) -> Written | PreconditionFailed:
        entry = self._book.entries.get(intent.remote_id)
        if entry is None and intent.before is not None:
            self._book.put_back(intent.remote_id, _entry_of(intent.before))
        elif entry is None or payload(entry) != intent.before:
            return PreconditionFailed(intent.remote_id, "is there again, and is not what it was")
        return self._written(intent.remote_id, before=None)

    def _guarded(
        self, intent: UpdateRecord | DeleteRecord | RestoreRecord
    ) -> Entry | PreconditionFailed | Gone | Refused:
        """Return the entry if it is still what the intent was made from and may be written."""
        entry = self._book.entries.get(intent.remote_id)
        if entry is None:
            return _gone(intent.remote_id)
        if entry.etag != intent.etag:
            return PreconditionFailed(intent.remote_id, CHANGED)
        if entry.unreadable:
            return Refused(intent.remote_id, entry.unreadable)
        return entry

    def _written(self, remote_id: RemoteId, before: str | None) -> Written:
        entry = self._book.entries[remote_id]
        return Written(_record(remote_id, entry), before, payload(entry))


def _as_read(remote_id: RemoteId, entry: Entry) -> Record | Unreadable:
    if entry.unreadable:
        return Unreadable(remote_id, entry.etag, None, entry.unreadable)
    return _record(remote_id, entry)


def _record(remote_id: RemoteId, entry: Entry) -> Record:
    return Record(remote_id, entry.etag, Reading(entry.uid, vcard.project(entry.person), {}))


def _gone(remote_id: RemoteId) -> Gone:
    return Gone(remote_id, "no longer in the address book")
