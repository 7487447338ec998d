"""Whom one met, why a date is what it is, and meetings that are told not to count."""

import json
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daemon.config_shape import AccountKeys, MeetingKeys
from folder_worlds import FolderWorld, Ran, edit, made, person
from mappings.meeting_case import MeetingRules
from mappings.meeting_rules import DOUBTS, GUEST_RULES, MEETING_RULES

Contactd = Callable[..., Ran]
Command = Callable[..., Ran]
NOW = datetime.now(UTC).replace(microsecond=0)
ADA = "Ada Byron"


def day(days: int) -> str:
    return (NOW + timedelta(days=days)).date().isoformat()


def event(name: str, days: int, *lines: str, mine: str = "ACCEPTED", guests: int = 0, title: str = "Tea") -> str:
    """Return a meeting of an hour, so many days from now, of the owner with Ada and so many others."""
    start = NOW + timedelta(days=days)
    others = (f"ATTENDEE:mailto:g{number}@example.test" for number in range(guests))
    return "\r\n".join(
        [
            "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Stranger//EN", "BEGIN:VEVENT", f"UID:{name}",
            f"DTSTAMP:{NOW:%Y%m%dT%H%M%SZ}", f"DTSTART:{start:%Y%m%dT%H%M%SZ}", "DURATION:PT1H", f"SUMMARY:{title}",
            "ORGANIZER:mailto:ada@example.test", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ada@example.test",
            f"ATTENDEE;PARTSTAT={mine}:mailto:me@example.test", *others, *lines, "END:VEVENT", "END:VCALENDAR", "",
        ]
    )  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> FolderWorld:
    calendar = tmp_path / "team"
    calendar.mkdir()
    meetings = '[meetings]\ntimezone = "UTC"\n'
    owner = f'calendars = [{json.dumps(str(calendar))}]\nme = ["me@example.test"]\n'
    world = made(tmp_path, account=owner, more=meetings)
    world.note(ADA).write_text(person(ADA, "email: ada@example.test"))
    return world


@pytest.fixture
def told(contactd: Contactd, world: FolderWorld) -> Command:
    """Run a command on the world."""
    return lambda *arguments: contactd(*arguments, "--config", world.config)


def write(world: FolderWorld, *events: str) -> None:
    for number, text in enumerate(events):
        (world.root / "team" / f"{number}.ics").write_bytes(text.encode())


def noted(world: FolderWorld, key: str = "last_contact") -> str | None:
    lines = world.note(ADA).read_text().splitlines()
    return next((line.partition(": ")[2].strip('"') for line in lines if line.startswith(f"{key}:")), None)


def synced(told: Command) -> Ran:
    return told("sync", "--once", "--yes")


def ids(told: Command) -> dict[str, str]:
    """Return the id of every meeting that `why` tells of, by its date."""
    document = json.loads(told("why", ADA, "--json").said)
    found = [document["last_contact"]["derived"], document["next_meeting"]["derived"], *document["near_misses"]]
    return {one["date"]: one["meeting"] for one in found if one is not None}


def test_a_date_is_explained_with_its_meeting_and_those_that_do_not_count(told: Command, world: FolderWorld) -> None:
    write(
        world,
        event("tea", -9),
        event("declined", -7, mine="DECLINED"),
        event("crowd", -5, guests=22),
        event("unanswered", -3, mine="NEEDS-ACTION"),
        event("next", 4),
    )
    assert synced(told).code == 0
    assert noted(world) == day(-9)
    said = told("why", ADA).said
    known = ids(told)
    assert said.splitlines()[:5] == [
        f"{ADA} (People/{ADA}.md)",
        "",
        f"last contact: {day(-9)}",
        f"  {day(-9)} {NOW:%H:%M}, you and one other; you accepted",
        f"  home, calendar team  [{known[day(-9)]}]",
    ]
    assert f"next meeting: {day(4)} (not in the note)" in said
    assert f"  {day(-5)}: 23 people, limit 8 (people_max)  [{known[day(-5)]}]" in said
    assert f"  {day(-7)}: you declined (declined)  [{known[day(-7)]}]" in said
    assert f"  {day(-3)}: you have not answered (unanswered)  [{known[day(-3)]}]" in said
    assert "1 meeting of two would count if you had answered the invitation." in said
    assert "Tea" not in said


