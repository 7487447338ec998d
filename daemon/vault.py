"""The notes, as the rest of the daemon sees them: list them, read one, replace one if it is what was read.

`folder_vault` keeps them in a folder, where editors and sync tools work on them at the same time; nothing else in
the program touches a note. A simulation brings notes of its own behind the same protocol.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from mappings.record import NoteHash, NotePath


class FileStat(NamedTuple):
    """What the file system says of a note without reading it.

    A tuple, because one is made for every note in every look: a frozen dataclass takes three times as long.
    """

    path: NotePath
    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


@dataclass(frozen=True, slots=True)
class NoteFile:
    """A note as it was read or written; whatever changes it later also changes what `stat` says."""

    path: NotePath
    note_hash: NoteHash
    content: bytes
    stat: FileStat


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the vault that is no readable note or folder, and why; bytes that are no UTF-8 are escaped."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """What one look at the vault found.

    `problems` look like notes but cannot be read as such. `unread` are folders whose notes are unknown: only if
    there are none is a note that is missing here really not there. `leftovers` are for `clean_up`.
    """

    notes: tuple[FileStat, ...]
    problems: tuple[Problem, ...]
    unread: tuple[Problem, ...]
    leftovers: tuple[NotePath, ...]

    @property
    def complete(self) -> bool:
        return not self.unread


class Vault(Protocol):
    """The notes of one vault.

    Errors: every method may raise `VaultMissing`; it has done nothing then.
    Threads: any may call `read`; one calls the rest.
    """

    def check_identity(self) -> None:
        """Make sure that this is the vault, and that this machine keeps it in step.

        Errors: `VaultMissing`, `NotOurVault`, `MarkerUnreadable`; the caller touches nothing.
        """
        ...

    def listing(self) -> Listing:
        """Find every note, without reading any."""
        ...

    def look_at(self, paths: Iterable[NotePath]) -> Listing:
        """Return what `listing` would say of these notes alone; one that is not there is not in it."""
        ...

    def read(self, path: NotePath) -> NoteFile:
        """Read one note.

        Errors: `NoteChanged` if it is not there just now or being saved; `VaultError` if it is not to be read.
        """
        ...

    def replace(self, path: NotePath, expected: NoteHash, content: bytes) -> NoteFile:
        """Replace a note's content if it is what is expected; durable when this returns.

        Errors: `NoteChanged` if it is not, or not to be judged now; `VaultError` if it cannot be written. No edit by others is lost. A
        `VaultError` may also come from making the new content durable, with that already in place: the caller
        believes nothing until it has read the note again.
        """
        ...

    def create(self, path: NotePath, content: bytes) -> NoteFile:
        """Make a note that is not there, and its folder; whole and durable when this returns, or not at all.

        Errors: `NoteChanged` if something of this name is there; `VaultError` if it cannot be made.
        """
        ...

    def remove(self, path: NotePath, expected: NoteHash) -> None:
        """Take a note away if it is what is expected; durable when this returns.

        Errors: `NoteChanged` if it is not, or not to be judged now; `VaultError` if it cannot be done. No edit by others
        is lost: what somebody still writes to the file becomes a conflict copy, as with `replace`.
        """
        ...

    def check_writable(self, path: NotePath) -> None:
        """Make sure that a note may be replaced, as far as that can be told without doing it.

        Errors: `NoteChanged` if it is not there just now; `VaultError` if it cannot be written.
        """
        ...

    def settle(self) -> tuple[NotePath, ...]:
        """Let go of the replaced files: to be called after each batch of replacements and at the end of a run.

        Result: the conflict copies that were made of edits which raced with us, to be shown to the owner.
        """
        ...

    def clean_up(self, leftovers: Iterable[NotePath]) -> tuple[NotePath, ...]:
        """Settle what a run that was cut short left behind (`Listing.leftovers`); the result is that of `settle`."""
        ...


def hash_of(content: bytes) -> NoteHash:
    """Return the BLAKE2b hash of 128 bits, in hexadecimal."""
    return NoteHash(hashlib.blake2b(content, digest_size=16).hexdigest())
