"""One history: a seed, and everything that follows from it.

Every chance is drawn from the seed, the cycle and the step in the cycle, so that leaving one event out leaves the
others as they are as far as possible; that is what `shrunk` lives on. Nothing depends on hash order or on the time.
"""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from hashlib import blake2s
from random import Random
from zlib import crc32

from connectors.errors import SignInNeeded, TryLater
from connectors.memory import Entry
from daemon import cycle, journal
from daemon.cycle import Look
from daemon.errors import NoteChanged, StateError, VaultError, VaultMissing
from daemon.health import Health
from daemon.report import Report
from mappings.operation import CreateRecord
from mappings.record import AccountName, NotePath, RemoteId
from mappings.world import LOOKS_BEFORE_ABSENT
from simulation import diary_hand, rest, values
from simulation.hand import Hand, Unfinished
from simulation.ledger import Ledger
from simulation.old_copies import OldCopies
from simulation.oracle import Oracle
from simulation.violation import Violation
from simulation.world import HOME, Crash, Nature, World, one_by_one

ROUNDS_TO_REST = 4
"""Cycles without any disturbance that suffice: two looks for a deletion, one for what follows from it, one for an
account's own spelling of what it was told."""

LOOKS_THAT_PROVE_REST = 2
"""Cycles in a row that find nothing to do: after two looks nobody can become absent any more."""

_EDITS_APART = 2
"""On each side, while a note is no person's."""

CALLS_AT_REST = 2
"""Requests to each account in a cycle in which nothing happened."""

_STEP_TIME = timedelta(milliseconds=7)
_PAUSES = (timedelta(milliseconds=500), timedelta(seconds=5), timedelta(minutes=1), timedelta(days=1))
_REST = timedelta(hours=1)

Event = tuple[int, int]
"""Where something happened: the cycle and the step in it; steps between two cycles are negative."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a history went."""

    seed: int
    nature: Nature
    violations: tuple[Violation, ...]
    residue: dict[str, int]
    trace: tuple[str, ...]
    events: tuple[Event, ...]

    @property
    def digest(self) -> str:
        """Return what two runs of one seed have in common."""
        return blake2s("\n".join(self.trace).encode()).hexdigest()


def run(seed: int, allowed: frozenset[Event] | None = None) -> Outcome:
    """Run a history; with `allowed` only those of its events happen."""
    return _History(seed, allowed).run()


