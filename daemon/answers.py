"""What the owner has answered to a doubt: these people are to have a contact of their own.

An answer holds until it is fulfilled, which is when the person has a link in the account. It is dropped at the next
look, before anything can end that link: else a contact that is deleted later would be made again.
"""

from daemon.state import Readable, State, Transaction
from mappings.person import Uid
from mappings.record import AccountName

_ASKED_FOR = "contact asked for"
"""Meta, before an account's name and a uid."""


def ask_for(tx: Transaction, account: AccountName, uid: Uid) -> None:
    """Remember that a person is to have a new contact in an account, whatever doubt there is."""
    tx.run("INSERT INTO meta VALUES (?, '') ON CONFLICT DO NOTHING", (_key(account, uid),))


def asked_for(state: Readable, account: AccountName) -> frozenset[Uid]:
    """Return the people for whom a new contact was asked for."""
    return frozenset(uid for owner, uid in _all(state) if owner == account)


def drop_fulfilled(state: State) -> None:
    """Forget the answers about people who have a link by now."""
    answered = _all(state)
    if not answered:
        return
    with state.transaction() as tx:
        linked = {(account, uid) for account, uid in tx.all("SELECT account, uid FROM links")}
        for account, uid in answered:
            if (account, uid) in linked:
                drop(tx, account, uid)


def drop(tx: Transaction, account: AccountName, uid: Uid) -> None:
    """Forget one answer."""
    tx.run("DELETE FROM meta WHERE key = ?", (_key(account, uid),))


def rename_account(tx: Transaction, old: AccountName, new: AccountName) -> None:
    """Give an account another name in every answer."""
    for uid in asked_for(tx, old):
        drop(tx, old, uid)
        ask_for(tx, new, uid)


def remove_account(tx: Transaction, account: AccountName) -> None:
    """Forget the answers about an account."""
    for uid in asked_for(tx, account):
        drop(tx, account, uid)


def _all(state: Readable) -> list[tuple[AccountName, Uid]]:
    rows = state.all("SELECT key FROM meta WHERE key > ? AND key < ?", (f"{_ASKED_FOR} ", f"{_ASKED_FOR}!"))
    pairs = (key.removeprefix(f"{_ASKED_FOR} ").partition(" ") for (key,) in rows)
    return [(AccountName(account), Uid(uid)) for account, _, uid in pairs]


def _key(account: AccountName, uid: Uid) -> str:
    # An account's name holds no blank; a uid may.
    return f"{_ASKED_FOR} {account} {uid}"
