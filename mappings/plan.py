"""plan(world) → every step as a value, and everything that waits, with its reason. Decides; does nothing.

Order of the steps of one person: what is merely remembered, then the note, then the records. A record is only
told what the note holds by then, so that no base ever claims what the note did not say.

Accounts whose part is too large to run unasked are left out of it as if they could not be reached, and that part
is returned as `waiting`; the merge is computed again without them, because a note must not take over values of an
account that waits.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from mappings import returns
from mappings.at_rest import calm, is_at_rest
from mappings.brakes import Brake, Limit, Place, TooMany, brake, brake_dates, puts_uid, touches
from mappings.conflict import Conflict
from mappings.fields import FIELDS, Direction, blank, same, shared, value_of
from mappings.identity import Doubt, Matches, Question, addresses, match
from mappings.moves import may_have_moved, mixed_up, moves
from mappings.newcomers import Unmade, arrivals
from mappings.operation import DeleteRecord, Follow, Operation, Parting, Resume, Suspend, Unlink, WriteNote
from mappings.person import FieldName, Uid
from mappings.person_plan import NOTHING, Hold, Pair, Surplus, plan_person
from mappings.record import MEETINGS, AccountName, Record, RemoteId
from mappings.world import (
    LOOKS_BEFORE_ABSENT,
    AbsentNote,
    AccountState,
    LinkState,
    NewContacts,
    NoteState,
    Return,
    Whereabouts,
    World,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done now, what waits for the owner, and what is held back.

    `waiting` are the steps of the accounts in `brakes`; `kept_home` counts, for each account, the people whom its
    `new_contacts` setting does not send there. `moved_on` are fields that the owner had put back, and that a side has
    changed since; `surplus` is what stays in notes for want of room in a record; `returns` are what is to be known by
    the next look. `unanswered` counts the meetings of two that would count if the owner had answered. `unmade` are those
    who lack a note and get none by themselves.
    """

    operations: tuple[Operation, ...]
    conflicts: tuple[Conflict, ...]
    questions: tuple[Question, ...]
    holds: tuple[Hold, ...]
    brakes: tuple[Brake, ...]
    waiting: tuple[Operation, ...]
    kept_home: Mapping[AccountName, int]
    moved_on: tuple[tuple[Uid, FieldName], ...]
    surplus: tuple[Surplus, ...]
    returns: tuple[Return, ...]
    unanswered: int
    unmade: tuple[Unmade, ...]


def plan(world: World, limits: Mapping[AccountName, Limit], approved: frozenset[AccountName]) -> Plan:
    """Compute what is to be done so that all sides agree.

    Shapes: `limits` has every account of the world, and `MEETINGS`; `approved` names accounts that the owner has let run.
    Result: accounts over their limit are left out of `operations` and stand in `brakes` and `waiting`.
    Errors: none; every doubt is a value.
    """
    whole = allowed = _plan(world)
    brakes: list[Brake] = []
    while found := list(_brakes(world, allowed.operations, limits, approved | {one.account for one in brakes})):
        # What floods into the notes first: it may be all that makes another account look flooded too.
        flooding = [one for one in found if not isinstance(one, TooMany) or one.place is Place.NOTES] or found
        brakes += flooding
        allowed = _plan(_without(world, {one.account for one in brakes}))
    waiting = tuple(_waiting(whole.operations, allowed.operations, {one.account for one in brakes}))
    # What a rule settles without the braked accounts is written over now, and has to be known even if it clashes anew.
    settled = tuple(one for one in allowed.conflicts if one.settled_by and one not in whole.conflicts)
    return replace(
        whole,
        operations=allowed.operations,
        conflicts=(*whole.conflicts, *settled),
        brakes=tuple(brakes),
        waiting=waiting,
    )


