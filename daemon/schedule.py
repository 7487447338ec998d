"""When which account is read next. Pure: instants and chance are passed in.

Instants are seconds on one clock that never goes back; what the wall says does not matter here, so that a clock that
is set wrong, or right, changes nothing.

- An account that says nothing new is asked ever more seldom, up to `CALM_MAX` times its interval; news bring it back.
- A meeting that ends is looked for a minute later: that is when the date of the last contact changes.
- An account that fails is asked again after a time that doubles, and never before the provider's own Retry-After.
- No two machines ask at the same second: every span is drawn from around its value.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

CALM_AFTER = 3
"""So many reads in a row without news, and the interval begins to grow."""

CALM_GROWTH = 1.3
CALM_MAX = 4.0

SAVING = 3.0
"""How much longer intervals are on battery."""

MEETING_ENDED_S = 60.0
"""How long after a meeting its calendar is read: whoever closes the meeting may still change it."""

JITTER = 0.1
"""Every interval is longer or shorter by up to this share."""

NEVER_S = float("inf")


class Failure(Enum):
    """Why an account was not read, with the first and the longest time until it is asked again, in seconds."""

    AWAY = (30.0, 3600.0)
    SIGNED_OUT = (1800.0, 3600.0)
    MISUNDERSTOOD = (900.0, 6 * 3600.0)

    def __init__(self, first_s: float, longest_s: float) -> None:
        self.first_s = first_s
        self.longest_s = longest_s


@dataclass(frozen=True, slots=True)
class Turn:
    """When an account is read next.

    It is not asked before `not_before_s`, whoever wishes it. `failures` and `calm` count the last reads that failed,
    and those that found nothing new, in a row.
    """

    due_s: float
    not_before_s: float
    failures: int
    calm: int


def first(now_s: float) -> Turn:
    """Return the turn of an account that was not read yet: at once."""
    return Turn(now_s, now_s, 0, 0)


def after_success(
    turn: Turn, interval_s: float, now_s: float, chance: float, *, news: bool, meeting_ends_s: Iterable[float]
) -> Turn:
    """Return when to read an account again that was just read.

    Shapes: `chance` is from 0 to 1; `meeting_ends_s` are those that may concern the account, in any order.
    """
    calm = 0 if news else turn.calm + 1
    span_s = _jittered(interval_s * calmness(calm), chance)
    ended_s = min((end + MEETING_ENDED_S for end in meeting_ends_s if end + MEETING_ENDED_S > now_s), default=NEVER_S)
    return Turn(min(now_s + span_s, ended_s), now_s, 0, calm)


def calmness(calm: int) -> float:
    """Return how many times longer the interval is after so many reads without news."""
    # Both exponents here are bounded, because accounts are calm, or fail, for years.
    return float(min(CALM_MAX, CALM_GROWTH ** min(max(0, calm - CALM_AFTER), 100)))


def after_failure(turn: Turn, failure: Failure, retry_after_s: float | None, now_s: float, chance: float) -> Turn:
    """Return when to ask an account again that could not be read or written."""
    doubled_s = failure.first_s * 2.0 ** min(turn.failures, 20)
    span_s = _jittered(min(doubled_s, failure.longest_s), chance)
    asked_s = max(retry_after_s or 0.0, 0.0)
    return Turn(now_s + max(span_s, asked_s), now_s + asked_s, turn.failures + 1, 0)


def at_once(turn: Turn, now_s: float) -> Turn:
    """Return the turn of an account that somebody wants read now: as soon as its provider allows."""
    return replace(turn, due_s=max(now_s, turn.not_before_s), calm=0)


def _jittered(span_s: float, chance: float) -> float:
    return span_s * (1 - JITTER + 2 * JITTER * chance)
