"""Why one person's dates are what they are: what `contactd why` tells."""

from dataclasses import dataclass

from mappings.date_memory import DateMemory, Standing
from mappings.meetings import Evidence, Findings, NearMiss
from mappings.person import Uid


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one person's dates are what they are; `note_date` is what the note says now."""

    uid: Uid
    note_date: str | None
    standing: Standing
    last_contact: Evidence | None
    next_meeting: Evidence | None
    near_misses: tuple[NearMiss, ...]
    missed_next: tuple[NearMiss, ...]
    doubtful: tuple[NearMiss, ...]
    shared: tuple[str, ...]
    suggested: tuple[str, ...]


def explain(uid: Uid, note_date: str | None, memory: DateMemory, findings: Findings) -> Explanation:
    """Gather what there is to say about one person; `memory` is that of `last_contact`."""
    tally = findings.tally(uid)
    return Explanation(
        uid=uid,
        note_date=note_date,
        standing=memory.standing,
        last_contact=tally.last_contact,
        next_meeting=tally.next_meeting,
        near_misses=tally.near_misses,
        missed_next=tally.missed_next,
        doubtful=tally.doubtful,
        shared=tuple(sorted(address for address, uids in findings.shared.items() if uid in uids)),
        suggested=tuple(sorted(address for address, owner in findings.suggested.items() if owner == uid)),
    )
