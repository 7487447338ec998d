"""The vault in a folder: the only module that touches notes.

Theory of operation
-------------------
Others write these files too, at any instant and without a lock: editors in place (the file is empty for a moment),
editors by rename, sync tools. No edit of theirs may be lost, not even if we are killed between two instructions.

*Reading* holds a read lease, so a save in progress is seen as one (`NoteChanged`) and half a note is never read.

*Replacing* never writes into a note and never deletes one. The new content is set aside (`aside`), made durable,
the note is compared once more, and the two names are exchanged in one step. Then what was the note is looked at
under its new name. If it is not what is expected, somebody saved in between: the names are exchanged back.

*Settling* comes later, because an editor may have opened the file before the exchange and write to it after that
look. A file that was set aside goes only when nobody has it open for writing, its grace is over, and it holds what
was read or what we wrote. Else it becomes a conflict copy beside the note, and its owner is told. Once `replace`
has returned, the note itself is not touched again: what was recorded as written stays written.

*After a crash* the same rule settles the leftovers, whose names say all that it needs.

*Where exchange is not offered* (some network and FUSE file systems) the new file is renamed over the note right
after the comparison. A save within those microseconds is lost there; nothing else is.

*Links.* Each folder is opened beneath the one before, never through a symbolic link: what RESOLVE_BENEATH of
openat2(2) does, in a few more calls, on every kernel and under every system call filter. No folder stays open
between calls, so the vault can be unmounted at any time; every call makes sure that the root is the one it was.
"""

import errno
import os
import stat
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path

from connectors.exchange import exchange, make_durable, no_writer, read_all, rename_new
from daemon.aside import aside_name, create_aside, is_aside, let_go, write_aside
from daemon.errors import NoteChanged, NotOurVault, VaultError, VaultMissing
from daemon.marker import MARKER_NAME, Marker, read_marker
from daemon.vault import FileStat, Listing, NoteFile, Problem, hash_of
from mappings.record import NoteHash, NotePath

NOTE_SIZE_BYTES_MAX = 16 << 20
"""No note about a person is larger; whatever is would only fill the memory."""

GRACE_S = 0.03
"""How long a file stays set aside at least, for an `open` that found the note just before the exchange.

The kernel needs microseconds from finding a name to counting the opener, after which the lease sees it. With 30 ms
and no lease at all, none of 30,000 racing saves was lost.
"""

SETTLE_LOOKS = 20
"""How often `settle` looks at a file that somebody is still writing, before it leaves it for the next time."""

ASIDE_MAX = 256
"""How many files may be set aside before `replace` settles them itself."""

FOLDER_DEPTH_MAX = 100
"""How deep a folder may lie: one is open per level, and a process may have a thousand open files."""

_SUFFIXES = frozenset({".md", ".MD", ".Md", ".mD"})
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
# O_NONBLOCK: opening a FIFO must not wait for somebody at its other end.
_NOTE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


