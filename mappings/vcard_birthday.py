"""BDAY: the forms that the versions and Apple give a birthday, with and without its year.

Source: RFC 6350 sections 4.3.1 and 6.2.5; RFC 2426 section 3.1.5; Apple writes a year for "none" and names it in
X-APPLE-OMIT-YEAR, 1604 as a rule (observed in its exports).
"""

import re

from mappings.content_line import Line, Parameter
from mappings.errors import EditRefused
from mappings.normalize import birthday_of
from mappings.plain_text import Doubt
from mappings.vcard_card import Card, without_first
from mappings.vcard_text import composed, single

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
    if not value:
        return without_first(card, lines)
    mark, text = _form(card, value)
    if not lines:
        return card.adding(f"BDAY{mark}", text)
    return card.replacing(lines[0], _dated(card, lines[0], mark, text))


def _form(card: Card, value: str) -> tuple[str, str]:
    if card.version == "4.0":
        return "", value[:2] + value[2:].replace("-", "")
    if not value.startswith("--"):
        return "", value
    if card.version == "2.1":
        raise EditRefused("a vCard 2.1 cannot hold a birthday without its year")
    return _YEARLESS_MARK, f"{_NO_YEAR}{value[1:]}"


def _dated(card: Card, line: Line, mark: str, text: str) -> Line:
    kept = "".join(each.raw for each in line.parameters if _suits_a_date(each))
    return composed(line.bare_head + kept + mark, text, line.newline, card.version)


def _suits_a_date(parameter: Parameter) -> bool:
    if parameter.name == "VALUE":
        return all(value.upper() in {"DATE", "DATE-AND-OR-TIME"} for value in parameter.values)
    return parameter.name not in {"X-APPLE-OMIT-YEAR", "ENCODING", "CHARSET"}