def _waiting(
    whole: Sequence[Operation], allowed: Sequence[Operation], braked: AbstractSet[AccountName]
) -> Iterator[Operation]:
    """Yield the steps of the braked accounts, and those into notes that are only made for their sake."""
    theirs = [any(touches(step, account) for account in braked) for step in whole]
    people = {step.uid for step, is_theirs in zip(whole, theirs, strict=True) if is_theirs}
    written = {step.uid: step for step in allowed if isinstance(step, WriteNote)}
    for step, is_theirs in zip(whole, theirs, strict=True):
        is_theirs_too = step.uid in people or puts_uid(step)
        follows = isinstance(step, WriteNote) and is_theirs_too and written.get(step.uid) != step
        if is_theirs or follows:
            yield step


def _without(world: World, braked: AbstractSet[AccountName]) -> World:
    accounts = tuple(
        replace(account, reachable=account.reachable and account.name not in braked) for account in world.accounts
    )
    dates = world.dates
    if dates is not None and MEETINGS in braked:
        dates = replace(dates, held=True)
    return replace(world, accounts=accounts, dates=dates)


def _brakes(
    world: World,
    operations: Sequence[Operation],
    limits: Mapping[AccountName, Limit],
    unbraked: AbstractSet[AccountName],
) -> Iterator[Brake]:
    linked: defaultdict[AccountName, set[Uid]] = defaultdict(set)
    for link in world.links:
        linked[link.account].add(link.uid)
    for account in world.accounts:
        if account.name not in unbraked:
            yield from brake(account, operations, linked[account.name], limits[account.name])
    if world.dates is not None and MEETINGS not in unbraked:
        is_new = world.newcomers is not None and world.newcomers.first_met
        yield from brake_dates(operations, world.dates, limits[MEETINGS], is_new_for_notes=is_new)


def _plan(world: World) -> Plan:
    people, twins = _by_uid(world.notes)
    notes = tuple(people.values())
    reachable = [account for account in world.accounts if account.reachable]
    followed = [step for account in reachable for step in moves(account, world)]
    world = _following(world, followed)
    resumed = [link for link in world.suspended if link.uid in people and _is_reachable(world, link.account)]
    world = replace(
        world,
        links=(*world.links, *resumed),
        suspended=tuple(link for link in world.suspended if link not in resumed),
    )
    matches = {
        account.name: match(notes, account, world.links, world.suspended, world.tombstones, world.strangers)
        for account in reachable
    }
    mixed = frozenset((account.name, uid) for account in reachable for uid in mixed_up(account, world))
    confused = tuple(_confused(world, people, mixed))
    world = replace(world, links=tuple(link for link in world.links if (link.account, link.uid) not in mixed))
    pairs = _pairs(world, people, matches)
    makers, kept_home = _makers(reachable, people, matches)
    returned = returns.find(world, people)
    of_person: defaultdict[Uid, list[Return]] = defaultdict(list)
    for one in returned:
        of_person[one.uid].append(one)
    calmly = calm(world, of_person.keys())
    plans = [
        NOTHING
        if not makers[note.uid] and is_at_rest(note, pairs[note.uid], calmly)
        else plan_person(note, pairs[note.uid], makers[note.uid], of_person[note.uid], world)
        for note in notes
    ]
    arriving = arrivals(world, people, matches)
    return Plan(
        operations=(
            *followed,
            *(Resume(link.account, link.uid, link.remote_id) for link in resumed),
            *_partings(world, people, _claimed(matches)),
            *(step for person in plans for step in person.operations),
            *arriving.operations,
        ),
        conflicts=tuple(conflict for person in plans for conflict in person.conflicts),
        questions=tuple(question for found in matches.values() for question in found.questions),
        holds=(
            *twins,
            *_unreadable(world, people),
            *confused,
            *_shared(world, people),
            *(hold for person in plans for hold in person.holds),
        ),
        brakes=(),
        waiting=(),
        kept_home=kept_home,
        unanswered=world.dates.unanswered if world.dates is not None else 0,
        moved_on=tuple((note.uid, name) for note, person in zip(notes, plans, strict=True) for name in person.moved_on),
        surplus=tuple(each for person in plans for each in person.surplus),
        returns=returned,
        unmade=arriving.unmade,
    )


