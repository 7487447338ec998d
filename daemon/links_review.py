"""Go through the people who cannot be linked safely, one at a time, with a given `ask`.

Each answer is carried out in the state at once, so that whoever quits goes on from there. Nothing is written on either
side: the next sync brings into step what was linked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import assert_never

from daemon import linking, records
from daemon.linking import NoSuchLink, Waiting
from daemon.state import Readable, State
from daemon.suggest import Suggestion, alike, ranked
from mappings.person import Person
from mappings.record import Record, RemoteId


@dataclass(frozen=True, slots=True)
class Doubtful:
    """One question as it is shown: the `number`th of `count`, with who might be meant, the likeliest first.

    `person` is what the note says, None if it cannot be read now. `offered` says that the contacts are none that the
    doubt names, but such as look alike. `problem` is why the last answer could not be carried out, else "".
    """

    waiting: Waiting
    person: Person | None
    candidates: tuple[Suggestion, ...]
    offered: bool
    number: int
    count: int
    problem: str


@dataclass(frozen=True, slots=True)
class LinkTo:
    """Link the note to this contact."""

    remote_id: RemoteId


class Say(Enum):
    """What else may be answered; `NOBODY` is that all who are shown are other people."""

    NEW = auto()
    NOBODY = auto()
    SKIP = auto()
    BACK = auto()
    QUIT = auto()


Answer = LinkTo | Say
Ask = Callable[[Doubtful], Answer]


@dataclass(frozen=True, slots=True)
class LinksReviewed:
    """How a review went: the answers in words, by note, and how many people still wait."""

    answered: tuple[str, ...]
    left: int


def review(state: State, ask: Ask) -> LinksReviewed:
    """Go through everybody who waits, until all are answered or the owner quits."""
    questions = linking.waiting(state)
    done: dict[int, str] = {}
    at, problem = 0, ""
    while at < len(questions):
        doubtful = _doubtful(state, questions[at], at + 1, len(questions), problem)
        answer = ask(doubtful)
        problem = ""
        match answer:
            case LinkTo() | Say.NEW | Say.NOBODY:
                try:
                    done[at] = _carried_out(state, doubtful, answer)
                except NoSuchLink as error:
                    problem = str(error)
                    continue
                at = _next(at, len(questions), done)
            case Say.SKIP:
                at = _next(at, len(questions), done)
            case Say.BACK:
                at = max(at - 1, 0)
            case Say.QUIT:
                break
            case _:
                assert_never(answer)
    return LinksReviewed(tuple(done.values()), len(questions) - len(done))


def _next(at: int, count: int, done: dict[int, str]) -> int:
    return next((number for number in range(at + 1, count) if number not in done), count)


def _doubtful(state: Readable, waiting: Waiting, number: int, count: int, problem: str) -> Doubtful:
    question = waiting.question
    person = linking.person_in_note(state, question.uid)
    present = linking.present(state, question.account)
    named = [present[each] for each in question.candidates if each in present]
    if named or person is None:
        found = ranked(person, named) if person is not None else tuple(_bare(record) for record in named)
        return Doubtful(waiting, person, found, False, number, count, problem)  # noqa: FBT003  # a fact
    free = {
        remote_id: record
        for remote_id, record in present.items()
        if not records.is_linked(state, question.account, remote_id)
    }
    return Doubtful(waiting, person, alike(person, free), True, number, count, problem)  # noqa: FBT003  # a fact


def _bare(record: Record) -> Suggestion:
    return Suggestion(record.remote_id, record.person, (), 0)


def _carried_out(state: State, doubtful: Doubtful, answer: LinkTo | Say) -> str:
    question = doubtful.waiting.question
    match answer:
        case LinkTo(remote_id):
            linking.link(state, question.account, question.uid, remote_id)
            return f"{question.path}: linked to {remote_id} in {question.account}"
        case Say.NEW:
            linking.ask_for_new(state, question.account, question.uid)
            return f"{question.path}: gets a new contact in {question.account}"
        case _:
            for candidate in doubtful.candidates:
                linking.tell_apart(state, question.account, question.uid, candidate.remote_id)
            return f"{question.path}: none of those in {question.account}"
