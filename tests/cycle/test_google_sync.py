"""The installed program between a vault and Google accounts: what it writes, how often it asks, and what it never says."""

import json
from collections.abc import Generator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from emulators.google import answers
from emulators.google.contacts import WRITABLE, Doc
from emulators.google.server import Server
from emulators.google.world import When
from emulators.graph.certificates import made as made_certificates
from folder_worlds import FolderWorld, carried_out, difference, edit, person
from google_worlds import GoogleWorld, account_table, made, sign_in
from mappings.record import AccountName

pytestmark = pytest.mark.thorough

MANY = 1000
QUIET = {"connections.list": 1, "events.list": 1}
"""What a run asks in which nothing has changed: each stream once."""


@pytest.fixture
def server() -> Generator[Server]:
    with Server().running() as running:
        yield running
        assert running.google.violations == []


@pytest.fixture
def worlds(server: Server, tmp_path: Path) -> tuple[FolderWorld, GoogleWorld]:
    return made(server, tmp_path)


def write(world: FolderWorld, name: str, *lines: str) -> None:
    world.note(name).write_text(person(name, *lines) + "\n")


def the_contact(google: GoogleWorld, given: str) -> Doc:
    (found,) = (each for each in google.book.living if each.entries["names"][0]["givenName"] == given)
    return found.entries


def test_a_person_travels_there_and_back_and_then_all_is_quiet(worlds: tuple[FolderWorld, GoogleWorld]) -> None:
    world, google = worlds
    write(
        world,
        "Ada Lovelace",
        "email: ada@example.test",
        "role: Analyst",
        "last_contact: 2026-03-01",
        "location: London",
    )
    assert world.sync().code == 0
    ada = the_contact(google, "Ada")
    assert ada["emailAddresses"] == [{"value": "ada@example.test"}]
    assert ada["organizations"] == [{"title": "Analyst"}]
    assert ada["userDefined"] == [
        {"key": "location", "value": "London"}, {"key": "last_contact", "value": "2026-03-01"}
    ]  # fmt: skip
    (contact,) = google.book.living
    google.book.edit(contact.id, phoneNumbers=[{"value": "+44 20 7946 0018", "type": "mobile"}])
    before = world.note("Ada Lovelace").read_bytes()
    assert world.sync().code == 0
    assert difference(before, world.note("Ada Lovelace").read_bytes()).came == ('phone: "+44 20 7946 0018"\n',)
    sides, etag = world.sides(), contact.etag
    google.calls()
    assert world.sync().code == 0
    # One request for each stream: the contacts, and the one calendar.
    assert google.calls() == QUIET
    assert (world.sides(), contact.etag) == (sides, etag)


def test_what_both_sides_changed_is_a_conflict_that_is_settled(worlds: tuple[FolderWorld, GoogleWorld]) -> None:
    world, google = worlds
    write(world, "Ada Lovelace", "email: ada@example.test", "company: Engines")
    assert world.sync().code == 0
    (contact,) = google.book.living
    google.book.edit(contact.id, organizations=[{"name": "Analytical Society"}])
    edit(world.note("Ada Lovelace"), "company: Engines", "company: Engines, Ltd")
    assert world.sync().code == 1
    assert contact.entries["organizations"] == [{"name": "Analytical Society"}]
    (conflict,) = json.loads(world.contactd("conflicts", "--json").said)
    assert world.contactd("settle", conflict["id"], "--remote").code == 0
    assert world.sync().code == 0
    assert "company: Analytical Society" in world.note("Ada Lovelace").read_text()


def test_a_deleted_contact_keeps_its_note_and_is_told(worlds: tuple[FolderWorld, GoogleWorld]) -> None:
    world, google = worlds
    write(world, "Ada Lovelace", "email: ada@example.test")
    assert world.sync().code == 0
    google.book.remove(google.book.living[0].id)
    for _ in range(3):
        world.sync()
    assert world.note("Ada Lovelace").exists()
    assert google.book.living == []
    assert "deleted" in world.contactd("status").said


