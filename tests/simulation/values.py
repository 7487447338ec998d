"""Values that somebody types: each is unlike any other of a history, so that it can be followed wherever it goes."""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache
from random import Random

from mappings.person import FieldName

MANY: frozenset[FieldName] = frozenset({"emails", "phones", "links"})

TYPED: tuple[FieldName, ...] = (
    "name",
    "nickname",
    "emails",
    "phones",
    "organization",
    "department",
    "title",
    "location",
    "birthday",
    "links",
    "last_contact",
)
"""The fields in which people of a history type, and which both sides keep in step."""

_WORDS: dict[FieldName, str] = {
    "name": "Ada Q{:04d}",
    "nickname": "Nick q{:04d}",
    "emails": "q{:04d}@example.test",
    "phones": "+49 30 7{:06d}",
    "organization": "Org q{:04d}",
    "department": "Team q{:04d}",
    "title": "Lead q{:04d}",
    "location": "Town q{:04d}",
    "links": "https://q{:04d}.test/x",
}
_BIRTHDAYS_FROM, _BIRTHDAYS = date(1950, 1, 1), 9973
_CONTACTS_FROM, _CONTACTS = date(2020, 1, 1), 1999
_STEP = 37
"""Dates jump about, so that the later one typed is not always the later date; prime to the counts above."""

_NOISE = re.compile(r"[^0-9a-z\n]+")


def fresh(field: FieldName, number: int) -> str:
    """Return a value of the field's kind that no other number has."""
    if field == "birthday":
        return str(_BIRTHDAYS_FROM + timedelta(days=number * _STEP % _BIRTHDAYS))
    if field == "last_contact":
        return str(_CONTACTS_FROM + timedelta(days=number * _STEP % _CONTACTS))
    return _WORDS[field].format(number)


@lru_cache(maxsize=4096)
def key(text: str) -> str:
    """Return what is left of a value however it is spelled: its letters and digits."""
    return _NOISE.sub("", text.casefold())


def keys(texts: Iterable[str]) -> frozenset[str]:
    """Return the keys of a field's values."""
    return frozenset(key(text) for text in texts)


def seeded(*seed: object) -> Random:
    """Return chances that are the same whenever they are drawn again."""
    return Random(" ".join(map(str, seed)))  # noqa: S311  # nobody is to be kept from guessing them
