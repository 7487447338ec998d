"""ADR: a town alone is a location, anything more is an address, which is the card's own and only read.

Source: RFC 6350 section 6.3.1; RFC 2426 section 3.2.1.
"""

import re

from mappings.content_line import Line
from mappings.errors import EditRefused
from mappings.plain_text import on_one_line
from mappings.vcard_card import Card, without_first
from mappings.vcard_text import escape, split, unescape

_LOCALITY = 3
_ONLY_LOCALITY = re.compile(r"\s*(?:;\s*){3}(?!\s*;|\s*$)(?:[^\\;]|\\.)+[\s;]*")


def _is_location(card: Card, line: Line) -> bool:
    return _ONLY_LOCALITY.fullmatch(card.text_of(line)) is not None and not line.values_of("LABEL")


def _locations(card: Card) -> list[Line]:
    return [line for line in card.named("ADR") if _is_location(card, line)]


def read_location(card: Card) -> str:
    """Return the town of the first ADR that has nothing else. Errors: `Doubt`."""
    lines = _locations(card)
    return card.component(lines[0], _LOCALITY) if lines else ""


def write_location(card: Card, value: str) -> Card:
    """Write or remove the first ADR that is a town and nothing else. Errors: `EditRefused`."""
    lines = _locations(card)
    if not lines:
        return card.adding("ADR", f";;;{escape(value, card.version, ';')};;;") if value else card
    return card.with_component(lines[0], _LOCALITY, value) if value else without_first(card, lines)


def read_addresses(card: Card) -> tuple[str, ...]:
    """Return all other ADRs, each on one line. Errors: `Doubt`."""
    lines = [line for line in card.named("ADR") if not _is_location(card, line)]
    addresses = (_one_line_address(card.text_of(line)) for line in lines)
    return tuple(dict.fromkeys(filter(None, addresses)))


def _one_line_address(text: str) -> str:
    box, extended, street, locality, region, code, country = (*map(str.strip, split(text, ";")), *[""] * 7)[:7]
    # Google's export has a whole address in the extended part.
    pieces = (street or extended or box, locality, f"{region} {code}".strip(), country)
    return on_one_line(unescape(", ".join(filter(None, pieces))).replace("\n", ", "))


def write_addresses(card: Card, values: tuple[str, ...]) -> Card:  # noqa: ARG001  # a lens's writer
    """Refuse: one line cannot be taken apart again. Errors: `EditRefused`, always."""
    raise EditRefused("addresses are only read from cards")


def new_address(text: str) -> tuple[str, str]:
    """Return head and text of the property that a *new* card has for an address of one line."""
    return "ADR", f";;{escape(text, '3.0', ';')};;;;"
