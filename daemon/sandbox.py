"""What the sandbox of the running process truly is: tried, not read off the unit, whose options may be ignored.

Source: systemd.exec(5); proc(5), mountinfo. A user's manager of systemd 252 starts a unit although it ignores
`ProtectHome=` and its like, unless there is `PrivateUsers=`.
"""

import os
from dataclasses import dataclass
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What was found; True is what a sandbox should be."""

    home_is_hidden: bool
    ssh_is_hidden: bool
    system_is_read_only: bool
    tmp_is_private: bool
    no_new_privileges: bool

    def __str__(self) -> str:
        parts = (
            ("the home is hidden", "the home can be read", self.home_is_hidden),
            ("~/.ssh cannot be read", "~/.ssh could be read", self.ssh_is_hidden),
            (
                "the system is read-only",
                "the system's files are guarded by their modes alone",
                self.system_is_read_only,
            ),
            ("/tmp is private", "/tmp is everybody's", self.tmp_is_private),  # noqa: S108  # it is told of
            ("no privileges can be gained", "privileges could be gained", self.no_new_privileges),
        )
        return "; ".join(good if holds else bad for good, bad, holds in parts)


def probe(home: Path) -> Sandbox:
    """Try what the process can do to the owner's home and to the system."""
    mounts = _mounts()
    return Sandbox(
        home_is_hidden=any(
            kind == "tmpfs" and home.is_relative_to(place) and place != Path("/") for place, kind, _ in mounts
        ),
        ssh_is_hidden=not _can_list(home / ".ssh"),
        system_is_read_only=not os.access("/usr", os.W_OK)
        and any(place == Path("/") and "ro" in options for place, _, options in mounts),
        tmp_is_private=any(place == Path("/tmp") for place, _, _ in mounts if _is_private(place)),  # noqa: S108  # it is asked about
        no_new_privileges="NoNewPrivs:\t1" in Path("/proc/self/status").read_text(encoding="ascii", errors="replace"),
    )


def _can_list(folder: Path) -> bool:
    try:
        next(folder.iterdir(), None)
    except OSError:
        return False
    return True


def _mounts() -> list[tuple[Path, str, list[str]]]:
    """Return every mount with its kind and options, as this process sees it."""
    mounts: list[tuple[Path, str, list[str]]] = []
    for line in _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines():
        mine, _, its = line.partition(" - ")
        fields = mine.split()
        mounts.append((Path(fields[4]), its.split()[0], fields[5].split(",")))
    return mounts


def _is_private(place: Path) -> bool:
    """Tell whether a mount shows a folder that systemd made for this unit alone."""
    for line in _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines():
        fields = line.split()
        if Path(fields[4]) == place and "systemd-private-" in fields[3]:
            return True
    return False
