"""What lets us into an account, kept where nobody else looks: in the keyring if it answers, else in a file.

Theory of operation
-------------------
A sign-in that is lost costs its owner an evening, and a provider that rotates its tokens takes the old one back as soon
as it gives a new one. So a text is on the disk, or in the keyring and read back from it, before `write` returns.

*Where.* A text has one place at a time. A file means that the file counts, whatever a keyring may still hold; a mark of
no content means that the keyring has it. So a keyring that does not answer (it is locked until its owner logs in, and a
service may start before that) is never taken for an account that nobody has signed in to.

*Who.* `locked` lets one refresher in at a time, across processes: a server that rotates tokens takes the second use of
one for theft, and revokes all of them.

Nothing is opened, asked or made before it is needed: most runs need none of it.
"""

import fcntl
import hashlib
import os
import stat
import threading
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar
from uuid import uuid4

from connectors.errors import TryLater
from connectors.exchange import make_durable, read_all
from mappings.record import AccountName

KEYRING_ANSWERS_S = 1.0
"""A keyring that takes longer is asking its owner something, or nobody is there to unlock it."""

LOCK_WAITS_S = 90.0
LOCK_PAUSE_S = 0.05
"""How long to wait for another process that refreshes, which a slow network may keep for a minute; and how often to look."""

SIZE_BYTES_MAX = 1 << 20
"""A cache of many tokens is a few kilobytes."""

_SERVICE = "contactd"

_PRIORITY_MIN = 1
"""What `keyring` itself recommends begins here."""

Answer = TypeVar("Answer")


class TokenStore(Protocol):
    """The texts that let us into accounts, one for each; what is in a text is the connector's own affair.

    Errors: each may raise `TryLater`: the keyring that has the text does not answer, or its file is not ours alone.
    """

    def read(self, account: AccountName) -> str | None:
        """Return the account's text, None if there is none."""
        ...

    def write(self, account: AccountName, text: str) -> None:
        """Keep a text in the place of the one before; it is durable when this returns."""
        ...

    def forget(self, account: AccountName) -> None:
        """Keep nothing of the account."""
        ...

    def locked(self, account: AccountName) -> AbstractContextManager[None]:
        """Keep every other process, and thread, from refreshing this account's tokens."""
        ...


def open_store(folder: Path) -> TokenStore:
    """Return the store whose files are in this folder; nothing is asked or made yet."""
    return _Store(folder)


@dataclass(frozen=True, slots=True)
class _Store:
    """Files and marks in a folder of mode 0700, and a keyring."""

    folder: Path

    def read(self, account: AccountName) -> str | None:
        if not self.folder.exists():
            return None
        with self._opened() as folder_fd:
            text = _read_file(folder_fd, _file(account))
            if text is not None or not _is_there(folder_fd, _mark(account)):
                return text
        return _answered(lambda: _keyring_read(self._user(account)), "the keyring that has the sign-in does not answer")

    def write(self, account: AccountName, text: str) -> None:
        with self._opened() as folder_fd:
            if self._kept_in_keyring(account, text):
                _replace(folder_fd, _mark(account), b"")
                _remove(folder_fd, _file(account))
            else:
                _replace(folder_fd, _file(account), text.encode())
                _remove(folder_fd, _mark(account))
            make_durable(folder_fd)

    def forget(self, account: AccountName) -> None:
        if not self.folder.exists():
            return
        with self._opened() as folder_fd:
            if _is_there(folder_fd, _mark(account)):
                _answered(lambda: _keyring_delete(self._user(account)), "the keyring that has the sign-in is locked")
                _remove(folder_fd, _mark(account))
            _remove(folder_fd, _file(account))
            make_durable(folder_fd)

    @contextmanager
    def locked(self, account: AccountName) -> Generator[None]:
        with self._opened() as folder_fd:
            lock_fd = os.open(f"{account}.lock", _LOCK_FLAGS, 0o600, dir_fd=folder_fd)
        try:
            # Its own open file each time, so that threads of one process exclude each other too.
            _wait_for(lock_fd)
            yield
        finally:
            os.close(lock_fd)

    def _kept_in_keyring(self, account: AccountName, text: str) -> bool:
        user = self._user(account)

        def keep() -> bool:
            return _keyring_write(user, text) and _keyring_read(user) == text

        with suppress(TryLater):
            return _answered(keep, "the keyring does not answer")
        return False

    def _user(self, account: AccountName) -> str:
        """Name an account of this folder in the keyring, which other states of the same owner use too."""
        return f"{account} {hashlib.blake2b(os.fsencode(self.folder.absolute()), digest_size=8).hexdigest()}"

    @contextmanager
    def _opened(self) -> Generator[int]:
        try:
            # A sign-in may come before all else: the folder that it is in is as private then.
            self.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.mkdir(mode=0o700, exist_ok=True)
            folder_fd = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError as error:
            raise TryLater(f"{self.folder}: {error.strerror}", None) from error
        try:
            _check_ours(folder_fd, str(self.folder))
            yield folder_fd
        except OSError as error:
            raise TryLater(f"{self.folder}: {error.strerror}", None) from error
        finally:
            os.close(folder_fd)


