"""A look at a few notes sees what a look at all would have seen of them, and decides about nobody who is not there."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from daemon import cycle, gather, scan
from daemon.cycle import Look, Sides
from daemon.execute import Execution, never
from daemon.health import Health
from daemon.journal import begin_run
from daemon.report import Report
from daemon.scan import Scanned
from mappings.operation import UpdateRecord
from mappings.record import NotePath
from memory_worlds import HOME, MemoryWorld, clock, made, one_by_one, person

UIDS = {"Ada": "uid-ada", "Grace": "uid-grace", "Mary": "uid-mary"}


@pytest.fixture
def world(tmp_path: Path) -> MemoryWorld:
    """Three people, in step, whose stats are old enough to be believed."""
    world = made(tmp_path)
    for name, uid in UIDS.items():
        world.note(name).write_text(person(name, uid, "role: Analyst"))
        os.utime(world.note(name), ns=(1, 1))
    for _ in range(2):  # The second agrees on what the records say of fields that the notes do not have.
        cycle.sync(world.setup, world.state, clock, lambda _: frozenset({HOME}), one_by_one)
    return world


def whole(world: MemoryWorld) -> Scanned:
    # Later than the ctime is racy.
    return scan.scan(world.setup, world.state, clock() + timedelta(seconds=10))


def partial(world: MemoryWorld, last: Scanned, *names: str) -> Scanned:
    paths = frozenset(world.path(name) for name in names)
    return scan.rescan(world.setup, world.state, last.left, paths, clock() + timedelta(seconds=10))


def remembered(world: MemoryWorld, notes: Scanned) -> Look:
    reports = tuple(gather.unread(account.name, Health.REMEMBERED) for account in world.setup.accounts)
    return cycle.planned(world.setup, world.state, clock(), Sides(notes, reports, ()))


def carried_out(world: MemoryWorld, seen: Look) -> Report:
    with world.state.transaction() as tx:
        run = begin_run(tx, "service", clock())
    job = Execution(world.setup, world.state, run, clock(), never)
    begun = cycle.begun(job, seen)
    one_by_one(list(begun.remote.values()))
    return cycle.finished(job, seen, begun.deeds(), clock())


def test_an_edit_is_seen_and_pushed_without_reading_the_account(world: MemoryWorld) -> None:
    last = whole(world)
    world.note("Ada").write_text(person("Ada", UIDS["Ada"], "role: Countess"))
    seen = remembered(world, partial(world, last, "Ada"))
    assert [type(step) for step in seen.plan.operations] == [UpdateRecord]
    assert carried_out(world, seen).exit_code == 0
    ada = world.in_book(HOME, UIDS["Ada"])
    assert ada is not None
    assert ada.title == "Countess"


def test_a_contact_that_was_changed_meanwhile_is_not_overwritten(world: MemoryWorld) -> None:
    last = whole(world)
    world.note("Ada").write_text(person("Ada", UIDS["Ada"], "role: Countess"))
    world.remote_edit(HOME, UIDS["Ada"], {"title": "Lady", "nickname": "A.A.L."})
    report = carried_out(world, remembered(world, partial(world, last, "Ada")))
    assert report.deeds is not None
    assert len(report.deeds.postponed) == 1
    ada = world.in_book(HOME, UIDS["Ada"])
    assert ada is not None
    assert (ada.title, ada.nickname) == ("Lady", "A.A.L.")


def test_news_are_what_says_something_else(world: MemoryWorld) -> None:
    last = whole(world)
    assert last.news == frozenset()
    assert partial(world, last, "Ada").news == frozenset()
    os.utime(world.note("Ada"))
    assert partial(world, last, "Ada").news == frozenset()
    world.note("Ada").write_text(person("Ada", UIDS["Ada"], "role: Countess"))
    assert partial(world, last, "Ada").news == {world.path("Ada")}
    assert partial(world, last, "Ada").news == frozenset()


def test_whoever_is_not_there_is_nobody_to_decide_about_however_often_one_looks(world: MemoryWorld) -> None:
    last = whole(world)
    world.note("Ada").unlink()
    for _ in range(5):
        last = partial(world, last, "Ada")
        assert not last.absent
        assert last.unreadable_people == {UIDS["Ada"]}
    assert [absent.looks for absent in whole(world).absent.values()] == [1]
    # Looks in between neither add to the misses nor forget them.
    assert not partial(world, last, "Ada").absent
    assert [absent.looks for absent in whole(world).absent.values()] == [2]


def test_a_note_that_was_not_there_stays_unseen_until_it_is_looked_for_again(world: MemoryWorld) -> None:
    last = whole(world)
    world.note("Ada").unlink()
    last = partial(world, last, "Ada")
    # Its row still says what it said; only that it was not there must not be forgotten.
    assert UIDS["Ada"] not in {note.uid for note in partial(world, last, "Mary").notes}


def test_a_moved_note_is_found_where_it_is_now(world: MemoryWorld) -> None:
    last = whole(world)
    world.note("Ada").rename(world.note("Ada Byron"))
    last = partial(world, last, "Ada", "Ada Byron")
    assert {note.uid: note.path for note in last.notes}[UIDS["Ada"]] == world.path("Ada Byron")  # type: ignore[index]
    assert not last.unreadable_people
    assert not whole(world).absent


def test_what_became_nobodys_note_counts_its_looks_only_in_whole_ones(world: MemoryWorld) -> None:
    last = whole(world)
    world.note("Ada").write_text("shopping list\n")
    last = partial(world, last, "Ada")
    assert [absent.looks for absent in whole(world).absent.values()] == [1]
    last = partial(world, whole(world), "Ada")
    assert last.unreadable_people == {UIDS["Ada"]}


@pytest.mark.parametrize("path", [".obsidian/plugin.md", "People/.hidden.md", "People/Ada.md~", "4913", "/etc/Ada.md"])
def test_what_a_listing_would_not_look_at_is_not_looked_at(world: MemoryWorld, path: str) -> None:
    assert world.setup.vault.look_at([NotePath(path)]).notes == ()


def test_a_link_is_not_followed_and_a_folder_is_no_note(world: MemoryWorld, tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text(person("Eve", "uid-eve"))
    world.note("Eve").symlink_to(tmp_path / "secret.md")
    seen = world.setup.vault.look_at([world.path("Eve")])
    assert (seen.notes, len(seen.problems)) == ((), 1)


def test_an_edit_that_bears_an_older_time_is_seen(world: MemoryWorld) -> None:
    """Sync tools set the time of a file to that of another machine, whose clock is another."""
    whole(world)
    world.note("Ada").write_text(person("Ada", UIDS["Ada"], "role: Countess"))
    os.utime(world.note("Ada"), ns=(0, 0))
    assert {note.reading.person.title for note in whole(world).notes} == {"Analyst", "Countess"}
