"""`contactd service install | uninstall | status`: the unit of systemd's user manager, with the owner's paths.

The sandbox hides the whole home. What the service needs of it is bound in by name: the vault, the state, the folder of
the configuration (a file of it may be replaced, which a bind of the file would not see), the folders and secret files
that accounts name, and the program itself where it lives in the home. A renamed vault is then another path: install
again. Temporary files stay inside the vault, because a bind is a mount of its own, out of which nothing can be
renamed.

Some machines refuse parts of the sandbox (no user namespaces, containers), and a unit that asks for one of them does
not start. So each part that may be refused is tried first; what is refused is left out of the unit, and told.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import cast

from daemon.ask import is_answering
from daemon.config import Config, load
from daemon.database import make_folder
from daemon.errors import DaemonError

UNIT = "contactd.service"
_MINE = "# yours"
_TIMEOUT_S = 60

_NAMESPACE = "PrivateUsers=yes"

_REFUSABLE = (
    "PrivateDevices=yes",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelLogs=yes",
    "ProtectControlGroups=yes",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "CapabilityBoundingSet=",
)
"""Directives with which a unit of a user may not start at all, and never without a user namespace."""


class NoUserManager(DaemonError):
    """systemd's user manager cannot be reached, or refused: say what it said."""

    exit_code = 69


def install(config_path: Path, *, start: bool, linger: bool) -> str:
    """Write the unit, and have it started now and at every login unless that is not wanted."""
    config = load(config_path)
    make_folder(config.state)
    target = _unit_path()
    target.parent.mkdir(parents=True, exist_ok=True)
    refused = _refused() if start else ()
    target.write_text(text(config, config_path.absolute(), Path(sys.argv[0]).absolute(), refused), encoding="utf-8")
    said = [f"Written: {target}."]
    if refused:
        said.append(f"This machine refuses parts of the sandbox, which were left out: {', '.join(refused)}.")
    absent = [str(path) for path in sorted(_named(config)) if not path.exists()]
    if absent:
        said.append(
            f"Not there now, and so not within the service's reach for writing: {', '.join(absent)}. Create or mount what "
            "is missing, then run `contactd service install` again."
        )
    if start:
        _systemctl("daemon-reload")
        _systemctl("enable", "--now", UNIT)
        said.append("The service is at work, now and whenever you log in: `contactd service status`")
    if linger:
        _run("loginctl", "enable-linger")
        said.append("It also runs while you are not logged in (lingering).")
    return "\n".join(said)


def uninstall() -> str:
    """Stop the service and take its unit away; nothing else is touched."""
    target = _unit_path()
    if not target.exists():
        return "There is no unit of contactd."
    _systemctl("disable", "--now", UNIT)
    target.unlink()
    _systemctl("daemon-reload")
    return f"Stopped, and removed: {target}. What contactd remembers stays."


def status(config_path: Path) -> tuple[str, int]:
    """Tell what systemd says of the service, and whether one answers; the exit code is 0 if one does."""
    config = load(config_path)
    answers = is_answering(config.state)
    shown = _run("systemctl", "--user", "show", UNIT, "--property=LoadState,ActiveState,SubState,StatusText,NRestarts")
    parts = (line.partition("=") for line in shown.splitlines())
    properties = {name: value for name, _, value in parts}
    lines = [
        f"unit: {properties.get('LoadState')}, {properties.get('ActiveState')} ({properties.get('SubState')})",
        f"it says: {properties.get('StatusText') or 'nothing'}",
        f"restarts: {properties.get('NRestarts', '0')}",
        "It answers questions." if answers else "It does not answer questions.",
    ]
    return "\n".join(lines), 0 if answers else 2