def _following(world: World, followed: Sequence[Follow]) -> World:
    """Return the world with each link at the id by which its record goes now."""
    if not followed:
        return world
    now = {(step.account, step.uid): step.remote_id for step in followed}
    links, suspended = (
        tuple(replace(link, remote_id=now.get((link.account, link.uid), link.remote_id)) for link in each)
        for each in (world.links, world.suspended)
    )
    return replace(world, links=links, suspended=suspended)


def _is_reachable(world: World, name: AccountName) -> bool:
    return any(account.name == name and account.reachable for account in world.accounts)


def _by_uid(notes: Sequence[NoteState]) -> tuple[Mapping[Uid, NoteState], Sequence[Hold]]:
    """Tell people apart by uid; notes that share one are held, all of them: a copy cannot be told from its original."""
    groups: defaultdict[Uid, list[NoteState]] = defaultdict(list)
    for note in notes:
        groups[note.uid].append(note)
    twins = [
        Hold(
            note.uid,
            note.path,
            AccountName(""),
            "",
            f"carries the same uid as {other.path}; remove it from one of them",
            "",
            {},
        )
        for group in groups.values()
        if len(group) > 1
        for note, other in zip(group, (*group[1:], group[0]), strict=True)
    ]
    return {uid: group[0] for uid, group in groups.items() if len(group) == 1}, twins


def _pairs(
    world: World, people: Mapping[Uid, NoteState], matches: Mapping[AccountName, Matches]
) -> Mapping[Uid, Sequence[Pair]]:
    """Collect, for each person, the records that can be read now: linked already, or certain to be theirs."""
    pairs: defaultdict[Uid, list[Pair]] = defaultdict(list)
    reachable = {account.name: account for account in world.accounts if account.reachable}
    for link in world.links:
        account = reachable.get(link.account)
        if account is None or link.uid not in people or link.remote_id in account.missing:
            continue
        record = account.records.get(link.remote_id)
        if record is not None:
            pairs[link.uid].append(Pair(account, record, link.base, ""))
    for name, found in matches.items():
        for linked in found.linked:
            record = reachable[name].records[linked.remote_id]
            pairs[linked.uid].append(Pair(reachable[name], record, {}, linked.evidence))
    return pairs


def _makers(
    reachable: Sequence[AccountState], people: Mapping[Uid, NoteState], matches: Mapping[AccountName, Matches]
) -> tuple[Mapping[Uid, Sequence[AccountState]], Mapping[AccountName, int]]:
    makers: defaultdict[Uid, list[AccountState]] = defaultdict(list)
    kept_home: Counter[AccountName] = Counter()
    for account in reachable:
        for uid in matches[account.name].new:
            if uid in account.asked_for or _wanted(account.new_contacts, people[uid]):
                makers[uid].append(account)
            else:
                kept_home[account.name] += 1
    return makers, kept_home


def _wanted(new_contacts: NewContacts, note: NoteState) -> bool:
    person = note.reading.person
    match new_contacts:
        case NewContacts.NONE:
            return False
        case NewContacts.REACHABLE:
            return bool(person.name and addresses(person))
        case NewContacts.ALL:
            return bool(person.name)


def _claimed(matches: Mapping[AccountName, Matches]) -> frozenset[tuple[AccountName, RemoteId]]:
    """Return the records that a note would be linked to, were they not another note's: it may be that note, moved."""
    return frozenset(
        (question.account, remote_id)
        for found in matches.values()
        for question in found.questions
        if question.doubt is Doubt.LINKED_ELSEWHERE
        for remote_id in question.candidates
    )


