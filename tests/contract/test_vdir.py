"""A folder of .vcf files, as it lies on the disk."""

import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from connectors import files
from connectors.errors import Gone, PreconditionFailed, Refused, TryLater
from connectors.interface import ChangeSet, Deleted, Written
from connectors.tokens import open_store
from connectors.vdir import ContactsFolder, Options, open_contacts
from mappings.operation import Agreed, Change, CreateRecord, DeleteRecord, UpdateRecord
from mappings.person import Uid
from mappings.record import AccountName, Etag, Reading, Record, RemoteId
from worlds import person

HOME = AccountName("home")
NO_TOKENS = open_store(Path("/nowhere"))
UID = Uid("7c5c1a52-1d5e-5d0a-9d8f-4f2f6d1f1a11")
ADA = RemoteId("ada.vcf")
CARD = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ada Lovelace\r\nTITLE:Analyst\r\nNOTE:engine\r\nEND:VCARD\r\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    people = tmp_path / "people"
    people.mkdir()
    return people


@pytest.fixture
def contacts(folder: Path) -> ContactsFolder:
    return ContactsFolder(HOME, folder)


def the_record(contacts: ContactsFolder, remote_id: RemoteId = ADA) -> Record:
    (record,) = contacts.read([remote_id])
    assert isinstance(record, Record)
    return record


def a_title(record: Record, title: str) -> UpdateRecord:
    change = Change("title", record.person.title, title, ("note",))
    return UpdateRecord(HOME, UID, record.remote_id, record.etag, (change,), insert_uid=False, agreed=Agreed(HOME, {}))


def a_creation(uid: Uid) -> CreateRecord:
    return CreateRecord(HOME, uid, person({"name": "Grace Hopper"}), Agreed(HOME, {}))


def a_deletion(record: Record) -> DeleteRecord:
    return DeleteRecord(HOME, UID, record.remote_id, record.etag)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_folder_that_is_not_there_is_an_account_to_try_later(tmp_path: Path) -> None:
    absent = ContactsFolder(HOME, tmp_path / "absent")
    reason = f"folder {tmp_path}/absent does not exist: create it, mount it, or correct accounts.home.contacts"
    for verb in (
        lambda: absent.changes(None, {ADA: Etag("1")}),
        lambda: list(absent.read([ADA])),
        lambda: list(absent.create([a_creation(UID)])),
        lambda: list(absent.delete([DeleteRecord(HOME, UID, ADA, Etag("1"))])),
    ):
        with pytest.raises(TryLater) as raised:
            verb()
        assert raised.value.reason == reason


def test_a_folder_that_is_a_file_is_an_account_to_try_later(tmp_path: Path) -> None:
    (tmp_path / "people").write_bytes(b"")
    with pytest.raises(TryLater, match="Not a directory"):
        ContactsFolder(HOME, tmp_path / "people").changes(None, {})


def test_only_files_of_cards_are_looked_at(folder: Path, contacts: ContactsFolder) -> None:
    for name in (".ada.vcf", "ada.vcf~", "ada.vcf.tmp", "ada.tmp", "ada.vcf.bak", "#ada.vcf#", "color", "notes.txt"):
        (folder / name).write_bytes(CARD)
    (folder / ".contactd-0123456789abcdef0123456789abcdef.tmp").write_bytes(CARD)
    (folder / "old.vcf").mkdir()
    (folder / "old.vcf" / "ada.vcf").write_bytes(CARD)
    (folder / "GRACE.VCF").write_bytes(CARD)
    changes = contacts.changes(None, {})
    assert [record.remote_id for record in changes.records] == ["GRACE.VCF"]
    assert (changes.unreadable, changes.listed) == ((), 1)


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b"", None, "empty; perhaps it is just being written"),
        (b"\n\n", 1, "one card was expected, not 0"),
        (CARD * 4, None, "holds 4 cards; one per file is what other programs read too"),
        (CARD.replace(b"Ada", b"Ad\xe9"), 3, "not UTF-8"),
        (CARD.removesuffix(b"END:VCARD\r\n"), 6, "END:VCARD is missing"),
        (b"x" * ((16 << 20) + 1), None, "is larger than 16 MiB"),
    ],
)
def test_a_file_that_is_not_one_card_is_told_with_its_line(
    folder: Path, contacts: ContactsFolder, content: bytes, line: int | None, reason: str
) -> None:
    (folder / ADA).write_bytes(content)
    changes = contacts.changes(None, {ADA: Etag("before")})
    assert [(each.remote_id, each.line, each.reason) for each in changes.unreadable] == [(ADA, line, reason)]
    assert (changes.records, changes.removed, changes.listed) == ((), (), 1)


