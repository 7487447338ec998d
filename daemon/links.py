"""Links and their bases, what must never be linked again, and which note is whose.

A base that does not bear its checksum is not believed: the link stands with an empty base, as if the state had been
lost for this one person. Then equal values are adopted and differing ones are asked about.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from daemon.codec import pack_base, time_text, unpack_base
from daemon.state import Readable, Transaction
from mappings.operation import Joined
from mappings.person import FieldName, Uid, Value
from mappings.record import AccountName, Etag, NotePath, RemoteId
from mappings.world import LinkState, Tombstone


def people(state: Readable) -> dict[Uid, NotePath]:
    """Return where each person's note was last seen."""
    return {Uid(uid): NotePath(path) for uid, path in state.all("SELECT uid, path FROM people")}


def path_of(state: Readable, uid: Uid) -> NotePath | None:
    """Return where a person's note was last seen, None for somebody unknown."""
    rows = state.all("SELECT path FROM people WHERE uid = ?", (uid,))
    return NotePath(rows[0][0]) if rows else None


def remember_person(tx: Transaction, uid: Uid, path: NotePath) -> None:
    """Remember where a person's note is now."""
    tx.run("INSERT INTO people VALUES (?, ?) ON CONFLICT DO UPDATE SET path = excluded.path", (uid, path))


def forget_person(tx: Transaction, uid: Uid) -> None:
    """Forget where a person's note was; links and tombstones stay."""
    tx.run("DELETE FROM people WHERE uid = ?", (uid,))


def links(state: Readable) -> tuple[LinkState, ...]:
    """Return the links that are kept in step, each with the base that can be trusted of it."""
    return _links(state, "suspended_at IS NULL")


def suspended(state: Readable) -> tuple[LinkState, ...]:
    """Return the links that are kept apart while their notes are no persons', as `links` does."""
    return _links(state, "suspended_at IS NOT NULL")


def _links(state: Readable, which: str) -> tuple[LinkState, ...]:
    sql = f"SELECT account, uid, remote_id, base, etag FROM links WHERE {which} ORDER BY account, uid"  # noqa: S608  # our own text
    rows = state.all(sql)
    return tuple(
        LinkState(AccountName(account), Uid(uid), RemoteId(remote_id), unpack_base(base) or {}, Etag(etag))
        for account, uid, remote_id, base, etag in rows
    )


def damaged_bases(state: Readable) -> tuple[tuple[AccountName, Uid], ...]:
    """Return the links whose base is not to be trusted, until values are agreed on anew."""
    rows = state.all("SELECT account, uid, base FROM links ORDER BY account, uid")
    return tuple((AccountName(account), Uid(uid)) for account, uid, base in rows if unpack_base(base) is None)


def is_linked(state: Readable, uid: Uid) -> bool:
    """Tell whether a person has a link in any account."""
    return bool(state.all("SELECT 1 FROM links WHERE uid = ? LIMIT 1", (uid,)))


def add_link(tx: Transaction, account: AccountName, uid: Uid, remote_id: RemoteId) -> None:
    """Remember that a note is a record; they have agreed on nothing yet.

    Shapes: neither the person nor the record has a link in the account; a second one is our bug and raises.
    """
    tx.run("INSERT INTO links VALUES (?, ?, ?, ?, '', NULL)", (account, uid, remote_id, pack_base({})))


def join(tx: Transaction, uid: Uid, joined: Joined) -> None:
    """Link a note that was just made to the record that it is made from, unless either is linked already."""
    account, remote_id = joined.agreed.account, joined.remote_id
    sql = "SELECT 1 FROM links WHERE account = ? AND (uid = ? OR remote_id = ?)"
    if not tx.all(sql, (account, uid, remote_id)):
        unbury(tx, account, uid, remote_id)
        add_link(tx, account, uid, remote_id)
        agree(tx, account, uid, joined.agreed.values)


def saw(tx: Transaction, seen: Iterable[tuple[AccountName, Uid, Etag]]) -> None:
    """Remember what records were while their notes were there."""
    tx.run_each(
        "UPDATE links SET etag = ? WHERE account = ? AND uid = ?",
        ((etag, account, uid) for account, uid, etag in seen),
    )


def follow(tx: Transaction, account: AccountName, uid: Uid, remote_id: RemoteId) -> None:
    """Remember the id by which a person's record goes now; what the two agreed on stays."""
    tx.run("UPDATE links SET remote_id = ? WHERE account = ? AND uid = ?", (remote_id, account, uid))


