"""Where a password comes from: a command, a file of the owner's alone, a systemd credential, or the keyring.

Never from the configuration, the environment or the command line, which others can read. Nothing of a secret is in an
error. Whatever is wrong here is for the owner to mend, and `SignInNeeded` says how.

Source: systemd.exec(5), "Credentials"; a keyring without a session to ask in does not answer (measured).
"""

import os
import re
import stat
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import assert_never

from connectors.errors import SignInNeeded
from mappings.record import AccountName

COMMAND_S_MAX = 60.0
"""It may ask the owner for the key to its store."""

KEYRING_S_MAX = 1.0
"""One that is locked waits for somebody to unlock it, who may not be there."""

KEYRING_SERVICE = "contactd"

_SIZE_BYTES_MAX = 64 * 1024
_CREDENTIAL = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class FromCommand:
    """The first line that a command prints; it is run without a shell."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FromFile:
    """The first line of a file that only its owner may read."""

    path: Path


@dataclass(frozen=True, slots=True)
class FromCredential:
    """The first line of what systemd hands to the service by this name."""

    name: str


@dataclass(frozen=True, slots=True)
class FromKeyring:
    """What the keyring has for the account."""


Source = FromCommand | FromFile | FromCredential | FromKeyring


class Ring(Enum):
    """How the keyring is; one that is `SILENT` asks somebody who is not there, or nobody hears it."""

    ANSWERS = auto()
    LOCKED = auto()
    SILENT = auto()
    NONE = auto()


def source_of(command: Sequence[str], file: Path | None, credential: str) -> Source:
    """Return the one source that is configured, the keyring if none is.

    Errors: `ValueError` with what is wrong and what is expected.
    """
    if sum(map(bool, (command, file, credential))) > 1:
        raise ValueError("expected one of password_command, password_file and password_credential, not several")
    if command:
        return FromCommand(tuple(command))
    if file is not None:
        if not file.is_absolute():
            raise ValueError("password_file must begin with / or ~/")
        return FromFile(file)
    if credential:
        if _CREDENTIAL.fullmatch(credential) is None or credential.startswith("."):
            raise ValueError("password_credential is a name of letters, digits, `-`, `_` and `.`")
        return FromCredential(credential)
    return FromKeyring()


def secret(account: AccountName, source: Source) -> str:
    """Return the secret.

    Errors: `SignInNeeded`, with how to mend it.
    """
    match source:
        case FromCommand():
            found = _printed(account, source)
        case FromFile():
            found = _in_file(account, source.path, f"accounts.{account}.password_file")
        case FromCredential():
            found = _in_credential(account, source)
        case FromKeyring():
            found = _in_keyring(account)
        case _:
            assert_never(source)
    line = found.split("\n", 1)[0].rstrip("\r")
    if not line:
        raise SignInNeeded(account, "its password is empty", remedy(account, source))
    return line


def remedy(account: AccountName, source: Source) -> str:
    """Say what the owner can do about a secret that is not there or not right."""
    match source:
        case FromCommand():
            return f"look at what the command in accounts.{account}.password_command prints"
        case FromFile():
            return f"correct the first line of {source.path}"
        case FromCredential():
            return f"correct the systemd credential {source.name} and restart the service"
        case FromKeyring():
            return (
                f"store it with `keyring set {KEYRING_SERVICE} {account}`, "
                f"or give accounts.{account} a password_command, password_file or password_credential"
            )
        case _:
            assert_never(source)


def _printed(account: AccountName, source: FromCommand) -> str:
    place = f"accounts.{account}.password_command"
    try:
        done = subprocess.run(  # noqa: S603  # the owner's own command
            source.words, stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_S_MAX, check=False
        )
    except OSError as error:
        reason = f"{place} cannot be run ({error.strerror})"
        raise SignInNeeded(account, reason, "expected a program and its arguments, each a text of its own") from error
    except subprocess.TimeoutExpired:
        # Not its cause: it holds what was printed so far.
        raise SignInNeeded(account, f"{place} did not end within {COMMAND_S_MAX:.0f} s", "run it by hand") from None
    if done.returncode:
        raise SignInNeeded(account, f"{place} failed with exit code {done.returncode}", "run it by hand")
    return _decoded(account, source, done.stdout)


def _in_file(account: AccountName, path: Path, place: str) -> str:
    try:
        file_fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise SignInNeeded(account, f"{place}: {path} cannot be read ({error.strerror})", "correct it") from error
    try:
        status = os.fstat(file_fd)
        if not stat.S_ISREG(status.st_mode):
            raise SignInNeeded(account, f"{place}: {path} is no plain file", "correct it")
        if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
            raise SignInNeeded(account, f"{place}: others may read {path}", f"make it yours alone: chmod 600 {path}")
        return _decoded(account, FromFile(path), os.read(file_fd, _SIZE_BYTES_MAX))
    finally:
        os.close(file_fd)


def _in_credential(account: AccountName, source: FromCredential) -> str:
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    place = f"accounts.{account}.password_credential"
    if not folder:
        reason = f"{place}: systemd hands credentials to its services only, and this was not started by it"
        raise SignInNeeded(account, reason, "use the service, or another source for the password")
    try:
        content = (Path(folder) / source.name).read_bytes()
    except OSError as error:
        reason = f"{place}: the service has no credential {source.name} ({error.strerror})"
        raise SignInNeeded(account, reason, f"add LoadCredential={source.name}:PATH to its unit") from error
    return _decoded(account, source, content[:_SIZE_BYTES_MAX])


def _in_keyring(account: AccountName) -> str:
    state, found = _asked(account)
    if state is not Ring.ANSWERS:
        raise SignInNeeded(account, "the keyring does not answer", remedy(account, FromKeyring()))
    if not found:
        raise SignInNeeded(account, "the keyring has no password for it", remedy(account, FromKeyring()))
    return found


def ring() -> Ring:
    """Look whether there is a keyring that answers in time; nothing of it is kept."""
    return _asked("")[0]


def has_credentials() -> bool:
    """Tell whether systemd gave this process credentials."""
    return bool(os.environ.get("CREDENTIALS_DIRECTORY"))


def _asked(user: str) -> tuple[Ring, str]:
    """Ask the keyring for the password of a user, and return how it is besides."""
    answers: list[tuple[Ring, str]] = []

    def look() -> None:
        # Only here: it looks through every installed distribution for keyrings.
        import keyring  # noqa: PLC0415
        from keyring.errors import KeyringError, KeyringLocked, NoKeyringError  # noqa: PLC0415

        try:
            answers.append((Ring.ANSWERS, keyring.get_password(KEYRING_SERVICE, user) or ""))
        except NoKeyringError:
            answers.append((Ring.NONE, ""))
        except KeyringLocked:
            answers.append((Ring.LOCKED, ""))
        except (KeyringError, OSError, RuntimeError):
            return

    # A thread that is not waited for: what hangs in the desktop's bus cannot be called back.
    thread = threading.Thread(target=look, name="keyring", daemon=True)
    thread.start()
    thread.join(KEYRING_S_MAX)
    return answers[0] if answers else (Ring.SILENT, "")


def _decoded(account: AccountName, source: Source, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        # Not its cause: it holds the secret.
        raise SignInNeeded(account, "its password is not UTF-8", remedy(account, source)) from None