_LOCK_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


def _file(account: AccountName) -> str:
    return f"{account}.token"


def _mark(account: AccountName) -> str:
    return f"{account}.in-keyring"


def _check_ours(file_fd: int, name: str) -> None:
    status = os.fstat(file_fd)
    if status.st_uid != os.geteuid():
        raise TryLater(f"{name} belongs to somebody else; move it away and sign in again", None)
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise TryLater(f"others may look into {name}, which lets them into the account; chmod go= {name}", None)


def _is_there(folder_fd: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _read_file(folder_fd: int, name: str) -> str | None:
    try:
        # O_NONBLOCK: opening a FIFO must not wait for somebody at its other end.
        file_fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder_fd)
    except FileNotFoundError:
        return None
    try:
        _check_ours(file_fd, name)
        if not stat.S_ISREG(os.fstat(file_fd).st_mode) or os.fstat(file_fd).st_size > SIZE_BYTES_MAX:
            raise TryLater(f"{name} is no file that contactd has written; move it away and sign in again", None)
        return read_all(file_fd).decode()
    except UnicodeDecodeError as error:
        raise TryLater(f"{name} is no file that contactd has written; move it away and sign in again", None) from error
    finally:
        os.close(file_fd)


def _replace(folder_fd: int, name: str, content: bytes) -> None:
    """Put a file in the place of the one before, whole and durable."""
    spare = f".{uuid4().hex}.tmp"
    file_fd = os.open(spare, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder_fd)
    try:
        with closing(os.fdopen(file_fd, "wb")) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.rename(spare, name, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)
    except OSError:
        _remove(folder_fd, spare)
        raise
    make_durable(folder_fd)


def _remove(folder_fd: int, name: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder_fd)


def _wait_for(lock_fd: int) -> None:
    give_up_at = time.monotonic() + LOCK_WAITS_S
    while True:
        try:
            fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > give_up_at:
                raise TryLater("another process has been signing in for long", None) from error
            time.sleep(LOCK_PAUSE_S)
        else:
            return


def _answered(ask: Callable[[], Answer], otherwise: str) -> Answer:
    """Return what the keyring answers within its time.

    Errors: `TryLater`. A question that was not answered may still be: nobody waits for it.
    """
    answers: list[Answer] = []

    def work() -> None:
        with _keyring_errors():
            answers.append(ask())

    asking = threading.Thread(target=work, name="keyring", daemon=True)
    asking.start()
    asking.join(KEYRING_ANSWERS_S)
    if not answers:
        raise TryLater(f"{otherwise}; unlock it, or sign in again while it is locked to keep a file instead", None)
    return answers[0]


@contextmanager
def _keyring_errors() -> Generator[None]:
    """End the keyring's errors here: an answer that does not come is one that is missing."""
    # Only here, as in the functions below: it takes longer to import than most runs have use for.
    from keyring.errors import KeyringError  # noqa: PLC0415

    # What stands between us and a keyring (D-Bus, a helper program) raises errors of its own kinds besides.
    with suppress(KeyringError, OSError, RuntimeError):
        yield


def _keyring_read(user: str) -> str | None:
    import keyring  # noqa: PLC0415

    return keyring.get_password(_SERVICE, user)


def _keyring_write(user: str, text: str) -> bool:
    """Give the text to a keyring that is one; those of a low priority keep nothing, or keep it in plain sight."""
    import keyring  # noqa: PLC0415

    if keyring.get_keyring().priority < _PRIORITY_MIN:
        return False
    keyring.set_password(_SERVICE, user, text)
    return True


def _keyring_delete(user: str) -> None:
    import keyring  # noqa: PLC0415
    from keyring.errors import PasswordDeleteError  # noqa: PLC0415

    with suppress(PasswordDeleteError):
        keyring.delete_password(_SERVICE, user)
