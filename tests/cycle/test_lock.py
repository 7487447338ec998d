"""One contactd per state home, however the other one ended."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.errors import AlreadyRunning
from daemon.lock import LOCK_NAME, only_instance

_ROOT = Path(__file__).parents[2]

_HOLDER = """
import sys, time
from pathlib import Path
from daemon.lock import only_instance
with only_instance(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def _holder(state_home: Path) -> subprocess.Popen[str]:
    """Start another process that holds the lock, and wait until it does."""
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(state_home)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(_ROOT)},
    )
    if holder.stdout is None or holder.stdout.readline() != "held\n":
        pytest.fail("the other process did not get the lock")
    return holder


def test_a_second_process_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    with _holder(tmp_path) as holder:
        with pytest.raises(AlreadyRunning) as told, only_instance(tmp_path):
            pass
        holder.terminate()
    assert told.value.pid == holder.pid
    assert told.value.exit_code == 69


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_the_lock_of_a_dead_process_is_free(tmp_path: Path, end: signal.Signals) -> None:
    with _holder(tmp_path) as holder:
        holder.send_signal(end)
    with only_instance(tmp_path):
        assert (tmp_path / LOCK_NAME).read_text() == f"{os.getpid()}\n"


def test_the_lock_is_free_again_after_the_block(tmp_path: Path) -> None:
    with only_instance(tmp_path):
        pass
    with only_instance(tmp_path):
        pass


def test_a_holder_that_has_not_written_its_pid_yet_is_still_a_holder(tmp_path: Path) -> None:
    with only_instance(tmp_path):
        (tmp_path / LOCK_NAME).write_text("")
        with pytest.raises(AlreadyRunning) as told, only_instance(tmp_path):
            pass
    assert told.value.pid == 0


def test_two_state_homes_do_not_know_each_other(tmp_path: Path) -> None:
    left, right = tmp_path / "left", tmp_path / "right"
    left.mkdir()
    right.mkdir()
    with only_instance(left), only_instance(right):
        assert (left / LOCK_NAME).stat().st_mode & 0o777 == 0o600
