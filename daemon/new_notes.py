"""Who gets a note by himself, and from what: the configuration, the template, the ledger and the vault → `Newcomers`.

Only a whole look at the vault offers anybody one: whoever seems to lack a note may have one that was not looked at. An
editor takes a note away for an instant while it saves it, so before a note is made the vault must still be what was
looked at: two looks in a row do not fall into such an instant.
Whom the owner met is worked out from every meeting, so what came of it is kept, as the derived dates are.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from daemon import dates, ledger, notes, scan
from daemon.codec import time_of, time_text
from daemon.database import LOST_STATE_AT
from daemon.errors import VaultError, VaultMissing
from daemon.links import people
from daemon.scan import Scanned
from daemon.setup import Setup
from daemon.state import State, Transaction, get_meta, set_meta
from mappings import new_note
from mappings.date_memory import Met, Stranger
from mappings.errors import EditRefused, UnreadableNote
from mappings.meetings import Clock, strangers
from mappings.newcomers import NoNote
from mappings.note import decode
from mappings.profiles import is_excluded_path
from mappings.world import Newcomers

_KEPT = "people met"
_BEGUN = "people_met_begun"
_UNREAD = "notes that cannot be read may be about them; see what is skipped"


def newcomers(setup: Setup, state: State, scanned: Scanned, now: datetime) -> Newcomers | None:
    """Return what notes for people who have none are made from, None where none are to be.

    Errors: `VaultMissing`.
    """
    wish = setup.new_notes
    if not (wish.met or wish.contacts):
        return None
    template, closed = _template(setup)
    if not scanned.whole:
        closed = NoNote.UNSEEN.value
    return Newcomers(
        accounts=wish.contacts,
        met=_met(setup, state, scanned, now),
        folder=wish.folder,
        template=template,
        rules=setup.rules,
        vault_id=setup.vault_id,
        files=scanned.files,
        former=scanned.former,
        addresses=scanned.addresses,
        remembered=frozenset(people(state)),
        own=setup.meetings.me.addresses,
        limit=wish.per_run,
        first_met=bool(wish.met) and get_meta(state, _BEGUN) != _rule(setup),
        closed=closed or ("" if scanned.understood else _UNREAD),
    )


def is_still_as_seen(setup: Setup, state: State) -> bool:
    """Tell whether no note has come, changed or gone since the last whole look; what it says may be about anybody.

    Errors: `VaultMissing`.
    """
    rows = notes.rows(state).values()
    seen = {row.path: scan.stat_in(row) for row in rows}
    listing = setup.vault.listing()
    there = {stat.path: stat for stat in listing.notes if not is_excluded_path(stat.path, setup.rules.template_folders)}
    # A person is also missed whose note stands in its place and is nobody's, or somebody else's: it was looked at.
    found = {row.path for row in rows if not row.missing_looks} | (seen.keys() & there.keys())
    return listing.complete and there == {path: seen[path] for path in found}


def begun(tx: Transaction, setup: Setup) -> None:
    """Remember that a plan with those whom the owner met was carried out, or one without them."""
    if get_meta(tx, _BEGUN) != _rule(setup):
        set_meta(tx, _BEGUN, _rule(setup))


def _rule(setup: Setup) -> str:
    return " ".join(sorted(setup.new_notes.met))


def _template(setup: Setup) -> tuple[str, str]:
    """Return the template's text, and why it will not do, "" if it will."""
    path = setup.new_notes.template
    if path is None:
        return new_note.built_in(setup.rules.profile), ""
    try:
        text = decode(setup.vault.read(path).content)
        new_note.check_template(text)
    except VaultMissing:
        raise
    except (VaultError, EditRefused) as error:
        return "", f"the template {path} cannot be used: {error.reason}"
    except UnreadableNote as error:
        return "", f"the template {path} cannot be used: {error}"
    return text, ""


def _met(setup: Setup, state: State, scanned: Scanned, now: datetime) -> Mapping[str, Stranger]:
    """Return whom the owner met and who has no note.

    After a loss of the state only those count whom he met since: of the others it is not known whether he has deleted
    a note of theirs.
    """
    wish, meetings = setup.new_notes, setup.meetings
    if not wish.met or not ledger.is_begun(state):
        return {}
    known = dates.owners(meetings, ((note.uid, note.reading.person) for note in scanned.notes))
    key = f"{dates.key_of(meetings, state, known)} {' '.join(sorted(wish.met))}"
    kept = _kept(state, key, now)
    if kept is not None:
        return kept
    seen, lost_at = ledger.ledger(state), get_meta(state, LOST_STATE_AT)
    clock = Clock(now, meetings.zone)
    found = strangers(seen, known, meetings.rules, ledger.vetoes(state), clock, wish.met)
    if lost_at is not None:
        found = {address: one for address, one in found.items() if one.first.start > time_of(lost_at)}
    _keep(state, key, now, dates.holds_until(meetings, seen, now), found)
    return found


def _kept(state: State, key: str, now: datetime) -> Mapping[str, Stranger] | None:
    kept = get_meta(state, _KEPT)
    document: dict[str, Any] = json.loads(kept) if kept is not None else {"key": None}
    if document["key"] != key or not time_of(document["since"]) <= now < time_of(document["until"]):
        return None
    return {
        address: Stranger(spelled, Met(first[0], time_of(first[1])), Met(last[0], time_of(last[1])))
        for address, (spelled, first, last) in document["met"].items()
    }


def _keep(state: State, key: str, now: datetime, until: datetime, found: Mapping[str, Stranger]) -> None:
    met = {address: [one.address, _packed(one.first), _packed(one.last)] for address, one in found.items()}
    document = {"key": key, "since": time_text(now), "until": time_text(until), "met": met}
    with state.transaction() as tx:
        set_meta(tx, _KEPT, json.dumps(document))


def _packed(met: Met) -> list[str]:
    return [met.date, time_text(met.start)]
