"""What the owner asks of the past: what was written, what has left, and to take a run back."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from daemon import cycle, egress, journal, links, render_egress, render_log
from daemon import undo as taking_back
from daemon.at_work import at_work, looking, now
from daemon.config import load
from daemon.errors import UnknownAccount
from daemon.journal import RunId
from daemon.ownership import Beginning
from daemon.state import State
from daemon.status import from_state
from daemon.undo import NothingToUndo, planned
from mappings.undo import Undoing

RUNS_SHOWN = 30

Answer = tuple[str, int]
"""What to say, and the exit code."""


def show_runs(config_path: Path, at: datetime, *, all_runs: bool, as_json: bool) -> str:
    """Tell the latest runs, those that wrote something if not all are wanted."""

    def ask(state: State) -> str:
        found = (journal.last_runs if all_runs else journal.runs_that_wrote)(state, RUNS_SHOWN)
        return (render_log.runs_json if as_json else render_log.runs)(found)

    return from_state(load(config_path).state, at, ask)


def show_run(config_path: Path, run: int, at: datetime, *, as_json: bool) -> str:
    """Tell what one run wrote. Errors: `NothingToUndo` if there is no such run."""

    def ask(state: State) -> str:
        if journal.run_of(state, run) is None:
            raise NothingToUndo(f"no run {run} is remembered; `contactd log` shows those that are")
        return (render_log.run_json if as_json else render_log.run)(
            journal.entries(state, RunId(run)), links.people(state)
        )

    return from_state(load(config_path).state, at, ask)


def show_egress(config_path: Path, account: str | None, at: datetime, *, as_json: bool) -> str:
    """Tell what has left the notes. Errors: `UnknownAccount`."""

    def ask(state: State) -> str:
        found = egress.left(state)
        known = {one.account for one in found} | {one.name for one in config.accounts}
        if account is not None and account not in known:
            raise UnknownAccount(f"there is no account {account}; expected {' or '.join(sorted(known))}")
        shown = [one for one in found if account in {None, one.account}]
        return (render_egress.egress_json if as_json else render_egress.egress)(shown, links.people(state))

    config = load(config_path)
    return from_state(config.state, at, ask)


def undo_shown(config_path: Path, run: int, person: str | None) -> str:
    """Tell what taking back a run would do, and touch nothing."""
    with looking(config_path) as opened:
        what = taking_back.past(opened.state, run, person)
        seen = cycle.look(opened.setup, opened.state, now(), opened.workers)
        return render_log.undoing(planned(opened.state, what, seen.world), links.people(opened.state))


def undo(config_path: Path, run: int, person: str | None, confirmed: Callable[[str], bool]) -> Answer:
    """Take back a run, if the owner confirms what that comes to.

    Result: the exit code is 1 if something is left as it is, 2 if an account failed.
    Errors: `NothingToUndo`, `NoSuchLink`; as `at_work`.
    """
    with at_work(config_path, Beginning.REFUSE) as opened:
        what = taking_back.past(opened.state, run, person)
        people = links.people(opened.state)

        def confirm(undoing: Undoing) -> bool:
            opened.line.clear()
            return confirmed(render_log.undoing(undoing, people))

        done = taking_back.carry_out(opened.setup, opened.state, what, now, confirm, opened.workers)
    if done.deeds is not None and done.deeds.broken:
        return render_log.undone(done, people), 2
    left = bool(done.undoing.refusals) or (done.deeds is not None and bool(done.deeds.failures))
    return render_log.undone(done, people), 1 if left else 0
