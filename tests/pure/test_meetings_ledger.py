"""What all meetings together give: whatever their order, and without anything being taken back too early."""

from dataclasses import replace
from datetime import date, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.event import AllDay, Attendee, CalendarName, Event, EventUid, Occurrence, Response, Status, Timed
from mappings.meeting_case import DEFAULT_RULES, Counts
from mappings.meeting_copies import sighting_with_title, sighting_without_title
from mappings.meetings import NEAR_MISSES_MAX, Clock, Ledger, Tally, recompute
from mappings.person import Uid
from meeting_worlds import (
    ADA,
    AT_WORK,
    BOB,
    CLOCK,
    HOME,
    ME,
    MEETING,
    NOW,
    PEOPLE,
    WORK,
    among,
    at,
    contact,
    crowd,
    found,
    invited,
)

ADA_UID = Uid("ada")


def on(day: int, name: str = "", base: Event = MEETING) -> Event:
    """Return a meeting of that day of November 2026."""
    return replace(base, uid=EventUid(name or f"on {day}"), title=name, when=Timed(at(day), at(day, 10)))


def dates(tally: Tally) -> tuple[str, str]:
    both = (tally.last_contact, tally.next_meeting)
    last, soon = (evidence.date[-2:] if evidence else "" for evidence in both)
    return last, soon


RESPONSES = st.sampled_from(Response)
ATTENDEES = st.builds(
    Attendee,
    address=st.sampled_from([ADA, BOB, "ada@old.example.test", ME, AT_WORK, "crew@lists.example.test", "", "x@example.test"]),
    response=RESPONSES,
    kind=st.just(MEETING.attendees[0].kind),
    is_optional=st.just(False),
)  # fmt: skip
STARTS = st.integers(-200, 50).map(lambda hours: NOW + timedelta(hours=hours))
TIMES = STARTS.flatmap(lambda start: st.sampled_from([Timed(start, start), Timed(start, start + timedelta(hours=5))]))
DAYS = st.integers(1, 28).map(lambda day: AllDay(date(2026, 11, day), date(2026, 11, day) + timedelta(days=1)))
EVENTS = st.builds(
    replace,
    st.just(MEETING),
    uid=st.sampled_from([EventUid(name) for name in ("", "a", "b", "c")]),
    occurrence=st.sampled_from([Occurrence(""), Occurrence("2026-11-20")]),
    account=st.sampled_from([HOME, WORK]),
    calendar=st.sampled_from([CalendarName("main"), CalendarName("team")]),
    when=TIMES | DAYS,
    title=st.sampled_from(["", "Soundings", "Hull"]),
    status=st.sampled_from([Status.CONFIRMED, Status.CONFIRMED, Status.CANCELLED]),
    organizer=st.sampled_from(["", ADA, BOB, ME]),
    attendees=st.lists(ATTENDEES, max_size=4).map(tuple),
    attendees_complete=st.sampled_from([True, True, False]),
    own_response=RESPONSES,
    is_draft=st.sampled_from([False, False, True]),
)


def place(event: Event) -> tuple[str, ...]:
    return event.account, event.calendar, event.uid, event.occurrence


READS = st.lists(
    EVENTS,
    max_size=8,
    unique_by=place,
)
ALL_DAY_TOO = replace(DEFAULT_RULES, all_day=Counts.ALWAYS, unanswered=Counts.ONE_TO_ONE)


@given(READS, READS, st.randoms(use_true_random=False))
def test_the_order_in_which_events_were_seen_does_not_matter(
    settled: list[Event], unsettled: list[Event], order: Random
) -> None:
    first = found(*settled, unsettled=unsettled, rules=ALL_DAY_TOO)
    order.shuffle(settled)
    order.shuffle(unsettled)
    assert found(*settled, unsettled=unsettled, rules=ALL_DAY_TOO) == first


@given(READS, READS)
def test_no_last_contact_is_in_the_future_and_every_next_meeting_is(
    settled: list[Event], unsettled: list[Event]
) -> None:
    today = NOW.astimezone(CLOCK.zone).date().isoformat()
    for tally in found(*settled, unsettled=unsettled, rules=ALL_DAY_TOO).tallies.values():
        assert tally.last_contact is None or (tally.last_contact.date <= today and tally.last_contact.start <= NOW)
        assert tally.next_meeting is None or tally.next_meeting.start > NOW


@given(READS, READS)
def test_what_is_unsettled_takes_nothing_back(settled: list[Event], unsettled: list[Event]) -> None:
    certain = found(*settled, rules=ALL_DAY_TOO)
    for uid, tally in found(*settled, unsettled=unsettled, rules=ALL_DAY_TOO).tallies.items():
        before = certain.tally(uid)
        assert (tally.last_contact.start if tally.last_contact else NOW - timedelta(days=999)) >= (
            before.last_contact.start if before.last_contact else NOW - timedelta(days=999)
        )
        assert before.next_meeting is None or (
            tally.next_meeting is not None and tally.next_meeting.start <= before.next_meeting.start
        )