def shrunk(seed: int, is_same: Callable[[Outcome], bool]) -> Outcome:
    """Leave out every event without which the outcome is still the same."""
    outcome = run(seed)
    size = max(1, len(outcome.events) // 2)
    while True:
        smaller = _smaller(outcome, size, is_same)
        if smaller is not None:
            outcome = smaller
        elif size > 1:
            size //= 2
        else:
            return outcome


def _smaller(outcome: Outcome, size: int, is_same: Callable[[Outcome], bool]) -> Outcome | None:
    for start in range(0, len(outcome.events), size):
        kept = outcome.events[:start] + outcome.events[start + size :]
        attempt = run(outcome.seed, frozenset(kept))
        if len(attempt.events) < len(outcome.events) and is_same(attempt):
            return attempt
    return None


class _History:
    def __init__(self, seed: int, allowed: frozenset[Event] | None) -> None:
        self._seed = seed
        self._allowed = allowed
        self._trace: list[str] = []
        self._events: list[Event] = []
        self._violations: list[Violation] = []
        self._cycle = self._position = self._steps = 0
        self._writes = 0
        self._calls = 0
        self._acting = True
        self._resting = False
        self._nature = Nature.drawn(values.seeded(seed))
        self._world = World(self._nature, self._step)
        self._ledger = Ledger()
        self._hand = Hand(
            self._world, self._ledger, lambda: f"cycle {self._cycle} step {self._position}", lambda: self._steps
        )
        self._old_copies = OldCopies(self._hand)
        self._oracle = Oracle(self._world, self._ledger, self._hand, self._violations, {})
        self._world.vault.replaced = self._note_replaced
        self._world.vault.made = self._ledger.see_note
        for account, book in self._world.books.items():
            book.witness = partial(self._record_changed, account)

    def run(self) -> Outcome:
        self._begin()
        for number in range(1, self._nature.cycles + 1):
            self._cycle, self._position = number, 0
            self._between()
            self._run_cycle(self._nature.approving)
            if self._violations:
                break
        else:
            self._come_to_rest()
        return Outcome(
            self._seed,
            self._nature,
            tuple(self._violations),
            self._oracle.residue,
            tuple(self._trace),
            tuple(self._events),
        )

    def _begin(self) -> None:
        rng = self._rng(0)
        for _ in range(self._nature.people):
            self._say(self._hand.add_note(rng))
        for action in (self._hand.add_twin_record, self._hand.add_record):
            if rng.random() < 0.4:
                self._say(action(rng))
        if self._nature.poison:
            self._say(self._hand.poison(rng))
        for _ in range(rng.randint(2, 6) if self._nature.calendars else 0):
            self._say(diary_hand.meet(rng, self._world, self._hand.addresses()))

    def _between(self) -> None:
        """Let some time pass, in which people may do something."""
        self._world.pass_time(self._rng(-100).choice(_PAUSES))
        for place in range(-3, 0):
            self._position = place
            if self._chance() < self._nature.restless / 2 and self._happens():
                self._act(self._rng(place))
        self._position = -4
        # A state that was lost cannot tell an account that looks empty from a new one, unless notes carry uids; nor can
        # one that waits for the answer to a create: a connector that finds the record does not say that it is older.
        is_safe = (self._hand.all_carry_uids() or not self._nature.loses_state) and not self._waits_for_create()
        if is_safe and self._chance() < 0.06 and self._happens():
            self._say(self._hand.hide(self._rng(-4)))
        self._position = -5
        if self._nature.loses_state and self._chance() < 0.2 and self._happens():
            self._say(self._hand.lose_state())
            self._oracle.state_lost()
        self._position = -6
        if self._chance() < 0.08 and self._happens():
            self._say(self._hand.lock_note(self._rng(-6)))
        self._position = 0

    def _waits_for_create(self) -> bool:
        return any(isinstance(one.operation, CreateRecord) for one in journal.unfinished(self._world.state))

    def _come_to_rest(self) -> None:
        for words in self._hand.come_to_rest():
            self._say(words)
        diary_hand.come_to_rest(self._world)
        self._resting = True
        if self._hand.has_nobodys():
            self._leave_apart()
        quiet = 0
        for _ in range(ROUNDS_TO_REST + 1):
            is_quiet = self._rested_cycle()
            quiet = quiet + 1 if is_quiet else 0
            if quiet == LOOKS_THAT_PROVE_REST:
                break
        if self._writes or self._calls > CALLS_AT_REST * len(self._world.books):
            words = f"after {ROUNDS_TO_REST} rounds another one makes {self._writes} writes and {self._calls} calls"
            self._violations.append(Violation("rest", words))
        self._violations += rest.judge(self._world, self._ledger)

    def _leave_apart(self) -> None:
        """Let what is nobody's be kept apart, and edited then, before it is somebody's again."""
        for _ in range(LOOKS_BEFORE_ABSENT):
            self._rested_cycle()
        for place, action in enumerate((self._hand.edit_note, self._hand.edit_record) * _EDITS_APART):
            self._position = -place
            if self._happens():
                self._say(action(self._rng(self._position)))
        self._say(self._hand.make_persons())

    def _rested_cycle(self) -> bool:
        self._world.pass_time(_REST)
        self._cycle, self._position = self._cycle + 1, 0
        return self._run_cycle(1.0)

    def _run_cycle(self, approving: float) -> bool:
        """Run one cycle; tell whether it found nothing to do."""
        self._writes = self._calls = 0
        self._oracle.cycle_began = self._world.now
        self._say(f"-- cycle {self._cycle}, {self._world.now:%d %H:%M:%S}")
        self._acting = False
        try:
            report = cycle.sync(
                self._world.setup,
                self._world.state,
                lambda: self._world.now,
                partial(self._approve, approving),
                one_by_one,
            )
        except Crash:
            self._world.vault.restart()
            report = None
        except (VaultMissing, StateError) as error:
            self._say(f"the cycle ends: {error}")
            report = None
        except Exception as error:  # noqa: BLE001  # whatever it is, it is the finding
            self._violations.append(Violation("error", "".join(traceback.format_exception(error))))
            return False
        finally:
            self._acting = True
            for diary in self._world.diaries.values():
                diary.forget()
            self._finish_what_cannot_wait()
        if report is not None:
            self._say(_told(report))
        self._oracle.after_cycle(calm=report is not None and _is_calm(report))
        return report is not None and not report.plan.operations

    def _approve(self, approving: float, seen: Look) -> frozenset[AccountName]:
        braked = frozenset(brake.account for brake in seen.plan.brakes)
        return frozenset(name for name in sorted(braked) if self._resting or self._chance(name) < approving)

    def _finish_what_cannot_wait(self) -> None:
        for book in self._world.books.values():
            book.show()
        for one in [one for one in self._hand.unfinished if not one.patient]:
            self._finish(one)

    def _step(self, name: str) -> None:
        """Stand between two instructions of the program; anything may happen here."""
        if self._acting:
            return
        if name == "commit done":
            for diary in self._world.diaries.values():
                diary.kept()
        self._position += 1
        self._steps += 1
        self._world.pass_time(_STEP_TIME)
        is_call = name.endswith(("page asked", "read asked", "create asked", "update asked", "delete asked"))
        self._calls += is_call and " calendar " not in name
        self._show(name)
        if self._resting:
            return
        self._acting = True
        try:
            self._finish_what_is_due()
            self._disturb(name)
        finally:
            self._acting = False

    def _show(self, name: str) -> None:
        account, _, verb = name.partition(" ")
        if verb in {"page asked", "create asked", "update asked", "delete asked", "read asked"}:
            self._world.books[AccountName(account)].show()

    def _disturb(self, name: str) -> None:
        nature, chance = self._nature, self._chance()
        if " calendar " in name:
            self._disturb_calendar(name)
        if chance < nature.edits:
            if self._happens():
                self._act(self._rng(self._position))
        elif chance < nature.edits + nature.faults:
            error = _fault(name, self._rng(self._position))
            if error is not None and self._happens():
                self._say(f"at {name}: {error!r}")
                raise error
        elif chance < nature.edits + nature.faults + nature.crashes and self._happens():
            self._say(f"at {name}: crash")
            raise Crash

    def _disturb_calendar(self, name: str) -> None:
        """Let something happen while a calendar is read, which takes a few steps of hundreds."""
        chance = self._chance("calendar")
        if chance < 0.1 and self._nature.edits and self._happens():
            weights, actions = zip(*diary_hand.actions(self._world, self._hand.addresses), strict=True)
            self._say(self._rng(self._position).choices(actions, weights)[0](self._rng(self._position)))
        elif chance > 0.9 and self._nature.faults and self._happens():
            self._say(f"at {name}: out of reach")
            raise TryLater("timed out", None)

    def _act(self, rng: Random) -> None:
        weights, actions = zip(*self._hand.actions(), *self._old_copies.actions(), strict=True)
        words = rng.choices(actions, weights)[0](rng)
        if words is not None:
            self._say(words)

    def _finish_what_is_due(self) -> None:
        for one in list(self._hand.unfinished):
            one.after_steps -= 1
            if one.after_steps <= 0:
                self._finish(one)

    def _finish(self, one: Unfinished) -> None:
        self._hand.unfinished.remove(one)
        self._say(one.finish())

    def _happens(self) -> bool:
        event = (self._cycle, self._position)
        if self._allowed is not None and event not in self._allowed:
            return False
        self._events.append(event)
        return True

    def _chance(self, what: str = "") -> float:
        return crc32(f"{self._seed} {self._cycle} {self._position} {what}".encode()) / 2**32

    def _rng(self, position: int) -> Random:
        return values.seeded(self._seed, self._cycle, position)

    def _note_replaced(self, path: NotePath, before: bytes, after: bytes) -> None:
        self._writes += 1
        self._say(f"   writes {path}: {_difference(before.decode(), after.decode())}")
        self._oracle.note_replaced(path, before, after)

    def _record_changed(
        self, account: AccountName, remote_id: RemoteId, before: Entry | None, after: Entry | None
    ) -> None:
        if after is not None:
            self._ledger.see_record((account, remote_id), after)
        if not self._acting:
            self._writes += 1
            self._say(f"   writes {account} {remote_id}: {_difference(_shown(before), _shown(after))}")
            self._oracle.record_written(account, remote_id, before, after)

    def _say(self, words: str | None) -> None:
        if words is not None:
            self._trace.append(words)


def _fault(name: str, rng: Random) -> BaseException | None:
    """Return an error that may be raised at a step, None where none may."""
    if name == "commit asked":
        return StateError("the state cannot be used: the disk is full")
    if name in {"note asked", "replace asked"}:
        return rng.choice((NoteChanged("it is being saved right now"), VaultError("Input/output error")))
    if name == "replace done":
        return VaultError("Input/output error")
    if name.endswith((" asked", " done")) and name.partition(" ")[0] in {"home", "work"}:
        return SignInNeeded(HOME, "the token was revoked") if rng.random() < 0.2 else TryLater("timed out", None)
    return None


def _is_calm(report: Report) -> bool:
    """Tell whether a cycle went through to its end, with nothing left over."""
    deeds = report.deeds
    well = all(account.health is Health.OK for account in report.accounts) and not report.vault.incomplete
    return (
        well
        and not report.plan.brakes
        and deeds is not None
        and not (deeds.broken or deeds.failures or deeds.postponed)
    )


def _told(report: Report) -> str:
    plan, deeds = report.plan, report.deeds
    parts = [f"exit {report.exit_code}"]
    parts += [f"{account.name} {account.health} {account.reason}" for account in report.accounts if account.reason]
    parts += [f"conflict {one.field} {one.ours!r} / {dict(one.theirs)} {one.settled_by}" for one in plan.conflicts]
    parts += [f"question {one.account} {one.uid} {one.doubt.name}" for one in plan.questions]
    parts += [f"hold {one.path} {one.field} {one.reason}" for one in plan.holds]
    parts += [str(brake) for brake in plan.brakes]
    parts += [f"trouble {one.place}: {one.reason}" for one in (*deeds.failures, *deeds.postponed)] if deeds else []
    parts += [type(step).__name__ + f" {step.uid}" for step in plan.operations]
    return "; ".join(parts)


def _shown(entry: Entry | None) -> str:
    if entry is None:
        return ""
    return "\n".join((f"uid {entry.uid}", *(f"{name} {value}" for name, value in _values(entry).items())))


def _values(entry: Entry) -> dict[str, object]:
    person = entry.person
    return {name: value for name in person.__slots__ if (value := getattr(person, name))}


def _difference(before: str, after: str) -> str:
    old, new = before.splitlines(), after.splitlines()
    gone = [line for line in old if line not in new]
    come = [line for line in new if line not in old]
    return f"-{gone} +{come}"
