"""How things stand in the state: where each person's note is, how many are linked to what, who waits to be."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from daemon import links
from daemon.conflicts import LinkQuestion, link_questions
from daemon.state import Readable
from mappings.person import Uid
from mappings.record import AccountName, NotePath

_DELETED = "DELETED"
"""The name of `Doubt.DELETED`, as stored; `status` has to be quick, and the doubts come with all of `identity`."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where each person's note was last seen; by account, the people linked and the readable contacts that are no note's."""

    people: Mapping[Uid, NotePath]
    linked: Mapping[AccountName, int]
    unlinked: Mapping[AccountName, int]


def questions(state: Readable) -> Mapping[LinkQuestion, datetime]:
    """Return the questions that wait, and since when; people whose contact was deleted are told of as parted."""
    return {one: since for one, since in link_questions(state).items() if one.kind != _DELETED}


def standing(state: Readable) -> Standing:
    """Return how things stand; accounts with nothing to count are missing in the counts."""
    linked = state.all("SELECT account, count(*) FROM links GROUP BY account")
    unlinked = state.all(
        "SELECT account, count(*) FROM records WHERE reading IS NOT NULL AND missing_looks = 0 AND NOT EXISTS"
        " (SELECT 1 FROM links WHERE links.account = records.account AND links.remote_id = records.remote_id)"
        " GROUP BY account"
    )
    return Standing(links.people(state), dict(linked), dict(unlinked))
