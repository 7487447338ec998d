"""Who gets a note by himself: contacts of some accounts that are nobody's, and people who were met and have no note.

Making one too many is the mistake that people complain of most, so anything that may mean "he has a note already" keeps
a note from being made, and is told: an address that a note owns, or a contact that has a note; a note of the same name,
be it nobody's or gone; a uid; a deletion. Whoever once had a note never gets one again by himself.

What is to be done for somebody once his note is there is planned as for everybody, from the note that will be there.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from mappings import new_note
from mappings.date_memory import NOTHING_TOLD, DateMemory, Dates, Free, Stranger
from mappings.errors import EditRefused
from mappings.fields import FIELDS, shared, texts, value_of
from mappings.identity import Matches, addresses
from mappings.meeting_people import match_key
from mappings.normalize import is_email, name_key, phone_key
from mappings.operation import Agree, Agreed, CreateNote, Joined, Operation, RememberDate, UpdateRecord, WriteNote
from mappings.person import FieldName, Person, Uid, Value
from mappings.person_plan import Pair, plan_person
from mappings.record import MEETINGS, AccountName, NoteHash, NotePath, Record, RemoteId
from mappings.world import LOOKS_BEFORE_ABSENT, AccountState, Newcomers, NoteState, World


class NoNote(StrEnum):
    """Why somebody who lacks a note does not get one by himself."""

    OWNED = "a note, or a contact that has one, owns an address of theirs"
    NAMESAKE = "a note of the same name is there"
    SEVERAL = "several contacts own an address of theirs"
    HAD_ONE = "they had a note, or were parted from one"
    CARRIES_UID = "the contact carries the uid of a note that is not here"
    NAMELESS = "they have no name that can be read"
    OWN = "it is you"
    TAKEN = "a file of that name is there"
    LATER = "one run makes no more notes"
    UNSEEN = "the whole vault is looked at first"


@dataclass(frozen=True, slots=True)
class Unmade:
    """Somebody who gets no note, where he is from, what he is known by there, and why."""

    source: AccountName
    name: RemoteId | str
    reason: str


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The steps that make notes, and who gets none."""

    operations: tuple[Operation, ...]
    unmade: tuple[Unmade, ...]


@dataclass(frozen=True, slots=True)
class _Origin:
    """Somebody who lacks a note: the contact that is to be linked to it, or where he was met."""

    source: AccountName
    name: RemoteId | str
    uid: Uid
    person: Person | None
    pair: Pair | None
    emails: tuple[str, ...]
    met: Stranger | None


NOBODY = Arrivals((), ())


def arrivals(world: World, people: Mapping[Uid, NoteState], matches: Mapping[AccountName, Matches]) -> Arrivals:
    """Return what is to be done for those who get a note.

    Shapes: `matches` has every account that can be planned with.
    Errors: none; every doubt is a value.
    """
    offer = world.newcomers
    if offer is None:
        return NOBODY
    register = _Register(world, offer, people, matches)
    operations: list[Operation] = []
    unmade: list[Unmade] = []
    made = 0
    for origin in (*register.contacts(), *register.met()):
        reason = register.against(origin)
        if reason is None:
            continue
        if not reason:
            reason = offer.closed or (NoNote.LATER.value if made >= offer.limit else "")
        steps = () if reason else register.steps(origin)
        if isinstance(steps, str):
            reason, steps = steps, ()
        if reason:
            unmade.append(Unmade(origin.source, origin.name, reason))
        made += bool(steps)
        operations += steps
    return Arrivals(tuple(operations), tuple(unmade))


