"""Whole cycles between a vault and a Google account, in this process: a program that is run again and remembers nothing."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from daemon import cycle
from daemon.marker import write_marker
from daemon.report import Report
from daemon.state import State
from emulators.google.contacts import Contact, Doc
from emulators.google.server import Server
from google_worlds import HOME, GoogleWorld
from memory_worlds import MARKER, account_of, one_by_one, setup_of

RUNS_MAX = 12
APART = timedelta(minutes=15)


class World:
    """A vault, an account at Google, and the state between them."""

    def __init__(self, root: Path, google: GoogleWorld) -> None:
        self.google = google
        self.vault = root / "vault"
        (self.vault / "People").mkdir(parents=True)
        write_marker(self.vault, MARKER)
        self.state = State.in_memory()
        self.contacts = google.contacts
        """How a run gets its connector: a new one, as a timer's has, or the one that a service keeps."""

    def keep_connector(self) -> None:
        """Run with one connector from now on, as a service does."""
        kept = self.google.contacts()
        self.contacts = lambda: kept

    def note(self, name: str) -> Path:
        return self.vault / "People" / f"{name}.md"

    def write(self, name: str, *lines: str) -> None:
        text = ["---", "type: people", f"title: {name}", *lines, "---", "", f"About {name}.", ""]
        self.note(name).write_text("\n".join(text))

    def run(self, apart: timedelta = APART) -> Report:
        """Run one cycle; time passes before it."""
        self.google.google.clock.advance(apart)
        setup = setup_of(self.vault, [account_of(self.contacts())])
        return cycle.sync(setup, self.state, self.now, lambda _: frozenset({HOME}), one_by_one)

    def now(self) -> datetime:
        return self.google.google.clock.now

    def rest(self, *, may_ask: bool = False) -> int:
        """Run until two runs in a row have had nothing to do and nothing to complain about; return how many it took.

        With `may_ask` a conflict that waits for the owner is nothing to complain about.
        """
        calm = 0
        for number in range(1, RUNS_MAX + 1):
            report = self.run()
            idle = not any(count for what, count in report.counts.items() if what != "people")
            calm = calm + 1 if idle and report.exit_code <= int(may_ask) else 0
            if calm == 2:
                return number
        raise AssertionError("it does not come to rest")

    def contact(self, given: str) -> Doc:
        """Return the entries of the one contact of this given name."""
        found = self.found(given)
        assert found is not None, f"no contact of {given}"
        return found.entries

    def found(self, given: str) -> Contact | None:
        """Return the contact of this given name, if there is one."""
        found = [each for each in self.google.book.living if each.entries["names"][0]["givenName"] == given]
        assert len(found) <= 1, f"{len(found)} contacts of {given}"
        return found[0] if found else None


def made(server: Server, folder: Path) -> Iterator[World]:
    """Make a world for as long as it is used; afterwards nobody may have done what the schemas do not allow."""
    world = World(folder, GoogleWorld(server, folder).signed_in())
    yield world
    world.state.close()
    assert world.google.google.violations == []
