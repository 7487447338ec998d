"""What the owner asks of contactd besides a sync: open what is needed, do it or look it up, return what to say.

Whoever changes the state holds the lock; whoever only reads it works beside a running sync.
"""

import shlex
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from connectors.errors import ConnectorError
from connectors.tokens import TokenStore, open_store
from daemon import accounts, backup, conflicts, deciding, linking, links, ownership, render_waiting
from daemon.config import Config, load
from daemon.database import BACKUPS_NAME, make_folder
from daemon.deciding import Kept
from daemon.errors import NotCopied, StateError
from daemon.finding import Finding, Verdict
from daemon.lending import borrowed
from daemon.linking import NEW, NoSuchLink
from daemon.render import page
from daemon.standing import kept_apart
from daemon.state import State, is_kept
from daemon.status import from_state
from mappings.record import AccountName, RemoteId

Answer = tuple[str, int]
"""What to say, and the exit code."""


def show_conflicts(config_path: Path, now: datetime, *, settled_too: bool, as_json: bool) -> str:
    """Tell which conflicts wait, or all that ever were, and which fields stay as an undo has left them."""

    def ask(state: State) -> str:
        told = conflicts.all_conflicts(state) if settled_too else conflicts.open_conflicts(state)
        kept: tuple[Kept, ...] = (*told, *deciding.put_back(state))
        return (render_waiting.conflicts_json if as_json else render_waiting.conflicts)(kept, links.people(state))

    return from_state(load(config_path).state, now, ask)


def show_links(config_path: Path, now: datetime, *, as_json: bool) -> str:
    """Tell who waits to be linked, which pairs a deletion has parted, and which are kept apart."""

    def ask(state: State) -> str:
        render = render_waiting.links_json if as_json else render_waiting.links
        return render(linking.waiting(state), linking.parted(state), kept_apart(state))

    return from_state(load(config_path).state, now, ask)


def link(config_path: Path, note: str, record: str, account: str | None, now: datetime) -> str:
    """Link a note and a contact, or have a contact made.

    Errors: `NoSuchLink`.
    """
    config = load(config_path)
    known = tuple(one.name for one in config.accounts)
    if account is not None and account not in known:
        raise NoSuchLink(f"there is no account {account}; expected {' or '.join(known) or 'one in the configuration'}")
    with opened(config, now) as state:
        uid, path = linking.person_of(state, note)
        name = AccountName(account) if account is not None else linking.account_of(state, uid, record, known)
        if record == NEW:
            linking.ask_for_new(state, name, uid)
            return page([f"The next `contactd sync --once` makes a contact in {name} for {path}."])
        linking.link(state, name, uid, RemoteId(record))
    return page([f"Linked: {path} and {record} in {name}. The next `contactd sync --once` brings them into step."])


def unlink(config_path: Path, note: str, account: str | None, now: datetime) -> str:
    """Part a note from its contact. Errors: `NoSuchLink`."""
    config = load(config_path)
    with opened(config, now) as state:
        uid, path = linking.person_of(state, note)
        accounts = linking.linked_in(state, uid)
        if account is None and len(accounts) != 1:
            names = " or ".join(accounts) or "none: it has no contact"
            raise NoSuchLink(f"say which account is meant: --account {names}")
        name = AccountName(account) if account is not None else accounts[0]
        remote_id = linking.unlink(state, name, uid, now)
    return page(
        [
            f"Parted: {path} and {remote_id} in {name}. Both stay as they are; `contactd link` joins them again.",
        ]
    )


def tell_apart(config_path: Path, note: str, record: str, account: str | None, now: datetime) -> str:
    """Remember that a note and a contact are two people. Errors: `NoSuchLink`."""
    config = load(config_path)
    known = tuple(one.name for one in config.accounts)
    with opened(config, now) as state:
        uid, path = linking.person_of(state, note)
        name = AccountName(account) if account is not None else linking.account_of(state, uid, record, known)
        linking.tell_apart(state, name, uid, RemoteId(record))
    return page([f"{path} and {record} in {name} are two people: they are never linked, and never asked about again."])


def examine(config_path: Path, now: datetime, *, as_json: bool) -> Answer:
    """Look whether everything is there that contactd needs."""
    # Only here, as below: asking who owns a package takes longer than `status`.
    from daemon import doctor, doctor_passwords  # noqa: PLC0415

    config = load(config_path)
    found = from_state(config.state, now, lambda state: tuple(doctor.examine(config, state, now)))
    first = Finding("configuration", Verdict.FINE, f"{config_path} can be read", "")
    passwords = doctor_passwords.examine(config, config_path.absolute())
    return _findings((first, *passwords, *found), as_json=as_json)