def test_what_is_no_plain_file_is_told_and_never_written_through(folder: Path, contacts: ContactsFolder) -> None:
    outside = folder.parent / "outside"
    outside.write_bytes(CARD)
    (folder / "link.vcf").symlink_to(outside)
    (folder / "dangling.vcf").symlink_to("nowhere")
    os.mkfifo(folder / "fifo.vcf")
    (folder / "ada.sync-conflict-20261123-101010-ABCDEFG.vcf").write_bytes(CARD)
    (folder / os.fsdecode(b"caf\xe9.vcf")).write_bytes(CARD)
    assert {each.remote_id: each.reason for each in contacts.changes(None, {}).unreadable} == {
        "link.vcf": "is a symbolic link",
        "dangling.vcf": "is a symbolic link",
        "fifo.vcf": "is not a file",
        "ada.sync-conflict-20261123-101010-ABCDEFG.vcf": "a conflict copy that a file synchroniser made; merge or remove it",
        "caf\\xe9.vcf": "its name is not UTF-8; rename the file",
    }
    record = Record(RemoteId("link.vcf"), Etag(""), the_reading(folder, contacts))
    (outcome,) = contacts.update([a_title(record, "Countess")])
    assert isinstance(outcome, Refused)
    assert outside.read_bytes() == CARD


def the_reading(folder: Path, contacts: ContactsFolder) -> Reading:
    (folder / ADA).write_bytes(CARD)
    return the_record(contacts).reading


def test_an_update_changes_the_bytes_of_its_line_and_keeps_the_file_what_it_was(
    folder: Path, contacts: ContactsFolder
) -> None:
    path = folder / ADA
    path.write_bytes(b"\xef\xbb\xbf" + CARD.replace(b"\r\n", b"\n") + b"\n\n")
    path.chmod(0o640)
    os.setxattr(path, "user.origin", b"phone")
    inode = path.stat().st_ino
    (outcome,) = contacts.update([a_title(the_record(contacts), "Countess")])
    assert isinstance(outcome, Written)
    assert (
        path.read_bytes() == b"\xef\xbb\xbf" + CARD.replace(b"\r\n", b"\n").replace(b"Analyst", b"Countess") + b"\n\n"
    )
    assert (path.stat().st_mode & 0o7777, os.getxattr(path, "user.origin")) == (0o640, b"phone")
    assert path.stat().st_ino != inode
    assert names(folder) == {ADA}
    assert (outcome.before, outcome.after.encode()) == (
        (b"\xef\xbb\xbf" + CARD.replace(b"\r\n", b"\n") + b"\n\n").decode(),
        path.read_bytes(),
    )


def test_an_update_to_what_the_card_says_already_writes_nothing(folder: Path, contacts: ContactsFolder) -> None:
    (folder / ADA).write_bytes(CARD)
    before = (folder / ADA).stat()
    (outcome,) = contacts.update([a_title(the_record(contacts), "Analyst")])
    assert isinstance(outcome, Written)
    assert (folder / ADA).stat() == before


def test_a_file_with_a_second_name_is_not_replaced(folder: Path, contacts: ContactsFolder) -> None:
    (folder / ADA).write_bytes(CARD)
    (folder.parent / "other").hardlink_to(folder / ADA)
    (outcome,) = contacts.update([a_title(the_record(contacts), "Countess")])
    assert isinstance(outcome, Refused)
    assert (folder / ADA).read_bytes() == CARD
    assert names(folder) == {ADA}


@pytest.mark.parametrize("uid", [UID, "ada@example.test", "A.1_b+c"])
def test_a_new_card_is_named_by_its_uid(folder: Path, contacts: ContactsFolder, uid: str) -> None:
    (outcome,) = contacts.create([a_creation(Uid(uid))])
    assert isinstance(outcome, Written)
    assert (names(folder), outcome.record.remote_id) == ({f"{uid}.vcf"}, f"{uid}.vcf")


