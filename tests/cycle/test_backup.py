"""Backup and restore: one private file that is whole, and an old state that believes nothing but its links."""

import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.interface import ChangeSet, Cursor
from daemon import journal, links, records
from daemon.backup import backup, restore
from daemon.database import opened
from daemon.errors import StateError
from daemon.schema import MIGRATIONS
from daemon.state import State, get_meta, set_meta
from mappings.operation import DeleteRecord
from mappings.person import Uid
from mappings.record import AccountName, Etag, Reading, Record, RemoteId
from worlds import person

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOME = AccountName("home")
ADA = Uid("ada")


def fill(folder: Path, name: str) -> None:
    """Link Ada in the state of a folder, with a base that holds this name, a cursor, a miss and an open intent."""
    record = Record(RemoteId("ada.vcf"), Etag("1"), Reading(ADA, person({"name": name}), {}))
    with closing(State.open(folder, NOW)) as state, state.transaction() as tx:
        links.remove_link(tx, HOME, ADA)
        links.add_link(tx, HOME, ADA, RemoteId("ada.vcf"))
        links.agree(tx, HOME, ADA, {"name": name})
        records.store_change_set(tx, HOME, ChangeSet((record,), (), (), None, True, 1), NOW)
        missed = ChangeSet((), (RemoteId("ada.vcf"),), (), Cursor("c"), False, 0)
        records.store_change_set(tx, HOME, missed, NOW)
        set_meta(tx, "filled with", name)
        run = journal.begin_run(tx, "sync", NOW)
        journal.intend(tx, run, [DeleteRecord(HOME, ADA, RemoteId("ada.vcf"), Etag("1"))], NOW)


def name_in(folder: Path) -> object:
    with closing(State.open(folder, NOW)) as state:
        return get_meta(state, "filled with")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    fill(folder, "old")
    (folder / "machine-id").write_text("m1\n")
    return folder


def test_a_backup_brings_links_back_and_nothing_else_is_believed(home: Path, tmp_path: Path) -> None:
    backup(home, tmp_path / "copy", NOW)
    fill(home, "new")
    restore(tmp_path / "copy", home, NOW)
    assert name_in(home) == "old"
    with closing(State.open(home, NOW)) as state:
        assert [(link.uid, link.base) for link in links.links(state)] == [(ADA, {})]
        assert records.account_row(state, HOME).recovering
        assert records.account_row(state, HOME).cursor is None
        assert records.known(state, HOME) == {}
        readable, _, missing = records.records(state, HOME)
        assert (set(readable), missing) == ({"ada.vcf"}, {})
        assert journal.unfinished(state) == ()


def test_a_backup_is_the_owners_alone_and_one_file(home: Path, tmp_path: Path) -> None:
    target = tmp_path / "there" / "copy"
    target.parent.mkdir()
    backup(home, target, NOW)
    assert [path.name for path in target.parent.iterdir()] == ["copy"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_backup_while_the_state_is_in_use_has_what_was_committed(home: Path, tmp_path: Path) -> None:
    with closing(State.open(home, NOW)) as state:
        with state.transaction() as tx:
            set_meta(tx, "filled with", "committed")
        with state.transaction() as tx:
            set_meta(tx, "filled with", "not yet")
            backup(home, tmp_path / "copy", NOW)
    restore(tmp_path / "copy", tmp_path / "other", NOW)
    assert name_in(tmp_path / "other") == "committed"


def test_a_backup_overwrites_nothing(home: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").write_text("precious")
    with pytest.raises(StateError, match="File exists"):
        backup(home, tmp_path / "copy", NOW)
    assert (tmp_path / "copy").read_text() == "precious"


def test_there_is_nothing_to_back_up_without_a_state_and_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="no state"):
        backup(tmp_path / "nowhere", tmp_path / "copy", NOW)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_state_is_not_backed_up(home: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(home / "state.db")) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'links'").fetchone()
    with (home / "state.db").open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(bytes(4096))
    with pytest.raises(StateError, match="damaged"):
        backup(home, tmp_path / "copy", NOW)
    assert not (tmp_path / "copy").exists()


def test_the_machine_comes_back_with_a_lost_state_home_but_never_replaces_another(home: Path, tmp_path: Path) -> None:
    backup(home, tmp_path / "copy", NOW)
    other = tmp_path / "other"
    restore(tmp_path / "copy", other, NOW)
    assert (other / "machine-id").read_text() == "m1\n"
    assert stat.S_IMODE((other / "machine-id").stat().st_mode) == 0o600
    (other / "machine-id").write_text("m2\n")
    restore(tmp_path / "copy", other, NOW + timedelta(seconds=1))
    assert (other / "machine-id").read_text() == "m2\n"


def test_what_is_replaced_is_kept_and_can_be_brought_back(home: Path, tmp_path: Path) -> None:
    backup(home, tmp_path / "copy", NOW)
    fill(home, "new")
    restore(tmp_path / "copy", home, NOW)
    (replaced,) = (home / "backups").iterdir()
    assert replaced.name == "state-replaced-20261123T120000.000000Z.db"
    assert stat.S_IMODE(replaced.stat().st_mode) == 0o600
    restore(replaced, home, NOW + timedelta(seconds=1))
    assert name_in(home) == "new"


def test_a_damaged_state_is_replaced_and_its_bytes_are_kept(home: Path, tmp_path: Path) -> None:
    backup(home, tmp_path / "copy", NOW)
    (home / "state.db").write_bytes(b"garbage" * 1000)
    restore(tmp_path / "copy", home, NOW)
    assert name_in(home) == "old"
    (replaced,) = (home / "backups").iterdir()
    assert replaced.read_bytes() == b"garbage" * 1000


def test_an_emptied_state_is_replaced(home: Path, tmp_path: Path) -> None:
    backup(home, tmp_path / "copy", NOW)
    os.truncate(home / "state.db", 0)
    restore(tmp_path / "copy", home, NOW)
    assert name_in(home) == "old"


def test_the_copy_made_before_a_migration_can_be_restored(tmp_path: Path) -> None:
    fill(tmp_path, "old")
    newer = (*MIGRATIONS, "ALTER TABLE people ADD COLUMN colour TEXT")
    opened(tmp_path, newer, NOW).close()
    with pytest.raises(StateError, match="newer"):
        State.open(tmp_path, NOW)
    (copy,) = (tmp_path / "backups").iterdir()
    restore(copy, tmp_path, NOW)
    assert name_in(tmp_path) == "old"


def garbage(path: Path) -> None:
    path.write_bytes(b"garbage" * 1000)


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")


def newer(path: Path) -> None:
    opened(path.parent, (*MIGRATIONS, "ALTER TABLE people ADD COLUMN colour TEXT"), NOW).close()
    (path.parent / "state.db").rename(path)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (Path.exists, "No such file"),
        (Path.touch, "no state of contactd"),
        (garbage, "damaged"),
        (foreign, "another program's"),
        (newer, "newer contactd"),
    ],
    ids=["missing", "empty", "garbage", "foreign", "newer"],
)
def test_a_source_that_is_not_to_be_trusted_changes_nothing(
    home: Path, tmp_path: Path, make: Callable[[Path], object], said: str
) -> None:
    source = tmp_path / "source" / "copy"
    source.parent.mkdir()
    make(source)
    before = {path.name: path.read_bytes() for path in home.iterdir() if path.is_file()}
    with pytest.raises(StateError, match=said):
        restore(source, home, NOW)
    assert {path.name: path.read_bytes() for path in home.iterdir() if path.is_file()} == before
    assert not (home / "restoring").exists()
