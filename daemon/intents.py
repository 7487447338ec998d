"""Operations ⇄ text: an intent is kept whole, so that start-up can carry it out from the journal alone."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from enum import StrEnum
from typing import TypedDict, assert_never

from daemon.codec import JsonValue, JsonValues, person_of_json, value_of_json, values_of_json
from mappings.fields import FIELDS
from mappings.operation import (
    Agreed,
    Change,
    CreateNote,
    CreateRecord,
    DeleteRecord,
    Joined,
    NoteWrite,
    RemoteWrite,
    RemoveNote,
    RestoreNote,
    RestoreRecord,
    UpdateRecord,
    WriteNote,
)
from mappings.person import FieldName, Person, Uid, Value
from mappings.record import AccountName, Etag, NoteHash, NotePath, RemoteId

Write = NoteWrite | RemoteWrite
"""The operations that change something outside the state."""


class Kind(StrEnum):
    """Which operation a packed one is."""

    WRITE_NOTE = "write note"
    CREATE_RECORD = "create record"
    UPDATE_RECORD = "update record"
    DELETE_RECORD = "delete record"
    CREATE_NOTE = "create note"
    REMOVE_NOTE = "remove note"
    RESTORE_NOTE = "restore note"
    RESTORE_RECORD = "restore record"


class _ChangeDocument(TypedDict):
    field: str
    before: JsonValue
    after: JsonValue
    sources: list[str]


class _AgreedDocument(TypedDict):
    account: str
    values: JsonValues


class _WriteNoteDocument(TypedDict):
    uid: str
    path: str
    note_hash: str
    changes: list[_ChangeDocument]
    insert_uid: bool
    agreed: list[_AgreedDocument]


class _JoinedDocument(TypedDict):
    remote_id: str
    agreed: _AgreedDocument


class _CreateNoteDocument(TypedDict):
    uid: str
    path: str
    text: str
    source: str
    joined: list[_JoinedDocument]


class _RemoveNoteDocument(TypedDict):
    uid: str
    path: str
    note_hash: str
    text: str
    joined: list[_JoinedDocument]


class _CreateRecordDocument(TypedDict):
    account: str
    uid: str
    person: JsonValues
    agreed: _AgreedDocument


class _UpdateRecordDocument(TypedDict):
    account: str
    uid: str
    remote_id: str
    etag: str
    changes: list[_ChangeDocument]
    insert_uid: bool
    agreed: _AgreedDocument


class _DeleteRecordDocument(TypedDict):
    account: str
    uid: str
    remote_id: str
    etag: str


class _RestoreNoteDocument(TypedDict):
    uid: str
    path: str
    note_hash: str
    text: str


class _RestoreRecordDocument(TypedDict):
    account: str
    uid: str
    remote_id: str
    etag: str | None
    before: str | None
    after: str | None
    agreed: _AgreedDocument | None


def _document(value: Write | Change | Agreed | Joined | Person | Mapping[FieldName, Value]) -> Mapping[str, object]:
    """Return what JSON cannot take as a `dict`: our own values, and mappings of another kind."""
    if isinstance(value, Mapping):
        return dict[str, object](value.items())
    return {attribute.name: getattr(value, attribute.name) for attribute in fields(value)}


_ENCODER = json.JSONEncoder(separators=(",", ":"), default=_document)


def kind_of(operation: Write) -> Kind:
    """Return the kind under which an operation is packed."""
    match operation:
        case WriteNote():
            return Kind.WRITE_NOTE
        case CreateNote():
            return Kind.CREATE_NOTE
        case RemoveNote():
            return Kind.REMOVE_NOTE
        case CreateRecord():
            return Kind.CREATE_RECORD
        case UpdateRecord():
            return Kind.UPDATE_RECORD
        case DeleteRecord():
            return Kind.DELETE_RECORD
        case RestoreNote():
            return Kind.RESTORE_NOTE
        case RestoreRecord():
            return Kind.RESTORE_RECORD
        case _:
            assert_never(operation)


def pack_operation(operation: Write) -> str:
    """Return an operation as text, whole."""
    return _ENCODER.encode(operation)


def unpack_operation(kind: Kind, text: str) -> Write:
    """Return the operation that was packed, without fields that this program does not know."""
    match kind:
        case Kind.WRITE_NOTE:
            return _write_note(json.loads(text))
        case Kind.CREATE_NOTE:
            return _create_note(json.loads(text))
        case Kind.REMOVE_NOTE:
            return _remove_note(json.loads(text))
        case Kind.CREATE_RECORD:
            return _create_record(json.loads(text))
        case Kind.UPDATE_RECORD:
            return _update_record(json.loads(text))
        case Kind.DELETE_RECORD:
            return _delete_record(json.loads(text))
        case Kind.RESTORE_NOTE:
            return _restore_note(json.loads(text))
        case Kind.RESTORE_RECORD:
            return _restore_record(json.loads(text))
        case _:
            assert_never(kind)


def rename_in_packed(text: str, old: AccountName, new: AccountName) -> str:
    """Return a packed operation with one account's name replaced wherever it stands for the account."""

    def rename(document: JsonValues) -> JsonValues:
        if document.get("account") == old:
            document["account"] = new
        if document.get("source") == old:
            document["source"] = new
        if isinstance(sources := document.get("sources"), list):
            document["sources"] = [new if source == old else source for source in sources]
        return document

    return _ENCODER.encode(json.loads(text, object_hook=rename))