def test_what_would_count_if_it_were_answered_is_told_by_the_run(told: Command, world: FolderWorld) -> None:
    write(world, event("tea", -9), event("unanswered", -3, mine="NEEDS-ACTION"))
    ran = synced(told)
    assert "1 meeting of two would count if you had answered: `contactd why PERSON" in ran.said
    assert ran.code == 0


def test_an_ignored_meeting_does_not_count_until_it_is_no_longer_ignored(told: Command, world: FolderWorld) -> None:
    write(world, event("tea", -9), event("cake", -5))
    synced(told)
    assert noted(world) == day(-5)
    cake = ids(told)[day(-5)]
    ran = told("ignore", cake[:6])
    assert (ran.code, f"The meeting of {day(-5)} in home, calendar team is ignored from now on" in ran.said) == (
        0,
        True,
    )
    synced(told)
    assert noted(world) == day(-9)
    assert f"  {day(-5)}: you told contactd to ignore it  [{cake}]" in told("why", ADA).said
    assert told("unignore", cake).code == 0
    synced(told)
    assert noted(world) == day(-5)


def test_a_meeting_may_be_ignored_for_one_person(told: Command, world: FolderWorld) -> None:
    write(world, event("tea", -9), event("cake", -5))
    synced(told)
    cake = ids(told)[day(-5)]
    assert told("ignore", cake, "--for", ADA).code == 0
    synced(told)
    assert noted(world) == day(-9)
    refused = told("unignore", cake)
    assert (refused.code, "say --for PERSON" in refused.said) == (64, True)
    assert told("unignore", cake, "--for", "ada byron").code == 0
    synced(told)
    assert noted(world) == day(-5)


def test_what_is_not_known_is_said(told: Command, world: FolderWorld) -> None:
    write(world, event("tea", -9))
    synced(told)
    for arguments, words in [
        (("ignore", "0123456789"), "no meeting 0123456789 is remembered"),
        (("unignore", ids(told)[day(-9)]), "it is not ignored so"),
        (("why", "Ad"), f"no person's note is called Ad; perhaps People/{ADA}.md"),
        (("people", "--json", "--csv"), "not both"),
    ]:
        ran = told(*arguments)
        assert (ran.code, words in ran.said) == (64, True), ran.said


def test_titles_are_kept_only_if_the_owner_wants_it_and_private_ones_never(told: Command, world: FolderWorld) -> None:
    write(world, event("tea", -9, title="Soundings"), event("cake", -5, "CLASS:PRIVATE", title="Secret"))
    edit(world.config, "[meetings]", "[meetings]\nkeep_titles = true")
    synced(told)
    cake = ids(told)[day(-5)]
    told("ignore", cake)
    said = told("why", ADA).said
    assert ('"Soundings"' in said, "Secret" in said) == (True, False)
    edit(world.config, "keep_titles = true", "keep_titles = false")
    synced(told)
    assert "Soundings" not in told("why", ADA).said
    kept = b"".join(path.read_bytes() for path in world.state.glob("state.db*"))
    assert b"Secret" not in kept


class TestTheOwnersWord:
    def test_a_floor(self, told: Command, world: FolderWorld) -> None:
        write(world, event("tea", -9))
        world.note(ADA).write_text(person(ADA, "email: ada@example.test", f"last_contact: {day(-2)}"))
        synced(told)
        said = told("why", ADA).said
        assert f"last contact: {day(-2)}\n  {day(-2)} is your own date (a floor)" in said
        assert "to lift it: take the key out of the note" in said

    def test_a_pin(self, told: Command, world: FolderWorld) -> None:
        write(world, event("tea", -9))
        world.note(ADA).write_text(person(ADA, "email: ada@example.test", f"last_contact: {day(-20)}"))
        synced(told)
        said = told("why", ADA).said
        assert f"{day(-20)} is your own word (a pin), said against the meeting of {day(-9)}" in said

    def test_a_run_that_pins_a_date_can_be_told_as_json(self, told: Command, world: FolderWorld) -> None:
        write(world, event("tea", -9))
        world.note(ADA).write_text(person(ADA, "email: ada@example.test", f"last_contact: {day(-20)}"))
        steps = json.loads(told("sync", "--once", "--yes", "--json").said)["plan"]["operations"]
        (remembered,) = (step["memory"] for step in steps if step["kind"] == "RememberDate")
        assert remembered["standing"]["date"] == day(-20)
        assert remembered["standing"]["against"].startswith(day(-9))

    def test_a_key_that_is_gone(self, told: Command, world: FolderWorld) -> None:
        write(world, event("tea", -9))
        world.note(ADA).write_text(person(ADA, "email: ada@example.test", f"last_contact: {day(-2)}"))
        synced(told)
        edit(world.note(ADA), f"last_contact: {day(-2)}\n", "")
        synced(told)
        said = told("why", ADA).said
        assert "last contact: (nothing)\n  you took the key out of this note, so it is left alone" in said


