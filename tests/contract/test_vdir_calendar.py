"""A folder of .ics files, as it lies on the disk."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors import file_etag, files, registry
from connectors.calendar_interface import Known
from connectors.errors import TryLater
from connectors.files import Plain
from connectors.tokens import open_store
from connectors.vdir import Options, open_calendars
from connectors.vdir_calendar import CalendarFolder
from mappings import vevent
from mappings.event import NO_ATTENDEES, CalendarName, Status, Window, names_nobody
from mappings.record import AccountName
from users import ordinary_user

HOME, WORK = AccountName("home"), CalendarName("work")
NO_TOKENS = open_store(Path("/nowhere"))
YEAR = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), UTC)
TEA = b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:tea\r\nDTSTART:20260503T090000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    work = tmp_path / "work"
    work.mkdir()
    return work


@pytest.fixture
def calendar(folder: Path) -> CalendarFolder:
    return CalendarFolder(HOME, WORK, folder)


def event(uid: str, *lines: str) -> str:
    return "\r\n".join(("BEGIN:VEVENT", f"UID:{uid}", "DTSTART:20260503T090000Z", *lines, "END:VEVENT\r\n"))


def uids(calendar: CalendarFolder) -> list[str]:
    return [event.uid for event in calendar.events(YEAR).events]


def test_a_folder_that_is_not_there_is_an_account_to_try_later(tmp_path: Path) -> None:
    absent = CalendarFolder(HOME, WORK, tmp_path / "absent")
    with pytest.raises(TryLater) as raised:
        absent.events(YEAR)
    cure = "create it, mount it, or correct accounts.home.calendars"
    assert raised.value.reason == f"folder {tmp_path}/absent does not exist: {cure}"


def test_a_folder_that_is_a_file_is_an_account_to_try_later(tmp_path: Path) -> None:
    (tmp_path / "work").write_bytes(TEA)
    with pytest.raises(TryLater, match="Not a directory"):
        CalendarFolder(HOME, WORK, tmp_path / "work").events(YEAR)


def test_a_folder_that_went_away_is_not_an_empty_calendar(folder: Path, calendar: CalendarFolder) -> None:
    (folder / "tea.ics").write_bytes(TEA)
    assert uids(calendar) == ["tea"]
    folder.rename(folder.parent / "elsewhere")
    with pytest.raises(TryLater):
        calendar.events(YEAR)


def test_only_files_of_events_are_looked_at(folder: Path, calendar: CalendarFolder) -> None:
    for name in (".tea.ics", "tea.ics~", "tea.ics.tmp", "tea.vcf", "color", "displayname"):
        (folder / name).write_bytes(TEA)
    (folder / "old.ics").mkdir()
    (folder / "CAKE.ICS").write_bytes(TEA)
    found = calendar.events(YEAR)
    assert [each.source for each in found.events] == ["CAKE.ICS"]
    assert (found.unreadable, found.listed, found.complete) == ((), 1, True)


def test_what_is_no_plain_file_is_told(folder: Path, calendar: CalendarFolder) -> None:
    (folder.parent / "outside").write_bytes(TEA)
    (folder / "link.ics").symlink_to(folder.parent / "outside")
    os.mkfifo(folder / "fifo.ics")
    (folder / "tea.sync-conflict-20261123-101010-ABCDEFG.ics").write_bytes(TEA)
    (folder / "empty.ics").write_bytes(b"")
    (folder / "half.ics").write_bytes(TEA[:60])
    (folder / "large.ics").write_bytes(b"x" * ((16 << 20) + 1))
    (folder / os.fsdecode(b"caf\xe9.ics")).write_bytes(TEA)
    found = calendar.events(YEAR)
    assert {each.source: (each.line, each.reason) for each in found.unreadable} == {
        "link.ics": (None, "is a symbolic link"),
        "fifo.ics": (None, "is not a file"),
        "tea.sync-conflict-20261123-101010-ABCDEFG.ics": (
            None,
            "a conflict copy that a file synchroniser made; merge or remove it",
        ),
        "empty.ics": (None, "empty; perhaps it is just being written"),
        "half.ics": (4, "END:VCALENDAR is missing; perhaps it is just being written"),
        "large.ics": (None, "is larger than 16 MiB"),
    }
    assert [each.source for each in found.events] == ["caf\\xe9.ics"]
    assert (found.listed, found.complete) == (7, True)


def test_a_file_that_may_not_be_read_is_told(open_folder: Path) -> None:
    (open_folder / "tea.ics").write_bytes(TEA)
    (open_folder / "tea.ics").chmod(0)
    calendar = CalendarFolder(HOME, WORK, open_folder)
    with ordinary_user():
        found = calendar.events(YEAR)
    assert [each.reason for each in found.unreadable] == ["Permission denied"]


def test_an_exported_file_holds_many_events_and_one_that_is_broken_stops_none(
    folder: Path, calendar: CalendarFolder
) -> None:
    bodies = event("tea") + event("cake", "RRULE:FREQ=SECONDLY") + event("wine", "RRULE:FREQ=DAILY;COUNT=3")
    (folder / "export.ics").write_bytes(f"BEGIN:VCALENDAR\r\n{bodies}END:VCALENDAR\r\n".encode())
    found = calendar.events(YEAR)
    assert [each.uid for each in found.events] == ["tea", "wine", "wine", "wine"]
    assert [(each.source, each.line) for each in found.unreadable] == [("export.ics", 6)]
    assert {each.source for each in found.events} == {"export.ics"}


def test_a_known_file_is_sent_again_only_when_its_content_is_another(folder: Path, calendar: CalendarFolder) -> None:
    tea = folder / "tea.ics"
    tea.write_bytes(TEA)
    known = Known(calendar.events(YEAR).etags, None)
    tea.write_bytes(TEA)
    os.utime(tea, (1, 1))
    again = calendar.events(YEAR, known)
    assert (again.events, set(again.unchanged)) == ((), {"tea.ics"})
    tea.write_bytes(TEA.replace(b"UID:tea", b"UID:cup"))
    after = calendar.events(YEAR, Known(again.etags, None))
    assert ([event.uid for event in after.events], after.unchanged) == (["cup"], frozenset())


def test_a_known_file_that_the_file_system_says_is_the_same_is_not_even_read(
    folder: Path, calendar: CalendarFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "tea.ics").write_bytes(TEA)
    # As if it had been written long ago.
    monkeypatch.setattr(file_etag, "RACY_NS", 0)
    known = Known(calendar.events(YEAR).etags, None)

    def unreadable(folder_fd: int, name: str) -> Plain:
        raise AssertionError((folder_fd, name))

    monkeypatch.setattr(files, "read", unreadable)
    assert calendar.events(YEAR, known).unchanged == {"tea.ics"}


def test_a_file_with_an_event_that_is_broken_is_told_of_in_every_read(folder: Path, calendar: CalendarFolder) -> None:
    bodies = event("tea") + event("cake", "RRULE:FREQ=SECONDLY")
    (folder / "export.ics").write_bytes(f"BEGIN:VCALENDAR\r\n{bodies}END:VCALENDAR\r\n".encode())
    first = calendar.events(YEAR)
    again = calendar.events(YEAR, Known(first.etags, None))
    assert (len(first.unreadable), again.unreadable, again.events) == (1, first.unreadable, first.events)


def test_calendars_that_are_as_they_were_are_read_without_a_library_for_them(folder: Path) -> None:
    (folder / "tea.ics").write_bytes(TEA)
    program = (
        "import sys; from datetime import UTC, datetime; from pathlib import Path;"
        "from connectors.calendar_interface import Known; from connectors.vdir_calendar import CalendarFolder;"
        "from mappings.event import Window; from connectors.file_etag import hash_of;"
        "year = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), UTC);"
        "folder = Path(sys.argv[1]); known = Known({'tea.ics': hash_of((folder / 'tea.ics').read_bytes())}, None);"
        "assert CalendarFolder('home', 'work', folder).events(year, known).unchanged == {'tea.ics'};"
        "print([name for name in sys.modules if name.startswith(('icalendar', 'dateutil', 'recurring'))])"
    )
    said = subprocess.run([sys.executable, "-c", program, folder], check=True, capture_output=True, text=True)
    assert said.stdout == "[]\n"


def test_a_folder_that_changes_while_it_is_read_is_not_read_completely(
    folder: Path, calendar: CalendarFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "tea.ics").write_bytes(TEA)
    (folder / "cake.ics").write_bytes(TEA)
    parse = vevent.parse

    def disturbed(text: str) -> vevent.Parsed:
        (folder / "tea.ics").unlink(missing_ok=True)
        return parse(text)

    monkeypatch.setattr(vevent, "parse", disturbed)
    found = calendar.events(YEAR)
    assert ([each.source for each in found.events], found.complete) == (["cake.ics"], False)
    assert calendar.events(YEAR).complete


def test_a_feed_without_attendees_cannot_tell_whom_its_owner_met(folder: Path, calendar: CalendarFolder) -> None:
    (folder / "tea.ics").write_bytes(TEA)
    assert names_nobody(calendar.events(YEAR).events)
    assert NO_ATTENDEES == "this calendar has no attendees, so it cannot tell whom you met"


def test_the_sample_calendar_is_read(folder: Path) -> None:
    sample = CalendarFolder(HOME, WORK, Path(__file__).parent.parent / "sample_calendar")
    del folder
    found = sample.events(YEAR)
    assert (found.unreadable, found.listed, found.complete) == ((), 3, True)
    # Every Tuesday from 6 January to 29 December 2026 is 52, and two that do not repeat.
    assert len(found.events) == 54
    assert [event.title for event in found.events if event.status is Status.CANCELLED] == ["Choir evening"]


def test_calendars_are_named_by_their_folders(tmp_path: Path) -> None:
    ours, theirs, trips = tmp_path / "ours" / "work", tmp_path / "theirs" / "work", tmp_path / "trips"
    opened = open_calendars(HOME, Options(calendars=(ours, theirs, trips)), NO_TOKENS)
    assert [(each.account, each.name) for each in opened] == [(HOME, str(ours)), (HOME, str(theirs)), (HOME, "trips")]
    assert open_calendars(HOME, Options(), NO_TOKENS) == ()


def test_the_registry_opens_calendars_of_connectors_that_have_some(tmp_path: Path) -> None:
    (calendar,) = registry.connector("vdir").open_calendars(HOME, Options(calendars=(tmp_path / "work",)), NO_TOKENS)
    assert calendar.name == "work"


def test_an_account_without_calendars_imports_nothing_to_read_them() -> None:
    program = (
        "import sys; from connectors import registry; vdir = registry.connector('vdir');"
        "vdir.open_calendars('home', vdir.options(), None);"
        "print([name for name in sys.modules if name.startswith(('icalendar', 'dateutil', 'recurring'))])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
