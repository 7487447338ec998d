"""The dates that calendars give to people: recomputed from every meeting ever seen, never moved on from the last result.

So a decline, a cancellation, a move or a deletion takes a date back as soon as it is known. What only a read that has
not completed says is `unsettled`: it may be half of a move. It can raise what the settled meetings give, and add to
it, but takes nothing away.

The result does not depend on the order of the sightings.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from mappings.date_memory import Met, Stranger
from mappings.event import CalendarName, EventUid, Occurrence, Response
from mappings.meeting_case import MeetingRules, Purpose, Veto
from mappings.meeting_copies import Meeting, MeetingId, Sighting, meetings_in
from mappings.meeting_people import People, match_key, suggested
from mappings.meeting_rules import Judgement, Objection, judge
from mappings.normalize import email_key
from mappings.person import Uid
from mappings.record import AccountName, RemoteId

NEAR_MISSES_MAX = 10
"""More explain nothing further; a daily meeting of the whole company would fill pages."""

RECENT_DAYS = 90


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every copy of every meeting that is remembered.

    `settled` is what the last completed read of each calendar left behind, with what lies outside its window;
    `unsettled` what reads that have not completed have shown since.
    """

    settled: tuple[Sighting, ...]
    unsettled: tuple[Sighting, ...]


@dataclass(frozen=True, slots=True)
class Clock:
    """The present instant (aware), and the zone in which the owner has days."""

    now: datetime
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class Evidence:
    """A meeting as a reason: its local day and instant, where it stands, what the owner answered, how many came.

    `title` is "" unless titles are kept.
    """

    meeting: MeetingId
    date: str
    start: datetime
    account: AccountName
    calendar: CalendarName
    title: str
    answer: Response
    people: int


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A meeting that does not count for somebody invited to it, and why."""

    evidence: Evidence
    objection: Objection


@dataclass(frozen=True, slots=True)
class Tally:
    """What the calendars say of one person.

    `near_misses` are newest first, `missed_next` soonest first; `doubtful` are those of the past that lack only the
    owner's answer, newest first, and are among the near misses too as far as these reach.
    """

    last_contact: Evidence | None
    next_meeting: Evidence | None
    last_1on1: Evidence | None
    meetings_90d: int
    near_misses: tuple[NearMiss, ...]
    missed_next: tuple[NearMiss, ...]
    doubtful: tuple[NearMiss, ...]


NO_MEETINGS = Tally(None, None, None, 0, (), (), ())


@dataclass(frozen=True, slots=True)
class Findings:
    """What the calendars say: of each person that was ever invited, and of addresses that leave a question.

    `shared` are addresses that several notes own, `suggested` those that are a person's but for a tag.
    """

    tallies: Mapping[Uid, Tally]
    shared: Mapping[str, frozenset[Uid]]
    suggested: Mapping[str, Uid]

    def tally(self, uid: Uid) -> Tally:
        return self.tallies.get(uid, NO_MEETINGS)


@dataclass(frozen=True, slots=True)
class _Part:
    """One person's part in one meeting; `objection` is None if it counts."""

    meeting: Meeting
    judgement: Judgement
    objection: Objection | None

    @property
    def when(self) -> tuple[str, datetime, MeetingId]:
        # The day comes first: where clocks are turned back over midnight, a later start can be on an earlier day.
        return self.meeting.date, self.meeting.start, self.meeting.id

    @property
    def is_past(self) -> bool:
        return self.judgement.purpose is Purpose.LAST_CONTACT

    @property
    def evidence(self) -> Evidence:
        event = self.meeting.event
        return Evidence(
            meeting=self.meeting.id,
            date=self.meeting.date,
            start=self.meeting.start,
            account=event.account,
            calendar=event.calendar,
            title="" if self.meeting.is_private else event.title,
            answer=self.meeting.answer,
            people=self.judgement.people,
        )


def recompute(ledger: Ledger, people: People, rules: MeetingRules, vetoes: AbstractSet[Veto], clock: Clock) -> Findings:
    """Judge every meeting and gather what counts for whom.

    Result: no `last_contact` is in the future, every `next_meeting` is.
    Errors: none.
    """
    settled = _findings(ledger.settled, people, rules, vetoes, clock)
    if not ledger.unsettled:
        return settled
    latest = _findings(_overlaid(ledger), people, rules, vetoes, clock)
    tallies = {
        uid: _raised(settled.tally(uid), latest.tally(uid)) for uid in settled.tallies.keys() | latest.tallies.keys()
    }
    return Findings(tallies, {**settled.shared, **latest.shared}, {**settled.suggested, **latest.suggested})


def strangers(
    ledger: Ledger,
    people: People,
    rules: MeetingRules,
    vetoes: AbstractSet[Veto],
    clock: Clock,
    accounts: AbstractSet[AccountName],
) -> Mapping[str, Stranger]:
    """Return whom the owner has met and who owns no note, by the address's key.

    Only meetings that stand in a calendar of `accounts` are looked at. What is unsettled can only take somebody away:
    half of a move is no reason to make a note.
    """
    settled = _strangers(ledger.settled, people, rules, vetoes, clock, accounts)
    if not ledger.unsettled:
        return settled
    latest = _strangers(_overlaid(ledger), people, rules, vetoes, clock, accounts)
    return {key: stranger for key, stranger in settled.items() if key in latest}