FULL: Mapping[str, list[Doc]] = {
    "addresses": [{"streetAddress": "St James 1", "city": "London", "country": "UK", "countryCode": "GB", "type": "home"}],
    "biographies": [{"value": "met at the fair,\nlong talk", "contentType": "TEXT_PLAIN"}],
    "birthdays": [{"date": {"year": 1815, "month": 12, "day": 10}}],
    "calendarUrls": [{"url": "https://example.test/cal", "type": "home"}],
    "clientData": [{"key": "other.app", "value": "x"}],
    "emailAddresses": [{"value": "ada@example.test", "type": "work", "displayName": "Ada"}, {"value": "aal@example.test"}],
    "events": [{"date": {"year": 1835, "month": 7, "day": 8}, "type": "anniversary"}],
    "externalIds": [{"value": "42", "type": "customer"}],
    "genders": [{"value": "female"}],
    "imClients": [{"username": "ada", "protocol": "jabber", "type": "home"}],
    "interests": [{"value": "engines"}],
    "locales": [{"value": "en-GB"}],
    "locations": [{"value": "desk 7", "buildingId": "B"}],
    "memberships": [
        {"contactGroupMembership": {"contactGroupResourceName": name}}
        for name in ("contactGroups/myContacts", "contactGroups/starred", "contactGroups/ab")
    ],
    "miscKeywords": [{"value": "poet's daughter", "type": "OUTLOOK_KEYWORD"}],
    "names": [{"honorificPrefix": "Lady", "givenName": "Ada", "middleName": "King", "familyName": "Lovelace",
               "phoneticGivenName": "Ey-duh"}],
    "nicknames": [{"value": "Enchantress"}, {"value": "AAL", "type": "INITIALS"}],
    "occupations": [{"value": "mathematician"}],
    "organizations": [{"name": "Engines", "title": "Analyst", "department": "Notes", "symbol": "E", "type": "work"}],
    "phoneNumbers": [{"value": "+44 20 7946 0018", "type": "mobile"}, {"value": "020 1234567", "type": "homeFax"}],
    "relations": [{"person": "Annabella", "type": "mother"}],
    "sipAddresses": [{"value": "sip:ada@example.test", "type": "home"}],
    "urls": [{"value": "https://example.test/ada", "type": "blog"}],
    "userDefined": [{"key": "shoe size", "value": "37"}, {"key": "last_contact", "value": "2026-01-31"},
                    {"key": "location", "value": "London"}],
}  # fmt: skip
"""A contact with every array that there is."""

EDITS = (
    ("title: Lady Ada King Lovelace", "title: Lady Augusta King Lovelace", "names", "givenName", "Augusta"),
    ("nickname: Enchantress", "nickname: Countess", "nicknames", "value", "Countess"),
    ("role: Analyst", "role: Poet", "organizations", "title", "Poet"),
    ("company: Engines", "company: Society", "organizations", "name", "Society"),
    ("department: Notes", "department: Songs", "organizations", "department", "Songs"),
    ("birthday: 1815-12-10", "birthday: 1815-12-11", "birthdays", "date", {"year": 1815, "month": 12, "day": 11}),
    ("- aal@example.test", "- king@example.test", "emailAddresses", "value", "king@example.test"),
    ('phone: "+44 20 7946 0018"', 'phone: "+44 20 7946 0099"', "phoneNumbers", "value", "+44 20 7946 0099"),
    ("url: https://example.test/ada", "url: https://example.test/lovelace", "urls", "value", "https://example.test/lovelace"),
    ("last_contact: 2026-01-31", "last_contact: 2026-02-28", "userDefined", "value", "2026-02-28"),
    ("location: London", "location: Ockham", "userDefined", "value", "Ockham"),
)  # fmt: skip


