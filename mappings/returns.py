"""What an older copy has put back: values that one side says again soon after we replaced them there.

Theory of operation. An editor that holds an old buffer saves it over what we wrote; a program that holds an old copy
of a contact sends it. Both look like an edit, and would carry the older value to the other side, where the newer one
came from. So a value that *returned* is not believed: `merge` lets nothing of its field travel, and asks.

A value has returned if its side says again what it said before a recent write of ours, and its link agrees on another
one. *Recent* is bounded by `LATELY`; time in which nobody looked does not count (`World.writes`). A return that was
found stands for as long as the side says so, however long that is (`World.returns`).

A note is saved whole. So where one value alone went back, while all else that we wrote since stands, its owner did
that on purpose, and it travels. One of several that stands proves nothing: he may have typed into the old buffer what
was typed on the other side as well; nor does the uid, which may have been there before it was taken out and put back.
Of a contact nothing of the kind can be said, because programs send single fields: there every return is doubted. An
account that does not take what it is told, or still says for a while what it said before, looks and is treated the
same.

A restore is the owner's own word: what stood before earlier writes may come back with it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from mappings.fields import FIELDS, Cardinality, keys, same, value_of
from mappings.operation import Change, RestoreNote, RestoreRecord, UpdateRecord, WriteNote
from mappings.person import FieldName, Uid, Value
from mappings.record import AccountName, Reading
from mappings.world import AccountState, Base, LinkState, NoteState, RecentWrite, Return, World

LATELY = timedelta(days=1)
"""How long after a write of ours the return of what it replaced is doubted.

Editors stay open over a working day; phones and sync programs report at least daily.
"""

THE_NOTE = AccountName("")
"""The side of a return that is the note's."""

Undone = Mapping[FieldName, Change]
"""The fields of one side that have returned, each with what we had made of it."""


def find(world: World, people: Mapping[Uid, NoteState]) -> tuple[Return, ...]:
    """Return every return that stands: those that are seen now, and earlier ones whose side cannot be looked at.

    Shapes: `people` are the notes that can be told apart by their uid.
    """
    doubtful = {write.uid for write in world.writes} | {each.uid for each in world.returns}
    links: defaultdict[Uid, list[LinkState]] = defaultdict(list)
    for link in world.links if doubtful else ():
        if link.uid in doubtful:
            links[link.uid].append(link)
    accounts = {account.name: account for account in world.accounts}
    return tuple(
        each
        for uid in sorted(links)
        for each in (*_of_note(world, uid, people.get(uid), links[uid]), *_of_records(world, links[uid], accounts))
    )


def undone(returns: Sequence[Return], side: AccountName) -> Undone:
    """Return what has returned on one side of a person."""
    return {each.undone.field: each.undone for each in returns if each.side == side}


def is_at_stake(undone: Change, returned: Value, opposed: Value) -> bool:
    """Tell whether a side that says otherwise would lose something to the value that has returned."""
    name = undone.field
    if FIELDS[name].cardinality is Cardinality.ONE:
        return not same(name, returned, opposed)
    added, removed = _moved(undone)
    back = removed & keys(name, returned)
    return bool(added & keys(name, opposed) or back - keys(name, opposed))


def _of_note(world: World, uid: Uid, note: NoteState | None, links: Sequence[LinkState]) -> Iterator[Return]:
    writes = _since_restored(
        [one for one in world.writes if one.uid == uid and isinstance(one, WriteNote | RestoreNote)]
    )
    reading = None if note is None else note.reading
    nets = [_without_proven(_net(run), reading, run) for run in _runs(writes)] if reading is not None else []
    yield from _of_side(world, uid, THE_NOTE, reading, [link.base for link in links], nets)


