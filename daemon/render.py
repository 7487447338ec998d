"""What the owner reads: plans and reports as text, or as JSON. Returns strings; prints nothing.

Text names people by their notes. It is for a terminal or a pipe of a command that the owner ran, never for a log.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from daemon.report import AccountReport, Health, Report, Trouble
from mappings.brakes import Brake, FirstRun, TooMany
from mappings.fields import texts
from mappings.operation import (
    Agree,
    CreateRecord,
    DeleteRecord,
    Link,
    Operation,
    Unlink,
    UpdateRecord,
    WriteNote,
)
from mappings.person import Uid, Value
from mappings.plan import Plan


def report(done: Report, *, verbose: bool) -> str:
    """Return what one run found and did, for the owner to read; every note and record is accounted for."""
    return "\n".join([*_steps(done, verbose=verbose), *_accounts(done), *_vault(done), *_waits(done), _verdict(done)])


def waiting(plan: Plan) -> str:
    """Return what would be done if the owner let the braked accounts run, and why he is asked."""
    return "\n".join([*_step_lines(plan.waiting, plan), *(f"{one.account}: {_why(one)}" for one in plan.brakes)])


def report_json(done: Report) -> str:
    """Return the same as JSON, one object; operations bear their kind."""
    plan = {
        "operations": [_operation_json(step) for step in done.plan.operations],
        "waiting": [_operation_json(step) for step in done.plan.waiting],
        "conflicts": [{"id": one.id, **asdict(one)} for one in done.plan.conflicts],
        "questions": [asdict(one) for one in done.plan.questions],
        "holds": [asdict(one) for one in done.plan.holds],
        "brakes": [{"kind": type(one).__name__, **asdict(one)} for one in done.plan.brakes],
        "kept_home": dict(done.plan.kept_home),
    }
    document = {
        "run": done.run,
        "exit_code": done.exit_code,
        "vault": asdict(done.vault),
        "accounts": [asdict(account) for account in done.accounts],
        "plan": plan,
        "done": asdict(done.deeds) if done.deeds is not None else None,
    }
    return json.dumps(document, ensure_ascii=False, indent=2)


def shown(value: Value) -> str:
    """Return a value on one line; nothing is shown as such."""
    return ", ".join(texts(value)) or "(nothing)"


def step_line(step: Operation, name: str) -> str:
    """Return one step in words; a person is called by name."""
    match step:
        case WriteNote():
            changes = [f"{change.field}: {shown(change.before)} -> {shown(change.after)}" for change in step.changes]
            return f"{name}: note {step.path}: " + "; ".join([*changes, *(["its uid"] if step.insert_uid else [])])
        case CreateRecord():
            return f"{name}: new contact in {step.account}"
        case UpdateRecord():
            changes = [f"{change.field}: {shown(change.before)} -> {shown(change.after)}" for change in step.changes]
            return f"{name}: contact in {step.account}: " + "; ".join([*changes, *(["its uid"] if step.insert_uid else [])])
        case DeleteRecord():
            return f"{name}: delete the contact in {step.account}"
        case Link():
            return f"{name}: linked to a contact in {step.account} (same {step.evidence})"
        case Unlink():
            return f"{name}: no longer linked to {step.account} ({step.parting})"
        case Agree():
            return f"{name}: note and {step.agreed.account} agree on {', '.join(step.agreed.values)}"


def _operation_json(step: Operation) -> Mapping[str, object]:
    return {"kind": type(step).__name__, **asdict(step)}


def _steps(done: Report, *, verbose: bool) -> Iterator[str]:
    """Yield the plan of a dry run; of a real one what was done, if more than the counts is wanted."""
    if done.deeds is None or verbose:
        yield from _step_lines(done.plan.operations, done.plan)
    yield from _step_lines(done.plan.waiting, done.plan)


def _step_lines(steps: Sequence[Operation], plan: Plan) -> Iterator[str]:
    names = _names(steps)
    for step in steps:
        if not isinstance(step, Agree):
            uid = step.uid
            yield "  " + step_line(step, names.get(uid, uid))


def _names(steps: Sequence[Operation]) -> Mapping[Uid, str]:
    """Return what to call people: their note's file name, or the name that a new contact gets."""
    names: dict[Uid, str] = {}
    for step in steps:
        match step:
            case WriteNote():
                names[step.uid] = step.path.rpartition("/")[2].removesuffix(".md")
            case CreateRecord():
                names.setdefault(step.uid, step.person.name)
            case _:
                pass
    return names


