"""Programs of others read what a sync leaves in the folders: khard the cards, khal the birthdays and the calendar."""

from collections.abc import Callable
from pathlib import Path

import pytest

from folder_worlds import FolderWorld, Ran, made, run, seen, writable_copy

TESTS = Path(__file__).parent.parent

KHARD = """\
[addressbooks]
[[people]]
path = {contacts}
[general]
default_action = list
editor = true
merge_editor = true
"""

KHAL = """\
[calendars]
[[work]]
path = {calendar}
[[birthdays]]
path = {contacts}
type = birthdays
[locale]
timeformat = %H:%M
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = %Y-%m-%d %H:%M
longdatetimeformat = %Y-%m-%d %H:%M
local_timezone = Europe/Berlin
default_timezone = Europe/Berlin
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> FolderWorld:
    """The sample vault with its calendar, synced once."""
    root = tmp_path_factory.mktemp("sample")
    world = made(root, account=f'calendars = ["{root / "calendar"}"]\nme = ["me@example.test"]')
    writable_copy(TESTS / "sample_vault", world.vault)
    writable_copy(TESTS / "sample_calendar", root / "calendar")
    assert world.sync().code == 0
    return world


Peer = Callable[..., Ran]


@pytest.fixture
def khard(world: FolderWorld, needs_tool: Callable[[str], Path]) -> Peer:
    return _peer(world, needs_tool("khard"), KHARD)


@pytest.fixture
def khal(world: FolderWorld, needs_tool: Callable[[str], Path]) -> Peer:
    return _peer(world, needs_tool("khal"), KHAL)


def _peer(world: FolderWorld, program: Path, settings: str) -> Peer:
    path = world.root / f"{program.name}.conf"
    path.write_text(settings.format(contacts=world.contacts, calendar=world.root / "calendar"))
    return lambda *arguments: run(world.root, program, "-c", path, *arguments)


def test_khard_lists_everybody(khard: Peer) -> None:
    listed = khard("list", "--parsable")
    names = [line.split("\t")[1] for line in listed.said.splitlines()]
    assert (listed.code, names) == (
        0,
        [
            "Ana Lucía Prado",
            "Freya Lindqvist",
            "Jun Watanabe",
            "Mira Castellan",
            "Ngozi Adeyemi",
            "Oona Byrne",
            "Samir Haddad",
            "Tobias Renner",
        ],
    )


def test_khard_shows_what_the_note_says(khard: Peer) -> None:
    shown = khard("show", "Samir")
    told = {line.strip() for line in shown.said.splitlines()}
    assert shown.code == 0
    assert told >= {
        "Name: Samir Haddad",
        "Full name: Samir Haddad",
        "Organisation: Saint Brannoc's Hall",
        "Title: Choir master",
        "voice: +353 1 555 0123",
        "internet: samir@haddad.example.test",
        "home: Galway",
    }


def test_khal_lists_meetings_and_birthdays(khal: Peer) -> None:
    autumn = khal("list", "2026-10-20", "18d")
    spring = khal("list", "2027-04-10", "4d")
    assert (autumn.code, spring.code) == (0, 0)
    assert "Hull drawings" in autumn.said
    assert "CANCELLED 19:00-21:00 Choir evening" in autumn.said
    assert "Samir Haddad's" in autumn.said
    assert "Ngozi Adeyemi's 39th birthday" in spring.said


def test_their_reading_leaves_us_nothing_to_do(world: FolderWorld, khard: Peer, khal: Peer) -> None:
    before, calendar = world.sides(), seen(world.root / "calendar")
    khard("list")
    khal("list", "2026-10-20", "18d")
    assert (world.sync().code, world.sides(), seen(world.root / "calendar")) == (0, before, calendar)
