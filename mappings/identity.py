"""Which record is whom, for people that are not linked yet.

Rules, strongest first:

1. A record that carries the person's uid is that person's.
2. A record and a note that share an e-mail or phone which no other note and no other record owns are one person.
3. Nothing else links; a name never does. But a record of the same name that is linked to nobody *blocks*: making
   a second one would be the duplicate that people complain of most, so the owner is asked.

Whatever is ambiguous becomes a `Question` about that one person; the others go on. A note and a record of which the
owner has said that they are not the same person are as if they had nothing in common. If it is the person's uid that
they have in common, or if the owner has parted them, nothing is linked, made or asked: the owner has answered.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from mappings.fields import FIELDS
from mappings.normalize import is_email, name_key
from mappings.person import Person, Uid
from mappings.record import AccountName, Record, RemoteId
from mappings.world import LOOKS_BEFORE_ABSENT, AccountState, LinkState, NoteState, Tombstone

Key = TypeVar("Key", Uid, RemoteId)
Group = TypeVar("Group", bound=str)


class Doubt(StrEnum):
    """Why a person cannot be linked without the owner."""

    SAME_NAME = "a contact of the same name is linked to nobody"
    SEVERAL_NOTES = "several notes own an address of this person"
    SEVERAL_RECORDS = "several contacts own an address of this person"
    LINKED_ELSEWHERE = "the contact that matches is linked to another note"
    SEVERAL_UIDS = "several contacts carry this person's uid"
    DELETED = "the contact was deleted in the account"
    KEPT_APART = "the contact that matches is kept for a note that is no person's at present"
    CAME_BACK = "the pair was parted by a deletion, and is here again"
    LOST = "the note carries a uid that no contact of the account carries; was its contact deleted?"


@dataclass(frozen=True, slots=True)
class Question:
    """One person of one account that waits for the owner, with the records that might be meant."""

    account: AccountName
    uid: Uid
    doubt: Doubt
    candidates: tuple[RemoteId, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """A link that is certain, and what it rests on."""

    uid: Uid
    remote_id: RemoteId
    evidence: str


@dataclass(frozen=True, slots=True)
class Matches:
    """What became of each unlinked note: linked, asked about, or new to the account."""

    linked: tuple[Match, ...]
    questions: tuple[Question, ...]
    new: tuple[Uid, ...]


def addresses(person: Person) -> frozenset[str]:
    """Return the keys of what reaches a person, or once did: e-mails, those among the aliases too, and phones."""
    texts = (*person.emails, *person.former_emails, *person.aliases)
    emails = {FIELDS["emails"].key(text) for text in texts if is_email(text)}
    phones = {FIELDS["phones"].key(text) for text in person.phones}
    return frozenset(emails | {phone for phone in phones if any(character.isdigit() for character in phone)})


@dataclass(frozen=True, slots=True)
class _Index:
    """Who owns what in one account; built once, asked for each unlinked note."""

    account: AccountName
    note_owners: Mapping[str, frozenset[Uid]]
    record_owners: Mapping[str, frozenset[RemoteId]]
    by_uid: Mapping[Uid, tuple[RemoteId, ...]]
    free_by_name: Mapping[str, tuple[RemoteId, ...]]
    linked: frozenset[RemoteId]
    suspended: frozenset[RemoteId]
    tombstones: frozenset[Tombstone]
    strangers: Mapping[Uid, frozenset[RemoteId]]
    buried: frozenset[Uid]
    recovering: bool
    asked_for: frozenset[Uid]

    def parted(self, uid: Uid, remote_id: RemoteId) -> bool:
        return Tombstone(self.account, uid, remote_id) in self.tombstones


def match(
    notes: Sequence[NoteState],
    account: AccountState,
    links: Iterable[LinkState],
    suspended: Iterable[LinkState],
    tombstones: frozenset[Tombstone],
    strangers: frozenset[Tombstone],
) -> Matches:
    """Find the record of every note that has no link in the account.

    Shapes: `notes` are all people of the vault (linked ones own addresses too), each uid once.
    Errors: none; a doubt is a value.
    """
    linked = {link.uid: link.remote_id for link in links if link.account == account.name}
    apart = {link.uid: link.remote_id for link in suspended if link.account == account.name}
    index = _index(notes, account, linked, apart, tombstones)
    index = replace(index, strangers=_strangers(account.name, strangers))
    unlinked = (_match_one(note, index) for note in notes if note.uid not in linked | apart)
    outcomes = [outcome for outcome in unlinked if outcome is not None]
    matches = _without_rivals(index.account, outcomes)
    # A record missed by one look owns what it owns, but cannot be linked: its note waits for the next look.
    return replace(matches, linked=tuple(one for one in matches.linked if one.remote_id not in account.missing))


def _match_one(note: NoteState, index: _Index) -> Match | Question | Uid | None:
    """Return what becomes of an unlinked note, None if the owner has said already that nothing is to."""
    strangers = index.strangers.get(note.uid, frozenset[RemoteId]())
    marked = index.by_uid.get(note.uid, ())
    # A contact that the owner has parted from the note stays so under another id, too.
    is_parted = any(index.parted(note.uid, remote_id) for remote_id in strangers)
    carriers = () if is_parted else tuple(remote_id for remote_id in marked if remote_id not in strangers)
    if len(carriers) > 1:
        return _question(note, index, Doubt.SEVERAL_UIDS, carriers)
    if carriers:
        return _match_with(note, index, carriers[0], "uid")
    if marked:
        return None
    # The owner has seen the doubt and wants a new contact; one that carries the uid would be a second of the same name.
    if note.uid in index.asked_for:
        return note.uid
    found = _by_address(note, index)
    if isinstance(found, Question):
        return found
    return _match_with(note, index, found, "address") if found is not None else _without_record(note, index, strangers)


def _without_record(note: NoteState, index: _Index, strangers: frozenset[RemoteId]) -> Question | Uid | None:
    """Return the uid if a contact may be made, else what stands against it."""
    if any(index.parted(note.uid, remote_id) for remote_id in strangers):
        return None
    if note.uid in index.buried:
        return _question(note, index, Doubt.DELETED, ())
    alike = index.free_by_name.get(name_key(note.reading.person.name), ())
    namesakes = tuple(remote_id for remote_id in alike if remote_id not in strangers)
    if namesakes:
        return _question(note, index, Doubt.SAME_NAME, namesakes)
    if index.recovering and note.reading.uid is not None:
        return _question(note, index, Doubt.LOST, ())
    return note.uid


def _match_with(note: NoteState, index: _Index, remote_id: RemoteId, evidence: str) -> Match | Question:
    if remote_id in index.linked | index.suspended or index.parted(note.uid, remote_id):
        return _question(note, index, _doubt_of(note, index, remote_id), (remote_id,))
    return Match(note.uid, remote_id, evidence)


def _question(note: NoteState, index: _Index, doubt: Doubt, candidates: Iterable[RemoteId]) -> Question:
    return Question(index.account, note.uid, doubt, tuple(sorted(candidates)))


def _by_address(note: NoteState, index: _Index) -> RemoteId | Question | None:
    """Return the one record that owns the person's addresses, the doubt about it, or None if no record does."""
    certain: set[RemoteId] = set()
    shared: list[frozenset[RemoteId]] = []
    shared_among_notes = False
    for address in addresses(note.reading.person):
        owners = index.record_owners.get(address, frozenset()) - index.strangers.get(note.uid, frozenset())
        if len(owners) == 1 and len(index.note_owners[address]) == 1:
            certain |= owners
        elif owners:
            shared.append(owners)
            shared_among_notes |= len(index.note_owners[address]) > 1
    if len(certain) == 1 and all(certain <= owners for owners in shared):
        return next(iter(certain))
    candidates = tuple(sorted(certain.union(*shared)))
    if not candidates:
        return None
    doubt = Doubt.SEVERAL_NOTES if shared_among_notes and len(certain) < 2 else Doubt.SEVERAL_RECORDS
    return Question(index.account, note.uid, doubt, candidates)


