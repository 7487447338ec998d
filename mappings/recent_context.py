"""The list of a note's "Recent Context" section: lines that begin with a date, as assistants and templates write them.

- 2025-11-07: [[2025-11-07 - We aligned on strategy]] - 1:1 with Ada
"""

import re

from mappings.normalize import date_of

_SECTION = re.compile(r"^#{1,6}[ \t]+Recent Context[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}[ \t]", re.MULTILINE)
_DATED = re.compile(r"^[ \t]*[-*+][ \t]+(?:\[\[)?(\d{4}-\d{2}-\d{2})(?!\d)", re.MULTILINE)


def newest_date(note: str, body_start: int) -> str:
    """Return the newest date that begins a line of the section, "" if there is none."""
    section = _SECTION.search(note, body_start)
    if section is None:
        return ""
    following = _HEADING.search(note, section.end())
    end = following.start() if following is not None else len(note)
    dates = (date_of(line[1]) for line in _DATED.finditer(note, section.end(), end))
    return max((date for date in dates if date is not None), default="")
