"""`contactd doctor`: look whether everything is there that contactd needs, and say what to do if not.

It reads each account once and stores nothing. In the vault it makes two files in a hidden folder of its own for a
moment, because whether a file system can exchange two names is only known by trying.
"""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib.metadata import packages_distributions
from pathlib import Path

from connectors import registry
from connectors.calendar_interface import Calendar
from connectors.errors import ConnectorError
from connectors.exchange import exchange
from connectors.interface import Contacts
from connectors.tokens import TokenStore, open_store
from daemon import doctor_machine, links, ownership, records
from daemon.config import AccountConfig, Config
from daemon.database import DATABASE_NAME, check_soundness, connect, translated
from daemon.errors import DaemonError
from daemon.finding import Finding, Verdict
from daemon.ownership import Beginning
from daemon.state import Readable, State
from mappings.event import Window

_PACKAGES = ("connectors", "daemon", "mappings")


def examine(config: Config, state: State, now: datetime) -> Iterator[Finding]:
    """Look at everything, the program first, the accounts last."""
    yield _packages()
    yield from _vault(config, state)
    yield from _state_folder(config.state, state)
    yield from doctor_machine.examine(config.vault.path, state, now)
    if not config.accounts:
        yield Finding(
            "accounts", Verdict.FINE, "none is configured", "add an [accounts.NAME] table to the configuration"
        )
    tokens = open_store(config.tokens)
    for account in config.accounts:
        yield from _account(account, state, tokens, now)


def _packages() -> Finding:
    owners = packages_distributions()
    foreign = {owner for package in _PACKAGES for owner in owners.get(package, [])} - {"contactd"}
    if foreign:
        names = ", ".join(sorted(foreign))
        remedy = "install contactd in an environment of its own: pipx install, or uv tool install"
        return Finding(
            "program", Verdict.NOT_OURS, f"another distribution has packages of the same names: {names}", remedy
        )
    return Finding("program", Verdict.FINE, "its packages are its own", "")


def _vault(config: Config, state: State) -> Iterator[Finding]:
    root = config.vault.path
    try:
        ownership.peek(root, state, ownership.known_machine_id(config.state), Beginning.REFUSE)
    except DaemonError as error:
        yield Finding("vault", Verdict.NOT_OURS, str(error), f"look at {root}, which [vault] path names")
        return
    if not os.access(root, os.R_OK | os.W_OK | os.X_OK):
        yield Finding(
            "vault", Verdict.NOT_OURS, f"{root} cannot be read and written by you", "change its owner or mode"
        )
        return
    yield Finding("vault", Verdict.FINE, f"{root} is there, and this machine keeps it in step", "")
    yield _exchange(root)


def _exchange(root: Path) -> Finding:
    if _can_exchange(root):
        return Finding("vault", Verdict.FINE, "its file system can exchange two files in one step", "")
    return Finding(
        "vault",
        Verdict.FINE,
        "its file system cannot exchange two files in one step: an edit that is saved within the same microseconds "
        "in which contactd writes that note would be lost",
        "none is needed for notes that one person edits; a local disk (ext4, xfs, btrfs) can",
    )


def _can_exchange(root: Path) -> bool:
    with tempfile.TemporaryDirectory(prefix=".contactd-doctor-", dir=root) as folder:
        for name in ("left", "right"):
            (Path(folder) / name).touch()
        folder_fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            return exchange(folder_fd, "left", "right")
        finally:
            os.close(folder_fd)


def _state_folder(folder: Path, state: Readable) -> Iterator[Finding]:
    if not (folder / DATABASE_NAME).exists():
        yield Finding("state", Verdict.FINE, f"{folder} holds nothing yet: there was no run so far", "")
        return
    for path in (folder, folder / DATABASE_NAME):
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield Finding("state", Verdict.PARTIAL, f"others may look into {path}", f"chmod go= {path}")
    yield _soundness(folder, state)


def _soundness(folder: Path, state: Readable) -> Finding:
    try:
        with translated(), closing(connect(folder / DATABASE_NAME)) as connection:
            check_soundness(connection, "integrity_check")
    except DaemonError as error:
        return Finding("state", Verdict.NOT_OURS, str(error), "")
    if damaged := links.damaged_bases(state):
        text = f"what {len(damaged)} people last agreed on is damaged"
        return Finding("state", Verdict.FINE, text, "none is needed: differing values of theirs will be asked about")
    return Finding("state", Verdict.FINE, f"{folder} is sound", "")


def _account(account: AccountConfig, state: State, tokens: TokenStore, now: datetime) -> Iterator[Finding]:
    connector = registry.connector(account.connector)
    if connector.unusable:
        remedy = "update or mend the package that brings it; until then contactd leaves the account as it is"
        yield Finding(account.name, Verdict.PARTIAL, connector.unusable, remedy)
        return
    contacts = connector.open_contacts(account.name, account.options, tokens)
    if contacts is None:
        yield Finding(account.name, Verdict.FINE, "has no address book", "")
    else:
        yield from _contacts(contacts, state)
    for calendar in connector.open_calendars(account.name, account.options, tokens):
        yield _calendar(calendar, now)


def _calendar(calendar: Calendar, now: datetime) -> Finding:
    """Read two days of it: enough to know that it is there, and that the sign-in covers it."""
    about = f"{calendar.account}, calendar {calendar.name}"
    try:
        calendar.events(Window(now - timedelta(days=1), now + timedelta(days=1), UTC))
    except ConnectorError as error:
        return Finding(about, Verdict.PARTIAL, str(error), "")
    return Finding(about, Verdict.FINE, "can be read", "")


def _contacts(contacts: Contacts, state: State) -> Iterator[Finding]:
    name = contacts.account
    known = records.known(state, name)
    try:
        seen = contacts.changes(records.account_row(state, name).cursor, known)
    except ConnectorError as error:
        yield Finding(name, Verdict.PARTIAL, str(error), "")
        return
    yield Finding(name, Verdict.FINE, f"can be read: {records.accounted_for(known, seen)} contacts", "")
    _, unreadable, missing = records.records(state, name)
    mended = {*missing, *seen.removed, *(record.remote_id for record in seen.records)}
    broken = {remote_id: reason for remote_id, reason in unreadable.items() if remote_id not in mended}
    for one in seen.unreadable:
        broken[one.remote_id] = one.reason if one.line is None else f"line {one.line}: {one.reason}"
    for remote_id, reason in broken.items():
        yield Finding(name, Verdict.HELD, f"{remote_id}: {reason}", "mend it there; until then it is left alone")
