"""The frontmatter of a note as text: which keys it has, and between which characters each value stands.

Not a YAML library: nothing is ever dumped, so that every byte outside a replaced value survives. Two readers
that know nothing of each other look at every block. yaml-edit says where a value stands and in which style;
it also accepts text that is not YAML. yaml12 (YAML 1.2 core, as Obsidian's reader) says what the values are,
but it expands aliases, so that a few hundred bytes can cost all memory: it never sees a block with marks
(anchors, aliases, tags, merge keys), and such a block is read but never written.

What is made by the dozen for every note of a vault is a tuple: a frozen dataclass takes twice as long to make.

Offsets are characters of the whole note. yaml-edit counts UTF-8 bytes of what it was given; `_Ruler` converts.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import yaml12
import yaml_edit

from mappings.errors import UnreadableNote

BLOCK_BYTES_MAX = 64 * 1024

_OPENING = re.compile(r"\ufeff?---[ \t]*(?:\r?\n|\Z)")
_CLOSING = re.compile(r"^---[ \t]*\r?$", re.MULTILINE)
_LONE_CR = re.compile(r"\r(?!\n)")
_KEY_LINE = re.compile(r"[^\s:][^\r\n]*:(?:\s|\Z)")
_TAB_INDENT = re.compile(r"^ *\t", re.MULTILINE)
_DOCUMENT_MARK = re.compile(r"^(?:%|\.\.\.|---)", re.MULTILINE)
_WIDE = re.compile(r"[^\x00-\x7f]")
_MAYBE_MARKED = re.compile(r"[&*!]|<<")
_MARKED_ROOT = re.compile(r"^[&!]", re.MULTILINE)
_ERROR_PLACE = re.compile(r"(?: at byte \d+)?,?(?: at)? line (\d+)(?:,? column \d+)?:? ?")
_COLON = re.compile(r"[ \t]*:")
_DASH = re.compile(r"[ \t]*(?:- *)*-(?=[ \t]*(?:#|\r?\n|\Z))")
_NOT_A_MAPPING = "the frontmatter is not a list of keys and values"
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


class Style(StrEnum):
    """How a scalar is written (YAML 1.2.2 sections 7.3 and 8.1)."""

    PLAIN = "plain"
    SINGLE = "single-quoted"
    DOUBLE = "double-quoted"
    LITERAL = "literal"
    FOLDED = "folded"


_STYLES = {str(style): style for style in Style}


class Scalar(NamedTuple):
    """One text: its value as read, and the characters that write it, quotes included.

    One that is not written at all (`key:`) is empty and stands directly behind its colon or dash.
    """

    text: str
    style: Style
    start: int
    end: int

    @property
    def is_blank(self) -> bool:
        return not self.text.strip() or self.is_null

    @property
    def is_null(self) -> bool:
        return self.style is Style.PLAIN and self.text in _NULLS


class Items(NamedTuple):
    """A list, in brackets (`flow`) or with dashes."""

    items: "tuple[Node, ...]"
    flow: bool
    start: int
    end: int


class Pairs(NamedTuple):
    """A mapping inside the frontmatter."""

    pairs: "Mapping[str, Node]"


@dataclass(frozen=True, slots=True)
class Marked:
    """An alias or a tagged value: not ours to guess."""


Node = Scalar | Items | Pairs | Marked


class Fences(NamedTuple):
    """Where the block between the two `---` lines starts and ends."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Ruler:
    """Turns byte offsets of the block into character offsets of the note.

    `wide_ends` are the byte offsets behind each character of several bytes, `surplus[n]` the bytes that the
    first n of them have more than one.
    """

    note: str
    start: int
    wide_ends: Sequence[int]
    surplus: Sequence[int]

    def at(self, offset: int) -> int:
        return self.start + offset - self.surplus[bisect_right(self.wide_ends, offset)]


def _ruler(note: str, start: int, yaml: str) -> _Ruler:
    ends: list[int] = []
    surplus = [0]
    for wide in _WIDE.finditer(yaml) if not yaml.isascii() else ():
        surplus.append(surplus[-1] + len(wide[0].encode()) - 1)
        ends.append(wide.end() + surplus[-1])
    return _Ruler(note, start, ends, surplus)


