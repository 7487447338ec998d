"""The watcher on a real folder: what is nobody's note, what makes a look, and what is told when events are lost."""

import io
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from daemon.watch import PATHS_MAX, Dirty, Hint, Watch, note_at
from mappings.record import NotePath

PATIENCE_S = 20.0
"""Others load the machine; nothing here is measured."""

ADA = NotePath("People/Ada.md")


class TestQuiet:
    """The set by itself, with a clock of the test's own."""

    def test_a_look_is_due_when_it_has_been_quiet(self) -> None:
        dirty = Dirty(0.5, 5)
        assert dirty.due_s() is None
        dirty.add(ADA, 100)
        assert dirty.due_s() == 100.5
        dirty.add(ADA, 100.4)
        assert dirty.due_s() == 100.9

    def test_somebody_who_types_all_day_is_not_waited_for(self) -> None:
        dirty = Dirty(0.5, 5)
        for tenths in range(200):
            dirty.add(ADA, 100 + tenths / 10)
        assert dirty.due_s() == 105

    def test_what_was_taken_is_gone(self) -> None:
        dirty = Dirty(0.5, 5)
        dirty.add(ADA, 100)
        assert dirty.take() == Hint(frozenset({ADA}), whole=False)
        assert (dirty.due_s(), dirty.take()) == (None, Hint(frozenset(), whole=False))
        dirty.add(ADA, 200)
        assert dirty.due_s() == 200.5

    def test_a_look_at_all_needs_no_names(self) -> None:
        dirty = Dirty(0.5, 5)
        dirty.add(ADA, 100)
        dirty.add_all(100)
        assert dirty.take() == Hint(frozenset(), whole=True)

    def test_very_many_are_all(self) -> None:
        dirty = Dirty(0.5, 5)
        for number in range(PATHS_MAX + 1):
            dirty.add(NotePath(f"{number}.md"), 100)
        assert dirty.take() == Hint(frozenset(), whole=True)


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ("/v/Ada.md", "Ada.md"),
        ("/v/People/Ada.MD", "People/Ada.MD"),
        ("/v/People/A b.c.md", "People/A b.c.md"),
        # vim: its probe, its backup, its swap file; sed; Syncthing; Nextcloud; Dropbox; iCloud; Obsidian; ours.
        ("/v/4913", None),
        ("/v/Ada.md~", None),
        ("/v/.Ada.md.swp", None),
        ("/v/sedX1y2Z3", None),
        ("/v/.syncthing.Ada.md.tmp", None),
        ("/v/~syncthing~Ada.md.tmp", None),
        ("/v/.Ada.md.~1f2e", None),
        ("/v/.~Ada.md", None),
        ("/v/.Ada.md.icloud", None),
        ("/v/.dropbox.cache/Ada.md", None),
        ("/v/.stversions/Ada.md", None),
        ("/v/.trash/Ada.md", None),
        ("/v/People/.obsidian/x.md", None),
        ("/v/.contactd-01234567-89abcdef-Ada.tmp", None),
        ("/v", None),
        ("/vault/Ada.md", None),
        ("/v/Ada\udcff.md", None),
    ],
)
def test_whose_a_file_might_be(place: str, path: str | None) -> None:
    assert note_at("/v", place) == path


