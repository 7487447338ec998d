"""A service under load for a while: edits on both sides, folders that go away, restarts, kills.

    python tests/proof/soak.py SECONDS [FOLDER]

Each person has one field that only the note's hand edits and one that only the contact's does, so at the end both sides
must say the last value of each. In the first third the service is killed and restarted too; from then on it is one
process, whose memory, threads and open files at the end are compared with those at the beginning of that time.
Exit code 1 if something differs or has grown.
"""

import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from folder_worlds import made, person
from service_worlds import Running, open_files, resident_bytes, running, threads, until

PEOPLE = 40
QUICK = "[service]\ndebounce_s = 0.1\ninterval_s = 1\nscan_interval_s = 5\n[brakes]\npeople = 1000000\n"
GROWTH_BYTES_MAX = 8 << 20
REST_S = 60.0


class Soak:
    """The world, the chance, and what each side last said."""

    def __init__(self, root: Path) -> None:
        self.world = made(root, more=QUICK)
        self.chance = random.Random(1)  # noqa: S311  # a soak needs no secrets
        self.names = [f"Person {number}" for number in range(PEOPLE)]
        for name in self.names:
            self.world.note(name).write_text(person(name, "role: r0", "nickname: n0"))
        if self.world.sync().code != 0 or self.world.sync().code != 0:
            sys.exit("the world did not come into step")
        self.cards = {name: self.world.card_of(name) for name in self.names}
        self.roles = dict.fromkeys(self.names, "r0")
        self.nicknames = dict.fromkeys(self.names, "n0")
        self.edits = 0

    def edit(self) -> None:
        """Change one value on one side."""
        name = self.chance.choice(self.names)
        self.edits += 1
        if self.chance.random() < 0.5:
            path, value = self.world.note(name), f"r{self.edits}"
            lines = [f"role: {value}" if line.startswith("role: ") else line for line in path.read_text().splitlines()]
            path.write_text("\n".join(lines) + "\n")
            self.roles[name] = value
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


def soak(root: Path, span_s: float) -> list[str]:
    """Return what is wrong at the end."""
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
        if after[0] - before[0] > GROWTH_BYTES_MAX:
            wrong.append(f"memory has grown by {after[0] - before[0] >> 20} MiB")
        if after[1] > before[1] or after[2] > before[2]:
            wrong.append(f"threads and open files were {before[1:]} and are {after[1:]}")
        if service.stop() != 0:
            wrong.append("the service did not end well")
    sys.stdout.write(f"{world.edits} edits in {span_s:.0f} s; memory {before[0] >> 20} -> {after[0] >> 20} MiB\n")
    return wrong


def _size(service: Running) -> tuple[int, int, int]:
    """Return memory, threads and open files; of the last the fewest in a second, as some are open for an instant only."""
    pid = service.process.pid
    fewest = open_files(pid)
    for _ in range(20):
        time.sleep(0.05)
        fewest = min(fewest, open_files(pid))
    return resident_bytes(pid), threads(pid), fewest


def main(span_s: float, folder: Path | None) -> int:
    with tempfile.TemporaryDirectory(dir=folder) as root:
        wrong = soak(Path(root), span_s)
    sys.stdout.write("".join(f"{one}\n" for one in wrong))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None))
