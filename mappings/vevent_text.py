r"""An iCalendar text, cut into its events and time zones, each with the line that it begins on.

Cut apart first and understood one by one, so that a broken event is that event's trouble, told with its line, and the
rest of an export of thousands is read. Properties are content lines, which vCards and iCalendar have in common.

Source: RFC 5545 sections 3.1 and 3.6.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from mappings.content_line import Line, lines, number_at
from mappings.errors import UnreadableRecord

LINES_MAX = 20_000
"""Of one event, with its alarms; an attachment is one."""

_NAMES = ("VEVENT", "VTIMEZONE")
_BEGINS = {name: re.compile(rf"^BEGIN:{name}[ \t]*\r*$", re.IGNORECASE | re.MULTILINE) for name in _NAMES}
_ENDS = {name: re.compile(rf"^END:{name}[ \t]*\r*$\n?", re.IGNORECASE | re.MULTILINE) for name in _NAMES}
_CALENDAR_BEGINS = re.compile(r"^\ufeff?BEGIN:VCALENDAR[ \t]*\r*$", re.IGNORECASE | re.MULTILINE)
_CALENDAR_ENDS = re.compile(r"^END:VCALENDAR[ \t]*\r*$", re.IGNORECASE | re.MULTILINE)
_CALENDAR_ZONE = re.compile(r"^X-WR-TIMEZONE(?:;[^:\n]*)?:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_UID = re.compile(r"^UID(?:;[^:\n]*)?:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class Block(NamedTuple):
    """One component as it stands, from its BEGIN to its END; `line` is the number of the former."""

    name: str
    line: int
    text: str


class Property(NamedTuple):
    """One content line of an event, and its number in the whole text."""

    number: int
    line: Line


@dataclass(frozen=True, slots=True)
class Cut:
    """The parts of a text; `zone_name` is the zone of times that name none (`X-WR-TIMEZONE`), "" if it is not said."""

    events: tuple[Block, ...]
    zones: tuple[Block, ...]
    zone_name: str


def cut(text: str) -> Cut:
    """Cut a text apart.

    Errors: `UnreadableRecord` if it is not one or more whole calendars.
    """
    _check_is_whole(text)
    zone = _CALENDAR_ZONE.search(text)
    return Cut(
        tuple(_blocks(text, "VEVENT")),
        tuple(_blocks(text, "VTIMEZONE")),
        unescape(zone[1]).strip() if zone is not None else "",
    )


def properties(block: Block) -> Mapping[str, list[Property]]:
    """Return an event's own properties by name, without those of its alarms.

    Errors: `UnreadableRecord` with the line that is none.
    """
    own: dict[str, list[Property]] = {}
    depth, last_end = 0, ""
    for count, (number, line) in enumerate(_numbered(block)):
        if count == LINES_MAX:
            raise UnreadableRecord(block.line, f"has more than {LINES_MAX} lines")
        if line.name == "BEGIN":
            depth += 1
            if depth > 1 and line.value.strip().upper() == block.name:
                raise UnreadableRecord(block.line, f"END:{block.name} is missing")
        elif line.name == "END":
            depth, last_end = depth - 1, line.value.strip().upper()
        elif depth == 1 and line.name:
            own.setdefault(line.name, []).append(Property(number, line))
    if depth != 0 or last_end != block.name:
        raise UnreadableRecord(block.line, f"END:{block.name} is missing")
    return own


def uid_of(block: Block) -> str:
    """Return the UID that a broken event seems to have, "" if none is to be seen."""
    match = _UID.search(block.text)
    return match[1].strip() if match is not None else ""


def unescape(text: str) -> str:
    """Undo the escapes of a text value (RFC 5545 section 3.3.11)."""
    return _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], text)


def _check_is_whole(text: str) -> None:
    if not text.strip():
        raise UnreadableRecord(None, "empty; perhaps it is just being written")
    begun, ended = len(_CALENDAR_BEGINS.findall(text)), len(_CALENDAR_ENDS.findall(text))
    if begun == 0:
        raise UnreadableRecord(1, "no calendar: BEGIN:VCALENDAR is missing")
    if ended < begun:
        raise UnreadableRecord(number_at(text, len(text)), "END:VCALENDAR is missing; perhaps it is just being written")


def _blocks(text: str, name: str) -> Iterator[Block]:
    position, number = 0, 1
    while begin := _BEGINS[name].search(text, position):
        end = _ENDS[name].search(text, begin.end())
        after = end.end() if end is not None else len(text)
        number += text.count("\n", position, begin.start())
        yield Block(name, number, text[begin.start() : after])
        number += text.count("\n", begin.start(), after)
        position = after


def _numbered(block: Block) -> Iterator[tuple[int, Line]]:
    number = block.line
    try:
        for line in lines(block.text):
            yield number, line
            number += line.raw.count("\n")
    except UnreadableRecord as error:
        raise UnreadableRecord(number, error.reason) from error