def _write_note(document: _WriteNoteDocument) -> WriteNote:
    return WriteNote(
        uid=Uid(document["uid"]),
        path=NotePath(document["path"]),
        note_hash=NoteHash(document["note_hash"]),
        changes=_changes(document["changes"]),
        insert_uid=document["insert_uid"],
        agreed=tuple(_agreed(agreed) for agreed in document["agreed"]),
    )


def _create_note(document: _CreateNoteDocument) -> CreateNote:
    return CreateNote(
        uid=Uid(document["uid"]),
        path=NotePath(document["path"]),
        text=document["text"],
        source=AccountName(document["source"]),
        joined=_joined(document["joined"]),
    )


def _remove_note(document: _RemoveNoteDocument) -> RemoveNote:
    return RemoveNote(
        uid=Uid(document["uid"]),
        path=NotePath(document["path"]),
        note_hash=NoteHash(document["note_hash"]),
        text=document["text"],
        joined=_joined(document["joined"]),
    )


def _create_record(document: _CreateRecordDocument) -> CreateRecord:
    return CreateRecord(
        account=AccountName(document["account"]),
        uid=Uid(document["uid"]),
        person=person_of_json(document["person"]),
        agreed=_agreed(document["agreed"]),
    )


def _update_record(document: _UpdateRecordDocument) -> UpdateRecord:
    return UpdateRecord(
        account=AccountName(document["account"]),
        uid=Uid(document["uid"]),
        remote_id=RemoteId(document["remote_id"]),
        etag=Etag(document["etag"]),
        changes=_changes(document["changes"]),
        insert_uid=document["insert_uid"],
        agreed=_agreed(document["agreed"]),
    )


def _delete_record(document: _DeleteRecordDocument) -> DeleteRecord:
    return DeleteRecord(
        account=AccountName(document["account"]),
        uid=Uid(document["uid"]),
        remote_id=RemoteId(document["remote_id"]),
        etag=Etag(document["etag"]),
    )


def _restore_note(document: _RestoreNoteDocument) -> RestoreNote:
    return RestoreNote(
        uid=Uid(document["uid"]),
        path=NotePath(document["path"]),
        note_hash=NoteHash(document["note_hash"]),
        text=document["text"],
    )


def _restore_record(document: _RestoreRecordDocument) -> RestoreRecord:
    return RestoreRecord(
        account=AccountName(document["account"]),
        uid=Uid(document["uid"]),
        remote_id=RemoteId(document["remote_id"]),
        etag=Etag(document["etag"]) if document["etag"] is not None else None,
        before=document["before"],
        after=document["after"],
        agreed=_agreed(document["agreed"]) if document["agreed"] is not None else None,
    )


def _changes(documents: Sequence[_ChangeDocument]) -> tuple[Change, ...]:
    return tuple(
        Change(name, value_of_json(document["before"]), value_of_json(document["after"]), tuple(document["sources"]))
        for document in documents
        for name in FIELDS
        if name == document["field"]
    )


def _joined(documents: Sequence[_JoinedDocument]) -> tuple[Joined, ...]:
    return tuple(Joined(RemoteId(document["remote_id"]), _agreed(document["agreed"])) for document in documents)


def _agreed(document: _AgreedDocument) -> Agreed:
    return Agreed(AccountName(document["account"]), values_of_json(document["values"]))
