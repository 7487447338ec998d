"""A connector from elsewhere in which something is wrong: it is named, all others go on, and nothing is lost by it."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from folder_worlds import FolderWorld, Ran, edit, made, person

CONNECTOR = """\
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from connectors.errors import CursorExpired, Gone, Refused, TryLater
from connectors.interface import Written
from connectors.vdir import ContactsFolder
from connectors.vdir_calendar import CalendarFolder

FAULT = Path(__file__).with_name("fault").read_text()
SECRET = "ada@example.test"

if FAULT == "raises while it is imported":
    raise ValueError(SECRET)
if FAULT == "ends the program while it is imported":
    sys.exit(0)
if FAULT == "needs what is not there":
    import no_such_module_anywhere


@dataclass(frozen=True)
class Options:
    folder: Path
    calendar: Path


class Book(ContactsFolder):
    def changes(self, since, known):
        found = super().changes(since, known)
        match FAULT:
            case "raises in changes":
                raise KeyError(SECRET)
            case "an expired cursor that was none":
                raise CursorExpired("too old")
            case "an outcome raised for all":
                raise Gone(None, SECRET)
            case "no change set":
                return {"records": [SECRET]}
            case "a list of records":
                return replace(found, records=list(found.records))
            case "an id that is none":
                return replace(found, removed=(7,))
            case "half a character":
                return replace(found, cursor="\\ud800")
            case "no number of seconds":
                raise TryLater(SECRET, "soon")
        return found

    def update(self, intents):
        if FAULT == "raises before the first write":
            raise KeyError(SECRET)
        outcomes = list(super().update(intents))
        match FAULT:
            case "raises after the writes":
                raise KeyError(SECRET)
            case "raises between two outcomes":
                yield outcomes.pop(0)
                raise KeyError(SECRET)
            case "no outcome for the last":
                outcomes.pop()
            case "outcomes of each other":
                outcomes.reverse()
            case "an outcome too many":
                outcomes.append(outcomes[0])
            case "an outcome that is none":
                outcomes[0] = True
        yield from outcomes


class Diary(CalendarFolder):
    def events(self, window, known):
        found = super().events(window, known)
        match FAULT:
            case "raises in events":
                raise KeyError(SECRET)
            case "no event set":
                return None
            case "an event at no time":
                return replace(found, events=(replace(found.events[0], when=None),), unchanged=frozenset())
        return found


def open_contacts(account, options, tokens):
    match FAULT:
        case "raises while it is opened":
            raise KeyError(SECRET)
        case "no address book":
            return 7
        case "of another account":
            return Book("another", options.folder)
    return Book(account, options.folder)


def open_calendars(account, options, tokens):
    if FAULT == "raises while calendars are opened":
        raise KeyError(SECRET)
    return (Diary(account, "meetings", options.calendar),)


def password_source(options):
    if FAULT == "does not know its password's place":
        raise KeyError(SECRET)
    return None


def signed_in(account, options, tokens):
    if FAULT == "raises when asked who has signed in":
        raise KeyError(SECRET)
    raise TryLater("nobody knows", None)


if FAULT == "opens no contacts":
    del open_contacts
"""

MEETING = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Stranger//EN
BEGIN:VEVENT
UID:tea
DTSTAMP:20260101T000000Z
DTSTART:{start:%Y%m%dT090000Z}
DURATION:PT1H
SUMMARY:Tea
ORGANIZER:mailto:me@example.test
ATTENDEE;PARTSTAT=ACCEPTED:mailto:me@example.test
ATTENDEE;PARTSTAT=ACCEPTED:mailto:ada@example.test
END:VEVENT
END:VCALENDAR
"""
IN_READING = (
    "raises while it is imported", "ends the program while it is imported", "needs what is not there",
    "opens no contacts", "raises while it is opened", "no address book", "of another account", "raises in changes",
    "an expired cursor that was none", "an outcome raised for all", "no change set", "a list of records",
    "an id that is none", "half a character", "no number of seconds",
)  # fmt: skip
IN_CALENDARS = ("raises in events", "no event set", "an event at no time", "raises while calendars are opened")
IN_WRITING = (
    "raises before the first write", "raises after the writes", "raises between two outcomes", "no outcome for the last",
    "outcomes of each other", "an outcome too many", "an outcome that is none",
)  # fmt: skip
PRIVATE = "ada@example.test"

Contactd = Callable[..., Ran]


@dataclass(frozen=True, slots=True)
class Two:
    """Ada and Grace, each with a card in a folder and one at a connector from elsewhere, which has Ada's meeting too."""

    folders: FolderWorld
    contactd: Contactd

    def run(self, fault: str, *command: str) -> Ran:
        """Run a command while this is wrong with the connector, nothing if it is empty."""
        (self.folders.root / "elsewhere" / "fault").write_text(fault)
        sys.modules.pop("faulty", None)
        return self.contactd(*command, "--config", self.folders.config)

    def sync(self, fault: str) -> Ran:
        return self.run(fault, "sync", "--once", "--yes")

    def edit(self, old: str, new: str) -> None:
        for name in ("Ada", "Grace"):
            edit(self.folders.note(name), old, new)

    def titles(self, place: str) -> list[str]:
        """Return the titles on all cards of one of the two places."""
        lines = [line for path in (self.folders.root / place).glob("*.vcf") for line in path.read_text().splitlines()]
        return [line.removeprefix("TITLE:") for line in lines if line.startswith("TITLE:")]


