"""Records that go by another id by now: the link follows them, and takes its base along.

A card file that another program renames, a contact that a provider merges into another: the old id is missing, and
a record came that carries the person's uid. Parted and linked anew the two would have agreed on nothing, and an edit
of one side would be asked about.

Followed is only what cannot be anything else. One missing record and one new one carry the uid; the new one is
nobody's, and came when the other had gone. A record that was there beside the missing one is a copy of it, perhaps an
old one: against the base its old values would look like edits. What is not followed is parted, as before. Between the
two there may have been others, each of which came when the one before had gone, if none of them was followed in time.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from mappings.operation import Follow
from mappings.person import Uid
from mappings.record import RemoteId
from mappings.world import AccountState, Tombstone, World

_NEVER = float("inf")
"""So many looks ago came a record that was there before any of those that are missing now."""


def moves(account: AccountState, world: World) -> Iterator[Follow]:
    """Yield the links of one account whose record has another id by now; those that are kept apart as well."""
    if not account.missing or not account.arrived:
        return
    own = {link.remote_id: link.uid for link in (*world.links, *world.suspended) if link.account == account.name}
    present = _carriers(account, (remote_id for remote_id in account.records if remote_id not in account.missing))
    gone = _carriers(account, account.missing)
    for former_id, uid in own.items():
        former = account.records.get(former_id)
        if former is None or former_id not in account.missing:
            continue
        # One that was linked just now has no uid yet, or that of whom it was before.
        carried = former.uid or uid
        carriers = present.get(carried, ())
        if len(carriers) != 1 or carriers[0] in own:
            continue
        parted = Tombstone(account.name, uid, carriers[0]) in world.tombstones
        if not parted and _is_chain(account, former_id, gone.get(carried, ()), carriers[0]):
            yield Follow(account.name, uid, former_id, carriers[0], "uid")


def _is_chain(account: AccountState, former_id: RemoteId, gone: Iterable[RemoteId], last_id: RemoteId) -> bool:
    """Tell whether each of these records came when the one before had gone, from the former to the last."""
    between = sorted({*gone} - {former_id}, key=lambda one: account.missing[one], reverse=True)
    chain = (former_id, *between, last_id)
    return all(account.arrived.get(after, _NEVER) <= account.missing[before] for before, after in pairwise(chain))


def mixed_up(account: AccountState, world: World) -> frozenset[Uid]:
    """Return the people whose ids were given to each other's records, as by a program that numbers its files anew.

    Such a record carries the uid of somebody else who is linked, while that one's own record does not: merged with the
    note that it was linked to it would mix two people. A copy that only has not got its own uid yet is none of these,
    because whoever it was copied from has one that carries the uid.
    """
    own = {link.uid: link.remote_id for link in (*world.links, *world.suspended) if link.account == account.name}
    carried = {
        remote_id: record.uid for remote_id, record in account.records.items() if remote_id not in account.missing
    }

    def has_another(uid: Uid) -> bool:
        found = carried.get(own[uid])
        return found is not None and found != uid and found in own and carried.get(own[found]) != found

    strangers = {uid for uid in own if has_another(uid)}
    taken = {carried[own[uid]] for uid in strangers}
    return frozenset(strangers | {uid for uid in own if uid in taken})


def may_have_moved(account: AccountState, remote_id: RemoteId) -> bool:
    """Tell whether a missing record may be one that came since and cannot be read: then nobody knows yet."""
    looks = account.missing[remote_id]
    came = (newcomer for newcomer, since in account.arrived.items() if since <= looks)
    return any(newcomer in account.unreadable and newcomer not in account.missing for newcomer in came)


def _carriers(account: AccountState, remote_ids: Iterable[RemoteId]) -> dict[Uid, Sequence[RemoteId]]:
    carriers: defaultdict[Uid, list[RemoteId]] = defaultdict(list)
    for remote_id in remote_ids:
        record = account.records.get(remote_id)
        if record is not None and record.uid is not None:
            carriers[record.uid].append(remote_id)
    return dict(carriers)
