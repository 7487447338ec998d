"""What may have changed in the vault: the watcher's events → a set of notes to look at, when it is quiet.

Theory of operation
-------------------
The watcher is a hint, never the truth. The kernel drops events when too many come at once; an unmounted folder sends
none; a renamed root goes on reporting under a name that is another folder's now. So what is said here only makes a look
come sooner. Looks at the whole vault come by themselves, and one is asked for here whenever events were, or may have
been, lost: after an overflow, when a folder came, went or moved, and when a thread of the watcher has died.

An event names a path, and that is all that is believed of it: not that the file is there, nor what was done to it. An
editor that moves a note away and writes it anew (vim) has changed one note; so has a sync tool that renames over it.
What is hidden, or has no note's name, is nobody's note: editors' backups and probes, sync tools' temporary files, our
own, `.obsidian`, `.trash`.

A look waits for quiet, so that a save of several steps and a burst of replication are seen when they are over; but not
for ever, because somebody may be typing all day.

The library (watchdog) re-scans itself without end on large trees if it is asked for every kind of event, as its own
looks make events. It is asked for a few kinds, and not for what is in hidden folders of the root, where version control
and plugins work all the time.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from mappings.record import NotePath

_KINDS: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
]

PATHS_MAX = 500
"""With more notes than this in the set, a look at the whole vault is no dearer."""

_THREADS_MAX = 32
"""The library makes a thread for each folder that it is given; with more folders than this it gets the root alone."""

_LIBRARY = "watchdog"


@dataclass(frozen=True, slots=True)
class Hint:
    """What is to be looked at: these notes, or the whole vault."""

    paths: frozenset[NotePath]
    whole: bool


class Dirty:
    """The set, from the first hint until it is taken. Threads may share it."""

    def __init__(self, quiet_s: float, at_most_s: float) -> None:
        self._quiet_s = quiet_s
        self._at_most_s = at_most_s
        self._lock = threading.Lock()
        self._paths: set[NotePath] = set()
        self._whole = False
        self._first_s: float | None = None
        self._last_s = 0.0

    def add(self, path: NotePath, now_s: float) -> None:
        """Note that a note may have changed."""
        with self._lock:
            self._paths.add(path)
            self._whole |= len(self._paths) > PATHS_MAX
            self._touched(now_s)

    def add_all(self, now_s: float) -> None:
        """Note that any note may have changed."""
        with self._lock:
            self._whole = True
            self._touched(now_s)

    def due_s(self) -> float | None:
        """Return when to look, None while there is nothing to look at."""
        with self._lock:
            if self._first_s is None:
                return None
            return min(self._last_s + self._quiet_s, self._first_s + self._at_most_s)

    def take(self) -> Hint:
        """Return what is in the set, and begin anew."""
        with self._lock:
            hint = Hint(frozenset() if self._whole else frozenset(self._paths), self._whole)
            self._paths.clear()
            self._whole, self._first_s = False, None
            return hint

    def _touched(self, now_s: float) -> None:
        if self._first_s is None:
            self._first_s = now_s
        self._last_s = now_s


def note_at(root: str, place: str) -> NotePath | None:
    """Return the note that a place in the file system might be; None for what is nobody's note."""
    if not place.startswith(root + os.sep) or place[-3:].lower() != ".md":
        return None
    path = place[len(root) + 1 :]
    hidden = path.startswith(".") or f"{os.sep}." in path
    return NotePath(path) if not hidden and _is_text(path) else None


class Watch:
    """A watcher of one root; it is thrown away and made anew whenever it may no longer see all that is there.

    `told` is called, by a thread of the watcher's, after something was put into the set.
    Errors: `OSError` if the root cannot be watched, the limits of inotify among the reasons.
    """

    def __init__(self, root: Path, dirty: Dirty, clock_s: Callable[[], float], told: Callable[[], None]) -> None:
        self._root = str(root)
        self._hints = _Hints(self._root, dirty, clock_s, told)
        before = set(threading.enumerate())
        self._listener = _Lost(self._hints)
        library = logging.getLogger(_LIBRARY)
        library.addHandler(self._listener)
        library.propagate = False
        self._observer = Observer()
        try:
            self._observer.start()
            self._schedule()
        except OSError:
            self.stop()
            raise
        # Its reader, its dispatcher and one for each folder: should any die, the others look healthy and see nothing.
        self._threads = set(threading.enumerate()) - before

    def alive(self) -> bool:
        """Tell whether every thread is at work, and nothing has failed in any."""
        return not self._hints.failed and all(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """Let go of everything."""
        logging.getLogger(_LIBRARY).removeHandler(self._listener)
        self._observer.unschedule_all()
        self._observer.stop()
        self._observer.join()

    def _schedule(self) -> None:
        # The root before its folders are listed: one that comes in between is told of.
        root = self._observer.schedule(self._hints, self._root, recursive=False, event_filter=_KINDS)
        folders = _folders(self._root)
        if len(folders) <= _THREADS_MAX:
            for folder in folders:
                self._observer.schedule(self._hints, folder, recursive=True, event_filter=_KINDS)
            self._hints.one_by_one = True
        else:
            self._observer.unschedule(root)
            self._observer.schedule(self._hints, self._root, recursive=True, event_filter=_KINDS)


class _Hints(FileSystemEventHandler):
    """Takes events and puts what they may mean into the set; nothing that goes wrong here ends the watcher's thread."""

    def __init__(self, root: str, dirty: Dirty, clock_s: Callable[[], float], told: Callable[[], None]) -> None:
        self._root = root
        self._depth = root.count(os.sep) + 1
        self._dirty = dirty
        self._clock_s = clock_s
        self._told = told
        self.one_by_one = False
        self.failed = False

    def dispatch(self, event: FileSystemEvent) -> None:
        try:
            self._take(event)
        except Exception:
            # The thread would end without a word, and every other one would go on as if somebody listened.
            self.failed = True
            raise

    def lost(self) -> None:
        """Note that events were lost."""
        self._dirty.add_all(self._clock_s())
        self._told()

    def _take(self, event: FileSystemEvent) -> None:
        if event.is_directory:
            visible = [place for place in _places(event) if _is_visible(self._root, place)]
            # A folder that came to lie in the root has no watch of its own yet.
            self.failed |= self.one_by_one and any(place.count(os.sep) == self._depth for place in visible)
            if visible:
                self.lost()
            return
        for place in _places(event):
            path = note_at(self._root, place)
            if path is not None:
                self._dirty.add(path, self._clock_s())
                self._told()


class _Lost(logging.Handler):
    """Hears the library's warnings, which are the only sign that events were lost; they name paths, and go no further."""

    def __init__(self, hints: _Hints) -> None:
        super().__init__(logging.WARNING)
        self._hints = hints

    def emit(self, record: logging.LogRecord) -> None:
        del record
        self._hints.lost()


def _places(event: FileSystemEvent) -> Iterator[str]:
    for place in (event.src_path, event.dest_path):
        if place:
            yield os.fsdecode(place)


def _is_visible(root: str, place: str) -> bool:
    return f"{os.sep}." not in place[len(root) :]


def _is_text(path: str) -> bool:
    # Bytes that are no UTF-8 arrive as surrogates, with which nothing further can be done.
    return not any("\ud800" <= letter <= "\udfff" for letter in path)


def _folders(root: str) -> list[str]:
    """Return the folders in the root that may hold people: those that are not hidden, and no links."""
    with os.scandir(root) as entries:
        return [entry.path for entry in entries if entry.is_dir(follow_symlinks=False) and entry.name[0] != "."]
