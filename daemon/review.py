"""Go through the conflicts that wait, one at a time, with a given `ask`: a terminal's, or a test's.

What is answered is remembered at once, so that whoever quits, or is cut off, goes on from there the next time. Nothing
is written on either side here: choices become part of the next plan.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import assert_never

from daemon import conflicts, deciding, decisions
from daemon.conflicts import KeptConflict
from daemon.deciding import NoSuchChoice, Take
from daemon.state import Readable, State
from mappings.conflict import Conflict, ConflictId
from mappings.person import Value


@dataclass(frozen=True, slots=True)
class Case:
    """One conflict as it is shown: the `number`th of `count`; `problem` is why the last answer did not fit, else ""."""

    kept: KeptConflict
    number: int
    count: int
    problem: str

    @property
    def conflict(self) -> Conflict:
        return self.kept.conflict


@dataclass(frozen=True, slots=True)
class Settle:
    """Settle this conflict; with `alike` also all that are still to come of the same field and the same accounts."""

    take: Take
    alike: bool


class Move(Enum):
    """What else may be answered."""

    SKIP = auto()
    BACK = auto()
    QUIT = auto()


Answer = Settle | Move
Ask = Callable[[Case], Answer]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """How a review went: what was settled to what, and how many conflicts still wait."""

    settled: tuple[tuple[Conflict, Value], ...]
    left: int


def waiting(state: Readable) -> tuple[KeptConflict, ...]:
    """Return the conflicts that nothing was answered to yet, the oldest first."""
    answered = decisions.decided(state).choices.keys()
    return tuple(one for one in conflicts.open_conflicts(state) if one.conflict.id not in answered)


def review(state: State, ask: Ask, clock: Callable[[], datetime]) -> Reviewed:
    """Go through everything that waits, until all is answered or the owner quits."""
    cases = waiting(state)
    settled: dict[ConflictId, tuple[Conflict, Value]] = {}
    at, problem = 0, ""
    while at < len(cases):
        case = Case(cases[at], at + 1, len(cases), problem)
        answer = ask(case)
        problem = ""
        match answer:
            case Settle():
                try:
                    for conflict in _meant(cases, at, answer):
                        settled[conflict.id] = conflict, deciding.settle(state, conflict, answer.take, clock())
                except NoSuchChoice as error:
                    problem = str(error)
                    continue
                at = _next(cases, at, settled)
            case Move.SKIP:
                at = _next(cases, at, settled)
            case Move.BACK:
                at = max(at - 1, 0)
            case Move.QUIT:
                break
            case _:
                assert_never(answer)
    return Reviewed(tuple(settled.values()), len(cases) - len(settled))


def _meant(cases: Sequence[KeptConflict], at: int, answer: Settle) -> Iterator[Conflict]:
    """Yield this conflict, and those behind it that are like it and that the answer fits, if all alike are meant."""
    here = cases[at].conflict
    yield here
    if not answer.alike:
        return
    for kept in cases[at + 1 :]:
        other = kept.conflict
        if other.field == here.field and other.theirs.keys() == here.theirs.keys() and _fits(other, answer.take):
            yield other


def _fits(conflict: Conflict, take: Take) -> bool:
    try:
        deciding.chosen(conflict, take)
    except NoSuchChoice:
        return False
    return True


def _next(cases: Sequence[KeptConflict], at: int, settled: dict[ConflictId, tuple[Conflict, Value]]) -> int:
    """Return the next conflict that is not answered yet."""
    later = (number for number in range(at + 1, len(cases)) if cases[number].conflict.id not in settled)
    return next(later, len(cases))
