"""A calendar in a folder of .ics files, as vdirsyncer and khal keep them, or as a program exported it.

A file may hold one event, one with its exceptions, or thousands. The folder is listed at every call, since others
write here at any instant; a file is read only if the file system says that it may have changed, and parsed only if
its content did. Nothing is remembered here: what is known is the caller's.

A folder that is not there is an account that cannot be reached now, never a calendar without events. A listing may miss
a file that is replaced at that moment (POSIX, readdir): what is not the same before and after reading is not complete.

Source: https://vdirsyncer.pimutils.org/en/stable/vdir.html
"""

import os
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from connectors import files
from connectors.calendar_interface import NOTHING_KNOWN, EventSet, Known
from connectors.errors import TryLater
from connectors.file_etag import etag_of, hash_in, hash_of, is_same
from connectors.files import NotPlain, Plain
from mappings.errors import UnreadableRecord
from mappings.event import CalendarName, Event, UnreadableEvent, Window
from mappings.record import AccountName, Etag, RemoteId

_CONFLICT_COPY = re.compile(r"\.sync-conflict-|conflicted copy", re.IGNORECASE)
"""How Syncthing, Nextcloud and Dropbox name the loser of two edits."""


@dataclass(frozen=True, slots=True)
class _Unchanged:
    """A file that holds what the caller knows."""

    etag: Etag


@dataclass(frozen=True, slots=True)
class _Read:
    """What takes place of a file in the window, and what of it is not understood."""

    etag: Etag
    events: tuple[Event, ...]
    damages: tuple[UnreadableEvent, ...]


_Look = _Unchanged | _Read | UnreadableEvent | None
"""None: the file has just gone away, which says nothing yet."""


class CalendarFolder:
    """A folder of .ics files."""

    def __init__(self, account: AccountName, name: CalendarName, folder: Path) -> None:
        self.account = account
        self.name = name
        self._folder = folder

    def events(self, window: Window, known: Known = NOTHING_KNOWN) -> EventSet:
        with self._opened() as folder_fd:
            listed = _listing(folder_fd)
            looks = {
                _source(name): self._look(folder_fd, name, status, window, known) for name, status in listed.items()
            }
            undisturbed = _listing(folder_fd).keys() == listed.keys()
        return _answer(looks, complete=undisturbed and None not in looks.values())

    def _look(self, folder_fd: int, name: str, status: os.stat_result, window: Window, known: Known) -> _Look:
        source = _source(name)
        etag = known.etags.get(source)
        if etag is not None and is_same(status, etag):
            return _Unchanged(etag)
        try:
            file = _plain(folder_fd, name)
            content_hash = hash_of(file.content)
            read_now = etag_of(content_hash, file.status)
            if etag is not None and hash_in(etag) == content_hash:
                return _Unchanged(read_now)
            return self._read(source, file.content, read_now, window)
        except FileNotFoundError:
            return None
        except UnreadableRecord as error:
            return UnreadableEvent(source, error.line, error.reason)
        except NotPlain as error:
            return UnreadableEvent(source, None, str(error))
        except OSError as error:
            return UnreadableEvent(source, None, error.strerror or str(error))

    def _read(self, source: RemoteId, content: bytes, etag: Etag, window: Window) -> _Read:
        # Only here: it takes longer to import than a run that finds nothing new.
        from mappings import vevent  # noqa: PLC0415

        parsed = vevent.parse(vevent.decode(content))
        return _Read(etag, *vevent.events_in(parsed, window, vevent.Origin(self.account, self.name, source)))

    @contextmanager
    def _opened(self) -> Generator[int]:
        """Open the folder; errors that nobody took for one file's are the account's."""
        try:
            with files.opened(self._folder) as folder_fd:
                yield folder_fd
        except FileNotFoundError as error:
            cure = f"create it, mount it, or correct accounts.{self.account}.calendars"
            raise TryLater(f"folder {self._folder} does not exist: {cure}", None) from error
        except OSError as error:
            raise TryLater(f"folder {self._folder}: {error.strerror or error}", None) from error


def _answer(looks: Mapping[RemoteId, _Look], *, complete: bool) -> EventSet:
    events: list[Event] = []
    unreadable: list[UnreadableEvent] = []
    etags: dict[RemoteId, Etag] = {}
    for source, look in looks.items():
        match look:
            case _Read():
                events.extend(look.events)
                unreadable.extend(look.damages)
                # What is damaged is told in every run, so it is read again.
                etags |= {} if look.damages else {source: look.etag}
            case _Unchanged():
                etags[source] = look.etag
            case UnreadableEvent():
                unreadable.append(look)
            case None:
                pass
    return EventSet(
        events=tuple(events),
        unreadable=tuple(unreadable),
        complete=complete,
        listed=len(looks),
        unchanged=frozenset(source for source, look in looks.items() if isinstance(look, _Unchanged)),
        etags=etags,
        cursor=None,
    )


def _listing(folder_fd: int) -> Mapping[str, os.stat_result]:
    """Return the files that might hold events, sorted by name, so that every read takes the same course."""
    listed: dict[str, os.stat_result] = {}
    with os.scandir(folder_fd) as entries:
        for entry in sorted(entries, key=lambda each: each.name):
            if not _is_calendar_name(entry.name) or entry.is_dir(follow_symlinks=False):
                continue
            with suppress(FileNotFoundError):
                listed[entry.name] = entry.stat(follow_symlinks=False)
    return listed


def _is_calendar_name(name: str) -> bool:
    return name.lower().endswith(".ics") and not name.startswith(".")


def _plain(folder_fd: int, name: str) -> Plain:
    if _CONFLICT_COPY.search(name):
        # It may say that a meeting was accepted which was declined since.
        raise NotPlain("a conflict copy that a file synchroniser made; merge or remove it")
    return files.read(folder_fd, name)


def _source(name: str) -> RemoteId:
    return RemoteId(name if name.isascii() else os.fsencode(name).decode(errors="backslashreplace"))