def _accounts(done: Report) -> Iterator[str]:
    for account in done.accounts:
        yield f"{account.name}: {_account(account, done)}"
        yield from (f"  {_trouble(trouble)}" for trouble in account.troubles)


def _account(account: AccountReport, done: Report) -> str:
    match account.health:
        case Health.OK:
            return ", ".join(_account_counts(account, done))
        case Health.LEFT_OUT:
            return "left out of this run"
        case Health.AWAY | Health.SIGNED_OUT | Health.MISUNDERSTOOD:
            return f"{account.health}: {account.reason}; nothing was changed there"


def _account_counts(account: AccountReport, done: Report) -> Iterator[str]:
    yield f"{_number(account.listed, 'contact')} seen"
    if account.changed:
        yield f"{account.changed} new or changed"
    if account.missing:
        yield f"{account.missing} no longer found"
    if kept := done.plan.kept_home.get(account.name):
        yield f"{kept} people kept home"
    if done.deeds is None:
        return
    for verb, counts in (("made", done.deeds.created), ("changed", done.deeds.updated), ("deleted", done.deeds.deleted)):
        if counts.get(account.name):
            yield f"{counts[account.name]} {verb}"
    if account.name in done.deeds.broken:
        yield f"stopped half way: {done.deeds.broken[account.name]}"


def _vault(done: Report) -> Iterator[str]:
    vault = done.vault
    written = f", {done.deeds.notes_written} written" if done.deeds is not None and done.deeds.notes_written else ""
    yield f"vault: {_number(vault.files, 'note')} seen, {vault.people} of them people{written}"
    if vault.incomplete:
        yield f"  not everything could be listed: {vault.incomplete}"
    yield from (f"  {_trouble(trouble)}" for trouble in vault.troubles)


def _waits(done: Report) -> Iterator[str]:
    if done.deeds is not None:
        yield from (f"not written: {_trouble(trouble)}" for trouble in done.deeds.failures)
        yield from (f"left to the next run: {_trouble(trouble)}" for trouble in done.deeds.postponed)
    for hold in done.plan.holds:
        place = " ".join(part for part in (hold.account, hold.field) if part)
        yield f"held: {hold.path}{f' ({place})' if place else ''}: {hold.reason}"
    counts = Counter(f"{question.account}: {question.doubt}" for question in done.plan.questions)
    yield from (f"to be linked by you: {number} in {what}; see `contactd links`" for what, number in counts.items())
    asked = sum(1 for conflict in done.plan.conflicts if not conflict.settled_by)
    if asked:
        yield f"{_number(asked, 'conflict')} for you to decide; see `contactd conflicts`"
    yield from (f"{one.account} waits: {_why(one)}" for one in done.plan.brakes)


def _why(brake: Brake) -> str:
    match brake:
        case FirstRun():
            return "this is its first run; look at the plan above and run again with --yes to carry it out"
        case TooMany():
            return (
                f"the plan would {brake.kind} {brake.people} people's {brake.place} at once, more than {brake.limit}; "
                "look at it and run again with --yes to carry it out"
            )


def _verdict(done: Report) -> str:
    if done.exit_code:
        return {1: "In step, but for what is held above.", 2: "Not everything could be reached.", 4: "Waiting for you."}[done.exit_code]
    if done.plan.operations and done.deeds is None:
        return "Nothing was touched: this was a dry run."
    return "All is in step."


def _trouble(trouble: Trouble) -> str:
    where = f"{trouble.place}, line {trouble.line}" if trouble.line else trouble.place
    return f"{where}: {trouble.reason}"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
