"""`contactd init`: look at a vault, write a configuration for it, mark it as kept in step by this machine.

Everything can be done again: a configuration that is there is kept and used, and so is a marker.
"""

import json
import os
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from daemon import ownership
from daemon.config import Config, load
from daemon.database import make_folder
from daemon.errors import ConfigError, DaemonError, VaultMissing
from daemon.lending import borrowed
from daemon.marker import MARKER_NAME
from daemon.ownership import Beginning
from daemon.progress import Progress
from daemon.render import aligned, field_name, number
from daemon.render_run import trouble
from daemon.standing import standing
from daemon.state import State
from daemon.survey import Survey, survey
from mappings.fields import FIELDS

Ask = Callable[[str, str], str]
"""Asks the owner something, with a default that stands where nobody can be asked."""

Say = Callable[[str], None]
"""Says one line."""

_TROUBLES_SHOWN_MAX = 10

_WHO_IS_A_PERSON = (
    "A note is taken for a person's if two things speak for it: its type, a category, a tag, its folder (People), or a "
    "key such as birthday or email. You can name patterns of paths instead: `people` under [vault] in the configuration."
)

_CONFIG = """\
# The configuration of contactd, made by `contactd init`. Keys that begin with # say what could stand there.
# `contactd doctor` checks what you change; `contactd sync --once --dry-run` shows what it leads to.

[vault]
path = {vault}

# How the notes name things in their frontmatter:
# people-notes | vcf-contacts | kepano | czottmann | hal_md
profile = {profile}

# Notes that are about a person whatever stands in them, as patterns below the folder.
# people = ["People/**"]

# The property in which a note keeps the person's lasting id, so that it can be renamed and moved.
# "" keeps ids out of the notes, in the state only.
# uid_key = "uid"

# One table for each account, by a name of your choice. This one is a folder of .vcf files, one contact in each, as
# vdirsyncer, khard and khal keep them.
[accounts.home]
connector = "vdir"
contacts = {contacts}

# Folders of .ics files, and your own addresses.
# calendars = ["~/.calendars/work"]
# me = ["me@example.test"]

# Which people without a contact get one: none | reachable (those with an e-mail address or phone number) | all
# new_contacts = "all"

# Whether a contact is deleted after you deleted its note.
# delete_with_note = false

# Where contactd remembers what note and contact last agreed on: ~/.local/state/contactd unless you say otherwise.
# [state]
# path = "~/.local/state/contactd"
"""


class NoFolder(DaemonError):
    """There is no folder where the owner says that the notes are: nothing was written."""

    exit_code = 69


class NotWritable(DaemonError):
    """A folder or file cannot be made where the owner wants it: say which; what was made before stays."""

    exit_code = 69


class Declined(DaemonError):
    """The owner did not want it: nothing was written."""

    exit_code = 64


def init(config_path: Path, vault: Path | None, ask: Ask, say: Say, line: Progress, now: datetime) -> None:
    """Begin with a vault: say what was found, write what is missing, say what to do next.

    Shapes: `vault` is None if the owner did not name it.
    Errors: `ConfigError`, `VaultMissing`, `NotOurVault`, `MarkerUnreadable`, `AlreadyRunning`, `NoFolder`,
    `NotWritable`, `Declined`.
    """
    if config_path.exists():
        config = load(config_path)
        _check_same(config, vault, config_path)
        say(f"There is a configuration already, and it stays as it is: {config_path}")
        found = _surveyed(config.vault.path, line)
        _say_found(config.vault.path, found, say)
    else:
        config, found = _new_config(config_path, vault, ask, say, line)
    _mark(config, found, now)
    say(f"This machine keeps the vault in step from now on; {MARKER_NAME} in the vault says so.")
    say("Nothing else was written. Next, see what would be done: `contactd sync --once --dry-run`")


def _check_same(config: Config, vault: Path | None, config_path: Path) -> None:
    if vault is not None and not _same(vault, config.vault.path):
        text = f"{config_path}: is for another vault, {config.vault.path}; expected another file behind --config"
        raise ConfigError(
            (f"{text}, or a path under [vault] that you have changed there: no configuration is overwritten",)
        )


def _same(left: Path, right: Path) -> bool:
    return left.expanduser().resolve() == right.resolve()


def _new_config(config_path: Path, vault: Path | None, ask: Ask, say: Say, line: Progress) -> tuple[Config, Survey]:
    root = _folder(str(vault) if vault is not None else ask("Where are your notes?", str(Path.cwd())))
    if not root.is_dir():
        raise NoFolder(f"{root} is no folder; name the one that your notes are in, or make it first")
    found = _surveyed(root, line)
    _say_found(root, found, say)
    contacts = _folder(ask("In which folder are your contacts, or shall they be kept?", "~/.contacts/people"))
    say(_contacts_found(contacts))
    if ask(f"Write {config_path}?", "yes").strip().casefold() not in {"y", "yes"}:
        raise Declined("nothing was written")
    with _writable(contacts):
        contacts.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _writable(config_path):
        config = _write(config_path, _text(root, found, contacts))
    say(f"Written: {config_path}")
    return config, found


def _surveyed(root: Path, line: Progress) -> Survey:
    try:
        return survey(root, line.tell)
    finally:
        line.clear()


def _folder(named: str) -> Path:
    return Path(named).expanduser().absolute()


def _say_found(root: Path, found: Survey, say: Say) -> None:
    say(f"{root}: {number(found.notes, 'note')}, {found.people} of them about people.")
    for line in _how_written(found) if found.people else [_WHO_IS_A_PERSON]:
        say(line)
    for one in found.troubles[:_TROUBLES_SHOWN_MAX]:
        say(f"  cannot be read: {trouble(one, {})}")


def _how_written(found: Survey) -> list[str]:
    in_order = sorted(found.spellings.items(), key=lambda pair: list(FIELDS).index(pair[0]))
    return [
        f"They are written in the way of the profile {found.profile}. What stands in their frontmatter:",
        *aligned([(f"{field_name(name)}:", key) for name, key in in_order], "  "),
        "Lines like `**Role**: …` in a Profile section are read, too.",
    ]


def _contacts_found(contacts: Path) -> str:
    if not contacts.is_dir():
        return f"The folder {contacts} will be made."
    count = sum(1 for _ in contacts.glob("*.vcf"))
    return f"In {contacts} there are {number(count, 'contact')}."


def _text(root: Path, found: Survey, contacts: Path) -> str:
    return _CONFIG.format(vault=_toml(str(root)), profile=_toml(found.profile), contacts=_toml(str(contacts)))


def _toml(text: str) -> str:
    """Return a text as a TOML basic string, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)


@contextmanager
def _writable(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise NotWritable(
            f"{path} cannot be made: {error.strerror}; name another, or change who may write there"
        ) from error


def _write(path: Path, text: str) -> Config:
    """Write a configuration that is the owner's alone, once it has proved to be one; never over another."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    with suppress(FileNotFoundError):  # of a run that was cut short
        draft.unlink()
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    try:
        config = load(draft)
        os.link(draft, path)
    finally:
        draft.unlink()
    return config


def _mark(config: Config, found: Survey, now: datetime) -> None:
    make_folder(config.state)
    with borrowed(config.state), closing(State.open(config.state, now)) as state:
        if not found.people and any(standing(state).linked.values()):
            raise VaultMissing("people are linked, and this folder holds none of their notes")
        ownership.claim_here(config.vault.path, state, config.state, Beginning.MARK_AGAIN, now)
