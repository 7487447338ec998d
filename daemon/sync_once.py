"""`contactd sync --once`: one cycle, from the configuration to what the owner reads."""

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from daemon import cycle, opening, ownership, progress, render_plan, render_run, report_kept
from daemon.config import Config, load
from daemon.cycle import Look
from daemon.database import make_folder
from daemon.errors import AlreadyRunning, UnknownAccount
from daemon.links import people
from daemon.lock import only_instance
from daemon.marker import Marker, read_marker
from daemon.ownership import Beginning
from daemon.progress import Progress, WatchedVault
from daemon.report import Report
from daemon.setup import Setup
from daemon.standing import Standing, standing
from daemon.state import State, is_kept
from mappings.operation import Operation
from mappings.record import AccountName

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the owner asked for; `beginning` says whether a vault without a marker may be begun with."""

    config: Path
    accounts: frozenset[str]
    approve_all: bool
    as_json: bool
    verbose: bool
    beginning: Beginning


def sync_once(wish: Wish, say: Say, confirmed: Callable[[str], bool] | None) -> int:
    """Bring both sides into step once, and say what was done.

    Shapes: `confirmed` shows the owner a plan and asks; it is None where nobody can be asked.
    Result: the exit code of `Report`. While the service is at work it is the one that syncs.
    Errors: `ConfigError`, `UnknownAccount`, `VaultError`, `StateError`, `AlreadyRunning`.
    """
    config = _config(wish)
    line = Progress(sys.stderr)
    shown: list[Operation] = []
    make_folder(config.state)
    with ExitStack() as held:
        try:
            held.enter_context(only_instance(config.state))
        except AlreadyRunning as running:
            return _by_the_service(config, wish, running, say, confirmed)
        state = held.enter_context(closing(State.open(config.state, now())))
        marker = ownership.claim_here(config.vault.path, state, config.state, wish.beginning, now())
        setup = _setup(config, marker, marker, wish, line)

        def approve(seen: Look) -> frozenset[AccountName]:
            line.clear()
            braked = frozenset(brake.account for brake in seen.plan.brakes)
            if wish.approve_all or confirmed is None:
                return braked if wish.approve_all else frozenset()
            shown.extend(seen.plan.waiting)
            question = render_plan.question(seen.plan, people(state), all_of_them=wish.verbose)
            return braked if confirmed(question) else frozenset()

        try:
            report = cycle.sync(setup, state, now, approve, progress.told(opening.side_by_side, line.tell))
        finally:
            line.clear()
        with state.transaction() as tx:
            report_kept.keep(tx, report, now())
        say(_rendered(wish, report, standing(state), shown))
    return report.exit_code


def dry_run(wish: Wish, say: Say) -> int:
    """Show what `sync_once` would do, and touch nothing: it works on a copy of the state.

    Result: the exit code that the real run would have if nobody approved of anything and every step succeeded.
    Errors: as `sync_once`.
    """
    config = _config(wish)
    line = Progress(sys.stderr)
    with closing(_copy_of_state(config)) as state:
        machine = ownership.known_machine_id(config.state)
        marker = ownership.peek(config.vault.path, state, machine, wish.beginning)
        setup = _setup(config, marker, read_marker(config.vault.path), wish, line)
        try:
            seen = cycle.look(setup, state, now(), progress.told(opening.side_by_side, line.tell))
        finally:
            line.clear()
        report = Report(0, seen.vault, seen.accounts, seen.calendars, seen.plan, None)
        say(_rendered(wish, report, standing(state), ()))
    return report.exit_code


def _by_the_service(
    config: Config, wish: Wish, running: AlreadyRunning, say: Say, confirmed: Callable[[str], bool] | None
) -> int:
    """Ask whoever holds the lock to sync; one that is no service does not answer, and is told of as it was found."""
    # Only here: it brings along all that the service needs.
    from daemon import sync_asked  # noqa: PLC0415

    asked = {
        "accounts": sorted(wish.accounts),
        "yes": wish.approve_all,
        "verbose": wish.verbose,
        "json": wish.as_json,
    }
    try:
        return sync_asked.sync(config.state, asked, say, confirmed or (lambda _: False))
    except AlreadyRunning:
        raise running from None


def now() -> datetime:
    """Return the time, in the zone in which everything is stored."""
    return datetime.now(UTC)


def _config(wish: Wish) -> Config:
    config = load(wish.config)
    known = {account.name for account in config.accounts}
    unknown = sorted(wish.accounts - known)
    if unknown:
        expected = ", ".join(sorted(known)) or "none, the configuration has no account"
        raise UnknownAccount(f"--account {', '.join(unknown)}: there is no such account; expected one of: {expected}")
    return config


def _setup(config: Config, marker: Marker, expect: Marker | None, wish: Wish, line: Progress) -> Setup:
    """Open everything; `expect` is the marker that must be found in the vault, None where a dry run begins with it."""
    setup = opening.setup(config, marker, wish.accounts)
    return replace(setup, vault=WatchedVault(config.vault.path, expect, line.tell))


def _rendered(wish: Wish, report: Report, now_stands: Standing, shown: Sequence[Operation]) -> str:
    if wish.as_json:
        return render_run.report_json(report, now_stands)
    return render_run.report(report, now_stands, shown, verbose=wish.verbose)


def _copy_of_state(config: Config) -> State:
    if not is_kept(config.state):
        return State.in_memory()
    with closing(State.open(config.state, now())) as state:
        return state.copied_in_memory()
