"""The quick tier: hundreds of histories a second of the real planner, merge, executor and recovery, over plain records.

What is real and what is not. Real: `mappings.plan` and all below it, `daemon.execute`, `daemon.recover`,
`daemon.gather` and the reference connector. Kept in memory: state and notes (`proof.memory_state`). Told here again,
in short: how a look finds out whose note is whose and who is absent (`daemon.scan`), and what a cycle remembers of a
look (`daemon.cycle`). Not in it: text lenses, SQLite, calendars, undo; `simulation` has those, fifty times slower.

A history is a seed. Between any two steps of the program somebody may edit, delete or rename; any call may fail before
or after it has been carried out; the process may end; a feed may lag; an account, the vault or the state may be gone.

Promises, as numbered in the reliability notes: I1 convergence, I2 rest, I3 no lost update, I4 no spurious conflict,
I7 no guessed deletion and no resurrection, I8 one record for one person, I9 and I10 (a base that was never common, or a
write over something unseen, loses a token), I11 crashes anywhere, I14 a difference that stays is asked about, I17 a
record that nobody understands stops nobody else, I21 a lost state deletes nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import cast
from zlib import crc32

from connectors.errors import ConnectorError, SignInNeeded, TryLater
from connectors.memory import Entry, Memory
from daemon import gather
from daemon.errors import NoteChanged, VaultError, VaultMissing
from daemon.execute import Execution, begin, never
from daemon.health import Health
from daemon.journal import RunId
from daemon.recover import recover
from daemon.report import AccountReport
from daemon.scan import Scanned
from daemon.setup import Account, Setup
from daemon.state import State
from daemon.vault import NoteFile
from mappings.brakes import Limit
from mappings.conflict import Conflict
from mappings.fields import DEFAULT_POLICIES, Direction, Policy, texts, value_of, with_values
from mappings.operation import CreateRecord, Operation, Parting
from mappings.person import FieldName, Person, Uid, Value
from mappings.plan import Plan, plan
from mappings.record import MEETINGS, AccountName, NoteHash, NotePath, Reading, RemoteId
from mappings.returns import THE_NOTE
from mappings.world import AbsentNote, NewContacts, NoteState, Tombstone, Whereabouts, World
from proof.memory_state import Page, Store
from simulation.provider import Provider
from simulation.values import fresh, keys
from worlds import NOBODY, WRITABLE

ROUNDS_TO_REST = 6
"""Cycles without a disturbance that suffice: two looks for a deletion, what follows from it, an account's own spelling."""

TYPED: tuple[FieldName, ...] = ("title", "organization", "phones", "nickname")
"""One field that the vault wins, one that is asked about, one that unites, one that fills a blank."""

_BEGINNING = datetime(2026, 3, 1, 12, tzinfo=UTC)
_STEP_TIME = timedelta(milliseconds=7)
_PAUSES = (timedelta(seconds=5), timedelta(minutes=5), timedelta(days=2))
_HOME, _WORK = AccountName("home"), AccountName("work")
_POLICIES: Mapping[FieldName, Policy] = {
    name: policy if name in {"name", "emails", *TYPED} else Policy(policy.rule, Direction.OFF)
    for name, policy in DEFAULT_POLICIES.items()
}
_LIMIT = Limit(9, 50)

Event = tuple[int, int]
"""The cycle, and the step in it: where something happened."""

Side = NotePath | tuple[AccountName, RemoteId]
Keys = frozenset[str]