class TestADateThatIsNotMovedIsNotPromised:
    def test_since_it_is_no_date(self, told: Command, world: FolderWorld) -> None:
        world.note(ADA).write_text(person(ADA, "email: ada@example.test", "last_contact: in spring"))
        write(world, event("tea", -9))
        assert synced(told).code == 1
        said = told("why", ADA).said
        assert "nothing is written there: `in spring` is not a date" in said
        assert "the next sync writes" not in said

    def test_since_its_run_was_taken_back(self, told: Command, world: FolderWorld) -> None:
        write(world, event("tea", -9))
        synced(told)
        write(world, event("tea", -9), event("cake", -5))
        synced(told)
        run = told("log").said.split()[0]
        assert told("undo", run, "--yes").code == 0
        assert (synced(told).code, noted(world)) == (0, day(-9))
        said = told("why", ADA).said
        assert "you took a run back that wrote it: it stays so until you change it" in said
        assert "the next sync writes" not in said
        edit(world.note(ADA), day(-9), day(-8))
        synced(told)
        assert (noted(world), "you took a run back" in told("why", ADA).said) == (day(-8), False)

    def test_since_the_owner_is_asked(self, told: Command, world: FolderWorld) -> None:
        write(world, event("tea", -9))
        synced(told)
        edit(world.card_of(ADA), day(-9), day(-7))
        edit(world.note(ADA), day(-9), day(-6))
        assert synced(told).code == 1
        said = told("why", ADA).said
        assert "note and contact say different things: it stays so until you decide (`contactd conflicts" in said
        assert "the next sync writes" not in said
        assert "stays so until you decide" in json.loads(told("why", ADA, "--json").said)["last_contact"]["waits"]


def test_a_calendar_without_attendees_says_so_in_the_run_and_in_why(told: Command, world: FolderWorld) -> None:
    text = event("tea", -9)
    write(world, "\r\n".join(line for line in text.split("\r\n") if not line.startswith(("ATTENDEE", "ORGANIZER"))))
    words = "this calendar has no attendees, so it cannot tell whom you met"
    assert words in synced(told).said
    assert f"home, calendar team: {words}." in told("why", ADA).said


def test_an_address_in_two_notes_is_held_and_told(told: Command, world: FolderWorld) -> None:
    world.note("Ada Twin").write_text(person("Ada Twin", "email: ADA@example.test"))
    write(world, event("tea", -9))
    ran = synced(told)
    assert "ada@example.test is in People/Ada Twin.md too, so meetings with it count for nobody" in ran.said
    assert ran.code == 1
    assert noted(world) is None
    assert "ada@example.test is in several notes" in told("why", ADA).said


def test_a_note_that_is_gone_owns_no_address_any_more(told: Command, world: FolderWorld) -> None:
    world.note("Ada Twin").write_text(person("Ada Twin", "email: ADA@example.test"))
    write(world, event("tea", -9))
    synced(told)
    world.note("Ada Twin").unlink()
    synced(told)
    assert noted(world) == day(-9)
    said = told("why", ADA).said
    assert ("in several notes" in said, "the next sync writes" in said) == (False, False)
    assert [row["name"] for row in json.loads(told("people", "--json").said)] == [ADA]


def test_without_an_address_of_the_owner_it_is_told_what_is_missing(told: Command, world: FolderWorld) -> None:
    words = "What you answered is not known without your own addresses: `email` and `me` of the accounts say them."
    write(world, event("tea", -9))
    assert synced(told).code == 0
    assert words not in told("why", ADA).said
    edit(world.config, 'me = ["me@example.test"]\n', "")
    synced(told)
    assert (noted(world), words in told("why", ADA).said) == ("", True)


