"""What else is derived, and from what: the next meeting, the optional keys, the list "Recent Context", odd clocks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from agendas import AgendaWorld, agenda_world, limited, meeting
from daemon import dates
from daemon.render_plan import is_shown
from mappings.date_memory import Free
from mappings.event import AllDay, Timed
from mappings.meeting_case import DEFAULT_RULES, Counts
from mappings.person import FieldName, Uid
from mappings.profiles import adding
from meeting_worlds import ACCEPTED, BOB, at, invited

NOV = "2026-11-"
EVERY: frozenset[FieldName] = frozenset({"last_contact", "next_meeting", "last_1on1", "meetings_90d"})


def with_every_key(world: AgendaWorld) -> AgendaWorld:
    rules = replace(world.setup.rules, profile=adding(world.setup.rules.profile, EVERY))
    world.setup = replace(world.setup, rules=rules)
    limited(world, fields=EVERY)
    return world


def lines(world: AgendaWorld) -> dict[str, str | None]:
    return {key: world.note_line(key) for key in sorted(EVERY)}


class TestTheNextMeeting:
    def test_it_is_kept_up_only_where_the_note_has_the_key(self, tmp_path: Path) -> None:
        world = agenda_world(tmp_path)
        world.meet("tea", 25)
        world.sync()
        assert world.note_line("next_meeting") is None
        world.edit("next_meeting", "")
        world.sync()
        assert world.note_line("next_meeting") == f'"{NOV}25"'

    def test_it_is_written_once_a_day_and_emptied_when_there_is_none(self, tmp_path: Path) -> None:
        world = agenda_world(tmp_path, "next_meeting:")
        source = world.meet("tea", 25)
        world.sync()
        assert world.note_line("next_meeting") == f'"{NOV}25"'
        world.agenda.put(source, meeting("tea", 27))
        world.sync()
        assert world.note_line("next_meeting") == f'"{NOV}25"'
        world.now += timedelta(days=1)
        world.sync()
        assert world.note_line("next_meeting") == f'"{NOV}27"'
        world.agenda.remove(source)
        world.now += timedelta(days=1)
        world.sync()
        assert world.note_line("next_meeting") == '""'

    def test_it_never_leaves_the_vault(self, tmp_path: Path) -> None:
        world = agenda_world(tmp_path, "next_meeting:")
        world.meet("tea", 25)
        world.sync()
        contact = world.world.in_book(world.world.setup.accounts[0].name, "ada")
        assert contact is not None
        assert (contact.next_meeting, contact.last_contact) == ("", "")

    def test_what_is_too_far_ahead_is_not_told_yet(self, tmp_path: Path) -> None:
        world = agenda_world(tmp_path, "next_meeting:")
        far = at(23) + timedelta(days=61)
        world.meet("tea", 1, when=Timed(far, far + timedelta(hours=1)))
        world.sync()
        assert world.note_line("next_meeting") == ""
        world.now += timedelta(days=2)
        world.sync()
        assert world.note_line("next_meeting") == f'"{far.date()}"'


class TestTheOptionalKeys:
    def test_they_are_added_where_the_owner_wants_them(self, tmp_path: Path) -> None:
        world = with_every_key(agenda_world(tmp_path))
        world.meet("tea", 9)
        world.meet("group", 12, attendees=(*meeting("x", 9).attendees, invited(BOB)))
        world.meet("next", 25)
        world.sync()
        assert lines(world) == {
            "last_1on1": f'"{NOV}09"',
            "last_contact": f'"{NOV}12"',
            "meetings_90d": "2",
            "next_meeting": f'"{NOV}25"',
        }
        assert not any(is_shown(step) for step in world.sync().plan.operations)

    def test_a_count_falls_as_time_goes_by(self, tmp_path: Path) -> None:
        world = with_every_key(agenda_world(tmp_path))
        world.meet("tea", 9)
        world.meet("cake", 12)
        world.sync()
        world.now += timedelta(days=78)
        world.sync()
        assert world.note_line("meetings_90d") == "1"
        world.now += timedelta(days=5)
        world.sync()
        assert (world.note_line("meetings_90d"), world.note_line()) == ("0", f'"{NOV}12"')

    def test_without_his_wish_a_key_that_is_there_stays_as_it_is(self, tmp_path: Path) -> None:
        world = agenda_world(tmp_path, "meetings_90d: 7", "last_1on1: 2026-01-01")
        world.meet("tea", 9)
        world.sync()
        assert (world.note_line("meetings_90d"), world.note_line("last_1on1")) == ("7", "2026-01-01")


class TestRecentContext:
    TEXT = f"\n## Recent Context\n\n- {NOV}15: walked along the harbour\n"

    def world(self, tmp_path: Path, *, wanted: bool) -> AgendaWorld:
        world = agenda_world(tmp_path, meetings={"from_context": wanted})
        note = world.world.note("Ada")
        note.write_text(note.read_text() + self.TEXT)
        world.meet("tea", 9)
        return world

    @pytest.mark.parametrize(("wanted", "expected"), [(True, "15"), (False, "09")])
    def test_its_newest_line_serves_if_the_owner_wants_it(self, tmp_path: Path, expected: str, *, wanted: bool) -> None:
        world = self.world(tmp_path, wanted=wanted)
        world.sync()
        assert world.note_line() == f'"{NOV}{expected}"'
        assert world.note_line() == f'"{NOV}{expected}"'
        world.meet("cake", 20)
        world.sync()
        assert world.note_line() == f'"{NOV}20"'


class TestClocks:
    def test_the_day_is_the_owners_also_across_the_change_of_clocks(self, tmp_path: Path) -> None:
        late = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)
        world = agenda_world(tmp_path, meetings={"zone": ZoneInfo("Europe/Berlin")})
        world.meet("tea", 1, when=Timed(late, late + timedelta(minutes=30)))
        world.sync()
        # In summer time it is half past midnight already, which an offset of today would not know.
        assert world.note_line() == '"2026-10-25"'

    def test_a_clock_that_was_set_back_gives_no_date_of_the_future(self, tmp_path: Path) -> None:
        world = agenda_world(tmp_path)
        world.meet("tea", 9)
        world.meet("cake", 20)
        world.sync()
        assert world.note_line() == f'"{NOV}20"'
        world.now -= timedelta(days=10)
        world.sync()
        assert world.note_line() == f'"{NOV}09"'
        world.now += timedelta(days=10)
        world.sync()
        assert world.note_line() == f'"{NOV}20"'

    def test_a_new_month_reads_everything_again_and_changes_nothing(self, tmp_path: Path) -> None:
        world = agenda_world(tmp_path)
        world.meet("tea", 9)
        world.sync()
        world.now += timedelta(days=40)
        report = world.sync()
        assert ([step for step in report.plan.operations if is_shown(step)], report.exit_code) == ([], 0)
        assert world.note_line() == f'"{NOV}09"'

    def test_a_meeting_older_than_the_window_still_counts(self, tmp_path: Path) -> None:
        world = agenda_world(tmp_path)
        world.meet("tea", 9)
        world.sync()
        world.now += timedelta(days=800)
        world.sync()
        assert world.note_line() == f'"{NOV}09"'


class TestWhoIsMeant:
    def test_every_address_of_a_person_is(self, tmp_path: Path) -> None:
        world = agenda_world(tmp_path, "former_emails:", "- Ada@Old.example.test", "aliases:", "- ada@third.test")
        for day, address in ((5, "ada@old.example.test"), (9, "ADA@third.test")):
            world.meet(address, day, organizer=address, attendees=(ACCEPTED, invited(address)))
        world.sync()
        assert world.note_line() == f'"{NOV}09"'

    def test_a_person_with_two_addresses_is_one_of_two(self, tmp_path: Path) -> None:
        world = agenda_world(tmp_path, "former_emails:", "- ada@old.example.test")
        world.meet("tea", 9, attendees=(*meeting("x", 9).attendees, invited("ada@old.example.test")))
        limited(world, rules=replace(DEFAULT_RULES, people_max=1))
        world.sync()
        assert world.note_line() == f'"{NOV}09"'

    def test_an_address_that_comes_into_a_note_later_brings_its_meetings(self, tmp_path: Path) -> None:
        world = agenda_world(tmp_path)
        world.meet("tea", 9, organizer=BOB, attendees=(ACCEPTED, invited(BOB)))
        world.sync()
        assert world.note_line() is None
        world.edit("email", BOB)
        world.sync()
        assert world.note_line() == f'"{NOV}09"'


def test_rules_that_the_owner_changes_count_at_once(tmp_path: Path) -> None:
    world = agenda_world(tmp_path)
    world.meet("tea", 5)
    world.meet("trip", 9, when=AllDay(at(9).date(), at(10).date()))
    world.sync()
    assert world.note_line() == f'"{NOV}05"'
    limited(world, rules=replace(DEFAULT_RULES, all_day=Counts.ONE_TO_ONE))
    world.sync()
    assert world.note_line() == f'"{NOV}09"'


def test_a_note_that_says_no_date_is_held_and_left_alone(tmp_path: Path) -> None:
    world = agenda_world(tmp_path, "last_contact: last week")
    world.meet("tea", 9)
    report = world.sync()
    assert ([hold.field for hold in report.plan.holds], report.exit_code) == (["last_contact"], 1)
    assert world.note_line() == "last week"


def test_what_was_remembered_before_a_run_can_be_put_back(tmp_path: Path) -> None:
    world = agenda_world(tmp_path)
    world.meet("tea", 9)
    world.sync()
    before = dates.memories(world.world.state)
    world.meet("cake", 12)
    run = world.sync().run
    assert dates.memories(world.world.state) != before
    with world.world.state.transaction() as tx:
        dates.put_back(tx, run, Uid("ada"), ["last_contact"])
    assert dates.memories(world.world.state) == before
    assert before[Uid("ada"), "last_contact"].standing == Free()


def test_a_spelling_of_the_notes_own_is_kept(tmp_path: Path) -> None:
    world = agenda_world(tmp_path, "last-contacted: 2026-11-01  # by hand")
    world.meet("tea", 9)
    world.sync()
    assert world.note_line("last-contacted") == "2026-11-01  # by hand"
    world.edit("last-contacted", "''")
    world.now += timedelta(days=2)
    world.sync()
    world.meet("cake", 23, when=Timed(at(23, 13), at(23, 14)))
    world.now += timedelta(days=2)
    world.sync()
    assert world.note_line("last-contacted") == f"'{NOV}23'"
