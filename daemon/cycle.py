"""The story of one sync: look at both sides, settle what was cut short, plan, try it on paper, do it, record it.

`sync` tells it from one end to the other; the service tells the same in its parts (`planned`, `begun`, `finished`),
because its accounts are read and written at their own pace. `look` and `planned` touch nothing outside the state that
they are given: a dry run gives a copy.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime

from daemon import (
    conflicts,
    dates,
    decisions,
    gather,
    journal,
    links,
    new_notes,
    records,
    returns,
    review_note,
    saved_plan,
    scan,
)
from daemon.calendars import read_calendars
from daemon.conflicts import Held, LinkQuestion
from daemon.execute import Begun, Execution, begin, never
from daemon.gather import Workers
from daemon.health import Health
from daemon.journal import RunId
from daemon.recover import recover
from daemon.rehearse import rehearse
from daemon.report import AccountReport, CalendarReport, Deeds, Report, VaultReport
from daemon.rules import rules_key
from daemon.scan import Scanned
from daemon.setup import Setup
from daemon.state import State, Transaction
from mappings.merge import OWNER
from mappings.operation import NoteWrite, Operation, RemoteWrite
from mappings.person import FieldName, Uid
from mappings.person_plan import Hold
from mappings.plan import Plan, plan
from mappings.record import MEETINGS, AccountName, Etag, NotePath
from mappings.returns import THE_NOTE
from mappings.world import LOOKS_BEFORE_ABSENT, World


@dataclass(frozen=True, slots=True)
class Sides:
    """What was read; `accounts` has a report for every account of the setup, in its order."""

    notes: Scanned
    accounts: tuple[AccountReport, ...]
    calendars: tuple[CalendarReport, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """Both sides at one instant, and what follows from it; `leftovers` and `whole` as in `Scanned`."""

    vault: VaultReport
    accounts: tuple[AccountReport, ...]
    calendars: tuple[CalendarReport, ...]
    world: World
    plan: Plan
    leftovers: tuple[NotePath, ...]
    whole: bool


def look(setup: Setup, state: State, now: datetime, workers: Workers) -> Look:
    """Read both sides and plan.

    Errors: `VaultMissing`, `NotOurVault`, `MarkerUnreadable`, `StateError`; nothing was decided.
    """
    setup.vault.check_identity()
    scanned = scan.scan(setup, state, now)
    reports = gather.read_accounts(setup, state, now, workers)
    calendars = read_calendars(setup, state, now, workers)
    return planned(setup, state, now, Sides(scanned, reports, calendars))


def planned(setup: Setup, state: State, now: datetime, sides: Sides) -> Look:
    """Settle what an earlier run left unclear about the accounts that were read, and plan.

    Errors: `VaultMissing`, `StateError`.
    """
    review_note.take_answers(setup, state, now)
    world = gather.world(setup, state, sides.notes, sides.accounts)
    read = {account.name for account in sides.accounts if account.health is Health.OK}
    if recover(state, world, read, now):
        world = gather.world(setup, state, sides.notes, sides.accounts)
    reports = gather.completed(sides.accounts, world)
    world = replace(
        world,
        dates=dates.derive(setup.meetings, state, world.notes, now),
        newcomers=new_notes.newcomers(setup, state, sides.notes, now),
    )
    plan = _planned(setup, world, frozenset())
    return Look(sides.notes.report, reports, sides.calendars, world, plan, sides.notes.leftovers, sides.notes.whole)


def _planned(setup: Setup, world: World, approved: frozenset[AccountName]) -> Plan:
    limits = {MEETINGS: setup.meetings.limit, **{account.name: account.limit for account in setup.accounts}}
    return rehearse(setup, world, lambda tried: plan(tried, limits, approved))


def sync(
    setup: Setup,
    state: State,
    clock: Callable[[], datetime],
    approve: Callable[[Look], frozenset[AccountName]],
    workers: Workers,
) -> Report:
    """Bring both sides into step, as far as that can be done without the owner.

    Shapes: `approve` is asked once, and only if something has to wait: which braked accounts may run after all.
    Errors: as `look`; everything done until then is recorded, and the next cycle goes on from there.
    """
    with state.transaction() as tx:
        run = journal.begin_run(tx, "sync", clock())
    seen = look(setup, state, clock(), workers)
    approved = approve(seen) if seen.plan.brakes else frozenset[AccountName]()
    if approved:
        seen = approved_of(setup, seen, approved)
    job = Execution(setup, state, run, clock(), never)
    begun_now = begun(job, seen)
    workers(list(begun_now.remote.values()))
    return finished(job, seen, begun_now.deeds(), clock())


def approved_of(setup: Setup, seen: Look, approved: frozenset[AccountName]) -> Look:
    """Return the same look, planned anew: a second one so soon would make a note that is being saved count as gone."""
    return replace(seen, plan=_planned(setup, seen.world, approved))


def everything(setup: Setup) -> frozenset[AccountName]:
    """Return all that may have to wait for the owner: every account, and the calendars together."""
    return frozenset(account.name for account in setup.accounts) | {MEETINGS}


def begun(job: Execution, seen: Look) -> Begun:
    """Record what was found and write the notes; what is left to be done in each account is the result's.

    Errors: as `execute.begin`.
    """
    with job.state.transaction() as tx:
        _record_found(tx, job.run, seen, job.now)
        _keep_waiting(tx, job, seen)
    return begin(job, seen.plan.operations, seen.leftovers)


def finished(job: Execution, seen: Look, deeds: Deeds, at: datetime) -> Report:
    """Record how a run ended whose accounts have all been written."""
    trouble = review_note.keep(job.setup, job.state)
    deeds = deeds if trouble is None else replace(deeds, failures=(*deeds.failures, trouble))
    report = Report(job.run, seen.vault, seen.accounts, seen.calendars, seen.plan, deeds)
    with job.state.transaction() as tx:
        _record_runs(tx, job, seen, deeds)
        decisions.move_again(tx, _no_longer_put_back(tx, job.run, seen))
        journal.finish_run(tx, job.run, report.exit_code, report.counts, at)
        journal.prune(tx, at - job.setup.undo_for)
    return report


def _record_found(tx: Transaction, run: RunId, seen: Look, now: datetime) -> None:
    """Remember what waits for the owner, and every clash that a rule settles.

    Before anything is written: what loses a clash may stand nowhere else once the winner is.
    """
    braked = {brake.account for brake in seen.plan.brakes}
    away = _away(seen)
    waits = [one for one in seen.plan.conflicts if braked & one.theirs.keys()]
    runs = [one for one in seen.plan.conflicts if not braked & one.theirs.keys()]
    conflicts.record_decided(tx, [one for one in runs if one.settled_by == OWNER], now, run)
    asked = [one for one in runs if not one.settled_by]
    # What the owner has decided about an account that waits is open until it may run.
    asked += [replace(one, settled_by="") for one in waits if one.settled_by in {"", OWNER}]
    unseen = frozenset((*_unseen(seen.world), *_held_whole(seen.plan)))
    conflicts.sync_open(tx, asked, now, run, {*away, *unseen})
    conflicts.record_settled(tx, [one for one in runs if one.settled_by not in {"", OWNER}], now, run)
    _drop_outdated(tx, seen, away, unseen)
    conflicts.sync_questions(tx, _questions(tx, seen, away), now)
    conflicts.sync_holds(tx, [_held(hold) for hold in seen.plan.holds], now)
    _record_look(tx, seen, now)


def _keep_waiting(tx: Transaction, job: Execution, seen: Look) -> None:
    """Keep what waits as the plan that the owner may approve."""
    steps: Iterable[Operation] = ()
    if seen.plan.brakes:
        whole = approved_of(job.setup, seen, everything(job.setup)).plan
        steps = saved_plan.left_over(whole.operations, seen.plan)
    # Of somebody whose note is gone, where it was.
    paths = {**links.people(tx), **{note.uid: note.path for note in seen.world.notes}}
    saved_plan.keep_waiting(tx, saved_plan.saved(steps, paths, job.now))


def _held(hold: Hold) -> Held:
    reason = f"{hold.remote_id}: {hold.reason}" if hold.remote_id else hold.reason
    return Held(hold.path, hold.account, hold.field, reason, hold.waiting)


def _drop_outdated(tx: Transaction, seen: Look, away: AbstractSet[AccountName], unseen: AbstractSet[Uid]) -> None:
    """Drop what the owner decided of states that are over; an account that is away may still be in them."""
    decisions.move_again(tx, seen.plan.moved_on)
    if not away:
        found = {conflict.id for conflict in seen.plan.conflicts}
        decisions.drop_outdated(
            tx, found, {note.uid: note.note_hash for note in seen.world.notes if note.uid not in unseen}
        )


def _record_look(tx: Transaction, seen: Look, now: datetime) -> None:
    """Remember what only the next look needs: what older copies have undone, and what was seen of both sides."""
    returns.remember(tx, seen.plan.returns)
    if seen.whole and not seen.vault.incomplete:
        returns.looked_at(tx, THE_NOTE, now)
    for account in seen.accounts:
        if account.health is Health.OK:
            returns.looked_at(tx, account.name, now)
    if seen.whole:
        links.saw(tx, _seen_together(seen.world))


def _seen_together(world: World) -> Iterator[tuple[AccountName, Uid, Etag]]:
    """Yield what a linked record has become since it was last seen while its note was there."""
    people = {note.uid for note in world.notes}
    accounts = {account.name: account for account in world.accounts if account.reachable}
    for link in world.links:
        account = accounts.get(link.account)
        if account is not None and link.uid in people and link.remote_id not in account.missing:
            record = account.records.get(link.remote_id)
            if record is not None and record.etag != link.etag:
                yield link.account, link.uid, record.etag


def _record_runs(tx: Transaction, job: Execution, seen: Look, deeds: Deeds) -> None:
    """Remember whose plan was carried out, and under which rules.

    What rules make of notes is only known once nobody may count as gone in the next look; until then they are new.
    """
    braked = {brake.account for brake in seen.plan.brakes}
    settled = seen.whole and all(note.looks >= LOOKS_BEFORE_ABSENT for note in seen.world.absent.values())
    for account in job.setup.accounts:
        if account.name not in _away(seen) | braked | deeds.broken.keys():
            before = records.account_row(tx, account.name)
            is_known = not before.first_run_done or settled
            rules = rules_key(account, job.setup) if is_known else before.rules
            records.set_run_done(tx, account.name, rules)
    if seen.world.dates is not None and MEETINGS not in braked:
        dates.begun(tx)
        new_notes.begun(tx, job.setup)


def _no_longer_put_back(tx: Transaction, run: RunId, seen: Look) -> Sequence[tuple[Uid, FieldName]]:
    """Return the fields that the owner has chosen a value for, and that all their sides say by now.

    A field that he had put back stands still until then: a run that is cut short must leave the choice to the next.
    """
    unwritten = {brake.account for brake in seen.plan.brakes} | _away(seen)
    chosen = [one for one in seen.plan.conflicts if one.settled_by == OWNER and not unwritten & one.theirs.keys()]
    if not chosen:
        return ()
    planned = Counter(step.uid for step in seen.plan.operations if isinstance(step, NoteWrite | RemoteWrite))
    done = journal.done_steps(tx, run)
    return [(one.uid, one.field) for one in chosen if done.get(one.uid, 0) == planned[one.uid]]


def _held_whole(plan: Plan) -> Iterator[Uid]:
    """Yield the people of whom a whole contact is held: what they disagreed about may still be so."""
    yield from (hold.uid for hold in plan.holds if hold.remote_id and not hold.field)


def _unseen(world: World) -> Iterator[Uid]:
    """Yield the people of whom one side could not be read now: what they disagreed about may still be so."""
    yield from world.unreadable_people
    yield from (uid for uid, note in world.absent.items() if note.looks < LOOKS_BEFORE_ABSENT)
    yield from (uid for uid, count in Counter(note.uid for note in world.notes).items() if count > 1)
    unseen = {account.name: {*account.missing, *account.unreadable} for account in world.accounts}
    for link in world.links:
        if link.remote_id in unseen.get(link.account, ()):
            yield link.uid


def _away(seen: Look) -> AbstractSet[AccountName]:
    return {account.name for account in seen.accounts if not account.health.is_planned_with}


def _questions(tx: Transaction, seen: Look, away: AbstractSet[AccountName]) -> Iterator[LinkQuestion]:
    """Yield what was found to be doubtful, and what was so before in accounts that could not be looked at."""
    yield from (question for question in conflicts.link_questions(tx) if question.account in away)
    paths = {note.uid: note.path for note in seen.world.notes}
    for question in seen.plan.questions:
        detail, candidates = question.doubt.value, question.candidates
        yield LinkQuestion(question.account, question.uid, paths[question.uid], question.doubt.name, candidates, detail)
