"""What waits for the owner, as text or as JSON: conflicts and links."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict

from daemon.codec import time_text
from daemon.conflicts import ConflictState
from daemon.deciding import Kept, PutBack, TakeBoth, chosen, is_list
from daemon.linking import Candidate, Parted, Waiting
from daemon.render import People, aligned, day, document, field_name, page, value
from daemon.standing import Apart
from mappings.merge import NOTE
from mappings.operation import Parting
from mappings.person import Person

_HOW_TO_DECIDE = (
    "To decide one: `contactd settle ID --note`, --remote, --both or --value V; `contactd review` goes through all.",
    "Or make the note and the contact say the same: the next sync takes what they agree on.",
)
_HOW_TO_DECIDE_RETURNED = (
    "Where a side has its former value again, an editor or a program may have put it back from an old copy. Without",
    "`settle`: to keep the newer value, write it there once more; to keep the former, write it on the other side too.",
)
_HOW_TO_MOVE = (
    "What you have undone stays as it is until you change it on a side, or until `contactd settle ID --note`, --remote,",
    "--both or --value V says what all sides are to say.",
)
_UNDONE = "undone"
"""The state of a field that was put back; conflicts have theirs from `ConflictState`."""

_HOW_TO_LINK = (
    "To answer: `contactd link NOTE CONTACT` links the two, `contactd link NOTE new` has a new contact made,",
    "`contactd never NOTE CONTACT` says that they are two people; `contactd links review` goes through all.",
    "NOTE is a path or file name, CONTACT what stands before the colon.",
)
_PARTINGS = {
    Parting.RECORD_DELETED: "contact deleted, note kept",
    Parting.NOTE_DELETED: "note deleted, contact kept",
    Parting.CONTACT_SAYS_MORE: "note deleted, contact kept: it says more than the note did, or was edited since",
    Parting.ANOTHER_PERSON: "the note is about somebody else, contact kept",
    Parting.UNDONE: "making the contact was undone",
    Parting.BY_OWNER: "parted by you",
}


def conflicts(kept: Sequence[Kept], people: People) -> str:
    """Return conflicts with every side's value; those that are settled say how, those that were put back that they are."""
    told = [line for one in kept for line in _conflict(one, people)]
    if not told:
        return "No conflict."
    states = {_state(one) for one in kept}
    if ConflictState.OPEN in states:
        told += _HOW_TO_DECIDE
    if any(_state(one) is ConflictState.OPEN and one.conflict.returned for one in kept):
        told += _HOW_TO_DECIDE_RETURNED
    if _UNDONE in states:
        told += _HOW_TO_MOVE
    return page(told)


def conflict(kept: Kept, people: People) -> str:
    """Return one conflict that waits, or a field that was put back, and the commands that settle it."""
    one = kept.conflict
    answers = [("--note", value(one.ours))]
    several = len(one.theirs) > 1
    answers += [
        (f"--remote --account {name}" if several else "--remote", value(said)) for name, said in one.theirs.items()
    ]
    if is_list(one):
        answers.append(("--both", value(chosen(one, TakeBoth()))))
    answers.append(("--value V", "what you say"))
    return page(
        [*_conflict(kept, people), f"To settle it: `contactd settle {one.id}` with one of", *aligned(answers, "  ")]
    )


def conflict_json(kept: Kept, people: People) -> str:
    """Return the same as JSON, one object."""
    return document(_conflict_json(kept, people))


def conflicts_json(kept: Iterable[Kept], people: People) -> str:
    """Return the same as JSON, a list."""
    return document([_conflict_json(one, people) for one in kept])


def links(waiting: Sequence[Waiting], parted: Sequence[Parted], apart: Sequence[Apart]) -> str:
    """Return who waits to be linked, with the contacts that might be meant, and which pairs were parted or are apart."""
    told = [line for one in waiting for line in _waiting(one)]
    if waiting:
        told += _HOW_TO_LINK
    if parted:
        told += ["Parted, and never linked again unless you do it (`contactd link`):"]
        told += [
            f"  {one.path or one.uid}, {one.account} {one.remote_id}: {_PARTINGS[one.reason]}, {day(one.at)}"
            for one in parted
        ]
    if apart:
        told += ["Kept apart while the note is no person's note; linked as before as soon as it is one again:"]
        told += [f"  {one.path}, {one.account} {one.remote_id}, since {day(one.at)}" for one in apart]
    return page(told or ["Nobody waits to be linked."])


