"""The database: whole after any crash, and never trusted when it is damaged, emptied or newer than the program."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest

from daemon import links
from daemon.database import LOST_STATE_AT, opened
from daemon.errors import StateError
from daemon.schema import MIGRATIONS
from daemon.state import State, get_meta, is_kept, set_meta
from mappings.person import Uid
from mappings.record import AccountName, NotePath, RemoteId

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOME = AccountName("home")
PAGE = 4096


class Crash(Exception):
    """Stands for whatever ends a step half-way."""


def filled(folder: Path, people: int = 300) -> Path:
    """Make a state of many pages; return its database."""
    with closing(State.open(folder, NOW)) as state, state.transaction() as tx:
        for number in range(people):
            uid = Uid(f"uid-{number}")
            links.remember_person(tx, uid, NotePath(f"People/{number} {'x' * 60}.md"))
            links.add_link(tx, HOME, uid, RemoteId(f"{number}.vcf"))
            links.agree(tx, HOME, uid, {"name": f"Person {number}", "emails": (f"{number}@example.test",)})
    return folder / "state.db"


def overwrite(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


def test_a_transaction_that_raises_has_not_happened() -> None:
    state = State.in_memory()

    def half() -> None:
        with state.transaction() as tx:
            links.remember_person(tx, Uid("ada"), NotePath("Ada.md"))
            raise Crash

    with pytest.raises(Crash):
        half()
    with state.transaction() as tx:
        links.remember_person(tx, Uid("bob"), NotePath("Bob.md"))
    assert links.people(state) == {"bob": "Bob.md"}


def test_the_owner_alone_can_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "contactd"
    with closing(State.open(folder, NOW)) as state, state.transaction() as tx:
        set_meta(tx, "vault_id", "7")
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.glob("state.db*")}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert modes == {"state.db": 0o600, "state.db-wal": 0o600, "state.db-shm": 0o600}


def test_what_was_committed_is_there_at_the_next_start(tmp_path: Path) -> None:
    with closing(State.open(tmp_path, NOW)) as state, state.transaction() as tx:
        set_meta(tx, "vault_id", "7")
    with closing(State.open(tmp_path, NOW + timedelta(days=3))) as state:
        assert get_meta(state, "vault_id") == "7"
        assert get_meta(state, "created_at") == "2026-11-23T12:00:00.000000+00:00"
        assert get_meta(state, LOST_STATE_AT) is None


def test_threads_take_turns(tmp_path: Path) -> None:
    with closing(State.open(tmp_path, NOW)) as state:

        def add(worker: int) -> None:
            for number in range(20):
                with state.transaction() as tx:
                    links.remember_person(tx, Uid(f"{worker}/{number}"), NotePath("x.md"))

        workers = [Thread(target=add, args=(worker,)) for worker in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert len(links.people(state)) == 80


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from daemon import links
from daemon.state import State
state = State.open(Path(sys.argv[1]), datetime.now(UTC))
number = len(links.people(state))
while True:
    with state.transaction() as tx:
        links.remember_person(tx, f"uid-{number}", f"{number}.md")
        links.add_link(tx, "home", f"uid-{number}", f"{number}.vcf")
        links.agree(tx, "home", f"uid-{number}", {"name": "x" * (number % 3000)})
    print(number, flush=True)
    number += 1
"""


def test_killed_at_any_instant_it_is_sound_and_has_every_transaction_that_ended(tmp_path: Path) -> None:
    for after_s in (0.0, 0.004, 0.011, 0.03, 0.07):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        ) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(after_s)
            writer.send_signal(signal.SIGKILL)
            acknowledged = [line for line in writer.stdout.read().splitlines() if line]
        with closing(State.open(tmp_path, NOW)) as state:
            assert state.all("PRAGMA integrity_check") == [("ok",)]
            people, linked = links.people(state), links.links(state)
            assert set(people) == {link.uid for link in linked}
            assert all(set(link.base) == {"name"} for link in linked)
            if acknowledged:
                assert len(people) > int(acknowledged[-1])


@pytest.mark.parametrize(
    ("offset", "content"),
    [(0, b"not a database"), (0, bytes(PAGE)), (18, b"\xff\xff"), (PAGE, bytes(PAGE)), (5 * PAGE, bytes(PAGE))],
    ids=["garbage header", "zeroed header", "unknown format", "zeroed schema page", "zeroed page"],
)
def test_a_damaged_file_is_refused_with_the_way_out_and_left_as_it_is(
    tmp_path: Path, offset: int, content: bytes
) -> None:
    database = filled(tmp_path)
    overwrite(database, offset, content)
    before = database.read_bytes()
    with (
        pytest.raises(StateError, match=r"move state\.db away and run again"),
        closing(State.open(tmp_path, NOW + timedelta(days=2))),
    ):
        pytest.fail("a damaged state was opened")
    assert database.read_bytes() == before