class _Register:
    """Who is known by which address and name; those who get a note in this run are added as they come.

    Worked out only once somebody waits for a note: in most runs nobody does.
    """

    def __init__(
        self,
        world: World,
        offer: Newcomers,
        people: Mapping[Uid, NoteState],
        matches: Mapping[AccountName, Matches],
    ) -> None:
        self._world, self._offer, self._people = world, offer, people
        self._accounts = [account for account in world.accounts if account.name in matches]
        self._apart = _apart(world, matches)
        self._coming: set[str] = set()

    @cached_property
    def _known(self) -> AbstractSet[Uid]:
        return self._offer.remembered | {note.uid for note in self._world.notes}

    @cached_property
    def _owned(self) -> AbstractSet[str]:
        return set(_owned(self._world, self._offer, self._apart))

    @cached_property
    def _owners(self) -> Mapping[str, Sequence[tuple[AccountName, Record]]]:
        return _owners(self._world.accounts)

    @cached_property
    def _names(self) -> dict[str, frozenset[str]]:
        return _names(self._world, self._offer, self._people)

    @cached_property
    def _paths(self) -> set[str]:
        return {_path_key(path) for path in self._offer.files}

    @cached_property
    def _buried(self) -> AbstractSet[tuple[AccountName, RemoteId]]:
        return {(one.account, one.remote_id) for one in self._world.tombstones}

    def contacts(self) -> Iterator[_Origin]:
        """Yield the contacts that are nobody's."""
        for account in self._accounts:
            if account.name in self._offer.accounts:
                for record in sorted(account.records.values(), key=lambda one: one.remote_id):
                    is_taken = record.remote_id in self._apart[account.name] or record.remote_id in account.missing
                    if not is_taken:
                        yield self._contact(account, record)

    def _contact(self, account: AccountState, record: Record) -> _Origin:
        uid = new_note.uid_of(self._offer.vault_id, account.name, record.remote_id)
        emails = tuple(dict.fromkeys(match_key(text) for text in record.person.emails if is_email(text)))
        met = _joined([self._met[email] for email in emails if email in self._met])
        pair = Pair(account, record, {}, "")
        return _Origin(account.name, record.remote_id, uid, record.person, pair, emails, met)

    def met(self) -> Iterator[_Origin]:
        """Yield those whom the owner met, the last one first."""
        for key, stranger in sorted(self._met.items(), key=lambda item: (item[1].last.start, item[0]), reverse=True):
            if is_email(stranger.address):
                uid = new_note.uid_of(self._offer.vault_id, key)
                yield _Origin(MEETINGS, stranger.address, uid, self._named(key), None, (key,), stranger)

    @property
    def _met(self) -> Mapping[str, Stranger]:
        dates = self._world.dates
        return {} if dates is None or dates.held else self._offer.met

    def _named(self, key: str) -> Person | None:
        """Return the contact who says how somebody is called, if all contacts that own the address say the same."""
        found = [record for _, record in self._owners.get(key, ()) if "name" not in record.reading.held]
        names = {name_key(record.person.name) for record in found if record.person.name}
        return next((one.person for one in found if one.person.name), None) if len(names) == 1 else None

    def against(self, origin: _Origin) -> str | None:
        """Return why somebody gets no note, "" for nothing; None if the note that he will have is made already."""
        keys = {*origin.emails} if origin.pair is None else _keys(origin.pair.record.person)
        if keys & self._coming:
            return None
        return next((doubt.value for doubt in self._doubts(origin, keys)), "")

    def _doubts(self, origin: _Origin, keys: AbstractSet[str]) -> Iterator[NoNote]:
        own = [*(owner for key in sorted(keys) for owner in self._owners.get(key, ())), *_own(origin)]
        if keys & self._offer.own:
            yield NoNote.OWN
        if origin.uid in self._known or any(self._is_buried(account, record) for account, record in own):
            yield NoNote.HAD_ONE
        if keys & self._owned:
            yield NoNote.OWNED
        if any(record.uid is not None for _, record in own):
            yield NoNote.CARRIES_UID
        if origin.pair is not None and _is_shared(origin.pair, own):
            yield NoNote.SEVERAL
        if origin.pair is not None and _is_nameless(origin.pair.record):
            yield NoNote.NAMELESS
        if self._namesakes(origin):
            yield NoNote.NAMESAKE
        if self._path(origin) is None:
            yield NoNote.TAKEN

    def _is_buried(self, account: AccountName, record: Record) -> bool:
        return (account, record.remote_id) in self._buried

    def _namesakes(self, origin: _Origin) -> AbstractSet[str]:
        told_apart = {
            one.uid
            for one in self._world.strangers
            if origin.pair is not None and (one.account, one.remote_id) == (origin.source, origin.name)
        }
        name = _name(origin)
        found = (self._names.get(name_key(text), frozenset[str]()) for text in (name, new_note.stem_of(name)))
        return frozenset[str]().union(*found) - told_apart

    def _path(self, origin: _Origin) -> NotePath | None:
        stem = new_note.stem_of(_name(origin))
        folder = f"{self._offer.folder.strip('/')}/" if self._offer.folder.strip("/") else ""
        for each in (stem, new_note.marked(stem, f"{origin.source}\n{origin.name}")):
            path = NotePath(f"{folder}{each}.md")
            if _path_key(path) not in self._paths:
                return path
        return None

    def steps(self, origin: _Origin) -> tuple[Operation, ...] | str:
        """Return the steps that make somebody's note, or why it cannot be made."""
        path = self._path(origin)
        if path is None:
            return NoNote.TAKEN.value
        values = _values(origin)
        created = origin.met.first.date if origin.met is not None else ""
        offer = self._offer
        try:
            made = new_note.filled(offer.template, path, origin.uid, created, values, offer.rules)
        except EditRefused as error:
            return error.reason
        if origin.person is None and made.reading.reading.person.name:
            # Cut to fit, the address would look like a name, and become one in address books.
            return NoNote.NAMELESS.value
        self._arrive(origin, path, made.reading.reading.person)
        note = NoteState(
            path=path,
            note_hash=NoteHash(""),
            uid=origin.uid,
            reading=made.reading.reading,
            holdable=made.reading.holdable,
            dated=made.reading.dated,
            context_date=made.reading.context_date,
            unwritable="",
            refused=made.refused,
        )
        return _with_record(self._world, origin, note, made.text)

    def _arrive(self, origin: _Origin, path: NotePath, person: Person) -> None:
        self._coming |= _keys(person) | {*origin.emails}
        self._paths.add(_path_key(path))
        for text in (person.name, _stem(path)):
            self._names[name_key(text)] = self._names.get(name_key(text), frozenset()) | {origin.uid}


