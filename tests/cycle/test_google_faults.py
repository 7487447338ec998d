"""Whole cycles between a vault and a Google account in which something goes wrong: nothing is lost, nothing is doubled.

After each fault the program is run again, as a timer does, with a connector that remembers nothing, until nothing is
left to do. Then both sides must say what was last said of each field, each person must be there once, and one more run
must write nothing.
"""

from collections.abc import Generator
from pathlib import Path

import pytest

from daemon.report import Report
from emulators.google import answers
from emulators.google.answers import Answer
from emulators.google.server import Server
from emulators.google.world import BatchFailure, Silence, When
from folder_worlds import edit
from google_cycles import World, made

pytestmark = pytest.mark.thorough

WRITES = ("batchCreateContacts", "createContact", "batchUpdateContacts", "updateContact")
READS = ("connections.list", "getBatchGet")

BEFORE: dict[str, Answer | Silence] = {
    "hang up": Silence.HANG_UP,
    "no JSON": Silence.NO_JSON,
    "500": answers.internal(),
    "503": answers.unavailable(),
    "minute quota": answers.minute_quota("write", **{"Retry-After": "0"}),
    "long quota": answers.long_quota(),
    "disabled": answers.api_disabled(),
    "scope": answers.scope_missing(),
    "401": answers.unauthorized(),
    "page": answers.no_such_page(),
    "stale": answers.stale_etag(),
    "garbage": answers.garbage_token(),
    "expired": answers.expired_sync_token(),
}
AFTER: dict[str, Answer | Silence] = {
    "hang up": Silence.HANG_UP,
    "cut off": Silence.CUT_OFF,
    "no JSON": Silence.NO_JSON,
    "500": answers.internal(),
    "503": answers.unavailable(),
}


@pytest.fixture
def world(tmp_path: Path) -> Generator[World]:
    with Server().running() as server:
        yield from made(server, tmp_path)


@pytest.fixture
def settled(world: World) -> World:
    """A world in which two people are in step, and then much is changed on both sides."""
    world.write("Ada Lovelace", "email: ada@example.test", "role: Analyst", "company: Engines")
    world.write("Grace Hopper", "email: grace@example.test", "role: Admiral", "company: Navy")
    world.rest()
    edit(world.note("Ada Lovelace"), "role: Analyst", "role: Countess")
    edit(world.note("Grace Hopper"), "role: Admiral", "role: Commodore")
    grace = next(each for each in world.google.book.living if each.entries["names"][0]["givenName"] == "Grace")
    world.google.book.edit(grace.id, phoneNumbers=[{"value": "+1 202 555 0143", "type": "Bridge"}])
    for name in ("Alan Turing", "Mary Somerville"):
        world.write(name, f"email: {name.partition(' ')[0].lower()}@example.test")
    world.google.google.calls.clear()
    return world


def failures(report: Report) -> list[str]:
    return [trouble.reason for trouble in report.deeds.failures] if report.deeds is not None else []


def check(world: World) -> None:
    """Make sure that both sides say everything that was said, once."""
    assert sorted(each.entries["names"][0]["givenName"] for each in world.google.book.living) == [
        *("Ada", "Alan", "Grace", "Mary"),
    ]
    assert world.contact("Ada")["organizations"] == [{"name": "Engines", "title": "Countess"}]
    assert world.contact("Grace")["organizations"] == [{"name": "Navy", "title": "Commodore"}]
    assert world.contact("Grace")["phoneNumbers"] == [{"value": "+1 202 555 0143", "type": "Bridge"}]
    assert "+1 202 555 0143" in world.note("Grace Hopper").read_text()
    assert "role: Countess" in world.note("Ada Lovelace").read_text()
    assert "role: Commodore" in world.note("Grace Hopper").read_text()


def test_without_a_fault_two_runs_do_it_all(settled: World) -> None:
    assert settled.rest() == 3
    check(settled)