def test_people_are_listed_the_longest_silence_first(told: Command, world: FolderWorld) -> None:
    write(world, event("tea", -9), event("next", 4))
    world.note("Bob").write_text(person("Bob", f"last_contact: {day(-30)}", "email: bob@example.test"))
    world.note("Cy").write_text(person("Cy"))
    synced(told)
    assert told("people").said.splitlines() == [
        "who        last contact  ago      next meeting  accounts",
        f"Bob        {day(-30)}    30 days  -             home",
        f"{ADA}  {day(-9)}    9 days   {day(4)}    home",
        "Cy         never         -        -             home",
    ]
    rows = json.loads(told("people", "--json").said)
    assert [(row["name"], row["days"], row["next_meeting"]) for row in rows] == [
        ("Bob", 30, ""),
        (ADA, 9, day(4)),
        ("Cy", None, ""),
    ]
    assert told("people", "--csv").said.splitlines()[:2] == [
        "name,path,last_contact,days,next_meeting,accounts",
        f"Bob,People/Bob.md,{day(-30)},30,,home",
    ]


def test_people_of_a_tag(told: Command, world: FolderWorld) -> None:
    world.note("Bob").write_text(person("Bob").replace("- type/people", "- type/people\n- family/close"))
    synced(told)
    for tag, names in [("family", ["Bob"]), ("#Family/close", ["Bob"]), ("fam", []), ("type/people", [ADA, "Bob"])]:
        assert [row["name"] for row in json.loads(told("people", "--tag", tag, "--json").said)] == names
    assert told("people", "--tag", "nobody").said.strip() == "Nobody."


def test_before_the_first_sync_there_is_nothing_to_explain(told: Command, world: FolderWorld) -> None:
    del world
    ran = told("why", ADA)
    assert (ran.code, "known after the next `contactd sync --once" in ran.said) == (64, True)
    assert told("people").said.strip() == "Nobody."


def test_an_account_is_renamed_with_its_meetings_or_forgotten_with_them(told: Command, world: FolderWorld) -> None:
    write(world, event("tea", -9))
    synced(told)
    edit(world.config, "[accounts.home]", "[accounts.office]")
    assert told("account", "rename", "home", "office").code == 0
    ran = synced(told)
    assert (ran.code, noted(world)) == (0, day(-9))
    assert "office, calendar team  [" in told("why", ADA).said
    told("account", "remove", "office", "--yes")
    assert "No calendar was read so far" in told("why", ADA).said


def test_a_folder_that_vanishes_takes_nothing_back_and_is_told(told: Command, world: FolderWorld) -> None:
    write(world, event("tea", -9))
    synced(told)
    (world.root / "team").rename(world.root / "elsewhere")
    ran = synced(told)
    assert (ran.code, noted(world)) == (2, day(-9))
    assert "home, calendar team: away: folder" in ran.said
    (world.root / "elsewhere").rename(world.root / "team")
    assert (synced(told).code, noted(world)) == (0, day(-9))


def test_a_folder_that_is_suddenly_empty_waits_for_the_owner(told: Command, world: FolderWorld) -> None:
    world.note("Bob").write_text(person("Bob", "email: bob@example.test"))
    write(world, event("tea", -9), event("cake", -5).replace("ada@", "bob@"))
    synced(told)
    for file in (world.root / "team").iterdir():
        file.unlink()
    ran = told("sync", "--once")
    assert (ran.code, noted(world)) == (4, day(-9))
    assert "take back the last contact of 2 notes" in ran.said
    status = told("status")
    assert (status.code, "dates from calendars:" in status.said) == (4, True)
    synced(told)
    assert (noted(world), told("status").code) == ("", 0)


def test_every_rule_names_a_key_that_the_configuration_has() -> None:
    keys = {key.name for shape in (MeetingKeys, AccountKeys) for key in fields(shape)}
    named = {rule.key for rule in (*MEETING_RULES, *DOUBTS)} | {rule.key for rule in GUEST_RULES}
    assert named - {""} <= keys
    assert named - {"", "me"} == {key.name for key in fields(MeetingRules)}
