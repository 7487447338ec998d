"""One meeting in several calendars: which copies are one, and who is believed where they differ."""

from dataclasses import replace
from typing import Any

import pytest

from mappings.event import AttendeeKind, CalendarName, Event, EventUid, Occurrence, Response, Status, Timed
from mappings.meeting_copies import Meeting, sighting_with_title, sighting_without_title
from mappings.meeting_people import match_key, people_of, suggested
from mappings.person import Uid
from meeting_worlds import (
    ACCEPTED,
    ADA,
    AT_WORK,
    BOB,
    HOME,
    ME,
    MEETING,
    OWNER,
    WORK,
    among,
    at,
    found,
    invited,
    meetings_in,
)

OTHER = replace(MEETING, account=WORK, calendar=CalendarName("team"))
DECLINED_AT_WORK = replace(OTHER, attendees=(invited(AT_WORK, Response.DECLINED), invited(ADA)))
MINE = replace(MEETING, organizer=ME, attendees=(invited(ADA, Response.ACCEPTED),))
COPY_OF_MINE = replace(OTHER, organizer=ME, attendees=(invited(ADA), invited(AT_WORK)))


def merged(*events: Event) -> list[Meeting]:
    """Return the meetings, having made sure that the order does not matter."""
    meetings = meetings_in(map(sighting_with_title, events))
    assert meetings == meetings_in(map(sighting_with_title, reversed(events)))
    return meetings


@pytest.mark.parametrize(
    ("other", "count"),
    [
        (OTHER, 1),
        (replace(OTHER, occurrence=Occurrence("2026-11-20T09:00:00Z"), title="Other"), 2),
        # a provider's own UID for each occurrence: the same organizer, start and title tell
        (replace(OTHER, uid=EventUid("0400"), organizer="ADA@example.test", title=" soundings "), 1),
        (replace(OTHER, uid=EventUid("0400"), title="Soundings II"), 2),
        (replace(OTHER, uid=EventUid("0400"), organizer=BOB), 2),
        (replace(OTHER, uid=EventUid("0400"), when=Timed(at(20, 11), at(20, 12))), 2),
        (replace(OTHER, uid=EventUid(""), title="Other"), 2),
        (replace(OTHER, uid=EventUid("")), 1),
        # without a title, or with one that is nobody's business, there is too little to tell by
        (replace(OTHER, uid=EventUid("0400"), is_private=True), 2),
    ],
)
def test_which_copies_are_one_meeting(other: Event, count: int) -> None:
    assert len(merged(MEETING, other)) == count


def test_without_a_title_nothing_is_alike() -> None:
    untitled = replace(MEETING, title="")
    assert len(merged(untitled, replace(untitled, uid=EventUid("0400")))) == 2


def test_copies_are_one_by_any_chain() -> None:
    moved = replace(OTHER, uid=EventUid("b"), when=Timed(at(21), at(21, 10)))
    chain = (MEETING, replace(OTHER, uid=EventUid("b")), moved, replace(moved, uid=EventUid("c"), account=HOME))
    assert [len(meeting.ids) for meeting in merged(*chain)] == [3]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # booked side by side
        ({"uid": EventUid("a"), "attendees": (ACCEPTED, invited(ADA))}, {"uid": EventUid("b"), "attendees": (ACCEPTED, invited(BOB))}),
        # an occurrence that was moved to where a cancelled one was
        ({"occurrence": Occurrence("2026-11-13T09:00:00Z")}, {"occurrence": Occurrence("2026-11-20T09:00:00Z"), "status": Status.CANCELLED}),
        # withdrawn, and sent anew
        ({"uid": EventUid("a")}, {"uid": EventUid("b"), "status": Status.CANCELLED}),
    ],
)  # fmt: skip
def test_what_one_calendar_tells_apart_is_not_one_meeting(one: dict[str, Any], other: dict[str, Any]) -> None:
    events = replace(MEETING, **one), replace(MEETING, **other)
    assert len(merged(*events)) == 2
    assert found(*events).tally(Uid("ada")).last_contact is not None
    # nor if another calendar has one that is like either
    assert len(merged(*events, replace(OTHER, uid=EventUid("c")))) == 3


@pytest.mark.parametrize(
    ("copies", "answer"),
    [
        # declined where it came twice, kept where it came first
        ((MEETING, DECLINED_AT_WORK), Response.ACCEPTED),
        ((replace(MEETING, attendees=(invited(ME), invited(ADA))), DECLINED_AT_WORK), Response.DECLINED),
        ((replace(MEETING, attendees=(invited(ME, Response.TENTATIVE),)), DECLINED_AT_WORK), Response.TENTATIVE),
        # what a calendar says of its own owner goes before another's list
        ((replace(OTHER, attendees=(ACCEPTED,)), replace(MEETING, own_response=Response.DECLINED)), Response.DECLINED),
        ((replace(OTHER, attendees=(invited(ME),)), replace(MEETING, own_response=Response.ACCEPTED)), Response.ACCEPTED),
        # two calendars of one account
        ((replace(MEETING, own_response=Response.DECLINED), replace(MEETING, calendar=CalendarName("b"), own_response=Response.ACCEPTED)), Response.ACCEPTED),
        ((MINE, COPY_OF_MINE), Response.ORGANIZER),
        ((replace(MINE, attendees=(invited(ME, Response.DECLINED),)), COPY_OF_MINE), Response.DECLINED),
        ((replace(MINE, own_response=Response.NEEDS_ACTION),), Response.ORGANIZER),
    ],
)  # fmt: skip
def test_the_owners_best_answer_stands(copies: tuple[Event, ...], answer: Response) -> None:
    assert [meeting.answer for meeting in merged(*copies)] == [answer]


