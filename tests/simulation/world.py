"""The world of a history: a vault, two accounts, the program's state, a clock; and everything that is seen of them."""

from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import ClassVar
from uuid import UUID

from connectors.memory import Memory
from daemon.codec import time_text
from daemon.database import LOST_STATE_AT
from daemon.setup import NO_NEW_NOTES, Account, NewNotes, Setup
from daemon.state import State, Transaction, set_meta
from mappings.brakes import Limit
from mappings.fields import DEFAULT_POLICIES, Direction, Policy, Rule
from mappings.note_rules import NoteRules
from mappings.person import FieldName
from mappings.profiles import PROFILES
from mappings.record import AccountName
from mappings.world import NewContacts
from memory_worlds import MEETINGS
from simulation.diaries import Diary, WatchedCalendar
from simulation.last_contact import defined
from simulation.provider import Provider
from simulation.vault import MemoryVault

HOME, WORK = AccountName("home"), AccountName("work")
BEGINNING = datetime(2026, 3, 1, 12, tzinfo=UTC)
_VAULT_ID = UUID("00000000-0000-4000-8000-000000000001")
_RULES: tuple[Rule, ...] = tuple(rule for rule in Rule if rule is not Rule.UNION)

_NEW_NOTES = NewNotes(frozenset(), frozenset({HOME, WORK}), "People", None, 20)


class Crash(BaseException):
    """The process ends here, without another instruction."""


@dataclass(frozen=True, slots=True)
class Nature:
    """What a history is like from beginning to end; chances are for each step."""

    people: int
    cycles: int
    edits: float
    faults: float
    crashes: float
    restless: float
    grain_ns: int
    uid_key: str
    fussy: bool
    slow: bool
    delete_with_note: bool
    limit: Limit
    approving: float
    rules: tuple[tuple[FieldName, Rule], ...]
    deletions: bool
    poison: bool
    loses_state: bool
    calendars: bool
    new_notes: bool
    words: bool
    """Whether anybody but the program ever writes a last contact."""

    @classmethod
    def calm(cls) -> "Nature":
        """Return the nature of a world in which nothing happens by itself."""
        return cls(
            people=0,
            cycles=0,
            edits=0.0,
            faults=0.0,
            crashes=0.0,
            restless=0.0,
            grain_ns=1,
            uid_key="uid",
            fussy=False,
            slow=False,
            delete_with_note=False,
            limit=Limit(5, 10),
            approving=1.0,
            rules=(),
            deletions=False,
            poison=False,
            loses_state=False,
            calendars=False,
            new_notes=False,
            words=True,
        )

    @classmethod
    def drawn(cls, rng: Random) -> "Nature":
        """Draw a nature; most are plain, so that what is rare meets each other seldom enough to be understood."""
        nature = cls(
            people=rng.choice((1, 1, 2, 3)),
            cycles=rng.randint(3, 7),
            edits=rng.choice((0.0, 0.01, 0.03, 0.08)),
            faults=rng.choice((0.0, 0.01, 0.04)),
            crashes=rng.choice((0.0, 0.0, 0.01, 0.03)),
            restless=rng.choice((0.3, 0.6, 0.9)),
            grain_ns=rng.choice((1, 1, 2_000_000_000)),
            uid_key=rng.choice(("uid", "uid", "uid", "")),
            fussy=rng.random() < 0.1,
            slow=rng.random() < 0.3,
            delete_with_note=rng.random() < 0.15,
            limit=rng.choice((Limit(5, 10), Limit(5, 10), Limit(1, 10))),
            approving=rng.choice((1.0, 0.5)),
            rules=_drawn_rules(rng),
            deletions=rng.random() < 0.5,
            poison=rng.random() < 0.15,
            loses_state=rng.random() < 0.12,
            calendars=False,
            new_notes=False,
            words=True,
        )
        # Who is who must be plain there, for the definition to be.
        plain = bool(nature.uid_key) and not (nature.loses_state or nature.deletions or nature.fussy)
        calendars = plain and rng.random() < 0.7
        words = not calendars or rng.random() < 0.5
        new_notes = bool(nature.uid_key) and not nature.loses_state and rng.random() < 0.3
        return replace(nature, calendars=calendars, words=words, new_notes=new_notes)


