"""Carry out a plan that the owner has seen: those of its steps that would be done now as well, and no others.

It is a sync whose plan is cut down to what was kept. What is not in it, because a side has moved since or was not in
it then, is left to the next sync; an account that waits goes on waiting, unless all of its steps were approved so.
"""

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime

from daemon import cycle, journal
from daemon.cycle import Look
from daemon.execute import Execution, never
from daemon.gather import Workers
from daemon.render_plan import is_shown
from daemon.report import Report
from daemon.saved_plan import SavedPlan, Selected, select
from daemon.setup import Setup
from daemon.state import State
from mappings.brakes import touches
from mappings.conflict import Conflict
from mappings.merge import OWNER
from mappings.operation import Operation
from mappings.person import Uid

KIND = "apply"


@dataclass(frozen=True, slots=True)
class Applied:
    """What of a kept plan would be carried out, and how that went; None if the owner did not want it, or nothing fits."""

    selected: Selected
    report: Report | None


def whole(setup: Setup, seen: Look) -> tuple[Operation, ...]:
    """Return everything that would be done now if every account were let."""
    return cycle.approved_of(setup, seen, cycle.everything(setup)).plan.operations


def carry_out(
    setup: Setup,
    state: State,
    kept: SavedPlan,
    clock: Callable[[], datetime],
    confirmed: Callable[[Selected], bool],
    workers: Workers,
) -> Applied:
    """Carry out a kept plan, if the owner confirms what it comes to.

    Errors: as `cycle.look`; what was done until then is recorded.
    """
    seen = cycle.look(setup, state, clock(), workers)
    approved = cycle.approved_of(setup, seen, cycle.everything(setup))
    selected = select(kept, approved.plan.operations)
    if not selected.operations or not confirmed(selected):
        return Applied(selected, None)
    cut = _cut(seen, approved, selected)
    with state.transaction() as tx:
        run = journal.begin_run(tx, KIND, clock())
    job = Execution(setup, state, run, clock(), never)
    begun = cycle.begun(job, cut)
    workers(list(begun.remote.values()))
    return Applied(selected, cycle.finished(job, cut, begun.deeds(), clock()))


def _cut(seen: Look, approved: Look, selected: Selected) -> Look:
    """Return the look with a plan of the selected steps alone.

    What a rule or the owner settles is only settled for people whose steps are carried out.
    """
    people = {step.uid for step in selected.operations}
    left = [step for step in approved.plan.operations if step.uid not in people and is_shown(step)]
    waiting = {one.account for one in seen.plan.brakes if any(touches(step, one.account) for step in left)}
    plan = replace(
        approved.plan,
        operations=selected.operations,
        conflicts=tuple(_still_found(approved.plan.conflicts, people)),
        brakes=tuple(one for one in seen.plan.brakes if one.account in waiting),
        waiting=tuple(step for step in left if any(touches(step, account) for account in waiting)),
    )
    return replace(seen, plan=plan)


def _still_found(found: Iterable[Conflict], people: AbstractSet[Uid]) -> Iterator[Conflict]:
    for conflict in found:
        if not conflict.settled_by or conflict.uid in people:
            yield conflict
        elif conflict.settled_by == OWNER:
            yield replace(conflict, settled_by="")
