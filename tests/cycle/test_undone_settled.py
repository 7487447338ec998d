"""What an undo has left differing stays so until its owner settles it by its id: then all sides say what he chose."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from random import Random

import pytest

from daemon import deciding, links
from daemon.conflicts import ConflictState, all_conflicts, open_conflicts
from daemon.deciding import NoSuchChoice, PutBack, Take, TakeBoth, TakeNote, TakeRemote, TakeValue
from daemon.undo import NothingToUndo
from mappings import note as note_lens
from mappings.conflict import Conflict, ConflictId
from mappings.fields import same, value_of
from mappings.person import Value
from run_worlds import drawn, in_step, sides, take_back, the_entry
from simulation.story import ADA, NOTE, Story
from simulation.values import fresh, seeded
from simulation.world import HOME, Crash

LOOMS = NOTE.replace(b"title: Ada\n", b"title: Ada\ncompany: Looms\n")


def undone(seed: str) -> tuple[Story, Random]:
    """Return a world whose last run is taken back."""
    rng = seeded(seed)
    story = drawn(rng)
    run = story.sync().run
    with suppress(NothingToUndo):
        take_back(story, run)
    return story, rng


def answer(one: PutBack, rng: Random) -> Take:
    takes: list[Take] = [
        TakeNote(),
        *map(TakeRemote, one.conflict.theirs),
        TakeValue((fresh(one.conflict.field, 999),)),
    ]
    return rng.choice([*takes, TakeBoth()] if deciding.is_list(one.conflict) else takes)


def settled(story: Story, found: Sequence[PutBack], rng: Random) -> Mapping[ConflictId, tuple[Conflict, Value]]:
    """Settle fields by their ids, each in some way, and return what all their sides are to say."""
    state = story.world.state
    return {
        one.conflict.id: (one.conflict, deciding.settle(state, one.conflict, answer(one, rng), story.world.now))
        for one in found
    }


def said(story: Story, conflict: Conflict) -> list[Value]:
    """Return what the note and every contact say of a conflict's field now."""
    world = story.world
    path = links.people(world.state)[conflict.uid]
    reading = note_lens.read(path, world.vault.files[path].content.decode(), world.setup.rules)
    assert reading is not None
    people = [reading.reading.person]
    people += [
        world.books[link.account].entries[link.remote_id].person
        for link in links.links(world.state)
        if link.uid == conflict.uid and link.account in conflict.theirs
    ]
    return [value_of(each, conflict.field) for each in people]


@pytest.mark.parametrize("seed", range(100))
def test_what_is_settled_is_said_by_all_sides_and_the_rest_stays_put_back(seed: int) -> None:
    story, rng = undone(f"settled after undo {seed}")
    state = story.world.state
    found = deciding.put_back(state)
    chosen = settled(story, [one for one in found if rng.random() < 0.6], rng)
    left = {one.conflict.id: said(story, one.conflict) for one in found if one.conflict.id not in chosen}
    story.sync()
    for conflict, value in chosen.values():
        assert all(same(conflict.field, each, value) for each in said(story, conflict)), conflict
    assert {one.conflict.id for one in deciding.put_back(state)} == left.keys()
    # A note that has changed is given its uid again, which the undo had taken out.
    story.sync()
    rested = sides(story)
    story.sync()
    assert sides(story) == rested
    assert {one.conflict.id: said(story, one.conflict) for one in deciding.put_back(state)} == left
    kept = [one.conflict.id for one in all_conflicts(state) if one.state is ConflictState.DECIDED]
    assert sorted(kept) == sorted(chosen)


@pytest.mark.parametrize("seed", range(100))
def test_a_sync_that_dies_over_it_is_gone_on_with_and_does_nothing_else(seed: int) -> None:
    """Where a side had been written and the other had not, the field may be asked about; then the choice stands there."""
    story, rng = undone(f"settled and killed {seed}")
    state = story.world.state
    chosen = settled(story, deciding.put_back(state), rng)
    story.lives = rng.randrange(30)
    with suppress(Crash):
        story.sync()
    story.lives = None
    story.sync()
    asked = {(one.conflict.uid, one.conflict.field) for one in open_conflicts(state)}
    for conflict, value in chosen.values():
        here = [same(conflict.field, each, value) for each in said(story, conflict)]
        assert all(here) or (any(here) and (conflict.uid, conflict.field) in asked), (conflict, value)


