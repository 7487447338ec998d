"""Files set aside in the vault: their names, and when they may go.

While a note is replaced, a file beside it holds first the new content and then, once the two are exchanged, what
was the note. Its name says which contents we know, so that it can be judged without any memory of the run:

    .contactd-<hash read>-<hash written>-<stem>.new     being written: nothing in it is anybody's edit
    .contactd-<hash read>-<hash written>-<stem>.tmp     complete: the new content, or what was the note

Such a file is removed only if it holds a content that we know. Anything else is somebody's edit; the file is given
a name that its owner sees, `<stem>.contactd-conflict-<hash>.md`. It is renamed and never copied: whoever still
writes to it then writes to the conflict copy.

The hashes are cut to eight digits: they tell an edit from two known contents, not from all the world's.
"""

import errno
import os
import re
from contextlib import suppress

from connectors.exchange import rename_new, write_new
from mappings.record import NoteHash

_NAME = re.compile(
    r"\.contactd-(?P<read>[0-9a-f]{8})-(?P<written>[0-9a-f]{8})-(?P<stem>.*)\.(?P<kind>new|tmp)", re.DOTALL
)
_HASH_DIGITS = 8
_NAME_BYTES_MAX = 255
_COPIES_MAX = 9


def is_aside(name: str) -> bool:
    """Tell whether a file of this name was set aside by us."""
    return _NAME.fullmatch(name) is not None


def aside_name(note_name: str, read: NoteHash, written: NoteHash) -> str:
    """Return the name under which a note's new content waits for the exchange, and its old content for the end."""
    return _named(f".contactd-{read[:_HASH_DIGITS]}-{written[:_HASH_DIGITS]}-", _stem(note_name), ".tmp")


def write_aside(folder_fd: int, aside: str, content: bytes, like_fd: int) -> None:
    """Set new content aside: durable, and with the attributes of the note that is open as `like_fd`.

    Errors: `OSError`; nothing is left behind unless even removing it fails. `FileExistsError` if one of this name is
    still there, because it could not be settled.
    """
    new = aside.removesuffix(".tmp") + ".new"
    write_new(folder_fd, new, content, like_fd)
    try:
        rename_new(folder_fd, new, aside)
    except OSError:
        os.unlink(new, dir_fd=folder_fd)
        raise


def create_aside(folder_fd: int, name: str, written: NoteHash, content: bytes) -> None:
    """Make a note that is not there: complete under another name first, so that nobody ever sees half of it.

    Errors: `FileExistsError` if something has the name; `OSError`. Nothing is left behind unless even removing fails.
    """
    new = aside_name(name, written, written).removesuffix(".tmp") + ".new"
    write_new(folder_fd, new, content, like_fd=None)
    try:
        rename_new(folder_fd, new, name)
    except OSError:
        os.unlink(new, dir_fd=folder_fd)
        raise


def let_go(folder_fd: int, aside: str, found: NoteHash) -> str | None:
    """Remove a file that was set aside and holds what was `found`; or keep it, and return the conflict copy's name."""
    parts = _NAME.fullmatch(aside)
    if parts is None:
        raise ValueError("this was not set aside by us")
    if parts["kind"] == "tmp" and found[:_HASH_DIGITS] not in {parts["read"], parts["written"]}:
        return _kept(folder_fd, aside, parts["stem"], found)
    os.unlink(aside, dir_fd=folder_fd)
    return None


def _kept(folder_fd: int, aside: str, stem: str, found: NoteHash) -> str:
    for number in range(1, _COPIES_MAX + 1):
        again = "" if number == 1 else f"-{number}"
        copy = _named("", stem, f".contactd-conflict-{found[:_HASH_DIGITS]}{again}.md")
        with suppress(FileExistsError):
            rename_new(folder_fd, aside, copy)
            return copy
    raise FileExistsError(errno.EEXIST, "too many conflict copies of one content")


def _stem(note_name: str) -> str:
    return note_name[:-3] if note_name[-3:].lower() == ".md" else note_name


def _named(start: str, stem: str, end: str) -> str:
    """Put a name together, with as much of the stem as fits."""
    room = _NAME_BYTES_MAX - len(start) - len(end)
    return start + stem.encode()[:room].decode(errors="ignore") + end
