"""Whether a value really is what the protocol's types say, for values that come from code which nobody checked.

Our own connectors are held to their types by the type checker; what a connector from elsewhere returns is looked
through, down to each text, before anything of it is stored.
"""

from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from datetime import date, datetime, timedelta
from functools import cache
from types import UnionType
from typing import Literal, NewType, Union, cast, get_args, get_origin, get_type_hints


def misfit(value: object, hint: object) -> str:
    """Return where a value is not of its type, "" if it is: `records, item 3, etag is a list`. No value is named.

    Shapes: `hint` is made of dataclasses, unions, literals, tuples of any length, sets, mappings and plain types.
    """
    if isinstance(hint, NewType):
        return misfit(value, hint.__supertype__)
    origin, args = get_origin(hint), get_args(hint)
    if origin is Union or origin is UnionType:
        return _in_union(value, args)
    if origin is Literal:
        return "" if value in args else _is(value)
    if origin is not None:
        return _in_collection(value, cast("type[object]", origin), args)
    return _in_plain(value, cast("type[object]", hint))


def _is_whole(text: str) -> bool:
    """Tell whether a text can be stored: half of a surrogate pair, as a cut JSON escape leaves it, has no encoding."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _in_union(value: object, hints: tuple[object, ...]) -> str:
    """Try each; of several dataclasses the one that the value is says what is wrong inside of it."""
    faults = [misfit(value, hint) for hint in hints]
    if "" in faults:
        return ""
    return next((fault for fault in faults if fault != _is(value)), _is(value))


def _in_collection(value: object, kind: type[object], args: tuple[object, ...]) -> str:
    if not isinstance(value, kind):
        return _is(value)
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value).items()
        return _first((misfit(key, args[0]) or misfit(each, args[1]), "an entry") for key, each in pairs)
    items = cast("tuple[object, ...] | frozenset[object]", value)
    return _first((misfit(each, args[0]), f"item {number}") for number, each in enumerate(items, 1))


def _in_plain(value: object, kind: type[object]) -> str:
    # Exactly this type where another is one of it too: for Python, a truth value is a number, an instant a day.
    is_one = type(value) is kind if kind in {bool, int, float, date} else isinstance(value, kind)
    if not is_one:
        return _is(value)
    if isinstance(value, str) and not _is_whole(value):
        return "is text with half a character in it"
    if isinstance(value, datetime) and value.utcoffset() != timedelta(0):
        return "is a time that is not in UTC"
    if is_dataclass(kind):
        return _first((misfit(getattr(value, name), hint), name) for name, hint in _hints(kind).items())
    return ""


@cache
def _hints(kind: type[object]) -> Mapping[str, object]:
    return get_type_hints(kind)


def _first(faults: Iterable[tuple[str, str]]) -> str:
    return next((_within(place, fault) for fault, place in faults if fault), "")


def _within(place: str, fault: str) -> str:
    return f"{place} {fault}" if fault.startswith("is ") else f"{place}, {fault}"


def _is(value: object) -> str:
    return f"is of type {type(value).__name__}"