def _of_records(
    world: World, links: Sequence[LinkState], accounts: Mapping[AccountName, AccountState]
) -> Iterator[Return]:
    for link in links:
        writes = _since_restored(
            [
                one
                for one in world.writes
                if isinstance(one, UpdateRecord | RestoreRecord) and (one.account, one.uid) == (link.account, link.uid)
            ]
        )
        reading = _reading_of(accounts.get(link.account), link)
        yield from _of_side(world, link.uid, link.account, reading, [link.base], [_net(run) for run in _runs(writes)])


def _reading_of(account: AccountState | None, link: LinkState) -> Reading | None:
    """Return what a linked record says, None if that cannot be seen now."""
    if account is None or not account.reachable or link.remote_id in account.missing:
        return None
    record = account.records.get(link.remote_id)
    return None if record is None else record.reading


def _of_side(
    world: World,
    uid: Uid,
    side: AccountName,
    reading: Reading | None,
    bases: Sequence[Base],
    nets: Sequence[Undone],
) -> Iterator[Return]:
    earlier = undone([each for each in world.returns if each.uid == uid], side)
    if reading is None:
        yield from (Return(uid, side, change) for change in earlier.values())
        return
    candidates = [*nets, earlier]
    for name in FIELDS:
        value = value_of(reading.person, name)
        if name in reading.held:
            found = earlier.get(name)
        else:
            changes = (candidate[name] for candidate in candidates if name in candidate)
            found = next((change for change in changes if _has_returned(change, value, bases)), None)
        if found is not None:
            yield Return(uid, side, found)


def _has_returned(change: Change, value: Value, bases: Sequence[Base]) -> bool:
    name = change.field
    if FIELDS[name].cardinality is Cardinality.ONE:
        is_back = same(name, value, change.before) and not same(name, change.before, change.after)
    else:
        added, removed = _moved(change)
        now = keys(name, value)
        # Something new in the place of what we wrote, and nothing that we replaced: an edit, as of a single value.
        is_edit = bool(removed) and not removed & now and bool(now - keys(name, change.before))
        is_back = bool(added or removed & now) and not added & now and not is_edit
    return is_back and any(name in base and is_at_stake(change, value, base[name]) for base in bases)


def _since_restored(writes: Sequence[RecentWrite]) -> Sequence[RecentWrite]:
    restored = [number for number, one in enumerate(writes, start=1) if isinstance(one, RestoreNote | RestoreRecord)]
    return writes[restored[-1] :] if restored else writes


def _runs(writes: Sequence[RecentWrite]) -> list[Sequence[RecentWrite]]:
    """Return what may have been written since an older copy was made: all of it, or what followed a write."""
    return [writes[first:] for first in range(len(writes))]


def _net(run: Sequence[RecentWrite]) -> Undone:
    """Return what a run of writes has made of each field that it changed."""
    nets: dict[FieldName, Change] = {}
    for change in _changes(run):
        first = nets.get(change.field, change)
        nets[change.field] = Change(change.field, first.before, change.after, ())
    return nets


def _without_proven(net: Undone, reading: Reading, run: Sequence[RecentWrite]) -> Undone:
    """Leave out of what a run of writes has made of a note whatever an older buffer cannot have undone."""
    standing = {name for name in net.keys() - reading.held.keys() if _stands(name, net, reading, run)}
    return {name: change for name, change in net.items() if len(net) == 1 or net.keys() - standing - {name}}


def _stands(name: FieldName, net: Undone, reading: Reading, run: Sequence[RecentWrite]) -> bool:
    """Tell whether a field still says something that a run of writes brought into it."""
    before, now = keys(name, net[name].before), keys(name, value_of(reading.person, name))
    brought = [keys(name, change.after) - before for change in _changes(run) if change.field == name]
    return any(added and added <= now for added in brought)


def _moved(change: Change) -> tuple[frozenset[str], frozenset[str]]:
    """Return the keys that a change added and those that it removed."""
    before, after = keys(change.field, change.before), keys(change.field, change.after)
    return after - before, before - after


def _changes(run: Sequence[RecentWrite]) -> Iterator[Change]:
    for write in run:
        if isinstance(write, WriteNote | UpdateRecord):
            yield from write.changes
