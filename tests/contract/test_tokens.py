"""Where tokens are kept: a keyring that answers, else a file that nobody else may look into; never neither, never both."""

import multiprocessing
import os
import stat
import threading
import time
from collections.abc import Generator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked, PasswordDeleteError

from connectors import tokens
from connectors.errors import TryLater
from connectors.tokens import open_store
from mappings.record import AccountName

HOME, WORK = AccountName("home"), AccountName("work")


class InMemory(KeyringBackend):
    """A keyring that can be locked, and that can leave its callers waiting."""

    priority = 5  # pyright: ignore[reportAssignmentType]  # keyring documents a plain number

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # it says nothing of types
        self.kept: dict[tuple[str, str], str] = {}
        self.is_locked = False
        self.answer = threading.Event()
        self.answer.set()

    def _opened(self) -> None:
        self.answer.wait(30)
        if self.is_locked:
            raise KeyringLocked("the collection is locked")

    def get_password(self, service: str, username: str) -> str | None:
        self._opened()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._opened()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._opened()
        if (service, username) not in self.kept:
            raise PasswordDeleteError("not there")
        del self.kept[service, username]


def no_keyring_at_all() -> KeyringBackend:
    return NoKeyring()  # type: ignore[no-untyped-call]  # it says nothing of types


@pytest.fixture(autouse=True)
def no_keyring() -> Generator[None]:
    """No test reaches the keyring of whoever runs it."""
    before = keyring.get_keyring()
    keyring.set_keyring(no_keyring_at_all())
    yield
    keyring.set_keyring(before)


@pytest.fixture
def ring() -> InMemory:
    made = InMemory()
    keyring.set_keyring(made)
    return made


def files(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in sorted(folder.iterdir())}


def test_nothing_is_there_at_first_and_asking_makes_nothing(tmp_path: Path) -> None:
    store = open_store(tmp_path / "tokens")
    assert store.read(HOME) is None
    store.forget(HOME)
    assert not (tmp_path / "tokens").exists()


def test_without_a_keyring_each_account_has_a_file_of_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "tokens"
    store = open_store(folder)
    store.write(HOME, "one")
    store.write(WORK, "two\n")
    store.write(HOME, "three")
    assert (store.read(HOME), store.read(WORK)) == ("three", "two\n")
    assert open_store(folder).read(HOME) == "three"
    assert files(folder) == {"home.token": 0o600, "work.token": 0o600}
    assert [stat.S_IMODE(each.stat().st_mode) for each in (folder, folder.parent)] == [0o700, 0o700]


def test_what_is_forgotten_is_gone_and_the_others_stay(tmp_path: Path) -> None:
    store = open_store(tmp_path / "tokens")
    store.write(HOME, "one")
    store.write(WORK, "two")
    store.forget(HOME)
    assert (store.read(HOME), store.read(WORK)) == (None, "two")


def test_a_keyring_that_answers_has_the_text_and_the_disk_does_not(tmp_path: Path, ring: InMemory) -> None:
    store = open_store(tmp_path / "tokens")
    store.write(HOME, "s3cr3t")
    assert store.read(HOME) == "s3cr3t"
    assert list(ring.kept.values()) == ["s3cr3t"]
    assert b"s3cr3t" not in b"".join(path.read_bytes() for path in (tmp_path / "tokens").iterdir())
    store.forget(HOME)
    assert (store.read(HOME), ring.kept) == (None, {})


def test_two_states_keep_the_same_account_apart_in_one_keyring(tmp_path: Path, ring: InMemory) -> None:
    here, there = open_store(tmp_path / "here"), open_store(tmp_path / "there")
    here.write(HOME, "one")
    there.write(HOME, "two")
    assert (here.read(HOME), there.read(HOME), len(ring.kept)) == ("one", "two", 2)


def test_a_locked_keyring_is_not_an_account_without_a_sign_in(tmp_path: Path, ring: InMemory) -> None:
    store = open_store(tmp_path / "tokens")
    store.write(HOME, "one")
    ring.is_locked = True
    with pytest.raises(TryLater, match="keyring"):
        store.read(HOME)
    ring.is_locked = False
    assert store.read(HOME) == "one"


def test_a_text_that_a_locked_keyring_does_not_take_goes_to_a_file_and_back_when_it_does(
    tmp_path: Path, ring: InMemory
) -> None:
    store = open_store(tmp_path / "tokens")
    store.write(HOME, "old")
    ring.is_locked = True
    store.write(HOME, "rotated")
    assert store.read(HOME) == "rotated"
    ring.is_locked = False
    assert store.read(HOME) == "rotated"
    store.write(HOME, "rotated again")
    assert (store.read(HOME), list(ring.kept.values())) == ("rotated again", ["rotated again"])
    assert list(files(tmp_path / "tokens")) == ["home.in-keyring"]


def test_a_keyring_that_leaves_us_waiting_is_none(
    tmp_path: Path, ring: InMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "KEYRING_ANSWERS_S", 0.05)
    ring.answer.clear()
    store = open_store(tmp_path / "tokens")
    store.write(HOME, "one")
    assert store.read(HOME) == "one"
    ring.answer.set()
    assert list(files(tmp_path / "tokens")) == ["home.token"]


def test_a_folder_or_file_that_others_may_look_into_is_refused_with_the_cure(tmp_path: Path) -> None:
    folder = tmp_path / "tokens"
    store = open_store(folder)
    store.write(HOME, "one")
    (folder / "home.token").chmod(0o640)
    with pytest.raises(TryLater, match="chmod go= "):
        store.read(HOME)
    (folder / "home.token").chmod(0o600)
    folder.chmod(0o755)
    with pytest.raises(TryLater, match="chmod go= "):
        store.read(HOME)


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_what_is_no_plain_file_is_not_read(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "tokens"
    folder.mkdir(mode=0o700)
    place = folder / "home.token"
    (tmp_path / "elsewhere").write_text("planted")
    {"link": lambda: place.symlink_to(tmp_path / "elsewhere"), "fifo": lambda: os.mkfifo(place, 0o600),
     "folder": lambda: place.mkdir(mode=0o700)}[kind]()  # fmt: skip
    with pytest.raises(TryLater):
        open_store(folder).read(HOME)


def test_a_folder_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "tokens").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TryLater):
        open_store(tmp_path / "tokens").write(HOME, "one")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def _count_up(folder: Path, times: int) -> None:
    keyring.set_keyring(no_keyring_at_all())
    store = open_store(folder)
    for _ in range(times):
        with store.locked(HOME):
            number = int(store.read(HOME) or "0")
            time.sleep(0.001)
            store.write(HOME, str(number + 1))


def test_one_refresher_at_a_time_across_processes_and_threads(tmp_path: Path) -> None:
    folder = tmp_path / "tokens"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_count_up, args=(folder, 20)) for _ in range(2)]
    threads = [threading.Thread(target=_count_up, args=(folder, 20)) for _ in range(2)]
    for process in processes:
        process.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert open_store(folder).read(HOME) == "80"


def test_a_lock_that_nobody_lets_go_of_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "LOCK_WAITS_S", 0.05)
    store = open_store(tmp_path / "tokens")
    with store.locked(HOME), pytest.raises(TryLater), store.locked(HOME):
        pass
    with store.locked(HOME), store.locked(WORK):
        pass