def test_a_page_that_rots_between_two_checks_is_noticed_when_it_is_read(tmp_path: Path) -> None:
    database = filled(tmp_path)
    with closing(sqlite3.connect(database)) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'links'").fetchone()
    overwrite(database, (root - 1) * PAGE, bytes(PAGE))
    with closing(State.open(tmp_path, NOW)) as state, pytest.raises(StateError, match="the state is damaged"):
        links.links(state)


def test_text_that_is_no_utf8_is_damage_and_is_not_quoted(tmp_path: Path) -> None:
    filled(tmp_path, people=1)
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection:
        connection.execute("UPDATE people SET path = CAST(? AS TEXT)", (b"Secret \xff.md",))
        connection.commit()
    with closing(State.open(tmp_path, NOW)) as state, pytest.raises(StateError) as raised:
        links.people(state)
    assert "Secret" not in str(raised.value)
    assert raised.value.__suppress_context__


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    database = filled(tmp_path)
    os.truncate(database, 5 * PAGE)
    with pytest.raises(StateError, match="damaged"):
        State.open(tmp_path, NOW + timedelta(days=2))


def test_a_file_that_became_empty_is_a_loss_and_no_beginning(tmp_path: Path) -> None:
    os.truncate(filled(tmp_path), 0)
    assert is_kept(tmp_path)
    with pytest.raises(StateError, match="is empty, and was not"):
        State.open(tmp_path, NOW)


def test_the_way_out_of_damage_works_and_is_remembered(tmp_path: Path) -> None:
    database = filled(tmp_path)
    database.rename(tmp_path / "moved away")
    assert not is_kept(tmp_path)
    with closing(State.open(tmp_path, NOW)) as state:
        assert links.links(state) == ()
        assert get_meta(state, LOST_STATE_AT) == "2026-11-23T12:00:00.000000+00:00"


def test_an_empty_file_where_there_never_was_a_state_is_a_beginning(tmp_path: Path) -> None:
    (tmp_path / "state.db").touch()
    with closing(State.open(tmp_path, NOW)) as state:
        assert get_meta(state, LOST_STATE_AT) is None


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    with pytest.raises(StateError, match="another program's database"):
        State.open(tmp_path, NOW)


def test_a_state_newer_than_the_program_is_refused_and_untouched(tmp_path: Path) -> None:
    database = filled(tmp_path)
    with closing(opened(tmp_path, (*MIGRATIONS, "ALTER TABLE people ADD COLUMN colour TEXT"), NOW)):
        pass
    before = database.read_bytes()
    with pytest.raises(StateError, match="upgrade contactd, or bring back an older state"):
        State.open(tmp_path, NOW)
    assert database.read_bytes() == before


def test_a_migration_keeps_a_copy_of_what_was(tmp_path: Path) -> None:
    filled(tmp_path)
    newer = (*MIGRATIONS, "ALTER TABLE people ADD COLUMN colour TEXT; UPDATE people SET colour = 'red'")
    with closing(opened(tmp_path, newer, NOW)) as connection:
        assert connection.execute("SELECT DISTINCT colour FROM people").fetchall() == [("red",)]
    (copy,) = (tmp_path / "backups").iterdir()
    assert copy.name == f"state-{len(MIGRATIONS)}-20261123T120000.000000Z.db"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(copy)) as kept:
        assert kept.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert kept.execute("SELECT count(*) FROM links").fetchone() == (300,)


def test_a_migration_that_fails_half_way_has_not_happened(tmp_path: Path) -> None:
    filled(tmp_path)
    failing = (*MIGRATIONS, "ALTER TABLE people ADD COLUMN colour TEXT; INSERT INTO nowhere VALUES (1)")
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        opened(tmp_path, failing, NOW)
    with closing(State.open(tmp_path, NOW)) as state:
        assert state.all("SELECT count(*) FROM pragma_table_info('people')") == [(2,)]


def test_every_released_schema_can_be_brought_up_to_date(tmp_path: Path) -> None:
    for version in range(1, len(MIGRATIONS) + 1):
        folder = tmp_path / str(version)
        folder.mkdir()
        opened(folder, MIGRATIONS[:version], NOW).close()
        with closing(State.open(folder, NOW)) as state:
            assert state.all("PRAGMA user_version") == [(len(MIGRATIONS),)]


def test_a_full_disk_is_said_and_nothing_of_the_transaction_stays(tmp_path: Path) -> None:
    with closing(State.open(tmp_path, NOW)) as state:
        state.all("PRAGMA max_page_count = 40")
        rows = ((f"uid-{number}", f"{number} {'x' * 60}.md") for number in range(10_000))
        with pytest.raises(StateError, match="the disk is full"), state.transaction() as tx:
            tx.run_each("INSERT INTO people VALUES (?, ?)", rows)
        assert links.people(state) == {}
        with state.transaction() as tx:
            links.remember_person(tx, Uid("ada"), NotePath("Ada.md"))
        assert links.people(state) == {"ada": "Ada.md"}


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match="Not a directory"):
        State.open(tmp_path / "file" / "state", NOW)
