"""Links that are the owner's to make: who waits and why, and the answer to it.

A pair that a deletion has parted stands in the way of nothing but itself: linking the two again, or asking for a new
contact, forgets that it was parted.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from daemon import answers, conflicts, links, records
from daemon.codec import unpack_reading
from daemon.conflicts import LinkQuestion
from daemon.errors import DaemonError
from daemon.standing import questions
from daemon.state import Readable, State, Transaction
from mappings.operation import Parting
from mappings.person import Person, Uid
from mappings.record import AccountName, NotePath, Record, RemoteId
from mappings.world import Tombstone

_ALIKE_MAX = 5
"""So many notes are named that might be meant."""

NEW = "new"
"""Said in the place of a remote id: have a contact made."""


class NoSuchLink(DaemonError):
    """What was named cannot be linked so: nothing was changed, say what could be."""

    exit_code = 64


@dataclass(frozen=True, slots=True)
class Candidate:
    """A contact that might be meant; `person` is None where it cannot be read."""

    remote_id: RemoteId
    person: Person | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody who waits to be linked, and the contacts that might be meant."""

    question: LinkQuestion
    since: datetime
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Parted:
    """A note and a contact that were parted by a deletion; `path` is None for a note that nobody remembers."""

    account: AccountName
    uid: Uid
    remote_id: RemoteId
    path: NotePath | None
    reason: Parting
    at: datetime


def waiting(state: Readable) -> tuple[Waiting, ...]:
    """Return who waits to be linked, the longest first, with the contacts that might be meant."""
    asked = questions(state)
    readable = {account: records.records(state, account)[0] for account in {one.account for one in asked}}
    return tuple(Waiting(one, since, _candidates(one, readable[one.account])) for one, since in asked.items())


def parted(state: Readable) -> tuple[Parted, ...]:
    """Return the pairs that a deletion has parted and nobody has linked since, the latest first."""
    sql = (
        "SELECT t.account, t.uid, t.remote_id, p.path, t.reason, t.at FROM tombstones t"
        " LEFT JOIN people p ON p.uid = t.uid"
        " WHERE NOT EXISTS (SELECT 1 FROM links l WHERE l.account = t.account AND l.uid = t.uid) ORDER BY t.at DESC"
    )
    return tuple(
        Parted(account, uid, remote_id, path, Parting(reason), datetime.fromisoformat(at))
        for account, uid, remote_id, path, reason, at in state.all(sql)
    )


def person_of(state: Readable, named: str) -> tuple[Uid, NotePath]:
    """Return the person whose note is named by its path, its file name or its uid.

    Errors: `NoSuchLink`, with the notes that might be meant.
    """
    people = links.people(state)
    found = [(uid, path) for uid, path in people.items() if named in _names(uid, path)]
    if len(found) == 1:
        return found[0]
    if found:
        raise NoSuchLink(f"several notes are called {named}: {', '.join(sorted(path for _, path in found))}")
    alike = sorted(path for path in people.values() if named.casefold() in path.casefold())[:_ALIKE_MAX]
    perhaps = f" Did you mean {' or '.join(alike)}?" if alike else ""
    raise NoSuchLink(
        f"no person's note is called {named}; expected its path in the vault, its file name or its uid.{perhaps} "
        "A note that is new is known after the next `contactd sync --once`"
    )


def account_of(state: Readable, uid: Uid, record: str, accounts: Iterable[AccountName]) -> AccountName:
    """Return the account in which a person is to be linked, where the owner does not say.

    It is the only one there is, else the only one that knows the record or asks about the person.
    Errors: `NoSuchLink` if several might be meant.
    """
    known = tuple(accounts)
    asking = {one.account for one in conflicts.link_questions(state) if one.uid == uid}
    holding = {account for account in known if RemoteId(record) in present(state, account)}
    for choices in (set(known), holding if record != NEW else asking):
        if len(choices) == 1:
            return next(iter(choices))
    raise NoSuchLink(f"say which account is meant: --account {' or '.join(known)}")


def link(state: State, account: AccountName, uid: Uid, remote_id: RemoteId) -> None:
    """Link a note and a contact. They have agreed on nothing yet: what differs is asked about by the next run.

    A contact that is kept for a note which is no person's at present is this note's from now on.
    Errors: `NoSuchLink` if one of them is linked already, or the account has no such contact.
    """
    with state.transaction() as tx:
        _check_unlinked(tx, account, uid)
        _check_free(tx, account, uid, remote_id)
        links.unbury(tx, account, uid, remote_id)
        links.no_strangers(tx, account, uid, remote_id)
        links.let_go(tx, account, remote_id)
        links.add_link(tx, account, uid, remote_id)
        _answered(tx, account, uid)


def ask_for_new(state: State, account: AccountName, uid: Uid) -> None:
    """Have the next run make a contact for a person.

    Errors: `NoSuchLink` if the person has one, or one carries the person's uid.
    """
    with state.transaction() as tx:
        _check_unlinked(tx, account, uid)
        carriers = [record.remote_id for record in present(tx, account).values() if record.uid == uid]
        if carriers:
            raise NoSuchLink(
                f"a contact of {account} carries the note's uid already: link that one, {' or '.join(carriers)}, "
                "or delete it there first"
            )
        for tombstone in links.tombstones(tx):
            if (tombstone.account, tombstone.uid) == (account, uid):
                links.unbury(tx, account, uid, tombstone.remote_id)
        answers.ask_for(tx, account, uid)
        _answered(tx, account, uid)


