"""Worlds in which a note stops being a person's, and is one again: its contact is left alone, its link waits for it."""

import json
from pathlib import Path

import pytest

from daemon import conflicts
from folder_worlds import FolderWorld, card, edit, made, person

NAME = "Ann Lee"
LINES = ("email: ann@example.test", "role: Analyst")


@pytest.fixture
def world(tmp_path: Path) -> FolderWorld:
    """Ann, in step, in an account whose contacts follow their notes."""
    world = made(tmp_path, account="delete_with_note = true\n")
    world.note(NAME).write_text(person(NAME, *LINES))
    assert world.sync().code == 0
    return world


def stop_being_a_person(world: FolderWorld) -> None:
    edit(world.note(NAME), "type: people", "type: meeting")
    world.sync()
    assert world.sync().code == 0


def be_a_person_again(world: FolderWorld) -> None:
    edit(world.note(NAME), "type: meeting", "type: people")
    assert world.sync().code == 0


def test_nothing_travels_meanwhile_and_both_sides_edits_afterwards(world: FolderWorld) -> None:
    linked = world.linked()
    stop_being_a_person(world)
    edit(world.card_of(NAME), "TITLE:Analyst", "TITLE:Boss")
    edit(world.note(NAME), "ann@example.test", "lee@example.test")
    before = world.sides()
    assert [world.sync().code for _ in range(3)] == [0, 0, 0]
    assert (world.sides(), world.linked()) == (before, [])
    be_a_person_again(world)
    assert world.linked() == linked
    assert "role: Boss\n" in world.note(NAME).read_text()
    assert "lee@example.test" in world.card_of(NAME).read_text()
    with world.opened_state() as state:
        assert conflicts.all_conflicts(state) == ()


def test_its_contact_outlives_the_note_that_is_deleted_then(world: FolderWorld) -> None:
    stop_being_a_person(world)
    content = world.note(NAME).read_bytes()
    world.note(NAME).unlink()
    before = world.sides()
    assert [world.sync().code for _ in range(3)] == [0, 0, 0]
    assert world.sides() == before
    world.note(NAME).write_bytes(content)
    edit(world.card_of(NAME), "TITLE:Analyst", "TITLE:Boss")
    be_a_person_again(world)
    assert "role: Boss\n" in world.note(NAME).read_text()


def test_an_archived_note_takes_up_its_link_wherever_it_comes_back(world: FolderWorld) -> None:
    """Its folder was one of two signs; a sync tool moves files by making them anew."""
    world.note(NAME).write_text(f"---\ntags: [x]\n{LINES[0]}\n{LINES[1]}\n---\n")
    world.sync()
    archive, elsewhere = world.vault / "Archive", world.vault / "Projects" / "People"
    archive.mkdir()
    elsewhere.mkdir(parents=True)
    content = world.note(NAME).read_bytes()
    archive.joinpath("Old.md").write_bytes(content)
    world.note(NAME).unlink()
    assert [world.sync().code for _ in range(3)] == [0, 0, 0]
    assert (world.linked(), len(world.cards())) == ([], 1)
    (path,) = world.cards()
    edit(path, "TITLE:Analyst", "TITLE:Boss")
    elsewhere.joinpath("Ann Lee.md").write_bytes(content)
    archive.joinpath("Old.md").unlink()
    assert world.sync().code == 0
    assert (len(world.linked()), "role: Boss\n" in elsewhere.joinpath("Ann Lee.md").read_text()) == (1, True)


def test_its_contact_is_neither_linked_to_nor_made_again_for_another_note_until_its_owner_says_so(
    world: FolderWorld,
) -> None:
    stop_being_a_person(world)
    world.note("Bea Lee").write_text(person("Bea Lee", LINES[0]))
    world.note("Namesake").write_text(person(NAME))
    ran = world.sync()
    assert (ran.code, len(world.cards()), world.linked()) == (1, 1, [])
    assert "the contact that matches is kept for a note that is no person's at present" in ran.said
    (path,) = world.cards()
    refused = world.contactd("link", NAME, path.name)
    assert (refused.code, "this note is no person's; once it is, it is linked to" in refused.said) == (64, True)
    assert world.contactd("link", "Bea Lee", path.name).code == 0
    world.sync()
    (uid,) = (uid for uid, remote_id in world.linked() if remote_id == path.name)
    assert f"uid: {uid}\n" in world.note("Bea Lee").read_text()


