"""The machine's clock is wrong, by years, and then right again: nothing is decided by comparing it with anything else.

A dead battery makes it 1970 until the network is there; a mistyped year makes it 2036. Files keep the times that the
file system gives them, which is the right clock here, as it would be on a file server.
"""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from agendas import AgendaWorld, agenda_world
from daemon import undo
from daemon.render_plan import is_shown
from daemon.report import Report
from memory_worlds import HOME, one_by_one

WRONG = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2036, 5, 5, tzinfo=UTC))


def shown(report: Report) -> list[str]:
    return [type(step).__name__ for step in report.plan.operations if is_shown(step)]


@pytest.fixture
def world(tmp_path: Path) -> AgendaWorld:
    made = agenda_world(tmp_path, "role: Analyst")
    made.setup = made.world.setup
    made.sync()
    assert shown(made.sync()) == []
    return made


@pytest.mark.parametrize("wrong", WRONG)
def test_both_sides_stay_in_step_and_edits_travel_under_a_wrong_clock_and_after_it(
    world: AgendaWorld, wrong: datetime
) -> None:
    right = world.now
    for number, now in enumerate((wrong, right, wrong, right)):
        world.now = now
        assert shown(world.sync()) == []
        world.edit("role", f"Poet {number}")
        assert shown(world.sync()) == ["UpdateRecord"]
        found = world.world.in_book(HOME, "ada")
        assert found is not None
        assert found.title == f"Poet {number}"
        world.world.remote_edit(HOME, "ada", {"title": f"Editor {number}"})
        assert shown(world.sync()) == ["WriteNote"]
        assert world.note_line("role") == f"Editor {number}"
        assert shown(world.sync()) == []


@pytest.mark.parametrize("wrong", WRONG)
def test_what_was_done_under_a_wrong_clock_can_be_undone(world: AgendaWorld, wrong: datetime) -> None:
    world.now = wrong
    world.edit("role", "Poet")
    run = world.sync().run
    what = undo.past(world.world.state, run, None)
    undo.carry_out(world.setup, world.world.state, what, lambda: world.now, lambda _: True, one_by_one)
    assert world.note_line("role") == "Poet"
    found = world.world.in_book(HOME, "ada")
    assert found is not None
    assert found.title == "Analyst"


@pytest.mark.parametrize("wrong", WRONG)
def test_nothing_is_gone_because_of_the_time_that_has_passed(world: AgendaWorld, wrong: datetime) -> None:
    note = world.world.note("Ada")
    aside = note.rename(note.with_suffix(".away"))
    world.sync()
    world.now = wrong
    aside.rename(note)
    assert shown(world.sync()) == []
    assert world.world.in_book(HOME, "ada") is not None


def test_a_look_that_lies_in_the_future_is_not_believed_until_then(world: AgendaWorld) -> None:
    right, world.now = world.now, WRONG[1]
    world.sync()
    assert world.sync().vault.read == 0
    world.now = right
    assert world.sync().vault.read == 1
