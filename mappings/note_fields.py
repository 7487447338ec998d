"""Where each field of a person stands in a note: frontmatter keys first, lines of the Profile section second.

A *spot* is a place for one text. A field's spots are found once per reading; what is read and what is
written are the same spots, which is what makes the lens's laws hold.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from mappings import normalize
from mappings.fields import DERIVED, FIELDS, Cardinality
from mappings.frontmatter import Block, Items, Marked, Node, Pairs, Scalar, Style
from mappings.person import FieldName
from mappings.profile_lines import LineReading, LineValue, shown_by
from mappings.profiles import Profile
from mappings.yaml_scalar import is_number

_VERBATIM: frozenset[FieldName] = frozenset({"tags", "links", "birthday", *DERIVED})
_NESTED_VALUE_KEYS = ("value", "email", "email_address", "number", "phone", "phone_number", "url", "address")
_NESTED_NAMES: Mapping[str, FieldName] = {
    "first": "given_name",
    "given": "given_name",
    "last": "family_name",
    "family": "family_name",
}
_AFTER_EVERY_KEY = 1_000
_NESTED = "it is written as a nested property"


class _Shape(NamedTuple):
    """What every text of a field has to be: `parse` returns it in its one spelling, None if it is `not_this`."""

    parse: Callable[[str], str | None]
    not_this: str


_SHAPES: Mapping[FieldName, _Shape] = {
    "emails": _Shape(normalize.email_of, "no e-mail address"),
    "former_emails": _Shape(normalize.email_of, "no e-mail address"),
    "birthday": _Shape(normalize.birthday_of, "not a date"),
    "last_contact": _Shape(normalize.date_of, "not a date"),
    "next_meeting": _Shape(normalize.date_of, "not a date"),
    "last_1on1": _Shape(normalize.date_of, "not a date"),
    "meetings_90d": _Shape(normalize.count_of, "not a whole number"),
}


class KeySpot(NamedTuple):
    """The single value of a key."""

    key: str
    scalar: Scalar


class ItemSpot(NamedTuple):
    """One item of a key's list; `position` beyond the last one is the place for a further item."""

    key: str
    items: Items
    position: int


class LineSpot(NamedTuple):
    """One value in a line of the Profile section."""

    value: LineValue


Spot = KeySpot | ItemSpot | LineSpot


class Slot(NamedTuple):
    """A text that a field has, as it is read, and where it stands."""

    text: str
    spot: Spot


class Found(NamedTuple):
    """All that a note says of one field.

    `vacant` are spots that stand ready but say nothing. `held` is why the value is not to be trusted, `fixed`
    why it can be read but not written; both are "" where they do not apply.
    """

    slots: tuple[Slot, ...]
    vacant: tuple[Spot, ...]
    held: str
    fixed: str

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(slot.text for slot in self.slots)


NOTHING = Found((), (), "", "")


def find_fields(
    block: Block | None, lines: Mapping[FieldName, LineReading], profile: Profile
) -> Mapping[FieldName, Found]:
    """Return every field that the note has a place for."""
    places: dict[FieldName, list[tuple[int, Found]]] = {}
    if block is not None:
        for key in block.nodes:
            for field, rank, found in _read_key(block, key, profile):
                places.setdefault(field, []).append((rank, found))
    for field, reading in lines.items():
        places.setdefault(field, []).append((_AFTER_EVERY_KEY, _read_line(field, reading)))
    return {field: _combined(field, _in_order(ranked)) for field, ranked in places.items()}


def _in_order(ranked: list[tuple[int, Found]]) -> list[Found]:
    return [found for _, found in sorted(ranked, key=lambda place: place[0])]


def _read_key(block: Block, key: str, profile: Profile) -> Iterator[tuple[FieldName, int, Found]]:
    ranked = profile.field_of(key)
    if ranked is None:
        return
    field, rank = ranked
    node = block.nodes[key]
    if field == "name" and isinstance(node, Pairs):
        for part, value in node.pairs.items():
            if part in _NESTED_NAMES:
                yield _NESTED_NAMES[part], rank, _nested(_NESTED_NAMES[part], [value])
    else:
        yield field, rank, _read_node(field, key, node)


