"""What the owner asks about meetings: open what is needed, look it up or do it, return what to say."""

from datetime import datetime
from pathlib import Path
from typing import Literal, assert_never

from daemon import contacts_table, opening, render_people, render_why
from daemon import why as reasons
from daemon.config import load
from daemon.errands import opened
from daemon.state import State
from daemon.status import from_state

Form = Literal["text", "json", "csv"]


def why(config_path: Path, name: str, now: datetime, *, as_json: bool) -> str:
    """Explain one person's dates.

    Errors: `NoSuchPerson`.
    """
    config = load(config_path)
    meetings = opening.meetings(config)

    def ask(state: State) -> str:
        told = reasons.why(meetings, state, name, now)
        return render_why.why_json(told) if as_json else render_why.why(told, meetings.zone)

    return from_state(config.state, now, ask)


def ignore(config_path: Path, event: str, name: str | None, now: datetime) -> str:
    """Let a meeting not count.

    Errors: `NoSuchMeeting`, `NoSuchPerson`.
    """
    config = load(config_path)
    with opened(config, now) as state:
        return render_why.ignored(reasons.ignore(state, event, name, now), opening.meetings(config).zone)


def count_again(config_path: Path, event: str, name: str | None, now: datetime) -> str:
    """Let a meeting count again.

    Errors: `NoSuchMeeting`, `NoSuchPerson`.
    """
    config = load(config_path)
    with opened(config, now) as state:
        return render_why.counts_again(reasons.count_again(state, event, name), opening.meetings(config).zone)


def people(config_path: Path, tag: str | None, now: datetime, form: Form) -> str:
    """List everybody, the longest silence first."""
    config = load(config_path)
    meetings = opening.meetings(config)
    rows = from_state(config.state, now, lambda state: contacts_table.table(meetings, state, tag, now))
    match form:
        case "text":
            return render_people.people(rows)
        case "json":
            return render_people.people_json(rows)
        case "csv":
            return render_people.people_csv(rows)
        case _:
            assert_never(form)