def _with_record(world: World, origin: _Origin, note: NoteState, text: str) -> tuple[Operation, ...]:
    """Return the making of a note, with what is to be done for its person once it is there."""
    pairs = () if origin.pair is None else (origin.pair,)
    planned = plan_person(note, pairs, (), (), replace(world, dates=_dates_of(world.dates, origin, note)))
    agreed: dict[FieldName, Value] = {}
    for step in planned.operations:
        if isinstance(step, Agree):
            agreed |= step.agreed.values
    is_whole = not any(isinstance(step, WriteNote) for step in planned.operations)
    updates = [step for step in planned.operations if isinstance(step, UpdateRecord) and is_whole]
    remembered = [step for step in planned.operations if isinstance(step, RememberDate)]
    joined = tuple(Joined(pair.record.remote_id, Agreed(pair.account.name, agreed)) for pair in pairs)
    return (*remembered, CreateNote(note.uid, note.path, text, origin.source, joined), *updates)


def _dates_of(dates: Dates | None, origin: _Origin, note: NoteState) -> Dates | None:
    """Return what calendars tell, with the one whom they have not known: the date in his note is ours."""
    if dates is None or origin.met is None:
        return dates
    key: tuple[Uid, FieldName] = (note.uid, "last_contact")
    told = {**dates.told, note.uid: replace(NOTHING_TOLD, last_contact=origin.met.last)}
    is_ours = note.reading.person.last_contact == origin.met.last.date
    memory = DateMemory(None, origin.met.last.date, Free(), "")
    return replace(dates, told=told, memories={**dates.memories, key: memory} if is_ours else dates.memories)


def _values(origin: _Origin) -> Mapping[FieldName, Value]:
    """Return what a new note is to say: of a contact what may come in, of somebody met his address and the date."""
    values: dict[FieldName, Value] = {}
    if origin.pair is not None:
        policies, record = origin.pair.account.policies, origin.pair.record
        said = shared(record.person, policies)
        for name in FIELDS:
            comes = name == "name" or policies[name].direction.pulls
            if comes and name not in record.reading.held and texts(value_of(said, name)):
                values[name] = value_of(said, name)
    elif origin.met is not None:
        values["emails"] = (origin.met.address,)
        if origin.person is not None:
            values["name"] = origin.person.name
    if origin.met is not None and "last_contact" not in values:
        values["last_contact"] = origin.met.last.date
    return values


