"""A calendar in a folder of .ics files, as vdirsyncer and khal keep them, or as a program exported it.

A file may hold one event, one with its exceptions, or thousands. It is read at every call, since others write here at
any instant, but parsed only when its content is new.

A folder that is not there is an account that cannot be reached now, never a calendar without events. A listing may miss
a file that is replaced at that moment (POSIX, readdir): what is not the same before and after reading is not complete.

Source: https://vdirsyncer.pimutils.org/en/stable/vdir.html
"""

import hashlib
import os
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from connectors import files
from connectors.calendar_interface import EventSet
from connectors.errors import TryLater
from connectors.files import NotPlain
from mappings import vevent
from mappings.errors import UnreadableRecord
from mappings.event import CalendarName, Event, UnreadableEvent, Window
from mappings.record import AccountName, RemoteId
from mappings.vevent import Origin, Parsed

_CONFLICT_COPY = re.compile(r"\.sync-conflict-|conflicted copy", re.IGNORECASE)
"""How Syncthing, Nextcloud and Dropbox name the loser of two edits."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What a file held when it was read last."""

    content_hash: bytes
    parsed: Parsed


class CalendarFolder:
    """A folder of .ics files."""

    def __init__(self, account: AccountName, name: CalendarName, folder: Path) -> None:
        self.account = account
        self.name = name
        self._folder = folder
        self._known: Mapping[str, _Known] = {}

    def events(self, window: Window) -> EventSet:
        with self._opened() as folder_fd:
            listed = _listing(folder_fd)
            looks = {name: self._look(folder_fd, name) for name in listed}
            unchanged = _listing(folder_fd) == listed
        self._known = {name: look for name, look in looks.items() if isinstance(look, _Known)}
        events: list[Event] = []
        unreadable = [look for look in looks.values() if isinstance(look, UnreadableEvent)]
        for name, known in self._known.items():
            found, damages = vevent.events_in(known.parsed, window, self._origin(name))
            events.extend(found)
            unreadable.extend(damages)
        complete = unchanged and None not in looks.values()
        return EventSet(tuple(events), tuple(unreadable), complete, len(listed))

    def _look(self, folder_fd: int, name: str) -> _Known | UnreadableEvent | None:
        """Read one file; None if it has just gone away, which says nothing yet."""
        try:
            return self._parsed(name, _content(folder_fd, name))
        except FileNotFoundError:
            return None
        except UnreadableRecord as error:
            return UnreadableEvent(_source(name), error.line, error.reason)
        except NotPlain as error:
            return UnreadableEvent(_source(name), None, str(error))
        except OSError as error:
            return UnreadableEvent(_source(name), None, error.strerror or str(error))

    def _parsed(self, name: str, content: bytes) -> _Known:
        content_hash = hashlib.blake2b(content, digest_size=16).digest()
        known = self._known.get(name)
        if known is not None and known.content_hash == content_hash:
            return known
        return _Known(content_hash, vevent.parse(vevent.decode(content)))

    def _origin(self, name: str) -> Origin:
        return Origin(self.account, self.name, _source(name))

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


def _listing(folder_fd: int) -> tuple[str, ...]:
    """Return the names of the files that might hold events, sorted, so that every read takes the same course."""
    with os.scandir(folder_fd) as entries:
        names = [
            entry.name for entry in entries if _is_calendar_name(entry.name) and not entry.is_dir(follow_symlinks=False)
        ]
    return tuple(sorted(names))


def _is_calendar_name(name: str) -> bool:
    return name.lower().endswith(".ics") and not name.startswith(".")


def _content(folder_fd: int, name: str) -> bytes:
    if _CONFLICT_COPY.search(name):
        # It may say that a meeting was accepted which was declined since.
        raise NotPlain("a conflict copy that a file synchroniser made; merge or remove it")
    return files.read(folder_fd, name).content


def _source(name: str) -> RemoteId:
    return RemoteId(name if name.isascii() else os.fsencode(name).decode(errors="backslashreplace"))
