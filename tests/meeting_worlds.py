"""Meetings for tests: one that counts in every respect, from which a test departs where it cares."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from mappings.event import (
    Attendee,
    AttendeeKind,
    Availability,
    CalendarName,
    Event,
    EventUid,
    Kind,
    Occurrence,
    Response,
    Status,
    Timed,
)
from mappings.meeting_case import DEFAULT_RULES, MeetingRules, Veto
from mappings.meeting_copies import Meeting, Sighting, copies_of_each, meeting_of, sighting_without_title
from mappings.meeting_people import me_of, people_of
from mappings.meetings import Clock, Evidence, Findings, Ledger, recompute
from mappings.person import Uid
from mappings.record import AccountName, RemoteId

HOME = AccountName("home")
WORK = AccountName("work")
ME = "me@example.test"
AT_WORK = "me@work.example.test"
ADA = "ada@example.test"
BOB = "bob@example.test"

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CLOCK = Clock(NOW, ZoneInfo("Europe/Berlin"))

OWNER = me_of(["myself@example.test"], {HOME: ME, WORK: AT_WORK})
PEOPLE = people_of(OWNER, [(Uid("ada"), [ADA, "ada@old.example.test"]), (Uid("bob"), [BOB])])


def at(day: int, hour: int = 9, minute: int = 0) -> datetime:
    """Return an instant of November 2026."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def invited(
    address: str, response: Response = Response.NEEDS_ACTION, kind: AttendeeKind = AttendeeKind.PERSON
) -> Attendee:
    return Attendee(address, response, kind, is_optional=False)


ACCEPTED = invited(ME, Response.ACCEPTED)
"""The owner's own line in a list of those invited."""

MEETING = Event(
    uid=EventUid("meeting@example.test"),
    occurrence=Occurrence(""),
    account=HOME,
    calendar=CalendarName("main"),
    source=RemoteId("meeting.ics"),
    when=Timed(at(20), at(20, 10)),
    title="Soundings",
    status=Status.CONFIRMED,
    is_draft=False,
    kind=Kind.ORDINARY,
    availability=Availability.BUSY,
    is_private=False,
    organizer=ADA,
    attendees=(ACCEPTED, invited(ADA)),
    attendees_complete=True,
    own_response=Response.UNKNOWN,
)
"""Ada invited the owner, who accepted; it is over."""


def among(*others: Attendee) -> Event:
    """Return the meeting with these invited beside Ada."""
    return replace(MEETING, attendees=(*MEETING.attendees, *others))


def crowd(size: int) -> tuple[Attendee, ...]:
    return tuple(invited(f"guest{number}@example.test") for number in range(size))


def meetings_in(sightings: Iterable[Sighting]) -> list[Meeting]:
    """Return the owner's meetings, each once, by their ids."""
    meetings = (meeting_of(copies, OWNER, CLOCK.zone) for copies in copies_of_each(sightings))
    return sorted(meetings, key=lambda meeting: meeting.id)


def found(
    *events: Event,
    unsettled: Iterable[Event] = (),
    rules: MeetingRules = DEFAULT_RULES,
    vetoes: Iterable[Veto] = (),
    clock: Clock = CLOCK,
) -> Findings:
    """Return what these events say of Ada and Bob."""
    ledger = Ledger(
        tuple(sighting_without_title(event) for event in events),
        tuple(sighting_without_title(event) for event in unsettled),
    )
    return recompute(ledger, PEOPLE, rules, frozenset(vetoes), clock)


def contact(findings: Findings) -> Evidence:
    """Return the meeting that gives Ada her last contact; there has to be one."""
    evidence = findings.tally(Uid("ada")).last_contact
    if evidence is None:
        raise AssertionError("no meeting counts for Ada")
    return evidence
