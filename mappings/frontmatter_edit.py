"""Edits of the frontmatter as splices: which characters of a note are replaced by which others.

Nothing here looks at the result; `note.put` reads it again with both readers before anybody gets it.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mappings.errors import EditRefused
from mappings.frontmatter import Block, Fences, Items, Node, Scalar, Style, line_end, line_start, parse
from mappings.yaml_scalar import is_date, spell

_LAST_BLANKS = re.compile(r"[ \t]*(?=\r?\n|\Z)")
_LINES = frozenset({Style.LITERAL, Style.FOLDED})
_LIST_INDENT = "  "
"""What Obsidian itself puts before the dash of a list, for blocks without a list to imitate."""


class Splice(NamedTuple):
    """Replace the characters from `start` to `end` by `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class NewText:
    """A text to be written, and the style it gets where there is no old value to imitate; a count stands as a number."""

    text: str
    style: Style
    is_count: bool = False


def apply(note: str, splices: Sequence[Splice]) -> str:
    """Return the note with the splices made.

    Errors: `EditRefused` if two of them overlap.
    """
    parts: list[str] = []
    done = 0
    for splice in sorted(splices):
        if splice.start < done:
            raise EditRefused("two changes of the same characters")
        parts += (note[done : splice.start], splice.text)
        done = splice.end
    return "".join((*parts, note[done:]))


def replace(block: Block, old: Scalar, new: NewText, *, in_flow: bool = False) -> Splice:
    """Write a new value over an old one in the old one's style; a blank one gets the new one's."""
    if old.style in _LINES:
        raise EditRefused("the value is a block of lines")
    if old.is_null:
        start, end = _place(block.note, old)
        return Splice(start, end, _gap(block.note, start) + _spell(new, in_flow=in_flow or block.flow))
    if new.is_count and old.style is Style.PLAIN:
        return Splice(old.start, old.end, new.text)
    text = spell(new.text, old.style, in_flow=in_flow or block.flow, plain_dates=is_date(old.text))
    return Splice(old.start, old.end, text)


def clear(block: Block, old: Scalar) -> Splice:
    """Leave a key without value: `key:`, or a pair of quotes where the value had quotes."""
    if old.style in {Style.SINGLE, Style.DOUBLE}:
        return Splice(old.start + 1, old.end - 1, "")
    if old.style in _LINES:
        raise EditRefused("the value is a block of lines")
    rest = block.note[old.end : line_end(block.note, old.end)]
    start = old.start if rest.strip() else before_blanks(block.note, old.start)
    return Splice(start, old.end, "")


def edit_items(
    block: Block, items: Items, replaced: Mapping[int, NewText], removed: frozenset[int], added: Sequence[NewText]
) -> Iterator[Splice]:
    """Replace, remove and append items of one list, each in the list's own layout."""
    for index, new in replaced.items():
        yield replace(block, _scalar(items.items[index]), new, in_flow=items.flow)
    if items.flow:
        yield from _edit_flow(block, items, removed, added)
    else:
        yield from _edit_dashes(block, items, removed, added)


def make_list(block: Block, old: Scalar, texts: Sequence[NewText]) -> Splice:
    """Turn a single value, or none, into a list of these texts."""
    note = block.note
    if old.style in _LINES or "\n" in note[old.start : old.end]:
        raise EditRefused("the value is written over several lines")
    rest = note[old.end : line_end(note, old.end)]
    indent = _dash_indent(block)
    if indent is None or rest.strip():
        return Splice(old.start, old.end, _gap(note, old.start) + _brackets(texts))
    lines = _dashes(block, indent, texts)
    return Splice(before_blanks(note, old.start), _place(note, old)[1], _newline(block) + lines)


def create(note: str, block: Block | None, groups: Sequence[tuple[str, Sequence[NewText]]], *, as_list: bool) -> Splice:
    """Add keys with their texts at the end of the block; a note without one gets one."""
    if block is None:
        return _create_block(note, groups, as_list=as_list)
    if block.flow:
        raise EditRefused("the frontmatter is written in braces: no key can be added")
    lines = "".join(_key_and_texts(block, key, texts, as_list=as_list) for key, texts in groups)
    return Splice(block.fences.end, block.fences.end, lines)


def _create_block(note: str, groups: Sequence[tuple[str, Sequence[NewText]]], *, as_list: bool) -> Splice:
    newline = "\r\n" if "\r\n" in note else "\n"
    fence = f"---{newline}"
    empty = fence + fence
    block = parse(empty, Fences(len(fence), len(fence)))
    start = len(note) - len(note.removeprefix("\ufeff"))
    return Splice(start, start, apply(empty, [create(empty, block, groups, as_list=as_list)]))


def _key_and_texts(block: Block, key: str, texts: Sequence[NewText], *, as_list: bool) -> str:
    head = block.indent + _spell(NewText(key, Style.PLAIN), in_flow=False) + ":"
    indent = _dash_indent(block)
    if not as_list:
        return head + " " + _spell(texts[0], in_flow=False) + _newline(block)
    if indent is None:
        return head + " " + _brackets(texts) + _newline(block)
    return head + _newline(block) + _dashes(block, indent, texts) + _newline(block)


def neighbours_style(block: Block) -> Style:
    """Return how the block's texts are mostly quoted; plain as soon as one of them is."""
    styles = Counter(scalar.style for node in block.nodes.values() for scalar in _scalars(node) if not scalar.is_blank)
    if not styles or styles[Style.PLAIN]:
        return Style.PLAIN
    return max((Style.DOUBLE, Style.SINGLE), key=lambda style: styles[style])


def _edit_flow(block: Block, items: Items, removed: frozenset[int], added: Sequence[NewText]) -> Iterator[Splice]:
    scalars = [_scalar(item) for item in items.items]
    kept = [index for index in range(len(scalars)) if index not in removed]
    if not kept:
        yield Splice(items.start, items.end, _brackets(added))
        return
    for index in removed:
        if index < kept[-1]:
            yield Splice(scalars[index].start, scalars[index + 1].start, "")
    last = scalars[kept[-1]]
    separator = block.note[scalars[0].end : scalars[1].start] if len(scalars) > 1 else ", "
    separator = separator if separator.strip(" ") == "," else ", "
    new = "".join(separator + _spell(text, in_flow=True) for text in added)
    if new or kept[-1] < len(scalars) - 1:
        yield Splice(last.end, scalars[-1].end, new)


def _edit_dashes(block: Block, items: Items, removed: frozenset[int], added: Sequence[NewText]) -> Iterator[Splice]:
    note = block.note
    for index in removed:
        item = _scalar(items.items[index])
        _dash_prefix(note, item)
        yield Splice(line_start(note, item.start), line_end(note, max(item.start, item.end - 1)), "")
    if added:
        last = _scalar(items.items[-1])
        prefix = _dash_prefix(note, last)
        end = line_end(note, max(last.start, last.end - 1))
        lines = "".join(prefix + _spell(text, in_flow=False) + _newline(block) for text in added)
        yield Splice(end, end, lines)


def _dash_prefix(note: str, item: Scalar) -> str:
    prefix = note[line_start(note, item.start) : item.start]
    if prefix.strip() != "-":
        raise EditRefused("the list is not written one item a line")
    return prefix if prefix.endswith(" ") else prefix + " "


def _scalar(node: Node) -> Scalar:
    if not isinstance(node, Scalar):
        raise EditRefused("the list holds more than plain texts")
    return node


def _scalars(node: Node) -> Iterator[Scalar]:
    if isinstance(node, Scalar):
        yield node
    elif isinstance(node, Items):
        yield from (item for item in node.items if isinstance(item, Scalar))


def _dash_indent(block: Block) -> str | None:
    """Return the blanks before the dashes of the block's lists, None where all its lists have brackets."""
    lists = [node for node in block.nodes.values() if isinstance(node, Items) and node.items]
    for node in lists:
        if not node.flow:
            prefix = block.note[line_start(block.note, node.start) : node.start]
            return prefix.removeprefix(block.indent)
    return None if lists else _LIST_INDENT


def _dashes(block: Block, indent: str, texts: Sequence[NewText]) -> str:
    lines = (f"{block.indent}{indent}- {_spell(text, in_flow=False)}" for text in texts)
    return _newline(block).join(lines)


def _brackets(texts: Sequence[NewText]) -> str:
    return "[" + ", ".join(_spell(text, in_flow=True) for text in texts) + "]"


def _spell(new: NewText, *, in_flow: bool) -> str:
    return new.text if new.is_count else spell(new.text, new.style, in_flow=in_flow, plain_dates=False)


def _newline(block: Block) -> str:
    return "\r\n" if block.note[: block.fences.start].endswith("\r\n") else "\n"


def _place(note: str, old: Scalar) -> tuple[int, int]:
    """Return the value's characters; one that is not written stands behind the blanks that end its line."""
    blanks = _LAST_BLANKS.match(note, old.end) if old.start == old.end else None
    return (old.start, old.end) if blanks is None else (blanks.end(), blanks.end())


def _gap(note: str, offset: int) -> str:
    return "" if note[offset - 1] in " \t[" else " "


def before_blanks(note: str, offset: int) -> int:
    """Return where the blanks start that stand directly before an offset."""
    while note[offset - 1] in " \t":
        offset -= 1
    return offset
