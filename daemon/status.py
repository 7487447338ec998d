"""How everything stands, from what is remembered and a look at the marker: quick, writes nothing, beside a running sync.

The exit code is that of the last known state; an account that has not been read for long, or never, is `stale`.
"""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from connectors import registry
from connectors.errors import Misunderstood, SignInNeeded, TryLater
from connectors.registry import Connector
from connectors.tokens import TokenStore, open_store
from daemon import conflicts, journal, last_report, ownership, records, serving
from daemon.ask import is_answering
from daemon.config import AccountConfig, Config
from daemon.conflicts import Held
from daemon.errors import DaemonError
from daemon.journal import Run
from daemon.last_report import AccountFared, LastReport
from daemon.ownership import Beginning
from daemon.serving import Serving
from daemon.standing import Apart, Standing, kept_apart, questions, standing
from daemon.state import Readable, State, is_kept
from mappings.conflict import Standstill
from mappings.operation import Parting
from mappings.person import Uid
from mappings.record import MEETINGS, AccountName, NotePath

Answer = TypeVar("Answer")

STALE_AFTER = timedelta(days=1)
"""An account that was last read longer ago than this is told as stale; the timer reads every quarter of an hour."""


ENDS_SOON = timedelta(days=3)
"""A sign-in that ends within this is warned of: of the seven days that some have, the last three."""


@dataclass(frozen=True, slots=True)
class SignInStatus:
    """How the sign-in to an account stands, `trouble` if it does not; the others as in `SignedIn`."""

    email: str
    ends_at: datetime | None
    unless_used: bool
    ends_soon: bool
    trouble: str


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """How one account stands; `sign_in` is None where nobody has to sign in.

    `trouble` and `waiting` as in `AccountFared`. `unlinked` are contacts without a note.
    """

    name: AccountName
    has_contacts: bool
    trouble: str
    last_success_at: datetime | None
    stale: bool
    linked: int
    unlinked: int
    waiting: str
    steps_waiting: int
    skipped: tuple[str, ...]
    sign_in: SignInStatus | None


@dataclass(frozen=True, slots=True)
class Kept:
    """A contact that was deleted in an account, and the note that was kept."""

    account: AccountName
    path: NotePath
    at: datetime


@dataclass(frozen=True, slots=True)
class Status:
    """How everything stands; `not_ours` is why the vault may not be touched from here, "" if it may.

    `dates` is how the calendars fared if what they give to notes waits for the owner. `service` is the one that is at
    work, None if there is none. `undone` as in `Standing`; `people` says where each person's note is.
    """

    vault: Path
    not_ours: str
    accounts: tuple[AccountStatus, ...]
    dates: AccountFared | None
    conflicts: int
    questions: int
    holds: tuple[tuple[Held, datetime], ...]
    kept_notes: tuple[Kept, ...]
    apart: tuple[Apart, ...]
    undone: tuple[Standstill, ...]
    people: Mapping[Uid, NotePath]
    last: LastReport | None
    last_run: Run | None
    service: Serving | None

    @property
    def exit_code(self) -> int:
        """The highest that applies, as for a run."""
        if self.not_ours:
            return 69
        if any(account.waiting for account in self.accounts) or self.dates is not None:
            return 4
        if any(_is_partial(account) for account in self.accounts) or (self.last is not None and self.last.incomplete):
            return 2
        return 1 if self._held else 0

    @property
    def _held(self) -> bool:
        troubles = any(account.skipped for account in self.accounts)
        undone = self.last is not None and bool(self.last.skipped or self.last.undone)
        return troubles or undone or bool(self.conflicts or self.questions or self.holds)


def _is_partial(account: AccountStatus) -> bool:
    return account.has_contacts and (account.stale or account.trouble != "")


def status(config: Config, now: datetime) -> Status:
    """Return how everything stands.

    Errors: `StateError`.
    """
    return from_state(config.state, now, lambda state: _status(config, state, now))


def from_state(folder: Path, now: datetime, ask: Callable[[State], Answer]) -> Answer:
    """Ask the state something; one that is not kept yet is asked as an empty one, and not made."""
    with closing(State.open(folder, now) if is_kept(folder) else State.in_memory()) as state:
        return ask(state)


def kept_notes(state: Readable) -> tuple[Kept, ...]:
    """Return the contacts that were deleted while their notes stayed, the latest first."""
    sql = (
        "SELECT t.account, p.path, t.at FROM tombstones t JOIN people p ON p.uid = t.uid WHERE t.reason = ?"
        " AND NOT EXISTS (SELECT 1 FROM links l WHERE l.account = t.account AND l.uid = t.uid) ORDER BY t.at DESC"
    )
    rows = state.all(sql, (Parting.RECORD_DELETED,))
    return tuple(Kept(AccountName(account), NotePath(path), datetime.fromisoformat(at)) for account, path, at in rows)


def _status(config: Config, state: State, now: datetime) -> Status:
    last, stands, tokens = last_report.last_report(state), standing(state), open_store(config.tokens)
    fared = {one.name: one for one in last.accounts} if last is not None else {}
    return Status(
        vault=config.vault.path,
        not_ours=_not_ours(config, state),
        accounts=tuple(
            _account(account, state, tokens, fared.get(account.name), stands, now) for account in config.accounts
        ),
        dates=fared.get(MEETINGS),
        conflicts=len(conflicts.open_conflicts(state)),
        questions=len(questions(state)),
        holds=tuple(conflicts.holds_since(state).items()),
        kept_notes=kept_notes(state),
        apart=kept_apart(state),
        undone=stands.undone,
        people=stands.people,
        last=last,
        last_run=next(iter(journal.last_runs(state, 1)), None),
        service=serving.serving(state) if is_answering(config.state) else None,
    )


def _not_ours(config: Config, state: State) -> str:
    try:
        ownership.peek(config.vault.path, state, ownership.known_machine_id(config.state), Beginning.REFUSE)
    except DaemonError as error:
        return str(error)
    return ""


def _account(
    account: AccountConfig,
    state: State,
    tokens: TokenStore,
    fared: AccountFared | None,
    stands: Standing,
    now: datetime,
) -> AccountStatus:
    row = records.account_row(state, account.name)
    connector = registry.connector(account.connector)
    return AccountStatus(
        name=account.name,
        has_contacts=connector.open_contacts(account.name, account.options, tokens) is not None,
        trouble=fared.trouble if fared is not None else "",
        last_success_at=row.last_success_at,
        stale=row.last_success_at is None or now - row.last_success_at > STALE_AFTER,
        linked=stands.linked.get(account.name, 0),
        unlinked=stands.unlinked.get(account.name, 0),
        waiting=fared.waiting if fared is not None else "",
        steps_waiting=fared.steps_waiting if fared is not None else 0,
        skipped=fared.skipped if fared is not None else (),
        sign_in=_sign_in(account, connector, tokens, now),
    )


def _sign_in(account: AccountConfig, connector: Connector, tokens: TokenStore, now: datetime) -> SignInStatus | None:
    if connector.signed_in is None:
        return None
    try:
        found = connector.signed_in(account.name, account.options, tokens)
    except (SignInNeeded, TryLater, Misunderstood) as error:
        return SignInStatus("", None, unless_used=False, ends_soon=False, trouble=str(error))
    ends_at = datetime.fromtimestamp(found.ends_at_s, UTC) if found.ends_at_s is not None else None
    ends_soon = ends_at is not None and ends_at - now < ENDS_SOON
    return SignInStatus(found.email, ends_at, unless_used=found.unless_used, ends_soon=ends_soon, trouble="")
