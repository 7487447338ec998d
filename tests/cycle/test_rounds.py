"""The service's rounds with real notes, books in memory, real workers, and a clock that the test moves."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from random import Random

import pytest

from connectors.errors import PreconditionFailed, SignInNeeded, TryLater
from connectors.interface import ChangeSet, Cursor
from connectors.memory import Memory
from daemon import cycle, journal, last_report, links
from daemon.crew import Crew, Done
from daemon.post import Clock, Post, Request
from daemon.progress import WatchedVault
from daemon.report import Report
from daemon.rounds import HURRIED_MAX, Desk, Rounds
from daemon.setup import Account, NewNotes
from daemon.watch import Hint
from mappings.brakes import Limit
from mappings.operation import UpdateRecord
from mappings.person import Uid
from mappings.record import AccountName, Etag, RemoteId
from memory_worlds import HOME, MARKER, WORK, MemoryWorld, account_of, clock, made, one_by_one, person, setup_of
from worlds import person as known

PATIENCE_S = 30.0
INTERVAL_S = 180.0
ADA = "uid-ada"


class Asked(Memory):
    """A connector that counts what is asked of it, and fails or waits when the test wants it to."""

    reads = 0
    failure: Exception | None = None
    gate: threading.Event | None = None

    def changes(self, since: Cursor | None, known: Mapping[RemoteId, Etag]) -> ChangeSet:
        self.reads += 1
        if self.gate is not None:
            assert self.gate.wait(PATIENCE_S)
        if self.failure is not None:
            raise self.failure
        return super().changes(since, known)


class Served:
    """A world that is in step, and the rounds that keep it so."""

    def __init__(self, world: MemoryWorld, *, in_step: bool = True, limit: Limit | None = None) -> None:
        self.world = world
        self.asked = {name: Asked(name, book) for name, book in world.books.items()}
        accounts = [account_of(one) if limit is None else account_of(one, limit) for one in self.asked.values()]
        self.setup = setup_of(world.vault, accounts)
        if in_step:
            for _ in range(2):
                cycle.sync(self.setup, world.state, clock, lambda _: frozenset(self.asked), one_by_one)
        self.now_s = 1000.0
        self.stopped = False
        self.reports: list[Report] = []
        self.changes: list[tuple[AccountName, bool]] = []
        self._inbox: SimpleQueue[Done] = SimpleQueue()
        self.crew = Crew(self._inbox.put)
        desk = Desk(
            state=world.state,
            crew=self.crew,
            clock=Clock(clock, lambda: self.now_s, Random(1)),  # noqa: S311  # chance, not secrets
            stopping=lambda: self.stopped,
            slowness=lambda: 1.0,
            finished=self.reports.append,
            changed=self._changed,
        )
        self.rounds = Rounds(desk, self.setup, dict.fromkeys(self.asked, INTERVAL_S))

    def _changed(self, post: Post) -> None:
        self.changes.append((post.name, post.failing_since is not None))

    def settle(self, *, without: frozenset[AccountName] = frozenset()) -> None:
        """Do all that is due now, until every worker but these has done its work."""
        self.rounds.tick()
        while self.rounds.at_work - without or (self.rounds.next_s() <= self.now_s and not self.stopped):
            if self.rounds.at_work - without:
                self.rounds.done(self._inbox.get(timeout=PATIENCE_S))
            self.rounds.tick()

    def edit(self, name: str, uid: str, *lines: str) -> None:
        self.world.note(name).write_text(person(name, uid, *lines))
        self.rounds.hint(Hint(frozenset({self.world.path(name)}), whole=False))

    def reads(self, name: AccountName = HOME) -> int:
        return self.asked[name].reads

    def title(self, uid: str = ADA, account: AccountName = HOME) -> str | None:
        found = self.world.in_book(account, uid)
        return None if found is None else found.title


@pytest.fixture
def world(tmp_path: Path) -> MemoryWorld:
    world = made(tmp_path, HOME, WORK)
    world.note("Ada").write_text(person("Ada", ADA, "role: Analyst", "email: ada@example.test"))
    return world


Dismissed = Callable[[Served], Served]


@pytest.fixture
def ours() -> Iterator[Dismissed]:
    """Have a served world's threads end with the test."""
    served: list[Served] = []

    def keep(one: Served) -> Served:
        served.append(one)
        return one

    yield keep
    for one in served:
        one.crew.dismiss()


@pytest.fixture
def served(world: MemoryWorld, ours: Dismissed) -> Served:
    served = ours(Served(world))
    served.settle()
    return served


def test_an_edit_is_pushed_to_every_account_and_none_is_read_for_it(served: Served) -> None:
    reads = served.reads(), served.reads(WORK)
    served.edit("Ada", ADA, "role: Countess", "email: ada@example.test")
    served.settle()
    assert (served.title(), served.title(account=WORK)) == ("Countess", "Countess")
    assert (served.reads(), served.reads(WORK)) == reads