def _doubt_of(note: NoteState, index: _Index, remote_id: RemoteId) -> Doubt:
    if index.parted(note.uid, remote_id):
        return Doubt.CAME_BACK
    return Doubt.KEPT_APART if remote_id in index.suspended else Doubt.LINKED_ELSEWHERE


def _without_rivals(account: AccountName, outcomes: Iterable[Match | Question | Uid]) -> Matches:
    """Turn two notes' claims on one record into questions: a uid may point where another's address does."""
    claims: defaultdict[RemoteId, list[Match]] = defaultdict(list)
    questions: list[Question] = []
    new: list[Uid] = []
    for outcome in outcomes:
        match outcome:
            case Match():
                claims[outcome.remote_id].append(outcome)
            case Question():
                questions.append(outcome)
            case _:
                new.append(outcome)
    linked = [rivals[0] for rivals in claims.values() if len(rivals) == 1]
    questions.extend(
        Question(account, rival.uid, Doubt.SEVERAL_NOTES, (rival.remote_id,))
        for rivals in claims.values()
        if len(rivals) > 1
        for rival in rivals
    )
    return Matches(tuple(linked), tuple(questions), tuple(new))


def _index(
    notes: Sequence[NoteState],
    account: AccountState,
    linked: Mapping[Uid, RemoteId],
    suspended: Mapping[Uid, RemoteId],
    tombstones: frozenset[Tombstone],
) -> _Index:
    gone = {remote_id for remote_id, looks in account.missing.items() if looks >= LOOKS_BEFORE_ABSENT}
    present = [record for record in account.records.values() if record.remote_id not in gone]
    uids = {note.uid for note in notes}
    kept = frozenset(remote_id for uid, remote_id in linked.items() if uid in uids)
    return _Index(
        account=account.name,
        note_owners=_owners((note.uid, addresses(note.reading.person)) for note in notes),
        record_owners=_owners((record.remote_id, addresses(record.person)) for record in present),
        by_uid=_grouped((record.uid, record.remote_id) for record in present if record.uid is not None),
        free_by_name=_grouped(_free_names(present, kept, uids)),
        linked=frozenset(linked.values()),
        suspended=frozenset(suspended.values()),
        tombstones=tombstones,
        strangers={},
        buried=frozenset(tombstone.uid for tombstone in tombstones if tombstone.account == account.name),
        recovering=account.recovering,
        asked_for=account.asked_for,
    )


