"""What the service needs of the machine: enough watches for the vault's folders, and a clock that goes forward.

Source: inotify(7), "/proc interfaces".
"""

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from daemon import journal
from daemon.finding import Finding, Verdict
from daemon.state import Readable

LIMITS = Path("/proc/sys/fs/inotify")

AT_ONCE = timedelta(minutes=5)
"""The service may begin a run while all is looked at, which takes no longer than this; nor does so little matter."""


def examine(root: Path, state: Readable, now: datetime, limits: Path = LIMITS) -> Iterator[Finding]:
    """Look at the limits of watching, and at the clock."""
    yield from _watches(root, limits)
    yield from _clock(state, now)


def _watches(root: Path, limits: Path) -> Iterator[Finding]:
    try:
        most = int((limits / "max_user_watches").read_text(encoding="ascii"))
    except (OSError, ValueError):
        text = "this system does not say how many folders can be watched"
        yield Finding("watching", Verdict.FINE, f"{text}; edits are found by the regular look at all notes", "")
        return
    folders = sum(1 for _ in os.walk(root))
    if folders > most:
        yield Finding(
            "watching",
            Verdict.PARTIAL,
            f"the vault has {folders} folders and only {most} can be watched: edits in the others are found late",
            f"as root: sysctl fs.inotify.max_user_watches={2 * folders}, and the same in /etc/sysctl.d",
        )
    else:
        yield Finding("watching", Verdict.FINE, f"the vault's {folders} folders can be watched, of {most} allowed", "")


def _clock(state: Readable, now: datetime) -> Iterator[Finding]:
    last = next(iter(journal.last_runs(state, 1)), None)
    if last is not None and last.started_at > now + AT_ONCE:
        yield Finding(
            "clock",
            Verdict.PARTIAL,
            f"it says {now:%Y-%m-%d %H:%M} UTC, and the last run began after that",
            "set the clock; dates of meetings are judged by it",
        )
    else:
        yield Finding("clock", Verdict.FINE, f"it says {now:%Y-%m-%d %H:%M} UTC", "")
