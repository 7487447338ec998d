r"""Content lines: the syntax that vCards of every version share, read without losing a byte.

A text is cut into logical lines, each with its folding and its line ending: put together again they are the text.
What a line says is worked out only when it is asked for, because most lines, photos above all, never are.

Line endings are LF behind any number of CR: `\r\n` by the standards, `\n` in files that were edited by hand,
`\r\r\n` observed in an iPhone's export. Nothing else ends a line (RFC 6350 section 3.2), U+2028 for one does not.

Source: RFC 6350 sections 3.2 and 3.3; RFC 2426 sections 2.6 and 4; vCard 2.1 (versit, 1996) sections 2.1.3 to 2.1.5.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from mappings.errors import UnreadableRecord

LINE_OCTETS_MAX = 75
"""Without the line ending (RFC 6350 section 3.2)."""

_BYTE_ORDER_MARK = "\ufeff"
_REST = r"[^\n]*+(?:\n[ \t][^\n]*+)*+\n?+"
# Names may be folded too; `_` is no name character of the standards, but common in X- names.
_NAME = r"(?:[A-Za-z0-9_-]++|\r*\n[ \t])++"
_PLAIN = r"[^\":;\n]++|\n[ \t]"
_QUOTES = r'"(?:[^"\n]++|\n[ \t])*+"'
_LINE = re.compile(rf"((?:({_NAME})\.)?({_NAME})(?:;(?:{_PLAIN}|{_QUOTES})*+)*+):{_REST}")
_BLANK_LINE = re.compile(r"[ \t\r]*+(?:\n[ \t][ \t\r]*+)*+(?:\n|\Z)")
_SOFT_BROKEN = re.compile(r"(?:[^\n]*=\r*\n)*+[^\n]*+\n?+")
_FOLD = re.compile(r"\r*\n[ \t]")
_NEWLINE = re.compile(r"\r*\n\Z")
_SOFT_BREAK = re.compile(r"=\r*\n")
_PARAMETER = re.compile(r'(;(?:([A-Za-z0-9_-]+)=)?((?:[^";]++|"[^"]*+")*+))')
_NO_VALUES: frozenset[str] = frozenset()


class Parameter(NamedTuple):
    """One parameter: as written (`raw`, with its `;`), its name in upper case, its values without quotes.

    A bare parameter (`TEL;CELL:`) has the name TYPE, which it nearly always means (vCard 2.1 section 2.1.2).
    """

    raw: str
    name: str
    values: tuple[str, ...]


class Line(NamedTuple):
    """One logical line; a named tuple, because cards have dozens and books have thousands of cards.

    `raw` is its exact text, `group` as written, `name` in upper case; `head` is what stands before the colon,
    unfolded, and `start` is where the value begins in `raw`. A line that says nothing has no name.
    `quoted` tells that the value is quoted-printable, whose soft line breaks are not folds.
    """

    raw: str
    group: str
    name: str
    head: str
    start: int
    quoted: bool

    @property
    def value(self) -> str:
        """The value in one piece, otherwise as it stands: escapes and quoted-printable are not undone."""
        return unfold(self._body) if not self.quoted else self._body

    @property
    def is_folded(self) -> bool:
        return "\n" in self._body

    @property
    def newline(self) -> str:
        match = _NEWLINE.search(self.raw)
        return match[0] if match is not None else ""

    @property
    def _body(self) -> str:
        """The value without soft line breaks and the line ending, but with its folds."""
        body = self.raw[self.start :]
        return (_SOFT_BREAK.sub("", body) if self.quoted else body).rstrip("\r\n")

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return tuple(_parameter(*groups) for groups in _PARAMETER.findall(self.head)) if ";" in self.head else ()

    @property
    def bare_head(self) -> str:
        """The group and the name as written, without parameters."""
        return self.head.partition(";")[0]

    def values_of(self, parameter: str) -> frozenset[str]:
        """Return all values of a parameter, in upper case (RFC 6350 section 5: they are compared without case)."""
        if ";" not in self.head:
            return _NO_VALUES
        found = [each.values for each in self.parameters if each.name == parameter]
        return frozenset(value.upper() for values in found for value in values) if found else _NO_VALUES


def lines(text: str) -> Iterator[Line]:
    """Cut a text into its logical lines; a byte order mark and blank lines are lines that say nothing.

    Errors: `UnreadableRecord` at the first line that is no content line.
    """
    position = 0
    if text.startswith(_BYTE_ORDER_MARK):
        yield _silent(_BYTE_ORDER_MARK)
        position = len(_BYTE_ORDER_MARK)
    while position < len(text):
        line = _line_at(text, position)
        if line is None:
            raise UnreadableRecord(number_at(text, position), "neither a property nor a blank line")
        yield line
        position += len(line.raw)


def number_at(text: str, position: int) -> int:
    """Return the number of the physical line that a position is in, counted from 1."""
    return text.count("\n", 0, position) + 1


def written(head: str, value: str, newline: str) -> Line:
    """Make a folded line. Shapes: `head` is valid, `value` is escaped and has no line break."""
    raw = fold(f"{head}:{value}", newline) + newline
    return made(raw)


def made(raw: str) -> Line:
    """Make a line of its exact text.

    Shapes: `raw` is one logical line with its line ending.
    """
    return next(lines(raw))


def unfold(text: str) -> str:
    """Undo folding (RFC 6350 section 3.2)."""
    return _FOLD.sub("", text) if "\n" in text else text


def fold(text: str, newline: str) -> str:
    """Fold to lines of 75 octets, never within a character (RFC 6350 section 3.2)."""
    if len(text) <= LINE_OCTETS_MAX and text.isascii():
        return text
    octets = text.encode()
    pieces: list[bytes] = []
    start, room = 0, LINE_OCTETS_MAX
    while len(octets) - start > room:
        end = start + room
        while octets[end] & 0xC0 == 0x80:
            end -= 1
        pieces.append(octets[start:end])
        # The blank that marks a continuation counts.
        start, room = end, LINE_OCTETS_MAX - 1
    pieces.append(octets[start:])
    return f"{newline} ".join(piece.decode() for piece in pieces)


def _line_at(text: str, position: int) -> Line | None:
    match = _LINE.match(text, position)
    if match is None:
        blank = _BLANK_LINE.match(text, position)
        return _silent(blank[0]) if blank is not None else None
    raw, head, group, name = match.group(0, 1, 2, 3)
    start = len(head) + 1
    if "\n" in head:
        head, group, name = unfold(head), unfold(group or ""), unfold(name)
    quoted = ";" in head and "QUOTED-PRINTABLE" in head.upper()
    if quoted:
        raw = max(raw, raw[:start] + _soft_broken(text, position + start), key=len)
    return Line(raw, group or "", name.upper(), head, start, quoted)


def _soft_broken(text: str, position: int) -> str:
    match = _SOFT_BROKEN.match(text, position)
    return match[0] if match is not None else ""


def _silent(raw: str) -> Line:
    return Line(raw, "", "", "", len(raw), quoted=False)


def _parameter(raw: str, name: str, values: str) -> Parameter:
    return Parameter(raw, name.upper() or "TYPE", tuple(map(str.strip, values.replace('"', "").split(","))))
