"""An address book that is one JSON file: an object with a record for each person, by an id that never changes.

A record has a member for each field that contactd knows, `uid` for contactd's own name of the person, and whatever
else other programs keep in it, which every write preserves. A file that is not there is an account that cannot be read
now, never one without contacts. Between the look at the file and its replacement there is an instant in which another
program's write would be lost: this is for a file that one program at a time writes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from connectors.errors import Gone, Misunderstood, PreconditionFailed, Refused, TryLater
from connectors.interface import ChangeSet, Cursor, Deleted, Unreadable, Written
from connectors.tokens import TokenStore
from mappings import vcard
from mappings.fields import FIELDS, Format, blank, value_of
from mappings.operation import CreateRecord, DeleteRecord, RestoreRecord, UpdateRecord
from mappings.person import FieldName, Person, Uid, Value
from mappings.record import AccountName, Etag, Reading, Record, RemoteId

HELD: tuple[FieldName, ...] = tuple(name for name, field in FIELDS.items() if Format.VCARD in field.held_by)
CHANGED = "was changed since it was read"

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Options:
    """What an account of this connector is configured with."""

    file: Path


def open_contacts(account: AccountName, options: Options, tokens: TokenStore) -> "JsonFile":
    """Return the address book; nothing is read yet."""
    del tokens
    return JsonFile(account, options.file)


class JsonFile:
    """The address book; it holds of a person what a vCard can hold."""

    def __init__(self, account: AccountName, file: Path) -> None:
        self.account = account
        self.format = Format.VCARD
        self._file = file

    def changes(self, since: Cursor | None, known: Mapping[RemoteId, Etag]) -> ChangeSet:
        """Read everything: a file has no feed of changes, so there is never a cursor."""
        del since
        entries = self._entries()
        read = [_read(id_, entry) for id_, entry in entries.items() if known.get(id_) != _etag(entry)]
        return ChangeSet(
            records=tuple(each for each in read if isinstance(each, Record)),
            removed=tuple(id_ for id_ in known if id_ not in entries),
            unreadable=tuple(each for each in read if isinstance(each, Unreadable)),
            cursor=None,
            complete=True,
            listed=len(entries),
        )

    def read(self, remote_ids: Sequence[RemoteId]) -> Iterator[Record | Unreadable | Gone]:
        for id_ in remote_ids:
            entry = self._entries().get(id_)
            yield Gone(id_, "is not in the file") if entry is None else _read(id_, entry)

    def create(self, intents: Sequence[CreateRecord]) -> Iterator[Written | Refused]:
        for intent in intents:
            entries = self._entries()
            # A record with our uid was made by this very intent; its answer was lost.
            id_ = next((id_ for id_, entry in entries.items() if entry.get("uid") == intent.uid), RemoteId(intent.uid))
            if id_ not in entries:
                person = vcard.project(intent.person)
                entries[id_] = {"uid": intent.uid} | {name: _packed(value_of(person, name)) for name in HELD}
                self._replace(entries)
            yield _written(id_, entries[id_], before=None)

    def update(self, intents: Sequence[UpdateRecord]) -> Iterator[Written | PreconditionFailed | Gone | Refused]:
        for intent in intents:
            entries = self._entries()
            trouble = _trouble(entries, intent) or _unholdable(intent)
            if trouble is not None:
                yield trouble
                continue
            before = entries[intent.remote_id]
            changed = {change.field: _packed(change.after) for change in intent.changes}
            uid = {"uid": intent.uid} if intent.insert_uid else {}
            entries[intent.remote_id] = before | changed | uid
            self._replace(entries)
            yield _written(intent.remote_id, entries[intent.remote_id], before=_text(before))

    def delete(self, intents: Sequence[DeleteRecord]) -> Iterator[Deleted | PreconditionFailed | Gone | Refused]:
        for intent in intents:
            entries = self._entries()
            trouble = _trouble(entries, intent)
            yield self._removed(entries, intent.remote_id) if trouble is None else trouble

    def restore(
        self, intents: Sequence[RestoreRecord]
    ) -> Iterator[Written | Deleted | PreconditionFailed | Gone | Refused]:
        for intent in intents:
            yield self._restored(self._entries(), intent)

    def _restored(
        self, entries: dict[RemoteId, Entry], intent: RestoreRecord
    ) -> Written | Deleted | PreconditionFailed | Gone | Refused:
        id_, now = intent.remote_id, entries.get(intent.remote_id)
        if intent.after is not None and (trouble := _trouble(entries, intent)) is not None:
            return trouble
        # What is to be made anew may be there already, from a time of which the answer was lost.
        if now is not None and _text(now) not in {intent.after, *([intent.before] if intent.after is None else [])}:
            return PreconditionFailed(id_, CHANGED)
        if intent.before is None:
            return self._removed(entries, id_)
        entries[id_] = json.loads(intent.before)
        self._replace(entries)
        return _written(id_, entries[id_], before=intent.after)

    def _removed(self, entries: dict[RemoteId, Entry], id_: RemoteId) -> Deleted:
        before = entries.pop(id_)
        self._replace(entries)
        return Deleted(id_, _text(before))

    def _entries(self) -> dict[RemoteId, Entry]:
        try:
            text = self._file.read_text(encoding="utf-8")
        except OSError as error:
            raise TryLater(f"{self._file} cannot be read: {error.strerror}", None) from error
        try:
            return {RemoteId(id_): {**entry} for id_, entry in json.loads(text).items()}
        except (AttributeError, TypeError, ValueError) as error:
            raise Misunderstood(f"{self._file} is not an object of objects", text) from error

    def _replace(self, entries: Mapping[RemoteId, Entry]) -> None:
        """Replace the file in one step: whoever reads it sees it as it was, or as it is."""
        spare = self._file.with_name(f".{self._file.name}.new")
        spare.write_text(json.dumps(entries, ensure_ascii=False, indent=1), encoding="utf-8")
        spare.replace(self._file)


def _trouble(
    entries: Mapping[RemoteId, Entry], intent: UpdateRecord | DeleteRecord | RestoreRecord
) -> PreconditionFailed | Gone | Refused | None:
    """Return what keeps a record from being written: it must be what the intent was made from, and understood."""
    entry = entries.get(intent.remote_id)
    if entry is None:
        return Gone(intent.remote_id, "is not in the file")
    if _etag(entry) != intent.etag:
        return PreconditionFailed(intent.remote_id, CHANGED)
    found = _read(intent.remote_id, entry)
    return Refused(intent.remote_id, found.reason) if isinstance(found, Unreadable) else None


def _unholdable(intent: UpdateRecord) -> Refused | None:
    unknown = [change.field for change in intent.changes if change.field not in HELD]
    return Refused(intent.remote_id, f"there is no place for {', '.join(unknown)}") if unknown else None


def _read(id_: RemoteId, entry: Entry) -> Record | Unreadable:
    """Get the person out of an entry, or say which member is of no kind that is known."""
    values: dict[FieldName, Any] = {name: blank(name) for name in FIELDS}
    for name in HELD:
        value: Any = entry.get(name, _packed(blank(name)))
        texts = cast("list[object]", value) if isinstance(value, list) else [value]
        if isinstance(value, list) == isinstance(blank(name), str) or not all(isinstance(text, str) for text in texts):
            return Unreadable(id_, _etag(entry), None, f"{name} is not what it should be")
        values[name] = tuple(texts) if isinstance(value, list) else value
    uid = entry.get("uid")
    if not isinstance(uid, str | None):
        return Unreadable(id_, _etag(entry), None, "uid is no text")
    return Record(id_, _etag(entry), Reading(Uid(uid) if uid else None, vcard.project(Person(**values)), {}))


def _packed(value: Value) -> str | list[str]:
    return value if isinstance(value, str) else list(value)


def _written(id_: RemoteId, entry: Entry, before: str | None) -> Written | Refused:
    found = _read(id_, entry)
    return Refused(id_, found.reason) if isinstance(found, Unreadable) else Written(found, before, _text(entry))


def _text(entry: Entry) -> str:
    return json.dumps(entry, ensure_ascii=False)


def _etag(entry: Entry) -> Etag:
    return Etag(sha256(_text(entry).encode()).hexdigest())
