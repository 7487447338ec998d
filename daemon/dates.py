"""Dates that calendars give to notes: what is remembered of each, and what there is to derive them from now.

Judging every meeting takes longer than a run that finds nothing to do, so what came of it is kept. It holds until the
ledger, the notes' addresses or the rules are others, or until time itself changes something: a meeting begins or ends,
or becomes too old or new enough to be looked at.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from hashlib import blake2s
from typing import Any, assert_never

from daemon import ledger
from daemon.codec import time_of, time_text
from daemon.setup import Meetings
from daemon.state import Readable, Row, State, Transaction, get_meta, set_meta
from mappings.date_memory import (
    DateMemory,
    Dates,
    Floor,
    Free,
    Met,
    Off,
    Pin,
    Standing,
    Told,
    carried_out,
)
from mappings.meeting_copies import Sighting, instants
from mappings.meeting_people import People, people_of
from mappings.meetings import RECENT_DAYS, Clock, Evidence, Findings, Ledger, Tally, recompute
from mappings.operation import RememberDate
from mappings.person import FieldName, Person, Uid
from mappings.world import NoteState

_KEPT = "derived dates"
_BEGUN = "dates_begun"


@dataclass(frozen=True, slots=True)
class _Judged:
    """What came of judging every meeting, as far as notes are concerned."""

    told: dict[Uid, Told]
    unanswered: int
    shared: dict[str, frozenset[Uid]]


def derive(meetings: Meetings, state: State, notes: Sequence[NoteState], now: datetime) -> Dates | None:
    """Return what there is to derive dates from, None where no calendar was ever read completely."""
    if not ledger.is_begun(state):
        return None
    people = owners(meetings, ((note.uid, note.reading.person) for note in notes))
    judged = _kept_or_judged(meetings, state, people, now)
    return Dates(
        today=now.astimezone(meetings.zone).date().isoformat(),
        fields=meetings.fields,
        from_context=meetings.from_context,
        first_run=get_meta(state, _BEGUN) is None,
        held=False,
        told=judged.told,
        unanswered=judged.unanswered,
        shared=judged.shared,
        memories=memories(state),
    )


def told(meetings: Meetings, state: State, people: People, now: datetime) -> Mapping[Uid, Told]:
    """Return what the calendars tell of everybody."""
    return _kept_or_judged(meetings, state, people, now).told


def hold_until(state: Readable) -> datetime | None:
    """Return when time itself changes what the calendars tell: a meeting begins or ends; None if nothing is kept."""
    kept = get_meta(state, _KEPT)
    if kept is None:
        return None
    document: dict[str, Any] = json.loads(kept)
    return time_of(document["until"])


def findings(meetings: Meetings, state: State, people: People, now: datetime) -> Findings:
    """Judge every meeting that is remembered."""
    return _judged(meetings, state, ledger.ledger(state), people, now)


def owners(meetings: Meetings, everybody: Iterable[tuple[Uid, Person]]) -> People:
    """Return who owns which address."""
    return people_of(meetings.me, ((uid, owned(person)) for uid, person in everybody))


def owned(person: Person) -> tuple[str, ...]:
    """Return every address by which a person may be invited."""
    return (*person.emails, *person.former_emails, *person.aliases)


def memories(state: Readable) -> dict[tuple[Uid, FieldName], DateMemory]:
    """Return what is remembered of every date."""
    return {(Uid(row[0]), row[1]): _memory(row[2:]) for row in state.all("SELECT * FROM dates")}


def remember(tx: Transaction, run: int, step: RememberDate) -> None:
    """Remember a date; what was remembered before stays beside the run, for its undoing."""
    rows = tx.all("SELECT * FROM dates WHERE uid = ? AND field = ?", (step.uid, step.field))
    before = rows[0] if rows else (step.uid, step.field, *_columns(DateMemory(None, None, Free(), "")))
    tx.run("INSERT INTO dates_before VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", (run, *before))
    _put(tx, step.uid, step.field, step.memory)


def written(tx: Transaction, uid: Uid, names: Iterable[FieldName], today: str) -> None:
    """Remember that a note says what was intended for these fields."""
    for field in names:
        for row in tx.all("SELECT * FROM dates WHERE uid = ? AND field = ?", (uid, field)):
            _put(tx, uid, field, carried_out(_memory(row[2:]), today))


def put_back(tx: Transaction, run: int, uid: Uid, names: Iterable[FieldName]) -> None:
    """Remember of a person's dates what was remembered before a run, because what it wrote is undone."""
    for field in names:
        sql = "SELECT uid, field, stood, intended, standing, date, against, written_on FROM dates_before"
        for row in tx.all(f"{sql} WHERE run = ? AND uid = ? AND field = ?", (run, uid, field)):
            _put(tx, uid, field, _memory(row[2:]))


def seen_empty(tx: Transaction, uid: Uid, names: Iterable[FieldName]) -> None:
    """Remember that a note has an empty key for these fields: it is none that the owner puts there from now on."""
    for field in names:
        for row in tx.all("SELECT * FROM dates WHERE uid = ? AND field = ? AND stood IS NULL", (uid, field)):
            _put(tx, uid, field, replace(_memory(row[2:]), stood=""))


def begun(tx: Transaction) -> None:
    """Remember that a plan with dates was carried out."""
    if get_meta(tx, _BEGUN) is None:
        set_meta(tx, _BEGUN, "yes")


