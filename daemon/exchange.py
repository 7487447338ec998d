"""What Linux offers for replacing a file without losing a byte: exchange, lease, attributes, durable writes.

Names are single names within one open folder (`folder_fd`), so no path is walked and no link is followed here.
Everything raises `OSError`; `vault` says what an error means for a note.
"""

import ctypes
import errno
import fcntl
import os
import signal
from collections.abc import Generator
from contextlib import contextmanager, suppress

_LIBC = ctypes.CDLL(None, use_errno=True)
_RENAME_NOREPLACE = 1
_RENAME_EXCHANGE = 2

# What a kernel, a seccomp filter's author or a file system answers to a rename that it does not know.
_NOT_OFFERED = frozenset({errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP})


def exchange(folder_fd: int, left: str, right: str) -> bool:
    """Swap two names in one step, whatever they are; False, and nothing done, where that is not offered."""
    return _renameat2(folder_fd, left, right, _RENAME_EXCHANGE)


def rename_new(folder_fd: int, source: str, target: str) -> None:
    """Rename, unless the target exists (`FileExistsError`).

    Where the file system cannot promise that, the target is looked for first: enough against ourselves,
    not against somebody who makes it in the same instant.
    """
    if _renameat2(folder_fd, source, target, _RENAME_NOREPLACE):
        return
    with suppress(FileNotFoundError):
        os.stat(target, dir_fd=folder_fd, follow_symlinks=False)
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    os.rename(source, target, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)


def _renameat2(folder_fd: int, source: str, target: str, flag: int) -> bool:
    try:
        call = _LIBC.renameat2
    except AttributeError:  # a C library that does not know it: musl before 1.2.6, glibc before 2.28
        return False
    if call(folder_fd, os.fsencode(source), folder_fd, os.fsencode(target), flag) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NOT_OFFERED:
        return False
    raise OSError(number, os.strerror(number))


@contextmanager
def no_writer(file_fd: int) -> Generator[bool]:
    """Keep writers out of a file that is open for reading; False if somebody has it open for writing already.

    A read lease is granted only while nobody can write, and whoever then opens the file for writing waits in
    `open` until the block ends. Where leases are not offered (network file systems) or not to us (the file is
    another user's) this is True and promises nothing.
    Source: fcntl(2), "Leases".
    """
    try:
        # A waiting opener is announced by SIGIO, which kills; SIGURG is ignored unless somebody asks for it.
        fcntl.fcntl(file_fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(file_fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        granted, writer = False, error.errno == errno.EAGAIN
    else:
        granted, writer = True, False
    try:
        yield not writer
    finally:
        if granted:
            fcntl.fcntl(file_fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)


def read_all(file_fd: int) -> bytes:
    """Read an open file to its end."""
    chunks: list[bytes] = []
    while chunk := os.read(file_fd, 1 << 16):
        chunks.append(chunk)
    return b"".join(chunks)


def write_new(folder_fd: int, name: str, content: bytes, like_fd: int | None) -> None:
    """Make a file that is whole on the disk when this returns, with the attributes of `like_fd` if given.

    Errors: `FileExistsError`; after any other the file is gone again, unless even that fails.
    """
    # Until it has the other's mode, nobody else is to read what may be in it.
    mode = 0o666 if like_fd is None else 0o600
    new_fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode, dir_fd=folder_fd)
    try:
        if like_fd is not None:
            _copy_attributes(like_fd, new_fd)
        _write_all(new_fd, content)
        os.fsync(new_fd)
    except OSError:
        with suppress(OSError):
            os.unlink(name, dir_fd=folder_fd)
        raise
    finally:
        os.close(new_fd)


def _write_all(file_fd: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(file_fd, rest) :]


def _copy_attributes(like_fd: int, new_fd: int) -> None:
    """Give a file the owner, mode and extended attributes (ACLs are such) of another, no more and no fewer."""
    like = os.fstat(like_fd)
    new = os.fstat(new_fd)
    if (like.st_uid, like.st_gid) != (new.st_uid, new.st_gid):
        os.fchown(new_fd, like.st_uid, like.st_gid)
    wanted, given = _attributes(like_fd), _attributes(new_fd)
    # A folder's default ACL puts one on every new file; the note may not have one.
    for name in given.keys() - wanted.keys():
        os.removexattr(new_fd, name)
    # Before any attribute: an ACL's mask and the group bits of the mode are the same bits.
    os.fchmod(new_fd, like.st_mode & 0o7777)
    for name, value in wanted.items():
        if given.get(name) != value:
            os.setxattr(new_fd, name, value)


def _attributes(file_fd: int) -> dict[str, bytes]:
    try:
        return {name: os.getxattr(file_fd, name) for name in os.listxattr(file_fd)}
    except OSError as error:
        if error.errno == errno.EOPNOTSUPP:
            return {}
        raise


def make_durable(folder_fd: int) -> None:
    """Wait until the folder's names are on the disk."""
    try:
        os.fsync(folder_fd)
    except OSError as error:
        if error.errno != errno.EINVAL:  # file systems without durable folders say so this way
            raise