def test_links_and_status_say_so_in_words(world: FolderWorld) -> None:
    stop_being_a_person(world)
    name = world.cards()[0].name
    assert f"  People/{NAME}.md, home {name}, since " in world.contactd("links").said
    told = f"no person's note at present, its contact in home left alone: People/{NAME}.md (since "
    assert told in world.contactd("status").said
    for command, of in (("links", "remote_id"), ("status", "remote_id")):
        (apart,) = json.loads(world.contactd(command, "--json").said)["apart"]
        assert (apart["path"], apart[of]) == (f"People/{NAME}.md", name)
    be_a_person_again(world)
    assert world.contactd("links").said == "Nobody waits to be linked.\n"


def test_its_card_may_be_renamed_meanwhile(world: FolderWorld) -> None:
    stop_being_a_person(world)
    (path,) = world.cards()
    moved = path.rename(path.with_name("lee-ann.vcf"))
    edit(moved, "TITLE:Analyst", "TITLE:Boss")
    world.sync()
    be_a_person_again(world)
    assert [remote_id for _, remote_id in world.linked()] == ["lee-ann.vcf"]
    assert "role: Boss\n" in world.note(NAME).read_text()


def test_a_clash_stays_open_for_the_instant_in_which_an_editor_saves_its_note(world: FolderWorld) -> None:
    edit(world.note(NAME), "role: Analyst", "role: Countess\ncompany: Engines")
    path = world.card_of(NAME)
    path.write_bytes(path.read_bytes().replace(b"END:VCARD", b"ORG:Looms\r\nEND:VCARD"))
    world.sync()
    content = world.note(NAME).read_bytes()
    world.note(NAME).write_bytes(b"")
    world.sync()
    with world.opened_state() as state:
        assert [one.conflict.field for one in conflicts.open_conflicts(state)] == ["organization"]
    world.note(NAME).write_bytes(content)
    world.sync()
    with world.opened_state() as state:
        assert len(conflicts.all_conflicts(state)) == 1


def test_another_persons_card_in_its_place_is_not_touched(world: FolderWorld) -> None:
    stop_being_a_person(world)
    (world.contacts / "other.vcf").write_text(card("Some Body", "EMAIL:some@example.test"), newline="")
    before = world.sides()
    assert (world.sync().code, world.sides()) == (0, before)


def test_a_note_that_one_look_saw_as_nobodys_and_the_next_not_at_all_was_not_deleted(world: FolderWorld) -> None:
    edit(world.note(NAME), "type: people", "type: meeting")
    world.sync()
    content = world.note(NAME).read_bytes()
    world.note(NAME).unlink()
    world.sync()
    assert len(world.cards()) == 1
    world.note(NAME).write_bytes(content)
    be_a_person_again(world)
    assert len(world.linked()) == 1


def test_a_copy_does_not_take_the_place_of_a_note_that_is_nobodys_and_is_told(world: FolderWorld) -> None:
    """Its values are old: against what the note and the contact agree on they would look like edits."""
    copy = world.note("Ann Lee copy")
    copy.write_bytes(world.note(NAME).read_bytes())
    world.sync()
    copy.rename(world.root / "aside.md")
    edit(world.card_of(NAME), "TITLE:Analyst", "TITLE:Boss")
    assert world.sync().code == 0
    (world.root / "aside.md").rename(copy)
    edit(world.note(NAME), "type: people", "type: meeting")
    before = world.sides()
    said = [world.sync() for _ in range(3)]
    assert ([ran.code for ran in said], world.sides()) == ([1, 1, 1], before)
    assert f"carries the uid of People/{NAME}.md, which is no person's note at present" in said[-1].said
