"""Read all sides and put the world together. Reads and remembers what was read; decides nothing.

Accounts are read by workers, side by side; what they return is stored together with its cursor in one transaction,
so that a cursor never speaks of records that were not stored. An account that fails is reported and is as it was.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from connectors.errors import ConnectorError, CursorExpired, Misunderstood, SignInNeeded, TryLater
from connectors.interface import ChangeSet
from daemon import answers, decisions, journal, links, records, returns
from daemon.health import Health
from daemon.report import AccountReport, Trouble
from daemon.rules import rules_key
from daemon.scan import Scanned
from daemon.setup import Account, Setup
from daemon.state import State, get_meta, set_meta
from mappings.fields import Format
from mappings.moves import moves
from mappings.person import Uid
from mappings.record import AccountName, Etag, RemoteId
from mappings.world import AccountState, World

_READER = "1"
"""Raised whenever records are read otherwise than before, so that every record is read again."""

_READ_BY = "records_read_by"

_LISTS_LAG: Mapping[Format, timedelta] = {Format.GOOGLE: timedelta(minutes=5)}
"""How long lists may not show what was just made.

Source: people.connections.list says of its feed: up to several minutes; whether complete lists do so too is not said.
"""

Workers = Callable[[Sequence[Callable[[], None]]], None]
"""Runs independent pieces of work, each to its end; at once where that saves waiting, one by one in a simulation."""


def read_accounts(setup: Setup, state: State, now: datetime, workers: Workers) -> tuple[AccountReport, ...]:
    """Read what is new in every account and store it.

    Result: one report for each account, in the setup's order; only those that are `OK` may be planned with. What is
    missing or unreadable in them is filled in by `completed`.
    """
    prepare(setup, state)
    reports: dict[str, AccountReport] = {}

    def reading(account: Account) -> Callable[[], None]:
        def work() -> None:
            left_out = account.name in setup.left_out
            reports[account.name] = unread(account.name, Health.LEFT_OUT) if left_out else read(account, state, now)

        return work

    workers([reading(account) for account in setup.accounts])
    return tuple(reports[account.name] for account in setup.accounts)


def prepare(setup: Setup, state: State) -> None:
    """Make ready for reading these accounts: once, before the first of them is read."""
    _read_anew_if_read_otherwise(setup, state)
    _suspect_newcomers(setup, state)


def completed(reports: Sequence[AccountReport], world: World) -> tuple[AccountReport, ...]:
    """Return the reports with what is known of each account's records, those seen in earlier looks included."""
    return tuple(
        replace(
            report,
            missing=len(account.missing.keys() - {step.former_id for step in moves(account, world)}),
            troubles=tuple(Trouble(remote_id, 0, reason) for remote_id, reason in account.unreadable.items()),
        )
        for report, account in zip(reports, world.accounts, strict=True)
    )


def _read_anew_if_read_otherwise(setup: Setup, state: State) -> None:
    """Distrust what an older program read: a field that it did not know would look as if it had been emptied."""
    if get_meta(state, _READ_BY) == _READER:
        return
    with state.transaction() as tx:
        for account in setup.accounts:
            records.read_anew(tx, account.name)
        set_meta(tx, _READ_BY, _READER)


def _suspect_newcomers(setup: Setup, state: State) -> None:
    """Let an account that is new beside one that is no longer configured recover: it may be that one, renamed."""
    remembered = set(records.accounts(state))
    configured = {account.name for account in setup.accounts}
    if remembered <= configured:
        return
    with state.transaction() as tx:
        for name in sorted(configured - remembered):
            records.set_recovering(tx, name, True)  # noqa: FBT003  # the value


def unread(name: AccountName, health: Health) -> AccountReport:
    """Return the report of an account that was not asked in this run."""
    return AccountReport(name, health, "", None, 0, 0, 0, ())


def failed(name: AccountName, error: ConnectorError) -> AccountReport:
    """Return the report of an account that failed as a whole."""
    retry_after_s = error.retry_after_s if isinstance(error, TryLater) else None
    return AccountReport(name, health_of(error), str(error), retry_after_s, 0, 0, 0, ())