def links_json(waiting: Iterable[Waiting], parted: Iterable[Parted], apart: Iterable[Apart]) -> str:
    """Return the same as JSON, one object."""
    return document(
        {
            "waiting": [
                {
                    **asdict(one.question),
                    "since": time_text(one.since),
                    "candidates": [asdict(each) for each in one.candidates],
                }
                for one in waiting
            ],
            "parted": [{**asdict(one), "at": time_text(one.at)} for one in parted],
            "apart": [{**asdict(one), "at": time_text(one.at)} for one in apart],
        }
    )


def _conflict(kept: Kept, people: People) -> Iterator[str]:
    conflict = kept.conflict
    yield f"{people.get(conflict.uid, conflict.uid)}: {field_name(conflict.field)}  [{conflict.id}]"
    rows = [(NOTE, value(conflict.ours))]
    rows += [(account, value(theirs)) for account, theirs in conflict.theirs.items()]
    # What a side has gone back to was there before the base was; "before" would name the wrong one of the two.
    before = "agreed on last" if conflict.returned else "before"
    before += ", with {}" if len(conflict.bases) > 1 else ""
    rows += [(before.format(account), value(base)) for account, base in conflict.bases.items()]
    rows += [("why", _why_doubted(conflict.returned))] if conflict.returned else []
    yield from aligned([*rows, _outcome(kept)], "  ")


def _why_doubted(returned: Sequence[str]) -> str:
    sides = " and ".join("the note" if side == NOTE else f"the contact in {side}" for side in returned)
    has, it = ("have", "them") if len(returned) > 1 else ("has", "it")
    return f"{sides} {has} again what was there before contactd last wrote to {it}"


def _state(kept: Kept) -> str:
    return _UNDONE if isinstance(kept, PutBack) else kept.state


def _outcome(kept: Kept) -> tuple[str, str]:
    since = f"since {day(kept.since)}"
    if isinstance(kept, PutBack):
        return _UNDONE, f"{since}; it stays so"
    match kept.state:
        case ConflictState.OPEN:
            return "open", since
        case ConflictState.SETTLED:
            chosen = value(kept.conflict.chosen)
            return "settled", f"{day(kept.since)}, by rule ({kept.conflict.settled_by}): {chosen}"
        case ConflictState.DECIDED:
            return "settled", f"{day(kept.closed_at or kept.since)}, by you: {value(kept.conflict.chosen)}"
        case ConflictState.CLOSED | ConflictState.SUPERSEDED:
            return "over", f"{since}; {kept.state}" + (f", {day(kept.closed_at)}" if kept.closed_at else "")


def _conflict_json(kept: Kept, people: People) -> Mapping[str, object]:
    closed_at = None if isinstance(kept, PutBack) else kept.closed_at
    return {
        "id": kept.conflict.id,
        "path": people.get(kept.conflict.uid),
        **asdict(kept.conflict),
        "state": _state(kept),
        "since": time_text(kept.since),
        "closed_at": None if closed_at is None else time_text(closed_at),
    }


def _waiting(one: Waiting) -> Iterator[str]:
    yield f"{one.question.path}, in {one.question.account}: {one.question.detail} (since {day(one.since)})"
    yield from aligned([(f"{each.remote_id}:", _known(each)) for each in one.candidates], "  ")


def _known(candidate: Candidate) -> str:
    return "it cannot be read" if candidate.person is None else _described(candidate.person)


def _described(person: Person) -> str:
    """Return what tells one contact from another: name, job, addresses."""
    parts = (person.name, person.title, person.organization, *person.emails, *person.phones)
    return ", ".join(part for part in parts if part) or "it says nothing of anybody"
