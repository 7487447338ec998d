"""Fields of several values: EMAIL, TEL and URL, a line for each value; CATEGORIES, lists in lines.

Source: RFC 6350 sections 6.4.1, 6.4.2, 6.7.1 and 6.7.8; RFC 2426 sections 3.3.1, 3.3.2, 3.6.1 and 3.6.8.
"""

from collections.abc import Callable
from dataclasses import dataclass

from mappings.content_line import Line
from mappings.normalize import email_key, link_key, phone_key, text_key, tidy
from mappings.vcard_card import Card
from mappings.vcard_text import escape, escape_uri, single, split


def _distinct(key: Callable[[str], str], values: list[str]) -> tuple[str, ...]:
    if len(values) < 2:
        return tuple(filter(None, values))
    return tuple({key(value): value for value in reversed(values) if value}.values())[::-1]


@dataclass(frozen=True, slots=True)
class Property:
    """A property of which each line has one value of a field, and the lens of that field.

    A value that stays keeps its line, with its spelling and parameters. `owns` says which lines are the field's, `write` gives head and text of a new line.
    """

    name: str
    key: Callable[[str], str]
    owns: Callable[[Line], bool]
    read: Callable[[Card, Line], str]
    write: Callable[[Card, str], tuple[str, str]]

    def lines(self, card: Card) -> list[Line]:
        return [line for line in card.named(self.name) if self.owns(line)]

    def values(self, card: Card) -> tuple[str, ...]:
        """Return the values, one of each key. Errors: `Doubt`."""
        return _distinct(self.key, [self.read(card, line) for line in self.lines(card)])

    def written(self, card: Card, values: tuple[str, ...]) -> Card:
        """Remove the lines of values that are gone, add lines for new ones. Errors: `EditRefused`."""
        wanted = {self.key(value) for value in values}
        present = {self.key(value) for value in self.values(card)}
        for line in self.lines(card):
            value = self.read(card, line)
            if value and self.key(value) not in wanted:
                card = card.without(line)
        for value in _distinct(self.key, [tidy(value) for value in values]):
            if self.key(value) not in present:
                card = card.adding(*self.write(card, value))
        return card


def _any_line(line: Line) -> bool:  # noqa: ARG001  # `owns` of a property whose lines are all the field's
    return True


def _read_line(card: Card, line: Line) -> str:
    return single(card.text_of(line))


def _new_email(card: Card, value: str) -> tuple[str, str]:
    return "EMAIL", escape(value, card.version, "")


def _new_link(card: Card, value: str) -> tuple[str, str]:
    return "URL", escape_uri(value, card.version)


def _is_for_voice(line: Line) -> bool:
    # RFC 6350 section 6.4.1; a fax or pager is nobody's phone in a note.
    return line.values_of("TYPE").isdisjoint({"FAX", "PAGER"})


def _read_phone(card: Card, line: Line) -> str:
    text = single(card.text_of(line))
    if text[:4].lower() != "tel:":
        return text
    number = text[4:]
    # RFC 6350 section 6.4.1 marks a URI; some cards have it without the mark.
    return number if "URI" in line.values_of("VALUE") or number[:1] in set("+0123456789") else text


def _new_phone(card: Card, value: str) -> tuple[str, str]:
    lines = card.named("TEL")
    if lines and card.version == "4.0" and "URI" in lines[-1].values_of("VALUE"):
        uri = "".join("-" if character in " /()." else character for character in value)
        # Only a global number is a URI by itself (RFC 3966 section 5.1.4 and 5.1.5).
        if uri.startswith("+") and set(uri[1:]) <= set("0123456789-") and phone_key(uri) == phone_key(value):
            return "TEL;VALUE=uri", f"tel:{uri}"
    return "TEL", escape(value, card.version, "")


EMAILS = Property("EMAIL", email_key, _any_line, _read_line, _new_email)
PHONES = Property("TEL", phone_key, _is_for_voice, _read_phone, _new_phone)
LINKS = Property("URL", link_key, _any_line, _read_line, _new_link)


def read_tags(card: Card) -> tuple[str, ...]:
    """Return the items of all CATEGORIES. Errors: `Doubt`."""
    lines = card.named("CATEGORIES")
    tags = (single(tag) for line in lines for tag in split(card.text_of(line), ","))
    return tuple(dict.fromkeys(filter(None, tags)))


def write_tags(card: Card, values: tuple[str, ...]) -> Card:
    """Take items out of their lists, and put new ones at the end of the last. Errors: `EditRefused`."""
    wanted = {text_key(value) for value in values}
    present = {text_key(value) for value in read_tags(card)}
    for line in card.named("CATEGORIES"):
        tags = split(card.text_of(line), ",")
        kept = [tag for tag in tags if text_key(single(tag)) in wanted]
        if kept != tags:
            card = card.saying(line, ",".join(kept)) if kept else card.without(line)
    added = [value for value in _distinct(text_key, [*values]) if text_key(value) not in present]
    texts = [escape(value, card.version, ",") for value in added if tidy(value)]
    lines = card.named("CATEGORIES")
    if not texts:
        return card
    if lines:
        return card.saying(lines[-1], ",".join([card.text_of(lines[-1]), *texts]))
    return card.adding("CATEGORIES", ",".join(texts))