def test_a_first_look_at_many_notes_ends_as_soon_as_it_is_to(world: MemoryWorld, ours: Dismissed) -> None:
    for number in range(20):
        world.note(f"Person {number}").write_text(person(f"Person {number}", f"uid-{number}"))
    served = ours(Served(world, in_step=False))
    told: list[str] = []

    def tell(text: str) -> None:
        told.append(text)
        served.stopped |= text.startswith("reading notes: 3 ")

    served.rounds.setup = replace(served.setup, vault=WatchedVault(world.vault, MARKER, tell))
    served.settle()
    assert [text for text in told if text.startswith("reading")][-1] == "reading notes: 3 of 21"
    assert served.reports == []
    # The next sitting sees all of it.
    served = ours(Served(world, in_step=False))
    served.settle()
    assert served.reports[-1].vault.people == 21


def test_what_says_the_same_as_before_makes_no_round(served: Served) -> None:
    rounds = len(served.reports)
    served.edit("Ada", ADA, "role: Analyst", "email: ada@example.test")
    served.rounds.hint(Hint(frozenset(), whole=True))
    served.settle()
    served.now_s += 10 * INTERVAL_S
    served.settle()
    assert (served.reads(), len(served.reports)) == (served.reads(WORK), rounds)


def test_accounts_are_read_at_their_intervals_and_changes_pulled(served: Served) -> None:
    served.world.remote_edit(WORK, ADA, {"title": "Lady"})
    served.settle()
    assert "role: Analyst" in served.world.note("Ada").read_text()
    served.now_s += 1.2 * INTERVAL_S
    served.settle()
    assert "role: Lady" in served.world.note("Ada").read_text()
    assert served.title() == "Lady"


def test_a_pulled_value_is_not_taken_back_by_a_look_from_before_it(served: Served) -> None:
    # The note was last looked at before the pull; the next round must not take what it said then for an edit.
    served.world.remote_edit(WORK, ADA, {"title": "Lady"})
    served.now_s += 1.2 * INTERVAL_S
    served.settle()
    served.world.remote_edit(HOME, ADA, {"nickname": "A.A.L."})
    served.now_s += 1.2 * INTERVAL_S
    served.settle()
    text = served.world.note("Ada").read_text()
    assert ("role: Lady" in text, served.title(), served.title(account=WORK)) == (True, "Lady", "Lady")


def test_a_record_that_moved_on_is_read_and_merged_at_once(served: Served) -> None:
    reads = served.reads()
    served.world.remote_edit(HOME, ADA, {"nickname": "A.A.L."})
    served.edit("Ada", ADA, "role: Countess", "email: ada@example.test")
    served.settle()
    ada = served.world.in_book(HOME, ADA)
    assert ada is not None
    assert (ada.title, ada.nickname, served.reads()) == ("Countess", "A.A.L.", reads + 1)


def test_before_a_contact_is_made_its_account_is_read(served: Served) -> None:
    # Somebody has made the very contact on a phone, a second before the note was written.
    served.world.books[HOME].add(known({"name": "Grace", "emails": ("grace@example.test",)}))
    served.edit("Grace", "uid-grace", "email: grace@example.test")
    served.settle()
    assert len(served.world.books[HOME].entries) == 2
    assert len(served.world.books[WORK].entries) == 2


def test_a_slow_account_delays_no_other(served: Served) -> None:
    gate = served.asked[HOME].gate = threading.Event()
    served.now_s += 1.2 * INTERVAL_S
    served.settle(without=frozenset({HOME}))
    served.edit("Ada", ADA, "role: Countess", "email: ada@example.test")
    served.settle(without=frozenset({HOME}))
    assert (served.title(), served.title(account=WORK)) == ("Analyst", "Countess")
    gate.set()
    served.settle()
    assert served.title() == "Countess"