@pytest.fixture
def two(tmp_path: Path, contactd: Contactd, monkeypatch: pytest.MonkeyPatch) -> Two:
    elsewhere, far = tmp_path / "elsewhere", tmp_path / "far"
    for folder in (elsewhere / "faulty-1.dist-info", far, tmp_path / "diary"):
        folder.mkdir(parents=True)
    (elsewhere / "faulty-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: faulty\nVersion: 1\n")
    (elsewhere / "faulty-1.dist-info" / "entry_points.txt").write_text("[contactd.connectors]\nfaulty = faulty\n")
    (elsewhere / "faulty.py").write_text(CONNECTOR)
    monkeypatch.setattr(sys, "path", [str(elsewhere), *sys.path])
    soon = MEETING.format(start=datetime.now(UTC) + timedelta(days=20))
    (tmp_path / "diary" / "tea.ics").write_bytes(soon.replace("\n", "\r\n").encode())
    account = f'connector = "faulty"\nfolder = "{far}"\ncalendar = "{tmp_path}/diary"\nemail = "me@example.test"'
    folders = made(tmp_path, more=f'[accounts.far]\n{account}\nnew_contacts = "all"\n[meetings]\nnext_meeting = true\n')
    folders.note("Ada").write_text(person("Ada", f"email: {PRIVATE}", "role: Analyst"))
    folders.note("Grace").write_text(person("Grace", "role: Analyst"))
    two = Two(folders, contactd)
    two.run("", "init")
    assert two.sync("").code == 0
    assert (two.titles("contacts"), two.titles("far")) == (["Analyst"] * 2, ["Analyst"] * 2)
    assert "next_meeting: " in folders.note("Ada").read_text()
    return two


@pytest.mark.parametrize("fault", [*IN_READING, *IN_CALENDARS])
def test_one_that_cannot_be_read_is_named_and_stops_no_other(two: Two, fault: str) -> None:
    two.edit("role: Analyst", "role: Poet")
    before = two.folders.note("Ada").read_text()
    ran, looked = two.sync(fault), two.run(fault, "doctor")
    assert (ran.code, looked.code) == (2, 2), ran.said
    assert "connector faulty" in ran.said, ran.said
    assert "connector faulty" in looked.said, looked.said
    assert PRIVATE not in ran.said + looked.said
    assert two.titles("contacts") == ["Poet", "Poet"]
    assert two.folders.note("Ada").read_text() == before


@pytest.mark.parametrize("fault", [*IN_READING, *IN_CALENDARS, *IN_WRITING])
def test_once_it_is_mended_all_comes_into_step(two: Two, fault: str) -> None:
    two.edit("role: Analyst", "role: Poet")
    before = two.folders.note("Ada").read_text()
    two.sync(fault)
    mended = two.sync("")
    assert mended.code == 0, mended.said
    assert (two.titles("contacts"), two.titles("far")) == (["Poet"] * 2, ["Poet"] * 2)
    assert two.folders.note("Ada").read_text() == before
    assert two.sync("").said.endswith("All is in step.\n")


@pytest.mark.parametrize("fault", IN_WRITING)
def test_one_that_fails_while_it_writes_is_named_and_stops_no_other(two: Two, fault: str) -> None:
    two.edit("role: Analyst", "role: Poet")
    ran = two.sync(fault)
    assert ran.code == 2, ran.said
    assert "connector faulty, asked to update," in ran.said, ran.said
    assert PRIVATE not in ran.said
    assert two.titles("contacts") == ["Poet", "Poet"]


@pytest.mark.parametrize("command", ["status", "doctor"])
def test_whatever_else_it_is_asked_is_guarded_too(two: Two, command: str) -> None:
    faults = {"status": "raises when asked who has signed in", "doctor": "does not know its password's place"}
    ran = two.run(faults[command], command)
    assert "connector faulty, asked " in ran.said, ran.said
    assert PRIVATE not in ran.said


def test_whoever_signs_in_to_one_that_cannot_be_used_is_told_why(two: Two) -> None:
    ran = two.run("raises while it is imported", "auth", "far")
    reason = "the module of connector faulty cannot be imported: it raised ValueError (faulty.py, line "
    assert (ran.code, reason in ran.said) == (2, True), ran.said


def test_two_packages_with_one_name_are_told_apart_by_nobody(two: Two) -> None:
    rival = two.folders.root / "elsewhere" / "rival-1.dist-info"
    rival.mkdir()
    (rival / "METADATA").write_text("Metadata-Version: 2.1\nName: rival\nVersion: 1\n")
    (rival / "entry_points.txt").write_text("[contactd.connectors]\nfaulty = rival\n")
    ran = two.sync("")
    assert (ran.code, "several modules call themselves connector faulty: faulty, rival" in ran.said) == (2, True)
