"""What leaves the notes is what the owner allows, it is told, and a note that says so is left alone."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from folder_worlds import FolderWorld, Ran, edit, made, person

Contactd = Callable[..., Ran]
Command = Callable[..., Ran]
ADA, GRACE = "Ada Byron", "Grace Hopper"


def told_in(world: FolderWorld, contactd: Contactd) -> Command:
    return lambda *arguments: contactd(*arguments, "--config", world.config)


def test_only_what_is_allowed_leaves_and_what_the_contact_says_still_comes_in(
    tmp_path: Path, contactd: Contactd
) -> None:
    world = made(tmp_path, account='allow = ["title"]')
    told = told_in(world, contactd)
    world.note(ADA).write_text(person(ADA, "role: Analyst", "location: London", "email: ada@example.test"), "utf-8")
    assert told("sync", "--once", "--yes").code == 0
    card = world.card_of(ADA).read_text()
    assert ("TITLE:Analyst" in card, "London" in card, "ada@example.test" in card) == (True, False, False)
    world.card_of(ADA).write_text(card.replace("END:VCARD", "BDAY:1815-12-10\nEND:VCARD"))
    edit(world.note(ADA), "London", "Paris")
    assert told("sync", "--once").code == 0
    assert ("1815-12-10" in world.note(ADA).read_text(), "Paris" in world.card_of(ADA).read_text()) == (True, False)
    assert {one["field"] for one in json.loads(told("egress", "--json").said)} == {"uid", "name", "title"}


def test_what_has_left_is_told_by_account_and_person_without_values(tmp_path: Path, contactd: Contactd) -> None:
    world = made(tmp_path)
    told = told_in(world, contactd)
    world.note(ADA).write_text(person(ADA, "role: Analyst"), "utf-8")
    world.note(GRACE).write_text(person(GRACE, "email: grace@example.test"), "utf-8")
    assert told("egress").said == "Nothing has left your notes.\n"
    told("sync", "--once", "--yes")
    edit(world.note(ADA), "Analyst", "Countess")
    told("sync", "--once")
    said = told("egress").said
    assert ("home: 2 people" in said, f"People/{ADA}.md" in said, "Countess" in said) == (True, True, False)
    title = next(one for one in json.loads(told("egress", "--json").said) if one["field"] == "title")
    assert (title["times"], title["first_at"] < title["last_at"]) == (2, True)
    assert told("egress", "--account", "nobody").code == 64


@pytest.mark.parametrize("mark", ["contactd: off", "contactd: false", "tags: [people, no-contactd]"])
def test_a_note_that_is_kept_out_is_never_touched_and_its_contact_stays(
    tmp_path: Path, contactd: Contactd, mark: str
) -> None:
    world = made(tmp_path, vault='people = ["People/**"]')
    told = told_in(world, contactd)
    world.note(ADA).write_text(f"---\ntitle: {ADA}\nrole: Analyst\n---\n", "utf-8")
    world.note(GRACE).write_text(f"---\ntitle: {GRACE}\n{mark}\n---\n", "utf-8")
    told("sync", "--once", "--yes")
    assert len(world.cards()) == 1
    edit(world.note(ADA), "role: Analyst", f"role: Countess\n{mark}")
    before = world.sides()
    for _ in range(3):
        told("sync", "--once", "--yes")
    assert world.sides() == before


def test_nothing_of_a_notes_body_leaves_but_mapped_fields(tmp_path: Path, contactd: Contactd) -> None:
    world = made(tmp_path)
    told = told_in(world, contactd)
    body = "\n## Profile\n\n**Role**: Analyst\n\nShe told me a SECRET over tea.\n"
    world.note(ADA).write_text(person(ADA, body=body), "utf-8")
    told("sync", "--once", "--yes")
    assert "TITLE:Analyst" in world.card_of(ADA).read_text()
    assert b"SECRET" not in world.card_of(ADA).read_bytes()
    # The state keeps the note as it was for an undo, in files of the owner's alone.
    assert all(path.stat().st_mode & 0o077 == 0 for path in world.state.rglob("*") if path.is_file())