def suspend(tx: Transaction, account: AccountName, uid: Uid, at: datetime) -> None:
    """Keep a link apart; it stays what it is, and nobody else can have its record."""
    tx.run(_SUSPENDED_AT, (time_text(at), account, uid))


def resume(tx: Transaction, account: AccountName, uid: Uid) -> None:
    """Take a link up again that was kept apart."""
    tx.run(_SUSPENDED_AT, (None, account, uid))


def let_go(tx: Transaction, account: AccountName, remote_id: RemoteId) -> None:
    """Forget the link for which a record is kept apart, because its owner gives it to another note."""
    tx.run("DELETE FROM links WHERE account = ? AND remote_id = ? AND suspended_at IS NOT NULL", (account, remote_id))


_SUSPENDED_AT = "UPDATE links SET suspended_at = ? WHERE account = ? AND uid = ?"


def agree(tx: Transaction, account: AccountName, uid: Uid, values: Mapping[FieldName, Value]) -> None:
    """Put values that both sides hold into a link's base; a link that has ended meanwhile has none to put them into."""
    for (base,) in tx.all("SELECT base FROM links WHERE account = ? AND uid = ?", (account, uid)):
        merged = unpack_base(base) or {}
        merged.update(values)
        tx.run("UPDATE links SET base = ? WHERE account = ? AND uid = ?", (pack_base(merged), account, uid))


def rebase(
    tx: Transaction,
    account: AccountName,
    uid: Uid,
    values: Mapping[FieldName, Value],
    never_agreed: Collection[FieldName],
) -> None:
    """Put a link's base back: these values, and no word on fields that were never agreed on."""
    for (base,) in tx.all("SELECT base FROM links WHERE account = ? AND uid = ?", (account, uid)):
        kept: dict[FieldName, Value] = {
            name: value for name, value in (unpack_base(base) or {}).items() if name not in never_agreed
        }
        kept.update(values)
        tx.run("UPDATE links SET base = ? WHERE account = ? AND uid = ?", (pack_base(kept), account, uid))


def distrust_bases(tx: Transaction) -> None:
    """Forget what all links agreed on: equal values adopt anew, differing ones are asked about."""
    tx.run("UPDATE links SET base = ?", (pack_base({}),))


def remove_link(tx: Transaction, account: AccountName, uid: Uid) -> None:
    """Forget a link and its base."""
    tx.run("DELETE FROM links WHERE account = ? AND uid = ?", (account, uid))


def tombstones(state: Readable) -> frozenset[Tombstone]:
    """Return the pairs that are never linked again by themselves."""
    rows = state.all("SELECT account, uid, remote_id FROM tombstones")
    return frozenset(Tombstone(AccountName(account), Uid(uid), RemoteId(remote_id)) for account, uid, remote_id in rows)


def strangers(state: Readable) -> frozenset[Tombstone]:
    """Return the notes and records of which the owner said that they are not the same person."""
    rows = state.all("SELECT account, uid, remote_id FROM strangers")
    return frozenset(Tombstone(AccountName(account), Uid(uid), RemoteId(remote_id)) for account, uid, remote_id in rows)


def tell_apart(tx: Transaction, account: AccountName, uid: Uid, remote_id: RemoteId) -> None:
    """Remember that a note and a record are not the same person."""
    tx.run("INSERT INTO strangers VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (account, uid, remote_id))


def no_strangers(tx: Transaction, account: AccountName, uid: Uid, remote_id: RemoteId) -> None:
    """Forget that a note and a record were told apart, because the owner links them."""
    tx.run("DELETE FROM strangers WHERE account = ? AND uid = ? AND remote_id = ?", (account, uid, remote_id))


def bury(tx: Transaction, tombstone: Tombstone, reason: str, at: datetime) -> None:
    """Remember that a pair was parted by a deletion; the first reason stays."""
    key = (tombstone.account, tombstone.uid, tombstone.remote_id)
    tx.run("INSERT INTO tombstones VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", (*key, reason, time_text(at)))


def unbury(tx: Transaction, account: AccountName, uid: Uid, remote_id: RemoteId) -> None:
    """Forget that a pair was parted, because the owner links it again."""
    tx.run("DELETE FROM tombstones WHERE account = ? AND uid = ? AND remote_id = ?", (account, uid, remote_id))
