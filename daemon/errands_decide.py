"""What the owner asks and says of conflicts: open the state, look up or remember, return what to say.

A choice is one row that the next plan reads, so it may be written while a sync is at work: no lock is held.
"""

from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

from daemon import deciding, linking, links, render_waiting
from daemon.config import load
from daemon.deciding import NoSuchChoice, Take
from daemon.lending import borrowed
from daemon.render import field_name, number, page, value
from daemon.state import State, is_kept
from daemon.status import from_state


def show_conflict(config_path: Path, named: str, now: datetime, *, as_json: bool) -> str:
    """Tell everything about one conflict that waits, or about a field that was put back. Errors: `NoSuchChoice`."""

    def ask(state: State) -> str:
        kept, people = deciding.named(state, named), links.people(state)
        if as_json:
            return render_waiting.conflict_json(kept, people)
        return render_waiting.conflict(kept, people)

    return from_state(load(config_path).state, now, ask)


def settle(config_path: Path, named: str, take: Take, now: datetime) -> str:
    """Remember the owner's answer to a conflict, or his word on a field that he had put back. Errors: `NoSuchChoice`."""
    config = load(config_path)
    if not is_kept(config.state):
        raise NoSuchChoice("nothing is remembered yet: begin with `contactd sync --once`")
    with closing(State.open(config.state, now)) as state:
        kept = deciding.named(state, named)
        chosen = deciding.settle(state, kept.conflict, take, now)
        path = links.path_of(state, kept.conflict.uid) or kept.conflict.uid
    return page([f"Settled: {path}: {field_name(kept.conflict.field)} is to be {value(chosen)}."])


def review(config_path: Path, later_said: str, clock: Callable[[], datetime]) -> tuple[str, bool]:
    """Go through the conflicts that wait, on the terminal.

    Result: what to say, and whether anything was settled that a sync is to carry out.
    """
    # Only here: what draws and asks is needed by nobody else.
    from daemon import prompt  # noqa: PLC0415
    from daemon import review as walking  # noqa: PLC0415

    config = load(config_path)
    if not is_kept(config.state):
        return page(["No conflict waits."]), False
    with closing(State.open(config.state, clock())) as state:
        if not walking.waiting(state):
            return page(["No conflict waits."]), False
        done = walking.review(state, prompt.Asker(links.people(state)), clock)
        people = links.people(state)
    lines = [
        f"{people.get(one.uid, one.uid)}: {field_name(one.field)}: {value(chosen)}" for one, chosen in done.settled
    ]
    left = [f"{number(done.left, 'conflict')} left; `contactd review` goes on with them."] if done.left else []
    told = ["Settled:", *(f"  {line}" for line in lines)] if lines else ["Nothing was settled."]
    return page([*told, *left, *([later_said] if lines and later_said else [])]), bool(lines)


def review_links(config_path: Path, clock: Callable[[], datetime]) -> str:
    """Go through the people who cannot be linked safely, on the terminal."""
    # Only here: what draws and asks is needed by nobody else.
    from daemon import links_review, prompt  # noqa: PLC0415

    config = load(config_path)
    nobody = page(["Nobody waits to be linked."])
    if not is_kept(config.state):
        return nobody
    with borrowed(config.state), closing(State.open(config.state, clock())) as state:
        if not linking.waiting(state):
            return nobody
        done = links_review.review(state, prompt.ask_about_link)
    told = [f"  {answer}" for answer in done.answered] or ["Nothing was answered."]
    if done.left:
        told.append(f"{'1 person' if done.left == 1 else f'{done.left} people'} left; `contactd links review` goes on.")
    if done.answered:
        told.append("The next `contactd sync --once` brings into step what was linked.")
    return page(told)
