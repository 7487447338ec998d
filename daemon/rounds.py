"""The service's rounds: which account is read, when all is planned, what is carried out. One thread runs them.

Theory of operation
-------------------
A *round* is one cycle (`cycle`) over the notes and those accounts that have nothing else to do. Accounts are read and
written by workers of their own (`crew`), and whoever is busy with that is left out of a round, as if nothing had
changed there; when it is done it is `behind` and has a round of its own. So a slow account delays nobody. Notes are
read and written by this thread alone.

*An account need not be read for a round.* It is planned with as it was when last read: a write is guarded by the etag,
and if the record has moved on, the account is read and the next round merges. Only what nothing guards has it read
first: making, linking, parting and deleting, because somebody may have made the very contact meanwhile. Nor is an
account planned with while an earlier write to it is unclear; only a read tells.

*Every look is fresh where we wrote.* A round looks first at the notes that were named since the last, those that it
wrote itself among them: with a note as it was before our own write, and a base as it is after it, the old value would
look like the owner's edit.

*What nobody may decide waits*: a first or a large plan stands in the state and in the status, and the others go on.
The owner lets it run by a request (`contactd sync --once`), which is a round for which every account is read.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from daemon import cycle, dates, gather, journal, ledger, links, records, report_kept, returns, scan, schedule
from daemon.calendars import read_calendars
from daemon.crew import Crew, Done
from daemon.cycle import Look, Sides
from daemon.errors import CutShort
from daemon.execute import Begun, Execution
from daemon.health import Health
from daemon.post import FAILURES, Clock, Post, Request, WasRead, is_well, of_calendars
from daemon.report import AccountReport, Report
from daemon.scan import Left, Scanned
from daemon.setup import Setup
from daemon.state import State
from daemon.unguarded import to_be_read_first
from daemon.watch import Hint
from mappings.newcomers import NoNote
from mappings.operation import NoteWrite
from mappings.record import AccountName, NotePath
from mappings.returns import THE_NOTE
from mappings.world import LOOKS_BEFORE_ABSENT

HURRIED_MAX = 3
"""So many times in a row an account is read at once because a round could not do without; then it waits for its turn."""

NOTE_AGAIN_S = (1.0, 32.0)
"""When a note that was being edited is tried again: the first wait and the last, doubling in between."""

REQUEST_ALONE_S = 10.0
"""How long other rounds make room for one that the owner asked for; they would use up what was read for it."""

REQUEST_MAX_S = 300.0
"""How long such a round waits for an account that is still being read."""

_NEVER = datetime.max.replace(tzinfo=UTC)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Round:
    """A round that is being carried out; `waiting` are accounts whose workers are still at it."""

    job: Execution
    seen: Look
    begun: Begun
    waiting: set[AccountName]
    request: Request | None
    unread_notes: bool


@dataclass(frozen=True, slots=True)
class Desk:
    """What the rounds work with, whatever the configuration says.

    `slowness` says how many times longer intervals are now. `finished` is told of every round that has ended, `changed`
    of every account that was read, went down, or has come back.
    """

    state: State
    crew: Crew
    clock: Clock
    stopping: Callable[[], bool]
    slowness: Callable[[], float]
    finished: Callable[[Report], None]
    changed: Callable[[Post], None]


class Rounds:
    """All accounts of a setup with their turns, and what is going on; `setup.vault` may be exchanged.

    Shapes: `intervals` has every account, those with calendars only among them.
    """

    def __init__(self, desk: Desk, setup: Setup, intervals: Mapping[AccountName, float]) -> None:
        self._desk = desk
        self._state = desk.state
        self._clock = desk.clock
        self.setup = setup
        now_s = desk.clock.seconds()
        accounts = {account.name: account for account in setup.accounts}
        self._posts = {
            name: Post(name, accounts.get(name), interval_s, schedule.first(now_s))
            for name, interval_s in intervals.items()
        }
        self._left: Left | None = None
        self._paths: set[NotePath] = set()
        self._look_at_all = True
        self._notes_moved = True
        self._gone_for_others = False
        self._note_again_s, self._note_wait_s = schedule.NEVER_S, NOTE_AGAIN_S[0]
        self._dates: tuple[date, str] | None = None
        self.dates_until = _NEVER
        self._rounds: list[_Round] = []
        self._requests: list[Request] = []
        gather.prepare(setup, desk.state)

    @property
    def posts(self) -> tuple[Post, ...]:
        return tuple(self._posts.values())

    @property
    def at_work(self) -> frozenset[AccountName]:
        """The accounts whose workers are busy."""
        return frozenset(name for name, post in self._posts.items() if post.busy)

    def hint(self, hint: Hint) -> None:
        """Look at these notes at the next tick."""
        self._paths |= hint.paths
        self._look_at_all |= hint.whole

    def look_again(self) -> None:
        """Look at everything anew, and believe nothing that was seen before."""
        self._look_at_all = True
        self._notes_moved = True
        for post in self._posts.values():
            post.behind = True
            post.turn = schedule.at_once(post.turn, self._clock.seconds())

    def ask(self, request: Request) -> None:
        """Have a round for the owner."""
        self._requests.append(request)
        if len(self._requests) == 1:
            self._hurry_for(request)

    def next_s(self) -> float:
        """Return when something is due by itself."""
        waits = [post.turn.due_s for post in self._posts.values() if not post.busy and not post.fresh]
        if self._requests:
            waits.append(self._clock.seconds() + 1.0)
        has_idle = any(not post.busy and is_well(post) for post in self._posts.values())
        return min(*waits, self._note_again_s, self._dates_due_s() if has_idle else schedule.NEVER_S, schedule.NEVER_S)

    def _dates_due_s(self) -> float:
        """Return when time itself changes what the calendars tell."""
        if self.dates_until == _NEVER:
            return schedule.NEVER_S
        return self._clock.seconds() + (self.dates_until - self._clock.now()).total_seconds()

    def tick(self) -> None:
        """Do what is due.

        Errors: `VaultMissing`, `NotOurVault`, `MarkerUnreadable`, `StateError`; what was not done stays due.
        """
        if self._desk.stopping():
            return
        setup = self.setup
        now_s = self._clock.seconds()
        for post in self._posts.values():
            if not post.busy and not post.fresh and post.turn.due_s <= now_s:
                self._read(setup, post)
        if self._note_again_s <= now_s:
            self._notes_moved, self._note_again_s = True, schedule.NEVER_S
        request = self._requests[0] if self._requests else None
        # Whoever wants us to stop is not kept waiting by a look at many notes; the next sitting looks at all.
        with suppress(CutShort):
            if request is not None and self._is_ready(request, now_s):
                self._serve(setup, request)
            elif request is None or now_s - request.since_s > REQUEST_ALONE_S:
                self._round_if_wanted(setup)

    def done(self, done: Done) -> None:
        """Take what a worker has done; one that is not of this crew does not matter any more.

        Errors: what its work raised.
        """
        if done.crew is not self._desk.crew:
            # Of an earlier sitting, in which it hung; what it may have done is an open intent, and has been seen to.
            return
        post = self._posts.get(done.account)
        if post is not None:
            post.busy = False
        if done.error is not None:
            raise done.error
        match done.returned:
            case WasRead() as read if post is not None:
                self._was_read(post, read)
            case _Round() as round_:
                self._was_written(round_, done.account)
            case _:
                return

    def _read(self, setup: Setup, post: Post) -> None:
        others = frozenset(self._posts) - {post.name}
        alone = replace(setup, left_out=others)

        def work() -> WasRead:
            now = self._clock.now()
            report = gather.read(post.account, self._state, now) if post.account is not None else None
            return WasRead(report, read_calendars(alone, self._state, now, _one_by_one))

        post.busy = True
        self._desk.crew.give(post.name, work)

    def _was_read(self, post: Post, read: WasRead) -> None:
        post.calendars = read.calendars
        report = read.report or of_calendars(post.name, read.calendars)
        if report.health is not Health.OK:
            self._failed(post, report)
            return
        gone = records.has_newly_gone(self._state, post.name)
        news = bool(report.changed) or gone
        post.report, post.fresh, post.outdated = report, True, False
        post.hurried = post.hurried if post.hurried <= HURRIED_MAX else 0
        post.behind |= news
        if not post.behind:
            self._saw_nothing_new(post.name)
        post.turn = schedule.after_success(
            post.turn,
            post.interval_s * self._desk.slowness(),
            self._clock.seconds(),
            self._clock.chance.random(),
            news=news,
            meeting_ends_s=[self._dates_due_s()] if read.calendars else (),
        )
        if self._requests and self._requests[0].wants(post.name):
            self._requests[0].read[post.name] = report
        self._is_back(post)

    def _failed(self, post: Post, report: AccountReport) -> None:
        """Leave an account alone for a while; whatever was meant for it waits until it is back."""
        post.report, post.fresh, post.behind = report, False, True
        failure, chance = FAILURES[report.health], self._clock.chance.random()
        post.turn = schedule.after_failure(post.turn, failure, report.retry_after_s, self._clock.seconds(), chance)
        if self._requests and self._requests[0].wants(post.name):
            self._requests[0].read[post.name] = report
        if post.failing_since is None:
            post.failing_since = self._clock.now()
            # The reason may name a folder or a server; it stands in `contactd status`.
            _log.warning("account %s is down: %s", post.name, report.health)
        with self._state.transaction() as tx:
            report_kept.keep_trouble(tx, report, self._clock.now())
        self._desk.changed(post)

    def _is_back(self, post: Post) -> None:
        if post.failing_since is not None:
            _log.warning("account %s is back", post.name)
            post.failing_since = None
            if post.report is not None:
                with self._state.transaction() as tx:
                    report_kept.keep_trouble(tx, post.report, self._clock.now())
        self._desk.changed(post)

    def _see_notes(self, setup: Setup) -> Scanned | None:
        """Look at what was hinted at, None if nothing was; what says the same as before needs no round."""
        if not self._look_at_all and not self._paths:
            return None
        setup.vault.check_identity()
        seen = self._look(setup)
        gone = [uid for uid, absent in seen.absent.items() if absent.looks >= LOOKS_BEFORE_ABSENT]
        are_linked = any(links.is_linked(self._state, uid) for uid in gone)
        self._notes_moved |= bool(seen.news or seen.leftovers) or are_linked
        return seen

    def _look(self, setup: Setup) -> Scanned:
        now = self._clock.now()
        if self._look_at_all or self._left is None:
            seen = scan.scan(setup, self._state, now, self._desk.stopping)
        else:
            seen = scan.rescan(setup, self._state, self._left, self._paths, now, self._desk.stopping)
        self._left, self._look_at_all = seen.left, False
        self._paths.clear()
        return seen

    def _round_if_wanted(self, setup: Setup) -> None:
        now = self._clock.now()
        today = now.astimezone(setup.meetings.zone).date()
        told = ledger.version(self._state)
        for post in self._posts.values():
            post.fresh &= post.behind
        idle = [post for post in self._posts.values() if not post.busy and is_well(post)]
        if not idle:
            return
        # Who is gone is told by whole looks alone, and also matters to whoever could take no part then.
        self._look_at_all |= self._gone_for_others and any(post.behind for post in idle)
        # Only before a round that may come of it: what a whole look tells is not kept for later.
        seen = self._see_notes(setup)
        dates_moved = (today, told) != self._dates or now >= self.dates_until
        if self._notes_moved or dates_moved or any(post.behind for post in idle):
            self._dates = (today, told)
            self._round(setup, None, seen)
            self.dates_until = dates.hold_until(self._state) or _NEVER
        elif seen is not None and seen.whole and not seen.report.incomplete:
            self._saw_nothing_new(THE_NOTE)

    def _saw_nothing_new(self, side: AccountName) -> None:
        """Count a look of which no round comes: what was written before it is no longer recent."""
        with self._state.transaction() as tx:
            returns.looked_at(tx, side, self._clock.now())

    def _hurry_for(self, request: Request) -> None:
        self._look_at_all = True
        request.since_s = self._clock.seconds()
        for post in self._posts.values():
            if request.wants(post.name):
                post.fresh = False
                post.turn = schedule.at_once(post.turn, request.since_s)

    def _is_ready(self, request: Request, now_s: float) -> bool:
        if now_s - request.since_s > REQUEST_MAX_S:
            return True
        wanted = [post for post in self._posts.values() if request.wants(post.name)]
        # One that its provider does not want to be asked yet has answered already.
        waits = [post for post in wanted if post.name not in request.read and post.turn.not_before_s <= now_s]
        return not waits and not any(post.busy for post in wanted)

    def _serve(self, setup: Setup, request: Request) -> None:
        """Have the round that was asked for; who could not be read in time is told so."""
        self._look_at_all = True
        self._round(setup, request, None)
        self._requests.pop(0)
        if self._requests:
            self._hurry_for(self._requests[0])

    def _round(self, setup: Setup, request: Request | None, seen_now: Scanned | None) -> None:
        setup.vault.check_identity()
        scanned = seen_now or self._look(setup)
        unclear = journal.accounts_unfinished(self._state)
        reports = {post.name: self._report_of(post, unclear, request) for post in self._posts.values()}
        seen = self._planned(setup, scanned, reports)
        if not scanned.whole and any(one.reason == NoNote.UNSEEN for one in seen.plan.unmade):
            self._look_at_all = True
            scanned = self._look(setup)
            seen = self._planned(setup, scanned, reports)
        if unread := to_be_read_first(seen, reports):
            reports |= {name: gather.unread(name, Health.LEFT_OUT) for name in unread}
            seen = self._planned(setup, scanned, reports)
        if request is not None and seen.plan.brakes and (approved := request.approve(seen)):
            seen = cycle.approved_of(setup, seen, approved)
        with self._state.transaction() as tx:
            run = journal.begin_run(tx, "sync", self._clock.now())
        job = Execution(setup, self._state, run, self._clock.now(), self._desk.stopping)
        self._paths |= {step.path for step in seen.plan.operations if isinstance(step, NoteWrite)}
        begun = cycle.begun(job, seen)
        self._notes_moved = False
        for name, report in reports.items():
            self._took_part(self._posts[name], report)
        for name in unread:
            self._hurry(self._posts[name])
        if scanned.whole:
            left_out = any(not report.health.is_planned_with for report in reports.values())
            self._gone_for_others = left_out and any(
                absent.looks >= LOOKS_BEFORE_ABSENT for absent in scanned.absent.values()
            )
        self._carry_out(_Round(job, seen, begun, set(begun.remote), request, bool(scanned.failed)))

    def _planned(self, setup: Setup, scanned: Scanned, reports: Mapping[AccountName, AccountReport]) -> Look:
        accounts = tuple(reports[account.name] for account in setup.accounts)
        calendars = tuple(calendar for post in self._posts.values() for calendar in post.calendars)
        return cycle.planned(setup, self._state, self._clock.now(), Sides(scanned, accounts, calendars))

    def _report_of(self, post: Post, unclear: AbstractSet[AccountName], request: Request | None) -> AccountReport:
        if post.busy or post.report is None or post.outdated:
            return gather.unread(post.name, Health.LEFT_OUT)
        if post.fresh or post.report.health is not Health.OK:
            return post.report
        if post.name in unclear:
            self._hurry(post)
            return gather.unread(post.name, Health.LEFT_OUT)
        asked = request.read.get(post.name) if request is not None else None
        return asked or gather.unread(post.name, Health.REMEMBERED)

    def _took_part(self, post: Post, report: AccountReport) -> None:
        if report.health.is_planned_with:
            post.fresh = post.behind = False
        else:
            post.behind = True

    def _hurry(self, post: Post) -> None:
        """Have an account read now, because a round could not do without; not for ever, as a record may never agree."""
        post.behind = post.outdated = True
        post.hurried += 1
        if post.hurried <= HURRIED_MAX:
            post.turn = schedule.at_once(post.turn, self._clock.seconds())

    def _carry_out(self, round_: _Round) -> None:
        if not round_.waiting:
            self._end(round_)
            return
        self._rounds.append(round_)
        for name, write in round_.begun.remote.items():
            self._posts[name].busy = True
            self._desk.crew.give(name, _then(write, round_))

    def _was_written(self, round_: _Round, name: AccountName) -> None:
        round_.waiting.discard(name)
        error, post = round_.begun.broken.get(name), self._posts.get(name)
        if error is not None and post is not None:
            self._failed(post, gather.failed(name, error))
        if not round_.waiting:
            self._rounds.remove(round_)
            self._end(round_)

    def _end(self, round_: _Round) -> None:
        """Record how a round ended; whatever had moved on since it was read is read again."""
        deeds, now = round_.begun.deeds(), self._clock.now()
        report = cycle.finished(round_.job, round_.seen, deeds, now)
        with self._state.transaction() as tx:
            report_kept.keep(tx, report, now)
        notes = {step.path for step in round_.seen.plan.operations if isinstance(step, NoteWrite)}
        places = {trouble.place for trouble in deeds.postponed}
        self._try_notes_again(any_left=round_.unread_notes or bool(notes & places))
        if deeds.notes_made:
            # What other accounts are to have of a new person is planned once there is the note.
            self._note_again_s = self._clock.seconds()
        for post in (self._posts[name] for name in round_.begun.remote):
            if places - notes:
                self._hurry(post)
            else:
                post.hurried = 0
        self._desk.finished(report)
        if round_.request is not None:
            round_.request.answer(report)

    def _try_notes_again(self, *, any_left: bool) -> None:
        """Have another round soon for notes that could not be read or written; the watcher does not tell of every save."""
        first_s, last_s = NOTE_AGAIN_S
        self._note_again_s = schedule.NEVER_S
        if not any_left:
            self._note_wait_s = first_s
        elif self._note_wait_s <= last_s:
            self._note_again_s = self._clock.seconds() + self._note_wait_s
            self._note_wait_s *= 2


def _then(write: Callable[[], None], round_: _Round) -> Callable[[], _Round]:
    def work() -> _Round:
        write()
        return round_

    return work


def _one_by_one(works: Sequence[Callable[[], None]]) -> None:
    """Read an account's calendars one after the other: they may share its connection."""
    for work in works:
        work()