class Watched:
    """A vault, and what the watcher said of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.dirty = Dirty(0.0, 0.0)
        self.watch = Watch(root, self.dirty, time.monotonic, lambda: None)

    def hears(self, what: Callable[[Hint], bool]) -> bool:
        """Tell whether a hint comes that fulfils this, among all until then."""
        paths: set[NotePath] = set()
        whole = False
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            hint = self.dirty.take()
            paths |= hint.paths
            whole |= hint.whole
            if what(Hint(frozenset(paths), whole)):
                return True
            time.sleep(0.01)
        return False


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    (tmp_path / "People" / "Old").mkdir(parents=True)
    (tmp_path / ".obsidian").mkdir()
    (tmp_path / ADA).write_text("Ada\n")
    watched = Watched(tmp_path)
    yield watched
    watched.watch.stop()


def in_place(path: Path) -> None:
    path.write_text("again\n")


def by_rename(path: Path) -> None:
    beside = path.with_name("sedA1b2C3")
    beside.write_text("again\n")
    beside.replace(path)


def as_vim_does(path: Path) -> None:
    probe, backup = path.with_name("4913"), path.with_name(f"{path.name}~")
    probe.touch()
    probe.unlink()
    path.rename(backup)
    path.write_text("again\n")
    backup.unlink()


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("change", [in_place, by_rename, as_vim_does, remove])
def test_every_way_of_saving_is_about_this_one_note(watched: Watched, change: Callable[[Path], None]) -> None:
    change(watched.root / ADA)
    last = NotePath("last.md")
    (watched.root / last).touch()
    assert watched.hears(lambda hint: last in hint.paths)
    change_again = watched.dirty.take()
    assert change_again == Hint(frozenset(), whole=False)


def test_what_is_heard_of_a_save_is_the_note_and_nothing_else(watched: Watched) -> None:
    as_vim_does(watched.root / ADA)
    assert watched.hears(lambda hint: hint == Hint(frozenset({ADA}), whole=False))


def test_a_new_folder_in_a_folder_is_watched_too_and_makes_a_look_at_all(watched: Watched) -> None:
    (watched.root / "People" / "New").mkdir()
    assert watched.hears(lambda hint: hint.whole)
    assert watched.watch.alive()
    (watched.root / "People" / "New" / "Eve.md").touch()
    assert watched.hears(lambda hint: NotePath("People/New/Eve.md") in hint.paths)


def test_a_new_folder_in_the_root_makes_the_watcher_one_to_be_made_anew(watched: Watched) -> None:
    (watched.root / "Friends").mkdir()
    assert watched.hears(lambda hint: hint.whole)
    assert not watched.watch.alive()


def test_a_folder_that_moves_or_goes_makes_a_look_at_all(watched: Watched) -> None:
    (watched.root / "People" / "Old").rename(watched.root / "People" / "Older")
    assert watched.hears(lambda hint: hint.whole)
    (watched.root / "People" / "Older").rmdir()
    assert watched.hears(lambda hint: hint.whole)


def test_hidden_folders_are_not_listened_to(watched: Watched) -> None:
    for number in range(50):
        (watched.root / ".obsidian" / f"{number}.md").touch()
    (watched.root / ADA).write_text("again\n")
    assert watched.hears(lambda hint: hint == Hint(frozenset({ADA}), whole=False))


def test_the_librarys_warnings_make_a_look_at_all_and_name_no_path_in_the_log(watched: Watched) -> None:
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    logging.getLogger().addHandler(handler)
    logging.getLogger("watchdog.observers.inotify_c").warning("Inotify queue overflowed below %r", "/v/secret")
    assert watched.hears(lambda hint: hint.whole)
    logging.getLogger().removeHandler(handler)
    assert log.getvalue() == ""


def test_a_root_that_cannot_be_watched_is_an_error_and_leaves_no_thread(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        Watch(tmp_path / "nowhere", Dirty(0, 0), time.monotonic, lambda: None)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_died_is_noticed(tmp_path: Path) -> None:
    def broken() -> None:
        raise RuntimeError("whoever is told is broken")

    watch = Watch(tmp_path, Dirty(0, 0), time.monotonic, broken)
    try:
        (tmp_path / "a.md").touch()
        until = time.monotonic() + PATIENCE_S
        while watch.alive() and time.monotonic() < until:
            time.sleep(0.01)
        assert not watch.alive()
    finally:
        watch.stop()


def test_ten_thousand_folders_are_watched_without_any_work_while_nothing_happens(tmp_path: Path) -> None:
    for number in range(10_000):
        (tmp_path / f"{number // 100}" / f"{number}").mkdir(parents=True)
    dirty = Dirty(0, 0)
    watch = Watch(tmp_path, dirty, time.monotonic, lambda: None)
    try:
        before = time.process_time()
        time.sleep(3)
        used = time.process_time() - before
        assert (used < 0.3, watch.alive(), dirty.due_s()) == (True, True, None)
        (tmp_path / "99" / "9999" / "Ada.md").touch()
        heard = Watched.__new__(Watched)
        heard.dirty = dirty
        assert heard.hears(lambda hint: NotePath("99/9999/Ada.md") in hint.paths)
    finally:
        watch.stop()
