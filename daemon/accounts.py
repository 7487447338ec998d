"""Accounts that get another name, or are forgotten. Nothing is deleted at a provider, and no configuration is edited.

Whoever calls these holds the lock.
"""

from daemon import answers, last_report, ledger, records
from daemon.config import Config
from daemon.errors import DaemonError
from daemon.state import Readable, State
from mappings.record import AccountName


class NoSuchAccount(DaemonError):
    """The account that was named cannot be renamed or forgotten so: nothing was changed, say what to do first."""

    exit_code = 64


def rename(state: State, config: Config, old: AccountName, new: AccountName) -> None:
    """Give an account another name wherever it is remembered; its links stay.

    Errors: `NoSuchAccount` if nothing is remembered of the old one, the configuration does not have the new one, or
    something is remembered of that already.
    """
    check_remembered(state, old)
    configured = {account.name for account in config.accounts}
    if new not in configured:
        raise NoSuchAccount(
            f"the configuration has no account {new}; change [accounts.{old}] to [accounts.{new}] there, then rename"
        )
    if new in remembered(state):
        raise NoSuchAccount(
            f"{new} has been read already and has links of its own; forget those first: `contactd account remove {new}`"
        )
    with state.transaction() as tx:
        records.rename_account(tx, old, new)
        answers.rename_account(tx, old, new)
        last_report.rename_account(tx, old, new)
        ledger.rename_account(tx, old, new)


def remove(state: State, account: AccountName) -> None:
    """Forget everything of an account; nothing is deleted there, and no note is changed."""
    with state.transaction() as tx:
        records.remove_account(tx, account)
        answers.remove_account(tx, account)
        last_report.remove_account(tx, account)
        ledger.remove_account(tx, account)


def check_remembered(state: Readable, account: AccountName) -> None:
    """Make sure that there is something to rename or forget.

    Errors: `NoSuchAccount`.
    """
    known = remembered(state)
    if account not in known:
        raise NoSuchAccount(f"nothing is remembered of an account {account}; known: {', '.join(known) or 'none'}")


def remembered(state: Readable) -> tuple[AccountName, ...]:
    """Return the accounts of whose contacts or meetings anything is remembered, by name."""
    return tuple(sorted({*records.accounts(state), *ledger.accounts(state)}))
