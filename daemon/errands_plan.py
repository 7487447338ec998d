"""What the owner asks of plans: to keep one, and to carry out one that was kept."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from daemon import apply as applying
from daemon import cycle, links, render_plan, render_run, report_kept, saved_plan
from daemon.at_work import at_work, looking, now
from daemon.ownership import Beginning
from daemon.render import number, page
from daemon.report import Report
from daemon.saved_plan import SavedPlan, Selected, UnusablePlan
from daemon.standing import standing
from daemon.state import State
from mappings.plan import Plan

Answer = tuple[str, int]
"""What to say, and the exit code."""


def make(config_path: Path, target: Path | None, *, as_json: bool, verbose: bool) -> Answer:
    """Tell what would be done if every account were let, and keep it in a file if one is named.

    Errors: as `at_work.looking`; `UnusablePlan` for a file that cannot be written.
    """
    with looking(config_path) as opened:
        seen = cycle.look(opened.setup, opened.state, now(), opened.workers)
        whole = applying.whole(opened.setup, seen)
        opened.line.clear()
        stands = standing(opened.state)
        paths = {**stands.people, **{note.uid: note.path for note in seen.world.notes}}
        if target is not None:
            saved_plan.write(target, saved_plan.saved(whole, paths, now()), opened.setup.vault_id)
        report = Report(0, seen.vault, seen.accounts, seen.calendars, seen.plan, None)
        if as_json:
            return render_run.report_json(report, stands), report.exit_code
        told = render_plan.lines(whole, paths, all_of_them=verbose)
    lines = ["To be done:", *told] if told else ["There is nothing to be done."]
    if left := _left_out(seen.plan):
        lines.append(f"Not in it, because it waits for you: {left}; `contactd sync --once --dry-run` names it.")
    if target is not None:
        lines.append(f"Kept in {target}. `contactd apply {target}` carries out exactly this.")
    return page(lines), report.exit_code


def apply(config_path: Path, source: Path | None, confirmed: Callable[[str], bool] | None) -> Answer:
    """Carry out a plan that was kept, or the one that waits, if the owner confirms what of it still holds.

    Shapes: `confirmed` shows it and asks; None where he has confirmed it unseen.
    Result: the exit code of the run, at least 1 where something of the plan was left out.
    Errors: as `at_work.at_work`; `UnusablePlan`.
    """
    with at_work(config_path, Beginning.REFUSE) as opened:
        kept = _kept(opened.state, source, opened.setup.vault_id)
        people = links.people(opened.state)

        def confirm(selected: Selected) -> bool:
            opened.line.clear()
            if confirmed is None:
                return True
            shown = render_plan.lines(selected.operations, people, all_of_them=True)
            return confirmed(page(["To be done:", *shown, *_moved(selected, kept)]))

        done = applying.carry_out(opened.setup, opened.state, kept, now, confirm, opened.workers)
        opened.line.clear()
        moved = _moved(done.selected, kept)
        if done.report is None:
            return page([*moved, "Nothing was done."]), 1 if moved else 0
        with opened.state.transaction() as tx:
            report_kept.keep(tx, done.report, now())
        shown = done.selected.operations if confirmed is not None else ()
        told = render_run.report(done.report, standing(opened.state), shown, verbose=False)
    return "\n".join([*([page(moved)] if moved else []), told]), max(done.report.exit_code, 1 if moved else 0)


def _left_out(plan: Plan) -> str:
    asked = sum(not one.settled_by for one in plan.conflicts)
    counts = [(asked, "conflict"), (len(plan.questions), "doubtful link"), (len(plan.holds), "held value")]
    return ", ".join(number(count, noun) for count, noun in counts if count)


def _kept(state: State, source: Path | None, vault: UUID) -> SavedPlan:
    if source is not None:
        return saved_plan.read(source, vault)
    kept = saved_plan.waiting(state)
    if kept is None:
        raise UnusablePlan("no plan waits; `contactd plan -o FILE` makes one to be applied")
    return kept


def _moved(selected: Selected, kept: SavedPlan) -> list[str]:
    if not selected.moved:
        return []
    names = (f"  {kept.paths.get(uid, uid)}" for uid in selected.moved)
    what = number(len(selected.moved), "person") if len(selected.moved) == 1 else f"{len(selected.moved)} people"
    return [f"Left out, because a side has moved since the plan was made: {what}", *names]