def _name(origin: _Origin) -> str:
    return origin.person.name if origin.person is not None else str(origin.name)


def _own(origin: _Origin) -> Sequence[tuple[AccountName, Record]]:
    return () if origin.pair is None else ((origin.pair.account.name, origin.pair.record),)


def _is_shared(pair: Pair, owners: Iterable[tuple[AccountName, Record]]) -> bool:
    return any(account == pair.account.name and record.remote_id != pair.record.remote_id for account, record in owners)


def _is_nameless(record: Record) -> bool:
    return not record.person.name or "name" in record.reading.held


def _joined(strangers: Sequence[Stranger]) -> Stranger | None:
    """Return what several addresses of one person come to."""
    if not strangers:
        return None
    first = min((one.first for one in strangers), key=lambda met: (met.date, met.start))
    last = max((one.last for one in strangers), key=lambda met: (met.date, met.start))
    return Stranger(strangers[0].address, first, last)


def _keys(person: Person) -> set[str]:
    """Return the keys of what reaches a person, of e-mails those by which invitations are told apart."""
    return set(map(_key, addresses(person)))


def _key(address: str) -> str:
    return match_key(address) if is_email(address) else phone_key(address)


def _apart(world: World, matches: Mapping[AccountName, Matches]) -> Mapping[AccountName, set[RemoteId]]:
    """Return the records that are somebody's, or will be after this plan."""
    taken: defaultdict[AccountName, set[RemoteId]] = defaultdict(set)
    for link in (*world.links, *world.suspended):
        taken[link.account].add(link.remote_id)
    for name, found in matches.items():
        taken[name].update(one.remote_id for one in found.linked)
    return taken


def _owned(world: World, offer: Newcomers, taken: Mapping[AccountName, set[RemoteId]]) -> Iterator[str]:
    """Yield the addresses of everybody who has a note, or had one that is not found."""
    for person in (*(note.reading.person for note in world.notes), *offer.former):
        yield from _keys(person)
    yield from map(_key, offer.addresses)
    for account in world.accounts:
        for remote_id in taken.get(account.name, ()):
            if remote_id in account.records:
                yield from _keys(account.records[remote_id].person)


def _owners(accounts: Iterable[AccountState]) -> Mapping[str, Sequence[tuple[AccountName, Record]]]:
    """Return which records own which address; those of accounts that cannot be reached as they were."""
    owners: defaultdict[str, list[tuple[AccountName, Record]]] = defaultdict(list)
    for account in accounts:
        for record in account.records.values():
            if account.missing.get(record.remote_id, 0) < LOOKS_BEFORE_ABSENT:
                for key in _keys(record.person):
                    owners[key].append((account.name, record))
    return owners


def _names(world: World, offer: Newcomers, people: Mapping[Uid, NoteState]) -> dict[str, frozenset[str]]:
    """Return whose each name is: people's by uid, and "" for files that are nobody's and for notes that are gone."""
    names: defaultdict[str, set[str]] = defaultdict(set)
    of_path = {note.path: note.uid for note in people.values()}
    for path in offer.files:
        names[name_key(_stem(path))].add(of_path.get(path, ""))
    for note in world.notes:
        person = note.reading.person
        for text in (person.name, person.nickname, *person.aliases):
            names[name_key(text)].add(note.uid)
    for person in offer.former:
        for text in (person.name, *person.aliases):
            names[name_key(text)].add("")
    return {name: frozenset(whose) for name, whose in names.items() if name}


def _stem(path: NotePath) -> str:
    return path.rpartition("/")[2].removesuffix(".md")


def _path_key(path: NotePath) -> str:
    """Return what two paths share that are one on systems blind to case or to how an accent is composed."""
    return unicodedata.normalize("NFC", path).casefold()
