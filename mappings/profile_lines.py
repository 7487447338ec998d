"""The second source of a note: `**Label**: value` lines in the body's Profile section.

A value may be qualified: `Cloud team lead (one of two) at VAST Data (Cloud)` says title and organization,
and the parentheses say something about each. They do not travel; they stay while their value stays, and go
with it, since they qualified the old one.

Text in a body is live: Markdown, Dataview, Templater and tags. What could be read as more than plain words
is neither taken from a line nor written into one.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from mappings import normalize
from mappings.errors import EditRefused
from mappings.frontmatter_edit import Splice, before_blanks
from mappings.person import FieldName
from mappings.yaml_scalar import forbidden_character

LABELS: Mapping[str, FieldName] = {
    "role": "title",
    "title": "title",
    "job title": "title",
    "company": "organization",
    "org": "organization",
    "organization": "organization",
    "location": "location",
    "email": "emails",
    "e-mail": "emails",
    "phone": "phones",
    "mobile": "phones",
    "department": "department",
    "birthday": "birthday",
}

# Begins with a literal, which the engine finds fast: every note of a vault is searched for it.
_SECTION = re.compile(r"#[ \t]+(?:profile|contact)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_FENCE_OR_HEADING = re.compile(r"^(?: {0,3}(`{3,}|~{3,})|#{1,6}[ \t])", re.MULTILINE)
_LINE = re.compile(
    r"^(?:[-*+][ \t]+)?\*\*(?P<label>" + "|".join(LABELS) + r")(?::\*\*|\*\*:)[ \t]*(?P<value>[^\r\n]*)",
    re.IGNORECASE | re.MULTILINE | re.ASCII,
)
_LINK = re.compile(r"\[\[([^\[\]]+)\]\]")
_LIVE = re.compile(r"[<>`\[\]{}*\\]|%%|\$=|==|~~|(?:^|\s)[#^]\w|://|::|\|")
LINE_CHARACTERS_MAX = 2_000
"""What a value is read from: prose is longer, and taking a line apart costs more than its length."""

_LISTED: frozenset[FieldName] = frozenset({"emails", "phones"})
_AT = re.compile(" at ")
_LIST_SEPARATOR = re.compile("[,;]")


class LineValue(NamedTuple):
    """One value of one field in a line.

    `start` to `end` is the value, to `qualified_end` the value with its qualifiers. `before` is what has to go
    with the value when it is cleared, `clearable` whether the line still makes sense without it.
    """

    text: str
    start: int
    end: int
    qualified_end: int
    before: int
    clearable: bool


class LineReading(NamedTuple):
    """What the section says of one field: its values in order, or why they are not to be trusted."""

    values: tuple[LineValue, ...]
    held: str


def read_lines(note: str, body_start: int) -> Mapping[FieldName, LineReading]:
    """Return what the Profile section of a note says, field by field; empty for a note without one."""
    readings: dict[FieldName, list[LineReading]] = {}
    for start, end in _sections(note, body_start):
        for line in _LINE.finditer(note, start, end):
            field = LABELS[line["label"].lower()]
            for name, reading in _read_line(field, note, line.start("value"), line.end("value")):
                readings.setdefault(name, []).append(reading)
    return {field: _joined(field, parts) for field, parts in readings.items()}


def write(note: str, old: LineValue, text: str) -> Splice:
    """Replace one value and the qualifiers directly behind it.

    Errors: `EditRefused` if the text would be more than plain words in a Markdown body.
    """
    if _LIVE.search(text) or "(" in text or ")" in text or _AT.search(text) or forbidden_character(text):
        raise EditRefused("the text would not be plain words in the note's body")
    gap = "" if note[old.start - 1] in " \t" else " "
    return Splice(old.start, old.qualified_end, gap + text)


def clear(old: LineValue) -> Splice:
    """Take one value and its qualifiers out of its line."""
    if not old.clearable:
        raise EditRefused("its line says more than this, and would not read well without it")
    return Splice(old.before, old.qualified_end, "")


def _sections(note: str, body_start: int) -> Iterator[tuple[int, int]]:
    """Find the texts of the sections, code blocks left out; most notes have none, and the rest is not searched."""
    inside, start, fence = False, body_start, ""
    if _SECTION.search(note, body_start) is None:
        return
    for mark in _FENCE_OR_HEADING.finditer(note, body_start):
        ticks = mark[1] or ""
        if fence:
            if ticks.startswith(fence):
                fence, start = "", mark.end()
            continue
        if inside:
            yield start, mark.start()
        fence = ticks
        if not ticks:
            was_inside, start = inside, mark.end()
            inside = _SECTION.match(note, mark.end() - 2) is not None
            if was_inside and not inside and _SECTION.search(note, start) is None:
                return
    if inside and not fence:
        yield start, len(note)


def _read_line(field: FieldName, note: str, start: int, end: int) -> Iterator[tuple[FieldName, LineReading]]:
    if end - start > LINE_CHARACTERS_MAX:
        yield field, LineReading((), f"its line is longer than {LINE_CHARACTERS_MAX:,} characters")
        return
    if field in _LISTED:
        pieces = _split(note, start, end, _LIST_SEPARATOR)
        yield field, _reading([_value(note, piece, clearable=len(pieces) == 1) for piece in pieces])
        return
    parts = _split(note, start, end, _AT)
    if len(parts) == 1:
        yield field, _reading([_value(note, parts[0], clearable=True)])
    elif field == "title" and len(parts) == 2:
        title = _value(note, parts[0], clearable=False)
        organization = _value(note, parts[1], clearable=True)
        yield "title", _reading([title])
        yield "organization", _reading([organization._replace(before=title.qualified_end)])
    else:
        held = LineReading((), "` at ` stands in its line more than once, or without a title before it")
        yield field, held
        if field == "title":
            yield "organization", held


def _joined(field: FieldName, parts: list[LineReading]) -> LineReading:
    held = next((part.held for part in parts if part.held), "")
    if field in _LISTED:
        return LineReading(tuple(value for part in parts for value in part.values), held)
    speaking = [part for part in parts if _texts(part)] or parts
    if any(_texts(part) != _texts(speaking[0]) for part in speaking):
        held = held or "the note's body says it twice, differently"
    return LineReading(speaking[0].values, held)


def _texts(reading: LineReading) -> list[str]:
    return [value.text for value in reading.values if value.text]


def _reading(values: list[LineValue]) -> LineReading:
    held = ""
    if any(_LIVE.search(value.text) for value in values):
        held = "the note's body says it with markup"
    elif any(value.text.count("(") != value.text.count(")") for value in values):
        held = "the note's body says it with a parenthesis that does not close"
    return LineReading(tuple(values), held)


def _value(note: str, piece: tuple[int, int], *, clearable: bool) -> LineValue:
    """Read one value with its qualifiers out of a piece of a line."""
    start, end = _stripped(note, *piece)
    value_end = end
    while (opening := _qualifier(note, start, value_end)) is not None:
        value_end = _stripped(note, start, opening)[1]
    raw = note[start:value_end]
    link = _LINK.fullmatch(raw)
    text = normalize.tidy(raw if link is None else shown_by(link[1]))
    return LineValue(text, start, value_end, end, before_blanks(note, start), clearable)


def shown_by(target: str) -> str:
    """Return what a wikilink shows: its alias, else the name of the note that it leads to.

    An alias is what the owner chose to read; a folder or heading is only where the note is found.
    """
    path, _, alias = target.partition("|")
    return alias.strip() or path.partition("#")[0].rpartition("/")[2].strip()


def _qualifier(note: str, start: int, end: int) -> int | None:
    """Return where the parenthesis opens that closes at `end`, None if none does."""
    if end <= start or note[end - 1] != ")":
        return None
    depth = 0
    for offset in range(end - 1, start - 1, -1):
        character = note[offset]
        if character == ")":
            depth += 1
        elif character == "(":
            depth -= 1
        if depth == 0:
            return offset if offset == start or note[offset - 1] in " \t" else None
    return None


def _split(note: str, start: int, end: int, separator: re.Pattern[str]) -> list[tuple[int, int]]:
    """Cut a line at the separators that stand outside parentheses."""
    pieces: list[tuple[int, int]] = []
    piece_start = start
    for found in separator.finditer(note, start, end):
        inside = note[start : found.start()]
        if inside.count("(") <= inside.count(")"):
            pieces.append((piece_start, found.start()))
            piece_start = found.end()
    return [*pieces, (piece_start, end)]


def _stripped(note: str, start: int, end: int) -> tuple[int, int]:
    text = note[start:end]
    end = start + len(text.rstrip())
    return min(end, start + len(text) - len(text.lstrip())), end