def the_field(story: Story) -> PutBack:
    (one,) = deciding.put_back(story.world.state)
    return one


def says(story: Story) -> list[str]:
    """Return the company that the note and both contacts give."""
    (line,) = (line for line in story.world.vault.files[ADA].content.decode().splitlines() if "company: " in line)
    records = (next(iter(book.entries.values())) for book in story.world.books.values())
    return [line.removeprefix("company: "), *(each.person.organization for each in records)]


def undone_company() -> Story:
    """Return a world in which the note says Gears, and the contacts Looms again."""
    story = in_step(LOOMS)
    story.edit_note(b"company: Looms", b"company: Gears")
    take_back(story, story.sync().run)
    return story


def test_it_is_named_by_the_beginning_of_its_id_and_nothing_waits_for_the_owner() -> None:
    story = undone_company()
    report = story.sync()
    one = the_field(story)
    assert (one.conflict.ours, dict(one.conflict.bases)) == ("Gears", dict.fromkeys(one.conflict.theirs, "Looms"))
    assert deciding.named(story.world.state, one.conflict.id[:5].upper()) == one
    assert (open_conflicts(story.world.state), report.exit_code) == ((), 0)


def test_an_answer_is_void_once_a_side_has_changed() -> None:
    story = undone_company()
    deciding.settle(story.world.state, the_field(story).conflict, TakeRemote(HOME), story.world.now)
    story.edit_note(b"company: Gears", b"company: Mills")
    story.sync()
    assert story.world.books[HOME].entries[the_entry(story)].person.organization == "Mills"
    assert deciding.put_back(story.world.state) == ()


def test_what_was_settled_before_it_was_undone_is_settled_no_more() -> None:
    """The sides are again as they were when it was settled; but now they are so because the owner wants them to be."""
    story = in_step(LOOMS)
    story.edit_note(b"company: Looms", b"company: Gears")
    for book in story.world.books.values():
        (entry,) = book.entries
        book.edit(entry, {"organization": "Guild"})
    story.sync()
    (clash,) = open_conflicts(story.world.state)
    deciding.settle(story.world.state, clash.conflict, TakeNote(), story.world.now)
    take_back(story, story.sync().run)
    assert the_field(story).conflict.id == clash.conflict.id
    rested = sides(story)
    story.sync()
    assert sides(story) == rested


@pytest.mark.parametrize("failing", ["home page asked", "home update asked", "work update asked"])
def test_an_account_that_is_away_gets_it_when_it_is_back(failing: str) -> None:
    story = undone_company()
    deciding.settle(story.world.state, the_field(story).conflict, TakeNote(), story.world.now)
    story.failing = failing
    story.sync()
    assert story.failing == ""
    story.sync()
    assert says(story) == ["Gears", "Gears", "Gears"]


def test_a_note_that_could_not_be_written_gets_it_in_the_next_run() -> None:
    story = undone_company()
    deciding.settle(story.world.state, the_field(story).conflict, TakeRemote(HOME), story.world.now)
    story.failing = "replace asked"
    story.sync()
    assert (story.failing, says(story)) == ("", ["Gears", "Looms", "Looms"])
    story.sync()
    assert says(story) == ["Looms", "Looms", "Looms"]


def test_what_is_asked_about_by_now_is_no_longer_put_back() -> None:
    story = undone_company()
    story.edit_note(b"company: Gears", b"company: Mills")
    story.world.books[HOME].edit(the_entry(story), {"organization": "Guild"})
    story.sync()
    (clash,) = open_conflicts(story.world.state)
    assert (clash.conflict.ours, deciding.put_back(story.world.state)) == ("Mills", ())


def test_an_id_that_is_nobodys_is_refused() -> None:
    with pytest.raises(NoSuchChoice):
        deciding.named(undone_company().world.state, "feedbeef")
