"""Files in one folder that other programs write at the same time: read, make, replace and remove one.

Theory of operation
-------------------
Others write here at any instant and without a lock: by renaming a new file over the old one, or in place, in which
case the file is empty for a moment. None of their edits may be lost, ours must be whole on the disk, and whatever
happens half way must leave every file either as it was or as it is to be.

*Replacing.* The new content is written beside the file under a spare name, made durable, and the two names are
exchanged in one step. What was displaced is now under the spare name, and only now it is looked at, once nobody has
it open for writing: it is what the caller read, and removed; or it is somebody's edit, and the names are exchanged
back. Comparing first and renaming over it afterwards would lose the edits of the instant in between.

*Removing* is the same with nothing in the file's place.

*Spare files* are ignored by others: the name begins with a dot and ends in `.tmp`. After a crash, or after two saves
within the microseconds of putting one back, a spare file may hold an edit that is nowhere else. So none is removed
whose content is not known; `sweep` does that after a day, in which its owner can find it.

Names are single names in the open folder `folder_fd`. Where the file system does not offer an exchange, the content
is compared right before a rename over the file: a save within those microseconds is lost there, nothing else is.
"""

import errno
import os
import re
import stat
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from connectors.errors import ConnectorError
from connectors.exchange import exchange, make_durable, no_writer, read_all, rename_new, write_new

SIZE_BYTES_MAX = 16 << 20
"""No card is larger, not with its photo; whatever is would only fill the memory."""

SPARE_KEPT_S = 24 * 3600
"""How long a file that a crash left behind is kept for its owner."""

WRITER_LOOKS = 20
WRITER_PAUSE_S = 0.01
"""How often and how long to wait for a program that has the displaced file open for writing."""

_SPARE = re.compile(r"\.contactd-[0-9a-f]{32}\.tmp")

# O_NONBLOCK: opening a FIFO must not wait for somebody at its other end.
_PLAIN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


class Changed(ConnectorError):
    """The file is not what was expected; nothing was written: read again."""


class NotPlain(ConnectorError):
    """What has the name is not a file that we handle, for the reason given."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A file's content, and its status from before the content was read."""

    content: bytes
    status: os.stat_result


@contextmanager
def opened(folder: Path) -> Generator[int]:
    """Open a folder for the functions of this module; errors are `OSError`."""
    folder_fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield folder_fd
    finally:
        os.close(folder_fd)


def read(folder_fd: int, name: str) -> Plain:
    """Read one file.

    Errors: `NotPlain` for a link, a device, a file that is too large; `OSError`.
    """
    with _open(folder_fd, name) as file_fd:
        status = os.fstat(file_fd)
        return Plain(read_all(file_fd), status)


def create(folder_fd: int, name: str, content: bytes) -> None:
    """Make a file that is not there yet, whole and durable or not at all.

    Errors: `FileExistsError` if it is there; `OSError`.
    """
    spare = _spare_name()
    write_new(folder_fd, spare, content, like_fd=None)
    try:
        rename_new(folder_fd, spare, name)
    except OSError:
        os.unlink(spare, dir_fd=folder_fd)
        raise
    make_durable(folder_fd)


def replace(folder_fd: int, name: str, expected: bytes, content: bytes) -> None:
    """Replace what a file holds, if it is what is expected; owner, mode and attributes stay.

    Errors: `Changed`; `NotPlain`; `OSError`, upon which the file may have been replaced or not.
    """
    spare = _spare_name()
    with _open(folder_fd, name) as file_fd:
        if os.fstat(file_fd).st_nlink > 1:
            raise NotPlain("has a second name (a hard link), which a new file would leave behind")
        write_new(folder_fd, spare, content, like_fd=file_fd)
    try:
        exchanged = exchange(folder_fd, spare, name)
        if not exchanged:
            _rename_over(folder_fd, spare, name, expected)
    except (OSError, Changed):
        os.unlink(spare, dir_fd=folder_fd)
        raise
    make_durable(folder_fd)
    if exchanged:
        _judge(folder_fd, spare, name, expected, content)


def remove(folder_fd: int, name: str, expected: bytes) -> None:
    """Remove a file, if it is what is expected.

    Errors: `Changed`; `OSError`, upon which the file may have been removed or not.
    """
    spare = _spare_name()
    os.rename(name, spare, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)
    make_durable(folder_fd)
    if _settled(folder_fd, spare) == expected:
        os.unlink(spare, dir_fd=folder_fd)
        return
    # Where somebody saved anew in between, that is the newer save, and this one stays spare.
    with suppress(FileExistsError):
        rename_new(folder_fd, spare, name)
    raise Changed


def sweep(folder_fd: int, now_s: float) -> None:
    """Remove the spare files of runs that were cut short more than a day before `now_s`."""
    with os.scandir(folder_fd) as entries:
        left = [entry for entry in entries if _SPARE.fullmatch(entry.name)]
    for entry in left:
        # The change time is that of the exchange; the time of the content may be years ago.
        with suppress(FileNotFoundError):
            if now_s - entry.stat(follow_symlinks=False).st_ctime > SPARE_KEPT_S:
                os.unlink(entry.name, dir_fd=folder_fd)


@contextmanager
def _open(folder_fd: int, name: str) -> Generator[int]:
    try:
        file_fd = os.open(name, _PLAIN, dir_fd=folder_fd)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise NotPlain("is a symbolic link") from error
        raise
    try:
        status = os.fstat(file_fd)
        if not stat.S_ISREG(status.st_mode):
            raise NotPlain("is not a file")
        if status.st_size > SIZE_BYTES_MAX:
            raise NotPlain(f"is larger than {SIZE_BYTES_MAX >> 20} MiB")
        yield file_fd
    finally:
        os.close(file_fd)


def _spare_name() -> str:
    return f".contactd-{uuid4().hex}.tmp"


def _rename_over(folder_fd: int, spare: str, name: str, expected: bytes) -> None:
    if _settled(folder_fd, name) != expected:
        raise Changed
    os.rename(spare, name, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)


def _judge(folder_fd: int, spare: str, name: str, expected: bytes, content: bytes) -> None:
    """Look at what the exchange displaced: remove it if it is what is expected, else put it back."""
    if _settled(folder_fd, spare) == expected:
        os.unlink(spare, dir_fd=folder_fd)
        return
    _put_back(folder_fd, spare, name, content)
    raise Changed


def _put_back(folder_fd: int, spare: str, name: str, content: bytes) -> None:
    """Exchange back, so that the newest save has the name; what nobody can want again is removed."""
    try:
        exchange(folder_fd, spare, name)
        if _settled(folder_fd, spare) == content:
            os.unlink(spare, dir_fd=folder_fd)
        else:
            # Somebody saved over ours in between. Theirs gets the name again, the save before it stays spare.
            exchange(folder_fd, spare, name)
    except FileNotFoundError:
        # Somebody took the name away in between; a save is not lost for that.
        with suppress(FileExistsError):
            rename_new(folder_fd, spare, name)
    make_durable(folder_fd)


def _settled(folder_fd: int, name: str) -> bytes | None:
    """Return what a file holds once nobody is writing it; None if that takes too long or it cannot be read."""
    with suppress(NotPlain, OSError), _open(folder_fd, name) as file_fd:
        for _ in range(WRITER_LOOKS):
            with no_writer(file_fd) as quiet:
                if quiet:
                    return read_all(file_fd)
            time.sleep(WRITER_PAUSE_S)
    return None
