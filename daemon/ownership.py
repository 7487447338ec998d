"""Whose vault this is: the marker in its root against what the state of this machine knows.

One machine at a time keeps a vault in step. Two that do so without knowing each other's bases would see each
other's writes as edits of the owner's.
"""

import os
from contextlib import suppress
from datetime import datetime
from enum import Enum, auto
from pathlib import Path
from uuid import UUID, uuid4

from daemon.backup import MACHINE_ID_NAME, believe_nothing
from daemon.codec import time_text
from daemon.database import LOST_STATE_AT, folder_usable, make_folder, sync_folder
from daemon.errors import DaemonError, MarkerUnreadable, NotKnownHere, NotOurVault, StateError, VaultMissing
from daemon.marker import MARKER_NAME, Marker, read_marker, write_marker
from daemon.state import State, get_meta, set_meta

_VAULT_ID = "vault_id"

_BEGINNING_WITH = "beginning_with_vault_id"
"""Of the vault whose marker is about to be written: a run that is cut short behind it has lost no state."""


class NoMarker(DaemonError):
    """Nobody has said that this folder is a vault to be kept in step: stop, name `contactd init`."""

    exit_code = 69

    def __init__(self) -> None:
        super().__init__(f"the vault has no {MARKER_NAME}; run `contactd init` to begin with it")


class Beginning(Enum):
    """What to do with a vault that bears no marker.

    `MARK` begins with one that is new to this machine. `MARK_AGAIN` is the owner's word that this is the vault which
    the state knows, and only its marker was lost.
    """

    REFUSE = auto()
    MARK = auto()
    MARK_AGAIN = auto()


def known_machine_id(state_folder: Path) -> UUID | None:
    """Return this machine's id, None if it has none yet."""
    try:
        with folder_usable(), suppress(FileNotFoundError):
            return UUID((state_folder / MACHINE_ID_NAME).read_text(encoding="utf-8").strip())
    except ValueError as error:
        raise StateError(
            f"{MACHINE_ID_NAME} in the state's folder holds no id; remove it and run `contactd takeover`"
        ) from error
    return None


def machine_id(state_folder: Path) -> UUID:
    """Return this machine's id, random and kept in the state's folder; make it if there is none."""
    known = known_machine_id(state_folder)
    if known is not None:
        return known
    make_folder(state_folder)
    made = uuid4()
    draft = state_folder / f"{MACHINE_ID_NAME}-{made}"
    # Whole or not there, whenever the run is cut short; and the owner's alone from its first instant.
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(f"{made}\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, state_folder / MACHINE_ID_NAME)
    except FileExistsError:
        # Another process was quicker, and what it made is this machine's id.
        return machine_id(state_folder)
    finally:
        draft.unlink()
        sync_folder(state_folder)
    return made


def known_vault(state: State) -> UUID | None:
    """Return the id of the vault that the state speaks of, None for a new state."""
    text = get_meta(state, _VAULT_ID)
    return UUID(text) if text is not None else None


def claim_here(root: Path, state: State, state_folder: Path, beginning: Beginning, now: datetime) -> Marker:
    """Return the vault's marker, if the vault is the machine's to keep in step whose state this is; as `claim`.

    The machine gets an id only if so. One made beside another's marker would be in the way of a backup's, which may
    be the one that the marker names.
    """
    peek(root, state, known_machine_id(state_folder), beginning)
    return claim(root, state, machine_id(state_folder), beginning, now)


def claim(root: Path, state: State, machine: UUID, beginning: Beginning, now: datetime) -> Marker:
    """Return the vault's marker, if the vault is ours to keep in step.

    A vault that was marked before this state began was kept in step by a state that is lost: its notes may carry
    uids whose contacts nobody remembers, which `LOST_STATE_AT` says.
    Errors: `VaultMissing`, `NotOurVault`, `NoMarker`, `MarkerUnreadable`.
    """
    known = known_vault(state)
    marker = _marker(root, known, machine, beginning)
    if marker is None:
        marker = _new_marker(known, machine, beginning)
        with state.transaction() as tx:
            set_meta(tx, _BEGINNING_WITH, str(marker.vault_id))
        write_marker(root, marker)
        _remember(state, marker, None)
    elif known is None:
        was_begun_here = get_meta(state, _BEGINNING_WITH) == str(marker.vault_id)
        _remember(state, marker, None if was_begun_here else now)
    return marker


def peek(root: Path, state: State, machine: UUID | None, beginning: Beginning) -> Marker:
    """Return what `claim` would, and write nothing.

    Shapes: `machine` is None on a machine that has no id yet: no vault is its own.
    """
    known = known_vault(state)
    marker = _marker(root, known, machine, beginning)
    return marker or _new_marker(known, machine or uuid4(), beginning)


def _marker(root: Path, known: UUID | None, machine: UUID | None, beginning: Beginning) -> Marker | None:
    marker = read_marker(root)
    if marker is None and known is not None and beginning is not Beginning.MARK_AGAIN:
        raise VaultMissing(f"{MARKER_NAME} is not there")
    if marker is not None and known is not None and known != marker.vault_id:
        raise VaultMissing(f"{MARKER_NAME} is another vault's")
    if marker is not None and marker.machine_id != machine:
        raise NotKnownHere if known is None or machine is None else NotOurVault
    return marker


def _new_marker(known: UUID | None, machine: UUID, beginning: Beginning) -> Marker:
    if beginning is Beginning.REFUSE:
        raise NoMarker
    return Marker(known or uuid4(), machine)


def take_over(root: Path, state: State, machine: UUID, now: datetime) -> bool:
    """Make this machine the one that keeps the vault in step; a marker that cannot be read is written anew.

    What this machine remembers of a vault that another kept in step meanwhile is as old as a backup: its bases are not
    believed, or a value set back to what they say would look like nobody's edit.
    Result: False if it was that already, and nothing was written.
    Errors: `NoMarker`, and `VaultMissing` if the state speaks of another vault.
    """
    known = known_vault(state)
    try:
        marker = read_marker(root)
    except MarkerUnreadable:
        marker = Marker(known or uuid4(), uuid4())
    if marker is None:
        raise NoMarker
    if known is not None and known != marker.vault_id:
        raise VaultMissing(f"{MARKER_NAME} is another vault's")
    ours = Marker(marker.vault_id, machine)
    if known is not None and marker == ours:
        return False
    if known is not None:
        with state.transaction() as tx:
            believe_nothing(tx, "open when another machine took over; this one has taken over since")
    write_marker(root, ours)
    if known is None:
        _remember(state, ours, now)
    return True


def _remember(state: State, marker: Marker, lost_at: datetime | None) -> None:
    with state.transaction() as tx:
        set_meta(tx, _VAULT_ID, str(marker.vault_id))
        if lost_at is not None:
            set_meta(tx, LOST_STATE_AT, time_text(lost_at))
