"""How things stand in the state: where each person's note is, how many are linked to what, who waits to be."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from daemon import decisions, links
from daemon.conflicts import LinkQuestion, link_questions
from daemon.state import Readable
from mappings.conflict import Standstill
from mappings.fields import same
from mappings.person import Uid
from mappings.record import AccountName, NotePath, RemoteId

_DELETED = "DELETED"
"""The name of `Doubt.DELETED`, as stored; `status` has to be quick, and the doubts come with all of `identity`."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where each person's note was last seen; by account, the people linked and the readable contacts that are no note's.

    `undone` are fields in which the sides differ because the owner has taken a run back.
    """

    people: Mapping[Uid, NotePath]
    linked: Mapping[AccountName, int]
    unlinked: Mapping[AccountName, int]
    undone: tuple[Standstill, ...]


@dataclass(frozen=True, slots=True)
class Apart:
    """A link that is kept apart because its note is no person's; `path` is where it was a person's last."""

    account: AccountName
    uid: Uid
    remote_id: RemoteId
    path: NotePath
    at: datetime


def kept_apart(state: Readable) -> tuple[Apart, ...]:
    """Return the links that are kept apart, the latest first."""
    sql = (
        "SELECT l.account, l.uid, l.remote_id, coalesce(p.path, l.uid), l.suspended_at FROM links l"
        " LEFT JOIN people p ON p.uid = l.uid WHERE l.suspended_at IS NOT NULL ORDER BY l.suspended_at DESC, l.uid"
    )
    return tuple(
        Apart(account, uid, remote_id, path, datetime.fromisoformat(at))
        for account, uid, remote_id, path, at in state.all(sql)
    )


def questions(state: Readable) -> Mapping[LinkQuestion, datetime]:
    """Return the questions that wait, and since when; people whose contact was deleted are told of as parted."""
    return {one: since for one, since in link_questions(state).items() if one.kind != _DELETED}


def standing(state: Readable) -> Standing:
    """Return how things stand; accounts with nothing to count are missing in the counts."""
    linked = state.all("SELECT account, count(*) FROM links WHERE suspended_at IS NULL GROUP BY account")
    unlinked = state.all(
        "SELECT account, count(*) FROM records WHERE reading IS NOT NULL AND missing_looks = 0 AND NOT EXISTS"
        " (SELECT 1 FROM links WHERE links.account = records.account AND links.remote_id = records.remote_id)"
        " GROUP BY account"
    )
    return Standing(links.people(state), dict(linked), dict(unlinked), tuple(one for one, _ in undone(state)))


def undone(state: Readable) -> tuple[tuple[Standstill, datetime], ...]:
    """Return the fields that stand still since an undo and in which the sides differ, and since when."""
    return tuple((one, since) for one, since in decisions.standstills(state) if _differs(one))


def _differs(one: Standstill) -> bool:
    return not all(same(one.field, one.ours, theirs) for theirs in one.theirs.values())