def read(account: Account, state: State, now: datetime) -> AccountReport:
    """Read what is new in one account and store it.

    Threads: one for each account; whoever plans with it waits for the report.
    """
    known = records.known(state, account.name)
    try:
        change_set = _changes(account, state, known, now)
    except ConnectorError as error:
        return failed(account.name, error)
    with state.transaction() as tx:
        records.store_change_set(tx, account.name, change_set, now)
    changed = len(change_set.records) + len(change_set.removed) + len(change_set.unreadable)
    listed = records.accounted_for(known, change_set)
    return AccountReport(account.name, Health.OK, "", None, listed, changed, 0, ())


def _changes(account: Account, state: State, known: Mapping[RemoteId, Etag], now: datetime) -> ChangeSet:
    unclear = journal.unclear_creates(state, account.name)
    if unclear:
        return _complete(account, known, unclear, now)
    try:
        return account.contacts.changes(records.account_row(state, account.name).cursor, known)
    except CursorExpired:
        # Everything is read anew; the bases stay, or every difference would look like a first meeting.
        return account.contacts.changes(None, known)


def _complete(
    account: Account, known: Mapping[RemoteId, Etag], unclear: Mapping[Uid, datetime], now: datetime
) -> ChangeSet:
    """Read everything of an account in which records may have been made of which no answer came.

    A feed may not know of them for minutes. Taken for not made, one would be made again, found by its uid, and get a
    base that it never said; a complete read knows. Where even that may lag, what is not found is waited for.
    Errors: as `Contacts.changes`; `TryLater` while a record may still turn up.
    """
    change_set = account.contacts.changes(None, known)
    lag = _LISTS_LAG.get(account.contacts.format, timedelta(0))
    found = {record.reading.uid for record in change_set.records}
    young = [at for uid, at in unclear.items() if uid not in found and timedelta(0) <= now - at < lag]
    if young:
        wait_s = (max(young) + lag - now).total_seconds()
        raise TryLater("a contact may have been made a moment ago, which is told only after some minutes", wait_s)
    return change_set


def health_of(error: ConnectorError) -> Health:
    """Return how an account fared that failed as a whole; an error about a single record is our bug, and rises."""
    match error:
        case TryLater():
            return Health.AWAY
        case SignInNeeded():
            return Health.SIGNED_OUT
        case Misunderstood():
            return Health.MISUNDERSTOOD
        case _:
            raise error


def world(setup: Setup, state: State, scanned: Scanned, reports: Sequence[AccountReport]) -> World:
    """Put the world together from what was just read and what is remembered; dates and who gets a note come later."""
    answers.drop_fulfilled(state)
    return World(
        notes=scanned.notes,
        absent=scanned.absent,
        unreadable_people=scanned.unreadable_people,
        accounts=tuple(
            _account_state(setup, account, state, report)
            for account, report in zip(setup.accounts, reports, strict=True)
        ),
        links=links.links(state),
        suspended=links.suspended(state),
        tombstones=links.tombstones(state),
        strangers=links.strangers(state),
        decided=decisions.decided(state),
        dates=None,
        uid_in_notes=bool(setup.rules.uid_key),
        writes=returns.recent_writes(state, (account.name for account in setup.accounts)),
        returns=returns.found_earlier(state),
        newcomers=None,
    )


def _account_state(setup: Setup, account: Account, state: State, report: AccountReport) -> AccountState:
    row = records.account_row(state, account.name)
    readable, unreadable, missing = records.records(state, account.name)
    return AccountState(
        name=account.name,
        format=account.contacts.format,
        reachable=report.health.is_planned_with,
        first_run=not row.first_run_done,
        rules_changed=row.first_run_done and row.rules != rules_key(account, setup),
        recovering=row.recovering,
        policies=account.policies,
        new_contacts=account.new_contacts,
        delete_with_note=account.delete_with_note,
        asked_for=answers.asked_for(state, account.name),
        records=readable,
        unreadable=unreadable,
        missing=missing,
        arrived=records.arrived(state, account.name) if missing else {},
    )