def text(config: Config, config_path: Path, program: Path, refused: Sequence[str]) -> str:
    """Return the unit for a configuration and an installed program, without the directives that are refused."""
    lines: list[str] = []
    template = (line for line in _template().splitlines() if line not in refused)
    for line in template:
        if line != _MINE:
            lines.append(line)
            continue
        key = next(template).partition("=")[0]
        lines.append(f"{key}={' '.join(_mine(key, config, config_path, program))}")
        if key == "BindPaths":
            # A bind outside the home is read-only like the rest of the system unless this says otherwise.
            lines.append(f"ReadWritePaths={' '.join(_quoted(path) for path in _written(config))}")
    return "\n".join(lines) + "\n"


def _mine(key: str, config: Config, config_path: Path, program: Path) -> Iterator[str]:
    match key:
        case "ExecStart":
            yield from (_quoted(program), "sync", "--config", _quoted(config_path))
        case "BindReadOnlyPaths":
            ours = Path(__file__).parents[1]
            programs = {program.resolve().parent, program.parent, ours, *map(Path, (sys.prefix, sys.base_prefix))}
            read = {config_path.parent, *_secrets(config), *filter(_is_hidden, programs)}
            yield from (f"-{_quoted(path)}" for path in sorted(read))
        case "BindPaths":
            yield from (_quoted(path) for path in _written(config))
        case _:
            raise AssertionError(key)


def _written(config: Config) -> list[Path]:
    """Return the folders that the service writes to; one that an account names and is not there now is not waited for."""
    folders = {config.vault.path, config.state, *(one for one in _named(config) if one.is_dir())}
    if config.service.metrics_file:
        folders.add(Path(config.service.metrics_file).parent)
    return sorted(folders)


def _secrets(config: Config) -> Iterator[Path]:
    return (path for path in _named(config) if not path.is_dir())


def _named(config: Config) -> Iterator[Path]:
    """Yield every path that an account's options name."""
    for account in config.accounts:
        yield from _paths_in(account.options)


def _paths_in(value: object) -> Iterator[Path]:
    if isinstance(value, Path):
        yield value
    elif isinstance(value, tuple):
        for item in cast("tuple[object, ...]", value):  # of any kind, as options are
            yield from _paths_in(item)
    elif is_dataclass(value) and not isinstance(value, type):
        for key in fields(value):
            yield from _paths_in(getattr(value, key.name))


def _is_hidden(path: Path) -> bool:
    """Tell whether `ProtectHome=` hides a path."""
    return any(path.is_relative_to(folder) for folder in ("/home", "/root", "/run/user"))


def _quoted(path: Path) -> str:
    """Write a path so that systemd reads it as one: `%` is a specifier, blanks, quotes and colons part words."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"' if any(letter in escaped for letter in " \t\"':") else escaped


def _refused() -> tuple[str, ...]:
    """Return the parts of the sandbox with which nothing starts here."""
    if not _starts_with(_NAMESPACE):
        return (_NAMESPACE, *_REFUSABLE)
    return tuple(directive for directive in _REFUSABLE if not _starts_with(_NAMESPACE, directive))


def _starts_with(*directives: str) -> bool:
    options = [option for directive in directives for option in ("--property", directive)]
    try:
        _run("systemd-run", "--user", "--wait", "--quiet", "--collect", *options, "true")
    except NoUserManager:
        return False
    return True


def _template() -> str:
    for folder in (Path(__file__).parents[1] / "systemd", Path(sys.prefix) / "share" / "contactd" / "systemd"):
        if (folder / UNIT).is_file():
            return (folder / UNIT).read_text(encoding="utf-8")
    raise NoUserManager("the unit that comes with contactd is not where it was installed; install contactd anew")


def _unit_path() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".config") / "systemd" / "user" / UNIT


def _systemctl(*arguments: str) -> str:
    return _run("systemctl", "--user", *arguments)


def _run(program: str, *arguments: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise NoUserManager(
            f"{program} is not there; without systemd, run `contactd sync` from what starts your programs"
        )
    done = subprocess.run([found, *arguments], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)  # noqa: S603  # ours
    if done.returncode != 0:
        raise NoUserManager(f"{program} {' '.join(arguments)}: {done.stderr.strip() or 'failed'}")
    return done.stdout