def _strangers(account: AccountName, strangers: Iterable[Tombstone]) -> Mapping[Uid, frozenset[RemoteId]]:
    found: defaultdict[Uid, set[RemoteId]] = defaultdict(set)
    for stranger in strangers:
        if stranger.account == account:
            found[stranger.uid].add(stranger.remote_id)
    return {uid: frozenset(remote_ids) for uid, remote_ids in found.items()}


def _free_names(records: Sequence[Record], kept: frozenset[RemoteId], uids: set[Uid]) -> Iterator[tuple[str, RemoteId]]:
    """Yield the names of records that no note owns: not linked to one that is there, not carrying one's uid.

    A record whose note was not seen is not owned: the note may be there, under another uid.
    """
    for record in records:
        if record.remote_id not in kept and record.uid not in uids and record.person.name:
            yield name_key(record.person.name), record.remote_id


def _owners(items: Iterable[tuple[Key, frozenset[str]]]) -> Mapping[str, frozenset[Key]]:
    return {
        address: frozenset(owners)
        for address, owners in _grouped((address, owner) for owner, owned in items for address in owned).items()
    }


def _grouped(pairs: Iterable[tuple[Group, Key]]) -> Mapping[Group, tuple[Key, ...]]:
    groups: defaultdict[Group, list[Key]] = defaultdict(list)
    for group, member in pairs:
        groups[group].append(member)
    return {group: tuple(members) for group, members in groups.items()}