@pytest.mark.parametrize("uid", ["../../escape", ".hidden", "urn:uuid:1", "a/b", "-rf", "a" * 201, "Zoë"])
def test_a_uid_that_is_no_safe_name_is_hashed(folder: Path, contacts: ContactsFolder, uid: str) -> None:
    for _ in range(2):
        (outcome,) = contacts.create([a_creation(Uid(uid))])
        assert isinstance(outcome, Written)
        assert outcome.record.uid == uid
    (name,) = names(folder)
    assert re.fullmatch(r"[0-9a-f]{32}\.vcf", name)
    assert names(folder.parent) == {"people"}


@pytest.mark.parametrize("content", [CARD, b"", b"half a ca"])
def test_a_strangers_file_in_the_place_of_a_new_card_is_not_touched(
    folder: Path, contacts: ContactsFolder, content: bytes
) -> None:
    (folder / f"{UID}.vcf").write_bytes(content)
    (outcome,) = contacts.create([a_creation(UID)])
    assert isinstance(outcome, Refused)
    assert (folder / f"{UID}.vcf").read_bytes() == content
    assert names(folder) == {f"{UID}.vcf"}


def test_an_id_that_leads_out_of_the_folder_is_not_there(folder: Path, contacts: ContactsFolder) -> None:
    (folder.parent / "outside.vcf").write_bytes(CARD)
    for remote_id in map(RemoteId, ("../outside.vcf", str(folder.parent / "outside.vcf"), "..", "", "ada\0.vcf")):
        (found,) = contacts.read([remote_id])
        assert isinstance(found, Gone)
        (deleted,) = contacts.delete([DeleteRecord(HOME, UID, remote_id, Etag("1"))])
        assert isinstance(deleted, Gone)
    assert (folder.parent / "outside.vcf").read_bytes() == CARD


