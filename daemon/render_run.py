"""One run as text, or as JSON: what was seen, done, held and skipped, and what waits for the owner."""

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import asdict

from daemon import render_plan
from daemon.health import Health
from daemon.render import People, document, field_name, number, page, sides, undone, value, waiting
from daemon.render_plan import why
from daemon.report import AccountReport, CalendarReport, Report, Trouble
from daemon.standing import Standing
from mappings.brakes import touches
from mappings.conflict import Conflict
from mappings.event import NO_ATTENDEES
from mappings.identity import Question
from mappings.merge import OWNER
from mappings.operation import CreateNote, CreateRecord, DeleteRecord, Operation, UpdateRecord, WriteNote
from mappings.person import Uid
from mappings.record import AccountName

_CONFLICTS_MAX = 10
"""How many conflicts are told in a run's own report; `contactd conflicts` shows all."""

_VERDICTS = {
    0: "All is in step.",
    1: "In step, but for what is told above.",
    2: "Not everything could be reached; the rest is in step.",
}


def report(done: Report, now: Standing, shown: Iterable[Operation], *, verbose: bool) -> str:
    """Return what one run found and did, for the owner to read; every note and record is accounted for.

    Shapes: `now` is the standing after the run. `shown` are steps that the owner has just been asked about: they are
    not told again.
    """
    parts = (
        _steps(done, now.people, {render_plan.key(step) for step in shown}, verbose=verbose),
        _vault(done, now.people),
        _accounts(done, now),
        _calendars(done, now.people),
        _surplus(done) if verbose else (),
        _rest(done, now.people, verbose=verbose),
        _undone(now),
    )
    return page([*(line for part in parts for line in part), _verdict(done, now)])


def trouble(told: Trouble, people: People) -> str:
    """Return what was left alone, where, and why; a person is called by the note."""
    place = people.get(Uid(told.place), told.place)
    return f"{place}, line {told.line}: {told.reason}" if told.line else f"{place}: {told.reason}"


def told_as_held(done: Report, account: AccountReport) -> frozenset[Trouble]:
    """Return what was skipped in an account and is a linked person's, who is held for it: that says it already."""
    held = {(hold.remote_id, hold.reason) for hold in done.plan.holds if hold.account == account.name}
    return frozenset(one for one in account.troubles if (one.place, one.reason) in held)


def report_json(done: Report, now: Standing) -> str:
    """Return the same as JSON, one object; operations bear their kind and their note's path."""

    def steps(operations: tuple[Operation, ...]) -> list[Mapping[str, object]]:
        return [{"kind": type(step).__name__, "path": now.people.get(step.uid), **asdict(step)} for step in operations]

    plan = done.plan
    told = {
        "run": done.run,
        "dry_run": done.deeds is None,
        "exit_code": done.exit_code,
        "vault": asdict(done.vault),
        "accounts": [
            {**asdict(one), "linked": now.linked.get(one.name, 0), "unlinked": now.unlinked.get(one.name, 0)}
            for one in done.accounts
        ],
        "calendars": [asdict(one) for one in done.calendars],
        "plan": {
            "operations": steps(plan.operations),
            "waiting": steps(plan.waiting),
            "conflicts": [{"id": one.id, "path": now.people.get(one.uid), **asdict(one)} for one in plan.conflicts],
            "questions": [_question_json(one, now.people) for one in plan.questions],
            "holds": [asdict(one) for one in plan.holds],
            "brakes": [{"kind": type(one).__name__, **asdict(one)} for one in plan.brakes],
            "kept_home": dict(plan.kept_home),
            "surplus": [asdict(one) for one in plan.surplus],
            "unmade": [asdict(one) for one in plan.unmade],
        },
        "done": asdict(done.deeds) if done.deeds is not None else None,
    }
    return document(told)


def _steps(done: Report, people: People, shown: AbstractSet[tuple[str, Uid, str]], *, verbose: bool) -> Iterator[str]:
    if any(render_plan.key(step) in shown for step in done.plan.operations):
        yield (
            "What is shown above was done, but for what is told below:" if _is_undone(done) else "Done, as shown above."
        )
    for title, steps in ((_title(done), done.plan.operations), ("Waiting for you:", done.plan.waiting)):
        news = [step for step in steps if render_plan.key(step) not in shown]
        if told := render_plan.lines(news, people, all_of_them=verbose):
            yield title
            yield from told


def _question_json(question: Question, people: People) -> Mapping[str, object]:
    return {
        "account": question.account,
        "uid": question.uid,
        "path": people.get(question.uid, ""),
        "kind": question.doubt.name,
        "detail": question.doubt.value,
        "candidates": question.candidates,
    }


def _title(done: Report) -> str:
    if done.deeds is None:
        return "To be done:"
    return "Planned; what of it was not done is told below:" if _is_undone(done) else "Done:"


def _is_undone(done: Report) -> bool:
    return done.deeds is not None and bool(done.deeds.failures or done.deeds.postponed or done.deeds.broken)