class Crash(BaseException):
    """The process ends here."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A promise that was not kept."""

    rule: str
    words: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a history went; `digest` is the same whenever its seed is run again."""

    seed: int
    broken: tuple[Broken, ...]
    events: tuple[Event, ...]
    digest: int
    trace: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Nature:
    """What a history is like; chances are for each step."""

    people: int
    accounts: int
    cycles: int
    edits: float
    faults: float
    crashes: float
    fussy: bool
    slow: bool
    delete_with_note: bool
    deletions: bool
    loses_state: bool
    poison: bool
    new_contacts: NewContacts

    @classmethod
    def drawn(cls, rng: Random) -> "Nature":
        """Draw one."""
        return cls(
            people=1 if rng.random() < 0.85 else 2,
            accounts=1 if rng.random() < 0.8 else 2,
            cycles=rng.choice((2, 2, 3, 4)),
            edits=rng.choice((0.04, 0.1, 0.2)),
            faults=rng.choice((0.0, 0.03, 0.08)),
            crashes=rng.choice((0.0, 0.03, 0.08)),
            fussy=rng.random() < 0.15,
            slow=rng.random() < 0.2,
            delete_with_note=rng.random() < 0.3,
            deletions=rng.random() < 0.35,
            loses_state=rng.random() < 0.1,
            poison=rng.random() < 0.1,
            new_contacts=NewContacts.NONE if rng.random() < 0.1 else NewContacts.ALL,
        )


@dataclass(slots=True)
class Vault:
    """The notes; `blinking` are not there at the next look, as while an editor saves."""

    step: Callable[[str], None]
    written: Callable[[NotePath, Page, Page], None]
    pages: dict[NotePath, tuple[NoteHash, Page]] = field(default_factory=dict[NotePath, tuple[NoteHash, Page]])
    blinking: set[NotePath] = field(default_factory=set[NotePath])
    mounted: bool = True
    versions: int = 0

    def check_identity(self) -> None:
        """As `daemon.vault.Vault`, and so are the rest."""
        if not self.mounted:
            raise VaultMissing("not mounted")

    def listing(self) -> Mapping[NotePath, tuple[NoteHash, Page]]:
        """Return what one look finds."""
        seen = {path: content for path, content in self.pages.items() if self.mounted and path not in self.blinking}
        self.blinking = set()
        return seen

    def read(self, path: NotePath) -> NoteFile:
        self.step("note asked")
        if path not in self.pages or not self.mounted:
            raise NoteChanged("not there just now")
        note_hash, page = self.pages[path]
        return cast("NoteFile", SimpleNamespace(note_hash=note_hash, content=page))  # all that is asked of it

    def replace(self, path: NotePath, expected: NoteHash, content: Page) -> None:
        self.step("replace asked")
        if path not in self.pages or self.pages[path][0] != expected:
            raise NoteChanged("it was edited since it was read")
        before = self.pages[path][1]
        self.put(path, content)
        self.written(path, before, content)
        self.step("replace done")

    def settle(self) -> tuple[NotePath, ...]:
        return ()

    def put(self, path: NotePath, page: Page) -> None:
        """Save a note, whoever does."""
        self.versions += 1
        self.pages[path] = (NoteHash(f"v{self.versions}"), page)


@dataclass(slots=True)
class Ledger:
    """What was typed, what is excused from being anywhere, what was ever held, and what was ever in common."""

    typed: dict[str, str] = field(default_factory=dict[str, str])
    excused: set[str] = field(default_factory=set[str])
    held: dict[tuple[Side, FieldName], set[Keys]] = field(default_factory=dict[tuple[Side, FieldName], set[Keys]])
    common: dict[tuple[AccountName, Uid, FieldName], set[Keys]] = field(
        default_factory=dict[tuple[AccountName, Uid, FieldName], set[Keys]]
    )
    deleted_notes: set[Uid] = field(default_factory=set[Uid])
    deleted_records: set[tuple[AccountName, RemoteId]] = field(default_factory=set[tuple[AccountName, RemoteId]])
    renamed: set[tuple[AccountName, RemoteId]] = field(default_factory=set[tuple[AccountName, RemoteId]])
    made: dict[tuple[AccountName, Uid], int] = field(default_factory=dict[tuple[AccountName, Uid], int])
    doubtful: bool = False

    def see(self, side: Side, person: Person) -> None:
        """Remember what a side says."""
        for name in TYPED:
            self.held.setdefault((side, name), set()).add(keys_of(person, name))


def keys_of(person: Person, name: FieldName) -> Keys:
    """Return what a field says, however it is spelled."""
    return keys(texts(value_of(person, name)))


def run(seed: int, allowed: frozenset[Event] | None = None, *, told: bool = False) -> Outcome:
    """Run a history, in which only `allowed` events happen; `told` keeps its trace."""
    return _History(seed, allowed, told=told).run()


def shrunk(seed: int) -> Outcome:
    """Leave out every event without which the first promise is still broken."""
    outcome = run(seed)
    rule = outcome.broken[0].rule if outcome.broken else ""
    size = max(1, len(outcome.events) // 2)
    while rule:
        smaller = next(_smaller(outcome, size, rule), None)
        if smaller is not None:
            outcome = smaller
        elif size > 1:
            size //= 2
        else:
            break
    return run(seed, frozenset(outcome.events), told=True)


def _smaller(outcome: Outcome, size: int, rule: str) -> Iterator[Outcome]:
    for start in range(0, len(outcome.events), size):
        attempt = run(outcome.seed, frozenset(outcome.events[:start] + outcome.events[start + size :]))
        if len(attempt.events) < len(outcome.events) and any(one.rule == rule for one in attempt.broken):
            yield attempt


class _History:
    def __init__(self, seed: int, allowed: frozenset[Event] | None, *, told: bool) -> None:
        rng = _seeded(seed, 0, 0)
        self.nature = Nature.drawn(rng)
        self.seed, self.allowed, self.told = seed, allowed, told
        self.events: list[Event] = []
        self.broken: list[Broken] = []
        self.trace: list[str] = []
        self.now, self.cycle, self.position, self.digest = _BEGINNING, 0, 0, seed
        self.acting, self.resting, self.writes, self.count = True, False, 0, 0
        self.ledger = Ledger()
        self.store = self._new_store(lost_before=False)
        self.vault = Vault(self._step, self._note_written)
        self.books: dict[AccountName, Provider] = {}
        for name in (_HOME, _WORK)[: self.nature.accounts]:
            self.books[name] = Provider(lambda: self.now, fussy=self.nature.fussy, slow=self.nature.slow)
            self.books[name].witness = self._witness(name)
        self.away: set[AccountName] = set()
        self.last: Plan | None = None
        self.setup = self._setup()
        self._people(rng)

    # The story.

    def run(self) -> Outcome:
        for number in range(1, self.nature.cycles + 1):
            self.cycle, self.position = number, 0
            self._between()
            self._cycle(approving=self._chance("approve") < 0.85)
            self._judge_losses()
            if self.broken:
                break
        else:
            self._come_to_rest()
        return Outcome(self.seed, tuple(self.broken), tuple(self.events), self.digest, tuple(self.trace))

    def _between(self) -> None:
        self.acting = True
        self.now += _seeded(self.seed, self.cycle, -9).choice(_PAUSES)
        self.away = set()
        self.vault.mounted = self.vault.mounted or self._chance("mount") < 0.5
        for self.position in (-4, -3):
            if self._chance() < 0.5 and self._happens():
                self._act(_seeded(self.seed, self.cycle, self.position))
        self.position = -2
        if self._chance() < 0.15 and self._happens():
            self._disturb_a_side(_seeded(self.seed, self.cycle, -2))
        self.position = -1
        if self.nature.loses_state and self._chance() < 0.4 and self._happens():
            self._say("the state is lost")
            self._lose_state()
        self.position = 0

    def _disturb_a_side(self, rng: Random) -> None:
        what = rng.randrange(4)
        if what == 0:
            self.vault.mounted = False
        elif what == 1:
            # Whatever two looks in a row miss is gone, as far as the program can tell.
            every = self.vault.pages if not self.store.missed else {}
            self.vault.blinking = {path for path in every if rng.random() < 0.7}
        elif what == 2:
            self.away = {name for name in self.books if rng.random() < 0.6}
        else:
            for book in self.books.values():
                book.expire_cursors()
        self._say(
            f"disturbed: {('vault not mounted', 'notes blink', f'away {sorted(self.away)}', 'cursors expire')[what]}"
        )

    def _lose_state(self) -> None:
        # What only the log of conflicts had goes with it, and so does what deletions had made known.
        for conflict in self.store.log.values():
            for value in (conflict.ours, *conflict.theirs.values()):
                self.ledger.excused |= keys(texts(value))
        self.ledger.doubtful = True
        self.ledger.common.clear()
        self.store = self._new_store(lost_before=True)

    def _come_to_rest(self) -> None:
        self.away, self.vault.mounted, self.resting = set(), True, True
        self.vault.blinking = set()
        quiet = 0
        for _ in range(ROUNDS_TO_REST):
            self.now += timedelta(hours=1)
            self.cycle, self.position, self.writes = self.cycle + 1, 0, 0
            self._cycle(approving=True)
            is_quiet = self.last is not None and not self.writes and all(map(self._is_refused, self.last.operations))
            quiet = quiet + 1 if is_quiet else 0
            if quiet == 2 or (quiet and not self._waits_for_looks()):
                break
        if not quiet and not self.broken:
            steps = self.last.operations if self.last is not None else ()
            self._find("rest", f"I2: {self.writes} writes in round {ROUNDS_TO_REST}: {steps}")
        self._judge_losses()
        self._judge_rest()

    def _is_refused(self, step: Operation) -> bool:
        """Tell whether a step is tried in vain: a record whose making was never heard of is one that nobody reads."""
        return (
            self.nature.poison
            and isinstance(step, CreateRecord)
            and any(entry.unreadable and entry.uid == step.uid for entry in self.books[step.account].entries.values())
        )

    def _waits_for_looks(self) -> bool:
        absent = any(looks < 2 for looks in self.store.missed.values())
        return absent or any(row.missed == 1 for one in self.store.readers.values() for row in one.rows.values())

    # One cycle, told as `daemon.cycle` tells it.

    def _cycle(self, *, approving: bool) -> None:
        self.last = None
        self.acting = False
        self._say(f"-- cycle {self.cycle}")
        try:
            self._sync(approving=approving)
        except Crash:
            self._say("crash")
        except (VaultMissing, ConnectorError) as error:
            self._say(f"the cycle ends: {error!r}")
        except Exception as error:  # noqa: BLE001  # whatever it is, it is the finding
            self._find("error", repr(error))
        finally:
            self.acting = True

    def _sync(self, *, approving: bool) -> None:
        self.vault.check_identity()
        scanned = self._scanned()
        state = cast("State", self.store)  # the modules that read it are stood in for
        reports = tuple(self._read(account, state) for account in self.setup.accounts)
        world = gather.world(self.setup, state, scanned, reports)
        if recover(state, world, {one.name for one in reports if one.health is Health.OK}, self.now):
            world = gather.world(self.setup, state, scanned, reports)
        limits = {MEETINGS: _LIMIT, **dict.fromkeys(self.books, _LIMIT)}
        found = plan(world, limits, frozenset(self.books) if approving else frozenset())
        self.last = found
        for step in found.operations if self.told else ():
            self._say(f"   plans {step}")
        with self.store.transaction():
            self._record_found(found, world, reports)
        job = Execution(self.setup, state, RunId(1), self.now, never)
        begun = begin(job, found.operations, ())
        for work in begun.remote.values():
            work()
        with self.store.transaction():
            braked = {one.account for one in found.brakes}
            for report in reports:
                if report.health is Health.OK and report.name not in braked | begun.broken.keys():
                    self.store.reader(report.name).has_run = True
        deeds = begun.deeds()
        # What was in common only while an outcome was not known may be asked about: no promise is broken by that.
        if all(one.health is Health.OK for one in reports) and not (begun.broken or deeds.postponed or deeds.failures):
            self._see_common()

    def _read(self, account: Account, state: State) -> AccountReport:
        if account.name in self.away:
            return gather.failed(account.name, TryLater("away", None))
        return gather.read(account, state, self.now)

    def _scanned(self) -> Scanned:
        """Look at the vault as `daemon.scan` does: who is where, who was missed and how often."""
        self._step("look asked")
        seen = self.vault.listing()
        by_path = {path: uid for uid, path in self.store.people.items()}
        notes: list[NoteState] = []
        for path, (note_hash, page) in sorted(seen.items()):
            uid = page.uid or by_path.get(path) or Uid(f"uid of {path}")
            reading = Reading(page.uid, page.person, {})
            notes.append(
                NoteState(
                    path, note_hash, uid, reading, WRITABLE, frozenset(), context_date="", unwritable="", refused={}
                )
            )
        carried = {note.uid for note in notes}
        absent: dict[Uid, AbsentNote] = {}
        with self.store.transaction() as tx:
            for note in notes:
                tx.people[note.uid] = note.path
                tx.missed.pop(note.uid, None)
            for uid, path in tx.people.items():
                if uid not in carried:
                    tx.missed[uid] = tx.missed.get(uid, 0) + 1
                    absent[uid] = AbsentNote(path, tx.missed[uid], Whereabouts.GONE)
        scanned = SimpleNamespace(notes=tuple(notes), absent=absent, unreadable_people=frozenset[Uid]())
        return cast("Scanned", scanned)  # all that `gather.world` asks of it

    def _record_found(self, found: Plan, world: World, reports: Sequence[AccountReport]) -> None:
        braked = {one.account for one in found.brakes}
        for conflict in found.conflicts:
            if not conflict.settled_by or not braked & conflict.theirs.keys():
                self.store.log[conflict.id] = conflict
                self._judge_conflict(conflict)
        self.store.returns = found.returns
        self.store.looks[THE_NOTE] = self.now
        for report in reports:
            if report.health is Health.OK:
                self.store.looks[report.name] = self.now
        people = {note.uid for note in world.notes}
        for account in world.accounts:
            for (name, uid), one in self.store.links.items():
                is_there = one.remote_id in account.records and one.remote_id not in account.missing
                if name == account.name and account.reachable and uid in people and is_there:
                    one.etag = account.records[one.remote_id].etag

    # Disturbances.

    def _step(self, name: str) -> None:
        if self.acting:
            return
        self.position += 1
        self.now += _STEP_TIME
        self.digest = crc32(name.encode(), self.digest)
        if self.resting:
            return
        chance, nature = self._chance(), self.nature
        if chance < nature.edits:
            if self._happens():
                self.acting = True
                self._act(_seeded(self.seed, self.cycle, self.position))
                self.acting = False
        elif chance < nature.edits + nature.faults:
            error = _fault(name, chance)
            if error is not None and self._happens():
                self._say(f"at {name}: {error!r}")
                raise error
        elif chance < nature.edits + nature.faults + nature.crashes and self._happens():
            self._say(f"at {name}: crash")
            raise Crash

    def _act(self, rng: Random) -> None:
        weights, actions = zip(*self._actions(), strict=True)
        rng.choices(actions, weights)[0](rng)

    def _actions(self) -> Iterator[tuple[int, Callable[[Random], None]]]:
        yield 5, self._edit_note
        yield 5, self._edit_record
        yield 1, self._annotate
        yield 1, self._rename_note
        if self.nature.deletions:
            yield 2, self._delete_note
            yield 2, self._delete_record
            yield 1, self._rename_record
        if self.nature.poison:
            yield 3, self._spoil

    def _edit_note(self, rng: Random) -> None:
        paths = sorted(self.vault.pages)
        if not paths:
            return
        path = rng.choice(paths)
        page = self.vault.pages[path][1]
        name = rng.choice(TYPED)
        value = self._typed(rng, page.person, name)
        after = replace(page, person=with_values(page.person, {name: value}))
        self._say(f"somebody edits {path}: {name} = {value!r}")
        self.vault.put(path, after)
        self.ledger.see(path, after.person)

    def _edit_record(self, rng: Random) -> None:
        if (found := self._some_record(rng)) is None:
            return
        account, remote_id, entry = found
        name = rng.choice(TYPED)
        value = self._typed(rng, entry.person, name)
        self._say(f"somebody edits {account} {remote_id}: {name} = {value!r}")
        self.books[account].edit(remote_id, {name: value})

    def _typed(self, rng: Random, person: Person, name: FieldName) -> Value:
        """Return what somebody makes of a field, having seen what it said."""
        there = texts(value_of(person, name))
        if there and rng.random() < 0.15:
            self.ledger.excused |= keys(there)
            return () if name == "phones" else ""
        self.count += 1
        new = fresh(name, self.count)
        self.ledger.typed[next(iter(keys([new])))] = name
        if name != "phones":
            self.ledger.excused |= keys(there)
            return new
        gone = rng.choice(there) if there and rng.random() < 0.5 else None
        self.ledger.excused |= keys([gone]) if gone is not None else set()
        return (*(text for text in there if text != gone), new)

    def _some_record(self, rng: Random) -> tuple[AccountName, RemoteId, Entry] | None:
        every = [
            (account, remote_id, entry)
            for account, book in self.books.items()
            for remote_id, entry in book.all_entries.items()
            if not entry.unreadable
        ]
        return rng.choice(every) if every else None

    def _annotate(self, rng: Random) -> None:
        if (found := self._some_record(rng)) is not None:
            self.count += 1
            self.books[found[0]].annotate(found[1], f"extra {self.count}")

    def _rename_note(self, rng: Random) -> None:
        named = [path for path, (_, page) in sorted(self.vault.pages.items()) if page.uid is not None]
        if named:
            path = rng.choice(named)
            self.count += 1
            target = NotePath(f"People/renamed {self.count}.md")
            self._say(f"somebody renames {path} to {target}")
            self.vault.pages[target] = self.vault.pages.pop(path)
            for name in TYPED:
                self.ledger.held[target, name] = self.ledger.held.get((path, name), set())

    def _delete_note(self, rng: Random) -> None:
        if paths := sorted(self.vault.pages):
            path = rng.choice(paths)
            self._say(f"somebody deletes {path}")
            _, page = self.vault.pages.pop(path)
            remembered = {where: uid for uid, where in self.store.people.items()}
            self.ledger.deleted_notes.add(page.uid or remembered.get(path) or Uid(f"uid of {path}"))
            self._excuse(page.person)

    def _delete_record(self, rng: Random) -> None:
        if (found := self._some_record(rng)) is not None:
            account, remote_id, entry = found
            self._say(f"somebody deletes {account} {remote_id}")
            self.ledger.deleted_records.add((account, remote_id))
            if entry.uid is not None and (account, entry.uid) not in self.store.links:
                # Of one whose making was never heard of nobody knows that it was there.
                self.ledger.made.pop((account, entry.uid), None)
            self._excuse(entry.person)
            self.books[account].remove(remote_id)

    def _rename_record(self, rng: Random) -> None:
        if (found := self._some_record(rng)) is not None and not self.nature.slow:
            account, remote_id, _ = found
            self.ledger.renamed.add((account, remote_id))
            new = self.books[account].rename(remote_id)
            self._say(f"somebody renames {account} {remote_id} to {new}")
            for name in TYPED:
                self.ledger.held[(account, new), name] = self.ledger.held.get(((account, remote_id), name), set())

    def _spoil(self, rng: Random) -> None:
        # The feed of a slow book is never told of it.
        if (found := self._some_record(rng)) is not None and not self.nature.slow:
            self._say(f"{found[0]} {found[1]} becomes unreadable")
            self._excuse(found[2].person)
            self.books[found[0]].spoil(found[1], "no card")

    def _excuse(self, person: Person) -> None:
        for name in TYPED:
            self.ledger.excused |= keys_of(person, name)

    # What is seen.

    def _witness(self, account: AccountName) -> Callable[[RemoteId, Entry | None, Entry | None], None]:
        def witness(remote_id: RemoteId, before: Entry | None, after: Entry | None) -> None:
            if after is not None:
                self.ledger.see((account, remote_id), after.person)
            if not self.acting:
                self._record_written(account, remote_id, before, after)

        return witness

    def _record_written(
        self, account: AccountName, remote_id: RemoteId, before: Entry | None, after: Entry | None
    ) -> None:
        self.writes += 1
        if self.told:
            self._say(f"   writes {account} {remote_id}: {_told(before)} -> {_told(after)}")
        uid = next(
            (uid for (name, uid), one in self.store.links.items() if (name, one.remote_id) == (account, remote_id)),
            None,
        )
        if after is None:
            if not self.nature.delete_with_note or uid not in self.ledger.deleted_notes:
                self._find("deleted", f"I7: {account} {remote_id} of {uid}: nobody deleted the note")
        elif before is None:
            made = self.ledger.made[account, after.uid or Uid("")] = (
                self.ledger.made.get((account, after.uid or Uid("")), 0) + 1
            )
            if made > 1 and not self.ledger.doubtful:
                self._find("double", f"I8: {account} {remote_id}: made for {after.uid} once more")
            for name in TYPED:
                # It was made of what the note said, whether or not anybody heard of it.
                made_for = (account, after.uid or Uid(""), name)
                self.ledger.common.setdefault(made_for, set()).add(keys_of(after.person, name))
        elif before.extra != after.extra:
            self._find("bytes", f"I5: {account} {remote_id}: what we have no word for changed")

    def _note_written(self, path: NotePath, before: Page, after: Page) -> None:
        self.writes += 1
        self.ledger.see(path, after.person)
        if self.told:
            self._say(f"   writes {path}: {_said(before.person)} -> {_said(after.person)}")
        if before.extra != after.extra:
            self._find("bytes", f"I5: {path}: what is not ours changed")

    def _parted(self, pair: Tombstone, parting: Parting) -> None:
        if parting is Parting.RECORD_DELETED:
            if (pair.account, pair.remote_id) not in self.ledger.deleted_records | self.ledger.renamed:
                self._find("deleted", f"I7: {pair} is parted, and nobody deleted the record")
        elif pair.uid not in self.ledger.deleted_notes:
            self._find("deleted", f"I7: {pair} is parted, and nobody deleted the note")

    def _see_common(self) -> None:
        for (account, uid), one in self.store.links.items():
            path, entry = self.store.people.get(uid), self.books[account].all_entries.get(one.remote_id)
            if path is not None and path in self.vault.pages and entry is not None:
                for name in TYPED:
                    ours = keys_of(self.vault.pages[path][1].person, name)
                    if ours == keys_of(entry.person, name):
                        self.ledger.common.setdefault((account, uid, name), set()).add(ours)

    # The promises.

    def _judge_conflict(self, conflict: Conflict) -> None:
        # A fussy account's own spelling of what it was told is a change like any other, and may meet an edit.
        if conflict.returned or self.nature.fussy:
            return
        ours = keys(texts(conflict.ours))
        for account, value in conflict.theirs.items():
            common = self.ledger.common.get((account, conflict.uid, conflict.field), set())
            met = [one for one in (ours, keys(texts(value))) if one and one in common]
            if met and len(conflict.theirs) == 1:
                self._find("spurious", f"I4: {conflict}: {met} had been in common")

    def _judge_losses(self) -> None:
        somewhere: set[str] = set()
        for _, page in self.vault.pages.values():
            for name in TYPED:
                somewhere |= keys_of(page.person, name)
        for book in self.books.values():
            for entry in book.all_entries.values():
                for name in TYPED:
                    somewhere |= keys_of(entry.person, name)
        for conflict in self.store.log.values():
            for value in (conflict.ours, *conflict.theirs.values()):
                somewhere |= keys(texts(value))
        for key in self.ledger.typed.keys() - self.ledger.excused - somewhere:
            self._find("lost", f"I3: {self.ledger.typed[key]} {key} is nowhere")

    def _judge_rest(self) -> None:
        asked = (
            {(one.uid, one.field) for one in self.last.conflicts if not one.settled_by} if self.last else set[object]()
        )
        for (account, uid), one in sorted(self.store.links.items()):
            path = self.store.people[uid]
            entry = self.books[account].all_entries.get(one.remote_id)
            if path not in self.vault.pages or entry is None or entry.unreadable or one.apart:
                continue
            for name in TYPED:
                ours, theirs = keys_of(self.vault.pages[path][1].person, name), keys_of(entry.person, name)
                if ours != theirs and (uid, name) not in asked:
                    self._find("agree", f"I1: {path} and {account} {one.remote_id}: {name} {set(ours)} {set(theirs)}")
                self._judge_base(path, (account, one.remote_id), name, one.base, is_asked=(uid, name) in asked)
        self._judge_doubles()
        self._judge_unlinked()

    def _judge_base(
        self, path: NotePath, record: Side, name: FieldName, base: Mapping[FieldName, Value], *, is_asked: bool
    ) -> None:
        if name not in base or (is_asked and name == "phones"):
            return
        said = keys(texts(base[name]))
        for side in (path, record):
            if said not in self.ledger.held.get((side, name), set()):
                self._find("base", f"I10: {side}: {name} never said {base[name]!r}")

    def _judge_doubles(self) -> None:
        for account, book in self.books.items():
            uids = [entry.uid for entry in book.all_entries.values() if entry.uid is not None]
            if len(uids) != len(set(uids)):
                self._find("double", f"I8: {account}: {sorted(uids)}")

    def _judge_unlinked(self) -> None:
        """Where nobody did anything doubtful, everybody has a record."""
        ledger, nature = self.ledger, self.nature
        if ledger.doubtful or ledger.deleted_notes or ledger.deleted_records or nature.poison or ledger.renamed:
            return
        if nature.new_contacts is NewContacts.NONE:
            return
        questions = {(one.account, one.uid) for one in self.last.questions} if self.last else set[object]()
        for uid in self.store.people:
            for account in self.books:
                if (account, uid) not in self.store.links and (account, uid) not in questions:
                    self._find("agree", f"I17: {uid} has no record in {account}")

    # Small matters.

    def _people(self, rng: Random) -> None:
        self.acting = True
        for number in range(self.nature.people):
            path, person = NotePath(f"People/p{number}.md"), replace(NOBODY, name=f"Person {number}")
            person = replace(person, emails=(f"p{number}@example.test",))
            for name in TYPED:
                if rng.random() < 0.6:
                    person = with_values(person, {name: self._typed(rng, person, name)})
            self.vault.put(path, Page(person, None, f"text {number}"))
            self.ledger.see(path, person)
            for book in self.books.values():
                if rng.random() < 0.3:
                    theirs = replace(NOBODY, name=person.name, emails=person.emails)
                    name = rng.choice(TYPED)
                    book.add(with_values(theirs, {name: self._typed(rng, theirs, name)}), "theirs")

    def _setup(self) -> Setup:
        nature = self.nature
        accounts = tuple(
            Account(
                Memory(name, book, lambda step, name=name: self._step(f"{name} {step}")),  # type: ignore[misc]  # bound now
                _POLICIES,
                nature.new_contacts,
                nature.delete_with_note,
                _LIMIT,
            )
            for name, book in self.books.items()
        )
        rules, meetings = SimpleNamespace(uid_key="uid"), SimpleNamespace(zone=UTC)
        setup = SimpleNamespace(
            vault=self.vault, rules=rules, accounts=accounts, meetings=meetings, left_out=frozenset[AccountName]()
        )
        return cast("Setup", setup)  # all that is asked of it

    def _new_store(self, *, lost_before: bool) -> Store:
        return Store(self._step, self._parted, lost_before)

    def _chance(self, what: str = "") -> float:
        return crc32(b"%d %d %d %s" % (self.seed, self.cycle, self.position, what.encode())) / 2**32

    def _happens(self) -> bool:
        event = (self.cycle, self.position)
        if self.allowed is not None and event not in self.allowed:
            return False
        self.events.append(event)
        return True

    def _say(self, words: str) -> None:
        if self.told:
            self.trace.append(words)

    def _find(self, rule: str, words: str) -> None:
        self.broken.append(Broken(rule, words))


def _fault(name: str, chance: float) -> Exception | None:
    """Return an error that may come of a step, None where none may."""
    if name in {"note asked", "replace asked"}:
        return NoteChanged("it is being saved") if int(chance * 1e6) % 2 else VaultError("Input/output error")
    if name == "replace done":
        return VaultError("Input/output error")
    if name.endswith(("asked", "done")) and " " in name and not name.startswith(("commit", "look")):
        account = AccountName(name.partition(" ")[0])
        return TryLater("timed out", None) if int(chance * 1e6) % 8 else SignInNeeded(account, "revoked")
    return None


def _seeded(seed: int, cycle: int, position: int) -> Random:
    return Random((seed << 24) ^ (cycle << 16) ^ (position & 0xFFFF))  # noqa: S311  # nobody is to be kept from guessing


def _said(person: Person) -> str:
    return ", ".join(f"{name} {value_of(person, name)!r}" for name in TYPED)


def _told(entry: Entry | None) -> str:
    return "nothing" if entry is None else f"{entry.uid} {_said(entry.person)}"
