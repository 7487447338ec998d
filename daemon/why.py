"""Why somebody's dates are what they are, and the owner's veto: from what the last run left in the state."""

from dataclasses import dataclass
from datetime import datetime

from daemon import dates, decisions, ledger, persons
from daemon.conflicts import open_conflicts
from daemon.errors import DaemonError
from daemon.ledger import CalendarId
from daemon.persons import KnownPerson
from daemon.setup import Meetings
from daemon.state import State
from mappings.date_memory import NOTHING_REMEMBERED, DateMemory, Free
from mappings.explanation import Explanation, explain
from mappings.fields import same
from mappings.meeting_case import Veto
from mappings.meeting_copies import MeetingId, Sighting

_SHORTEST = 4
"""So many characters of a meeting's id are enough, if no other begins with them."""


class NoSuchMeeting(DaemonError):
    """No meeting, or more than one, has this id: nothing was changed."""

    exit_code = 64


@dataclass(frozen=True, slots=True)
class Why:
    """All that there is to say of one person's dates.

    `next_memory` is the memory of `next_meeting`, `next_noted` what the note says of it. `waits` is why `last_contact`
    stays as it is in the note whatever the calendars say, "" if it does not.
    `blind` are calendars whose events have no attendees. `is_read` says that a calendar has been read at all,
    `has_address` that the note has an address by which the person may be invited, `knows_me` that the configuration has
    one of the owner's.
    """

    known: KnownPerson
    explanation: Explanation
    next_noted: str | None
    next_memory: DateMemory
    waits: str
    blind: tuple[CalendarId, ...]
    is_read: bool
    has_address: bool
    knows_me: bool

    @property
    def is_free(self) -> bool:
        return isinstance(self.explanation.standing, Free)


@dataclass(frozen=True, slots=True)
class Ignored:
    """What was told to be ignored, or to count again; `person` is None for anybody."""

    meeting: MeetingId
    sighting: Sighting
    person: KnownPerson | None


def why(meetings: Meetings, state: State, name: str, now: datetime) -> Why:
    """Explain one person's dates.

    Errors: `NoSuchPerson`.
    """
    everybody = persons.persons(state)
    known = persons.named(everybody, name)
    people = dates.owners(meetings, ((one.uid, one.person) for one in everybody))
    found = dates.findings(meetings, state, people, now)
    remembered = dates.memories(state)
    memory = remembered.get((known.uid, "last_contact"), NOTHING_REMEMBERED)
    return Why(
        known=known,
        explanation=explain(known.uid, known.dates.get("last_contact"), memory, found),
        next_noted=known.dates.get("next_meeting"),
        next_memory=remembered.get((known.uid, "next_meeting"), NOTHING_REMEMBERED),
        waits=_waits(state, known),
        blind=ledger.blind(state),
        is_read=ledger.is_begun(state),
        has_address=any("@" in address for address in dates.owned(known.person)),
        knows_me=bool(meetings.me.addresses),
    )


def ignore(state: State, event: str, name: str | None, now: datetime) -> Ignored:
    """Make a meeting count for nobody, or not for one person.

    Errors: `NoSuchMeeting`, `NoSuchPerson`.
    """
    ignored = _found(state, event, name)
    with state.transaction() as tx:
        ledger.ignore(tx, _veto(ignored), now)
    return ignored


def count_again(state: State, event: str, name: str | None) -> Ignored:
    """Let a meeting count that was ignored.

    Errors: `NoSuchMeeting` also if it was not ignored so; `NoSuchPerson`.
    """
    again = _found(state, event, name)
    if _veto(again) not in ledger.vetoes(state):
        others = [one.uid for one in ledger.vetoes(state) if one.meeting == again.meeting]
        how = "it is ignored for one person: say --for PERSON" if name is None and others else "it is not ignored so"
        raise NoSuchMeeting(f"{again.meeting}: {how}")
    with state.transaction() as tx:
        ledger.count_again(tx, _veto(again))
    return again


def _waits(state: State, known: KnownPerson) -> str:
    if "last_contact" in known.untouched:
        return f"nothing is written there: {known.untouched['last_contact']}"
    standstill = decisions.decided(state).standstills.get((known.uid, "last_contact"))
    if standstill is not None and same("last_contact", standstill.ours, known.dates.get("last_contact", "")):
        return "you took a run back that wrote it: it stays so until you change it, in the note or in the contact"
    asked = (kept.conflict for kept in open_conflicts(state))
    if any((one.uid, one.field) == (known.uid, "last_contact") for one in asked):
        return "note and contact say different things: it stays so until you decide (`contactd conflicts`)"
    return ""


def _veto(ignored: Ignored) -> Veto:
    return Veto(ignored.meeting, ignored.person.uid if ignored.person is not None else None)


def _found(state: State, event: str, name: str | None) -> Ignored:
    person = persons.named(persons.persons(state), name) if name is not None else None
    seen = ledger.ledger(state)
    matching = {
        one.id: one
        for one in (*seen.settled, *seen.unsettled)
        if one.id == event or (len(event) >= _SHORTEST and one.id.startswith(event))
    }
    if len(matching) == 1:
        ((meeting, sighting),) = matching.items()
        return Ignored(meeting, sighting, person)
    if matching:
        raise NoSuchMeeting(f"several meetings begin with {event}: {', '.join(sorted(matching)[:5])}")
    raise NoSuchMeeting(f"no meeting {event} is remembered; `contactd why PERSON` shows each with its id in brackets")
