"""Seeded histories of a vault and a mailbox that misbehaves: in the end both agree, and nobody's word is lost.

Every edit writes a word of its own. What must hold once all is quiet: no person has two contacts, note and contact say
the same or the owner is asked, and the last word of either side is in the note, in the contact, or among the conflicts.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from connectors.graph_client import GraphClient
from connectors.graph_contacts import GraphContacts
from connectors.graph_sign_in import Lent
from connectors.http import Client
from daemon import cycle
from daemon.cycle import Look
from daemon.marker import write_marker
from daemon.state import State
from emulators.graph.contacts import Stored
from emulators.graph.server import served
from emulators.graph.service import Service
from emulators.graph.wire import Ask, Fault, answers, done_but_says, lost, says, unheard
from mappings import graph_properties
from mappings.record import AccountName
from memory_worlds import MARKER, account_of, clock, one_by_one, person, setup_of

pytestmark = pytest.mark.thorough

WORK = AccountName("work")
PEOPLE = ("ada", "grace", "joan")
STEPS = 18
REQUESTS_MAX = 200
_UID = graph_properties.id_of(graph_properties.UID)

FAULTS: tuple[Fault, ...] = (
    lost,
    unheard,
    done_but_says(503),
    answers(503, "UnknownError"),
    answers(429, "ApplicationThrottled", Retry_After="1.5"),
    answers(412, "ErrorIrresolvableConflict"),
    answers(410, "SyncStateNotFound"),
    answers(500, ""),
    answers(404, "ResourceNotFound"),
    says(200, b"<html>"),
)
SWITCHES = (
    "honours_if_match", "writes_show_late", "empty_page_first", "duplicates", "replays", "partial_rows", "select_ignored",
    "removed_in_first_round", "loses_deletes", "trash_is_readable", "null_lists", "patch_answers_nothing", "base64_bodies",
    "notes_with_crlf", "folder_ids_differ",
)  # fmt: skip


@dataclass
class History:
    """One seed's course."""

    chance: random.Random
    service: Service
    base: str
    vault: Path
    state: State
    last: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    words: int = 0

    def sync(self) -> None:
        http = Client(self.base, wait=self.service.clock.advance)
        client = GraphClient(WORK, self.base, http, Lent("t"), self.service.clock.advance)
        contacts = GraphContacts(WORK, client, ("Contacts",), lambda: self.service.clock.now)
        setup = setup_of(self.vault, [account_of(contacts)])
        self.service.counters.clear()
        cycle.sync(setup, self.state, clock, _approved, one_by_one)
        assert self.service.counters.requests < REQUESTS_MAX

    def step(self) -> None:
        doings: list[Callable[[], None]] = [
            self.sync, self.sync, self.edit_note, self.edit_note, self.edit_contact, self.edit_contact, self.fault,
            self.fault, self.service.contacts.expire_links, self.service.contacts.settle, self.pass_time, self.deny,
        ]  # fmt: skip
        self.chance.choice(doings)()

    def edit_note(self) -> None:
        who = self.chance.choice(PEOPLE)
        note = self.note(who)
        lines = note.read_text().split("\n")
        kept = [line for line in lines if not line.startswith("role: ")]
        self.overwritten(who, "".join(line for line in lines if line.startswith("role: ")))
        kept.insert(1, f"role: {self.word(who, 'note')}")
        note.write_text("\n".join(kept))

    def edit_contact(self) -> None:
        if stored := self.contact(who := self.chance.choice(PEOPLE)):
            self.overwritten(who, stored.properties["jobTitle"] or "")
            self.service.contacts.edit(stored.immutable_id, jobTitle=self.word(who, "contact"))

    def deny(self) -> None:
        """Let the feed call a contact removed that is there."""
        if stored := self.contact(self.chance.choice(PEOPLE)):
            self.service.contacts.report_removed(stored.immutable_id)

    def fault(self) -> None:
        method = self.chance.choice(("GET", "POST", "PATCH", "$batch"))

        def hits(ask: Ask) -> bool:
            return ask.path == ("$batch",) if method == "$batch" else ask.method == method and ask.path != ("$batch",)

        self.service.plan(self.chance.choice(FAULTS), hits, times=self.chance.randint(1, 3))

    def pass_time(self) -> None:
        self.service.clock.advance(self.chance.choice((60.0, 3_600.0, 90_000.0)))

    def overwritten(self, who: str, shown: str) -> None:
        """Let go of words that somebody saw and replaced."""
        for side in ("note", "contact"):
            if (word := self.last.get((who, side))) and word in shown:
                del self.last[who, side]

    def word(self, who: str, side: str) -> str:
        self.words += 1
        self.last[who, side] = f"Word{self.words}x"
        return self.last[who, side]

    def note(self, who: str) -> Path:
        return self.vault / "People" / f"{who}.md"

    def contact(self, who: str) -> Stored | None:
        found = [one for one in self.service.contacts.live() if one.extended.get(_UID) == f"uid-{who}"]
        assert len(found) <= 1, f"{who} has {len(found)} contacts"
        return found[0] if found else None

    def conflicts(self) -> str:
        """Return everything that is kept of conflicts, as text."""
        return "\n".join(str(row) for row in self.state.all("SELECT * FROM conflicts"))


def _approved(seen: Look) -> frozenset[AccountName]:
    del seen
    return frozenset({WORK})


@pytest.fixture
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[History]:
    chance = random.Random(request.param)  # noqa: S311  # to be the same each time is what it is for
    vault = tmp_path / "vault"
    (vault / "People").mkdir(parents=True)
    write_marker(vault, MARKER)
    service = Service()
    for name in SWITCHES:
        setattr(service.switches, name, chance.random() < 0.25)
    service.switches.delta_page_max = chance.choice((1, 2, 500))
    service.switches.expiry = chance.choice(("410", "410-location", "400", "404"))
    with served(service) as base:
        made = History(chance, service, base, vault, State.in_memory())
        for who in PEOPLE:
            made.note(who).write_text(person(who.title(), f"uid-{who}", f"email: {who}@example.test"))
        yield made


@pytest.mark.parametrize("history", range(60), indirect=True)
def test_in_the_end_both_sides_agree_and_no_word_is_lost(history: History) -> None:
    for _ in range(STEPS):
        history.step()
    history.service.forget_faults()
    history.service.contacts.settle()
    for _ in range(4):
        history.sync()
    writes, notes = history.service.counters.writes, [history.note(who).read_bytes() for who in PEOPLE]
    for _ in range(2):
        history.sync()
        writes += history.service.counters.writes
    assert (writes, [history.note(who).read_bytes() for who in PEOPLE]) == (0, notes)
    assert len(history.service.contacts.live()) == len(PEOPLE)
    for who in PEOPLE:
        stored, text = history.contact(who), history.note(who).read_text()
        assert stored is not None
        title = stored.properties["jobTitle"] or ""
        role = next((line.removeprefix("role: ") for line in text.split("\n") if line.startswith("role: ")), "")
        conflicts = history.conflicts()
        assert role.strip('"') == title or (role in conflicts and title in conflicts), (who, role, title)
        for side in ("note", "contact"):
            word = history.last.get((who, side), "")
            assert word in {"", role, title} or word in conflicts, (who, side, word, role, title)