def examine_passwords(config_path: Path, *, as_json: bool) -> Answer:
    """Look only at the keyring and the passwords, from this very process."""
    from daemon import doctor_passwords  # noqa: PLC0415

    return _findings(tuple(doctor_passwords.here(load(config_path))), as_json=as_json)


def _findings(found: tuple[Finding, ...], *, as_json: bool) -> Answer:
    from daemon import finding, render_doctor  # noqa: PLC0415

    text = render_doctor.findings_json(found) if as_json else render_doctor.findings(found)
    return text, finding.exit_code(found)


def take_over(config_path: Path, now: datetime) -> str:
    """Make this machine the one that keeps the vault in step."""
    config = load(config_path)
    machine = ownership.machine_id(config.state)
    with borrowed(config.state), closing(State.open(config.state, now)) as state:
        is_new = ownership.take_over(config.vault.path, state, machine, now)
    if not is_new:
        return page([f"This machine keeps {config.vault.path} in step already; nothing was changed."])
    return page(
        [
            f"This machine keeps {config.vault.path} in step from now on.",
            "Every other one stops by itself as soon as the changed contactd-vault.md has reached it.",
            "See first what would be done: `contactd sync --once --dry-run`",
        ]
    )


def back_up(config_path: Path, target: Path, now: datetime) -> str:
    """Copy the state into one file."""
    state_folder = load(config_path).state
    try:
        backup.backup(state_folder, target, now)
    except StateError as error:
        raise NotCopied(f"{target} was not written: {error}") from error
    command = f"contactd restore {shlex.quote(str(target))}"
    return page([f"Written: {target}. It holds names and addresses of people; `{command}` brings it back."])


def restore(config_path: Path, source: Path, now: datetime) -> str:
    """Put a backup in the place of the state."""
    state_folder = load(config_path).state
    make_folder(state_folder)
    with borrowed(state_folder):
        try:
            backup.restore(source, state_folder, now)
        except StateError as error:
            # What is advised for a damaged state is no advice for a damaged copy.
            what, _, _ = str(error).partition(";")
            what = what.replace("the state", "it", 1)
            raise NotCopied(f"{source} was not restored, and the state is as it was: {what}") from error
    return page(
        [
            f"Restored from {source}. A state that was there before is kept in {state_folder / BACKUPS_NAME}.",
            "The next sync reads everything anew. See first what it would do: `contactd sync --once --dry-run`",
        ]
    )


def rename_account(config_path: Path, old: str, new: str, now: datetime) -> str:
    """Give an account another name."""
    config = load(config_path)
    with opened(config, now) as state:
        accounts.rename(state, config, AccountName(old), AccountName(new))
        with _sign_ins(config) as tokens:
            _move_sign_in(tokens, AccountName(old), AccountName(new))
    return f"{old} is called {new} now; its links stay as they are."


def remove_account(config_path: Path, account: str, confirmed: Callable[[str], bool], now: datetime) -> str:
    """Forget an account, if the owner confirms it."""
    config = load(config_path)
    with opened(config, now) as state:
        accounts.check_remembered(state, AccountName(account))
        if not confirmed(f"Forget what is linked in {account}? Notes and contacts stay as they are."):
            return "Nothing was forgotten."
        with _sign_ins(config) as tokens:
            tokens.forget(AccountName(account))
        accounts.remove(state, AccountName(account))
    if any(one.name == account for one in config.accounts):
        return (
            f"Forgotten. The configuration still has [accounts.{account}]: take it out, or the next sync begins anew."
        )
    return "Forgotten. Notes and contacts are as they were."


def _move_sign_in(tokens: TokenStore, old: AccountName, new: AccountName) -> None:
    """Let the sign-in go with the name; one that is there under the new name already is newer, and stays."""
    text = tokens.read(old)
    if text is None:
        return
    if tokens.read(new) is None:
        tokens.write(new, text)
    tokens.forget(old)


@contextmanager
def _sign_ins(config: Config) -> Generator[TokenStore]:
    try:
        yield open_store(config.tokens)
    except ConnectorError as error:
        raise StateError(f"what lets us into the account cannot be changed: {error}") from error


@contextmanager
def opened(config: Config, now: datetime) -> Generator[State]:
    """Open a state that is there, for changing it; nobody else does so meanwhile."""
    if not is_kept(config.state):
        raise StateError("nothing is remembered yet: begin with `contactd sync --once`")
    with borrowed(config.state), closing(State.open(config.state, now)) as state:
        yield state