def test_an_account_that_fails_is_told_of_once_and_left_alone_for_a_while(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    served.changes.clear()
    served.asked[HOME].failure = TryLater("the server of ada@example.test is away", None)
    for _ in range(5):
        served.now_s += 4000
        served.settle()
    assert served.changes.count((HOME, True)) == 5
    assert caplog.text.count("account home is down: away") == 1
    assert "ada@example.test" not in caplog.text
    kept = last_report.last_report(served.world.state)
    assert kept is not None
    assert {one.name: bool(one.trouble) for one in kept.accounts} == {HOME: True, WORK: False}
    served.edit("Ada", ADA, "role: Countess", "email: ada@example.test")
    served.settle()
    assert (served.title(), served.title(account=WORK)) == ("Analyst", "Countess")
    served.asked[HOME].failure = None
    served.now_s += 4000
    served.settle()
    assert (served.title(), caplog.text.count("account home is back")) == ("Countess", 1)
    kept = last_report.last_report(served.world.state)
    assert kept is not None
    assert not any(one.trouble for one in kept.accounts)


def test_a_provider_that_wants_to_be_left_alone_is_left_alone(served: Served) -> None:
    served.asked[HOME].failure = TryLater("too many requests", 3600)
    served.now_s += 1.2 * INTERVAL_S
    served.settle()
    reads = served.reads()
    served.rounds.look_again()
    served.settle()
    served.now_s += 3500
    served.settle()
    assert served.reads() == reads
    served.now_s += 101
    served.settle()
    assert served.reads() == reads + 1


def test_whoever_needs_a_sign_in_does_not_stop_the_others(served: Served) -> None:
    served.asked[HOME].failure = SignInNeeded(HOME, "the token was revoked")
    served.now_s += 1.2 * INTERVAL_S
    served.settle()
    served.world.remote_edit(WORK, ADA, {"title": "Lady"})
    served.now_s += 1.2 * INTERVAL_S
    served.settle()
    assert "role: Lady" in served.world.note("Ada").read_text()


def test_a_contact_that_was_missed_twice_is_parted_without_any_other_news(served: Served) -> None:
    book = served.world.books[HOME]
    remote_id = book.with_uid(Uid(ADA))
    assert remote_id is not None
    book.remove(remote_id)
    for _ in range(3):
        served.now_s += 10 * INTERVAL_S
        served.settle()
    assert sum(report.deeds.parted for report in served.reports if report.deeds is not None) == 1
    assert served.world.note("Ada").exists()


class Fickle(Asked):
    """A connector that never takes an update, as one with a mistake in its etags would."""

    def update(self, intents: Sequence[UpdateRecord]) -> Iterator[PreconditionFailed]:
        for intent in intents:
            yield PreconditionFailed(intent.remote_id, "changed since it was read")


def test_a_record_that_never_agrees_is_not_tried_for_ever(world: MemoryWorld, ours: Dismissed) -> None:
    served = ours(Served(world))
    served.settle()
    fickle = Fickle(HOME, world.books[HOME])
    served.asked[HOME] = fickle
    accounts: list[Account] = [account_of(fickle), account_of(served.asked[WORK])]
    served.rounds.setup = setup_of(world.vault, accounts)
    for post in served.rounds.posts:
        post.account = accounts[0] if post.name == HOME else accounts[1]
    served.edit("Ada", ADA, "role: Countess", "email: ada@example.test")
    served.settle()
    assert fickle.reads == HURRIED_MAX
    served.settle()
    assert (fickle.reads, served.title(account=WORK)) == (HURRIED_MAX, "Countess")


def test_a_note_that_is_being_saved_is_tried_again_later(served: Served) -> None:
    served.world.remote_edit(HOME, ADA, {"title": "Lady"})
    served.now_s += 1.2 * INTERVAL_S
    with served.world.note("Ada").open("r+b"):
        served.settle()
        rounds = len(served.reports)
        served.settle()
        assert len(served.reports) == rounds
    assert "role: Analyst" in served.world.note("Ada").read_text()
    served.now_s += 61
    served.settle()
    assert "role: Lady" in served.world.note("Ada").read_text()


class TestWaiting:
    """A first plan waits for its owner, whose request is a round with everything read."""

    def test_a_first_plan_waits_and_the_owner_lets_it_run(self, world: MemoryWorld, ours: Dismissed) -> None:
        served = ours(Served(world, in_step=False))
        served.settle()
        assert [report.exit_code for report in served.reports][-1] == 4
        assert not served.world.books[HOME].entries
        answers: list[Report] = []
        reads = served.reads(), served.reads(WORK)
        served.rounds.ask(Request(frozenset(), lambda _: frozenset({HOME, WORK}), answers.append, served.now_s))
        served.settle()
        assert [answer.exit_code for answer in answers] == [0]
        assert (len(world.books[HOME].entries), len(world.books[WORK].entries)) == (1, 1)
        assert (served.reads(), served.reads(WORK)) == (reads[0] + 1, reads[1] + 1)

    def test_an_account_that_waits_does_not_stop_the_others(self, world: MemoryWorld, ours: Dismissed) -> None:
        served = ours(Served(world, in_step=False))
        served.settle()
        served.rounds.ask(Request(frozenset({WORK}), lambda _: frozenset({WORK}), lambda _: None, served.now_s))
        served.settle()
        served.edit("Ada", ADA, "role: Countess", "email: ada@example.test")
        served.settle()
        assert (served.title(account=WORK), served.title()) == ("Countess", None)

    def test_a_request_does_not_wait_for_ever_for_an_account_that_hangs(self, served: Served) -> None:
        gate = served.asked[HOME].gate = threading.Event()
        answers: list[Report] = []
        served.rounds.ask(Request(frozenset(), lambda _: frozenset(), answers.append, served.now_s))
        served.settle(without=frozenset({HOME}))
        assert answers == []
        served.now_s += 301
        served.settle(without=frozenset({HOME}))
        assert len(answers) == 1
        gate.set()
        served.settle()

    def test_several_requests_are_answered_one_after_the_other(self, served: Served) -> None:
        answers: list[Report] = []
        for _ in range(3):
            served.rounds.ask(Request(frozenset(), lambda _: frozenset(), answers.append, served.now_s))
        served.settle()
        served.settle()
        served.settle()
        assert [answer.exit_code for answer in answers] == [0, 0, 0]


def test_whoever_stops_begins_nothing(served: Served) -> None:
    served.stopped = True
    served.edit("Ada", ADA, "role: Countess", "email: ada@example.test")
    served.now_s += 2 * INTERVAL_S
    reads = served.reads()
    served.settle()
    assert (served.title(), served.reads(), journal.unfinished(served.world.state)) == ("Analyst", reads, ())


def test_what_a_worker_could_not_expect_is_raised_where_it_can_be_dealt_with(served: Served) -> None:
    served.asked[HOME].failure = ZeroDivisionError("a mistake of ours")
    served.now_s += 1.2 * INTERVAL_S
    with pytest.raises(ZeroDivisionError):
        served.settle()


def test_work_of_an_earlier_sitting_that_comes_late_changes_nothing(served: Served) -> None:
    gate = served.asked[HOME].gate = threading.Event()
    served.now_s += 1.2 * INTERVAL_S
    served.settle(without=frozenset({HOME}))
    former = Crew(lambda _: None)
    served.rounds.done(Done(former, HOME, None, ZeroDivisionError("its state is closed")))
    assert served.rounds.at_work == {HOME}
    gate.set()
    served.settle()


def test_time_that_changes_dates_does_not_keep_it_awake_while_every_account_is_down(served: Served) -> None:
    for asked in served.asked.values():
        asked.failure = TryLater("away", None)
    served.now_s += 1.2 * INTERVAL_S
    served.settle()
    served.rounds.dates_until = clock()  # as if a meeting had just ended
    assert served.rounds.next_s() > served.now_s


def test_a_contact_that_comes_gets_a_note_after_a_look_at_the_whole_vault(served: Served) -> None:
    accounts = frozenset({HOME, WORK})
    setup = replace(served.setup, new_notes=NewNotes(frozenset[AccountName](), accounts, "People", None, 20))
    served.rounds.setup = setup
    cycle.sync(setup, served.world.state, clock, lambda _: accounts, one_by_one)
    served.world.note("Grace Hopper").write_text("the ship")
    for name in ("Grace Hopper", "Edith Clarke"):
        served.world.books[WORK].add(known({"name": name}))
    for _ in range(3):
        served.now_s += 1.2 * INTERVAL_S
        served.settle()
    found = {path.name for path in served.world.note("Ada").parent.iterdir()}
    assert found == {"Ada.md", "Grace Hopper.md", "Edith Clarke.md"}
    names = sorted(entry.person.name for entry in served.world.books[HOME].entries.values())
    assert names == ["Ada", "Edith Clarke"]
    rounds = len(served.reports)
    served.settle()
    assert len(served.reports) == rounds


def test_a_note_that_two_whole_looks_missed_is_parted_from_its_contacts_which_stay(served: Served) -> None:
    served.world.note("Ada").unlink()
    for _ in range(2):
        served.rounds.hint(Hint(frozenset({served.world.path("Ada")}), whole=False))
        served.settle()
    assert len(links.links(served.world.state)) == 2
    for _ in range(2):
        served.rounds.hint(Hint(frozenset(), whole=True))
        served.settle()
    assert links.links(served.world.state) == ()
    assert (len(served.world.books[HOME].entries), len(served.world.books[WORK].entries)) == (1, 1)


def test_a_whole_look_is_a_whole_look_in_the_round_that_follows_it(served: Served) -> None:
    leftover = served.world.vault / "People" / ".contactd-01234567-89abcdef-Ada.new"
    leftover.touch()
    served.rounds.hint(Hint(frozenset(), whole=True))
    served.settle()
    assert not leftover.exists()


def test_looks_that_find_nothing_new_count_as_looks(served: Served) -> None:
    def looked_at() -> dict[str, str]:
        return dict(served.world.state.all("SELECT account, at FROM looks"))

    before = looked_at()
    served.now_s += 1.2 * INTERVAL_S
    served.rounds.hint(Hint(frozenset(), whole=True))
    served.settle()
    after = looked_at()
    assert before.keys() == after.keys()
    assert all(after[side] > before[side] for side in before)
