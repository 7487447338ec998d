"""Who is asked to stop finishes the step at hand; the rest is journaled as not done, and the next run goes on."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from connectors.interface import Written
from connectors.memory import Memory
from daemon import cycle, journal
from daemon.cycle import look
from daemon.execute import Execution
from daemon.handed import Handed
from daemon.journal import OperationState, begin_run
from mappings.operation import CreateRecord
from memory_worlds import HOME, MemoryWorld, account_of, clock, made, one_by_one, person, setup_of

PEOPLE = 6


@pytest.fixture
def world(tmp_path: Path) -> MemoryWorld:
    world = made(tmp_path)
    for number in range(PEOPLE):
        world.note(f"Person {number}").write_text(person(f"Person {number}", f"uid-{number}"))
    return world


def stopped_after(world: MemoryWorld, asked: int) -> list[OperationState]:
    """Carry out a first plan, asked to stop at the `asked`th time that it looks whether to; return the outcomes."""
    seen = cycle.approved_of(world.setup, look(world.setup, world.state, clock(), one_by_one), frozenset({HOME}))
    with world.state.transaction() as tx:
        run = begin_run(tx, "sync", clock())
    looks = iter(range(1000))
    job = Execution(world.setup, world.state, run, clock(), lambda: next(looks) >= asked)
    begun = cycle.begun(job, seen)
    one_by_one(list(begun.remote.values()))
    cycle.finished(job, seen, begun.deeds(), clock())
    return [entry.state for entry in journal.entries(world.state, run)]


@pytest.mark.parametrize("done", [1, 3, PEOPLE - 1])
def test_the_step_at_hand_is_finished_and_the_rest_is_not_done(world: MemoryWorld, done: int) -> None:
    outcomes = stopped_after(world, done)
    assert outcomes == [OperationState.DONE] * done + [OperationState.DROPPED] * (PEOPLE - done)
    assert len(world.books[HOME].entries) == done
    assert journal.unfinished(world.state) == ()
    report = cycle.sync(world.setup, world.state, clock, lambda _: frozenset({HOME}), one_by_one)
    assert (report.exit_code, len(world.books[HOME].entries)) == (0, PEOPLE)


def test_asked_before_anything_was_begun_nothing_is_intended(world: MemoryWorld) -> None:
    assert stopped_after(world, 0) == []


class InGroups(Memory):
    """A connector that sends four steps at once, as providers with batches have it."""

    def create(self, intents: Sequence[CreateRecord]) -> Iterator[Written]:
        for start in range(0, len(intents), 4):
            outcomes = list(super().create(intents[start : start + 4]))
            for outcome in outcomes:
                assert isinstance(outcome, Written)
                yield outcome


def test_of_a_group_that_was_sent_whole_the_untold_outcomes_stay_open(world: MemoryWorld) -> None:
    setup = setup_of(world.vault, [account_of(InGroups(HOME, world.books[HOME]))])
    grouped = MemoryWorld(world.vault, world.state, world.books, setup)
    outcomes = stopped_after(grouped, 2)
    # Two told, two made but not told, two never taken.
    assert outcomes == [OperationState.DONE] * 2 + [OperationState.INTENDED] * 2 + [OperationState.DROPPED] * 2
    assert len(world.books[HOME].entries) == 4
    report = cycle.sync(setup, world.state, clock, lambda _: frozenset({HOME}), one_by_one)
    assert (report.exit_code, len(world.books[HOME].entries)) == (0, PEOPLE)


TAKES: list[tuple[Callable[[Handed[str]], object], int]] = [
    (lambda steps: steps[1], 2),
    (lambda steps: steps[-1], 4),
    (lambda steps: steps[:2], 2),
    (lambda steps: steps[3:3], 0),
    (list, 4),
    (lambda steps: next(iter(steps)), 1),
    (len, 0),
]


@pytest.mark.parametrize(("take", "taken"), TAKES)
def test_what_was_handed_over_is_counted_however_it_is_taken(take: Callable[[Handed[str]], object], taken: int) -> None:
    handed = Handed("abcd")
    take(handed)
    assert handed.taken == taken
