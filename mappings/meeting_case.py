"""A meeting before the rules: what the owner decided, and what every rule asks of a meeting and its guests."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache

from mappings.event import AttendeeKind, Kind
from mappings.meeting_copies import Guest, Meeting, MeetingId
from mappings.meeting_people import People
from mappings.person import Uid

_THINGS = frozenset({AttendeeKind.ROOM, AttendeeKind.RESOURCE})


class Counts(StrEnum):
    """When a meeting to which a rule applies counts all the same."""

    NEVER = "never"
    ONE_TO_ONE = "one to one"
    ALWAYS = "always"


class Purpose(StrEnum):
    """The date that a meeting may give."""

    LAST_CONTACT = "last_contact"
    NEXT_MEETING = "next_meeting"


@dataclass(frozen=True, slots=True)
class Veto:
    """The owner's word that a meeting does not count: for one person, or for anybody (`uid` is None)."""

    meeting: MeetingId
    uid: Uid | None


@dataclass(frozen=True, slots=True)
class MeetingRules:
    """What the owner decided; each field is named as its key in `[meetings]`.

    `rooms` and `mailing_lists` are patterns of addresses, in which `*` is anything; `excluded_domains` holds domains,
    which exclude what is below them too. `people_max` counts those invited but for the owner, rooms and lists.
    """

    cancelled: Counts
    drafts: Counts
    declined: Counts
    kinds: frozenset[Kind]
    all_day: Counts
    out_of_office: Counts
    working_elsewhere: Counts
    free: Counts
    private: Counts
    hidden_people: Counts
    people_max: int
    running: Counts
    rooms: tuple[str, ...]
    mailing_lists: tuple[str, ...]
    they_declined: Counts
    excluded_domains: frozenset[str]
    tentative: Counts
    unanswered: Counts


DEFAULT_RULES = MeetingRules(
    cancelled=Counts.NEVER,
    drafts=Counts.NEVER,
    declined=Counts.NEVER,
    kinds=frozenset({Kind.ORDINARY}),
    all_day=Counts.NEVER,
    out_of_office=Counts.NEVER,
    working_elsewhere=Counts.NEVER,
    free=Counts.ONE_TO_ONE,
    private=Counts.ALWAYS,
    hidden_people=Counts.NEVER,
    people_max=8,
    running=Counts.NEVER,
    # Google's rooms, and its calendars that are nobody's own: those "organize" what is written into them.
    rooms=("*@resource.calendar.google.com", "*@group.calendar.google.com"),
    mailing_lists=("*@googlegroups.com", "*@groups.io", "*@lists.*", "all@*", "everyone@*", "staff@*", "team@*"),
    they_declined=Counts.NEVER,
    excluded_domains=frozenset(),
    tentative=Counts.NEVER,
    unanswered=Counts.NEVER,
)


@dataclass(frozen=True, slots=True)
class Case:
    """A meeting before the rules.

    `guests` are those of the meeting, of whom the owner's patterns too say what they are: a person, a room, a group.
    `heads` is how many people are invited but for the owner: one with two addresses is one, an unknown address too.
    """

    meeting: Meeting
    people: People
    rules: MeetingRules
    vetoes: AbstractSet[Veto]
    now: datetime
    guests: tuple[Guest, ...]
    heads: int
    has_list: bool

    @property
    def purpose(self) -> Purpose:
        return Purpose.NEXT_MEETING if self.meeting.start > self.now else Purpose.LAST_CONTACT

    @property
    def is_one_to_one(self) -> bool:
        return self.heads == 1 and not self.has_list and self.meeting.event.attendees_complete

    def allows(self, counts: Counts) -> bool:
        """Tell whether this meeting counts under a key's value."""
        return counts is Counts.ALWAYS or (counts is Counts.ONE_TO_ONE and self.is_one_to_one)

    def is_vetoed(self, uid: Uid | None) -> bool:
        return bool(self.vetoes) and any(Veto(each, uid) in self.vetoes for each in self.meeting.ids)


@dataclass(frozen=True, slots=True)
class Invitation:
    """One guest of a meeting before the rules; `uid` is None where no note, or several, own the address."""

    case: Case
    guest: Guest
    uid: Uid | None


def case_of(meeting: Meeting, people: People, rules: MeetingRules, vetoes: AbstractSet[Veto], now: datetime) -> Case:
    """Return the meeting with what has to be known of its guests."""
    guests = tuple(_known(guest, rules) for guest in meeting.guests)
    has_list = any(guest.kind is AttendeeKind.GROUP for guest in guests)
    return Case(meeting, people, rules, vetoes, now, guests, _heads(guests, people), has_list)


def _heads(guests: Iterable[Guest], people: People) -> int:
    humans = [guest.address for guest in guests if guest.kind is AttendeeKind.PERSON]
    return humans.count("") + len({people.identity(address) for address in humans if address})


def _known(guest: Guest, rules: MeetingRules) -> Guest:
    kind = _kind(guest, rules)
    return guest if kind is guest.kind else Guest(guest.address, guest.response, kind)


def _kind(guest: Guest, rules: MeetingRules) -> AttendeeKind:
    if guest.kind in _THINGS or _matches(guest.address, rules.rooms):
        return AttendeeKind.ROOM
    if guest.kind is AttendeeKind.GROUP or _matches(guest.address, rules.mailing_lists):
        return AttendeeKind.GROUP
    return AttendeeKind.PERSON


@lru_cache(maxsize=1 << 16)
def _matches(address: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatchcase(address, glob.casefold()) for glob in globs)
