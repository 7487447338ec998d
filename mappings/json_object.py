"""JSON objects as providers send them, frozen: what a lens has no word for is kept as it came.

A lens asks for a member by the kind of value that the provider's reference promises, and refuses any other. A member
that is missing reads as blank, since providers leave out what is blank (proto3's JSON mapping; OData).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias, TypeVar, cast

from mappings.errors import UnreadableRecord

Json: TypeAlias = "bool | int | float | str | tuple[Json, ...] | JsonObject | None"


@dataclass(frozen=True, slots=True)
class JsonObject:
    """One object; two are equal if they say the same, whatever the order of their members."""

    members: Mapping[str, Json]

    def text(self, name: str) -> str:
        """Return a text, "" if it is missing. Errors: `UnreadableRecord`."""
        value = self.members.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise _not_a("text", name)
        return value

    def number(self, name: str) -> int:
        """Return a whole number, 0 if it is missing. Errors: `UnreadableRecord`."""
        value = self.members.get(name)
        if value is None:
            return 0
        if type(value) is not int:
            raise _not_a("whole number", name)
        return value

    def flag(self, name: str) -> bool:
        """Return a truth value, False if it is missing. Errors: `UnreadableRecord`."""
        value = self.members.get(name)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise _not_a("truth value", name)
        return value

    def object(self, name: str) -> "JsonObject":
        """Return an object, an empty one if it is missing. Errors: `UnreadableRecord`."""
        value = self.members.get(name)
        if value is None:
            return EMPTY
        if not isinstance(value, JsonObject):
            raise _not_a("table", name)
        return value

    def objects(self, name: str) -> tuple["JsonObject", ...]:
        """Return a list of objects, an empty one if it is missing. Errors: `UnreadableRecord`."""
        return tuple(_checked(value, JsonObject, name) for value in self._list(name))

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts, an empty one if it is missing. Errors: `UnreadableRecord`."""
        return tuple(_checked(value, str, name) for value in self._list(name))

    def with_members(self, members: Mapping[str, Json]) -> "JsonObject":
        """Return the object with these members in the place of those before, at the end if there were none."""
        return JsonObject(MappingProxyType({**self.members, **members}))

    def without(self, names: Iterable[str]) -> "JsonObject":
        """Return the object without these members."""
        gone = frozenset(names)
        return JsonObject(MappingProxyType({name: value for name, value in self.members.items() if name not in gone}))

    def _list(self, name: str) -> tuple[Json, ...]:
        value = self.members.get(name)
        if value is None:
            return ()
        if not isinstance(value, tuple):
            raise _not_a("list", name)
        return value


EMPTY = JsonObject(MappingProxyType({}))

_Kind = TypeVar("_Kind", str, JsonObject)


def json_object(members: Mapping[str, Json]) -> JsonObject:
    """Make an object of its members."""
    return JsonObject(MappingProxyType(dict(members)))


def parsed(text: str) -> JsonObject:
    """Parse the text of one object. Errors: `UnreadableRecord`."""
    try:
        return frozen(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise UnreadableRecord(None, "is no JSON") from error


def frozen(value: object) -> JsonObject:
    """Freeze an object as `json.loads` returns it. Errors: `UnreadableRecord` for anything but an object."""
    made = _frozen(value)
    if not isinstance(made, JsonObject):
        raise UnreadableRecord(None, "is no JSON object")
    return made


def plain(value: JsonObject) -> dict[str, object]:
    """Return what `json.dumps` takes, and libraries that send JSON."""
    return {name: _plain(each) for name, each in value.members.items()}


def composed(value: JsonObject) -> str:
    """Return an object's canonical text: objects that are equal have the same."""
    return json.dumps(plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _checked(value: Json, kind: type[_Kind], name: str) -> _Kind:
    if not isinstance(value, kind):
        raise _not_a("list of one kind", name)
    return value


def _frozen(value: object) -> Json:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case dict():
            members = cast("dict[str, object]", value)
            return JsonObject(MappingProxyType({name: _frozen(each) for name, each in members.items()}))
        case list():
            return tuple(_frozen(each) for each in cast("list[object]", value))
        case _:
            raise UnreadableRecord(None, "is no JSON")


def _plain(value: Json) -> object:
    match value:
        case JsonObject():
            return plain(value)
        case tuple():
            return [_plain(each) for each in value]
        case _:
            return value


def _not_a(kind: str, name: str) -> UnreadableRecord:
    return UnreadableRecord(None, f"{name} is no {kind}")