def test_a_contact_with_every_field_survives_edits_of_every_synced_one(
    worlds: tuple[FolderWorld, GoogleWorld],
) -> None:
    """Each edit changes one member of one entry at Google, and nothing else there."""
    world, google = worlds
    assert sorted(FULL) == sorted(WRITABLE)
    google.book.groups["contactGroups/ab"] = {"name": "Rowers"}
    source_id = google.book.add(**FULL)
    write(
        world, "Lady Ada King Lovelace", "emails:", "- ada@example.test", "- aal@example.test",
        *(before for before, *_ in EDITS[1:] if not before.startswith("-")),
    )  # fmt: skip
    assert world.sync().code == 0
    contact = google.book.contacts[source_id]
    expected = json.loads(json.dumps(contact.entries))
    (uid,) = (entry["value"] for entry in expected["clientData"] if entry["key"] == "contactd.uid")
    assert f"uid: {uid}" in world.note("Lady Ada King Lovelace").read_text()
    for before, after, kind, member, value in EDITS:
        edit(world.note("Lady Ada King Lovelace"), f"{before}\n", f"{after}\n")
        assert world.sync().code == 0, before
        (entry,) = (one for one in expected[kind] if one.get(member) == _old(before, kind, member, expected))
        entry[member] = value
        assert contact.entries == expected, before


def _old(line: str, kind: str, member: str, entries: Doc) -> object:
    """Return what the member says before the edit: what the line says, in the form that Google has."""
    if kind == "birthdays":
        return entries["birthdays"][0]["date"]
    if member == "givenName":
        return "Ada"
    return line.removeprefix("- ").partition(": ")[2].strip('"') if ": " in line else line.removeprefix("- ")


def test_a_first_push_a_quiet_run_and_a_hundred_edits_cost_few_requests(
    worlds: tuple[FolderWorld, GoogleWorld],
) -> None:
    world, google = worlds
    for number in range(MANY):
        write(world, f"Person {number:04}", f"email: p{number}@example.test", "role: Analyst")
    assert world.sync().code == 0
    assert len(google.book.living) == MANY
    pushed = google.calls()
    assert sum(pushed.values()) - 1 <= 1.1 * (MANY / 200 + 1), pushed
    # One list of contacts and one of events.
    assert world.sync().code == 0
    assert google.calls() == QUIET
    for number in range(100):
        edit(world.note(f"Person {number:04}"), "role: Analyst", "role: Countess")
    assert world.sync().code == 0
    assert google.calls() == QUIET | {"people.getBatchGet": 1, "people.batchUpdateContacts": 1}
    # Our own changes come back in the feed, and are no news.
    assert world.sync().code == 0
    assert google.calls() == QUIET


def test_two_accounts_have_one_person_and_the_broken_one_does_not_stop_the_other(
    worlds: tuple[FolderWorld, GoogleWorld], server: Server
) -> None:
    world, google = worlds
    (world.root / "second").mkdir()
    other = GoogleWorld(server, world.root / "second", "work@example.test", AccountName("work"))
    world.config.write_text(world.config.read_text() + account_table(other))
    sign_in(world, other)
    write(world, "Ada Lovelace", "email: ada@example.test", "role: Analyst")
    assert world.sync().code == 0
    assert [the_contact(each, "Ada")["organizations"] for each in (google, other)] == [[{"title": "Analyst"}]] * 2
    server.google.tokens.revoked.add(other.email)
    edit(world.note("Ada Lovelace"), "role: Analyst", "role: Countess")
    assert world.sync().code == 2
    assert the_contact(google, "Ada")["organizations"] == [{"title": "Countess"}]
    assert the_contact(other, "Ada")["organizations"] == [{"title": "Analyst"}]
    for command in ("status", "doctor"):
        told = world.contactd(command)
        assert told.code == 2
        assert "contactd auth work" in told.said, command
        assert "consent screen is in Testing" in told.said.replace("\n", " "), command
        assert "auth home" not in told.said
    server.google.tokens.revoked.clear()
    assert world.sync().code == 0
    assert the_contact(other, "Ada")["organizations"] == [{"title": "Countess"}]


