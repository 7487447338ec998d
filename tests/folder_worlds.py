"""Worlds on disk: a vault, a folder of cards and a configuration, the installed program run on them, before and after."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from daemon import links
from daemon.state import State
from mappings.person import Uid
from mappings.record import RemoteId

CONTACTD = Path(sys.executable).with_name("contactd")
TIMEOUT_S = 120


class Ran(NamedTuple):
    """How a program ended, and everything that it said."""

    code: int
    said: str


class Stamp(NamedTuple):
    """A file as it is: any write shows, even one of the same bytes."""

    content: bytes
    inode: int
    mtime_ns: int


Seen = Mapping[str, Stamp]
"""Every file below a folder, by its path there."""


@dataclass(frozen=True, slots=True)
class FolderWorld:
    """One vault, one address book, one state; all below one folder, nothing outside it."""

    root: Path

    @property
    def vault(self) -> Path:
        return self.root / "vault"

    @property
    def contacts(self) -> Path:
        return self.root / "contacts"

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def config(self) -> Path:
        return self.root / "config.toml"

    def sync(self, *options: str) -> Ran:
        """Sync once, as a script does that has nobody to ask."""
        return self.contactd("sync", "--once", "--yes", *options)

    def contactd(self, *arguments: str) -> Ran:
        return run(self.root, CONTACTD, *arguments, "--config", self.config)

    def sides(self) -> Seen:
        """Return all notes and cards as they are."""
        return {
            f"{side.name}/{path}": stamp for side in (self.vault, self.contacts) for path, stamp in seen(side).items()
        }

    def note(self, name: str) -> Path:
        return self.vault / "People" / f"{name}.md"

    def cards(self) -> Sequence[Path]:
        return sorted(self.contacts.glob("*.vcf"))

    def card_of(self, name: str) -> Path:
        """Return the one card of a person."""
        line = f"\nFN:{name}\n".encode()
        (found,) = (path for path in self.cards() if line in path.read_bytes().replace(b"\r\n", b"\n"))
        return found

    @contextmanager
    def opened_state(self) -> Generator[State]:
        with closing(State.open(self.state, datetime.now(UTC))) as state:
            yield state

    def linked(self) -> Sequence[tuple[Uid, RemoteId]]:
        """Return who is linked to which card, as the state remembers it."""
        with self.opened_state() as state:
            return [(link.uid, link.remote_id) for link in links.links(state)]

    def copied_to(self, root: Path) -> "FolderWorld":
        """Return a copy with everything that is remembered; its configuration names the copies."""
        shutil.copytree(self.root, root, dirs_exist_ok=True, symlinks=True)
        config = root / "config.toml"
        config.write_text(config.read_text().replace(json.dumps(str(self.root))[1:-1], json.dumps(str(root))[1:-1]))
        return FolderWorld(root)


def made(root: Path, *, vault: str = "", account: str = "", more: str = "") -> FolderWorld:
    """Make an empty world; the texts are lines for the configuration's tables, and tables of its own."""
    world = FolderWorld(root)
    world.vault.joinpath("People").mkdir(parents=True)
    world.contacts.mkdir()
    paths = {
        name: json.dumps(str(path)) for name, path in (("v", world.vault), ("s", world.state), ("c", world.contacts))
    }
    world.config.write_text(
        f"[vault]\npath = {paths['v']}\n{vault}\n"
        f"[state]\npath = {paths['s']}\n"
        f'[accounts.home]\nconnector = "vdir"\ncontacts = {paths["c"]}\n{account}\n{more}\n'
    )
    return world


def carried_out(world: FolderWorld) -> Ran:
    """Have a plan kept that touches nothing, and then carried out whole: there is nothing left to be done."""
    target, before = world.root / "plan.json", world.sides()
    kept = world.contactd("plan", "-o", str(target))
    assert (kept.code, world.sides() == before) == (0, True), kept.said
    ran = world.contactd("apply", str(target), "--yes")
    left = json.loads(world.contactd("plan", "--json").said)["plan"]["operations"]
    assert [step["kind"] for step in left if step["kind"] != "Agree"] == [], left
    return ran


def person(name: str, *lines: str, body: str = "") -> str:
    """Return the note of a person of the seed's kind, with these frontmatter lines."""
    return "\n".join(["---", "type: people", f"title: {name}", *lines, "tags:", "- type/people", "---", body])


def card(name: str, *lines: str, uid: str = "") -> str:
    """Return a card that another program has made."""
    family_given = ";".join(reversed(name.split(" ", 1)))
    carried = [f"UID:{uid}"] if uid else []
    every = ["BEGIN:VCARD", "VERSION:3.0", *carried, f"FN:{name}", f"N:{family_given};;;", *lines, "END:VCARD", ""]
    return "\r\n".join(every)


def writable_copy(source: Path, target: Path) -> None:
    """Copy a folder that may be read-only, so that all of the copy can be written."""
    shutil.copytree(source, target, dirs_exist_ok=True)
    for path in (target, *target.rglob("*")):
        path.chmod(path.stat().st_mode | 0o200)


def seen(folder: Path) -> Seen:
    """Return every file below a folder."""
    stamps: dict[str, Stamp] = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_dir():
            status = path.lstat()
            stamps[path.relative_to(folder).as_posix()] = Stamp(path.read_bytes(), status.st_ino, status.st_mtime_ns)
    return stamps


class Difference(NamedTuple):
    """The lines that went, and those that came in their place; everything before and behind them is the same."""

    gone: tuple[str, ...]
    came: tuple[str, ...]


def difference(before: bytes, after: bytes) -> Difference:
    """Compare two texts line by line, endings included, from both of their ends."""
    old, new = before.decode().splitlines(keepends=True), after.decode().splitlines(keepends=True)
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    return Difference(tuple(old[head : len(old) - tail]), tuple(new[head : len(new) - tail]))


def _common(left: Sequence[str], right: Sequence[str]) -> int:
    pairs = zip(left, right, strict=False)
    return next((number for number, (one, other) in enumerate(pairs) if one != other), min(len(left), len(right)))


def edit(path: Path, old: str, new: str) -> None:
    """Replace what stands in a file exactly once, as an editor does: the file is written anew in place."""
    content = path.read_bytes()
    assert content.count(old.encode()) == 1, f"{old!r} stands {content.count(old.encode())} times in {path.name}"
    path.write_bytes(content.replace(old.encode(), new.encode()))


def run(home: Path, *command: str | Path, answers: str = "", **environment: str) -> Ran:
    """Run a program that knows no home but this folder, and whose input ends after the answers."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    done = subprocess.run(
        [str(part) for part in command],
        input=answers,
        env=mine | {"HOME": str(home), "COLUMNS": "200"} | environment,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return Ran(done.returncode, done.stdout + done.stderr)
