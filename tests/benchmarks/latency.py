"""How long after an edit is it pushed, and what does a service that has nothing to do cost?

    python tests/benchmarks/latency.py EDITS NOTES [FOLDER]      # edits of notes among NOTES, pushed into a vdir
    python tests/benchmarks/latency.py memory EDITS NOTES [FOLDER]      # into the reference connector
    python tests/benchmarks/latency.py idle SECONDS NOTES [FOLDER]      # NOTES notes in as many folders

The service is the installed one, in a process of its own, with its own defaults. An edit is written in place; its time
runs from then until the card says the new value. Idle: CPU time and resident memory from /proc, over SECONDS, with the
first looks and reads done before.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from folder_worlds import CONTACTD, FolderWorld, made, person
from service_worlds import cpu_s, resident_bytes, running, until

POLL_S = 0.002
DEBOUNCE_S = 0.5


def latencies(world: FolderWorld, edits: int, notes: int) -> list[float]:
    for number in range(notes):
        world.note(f"Person {number}").write_text(person(f"Person {number}", "role: r0"))
    if world.sync().code != 0:
        sys.exit("the world did not come into step")
    names = [f"Person {number * notes // min(edits, notes)}" for number in range(min(edits, notes))]
    cards = {name: world.card_of(name) for name in names}
    spans: list[float] = []
    with running(world):
        time.sleep(2)
        for number in range(edits):
            name = names[number % len(names)]
            path, card = world.note(name), cards[name]
            text = path.read_text()
            value = f"r{number + 1}-"
            before = text[text.index("role: ") :].split("\n", 1)[0]
            begun = time.monotonic()
            path.write_text(text.replace(before, f"role: {value}"))
            if not until(lambda: f"TITLE:{value}" in card.read_text(), 60):  # noqa: B023  # called before the next round
                sys.exit(f"edit {number} was not pushed")
            spans.append(time.monotonic() - begun)
    return spans


_CONNECTOR = """
from dataclasses import dataclass
from pathlib import Path

from connectors.memory import Book, Memory


@dataclass(frozen=True)
class Options:
    told: Path


class Telling(Memory):
    told: Path

    def update(self, intents):
        for intent, outcome in zip(intents, super().update(intents)):
            with self.told.open("a") as file:
                file.write("".join(f"{change.after}\\n" for change in intent.changes))
            yield outcome


def open_contacts(account, options, tokens):
    book = Telling(account, Book())
    book.told = options.told
    return book
"""


def into_memory(root: Path, edits: int, notes: int) -> list[float]:
    """Do the same with the reference connector, in the service's own process, which writes down what it is told."""
    (root / "bench.py").write_text(_CONNECTOR)
    info = root / "bench-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bench\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[contactd.connectors]\nbench = bench\n")
    told = root / "told"
    told.touch()
    world = made(root / "world")
    config = world.config.read_text()
    config = config.replace('connector = "vdir"', 'connector = "bench"').replace(
        f'contacts = "{world.contacts}"', f'told = "{told}"\nnew_contacts = "all"'
    )
    world.config.write_text(config)
    for number in range(notes):
        world.note(f"Person {number}").write_text(person(f"Person {number}", "role: r0"))
    # Whoever else asks must know the connector too.
    os.environ["PYTHONPATH"] = str(root)
    if world.contactd("init").code not in {0, 78}:
        sys.exit("the vault has no marker")
    spans: list[float] = []
    with running(world):
        if world.sync().code != 0:
            sys.exit("the world did not come into step")
        time.sleep(2)
        for number in range(edits):
            path = world.note(f"Person {number % notes}")
            text, value = path.read_text(), f"r{number + 1}-"
            before = text[text.index("role: ") :].split("\n", 1)[0]
            begun = time.monotonic()
            path.write_text(text.replace(before, f"role: {value}"))
            if not until(lambda: value in told.read_text(), 60):  # noqa: B023  # called before the next round
                sys.exit(f"edit {number} was not pushed")
            spans.append(time.monotonic() - begun)
    return spans


def idle(world: FolderWorld, span_s: float, notes: int) -> tuple[float, int]:
    """Return the share of a core, and the resident bytes."""
    for number in range(notes):
        folder = world.vault / "People" / str(number // 100) / str(number)
        folder.mkdir(parents=True)
        (folder / f"Person {number}.md").write_text(person(f"Person {number}", "role: r0"))
    first = subprocess.run([CONTACTD, "sync", "--once", "--yes", "--config", world.config], check=False)
    if first.returncode != 0:
        sys.exit("the world did not come into step")
    with running(world) as service:
        pid = service.process.pid
        time.sleep(30)
        before = cpu_s(pid)
        time.sleep(span_s)
        return (cpu_s(pid) - before) / span_s, resident_bytes(pid)


def main(arguments: list[str]) -> None:
    if arguments[0] == "memory":
        with tempfile.TemporaryDirectory(dir=arguments[3] if len(arguments) > 3 else None) as folder:
            _tell(into_memory(Path(folder), int(arguments[1]), int(arguments[2])))
        return
    with tempfile.TemporaryDirectory(dir=arguments[3] if len(arguments) > 3 else None) as folder:
        world = made(Path(folder), more="[brakes]\npeople = 1000000\n")
        if arguments[0] == "idle":
            share, resident = idle(world, float(arguments[1]), int(arguments[2]))
            sys.stdout.write(f"idle: {100 * share:.3f} % of a core, {resident / 2**20:.0f} MiB resident\n")
            return
        _tell(latencies(world, int(arguments[0]), int(arguments[1])))


def _tell(spans: list[float]) -> None:
    spans = sorted(spans)
    p50, p99 = statistics.median(spans), spans[int(len(spans) * 0.99) - 1]
    over50, over99 = 1000 * (p50 - DEBOUNCE_S), 1000 * (p99 - DEBOUNCE_S)
    sys.stdout.write(
        f"{len(spans)} edits: p50 {1000 * p50:.0f} ms (debounce + {over50:.0f} ms),"
        f" p99 {1000 * p99:.0f} ms (debounce + {over99:.0f} ms)\n"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
