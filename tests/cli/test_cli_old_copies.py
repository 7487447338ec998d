"""Old copies saved over what contactd wrote: asked about in words, and both answers are taken."""

from collections.abc import Callable
from pathlib import Path

import pytest

from folder_worlds import FolderWorld, Ran, edit, made, person

Command = Callable[..., Ran]
ADA = "Ada Byron"


@pytest.fixture
def world(tmp_path: Path) -> FolderWorld:
    return made(tmp_path, account="delete_with_note = true\n")


@pytest.fixture
def told(contactd: Command, world: FolderWorld) -> Command:
    """Run a command on the world, which holds Ada, in step."""
    world.note(ADA).write_text(person(ADA, "role: Analyst", "email: ada@example.test"))

    def command(*arguments: str) -> Ran:
        return contactd(*arguments, "--config", world.config)

    assert command("sync", "--once", "--yes").code == 0
    return command


@pytest.fixture
def stale_note(told: Command, world: FolderWorld) -> FolderWorld:
    """The contact's new title reached the note; an editor that held the note since before has saved it, with an edit."""
    buffer = world.note(ADA).read_text()
    edit(world.card_of(ADA), "Analyst", "Programmer")
    assert told("sync", "--once").code == 0
    assert "role: Programmer" in world.note(ADA).read_text()
    world.note(ADA).write_text(buffer + "A line that was typed meanwhile.\n")
    assert told("sync", "--once").code == 1
    return world


def test_an_old_buffer_is_told_in_words_with_both_values_and_takes_nothing(
    told: Command, stale_note: FolderWorld
) -> None:
    said = told("conflicts").said
    assert f"People/{ADA}.md: title  [" in said
    rows = [line.split(maxsplit=1)[-1] for line in said.splitlines() if line.startswith(("  note ", "  home "))]
    assert rows == ["Analyst", "Programmer"]
    assert "the note has again what was there before contactd last wrote to it" in said
    assert "to keep the newer value, write it there once more" in " ".join(said.split())
    assert "TITLE:Programmer" in stale_note.card_of(ADA).read_text()


def test_the_newer_value_is_kept_by_writing_it_once_more(told: Command, stale_note: FolderWorld) -> None:
    edit(stale_note.note(ADA), "Analyst", "Programmer")
    assert (told("sync", "--once").code, told("conflicts").said) == (0, "No conflict.\n")
    assert "TITLE:Programmer" in stale_note.card_of(ADA).read_text()


def test_the_former_value_is_kept_by_writing_it_on_the_other_side_too(told: Command, stale_note: FolderWorld) -> None:
    edit(stale_note.card_of(ADA), "Programmer", "Analyst")
    assert (told("sync", "--once").code, told("conflicts").said) == (0, "No conflict.\n")
    assert "role: Analyst" in stale_note.note(ADA).read_text()
    edit(stale_note.note(ADA), "Analyst", "Countess")
    assert told("sync", "--once").code == 0
    assert "TITLE:Countess" in stale_note.card_of(ADA).read_text()


def test_every_value_stays_in_the_log(told: Command, stale_note: FolderWorld) -> None:
    edit(stale_note.note(ADA), "Analyst", "Countess")
    assert told("sync", "--once").code == 0
    said = told("conflicts", "--all").said
    assert ("Analyst" in said, "Programmer" in said, "TITLE:Countess" in stale_note.card_of(ADA).read_text()) == (
        True,
        True,
        True,
    )


def test_an_old_copy_of_a_contact_is_asked_about_too(told: Command, world: FolderWorld) -> None:
    copy = world.card_of(ADA).read_bytes()
    edit(world.note(ADA), "Analyst", "Programmer")
    assert told("sync", "--once").code == 0
    world.card_of(ADA).write_bytes(copy)
    assert told("sync", "--once").code == 1
    assert "the contact in home has again what was there before contactd last wrote to it" in told("conflicts").said
    assert "role: Programmer" in world.note(ADA).read_text()
    edit(world.card_of(ADA), "Analyst", "Programmer")
    assert told("sync", "--once").code == 0


def test_a_contact_that_was_annotated_stays_although_its_note_is_deleted(told: Command, world: FolderWorld) -> None:
    world.note("Bea Lee").write_text(person("Bea Lee"))
    assert told("sync", "--once").code == 0
    world.note(ADA).unlink()
    edit(world.card_of(ADA), "END:VCARD", "NOTE:met at the harbour\r\nEND:VCARD")
    told("sync", "--once")
    told("sync", "--once")
    assert "NOTE:met at the harbour" in world.card_of(ADA).read_text()
    assert "contact kept: it says more than the note did, or was edited since" in " ".join(told("links").said.split())


def test_a_contact_that_was_annotated_before_goes_with_its_note(told: Command, world: FolderWorld) -> None:
    world.note("Bea Lee").write_text(person("Bea Lee"))
    edit(world.card_of(ADA), "END:VCARD", "NOTE:met at the harbour\r\nEND:VCARD")
    assert told("sync", "--once").code == 0
    world.note(ADA).unlink()
    told("sync", "--once")
    told("sync", "--once")
    assert len(world.cards()) == 1


@pytest.mark.parametrize(("answer", "title"), [("--note", "Analyst"), ("--remote", "Programmer")])
def test_an_answer_settles_it(told: Command, stale_note: FolderWorld, answer: str, title: str) -> None:
    number = told("conflicts").said.partition("[")[2].partition("]")[0]
    assert told("settle", number, answer).code == 0
    assert (told("sync", "--once").code, told("conflicts").said) == (0, "No conflict.\n")
    assert f"role: {title}\n" in stale_note.note(ADA).read_text()
    assert f"TITLE:{title}" in stale_note.card_of(ADA).read_text()
