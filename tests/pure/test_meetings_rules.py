"""Each rule of the table, both ways: a meeting that it speaks against, and one, or a decision, that satisfies it."""

from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import date, timedelta

import pytest

from mappings.event import AllDay, AttendeeKind, Availability, Event, Kind, Response, Status, Timed
from mappings.meeting_case import DEFAULT_RULES, Counts, MeetingRules, Veto
from mappings.meeting_copies import sighting_without_title
from mappings.meeting_rules import DOUBTS, GUEST_RULES, MEETING_RULES, Objection, RuleName, judge
from mappings.person import Uid
from meeting_worlds import (
    ACCEPTED,
    ADA,
    AT_WORK,
    BOB,
    ME,
    MEETING,
    NOW,
    PEOPLE,
    WORK,
    among,
    at,
    crowd,
    found,
    invited,
    meetings_in,
)

DAYS = AllDay(date(2026, 11, 20), date(2026, 11, 21))
ROOM = "boiler@resource.calendar.google.com"
CREW = "crew@lists.example.test"
ID = sighting_without_title(MEETING).id

SECOND = among(invited(BOB))
NO_ANSWER = replace(MEETING, attendees=(invited(ME), invited(ADA)))
NO_ANSWER_IN_A_GROUP = replace(NO_ANSWER, attendees=(*NO_ANSWER.attendees, invited(BOB)))
PERHAPS = replace(MEETING, attendees=(invited(ME, Response.TENTATIVE), invited(ADA)))
REFUSED = replace(MEETING, attendees=(invited(ME, Response.DECLINED), invited(ADA)))
THEY_REFUSED = replace(MEETING, attendees=(ACCEPTED, invited(ADA, Response.DECLINED)))
WITHOUT_US = replace(MEETING, attendees=(invited(ADA),))
ORGANIZED = replace(MEETING, organizer=ME, attendees=(invited(ADA),))
ABSENT = replace(MEETING, availability=Availability.OUT_OF_OFFICE)
ELSEWHERE = replace(MEETING, availability=Availability.WORKING_ELSEWHERE)
RUNNING = replace(MEETING, when=Timed(NOW - timedelta(minutes=1), NOW + timedelta(seconds=1)))
ANOTHERS_LIST = replace(MEETING, organizer=CREW, attendees=(ACCEPTED, invited(CREW, kind=AttendeeKind.GROUP)))
SEEN_BY_TWO = replace(MEETING, organizer="", attendees=(ACCEPTED, invited("both@example.test")))

