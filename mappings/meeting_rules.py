"""THE TABLE of meetings: each rule's key, what it looks at, what it says unless the owner decides otherwise.

A meeting that has begun is judged for `last_contact`, one that has not for `next_meeting`; never for both. It counts
for a guest if no rule speaks against it, and the first one that does is the reason which `why` gives. Most rules say
what a meeting *is* (cancelled, all-day, free); their key says when such a one counts: never, if there are only two
people, always. The rest hold a limit or a list.

"Accepted and over" stands for "was there": no calendar knows who came. So a meeting of two people that only lacks
the owner's answer is a *doubtful* one, which is told apart for the owner to look at.
"""

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from mappings.event import AllDay, AttendeeKind, Availability, Response
from mappings.meeting_case import Case, Counts, Invitation, MeetingRules, Purpose, Veto, case_of
from mappings.meeting_copies import Meeting
from mappings.meeting_people import People

Subject = TypeVar("Subject")


class RuleName(StrEnum):
    """The rules by name, in the order in which they are asked."""

    IGNORED = "ignored"
    CANCELLED = "cancelled"
    DRAFT = "draft"
    DECLINED = "declined"
    KIND = "kind"
    ALL_DAY = "all-day"
    OUT_OF_OFFICE = "out of office"
    WORKING_ELSEWHERE = "working elsewhere"
    FREE = "free"
    PRIVATE = "private"
    ALONE = "alone"
    HIDDEN = "hidden"
    SIZE = "size"
    LIST_INVITED = "list invited"
    RUNNING = "running"
    ROOM = "room"
    LIST = "list"
    SEVERAL_NOTES = "several notes"
    THEY_DECLINED = "they declined"
    DOMAIN = "domain"
    TENTATIVE = "tentative"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class Rule(Generic[Subject]):
    """One row of the table.

    `key` is the one in `[meetings]`, "" where something else decides. `against` says in words what speaks
    against the subject, "" if nothing does.
    """

    name: RuleName
    key: str
    looks_at: str
    purposes: frozenset[Purpose]
    against: Callable[[Subject], str]


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a meeting does not count."""

    rule: RuleName
    words: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whom a meeting counts for, and why not for the others.

    `guests` has every address but unknown ones, and what speaks against it first, None for nothing.
    `objection` speaks against the meeting itself, whoever is invited.
    """

    purpose: Purpose
    people: int
    is_one_to_one: bool
    objection: Objection | None
    guests: Mapping[str, Objection | None]

    def is_doubtful(self, objection: Objection) -> bool:
        """Tell whether the owner's answer is all that is missing in a meeting of two."""
        return self.is_one_to_one and objection.rule in _OF_DOUBT


def judge(meeting: Meeting, people: People, rules: MeetingRules, vetoes: AbstractSet[Veto], now: datetime) -> Judgement:
    """Ask every rule in the table's order.

    Errors: none; what speaks against is a value.
    """
    case = case_of(meeting, people, rules, vetoes, now)
    objection = _first(ASKED_OF_MEETINGS[case.purpose], case)
    doubt = _first(ASKED_OF_ANSWERS[case.purpose], case)
    of_guest = ASKED_OF_GUESTS[case.purpose]
    guests = {
        guest.address: objection or _first(of_guest, Invitation(case, guest, people.owners.get(guest.address))) or doubt
        for guest in case.guests
        if guest.address
    }
    return Judgement(case.purpose, case.heads, case.is_one_to_one, objection or doubt, guests)


def _first(rules: Iterable[Rule[Subject]], subject: Subject) -> Objection | None:
    for rule in rules:
        words = rule.against(subject)
        if words:
            return Objection(rule.name, words)
    return None


def _by_purpose(rules: tuple[Rule[Subject], ...]) -> Mapping[Purpose, tuple[Rule[Subject], ...]]:
    return {purpose: tuple(rule for rule in rules if purpose in rule.purposes) for purpose in Purpose}


def _unless(counts: Counts, case: Case, words: str) -> str:
    return "" if case.allows(counts) else words


def _vetoed(case: Case) -> str:
    return "you told contactd to ignore it" if case.is_vetoed(None) else ""


def _cancelled(case: Case) -> str:
    return _unless(case.rules.cancelled, case, "it was cancelled") if case.meeting.is_cancelled else ""


def _draft(case: Case) -> str:
    return _unless(case.rules.drafts, case, "it is a draft") if case.meeting.event.is_draft else ""


def _declined(case: Case) -> str:
    return _unless(case.rules.declined, case, "you declined") if case.meeting.answer is Response.DECLINED else ""


def _of_another_kind(case: Case) -> str:
    kind = case.meeting.event.kind
    return "" if kind in case.rules.kinds else f"no meeting: {kind}"


def _all_day(case: Case) -> str:
    return _unless(case.rules.all_day, case, "all-day") if isinstance(case.meeting.event.when, AllDay) else ""


def _availability(case: Case, availability: Availability, counts: Counts, words: str) -> str:
    return _unless(counts, case, words) if case.meeting.event.availability is availability else ""


def _private(case: Case) -> str:
    return _unless(case.rules.private, case, "private") if case.meeting.is_private else ""


def _alone(case: Case) -> str:
    return "" if case.meeting.guests else "nobody else was invited"


def _hidden(case: Case) -> str:
    if case.meeting.event.attendees_complete:
        return ""
    return _unless(case.rules.hidden_people, case, "the list of people is hidden or cut short")


def _too_large(case: Case) -> str:
    limit = case.rules.people_max
    return f"{case.heads} people, limit {limit}" if case.heads > limit else ""


def _list_invited(case: Case) -> str:
    # With one name beside the list, it is that one's meeting with the owner, and a list is told of it.
    return "a mailing list was invited, so nobody knows how many" if case.has_list and case.heads != 1 else ""


