"""What the owner reads: words that every page of it uses. Returns strings; prints nothing.

Pages (`render_run`, `render_status`, `render_waiting`) name people by their notes. They are for a terminal or a pipe
of a command that the owner ran, never for a log.

Whatever stands in a page may come from a file's name or from a contact: text that a stranger wrote. So a page is made
of lines, and `page` shows every character in them that would move the cursor, reverse the text, or begin a line.
A command that a text names stands between backticks; `runnable` completes it with what the owner has to repeat.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from textwrap import TextWrapper

from daemon.codec import time_text
from daemon.errors import ConfigError, DaemonError
from mappings.conflict import Standstill
from mappings.fields import texts
from mappings.person import Uid, Value
from mappings.record import AccountName, NotePath

People = Mapping[Uid, NotePath]
"""Where each person's note is: what people are called by."""


_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
"""Control characters, what marks a direction of writing or takes no room, what ends a line, and halves of a character.

Joiners (U+200C, U+200D) are none of these: Persian and many emoji are written with them.
Source: Unicode 15.1 UAX 9 section 2, and the general categories Cc, Cs, Zl, Zp.
"""

BEGIN, END = "\x0e", "\x0f"
"""What marks a part of a page, to be coloured where it can be (`difference`); on a terminal it takes no room."""

_COMMAND = re.compile(r"`contactd (?=[a-z])[^`\n]*(?=`)")
_NO_BREAK = "\0"
"""Stands for a blank at which no line may be broken; no page holds it otherwise."""


def plain(text: str) -> str:
    """Return a text on one line, with every character shown that would not be seen, or would act."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class Shown(str):
    """A text that `plain` has seen already, and that may bear marks of ours since (`difference`)."""

    __slots__ = ()


def page(lines: Iterable[str]) -> str:
    """Return lines as one text; whatever they hold, each stays one."""
    return "\n".join(map(_shown, lines))


def _shown(text: str) -> Shown:
    return text if isinstance(text, Shown) else Shown(plain(text))


def _instant(value: object) -> str:
    """Return an instant as JSON has it; anything else that JSON cannot say is our bug."""
    if not isinstance(value, datetime):
        raise TypeError(type(value).__name__)
    return time_text(value)


def document(content: object) -> str:
    """Return JSON for other programs; what a terminal would not show is escaped in it too."""
    text = json.dumps(content, ensure_ascii=False, indent=2, default=_instant)
    return _UNSEEN.sub(lambda found: found[0] if found[0] == "\n" else f"\\u{ord(found[0]):04x}", text)


def runnable(text: str, option: str) -> str:
    """Return the text with an option behind every command in it; "" is none."""
    return _COMMAND.sub(lambda found: f"{found[0]} {option}", text) if option else text


def error(raised: DaemonError, place: Path | None) -> str:
    """Return why the program could not go on, and what to do; `place` is where the vault or the state is, if known."""
    named = f"{place}: " if place is not None else ""
    match raised:
        case ConfigError():
            which = f" {raised.file}" if raised.file is not None else ""
            title = f"The configuration{which} cannot be used:"
            return page([title, *(f"  {problem}" for problem in raised.problems)])
        case _:
            return page([f"contactd: {named}{raised}"])


def value(held: Value) -> str:
    """Return a value on one line; nothing is shown as such."""
    return ", ".join(texts(held)) or "(nothing)"


def sides(ours: Value, theirs: Mapping[AccountName, Value]) -> str:
    """Return what note and contacts say of one field."""
    return ", ".join((f"note {value(ours)}", *(f"{account} {value(said)}" for account, said in theirs.items())))


def undone(one: Standstill, people: People) -> str:
    """Return what an undo has put back on one side only."""
    return f"{people.get(one.uid, one.uid)}: {field_name(one.field)}: {sides(one.ours, one.theirs)}"


def waiting(said: Mapping[str, Value]) -> str:
    """Return what the sides say that is held back, to be put behind the reason; "" if they say nothing new."""
    told = ", ".join(f"{side} says {value(text)}" for side, text in said.items())
    return f"; {told}" if told else ""


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


def aligned(rows: Sequence[tuple[str, str]], indent: str) -> list[Shown]:
    """Return rows of two columns, the second one aligned."""
    shown = [(_shown(left), _shown(right)) for left, right in rows]
    width = max((len(left) for left, _ in shown), default=0)
    return [Shown(f"{indent}{left:<{width}}  {right}".rstrip()) for left, right in shown]


def fitted(text: str, columns: int) -> str:
    """Break lines that are too long between words, and set off what belongs to the line before; no command is broken."""
    kept = _COMMAND.sub(lambda found: found[0].replace(" ", _NO_BREAK), text)
    broken = "\n".join(broken for line in kept.split("\n") for broken in _broken(line, columns))
    return broken.replace(_NO_BREAK, " ")


def _broken(line: str, columns: int) -> list[str]:
    if len(line) - line.count(BEGIN) - line.count(END) <= columns:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    wrapper = TextWrapper(columns, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return wrapper.wrap(line)
