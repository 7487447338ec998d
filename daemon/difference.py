"""What tells an old value from a new one: marked where a page is written, coloured where it meets a terminal.

Pages are made far from the stream that they end on, in the running service too, so colour cannot be decided there. A
mark is a control character; no page holds one that a stranger wrote, because `render.plain` shows all of those.
"""

import os
from collections.abc import Iterator
from difflib import SequenceMatcher

from daemon.render import BEGIN, END, Shown, plain, value
from mappings.fields import texts
from mappings.person import Value

_CHANGED, _AS_BEFORE = "\x1b[1;33m", "\x1b[0m"
_ALIKE_MIN = 0.5
"""A text that shares less with the other is another text: the letters that both happen to have tell nobody anything."""


def change(before: Value, after: Value) -> Shown:
    """Return an old and a new value on one line, each with what the other does not have marked; of a list, whole texts."""
    return Shown(f"{_told(before, after)} -> {_told(after, before)}")


def marked(text: str, other: str) -> str:
    """Return a text in which what another does not have is marked. Shapes: both are as `render.plain` shows them."""
    return "".join(_pieces(text, other))


def painted(text: str) -> str:
    """Return a page with everything that is marked in colour."""
    return text.replace(BEGIN, _CHANGED).replace(END, _AS_BEFORE)


def unmarked(text: str) -> str:
    """Return a page without its marks."""
    return text.replace(BEGIN, "").replace(END, "")


def is_wanted() -> bool:
    """Tell whether whoever reads a terminal wants colour, and it can show some. Source: no-color.org."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"


def _told(said: Value, other: Value) -> str:
    mine, theirs = (tuple(map(plain, texts(each))) for each in (said, other))
    if len(mine) == len(theirs) == 1:
        return marked(mine[0], theirs[0])
    return ", ".join(text if text in theirs else f"{BEGIN}{text}{END}" for text in mine) or plain(value(said))


def _pieces(text: str, other: str) -> Iterator[str]:
    matcher = SequenceMatcher(None, other, text, autojunk=False)
    shared = sum(block.size for block in matcher.get_matching_blocks())
    if shared < _ALIKE_MIN * len(text):
        yield f"{BEGIN}{text}{END}"
        return
    for operation, _, _, start, end in matcher.get_opcodes():
        if operation != "delete" and start < end:
            yield text[start:end] if operation == "equal" else f"{BEGIN}{text[start:end]}{END}"
