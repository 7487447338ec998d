"""Why somebody's dates are what they are, as text or as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, tzinfo
from typing import assert_never

from daemon.codec import time_text
from daemon.render import document, number, page
from daemon.why import Ignored, Why
from mappings.date_memory import Floor, Free, Off, Pin, Standing
from mappings.event import NO_ATTENDEES, Response, Timed
from mappings.meeting_rules import DOUBTS, GUEST_RULES, MEETING_RULES, RuleName
from mappings.meetings import Evidence, NearMiss

_KEYS: Mapping[RuleName, str] = {
    **{rule.name: rule.key for rule in (*MEETING_RULES, *DOUBTS)},
    **{rule.name: rule.key for rule in GUEST_RULES},
}

_ANSWERS = {
    Response.ORGANIZER: "you organized it",
    Response.ACCEPTED: "you accepted",
    Response.DECLINED: "you declined",
    Response.TENTATIVE: "you answered tentatively",
    Response.NEEDS_ACTION: "you have not answered",
    Response.UNKNOWN: "your answer is not known",
}
_TO_LIFT = "take the key out of the note, sync, and put it back without a value"


def why(told: Why, zone: tzinfo) -> str:
    """Return all that there is to say of one person's dates, for the owner to read."""
    known, said = told.known, told.explanation
    lines = [f"{known.person.name or known.stem} ({known.path})", ""]
    lines += [f"last contact: {said.note_date or '(nothing)'}"]
    lines += [f"  {line}" for line in _last(told, zone)]
    lines += [f"next meeting: {_next_date(told)}", *(f"  {line}" for line in _next(told, zone))]
    if said.near_misses:
        lines += ["", "Not counted:", *_misses(said.near_misses)]
    if said.missed_next:
        lines += ["", "Coming, but not counted:", *_misses(said.missed_next)]
    if hints := list(_hints(told)):
        lines += ["", *hints]
    return page(lines)


def why_json(told: Why) -> str:
    """Return the same as JSON, one object."""
    known, said = told.known, told.explanation
    return document(
        {
            "uid": known.uid,
            "path": known.path,
            "name": known.person.name,
            "last_contact": {
                "note": said.note_date,
                "derived": _evidence_json(said.last_contact),
                "standing": _standing_json(said.standing),
                "waits": told.waits,
            },
            "next_meeting": {
                "note": told.next_noted,
                "derived": _evidence_json(said.next_meeting),
                "standing": _standing_json(told.next_memory.standing),
            },
            "near_misses": [_miss_json(one) for one in said.near_misses],
            "missed_next": [_miss_json(one) for one in said.missed_next],
            "doubtful": [_miss_json(one) for one in said.doubtful],
            "shared_addresses": list(said.shared),
            "suggested_addresses": list(said.suggested),
            "calendars_without_attendees": [one._asdict() for one in told.blind],
        }
    )


def ignored(done: Ignored, zone: tzinfo) -> str:
    """Return what was told to be ignored."""
    whom = f" for {done.person.path}" if done.person is not None else ""
    return page(
        [
            f"{_when(done, zone)} is ignored{whom} from now on; the next `contactd sync --once` follows.",
            f"To take it back: `contactd unignore {done.meeting}{_for(done)}`",
        ]
    )


def counts_again(done: Ignored, zone: tzinfo) -> str:
    """Return what was told to count again."""
    whom = f" for {done.person.path}" if done.person is not None else ""
    return page([f"{_when(done, zone)} is no longer ignored{whom}; the next `contactd sync --once` follows."])


def _for(done: Ignored) -> str:
    return f' --for "{done.person.path}"' if done.person is not None else ""


def _when(done: Ignored, zone: tzinfo) -> str:
    event = done.sighting.event
    when = event.when
    day = f"{when.start.astimezone(zone):%Y-%m-%d}" if isinstance(when, Timed) else when.start.isoformat()
    return f"The meeting of {day} in {event.account}, calendar {event.calendar}"


def _last(told: Why, zone: tzinfo) -> Iterator[str]:
    said = told.explanation
    yield from _of_standing(said.standing)
    if said.last_contact is not None:
        lead = "" if told.is_free else "the calendars say: "
        yield from _evidence(said.last_contact, zone, lead)
    elif told.is_read:
        yield "no meeting counts"
    derived = said.last_contact.date if said.last_contact is not None else ""
    if told.waits:
        yield told.waits
    elif told.is_free and derived != (said.note_date or ""):
        yield f"the next sync writes {derived or 'nothing'}"