def _read_node(field: FieldName, key: str, node: Node) -> Found:
    match node:
        case Scalar() if node.is_blank:
            return Found((), (KeySpot(key, node),), "", "")
        case Scalar():
            return _read_text(field, node, KeySpot(key, node))
        case Items():
            return _read_items(field, key, node)
        case Pairs():
            return _nested(field, [node])
        case Marked():
            return Found((), (), "its value is an alias or has a tag", "")


def _read_items(field: FieldName, key: str, items: Items) -> Found:
    if any(isinstance(item, Pairs) for item in items.items):
        return _nested(field, list(items.items))
    parts: list[Found] = []
    for index, item in enumerate(items.items):
        spot = ItemSpot(key, items, index)
        if not isinstance(item, Scalar):
            return Found((), (), "a list in a list: a link has to stand in quotes", "")
        parts.append(Found((), (spot,), "", "") if item.is_blank else _read_text(field, item, spot))
    if not any(part.slots for part in parts):
        parts.append(Found((), (ItemSpot(key, items, len(items.items)),), "", ""))
    return _united(parts)


def _nested(field: FieldName, nodes: list[Node]) -> Found:
    parts: list[Found] = []
    for scalar in map(_value_of_nested, nodes):
        if scalar is None:
            return Found((), (), "a nested property of unknown shape", "")
        if not scalar.is_blank:
            parts.append(_read_text(field, scalar, KeySpot("", scalar)))
    united = _united(parts)
    return Found(united.slots, (), united.held, _NESTED)


def _value_of_nested(node: Node) -> Scalar | None:
    if isinstance(node, Pairs):
        node = next((node.pairs[key] for key in _NESTED_VALUE_KEYS if key in node.pairs), node)
    return node if isinstance(node, Scalar) else None


def _read_text(field: FieldName, scalar: Scalar, spot: Spot) -> Found:
    if field == "phones" and scalar.style is Style.PLAIN and is_number(scalar.text):
        return Found((), (), f"`{scalar.text}` is a number to Obsidian and loses its plus or zero: quote it", "")
    return _read_value(field, scalar.text, spot)


def _read_line(field: FieldName, reading: LineReading) -> Found:
    if reading.held:
        return Found((), (), reading.held, "")
    parts = [
        _read_value(field, value.text, LineSpot(value)) if value.text else Found((), (LineSpot(value),), "", "")
        for value in reading.values
    ]
    return _united(parts)


def _read_value(field: FieldName, raw: str, spot: Spot) -> Found:
    text = normalize.tidy(raw)
    if field == "tags":
        text = text.removeprefix("#")
    elif field not in _VERBATIM and text.startswith("[[") and text.endswith("]]"):
        text = normalize.tidy(shown_by(text[2:-2]))
    if field not in _SHAPES:
        return Found((Slot(text, spot),), (), "", "")
    shape = _SHAPES[field]
    shaped = shape.parse(text)
    if shaped is None:
        return Found((), (), f"`{text}` is {shape.not_this}", "")
    return Found((Slot(shaped, spot),), (), "", "")


def _combined(field: FieldName, places: list[Found]) -> Found:
    """Unite the places of a field with several values; of one with a single value the first that says something."""
    if FIELDS[field].cardinality is Cardinality.MANY:
        return _united(places)
    if len(places) == 1 and len(places[0].slots) <= 1:
        return places[0]
    vacant = tuple(spot for place in places for spot in place.vacant)
    speaking = next((place for place in places if place.slots or place.held), None)
    if speaking is None:
        return Found((), vacant, "", next((place.fixed for place in places if place.fixed), ""))
    if len(speaking.slots) > 1:
        return Found((), (), "several values where one is expected", "")
    return Found(speaking.slots, vacant, speaking.held, speaking.fixed)


def _united(parts: list[Found]) -> Found:
    if len(parts) == 1:
        return parts[0]
    held = next((part.held for part in parts if part.held), "")
    if held:
        return Found((), (), held, "")
    return Found(
        tuple(slot for part in parts for slot in part.slots),
        tuple(spot for part in parts for spot in part.vacant),
        "",
        next((part.fixed for part in parts if part.fixed), ""),
    )
