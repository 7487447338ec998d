"""Folders that may not be read or written, and disks that are full: nothing is lost, it is told, the next run goes on.

Permissions bind ordinary users only. Where the tests run as root, as in CI, the program is run within this process as
nobody; whatever it loads late is loaded before by a run as root.
"""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from daemon.cli import main
from folder_worlds import CONTACTD, FolderWorld, Ran, edit, made, person
from users import NOBODY, lacking, ordinary_user

ADA, GRACE, MARY = "Ada Byron", "Grace Hopper", "Mary Somerville"
FEW = (ADA, GRACE, MARY)


def run(world: FolderWorld, *arguments: str) -> Ran:
    result = CliRunner().invoke(main, [*arguments, "--config", str(world.config)])
    return Ran(result.exit_code, result.output)


def sync(world: FolderWorld) -> Ran:
    """Sync as an ordinary user; what the program says of a mistake of its own is never what a test waits for."""
    with ordinary_user():
        ran = run(world, "sync", "--once", "--yes")
    assert ran.code != 70, ran.said
    return ran


def filled(root: Path) -> FolderWorld:
    root.mkdir(exist_ok=True)
    world = made(root)
    for name in FEW:
        world.note(name).write_text(person(name, "company: Engines", f"email: {name.split()[0].lower()}@example.test"))
    return world


def edited(world: FolderWorld) -> None:
    """Let everybody be edited, Ada in the note and the others in their cards."""
    edit(world.note(ADA), "company: Engines", "company: Looms")
    for name in (GRACE, MARY):
        edit(world.card_of(name), "ORG:Engines", f"ORG:{name} Ltd")


@pytest.fixture
def home(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(open_folder))
    monkeypatch.chdir(open_folder)
    return open_folder


