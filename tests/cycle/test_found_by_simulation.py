"""What the simulation has found, each as the shortest story that shows it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from daemon import conflicts, links
from mappings.record import NotePath
from simulation.story import ADA, NOTE, Story
from simulation.world import HOME, Crash, Nature, World

COPY = NotePath("People/Ada copy.md")
MOVED = NotePath("Archive/Ada.md")


def test_a_note_that_was_moved_and_cannot_be_read_yet_is_not_gone() -> None:
    story = Story()
    story.world.vault.save(ADA, NOTE, by_rename=True)
    story.sync()
    content = story.world.vault.files.pop(ADA)
    story.sync()
    story.world.vault.files[MOVED] = content
    story.failing = "note asked"
    story.sync()
    assert {link.account for link in links.links(story.world.state)} == {"home", "work"}


def test_what_loses_a_clash_is_in_the_log_before_the_winner_is_written() -> None:
    story = Story()
    story.world.vault.save(ADA, NOTE, by_rename=True)
    story.sync()
    story.sync()
    story.edit_note(b"title: Ada\n", b"title: Ada\nrole: Boss\n")
    (remote_id,) = story.world.books[HOME].entries
    story.world.books[HOME].edit(remote_id, {"title": "Analyst"})
    story.dying = "home update done"
    with pytest.raises(Crash):
        story.sync()
    assert [one.conflict.theirs for one in conflicts.all_conflicts(story.world.state)] == [{HOME: "Analyst"}]


def emptied(world: World) -> None:
    world.vault.save(ADA, b"", by_rename=False)


def taken_away(world: World) -> None:
    del world.vault.files[ADA]


@pytest.mark.parametrize("interrupt", [emptied, taken_away])
def test_a_copy_does_not_take_the_place_of_a_note_that_is_being_saved(interrupt: Callable[[World], None]) -> None:
    story = Story()
    story.world.vault.save(ADA, NOTE, by_rename=True)
    story.sync()
    whole = story.world.vault.files[ADA].content
    story.world.vault.save(COPY, whole, by_rename=True)
    story.sync()
    interrupt(story.world)
    (remote_id,) = story.world.books[HOME].entries
    story.world.books[HOME].edit(remote_id, {"title": "Analyst"})
    story.sync()
    assert story.world.vault.files[COPY].content == whole
    story.world.vault.save(ADA, whole, by_rename=False)
    del story.world.vault.files[COPY]
    story.sync()
    assert b"role: Analyst\n" in story.world.vault.files[ADA].content


def test_a_record_whose_making_was_not_answered_is_looked_for_in_a_complete_read() -> None:
    """A feed that lags does not know of it yet; made again, it would have a base that it never said."""
    story = Story(replace(Nature.calm(), slow=True))
    story.sync()
    story.world.vault.save(ADA, NOTE, by_rename=True)
    story.dying = "home create done"
    with pytest.raises(Crash):
        story.sync()
    story.dying = ""
    story.edit_note(b"title: Ada\n", b"title: Ada\nrole: Boss\n")
    story.sync()
    story.sync()
    assert b"role: Boss\n" in story.world.vault.files[ADA].content
    assert [entry.person.title for entry in story.world.books[HOME].entries.values()] == ["Boss"]
