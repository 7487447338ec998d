"""Beginning with a vault, cut short anywhere: what was made is whole or not there, and no state counts as lost."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from daemon.database import LOST_STATE_AT
from daemon.errors import NotOurVault
from daemon.marker import Marker, read_marker, write_marker
from daemon.ownership import Beginning, claim, known_machine_id, known_vault, machine_id
from daemon.state import State, get_meta

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
HERE = UUID("0b2e7a44-93f5-4d6c-8a51-6a1f0d9d2c22")
THERE = UUID("c0ffee00-1111-4222-8333-444455556666")
VAULT = UUID("6f1c1b5e-52a4-4f0e-9d7c-0c6a53cf3a11")


def test_a_machine_keeps_its_id_which_is_the_owners_alone(tmp_path: Path) -> None:
    made = machine_id(tmp_path / "state")
    (file,) = (tmp_path / "state").iterdir()
    assert (machine_id(tmp_path / "state"), known_machine_id(tmp_path / "state")) == (made, made)
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_draft_of_an_id_that_was_cut_short_is_nobodys_id(tmp_path: Path) -> None:
    (tmp_path / f"machine-id-{HERE}").touch()
    assert known_machine_id(tmp_path) is None
    assert machine_id(tmp_path) == known_machine_id(tmp_path)


def test_a_vault_that_is_begun_with_is_marked_and_remembered(tmp_path: Path) -> None:
    state = State.in_memory()
    marker = claim(tmp_path, state, HERE, Beginning.MARK, NOW)
    assert (read_marker(tmp_path), known_vault(state)) == (marker, marker.vault_id)
    assert get_meta(state, LOST_STATE_AT) is None


def test_a_run_that_was_cut_short_behind_the_marker_has_lost_no_state(tmp_path: Path) -> None:
    state = State.in_memory()
    marker = claim(tmp_path, state, HERE, Beginning.MARK, NOW)
    with state.transaction() as tx:
        tx.run("DELETE FROM meta WHERE key = 'vault_id'")
    assert claim(tmp_path, state, HERE, Beginning.MARK, NOW) == marker
    assert (known_vault(state), get_meta(state, LOST_STATE_AT)) == (marker.vault_id, None)


def test_a_vault_that_was_marked_before_the_state_began_has_lost_one(tmp_path: Path) -> None:
    state = State.in_memory()
    write_marker(tmp_path, Marker(VAULT, HERE))
    assert claim(tmp_path, state, HERE, Beginning.REFUSE, NOW) == Marker(VAULT, HERE)
    assert get_meta(state, LOST_STATE_AT) == NOW.isoformat(timespec="microseconds")


def test_a_vault_of_another_machine_is_left_to_it(tmp_path: Path) -> None:
    write_marker(tmp_path, Marker(VAULT, THERE))
    with pytest.raises(NotOurVault):
        claim(tmp_path, State.in_memory(), HERE, Beginning.MARK, NOW)
    assert read_marker(tmp_path) == Marker(VAULT, THERE)
