"""One contactd per state home: a lock that the kernel frees, however its holder ends.

The lock is `flock` on an open file, never the file's existence: it outlives no process, not even one killed
by signal 9, and the file is left in place, because removing it would let two processes lock two files of one name.
Two state homes on one vault, here or on two machines, are kept apart by the vault's marker.
"""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from daemon.database import folder_usable
from daemon.errors import AlreadyRunning

LOCK_NAME = "lock"
_PID_BYTES_MAX = 32


@contextmanager
def only_instance(state_home: Path) -> Generator[None]:
    """Hold the lock of an existing state home for the duration of the block.

    Errors: `AlreadyRunning` with the holder's pid, at once; nobody is waited for. `StateError`.
    """
    with folder_usable():
        lock_fd = os.open(state_home / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(lock_fd)
        os.ftruncate(lock_fd, 0)
        os.pwrite(lock_fd, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(lock_fd)


def _lock(lock_fd: int) -> None:
    try:
        fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise AlreadyRunning(_pid_in(lock_fd)) from error


def _pid_in(lock_fd: int) -> int:
    text = os.pread(lock_fd, _PID_BYTES_MAX, 0).strip()
    return int(text) if text.isdigit() else 0
