"""One meeting out of its copies: an invitation stands in every calendar of everybody invited, and often in two of ours.

Copies are one meeting if they share the UID and the occurrence, or the organizer, the start and the title: a provider
may give each occurrence a UID of its own (Graph's `iCalUId`), and so may a program that copies between calendars.
What one calendar tells apart is never joined like that: people are booked side by side, an occurrence is moved to where
a cancelled one was, and an invitation that was withdrawn is sent anew.

Where copies differ:

- The copy that knows most *speaks* for the meeting, with its time, its list of people, its kind: the organizer's own;
  else one with the whole list of those invited; else the one that the owner answered best.
- Cancelled in one copy is cancelled, unless the organizer's own copy speaks: a cancellation reaches the calendars one
  after the other. A draft is one only if it speaks.
- The owner came if he accepted under one of his addresses in one of his calendars: he declines an invitation that he
  has twice, and keeps the other. What a calendar says of its own owner is believed before what others' lists say.
- Somebody else declined if one copy says so, unless the organizer's own copy speaks: that is where answers arrive.
- Private in one copy is private.

All of it without regard to the order in which copies were seen.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, tzinfo
from itertools import chain
from typing import NamedTuple, NewType

from mappings.event import AllDay, Attendee, AttendeeKind, CalendarName, Event, Response, Status, Timed
from mappings.meeting_people import Me, match_key
from mappings.normalize import name_key
from mappings.record import AccountName

MeetingId = NewType("MeetingId", str)
"""What the owner calls a meeting by; short, made from its UID and occurrence, the same in every calendar."""

_STRENGTH = (
    Response.UNKNOWN,
    Response.NEEDS_ACTION,
    Response.ORGANIZER,
    Response.DECLINED,
    Response.TENTATIVE,
    Response.ACCEPTED,
)
"""Which of several answers under one address stands: whoever organizes may still decline."""

_BEST = (
    Response.UNKNOWN,
    Response.NEEDS_ACTION,
    Response.DECLINED,
    Response.TENTATIVE,
    Response.ACCEPTED,
    Response.ORGANIZER,
)
"""Which of the owner's answers under several addresses stands: the one under which he was most likely there."""

_Calendar = tuple[AccountName, CalendarName]

_SAYS_NOTHING = frozenset({Response.UNKNOWN, Response.ORGANIZER})


@dataclass(frozen=True, slots=True)
class Sighting:
    """One calendar's copy of a meeting, as it is remembered.

    `likeness` is the same for copies under different UIDs; "" if there is not enough to tell by, as without a title.
    The event has no title unless titles are kept, and a private one never has.
    """

    id: MeetingId
    likeness: str
    event: Event


class Guest(NamedTuple):
    """Somebody or something invited other than the owner; `address` is a `match_key`, "" if it is not known.

    A tuple, because a year has a hundred thousand of them: a frozen dataclass takes three times as long to make.
    """

    address: str
    response: Response
    kind: AttendeeKind


@dataclass(frozen=True, slots=True)
class Meeting:
    """What all copies together say.

    `ids` are those of the copies, more than one where they differ; `event` is the copy that speaks.
    `start` and `end` are instants, `date` is the local day of the start.
    """

    ids: frozenset[MeetingId]
    event: Event
    start: datetime
    end: datetime
    date: str
    is_cancelled: bool
    is_private: bool
    answer: Response
    guests: tuple[Guest, ...]

    @property
    def id(self) -> MeetingId:
        return min(self.ids)


def sighting_without_title(event: Event) -> Sighting:
    """Return what is remembered of an event when titles are not kept."""
    return replace(sighting_with_title(event), event=replace(event, title=""))


def sighting_with_title(event: Event) -> Sighting:
    """Return what is remembered of an event when titles are kept; a private one's is not."""
    seen = replace(event, title="") if event.is_private else event
    likeness = _likeness(seen)
    # Without a UID and without a likeness, it is at least the same record in the next read.
    own = f"{event.uid}\x1f{event.occurrence}" if event.uid else likeness or f"{event.source}\x1f{event.when}"
    return Sighting(MeetingId(_digest(own)[:10]), likeness, seen)


def _likeness(event: Event) -> str:
    if not event.organizer or not event.title:
        return ""
    return _digest(f"{match_key(event.organizer)}\x1f{event.when.start}\x1f{name_key(event.title)}")[:16]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def copies_of_each(sightings: Iterable[Sighting]) -> Iterable[Sequence[Sighting]]:
    """Return the copies of each meeting: those with one id, and those with one likeness.

    Shapes: no two sightings of the same calendar, record, UID and occurrence.
    """
    by_id: defaultdict[MeetingId, list[Sighting]] = defaultdict(list)
    like: defaultdict[str, defaultdict[MeetingId, set[_Calendar]]] = defaultdict(lambda: defaultdict(set))
    for sighting in sightings:
        by_id[sighting.id].append(sighting)
        if sighting.likeness:
            like[sighting.likeness][sighting.id].add((sighting.event.account, sighting.event.calendar))
    leaders = _leaders(set(places) for places in like.values() if len(places) > 1 and _are_apart(places.values()))
    groups: defaultdict[MeetingId, list[Sighting]] = defaultdict(list)
    for each, copies in by_id.items():
        groups[leaders.get(each, each)] += copies
    return groups.values()


