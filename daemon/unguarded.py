"""Which accounts must be read before a round may do what it plans there: those in which no etag guards a step."""

from collections.abc import Iterator, Mapping
from typing import assert_never

from daemon.cycle import Look
from daemon.health import Health
from daemon.report import AccountReport
from mappings.operation import (
    Agree,
    CreateNote,
    CreateRecord,
    DeleteRecord,
    Follow,
    Link,
    Operation,
    Rebase,
    RememberDate,
    RemoveNote,
    RestoreNote,
    RestoreRecord,
    Resume,
    Suspend,
    Unlink,
    UpdateRecord,
    WriteNote,
)
from mappings.record import AccountName


def to_be_read_first(seen: Look, reports: Mapping[AccountName, AccountReport]) -> frozenset[AccountName]:
    """Return the accounts that were not read for this round, and in which something is to be done that no etag guards."""
    remembered = {name for name, report in reports.items() if report.health is Health.REMEMBERED}
    steps = (*seen.plan.operations, *seen.plan.waiting)
    return frozenset(name for step in steps for name in _unguarded(step) if name in remembered)


def _unguarded(step: Operation) -> Iterator[AccountName]:
    match step:
        case CreateRecord() | DeleteRecord() | RestoreRecord() | Link() | Unlink():
            yield step.account
        case Follow() | Suspend() | Resume():
            yield step.account
        case CreateNote():
            yield from (one.agreed.account for one in step.joined)
        case WriteNote() | RemoveNote() | RestoreNote() | UpdateRecord() | Agree() | Rebase() | RememberDate():
            return
        case _:
            assert_never(step)
