"""What the owner reads: words that every page of it uses. Returns strings; prints nothing.

Pages (`render_run`, `render_status`, `render_waiting`) name people by their notes. They are for a terminal or a pipe
of a command that the owner ran, never for a log.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from textwrap import TextWrapper

from daemon.errors import ConfigError, DaemonError, VaultMissing
from mappings.fields import texts
from mappings.person import Uid, Value
from mappings.record import NotePath

People = Mapping[Uid, NotePath]
"""Where each person's note is: what people are called by."""


def error(raised: DaemonError) -> str:
    """Return why the program could not go on, and what to do."""
    match raised:
        case ConfigError():
            return "\n".join(["The configuration cannot be used:", *(f"  {problem}" for problem in raised.problems)])
        case VaultMissing():
            return (
                f"contactd: {raised}.\n"
                "Mount it, or correct `path` under [vault] in the configuration. If these are your notes and only\n"
                "contactd-vault.md was lost, `contactd init` writes it anew."
            )
        case _:
            return f"contactd: {raised}"


def value(held: Value) -> str:
    """Return a value on one line; nothing is shown as such."""
    return ", ".join(texts(held)) or "(nothing)"


def number(count: int, noun: str) -> str:
    """Return a count with its noun: 1 note, 2 notes, 2 addresses."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun}{'es' if noun.endswith('s') else 's'}"


def day(at: datetime) -> str:
    """Return an instant as the owner's clock has it, to the minute."""
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


def ago(at: datetime, now: datetime) -> str:
    """Return how long ago an instant was, in the largest unit that fits."""
    minutes = max(0, int((now - at).total_seconds() // 60))
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{number(minutes, 'minute')} ago"
    hours = minutes // 60
    return f"{number(hours, 'hour')} ago" if hours < 48 else f"{hours // 24} days ago"


def field_name(name: str) -> str:
    """Return a field's name as words."""
    return name.replace("_", " ")


def aligned(rows: Sequence[tuple[str, str]], indent: str) -> list[str]:
    """Return rows of two columns, the second one aligned."""
    width = max((len(left) for left, _ in rows), default=0)
    return [f"{indent}{left:<{width}}  {right}".rstrip() for left, right in rows]


def fitted(text: str, columns: int) -> str:
    """Break lines that are too long between words, and set off what belongs to the line before."""
    return "\n".join(broken for line in text.split("\n") for broken in _broken(line, columns))


def _broken(line: str, columns: int) -> list[str]:
    if len(line) <= columns:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    wrapper = TextWrapper(columns, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return wrapper.wrap(line)