def _partings(
    world: World, people: Mapping[Uid, NoteState], claimed: frozenset[tuple[AccountName, RemoteId]]
) -> Iterator[Operation]:
    """Yield the end of every link whose note or record is proven to be gone, or that its note is no person's any more."""
    reachable = {account.name: account for account in world.accounts if account.reachable}
    for link in world.links:
        account = reachable.get(link.account)
        if account is None or link.uid in world.unreadable_people:
            continue
        absent = world.absent.get(link.uid)
        if absent is not None and absent.looks >= LOOKS_BEFORE_ABSENT:
            yield _without_note(link, absent, account, is_claimed=(link.account, link.remote_id) in claimed)
        elif link.uid in people and _is_gone(account, link.remote_id):
            yield Unlink(link.account, link.uid, link.remote_id, Parting.RECORD_DELETED)


def _without_note(link: LinkState, absent: AbsentNote, account: AccountState, *, is_claimed: bool) -> Operation:
    """Return how a link ends whose note is gone; the record goes too only where that is wished and loses nothing."""
    match absent.whereabouts:
        case Whereabouts.NOBODYS:
            return Suspend(link.account, link.uid, link.remote_id)
        case Whereabouts.SOMEBODY_ELSES:
            return Unlink(link.account, link.uid, link.remote_id, Parting.ANOTHER_PERSON)
        case Whereabouts.GONE:
            pass
    record = account.records.get(link.remote_id)
    is_there = record is not None and link.remote_id not in account.missing
    if not account.delete_with_note or record is None or not is_there or is_claimed:
        return Unlink(link.account, link.uid, link.remote_id, Parting.NOTE_DELETED)
    if not _is_as_agreed(record, link, account):
        return Unlink(link.account, link.uid, link.remote_id, Parting.CONTACT_SAYS_MORE)
    return DeleteRecord(link.account, link.uid, link.remote_id, record.etag)


def _is_as_agreed(record: Record, link: LinkState, account: AccountState) -> bool:
    """Tell whether the record says nothing that its note did not say, and nothing in it was touched since.

    The first are the fields that travel both ways; the etag stands for everything that is not compared.
    """
    both_ways: list[FieldName] = [name for name in FIELDS if account.policies[name].direction is Direction.BOTH]
    theirs = shared(record.person, account.policies)
    return record.etag == link.etag and all(
        same(name, value_of(theirs, name), link.base.get(name, blank(name))) for name in both_ways
    )


def _is_gone(account: AccountState, remote_id: RemoteId) -> bool:
    return account.missing.get(remote_id, 0) >= LOOKS_BEFORE_ABSENT and not may_have_moved(account, remote_id)


def _shared(world: World, people: Mapping[Uid, NoteState]) -> Iterator[Hold]:
    """Yield every note that shares an address to which meetings went: whom they were with, nobody can tell."""
    for address, owners in sorted(world.dates.shared.items() if world.dates is not None else ()):
        paths = {uid: people[uid].path for uid in sorted(owners) if uid in people}
        for uid, path in paths.items():
            others = ", ".join(other for owner, other in paths.items() if owner != uid)
            reason = f"{address} is in {others or 'another note'} too, so meetings with it count for nobody"
            yield Hold(uid, path, AccountName(""), "last_contact", reason, "", {})


def _confused(
    world: World, people: Mapping[Uid, NoteState], mixed: AbstractSet[tuple[AccountName, Uid]]
) -> Iterator[Hold]:
    """Yield the people whose contacts have each other's ids: whose is whose is for the owner to say."""
    reason = "the contacts of several people have changed their ids among each other; give them back as they were"
    for link in world.links:
        if (link.account, link.uid) in mixed and link.uid in people:
            yield Hold(link.uid, people[link.uid].path, link.account, "", reason, link.remote_id, {})


def _unreadable(world: World, people: Mapping[Uid, NoteState]) -> Iterator[Hold]:
    for account in world.accounts:
        for link in world.links:
            if link.account == account.name and link.uid in people and link.remote_id in account.unreadable:
                path = people[link.uid].path
                reason = account.unreadable[link.remote_id]
                yield Hold(link.uid, path, account.name, "", reason, link.remote_id, {})
