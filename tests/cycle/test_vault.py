"""The vault in a folder, undisturbed: what is listed, what is read, what a replaced note keeps."""

import os
import stat
import unicodedata
from pathlib import Path

import pytest

from daemon.errors import NoteChanged, VaultError, VaultMissing
from daemon.folder_vault import ASIDE_MAX, FOLDER_DEPTH_MAX, NOTE_SIZE_BYTES_MAX, FolderVault
from daemon.vault import Listing, Problem, hash_of
from mappings.record import NoteHash, NotePath

ADA = NotePath("People/Ada.md")
BEFORE = b"---\nname: Ada\n---\nbefore\n"
AFTER = b"---\nname: Ada Lovelace\n---\nafter, and longer\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A vault with one note."""
    (tmp_path / "People").mkdir()
    (tmp_path / ADA).write_bytes(BEFORE)
    return tmp_path


def _paths(listing: Listing) -> set[str]:
    return {note.path for note in listing.notes}


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# Listing


def test_every_note_is_listed_and_nothing_else(tmp_path: Path) -> None:
    for name in (
        "Root.md",
        "People/Ada.md",
        "People/Deep/er/Bob.MD",
        "People/李雷.md",
        "People/Ada.sync-conflict-20261101-120000-ABCDEFG.md",
        "Templates/Person.md",
        ".hidden.md",
        ".obsidian/plugins/x.md",
        ".trash/Gone.md",
        "People/.Ada.md.swp",
        "People/photo.png",
        "People/notes.md.txt",
        "md",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    listing = FolderVault(tmp_path, None).listing()
    assert _paths(listing) == {
        "Root.md",
        "People/Ada.md",
        "People/Deep/er/Bob.MD",
        "People/李雷.md",
        "People/Ada.sync-conflict-20261101-120000-ABCDEFG.md",
        "Templates/Person.md",
    }
    assert (listing.problems, listing.complete, listing.leftovers) == ((), True, ())


def test_a_listed_note_has_the_stat_of_its_file(root: Path) -> None:
    (note,) = FolderVault(root, None).listing().notes
    status = (root / ADA).stat()
    assert note == (ADA, status.st_dev, status.st_ino, len(BEFORE), status.st_mtime_ns, status.st_ctime_ns)


def test_a_name_is_kept_as_it_is_on_the_disk(tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "Zoë.md") for form in ("NFC", "NFD"))
    for name in (composed, decomposed):
        (tmp_path / name).write_text(name)
    vault = FolderVault(tmp_path, None)
    assert _paths(vault.listing()) == {composed, decomposed}
    assert vault.read(NotePath(decomposed)).content.decode() == decomposed


def test_what_only_looks_like_a_note_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "Real.md").write_text("")
    (tmp_path / "Link.md").symlink_to("Real.md")
    (tmp_path / "Dangling.md").symlink_to("nowhere")
    (tmp_path / "Linked").symlink_to(tmp_path)
    (tmp_path / "Folder.md").mkdir()
    (tmp_path / "Folder.md" / "Inner.md").write_text("")
    os.mkfifo(tmp_path / "Pipe.md")
    listing = FolderVault(tmp_path, None).listing()
    assert _paths(listing) == {"Real.md", "Folder.md/Inner.md"}
    assert set(listing.problems) == {
        Problem("Link.md", "a link; not followed"),
        Problem("Dangling.md", "a link; not followed"),
        Problem("Linked", "a link to a folder; not followed"),
        Problem("Folder.md", "a folder, not a note"),
        Problem("Pipe.md", "not a regular file"),
    }
    assert listing.complete


def test_names_that_are_no_text_are_problems(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"Jos\xe9.md")).write_text("")
    (tmp_path / os.fsdecode(b"M\xfcller")).mkdir()
    (tmp_path / os.fsdecode(b"M\xfcller") / "Inner.md").write_text("")
    listing = FolderVault(tmp_path, None).listing()
    assert listing.problems == (Problem("Jos\\xe9.md", "its name is not UTF-8"),)
    assert listing.unread == (Problem("M\\xfcller", "its name is not UTF-8"),)
    assert not listing.complete


