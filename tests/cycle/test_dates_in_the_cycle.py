"""Dates from calendars in whole cycles: notes in a folder, an address book, an agenda that changes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from agendas import MAIN, AgendaWorld, agenda_world, declined, meeting
from connectors.errors import TryLater
from connectors.memory_calendar import Agenda, MemoryCalendar
from daemon import saved_plan
from daemon.render_plan import is_shown
from mappings.brakes import Limit
from mappings.event import Status, Timed
from mappings.record import RemoteId
from meeting_worlds import ACCEPTED, BOB, at, invited
from memory_worlds import HOME, WORK, person

NOV = "2026-11-"


@pytest.fixture
def world(tmp_path: Path) -> AgendaWorld:
    return agenda_world(tmp_path)


def both(world: AgendaWorld) -> tuple[str | None, str | None]:
    """Return what note and contact say."""
    line = world.note_line()
    return (None if line is None else line.strip('"')), world.contact_date()


def cut_off(world: AgendaWorld) -> None:
    """Let the calendar be out of reach."""

    def away(step: str) -> None:
        raise TryLater(step, None)

    world.setup = replace(world.setup, calendars=(MemoryCalendar(HOME, MAIN, world.agenda, away),))


def test_a_meeting_gives_note_and_contact_a_date(world: AgendaWorld) -> None:
    world.meet("tea", 9)
    report = world.sync()
    assert (world.note_line(), world.contact_date()) == (f'"{NOV}09"', f"{NOV}09")
    assert report.exit_code == 0


def test_a_second_run_does_nothing(world: AgendaWorld) -> None:
    world.meet("tea", 9)
    world.sync()
    before = world.world.note("Ada").stat()
    report = world.sync()
    assert ([step for step in report.plan.operations if is_shown(step)], report.exit_code) == ([], 0)
    assert world.world.note("Ada").stat() == before


def moved(world: AgendaWorld, source: RemoteId) -> None:
    world.agenda.put(source, meeting("cake", 5))


def answered_no(world: AgendaWorld, source: RemoteId) -> None:
    world.agenda.put(source, declined("cake", 12))


def cancelled(world: AgendaWorld, source: RemoteId) -> None:
    world.agenda.put(source, meeting("cake", 12, status=Status.CANCELLED))


def deleted(world: AgendaWorld, source: RemoteId) -> None:
    world.agenda.remove(source)


@pytest.mark.parametrize("change", [moved, answered_no, cancelled, deleted])
def test_what_no_longer_counts_takes_the_date_back(
    world: AgendaWorld, change: Callable[[AgendaWorld, RemoteId], None]
) -> None:
    world.meet("tea", 9)
    source = world.meet("cake", 12)
    world.sync()
    assert both(world) == (NOV + "12", NOV + "12")
    change(world, source)
    world.sync()
    assert both(world) == (NOV + "09", NOV + "09")


def test_without_any_meeting_left_the_date_is_emptied_and_the_key_stays(world: AgendaWorld) -> None:
    source = world.meet("tea", 9)
    world.sync()
    world.agenda.remove(source)
    world.sync()
    assert (world.note_line(), world.contact_date()) == ('""', "")


def test_time_alone_moves_a_date_on_even_where_no_calendar_can_be_reached(world: AgendaWorld) -> None:
    world.meet("tea", 9)
    world.meet("cake", 24)
    world.sync()
    assert both(world)[0] == NOV + "09"
    cut_off(world)
    world.now += timedelta(days=2)
    report = world.sync()
    assert both(world) == (NOV + "24", NOV + "24")
    assert report.exit_code == 2


def test_a_calendar_that_cannot_be_reached_takes_nothing_back(world: AgendaWorld) -> None:
    world.meet("tea", 9)
    world.sync()
    cut_off(world)
    world.sync()
    assert both(world)[0] == NOV + "09"


def test_a_read_that_was_cut_short_raises_but_takes_nothing_back(world: AgendaWorld) -> None:
    for number in range(5):
        world.meet(f"tea {number}", 5 + number)
    last = world.meet("cake", 12)
    world.sync()
    world.meet("wine", 13)
    world.agenda.remove(last)
    disturbed = iter([True])

    def disturb(step: str) -> None:
        if step == "page done" and next(disturbed, False):
            world.meet("late", 1)

    world.setup = replace(world.setup, calendars=(MemoryCalendar(HOME, MAIN, world.agenda, disturb),))
    report = world.sync()
    assert report.exit_code == 2
    assert both(world)[0] == NOV + "13"
    world.agenda.remove(RemoteId("event-7"))
    world.sync()
    assert both(world)[0] == NOV + "09"


class TestTheOwnersWord:
    def test_what_stood_there_is_a_floor(self, tmp_path: Path) -> None:
        world = agenda_world(tmp_path, f"last_contact: {NOV}15")
        world.meet("tea", 9)
        world.sync()
        assert (world.note_line(), world.contact_date()) == (f"{NOV}15", f"{NOV}15")
        world.meet("cake", 20)
        world.sync()
        assert both(world) == (NOV + "20", NOV + "20")

    def test_a_lower_date_is_a_pin_until_a_later_meeting(self, world: AgendaWorld) -> None:
        world.meet("tea", 9)
        world.sync()
        world.edit("last_contact", NOV + "03")
        world.sync()
        assert both(world) == (NOV + "03", NOV + "03")
        world.sync()
        assert both(world) == (NOV + "03", NOV + "03")
        world.meet("cake", 12)
        world.sync()
        assert both(world) == (NOV + "12", NOV + "12")

    def test_a_removed_key_turns_the_field_off_for_the_note(self, world: AgendaWorld) -> None:
        world.meet("tea", 9)
        world.sync()
        # So soon after our write, a note that is as it was before would be an editor's old copy.
        world.now += timedelta(days=2)
        world.sync()
        world.edit("last_contact", None)
        world.sync()
        world.meet("cake", 12)
        world.sync()
        assert both(world) == (None, "")
        world.edit("last_contact", "")
        world.sync()
        assert both(world) == (NOV + "12", NOV + "12")

    @pytest.mark.parametrize(("typed", "later"), [(NOV + "15", NOV + "15"), (NOV + "03", NOV + "03"), ("", "")])
    def test_an_edit_in_the_contact_is_the_owners_word_too(self, world: AgendaWorld, typed: str, later: str) -> None:
        source = world.meet("tea", 9)
        world.sync()
        world.edit_contact(typed)
        world.sync()
        assert both(world) == (typed, typed)
        world.agenda.remove(source)
        world.sync()
        assert both(world) == (later, later)

    def test_it_beats_a_date_that_the_contact_was_not_told_yet(self, world: AgendaWorld) -> None:
        world.meet("tea", 9)
        world.sync()
        world.meet("cake", 12)
        world.edit_contact(NOV + "10")
        report = world.sync()
        assert (both(world), report.plan.conflicts) == ((NOV + "10", NOV + "10"), ())

    def test_it_beats_a_date_that_only_the_note_was_given(self, tmp_path: Path) -> None:
        world = agenda_world(tmp_path, accounts=(HOME, WORK), calendars={HOME: Agenda()})
        world.meet("tea", 9)
        world.sync()
        world.setup = replace(world.setup, left_out=frozenset({WORK}))
        world.meet("cake", 12)
        world.sync()
        assert (both(world), world.contact_date(WORK)) == ((NOV + "12", NOV + "12"), NOV + "09")
        world.setup = replace(world.setup, left_out=frozenset())
        world.edit_contact(NOV + "10", WORK)
        report = world.sync()
        assert report.plan.conflicts == ()
        assert (both(world), world.contact_date(WORK)) == ((NOV + "10", NOV + "10"), NOV + "10")

    def test_two_different_words_are_asked_about_and_nothing_moves_meanwhile(self, world: AgendaWorld) -> None:
        world.meet("tea", 9)
        world.sync()
        world.edit("last_contact", NOV + "15")
        world.edit_contact(NOV + "17")
        world.meet("cake", 20)
        report = world.sync()
        assert [one.field for one in report.plan.conflicts] == ["last_contact"]
        assert both(world) == (NOV + "15", NOV + "17")
        world.edit_contact(NOV + "15")
        world.sync()
        assert both(world) == (NOV + "15", NOV + "15")


class TestBrakes:
    def test_the_first_dates_wait_for_the_owner_and_nothing_else_does(self, world: AgendaWorld) -> None:
        world.meet("tea", 9)
        report = world.sync(approve=False)
        assert (report.exit_code, {brake.account for brake in report.plan.brakes}) == (4, {HOME, "the calendar"})
        assert world.note_line() is None
        assert world.sync().exit_code == 0
        assert world.note_line() == f'"{NOV}09"'

    def test_after_the_first_dates_the_next_ones_need_no_asking(self, world: AgendaWorld) -> None:
        world.meet("tea", 9)
        world.sync()
        world.meet("cake", 12)
        assert world.sync(approve=False).exit_code == 0
        assert world.note_line() == f'"{NOV}12"'

    def test_all_dates_taken_back_at_once_wait(self, tmp_path: Path) -> None:
        world = agenda_world(tmp_path, meetings={"limit": Limit(people=5, share_percent=10)})
        world.world.note("Bob").write_text(person("Bob", "bob", f"email: {BOB}"))
        with_bob = world.meet("cake", 9, organizer=BOB, attendees=(ACCEPTED, invited(BOB)))
        sources = [world.meet("tea", 9), with_bob]
        world.sync()
        assert both(world)[0] == NOV + "09"
        for source in sources:
            world.agenda.remove(source)
        report = world.sync(approve=False)
        assert (report.exit_code, both(world)[0]) == (4, NOV + "09")
        kept = saved_plan.waiting(world.world.state)
        assert kept is not None
        assert set(kept.steps) == {"ada", "bob"}
        world.sync(approve=False)
        assert both(world)[0] == NOV + "09"
        world.sync()
        assert both(world)[0] == ""


def test_a_meeting_in_two_calendars_is_one(tmp_path: Path) -> None:
    agendas = {HOME: Agenda(), WORK: Agenda()}
    world = agenda_world(tmp_path, accounts=(HOME, WORK), calendars=agendas)
    sources = [agenda.add(meeting("tea", 9)) for agenda in agendas.values()]
    agendas[HOME].add(meeting("cake", 3))
    world.sync()
    agendas[HOME].remove(sources[0])
    world.sync()
    assert both(world)[0] == NOV + "09"
    agendas[WORK].remove(sources[1])
    world.sync()
    assert both(world)[0] == NOV + "03"


def test_a_meeting_that_is_running_does_not_count_yet(world: AgendaWorld) -> None:
    world.meet("tea", 23, when=Timed(at(23, 11), at(23, 13)))
    world.sync()
    assert world.note_line() is None
    world.now += timedelta(hours=1)
    world.sync()
    assert both(world)[0] == NOV + "23"
