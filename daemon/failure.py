"""What is said when a command cannot go on: what to do about it, or, if it is our mistake, what to report."""

import logging
import traceback
from pathlib import Path

from daemon import render
from daemon.errors import DaemonError

_BUG = 70
"""Source: sysexits.h, EX_SOFTWARE."""

_log = logging.getLogger(__name__)


def told(error: Exception) -> tuple[str, int]:
    """Return what to say of an error, and the exit code; the traceback of an unexpected one goes to the debug log."""
    if isinstance(error, DaemonError):
        return render.error(error), error.exit_code
    _log.debug("unexpected", exc_info=error)
    return _bug_report(error), _BUG


def _bug_report(error: Exception) -> str:
    """Say where it happened and not what was in hand: an exception's text may name people."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}"
    return render.page(
        [
            f"contactd: this is a mistake in contactd itself ({where}).",
            "What was done so far is recorded, and the next run goes on from there. Please report the line above, and",
            "what the same command says with --verbose; look it through for names first.",
        ]
    )