def test_a_note_that_icloud_took_off_the_disk_is_not_gone(tmp_path: Path) -> None:
    (tmp_path / "Ada.md").touch()
    (tmp_path / ".Grace.md.icloud").touch()
    (tmp_path / ".Grace.jpg.icloud").touch()
    listing = FolderVault(tmp_path, None).listing()
    assert [stat.path for stat in listing.notes] == ["Ada.md"]
    assert listing.unread == (Problem(".Grace.md.icloud", "it is in iCloud, and not on this disk"),)


def test_a_folder_too_deep_makes_the_listing_incomplete(tmp_path: Path) -> None:
    deepest = tmp_path.joinpath(*["d"] * (FOLDER_DEPTH_MAX + 1))
    deepest.mkdir(parents=True)
    (deepest.parent / "Seen.md").write_text("")
    (deepest / "Unseen.md").write_text("")
    listing = FolderVault(tmp_path, None).listing()
    assert _paths(listing) == {"/".join(["d"] * FOLDER_DEPTH_MAX) + "/Seen.md"}
    assert [problem.reason for problem in listing.unread] == ["more than 100 folders deep"]


# Reading


def test_a_note_is_read_with_its_hash_and_stat(root: Path) -> None:
    vault = FolderVault(root, None)
    note = vault.read(ADA)
    assert (note.path, note.content) == (ADA, BEFORE)
    assert note.note_hash == hash_of(BEFORE)
    assert (note.stat,) == vault.listing().notes


def test_the_hash_is_blake2b_with_128_bits() -> None:
    # `printf '' | b2sum -l 128`
    assert hash_of(b"") == "cae66941d9efbd404e4d88758ea67670"


@pytest.mark.parametrize("path", ["People/Bob.md", "Nowhere/Ada.md", "People/Ada.md/Inner.md"])
def test_a_note_that_is_not_there_just_now_is_for_later(root: Path, path: str) -> None:
    with pytest.raises(NoteChanged):
        FolderVault(root, None).read(NotePath(path))


def test_a_note_that_is_being_saved_is_for_later(root: Path) -> None:
    vault = FolderVault(root, None)
    with (root / ADA).open("wb"), pytest.raises(NoteChanged, match="being saved"):
        vault.read(ADA)
    assert vault.read(ADA).content == b""


def test_other_readers_are_in_nobodys_way(root: Path) -> None:
    with (root / ADA).open("rb"):
        assert FolderVault(root, None).read(ADA).content == BEFORE


@pytest.mark.parametrize(
    "path", ["../outside.md", "/etc/passwd", "People/../../outside.md", "./People/Ada.md", "", "a\0b"]
)
def test_no_path_leads_out_of_the_vault(root: Path, path: str) -> None:
    (root.parent / "outside.md").write_text("")
    with pytest.raises(VaultError, match="beneath the vault"):
        FolderVault(root, None).read(NotePath(path))


def test_no_link_is_followed(root: Path) -> None:
    (root / "Link.md").symlink_to(ADA)
    (root / "Friends").symlink_to("People")
    vault = FolderVault(root, None)
    with pytest.raises(VaultError, match="a link; not followed"):
        vault.read(NotePath("Link.md"))
    with pytest.raises(NoteChanged):
        vault.read(NotePath("Friends/Ada.md"))
    with pytest.raises(VaultError):
        vault.replace(NotePath("Link.md"), hash_of(BEFORE), AFTER)
    assert (root / ADA).read_bytes() == BEFORE


def test_what_is_no_file_is_not_read(root: Path) -> None:
    os.mkfifo(root / "Pipe.md")
    (root / "Folder.md").mkdir()
    for name in ("Pipe.md", "Folder.md"):
        with pytest.raises(VaultError, match="not a regular file"):
            FolderVault(root, None).read(NotePath(name))


def test_a_giant_is_not_read(root: Path) -> None:
    os.truncate(root / ADA, NOTE_SIZE_BYTES_MAX + 1)
    with pytest.raises(VaultError, match="larger than 16 MiB"):
        FolderVault(root, None).read(ADA)


# Replacing