def test_a_file_system_without_exchange_is_written_after_one_more_comparison(
    folder: Path, contacts: ContactsFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The kernel itself says no to flags that it does not know.
    monkeypatch.setattr("connectors.exchange._RENAME_EXCHANGE", 1 << 30)
    monkeypatch.setattr("connectors.exchange._RENAME_NOREPLACE", 1 << 30)
    (created,) = contacts.create([a_creation(UID)])
    assert isinstance(created, Written)
    (updated,) = contacts.update([a_title(created.record, "Countess")])
    assert isinstance(updated, Written)
    (stale,) = contacts.update([a_title(created.record, "Poet")])
    assert isinstance(stale, PreconditionFailed)
    (deleted,) = contacts.delete([a_deletion(updated.record)])
    assert isinstance(deleted, Deleted)
    assert names(folder) == set()


def test_what_a_crash_left_behind_is_kept_a_day(folder: Path) -> None:
    spare = folder / ".contactd-0123456789abcdef0123456789abcdef.tmp"
    spare.write_bytes(CARD)
    (folder / ".stranger.tmp").write_bytes(CARD)
    with files.opened(folder) as folder_fd:
        files.sweep(folder_fd, time.time() + files.SPARE_KEPT_S - 60)
        assert names(folder) == {spare.name, ".stranger.tmp"}
        files.sweep(folder_fd, time.time() + files.SPARE_KEPT_S + 60)
    assert names(folder) == {".stranger.tmp"}


def test_a_file_is_trusted_by_its_status_once_that_is_two_seconds_old(folder: Path, contacts: ContactsFolder) -> None:
    cards = [folder / f"{number:03}.vcf" for number in range(1000)]
    for card in cards:
        card.write_bytes(CARD)
    young = known_from(contacts.changes(None, {}))
    time.sleep(2.1)
    with opened_files() as opened:
        settled = contacts.changes(None, young)
    assert len(opened) == len(settled.records) == 1000
    known = known_from(settled)
    with opened_files() as opened:
        unchanged = contacts.changes(None, known)
    assert (opened, unchanged.records, unchanged.removed, unchanged.listed) == ([], (), (), 1000)
    # Same size, and the old time set by force: only the change time tells.
    before = cards[7].stat()
    cards[7].write_bytes(CARD.replace(b"Analyst", b"Engine!"))
    os.utime(cards[7], ns=(before.st_atime_ns, before.st_mtime_ns))
    with opened_files() as opened:
        (record,) = contacts.changes(None, known).records
    assert (opened, record.person.title) == (["007.vcf"], "Engine!")


def known_from(changes: ChangeSet) -> dict[RemoteId, Etag]:
    return {record.remote_id: record.etag for record in changes.records}


_opened: list[str] | None = None


def _note_opened(event: str, arguments: tuple[object, ...]) -> None:
    if _opened is not None and event == "open" and str(arguments[0]).endswith(".vcf"):
        _opened.append(str(arguments[0]))


sys.addaudithook(_note_opened)


@contextmanager
def opened_files() -> Generator[list[str]]:
    """Collect the names of all .vcf files that this process opens."""
    global _opened  # noqa: PLW0603  # an audit hook stays for ever; only what it writes to can be taken away
    _opened = collected = list[str]()
    try:
        yield collected
    finally:
        _opened = None


STRANGER = """
import os, random, sys, time
path, pattern = sys.argv[1:]
for line in sys.stdin:
    token, delay = line.split()
    card = open(path, "rb").read().replace(b"NOTE:", b"NOTE:" + token.encode() + b" ")
    print("ready", flush=True)
    end = time.perf_counter() + float(delay)
    while time.perf_counter() < end:
        pass
    if pattern == "rename":
        with open(path + ".tmp", "wb") as new:
            new.write(card)
        os.replace(path + ".tmp", path)
    else:
        with open(path, "wb", buffering=0) as new:
            new.write(card[:20])
            if pattern == "slow":
                time.sleep(0.002)
            new.write(card[20:])
    print("saved", flush=True)
"""
"""Reads a card, adds a word to its note, and saves it in one of the ways that programs do."""

TRIALS = 120


def update_it(contacts: ContactsFolder, record: Record) -> object:
    return next(contacts.update([a_title(record, "Countess")]))


def delete_it(contacts: ContactsFolder, record: Record) -> object:
    return next(contacts.delete([a_deletion(record)]))


@pytest.mark.parametrize("pattern", ["rename", "in place", "slow"])
@pytest.mark.parametrize("write", [update_it, delete_it])
def test_a_stranger_who_saves_at_the_same_instant_loses_nothing(
    folder: Path, contacts: ContactsFolder, write: Callable[[ContactsFolder, Record], object], pattern: str
) -> None:
    path = folder / ADA
    randomness = random.Random(7)  # noqa: S311  # for spreading trials
    outcomes = set[str]()
    with stranger(path, pattern) as save:
        for trial in range(TRIALS):
            path.write_bytes(CARD)
            record = the_record(contacts)
            wait_until_saved = save(f"word{trial}", randomness.uniform(0, 0.003))
            outcome = write(contacts, record)
            wait_until_saved()
            assert f"word{trial} ".encode() in path.read_bytes(), f"trial {trial}: {outcome}"
            outcomes.add(type(outcome).__name__)
    assert names(folder) == {ADA}
    assert outcomes <= {"Written", "Deleted", "PreconditionFailed"}


@contextmanager
def stranger(path: Path, pattern: str) -> Generator[Callable[[str, float], Callable[[], None]]]:
    """Start a stranger; a call sets off one save, and what it returns waits until it is done."""
    command = [sys.executable, "-c", STRANGER, str(path), pattern]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        talk_in, talk_out = process.stdin, process.stdout
        assert talk_in
        assert talk_out

        def hear(expected: str) -> None:
            assert talk_out.readline() == f"{expected}\n"

        def save(token: str, delay_s: float) -> Callable[[], None]:
            talk_in.write(f"{token} {delay_s}\n")
            hear("ready")
            return lambda: hear("saved")

        yield save
        talk_in.close()


def test_options_take_folders_that_mean_the_same_everywhere(tmp_path: Path) -> None:
    contacts = open_contacts(HOME, Options(contacts=tmp_path, calendars=(tmp_path / "work",)), NO_TOKENS)
    assert isinstance(contacts, ContactsFolder)
    assert contacts.account == HOME
    assert open_contacts(HOME, Options(calendars=(tmp_path,)), NO_TOKENS) is None
    with pytest.raises(ValueError, match="people must begin with / or ~/"):
        Options(contacts=Path("people"))
