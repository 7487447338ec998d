"""The review note: open questions as task lists in a note of the vault, answered by ticking a box.

It is the one place where what a contact says stands in a note's body. So every character but letters, digits, blanks and
a few signs is replaced by one that means nothing to Markdown, to templates or to a reader of links; and what a box means
is said by an id at the end of its line, never by its text.

A text is cut into what is ours, between two marks, and the rest, which is left as it is. Lines in ours that are no box
of ours are dropped when it is written anew, and it is written anew only if it says something else than before.

    - [ ] note: Looms ^contactd-35a88783-n

The id is a block id of Obsidian, which does not show it: the question, and the choice.
Source: Obsidian Help, "Link to a block in a note"; observed 2026-11, in reading view a block id is not shown.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NewType
from unicodedata import category

QuestionId = NewType("QuestionId", str)
"""Eight hexadecimal digits; of a conflict or of a doubtful link."""

Choice = NewType("Choice", str)
"""One letter or number: which of a question's boxes."""

SUBSTITUTE = "\u00b7"
"""A middle dot stands for every character that is not shown as it is."""

BEGIN = "%% contactd: what stands from here to the end mark is written anew by contactd; tick boxes, no more %%"
END = "%% contactd: end %%"
EMPTY = "Nothing waits for you."

_KEPT = frozenset(" @.+-,'")
_TEXT_MAX = 200
_BOX = re.compile(
    r"[ \t]*[-*+] \[(?P<mark>[^\]])\].*\^contactd-(?P<question>[0-9a-f]{8})-(?P<choice>[a-z0-9]{1,3})[ \t]*"
)

_LINES = re.compile(r"\r\n|\n|\r")

_FRAME = f"""\
---
contactd: off
---
# Contact review

Tick one box of a question; the next sync carries it out. Write what you like outside the marks.

{BEGIN}
{{}}
{END}
"""


@dataclass(frozen=True, slots=True)
class Box:
    """One answer that can be ticked: what it is, in our words, and what a side says, in its own."""

    choice: Choice
    label: str
    said: str


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: what it is about, and its boxes."""

    id: QuestionId
    subject: str
    boxes: tuple[Box, ...]


def harmless(text: str) -> str:
    """Return a text of which every character that could mean something is replaced by a visible one."""
    shown = "".join(each if _is_harmless(each) else SUBSTITUTE for each in text)
    return shown if len(shown) <= _TEXT_MAX else f"{shown[:_TEXT_MAX]}{SUBSTITUTE}"


def ticked(text: str) -> Mapping[QuestionId, tuple[Choice, ...]]:
    """Return the boxes that are ticked, by question; two of one question are for the owner to think over."""
    found: dict[QuestionId, tuple[Choice, ...]] = {}
    for line in _LINES.split(text):
        box = _BOX.fullmatch(line)
        if box is not None and box["mark"] in "xX":
            question = QuestionId(box["question"])
            found[question] = (*found.get(question, ()), Choice(box["choice"]))
    return found


def rendered(text: str | None, asked: Sequence[Asked]) -> str:
    """Return the note that asks these questions; None is a note that is not there yet.

    Result: the same text if it asks just these already, whatever is ticked in it. What stands outside the marks is kept
    to the byte; where the marks were taken out, ours is put at the end.
    """
    if text is None:
        return _FRAME.format(_section(asked, {}))
    newline = "\r\n" if "\r\n" in text else "\n"
    begin, end = text.find(BEGIN), text.find(END)
    if begin < 0 or end < begin:
        joint = "" if text.endswith(("\n", "\r")) or not text else newline
        return f"{text}{joint}{newline}{BEGIN}{newline}{_section(asked, {}).replace(chr(10), newline)}{newline}{END}{newline}"
    inside = text[begin + len(BEGIN) : end]
    marks = ticked(inside)
    section = _section(asked, marks).replace("\n", newline)
    if _bare(inside) == _bare(section):
        return text
    return f"{text[: begin + len(BEGIN)]}{newline}{section}{newline}{text[end:]}"


def _section(asked: Sequence[Asked], marks: Mapping[QuestionId, tuple[Choice, ...]]) -> str:
    """Return our part; a question with two ticks keeps them, so that its owner sees why nothing happened."""
    if not asked:
        return EMPTY
    return "\n\n".join("\n".join(_lines(one, marks.get(one.id, ()))) for one in asked)


def _lines(asked: Asked, marks: tuple[Choice, ...]) -> Iterator[str]:
    yield f"## {harmless(asked.subject)}"
    if len(marks) > 1:
        yield "Two boxes are ticked: leave one."
    for box in asked.boxes:
        mark = "x" if len(marks) > 1 and box.choice in marks else " "
        said = f": {harmless(box.said)}" if box.said else ""
        yield f"- [{mark}] {box.label}{said} ^contactd-{asked.id}-{box.choice}"


def _bare(section: str) -> list[str]:
    """Return what a section says, whatever is ticked and however its lines end."""
    lines = (re.sub(r"^([ \t]*[-*+] \[)[^\]]\]", r"\1 ]", line).rstrip() for line in _LINES.split(section))
    return [line for line in lines if line]


def _is_harmless(character: str) -> bool:
    return character in _KEPT or category(character)[0] in "LN" or category(character) in {"Mn", "Mc"}
