"""Why the program cannot go on, named by what the caller does next; `exit_code` is the process's answer to it.

Messages say what is wrong and what to do. They may end up in a log, so they name neither people nor paths:
who shows them to the owner knows the path and adds it.
"""

from pathlib import Path
from typing import ClassVar


class DaemonError(Exception):
    """The root of everything that `daemon` raises."""

    exit_code: ClassVar[int] = 70


class ConfigError(DaemonError):
    """The configuration is not usable: print every problem (`key.path: what, expected`), stop, do not restart.

    `file` is where the keys stand, None for problems that name their place themselves.
    """

    exit_code = 78

    def __init__(self, problems: tuple[str, ...], file: Path | None = None) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
        self.file = file


class UnknownAccount(DaemonError):
    """A command names an account that the configuration does not: print those that it has."""

    exit_code = 64


class VaultError(DaemonError):
    """This note cannot be read or written, and is as it was: hold it, show the reason, go on with the rest."""

    exit_code = 1

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NoteChanged(VaultError):
    """The note is not what was read, is being saved, or is not there just now: leave it to the next cycle."""


class VaultMissing(VaultError):
    """The folder is not the vault that the state knows: touch nothing, delete nothing, look again later."""

    exit_code = 69

    def __init__(self, detail: str) -> None:
        super().__init__(
            f"vault missing, or another disk in its place ({detail}); nothing was deleted. "
            "Mount it, or correct `path` under [vault] in the configuration. If these are your notes and only "
            "contactd-vault.md was lost, `contactd init` writes it anew"
        )


class NotOurVault(VaultError):
    """Another machine keeps this vault in step: touch nothing, tell how to take over."""

    exit_code = 69

    def __init__(
        self, message: str = "another machine keeps this vault in step; to do it from here, run `contactd takeover`"
    ) -> None:
        super().__init__(message)


class NotKnownHere(NotOurVault):
    """The vault was kept in step before, and nothing here remembers it: tell a lost state from another machine's vault.

    Nobody but the owner can: the marker names a machine, and this one does not know who it was.
    """

    def __init__(self) -> None:
        super().__init__(
            "this vault was kept in step before, and nothing here remembers it. If this machine did it and its state "
            "was lost, `contactd restore FILE` brings back a backup, or `contactd takeover` begins anew: equal values "
            "are adopted, differing ones are asked about, nothing is deleted. If another machine does it, it stops "
            "once you run `contactd takeover` here"
        )


class MarkerUnreadable(VaultError):
    """The vault's marker is there but says nothing that we wrote: touch nothing, say how to repair it."""

    exit_code = 69

    def __init__(self, detail: str) -> None:
        super().__init__(
            f"the vault's marker contactd-vault.md cannot be read ({detail}); "
            "restore it from a copy, or write a new one with `contactd takeover`"
        )


class MarkerUnwritable(VaultError):
    """The vault's marker cannot be written, and is as it was: touch nothing, say why."""

    exit_code = 69

    def __init__(self, detail: str | None) -> None:
        super().__init__(f"the vault's marker contactd-vault.md cannot be written: {detail}")


class StateError(DaemonError):
    """The state is newer than the program, or damaged: stop, say how to restore it."""

    exit_code = 69


class NotCopied(StateError):
    """A backup could not be made or brought back: nothing was changed, say which file it is about."""


class StateUnusable(StateError):
    """The state cannot be written just now (a full disk, a busy file): nothing happened, the service tries again."""


class CutShort(DaemonError):
    """Somebody wants us to stop in the midst of a look: end, and look anew another time."""


class AlreadyRunning(DaemonError):
    """Another process holds the lock: ask it to sync, or stop. `pid` is 0 while the holder has not written it."""

    exit_code = 69

    def __init__(self, pid: int) -> None:
        super().__init__(f"contactd is already running (process {pid})" if pid else "contactd is already running")
        self.pid = pid