def _of_standing(standing: Standing) -> Iterator[str]:
    match standing:
        case Free():
            return
        case Floor(date):
            yield f"{date} is your own date (a floor): it rises with later meetings and never falls below"
            yield f"to lift it: {_TO_LIFT}"
        case Pin(date, against):
            which = f"against the meeting of {against:%Y-%m-%d}" if against is not None else "when no meeting counted"
            yield f"{date or 'nothing'} is your own word (a pin), said {which}; it stands until a later one counts"
            yield f"to lift it: {_TO_LIFT}"
        case Off():
            yield "you took the key out of this note, so it is left alone"
            yield "to have it kept up again: put the key back without a value"
        case _:
            assert_never(standing)


def _next_date(told: Why) -> str:
    if told.next_noted:
        return told.next_noted
    coming = told.explanation.next_meeting
    return f"{coming.date} (not in the note)" if coming is not None else "(nothing)"


def _next(told: Why, zone: tzinfo) -> Iterator[str]:
    if told.next_noted is not None:
        yield from _of_next(told.next_memory.standing)
    if told.explanation.next_meeting is not None:
        yield from _evidence(told.explanation.next_meeting, zone, "")


def _of_next(standing: Standing) -> Iterator[str]:
    match standing:
        case Pin(date, _) if date:
            yield "it is your own date, and stands until that day is over"
        case Pin():
            yield "you emptied it; it stays so until another meeting is next"
        case _:
            return


def _evidence(evidence: Evidence, zone: tzinfo, lead: str) -> Iterator[str]:
    start = f"{evidence.start.astimezone(zone):%H:%M}"
    people = "you and one other" if evidence.people == 1 else f"you and {evidence.people} others"
    title = f' "{evidence.title}"' if evidence.title else ""
    yield f"{lead}{evidence.date} {start}{title}, {people}; {_ANSWERS[evidence.answer]}"
    yield f"{evidence.account}, calendar {evidence.calendar}  [{evidence.meeting}]"


def _misses(misses: Sequence[NearMiss]) -> Iterator[str]:
    for miss in misses:
        evidence, key = miss.evidence, _KEYS[miss.objection.rule]
        title = f' "{evidence.title}"' if evidence.title else ""
        rule = f" ({key})" if key else ""
        yield f"  {evidence.date}{title}: {miss.objection.words}{rule}  [{evidence.meeting}]"


def _hints(told: Why) -> Iterator[str]:
    said = told.explanation
    if said.doubtful:
        yield f"{number(len(said.doubtful), 'meeting')} of two would count if you had answered the invitation."
    for address in said.shared:
        yield f"{address} is in several notes: its meetings count for nobody until only one has it."
    for address in said.suggested:
        yield f"{address} was invited, and may be the same person: if so, put it into the note."
    misses = (*said.near_misses, *said.missed_next)
    if not told.knows_me and any(one.evidence.answer is Response.UNKNOWN for one in misses):
        yield "What you answered is not known without your own addresses: `email` and `me` of the accounts say them."
    for calendar in told.blind:
        yield f"{calendar.account}, calendar {calendar.name}: {NO_ATTENDEES}."
    if not told.is_read:
        yield "No calendar was read so far: name one in the configuration, and sync."
    if not told.has_address:
        yield "The note has no e-mail address, by which it could be told who was met."
    if said.near_misses or said.missed_next:
        yield "Names in round brackets are keys of [meetings] in the configuration."
    if said.last_contact is not None or said.near_misses:
        yield "`contactd ignore ID` makes the meeting with that id in brackets not count."


def _evidence_json(evidence: Evidence | None) -> Mapping[str, object] | None:
    return None if evidence is None else {**asdict(evidence), "start": time_text(evidence.start)}


def _miss_json(miss: NearMiss) -> Mapping[str, object]:
    return {
        **(_evidence_json(miss.evidence) or {}),
        "rule": miss.objection.rule,
        "key": _KEYS[miss.objection.rule],
        "why": miss.objection.words,
    }


def _standing_json(standing: Standing) -> Mapping[str, object]:
    match standing:
        case Free():
            return {"kind": "free"}
        case Floor(date):
            return {"kind": "floor", "date": date}
        case Pin(date, against):
            return {"kind": "pin", "date": date, "against": _time(against)}
        case Off():
            return {"kind": "off"}
        case _:
            assert_never(standing)


def _time(at: datetime | None) -> str | None:
    return None if at is None else time_text(at)