def unlink(state: State, account: AccountName, uid: Uid, now: datetime) -> RemoteId:
    """Part a note from its contact in an account, and return that contact; nothing is written, both stay.

    It is an answer: the two are not asked about again.
    Errors: `NoSuchLink` if the note has none.
    """
    with state.transaction() as tx:
        for (remote_id,) in tx.all("SELECT remote_id FROM links WHERE account = ? AND uid = ?", (account, uid)):
            links.remove_link(tx, account, uid)
            links.bury(tx, Tombstone(account, uid, remote_id), Parting.BY_OWNER, now)
            links.tell_apart(tx, account, uid, remote_id)
            return RemoteId(remote_id)
    raise NoSuchLink(f"this note has no contact in {account}")


def linked_in(state: Readable, uid: Uid) -> tuple[AccountName, ...]:
    """Return the accounts in which a person is linked."""
    return tuple(
        AccountName(account) for (account,) in state.all("SELECT account FROM links WHERE uid = ? ORDER BY 1", (uid,))
    )


def tell_apart(state: State, account: AccountName, uid: Uid, remote_id: RemoteId) -> None:
    """Remember that a note and a contact are two people; the contact is never asked about again for this note.

    Errors: `NoSuchLink` if they are linked, or the account has no such contact.
    """
    with state.transaction() as tx:
        sql = "SELECT 1 FROM links WHERE account = ? AND uid = ? AND remote_id = ?"
        if tx.all(sql, (account, uid, remote_id)):
            raise NoSuchLink("they are linked; `contactd unlink` parts them")
        if remote_id not in present(tx, account):
            raise NoSuchLink(f"{account} has no contact {remote_id} that can be read")
        links.tell_apart(tx, account, uid, remote_id)
        _without_candidate(tx, account, uid, remote_id)


def _without_candidate(tx: Transaction, account: AccountName, uid: Uid, remote_id: RemoteId) -> None:
    """Take a contact out of the question that waits; the next run asks anew about whoever is left."""
    for packed, rowid in tx.all(
        "SELECT candidates, rowid FROM questions WHERE account = ? AND uid = ?", (account, uid)
    ):
        left = [candidate for candidate in json.loads(packed) if candidate != remote_id]
        if left:
            tx.run("UPDATE questions SET candidates = ? WHERE rowid = ?", (json.dumps(left), rowid))
        else:
            tx.run("DELETE FROM questions WHERE rowid = ?", (rowid,))


def _names(uid: Uid, path: NotePath) -> tuple[str, ...]:
    file_name = path.rpartition("/")[2]
    return uid, path, path.removesuffix(".md"), file_name, file_name.removesuffix(".md")


def _candidates(question: LinkQuestion, readable: Mapping[RemoteId, Record]) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(remote_id, readable[remote_id].person if remote_id in readable else None)
        for remote_id in question.candidates
    )


def person_in_note(state: Readable, uid: Uid) -> Person | None:
    """Return what a person's note said when it was read last, None if it could not be read."""
    for (packed,) in state.all(
        "SELECT n.reading FROM notes n JOIN people p ON p.path = n.path WHERE p.uid = ?", (uid,)
    ):
        reading = unpack_reading(packed) if packed is not None else None
        return None if reading is None else reading.person
    return None


def present(state: Readable, account: AccountName) -> Mapping[RemoteId, Record]:
    """Return the contacts that can be linked: readable, and found by the last look."""
    readable, _, missing = records.records(state, account)
    return {remote_id: record for remote_id, record in readable.items() if remote_id not in missing}


def _check_unlinked(tx: Transaction, account: AccountName, uid: Uid) -> None:
    sql = "SELECT remote_id, suspended_at FROM links WHERE account = ? AND uid = ?"
    for remote_id, suspended_at in tx.all(sql, (account, uid)):
        if suspended_at is not None:
            raise NoSuchLink(
                f"this note is no person's; once it is, it is linked to {remote_id} in {account} as before"
            )
        raise NoSuchLink(f"this note is linked already, to {remote_id} in {account}")


def _check_free(tx: Transaction, account: AccountName, uid: Uid, remote_id: RemoteId) -> None:
    sql = "SELECT uid FROM links WHERE account = ? AND remote_id = ? AND suspended_at IS NULL"
    for (other,) in tx.all(sql, (account, remote_id)):
        raise NoSuchLink(f"{remote_id} in {account} is linked to another note: {links.path_of(tx, other) or other}")
    if remote_id not in present(tx, account):
        asked = [one for one in conflicts.link_questions(tx) if (one.account, one.uid) == (account, uid)]
        choices = [*(candidate for one in asked for candidate in one.candidates), NEW]
        raise NoSuchLink(f"{account} has no contact {remote_id} that can be read; expected {' or '.join(choices)}")


def _answered(tx: Transaction, account: AccountName, uid: Uid) -> None:
    tx.run("DELETE FROM questions WHERE account = ? AND uid = ?", (account, uid))
