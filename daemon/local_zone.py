"""The system's time zone with its rules, not just its offset of today: a date in winter is asked for in summer too.

Source: the variable TZ (POSIX, section 8.3, names of files beneath the zone database only); localtime(5).
"""

import os
from datetime import UTC, datetime, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

_LOCALTIME = Path("/etc/localtime")


def local_zone(localtime: Path = _LOCALTIME) -> tzinfo:
    """Return the zone that the clocks of this machine show."""
    named = os.environ.get("TZ", "").removeprefix(":")
    if named:
        try:
            return ZoneInfo(named)
        except (LookupError, ValueError, OSError):
            return _offset_of_today()
    try:
        with localtime.open("rb") as rules:
            return ZoneInfo.from_file(rules, key=_name(localtime.resolve()))
    except (LookupError, ValueError, OSError):
        return _offset_of_today()


def _name(file: Path) -> str:
    """Return a name for the rules in a file: where it lies in the zone database, by which it is told from others."""
    return file.as_posix().rpartition("/zoneinfo/")[2]


def _offset_of_today() -> tzinfo:
    offset = datetime.now(UTC).astimezone().utcoffset()
    return UTC if not offset else timezone(offset)