@pytest.mark.parametrize(
    ("copies", "cancelled"),
    [
        ((MEETING, replace(OTHER, status=Status.CANCELLED)), True),
        ((replace(MEETING, status=Status.CANCELLED), OTHER), True),
        # the organizer's own copy knows
        ((MINE, replace(COPY_OF_MINE, status=Status.CANCELLED)), False),
        ((replace(MINE, status=Status.CANCELLED), COPY_OF_MINE), True),
    ],
)
def test_who_says_that_it_was_cancelled(copies: tuple[Event, ...], *, cancelled: bool) -> None:
    assert [meeting.is_cancelled for meeting in merged(*copies)] == [cancelled]


@pytest.mark.parametrize(
    ("copies", "declined"),
    [
        ((MEETING, replace(OTHER, attendees=(invited(ADA, Response.DECLINED),))), True),
        ((MINE, replace(COPY_OF_MINE, attendees=(invited(ADA, Response.DECLINED),))), False),
        ((replace(MINE, attendees=(invited(ADA, Response.DECLINED),)), COPY_OF_MINE), True),
    ],
)
def test_who_says_that_somebody_else_declined(copies: tuple[Event, ...], *, declined: bool) -> None:
    (meeting,) = merged(*copies)
    assert [guest.response is Response.DECLINED for guest in meeting.guests if guest.address == ADA] == [declined]


@pytest.mark.parametrize(
    ("copies", "speaker"),
    [
        ((MEETING, replace(MINE, when=Timed(at(19), at(19, 10)))), HOME),
        ((replace(MEETING, attendees_complete=False), DECLINED_AT_WORK), WORK),
        ((replace(MEETING, attendees=()), DECLINED_AT_WORK), WORK),
        ((MEETING, DECLINED_AT_WORK), HOME),
        ((replace(MEETING, is_draft=True), DECLINED_AT_WORK), WORK),
    ],
)
def test_which_copy_speaks(copies: tuple[Event, ...], speaker: str) -> None:
    assert [meeting.event.account for meeting in merged(*copies)] == [speaker]


def test_private_in_one_calendar_is_private() -> None:
    for private, open_ in ((MEETING, OTHER), (OTHER, MEETING)):
        assert [meeting.is_private for meeting in merged(replace(private, is_private=True), open_)] == [True]


def test_a_copy_counts_once() -> None:
    assert found(MEETING, OTHER).tally(Uid("ada")).meetings_90d == 1


def test_titles_are_remembered_only_where_they_may_be() -> None:
    private = replace(MEETING, is_private=True)
    titles = [sighting_without_title(MEETING), sighting_with_title(MEETING), sighting_with_title(private)]
    assert [sighting.event.title for sighting in titles] == ["", "Soundings", ""]
    assert sighting_without_title(MEETING).likeness == sighting_with_title(MEETING).likeness


def test_a_record_without_uid_and_likeness_is_told_from_others_by_its_source() -> None:
    nameless = replace(MEETING, uid=EventUid(""), organizer="")
    assert len(merged(nameless, replace(nameless, source=nameless.source + "2"))) == 2  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("address", "key"),
    [
        (" Ada@Example.TEST ", "ada@example.test"),
        ("a.d.a@gmail.com", "ada@gmail.com"),
        ("a.d.a@example.test", "a.d.a@example.test"),
        ("ada+news@gmail.com", "ada+news@gmail.com"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("nobody", ""),
        ("", ""),
    ],
)
def test_what_is_one_address(address: str, key: str) -> None:
    assert match_key(address) == key


def test_who_owns_what() -> None:
    people = people_of(
        OWNER,
        [
            (Uid("ada"), ["a.da@gmail.com", "ada@old.example.test", "+49301234"]),
            (Uid("bob"), ["bob@example.test", "Office@example.test"]),
            (Uid("cem"), ["office@example.test"]),
        ],
    )
    assert people.owners == {
        "ada@gmail.com": Uid("ada"),
        "ada@old.example.test": Uid("ada"),
        "bob@example.test": Uid("bob"),
    }
    assert people.shared == {"office@example.test": frozenset({Uid("bob"), Uid("cem")})}
    assert [suggested(people, address) for address in ("ada+x@gmail.com", "eve+x@gmail.com", "bob@example.test")] == [
        Uid("ada"),
        None,
        None,
    ]


def test_a_tagged_address_that_a_note_owns_suggests_nobody_else() -> None:
    people = people_of(OWNER, [(Uid("ada"), [ADA]), (Uid("bob"), ["ada+bob@example.test"])])
    assert suggested(people, "ada+bob@example.test") is None


def test_a_tag_suggests_and_does_not_count() -> None:
    findings = found(replace(among(), organizer=BOB, attendees=(ACCEPTED, invited("ada+x@example.test"))))
    assert findings.suggested == {"ada+x@example.test": Uid("ada")}
    assert findings.tally(Uid("ada")).last_contact is None


def test_each_unknown_address_is_one_more() -> None:
    meeting = among(invited(""), invited("", kind=AttendeeKind.UNKNOWN))
    assert [miss.people for miss in [found(meeting).tally(Uid("ada")).last_contact] if miss] == [3]
