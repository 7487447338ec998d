"""A card as its lines: where it begins and ends, which lines are its own, and edits that leave the others alone.

Source: RFC 6350 sections 6.1.1 and 6.1.2; groups: section 3.3; a card within a card: vCard 2.1 (versit, 1996), AGENT.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mappings.content_line import Line, lines, number_at
from mappings.errors import EditRefused, UnreadableRecord
from mappings.vcard_text import Version, composed, escape, single, split, text_of, with_text

TEXT_LENGTH_MAX = 8 * 1024 * 1024
"""Characters of one card; the largest photos that address books take are a fraction of it."""

LINES_MAX = 20_000
"""Logical lines of one card; a photo is one of them."""

_VERSIONS: dict[str, Version] = {"2.1": "2.1", "3.0": "3.0", "4.0": "4.0"}

# What Apple and Google say about the other lines of a group, observed in their exports: label, country of an address.
_COMPANIONS = frozenset({"X-ABLABEL", "X-ABADR"})


@dataclass(frozen=True, slots=True)
class Card:
    """One card, made by `card_of`. The lines of a card within it have no name here: they are another's."""

    version: Version
    lines: tuple[Line, ...]
    by_name: Mapping[str, Sequence[Line]]

    @property
    def text(self) -> str:
        return "".join(line.raw for line in self.lines)

    @property
    def newline(self) -> str:
        return self.by_name["BEGIN"][0].newline

    def named(self, name: str) -> Sequence[Line]:
        return self.by_name.get(name, ())

    def first(self, name: str) -> Line | None:
        return next(iter(self.by_name.get(name, ())), None)

    def text_of(self, line: Line) -> str:
        """Return a line's text. Errors: `Doubt`."""
        return text_of(line, self.version)

    def component(self, line: Line, index: int) -> str:
        """Return one part of a structured value, "" if it has fewer. Errors: `Doubt`."""
        parts = split(self.text_of(line), ";")
        return single(parts[index]) if index < len(parts) else ""

    def with_component(self, line: Line, index: int, value: str) -> "Card":
        """Replace one part of a structured value and leave the others as they are; an emptied last part goes."""
        parts = split(self.text_of(line), ";")
        parts += [""] * (index + 1 - len(parts))
        parts[index] = escape(value, self.version, ";")
        if not value and index == len(parts) - 1:
            parts.pop()
        return self.saying(line, ";".join(parts))

    def saying(self, line: Line, text: str) -> "Card":
        """Return the card with an escaped text as the value of this line."""
        return self.replacing(line, with_text(line, text, self.version))

    def replacing(self, line: Line, new: Line) -> "Card":
        return card_of(self.version, tuple(new if each is line else each for each in self.lines))

    def without(self, line: Line) -> "Card":
        """Return the card without this line, nor those that only speak of it."""
        gone = {id(line), *(id(each) for each in self._companions(line))}
        return card_of(self.version, tuple(each for each in self.lines if id(each) not in gone))

    def adding(self, head: str, text: str) -> "Card":
        """Return the card with one more line, behind the last one of its name, else at the end."""
        new = composed(head, text, self.newline, self.version)
        return self._inserting(self._last(new.name) + 1 if new.name in self.by_name else self._last("END"), new)

    def adding_group(self, *contents: tuple[str, str]) -> "Card":
        """Return the card with lines of names and escaped texts at its end, as the first free group `itemN`."""
        taken = {line.group.casefold() for line in self.lines}
        group = next(f"item{number}" for number in range(1, len(taken) + 2) if f"item{number}" not in taken)
        new = (composed(f"{group}.{name}", text, self.newline, self.version) for name, text in contents)
        return self._inserting(self._last("END"), *new)

    def _last(self, name: str) -> int:
        return max(index for index, line in enumerate(self.lines) if line.name == name)

    def _inserting(self, index: int, *new: Line) -> "Card":
        return card_of(self.version, (*self.lines[:index], *new, *self.lines[index:]))

    def _companions(self, line: Line) -> list[Line]:
        group = line.group.casefold()
        others = [each for each in self.lines if group and each is not line and each.group.casefold() == group]
        return others if all(each.name in _COMPANIONS for each in others) else []


def card_of(version: Version, lines: tuple[Line, ...]) -> Card:
    """Make a card of its lines."""
    by_name: dict[str, list[Line]] = {}
    for line in lines:
        by_name.setdefault(line.name, []).append(line)
    return Card(version, lines, by_name)


def without_first(card: Card, lines: Sequence[Line]) -> Card:
    """Return the card without the first of these lines, the only one that is read.

    Errors: `EditRefused` if that would bring another one into its place.
    """
    if len(lines) > 1:
        raise EditRefused(f"the card has a further {lines[1].name}, which would take the place of the removed one")
    return card.without(lines[0]) if lines else card


def parsed(text: str) -> Card:
    """Parse the one card of a text. Errors: `UnreadableRecord`."""
    if len(text) > TEXT_LENGTH_MAX:
        raise UnreadableRecord(None, f"longer than {TEXT_LENGTH_MAX} characters")
    found = list(split_cards(text))
    if len(found) != 1:
        raise UnreadableRecord(1, f"one card was expected, not {len(found)}")
    if len(found[0]) > LINES_MAX:
        raise UnreadableRecord(None, f"more than {LINES_MAX} lines")
    return card_of(_version(found[0]), found[0])


def split_cards(text: str) -> Iterator[tuple[Line, ...]]:
    """Cut a text into the lines of its cards; blank lines go with the card before them, the first ones behind them.

    Errors: `UnreadableRecord` at a line outside of cards, a BEGIN or END that has no partner, a broken line.
    """
    card: list[Line] = []
    depth, position, before = 0, 0, ""
    for line in lines(text):
        if line.name == "BEGIN" and _is_of_card(line):
            if depth and before != "AGENT":
                raise UnreadableRecord(number_at(text, position), "BEGIN:VCARD within a card, whose END is missing")
            if not depth and any(each.name == "END" for each in card):
                yield tuple(card)
                card = []
            depth += 1
        elif not depth and line.name:
            raise UnreadableRecord(number_at(text, position), f"{line.name} outside of a card")
        card.append(line if depth <= 1 else line._replace(name=""))
        if line.name == "END" and _is_of_card(line):
            depth -= 1
        position += len(line.raw)
        before = line.name or before
    if depth:
        raise UnreadableRecord(number_at(text, position), "END:VCARD is missing")
    if any(line.name for line in card):
        yield tuple(card)


def _is_of_card(line: Line) -> bool:
    return line.value.strip().upper() == "VCARD"


def _version(card: tuple[Line, ...]) -> Version:
    said = next((line.value.strip() for line in card if line.name == "VERSION"), "")
    version = _VERSIONS.get(said)
    if version is None:
        raise UnreadableRecord(1, f"VERSION:{said} is not known" if said else "VERSION is missing")
    return version
