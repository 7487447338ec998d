"""Each field's place in a card: how it is read there, and how a new value is written.

Readers raise `Doubt` where a value cannot be read safely, writers `EditRefused` where it cannot be written so.
A single value is the first property's of its kind; emptying it is refused where another would take its place.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from mappings.content_line import Line
from mappings.errors import EditRefused
from mappings.normalize import date_of, tidy
from mappings.person import FieldName
from mappings.plain_text import Doubt
from mappings.vcard_address import read_addresses, read_location, write_addresses, write_location
from mappings.vcard_birthday import read_birthday, write_birthday
from mappings.vcard_card import Card, without_first
from mappings.vcard_lists import EMAILS, LINKS, PHONES, read_tags, write_tags
from mappings.vcard_text import escape, single, split, unescape

_LAST_CONTACT_LABEL = "last_contact"


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
    return card.component(line, index) if line is not None else ""


def _write_organization(index: int, card: Card, value: str) -> Card:
    lines = card.named("ORG")
    if not lines:
        return card.adding("ORG", ";" * index + escape(value, card.version, ";")) if value else card
    changed = card.with_component(lines[0], index, value)
    left = changed.named("ORG")
    return changed if changed.text_of(left[0]).strip("; ") else without_first(changed, left)


def _dates_of_last_contact(card: Card) -> list[Line]:
    # Servers change the case of names (X-ABLABEL, observed in Radicale); `_$!<Anniversary>!$_` is Apple's own.
    dates = [line for line in card.named("X-ABDATE") if line.group]
    labels = card.named("X-ABLABEL") if dates else ()
    ours = {line.group.casefold() for line in labels if unescape(line.value).strip().casefold() == _LAST_CONTACT_LABEL}
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
        return card.adding_group(("X-ABDATE", value), ("X-ABLabel", _LAST_CONTACT_LABEL)) if value else card
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
    "location": One(read_location, write_location),
    "birthday": One(read_birthday, write_birthday),
    "last_contact": One(_read_last_contact, _write_last_contact),
}

MANY: Mapping[FieldName, Many] = {
    "emails": Many(EMAILS.values, EMAILS.written),
    "phones": Many(PHONES.values, PHONES.written),
    "addresses": Many(read_addresses, write_addresses),
    "links": Many(LINKS.values, LINKS.written),
    "tags": Many(read_tags, write_tags),
}
