"""Whole cycles through what is usual at Google and odd elsewhere: merged contacts, weekly tokens, lists that lag."""

from collections.abc import Generator
from datetime import timedelta
from pathlib import Path

import pytest

from daemon.health import Health
from emulators.google import answers
from emulators.google.server import Server
from emulators.google.world import Silence, When
from folder_worlds import edit
from google_cycles import World, made

pytestmark = pytest.mark.thorough

SOON = timedelta(seconds=30)


@pytest.fixture
def world(tmp_path: Path) -> Generator[World]:
    with Server().running() as server:
        yield from made(server, tmp_path)


def test_duplicates_that_were_merged_leave_one_pair_and_a_note_that_is_kept(world: World) -> None:
    world.write("Ada Lovelace", "email: ada@example.test", "role: Analyst")
    world.write("Augusta King", "email: king@example.test", "role: Countess")
    world.rest()
    survivor, loser = world.found("Ada"), world.found("Augusta")
    assert survivor is not None
    assert loser is not None
    world.google.book.merge(survivor.id, loser.id)
    for _ in range(4):
        world.run()
    assert [each.id for each in world.google.book.living] == [survivor.id]
    assert world.note("Augusta King").exists()
    etag, notes = survivor.etag, {path: path.read_bytes() for path in world.vault.rglob("*.md")}
    world.run()
    assert (survivor.etag, {path: path.read_bytes() for path in world.vault.rglob("*.md")}) == (etag, notes)
    edit(world.note("Ada Lovelace"), "role: Analyst", "role: Poet")
    world.run()
    assert world.contact("Ada")["organizations"][0]["title"] == "Poet"


def test_a_token_that_is_a_week_old_costs_one_full_list_and_loses_nothing(world: World) -> None:
    world.write("Ada Lovelace", "email: ada@example.test", "role: Analyst")
    world.write("Grace Hopper", "email: grace@example.test", "role: Admiral")
    world.rest()
    world.google.calls()
    grace, ada = world.found("Grace"), world.found("Ada")
    assert grace is not None
    assert ada is not None
    world.google.book.remove(grace.id)
    world.google.book.edit(ada.id, organizations=[{"title": "Poet"}])
    edit(world.note("Grace Hopper"), "role: Admiral", "role: Commodore")
    world.run(apart=timedelta(days=8))
    # With access that has run out, with a token that is too old, everything anew; and one look at who changed or is missing.
    calls = world.google.calls()
    assert (calls["connections.list"], calls["people.getBatchGet"]) == (3, 1)
    for _ in range(3):
        world.run()
    assert "role: Poet" in world.note("Ada Lovelace").read_text()
    assert "role: Commodore" in world.note("Grace Hopper").read_text()
    assert [each.id for each in world.google.book.living] == [ada.id]


@pytest.mark.parametrize("keeps", [False, True])
@pytest.mark.parametrize("what", [Silence.HANG_UP, answers.internal()])
@pytest.mark.parametrize("count", [1, 3])
def test_a_create_without_an_answer_is_not_repeated_while_lists_may_not_show_it(
    world: World, what: Silence, count: int, *, keeps: bool
) -> None:
    google = world.google.google
    google.unconfirmed.feed_lag, google.unconfirmed.listing_lags_too = timedelta(minutes=4), True
    if keeps:
        world.keep_connector()
    for number in range(count):
        world.write(f"Ada{number} Lovelace", f"email: ada{number}@example.test")
    google.fault("createContact" if count == 1 else "batchCreateContacts", When.AFTER, what)
    seen = [world.run(apart=SOON) for _ in range(14)]
    assert [report.accounts[0].health for report in seen[1:8]] == [Health.AWAY] * 7
    assert len(world.google.book.living) == count
    world.rest()
    assert len(world.google.book.living) == count


def test_a_create_that_was_not_carried_out_is_made_up_for_once_lists_would_show_it(world: World) -> None:
    world.write("Ada Lovelace", "email: ada@example.test")
    world.google.google.fault("createContact", When.BEFORE, Silence.HANG_UP)
    for _ in range(14):
        world.run(apart=SOON)
    assert len(world.google.book.living) == 1


def test_a_feed_that_lags_behind_our_own_writes_and_others_brings_no_old_value_back(world: World) -> None:
    google = world.google.google
    google.unconfirmed.feed_lag = timedelta(minutes=3)
    world.write("Ada Lovelace", "email: ada@example.test", "role: Analyst")
    world.rest()
    for number in range(8):
        edit(
            world.note("Ada Lovelace"),
            f"role: {'Analyst' if not number else f'Poet{number - 1}'}",
            f"role: Poet{number}",
        )
        ada = world.found("Ada")
        assert ada is not None
        world.google.book.edit(ada.id, nicknames=[{"value": f"Nick{number}"}])
        for _ in range(3):
            world.run(apart=SOON)
    world.rest()
    assert world.contact("Ada")["organizations"] == [{"title": "Poet7"}]
    assert world.contact("Ada")["nicknames"] == [{"value": "Nick7"}]
    assert "nickname: Nick7" in world.note("Ada Lovelace").read_text()


def test_a_quota_of_hours_is_asked_once_a_run_and_told(world: World) -> None:
    world.write("Ada Lovelace", "email: ada@example.test")
    world.google.google.fault("", When.BEFORE, answers.long_quota(), 2)
    for _ in range(2):
        report = world.run()
        assert (report.exit_code, report.accounts[0].retry_after_s) == (2, 6 * 3600.0)
    assert sum(world.google.calls().values()) == 2
    world.rest()
    assert len(world.google.book.living) == 1
