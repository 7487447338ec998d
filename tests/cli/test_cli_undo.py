"""What was written is told run by run, and taken back by a command; on real folders."""

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
    """Ada by a note, Grace by both; in step after their first run."""
    world.note(ADA).write_text(person(ADA, "role: Analyst # for now", "email: ada@example.test"))
    world.note(GRACE).write_text(person(GRACE, "email: grace@example.test"))
    world.contacts.joinpath("grace.vcf").write_text(
        card(GRACE, "EMAIL;TYPE=home:grace@example.test", "TITLE:Admiral", "NOTE:met at sea"), newline=""
    )
    assert told("sync", "--once", "--yes").code == 0
    return world


def contents(world: FolderWorld) -> dict[str, bytes]:
    """Return what every note and card holds."""
    return {path: stamp.content for path, stamp in world.sides().items()}


def last_run(told: Command) -> int:
    first, *_ = json.loads(told("log", "--json").said)
    run: int = first["run"]
    return run


def test_a_first_run_is_taken_back_to_the_byte_and_stays_so(
    told: Command, world: FolderWorld, contactd: Contactd
) -> None:
    world.note(ADA).write_text(person(ADA, "role: Analyst # for now", "email: ada@example.test"))
    world.note(GRACE).write_text(person(GRACE, "email: grace@example.test"))
    world.contacts.joinpath("grace.vcf").write_text(
        card(GRACE, "EMAIL;TYPE=home:grace@example.test", "TITLE:Admiral", "NOTE:met at sea"), newline=""
    )
    contactd("init", world.vault, "--config", world.config)
    before = contents(world)
    assert told("sync", "--once", "--yes").code == 0
    after = contents(world)
    assert after != before
    ran = told("undo", last_run(told), "--yes")
    assert (ran.code, "Put back:" in ran.said) == (0, True)
    assert contents(world) == before
    assert told("sync", "--once", "--yes").code == 0
    assert contents(world) == before
    assert told("undo", last_run(told), "--yes").code == 0
    assert contents(world) == after


def test_a_run_is_told_with_both_values(told: Command, synced: FolderWorld) -> None:
    edit(synced.note(ADA), "Analyst", "Countess")
    told("sync", "--once")
    run = last_run(told)
    assert "Analyst -> Countess" in told("log", run).said
    (entry,) = json.loads(told("log", run, "--json").said)
    assert (entry["account"], entry["changes"][0]["before"], entry["changes"][0]["after"]) == (
        "home", "Analyst", "Countess",
    )  # fmt: skip
    assert f"{run}  " in told("log").said


def test_a_dry_run_says_what_would_be_put_back_and_touches_nothing(told: Command, synced: FolderWorld) -> None:
    edit(synced.note(ADA), "Analyst", "Countess")
    told("sync", "--once")
    before = synced.sides()
    said = told("undo", last_run(told), "--dry-run").said
    assert ("put back contact" in said, ADA in said, "    title  Countess -> Analyst\n" in said) == (True, True, True)
    assert synced.sides() == before


def test_what_another_program_changed_since_is_left_and_said(told: Command, synced: FolderWorld) -> None:
    edit(synced.note(ADA), "Analyst", "Countess")
    edit(synced.note(GRACE), "Admiral", "Commodore")
    told("sync", "--once")
    run = last_run(told)
    edit(synced.card_of(ADA), "TITLE:Countess", "TITLE:Queen")
    edit(synced.card_of(GRACE), "NOTE:met at sea", "NOTE:met at the fair")
    ran = told("undo", run, "--yes")
    assert (ran.code, f"{ADA}.md (home title): was changed since" in ran.said) == (1, True)
    assert "TITLE:Queen" in synced.card_of(ADA).read_text()
    grace = synced.card_of(GRACE).read_text()
    assert ("TITLE:Admiral" in grace, "NOTE:met at the fair" in grace) == (True, True)


def test_only_the_named_person_is_put_back(told: Command, synced: FolderWorld) -> None:
    edit(synced.note(ADA), "Analyst", "Countess")
    edit(synced.note(GRACE), "Admiral", "Commodore")
    told("sync", "--once")
    assert told("undo", last_run(told), "--person", GRACE, "--yes").code == 0
    assert "TITLE:Admiral" in synced.card_of(GRACE).read_text()
    assert "TITLE:Countess" in synced.card_of(ADA).read_text()


@pytest.mark.usefixtures("synced")
@pytest.mark.parametrize(
    ("arguments", "word"),
    [(["999"], "contactd log"), (["1", "--person", "Nobody"], "Nobody"), (["1"], "--yes"), (["one"], "one")],
)
def test_what_cannot_be_put_back_says_why(told: Command, arguments: list[str], word: str) -> None:
    ran = told("undo", *arguments)
    assert (ran.code, word in ran.said) == (64, True)


@pytest.mark.parametrize(
    ("options", "role"), [(["--note"], "Countess"), (["--remote"], "Analyst"), (["--value", "Queen"], "Queen")]
)
def test_an_undone_field_is_listed_with_its_id_and_settled_by_it(
    told: Command, synced: FolderWorld, options: list[str], role: str
) -> None:
    edit(synced.note(ADA), "Analyst", "Countess")
    told("sync", "--once")
    told("undo", last_run(told), "--yes")
    (kept,) = json.loads(told("conflicts", "--json").said)
    assert (kept["state"], kept["ours"], kept["theirs"]) == ("undone", "Countess", {"home": "Analyst"})
    identity = kept["id"]
    assert json.loads(told("status", "--json").said)["undone"][0]["id"] == identity
    for shown in (told("conflicts").said, told("show", identity[:4]).said):
        assert all(word in shown for word in (f"People/{ADA}.md: title  [{identity}]", "undone", "Countess", "Analyst"))
    ran = told("settle", identity, *options)
    assert (ran.code, "left as you undid it" in ran.said) == (0, False)
    assert (f"role: {role} # for now" in synced.note(ADA).read_text(), told("conflicts").said) == (
        True, "No conflict.\n",
    )  # fmt: skip
    assert f"TITLE:{role}\r\n" in synced.card_of(ADA).read_bytes().decode()
    assert "by you" in told("conflicts", "--all").said
    before = synced.sides()
    assert (told("sync", "--once").code, synced.sides()) == (0, before)


def test_an_undone_field_moves_again_with_the_next_edit(told: Command, synced: FolderWorld) -> None:
    edit(synced.note(ADA), "Analyst", "Countess")
    told("sync", "--once")
    told("undo", last_run(told), "--yes")
    assert "TITLE:Analyst" in synced.card_of(ADA).read_text()
    edit(synced.note(ADA), "Countess", "Queen")
    assert told("sync", "--once").code == 0
    assert "TITLE:Queen" in synced.card_of(ADA).read_text()