@pytest.mark.parametrize("what", BEFORE)
@pytest.mark.parametrize("method", [*READS, "batchCreateContacts", "batchUpdateContacts"])
def test_a_request_that_is_not_carried_out(settled: World, method: str, what: str) -> None:
    settled.google.google.fault(method, When.BEFORE, BEFORE[what])
    settled.rest()
    check(settled)
    assert sum(settled.google.calls().values()) < 60


@pytest.mark.parametrize("what", AFTER)
@pytest.mark.parametrize("method", [*READS, "batchCreateContacts", "batchUpdateContacts"])
def test_a_request_that_is_carried_out_and_not_answered(settled: World, method: str, what: str) -> None:
    settled.google.google.fault(method, When.AFTER, AFTER[what])
    settled.rest()
    check(settled)
    assert sum(settled.google.calls().values()) < 60


@pytest.mark.parametrize("what", [*AFTER, "stale", "garbage"])
@pytest.mark.parametrize("when", When)
def test_a_single_contact_that_is_not_made_or_not_answered(world: World, when: When, what: str) -> None:
    world.write("Ada Lovelace", "email: ada@example.test")
    world.google.google.fault("batchCreateContacts", when, (BEFORE | AFTER)[what])
    world.google.google.fault("createContact", when, (BEFORE | AFTER)[what])
    world.rest()
    assert len(world.google.book.living) == 1


@pytest.mark.parametrize("times", [1, 2, 3, 6])
@pytest.mark.parametrize("method", [*READS, *WRITES, "token"])
def test_a_server_that_fails_for_a_while(settled: World, method: str, times: int) -> None:
    settled.google.google.fault(method, When.BEFORE, answers.internal(), times)
    settled.rest()
    check(settled)


@pytest.mark.parametrize("failure", BatchFailure)
def test_a_batch_with_a_contact_that_has_moved_on_meanwhile(settled: World, failure: BatchFailure) -> None:
    """Somebody edits a contact between our look at it and the batch, whatever Google does with such a batch."""
    google = settled.google.google
    google.unconfirmed.batch_failure = failure
    grace = next(each for each in settled.google.book.living if each.entries["names"][0]["givenName"] == "Grace")
    met: list[str] = []

    def meddle(method: str) -> None:
        if method.endswith("batchUpdateContacts") and not met:
            met.append(method)
            settled.google.book.edit(grace.id, nicknames=[{"value": "Amazing Grace"}])

    google.meddle = meddle
    settled.rest()
    check(settled)
    assert met
    assert settled.contact("Grace")["nicknames"] == [{"value": "Amazing Grace"}]
    assert "Amazing Grace" in settled.note("Grace Hopper").read_text()


@pytest.mark.parametrize("failure", BatchFailure)
def test_a_batch_with_a_contact_that_is_refused_makes_the_others_once(world: World, failure: BatchFailure) -> None:
    """What a batch that was refused as a whole has made all the same is found, and not made again."""
    google = world.google.google
    google.unconfirmed.batch_failure = failure
    google.refuses = "Turing"
    for name in ("Ada Lovelace", "Alan Turing", "Mary Somerville"):
        world.write(name, f"email: {name.partition(' ')[0].lower()}@example.test")
    report = world.run()
    assert sorted(each.entries["names"][0]["givenName"] for each in world.google.book.living) == ["Ada", "Mary"]
    assert failures(report) == ["home: Google: Request contains an invalid argument."]
    google.refuses = ""
    world.rest()
    assert sorted(each.entries["names"][0]["givenName"] for each in world.google.book.living) == ["Ada", "Alan", "Mary"]


def test_a_contact_on_which_google_fails_does_not_keep_the_others_from_being_written(settled: World) -> None:
    """An internal error for good, for one contact: the others are written, and that one is told."""
    google = settled.google.google
    google.fails_on = "Commodore"
    report = settled.run()
    assert settled.contact("Ada")["organizations"] == [{"name": "Engines", "title": "Countess"}]
    assert len(settled.google.book.living) == 4
    assert any("500" in reason for reason in failures(report))
    google.fails_on = ""
    settled.rest()
    check(settled)
