"""What the owner asks and says of conflicts: open the state, look up or remember, return what to say.

A choice is one row that the next plan reads, so it may be written while a sync is at work: no lock is held.
"""

from contextlib import closing
from datetime import datetime
from pathlib import Path

from daemon import deciding, links, render_waiting
from daemon.config import load
from daemon.deciding import NoSuchChoice, Take
from daemon.render import field_name, page, value
from daemon.state import State, is_kept
from daemon.status import from_state


def show_conflict(config_path: Path, named: str, now: datetime, *, as_json: bool) -> str:
    """Tell everything about one conflict that waits. Errors: `NoSuchChoice`."""

    def ask(state: State) -> str:
        kept, people = deciding.waiting(state, named), links.people(state)
        if as_json:
            return render_waiting.conflict_json(kept, people)
        return render_waiting.conflict(kept, people)

    return from_state(load(config_path).state, now, ask)


def settle(config_path: Path, named: str, take: Take, now: datetime) -> str:
    """Remember the owner's answer to a conflict. Errors: `NoSuchChoice`."""
    config = load(config_path)
    if not is_kept(config.state):
        raise NoSuchChoice("nothing is remembered yet: begin with `contactd sync --once`")
    with closing(State.open(config.state, now)) as state:
        kept = deciding.waiting(state, named)
        chosen = deciding.settle(state, kept.conflict, take, now)
        path = links.path_of(state, kept.conflict.uid) or kept.conflict.uid
    return page([f"Settled: {path}: {field_name(kept.conflict.field)} is to be {value(chosen)}."])