class FolderVault:
    """A vault in a folder.

    It is bound to the folder that is there when it is made. One that was mounted anew is another folder: make
    another object, whose `check_identity` proves it by the marker. Without `expect` the marker is not asked for.

    Errors: `VaultMissing` if there is no folder.
    """

    def __init__(self, root: Path, expect: Marker | None) -> None:
        self._root = root
        self._expect = expect
        root_fd = _open_root(root)
        self._identity = _identity(root_fd)
        os.close(root_fd)
        self._aside: set[NotePath] = set()
        self._copies: list[NotePath] = []

    def check_identity(self) -> None:
        with self._folder(""):
            pass
        if self._expect is None:
            return
        marker = read_marker(self._root)
        if marker is None:
            raise VaultMissing(f"{MARKER_NAME} is not there")
        if marker.vault_id != self._expect.vault_id:
            raise VaultMissing(f"{MARKER_NAME} is another vault's")
        if marker.machine_id != self._expect.machine_id:
            raise NotOurVault

    def listing(self) -> Listing:
        look = _Look()
        with self._folder("") as root_fd:
            try:
                look.beneath("", root_fd, depth=0)
            except OSError as error:
                look.unread.append(Problem(".", _reason(error)))
        return look.listing()

    def look_at(self, paths: Iterable[NotePath]) -> Listing:
        look = _Look()
        for path in paths:
            if not _is_listed(path):
                continue
            folder, name = _split(path)
            try:
                with self._folder(folder) as folder_fd:
                    look.note(path, os.stat(name, dir_fd=folder_fd, follow_symlinks=False))
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                look.unread.append(Problem(path, _reason(error)))
        return look.listing()

    def read(self, path: NotePath) -> NoteFile:
        folder, name = _split(path)
        with (
            _told(),
            self._folder(folder) as folder_fd,
            _opened(name, _NOTE, folder_fd) as note_fd,
            no_writer(note_fd) as quiet,
        ):
            if not quiet:
                raise NoteChanged("it is being saved right now")
            status = os.fstat(note_fd)
            _refuse_unreadable(status)
            content = read_all(note_fd)
        return NoteFile(path, hash_of(content), content, _stat_of(path, status))

    def replace(self, path: NotePath, expected: NoteHash, content: bytes) -> NoteFile:
        folder, name = _split(path)
        written = hash_of(content)
        aside = aside_name(name, expected, written)
        if len(self._aside) >= ASIDE_MAX or _joined(folder, aside) in self._aside:
            self._settle_all()
        with _told(), self._folder(folder) as folder_fd:
            with _opened(name, _NOTE, folder_fd) as note_fd:
                _refuse_unwritable(os.fstat(note_fd))
                write_aside(folder_fd, aside, content, note_fd)
            self._aside.add(_joined(folder, aside))
            _swap(folder_fd, name, aside, expected)
            status = os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
        return NoteFile(path, written, content, _stat_of(path, status))

    def create(self, path: NotePath, content: bytes) -> NoteFile:
        folder, name = _split(path)
        written = hash_of(content)
        with _told_of_new(), self._made(folder) as folder_fd:
            create_aside(folder_fd, name, written, content)
            make_durable(folder_fd)
            status = os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
        return NoteFile(path, written, content, _stat_of(path, status))

    def remove(self, path: NotePath, expected: NoteHash) -> None:
        folder, name = _split(path)
        aside = aside_name(name, expected, expected)
        with _told(), self._folder(folder) as folder_fd:
            _refuse_unwritable(os.stat(name, dir_fd=folder_fd, follow_symlinks=False))
            if not _holds(folder_fd, name, expected):
                raise NoteChanged("it is not what was read")
            rename_new(folder_fd, name, aside)
            self._aside.add(_joined(folder, aside))
            if not _holds(folder_fd, aside, expected):
                # Where somebody has made a new note of this name meanwhile, the old one becomes a conflict copy.
                with suppress(FileExistsError):
                    rename_new(folder_fd, aside, name)
                make_durable(folder_fd)
                raise NoteChanged("it was saved in the same instant")
            make_durable(folder_fd)

    def check_writable(self, path: NotePath) -> None:
        folder, name = _split(path)
        with _told(), self._folder(folder) as folder_fd:
            status = os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
            _refuse_unwritable(status)
            if os.geteuid() not in {0, status.st_uid}:
                raise VaultError("it is another user's, and a new file would not be")
            if not os.access(".", os.W_OK | os.X_OK, dir_fd=folder_fd, effective_ids=True):
                raise VaultError("its folder is read-only")

    def settle(self) -> tuple[NotePath, ...]:
        self._settle_all()
        copies, self._copies = tuple(self._copies), []
        return copies

    def clean_up(self, leftovers: Iterable[NotePath]) -> tuple[NotePath, ...]:
        self._aside.update(leftovers)
        return self.settle()

    def _settle_all(self) -> None:
        for _ in range(SETTLE_LOOKS):
            if not self._aside:
                return
            time.sleep(GRACE_S)
            self._aside = {path for path in sorted(self._aside) if not self._settled(path)}

    def _settled(self, path: NotePath) -> bool:
        """Let go of one file that was set aside; False while that is not possible."""
        folder, aside = _split(path)
        try:
            with (
                self._folder(folder) as folder_fd,
                _opened(aside, _NOTE, folder_fd) as aside_fd,
                no_writer(aside_fd) as quiet,
            ):
                # Within the lease, so that nobody begins to write between the look and the end.
                copy = let_go(folder_fd, aside, hash_of(read_all(aside_fd))) if quiet else None
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            return False
        if copy is not None:
            self._copies.append(_joined(folder, copy))
        return quiet

    @contextmanager
    def _folder(self, path: str) -> Generator[int]:
        """Open a folder beneath the root, which must still be the folder that it was."""
        folder_fd = _open_root(self._root)
        try:
            if _identity(folder_fd) != self._identity:
                raise VaultMissing("the folder is another one than before")
            for part in path.split("/") if path else ():
                parent_fd, folder_fd = folder_fd, os.open(part, _FOLDER, dir_fd=folder_fd)
                os.close(parent_fd)
            yield folder_fd
        finally:
            os.close(folder_fd)

    @contextmanager
    def _made(self, path: str) -> Generator[int]:
        """Open a folder beneath the root, and make what of it is not there."""
        parts = path.split("/") if path else []
        for depth in range(len(parts)):
            with self._folder("/".join(parts[:depth])) as parent_fd, suppress(FileExistsError):
                os.mkdir(parts[depth], dir_fd=parent_fd)
                make_durable(parent_fd)
        with self._folder(path) as folder_fd:
            yield folder_fd