@pytest.mark.parametrize(
    ("settled", "unsettled", "expected"),
    [
        # settled alone
        ([on(5), on(9), on(25), on(27)], [], ("09", "25")),
        ([on(5), replace(on(9), status=Status.CANCELLED)], [], ("05", "")),
        ([], [], ("", "")),
        # a read that has not completed raises and adds
        ([on(5)], [on(9)], ("09", "")),
        ([on(5)], [on(25)], ("05", "25")),
        ([on(5), on(27)], [on(25)], ("05", "25")),
        # and takes nothing away: not by cancelling, not by moving
        ([on(9)], [replace(on(9), status=Status.CANCELLED)], ("09", "")),
        ([on(9, "a")], [on(5, "a")], ("09", "")),
        ([on(25, "a")], [on(27, "a")], ("", "25")),
        ([on(5, "a")], [on(9, "a")], ("09", "")),
        # until it is settled
        ([on(5, "a")], [], ("05", "")),
    ],
)
def test_what_is_unsettled_raises(settled: list[Event], unsettled: list[Event], expected: tuple[str, str]) -> None:
    assert dates(found(*settled, unsettled=unsettled).tally(ADA_UID)) == expected


def test_the_same_meeting_in_the_same_calendar_is_replaced_by_what_is_unsettled() -> None:
    tally = found(on(5, "a"), unsettled=[on(9, "a")]).tally(ADA_UID)
    assert tally.meetings_90d == 1


def test_the_number_of_meetings_is_not_lowered_either() -> None:
    tally = found(on(5), on(9), unsettled=[replace(on(9), status=Status.CANCELLED)]).tally(ADA_UID)
    assert tally.meetings_90d == 2


def test_meetings_of_ninety_days() -> None:
    old = replace(on(1), when=Timed(NOW - timedelta(days=90), NOW - timedelta(days=90)))
    just = replace(on(2), when=Timed(NOW - timedelta(days=90, seconds=-1), NOW - timedelta(days=89)))
    assert found(old, just, on(5), on(25)).tally(ADA_UID).meetings_90d == 2


def test_the_last_meeting_of_two() -> None:
    tally = found(on(5), on(9, base=among(invited(BOB)))).tally(ADA_UID)
    assert (tally.last_1on1 and tally.last_1on1.date, tally.last_contact and tally.last_contact.date) == (
        "2026-11-05",
        "2026-11-09",
    )


def test_a_list_beside_one_name_is_no_meeting_of_two() -> None:
    tally = found(on(9, base=among(invited("crew@lists.example.test")))).tally(ADA_UID)
    assert (tally.last_1on1, dates(tally)) == (None, ("09", ""))


def test_near_misses_are_the_newest() -> None:
    tally = found(*(on(day, base=among(*crowd(9))) for day in range(1, 23))).tally(ADA_UID)
    days = [miss.evidence.date[-2:] for miss in tally.near_misses]
    assert days == [f"{day:02}" for day in range(22, 22 - NEAR_MISSES_MAX, -1)]


def test_evidence_says_where_it_stands_and_what_was_answered() -> None:
    large = on(9, "Hull", among(invited(BOB)))
    ledger = Ledger((sighting_with_title(large), sighting_with_title(replace(large, account=WORK))), ())
    evidence = contact(recompute(ledger, PEOPLE, DEFAULT_RULES, frozenset(), CLOCK))
    assert (evidence.title, evidence.calendar, evidence.answer, evidence.people) == (
        "Hull",
        "main",
        Response.ACCEPTED,
        2,
    )
    assert evidence.meeting == sighting_without_title(large).id


def test_the_title_of_a_private_copy_is_not_shown() -> None:
    for private, shown in ((HOME, WORK), (WORK, HOME)):
        copies = (replace(MEETING, account=private, is_private=True), replace(MEETING, account=shown))
        ledger = Ledger(tuple(sighting_with_title(copy) for copy in copies), ())
        assert contact(recompute(ledger, PEOPLE, DEFAULT_RULES, frozenset(), CLOCK)).title == ""


def test_all_day_dates_are_of_no_zone() -> None:
    day = replace(MEETING, when=AllDay(date(2026, 11, 20), date(2026, 11, 21)))
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        clock = Clock(NOW, ZoneInfo(zone))
        assert dates(found(day, rules=ALL_DAY_TOO, clock=clock).tally(ADA_UID)) == ("20", "")


def test_two_meetings_of_one_person_with_the_owner_unanswered_and_not() -> None:
    waiting = on(9, base=replace(MEETING, attendees=(invited(ME), invited(ADA))))
    tally = found(on(5), waiting).tally(ADA_UID)
    assert (dates(tally)[0], [miss.evidence.date for miss in tally.doubtful]) == ("05", ["2026-11-09"])