def test_listed_tags_are_labels_and_others_stay_where_they_are(server: Server, tmp_path: Path) -> None:
    world, google = made(server, tmp_path, account='tags = ["friend", "climber"]')
    write(world, "Ada Lovelace", "email: ada@example.test")
    edit(world.note("Ada Lovelace"), "- type/people", "- type/people\n- friend\n- secret")
    assert world.sync().code == 0
    assert labels(google) == {"friend"}
    (ada,), climbers, foreign = google.book.living, google.book.add_group("climber"), google.book.add_group("Rowers")
    for group in (climbers, foreign):
        google.book.modify_members(group, [ada.resource_name], [])
    assert world.sync().code == 0
    assert "- friend\n- secret\n- climber\n" in world.note("Ada Lovelace").read_text()
    edit(world.note("Ada Lovelace"), "- friend\n", "")
    assert world.sync().code == 0
    assert labels(google) == {"climber", "Rowers"}
    sides, etag = world.sides(), ada.etag
    assert world.sync().code == 0
    assert (world.sides(), ada.etag) == (sides, etag)


def labels(google: GoogleWorld) -> set[str]:
    """Return the labels of the one contact."""
    (contact,) = google.book.living
    named = [each["contactGroupMembership"]["contactGroupResourceName"] for each in contact.entries["memberships"]]
    assert "contactGroups/myContacts" in named
    return {google.book.groups[name]["name"] for name in named} - {"myContacts"}


def test_a_meeting_in_the_calendar_dates_the_note_and_the_contact(worlds: tuple[FolderWorld, GoogleWorld]) -> None:
    world, google = worlds
    write(world, "Ada Lovelace", "email: ada@example.test", "last_contact: 2026-01-31")
    assert world.sync().code == 0
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
    guests = [
        {"email": google.email, "self": True, "organizer": True, "responseStatus": "accepted"},
        {"email": "Ada@example.test", "responseStatus": "accepted"},
    ]
    times = {
        name: {"dateTime": (start + timedelta(hours=hours)).isoformat()} for name, hours in (("start", 0), ("end", 1))
    }
    google.google.account(google.email).diaries.add({**times, "summary": "Tea", "attendees": guests})
    assert world.sync().code == 0
    (date,) = (line for line in world.note("Ada Lovelace").read_text().splitlines() if line.startswith("last_contact"))
    assert date.partition(": ")[2].strip('"') == start.astimezone().date().isoformat()
    said = {entry["key"]: entry["value"] for entry in the_contact(google, "Ada")["userDefined"]}
    assert said["last_contact"] == start.astimezone().date().isoformat()


def test_a_run_is_taken_back_on_both_sides(worlds: tuple[FolderWorld, GoogleWorld]) -> None:
    world, google = worlds
    write(world, "Ada Lovelace", "email: ada@example.test", "role: Analyst")
    assert world.sync().code == 0
    (ada,) = google.book.living
    google.book.edit(ada.id, biographies=[{"value": "met at the fair"}], nicknames=[{"value": "Enchantress"}])
    edit(world.note("Ada Lovelace"), "role: Analyst", "role: Countess")
    before = (world.note("Ada Lovelace").read_bytes(), json.dumps(ada.entries, sort_keys=True))
    assert world.sync().code == 0
    assert ada.entries["organizations"] == [{"title": "Countess"}]
    run = json.loads(world.contactd("log", "--json").said)[0]["run"]
    assert world.contactd("undo", str(run), "--yes").code == 0
    assert world.note("Ada Lovelace").read_bytes() == before[0]
    assert ada.entries["organizations"] == [{"title": "Analyst"}]
    assert ada.entries["biographies"][0]["value"] == "met at the fair"


def test_a_server_whose_certificate_is_not_trusted_is_told_nothing(tmp_path: Path) -> None:
    certificates = made_certificates(tmp_path)
    with Server(certificates.server_file).running() as server:
        world, google = made(server, tmp_path)
        write(world, "Ada Lovelace", "email: ada@example.test")
        assert world.sync().code == 2
        assert sum(google.google.calls.values()) == 0
        ca = f"[accounts.home.endpoints]\nca_file = {json.dumps(str(certificates.ca_file))}"
        edit(world.config, "[accounts.home.endpoints]", ca)
        assert world.sync().code == 0
        assert len(google.book.living) == 1


