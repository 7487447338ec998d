"""One doubtful link on one screen: whom the note is about, who might be meant, and what speaks for each."""

from collections.abc import Iterator
from textwrap import wrap

from daemon.links_review import Doubtful
from daemon.render import day, plain
from mappings.fields import texts
from mappings.person import Person

_NO_BREAK = "\0"
SHOWN_MAX = 9
"""As many contacts can be answered by one key."""


def screen(doubtful: Doubtful, columns: int) -> str:
    """Return what is shown of one question, without the keys."""
    question = doubtful.waiting.question
    lines = [
        f"Person {doubtful.number} of {doubtful.count}",
        *wrap(plain(f"{question.path}, in {question.account}"), columns),
        *wrap(plain(f"{question.detail} (since {day(doubtful.waiting.since)})"), columns),
        "",
        *_said("The note says", doubtful.person, columns),
        "",
    ]
    if doubtful.offered and doubtful.candidates:
        lines += wrap("No contact is named by this; these of nobody's look alike:", columns)
    for number, candidate in enumerate(doubtful.candidates[:SHOWN_MAX], start=1):
        lines += _said(f"[{number}] {candidate.remote_id}", candidate.person, columns)
        lines += wrap(
            plain(f"speaks for it: {', '.join(candidate.evidence) or 'nothing'}"),
            columns,
            initial_indent="    ",
            subsequent_indent="    ",
        )
    if len(doubtful.candidates) > SHOWN_MAX:
        lines += wrap(f"and {len(doubtful.candidates) - SHOWN_MAX} more: `contactd links` shows all", columns)
    if not doubtful.candidates:
        lines += wrap("No contact looks like this person.", columns)
    return "\n".join([*lines, ""])


def prompt(doubtful: Doubtful, columns: int) -> str:
    """Return the line, or lines, that tell the keys."""
    shown = min(len(doubtful.candidates), SHOWN_MAX)
    keys = [f"[{'1' if shown == 1 else f'1-{shown}'}] link to it", "[x] none of these"] if shown else []
    keys += ["[n] make a new contact", "[s] skip", "[p] previous", "[q] quit"]
    told = "  ".join(key.replace(" ", _NO_BREAK) for key in keys)
    return "\n".join(wrap(told, columns)).replace(_NO_BREAK, " ")


def _said(title: str, person: Person | None, columns: int) -> list[str]:
    said = "cannot be read now" if person is None else "; ".join(_facts(person)) or "nothing"
    return wrap(plain(f"{title}: {said}"), columns, subsequent_indent="    ")


def _facts(person: Person) -> Iterator[str]:
    values = (
        person.name,
        person.title,
        person.organization,
        person.emails,
        person.phones,
        person.birthday,
        person.location,
    )
    for said in values:
        yield from texts(said)