def _drawn_rules(rng: Random) -> tuple[tuple[FieldName, Rule], ...]:
    if rng.random() < 0.6:
        return ()
    fields: tuple[FieldName, ...] = ("title", "organization", "location", "birthday", "nickname")
    return tuple((field, rng.choice(_RULES)) for field in fields)


class SimulatedState(State):
    """The state, with a step before and after each commit; what a crash before it loses is lost."""

    step: Callable[[str], None]
    _template: ClassVar["SimulatedState | None"] = None

    @classmethod
    def blank(cls, step: Callable[[str], None]) -> "SimulatedState":
        """Return an empty state. Its tables are copied: to make them takes longer than a cycle."""
        cls._template = cls._template or cls.in_memory()
        state = cls._template.copied_in_memory()
        state.step = step
        return state

    @contextmanager
    def transaction(self) -> Generator[Transaction]:
        with super().transaction() as tx:
            yield tx
            self._reach("commit asked")
        self._reach("commit done")

    def _reach(self, name: str) -> None:
        # The template has no step.
        step: Callable[[str], None] | None = getattr(self, "step", None)
        if step is not None:
            step(name)


class World:
    """All sides, and what is at work between them."""

    def __init__(self, nature: Nature, step: Callable[[str], None]) -> None:
        self.nature = nature
        self.now = BEGINNING
        self.vault = MemoryVault(lambda: self.now, nature.grain_ns, step)
        self.books = {
            HOME: Provider(lambda: self.now, fussy=False, slow=nature.slow),
            WORK: Provider(lambda: self.now, fussy=nature.fussy, slow=nature.slow),
        }
        self.state = SimulatedState.blank(step)
        self._step = step
        self.diaries = {name: Diary(name) for name in (HOME, WORK) if nature.calendars}
        self.setup = Setup(
            vault=self.vault,
            vault_id=_VAULT_ID,
            rules=NoteRules(PROFILES["people-notes"], (), nature.uid_key, ()),
            accounts=tuple(self._account(name) for name in (HOME, WORK)),
            calendars=tuple(WatchedCalendar(diary, self._in(diary.account)) for diary in self.diaries.values()),
            left_out=frozenset(),
            meetings=MEETINGS,
            undo_for=timedelta(days=90),
            review_note=None,
            new_notes=_NEW_NOTES if nature.new_notes else NO_NEW_NOTES,
        )

    def last_contact(self, addresses: Collection[str], at: datetime) -> str:
        """Return the last contact by its definition, from what was read of the calendars and kept."""
        settled = {name: diary.settled for name, diary in self.diaries.items()}
        unsettled = {name: diary.unsettled for name, diary in self.diaries.items()}
        return defined(settled, unsettled, addresses, at)

    def pass_time(self, span: timedelta) -> None:
        """Let time go by."""
        self.now += span

    def lose_state(self) -> None:
        """Begin anew with a state that knows only that another was lost."""
        self.state.close()
        self.state = SimulatedState.blank(_nothing)
        with self.state.transaction() as tx:
            set_meta(tx, LOST_STATE_AT, time_text(self.now))
        self.state.step = self._step

    def _in(self, name: AccountName) -> Callable[[str], None]:
        return lambda verb: self._step(f"{name} calendar {verb}")

    def _account(self, name: AccountName) -> Account:
        def step(verb: str) -> None:
            self._step(f"{name} {verb}")

        nature = self.nature
        changed = dict(nature.rules)
        policies: dict[FieldName, Policy] = {
            field: Policy(changed.get(field, policy.rule), policy.direction)
            for field, policy in DEFAULT_POLICIES.items()
        }
        contacts = Memory(name, self.books[name], step)
        return Account(contacts, policies, NewContacts.ALL, nature.delete_with_note, nature.limit)


def one_by_one(works: Sequence[Callable[[], None]]) -> None:
    """Run pieces of work as if there were one thread."""
    for work in works:
        work()


def _nothing(name: str) -> None:
    del name


COMPARED: frozenset[FieldName] = frozenset(
    field for field, policy in DEFAULT_POLICIES.items() if policy.direction is Direction.BOTH
)
