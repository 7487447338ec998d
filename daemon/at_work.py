"""What a command works with that changes notes and contacts, or that looks at both without touching them."""

import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from daemon import opening, ownership, progress
from daemon.config import Config, load
from daemon.database import make_folder
from daemon.gather import Workers
from daemon.lending import borrowed
from daemon.marker import Marker, read_marker
from daemon.ownership import Beginning
from daemon.progress import Progress, WatchedVault
from daemon.setup import Setup
from daemon.state import State, is_kept


@dataclass(frozen=True, slots=True)
class AtWork:
    """Everything opened; `line` shows how far long work has come, and is to be cleared before anything is said."""

    config: Config
    state: State
    setup: Setup
    workers: Workers
    line: Progress


@contextmanager
def at_work(config_path: Path, beginning: Beginning) -> Generator[AtWork]:
    """Open everything for changing it, as the only one.

    Errors: `ConfigError`, `VaultError`, `StateError`, `AlreadyRunning`.
    """
    config = load(config_path)
    make_folder(config.state)
    with borrowed(config.state), closing(State.open(config.state, now())) as state:
        marker = ownership.claim_here(config.vault.path, state, config.state, beginning, now())
        with _opened(config, state, marker, marker) as opened:
            yield opened


@contextmanager
def looking(config_path: Path) -> Generator[AtWork]:
    """Open everything for a look: the state is a copy, so that nothing is touched and a sync may be at work meanwhile.

    Errors: as `at_work`, but for `AlreadyRunning`.
    """
    config = load(config_path)
    with closing(_copy_of_state(config)) as state:
        machine = ownership.known_machine_id(config.state)
        marker = ownership.peek(config.vault.path, state, machine, Beginning.REFUSE)
        with _opened(config, state, marker, read_marker(config.vault.path)) as opened:
            yield opened


def now() -> datetime:
    """Return the time, in the zone in which everything is stored."""
    return datetime.now(UTC)


@contextmanager
def _opened(config: Config, state: State, marker: Marker, expect: Marker | None) -> Generator[AtWork]:
    line = Progress(sys.stderr)
    setup = replace(
        opening.setup(config, marker, frozenset()), vault=WatchedVault(config.vault.path, expect, line.tell)
    )
    try:
        yield AtWork(config, state, setup, progress.told(opening.side_by_side, line.tell), line)
    finally:
        line.clear()


def _copy_of_state(config: Config) -> State:
    if not is_kept(config.state):
        return State.in_memory()
    with closing(State.open(config.state, now())) as state:
        return state.copied_in_memory()
