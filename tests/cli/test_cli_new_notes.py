"""Notes for people who have none, as the owner sees them: planned, applied, told, logged and taken back."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from folder_worlds import FolderWorld, Ran, card, edit, made, person

Contactd = Callable[..., Ran]
Command = Callable[..., Ran]
GRACE = "Grace Hopper"
YESTERDAY = datetime.now(UTC) - timedelta(days=1)
MEETING = "\r\n".join([
    "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test", "BEGIN:VEVENT", "UID:cake@example.test",
    f"DTSTAMP:{YESTERDAY:%Y%m%dT090000Z}", f"DTSTART:{YESTERDAY:%Y%m%dT090000Z}", f"DTEND:{YESTERDAY:%Y%m%dT093000Z}",
    "SUMMARY:Cake", "ORGANIZER:mailto:bob@example.test", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:me@example.test",
    "ATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.test", "END:VEVENT", "END:VCALENDAR", "",
])  # fmt: skip


@pytest.fixture
def world(contactd: Contactd, tmp_path: Path) -> FolderWorld:
    """A world in step, whose owner has just turned the making of notes on."""
    calendar = tmp_path / "calendar"
    calendar.mkdir()
    (calendar / "cake.ics").write_bytes(MEETING.encode())
    owner = f'create_notes = "none"\ncalendars = [{json.dumps(str(calendar))}]\nme = ["me@example.test"]\n'
    world = made(tmp_path, account=owner)
    (world.contacts / "grace.vcf").write_text(card(GRACE, "EMAIL:grace@example.test"))
    world.note("Ada Byron").write_text(person("Ada Byron"))
    (world.contacts / "ada.vcf").write_text(card("ada byron", "TEL:+49 30 1"))
    assert contactd("sync", "--once", "--yes", "--config", world.config).code == 1
    edit(world.config, '"none"', '"all"')
    return world


@pytest.fixture
def told(contactd: Contactd, world: FolderWorld) -> Command:
    """Run a command on the world."""
    return lambda *arguments: contactd(*arguments, "--config", world.config)


def people(world: FolderWorld) -> list[str]:
    return sorted(path.name for path in (world.vault / "People").iterdir())


EVERYBODY = ["Ada Byron.md", "Grace Hopper.md", "bob@example.test.md"]


def test_what_is_to_be_made_is_shown_and_nothing_is_touched(told: Command, world: FolderWorld) -> None:
    ran = told("sync", "--once", "--dry-run", "--yes", "--verbose")
    assert people(world) == ["Ada Byron.md"]
    for line in (
        "make note       People/Grace Hopper.md: for a contact in home",
        "make note       People/bob@example.test.md: for somebody you met",
        "no note made: 1 in home: a note of the same name is there\n  ada.vcf",
    ):
        assert line in ran.said, ran.said


def test_a_kept_plan_makes_the_very_notes_that_it_shows(told: Command, world: FolderWorld) -> None:
    target = world.root / "plan.json"
    ran = told("plan", "-o", target)
    assert "People/Grace Hopper.md" in ran.said
    said = {step["text"] for one in json.loads(target.read_text())["people"] for step in one["steps"] if "text" in step}
    assert told("apply", target, "--yes").code == 1
    assert people(world) == EVERYBODY
    assert said == {world.note(name).read_text() for name in (GRACE, "bob@example.test")}
    again = world.sides()
    assert told("sync", "--once").code == 1
    assert world.sides() == again


def test_a_plan_whose_contact_has_moved_makes_no_note(told: Command, world: FolderWorld) -> None:
    target = world.root / "plan.json"
    told("plan", "-o", target)
    (world.contacts / "grace.vcf").write_text(card(GRACE, "EMAIL:other@example.test"))
    ran = told("apply", target, "--yes")
    assert GRACE in ran.said
    assert people(world) == ["Ada Byron.md", "bob@example.test.md"]


def test_what_was_made_is_logged_and_taken_back(told: Command, world: FolderWorld) -> None:
    before = {path.name: path.read_bytes() for path in world.contacts.iterdir()}
    assert told("sync", "--once", "--yes").code == 1
    assert people(world) == EVERYBODY
    log = told("log")
    assert "2 notes made" in log.said
    run = log.said.split()[0]
    assert "People/Grace Hopper.md (note): made" in told("log", run).said
    undone = told("undo", run, "--yes")
    assert "take away note" in undone.said or "Taken away: 2 notes" in undone.said, undone.said
    for _ in range(3):
        assert people(world) == ["Ada Byron.md"]
        assert {path.name: path.read_bytes() for path in world.contacts.iterdir()} == before
        told("sync", "--once", "--yes")
    last = told("log").said.split()[0]
    assert "(note): taken away" in told("log", last).said
    assert told("undo", last, "--yes").code == 0
    assert people(world) == EVERYBODY


def test_json_says_who_gets_none(told: Command, world: FolderWorld) -> None:
    ran = json.loads(told("sync", "--once", "--yes", "--json").said)
    assert ran["plan"]["unmade"] == [
        {"source": "home", "name": "ada.vcf", "reason": "a note of the same name is there"}
    ]
    assert ran["done"]["notes_made"] == 2
    assert people(world) == EVERYBODY


def test_only_what_goes_to_the_contact_counts_as_having_left(told: Command, world: FolderWorld) -> None:
    told("sync", "--once", "--yes")
    left = told("egress").said
    assert "People/Grace Hopper.md  uid" in " ".join(left.split(" ")), left
    assert "bob@example.test" not in left
    assert people(world) == EVERYBODY


def test_the_first_notes_wait_for_the_owner_and_status_says_so(told: Command, world: FolderWorld) -> None:
    ran = told("sync", "--once")
    assert (ran.code, people(world)) == (4, ["Ada Byron.md"])
    assert "the calendar waits: the configuration has other rules" in ran.said
    status = told("status")
    assert (status.code, "contactd apply" in status.said or "--yes" in status.said) == (4, True), status.said
    assert told("apply", "--yes").code == 1
    assert people(world) == EVERYBODY