class Heard(NamedTuple):
    """What the second reader got for one key.

    Its values are compared as notations: 1, 1.0 and True are equal to Python, and not-a-number never is.
    """

    notation: str
    texts: tuple[str, ...]
    counts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """The frontmatter of one note.

    `indent` are the blanks before each key, `flow` says that it is written in braces. `unwritable` is the
    reason why nothing in it may be changed, "" if it may. `heard` is what the second reader got, by the
    notation of its keys (1 and "1" are two), empty where it was not asked.
    """

    note: str
    fences: Fences
    nodes: Mapping[str, Node]
    indent: str
    flow: bool
    unwritable: str
    heard: Mapping[str, Heard]

    @property
    def text(self) -> str:
        return self.note[self.fences.start : self.fences.end]

    def texts(self, key: str) -> tuple[str, ...]:
        """Return every text beneath a key that may be missing, however deep it stands."""
        node = self.nodes.get(key)
        return () if node is None else tuple(_texts(node))


def check_characters(note: str) -> None:
    """Refuse characters that other programs read as an end: of the text, or of a line.

    Errors: `UnreadableNote`.
    """
    if "\0" in note:
        raise UnreadableNote(line_number(note, note.index("\0")), "a NUL character")
    lone = _LONE_CR.search(note) if "\r" in note else None
    if lone is not None:
        raise UnreadableNote(line_number(note, lone.start()), "a line that ends in CR alone")


def find_fences(note: str) -> Fences | None:
    """Return where the frontmatter stands, None for a note without one.

    Errors: `UnreadableNote` for one that is never closed; a rule (`---`) before prose is no frontmatter.
    Source: Obsidian accepts the opening `---` on the very first line only.
    """
    opening = _OPENING.match(note)
    if opening is None:
        return None
    closing = _CLOSING.search(note, opening.end())
    if closing is not None:
        return Fences(opening.end(), closing.start())
    if _KEY_LINE.match(note, opening.end()):
        raise UnreadableNote(1, "the frontmatter has no closing `---`")
    return None


def parse(note: str, fences: Fences) -> Block:
    """Read the block between the fences with both readers.

    Errors: `UnreadableNote` if one of them cannot read it, or a key stands in it twice.
    """
    yaml = note[fences.start : fences.end]
    _check_shape(note, fences, yaml)
    document = _document(yaml, line_number(note, fences.start))
    root = document.as_mapping() if document is not None else None
    if document is None or root is None:
        return Block(note, fences, nodes={}, indent="", flow=False, unwritable="", heard={})
    ruler = _ruler(note, fences.start, yaml)
    unwritable = _marks(document, root, yaml) if _MAYBE_MARKED.search(yaml) else ""
    heard: Mapping[str, Heard] = {} if unwritable else _second_reading(note, fences, yaml)
    return Block(note, fences, _nodes(ruler, root), _indent(ruler, root), root.is_flow_style(), unwritable, heard)


def line_number(note: str, offset: int) -> int:
    """Return the number of the line in which an offset lies, counted from 1."""
    return note.count("\n", 0, offset) + 1


def line_start(note: str, offset: int) -> int:
    """Return where the line starts in which an offset lies."""
    return note.rfind("\n", 0, offset) + 1


def line_end(note: str, offset: int) -> int:
    """Return where the next line starts."""
    end = note.find("\n", offset)
    return len(note) if end < 0 else end + 1


def _check_shape(note: str, fences: Fences, yaml: str) -> None:
    if len(yaml) > BLOCK_BYTES_MAX or len(yaml.encode()) > BLOCK_BYTES_MAX:
        raise UnreadableNote(1, f"the frontmatter is larger than {BLOCK_BYTES_MAX // 1024} KiB")
    for pattern, reason in (
        (_TAB_INDENT, "a tab as indentation in the frontmatter"),
        (_DOCUMENT_MARK, "a YAML directive or document marker in the frontmatter"),
    ):
        found = pattern.search(yaml)
        if found is not None:
            raise UnreadableNote(line_number(note, fences.start + found.start()), reason)


def _document(yaml: str, first_line: int) -> yaml_edit.Document | None:
    try:
        documents = yaml_edit.YamlFile.parse(yaml).documents()
    except yaml_edit.YamlError as error:
        raise _unreadable(error, first_line) from error
    if not documents or documents[0].root() is None:
        return None
    if documents[0].as_mapping() is None or len(documents) > 1:
        raise UnreadableNote(first_line, _NOT_A_MAPPING)
    return documents[0]


