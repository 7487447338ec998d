"""Print what a sync with a Radicale costs, side by side with vdirsyncer against the same server.

    PYTHONPATH=tests python tests/benchmarks/dav_radicale.py [CONTACTS ...]

vdirsyncer keeps a folder of cards in step, contactd a vault of notes, which it compares field by field and writes
durably. For a first pull both have an address book that lies on the server's disk; contactd finds a note for each card,
which says the same already. 1 % is changed on this side, and written there card by card. Requests are counted in the
server's own log. Every figure is of one run of the installed program, with its start.
"""

import compileall
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from dav_servers import PASSWORD, USERNAME, Server, free_port, running

PEERS = Path(__file__).parents[2] / ".venv-peers" / "bin"
CONTACTD = Path(sys.executable).with_name("contactd")

RADICALE = """\
[server]
hosts = 127.0.0.1:{port}
[auth]
type = htpasswd
htpasswd_filename = {root}/users
htpasswd_encryption = plain
[storage]
filesystem_folder = {root}/server
[logging]
level = info
"""

VDIRSYNCER = """\
[general]
status_path = "{root}/status/"
[pair people]
a = "folder"
b = "server"
collections = null
[storage folder]
type = "filesystem"
path = "{root}/cards/"
fileext = ".vcf"
[storage server]
type = "carddav"
url = "{url}"
username = "{username}"
password = "{password}"
"""

CONFIG = """\
[vault]
path = "{root}/vault"
[state]
path = "{root}/state"
[brakes]
share_percent = 100
[accounts.home]
connector = "dav"
url = "{url}"
contacts = "{url}"
username = "{username}"
password_file = "{root}/word"
new_contacts = "all"
"""


