"""Worlds in which somebody who tried to break the program once succeeded."""

import json
from pathlib import Path

import pytest

from folder_worlds import CONTACTD, FolderWorld, made, person, run


@pytest.fixture
def world(tmp_path: Path) -> FolderWorld:
    return made(tmp_path, account="delete_with_note = true\n")


def test_an_archived_note_that_is_nobodys_any_more_takes_no_contact_with_it(world: FolderWorld) -> None:
    """Its folder was one of the two signs of a person; it still carries its uid."""
    for name in ("Ann Lee", "Bea Lee", "Cy Lee"):
        world.note(name).write_text(f"---\ntags: [x]\nemail: {name.split()[0]}@x.test\n---\n")
    assert world.sync().code == 0
    archive = world.vault / "Archive"
    archive.mkdir()
    world.note("Ann Lee").rename(archive / "Ann Lee.md")
    world.sync()
    world.sync()
    assert len(world.cards()) == 3


def test_a_uid_changed_by_hand_makes_no_second_contact(world: FolderWorld) -> None:
    world.note("Ann Lee").write_text(person("Ann Lee"))
    world.note("Bea Lee").write_text(person("Bea Lee"))
    assert world.sync().code == 0
    note = world.note("Ann Lee")
    note.write_text(
        "".join(
            "uid: mine\n" if line.startswith("uid:") else line for line in note.read_text().splitlines(keepends=True)
        )
    )
    for _ in range(3):
        assert world.sync().code == 1
    assert len(world.cards()) == 2


def test_a_folder_of_few_that_is_suddenly_empty_waits(world: FolderWorld) -> None:
    for name in ("Ann Lee", "Bea Lee"):
        world.note(name).write_text(person(name))
    assert world.sync().code == 0
    kept = {path: path.read_bytes() for path in world.cards()}
    for path in kept:
        path.unlink()
    world.sync()
    assert world.contactd("sync", "--once").code == 4
    for path, content in kept.items():
        path.write_bytes(content)
    assert world.sync().code == 0
    assert len(world.linked()) == 2


def test_a_rename_on_the_phone_leaves_the_other_parts_of_a_name_alone(world: FolderWorld) -> None:
    world.note("Ann Lee").write_text(
        "---\ntype: people\nname: Dr. Ann Lee\ngiven_name: Ann\nfamily_name: Lee\ntags: [person]\n---\n"
    )
    assert world.sync().code == 0
    (path,) = world.cards()
    path.write_bytes(path.read_bytes().replace(b"FN:Dr. Ann Lee", b"FN:Ann Lee"))
    assert world.sync().code == 0
    text = world.note("Ann Lee").read_text()
    assert ("name: Ann Lee\n" in text, "given_name: Ann\n" in text, "family_name: Lee\n" in text) == (True, True, True)


def test_an_account_renamed_in_the_configuration_makes_no_contact_that_was_deleted(tmp_path: Path) -> None:
    world = made(tmp_path)
    for name in ("Ann Lee", "Bea Lee", "Cy Lee"):
        world.note(name).write_text(person(name))
    assert world.sync().code == 0
    world.card_of("Ann Lee").unlink()
    world.sync()
    world.sync()
    assert len(world.cards()) == 2
    config = world.config.read_text()
    world.config.write_text(config.replace("[accounts.home]", "[accounts.elsewhere]"))
    world.sync()
    assert len(world.cards()) == 2


def test_a_machine_that_takes_a_vault_back_believes_no_base_of_its_own(tmp_path: Path) -> None:
    """Its base is as old as its last run: a value set back to it would look like nobody's edit, and be overwritten."""
    world = made(tmp_path)
    note = world.note("Ann Lee")
    note.write_text(person("Ann Lee", "department: Old"))
    assert world.sync().code == 0
    elsewhere = tmp_path / "elsewhere.toml"
    elsewhere.write_text(world.config.read_text().replace(str(world.state), str(tmp_path / "elsewhere")))
    for command in (("takeover",), ("sync", "--once", "--yes")):
        assert run(tmp_path, CONTACTD, *command, "--config", elsewhere).code == 0
    note.write_text(note.read_text().replace("Old", "New"))
    assert run(tmp_path, CONTACTD, "sync", "--once", "--config", elsewhere).code == 0
    assert world.contactd("takeover").code == 0
    note.write_text(note.read_text().replace("New", "Old"))
    assert "note Old, home New" in world.sync().said
    assert "department: Old\n" in note.read_text()


def test_what_an_undo_left_apart_is_told_until_somebody_moves_it(tmp_path: Path) -> None:
    world = made(tmp_path)
    note = world.note("Ann Lee")
    note.write_text(person("Ann Lee", "department: Old"))
    assert world.sync().code == 0
    note.write_text(note.read_text().replace("Old", "New"))
    assert world.sync().code == 0
    assert world.contactd("undo", "2", "--yes").code == 0
    for told in (world.sync(), world.contactd("status")):
        assert "left as you undid it: People/Ann Lee.md: department: note New, home Old" in told.said
        assert (told.code, "but for what you have undone" in told.said) == (0, True)
    note.write_text(note.read_text().replace("New", "Newest"))
    ran = world.sync()
    assert ("department: Old -> Newest" in ran.said, "undid" in ran.said) == (True, False)


