"""What is kept of the last run beyond its counts, in words, so that `status` can say how each account fared and why.

Only what nothing else in the state says: conflicts, questions and holds have tables of their own. `report_kept` makes
it of a run's report; apart, because `status` has to be quick and a report brings the whole plan along.
"""

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TypedDict

from daemon.codec import time_of, time_text
from daemon.state import Readable, Transaction, get_meta, set_meta
from mappings.record import AccountName

_LAST_REPORT = "last_report 1"
"""Meta; the number is raised whenever the shape changes, so that what another program kept is as if it had not."""


@dataclass(frozen=True, slots=True)
class AccountFared:
    """How an account fared in the last run that looked at it.

    `trouble` is why it could not be read or written, `waiting` why its plan waits; "" where neither is so. `skipped`
    are records that were left alone, each with its reason.
    """

    name: AccountName
    trouble: str
    waiting: str
    steps_waiting: int
    skipped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LastReport:
    """What the last run found: `skipped` are notes, `undone` steps that failed or were left to the next run.

    `incomplete` is why not all notes could be listed, "" if they were.
    """

    at: datetime
    incomplete: str
    skipped: tuple[str, ...]
    undone: tuple[str, ...]
    accounts: tuple[AccountFared, ...]


class _Account(TypedDict):
    name: str
    trouble: str
    waiting: str
    steps_waiting: int
    skipped: list[str]


class _Document(TypedDict):
    at: str
    incomplete: str
    skipped: list[str]
    undone: list[str]
    accounts: list[_Account]


def store(tx: Transaction, report: LastReport) -> None:
    """Keep what `status` will say of a run."""
    set_meta(tx, _LAST_REPORT, json.dumps({**asdict(report), "at": time_text(report.at)}))


def last_report(state: Readable) -> LastReport | None:
    """Return what was kept of the last run, None if there was none."""
    text = get_meta(state, _LAST_REPORT)
    if text is None:
        return None
    document: _Document = json.loads(text)
    return LastReport(
        at=time_of(document["at"]),
        incomplete=document["incomplete"],
        skipped=tuple(document["skipped"]),
        undone=tuple(document["undone"]),
        accounts=tuple(_account(one) for one in document["accounts"]),
    )


def rename_account(tx: Transaction, old: AccountName, new: AccountName) -> None:
    """Give an account another name."""
    kept = last_report(tx)
    if kept is not None:
        renamed = (replace(one, name=new) if one.name == old else one for one in kept.accounts)
        store(tx, replace(kept, accounts=tuple(renamed)))


def remove_account(tx: Transaction, account: AccountName) -> None:
    """Forget how an account fared."""
    kept = last_report(tx)
    if kept is not None:
        store(tx, replace(kept, accounts=tuple(one for one in kept.accounts if one.name != account)))


def _account(document: _Account) -> AccountFared:
    return AccountFared(
        name=AccountName(document["name"]),
        trouble=document["trouble"],
        waiting=document["waiting"],
        steps_waiting=document["steps_waiting"],
        skipped=tuple(document["skipped"]),
    )
