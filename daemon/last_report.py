"""What is kept of the last run beyond its counts, so that `status` can say how each account fared and why.

Only what nothing else in the state says: conflicts, questions and holds have tables of their own.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TypedDict

from daemon import render
from daemon.codec import time_of, time_text
from daemon.report import AccountReport, Health, Report, Trouble
from daemon.state import Readable, Transaction, get_meta, set_meta
from mappings.brakes import touches
from mappings.operation import Agree
from mappings.record import AccountName, NotePath

_LAST_REPORT = "last_report"


@dataclass(frozen=True, slots=True)
class AccountFared:
    """How an account fared in the last run that looked at it; `waiting` is why its plan waits, "" if none does."""

    name: AccountName
    health: Health
    reason: str
    waiting: str
    steps_waiting: int
    troubles: tuple[Trouble, ...]


@dataclass(frozen=True, slots=True)
class LastReport:
    """What the last run found: `troubles` are of notes, `undone` are steps that failed or were left to the next run."""

    at: datetime
    incomplete: str
    troubles: tuple[Trouble, ...]
    undone: tuple[Trouble, ...]
    accounts: tuple[AccountFared, ...]


class _Trouble(TypedDict):
    place: str
    line: int
    reason: str


class _Account(TypedDict):
    name: str
    health: str
    reason: str
    waiting: str
    steps_waiting: int
    troubles: list[_Trouble]


class _Document(TypedDict):
    at: str
    incomplete: str
    troubles: list[_Trouble]
    undone: list[_Trouble]
    accounts: list[_Account]


def keep(tx: Transaction, report: Report, at: datetime) -> None:
    """Keep what `status` will say of a run; accounts that were left out of it fared as they did before."""
    before = last_report(tx)
    former = {one.name: one for one in before.accounts} if before is not None else {}
    looked_at = [one for one in report.accounts if one.health is not Health.LEFT_OUT]
    left_out = [former[one.name] for one in report.accounts if one.health is Health.LEFT_OUT and one.name in former]
    done = report.deeds
    _store(
        tx,
        LastReport(
            at=at,
            incomplete=report.vault.incomplete,
            troubles=report.vault.troubles,
            undone=(*done.failures, *done.postponed) if done is not None else (),
            accounts=(*(_fared(one, report) for one in looked_at), *left_out),
        ),
    )


def last_report(state: Readable) -> LastReport | None:
    """Return what was kept of the last run, None if there was none."""
    text = get_meta(state, _LAST_REPORT)
    if text is None:
        return None
    document: _Document = json.loads(text)
    return LastReport(
        at=time_of(document["at"]),
        incomplete=document["incomplete"],
        troubles=tuple(_troubles(document["troubles"])),
        undone=tuple(_troubles(document["undone"])),
        accounts=tuple(_account(one) for one in document["accounts"]),
    )


def rename_account(tx: Transaction, old: AccountName, new: AccountName) -> None:
    """Give an account another name."""
    kept = last_report(tx)
    if kept is not None:
        renamed = (replace(one, name=new) if one.name == old else one for one in kept.accounts)
        _store(tx, replace(kept, accounts=tuple(renamed)))


def remove_account(tx: Transaction, account: AccountName) -> None:
    """Forget how an account fared."""
    kept = last_report(tx)
    if kept is not None:
        _store(tx, replace(kept, accounts=tuple(one for one in kept.accounts if one.name != account)))


def _fared(account: AccountReport, report: Report) -> AccountFared:
    waiting = "; ".join(render.why(brake) for brake in report.plan.brakes if brake.account == account.name)
    steps = Counter(not isinstance(step, Agree) and touches(step, account.name) for step in report.plan.waiting)
    broken = report.deeds.broken.get(account.name) if report.deeds is not None else None
    return AccountFared(
        name=account.name,
        health=Health.AWAY if broken is not None else account.health,
        reason=account.reason if broken is None else f"stopped half way: {broken}",
        waiting=waiting,
        steps_waiting=steps[True] if waiting else 0,
        troubles=account.troubles,
    )


def _store(tx: Transaction, kept: LastReport) -> None:
    set_meta(tx, _LAST_REPORT, json.dumps({**asdict(kept), "at": time_text(kept.at)}))


def _account(document: _Account) -> AccountFared:
    return AccountFared(
        name=AccountName(document["name"]),
        health=Health(document["health"]),
        reason=document["reason"],
        waiting=document["waiting"],
        steps_waiting=document["steps_waiting"],
        troubles=tuple(_troubles(document["troubles"])),
    )


def _troubles(documents: Iterable[_Trouble]) -> Iterator[Trouble]:
    for one in documents:
        yield Trouble(NotePath(one["place"]), one["line"], one["reason"])
