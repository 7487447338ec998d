"""Our own program inside the sandbox of the installed unit: another unit that has its restrictions, and lives shortly.

What restricts is read off the unit as systemd has it, with what the owner has added (`systemctl --user edit`).

Source: systemd-run(1); systemd.unit(5), "Specifiers".
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from daemon.unit import UNIT, NoUserManager

_OF_ITS_LIFE = ("Type", "NotifyAccess", "Exec", "Restart", "Success", "Watchdog", "Timeout", "Standard", "Remain")
"""How the directives begin that say how a service is started, watched and ended."""


def run(arguments: Sequence[str], limit_s: float) -> str | None:
    """Return what our program prints when it is run so, None if the unit is not installed or there is no systemd.

    Errors: `NoUserManager`, if it could not be started.
    """
    found = shutil.which("systemd-run")
    installed = _installed()
    if found is None or installed is None:
        return None
    options = [f"--property={one}" for one in properties(installed)]
    program = str(Path(sys.argv[0]).absolute())
    # Not a failure whatever it ends with: it may have found something.
    command = [found, "--user", "--wait", "--pipe", "--quiet", "--collect", *options, "--", program, *arguments]
    try:
        done = subprocess.run(  # noqa: S603  # ours
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise NoUserManager(f"systemd-run did not end within {limit_s:.0f} s") from error
    if not done.stdout:
        last = done.stderr.strip().splitlines()[-1:]
        raise NoUserManager(f"systemd-run: {''.join(last) or f'exit code {done.returncode}'}")
    return done.stdout


def properties(unit: str) -> Iterator[str]:
    """Yield what a unit says of its sandbox, in its order, as `systemd-run` takes it."""
    section = ""
    for line in unit.replace("\\\n", " ").splitlines():
        if line.startswith("["):
            section = line
        elif section == "[Service]" and "=" in line and not line.startswith(("#", ";", *_OF_ITS_LIFE)):
            yield re.sub("%(.)", _specified, line)


def _specified(found: re.Match[str]) -> str:
    """Write out what the manager puts in the place of a specifier; systemd-run passes them on as they are."""
    meanings = {"%": "%", "h": str(Path.home()), "t": os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")}
    return meanings.get(found[1], found[0])


def _installed() -> str | None:
    systemctl = shutil.which("systemctl")
    if systemctl is None:
        return None
    done = subprocess.run([systemctl, "--user", "cat", UNIT], capture_output=True, text=True, check=False)  # noqa: S603  # ours
    return done.stdout if done.returncode == 0 else None
