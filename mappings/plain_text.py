"""Texts as records hold them and notes can: on one line, without control characters.

Reading is refused where it would have to guess, writing where something would be lost.
"""

import re

from mappings.errors import EditRefused, MappingError
from mappings.normalize import tidy

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class Doubt(MappingError):
    """A value stands there but cannot be read safely: the field is held for this reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def on_one_line(text: str) -> str:
    """Return a text tidy. Errors: `Doubt` if it has several lines, or control characters."""
    value = text.replace("\t", " ").strip()
    if value.isascii() and value.isprintable():
        return tidy(value) if "  " in value else value
    if _CONTROLS.search(value) is not None:
        raise Doubt("a value of several lines, or with control characters")
    return tidy(value)


def refuse_controls(text: str) -> str:
    """Return the text. Errors: `EditRefused` if it has control characters, line breaks among them."""
    if _CONTROLS.search(text) is not None:
        raise EditRefused("the value has a line break or another control character")
    return text
