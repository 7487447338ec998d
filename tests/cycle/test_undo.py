"""A run is taken back: both sides are as they were, no sync does it again, and what others did since is left alone.

The worlds are those of the simulation, at rest: a vault, two address books, the real cycle between them.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from agendas import AgendaWorld, agenda_world
from daemon import dates, undo
from daemon.errors import DaemonError
from daemon.setup import NewNotes
from daemon.undo import NothingToUndo, Undone
from mappings.person import FieldName, Value
from mappings.record import AccountName, NotePath
from run_worlds import PEOPLE, drawn, happens, in_step, note, sides, take_back, the_entry
from simulation.story import ADA, NOTE, Story
from simulation.values import fresh, seeded
from simulation.world import HOME, WORK, Nature, one_by_one
from worlds import person


@pytest.mark.parametrize("seed", range(150))
def test_what_a_run_did_is_taken_back_whole_and_stays_so(seed: int) -> None:
    story = drawn(seeded("undo", seed))
    before = sides(story)
    run = story.sync().run
    after = sides(story)
    if after == before:
        return
    undone = take_back(story, run)
    assert undone.undoing.refusals == ()
    assert sides(story) == before
    for _ in range(3):
        story.sync()
        assert sides(story) == before
    again = take_back(story, undone.run)
    assert again.undoing.refusals == ()
    assert sides(story) == after


@pytest.mark.parametrize("seed", range(60))
def test_a_run_that_makes_notes_too_is_taken_back_whole_and_can_be_done_again(seed: int) -> None:
    story = drawn(seeded("undo of new notes", seed))
    for number in range(2):
        said: dict[FieldName, Value] = {"name": f"Newcomer {number}", "emails": (fresh("emails", 900 + number),)}
        story.world.books[HOME].add(person(said), extra="NOTE:a stranger")
    wish = NewNotes(frozenset[AccountName](), frozenset({HOME, WORK}), "People", None, 20)
    story.world.setup = replace(story.world.setup, new_notes=wish)
    before = sides(story)
    run = story.sync().run
    after = sides(story)
    assert after[0].keys() - before[0].keys() >= {NotePath("People/Newcomer 0.md"), NotePath("People/Newcomer 1.md")}
    undone = take_back(story, run)
    assert undone.undoing.refusals == ()
    for _ in range(3):
        assert sides(story) == before
        story.sync()
    again = take_back(story, undone.run)
    assert again.undoing.refusals == ()
    assert sides(story) == after


@pytest.mark.parametrize("seed", range(60))
def test_whatever_happens_after_an_undo_the_sides_come_to_rest(seed: int) -> None:
    rng = seeded("after undo", seed)
    story = drawn(rng)
    run = story.sync().run
    with suppress(NothingToUndo):
        take_back(story, run)
    happens(story, rng)
    for _ in range(3):
        story.sync()
    settled = sides(story)
    story.sync()
    assert sides(story) == settled


def test_what_a_stranger_changed_since_is_refused_and_the_rest_put_back() -> None:
    story = in_step(NOTE.replace(b"title: Ada\n", b"title: Ada\nrole: Boss\nlocation: Rome\n"))
    story.edit_note(b"role: Boss\nlocation: Rome", b"role: Chief\nlocation: Oslo")
    run = story.sync().run
    story.world.books[HOME].edit(the_entry(story), {"title": "Queen"})
    undone = take_back(story, run)
    assert [(one.account, one.field) for one in undone.undoing.refusals] == [(HOME, "title")]
    said = {name: next(iter(book.entries.values())).person for name, book in story.world.books.items()}
    assert (said[HOME].title, said[HOME].location) == ("Queen", "Rome")
    assert (said[WORK].title, said[WORK].location) == ("Boss", "Rome")


def test_an_edit_that_no_field_of_ours_shows_is_kept() -> None:
    """The connector finds it; then field by field."""
    story = in_step(NOTE.replace(b"title: Ada\n", b"title: Ada\nrole: Boss\n"))
    story.edit_note(b"role: Boss", b"role: Chief")
    run = story.sync().run
    book = story.world.books[HOME]
    book.put_back(the_entry(story), replace(book.entries[the_entry(story)], extra="a photo"))
    undone = take_back(story, run)
    entry = book.entries[the_entry(story)]
    assert (entry.person.title, entry.extra, undone.undoing.refusals) == ("Boss", "a photo", ())


@pytest.mark.parametrize("extra", ["", "a photo"])
def test_a_contact_that_goes_by_another_id_now_is_put_back_under_it(extra: str) -> None:
    story = in_step(NOTE.replace(b"title: Ada\n", b"title: Ada\nrole: Boss\n"))
    story.edit_note(b"role: Boss", b"role: Chief")
    run = story.sync().run
    book = story.world.books[HOME]
    old = book.entries[the_entry(story)]
    book.remove(the_entry(story))
    new = book.add(old.person, extra=extra, uid=old.uid)
    story.sync()
    undone = take_back(story, run)
    assert undone.undoing.refusals == ()
    assert (book.entries[new].person.title, book.entries[new].extra) == ("Boss", extra)


def test_a_contact_that_a_run_made_and_somebody_changed_is_not_taken_away() -> None:
    story = Story()
    story.world.vault.save(ADA, NOTE, by_rename=True)
    run = story.sync().run
    story.world.books[HOME].edit(the_entry(story), {"title": "Queen"})
    undone = take_back(story, run)
    assert len(story.world.books[HOME].entries) == 1
    assert len(story.world.books[WORK].entries) == 0
    assert [one.account for one in undone.undoing.refusals] == [HOME]


def test_a_note_that_the_owner_edited_since_loses_only_what_still_is_as_the_run_left_it() -> None:
    story = in_step(NOTE.replace(b"title: Ada\n", b"title: Ada\nrole: Boss\nlocation: Rome\n"))
    story.world.books[HOME].edit(the_entry(story), {"title": "Chief", "location": "Oslo"})
    run = story.sync().run
    story.edit_note(b"location: Oslo", b"location: Bern # for now")
    undone = take_back(story, run)
    text = story.world.vault.files[ADA].content
    assert (b"role: Boss\n" in text, b"location: Bern # for now\n" in text) == (True, True)
    assert [(one.account, one.field) for one in undone.undoing.refusals if not one.account] == [("", "location")]


def test_an_edit_of_the_side_that_was_not_put_back_is_no_clash() -> None:
    """The base is put back too: the note alone has changed since."""
    story = in_step(NOTE.replace(b"title: Ada\n", b"title: Ada\ncompany: Engines\n"))
    story.edit_note(b"company: Engines", b"company: Looms")
    take_back(story, story.sync().run)
    story.edit_note(b"company: Looms", b"company: Gears")
    report = story.sync()
    assert report.plan.conflicts == ()
    assert [entry.person.organization for book in story.world.books.values() for entry in book.entries.values()] == [
        "Gears",
        "Gears",
    ]


def test_only_one_person_is_taken_back_where_one_is_named() -> None:
    story = Story()
    for path in PEOPLE[:2]:
        story.world.vault.save(path, note(path[7:-3], {"title": "Boss"}), by_rename=True)
    run = story.sync().run
    take_back(story, run, "Ada")
    assert [entry.person.name for entry in story.world.books[HOME].entries.values()] == ["Grace"]


def test_a_contact_that_followed_its_note_is_made_anew_with_all_that_it_held() -> None:
    story = Story(replace(Nature.calm(), delete_with_note=True))
    for path in PEOPLE[:2]:
        story.world.vault.save(path, note(path[7:-3], {"title": "Boss"}), by_rename=True)
    story.sync()
    story.sync()
    before = sides(story)[1]
    del story.world.vault.files[ADA]
    story.sync()
    run = story.sync().run
    assert len(story.world.books[HOME].entries) == 1
    take_back(story, run)
    assert {name: sorted(book.values()) for name, book in sides(story)[1].items()} == {
        name: sorted(book.values()) for name, book in before.items()
    }
    story.sync()
    story.sync()
    assert len(story.world.books[HOME].entries) == 2


def test_what_is_older_than_the_owner_wants_cannot_be_taken_back() -> None:
    story = in_step()
    story.edit_note(b"title: Ada\n", b"title: Ada\nrole: Boss\n")
    run = story.sync().run
    story.world.pass_time(timedelta(days=89))
    story.sync()
    assert undo.past(story.world.state, run, None).deeds
    story.world.pass_time(timedelta(days=2))
    story.sync()
    with pytest.raises(NothingToUndo):
        undo.past(story.world.state, run, None)


@pytest.mark.parametrize(("run", "name"), [(99, None), (1, "Nobody")])
def test_what_cannot_be_taken_back_says_so(run: int, name: str | None) -> None:
    story = in_step()
    with pytest.raises(DaemonError):
        take_back(story, run, name)


def undone(world: AgendaWorld, run: int) -> Undone:
    state = world.world.state
    return undo.carry_out(
        world.setup, state, undo.past(state, run, None), lambda: world.now, lambda _: True, one_by_one
    )


class TestDates:
    """What calendars derived is taken back like anything else, and so is what became of the owner's own word."""

    def test_a_derived_date_that_is_undone_is_not_derived_again_until_a_side_changes(self, tmp_path: Path) -> None:
        world = agenda_world(tmp_path)
        world.meet("tea", 9)
        world.sync()
        world.meet("cake", 12)
        before = (world.note_line(), world.contact_date())
        undone(world, world.sync().run)
        assert (world.note_line(), world.contact_date()) == before
        for _ in range(2):
            world.sync()
            assert (world.note_line(), world.contact_date()) == before
        world.edit_contact("2026-11-13")
        world.sync()
        assert (world.note_line(), world.contact_date()) == ('"2026-11-13"', "2026-11-13")

    @pytest.mark.parametrize("lines", [(), ("last_contact:",)], ids=["no key", "an empty key"])
    def test_a_first_run_with_dates_that_is_undone_stays_so_until_the_owner_asks_for_a_date(
        self, tmp_path: Path, lines: tuple[str, ...]
    ) -> None:
        """By an empty key where there was none, as in a template; one that stood there before asks for nothing."""
        world = agenda_world(tmp_path, *lines)
        world.meet("tea", 9)
        whole = world.setup
        world.setup = replace(whole, calendars=())
        world.sync()
        world.setup = whole
        run = world.sync().run
        assert (world.note_line(), world.contact_date()) == ('"2026-11-09"', "2026-11-09")
        undone(world, run)
        before = world.note_line()
        assert before == ("" if lines else None)
        for _ in range(2):
            world.sync()
            assert (world.note_line(), world.contact_date() or "") == (before, "")
        world.edit("last_contact", "" if not lines else '"2026-11-01"')
        world.sync()
        now = "2026-11-01" if lines else "2026-11-09"
        assert ((world.note_line() or "").strip('"'), world.contact_date()) == (now, now)

    def test_a_pin_that_a_meeting_has_ended_is_set_again(self, tmp_path: Path) -> None:
        """And our own value, put back, is not taken for one that the owner has typed."""
        world = agenda_world(tmp_path)
        world.meet("tea", 9)
        world.sync()
        world.edit("last_contact", "2026-11-05")
        world.sync()
        pinned = dates.memories(world.world.state)
        world.meet("cake", 12)
        run = world.sync().run
        assert (world.note_line(), dates.memories(world.world.state) == pinned) == ("2026-11-12", False)
        undone(world, run)
        assert (world.note_line(), dates.memories(world.world.state) == pinned) == ("2026-11-05", True)
