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
from itertools import islice
from operator import attrgetter

from mappings.date_memory import Met, Stranger
from mappings.event import CalendarName, EventUid, Occurrence, Response
from mappings.meeting_case import MeetingRules, Purpose, Veto
from mappings.meeting_copies import Meeting, MeetingId, Sighting, copies_of_each, meeting_of
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
class _Judged:
    """A meeting with what the rules say of it; of two, the one whose `when` is greater is the later one."""

    meeting: Meeting
    judgement: Judgement
    when: tuple[str, datetime, MeetingId]

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


_Part = tuple[_Judged, Objection | None]
"""One person's part in one meeting; the objection is None if it counts."""


class _Judge:
    """Judges meetings, each of them once: the ledger with and without what is unsettled is the same but for that."""

    def __init__(self, people: People, rules: MeetingRules, vetoes: AbstractSet[Veto], clock: Clock) -> None:
        self.people, self.clock = people, clock
        self._rules, self._vetoes = rules, vetoes
        # By the identity of its copies: comparing long lists of guests would cost as much as judging them.
        self._known: dict[tuple[int, ...], _Judged] = {}

    def judged(self, sightings: Iterable[Sighting]) -> list[_Judged]:
        """Return the meetings by their time. Shapes: the sightings live as long as the judge."""
        return sorted(map(self._judge, copies_of_each(sightings)), key=attrgetter("when"))

    def _judge(self, copies: Sequence[Sighting]) -> _Judged:
        identity = tuple(map(id, copies))
        known = self._known.get(identity)
        if known is None:
            meeting = meeting_of(copies, self.people.me, self.clock.zone)
            judgement = judge(meeting, self.people, self._rules, self._vetoes, self.clock.now)
            # The day comes first: where clocks are turned back over midnight, a later start can be on an earlier day.
            known = _Judged(meeting, judgement, (meeting.date, meeting.start, meeting.id))
            self._known[identity] = known
        return known


def recompute(ledger: Ledger, people: People, rules: MeetingRules, vetoes: AbstractSet[Veto], clock: Clock) -> Findings:
    """Judge every meeting and gather what counts for whom.

    Result: no `last_contact` is in the future, every `next_meeting` is.
    Errors: none.
    """
    judging = _Judge(people, rules, vetoes, clock)
    settled = _findings(ledger.settled, judging)
    if not ledger.unsettled:
        return settled
    latest = _findings(_overlaid(ledger), judging)
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
    judging = _Judge(people, rules, vetoes, clock)
    settled = _strangers(ledger.settled, judging, accounts)
    if not ledger.unsettled:
        return settled
    latest = _strangers(_overlaid(ledger), judging, accounts)
    return {key: stranger for key, stranger in settled.items() if key in latest}


def _strangers(
    sightings: Sequence[Sighting], judging: _Judge, accounts: AbstractSet[AccountName]
) -> Mapping[str, Stranger]:
    people = judging.people
    places = {sighting.id for sighting in sightings if sighting.event.account in accounts}
    found: dict[str, Stranger] = {}
    for one in judging.judged(sightings):
        if not one.is_past or one.meeting.ids.isdisjoint(places):
            continue
        met = Met(one.meeting.date, one.meeting.start)
        for key, objection in one.judgement.guests.items():
            is_known = key in people.owners or key in people.shared or suggested(people, key) is not None
            if objection is None and not is_known:
                first = found[key].first if key in found else met
                found[key] = Stranger(_spelled(one.meeting, key), first, met)
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


def _findings(sightings: Iterable[Sighting], judging: _Judge) -> Findings:
    people = judging.people
    parts: defaultdict[Uid, list[_Part]] = defaultdict(list)
    strangers: set[str] = set()
    for one in judging.judged(sightings):
        strangers |= one.judgement.guests.keys() - people.owners.keys()
        for uid, objection in _by_person(one.judgement, people).items():
            parts[uid].append((one, objection))
    since = judging.clock.now - timedelta(days=RECENT_DAYS)
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
    """Return what comes of somebody's parts, which are given by their time."""
    past = [one for one, objection in parts if objection is None and one.is_past]
    upcoming = (one for one, objection in parts if objection is None and not one.is_past)
    missed = [(one, objection) for one, objection in parts if objection is not None]
    before = [(one, objection) for one, objection in reversed(missed) if one.is_past]
    return Tally(
        last_contact=_first(reversed(past)),
        next_meeting=_first(upcoming),
        last_1on1=_first(one for one in reversed(past) if one.judgement.is_one_to_one),
        meetings_90d=sum(one.meeting.start > since for one in past),
        near_misses=_misses(before),
        missed_next=_misses((one, objection) for one, objection in missed if not one.is_past),
        doubtful=_misses((one, objection) for one, objection in before if one.judgement.is_doubtful(objection)),
    )


def _first(meetings: Iterable[_Judged]) -> Evidence | None:
    return next((one.evidence for one in meetings), None)


def _misses(missed: Iterable[tuple[_Judged, Objection]]) -> tuple[NearMiss, ...]:
    return tuple(NearMiss(one.evidence, objection) for one, objection in islice(missed, NEAR_MISSES_MAX))
