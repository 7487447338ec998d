"""The emulator of Graph is judged by a client that nobody here wrote: vdirsyncer-graph syncs contacts and a calendar."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from conftest import NeedsTool
from emulators.graph.server import served
from emulators.graph.service import Service
from emulators.graph.wire import answers
from folder_worlds import Ran, card, run

START = datetime(2026, 5, 3, 9, tzinfo=UTC)
CARD_EDITED = b"TITLE:Countess"

# The address of the service stands in the program; a test hook is its own only for the token.
DRIVER = """\
import sys
import vdirsyncer_graph.client
vdirsyncer_graph.client.GRAPH = sys.argv.pop(1)
from vdirsyncer_graph.cli import main
main()
"""

CONFIG = """\
[general]
status_path = "{root}/status/"
[pair people]
a = "folder"
b = "outlook"
collections = [["people", "people", "contacts"]]
[storage folder]
type = "filesystem"
path = "{root}/cards/"
fileext = ".vcf"
[storage outlook]
type = "graph_contacts"
client_id = "c"
token_file = "{root}/token"
cache_dir = "{root}/cache"
[pair diary]
a = "diary_folder"
b = "diary_outlook"
collections = [["work", "work", "Calendar"]]
[storage diary_folder]
type = "filesystem"
path = "{root}/events/"
fileext = ".ics"
[storage diary_outlook]
type = "graph_calendar"
client_id = "c"
token_file = "{root}/token"
cache_dir = "{root}/cache"
"""

EVENT = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Stranger//EN
BEGIN:VEVENT
UID:tea
DTSTAMP:20260101T000000Z
DTSTART:20260503T150000Z
DTEND:20260503T160000Z
SUMMARY:Cake
END:VEVENT
END:VCALENDAR
"""


@dataclass
class World:
    """A mailbox, folders of cards and events, and vdirsyncer between them."""

    service: Service
    base: str
    root: Path
    python: Path

    @property
    def cards(self) -> Path:
        return self.root / "cards" / "people"

    @property
    def events(self) -> Path:
        return self.root / "events" / "work"

    def vdirsyncer(self, *arguments: str) -> Ran:
        program: list[str | Path] = [self.python, "-c", DRIVER, self.base, "-c", self.root / "config"]
        environment = {"GRAPH_ACCESS_TOKEN": "t"}
        return run(self.root, *program, *arguments, answers="y\n" * 9, **environment)

    def sync(self) -> None:
        ran = self.vdirsyncer("sync")
        assert ran.code == 0, ran.said
        assert self.service.violations == []


@pytest.fixture
def world(tmp_path: Path, needs_tool: NeedsTool) -> Iterator[World]:
    python = needs_tool("vdirsyncer-graph").with_name("python")
    (tmp_path / "config").write_text(CONFIG.format(root=tmp_path))
    service = Service()
    with served(service) as base:
        world = World(service, base, tmp_path, python)
        for folder in (world.cards, world.events):
            folder.mkdir(parents=True)
        ran = world.vdirsyncer("discover")
        assert ran.code == 0, ran.said
        yield world


def titles(world: World) -> dict[str, str]:
    return {one.properties["displayName"]: one.properties["jobTitle"] for one in world.service.contacts.live()}


def test_contacts_travel_both_ways_and_an_edit_and_a_deletion_follow(world: World) -> None:
    ada = world.service.contacts.add(
        displayName="Ada Lovelace", givenName="Ada", surname="Lovelace", jobTitle="Analyst"
    )
    (world.cards / "grace.vcf").write_bytes(card("Grace Hopper", "TITLE:Admiral", uid="grace").encode())
    world.sync()
    assert titles(world) == {"Ada Lovelace": "Analyst", "Grace Hopper": "Admiral"}
    cards = {path.name: path.read_bytes() for path in world.cards.glob("*.vcf")}
    assert sum(b"FN:Ada Lovelace" in text for text in cards.values()) == 1
    # What is made and removed between two rounds is in neither: it has to be seen first.
    world.sync()
    world.service.contacts.edit(ada, jobTitle="Countess")
    grace = next(one for one in world.service.contacts.live() if one.properties["displayName"] == "Grace Hopper")
    world.service.contacts.remove(grace.immutable_id)
    world.sync()
    (left,) = world.cards.glob("*.vcf")
    assert CARD_EDITED in left.read_bytes()
    before = world.service.counters.writes
    world.sync()
    assert world.service.counters.writes == before


def test_a_worn_out_link_and_a_busy_service_stop_it_not(world: World) -> None:
    world.service.contacts.add(displayName="Ada Lovelace")
    world.sync()
    world.service.contacts.add(displayName="Grace Hopper")
    world.service.contacts.expire_links()
    world.service.plan(answers(429, "ApplicationThrottled", Retry_After="1"))
    world.sync()
    assert len(list(world.cards.glob("*.vcf"))) == 2


def test_a_calendar_travels_both_ways(world: World) -> None:
    world.service.calendars.add(START, START + timedelta(hours=1), subject="Tea")
    (world.events / "cake.ics").write_bytes(EVENT.replace("\n", "\r\n").encode())
    world.sync()
    assert sorted(one["subject"] for one in world.service.calendars.events.values()) == ["Cake", "Tea"]
    texts = [path.read_text() for path in world.events.glob("*.ics")]
    assert sorted("SUMMARY:Tea" in text for text in texts) == [False, True]
    assert json.dumps(texts).count("DTSTART") == 2
