"""What `last_contact` is to be, by its definition: knows meetings as a calendar has them, and nothing of the program."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from mappings.event import Event, Response, Status, Timed
from mappings.record import AccountName, RemoteId

_RANKS = (Response.NEEDS_ACTION, Response.DECLINED, Response.TENTATIVE, Response.ACCEPTED)
_PEOPLE_MAX = 8

Entries = Mapping[RemoteId, Event]


def defined(
    settled: Mapping[AccountName, Entries],
    unsettled: Mapping[AccountName, Entries],
    addresses: Collection[str],
    now: datetime,
) -> str:
    """Return the day of the latest meeting that counts for somebody with these addresses, "" for none.

    What is unsettled may be half of a move: it raises the date, and takes nothing back.
    """
    overlaid = {account: {**entries, **unsettled[account]} for account, entries in settled.items()}
    days = (_latest(_copies(part), addresses, now) for part in (settled, overlaid))
    return max(days)


def _copies(entries: Mapping[AccountName, Entries]) -> list[Event]:
    return [event for account in entries.values() for event in account.values()]


def _latest(copies: Iterable[Event], addresses: Collection[str], now: datetime) -> str:
    meetings: defaultdict[str, list[Event]] = defaultdict(list)
    for copy in copies:
        meetings[copy.uid].append(copy)
    counted = (_day(same) for same in meetings.values() if _counts(same, addresses, now))
    return max(counted, default="")


def _counts(copies: list[Event], addresses: Collection[str], now: datetime) -> bool:
    me, guest, *others = _speaker(copies).attendees
    when = _speaker(copies).when
    has_host = not others and _speaker(copies).organizer == guest.address
    declined = any(copy.attendees[1].response is Response.DECLINED for copy in copies)
    heads = 1 + len(others) + (0 if has_host else 1)
    is_over = isinstance(when, Timed) and when.end <= now
    off = declined or any(copy.status is Status.CANCELLED for copy in copies)
    return (
        guest.address in addresses and me.response is Response.ACCEPTED and is_over and not off and heads <= _PEOPLE_MAX
    )


def _speaker(copies: list[Event]) -> Event:
    return max(copies, key=lambda copy: (_RANKS.index(copy.attendees[0].response), copy.when.start.isoformat()))


def _day(copies: list[Event]) -> str:
    return _speaker(copies).when.start.isoformat()[:10]
