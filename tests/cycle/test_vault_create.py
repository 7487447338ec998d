"""A note is made whole, or not at all, and never over something that is there."""

from pathlib import Path

import pytest

from daemon.aside import aside_name
from daemon.errors import NoteChanged, VaultError
from daemon.folder_vault import FolderVault
from daemon.vault import hash_of
from mappings.record import NotePath

TEXT = b"---\ntitle: Ada\n---\n"


@pytest.fixture
def vault(tmp_path: Path) -> FolderVault:
    return FolderVault(tmp_path, expect=None)


def test_a_note_and_its_folders_are_made(vault: FolderVault, tmp_path: Path) -> None:
    made = vault.create(NotePath("People/Met/Ada.md"), TEXT)
    assert (tmp_path / "People/Met/Ada.md").read_bytes() == TEXT
    assert vault.read(made.path) == made
    assert [path.name for path in (tmp_path / "People/Met").iterdir()] == ["Ada.md"]


def test_what_is_there_is_never_written_over(vault: FolderVault, tmp_path: Path) -> None:
    (tmp_path / "Ada.md").write_bytes(b"mine")
    with pytest.raises(NoteChanged):
        vault.create(NotePath("Ada.md"), TEXT)
    (tmp_path / "link.md").symlink_to("nowhere")
    with pytest.raises(NoteChanged):
        vault.create(NotePath("link.md"), TEXT)
    assert (tmp_path / "Ada.md").read_bytes() == b"mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Ada.md", "link.md"]


@pytest.mark.parametrize("path", ["../Ada.md", "People/../../Ada.md", "/Ada.md", "link/Ada.md", "a\0.md"])
def test_nothing_is_made_outside_the_vault(tmp_path: Path, path: str) -> None:
    root, outside = tmp_path / "vault", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "link").symlink_to(outside)
    with pytest.raises(VaultError):
        FolderVault(root, expect=None).create(NotePath(path), TEXT)
    assert (list(outside.iterdir()), (tmp_path / "Ada.md").exists()) == ([], False)


def test_what_a_crash_left_behind_is_cleaned_up(vault: FolderVault, tmp_path: Path) -> None:
    half = aside_name("Ada.md", hash_of(TEXT), hash_of(TEXT)).removesuffix(".tmp") + ".new"
    (tmp_path / half).write_bytes(TEXT[:5])
    assert vault.clean_up(vault.listing().leftovers) == ()
    assert list(tmp_path.iterdir()) == []


class TestTakingAway:
    @pytest.fixture
    def ada(self, vault: FolderVault) -> NotePath:
        return vault.create(NotePath("People/Ada.md"), TEXT).path

    def test_a_note_goes_if_it_is_what_is_expected(self, vault: FolderVault, tmp_path: Path, ada: NotePath) -> None:
        vault.remove(ada, hash_of(TEXT))
        assert not (tmp_path / ada).exists()
        assert vault.settle() == ()
        assert list((tmp_path / "People").iterdir()) == []

    def test_a_note_that_says_something_else_stays(self, vault: FolderVault, tmp_path: Path, ada: NotePath) -> None:
        (tmp_path / ada).write_bytes(b"mine")
        with pytest.raises(NoteChanged):
            vault.remove(ada, hash_of(TEXT))
        assert [(path.name, path.read_bytes()) for path in (tmp_path / "People").iterdir()] == [("Ada.md", b"mine")]

    def test_a_note_that_is_not_there_or_read_only_is_not_taken_away(
        self, vault: FolderVault, tmp_path: Path, ada: NotePath
    ) -> None:
        with pytest.raises(NoteChanged):
            vault.remove(NotePath("People/Bob.md"), hash_of(TEXT))
        (tmp_path / ada).chmod(0o444)
        with pytest.raises(VaultError):
            vault.remove(ada, hash_of(TEXT))
        assert (tmp_path / ada).read_bytes() == TEXT

    def test_what_an_editor_still_writes_to_it_is_kept(self, vault: FolderVault, tmp_path: Path, ada: NotePath) -> None:
        vault.remove(ada, hash_of(TEXT))
        (aside,) = (tmp_path / "People").iterdir()
        aside.write_bytes(b"written late")
        (copy,) = vault.settle()
        assert (tmp_path / copy).read_bytes() == b"written late"
        assert not (tmp_path / ada).exists()

    def test_a_crash_right_after_it_leaves_nothing(self, tmp_path: Path, vault: FolderVault, ada: NotePath) -> None:
        vault.remove(ada, hash_of(TEXT))
        again = FolderVault(tmp_path, expect=None)
        assert again.clean_up(again.listing().leftovers) == ()
        assert list((tmp_path / "People").iterdir()) == []