def _running(case: Case) -> str:
    return _unless(case.rules.running, case, "it has not ended yet") if case.meeting.end > case.now else ""


def _room(invitation: Invitation) -> str:
    is_room = invitation.guest.kind is AttendeeKind.ROOM
    return f"{invitation.guest.address} is a room or a thing, not a person" if is_room else ""


def _list(invitation: Invitation) -> str:
    is_list = invitation.guest.kind is AttendeeKind.GROUP
    return f"{invitation.guest.address} is a mailing list, not a person" if is_list else ""


def _of_several_notes(invitation: Invitation) -> str:
    address = invitation.guest.address
    return f"several notes own {address}" if address in invitation.case.people.shared else ""


def _vetoed_for(invitation: Invitation) -> str:
    uid = invitation.uid
    vetoed = uid is not None and invitation.case.is_vetoed(uid)
    return "you told contactd to ignore it for this person" if vetoed else ""


def _they_declined(invitation: Invitation) -> str:
    if invitation.guest.response is not Response.DECLINED:
        return ""
    return _unless(invitation.case.rules.they_declined, invitation.case, "they declined")


def _of_excluded_domain(invitation: Invitation) -> str:
    excluded = invitation.case.rules.excluded_domains
    if not excluded:
        return ""
    domain = invitation.guest.address.rpartition("@")[2]
    found = next((each for each in sorted(excluded) if domain == each or domain.endswith(f".{each}")), "")
    return f"{found} is excluded" if found else ""


def _tentative(case: Case) -> str:
    words = "you answered tentatively"
    return _unless(case.rules.tentative, case, words) if case.meeting.answer is Response.TENTATIVE else ""


def _unanswered(case: Case) -> str:
    match case.meeting.answer:
        case Response.NEEDS_ACTION:
            return _unless(case.rules.unanswered, case, "you have not answered")
        case Response.UNKNOWN:
            return _unless(case.rules.unanswered, case, "the calendar does not say whether you were to come")
        case _:
            return ""


_BOTH = frozenset(Purpose)
_PAST = frozenset({Purpose.LAST_CONTACT})

MEETING_RULES: tuple[Rule[Case], ...] = (
    Rule(RuleName.IGNORED, "", "what you told `contactd ignore`", _BOTH, _vetoed),
    Rule(RuleName.CANCELLED, "cancelled", "status", _BOTH, _cancelled),
    Rule(RuleName.DRAFT, "drafts", "whether it was ever sent", _BOTH, _draft),
    Rule(RuleName.DECLINED, "declined", "your answer", _BOTH, _declined),
    Rule(RuleName.KIND, "kinds", "kind of entry", _BOTH, _of_another_kind),
    Rule(RuleName.ALL_DAY, "all_day", "whole days or times", _BOTH, _all_day),
    Rule(
        RuleName.OUT_OF_OFFICE, "out_of_office", "availability", _BOTH,
        lambda case: _availability(
            case, Availability.OUT_OF_OFFICE, case.rules.out_of_office, "it says that you are out of office"
        ),
    ),
    Rule(
        RuleName.WORKING_ELSEWHERE, "working_elsewhere", "availability", _BOTH,
        lambda case: _availability(
            case, Availability.WORKING_ELSEWHERE, case.rules.working_elsewhere, "it says that you work elsewhere"
        ),
    ),
    Rule(
        RuleName.FREE, "free", "availability", _BOTH,
        lambda case: _availability(case, Availability.FREE, case.rules.free, "it leaves you free"),
    ),
    Rule(RuleName.PRIVATE, "private", "privacy", _BOTH, _private),
    Rule(RuleName.ALONE, "me", "people", _BOTH, _alone),
    Rule(RuleName.HIDDEN, "hidden_people", "whether all people are listed", _BOTH, _hidden),
    Rule(RuleName.SIZE, "people_max", "number of people", _BOTH, _too_large),
    Rule(RuleName.LIST_INVITED, "mailing_lists", "mailing lists among the people", _BOTH, _list_invited),
    Rule(RuleName.RUNNING, "running", "end", _PAST, _running),
)  # fmt: skip

GUEST_RULES: tuple[Rule[Invitation], ...] = (
    Rule(RuleName.ROOM, "rooms", "kind and address of the guest", _BOTH, _room),
    Rule(RuleName.LIST, "mailing_lists", "kind and address of the guest", _BOTH, _list),
    Rule(RuleName.SEVERAL_NOTES, "", "who owns the guest's address", _BOTH, _of_several_notes),
    Rule(RuleName.IGNORED, "", "what you told `contactd ignore --for`", _BOTH, _vetoed_for),
    Rule(RuleName.THEY_DECLINED, "they_declined", "the guest's answer", _BOTH, _they_declined),
    Rule(RuleName.DOMAIN, "excluded_domains", "domain of the guest's address", _BOTH, _of_excluded_domain),
)

# Asked last, so that a meeting of which only they speak is known to lack nothing but the owner's word.
DOUBTS: tuple[Rule[Case], ...] = (
    Rule(RuleName.TENTATIVE, "tentative", "your answer", _PAST, _tentative),
    Rule(RuleName.UNANSWERED, "unanswered", "your answer", _PAST, _unanswered),
)

_OF_DOUBT = frozenset(rule.name for rule in DOUBTS)

ASKED_OF_MEETINGS = _by_purpose(MEETING_RULES)
ASKED_OF_GUESTS = _by_purpose(GUEST_RULES)
ASKED_OF_ANSWERS = _by_purpose(DOUBTS)
"""The rules that are asked, by what they are asked for; worked out once, since a year asks them a million times."""
