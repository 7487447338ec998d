"""The table of everybody: who, last contact, how long ago, next meeting, in which accounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from daemon import dates, links, persons
from daemon.persons import KnownPerson
from daemon.setup import Meetings
from daemon.state import State
from mappings.date_memory import NOTHING_TOLD, Met
from mappings.record import AccountName


@dataclass(frozen=True, slots=True)
class Row:
    """One person; `days` is how long ago the last contact was, None where there is none."""

    known: KnownPerson
    last_contact: str
    days: int | None
    next_meeting: str
    accounts: tuple[AccountName, ...]


def table(meetings: Meetings, state: State, tag: str | None, now: datetime) -> Sequence[Row]:
    """Return everybody who has the tag, the longest silence first; those never met come last, by name."""
    everybody = persons.persons(state)
    told = dates.told(meetings, state, dates.owners(meetings, ((one.uid, one.person) for one in everybody)), now)
    linked: dict[str, list[AccountName]] = {}
    for link in links.links(state):
        linked.setdefault(link.uid, []).append(link.account)
    today = now.astimezone(meetings.zone).date()
    rows = [
        _row(one, told.get(one.uid, NOTHING_TOLD).next_meeting, tuple(sorted(linked.get(one.uid, ()))), today)
        for one in everybody
        if tag is None or _has_tag(one, tag)
    ]
    return sorted(rows, key=lambda row: (row.days is None, row.last_contact, row.known.stem.casefold()))


def _row(known: KnownPerson, following: Met | None, accounts: tuple[AccountName, ...], today: date) -> Row:
    last = known.dates.get("last_contact", "")
    days = (today - date.fromisoformat(last)).days if last else None
    coming = following.date if following is not None else ""
    return Row(known, last, days, coming, accounts)


def _has_tag(known: KnownPerson, tag: str) -> bool:
    """Tell whether a note has a tag or one below it, as Obsidian finds them."""
    wanted = tag.removeprefix("#").casefold()
    return any(own.casefold() == wanted or own.casefold().startswith(f"{wanted}/") for own in known.person.tags)
