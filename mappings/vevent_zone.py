"""Time zones of an iCalendar text: from the names in it to zones.

A name that the tz database knows, or Windows, means that zone, whatever rules the text gives for it: exporters simplify
them. Only a name of the text's own is made from its VTIMEZONE. icalendar has such a table too, but one for the whole
process, in which a zone of one text answers for the same name in another.

Source: RFC 5545 sections 3.2.19 and 3.6.5.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import cast
from zoneinfo import ZoneInfo

from icalendar import Timezone
from icalendar.timezone import TZP
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from mappings.errors import UnreadableRecord
from mappings.vevent_rule import FOREIGN_ERRORS, rule_of, steps_to
from mappings.vevent_text import Block, unescape

RULES_MAX = 64
"""No zone has more; whoever writes thousands means harm."""

_NAME = re.compile(r"^TZID(?:;[^:\n]*)?:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_RULE = re.compile(r"^RRULE:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_DATABASE_NAME = re.compile(r"[A-Za-z0-9_+-]{1,40}(?:/[A-Za-z0-9_.+-]{1,40}){0,4}")
_RULES_FROM = datetime(1900, 1, 1, tzinfo=UTC)
_RULES_TO = datetime(2100, 1, 1, tzinfo=UTC)


class Zones:
    """The zones that a text may name."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        """Take the text's own definitions; the last of a name counts."""
        names = ((match[1], block) for block in blocks if (match := _NAME.search(block.text)) is not None)
        self._own = {_key(unescape(name)): block for name, block in names}
        self._found: dict[str, tzinfo] = {}

    def zone(self, name: str) -> tzinfo:
        """Return the zone of this name.

        Errors: `UnreadableRecord` if nobody knows it.
        """
        if name not in self._found:
            self._found[name] = self._find(name)
        return self._found[name]

    def _find(self, name: str) -> tzinfo:
        known = next((zone for each in _candidates(name) if (zone := _database_zone(each)) is not None), None)
        if known is not None:
            return known
        block = self._own.get(_key(name))
        if block is None:
            raise UnreadableRecord(None, f"time zone {name} is not known")
        return _own_zone(block, name)


def _candidates(name: str) -> Iterator[str]:
    """Yield the names in the tz database that are possibly meant.

    Evolution, Mozilla and others put their own path before the name (RFC 5545 section 3.2.19, "globally unique").
    """
    yield name.strip("/")
    if name in WINDOWS_TO_OLSON:
        yield WINDOWS_TO_OLSON[name]
    if name.startswith("/"):
        parts = name.strip("/").split("/")
        yield from ("/".join(parts[start:]) for start in range(1, len(parts)))


def _database_zone(name: str) -> tzinfo | None:
    if _DATABASE_NAME.fullmatch(name) is None:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # OSError: the name of a folder of the database, "Europe"
        return None


def _own_zone(block: Block, name: str) -> tzinfo:
    try:
        return _made(block.text)
    except UnreadableRecord as error:
        raise UnreadableRecord(block.line, error.reason) from error
    except FOREIGN_ERRORS as error:
        raise UnreadableRecord(block.line, f"time zone {name} is not understood") from error


# Outlook's rules begin in 1601, which costs a quarter of a second to follow, and every one of its events brings them.
@lru_cache(maxsize=64)
def _made(text: str) -> tzinfo:
    _check_rules(text)
    timezone = cast("Timezone", Timezone.from_ical(text.encode()))
    zone = cast("tzinfo", timezone.to_tz(TZP(), lookup_tzid=False))
    # The rules are looked at only when it is used: a broken one is to be told here, not in the midst of events.
    for moment in (_RULES_FROM, _RULES_TO):
        moment.replace(tzinfo=zone).utcoffset()
    return zone


def _check_rules(text: str) -> None:
    rules = _RULE.findall(text)
    if len(rules) > RULES_MAX:
        raise UnreadableRecord(None, f"a time zone with {len(rules)} rules")
    for rule in rules:
        steps_to(rule_of(rule.strip()), _RULES_FROM, _RULES_TO)


def _key(name: str) -> str:
    """Return what a zone's name has in common as a value and as a parameter, which is cut at its commas."""
    return ", ".join(part.strip() for part in name.strip("/").split(","))
