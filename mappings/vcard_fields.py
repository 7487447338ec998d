"""Each field's place in a card: how it is read there, and how a new value is written.

Readers raise `Doubt` where a value cannot be read safely, writers `EditRefused` where it cannot be written so.
A single value is the first property's of its kind; emptying it is refused where another would take its place.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from mappings.content_line import Line
from mappings.errors import EditRefused
from mappings.normalize import date_of, email_key, link_key, phone_key, text_key, tidy
from mappings.person import FieldName
from mappings.vcard_birthday import read_birthday, write_birthday
from mappings.vcard_card import Card, without_first
from mappings.vcard_text import Doubt, escape, escape_uri, on_one_line, refuse_controls, single, split, unescape

LAST_CONTACT_LABEL = "last_contact"


@dataclass(frozen=True, slots=True)
class One:
    """The lens of a field with one value; writing "" removes it."""

    read: Callable[[Card], str]
    write: Callable[[Card, str], Card]


@dataclass(frozen=True, slots=True)
class Many:
    """The lens of a field with several values; a value that stays keeps its place, spelling and parameters."""

    read: Callable[[Card], tuple[str, ...]]
    write: Callable[[Card, tuple[str, ...]], Card]


def component(card: Card, line: Line, index: int) -> str:
    """Return one part of a structured value, "" if it has fewer."""
    parts = split(card.text_of(line), ";")
    return single(parts[index]) if index < len(parts) else ""


def with_component(card: Card, line: Line, index: int, value: str) -> Card:
    """Replace one part of a structured value and leave the others as they are; an emptied last part goes."""
    parts = split(card.text_of(line), ";")
    parts += [""] * (index + 1 - len(parts))
    parts[index] = escape(value, card.version, ";")
    if not value and index == len(parts) - 1:
        parts.pop()
    return card.saying(line, ";".join(parts))


def _read_text(name: str, card: Card) -> str:
    line = card.first(name)
    return single(card.text_of(line)) if line is not None else ""


def _write_text(name: str, card: Card, value: str) -> Card:
    text, lines = escape(value, card.version, ""), card.named(name)
    if not lines:
        return card.adding(name, text) if text else card
    return card.saying(lines[0], text) if text else without_first(card, lines)


def _read_nickname(card: Card) -> str:
    line = card.first("NICKNAME")
    return single(split(card.text_of(line), ",")[0]) if line is not None else ""


def _write_nickname(card: Card, value: str) -> Card:
    text, lines = escape(value, card.version, ","), card.named("NICKNAME")
    if not lines:
        return card.adding("NICKNAME", text) if text else card
    _, *others = split(card.text_of(lines[0]), ",")
    if text:
        return card.saying(lines[0], ",".join([text, *others]))
    if others:
        raise EditRefused("the card has a further nickname, which would take the place of the removed one")
    return without_first(card, lines)


def _read_organization(index: int, card: Card) -> str:
    line = card.first("ORG")
    return component(card, line, index) if line is not None else ""


def _write_organization(index: int, card: Card, value: str) -> Card:
    lines = card.named("ORG")
    if not lines:
        return card.adding("ORG", ";" * index + escape(value, card.version, ";")) if value else card
    changed = with_component(card, lines[0], index, value)
    left = changed.named("ORG")
    return changed if changed.text_of(left[0]).strip("; ") else without_first(changed, left)


# A town and nothing else is a location; anything more is an address and the card's own (RFC 6350 section 6.3.1).
_LOCALITY = 3
_ONLY_LOCALITY = re.compile(r"\s*(?:;\s*){3}(?!\s*;|\s*$)(?:[^\\;]|\\.)+[\s;]*")


def _is_location(card: Card, line: Line) -> bool:
    return _ONLY_LOCALITY.fullmatch(card.text_of(line)) is not None and not line.values_of("LABEL")


def _locations(card: Card) -> list[Line]:
    return [line for line in card.named("ADR") if _is_location(card, line)]


def _read_location(card: Card) -> str:
    lines = _locations(card)
    return component(card, lines[0], _LOCALITY) if lines else ""


def _write_location(card: Card, value: str) -> Card:
    lines = _locations(card)
    if not lines:
        return card.adding("ADR", f";;;{escape(value, card.version, ';')};;;") if value else card
    return with_component(card, lines[0], _LOCALITY, value) if value else without_first(card, lines)


def _read_addresses(card: Card) -> tuple[str, ...]:
    lines = [line for line in card.named("ADR") if not _is_location(card, line)]
    return _once(_one_line_address(card.text_of(line)) for line in lines)


def _one_line_address(text: str) -> str:
    box, extended, street, locality, region, code, country = (*map(str.strip, split(text, ";")), *[""] * 7)[:7]
    # Google's export has a whole address in the extended part.
    pieces = (street or extended or box, locality, f"{region} {code}".strip(), country)
    return on_one_line(unescape(", ".join(filter(None, pieces))).replace("\n", ", "))


def _write_addresses(card: Card, values: tuple[str, ...]) -> Card:  # noqa: ARG001  # a lens's writer
    raise EditRefused("addresses are only read from cards")


def new_address(text: str) -> tuple[str, str]:
    """Return head and text of the property that a *new* card has for an address of one line."""
    return "ADR", f";;{escape(text, '3.0', ';')};;;;"


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, texts)))


def _distinct(key: Callable[[str], str], values: list[str]) -> tuple[str, ...]:
    if len(values) < 2:
        return tuple(filter(None, values))
    return tuple({key(value): value for value in reversed(values) if value}.values())[::-1]


@dataclass(frozen=True, slots=True)
class _Property:
    """A property of which each line has one value of a field.

    `owns` says which lines are the field's, `write` gives head and text of a new line.
    """

    name: str
    key: Callable[[str], str]
    owns: Callable[[Line], bool]
    read: Callable[[Card, Line], str]
    write: Callable[[Card, str], tuple[str, str]]

    def lines(self, card: Card) -> list[Line]:
        return [line for line in card.named(self.name) if self.owns(line)]

    def values(self, card: Card) -> tuple[str, ...]:
        return _distinct(self.key, [self.read(card, line) for line in self.lines(card)])

    def written(self, card: Card, values: tuple[str, ...]) -> Card:
        wanted = {self.key(value) for value in values}
        present = {self.key(value) for value in self.values(card)}
        for line in self.lines(card):
            value = self.read(card, line)
            if value and self.key(value) not in wanted:
                card = card.without(line)
        for value in _distinct(self.key, [tidy(refuse_controls(value)) for value in values]):
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


_EMAILS = _Property("EMAIL", email_key, _any_line, _read_line, _new_email)
_PHONES = _Property("TEL", phone_key, _is_for_voice, _read_phone, _new_phone)
_LINKS = _Property("URL", link_key, _any_line, _read_line, _new_link)


def _read_tags(card: Card) -> tuple[str, ...]:
    lines = card.named("CATEGORIES")
    return _once(single(tag) for line in lines for tag in split(card.text_of(line), ","))


def _write_tags(card: Card, values: tuple[str, ...]) -> Card:
    wanted = {text_key(value) for value in values}
    present = {text_key(value) for value in _read_tags(card)}
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


def _dates_of_last_contact(card: Card) -> list[Line]:
    # Servers change the case of names (X-ABLABEL, observed in Radicale); `_$!<Anniversary>!$_` is Apple's own.
    dates = [line for line in card.named("X-ABDATE") if line.group]
    labels = card.named("X-ABLABEL") if dates else ()
    ours = {line.group.casefold() for line in labels if unescape(line.value).strip().casefold() == LAST_CONTACT_LABEL}
    return [line for line in dates if line.group.casefold() in ours]


def _read_last_contact(card: Card) -> str:
    lines = _dates_of_last_contact(card)
    if not lines:
        return _foreign_last_contact(card)
    text = single(card.text_of(lines[0]))
    date = date_of(text)
    if text and date is None:
        raise Doubt("the date of the last contact is none")
    return date or ""


def _foreign_last_contact(card: Card) -> str:
    line = card.first("X-LAST-CONTACTED")
    return (date_of(tidy(line.value)) or "") if line is not None else ""


def _write_last_contact(card: Card, value: str) -> Card:
    if value and date_of(value) != value:
        raise EditRefused("the last contact is not a date of the form YYYY-MM-DD")
    lines = _dates_of_last_contact(card)
    if not value and _foreign_last_contact(card):
        raise EditRefused("the card has another program's X-LAST-CONTACTED, which would take its place")
    if not lines:
        return card.adding_group(("X-ABDATE", value), ("X-ABLabel", LAST_CONTACT_LABEL)) if value else card
    if value:
        return card.saying(lines[0], value)
    for line in lines:
        card = card.without(line)
    return card


ONE: Mapping[FieldName, One] = {
    "nickname": One(_read_nickname, _write_nickname),
    "organization": One(partial(_read_organization, 0), partial(_write_organization, 0)),
    "department": One(partial(_read_organization, 1), partial(_write_organization, 1)),
    "title": One(partial(_read_text, "TITLE"), partial(_write_text, "TITLE")),
    "location": One(_read_location, _write_location),
    "birthday": One(read_birthday, write_birthday),
    "last_contact": One(_read_last_contact, _write_last_contact),
}

MANY: Mapping[FieldName, Many] = {
    "emails": Many(_EMAILS.values, _EMAILS.written),
    "phones": Many(_PHONES.values, _PHONES.written),
    "addresses": Many(_read_addresses, _write_addresses),
    "links": Many(_LINKS.values, _LINKS.written),
    "tags": Many(_read_tags, _write_tags),
}
