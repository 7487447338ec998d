"""Values ⇄ the compact text that the state keeps of them.

Of a person only what is not blank is written: a field that a later program adds reads as blank, and one that a later
program wrote is passed over. The JSON is pure ASCII, so that a value may hold whatever a Python text can, lone
surrogates included.

What nobody can check by looking at it is sealed with a checksum: SQLite does not notice a bit that flips on the disk
inside a value, and a base that is wrong by one character makes an untouched note look edited.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2s
from typing import Any, NewType, TypedDict, TypeVar

from mappings.fields import FIELDS, Cardinality, blank, value_of
from mappings.person import FieldName, Person, Uid, Value
from mappings.record import AccountName, Reading
from mappings.world import Base

PackedReading = NewType("PackedReading", bytes)
"""A reading, sealed. Ten thousand are loaded in a run; whoever needs to know what one says unpacks it."""

JsonValue = str | list[str]
"""A field's value as JSON has it."""

JsonValues = dict[str, JsonValue]
"""Values by field or by account, as JSON has them."""

_Side = TypeVar("_Side", bound=str)

_SEAL_BYTES = 8
_MANY = frozenset(name for name, field in FIELDS.items() if field.cardinality is Cardinality.MANY)
_BLANKS: dict[FieldName, Value] = {name: blank(name) for name in FIELDS}
_ENCODER = json.JSONEncoder(separators=(",", ":"))


class _ReadingDocument(TypedDict):
    uid: str | None
    person: JsonValues
    held: dict[str, str]


def time_text(at: datetime) -> str:
    """Return an instant as UTC ISO text, which sorts as time does.

    Errors: `ValueError` for a time without zone; it is our bug.
    """
    if at.tzinfo is None:
        raise ValueError("a time without zone")
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def time_of(text: str) -> datetime:
    """Return the instant that `time_text` wrote."""
    return datetime.fromisoformat(text)


def pack_value(value: Value) -> str:
    """Return one field's value as text."""
    return _ENCODER.encode(value)


def unpack_value(text: str) -> Value:
    """Return the value that `pack_value` packed."""
    return value_of_json(json.loads(text))


def pack_sides(sides: Mapping[_Side, Value]) -> str:
    """Return one field's values by account as text."""
    return _ENCODER.encode(dict(sides))


def unpack_sides(text: str) -> dict[AccountName, Value]:
    """Return the values that `pack_sides` packed."""
    packed: JsonValues = json.loads(text)
    return {AccountName(account): value_of_json(value) for account, value in packed.items()}


def pack_base(base: Base) -> bytes:
    """Return a base, sealed. Blank values are kept: to agree on nothing is not the same as never to have agreed."""
    return _seal(dict(base))


def unpack_base(sealed: bytes) -> dict[FieldName, Value] | None:
    """Return the base that was packed, without fields that this program does not know; None if it is damaged."""
    text = _unseal(sealed)
    return None if text is None else values_of_json(json.loads(text))


def pack_document(document: object) -> bytes:
    """Return what JSON can say, sealed."""
    return _seal(document)


def unpack_document(sealed: bytes) -> Any:  # noqa: ANN401  # whatever JSON can say; whoever packed it knows its shape
    """Return what was packed, None if it is damaged."""
    text = _unseal(sealed)
    return None if text is None else json.loads(text)


def pack_reading(reading: Reading) -> PackedReading:
    """Return a reading, sealed."""
    document = {"uid": reading.uid, "person": _json_of_person(reading.person), "held": dict(reading.held)}
    return PackedReading(_seal(document))


def unpack_reading(packed: PackedReading) -> Reading | None:
    """Return the reading that was packed; None if it is damaged: then it is to be read anew from its source."""
    text = _unseal(packed)
    if text is None:
        return None
    document: _ReadingDocument = json.loads(text)
    uid, held = document["uid"], document["held"]
    return Reading(
        uid=None if uid is None else Uid(uid),
        person=person_of_json(document["person"]),
        held={name: held[name] for name in FIELDS if name in held} if held else {},
    )


def is_whole(packed: bytes) -> bool:
    """Tell whether what was sealed is as it was then."""
    return _unseal(packed) is not None


def value_of_json(packed: JsonValue) -> Value:
    """Return a field's value from its JSON."""
    return packed if isinstance(packed, str) else tuple(packed)


def values_of_json(packed: JsonValues) -> dict[FieldName, Value]:
    """Return the values of all fields that this program knows, in the shape that it knows."""
    return {
        name: value_of_json(packed[name])
        for name in FIELDS
        if name in packed and isinstance(packed[name], str) != (name in _MANY)
    }


def person_of_json(packed: JsonValues) -> Person:
    """Return a person from JSON that may lack blank fields."""
    # A mapping cannot say which shape belongs to which name; `values_of_json` has seen to it.
    return Person(**(_BLANKS | values_of_json(packed)))  # type: ignore[arg-type]


def _json_of_person(person: Person) -> dict[str, Value]:
    return {name: value for name in FIELDS if (value := value_of(person, name))}


def _seal(document: object) -> bytes:
    text = _ENCODER.encode(document).encode("ascii")
    return _checksum(text) + text


def _unseal(sealed: bytes) -> bytes | None:
    text = sealed[_SEAL_BYTES:]
    return text if sealed.startswith(_checksum(text)) else None


def _checksum(text: bytes) -> bytes:
    return blake2s(text, digest_size=_SEAL_BYTES).digest()
