"""A run's report → what is kept of it for `status` (`last_report`)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from daemon import last_report
from daemon.health import Health
from daemon.last_report import AccountFared, LastReport
from daemon.links import people as people_of
from daemon.render import People
from daemon.render_plan import is_shown, why
from daemon.render_run import told_as_held, trouble
from daemon.report import AccountReport, Report
from daemon.state import Transaction
from mappings.brakes import puts_uid, touches
from mappings.record import MEETINGS


def keep(tx: Transaction, report: Report, at: datetime) -> None:
    """Keep what `status` will say of a run; accounts that were left out of it fared as they did before."""
    before, people = last_report.last_report(tx), people_of(tx)
    former = {one.name: one for one in before.accounts} if before is not None else {}
    left_out = [former[one.name] for one in report.accounts if one.health is Health.LEFT_OUT and one.name in former]
    looked_at = [_fared(one, report, people) for one in report.accounts if one.health is not Health.LEFT_OUT]
    done = report.deeds
    undone = (*done.failures, *done.postponed) if done is not None else ()
    last_report.store(
        tx,
        LastReport(
            at=at,
            incomplete=report.vault.incomplete,
            skipped=tuple(trouble(one, people) for one in report.vault.troubles),
            undone=tuple(trouble(one, people) for one in undone),
            accounts=(*looked_at, *left_out, *_dates(report)),
        ),
    )


def keep_trouble(tx: Transaction, account: AccountReport, at: datetime) -> None:
    """Keep that an account went down, or has come back, though no run came of it."""
    kept = last_report.last_report(tx) or LastReport(at, "", (), (), ())
    known = {one.name: one for one in kept.accounts}
    before = known.get(account.name, AccountFared(account.name, "", "", 0, ()))
    trouble_now = "" if account.health.is_planned_with else f"{account.health}: {account.reason}"
    accounts = known | {account.name: replace(before, trouble=trouble_now)}
    last_report.store(tx, replace(kept, accounts=tuple(accounts.values())))


def _dates(report: Report) -> Iterator[AccountFared]:
    """Yield how the calendars fared, if what they give to notes waits for the owner."""
    waiting = "; ".join(why(brake) for brake in report.plan.brakes if brake.account == MEETINGS)
    if waiting:
        steps = [step for step in report.plan.waiting if touches(step, MEETINGS)]
        yield AccountFared(MEETINGS, "", waiting, len(steps), ())


def _fared(account: AccountReport, report: Report, people: People) -> AccountFared:
    waiting = "; ".join(why(brake) for brake in report.plan.brakes if brake.account == account.name)
    shown = [step for step in report.plan.waiting if is_shown(step)]
    steps = [step for step in shown if touches(step, account.name)] or [step for step in shown if puts_uid(step)]
    told = told_as_held(report, account)
    return AccountFared(
        name=account.name,
        trouble=_trouble(account, report),
        waiting=waiting,
        steps_waiting=len(steps) if waiting else 0,
        skipped=tuple(trouble(one, people) for one in account.troubles if one not in told),
    )


def _trouble(account: AccountReport, report: Report) -> str:
    if not account.health.is_planned_with:
        return f"{account.health}: {account.reason}"
    broken = report.deeds.broken.get(account.name) if report.deeds is not None else None
    return "" if broken is None else f"stopped half way: {broken}"