class _Look:
    """What a listing has found so far."""

    def __init__(self) -> None:
        self.notes: list[FileStat] = []
        self.problems: list[Problem] = []
        self.unread: list[Problem] = []
        self.leftovers: list[NotePath] = []

    def listing(self) -> Listing:
        """Return what was found so far."""
        return Listing(tuple(self.notes), tuple(self.problems), tuple(self.unread), tuple(self.leftovers))

    def beneath(self, prefix: str, folder_fd: int, depth: int) -> None:
        """Look at a folder and at all beneath it; what cannot be read is `unread`, and the rest goes on.

        Errors: `OSError` if the folder itself cannot be read.
        """
        for name in self._files(prefix, folder_fd):
            try:
                self._descend(prefix + name, name, folder_fd, depth + 1)
            except OSError as error:
                self.unread.append(Problem(prefix + name, _reason(error)))

    def _descend(self, path: str, name: str, parent_fd: int, depth: int) -> None:
        if not _is_text(name):
            self.unread.append(Problem(_printable(path), "its name is not UTF-8"))
            return
        if depth > FOLDER_DEPTH_MAX:
            self.unread.append(Problem(path, f"more than {FOLDER_DEPTH_MAX} folders deep"))
            return
        if name[-3:] in _SUFFIXES:
            self.problems.append(Problem(path, "a folder, not a note"))
        with _opened(name, _FOLDER, parent_fd) as folder_fd:
            self.beneath(f"{path}/", folder_fd, depth)

    def _files(self, prefix: str, folder_fd: int) -> list[str]:
        """Take down the files of one folder, and return the names of the folders in it."""
        folders: list[str] = []
        with os.scandir(folder_fd) as entries:
            for entry in entries:
                name = entry.name
                if entry.is_dir(follow_symlinks=False):
                    if name[0] != ".":
                        folders.append(name)
                elif name[-3:] in _SUFFIXES and name[0] != ".":
                    try:
                        self.note(prefix + name, entry.stat(follow_symlinks=False))
                    except FileNotFoundError:  # taken away since the folder was read
                        continue
                else:
                    self._other(prefix, entry)
        return folders

    def note(self, path: str, status: os.stat_result) -> None:
        """Take down a file that has the name of a note."""
        if stat.S_ISREG(status.st_mode) and _is_text(path):
            if path != MARKER_NAME:
                self.notes.append(_stat_of(NotePath(path), status))
        else:
            self.problems.append(Problem(_printable(path), _why_no_note(status)))

    def _other(self, prefix: str, entry: os.DirEntry[str]) -> None:
        if is_aside(entry.name):
            self.leftovers.append(NotePath(prefix + entry.name))
        elif _is_elsewhere(entry.name):
            self.unread.append(Problem(_printable(prefix + entry.name), "it is in iCloud, and not on this disk"))
        elif entry.name[0] != "." and entry.is_symlink() and entry.is_dir():
            self.problems.append(Problem(_printable(prefix + entry.name), "a link to a folder; not followed"))


def _is_elsewhere(name: str) -> bool:
    """Tell whether a file stands for a note that iCloud has taken off the disk: `.Ada.md.icloud` for `Ada.md`."""
    return name.startswith(".") and name.lower().endswith(".md.icloud")


