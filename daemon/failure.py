"""What is said when a command cannot go on: what to do about it, or, if it is our mistake, what to report."""

import logging
import traceback
from pathlib import Path

from daemon import render
from daemon.errors import DaemonError, NotCopied, StateError, VaultError

_BUG = 70
"""Source: sysexits.h, EX_SOFTWARE."""

_log = logging.getLogger(__name__)


def told(error: Exception, config_path: Path | None) -> tuple[str, int]:
    """Return what to say of an error, and the exit code; the traceback of an unexpected one goes to the debug log.

    Shapes: `config_path` is the configuration of the command that failed, None if it has none.
    """
    if isinstance(error, DaemonError):
        return render.error(error, _place(error, config_path)), error.exit_code
    _log.debug("unexpected", exc_info=error)
    return _bug_report(error), _BUG


def _place(error: DaemonError, config_path: Path | None) -> Path | None:
    """Return where the vault or the state is said to be: errors name no paths, because they may end up in a log."""
    if config_path is None or not isinstance(error, (VaultError, StateError)) or isinstance(error, NotCopied):
        return None
    # Only here: what reads the configuration takes longer to load than saying what is wrong with it.
    from daemon.config import load  # noqa: PLC0415

    try:
        config = load(config_path)
    except DaemonError:
        return None
    return config.vault.path if isinstance(error, VaultError) else config.state


def _bug_report(error: Exception) -> str:
    """Say where it happened and not what was in hand: an exception's text may name people."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}"
    return render.page(
        [
            f"contactd: this is a mistake in contactd itself ({where}).",
            "What was done so far is recorded, and the next run goes on from there.",
            "Please report the first line, and what the same command says with --verbose; look it through for names.",
        ]
    )