def test_what_an_undo_left_apart_is_told_no_longer_once_its_contact_is_taken_away(tmp_path: Path) -> None:
    world = made(tmp_path)
    note = world.note("Ann Lee")
    note.write_text(person("Ann Lee", "department: Old"))
    assert world.sync().code == 0
    note.write_text(note.read_text().replace("Old", "New"))
    assert world.sync().code == 0
    assert world.contactd("undo", "2", "--yes").code == 0
    assert "Taken away: 1 contact" in world.contactd("undo", "1", "--yes").said
    for told in (world.sync(), world.contactd("status")):
        assert (told.code, "home Old" in told.said) == (0, False), told.said
    assert world.cards() == []


def test_an_undo_takes_no_contact_away_that_is_all_that_is_left_of_somebody(tmp_path: Path) -> None:
    world = made(tmp_path)
    for name in ("Ann Lee", "Bea Lee"):
        world.note(name).write_text(person(name))
    assert world.sync().code == 0
    world.note("Ann Lee").unlink()
    ran = world.contactd("undo", "1", "--yes")
    assert (ran.code, "nothing else is left of the person" in ran.said) == (1, True)
    assert world.cards() == [world.card_of("Ann Lee")]


def test_an_answer_that_does_not_fit_into_the_note_is_told_and_asked_for_again(tmp_path: Path) -> None:
    world = made(tmp_path)
    note = world.note("Ann Lee")
    note.write_text(person("Ann Lee", body="\n## Profile\n\n**Role**: Boss at Old\n"))
    assert world.sync().code == 0
    card = world.card_of("Ann Lee")
    card.write_bytes(card.read_bytes().replace(b"ORG:Old", b"ORG:Theirs"))
    note.write_text(note.read_text().replace("Old", "Ours"))
    assert world.sync().code == 1
    (waits,) = json.loads(world.contactd("conflicts", "--json").said)
    assert world.contactd("settle", waits["id"], "--value", "[[Other]]", "--later").code == 0
    for _ in range(2):
        told = world.sync().said
        assert "your answer does not fit, choose another" in told
        assert "to be decided by you: People/Ann Lee.md: organization: note Ours, home Theirs" in told
    assert world.contactd("settle", waits["id"], "--value", "Other").code == 0
    assert ("at Other\n" in note.read_text(), b"ORG:Other\r\n" in card.read_bytes()) == (True, True)


@pytest.mark.parametrize("place", ["People", "People/Ann Lee.md"])
def test_a_link_in_the_place_of_notes_deletes_nobody(world: FolderWorld, tmp_path: Path, place: str) -> None:
    """A folder of notes that was moved to another disk is still there for everybody but us."""
    for name in ("Ann Lee", "Bea Lee"):
        world.note(name).write_text(person(name))
    assert world.sync().code == 0
    moved = tmp_path / "elsewhere"
    (world.vault / place).rename(moved)
    (world.vault / place).symlink_to(moved)
    for _ in range(3):
        ran = world.sync()
        assert (ran.code, f"{place}: a link" in ran.said) == (1, True)
    assert (len(world.cards()), len(world.linked())) == (2, 2)
    (world.vault / place).unlink()
    moved.rename(world.vault / place)
    assert world.sync().code == 0
    world.note("Ann Lee").unlink()
    world.sync()
    world.sync()
    # Whether the contact goes too depends on how long ago its file was written: a new one may have been touched since.
    assert len(world.linked()) == 1


def test_an_undo_that_was_cut_short_is_taken_up_by_undoing_again(tmp_path: Path) -> None:
    """Of what it had put back, nothing was changed since."""
    world = made(tmp_path)
    for name in ("Ann Lee", "Bea Lee"):
        world.note(name).write_text(person(name, "department: Old", "location: Rome"))
    assert world.sync().code == 0
    for name in ("Ann Lee", "Bea Lee"):
        world.note(name).write_text(world.note(name).read_text().replace("Old", "New"))
        card = world.card_of(name)
        card.write_bytes(card.read_bytes().replace(b";Rome;", b";Oslo;"))
    before = world.sides()
    assert world.sync().code == 0
    note, card = world.note("Ann Lee"), world.card_of("Bea Lee")
    note.write_bytes(before["vault/People/Ann Lee.md"].content)
    card.write_bytes(before[f"contacts/{card.name}"].content)
    ran = world.contactd("undo", "2", "--yes")
    assert (ran.code, "left as it is" in ran.said) == (0, False)
    for _ in range(2):
        assert {path: one.content for path, one in world.sides().items()} == {
            path: one.content for path, one in before.items()
        }
        world.sync()
    assert "as it was before that run already" in world.contactd("undo", "2", "--yes").said


def test_a_plan_that_waits_shows_no_write_that_cannot_be_made(tmp_path: Path) -> None:
    world = made(tmp_path)
    for name in ("Ann Lee", "Bea Lee"):
        world.note(name).write_text(person(name))
    world.note("Ann Lee").chmod(0o444)
    assert world.contactd("init", str(world.vault)).code == 0
    shown = world.contactd("sync", "--once", "--dry-run").said
    done = world.sync().said
    for told in (shown, done):
        lines = [line.split() for line in told.splitlines() if "write note" in line]
        assert [line[2:4] for line in lines] == [["People/Bea", "Lee.md:"]]


def test_whoever_has_no_name_is_not_told_to_be_without_a_contact_by_the_owners_wish_alone(tmp_path: Path) -> None:
    world = made(tmp_path)
    world.note("ann@x.test").write_text(person("", "email: ann@x.test"))
    assert "1 person without a contact, as new_contacts wants it or for want of a name" in world.sync().said
