"""What is said of a value that is not of its type: where it is wrong, and never what it says."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Literal

import pytest

from connectors.conformity import misfit
from connectors.interface import ChangeSet, Unreadable
from mappings.event import AllDay, Timed
from mappings.record import Etag, RemoteId

NOON = datetime(2026, 5, 3, 12, tzinfo=UTC)
EMPTY = ChangeSet(records=(), removed=(), unreadable=(), cursor=None, complete=True, listed=0)
STRANGE = Unreadable(RemoteId("a"), Etag("1"), None, "why")


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("a", str),
        (1, int),
        (None, int | None),
        ("x", Literal["x", "y"]),
        (("a", "b"), tuple[str, ...]),
        ({"a": 1}, Mapping[str, int]),
        (frozenset({"a"}), frozenset[str]),
        (EMPTY, ChangeSet),
        (Timed(NOON, NOON), Timed | AllDay),
        (AllDay(date(2026, 5, 3), date(2026, 5, 4)), Timed | AllDay),
    ],
)
def test_what_is_of_its_type_fits(value: object, hint: object) -> None:
    assert misfit(value, hint) == ""


@pytest.mark.parametrize(
    ("value", "hint", "fault"),
    [
        (True, int, "is of type bool"),
        (1, bool, "is of type int"),
        (b"a", str, "is of type bytes"),
        ("\ud800", str, "is text with half a character in it"),
        ("z", Literal["x", "y"], "is of type str"),
        (["a"], tuple[str, ...], "is of type list"),
        (("a", 7), tuple[str, ...], "item 2 is of type int"),
        ({"a": "1"}, Mapping[str, int], "an entry is of type str"),
        ({7: 1}, Mapping[str, int], "an entry is of type int"),
        (Timed(NOON.replace(tzinfo=None), NOON), Timed, "start is a time that is not in UTC"),
        (
            Timed(NOON, NOON.astimezone(timezone(timedelta(hours=2)))),
            Timed | AllDay,
            "end is a time that is not in UTC",
        ),
        (AllDay(NOON, NOON), AllDay, "start is of type datetime"),
        (
            ChangeSet((), (), (STRANGE, Unreadable(RemoteId("b"), Etag("1"), None, 7)), None, True, 0),  # type: ignore[arg-type]  # the fault
            ChangeSet,
            "unreadable, item 2, reason is of type int",
        ),
    ],
)
def test_what_is_not_is_told_by_its_place(value: object, hint: object, fault: str) -> None:
    assert misfit(value, hint) == fault