def _put(tx: Transaction, uid: Uid, field: FieldName, memory: DateMemory) -> None:
    tx.run("INSERT OR REPLACE INTO dates VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (uid, field, *_columns(memory)))


def _columns(memory: DateMemory) -> tuple[str | None, ...]:
    standing, date, against = _standing_columns(memory.standing)
    return memory.stood, memory.intended, standing, date, against, memory.written_on


def _standing_columns(standing: Standing) -> tuple[str, str, str | None]:
    match standing:
        case Free():
            return "free", "", None
        case Floor(date):
            return "floor", date, None
        case Pin(date, against):
            return "pin", date, None if against is None else time_text(against)
        case Off():
            return "off", "", None
        case _:
            assert_never(standing)


def _memory(row: Row) -> DateMemory:
    stood, intended, name, date, against, written_on = row
    standings: dict[str, Standing] = {
        "free": Free(),
        "floor": Floor(date),
        "pin": Pin(date, None if against is None else time_of(against)),
        "off": Off(),
    }
    return DateMemory(stood, intended, standings[name], written_on)


def _kept_or_judged(meetings: Meetings, state: State, people: People, now: datetime) -> _Judged:
    key = key_of(meetings, state, people)
    kept = get_meta(state, _KEPT)
    if kept is not None:
        document: dict[str, Any] = json.loads(kept)
        if document["key"] == key and time_of(document["since"]) <= now < time_of(document["until"]):
            return _of_document(document)
    seen = ledger.ledger(state)
    found = _judged(meetings, state, seen, people, now)
    until = holds_until(meetings, seen, now)
    judged = _Judged(
        told={uid: _told_of(tally) for uid, tally in found.tallies.items() if _says_something(tally)},
        unanswered=sum(len(tally.doubtful) for tally in found.tallies.values()),
        shared=dict(found.shared),
    )
    with state.transaction() as tx:
        set_meta(tx, _KEPT, json.dumps(_document(key, now, until, judged)))
    return judged


def _judged(meetings: Meetings, state: State, seen: Ledger, people: People, now: datetime) -> Findings:
    horizon = now + meetings.ahead
    near = Ledger(*(tuple(_before(horizon, part, meetings.zone)) for part in (seen.settled, seen.unsettled)))
    return recompute(near, people, meetings.rules, ledger.vetoes(state), Clock(now, meetings.zone))


def _before(horizon: datetime, sightings: Iterable[Sighting], zone: tzinfo) -> Iterator[Sighting]:
    return (one for one in sightings if instants(one.event, zone)[0] < horizon)


def holds_until(meetings: Meetings, seen: Ledger, now: datetime) -> datetime:
    """Return when a meeting comes to count otherwise, though nobody changes anything."""
    return min((each for each in _turns(meetings, seen) if each > now), default=now + meetings.ahead)


def _turns(meetings: Meetings, seen: Ledger) -> Iterator[datetime]:
    """Yield the instants at which a meeting comes to count otherwise than before."""
    for sighting in (*seen.settled, *seen.unsettled):
        start, end = instants(sighting.event, meetings.zone)
        yield from (start - meetings.ahead, start, end, start + timedelta(days=RECENT_DAYS))


def key_of(meetings: Meetings, state: State, people: People) -> str:
    """Return what names everything that the derived dates follow from, but for the time."""
    owned_by = (
        sorted(people.owners.items()),
        sorted((address, sorted(uids)) for address, uids in people.shared.items()),
    )
    me = (sorted(people.me.addresses), sorted(people.me.of_account.items()))
    rules = replace(meetings.rules, kinds=frozenset(), excluded_domains=frozenset())
    # Sets have no order of their own, and this name is to be the same in every process.
    sets = (sorted(meetings.rules.kinds), sorted(meetings.rules.excluded_domains))
    zone = getattr(meetings.zone, "key", None) or str(meetings.zone)
    return blake2s(repr((ledger.version(state), owned_by, me, rules, sets, zone)).encode(), digest_size=16).hexdigest()


def _says_something(tally: Tally) -> bool:
    return tally.last_contact is not None or tally.next_meeting is not None


def _told_of(tally: Tally) -> Told:
    return Told(_met(tally.last_contact), _met(tally.next_meeting), _met(tally.last_1on1), tally.meetings_90d)


def _met(evidence: Evidence | None) -> Met | None:
    return None if evidence is None else Met(evidence.date, evidence.start)


def _document(key: str, now: datetime, until: datetime, judged: _Judged) -> dict[str, object]:
    return {
        "key": key,
        "since": time_text(now),
        "until": time_text(until),
        "told": {
            uid: [*map(_met_document, (one.last_contact, one.next_meeting, one.last_1on1)), one.meetings_90d]
            for uid, one in judged.told.items()
        },
        "unanswered": judged.unanswered,
        "shared": {address: sorted(uids) for address, uids in judged.shared.items()},
    }


def _met_document(met: Met | None) -> list[str] | None:
    return None if met is None else [met.date, time_text(met.start)]


def _of_document(document: dict[str, Any]) -> _Judged:
    def met(packed: list[str] | None) -> Met | None:
        return None if packed is None else Met(packed[0], time_of(packed[1]))

    told = {
        Uid(uid): Told(met(last), met(following), met(last_1on1), count)
        for uid, (last, following, last_1on1, count) in document["told"].items()
    }
    shared = {address: frozenset(map(Uid, uids)) for address, uids in document["shared"].items()}
    return _Judged(told, document["unanswered"], shared)
