"""One thing that `contactd doctor` looked at."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Verdict(IntEnum):
    """How bad a finding is: the exit code that it leads to."""

    FINE = 0
    HELD = 1
    PARTIAL = 2
    NOT_OURS = 69


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, how it is, and what to do about it ("" if nothing)."""

    about: str
    verdict: Verdict
    text: str
    remedy: str


def exit_code(found: Iterable[Finding]) -> int:
    """Return the highest that applies."""
    return max((one.verdict for one in found), default=Verdict.FINE)
