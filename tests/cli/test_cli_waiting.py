"""What waits for the owner: conflicts, links, and the answers to them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from folder_worlds import FolderWorld, Ran, card, edit, made, person

Contactd = Callable[..., Ran]
Command = Callable[..., Ran]
ADA, GRACE = "Ada Byron", "Grace Hopper"


@pytest.fixture
def world(tmp_path: Path) -> FolderWorld:
    return made(tmp_path)


@pytest.fixture
def told(contactd: Contactd, world: FolderWorld) -> Command:
    """Run a command on the world."""
    return lambda *arguments: contactd(*arguments, "--config", world.config)


@pytest.fixture
def synced(told: Command, world: FolderWorld) -> FolderWorld:
    """Ada, in step, with a role and a company."""
    world.note(ADA).write_text(person(ADA, "role: Analyst", "company: Engines", "email: ada@example.test"))
    assert told("sync", "--once", "--yes").code == 0
    return world


def test_a_conflict_is_shown_with_every_side_and_what_was_before(told: Command, synced: FolderWorld) -> None:
    edit(synced.note(ADA), "Engines", "Looms")
    edit(synced.card_of(ADA), "Engines", "Tables")
    ran = told("sync", "--once")
    assert (ran.code, "organization: note Looms, home Tables" in ran.said) == (1, True)
    first, *rows = told("conflicts").said.splitlines()
    assert first.startswith(f"People/{ADA}.md: organization  [")
    assert [row.split()[:2] for row in rows[:3]] == [["note", "Looms"], ["home", "Tables"], ["before", "Engines"]]
    (kept,) = json.loads(told("conflicts", "--json").said)
    assert (kept["path"], kept["ours"], kept["theirs"]) == (f"People/{ADA}.md", "Looms", {"home": "Tables"})
    edit(synced.card_of(ADA), "Tables", "Looms")
    assert (told("sync", "--once").code, told("conflicts").said) == (0, "No conflict.\n")


def test_a_clash_that_a_rule_settled_keeps_the_value_that_lost(told: Command, synced: FolderWorld) -> None:
    edit(synced.note(ADA), "Analyst", "Countess")
    edit(synced.card_of(ADA), "Analyst", "Programmer")
    ran = told("sync", "--once")
    assert (ran.code, "settled by rule (vault wins)" in ran.said) == (0, True)
    assert told("conflicts").said == "No conflict.\n"
    assert all(word in told("conflicts", "--all").said for word in ("Countess", "Programmer", "vault wins"))


@pytest.fixture
def namesake(told: Command, world: FolderWorld) -> FolderWorld:
    """Grace, whom a contact of the same name may be."""
    world.note(GRACE).write_text(person(GRACE))
    (world.contacts / "g.vcf").write_text(card(GRACE, "EMAIL:grace@example.test"))
    assert told("sync", "--once", "--yes").code == 1
    return world


@pytest.mark.usefixtures("namesake")
def test_who_waits_to_be_linked_is_shown_with_what_is_known_of_the_contact(told: Command) -> None:
    shown = told("links").said
    assert f"People/{GRACE}.md, in home: a contact of the same name is linked to nobody" in shown
    assert f"  g.vcf:  {GRACE}, grace@example.test\n" in shown
    (waiting,) = json.loads(told("links", "--json").said)["waiting"]
    assert [one["remote_id"] for one in waiting["candidates"]] == ["g.vcf"]


@pytest.mark.parametrize("named", [GRACE, f"{GRACE}.md", f"People/{GRACE}.md"])
def test_the_owner_links_the_two(told: Command, namesake: FolderWorld, named: str) -> None:
    assert told("link", named, "g.vcf").code == 0
    assert told("links").said == "Nobody waits to be linked.\n"
    assert told("sync", "--once").code == 0
    assert b"grace@example.test" in namesake.note(GRACE).read_bytes()
    assert len(namesake.cards()) == 1


def test_the_owner_has_a_contact_made_and_only_one(told: Command, namesake: FolderWorld) -> None:
    assert told("link", GRACE, "new").code == 0
    assert [told("sync", "--once").code for _ in range(2)] == [0, 0]
    assert len(namesake.cards()) == 2


def test_a_contact_that_was_made_on_request_and_is_deleted_is_not_made_again(
    told: Command, namesake: FolderWorld
) -> None:
    told("link", GRACE, "new")
    told("sync", "--once")
    (made_one,) = (path for path in namesake.cards() if path.name != "g.vcf")
    made_one.unlink()
    for _ in range(3):
        told("sync", "--once")
    assert [path.name for path in namesake.cards()] == ["g.vcf"]


def test_a_parted_pair_is_shown_and_made_again_by_the_owner_only(told: Command, synced: FolderWorld) -> None:
    synced.card_of(ADA).unlink()
    assert [told("sync", "--once").code for _ in range(3)] == [0, 0, 0]
    assert f"People/{ADA}.md, home" in told("links").said
    assert "contact deleted, note kept" in told("links").said
    assert f"note kept: People/{ADA}.md" in told("status").said
    assert told("link", ADA, "new").code == 0
    assert told("sync", "--once").code == 0
    assert (len(synced.cards()), told("links").said) == (1, "Nobody waits to be linked.\n")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("Nobody", "g.vcf"), "no person's note is called Nobody"),
        (("hopper", "g.vcf"), f"Did you mean People/{GRACE}.md?"),
        ((GRACE, "nosuch.vcf"), "expected g.vcf or new"),
        ((GRACE, "g.vcf", "--account", "work"), "there is no account work; expected home"),
    ],
)
def test_a_link_that_cannot_be_is_refused_with_what_could_be(
    told: Command, namesake: FolderWorld, arguments: tuple[str, ...], expected: str
) -> None:
    refused = told("link", *arguments)
    assert (refused.code, expected in refused.said) == (64, True)
    assert namesake.linked() == []


def test_neither_side_of_a_link_is_taken_from_another(told: Command, synced: FolderWorld) -> None:
    synced.note(GRACE).write_text(person(GRACE))
    (synced.contacts / "g.vcf").write_text(card(GRACE))
    told("sync", "--once")
    taken = told("link", GRACE, synced.card_of(ADA).name)
    assert (taken.code, f"linked to another note: People/{ADA}.md" in taken.said) == (64, True)
    again = told("link", ADA, "g.vcf")
    assert (again.code, "linked already" in again.said) == (64, True)


def test_of_two_notes_with_one_name_the_path_is_asked_for(told: Command, namesake: FolderWorld) -> None:
    other = namesake.vault / "Archive" / f"{GRACE}.md"
    other.parent.mkdir()
    other.write_text(person(GRACE, "role: Admiral"))
    told("sync", "--once")
    refused = told("link", GRACE, "g.vcf")
    assert (refused.code, f"Archive/{GRACE}.md, People/{GRACE}.md" in refused.said) == (64, True)
