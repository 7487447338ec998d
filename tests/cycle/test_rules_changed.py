"""Worlds in which the configuration changes: what follows from that alone is shown first, and floods nobody."""

from pathlib import Path

import pytest

from folder_worlds import FolderWorld, Ran, edit, made, person

NAMES = ("Ann Lee", "Bea Lee", "Cy Lee")
WORDS = "the configuration has other rules for it or for notes than when it last ran"


@pytest.fixture
def world(tmp_path: Path) -> FolderWorld:
    """Three people, fewer than any brake stops; two signs of a person each."""
    world = made(tmp_path, vault='people = ["Notes/*.md"]')
    world.vault.joinpath("Notes").mkdir()
    for name in NAMES:
        world.note(name).write_text(person(name, "role: Analyst", f"key: {name} of old"))
    world.vault.joinpath("Notes", "Di Lee.md").write_text("---\nemail: di@example.test\n---\n")
    assert world.sync().code == 0
    assert unasked(world).code == 0
    return world


def unasked(world: FolderWorld) -> Ran:
    return world.contactd("sync", "--once")


def reconfigure(world: FolderWorld, old: str, new: str) -> None:
    config = world.config.read_text()
    assert old in config
    world.config.write_text(config.replace(old, new))


def test_another_uid_key_is_not_put_into_the_notes_unasked(world: FolderWorld) -> None:
    reconfigure(world, "[vault]\n", '[vault]\nuid_key = "person_id"\n')
    before = world.sides()
    ran = unasked(world)
    assert (ran.code, WORDS in ran.said, ran.said.count("its uid is added"), world.sides()) == (4, True, 4, before)
    assert (unasked(world).code, world.sides()) == (4, before)
    assert world.sync().code == 0
    assert all("person_id: " in world.note(name).read_text() for name in NAMES)
    assert unasked(world).code == 0


def test_a_key_that_says_something_else_already_parts_nobody_unasked(world: FolderWorld) -> None:
    linked = world.linked()
    reconfigure(world, "[vault]\n", '[vault]\nuid_key = "key"\n')
    before = world.sides()
    codes = [unasked(world).code for _ in range(4)]
    assert (codes[1:], world.sides(), sorted(world.linked())) == ([4, 4, 4], before, sorted(linked))
    reconfigure(world, 'uid_key = "key"\n', "")
    assert (unasked(world).code, world.linked()) == (0, linked)


def test_notes_that_no_glob_names_any_more_are_kept_apart_when_their_owner_has_seen_it(world: FolderWorld) -> None:
    reconfigure(world, 'people = ["Notes/*.md"]', "")
    before = world.sides()
    assert [unasked(world).code for _ in range(3)][1:] == [4, 4]
    assert (world.sides(), len(world.linked())) == (before, 4)
    assert (world.sync().code, world.sides(), len(world.linked())) == (0, before, 3)
    assert unasked(world).code == 0
    reconfigure(world, "[vault]\n", '[vault]\npeople = ["Notes/*.md"]\n')
    assert (unasked(world).code, len(world.linked())) == (4, 3)
    assert (world.sync().code, len(world.linked()), world.sides()) == (0, 4, before)


def test_a_profile_that_reads_other_fields_changes_nothing_unasked(world: FolderWorld) -> None:
    for name in NAMES:
        edit(world.note(name), "role: Analyst\n", "")
    assert world.sync().code == 0
    reconfigure(world, "[vault]\n", '[vault]\nprofile = "kepano"\n')
    before = world.sides()
    codes = {unasked(world).code for _ in range(3)}
    assert (4 in codes, world.sides(), len(world.linked())) == (True, before, 4)


def test_a_direction_that_is_opened_shows_first_what_comes_in(world: FolderWorld) -> None:
    reconfigure(world, "[accounts.home]\n", '[accounts.home]\nfields.title = { direction = "push" }\n')
    assert unasked(world).code == 0
    edit(world.card_of(NAMES[0]), "TITLE:Analyst", "TITLE:Boss")
    assert unasked(world).code == 0
    reconfigure(world, '"push"', '"both"')
    before = world.sides()
    assert (unasked(world).code, world.sides()) == (4, before)
    assert world.sync().code == 0


def test_limits_and_order_are_no_rules(world: FolderWorld) -> None:
    world.config.write_text(world.config.read_text() + "\n[brakes]\npeople = 7\n")
    edit(world.note(NAMES[0]), "role: Analyst", "role: Boss")
    assert unasked(world).code == 0
    assert "TITLE:Boss" in world.card_of(NAMES[0]).read_text()