ROWS: list[tuple[RuleName, Event, dict[str, object], str]] = [
    # the rule, the meeting, what the owner decided otherwise, what speaks against Ada's part in it ("" if it counts)
    (RuleName.CANCELLED, replace(MEETING, status=Status.CANCELLED), {}, "it was cancelled"),
    (RuleName.CANCELLED, replace(MEETING, status=Status.TENTATIVE), {}, ""),
    (RuleName.CANCELLED, replace(MEETING, status=Status.CANCELLED), {"cancelled": Counts.ALWAYS}, ""),
    (RuleName.DRAFT, replace(MEETING, is_draft=True), {}, "it is a draft"),
    (RuleName.DRAFT, replace(MEETING, is_draft=True), {"drafts": Counts.ALWAYS}, ""),
    (RuleName.RUNNING, RUNNING, {}, "it has not ended yet"),
    (RuleName.RUNNING, replace(MEETING, when=Timed(at(23), NOW)), {}, ""),
    (RuleName.RUNNING, RUNNING, {"running": Counts.ALWAYS}, ""),
    (RuleName.ALL_DAY, replace(MEETING, when=DAYS), {}, "all-day"),
    (RuleName.ALL_DAY, replace(MEETING, when=DAYS), {"all_day": Counts.ONE_TO_ONE}, ""),
    (RuleName.ALL_DAY, replace(SECOND, when=DAYS), {"all_day": Counts.ONE_TO_ONE}, "all-day"),
    (RuleName.ALL_DAY, replace(SECOND, when=DAYS), {"all_day": Counts.ALWAYS}, ""),
    (RuleName.KIND, replace(MEETING, kind=Kind.OUT_OF_OFFICE), {}, "no meeting: out of office"),
    (RuleName.KIND, replace(MEETING, kind=Kind.FOCUS), {}, "no meeting: focus"),
    (RuleName.KIND, replace(MEETING, kind=Kind.WORKING_LOCATION), {}, "no meeting: working location"),
    (RuleName.KIND, replace(MEETING, kind=Kind.BIRTHDAY), {}, "no meeting: birthday"),
    (RuleName.KIND, replace(MEETING, kind=Kind.FROM_MAIL), {}, "no meeting: from mail"),
    (RuleName.KIND, replace(MEETING, kind=Kind.FROM_MAIL), {"kinds": frozenset({Kind.FROM_MAIL})}, ""),
    (RuleName.FREE, replace(MEETING, availability=Availability.FREE), {}, ""),
    (RuleName.FREE, replace(SECOND, availability=Availability.FREE), {}, "it leaves you free"),
    (RuleName.FREE, replace(SECOND, availability=Availability.FREE), {"free": Counts.ALWAYS}, ""),
    (RuleName.FREE, replace(SECOND, availability=Availability.UNKNOWN), {}, ""),
    (RuleName.OUT_OF_OFFICE, ABSENT, {}, "it says that you are out of office"),
    (RuleName.OUT_OF_OFFICE, ABSENT, {"out_of_office": Counts.ONE_TO_ONE}, ""),
    (RuleName.WORKING_ELSEWHERE, ELSEWHERE, {}, "it says that you work elsewhere"),
    (RuleName.WORKING_ELSEWHERE, ELSEWHERE, {"working_elsewhere": Counts.ALWAYS}, ""),
    (RuleName.DECLINED, REFUSED, {}, "you declined"),
    (RuleName.DECLINED, REFUSED, {"declined": Counts.ALWAYS}, ""),
    (RuleName.DECLINED, replace(ORGANIZED, attendees=REFUSED.attendees), {}, "you declined"),
    (RuleName.DECLINED, ORGANIZED, {}, ""),
    (RuleName.DECLINED, replace(WITHOUT_US, own_response=Response.ORGANIZER), {}, ""),
    (RuleName.DECLINED, replace(MEETING, own_response=Response.DECLINED), {}, "you declined"),
    (RuleName.TENTATIVE, PERHAPS, {}, "you answered tentatively"),
    (RuleName.TENTATIVE, PERHAPS, {"tentative": Counts.ONE_TO_ONE}, ""),
    (RuleName.UNANSWERED, NO_ANSWER, {}, "you have not answered"),
    (RuleName.UNANSWERED, NO_ANSWER, {"unanswered": Counts.ONE_TO_ONE}, ""),
    (RuleName.UNANSWERED, NO_ANSWER_IN_A_GROUP, {"unanswered": Counts.ONE_TO_ONE}, "you have not answered"),
    (RuleName.UNANSWERED, NO_ANSWER_IN_A_GROUP, {"unanswered": Counts.ALWAYS}, ""),
    (RuleName.UNANSWERED, WITHOUT_US, {}, "the calendar does not say whether you were to come"),
    (RuleName.UNANSWERED, replace(WITHOUT_US, own_response=Response.ACCEPTED), {}, ""),
    (RuleName.THEY_DECLINED, THEY_REFUSED, {}, "they declined"),
    (RuleName.THEY_DECLINED, THEY_REFUSED, {"they_declined": Counts.ALWAYS}, ""),
    (RuleName.THEY_DECLINED, among(invited(BOB, Response.DECLINED)), {}, ""),
    (RuleName.SIZE, among(*crowd(7)), {}, ""),
    (RuleName.SIZE, among(*crowd(22)), {}, "23 people, limit 8"),
    (RuleName.SIZE, among(*crowd(22)), {"people_max": 23}, ""),
    (RuleName.SIZE, among(*crowd(7), invited("")), {}, "9 people, limit 8"),
    (RuleName.SIZE, among(*crowd(7), invited(ROOM), invited("x@example.test", kind=AttendeeKind.ROOM)), {}, ""),
    (RuleName.SIZE, among(*crowd(7), invited("myself@example.test"), invited(AT_WORK)), {}, ""),
    (RuleName.HIDDEN, replace(MEETING, attendees_complete=False), {}, "the list of people is hidden or cut short"),
    (RuleName.HIDDEN, replace(MEETING, attendees_complete=False), {"hidden_people": Counts.ALWAYS}, ""),
    # whoever may hide others is not known to be alone
    (RuleName.HIDDEN, replace(MEETING, attendees_complete=False), {"hidden_people": Counts.ONE_TO_ONE}, "the list of people is hidden or cut short"),
    (RuleName.LIST_INVITED, among(invited(CREW)), {}, ""),
    (RuleName.LIST_INVITED, among(invited(CREW), invited(BOB)), {}, "a mailing list was invited, so nobody knows how many"),
    (RuleName.LIST_INVITED, among(invited(CREW), invited(BOB)), {"mailing_lists": ()}, ""),
    (RuleName.LIST_INVITED, among(invited(CREW, kind=AttendeeKind.GROUP), invited(BOB)), {"mailing_lists": ()}, "a mailing list was invited, so nobody knows how many"),
    (RuleName.ROOM, among(invited(ROOM)), {}, ""),
    (RuleName.PRIVATE, replace(MEETING, is_private=True), {}, ""),
    (RuleName.PRIVATE, replace(MEETING, is_private=True), {"private": Counts.NEVER}, "private"),
    (RuleName.DOMAIN, MEETING, {"excluded_domains": frozenset({"other.test"})}, ""),
    (RuleName.DOMAIN, MEETING, {"excluded_domains": frozenset({"example.test"})}, "example.test is excluded"),
    (RuleName.DOMAIN, MEETING, {"excluded_domains": frozenset({"test"})}, "test is excluded"),
]  # fmt: skip