_ENVIRONMENT = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Installed programs have their modules compiled."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of a program cost."""

    wall_s: float
    cpu_s: float
    rss_mb: float
    requests: int


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, in the words of both sides."""

    number: int
    title: str

    @property
    def uid(self) -> str:
        return str(uuid5(NAMESPACE_URL, f"person-{self.number}"))

    @property
    def name(self) -> str:
        return f"Person{self.number} Of{self.number // 7}"

    @property
    def note(self) -> str:
        return (
            f"---\ntype: people\ntitle: {self.name}\nuid: {self.uid}\nemail: p{self.number}@example.test\n"
            f"phone: '+49 30 {1_000_000 + self.number}'\ncompany: Company {self.number % 90}\nrole: {self.title}\n"
            f"tags:\n- type/people\n---\n\nMet in {1990 + self.number % 30}.\n"
        )

    @property
    def card(self) -> str:
        lines = (
            *("BEGIN:VCARD", "VERSION:3.0", f"UID:{self.uid}", f"X-CONTACTD-UID:{self.uid}"),
            *(f"FN:{self.name}", f"N:Of{self.number // 7};Person{self.number};;;", f"ORG:Company {self.number % 90}"),
            *(f"EMAIL:p{self.number}@example.test", f"TEL:+49 30 {1_000_000 + self.number}", f"TITLE:{self.title}"),
            *("NOTE:" + "a word or two " * 12, "END:VCARD", ""),
        )
        return "\r\n".join(lines)


@dataclass(frozen=True, slots=True)
class Bench:
    """A server, and a folder for each of the programs."""

    root: Path
    server: Server

    def requests(self) -> int:
        return len(re.findall(rb" request for '", (self.root / "said").read_bytes()))

    def measured(self, *words: str | Path, **environment: str) -> Cost:
        """Run a program to its end."""
        before, started = self.requests(), time.monotonic()
        with (self.root / "output").open("wb") as output:
            process = subprocess.Popen(
                [str(word) for word in words], stdout=output, stderr=output, env=_ENVIRONMENT | environment
            )
            _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in {0, 1}:
            raise SystemExit((self.root / "output").read_text())
        cpu_s, rss_mb = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
        return Cost(wall_s, cpu_s, rss_mb, self.requests() - before)


@dataclass(frozen=True, slots=True)
class Program:
    """One of the two: how its folder is made, how one of its people changes, and how it is run."""

    name: str
    prepare: Callable[[Bench, str, list[Person]], None]
    change: Callable[[Bench, Person], None]
    run: Callable[[Bench], Cost]


def main(sizes: list[int]) -> None:
    """Print the table."""
    for package in ("daemon", "connectors", "mappings"):
        compileall.compile_dir(Path(__file__).parents[2] / package, quiet=1)
    print(f"{'':28}{'vdirsyncer':>34}{'contactd':>34}{'vdirsyncer / contactd':>26}")  # noqa: T201  # a script that prints
    print(f"{'':28}" + f"{'wall s':>10}{'CPU s':>8}{'MB':>7}{'asked':>9}" * 2 + f"{'wall':>16}{'CPU':>10}")  # noqa: T201  # as above
    for size in sizes:
        people = [Person(number, "Analyst") for number in range(size)]
        show(f"{size}: first pull", f"{size}: nothing new", f"{size}: 1 % changed", costs=pulls(people))
    people = [Person(number, "Analyst") for number in range(1_000)]
    show("1000: first push", costs=pushes(people))


def show(*rows: str, costs: list[list[Cost]]) -> None:
    """Print rows; `costs` are those of each program."""
    for row, theirs, ours in zip(rows, *costs, strict=True):
        cells = "".join(
            f"{cost.wall_s:>10.2f}{cost.cpu_s:>8.2f}{cost.rss_mb:>7.0f}{cost.requests:>9}" for cost in (theirs, ours)
        )
        ratios = f"{theirs.wall_s / ours.wall_s:>15.1f}x{theirs.cpu_s / ours.cpu_s:>9.1f}x"
        print(f"{row:28}{cells}{ratios}", flush=True)  # noqa: T201  # as above


def pulls(people: list[Person]) -> list[list[Cost]]:
    """Return what a first pull, a run that finds nothing new, and one after 1 % was changed here cost each program."""
    costs: list[list[Cost]] = []
    for program in (_VDIRSYNCER, _CONTACTD):
        with benched(people) as bench:
            program.prepare(bench, f"{bench.server.url}me/people/", people if program is _CONTACTD else [])
            row = [program.run(bench)]
            program.run(bench)
            row.append(program.run(bench))
            for person in people[::100]:
                program.change(bench, person)
            row.append(program.run(bench))
            changed = sum(b"TITLE:Poet" in path.read_bytes() for path in _folder(bench).glob("*.vcf"))
            if changed != len(people[::100]):
                raise SystemExit(f"{program.name} brought {changed} changes to the server")
            costs.append(row)
    return costs


def pushes(people: list[Person]) -> list[list[Cost]]:
    """Return what it costs each program to bring all to an empty address book."""
    costs: list[list[Cost]] = []
    for program in (_VDIRSYNCER, _CONTACTD):
        with benched([]) as bench:
            program.prepare(bench, f"{bench.server.url}me/people/", people)
            costs.append([program.run(bench)])
            arrived = len(list(_folder(bench).glob("*.vcf")))
            if arrived != len(people):
                raise SystemExit(f"{program.name} brought {arrived} to the server")
    return costs


@contextmanager
def benched(people: list[Person]) -> Generator[Bench]:
    """Run a server whose one address book has these people on its disk."""
    root = Path(tempfile.mkdtemp(prefix="dav-"))
    port = free_port()
    server = Server("radicale", port, {}, timeout_s=600)
    bench = Bench(root, server)
    (root / "radicale.conf").write_text(RADICALE.format(root=root, port=port))
    (root / "users").write_text(f"{USERNAME}:{PASSWORD}\n")
    _folder(bench).mkdir(parents=True)
    (_folder(bench) / ".Radicale.props").write_text('{"tag": "VADDRESSBOOK", "D:displayname": "people"}')
    for person in people:
        (_folder(bench) / f"{person.uid}.vcf").write_bytes(person.card.encode())
    try:
        with running([PEERS / "radicale", "--config", root / "radicale.conf"], root, server):
            # The server's own caches are made before anybody is measured.
            server.etags("/me/people/")
            yield bench
    finally:
        shutil.rmtree(root)


def _folder(bench: Bench) -> Path:
    return bench.root / "server" / "collection-root" / "me" / "people"


def _keys(bench: Bench, url: str) -> dict[str, object]:
    return {"root": bench.root, "url": url, "username": USERNAME, "password": PASSWORD}


def _prepare_folder(bench: Bench, url: str, people: list[Person]) -> None:
    (bench.root / "cards").mkdir()
    (bench.root / "vdirsyncer.conf").write_text(VDIRSYNCER.format(**_keys(bench, url)))
    for person in people:
        (bench.root / "cards" / f"{person.uid}.vcf").write_bytes(person.card.encode())
    subprocess.run(
        [PEERS / "vdirsyncer", "discover"],
        env={**os.environ, "VDIRSYNCER_CONFIG": str(bench.root / "vdirsyncer.conf")},
        input=b"y\n" * 9,
        check=True,
        capture_output=True,
    )


def _change_card(bench: Bench, person: Person) -> None:
    (path,) = (path for path in (bench.root / "cards").glob(f"{person.uid}*.vcf"))
    path.write_bytes(path.read_bytes().replace(b"TITLE:Analyst", b"TITLE:Poet"))


def _run_vdirsyncer(bench: Bench) -> Cost:
    return bench.measured(PEERS / "vdirsyncer", "sync", VDIRSYNCER_CONFIG=str(bench.root / "vdirsyncer.conf"))


def _prepare_vault(bench: Bench, url: str, people: list[Person]) -> None:
    (bench.root / "vault" / "People").mkdir(parents=True)
    (bench.root / "config.toml").write_text(CONFIG.format(**_keys(bench, url)))
    (bench.root / "word").write_text(PASSWORD)
    (bench.root / "word").chmod(0o600)
    for person in people:
        _note(bench, person).write_text(person.note)


def _change_note(bench: Bench, person: Person) -> None:
    path = _note(bench, person)
    path.write_text(path.read_text().replace("role: Analyst", "role: Poet"))


def _run_contactd(bench: Bench) -> Cost:
    return bench.measured(CONTACTD, "sync", "--once", "--yes", "--config", bench.root / "config.toml")


def _note(bench: Bench, person: Person) -> Path:
    return bench.root / "vault" / "People" / f"{person.name}.md"


_VDIRSYNCER = Program("vdirsyncer", _prepare_folder, _change_card, _run_vdirsyncer)
_CONTACTD = Program("contactd", _prepare_vault, _change_note, _run_contactd)

if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [1_000, 10_000])
