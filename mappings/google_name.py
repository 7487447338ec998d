"""The name of a Google contact: five parts, of which the full name is put together.

The server makes `displayName` of the parts, in an order and with blanks that depend on the owner's language, and how it
would take a full name apart is not documented. So the parts alone count here, put together in an order that rests on
them only, and a new name is sent in parts: what was written is what is read, whatever the server makes of it.

Names in Chinese, Japanese and Korean script have the family name first.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from mappings import full_name
from mappings.json_object import JsonObject
from mappings.normalize import tidy
from mappings.plain_text import on_one_line

_FAMILY_FIRST = re.compile(r"[\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
_MADE_BY_SERVER = ("displayName", "displayNameLastFirst", "unstructuredName")


class Parts(NamedTuple):
    """The five parts; "" for one that the name does not have."""

    prefix: str
    given: str
    middle: str
    family: str
    suffix: str


NO_PARTS = Parts("", "", "", "", "")

_MEMBERS = Parts("honorificPrefix", "givenName", "middleName", "familyName", "honorificSuffix")


def parts_of(entry: JsonObject) -> Parts:
    """Return the parts that a name's entry has. Errors: `Doubt` if one has several lines."""
    return Parts(*(on_one_line(entry.text(member)) for member in _MEMBERS))


def with_parts(entry: JsonObject, parts: Parts) -> JsonObject:
    """Return the entry with these parts; what the server made of the old ones goes, how it sounds stays."""
    bare = entry.without([*_MEMBERS, *_MADE_BY_SERVER])
    return bare.with_members({member: part for member, part in zip(_MEMBERS, parts, strict=True) if part})


def name_of(entry: JsonObject) -> str:
    """Return the full name. Errors: `Doubt` if it has several lines."""
    return joined(parts_of(entry)) or on_one_line(entry.text("unstructuredName") or entry.text("displayName"))


def joined(parts: Parts) -> str:
    """Put a name together."""
    first, second = (parts.family, parts.given) if _is_family_first(parts) else (parts.given, parts.family)
    between = [second, parts.middle] if _is_family_first(parts) else [parts.middle, second]
    return tidy(" ".join([parts.prefix, first, *between, parts.suffix]))


def split(name: str, given: str, family: str) -> Parts:
    """Take a new contact's name apart; given and family name say how where they fit it.

    Shapes: all tidy.
    """
    words = name.split()
    if _FAMILY_FIRST.search(name):
        return _asian(words)
    _, implied_family = full_name.implied(name)
    last = family.split() if family and _ends_with(words, family.split()) else implied_family.split()
    rest = words[: len(words) - len(last)]
    first = given.split() if given and _begins_with(rest, given.split()) else rest
    return Parts("", " ".join(first), " ".join(rest[len(first) :]), " ".join(last), "")


def renamed(parts: Parts, name: str) -> Parts:
    """Return the parts for a new full name; a part that is in its place there stays what it is.

    Shapes: a tidy name. `joined(renamed(parts, name)) == name`.
    """
    words = name.split()
    prefix = parts.prefix.split() if _begins_with(words, parts.prefix.split()) else []
    words = words[len(prefix) :]
    suffix = parts.suffix.split() if _ends_with(words, parts.suffix.split()) else []
    words = words[: len(words) - len(suffix)]
    middle_out = _asian(words) if _FAMILY_FIRST.search(" ".join(words)) else _western(parts, words)
    return middle_out._replace(prefix=" ".join(prefix), suffix=" ".join(suffix))


def _western(parts: Parts, words: Sequence[str]) -> Parts:
    family, given, middle = parts.family.split(), parts.given.split(), parts.middle.split()
    if family and _ends_with(words, family):
        rest = words[: len(words) - len(family)]
        if given and _begins_with(rest, given):
            return _named(given, rest[len(given) :], family)
        if middle and len(rest) > len(middle) and _ends_with(rest, middle):
            return _named(rest[: len(rest) - len(middle)], middle, family)
        return _named(rest, [], family)
    if given and len(words) > len(given) and _begins_with(words, given):
        rest = words[len(given) :]
        kept = middle if len(rest) > len(middle) and _begins_with(rest, middle) else []
        return _named(given, kept, rest[len(kept) :])
    implied_given, implied_family = full_name.implied(" ".join(words))
    return Parts("", implied_given, "", implied_family, "")


def _named(given: Sequence[str], middle: Sequence[str], family: Sequence[str]) -> Parts:
    return Parts("", " ".join(given), " ".join(middle), " ".join(family), "")


def _asian(words: Sequence[str]) -> Parts:
    """Take the first of several words for the family name; one word alone cannot be taken apart."""
    count = 1 if len(words) > 1 else 0
    return _named(words[count:], [], words[:count])


def _is_family_first(parts: Parts) -> bool:
    return _FAMILY_FIRST.search(parts.given + parts.family) is not None


def _begins_with(words: Sequence[str], part: Sequence[str]) -> bool:
    return list(words[: len(part)]) == list(part)


def _ends_with(words: Sequence[str], part: Sequence[str]) -> bool:
    return list(words[len(words) - len(part) :]) == list(part) and len(words) >= len(part)