OF_OTHERS: list[tuple[RuleName, Event, str, dict[str, object], str]] = [
    # the rule, the meeting, an address in it, what the owner decided otherwise, what speaks against that address
    (RuleName.ROOM, among(invited(ROOM)), ROOM, {}, f"{ROOM} is a room or a thing, not a person"),
    (RuleName.ROOM, among(invited(BOB, kind=AttendeeKind.RESOURCE)), BOB, {}, f"{BOB} is a room or a thing, not a person"),
    (RuleName.ROOM, among(invited(ROOM)), ROOM, {"rooms": ()}, ""),
    (RuleName.LIST, among(invited(CREW)), CREW, {}, f"{CREW} is a mailing list, not a person"),
    (RuleName.LIST, among(invited(CREW)), CREW, {"mailing_lists": ()}, ""),
    (RuleName.LIST, among(invited(BOB)), BOB, {"mailing_lists": ("BOB@*",)}, f"{BOB} is a mailing list, not a person"),
    (RuleName.LIST_INVITED, ANOTHERS_LIST, CREW, {}, "a mailing list was invited, so nobody knows how many"),
]  # fmt: skip


def against(event: Event, address: str, decided: dict[str, object], vetoes: Iterable[Veto] = ()) -> tuple[str, str]:
    """Return the rule and its words against an address, and two blanks where the meeting counts."""
    rules: MeetingRules = replace(DEFAULT_RULES, **decided)  # type: ignore[arg-type]  # a table of many keys
    (meeting,) = meetings_in([sighting_without_title(event)])
    objection = judge(meeting, PEOPLE, rules, frozenset(vetoes), NOW).guests[address]
    return (objection.rule, objection.words) if objection else ("", "")


@pytest.mark.parametrize(("rule", "event", "decided", "words"), ROWS)
def test_a_rule(rule: RuleName, event: Event, decided: dict[str, object], words: str) -> None:
    assert against(event, ADA, decided) == (rule if words else "", words)


@pytest.mark.parametrize(("rule", "event", "address", "decided", "words"), OF_OTHERS)
def test_a_rule_about_somebody_else(
    rule: RuleName, event: Event, address: str, decided: dict[str, object], words: str
) -> None:
    assert against(event, address, decided) == (rule if words else "", words)


@pytest.mark.parametrize(
    ("vetoes", "ada", "bob"),
    [
        ([], "", ""),
        ([Veto(ID, None)], "you told contactd to ignore it", "you told contactd to ignore it"),
        ([Veto(ID, Uid("bob"))], "", "you told contactd to ignore it for this person"),
    ],
)
def test_what_the_owner_told_to_ignore(vetoes: list[Veto], ada: str, bob: str) -> None:
    assert (against(SECOND, ADA, {}, vetoes)[1], against(SECOND, BOB, {}, vetoes)[1]) == (ada, bob)


