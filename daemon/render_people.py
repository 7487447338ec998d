"""The table of everybody, as text, JSON or CSV."""

import csv
import io
from collections.abc import Mapping, Sequence

from daemon.contacts_table import Row
from daemon.render import document, page

_NAME_CHARACTERS_MAX = 28
"""Longer names are cut, so that a row fits on a terminal of 80 columns."""

_COLUMNS: Sequence[str] = ("name", "path", "last_contact", "days", "next_meeting", "accounts")


def people(rows: Sequence[Row]) -> str:
    """Return everybody in columns."""
    if not rows:
        return "Nobody."
    cells = [("who", "last contact", "ago", "next meeting", "accounts"), *(_cells(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(4)]
    return page(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]).rstrip()
        for row in cells
    )


def people_json(rows: Sequence[Row]) -> str:
    """Return the same as JSON, a list."""
    return document([_record(row) for row in rows])


def people_csv(rows: Sequence[Row]) -> str:
    """Return the same as CSV with a line of headings."""
    text = io.StringIO()
    writer: csv.DictWriter[str] = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        record = _record(row)
        writer.writerow({**record, "accounts": " ".join(row.accounts), "days": "" if row.days is None else row.days})
    return text.getvalue().rstrip("\n")


def _record(row: Row) -> Mapping[str, object]:
    return {
        "name": _name(row),
        "path": row.known.path,
        "last_contact": row.last_contact,
        "days": row.days,
        "next_meeting": row.next_meeting,
        "accounts": list(row.accounts),
    }


def _cells(row: Row) -> tuple[str, str, str, str, str]:
    name = _name(row)
    if len(name) > _NAME_CHARACTERS_MAX:
        name = f"{name[: _NAME_CHARACTERS_MAX - 1]}…"
    return name, row.last_contact or "never", _ago(row.days), row.next_meeting or "-", ", ".join(row.accounts) or "-"


def _name(row: Row) -> str:
    return row.known.person.name or row.known.stem


def _ago(days: int | None) -> str:
    match days:
        case None:
            return "-"
        case 0:
            return "today"
        case 1:
            return "1 day"
        case _ if days < 0:
            return "to come"
        case _:
            return f"{days} days"
