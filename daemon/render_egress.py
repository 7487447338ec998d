"""What has left the notes, as text or as JSON."""

from collections.abc import Sequence
from itertools import groupby

from daemon.codec import time_text
from daemon.egress import Left
from daemon.render import People, aligned, day, document, field_name, page


def egress(found: Sequence[Left], people: People) -> str:
    """Return which fields of whom were sent where, and when the last time."""
    lines: list[str] = []
    for account, of_account in groupby(found, key=lambda one: one.account):
        rows = [
            (people.get(uid, uid), _fields(list(of_person)))
            for uid, of_person in groupby(of_account, key=lambda one: one.uid)
        ]
        lines += [f"{account}: {'1 person' if len(rows) == 1 else f'{len(rows)} people'}", *aligned(rows, "  ")]
    return page(lines or ["Nothing has left your notes."])


def egress_json(found: Sequence[Left], people: People) -> str:
    """Return the same as JSON, a list with one item for each field of each person in each account."""
    return document(
        [
            {
                "account": one.account,
                "uid": one.uid,
                "path": people.get(one.uid),
                "field": one.field,
                "first_at": time_text(one.first_at),
                "last_at": time_text(one.last_at),
                "times": one.times,
            }
            for one in found
        ]
    )


def _fields(found: Sequence[Left]) -> str:
    last = max(one.last_at for one in found)
    return f"{', '.join(field_name(one.field) for one in found)} (last {day(last)})"
