r"""The text of one vCard property, and back: encodings, escapes, lists and structured values, version by version.

Reading is lenient where programs are: `\:` (Apple, Google), `\"` (Google), an unescaped comma or semicolon where no
structure needs it. Where leniency would have to guess, the value is a `Doubt`, and the field is held.

Source: RFC 6350 sections 3.3 and 3.4; RFC 2426 section 4; vCard 2.1 (versit, 1996) sections 2.1.3, 2.1.5, 2.1.6;
quoted-printable: RFC 2045 section 6.7.
"""

import binascii
import re
from typing import Literal

from mappings import content_line
from mappings.content_line import Line, Parameter
from mappings.errors import EditRefused
from mappings.normalize import tidy
from mappings.plain_text import Doubt, on_one_line, refuse_controls

Version = Literal["2.1", "3.0", "4.0"]

_ESCAPED = re.compile(r"\\(?:([nN])|([^A-Za-z0-9\s]))")
_TOKENS = {separator: re.compile(rf"\\.|[^\\{separator}]+|.", re.DOTALL) for separator in ";,"}
_BASE64 = re.compile(r";(?:ENCODING=)?(?:B|BASE64)(?:;|$)", re.IGNORECASE)
# A character of several octets stays on one line, for readers that decode line by line.
_QUOTED_CHARACTER = re.compile(r"=[C-F][0-9A-F](?:=[89AB][0-9A-F])+|=[0-9A-F]{2}|.")
_QUOTED_LINE_MAX = 76
_TEXT_ESCAPES = str.maketrans({"\\": r"\\", ",": r"\,", ";": r"\;"})
# Encodings by name only where phones use them: Python knows "encodings" that are none of text, too.
_CHARSETS = frozenset(
    {"UTF-8", "US-ASCII", "ISO-8859-1", "ISO-8859-2", "ISO-8859-15", "WINDOWS-1250", "WINDOWS-1251", "WINDOWS-1252"}
    | {"KOI8-R", "BIG5", "GB2312", "GBK", "GB18030", "EUC-KR", "EUC-JP", "SHIFT_JIS", "ISO-2022-JP"}
)


def text_of(line: Line, version: Version) -> str:
    """Return a line's value with its encoding undone, escapes and separators still in it.

    Errors: `Doubt` where that would be guessing.
    """
    if ";" in line.head and _BASE64.search(line.head) is not None:
        raise Doubt(f"{line.name} is in base64")
    if version == "2.1" and line.is_folded:
        # Section 2.1.3 keeps the blank of a fold in the value, most exporters mean it to go.
        raise Doubt(f"{line.name} is folded, which in a vCard 2.1 leaves open whether a blank belongs to it")
    return _unquoted(line) if line.quoted else line.value


def single(text: str) -> str:
    """Return one value: escapes undone, tidy. Errors: `Doubt` if it has several lines."""
    return on_one_line(unescape(text))


def split(text: str, separator: Literal[";", ","]) -> list[str]:
    """Split at separators that are not escaped; the parts keep their escapes."""
    if "\\" not in text:
        return text.split(separator)
    parts: list[list[str]] = [[]]
    for token in _TOKENS[separator].findall(text):
        if token == separator:
            parts.append([])
        else:
            parts[-1].append(token)
    return ["".join(part) for part in parts]


def unescape(text: str) -> str:
    r"""Undo escapes; a backslash before a letter that is none (`C:\Users`) stands for itself."""
    if "\\" not in text:
        return text
    return _ESCAPED.sub(lambda match: "\n" if match[1] else match[2], text)


def escape(text: str, version: Version, separators: str) -> str:
    r"""Escape one value; `separators` are those that the property's structure uses.

    Errors: `EditRefused` for what the version cannot hold.
    Source: RFC 6350 section 3.4; vCard 2.1 section 2.1.3 escapes separators only, and has no `\\`.
    """
    value = tidy(refuse_controls(text))
    if version != "2.1":
        return value.translate(_TEXT_ESCAPES)
    if "\\" in value:
        raise EditRefused("a vCard 2.1 cannot hold a backslash")
    for separator in separators:
        value = value.replace(separator, f"\\{separator}")
    return value


def escape_uri(text: str, version: Version) -> str:
    """Escape a URI: the comma, although RFC 6350 section 4.2 does not ask for it, and the backslash that is in none.

    Errors: `EditRefused` for what the version cannot hold.
    Source: vobject, and with it Radicale, cuts a URL at its first bare comma (observed, vobject 0.9.9).
    """
    return escape(text, version, "") if version == "2.1" else escape(text, version, "").replace(r"\;", ";")


def composed(head: str, text: str, newline: str, version: Version) -> Line:
    """Make a line of a head and an escaped text, encoded as the version asks."""
    if version != "2.1":
        return content_line.written(head, text, newline)
    if text.isascii():
        # Left in one piece: a fold of 2.1 is read in two ways (see `text_of`), a long line in one.
        return content_line.made(f"{head}:{text}{newline}")
    return content_line.made(_quoted(f"{head};CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:", text, newline) + newline)


def with_text(line: Line, text: str, version: Version) -> Line:
    """Make the line that says `text` instead; group, name and parameters stay, but for an encoding that is gone."""
    kept = "".join(each.raw for each in line.parameters if not _is_encoding(each, version))
    return composed(line.bare_head + kept, text, line.newline, version)


def _is_encoding(parameter: Parameter, version: Version) -> bool:
    values = tuple(value.upper() for value in parameter.values)
    if parameter.name == "CHARSET":
        return version == "2.1" or values != ("UTF-8",)
    return "QUOTED-PRINTABLE" in values


def _unquoted(line: Line) -> str:
    charset = next(iter(line.values_of("CHARSET")), "UTF-8")
    if charset not in _CHARSETS:
        raise Doubt(f"{line.name} is in the unknown charset {charset}")
    try:
        return binascii.a2b_qp(line.value.encode()).decode(charset)
    except UnicodeDecodeError as error:
        raise Doubt(f"{line.name} is not in the charset that it names, {charset}") from error


def _quoted(head: str, text: str, newline: str) -> str:
    quoted = binascii.b2a_qp(text.encode(), istext=False).replace(b"=\n", b"").decode()
    result, room = [head], _QUOTED_LINE_MAX - 1 - len(head)
    for character in _QUOTED_CHARACTER.findall(quoted):
        if room < len(character):
            result.append(f"={newline}")
            room = _QUOTED_LINE_MAX - 1
        result.append(character)
        room -= len(character)
    return "".join(result)
