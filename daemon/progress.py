"""Progress of long work: one line on a terminal, written over and over, and gone when the work is done."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from daemon.folder_vault import FolderVault
from daemon.gather import Workers
from daemon.marker import Marker
from daemon.vault import Listing, NoteFile
from mappings.record import NoteHash, NotePath

_PATIENCE_S = 0.5
"""Work that takes no longer than this says nothing."""

_EVERY_S = 0.1

Tell = Callable[[str], None]


class Progress:
    """The line; nothing is written where nobody would see it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._next = time.monotonic() + _PATIENCE_S if stream.isatty() else float("inf")
        self._is_shown = False

    def tell(self, text: str) -> None:
        """Say what is being done now, unless something was said a moment ago."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _EVERY_S
        self._is_shown = True
        self._write(text)

    def clear(self) -> None:
        """Take the line away, for what is to be read in its place."""
        if self._is_shown:
            self._write("")
        self._is_shown = False

    def _write(self, text: str) -> None:
        # Source: ECMA-48, EL: erase to the end of the line.
        self._stream.write(f"\r{text}\x1b[K")
        self._stream.flush()


class WatchedVault(FolderVault):
    """A vault that tells how far the work on it has come."""

    def __init__(self, root: Path, expect: Marker | None, tell: Tell) -> None:
        super().__init__(root, expect)
        self._tell = tell
        self._listed = self._read = self._replaced = 0

    def listing(self) -> Listing:
        self._tell("looking for notes")
        listing = super().listing()
        self._listed, self._read = len(listing.notes), 0
        return listing

    def read(self, path: NotePath) -> NoteFile:
        self._read += 1
        # More reads than notes: the edits of the plan are being tried on paper.
        text = f"reading notes: {self._read} of {self._listed}" if self._read <= self._listed else "checking the edits"
        self._tell(text)
        return super().read(path)

    def replace(self, path: NotePath, expected: NoteHash, content: bytes) -> NoteFile:
        self._replaced += 1
        self._tell(f"writing notes: {self._replaced}")
        return super().replace(path, expected, content)


def told(workers: Workers, tell: Tell) -> Workers:
    """Return the workers of one cycle, which say what they do: accounts are read first, and written last."""
    doing = iter(("reading contacts",))

    def work(works: Sequence[Callable[[], None]]) -> None:
        tell(next(doing, "writing contacts"))
        workers(works)

    return work
