"""What the guard against older copies has to know: our own recent writes, and the returns that were found already.

Recent is what was written less than `LATELY` before the last look at the same side. That look saw it stand, or saw it
undone and remembered that; before it, nobody can have seen anything. So a machine that slept over the weekend still
knows on Monday what it wrote on Friday. A look counts in the transaction that remembers what it has found.
"""

from collections.abc import Iterable
from datetime import datetime

from daemon import journal
from daemon.codec import pack_value, time_of, time_text, unpack_value
from daemon.state import Readable, Transaction
from mappings.fields import FIELDS
from mappings.operation import Change
from mappings.person import Uid
from mappings.record import AccountName
from mappings.returns import LATELY, THE_NOTE
from mappings.world import RecentWrite, Return


def recent_writes(state: Readable, accounts: Iterable[AccountName]) -> tuple[RecentWrite, ...]:
    """Return the writes that an older copy may have undone since, the oldest first."""
    looks = {AccountName(side): time_of(at) for side, at in state.all("SELECT account, at FROM looks")}
    found: dict[journal.OperationId, RecentWrite] = {}
    for side in (THE_NOTE, *accounts):
        since = looks[side] - LATELY if side in looks else None
        found |= journal.undoable_since(state, side, since)
    return tuple(write for _, write in sorted(found.items(), key=lambda numbered: numbered[0]))


def looked_at(tx: Transaction, side: AccountName, at: datetime) -> None:
    """Remember that a side was looked at whole."""
    tx.run("INSERT INTO looks VALUES (?, ?) ON CONFLICT DO UPDATE SET at = excluded.at", (side, time_text(at)))


def found_earlier(state: Readable) -> tuple[Return, ...]:
    """Return the returns that earlier looks have found."""
    rows = state.all("SELECT account, uid, field, before, after FROM returns")
    return tuple(
        Return(Uid(uid), AccountName(side), Change(name, unpack_value(before), unpack_value(after), ()))
        for side, uid, field, before, after in rows
        for name in FIELDS
        if name == field
    )


def remember(tx: Transaction, returns: Iterable[Return]) -> None:
    """Make the remembered returns those that a look has found."""
    now = set(returns)
    if now == set(found_earlier(tx)):
        return
    tx.run("DELETE FROM returns")
    tx.run_each(
        "INSERT INTO returns VALUES (?, ?, ?, ?, ?)",
        (
            (one.side, one.uid, one.undone.field, pack_value(one.undone.before), pack_value(one.undone.after))
            for one in now
        ),
    )
