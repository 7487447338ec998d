"""Fields of several values: EMAIL, TEL and URL, a line for each value; CATEGORIES, lists in lines.

Source: RFC 6350 sections 6.4.1, 6.4.2, 6.7.1 and 6.7.8; RFC 2426 sections 3.3.1, 3.3.2, 3.6.1 and 3.6.8.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mappings.content_line import Line
from mappings.normalize import email_key, link_key, phone_key, text_key
from mappings.value_places import difference, distinct
from mappings.vcard_card import Card
from mappings.vcard_text import escape, escape_uri, single, split, with_text

_GLOBAL_NUMBER = re.compile(r"\+[0-9-]*[0-9][0-9-]*(?:;ext=[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Property:
    """A property of which each line has one value of a field, and the lens of that field.

    A value that stays keeps its line, with its spelling and parameters. `owns` says which lines are the field's, `write`
    gives head and text of a new line, `rewrite` puts another value into a line.
    """

    name: str
    key: Callable[[str], str]
    owns: Callable[[Line], bool]
    read: Callable[[Card, Line], str]
    write: Callable[[Card, str], tuple[str, str]]
    rewrite: Callable[[Card, Line, str], Card]

    def lines(self, card: Card) -> list[Line]:
        return [line for line in card.named(self.name) if self.owns(line)]

    def values(self, card: Card) -> tuple[str, ...]:
        """Return the values, one of each key. Errors: `Doubt`."""
        return distinct(self.key, [self.read(card, line) for line in self.lines(card)])

    def written(self, card: Card, values: tuple[str, ...]) -> Card:
        """Correct the lines of values that are gone, or remove them; add lines for further new ones.

        Every line of a value that is gone gets the same new one: one number may be both WORK and HOME.
        Errors: `EditRefused`.
        """
        places, added = difference(self.key, self.values(card), values)
        for line in self.lines(card):
            value = self.read(card, line)
            new = places.get(self.key(value)) if value else None
            if new is not None:
                card = self.rewrite(card, line, new) if new else card.without(line)
        for value in added:
            card = card.adding(*self.write(card, value))
        return card


def _any_line(line: Line) -> bool:  # noqa: ARG001  # `owns` of a property whose lines are all the field's
    return True


def _read_line(card: Card, line: Line) -> str:
    return single(card.text_of(line))


def _new_email(card: Card, value: str) -> tuple[str, str]:
    return "EMAIL", escape(value, card.version, "")


def _rewrite_email(card: Card, line: Line, value: str) -> Card:
    return card.saying(line, escape(value, card.version, ""))


def _new_link(card: Card, value: str) -> tuple[str, str]:
    return "URL", escape_uri(value, card.version)


def _rewrite_link(card: Card, line: Line, value: str) -> Card:
    return card.saying(line, escape_uri(value, card.version))


def _is_for_voice(line: Line) -> bool:
    # RFC 6350 section 6.4.1; a fax or pager is nobody's phone in a note.
    return line.values_of("TYPE").isdisjoint({"FAX", "PAGER"})


def _is_marked_uri(line: Line) -> bool:
    return "URI" in line.values_of("VALUE")


def _read_phone(card: Card, line: Line) -> str:
    text = single(card.text_of(line))
    if text[:4].lower() != "tel:":
        return text
    number = text[4:]
    # RFC 6350 section 6.4.1 marks a URI; some cards have it without the mark.
    return number if _is_marked_uri(line) or number[:1] in set("+0123456789") else text


def _phone_uri(value: str) -> str:
    """Return a number as a URI, "" for one that is none by itself: not global (RFC 3966 sections 5.1.4 and 5.1.5)."""
    uri = "".join("-" if character in " /()." else character for character in value)
    is_same = _GLOBAL_NUMBER.fullmatch(uri) is not None and phone_key(uri) == phone_key(value)
    return f"tel:{uri}" if is_same else ""


def _new_phone(card: Card, value: str) -> tuple[str, str]:
    lines = card.named("TEL")
    if lines and card.version == "4.0" and _is_marked_uri(lines[-1]):
        uri = _phone_uri(value)
        if uri:
            return "TEL;VALUE=uri", uri
    return "TEL", escape(value, card.version, "")


def _rewrite_phone(card: Card, line: Line, value: str) -> Card:
    uri = _phone_uri(value)
    if uri and (_is_marked_uri(line) or card.text_of(line)[:4].lower() == "tel:"):
        return card.saying(line, uri)
    return card.replacing(line, with_text(_as_text(line), escape(value, card.version, ""), card.version))


def _as_text(line: Line) -> Line:
    """Return the line without the mark of a URI, which a text must not have."""
    kept = [each.raw for each in line.parameters if each.name != "VALUE" or not _is_marked_uri(line)]
    return line._replace(head="".join([line.bare_head, *kept]))


EMAILS = Property("EMAIL", email_key, _any_line, _read_line, _new_email, _rewrite_email)
PHONES = Property("TEL", phone_key, _is_for_voice, _read_phone, _new_phone, _rewrite_phone)
LINKS = Property("URL", link_key, _any_line, _read_line, _new_link, _rewrite_link)


def read_tags(card: Card) -> tuple[str, ...]:
    """Return the items of all CATEGORIES. Errors: `Doubt`."""
    lines = card.named("CATEGORIES")
    tags = (single(tag) for line in lines for tag in split(card.text_of(line), ","))
    return tuple(dict.fromkeys(filter(None, tags)))


def write_tags(card: Card, values: tuple[str, ...]) -> Card:
    """Correct items in their lists, or take them out; put further new ones at the end of the last.

    Errors: `EditRefused`.
    """
    places, added = difference(text_key, read_tags(card), values)
    for line in card.named("CATEGORIES"):
        tags = split(card.text_of(line), ",")
        kept = _with_places(card, tags, places)
        if kept != tags:
            card = card.saying(line, ",".join(kept)) if kept else card.without(line)
    texts = [escape(value, card.version, ",") for value in added]
    lines = card.named("CATEGORIES")
    if not texts:
        return card
    if lines:
        return card.saying(lines[-1], ",".join([card.text_of(lines[-1]), *texts]))
    return card.adding("CATEGORIES", ",".join(texts))


def _with_places(card: Card, tags: Sequence[str], places: Mapping[str, str]) -> list[str]:
    """Return the items of one list, without those that go or are blank."""
    values = [text_key(single(tag)) for tag in tags]
    news = [escape(places[value], card.version, ",") if value in places else None for value in values]
    return [
        tag if new is None else new for tag, value, new in zip(tags, values, news, strict=True) if value and new != ""
    ]
