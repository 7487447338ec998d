"""A promise that was not kept."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """Which promise, by its name in `oracle`, and what was seen instead."""

    rule: str
    words: str