def _unreadable(error: ValueError, first_line: int) -> UnreadableNote:
    message = str(error)
    place = _ERROR_PLACE.search(message)
    line = first_line if place is None else first_line + int(place[1]) - 1
    reason = _ERROR_PLACE.sub("", message).removeprefix("YAML parse error: ").removeprefix("Parse error").strip(" :,")
    return UnreadableNote(line, f"the frontmatter is not valid YAML: {reason}")


def _nodes(ruler: _Ruler, mapping: yaml_edit.Mapping) -> dict[str, Node]:
    nodes: dict[str, Node] = {}
    for entry in mapping.entries():
        key = entry.key()
        scalar = key.as_scalar() if key is not None else None
        if scalar is None:
            continue
        name = scalar.as_string()
        if name in nodes:
            line = line_number(ruler.note, ruler.at(entry.byte_range()[0]))
            raise UnreadableNote(line, f"the key `{name}` stands in the frontmatter twice")
        nodes[name] = _node(ruler, entry.value(), scalar.byte_range()[1])
    return nodes


def _indent(ruler: _Ruler, root: yaml_edit.Mapping) -> str:
    start = ruler.at(root.entries()[0].byte_range()[0])
    return ruler.note[line_start(ruler.note, start) : start]


def _second_reading(note: str, fences: Fences, yaml: str) -> Mapping[str, Heard]:
    try:
        values = yaml12.parse_yaml(yaml)
    except ValueError as error:
        raise _unreadable(error, line_number(note, fences.start)) from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise UnreadableNote(line_number(note, fences.start), _NOT_A_MAPPING)
    heard: dict[str, Heard] = {}
    for key, value in values.items():
        items = value if isinstance(value, list) else [value]
        heard[repr(key)] = Heard(
            repr(value),
            texts=tuple(item for item in items if isinstance(item, str)),
            counts=tuple(str(item) for item in items if type(item) is int),
        )
    return heard


def _marks(document: yaml_edit.Document, root: yaml_edit.Mapping, yaml: str) -> str:
    if document.anchors() or _MARKED_ROOT.search(yaml) or any(_is_marked(entry) for entry in root.entries()):
        return "anchors, aliases, tags or merge keys in the frontmatter"
    return ""


def _is_marked(entry: yaml_edit.Entry) -> bool:
    key = entry.key()
    return key is None or str(key) == "<<" or _has_marks(key) or _has_marks(entry.value())


def _has_marks(node: yaml_edit.Node | None) -> bool:
    if node is None:
        return False
    if node.is_alias() or node.is_tagged():
        return True
    if (items := node.as_sequence()) is not None:
        return any(_has_marks(item) for item in items.values())
    if (pairs := node.as_mapping()) is not None:
        return any(_is_marked(entry) for entry in pairs.entries())
    return False


def _node(ruler: _Ruler, node: yaml_edit.Node | None, key_end: int | None) -> Node:
    """Convert one node; `key_end` is where the key before it ends, None for an item of a list."""
    if node is None:
        raise AssertionError("yaml-edit gives a key without value an empty scalar")
    start, end = node.byte_range()
    if (scalar := node.as_scalar()) is not None:
        if start == end:
            return _unwritten(ruler, start, key_end)
        return Scalar(scalar.as_string(), _STYLES[scalar.style()], ruler.at(start), ruler.at(end))
    if (items := node.as_sequence()) is not None:
        nodes = tuple(_node(ruler, item, None) for item in items.values())
        return Items(nodes, items.is_flow_style(), ruler.at(start), ruler.at(end))
    if (pairs := node.as_mapping()) is not None:
        return Pairs(_nodes(ruler, pairs))
    return Marked()


def _unwritten(ruler: _Ruler, start: int, key_end: int | None) -> Scalar:
    """Return the scalar of a key or dash that nothing follows; yaml-edit places it behind blanks and comments."""
    if key_end is None:
        offset = ruler.at(start)
        mark = _DASH.match(ruler.note, line_start(ruler.note, offset))
    else:
        offset = ruler.at(key_end)
        mark = _COLON.match(ruler.note, offset)
    offset = offset if mark is None else mark.end()
    return Scalar("", Style.PLAIN, offset, offset)


def _texts(node: Node) -> Iterator[str]:
    match node:
        case Scalar() if not node.is_blank:
            yield node.text
        case Items():
            for item in node.items:
                yield from _texts(item)
        case Pairs():
            for value in node.pairs.values():
                yield from _texts(value)
        case _:
            return