@pytest.fixture
def world(home: Path, loaded: None) -> FolderWorld:  # noqa: ARG001  # is wanted for what it does
    """A world of an ordinary user, in step, and then edited on both sides."""
    world = filled(home / "world")
    assert run(world, "sync", "--once", "--yes").code == 0
    if os.geteuid() == 0:
        for path in (world.root, *world.root.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
    edited(world)
    return world


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Run what an ordinary user is to run later, who may not be able to read the program."""
    world = filled(tmp_path_factory.mktemp("loaded"))
    run(world, "sync", "--once", "--yes")
    edited(world)
    run(world, "sync", "--once", "--yes")
    run(world, "status")
    world.vault.rename(world.root / "elsewhere")
    assert run(world, "sync", "--once", "--yes").code == 69  # what tells of a failure is loaded by one


def all_arrived(world: FolderWorld) -> bool:
    """Tell whether every edit has reached its other side, once each."""
    notes = {name: world.note(name).read_text() for name in FEW}
    return (
        len(world.cards()) == len(FEW)
        and b"ORG:Looms" in world.card_of(ADA).read_bytes()
        and all(f"company: {name} Ltd" in notes[name] for name in (GRACE, MARY))
    )


CARD = "Grace's card, whatever its name"


class Disturbance(NamedTuple):
    """What may not be touched, its mode, the exit code, what is told."""

    path: str
    mode: int
    code: int
    told: str


DISTURBANCES = {
    "a note cannot be read": Disturbance(
        f"vault/People/{GRACE}.md", 0o000, 1, f"skipped: People/{GRACE}.md: Permission denied"
    ),
    "a note cannot be written": Disturbance(
        f"vault/People/{GRACE}.md",
        0o444,
        1,
        f"held: People/{GRACE}.md (organization): it is read-only; home says {GRACE} Ltd",
    ),
    "a folder of notes cannot be read": Disturbance(
        "vault/People",
        0o000,
        2,
        "not everything could be listed, so nothing counts as deleted: People: Permission denied",
    ),
    "a folder of notes cannot be written": Disturbance(
        "vault/People",
        0o555,
        1,
        f"held: People/{GRACE}.md (organization): its folder is read-only; home says {GRACE} Ltd",
    ),
    "the vault cannot be read": Disturbance("vault", 0o000, 69, "vault"),
    "the folder of cards cannot be read": Disturbance("contacts", 0o000, 2, "Permission denied"),
    "the folder of cards cannot be written": Disturbance("contacts", 0o555, 1, f"not written: People/{ADA}.md: home, "),
    "a card cannot be read": Disturbance(CARD, 0o000, 1, f"held: People/{GRACE}.md (home, "),
    "the state cannot be read": Disturbance(
        "state/state.db", 0o000, 69, "the folder of the state cannot be used: Permission denied"
    ),
    "the state cannot be written": Disturbance(
        "state/state.db", 0o444, 69, "the folder of the state cannot be used: Permission denied"
    ),
    "the folder of the state cannot be read": Disturbance("state", 0o000, 69, "Permission denied"),
}


@pytest.mark.parametrize(("path", "mode", "code", "told"), DISTURBANCES.values(), ids=DISTURBANCES.keys())
def test_what_may_not_be_touched_is_told_and_delivered_once_it_may(
    world: FolderWorld, path: str, mode: int, code: int, told: str
) -> None:
    disturbed, linked = world.card_of(GRACE) if path == CARD else world.root / path, world.linked()
    before = disturbed.stat().st_mode
    disturbed.chmod(mode)
    # Three looks: two that miss something would be enough to take it for deleted.
    ran = [sync(world) for _ in range(3)]
    disturbed.chmod(before)
    assert ([one.code for one in ran], [told in one.said for one in ran]) == ([code] * 3, [True] * 3), ran
    assert sync(world).code == 0
    assert (all_arrived(world), world.linked()) == (True, linked)
    assert sync(world).said.endswith("All is in step.\n")


def test_a_vault_that_may_not_be_written_is_not_begun_with(home: Path, loaded: None) -> None:  # noqa: ARG001  # as above
    world = filled(home / "world")
    if os.geteuid() == 0:
        for path in (world.root, *world.root.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
    world.vault.chmod(0o555)
    ran = sync(world)
    assert (ran.code, "contactd-vault.md cannot be written: Permission denied" in ran.said) == (69, True)
    world.vault.chmod(0o755)
    assert (sync(world).code, len(world.cards())) == (0, len(FEW))


def test_a_note_of_somebody_else_is_not_made_ones_own(world: FolderWorld) -> None:
    if os.geteuid() != 0:
        lacking("this is not root, who can be two users")
    os.chown(world.note(GRACE), 0, 0)
    world.note(GRACE).chmod(0o666)
    ran = sync(world)
    assert (ran.code, "(organization): it is another user's, and a new file would not be" in ran.said) == (1, True)
    os.chown(world.note(GRACE), NOBODY, NOBODY)
    assert (sync(world).code, all_arrived(world)) == (0, True)


# Full disks

_FULL = """
set -e
side=$1; config=$2; shift 2
kept=kept
cp -a "$side" "$kept"
mount -t tmpfs -o size=256k tmpfs "$side" || exit 77
cp -a "$kept/." "$side"
cat /dev/zero > "$side/full" 2>/dev/null || true
for run in 1 2; do "$@" sync --once --yes --config "$config" || echo "ended with $?"; done
echo '--- room again'
rm "$side/full"
"$@" sync --once --yes --config "$config" || echo "ended with $?"
rm -r "$kept"; cp -a "$side" "$kept"
umount "$side"
cp -a "$kept/." "$side"
"""


@pytest.mark.parametrize(
    ("side", "told"),
    [
        ("vault/People", [f"not written: People/{name}.md: No space left on device" for name in (GRACE, MARY)]),
        ("contacts", ["stopped half way: folder ", "No space left on device; the next run goes on from there"]),
    ],
)
def test_on_a_full_disk_nothing_is_lost_and_with_room_all_goes_on(
    tmp_path: Path, needs_tool: Callable[[str], Path], side: str, told: list[str]
) -> None:
    world = filled(tmp_path / "world")
    assert world.sync().code == 0
    linked = world.linked()
    edited(world)
    script = ["sh", "-c", _FULL, "sh", str(world.root / side), str(world.config), str(CONTACTD)]
    unshare = [str(needs_tool("unshare")), *(["-m"] if os.geteuid() == 0 else ["-Urm"])]
    done = subprocess.run([*unshare, *script], cwd=tmp_path, check=False, capture_output=True, text=True)
    if done.returncode == 77 or "unshare" in done.stderr:
        lacking(f"no file system can be mounted here: {done.stderr}")
    assert done.returncode == 0, done.stderr
    full, room = (done.stdout + done.stderr).split("--- room again\n")
    assert [text for text in told if full.count(text) != 2] == [], done.stdout
    assert room.endswith("All is in step.\n")
    assert (all_arrived(world), world.linked()) == (True, linked)