def _why_no_note(status: os.stat_result) -> str:
    if stat.S_ISLNK(status.st_mode):
        return "a link; not followed"
    return "its name is not UTF-8" if stat.S_ISREG(status.st_mode) else "not a regular file"


def _is_text(name: str) -> bool:
    """Tell a name that is UTF-8 from one whose bytes Python could only carry in disguise (PEP 383)."""
    return name.isascii() or name.encode(errors="ignore").decode() == name


def _printable(path: str) -> str:
    return os.fsencode(path).decode(errors="backslashreplace")


def _stat_of(path: NotePath, status: os.stat_result) -> FileStat:
    return FileStat(path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _swap(folder_fd: int, name: str, aside: str, expected: NoteHash) -> None:
    """Exchange the note and the file that was set aside, and back again if the note was not what is expected."""
    if not _holds(folder_fd, name, expected):
        raise NoteChanged("it is not what was read")
    if not exchange(folder_fd, name, aside):
        os.rename(aside, name, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)
    elif not _holds(folder_fd, aside, expected):
        # Where somebody has taken the note away meanwhile, its content stays set aside and becomes a conflict copy.
        with suppress(FileNotFoundError):
            exchange(folder_fd, name, aside)
        make_durable(folder_fd)
        raise NoteChanged("it was saved in the same instant")
    make_durable(folder_fd)


def _holds(folder_fd: int, name: str, expected: NoteHash) -> bool:
    """Tell whether a file is what is expected; one that is being saved or cannot be read is not."""
    try:
        with _opened(name, _NOTE, folder_fd) as note_fd, no_writer(note_fd) as quiet:
            return quiet and hash_of(read_all(note_fd)) == expected
    except OSError:
        return False


def _refuse_unreadable(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise VaultError("not a regular file")
    if status.st_size > NOTE_SIZE_BYTES_MAX:
        raise VaultError(f"larger than {NOTE_SIZE_BYTES_MAX >> 20} MiB")


def _refuse_unwritable(status: os.stat_result) -> None:
    _refuse_unreadable(status)
    if status.st_nlink > 1:
        raise VaultError("it has a second name (a hard link), which would keep the old content")
    if not status.st_mode & 0o222:
        raise VaultError("it is read-only")


@contextmanager
def _told() -> Generator[None]:
    """Say what an error of the operating system means for the note."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NoteChanged("it is not there right now") from error
    except FileExistsError as error:
        raise NoteChanged("somebody is still writing to the file that it was before") from error
    except OSError as error:
        raise VaultError(_reason(error)) from error


@contextmanager
def _told_of_new() -> Generator[None]:
    """Say what an error of the operating system means for a note that is to be made."""
    try:
        yield
    except FileExistsError as error:
        raise NoteChanged("something of this name is there already") from error
    except OSError as error:
        raise VaultError(_reason(error)) from error


def _reason(error: OSError) -> str:
    return "a link; not followed" if error.errno == errno.ELOOP else str(error.strerror)


@contextmanager
def _opened(name: str, flags: int, folder_fd: int) -> Generator[int]:
    file_fd = os.open(name, flags, dir_fd=folder_fd)
    try:
        yield file_fd
    finally:
        os.close(file_fd)


def _open_root(root: Path) -> int:
    try:
        return os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise VaultMissing(_reason(error)) from error


def _identity(root_fd: int) -> tuple[int, int]:
    status = os.fstat(root_fd)
    return status.st_dev, status.st_ino


def _split(path: NotePath) -> tuple[str, str]:
    """Split into folder and name; refuse a path that does not lead down."""
    if "\0" in path or not {"", ".", ".."}.isdisjoint(path.split("/")):
        raise VaultError("not a path beneath the vault")
    folder, _, name = path.rpartition("/")
    return folder, name


def _is_listed(path: NotePath) -> bool:
    """Tell whether a listing would look at a file of this path: nothing in its way is hidden, and it ends as notes do."""
    return path[-3:] in _SUFFIXES and not any(part.startswith(".") or not part for part in path.split("/"))


def _joined(folder: str, name: str) -> NotePath:
    return NotePath(f"{folder}/{name}" if folder else name)
