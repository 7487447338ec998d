"""The vault disturbed: killed at every step, every call failing, full disks, foreign owners, editors in a race.

Faults are put into a real run by strace, so that the code under test is the code that ships. The note is called
Ada.md and lies in the root of its vault.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from daemon.errors import VaultError
from daemon.folder_vault import FolderVault
from daemon.vault import Problem, hash_of
from mappings.record import NotePath
from users import NOBODY, lacking, ordinary_user

_ROOT = Path(__file__).parents[2]

ADA = NotePath("Ada.md")
BEFORE = b"before\n"
AFTER = b"after, and longer\n"
EDIT = b"edit\n"

_REPLACE = f"""
import sys
from pathlib import Path
from daemon.errors import VaultError
from daemon.folder_vault import FolderVault
from daemon.vault import hash_of
vault = FolderVault(Path(sys.argv[1]), None)
try:
    vault.replace("{ADA}", hash_of({BEFORE!r}), {AFTER!r})
    said = "replaced"
except VaultError as error:
    said = f"{{type(error).__name__}}: {{error.reason}}"
vault.settle()
sys.exit(said)
"""
_COMMAND = (sys.executable, "-c", _REPLACE)
_ENVIRONMENT = os.environ | {"PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1"}

# Whatever changes a file or a folder: between two of these, nothing changes on the disk.
_STEPS = (
    "fchmod,fchown,fsetxattr,fremovexattr,write,pwrite64,ftruncate,fsync,fdatasync,syncfs,"
    "rename,renameat,renameat2,link,linkat,unlink,unlinkat"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ADA).write_bytes(BEFORE)
    return tmp_path


@pytest.fixture(scope="module")
def strace(needs_tool: Callable[[str], Path]) -> Path:
    program = needs_tool("strace")
    if subprocess.run([program, "-o", "/dev/null", "true"], check=False, capture_output=True).returncode != 0:
        lacking("strace may not trace here")
    return program


def _files(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in root.iterdir() if path.is_file()}


def _start(strace: Path, root: Path, fault: str) -> subprocess.Popen[str]:
    """Start a replacement of the note in which one system call misbehaves."""
    watch = ["-qq", "-o", str(_trace_of(root)), "-e", f"trace={_STEPS},fcntl", "-e", f"inject={fault}"]
    return subprocess.Popen(
        [str(strace), *watch, *_COMMAND, str(root)], stderr=subprocess.PIPE, text=True, env=_ENVIRONMENT
    )


def _trace_of(root: Path) -> Path:
    return root.with_name(f"{root.name}.trace")


def _is_at_exchange(root: Path) -> bool:
    """Tell whether a replacement has compared the note; the tracer writes down a call as it begins."""
    return _trace_of(root).exists() and _trace_of(root).read_text().count("renameat2(") == 2


def _said(replacement: subprocess.Popen[str]) -> str:
    """Return what a replacement said in the end; nothing if it was killed."""
    return replacement.communicate(timeout=60)[1].strip()


def _settled(root: Path) -> list[bytes]:
    """Do what the next run does first; return what the conflict copies hold."""
    vault = FolderVault(root, None)
    return [(root / copy).read_bytes() for copy in vault.clean_up(vault.listing().leftovers)]


# Killed at every step

STEPS = (
    ("fchmod", BEFORE),
    ("write", BEFORE),
    ("fsync", BEFORE),
    ("renameat2", BEFORE),
    ("renameat2", BEFORE),
    ("fsync", AFTER),
    ("unlinkat", AFTER),
)
"""The steps of a replacement, each with what the note holds if the step is not reached."""


def test_these_are_the_steps_of_a_replacement(root: Path, strace: Path) -> None:
    assert _said(_start(strace, root, "fcntl:delay_enter=1")) == "replaced"
    # Descriptor 2 is where the process says what it did.
    called = re.findall(r"^(?!fcntl)(\w+)\((?!2,)", _trace_of(root).read_text(), re.MULTILINE)
    assert called == [step for step, _ in STEPS]


@pytest.mark.parametrize("killed_at", range(len(STEPS)))
def test_killed_at_any_step_the_note_is_whole_and_the_next_run_goes_on(
    root: Path, strace: Path, killed_at: int
) -> None:
    step, content = STEPS[killed_at]
    nth = sum(1 for earlier, _ in STEPS[: killed_at + 1] if earlier == step)
    assert _said(_start(strace, root, f"{step}:signal=SIGKILL:when={nth}")) == ""
    files = _files(root)
    assert files.pop(ADA) == content
    assert len(files) == 1
    assert _settled(root) == []
    assert _files(root) == {ADA: content}
    vault = FolderVault(root, None)
    vault.replace(ADA, hash_of(content), AFTER)
    vault.settle()
    assert _files(root) == {ADA: AFTER}


# Each call failing

FAULTS = {
    "disk full": ("write:error=ENOSPC:when=1", "VaultError: No space left on device", BEFORE),
    "quota exceeded": ("write:error=EDQUOT:when=1", "VaultError: Disk quota exceeded", BEFORE),
    "the file does not reach the disk": ("fsync:error=EIO:when=1", "VaultError: Input/output error", BEFORE),
    "the folder does not reach the disk": ("fsync:error=EIO:when=2", "VaultError: Input/output error", AFTER),
    "the mode cannot be kept": ("fchmod:error=EPERM", "VaultError: Operation not permitted", BEFORE),
    "the new file cannot be set aside": ("renameat2:error=EACCES:when=1", "VaultError: Permission denied", BEFORE),
    "the exchange is forbidden": ("renameat2:error=EACCES:when=2", "VaultError: Permission denied", BEFORE),
    "the exchange fails": ("renameat2:error=EIO:when=2", "VaultError: Input/output error", BEFORE),
    "no exchange on this file system": ("renameat2:error=EINVAL", "replaced", AFTER),
    "no exchange in this kernel": ("renameat2:error=ENOSYS", "replaced", AFTER),
    "no durable folders": ("fsync:error=EINVAL:when=2", "replaced", AFTER),
}


@pytest.mark.parametrize(("fault", "said", "content"), FAULTS.values(), ids=FAULTS.keys())
def test_whatever_fails_the_note_is_whole_and_alone(
    root: Path, strace: Path, fault: str, said: str, content: bytes
) -> None:
    assert _said(_start(strace, root, fault)) == said
    assert _files(root) == {ADA: content}


def test_without_exchange_an_edit_is_still_not_overwritten(root: Path, strace: Path) -> None:
    (root / ADA).write_bytes(EDIT)
    assert _said(_start(strace, root, "renameat2:error=EINVAL")) == "NoteChanged: it is not what was read"
    assert _files(root) == {ADA: EDIT}


def test_leases_are_not_needed(root: Path, strace: Path) -> None:
    calm = _start(strace, root, "fcntl:delay_enter=1")
    assert _said(calm) == "replaced"
    calls = re.findall(r"^fcntl\(\d+, (\w+)", _trace_of(root).read_text(), re.MULTILINE)
    (root / ADA).write_bytes(BEFORE)
    assert _said(_start(strace, root, f"fcntl:error=EINVAL:when={calls.index('F_SETSIG') + 1}+")) == "replaced"
    assert _files(root) == {ADA: AFTER}


def test_what_cannot_be_removed_now_is_removed_by_the_next_run(root: Path, strace: Path) -> None:
    assert _said(_start(strace, root, "unlinkat:error=EIO")) == "replaced"
    assert len(_files(root)) == 2
    assert _settled(root) == []
    assert _files(root) == {ADA: AFTER}


# An edit in the very instant

_DELAY_US = 600_000


def _save_in_place(note: Path) -> None:
    note.write_bytes(EDIT)


def _save_by_rename(note: Path) -> None:
    note.with_name("beside").write_bytes(EDIT)
    note.with_name("beside").replace(note)


@pytest.mark.parametrize("save", [_save_in_place, _save_by_rename])
def test_an_edit_between_comparison_and_exchange_is_put_back(
    root: Path, strace: Path, save: Callable[[Path], None]
) -> None:
    replacement = _start(strace, root, f"renameat2:delay_enter={_DELAY_US}:when=2")
    _wait_until(lambda: _is_at_exchange(root))
    save(root / ADA)
    assert _said(replacement) == "NoteChanged: it was saved in the same instant"
    assert _files(root) == {ADA: EDIT}


def test_a_link_that_took_the_notes_place_is_put_back(root: Path, strace: Path) -> None:
    replacement = _start(strace, root, f"renameat2:delay_enter={_DELAY_US}:when=2")
    _wait_until(lambda: _is_at_exchange(root))
    (root / ADA).unlink()
    (root / ADA).symlink_to("elsewhere")
    assert _said(replacement) == "NoteChanged: it was saved in the same instant"
    assert (root / ADA).readlink() == Path("elsewhere")


def test_a_note_taken_away_in_the_instant_of_the_exchange_is_not_made_anew(root: Path, strace: Path) -> None:
    replacement = _start(strace, root, f"renameat2:delay_enter={_DELAY_US}:when=2")
    _wait_until(lambda: _is_at_exchange(root))
    (root / ADA).rename(root / "Ada.md~")
    assert _said(replacement) == "NoteChanged: it is not there right now"
    assert _files(root) == {"Ada.md~": BEFORE}


def test_two_edits_around_the_exchange_are_both_kept(root: Path, strace: Path) -> None:
    replacement = _start(strace, root, f"renameat2:delay_exit={_DELAY_US}:when=2")
    _wait_until(lambda: (root / ADA).read_bytes() == AFTER)
    (aside,) = root.glob(".*.tmp")
    aside.write_bytes(b"by an editor that had the old file open")
    (root / ADA).write_bytes(EDIT)
    # On a busy machine the save may come before the comparison as well; either way it is what stays.
    assert _said(replacement) in {
        "NoteChanged: it was saved in the same instant",
        "NoteChanged: it is not what was read",
    }
    assert sorted(_files(root).values()) == [b"by an editor that had the old file open", EDIT]
    assert f"Ada.contactd-conflict-{hash_of(EDIT)[:8]}.md" in _files(root)


def test_an_edit_beside_which_the_note_disappears_becomes_a_conflict_copy(root: Path, strace: Path) -> None:
    replacement = _start(strace, root, f"renameat2:delay_exit={_DELAY_US}:when=2")
    _wait_until(lambda: (root / ADA).read_bytes() == AFTER)
    (aside,) = root.glob(".*.tmp")
    aside.write_bytes(EDIT)
    (root / ADA).unlink()
    # On a busy machine the save may come before the comparison as well; either way it is what stays.
    assert _said(replacement) in {
        "NoteChanged: it was saved in the same instant",
        "NoteChanged: it is not what was read",
    }
    assert _files(root) == {f"Ada.contactd-conflict-{hash_of(EDIT)[:8]}.md": EDIT}


def _wait_until(reached: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 30
    while not reached():
        os.sched_yield()
        if time.monotonic() > deadline_s:
            pytest.fail("the other process did not get there")


# Other users, other disks


@pytest.fixture
def nobodys(open_folder: Path) -> Path:
    """A vault of an ordinary user, who can reach it."""
    if os.geteuid() != 0:
        lacking("this is not root, who can be two users")
    (open_folder / ADA).write_bytes(BEFORE)
    for path in (open_folder, open_folder / ADA):
        os.chown(path, NOBODY, NOBODY)
    return open_folder


def test_the_owner_needs_no_rights_but_his_own(nobodys: Path) -> None:
    with ordinary_user():
        vault = FolderVault(nobodys, None)
        vault.replace(ADA, vault.read(ADA).note_hash, AFTER)
        assert vault.settle() == ()
    assert _files(nobodys) == {ADA: AFTER}


def test_root_keeps_the_owner(nobodys: Path) -> None:
    vault = FolderVault(nobodys, None)
    vault.replace(ADA, hash_of(BEFORE), AFTER)
    status = (nobodys / ADA).stat()
    assert (status.st_uid, status.st_gid) == (NOBODY, NOBODY)


def test_a_note_in_a_folder_that_may_not_be_written_is_held(nobodys: Path) -> None:
    nobodys.chmod(0o555)
    with ordinary_user(), pytest.raises(VaultError, match="Permission denied"):
        FolderVault(nobodys, None).replace(ADA, hash_of(BEFORE), AFTER)
    assert _files(nobodys) == {ADA: BEFORE}


def test_a_note_that_would_change_its_owner_is_held(nobodys: Path) -> None:
    os.chown(nobodys / ADA, 0, 0)
    (nobodys / ADA).chmod(0o666)
    with ordinary_user(), pytest.raises(VaultError, match="Operation not permitted"):
        FolderVault(nobodys, None).replace(ADA, hash_of(BEFORE), AFTER)
    assert _files(nobodys) == {ADA: BEFORE}


def test_what_others_own_is_read_without_a_lease(nobodys: Path) -> None:
    os.chown(nobodys / ADA, 0, 0)

    with ordinary_user():
        assert FolderVault(nobodys, None).read(ADA).content == BEFORE


def test_what_may_not_be_read_is_told_from_what_is_not_there(nobodys: Path) -> None:
    (nobodys / "Private").mkdir(mode=0o700)
    (nobodys / "Private" / "Secret.md").write_bytes(BEFORE)
    (nobodys / "Locked.md").write_bytes(BEFORE)
    (nobodys / "Locked.md").chmod(0o600)
    with ordinary_user():
        vault = FolderVault(nobodys, None)
        listing = vault.listing()
        with pytest.raises(VaultError, match="Permission denied"):
            vault.read(NotePath("Locked.md"))
    assert {note.path for note in listing.notes} == {"Ada.md", "Locked.md"}
    assert listing.unread == (Problem("Private", "Permission denied"),)
    assert not listing.complete


def _on_a_small_disk(needs_tool: Callable[[str], Path], root: Path, prepare: str) -> str:
    """Replace the note on a file system of its own; return what was said, and then what the vault holds."""
    unshare = needs_tool("unshare")
    script = f"""
        mount -t tmpfs -o size=64k tmpfs "$1" || exit 77
        cd "$1" && printf 'before\\n' > Ada.md && {prepare}
        shift; "$@" 2>&1; grep -c . Ada.md; cat Ada.md; ls -A
    """
    shell = ["sh", "-c", script, "sh", str(root), *_COMMAND, str(root)]
    done = subprocess.run([str(unshare), "-Urm", *shell], check=False, capture_output=True, text=True, env=_ENVIRONMENT)
    if done.returncode == 77 or "unshare" in done.stderr:
        lacking(f"no file system can be mounted here: {done.stderr.strip()}")
    return done.stdout


def test_a_full_disk(root: Path, needs_tool: Callable[[str], Path]) -> None:
    held = _on_a_small_disk(needs_tool, root, "head -c 70000 /dev/zero > Full 2>/dev/null; true")
    assert held.split("\n") == ["VaultError: No space left on device", "1", "before", "Ada.md", "Full", ""]


def test_a_read_only_disk(root: Path, needs_tool: Callable[[str], Path]) -> None:
    held = _on_a_small_disk(needs_tool, root, 'cd / && mount -o remount,ro "$1" && cd "$1"')
    assert held.split("\n") == ["VaultError: Read-only file system", "1", "before", "Ada.md", ""]


def test_no_edit_is_lost_in_a_race_with_any_editor(tmp_path: Path) -> None:
    race = [sys.executable, str(_ROOT / "tests" / "benchmarks" / "editor_race.py"), "60", str(tmp_path)]
    done = subprocess.run(race, check=False, capture_output=True, text=True, env=_ENVIRONMENT)
    assert done.returncode == 0, done.stdout + done.stderr