def _strangers(
    sightings: Sequence[Sighting],
    people: People,
    rules: MeetingRules,
    vetoes: AbstractSet[Veto],
    clock: Clock,
    accounts: AbstractSet[AccountName],
) -> Mapping[str, Stranger]:
    places = {sighting.id for sighting in sightings if sighting.event.account in accounts}
    found: dict[str, Stranger] = {}
    for meeting in sorted(meetings_in(sightings, people.me, clock.zone), key=lambda one: (one.date, one.start, one.id)):
        if meeting.ids.isdisjoint(places):
            continue
        judgement = judge(meeting, people, rules, vetoes, clock.now)
        if judgement.purpose is not Purpose.LAST_CONTACT:
            continue
        met = Met(meeting.date, meeting.start)
        for key, objection in judgement.guests.items():
            is_known = key in people.owners or key in people.shared or suggested(people, key) is not None
            if objection is None and not is_known:
                first = found[key].first if key in found else met
                found[key] = Stranger(_spelled(meeting, key), first, met)
    return found


def _spelled(meeting: Meeting, key: str) -> str:
    """Return an address as it was invited: a key may lack dots."""
    event = meeting.event
    spellings = (event.organizer, *(attendee.address for attendee in event.attendees))
    return min((email_key(text) for text in spellings if match_key(text) == key), default=key)


def _overlaid(ledger: Ledger) -> list[Sighting]:
    """Return the ledger as if what is unsettled were the truth about the meetings that it tells of."""
    told = {_place(sighting) for sighting in ledger.unsettled}
    return [*(sighting for sighting in ledger.settled if _place(sighting) not in told), *ledger.unsettled]


def _place(sighting: Sighting) -> tuple[AccountName, CalendarName, EventUid | RemoteId, Occurrence]:
    event = sighting.event
    return event.account, event.calendar, event.uid or event.source, event.occurrence


def _raised(settled: Tally, latest: Tally) -> Tally:
    """Unite what is certain with what may be half of the truth: nothing goes back."""
    return Tally(
        last_contact=_later(settled.last_contact, latest.last_contact),
        next_meeting=_sooner(settled.next_meeting, latest.next_meeting),
        last_1on1=_later(settled.last_1on1, latest.last_1on1),
        meetings_90d=max(settled.meetings_90d, latest.meetings_90d),
        near_misses=latest.near_misses,
        missed_next=latest.missed_next,
        doubtful=latest.doubtful,
    )


def _later(left: Evidence | None, right: Evidence | None) -> Evidence | None:
    return max((each for each in (left, right) if each is not None), key=_when, default=None)


def _sooner(left: Evidence | None, right: Evidence | None) -> Evidence | None:
    return min((each for each in (left, right) if each is not None), key=_when, default=None)


def _when(evidence: Evidence) -> tuple[str, datetime, MeetingId]:
    return evidence.date, evidence.start, evidence.meeting


def _findings(
    sightings: Iterable[Sighting], people: People, rules: MeetingRules, vetoes: AbstractSet[Veto], clock: Clock
) -> Findings:
    parts: defaultdict[Uid, list[_Part]] = defaultdict(list)
    strangers: set[str] = set()
    for meeting in meetings_in(sightings, people.me, clock.zone):
        judgement = judge(meeting, people, rules, vetoes, clock.now)
        strangers |= judgement.guests.keys() - people.owners.keys()
        for uid, objection in _by_person(judgement, people).items():
            parts[uid].append(_Part(meeting, judgement, objection))
    since = clock.now - timedelta(days=RECENT_DAYS)
    return Findings(
        tallies={uid: _tally(own, since) for uid, own in parts.items()},
        shared={address: people.shared[address] for address in strangers & people.shared.keys()},
        suggested=dict(_suggestions(strangers, people)),
    )


def _suggestions(strangers: AbstractSet[str], people: People) -> Iterator[tuple[str, Uid]]:
    for address in strangers:
        uid = suggested(people, address)
        if uid is not None:
            yield address, uid


def _by_person(judgement: Judgement, people: People) -> dict[Uid, Objection | None]:
    """Return what speaks against each person: nothing, if nothing speaks against one of his addresses."""
    found: dict[Uid, Objection | None] = {}
    for address, objection in judgement.guests.items():
        for uid in _concerned(address, people):
            found[uid] = objection and found.get(uid, objection)
    return found


def _concerned(address: str, people: People) -> Iterable[Uid]:
    """Return whose address it is; of several, none is chosen, but each may ask why."""
    owner = people.owners.get(address)
    return people.shared.get(address, ()) if owner is None else (owner,)


def _tally(parts: Sequence[_Part], since: datetime) -> Tally:
    counted = [part for part in parts if part.objection is None]
    past = [part for part in counted if part.is_past]
    upcoming = [part for part in counted if not part.is_past]
    missed = sorted((part for part in parts if part.objection is not None), key=lambda part: part.when)
    before = [part for part in reversed(missed) if part.is_past]
    return Tally(
        last_contact=_latest(past),
        next_meeting=min(upcoming, key=lambda part: part.when).evidence if upcoming else None,
        last_1on1=_latest([part for part in past if part.judgement.is_one_to_one]),
        meetings_90d=sum(part.meeting.start > since for part in past),
        near_misses=_misses(before),
        missed_next=_misses([part for part in missed if not part.is_past]),
        doubtful=_misses([part for part in before if part.objection and part.judgement.is_doubtful(part.objection)]),
    )


def _latest(parts: Sequence[_Part]) -> Evidence | None:
    return max(parts, key=lambda part: part.when).evidence if parts else None


def _misses(parts: Sequence[_Part]) -> tuple[NearMiss, ...]:
    first = parts[:NEAR_MISSES_MAX]
    return tuple(NearMiss(part.evidence, part.objection) for part in first if part.objection is not None)
