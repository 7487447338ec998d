"""A word on the owner's desktop: that something waits, or that an account wants him to sign in; each once a day at most.

It is said through `notify-send`, which speaks the freedesktop protocol; where that is not, nothing is said. What waits
is counted, never quoted: a desktop may be locked, or shown to others.
"""

import shutil
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta

EVERY = timedelta(days=1)
_TIMEOUT_S = 5

Send = Callable[[str], None]


class Desktop:
    """What was said when."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._said_at: dict[str, datetime] = {}

    def waits(self, count: int, now: datetime) -> None:
        """Say that so many conflicts wait for the owner."""
        if count:
            self._say("waits", f"{count} to be decided by you: contactd conflicts", now)

    def signed_out(self, account: str, now: datetime) -> None:
        """Say that an account wants the owner to sign in."""
        self._say(f"signed out {account}", f"{account} wants you to sign in: contactd auth {account}", now)

    def _say(self, about: str, text: str, now: datetime) -> None:
        said_at = self._said_at.get(about)
        # A clock that was set back must not silence it for long.
        if said_at is None or not timedelta(0) <= now - said_at < EVERY:
            self._said_at[about] = now
            self._send(text)


def send(text: str) -> None:
    """Show a text on the desktop, if there is one."""
    program = shutil.which("notify-send")
    if program is None:
        return
    try:
        subprocess.run([program, "--app-name=contactd", "contactd", text], timeout=_TIMEOUT_S, check=False)  # noqa: S603  # ours
    except (OSError, subprocess.TimeoutExpired):
        return
