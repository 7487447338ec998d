"""One conflict on one screen: all sides beside each other, what tells them apart marked, and the keys that answer.

It fits into 80 columns and into fewer, and says everything without colour; colour only points at what differs.
"""

from collections.abc import Sequence
from textwrap import wrap
from unicodedata import combining, east_asian_width

from daemon.deciding import is_list
from daemon.difference import marked, painted
from daemon.render import People, day, field_name, plain, value
from daemon.review import Case
from mappings.conflict import Conflict
from mappings.fields import texts
from mappings.person import Value

_COLUMN_MIN = 14
"""Narrower columns would break every word; then the sides stand below each other."""

_LINES_MIN = 3
"""So many lines of a value are shown however small the terminal is."""

_NOTHING = "(nothing)"
_NO_BREAK = "\0"
"""Stands for a blank at which no line may be broken; no page holds it otherwise."""


def screen(case: Case, people: People, columns: int, lines: int, *, coloured: bool) -> str:
    """Return what is shown of a conflict, without the keys, on so many lines.

    Result: values too long for that are cut, and say so: who and what it is about must not scroll away.
    """
    conflict = case.conflict
    path = plain(people.get(conflict.uid, conflict.uid))
    head = [
        f"Conflict {case.number} of {case.count}  [{conflict.id}]",
        *wrap(f"{path}: {field_name(conflict.field)}", columns),
        f"open since {day(case.kept.since)}; {'a list: both can be kept' if is_list(conflict) else 'one value'}",
        "",
    ]
    return "\n".join([*head, *_sides(conflict, columns, lines - len(head) - 1, coloured=coloured), ""])


def keys(conflict: Conflict) -> list[tuple[str, str]]:
    """Return the keys that answer, each with what it does, in the order in which they are shown."""
    accounts = list(conflict.theirs)
    found = [("n", "take the note's")]
    if len(accounts) == 1:
        found.append(("r", f"take {accounts[0]}'s"))
    else:
        found += [(str(number), f"take {account}'s") for number, account in enumerate(accounts, start=1)]
    if is_list(conflict):
        found.append(("b", "keep both"))
    found += [("e", "edit"), ("s", "skip"), ("p", "previous"), ("q", "quit")]
    return found


def prompt(conflict: Conflict, columns: int) -> str:
    """Return the line, or lines, that tell the keys."""
    # A key and its word stay together.
    told = "  ".join(f"[{key}] {word}".replace(" ", _NO_BREAK) for key, word in keys(conflict))
    capital = "A capital letter (N, R, B) answers all that follow of this field and these accounts alike."
    return "\n".join([*wrap(told, columns), *wrap(capital, columns)]).replace(_NO_BREAK, " ")


def _sides(conflict: Conflict, columns: int, room: int, *, coloured: bool) -> list[str]:
    base = _common(conflict)
    sides: list[tuple[str, Value]] = [("note", conflict.ours), *conflict.theirs.items()]
    sides += [("before", base)] if base is not None else []
    width = (columns - 3 * (len(sides) - 1)) // len(sides)
    if width < _COLUMN_MIN:
        parts = [_below(name, said, base, columns, coloured=coloured) for name, said in sides]
        return [line for part in parts for line in _cut(part, room // len(parts))]
    cells = [_cell(said, base if name != "before" else None, width, coloured=coloured) for name, said in sides]
    head = [plain(name)[:width].ljust(width) for name, _ in sides]
    rows = [[line for line, _ in cell] for cell in cells]
    lengths = [[length for _, length in cell] for cell in cells]
    height = max(map(len, rows))
    body = [
        " | ".join(_padded(rows[at], lengths[at], line, width) for at in range(len(sides))).rstrip()
        for line in range(height)
    ]
    return [" | ".join(head).rstrip(), "-+-".join("-" * width for _ in sides), *_cut(body, room - 2)]


def _cut(lines: list[str], room: int) -> list[str]:
    """Return as many lines as there is room for, the last of them saying how many are not shown."""
    shown = max(room, _LINES_MIN)
    if len(lines) <= shown:
        return lines
    return [*lines[: shown - 1], f"({len(lines) - shown + 1} more lines; [e] shows all of them)"]


def _padded(rows: Sequence[str], lengths: Sequence[int], line: int, width: int) -> str:
    """Return one line of a cell; marks take no room, so the length is that of the text."""
    return rows[line] + " " * (width - lengths[line]) if line < len(rows) else " " * width


def _below(name: str, said: Value, base: Value | None, columns: int, *, coloured: bool) -> list[str]:
    against = base if name != "before" else None
    return [f"{plain(name)}:", *(f"  {line}" for line, _ in _cell(said, against, columns - 2, coloured=coloured))]


def _cell(said: Value, base: Value | None, width: int, *, coloured: bool) -> list[tuple[str, int]]:
    """Return the lines of a value, each with its length on the screen."""
    lines = [line for text in texts(said) or (_NOTHING,) for line in _wrapped(plain(text), width) or [""]]
    if not coloured or base is None:
        return [(line, _columns(line)) for line in lines]
    return [(painted(marked(line, plain(value(base)))), _columns(line)) for line in lines]


def _wrapped(text: str, width: int) -> list[str]:
    """Break a text into lines that fit, also where its characters are as wide as two."""
    return wrap(text, width if _columns(text) == len(text) else max(1, width // 2))


def _columns(text: str) -> int:
    """Return how many columns a text takes on a terminal. Source: Unicode 15.1 UAX 11, East Asian Width."""
    return sum(0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in text)


def _common(conflict: Conflict) -> Value | None:
    """Return what the sides last agreed on, None if they never did or each agreed on something else."""
    bases = list(conflict.bases.values())
    return bases[0] if bases and all(base == bases[0] for base in bases) else None