def _vault(done: Report, people: People) -> Iterator[str]:
    vault = done.vault
    others = vault.files - vault.people - len(vault.troubles)
    written = _written(done)
    verb = "to write" if done.deeds is None else "written"
    of_people = ((written, verb), (vault.people - written, "unchanged"))
    inside = ", ".join(f"{count} {word}" for count, word in of_people if count)
    told = [f"{vault.people} about people ({inside})" if inside else "none about a person"]
    told += [f"{count} {word}" for count, word in ((others, "others"), (len(vault.troubles), "skipped")) if count > 0]
    made = _made(done)
    told += [f"{made} {'to make' if done.deeds is None else 'made'}"] if made else []
    yield f"vault: {number(vault.files, 'note')} seen: {', '.join(told)}"
    if vault.incomplete:
        yield f"  not everything could be listed, so nothing counts as deleted: {vault.incomplete}"
    yield from (f"  skipped: {trouble(one, people)}" for one in vault.troubles)


def _written(done: Report) -> int:
    if done.deeds is not None:
        return done.deeds.notes_written
    return sum(isinstance(step, WriteNote) for step in done.plan.operations)


def _made(done: Report) -> int:
    if done.deeds is not None:
        return done.deeds.notes_made
    return sum(isinstance(step, CreateNote) for step in done.plan.operations)


def _accounts(done: Report, now: Standing) -> Iterator[str]:
    if not done.accounts and not done.calendars:
        yield "No account has an address book: name one in the configuration."
    for account in done.accounts:
        yield f"{account.name}: {_account(account, done, now)}"
        told = told_as_held(done, account)
        yield from (f"  skipped: {trouble(one, now.people)}" for one in account.troubles if one not in told)
        if done.deeds is not None and account.name in done.deeds.broken:
            yield f"  stopped half way: {done.deeds.broken[account.name]}; the next run goes on from there"


def _calendars(done: Report, people: People) -> Iterator[str]:
    for calendar in done.calendars:
        yield f"{calendar.account}, calendar {calendar.name}: {_calendar(calendar)}"
        yield from (f"  skipped: {trouble(one, people)}" for one in calendar.troubles)


def _calendar(calendar: CalendarReport) -> str:
    if calendar.health is not Health.OK:
        return f"{calendar.health}: {calendar.reason}"
    told = f"{number(calendar.events, 'event')} read, from {number(calendar.listed, 'file')}"
    return f"{told}; {NO_ATTENDEES}" if calendar.names_nobody else told


def _account(account: AccountReport, done: Report, now: Standing) -> str:
    match account.health:
        case Health.OK:
            return "; ".join(_counts(account, done, now))
        case Health.REMEMBERED:
            return f"not read anew; {number(now.linked.get(account.name, 0), 'note')} linked"
        case Health.LEFT_OUT:
            return "left out of this run"
        case Health.AWAY | Health.SIGNED_OUT | Health.MISUNDERSTOOD:
            return f"{account.health}: {account.reason}; nothing was changed there"


def _counts(account: AccountReport, done: Report, now: Standing) -> Iterator[str]:
    name = account.name
    made, changed, deleted = _writes(done, name)
    unchanged = account.listed - changed - deleted - len(account.troubles)
    verbs = ("to make", "to change", "to delete") if done.deeds is None else ("made", "changed", "deleted")
    counts = [f"{count} {verb}" for count, verb in zip((made, changed, deleted), verbs, strict=True) if count]
    for count, word in ((unchanged, "unchanged"), (len(account.troubles), "skipped")):
        counts += [f"{count} {word}"] if count > 0 else []
    yield f"{number(account.listed, 'contact')} seen" + (f": {', '.join(counts)}" if counts else "")
    yield f"{number(now.linked.get(name, 0), 'note')} linked"
    if unlinked := now.unlinked.get(name):
        yield f"{number(unlinked, 'contact')} without a note, left alone"
    if account.missing:
        yield f"{account.missing} no longer found"
    if kept := done.plan.kept_home.get(name):
        people = "1 person" if kept == 1 else f"{kept} people"
        yield f"{people} without a contact, as new_contacts wants it or for want of a name"
    if fuller := {one.path for one in done.plan.surplus if one.account == name}:
        yield f"{number(len(fuller), 'note')} with more than a contact there has room for"


def _writes(done: Report, account: AccountName) -> tuple[int, int, int]:
    """Return how many contacts were made, changed and deleted; in a dry run, how many would be."""
    if done.deeds is not None:
        created, updated, deleted = done.deeds.created, done.deeds.updated, done.deeds.deleted
        return created.get(account, 0), updated.get(account, 0), deleted.get(account, 0)
    kinds = Counter(type(step) for step in done.plan.operations if touches(step, account))
    return kinds[CreateRecord], kinds[UpdateRecord], kinds[DeleteRecord]


def _surplus(done: Report) -> Iterator[str]:
    for one in done.plan.surplus:
        place = f"{one.path} ({one.account} {field_name(one.field)})"
        yield f"no room: {place}: {number(one.count, 'value')} kept in the note only"