def _are_apart(places: Iterable[AbstractSet[_Calendar]]) -> bool:
    """Tell whether no calendar has two of those that are alike."""
    held = list(chain.from_iterable(places))
    return len(held) == len(set(held))


def _leaders(sets: Iterable[set[MeetingId]]) -> dict[MeetingId, MeetingId]:
    """Return one id to stand for each of those that are the same by some chain of sets."""
    members: dict[MeetingId, set[MeetingId]] = {}
    for ids in sets:
        joined = ids.union(*(members.get(each, set()) for each in ids))
        members.update(dict.fromkeys(joined, joined))
    return {each: min(joined) for each, joined in members.items()}


def meeting_of(copies: Sequence[Sighting], me: Me, zone: tzinfo) -> Meeting:
    """Return what all copies of one meeting come to, whatever their order."""
    events = [copy.event for copy in copies]
    speaker = events[0] if len(events) == 1 else max(events, key=lambda event: _rank(event, me))
    is_organizers = _is_organizers(speaker, me)
    start, end = instants(speaker, zone)
    heard = [speaker] if is_organizers else events
    return Meeting(
        ids=frozenset(copy.id for copy in copies),
        event=speaker,
        start=start,
        end=end,
        date=_local_date(speaker, zone),
        is_cancelled=any(event.status is Status.CANCELLED for event in heard),
        is_private=any(event.is_private for event in events),
        answer=_answer(events, me),
        guests=_guests(speaker, heard, me),
    )


def _rank(event: Event, me: Me) -> tuple[object, ...]:
    """Return how much a copy knows; what follows after the answer only makes the choice the same in every order."""
    return (
        _is_organizers(event, me),
        not event.is_draft,
        event.attendees_complete and bool(event.attendees),
        _BEST.index(_answer([event], me)),
        event.when.start.isoformat(),
        *(event.account, event.calendar, event.source, event.uid, event.occurrence),
    )


def _is_organizers(event: Event, me: Me) -> bool:
    """Tell whether this copy is the one in the calendar of whoever organizes, who is the owner."""
    if event.own_response is Response.ORGANIZER:
        return True
    signed_in = me.of_account.get(event.account)
    return signed_in is not None and match_key(event.organizer) == signed_in


def _answer(events: Iterable[Event], me: Me) -> Response:
    """Return the owner's best answer under any of his addresses; see the module for whom to believe."""
    own: defaultdict[str, set[Response]] = defaultdict(set)
    told: defaultdict[str, set[Response]] = defaultdict(set)
    for event in events:
        signed_in = me.of_account.get(event.account, event.account)
        statements = told if event.own_response in _SAYS_NOTHING else own
        statements[signed_in].add(event.own_response)
        for address, response in _mine(event, me):
            told[address].add(response)
    for address, responses in told.items():
        # Organizing is no answer that others could have heard wrong.
        own[address] |= responses & {Response.ORGANIZER} if own[address] else responses
    return max((max(answers, key=_STRENGTH.index) for answers in own.values()), key=_BEST.index)


def _mine(event: Event, me: Me) -> Iterator[tuple[str, Response]]:
    if (organizer := match_key(event.organizer)) in me.addresses:
        yield organizer, Response.ORGANIZER
    for attendee in event.attendees:
        if (address := match_key(attendee.address)) in me.addresses:
            yield address, attendee.response


def _guests(speaker: Event, heard: Iterable[Event], me: Me) -> tuple[Guest, ...]:
    """Return those of the speaking copy's list, each once, and who organizes; an unknown address is one more each."""
    declined = _declined(event for event in heard if event is not speaker)
    unknown: list[Guest] = []
    listed: dict[str, Guest] = {}
    for attendee in _invited(speaker):
        address = match_key(attendee.address)
        guest = Guest(address, Response.DECLINED if address in declined else attendee.response, attendee.kind)
        if not address:
            unknown.append(guest)
        elif address not in me.addresses:
            listed[address] = _stronger(guest, listed[address]) if address in listed else guest
    return (*unknown, *(listed[address] for address in sorted(listed)))


def _declined(events: Iterable[Event]) -> frozenset[str]:
    lists = (event.attendees for event in events)
    return frozenset(match_key(each.address) for each in chain(*lists) if each.response is Response.DECLINED)


def _invited(event: Event) -> tuple[Attendee, ...]:
    if not event.organizer:
        return event.attendees
    return (*event.attendees, Attendee(event.organizer, Response.ORGANIZER, AttendeeKind.UNKNOWN, is_optional=False))


def _stronger(left: Guest, right: Guest) -> Guest:
    """Return one guest of two lines for one address: what is said there is known better than by organizing."""
    response = max(left.response, right.response, key=_STRENGTH.index)
    kind = right.kind if left.kind is AttendeeKind.UNKNOWN else left.kind
    return Guest(left.address, response, kind)


def instants(event: Event, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return when an event starts and ends; whole days do so at midnight in the zone."""
    match event.when:
        case Timed(start, end):
            return start, end
        case AllDay(first, after):
            midnights = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (first, after))
            return next(midnights), next(midnights)


def _local_date(event: Event, zone: tzinfo) -> str:
    match event.when:
        case Timed(start, _):
            return start.astimezone(zone).date().isoformat()
        case AllDay(first, _):
            return first.isoformat()