def test_an_address_of_two_notes_is_nobodys() -> None:
    shared = replace(PEOPLE, shared={"both@example.test": frozenset({Uid("ada"), Uid("bob")})})
    (meeting,) = meetings_in([sighting_without_title(SEEN_BY_TWO)])
    judgement = judge(meeting, shared, DEFAULT_RULES, frozenset(), NOW)
    assert judgement.guests["both@example.test"] == Objection(
        RuleName.SEVERAL_NOTES, "several notes own both@example.test"
    )


def test_nobody_else_is_there_to_count_for() -> None:
    (meeting,) = meetings_in([sighting_without_title(replace(MEETING, organizer=ME, attendees=(ACCEPTED,)))])
    judgement = judge(meeting, PEOPLE, DEFAULT_RULES, frozenset(), NOW)
    assert (judgement.objection and judgement.objection.words, judgement.guests) == ("nobody else was invited", {})


def test_every_rule_is_tried_both_ways() -> None:
    elsewhere = {RuleName.IGNORED, RuleName.SEVERAL_NOTES, RuleName.ALONE}
    tried = {(row[0], bool(row[-1])) for row in (*ROWS, *OF_OTHERS)}
    assert tried == {(rule, speaks) for rule in set(RuleName) - elsewhere for speaks in (True, False)}


def test_every_row_has_a_key_and_every_key_a_row() -> None:
    keys = {rule.key for rule in (*MEETING_RULES, *DOUBTS)} | {rule.key for rule in GUEST_RULES}
    assert keys - {"", "me"} == {field.name for field in fields(MeetingRules)}


@pytest.mark.parametrize(
    ("event", "is_next"),
    [
        (MEETING, True),
        (REFUSED, False),
        (PERHAPS, True),
        (NO_ANSWER, True),
        (THEY_REFUSED, False),
        (NO_ANSWER_IN_A_GROUP, True),
        (among(*crowd(22)), False),
        (replace(MEETING, status=Status.CANCELLED), False),
        (replace(MEETING, kind=Kind.BIRTHDAY), False),
    ],
)
def test_what_is_still_to_come(event: Event, *, is_next: bool) -> None:
    soon = replace(event, when=Timed(at(25), at(25, 10)))
    tally = found(soon).tally(Uid("ada"))
    assert (tally.last_contact, tally.next_meeting is not None) == (None, is_next)


def test_all_day_meetings_to_come_do_not_count_either() -> None:
    day = replace(MEETING, when=AllDay(date(2026, 11, 25), date(2026, 11, 26)))
    assert [miss.objection.words for miss in found(day).tally(Uid("ada")).missed_next] == ["all-day"]


@pytest.mark.parametrize(
    ("event", "doubtful"),
    [
        (NO_ANSWER, True),
        (PERHAPS, True),
        (NO_ANSWER_IN_A_GROUP, False),
        (replace(NO_ANSWER, attendees=(invited(ME), invited(ADA, Response.DECLINED))), False),
        (replace(NO_ANSWER, status=Status.CANCELLED), False),
        (replace(NO_ANSWER, when=Timed(at(23), at(24))), False),
        (REFUSED, False),
        (MEETING, False),
    ],
)
def test_what_lacks_only_the_owners_answer_is_doubtful(event: Event, *, doubtful: bool) -> None:
    assert bool(found(event).tally(Uid("ada")).doubtful) is doubtful


def test_a_person_invited_under_two_addresses_is_one_and_came_if_one_of_them_did() -> None:
    twice = among(invited("ada@old.example.test", Response.DECLINED))
    tally = found(twice).tally(Uid("ada"))
    assert (tally.last_1on1 and tally.last_1on1.people, tally.near_misses) == (1, ())


def test_the_owner_may_answer_under_any_of_his_addresses() -> None:
    event = replace(MEETING, account=WORK, attendees=(invited(AT_WORK, Response.DECLINED), ACCEPTED, invited(ADA)))
    assert against(event, ADA, {}) == ("", "")