CONTENTS = {
    "plain": AFTER,
    "empty": b"",
    "CRLF": AFTER.replace(b"\n", b"\r\n"),
    "byte order mark": b"\xef\xbb\xbf" + AFTER,
    "no newline at the end": AFTER.rstrip(b"\n"),
    "not UTF-8": b"\xff\xfe\x00" + AFTER,
    "one MiB": b"x" * (1 << 20),
    "the same": BEFORE,
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS.keys())
def test_a_replaced_note_holds_the_new_bytes_and_has_no_company(root: Path, content: bytes) -> None:
    vault = FolderVault(root, None)
    note = vault.replace(ADA, hash_of(BEFORE), content)
    assert (root / ADA).read_bytes() == content
    assert vault.settle() == ()
    assert _names(root / "People") == {"Ada.md"}
    assert note == vault.read(ADA)


NAMES = {
    "CJK": "李雷.md",
    "decomposed": unicodedata.normalize("NFD", "Zoë Müller.md"),
    "blanks, quotes, brackets": '  O\'Neil "Bo" [x] #1.md',
    "upper-case suffix": "ADA.MD",
    "a newline": "two\nlines.md",
    "the longest": "x" * 252 + ".md",
    "the longest in three-byte letters": "雷" * 84 + ".md",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_note_of_any_name_is_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(BEFORE)
    vault = FolderVault(tmp_path, None)
    vault.replace(NotePath(name), hash_of(BEFORE), AFTER)
    assert vault.settle() == ()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {name: AFTER}


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_a_replaced_note_keeps_its_mode(root: Path, mode: int) -> None:
    (root / ADA).chmod(mode)
    FolderVault(root, None).replace(ADA, hash_of(BEFORE), AFTER)
    assert stat.S_IMODE((root / ADA).stat().st_mode) == mode


def test_a_replaced_note_keeps_its_attributes(root: Path) -> None:
    try:
        os.setxattr(root / ADA, "user.author", b"Ada")
    except OSError as error:
        pytest.skip(f"no extended attributes here: {error.strerror}")
    FolderVault(root, None).replace(ADA, hash_of(BEFORE), AFTER)
    assert os.getxattr(root / ADA, "user.author") == b"Ada"


# An ACL in the kernel's own form (linux/posix_acl_xattr.h): version 2, then tag, permissions and id of each entry.
_ACL = bytes.fromhex(
    "02000000"
    "01000600ffffffff"  # the owner reads and writes
    "0200040039300000"  # user 12345 reads
    "04000400ffffffff"  # the group reads
    "10000400ffffffff"  # the mask
    "20000000ffffffff"  # others do nothing
)


def test_a_replaced_note_keeps_its_acl(root: Path) -> None:
    try:
        os.setxattr(root / ADA, "system.posix_acl_access", _ACL)
    except OSError as error:
        pytest.skip(f"no ACLs here: {error.strerror}")
    FolderVault(root, None).replace(ADA, hash_of(BEFORE), AFTER)
    assert os.getxattr(root / ADA, "system.posix_acl_access") == _ACL
    assert stat.S_IMODE((root / ADA).stat().st_mode) == 0o640


def test_a_replaced_note_gets_no_acl_from_its_folder(root: Path) -> None:
    (root / ADA).chmod(0o640)
    try:
        os.setxattr(root / "People", "system.posix_acl_default", _ACL)
    except OSError as error:
        pytest.skip(f"no ACLs here: {error.strerror}")
    FolderVault(root, None).replace(ADA, hash_of(BEFORE), AFTER)
    assert "system.posix_acl_access" not in os.listxattr(root / ADA)
    assert stat.S_IMODE((root / ADA).stat().st_mode) == 0o640


def test_a_note_that_is_not_what_is_expected_stays_as_it_is(root: Path) -> None:
    vault = FolderVault(root, None)
    (root / ADA).write_bytes(b"edited")
    with pytest.raises(NoteChanged):
        vault.replace(ADA, hash_of(BEFORE), AFTER)
    assert vault.settle() == ()
    assert (root / ADA).read_bytes() == b"edited"
    assert _names(root / "People") == {"Ada.md"}


def test_a_note_that_is_gone_is_not_made(root: Path) -> None:
    (root / ADA).unlink()
    with pytest.raises(NoteChanged):
        FolderVault(root, None).replace(ADA, hash_of(BEFORE), AFTER)
    assert _names(root / "People") == set()


def test_a_note_that_is_being_saved_is_not_replaced(root: Path) -> None:
    vault = FolderVault(root, None)
    with (root / ADA).open("r+b") as editor:
        with pytest.raises(NoteChanged):
            vault.replace(ADA, hash_of(BEFORE), AFTER)
        editor.write(b"typed")
    assert vault.settle() == ()
    assert (root / ADA).read_bytes() == b"typed" + BEFORE[5:]


def test_a_note_with_two_names_is_read_but_not_replaced(root: Path) -> None:
    os.link(root / ADA, root / "Second.md")
    vault = FolderVault(root, None)
    assert vault.read(ADA).content == BEFORE
    with pytest.raises(VaultError, match="hard link"):
        vault.replace(ADA, hash_of(BEFORE), AFTER)
    assert (root / "Second.md").read_bytes() == BEFORE


def test_a_read_only_note_is_not_replaced(root: Path) -> None:
    (root / ADA).chmod(0o444)
    with pytest.raises(VaultError, match="read-only"):
        FolderVault(root, None).replace(ADA, hash_of(BEFORE), AFTER)
    assert _names(root / "People") == {"Ada.md"}


def test_one_note_can_be_replaced_many_times(root: Path) -> None:
    vault = FolderVault(root, None)
    content = BEFORE
    for number in range(5):
        vault.replace(ADA, hash_of(content), b"%d" % number)
        content = b"%d" % number
    assert vault.settle() == ()
    assert (root / ADA).read_bytes() == b"4"
    assert _names(root / "People") == {"Ada.md"}


def test_only_so_many_files_are_set_aside_at_once(tmp_path: Path) -> None:
    vault = FolderVault(tmp_path, None)
    for number in range(ASIDE_MAX + 1):
        (tmp_path / f"{number}.md").write_bytes(BEFORE)
        vault.replace(NotePath(f"{number}.md"), hash_of(BEFORE), AFTER)
    assert len(vault.listing().leftovers) == 1


def test_what_was_refused_can_be_tried_again_at_once(root: Path) -> None:
    vault = FolderVault(root, None)
    (root / ADA).write_bytes(b"edited")
    with pytest.raises(NoteChanged):
        vault.replace(ADA, hash_of(BEFORE), AFTER)
    (root / ADA).write_bytes(BEFORE)
    vault.replace(ADA, hash_of(BEFORE), AFTER)
    assert vault.settle() == ()
    assert (root / ADA).read_bytes() == AFTER


# Settling


def _aside(folder: Path) -> Path:
    (found,) = (path for path in folder.iterdir() if path.name.startswith(".contactd-"))
    return found


def test_an_edit_that_came_too_late_for_the_note_becomes_a_conflict_copy(root: Path) -> None:
    vault = FolderVault(root, None)
    vault.replace(ADA, hash_of(BEFORE), AFTER)
    with _aside(root / "People").open("ab") as editor:
        editor.write(b"typed")
    edit = BEFORE + b"typed"
    copy = f"People/Ada.contactd-conflict-{hash_of(edit)[:8]}.md"
    assert vault.settle() == (copy,)
    assert (root / ADA).read_bytes() == AFTER
    assert (root / copy).read_bytes() == edit
    assert vault.settle() == ()


def test_what_somebody_still_writes_is_kept_until_it_is_written(root: Path) -> None:
    vault = FolderVault(root, None)
    vault.replace(ADA, hash_of(BEFORE), AFTER)
    with _aside(root / "People").open("ab") as editor:
        assert vault.settle() == ()
        editor.write(b"typed")
    (copy,) = vault.settle()
    assert (root / copy).read_bytes() == BEFORE + b"typed"


def test_equal_edits_get_conflict_copies_of_their_own(root: Path) -> None:
    vault = FolderVault(root, None)
    copies: list[NotePath] = []
    for _ in range(2):
        (root / ADA).write_bytes(BEFORE)
        vault.replace(ADA, hash_of(BEFORE), AFTER)
        _aside(root / "People").write_bytes(b"typed")
        copies += vault.settle()
    stem = f"People/Ada.contactd-conflict-{hash_of(b'typed')[:8]}"
    assert copies == [f"{stem}.md", f"{stem}-2.md"]
    assert {(root / copy).read_bytes() for copy in copies} == {b"typed"}


@pytest.mark.parametrize("name", ["x" * 252 + ".md", "雷" * 84 + ".md"])
def test_a_conflict_copy_of_the_longest_name_still_gets_one(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(BEFORE)
    vault = FolderVault(tmp_path, None)
    vault.replace(NotePath(name), hash_of(BEFORE), AFTER)
    _aside(tmp_path).write_bytes(b"typed")
    (copy,) = vault.settle()
    assert (tmp_path / copy).read_bytes() == b"typed"
    assert copy.startswith(name[:60])


def _leftover(read: bytes, written: bytes, kind: str) -> str:
    return f".contactd-{hash_of(read)[:8]}-{hash_of(written)[:8]}-Ada.{kind}"


LEFTOVERS: dict[str, tuple[str, bytes, bytes, tuple[bytes, ...]]] = {
    "killed while writing": ("new", b"half of what we wr", BEFORE, ()),
    "killed before the exchange": ("tmp", AFTER, BEFORE, ()),
    "killed after the exchange": ("tmp", BEFORE, AFTER, ()),
    "killed after the exchange with an edit": ("tmp", b"edit", AFTER, (b"edit",)),
    "an edit that emptied the note": ("tmp", b"", AFTER, (b"",)),
}


@pytest.mark.parametrize(("kind", "content", "note", "kept"), LEFTOVERS.values(), ids=LEFTOVERS.keys())
def test_leftovers_of_a_killed_run_are_settled(
    root: Path, kind: str, content: bytes, note: bytes, kept: tuple[bytes, ...]
) -> None:
    leftover = root / "People" / _leftover(BEFORE, AFTER, kind)
    leftover.write_bytes(content)
    (root / ADA).write_bytes(note)
    vault = FolderVault(root, None)
    leftovers = vault.listing().leftovers
    assert leftovers == (f"People/{leftover.name}",)
    copies = vault.clean_up(leftovers)
    assert tuple((root / copy).read_bytes() for copy in copies) == kept
    assert (root / ADA).read_bytes() == note
    assert vault.listing().leftovers == ()


def test_files_that_only_look_like_leftovers_are_left_alone(root: Path) -> None:
    for name in (
        ".contactd-1234.tmp",
        ".contactd-zzzzzzzz-00000000-Ada.tmp",
        ".contactd.tmp",
        "contactd-00000000-00000000-Ada.tmp",
    ):
        (root / name).write_bytes(b"mine")
    assert FolderVault(root, None).listing().leftovers == ()


def test_a_note_is_never_settled(root: Path) -> None:
    with pytest.raises(ValueError, match="not set aside by us"):
        FolderVault(root, None).clean_up([ADA])
    assert (root / ADA).read_bytes() == BEFORE


# Identity


def test_a_folder_that_is_not_there_is_a_missing_vault(tmp_path: Path) -> None:
    with pytest.raises(VaultMissing):
        FolderVault(tmp_path / "unmounted", None)


def test_another_folder_in_the_vaults_place_is_not_touched(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    vault = FolderVault(root, None)
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "vault"
    root.rename(elsewhere)
    (root / "People").mkdir(parents=True)
    (root / ADA).write_bytes(BEFORE)
    for touch in (
        vault.check_identity,
        vault.listing,
        lambda: vault.read(ADA),
        lambda: vault.replace(ADA, hash_of(BEFORE), AFTER),
    ):
        with pytest.raises(VaultMissing):
            touch()
    assert (root / ADA).read_bytes() == (elsewhere / ADA).read_bytes() == BEFORE


def test_a_vault_behind_a_link_is_a_vault(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    link = tmp_path_factory.mktemp("home") / "Notes"
    link.symlink_to(root)
    vault = FolderVault(link, None)
    vault.replace(ADA, NoteHash(vault.read(ADA).note_hash), AFTER)
    assert (root / ADA).read_bytes() == AFTER


def _open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_nothing_stays_open_that_would_keep_a_disk_busy(root: Path) -> None:
    before = _open_files()
    vault = FolderVault(root, None)
    vault.listing()
    vault.replace(ADA, hash_of(BEFORE), AFTER)
    with pytest.raises(NoteChanged):
        vault.replace(ADA, hash_of(BEFORE), AFTER)
    vault.settle()
    assert _open_files() == before
