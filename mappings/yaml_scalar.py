"""How one text is spelled as a YAML scalar, so that every reader gets the same text back.

A text that any reader in use would take for something else (YAML 1.1 booleans, octals, sexagesimals, dates)
is never written plain.
"""

import re
import unicodedata

from mappings.frontmatter import Style

# Letters and digits of any script to begin with; what else may stand inside is what no reader gives a meaning.
_PLAIN = re.compile(r"[\w+(](?:[^\r\n\t:#]|:(?=[^\s,\[\]{}])|(?<! )#)*")
_FLOW_INDICATOR = re.compile(r"[,\[\]{}]")
_WORD = re.compile(r"(?:y|n|yes|no|on|off|true|false|null)", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?(?:[\d_.,:]+(?:[eE][-+]?\d*)?|0[xob][\da-fA-F_]*|\.(?:inf|nan))", re.IGNORECASE)
_CORE_NUMBER = re.compile(r"[-+]?(?:\d+|(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?)|0o[0-7]+|0x[\da-fA-F]+")
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}(?:[Tt ].*)?")
# Templater runs `<%`, the core templates replace `{{`, wherever they stand in a new note.
_TEMPLATE_COMMAND = re.compile(r"<(?=%)|\{(?=\{)")
_TEMPLATE_ESCAPES = {"<": r"\x3C", "{": r"\x7B"}


def is_number(text: str) -> bool:
    """Tell whether a plain scalar of this text is a number to Obsidian (YAML 1.2.2 section 10.3.2)."""
    return _CORE_NUMBER.fullmatch(text) is not None


def is_date(text: str) -> bool:
    """Tell whether a plain scalar of this text is a date to readers of YAML 1.1."""
    return _DATE.fullmatch(text) is not None


def has_template_command(text: str) -> bool:
    """Tell whether a plug-in for templates would run or replace something in this text."""
    return _TEMPLATE_COMMAND.search(text) is not None


def forbidden_character(text: str) -> str:
    """Return the name of a character that no value may hold, "" if there is none.

    Line breaks and control characters could end the value; bidirectional overrides show another text than
    the one that is there.
    """
    for character in text:
        if character in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff":
            return unicodedata.name(character)
        if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}:
            return unicodedata.name(character, f"control character U+{ord(character):04X}")
    return ""


def spell(text: str, wish: Style, *, in_flow: bool, plain_dates: bool) -> str:
    """Write the text in the wanted style, or in double quotes where that style cannot say it.

    Shapes: `text` without forbidden characters.
    """
    if wish is Style.PLAIN and _may_be_plain(text, in_flow=in_flow, plain_dates=plain_dates):
        return text
    if wish is Style.SINGLE and not has_template_command(text):
        return "'" + text.replace("'", "''") + "'"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + _TEMPLATE_COMMAND.sub(lambda found: _TEMPLATE_ESCAPES[found[0]], escaped) + '"'


def _may_be_plain(text: str, *, in_flow: bool, plain_dates: bool) -> bool:
    if _PLAIN.fullmatch(text) is None or text != text.strip() or has_template_command(text):
        return False
    if in_flow and _FLOW_INDICATOR.search(text):
        return False
    if is_date(text):
        return plain_dates
    return _WORD.fullmatch(text) is None and _NUMBER.fullmatch(text) is None
