"""`contactd sync --once`: one cycle, from the configuration to what the owner reads."""

import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from daemon import cycle, opening, ownership, render
from daemon.config import Config, load
from daemon.cycle import Look
from daemon.errors import ConfigError
from daemon.lock import only_instance
from daemon.ownership import Beginning
from daemon.report import Report
from daemon.state import State, is_kept
from mappings.record import AccountName


@dataclass(frozen=True, slots=True)
class Wish:
    """What the owner asked for; `beginning` says whether a vault without a marker may be begun with."""

    config: Path
    accounts: frozenset[str]
    approve_all: bool
    as_json: bool
    verbose: bool
    beginning: Beginning


def sync_once(wish: Wish, say: Callable[[str], None]) -> int:
    """Bring both sides into step once, and say what was done.

    Result: the exit code of `Report`.
    Errors: `ConfigError`, `VaultError`, `StateError`, `AlreadyRunning`.
    """
    config = _config(wish)
    machine = ownership.machine_id(config.state)
    with only_instance(config.state), closing(State.open(config.state, now())) as state:
        marker = ownership.claim(config.vault.path, state, machine, wish.beginning, now())
        setup = opening.setup(config, marker, wish.accounts)
        report = cycle.sync(setup, state, now, lambda seen: _approved(wish, seen), opening.side_by_side)
    say(render.report_json(report) if wish.as_json else render.report(report, verbose=wish.verbose))
    return report.exit_code


def dry_run(wish: Wish, say: Callable[[str], None]) -> int:
    """Show what `sync_once` would do, and touch nothing: it works on a copy of the state.

    Result: the exit code that the real run would have if every step of it succeeded.
    Errors: as `sync_once`.
    """
    config = _config(wish)
    with closing(_copy_of_state(config)) as state:
        marker = ownership.peek(config.vault.path, state, ownership.known_machine_id(config.state), wish.beginning)
        setup = opening.setup(config, marker, wish.accounts)
        seen = cycle.look(setup, state, now(), opening.side_by_side)
    report = Report(0, seen.vault, seen.accounts, seen.plan, None)
    say(render.report_json(report) if wish.as_json else render.report(report, verbose=wish.verbose))
    return report.exit_code


def now() -> datetime:
    """Return the time, in the zone in which everything is stored."""
    return datetime.now(UTC)


def _config(wish: Wish) -> Config:
    config = load(wish.config)
    known = {account.name for account in config.accounts}
    unknown = sorted(wish.accounts - known)
    if unknown:
        expected = ", ".join(sorted(known)) or "none, the configuration has no account"
        raise ConfigError(tuple(f"--account {name}: there is no such account; expected one of: {expected}" for name in unknown))
    return config


def _approved(wish: Wish, seen: Look) -> frozenset[AccountName]:
    """Ask the owner, or answer for him who said --yes; nobody answers where nobody can be asked."""
    braked = frozenset(brake.account for brake in seen.plan.brakes)
    if wish.approve_all:
        return braked
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return frozenset()
    sys.stderr.write(render.waiting(seen.plan) + "\n")
    names = ", ".join(sorted(braked))
    sys.stderr.write(f"Carry this out for {names}? [y/N] ")
    sys.stderr.flush()
    return braked if sys.stdin.readline().strip().casefold() in {"y", "yes"} else frozenset()


def _copy_of_state(config: Config) -> State:
    if not is_kept(config.state):
        return State.in_memory()
    with closing(State.open(config.state, now())) as state:
        return state.copied_in_memory()