def _rest(done: Report, people: People, *, verbose: bool) -> Iterator[str]:
    """Yield what was not done, and what waits for the owner."""
    if done.deeds is not None:
        yield from (f"not written: {trouble(one, people)}" for one in done.deeds.failures)
        yield from (f"left to the next run: {trouble(one, people)}" for one in done.deeds.postponed)
        yield from (f"an edit that was saved while we wrote is kept in {path}" for path in done.deeds.copies)
    if unanswered := done.plan.unanswered:
        yield f"{number(unanswered, 'meeting')} of two would count if you had answered: `contactd why PERSON`"
    for hold in done.plan.holds:
        place = ", ".join(part for part in (hold.account, hold.remote_id, field_name(hold.field)) if part)
        yield f"held: {hold.path}{f' ({place})' if place else ''}: {hold.reason}{waiting(hold.waiting)}"
    yield from _unmade(done, verbose=verbose)
    yield from _questions(done)
    yield from _conflicts(done, people)
    yield from (f"{one.account} waits: {why(one)}" for one in done.plan.brakes)


def _unmade(done: Report, *, verbose: bool) -> Iterator[str]:
    """Yield who lacks a note and gets none by himself: how many for each reason, or each of them."""
    for (source, reason), count in Counter((one.source, one.reason) for one in done.plan.unmade).items():
        yield f"no note made: {count} in {source}: {reason}"
        if verbose:
            yield from (f"  {one.name}" for one in done.plan.unmade if (one.source, one.reason) == (source, reason))


def _questions(done: Report) -> Iterator[str]:
    counts = Counter((question.account, question.doubt) for question in done.questions)
    for (account, doubt), count in counts.items():
        yield f"to be linked by you: {count} in {account}: {doubt}"
    if counts:
        yield "  `contactd links` shows who, and how to answer"


def _conflicts(done: Report, people: People) -> Iterator[str]:
    asked = [conflict for conflict in done.plan.conflicts if not conflict.settled_by]
    settled = [conflict for conflict in done.plan.conflicts if conflict.settled_by]
    for conflict in asked[:_CONFLICTS_MAX]:
        yield f"to be decided by you: {_place(conflict, people)}: {sides(conflict.ours, conflict.theirs)}"
    if asked:
        yield f"  `contactd conflicts` shows {'it' if len(asked) == 1 else f'all {len(asked)}'}, and how to decide"
    for conflict in settled[:_CONFLICTS_MAX]:
        now = f"{sides(conflict.ours, conflict.theirs)}; now {value(conflict.chosen)}"
        by = conflict.settled_by if conflict.settled_by == OWNER else f"rule ({conflict.settled_by})"
        yield f"settled by {by}: {_place(conflict, people)}: {now}"
    if settled:
        yield f"  `contactd conflicts --all` keeps {'both values' if len(settled) == 1 else f'the values of all {len(settled)}'}"


def _undone(now: Standing) -> Iterator[str]:
    yield from (f"left as you undid it: {undone(one, now.people)}" for one in now.undone[:_CONFLICTS_MAX])
    if len(now.undone) > _CONFLICTS_MAX:
        yield f"  and {len(now.undone) - _CONFLICTS_MAX} more; `contactd status --json` has all"
    if now.undone:
        yield "  an edit of a side moves it again, or `contactd settle ID`; `contactd conflicts` shows the ids"


def _place(conflict: Conflict, people: People) -> str:
    return f"{people.get(conflict.uid, conflict.uid)}: {field_name(conflict.field)}"


def _go_ahead(done: Report) -> str:
    """Return the command that lets what waits run, and nothing that this run was not to look at."""
    partial = any(account.health is Health.LEFT_OUT for account in done.accounts)
    waiting = sorted({brake.account for brake in done.plan.brakes}) if partial else []
    return " ".join(["contactd sync --once --yes", *(f"--account {shlex.quote(name)}" for name in waiting)])


def _verdict(done: Report, now: Standing) -> str:
    waiting = ", ".join(sorted({brake.account for brake in done.plan.brakes}))
    if done.deeds is None:
        touched = "This was a dry run: nothing was touched."
        if waiting:
            return f"{touched} {waiting} waits for your word: `{_go_ahead(done)}` carries the plan out."
        work = any(render_plan.is_shown(step) for step in done.plan.operations)
        return touched if work else f"{touched} {_VERDICTS[done.exit_code]}"
    if waiting:
        return f"Nothing was done for {waiting}; `{_go_ahead(done)}` carries out what waits."
    if not done.accounts and not done.calendars:
        return "There is nothing to keep in step with."
    if not done.exit_code and any(account.missing for account in done.accounts) and not done.deeds.parted:
        return "In step, but for what is no longer found: only what the next run misses too counts as deleted."
    if not done.exit_code and now.undone:
        return "In step, but for what you have undone."
    return _VERDICTS[done.exit_code]
