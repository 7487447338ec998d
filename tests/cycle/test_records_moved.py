"""Worlds in which another program gives a contact another id: the link goes with it, and takes its base along."""

from pathlib import Path

import pytest

from daemon import conflicts, links
from folder_worlds import FolderWorld, edit, made, person
from simulation.story import ADA, NOTE, Story
from simulation.world import HOME, Crash

NAME = "Ada Byron"


@pytest.fixture
def world(tmp_path: Path) -> FolderWorld:
    world = made(tmp_path)
    world.note(NAME).write_text(person(NAME, "role: Analyst", "company: Engines"))
    assert world.sync().code == 0
    return world


def renamed(world: FolderWorld) -> Path:
    (card,) = world.cards()
    return card.rename(card.with_name("byron-ada.vcf"))


def test_a_card_file_that_was_renamed_and_edited_brings_its_edit_into_the_note_at_once(world: FolderWorld) -> None:
    edit(renamed(world), "Engines", "Looms")
    assert world.sync().code == 0
    assert "company: Looms\n" in world.note(NAME).read_text()
    assert [remote_id for _, remote_id in world.linked()] == ["byron-ada.vcf"]
    before = world.sides()
    assert ("All is in step." in world.sync().said, world.sides()) == (True, before)


def test_an_edit_of_the_note_reaches_the_card_under_its_new_name(world: FolderWorld) -> None:
    card = renamed(world)
    edit(world.note(NAME), "Engines", "Looms")
    assert world.sync().code == 0
    assert "ORG:Looms" in card.read_text()


def test_a_copy_of_a_card_that_outlives_it_brings_no_old_value_back(world: FolderWorld) -> None:
    (card,) = world.cards()
    copy = card.with_name("copy.vcf")
    copy.write_bytes(card.read_bytes())
    world.sync()
    edit(card, "Engines", "Looms")
    world.sync()
    card.unlink()
    for _ in range(4):
        world.sync()
    assert "company: Looms\n" in world.note(NAME).read_text()
    assert "ORG:Engines" in copy.read_text()
    with world.opened_state() as state:
        assert [one.conflict.theirs for one in conflicts.open_conflicts(state)] == [{"home": "Engines"}]


def test_a_write_whose_answer_was_lost_is_found_in_the_renamed_record() -> None:
    story = Story()
    story.world.vault.save(ADA, NOTE, by_rename=True)
    story.sync()
    story.edit_note(b"title: Ada\n", b"title: Ada\ncompany: Engines\n")
    story.dying = "home update done"
    with pytest.raises(Crash):
        story.sync()
    story.dying = ""
    (remote_id,) = story.world.books[HOME].entries
    new_id = story.world.books[HOME].rename(remote_id)
    story.edit_note(b"company: Engines\n", b"company: Looms\n")
    story.sync()
    assert story.world.books[HOME].entries[new_id].person.organization == "Looms"
    assert not conflicts.all_conflicts(story.world.state)
    assert {one.remote_id for one in links.links(story.world.state) if one.account == HOME} == {new_id}


def test_two_cards_that_changed_their_names_do_not_mix_two_people(world: FolderWorld) -> None:
    other = "Grace Hopper"
    world.note(other).write_text(person(other, "role: Admiral", "company: Navy"))
    world.sync()
    one, two = world.card_of(NAME), world.card_of(other)
    aside = one.rename(one.with_name("aside.txt"))
    two.rename(one)
    aside.rename(two)
    before = world.sides()
    assert [world.sync().code for _ in range(3)] == [1, 1, 1]
    assert world.sides() == before
    assert "have changed their ids among each other" in world.contactd("status").said
    aside = one.rename(one.with_name("aside.txt"))
    two.rename(one)
    aside.rename(two)
    edit(two, "ORG:Navy", "ORG:Fleet")
    assert world.sync().code == 0
    assert "company: Fleet\n" in world.note(other).read_text()
