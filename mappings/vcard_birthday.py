"""BDAY: the forms that the versions and Apple give a birthday, with and without its year.

Source: RFC 6350 sections 4.3.1 and 6.2.5; RFC 2426 section 3.1.5; Apple writes a year for "none" and names it in
X-APPLE-OMIT-YEAR, 1604 as a rule (observed in its exports).
"""

import re

from mappings.content_line import Line
from mappings.errors import EditRefused
from mappings.normalize import birthday_of
from mappings.vcard_card import Card
from mappings.vcard_text import Doubt, composed, single

_NO_YEAR = "1604"
_YEARLESS_MARK = f";X-APPLE-OMIT-YEAR={_NO_YEAR}"

# `1012` is a year to RFC 6350, and `05-09` no date at all: neither is a day of a month.
_NO_DAY = re.compile(r"\d{4}|\d\d-\d\d")


def read_birthday(card: Card) -> str:
    """Return the birthday, with its time of day left out. Errors: `Doubt` for text and for dates that lack a day."""
    line = card.first("BDAY")
    text = single(card.text_of(line)) if line is not None else ""
    if line is None or not text:
        return ""
    date = birthday_of(text.partition("T")[0])
    if date is None or _NO_DAY.fullmatch(text) is not None or "TEXT" in line.values_of("VALUE"):
        raise Doubt("the birthday is not a day of a month")
    return f"-{date[4:]}" if date[:4] in line.values_of("X-APPLE-OMIT-YEAR") else date


def write_birthday(card: Card, value: str) -> Card:
    """Write or remove the birthday, in the form of the card's version."""
    if value and birthday_of(value) != value:
        raise EditRefused("the birthday is not of the form YYYY-MM-DD or --MM-DD")
    lines = card.named("BDAY")
    if value:
        mark, text = _form(card, value)
        return card.replacing(lines[0], _dated(card, lines[0], mark, text)) if lines else card.adding(f"BDAY{mark}", text)
    if len(lines) > 1:
        raise EditRefused("the card has a further BDAY, which would take the place of the removed one")
    return card.without(lines[0]) if lines else card


def _form(card: Card, value: str) -> tuple[str, str]:
    if card.version == "4.0":
        return "", value[:2] + value[2:].replace("-", "")
    if not value.startswith("--"):
        return "", value
    if card.version == "2.1":
        raise EditRefused("a vCard 2.1 cannot hold a birthday without its year")
    return _YEARLESS_MARK, f"{_NO_YEAR}{value[1:]}"


def _dated(card: Card, line: Line, mark: str, text: str) -> Line:
    gone = {"X-APPLE-OMIT-YEAR", "ENCODING", "CHARSET"}
    kept = [each for each in line.parameters if each.name not in gone]
    dates = [each for each in kept if each.name != "VALUE" or set(map(str.upper, each.values)) <= {"DATE", "DATE-AND-OR-TIME"}]
    head = line.bare_head + "".join(each.raw for each in dates) + mark
    return composed(head, text, line.newline, card.version)
