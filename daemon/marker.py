"""The marker: a small note in the vault's root that says which vault this is and which machine keeps it in step.

It is what tells an empty or foreign disk from a vault whose notes were deleted, and one machine from two.
Its reader may be a person, Obsidian's property editor (which writes the frontmatter anew: other quotes, other
keys beside ours) or a sync tool; so it is a plain note, and the machine's id is replaced in place.
"""

import os
import re
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from connectors.exchange import make_durable, read_all, rename_new, write_new
from daemon.errors import MarkerUnreadable, MarkerUnwritable, VaultMissing

MARKER_NAME = "contactd-vault.md"

_VAULT_KEY = "contactd_vault"
_MACHINE_KEY = "contactd_machine"
_NEW_NAME = ".contactd-vault.new"
_SIZE_BYTES_MAX = 1 << 20

_FRONTMATTER = re.compile(r"\ufeff?---[ \t]*\r?\n(.*?)^---[ \t]*\r?$", re.DOTALL | re.MULTILINE)

_TEXT = f"""\
---
{_VAULT_KEY}: {{vault_id}}
{_MACHINE_KEY}: {{machine_id}}
---
# This vault is kept in step by contactd

contactd keeps the people notes of this vault and an address book in step. It reads this note before it
changes anything:

- `{_VAULT_KEY}` tells this vault from any other folder. Where this note is missing, contactd takes the vault
  for missing and changes nothing, here or in the address books.
- `{_MACHINE_KEY}` names the one machine that does the work. To let another machine do it, run
  `contactd takeover` there.

Please leave this note where it is. It is not about a person, and you may write below this line.
"""


@dataclass(frozen=True, slots=True)
class Marker:
    """Which vault this is, and the machine that keeps it in step; both random, made once."""

    vault_id: UUID
    machine_id: UUID


def read_marker(root: Path) -> Marker | None:
    """Read the marker of the vault whose root this is; None if there is none.

    Errors: `MarkerUnreadable` if there is one that says nothing we wrote; `VaultMissing` if there is no such folder.
    """
    with _opened(root) as root_fd:
        text = _text(root_fd)
    return None if text is None else _parsed(text)


def write_marker(root: Path, marker: Marker) -> None:
    """Make the marker, or replace the ids in the one that is there; durable when this returns.

    Errors: `MarkerUnwritable`; the marker is then as it was.
    """
    with _opened(root) as root_fd:
        before = _text(root_fd)
        try:
            _replace(root_fd, before, _with_ids(before or "", marker))
        except OSError as error:
            raise MarkerUnwritable(error.strerror) from error


@contextmanager
def _opened(root: Path) -> Generator[int]:
    try:
        root_fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise VaultMissing(str(error.strerror)) from error
    try:
        yield root_fd
    finally:
        os.close(root_fd)


def _text(root_fd: int) -> str | None:
    try:
        marker_fd = os.open(MARKER_NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=root_fd)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MarkerUnreadable(str(error.strerror)) from error
    try:
        return _content(marker_fd)
    finally:
        os.close(marker_fd)


def _content(marker_fd: int) -> str:
    status = os.fstat(marker_fd)
    if not stat.S_ISREG(status.st_mode) or status.st_size > _SIZE_BYTES_MAX:
        raise MarkerUnreadable("it is no small file")
    try:
        return read_all(marker_fd).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise MarkerUnreadable("its text cannot be read") from error


def _parsed(text: str) -> Marker:
    frontmatter = _FRONTMATTER.match(text)
    if frontmatter is None:
        raise MarkerUnreadable("it has no frontmatter")
    return Marker(_id_in(frontmatter[1], _VAULT_KEY), _id_in(frontmatter[1], _MACHINE_KEY))


def _id_in(frontmatter: str, key: str) -> UUID:
    values = [match["value"] for match in _line_of(key).finditer(frontmatter)]
    if len(values) != 1:
        raise MarkerUnreadable(f"{key} stands in it {len(values)} times, expected once")
    try:
        return UUID(values[0])
    except ValueError as error:
        raise MarkerUnreadable(f"{key} is not a UUID") from error


def _line_of(key: str) -> re.Pattern[str]:
    return re.compile(
        rf"""^(?P<before>{key}[ \t]*:[ \t]*["']?)(?P<value>[^"'\s]*)(?P<after>["']?[ \t]*\r?)$""", re.MULTILINE
    )


def _with_ids(text: str, marker: Marker) -> str:
    """Replace the ids in a marker's text and nothing else; a text that holds none gives way to a new one."""
    try:
        _parsed(text)
    except MarkerUnreadable:
        return _TEXT.format(vault_id=marker.vault_id, machine_id=marker.machine_id)
    for key, new in ((_VAULT_KEY, marker.vault_id), (_MACHINE_KEY, marker.machine_id)):
        # The first line with the key is the frontmatter's only one: it was just read.
        text = _line_of(key).sub(rf"\g<before>{new}\g<after>", text, count=1)
    return text


def _replace(root_fd: int, before: str | None, text: str) -> None:
    with suppress(FileNotFoundError):  # of a run that was cut short
        os.unlink(_NEW_NAME, dir_fd=root_fd)
    write_new(root_fd, _NEW_NAME, text.encode(), like_fd=None)
    if before is None:
        rename_new(root_fd, _NEW_NAME, MARKER_NAME)
    else:
        os.rename(_NEW_NAME, MARKER_NAME, src_dir_fd=root_fd, dst_dir_fd=root_fd)
    make_durable(root_fd)
