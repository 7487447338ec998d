"""Steps handed to a connector, counted as it takes them: those that it never took were certainly not carried out.

A connector takes its steps one by one or in groups, as its provider allows, and tells the outcomes of a group when the
group is done. Whoever stops asking for outcomes in between knows by this which steps may have been carried out.
"""

from collections.abc import Sequence
from typing import TypeVar, overload

Step = TypeVar("Step")


class Handed(Sequence[Step]):
    """A sequence that knows how many of its items, from the first on, somebody has had in hand."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self.taken = 0

    @overload
    def __getitem__(self, index: int) -> Step: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Step]: ...

    def __getitem__(self, index: int | slice) -> Step | Sequence[Step]:
        places = range(len(self._steps))[index]
        last = places if isinstance(places, int) else max(places, default=-1)
        self.taken = max(self.taken, last + 1)
        return self._steps[index]

    def __len__(self) -> int:
        return len(self._steps)
