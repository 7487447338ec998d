"""A service under load for a while: edits on both sides, folders that go away, restarts, kills.

Each person has one field that only the note's hand edits and one that only the contact's does, so at the end both sides
must say the last value of each. In the first third the service is killed and restarted too; from then on it is one
process, whose memory, threads and open files at the end are compared with those at the beginning of that time.
Exit code 1 if something differs or has grown.
"""

import argparse
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from folder_worlds import made, person
from proof.histories import say
from service_worlds import Running, open_files, resident_bytes, running, threads, until

PEOPLE = 40
QUICK = "[service]\ndebounce_s = 0.1\ninterval_s = 1\nscan_interval_s = 5\n[brakes]\npeople = 1000000\n"
ROLE = "r{:06}"
"""Always of one length: a hand that changes these bytes in place brings back nothing that it read a moment ago."""

GROWTH_BYTES_MAX = 8 << 20
REST_S = 60.0


class Soak:
    """The world, the chance, and what each side last said."""

    def __init__(self, root: Path) -> None:
        self.world = made(root, more=QUICK)
        self.chance = random.Random(1)  # noqa: S311  # a soak needs no secrets
        self.names = [f"Person {number}" for number in range(PEOPLE)]
        for name in self.names:
            self.world.note(name).write_text(person(name, f"role: {ROLE.format(0)}", "nickname: n0"))
        if self.world.sync().code != 0 or self.world.sync().code != 0:
            sys.exit("the world did not come into step")
        self.cards = {name: self.world.card_of(name) for name in self.names}
        self.roles = dict.fromkeys(self.names, ROLE.format(0))
        self.nicknames = dict.fromkeys(self.names, "n0")
        self.edits = self.faults = 0

    def edit(self) -> None:
        """Change one value on one side."""
        name = self.chance.choice(self.names)
        self.edits += 1
        if self.chance.random() < 0.5:
            value = self.roles[name] = ROLE.format(self.edits)
            with self.world.note(name).open("r+b") as file:
                file.seek(file.read().index(b"role: "))
                file.write(f"role: {value}".encode())
            return
        card, value = self.cards[name], f"n{self.edits}"
        lines = [
            f"NICKNAME:{value}" if line.startswith("NICKNAME:") else line for line in card.read_text().splitlines()
        ]
        card.with_suffix(".new").write_text("\r\n".join(lines) + "\r\n", newline="")
        card.with_suffix(".new").replace(card)
        self.nicknames[name] = value

    def disturb(self) -> None:
        """Have a folder away for a moment."""
        self.faults += 1
        folder = self.chance.choice([self.world.contacts, self.world.vault])
        away = folder.with_name(f"{folder.name}-away")
        folder.rename(away)
        time.sleep(1.5)
        away.rename(folder)

    def work(self, span_s: float, faults: float) -> None:
        """Edit for so long, with a fault now and then."""
        end = time.monotonic() + span_s
        while time.monotonic() < end:
            self.edit()
            if self.chance.random() < faults:
                self.disturb()
            time.sleep(0.05)

    def differences(self) -> list[str]:
        """Return who does not say on both sides what was last said."""
        return [name for name in self.names if not self._is_in_step(name)]

    def _is_in_step(self, name: str) -> bool:
        note, card = self.world.note(name).read_text(), self.cards[name].read_text()
        role, nickname = self.roles[name], self.nicknames[name]
        return all(
            text in where
            for text, where in (
                (f"role: {role}\n", note),
                (f"TITLE:{role}\n", card),
                (f"nickname: {nickname}\n", note),
                (f"NICKNAME:{nickname}\n", card),
            )
        )


class Size(NamedTuple):
    """What a process holds on to."""

    resident_bytes: int
    threads: int
    open_files: int

    def __str__(self) -> str:
        return f"{self.resident_bytes >> 20} MiB, {self.threads} threads, {self.open_files} files"


def soak(root: Path, span_s: float) -> tuple[str, list[str]]:
    """Return what was done, and what is wrong at the end."""
    world = Soak(root)
    third_s = span_s / 3
    for number in signal.SIGKILL, signal.SIGTERM:
        with running(world.world) as service:
            world.work(third_s / 2, faults=0.02)
            service.signal(number)
            service.ends()
    with running(world.world) as service:
        world.work(third_s, faults=0.0)
        before = _size(service)
        world.work(third_s, faults=0.02)
        until(lambda: not world.differences(), REST_S)
        wrong = [f"not in step: {name}" for name in world.differences()]
        after = _size(service)
        if after.resident_bytes - before.resident_bytes > GROWTH_BYTES_MAX:
            wrong.append("memory has grown")
        if after.threads > before.threads or after.open_files > before.open_files:
            wrong.append("there are more threads or open files")
        if service.stop() != 0:
            wrong.append("the service did not end well")
    return f"{world.edits} edits, {world.faults} faults and 2 restarts in {span_s:.0f} s; {before} -> {after}", wrong


def _size(service: Running) -> Size:
    """Look for a second, and of the open files count the fewest: some are open for an instant only."""
    pid = service.process.pid
    fewest = open_files(pid)
    for _ in range(20):
        time.sleep(0.05)
        fewest = min(fewest, open_files(pid))
    return Size(resident_bytes(pid), threads(pid), fewest)


def main() -> int:
    """Soak for as long as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m proof.soak")
    parser.add_argument("--seconds", type=float, default=300)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures, wrong = soak(Path(folder), options.seconds)
    say(*wrong, f"{figures}; {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
