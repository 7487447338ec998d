"""Several values, each with a place of its own in a record: which stay, which go, and which come in whose place."""

import itertools
from collections.abc import Callable, Mapping, Sequence

from mappings.normalize import tidy


def distinct(key: Callable[[str], str], values: Sequence[str]) -> tuple[str, ...]:
    """Return the values that say something, the first of each key."""
    if len(values) < 2:
        return tuple(filter(None, values))
    return tuple({key(value): value for value in reversed(values) if value}.values())[::-1]


def difference(
    key: Callable[[str], str], present: Sequence[str], values: Sequence[str]
) -> tuple[Mapping[str, str], Sequence[str]]:
    """Compare what a record says with what it is to say.

    A value that goes gives its place to one that comes, in order, because that is what a correction looks like.
    Returns the keys of those that go, each with the value for its place ("" for none), and what is left to add.
    """
    wanted = {key(value): value for value in distinct(key, [tidy(value) for value in values])}
    known = {key(value): value for value in present}
    going = [each for each in known if each not in wanted]
    coming = [value for each, value in wanted.items() if each not in known]
    pairs = itertools.zip_longest(going, coming[: len(going)], fillvalue="")
    return dict(pairs), coming[len(going) :]
