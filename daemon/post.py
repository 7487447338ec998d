"""An account in the service's rounds: what is known of it between two of them, and a round that its owner asks for."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random

from daemon import gather
from daemon.cycle import Look
from daemon.health import Health
from daemon.report import AccountReport, CalendarReport, Report
from daemon.schedule import Failure, Turn
from daemon.setup import Account
from mappings.record import AccountName

FAILURES = {
    Health.AWAY: Failure.AWAY,
    Health.SIGNED_OUT: Failure.SIGNED_OUT,
    Health.MISUNDERSTOOD: Failure.MISUNDERSTOOD,
}


@dataclass(frozen=True, slots=True)
class Clock:
    """The three sources of what is not decided: the time on the wall, seconds that never go back, and chance."""

    now: Callable[[], datetime]
    seconds: Callable[[], float]
    chance: Random


@dataclass(slots=True)
class Post:
    """One account in the service.

    `report` is of the last read, None before the first. `fresh` says that a read has not had its round yet, `behind`
    that a round went by without the account, `outdated` that it takes part in none before it was read again. `hurried`
    counts reads that could not wait, in a row.
    """

    name: AccountName
    account: Account | None
    interval_s: float
    turn: Turn
    report: AccountReport | None = None
    calendars: tuple[CalendarReport, ...] = ()
    busy: bool = False
    fresh: bool = False
    behind: bool = True
    outdated: bool = False
    hurried: int = 0
    failing_since: datetime | None = None


@dataclass(slots=True)
class Request:
    """A round that the owner asked for: every account in `names` is read for it, all if there are none.

    `approve` is asked as `cycle.sync` does, `answer` called once when all is done.
    """

    names: frozenset[AccountName]
    approve: Callable[[Look], frozenset[AccountName]]
    answer: Callable[[Report], None]
    since_s: float
    read: dict[AccountName, AccountReport] = field(default_factory=dict[AccountName, AccountReport])

    def wants(self, name: AccountName) -> bool:
        return not self.names or name in self.names


@dataclass(frozen=True, slots=True)
class WasRead:
    """What a worker has read of one account; None where it has no address book."""

    report: AccountReport | None
    calendars: tuple[CalendarReport, ...]


def is_well(post: Post) -> bool:
    """Tell whether an account can be planned with as it was when last read."""
    return post.report is not None and post.report.health is Health.OK and not post.outdated


def of_calendars(name: AccountName, calendars: tuple[CalendarReport, ...]) -> AccountReport:
    """Return how an account without an address book fared: as the worst of its calendars."""
    for calendar in calendars:
        if calendar.health in FAILURES:
            return replace(gather.unread(name, calendar.health), reason=calendar.reason)
    return gather.unread(name, Health.OK)
