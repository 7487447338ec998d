"""The marker: written once, read before every execution, dumped anew by property editors, taken over."""

from pathlib import Path
from uuid import UUID

import pytest

from daemon.errors import MarkerUnreadable, NotOurVault, VaultError, VaultMissing
from daemon.folder_vault import FolderVault
from daemon.marker import MARKER_NAME, Marker, read_marker, write_marker

VAULT = UUID("6f1c1b5e-52a4-4f0e-9d7c-0c6a53cf3a11")
HERE = UUID("0b2e7a44-93f5-4d6c-8a51-6a1f0d9d2c22")
THERE = UUID("c0ffee00-1111-4222-8333-444455556666")
OURS = Marker(VAULT, HERE)


def _texts(frontmatter: str) -> bytes:
    return f"---\n{frontmatter}---\nHello.\n".encode()


def test_a_vault_without_marker_has_none(tmp_path: Path) -> None:
    assert read_marker(tmp_path) is None


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_marker(tmp_path, OURS)
    assert read_marker(tmp_path) == OURS
    assert list(tmp_path.iterdir()) == [tmp_path / MARKER_NAME]


def test_the_marker_explains_itself_to_its_reader(tmp_path: Path) -> None:
    write_marker(tmp_path, OURS)
    text = (tmp_path / MARKER_NAME).read_text()
    assert text.startswith(f"---\ncontactd_vault: {VAULT}\ncontactd_machine: {HERE}\n---\n# ")
    assert "leave this note where it is" in text
    assert "`contactd takeover`" in text


_IDS = f"contactd_vault: {VAULT}\ncontactd_machine: {HERE}\n"

READABLE = {
    "as written": _texts(_IDS),
    "double quotes": _texts(f'contactd_vault: "{VAULT}"\ncontactd_machine: "{HERE}"\n'),
    "single quotes": _texts(f"contactd_vault: '{VAULT}'\ncontactd_machine: '{HERE}'\n"),
    "other order, other keys": _texts(
        f"tags: [system]\ncontactd_machine: {HERE}\ncssclasses:\ncontactd_vault: {VAULT}\n"
    ),
    "trailing blanks": _texts(f"contactd_vault: {VAULT}  \ncontactd_machine:   {HERE}\t\n"),
    "upper case": _texts(f"contactd_vault: {str(VAULT).upper()}\ncontactd_machine: {HERE}\n"),
    "CRLF": _texts(_IDS).replace(b"\n", b"\r\n"),
    "byte order mark": b"\xef\xbb\xbf" + _texts(_IDS),
    "no body": f"---\n{_IDS}---".encode(),
}


@pytest.mark.parametrize("content", READABLE.values(), ids=READABLE.keys())
def test_a_marker_that_was_dumped_anew_is_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / MARKER_NAME).write_bytes(content)
    assert read_marker(tmp_path) == OURS


UNREADABLE = {
    "empty": b"",
    "no frontmatter": b"# Hello\n" + _IDS.encode(),
    "frontmatter not closed": f"---\n{_IDS}".encode(),
    "a key is missing": _texts(f"contactd_vault: {VAULT}\n"),
    "a key stands twice": _texts(_IDS + f"contactd_vault: {THERE}\n"),
    "no UUID": _texts(f"contactd_vault: vault\ncontactd_machine: {HERE}\n"),
    "a blank value": _texts(f"contactd_vault:\ncontactd_machine: {HERE}\n"),
    "the ids are in the body": f"---\ntags: []\n---\n{_IDS}".encode(),
    "not UTF-8": b"\xff\xfe" + _texts(_IDS),
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_damaged_marker_is_neither_ours_nor_absent(tmp_path: Path, content: bytes) -> None:
    (tmp_path / MARKER_NAME).write_bytes(content)
    with pytest.raises(MarkerUnreadable) as told:
        read_marker(tmp_path)
    assert told.value.exit_code == 69


def test_a_link_is_no_marker(tmp_path: Path) -> None:
    write_marker(tmp_path, OURS)
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / MARKER_NAME).symlink_to(tmp_path / MARKER_NAME)
    with pytest.raises(MarkerUnreadable):
        read_marker(inner)


def test_a_folder_that_is_not_there_has_no_marker_to_read(tmp_path: Path) -> None:
    with pytest.raises(VaultMissing):
        read_marker(tmp_path / "unmounted")


def test_a_takeover_changes_the_machine_and_nothing_else(tmp_path: Path) -> None:
    before = f'---\r\ntags: [system]\r\ncontactd_machine: "{THERE}" \r\ncontactd_vault: {VAULT}\r\n---\r\nMy own words.'
    (tmp_path / MARKER_NAME).write_bytes(before.encode())
    write_marker(tmp_path, OURS)
    assert (tmp_path / MARKER_NAME).read_bytes().decode() == before.replace(str(THERE), str(HERE))


def test_a_takeover_repairs_a_damaged_marker(tmp_path: Path) -> None:
    (tmp_path / MARKER_NAME).write_bytes(b"")
    write_marker(tmp_path, OURS)
    assert read_marker(tmp_path) == OURS


def test_what_a_killed_write_left_behind_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / ".contactd-vault.new").write_bytes(b"half")
    write_marker(tmp_path, OURS)
    assert list(tmp_path.iterdir()) == [tmp_path / MARKER_NAME]


def test_a_marker_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    (tmp_path / ".contactd-vault.new").mkdir()
    with pytest.raises(VaultError, match="cannot be written"):
        write_marker(tmp_path, OURS)
    assert read_marker(tmp_path) is None


def test_our_own_vault_is_ours(tmp_path: Path) -> None:
    write_marker(tmp_path, OURS)
    FolderVault(tmp_path, OURS).check_identity()


def test_a_vault_whose_marker_is_gone_is_missing(tmp_path: Path) -> None:
    with pytest.raises(VaultMissing, match="nothing was deleted"):
        FolderVault(tmp_path, OURS).check_identity()


def test_another_vault_in_its_place_is_a_missing_vault(tmp_path: Path) -> None:
    write_marker(tmp_path, Marker(THERE, HERE))
    with pytest.raises(VaultMissing, match="another disk in its place"):
        FolderVault(tmp_path, OURS).check_identity()


def test_another_machines_vault_is_not_ours_and_the_owner_is_told_how_to_take_over(tmp_path: Path) -> None:
    write_marker(tmp_path, Marker(VAULT, THERE))
    with pytest.raises(NotOurVault, match="contactd takeover"):
        FolderVault(tmp_path, OURS).check_identity()


def test_the_marker_is_no_note(tmp_path: Path) -> None:
    write_marker(tmp_path, OURS)
    assert FolderVault(tmp_path, OURS).listing().notes == ()
