"""A vault in memory: files with the stats that file systems give them, and editors that have them open."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from daemon.errors import NoteChanged, VaultError, VaultMissing
from daemon.vault import FileStat, Listing, NoteFile, Problem, hash_of
from mappings.record import NoteHash, NotePath

Step = Callable[[str], None]
"""Called before and after everything that is done; may do what it likes to the world, and raise."""


@dataclass(frozen=True, slots=True)
class File:
    """One file: its content and what the file system says of it."""

    content: bytes
    inode: int
    mtime_ns: int
    ctime_ns: int


@dataclass(frozen=True, slots=True)
class Aside:
    """What was a note before it was replaced; somebody may have it open still, and write to it."""

    path: NotePath
    content: bytes
    known: frozenset[bytes]


class MemoryVault:
    """The notes of a history. What `daemon.vault.Vault` names is the program's; the rest is the owner's hand."""

    def __init__(self, clock: Callable[[], datetime], grain_ns: int, step: Step) -> None:
        self.files: dict[NotePath, File] = {}
        self.aside: dict[NotePath, Aside] = {}
        self.mounted = True
        self.readable = True
        self.locked: set[NotePath] = set()
        self.replaced: Callable[[NotePath, bytes, bytes], None] = _unseen
        self.made: Callable[[NotePath, bytes], None] = _unseen_made
        self._clock = clock
        self._grain_ns = grain_ns
        self._step = step
        self._inodes = 0
        self._ours: set[NotePath] = set()

    def check_identity(self) -> None:
        self._step("identity asked")
        self._check_mounted()

    def listing(self) -> Listing:
        self._step("listing asked")
        self._check_mounted()
        found = [self._stat(path, file) for path, file in sorted(self.files.items())]
        problems = () if self.readable else (Problem("People", "Input/output error"),)
        listing = Listing(tuple(found) if self.readable else (), (), problems, tuple(sorted(self.aside)))
        self._step("listing done")
        return listing

    def look_at(self, paths: Iterable[NotePath]) -> Listing:
        self._step("look asked")
        self._check_mounted()
        found = [self._stat(path, self.files[path]) for path in paths if path in self.files]
        return Listing(tuple(found), (), (), ())

    def read(self, path: NotePath) -> NoteFile:
        self._step("note asked")
        self._check_mounted()
        file = self._present(path)
        self._step("note done")
        return NoteFile(path, hash_of(file.content), file.content, self._stat(path, file))

    def replace(self, path: NotePath, expected: NoteHash, content: bytes) -> NoteFile:
        self._step("replace asked")
        self._check_mounted()
        before = self._present(path).content
        if path in self.locked:
            raise VaultError("it is read-only")
        if hash_of(before) != expected:
            raise NoteChanged("it is not what was read")
        name = NotePath(f".aside-{path}-{expected}")
        self.aside[name] = Aside(path, before, frozenset({before, content}))
        self._ours.add(name)
        self.save(path, content, by_rename=True)
        self.replaced(path, before, content)
        file = self.files[path]
        self._step("replace done")
        return NoteFile(path, hash_of(content), content, self._stat(path, file))

    def check_writable(self, path: NotePath) -> None:
        self._check_mounted()
        self._present(path)
        if path in self.locked:
            raise VaultError("it is read-only")

    def create(self, path: NotePath, content: bytes) -> NoteFile:
        self._step("create asked")
        self._check_mounted()
        if path in self.files:
            raise NoteChanged("something of this name is there already")
        self.save(path, content, by_rename=True)
        self.made(path, content)
        file = self.files[path]
        self._step("create done")
        return NoteFile(path, hash_of(content), content, self._stat(path, file))

    def remove(self, path: NotePath, expected: NoteHash) -> None:
        self._step("remove asked")
        self._check_mounted()
        before = self._present(path).content
        if path in self.locked:
            raise VaultError("it is read-only")
        if hash_of(before) != expected:
            raise NoteChanged("it is not what was read")
        name = NotePath(f".aside-{path}-{expected}")
        self.aside[name] = Aside(path, before, frozenset({before}))
        self._ours.add(name)
        del self.files[path]
        self._step("remove done")

    def settle(self) -> tuple[NotePath, ...]:
        self._step("settle asked")
        self._check_mounted()
        copies: list[NotePath] = []
        for name in sorted(self._ours & self.aside.keys()):
            aside = self.aside.pop(name)
            if aside.content not in aside.known:
                copy = NotePath(f"{aside.path.removesuffix('.md')}.contactd-conflict-{hash_of(aside.content)[:8]}.md")
                self.save(copy, aside.content, by_rename=True)
                copies.append(copy)
        self._ours.clear()
        return tuple(copies)

    def clean_up(self, leftovers: Iterable[NotePath]) -> tuple[NotePath, ...]:
        self._ours.update(leftovers)
        return self.settle()

    def restart(self) -> None:
        """Forget what a process that died knew."""
        self._ours.clear()

    def save(self, path: NotePath, content: bytes, *, by_rename: bool, mtime_ns: int | None = None) -> None:
        """Give a file its content: in place or under a new inode; a sync tool sets the time of another machine."""
        now_ns = int(self._clock().timestamp() * 1e9) // self._grain_ns * self._grain_ns
        known = self.files.get(path)
        if by_rename or known is None:
            self._inodes += 1
        inode = self._inodes if by_rename or known is None else known.inode
        self.files[path] = File(content, inode, now_ns if mtime_ns is None else mtime_ns, now_ns)

    def move(self, path: NotePath, target: NotePath) -> None:
        """Give a file another name; its inode stays and its ctime changes."""
        now_ns = int(self._clock().timestamp() * 1e9) // self._grain_ns * self._grain_ns
        self.files[target] = replace(self.files.pop(path), ctime_ns=now_ns)

    def _check_mounted(self) -> None:
        if not self.mounted:
            raise VaultMissing("contactd-vault.md is not there")

    def _present(self, path: NotePath) -> File:
        file = self.files.get(path)
        if file is None:
            raise NoteChanged("it is not there right now")
        return file

    def _stat(self, path: NotePath, file: File) -> FileStat:
        return FileStat(path, 1, file.inode, len(file.content), file.mtime_ns, file.ctime_ns)


def _unseen_made(path: NotePath, content: bytes) -> None:
    del path, content


def _unseen(path: NotePath, before: bytes, after: bytes) -> None:
    del path, before, after
