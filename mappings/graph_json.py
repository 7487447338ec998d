"""JSON of Microsoft Graph, taken apart with its types checked: what is not of the documented type is not understood.

A property that is absent or null says nothing; a list may be null (observed by other clients), and so may its items.
"""

import re
from collections.abc import Mapping
from typing import TypeAlias

from mappings.errors import UnreadableRecord
from mappings.normalize import tidy

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
"""A JSON value as Python's parser gives it."""

JsonObject = Mapping[str, Json]
"""A JSON object that nobody changes."""

_NOTHING: JsonObject = {}
# C0, C1, what ends a line elsewhere, what turns the direction of text, halves of characters: nobody means any of it.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]+")


def is_object(value: Json) -> bool:
    """Tell whether a value is a JSON object."""
    return isinstance(value, dict)


def raw_text(document: JsonObject, name: str) -> str:
    """Return a property's text as it stands, "" if there is none. Errors: `UnreadableRecord`."""
    value = document.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UnreadableRecord(None, f"{name} is not text")
    return value


def text(document: JsonObject, name: str) -> str:
    """Return a property's text tidy and on one line. Errors: `UnreadableRecord`."""
    return one_line(raw_text(document, name))


def one_line(value: str) -> str:
    """Return a text tidy; line breaks and control characters are blanks."""
    return tidy(_CONTROLS.sub(" ", value))


def texts(document: JsonObject, name: str) -> tuple[str, ...]:
    """Return a list's texts as they stand, null ones left out. Errors: `UnreadableRecord`."""
    found: list[str] = []
    for item in _items(document, name):
        if not isinstance(item, str):
            raise UnreadableRecord(None, f"{name} holds something that is not text")
        found.append(item)
    return tuple(found)


def child(document: JsonObject, name: str) -> JsonObject:
    """Return a property's object, an empty one if there is none. Errors: `UnreadableRecord`."""
    value = document.get(name)
    if value is None:
        return _NOTHING
    if not isinstance(value, dict):
        raise UnreadableRecord(None, f"{name} is not an object")
    return value


def children(document: JsonObject, name: str) -> tuple[JsonObject, ...]:
    """Return a list's objects, null ones left out. Errors: `UnreadableRecord`."""
    found: list[JsonObject] = []
    for item in _items(document, name):
        if not isinstance(item, dict):
            raise UnreadableRecord(None, f"{name} holds something that is not an object")
        found.append(item)
    return tuple(found)


def truth(document: JsonObject, name: str) -> bool:
    """Return a property's truth value, false if there is none. Errors: `UnreadableRecord`."""
    value = document.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise UnreadableRecord(None, f"{name} is neither true nor false")
    return value


def _items(document: JsonObject, name: str) -> list[Json]:
    value = document.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise UnreadableRecord(None, f"{name} is not a list")
    return [item for item in value if item is not None]