def test_whoever_has_not_signed_in_yet_is_told_how(server: Server, tmp_path: Path) -> None:
    world, _ = made(server, tmp_path, signed_in=False)
    write(world, "Ada Lovelace", "email: ada@example.test")
    ran = world.sync()
    assert (ran.code, "nobody has signed in to it yet" in ran.said, "contactd auth home" in ran.said) == (2, True, True)


def test_no_log_says_what_lets_anybody_in_or_what_a_contact_says(worlds: tuple[FolderWorld, GoogleWorld]) -> None:
    """Everything that goes wrong is logged as loudly as can be; canaries must not be in it."""
    world, google = worlds
    canaries = ("Canary Birdwell", "canary@example.test", "+44 20 7946 0018", "Songbird", "yellow-feather")
    write(world, canaries[0], f"email: {canaries[1]}", f"role: {canaries[3]}")
    assert world.sync().code == 0
    contact = google.book.living[0]
    google.book.edit(
        contact.id, phoneNumbers=[{"value": canaries[2]}], userDefined=[{"key": "x", "value": canaries[4]}]
    )
    faults = [
        answers.internal(), answers.scope_missing(), answers.garbage_token(), answers.unauthorized(),
        answers.no_such_page(), answers.long_quota(), answers.expired_sync_token(), answers.api_disabled(),
    ]  # fmt: skip
    for number, fault in enumerate(faults):
        edit(world.note(canaries[0]), f"role: {canaries[3]}{number or ''}", f"role: {canaries[3]}{number + 1}")
        google.google.fault("", When.BEFORE, fault, 2)
        logged = world.contactd("sync", "--once", "--yes", "--verbose", "--json")
        errors = [line for line in logged.said.splitlines() if line.startswith(("DEBUG", "INFO", "WARNING", "ERROR"))]
        secrets = [*google.google.tokens.access, *google.google.tokens.refresh, google.google.client_secret, "Bearer"]
        assert [each for each in (*secrets, *canaries) if each in "\n".join(errors)] == []
        assert [each for each in secrets if each in logged.said] == []
        google.google.faults.clear()
    assert world.sync().code == 0


def test_a_plan_is_carried_out_and_taken_back_on_both_sides_and_again(worlds: tuple[FolderWorld, GoogleWorld]) -> None:
    world, google = worlds
    write(world, "Ada Lovelace", "email: ada@example.test", "role: Analyst", "location: London")
    write(world, "Grace Hopper", "email: grace@example.test")
    assert world.sync().code == 0
    ada, grace = (
        next(one for one in google.book.living if one.entries["names"][0]["givenName"] == name)
        for name in ("Ada", "Grace")
    )
    google.book.edit(ada.id, relations=[{"person": "Annabella", "type": "child"}], nicknames=[{"value": "Enchantress"}])
    google.book.edit(grace.id, organizations=[{"name": "Navy", "title": "Admiral", "type": "work"}])
    edit(world.note("Ada Lovelace"), "role: Analyst", "role: Countess")
    write(world, "Edith Clarke", "email: edith@example.test")

    def now() -> tuple[dict[str, bytes], dict[str, dict[str, list[Doc]]]]:
        notes = {path: stamp.content for path, stamp in world.sides().items()}
        return notes, {one.entries["names"][0]["givenName"]: one.entries for one in google.book.living}

    before = now()
    ran = carried_out(world)
    assert ran.code == 0, ran.said
    after = now()
    assert after != before
    for expected in (before, after):
        run = json.loads(world.contactd("log", "--json").said)[0]["run"]
        ran = world.contactd("undo", str(run), "--yes")
        assert ran.code == 0, ran.said
        assert now() == expected
        assert world.sync().code == 0
        assert now() == expected
