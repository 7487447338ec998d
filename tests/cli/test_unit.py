"""The unit that is installed: its text, and its life in a true user manager of systemd."""

import os
import socket
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from daemon.config import load
from daemon.notify import Notify
from daemon.unit import text
from daemon.unit_sandbox import properties
from folder_worlds import CONTACTD, Ran, edit, made

pytestmark = pytest.mark.thorough

TOOLS = Path(__file__).parents[1] / "tools"
CGROUPS = Path("/sys/fs/cgroup")
TIMEOUT_S = 400


def test_the_unit_lives_as_it_should_in_a_true_user_manager(needs_tool: Callable[[str], Path]) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make the namespaces for it")
    unshare = needs_tool("unshare")
    needs_tool("systemctl")
    life = [TOOLS / "user_manager.sh", TOOLS / "service_in_systemd.sh", CONTACTD]
    done = subprocess.run(
        [unshare, "-m", "-p", "-f", "--mount-proc", *life],
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    for slice_ in (*CGROUPS.glob("contactd-test-*"), *CGROUPS.glob("unified/contactd-test-*")):
        for folder in sorted((slice_, *slice_.rglob("*/")), reverse=True):
            # One that is still in use is another test's.
            with suppress(OSError):
                folder.rmdir()
    parts = (line.partition(" ") for line in done.stdout.splitlines())
    seen = {name: value for name, _, value in parts}
    sandbox = seen.pop("sandbox", "")
    seen.pop("This", "")
    assert seen == {
        "verified": "0",
        "active": "active",
        "says": "1 accounts",
        "pushed": "yes",
        "restarted": "yes",
        "converged": "yes",
        "patient": "yes",
        "watched": "yes",
        "stopped": "inactive success 0",
        "doctor": "password of bound: can be had (tried inside the service's sandbox)",
        "hidden": "outside the sandbox it can be had",
        "left": "0",
    }, done.stderr
    assert "the home is hidden; ~/.ssh cannot be read; the system is read-only; /tmp is private" in sandbox


def test_everything_that_the_configuration_names_is_bound_and_nothing_else(tmp_path: Path) -> None:
    world = made(tmp_path, account='calendars = ["/srv/my calendars/100%"]')
    config = load(world.config)
    unit = text(config, world.config, Path("/opt/contactd/bin/contactd"), ("ProtectClock=yes",))
    lines = unit.splitlines()
    assert f"ExecStart=/opt/contactd/bin/contactd sync --config {world.config}" in lines
    bound = next(line for line in lines if line.startswith("BindPaths=/"))
    assert bound.split() == [f"BindPaths={world.contacts}", str(world.state), str(world.vault)]
    # What is not there now may be mounted later; a unit that insisted on it would not start.
    read = next(line for line in lines if line.startswith("BindReadOnlyPaths="))
    assert f"-{world.config.parent}" in read
    assert '-"/srv/my calendars/100%%"' in read
    assert "ProtectClock=yes" not in lines
    assert "PrivateUsers=yes" in lines


def test_a_path_with_blanks_quotes_and_colons_is_one_path(tmp_path: Path) -> None:
    world = made(tmp_path)
    vault = tmp_path / 'my "vault": 100%'
    world.vault.rename(vault)
    edit(world.config, f'"{world.vault}"', f"'{vault}'")
    unit = text(load(world.config), world.config, Path("/opt/contactd"), ())
    escaped = f'"{tmp_path}/my \\"vault\\": 100%%"'
    assert f"BindPaths={world.contacts} {escaped} {world.state}" in unit.splitlines()
    # What systemd-run is given has no specifiers left.
    given = tuple(properties(unit))
    assert any(one.startswith("BindPaths=/") and '100%"' in one for one in given)
    assert "PrivateUsers=yes" in given
    runtime = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    assert f"BindPaths=-{runtime}/systemd/notify -{runtime}/bus" in given
    assert [one for one in given if one.startswith(("Exec", "Type", "Restart", "Watchdog", "Timeout", "Wanted"))] == []


def test_what_is_not_there_is_named_when_the_service_is_installed(contactd: Callable[..., Ran], tmp_path: Path) -> None:
    world = made(tmp_path, account=f'calendars = ["{tmp_path}/later"]')
    arguments = ("service", "install", "--no-start", "--config", str(world.config))
    ran = contactd(*arguments)
    absent = f"Not there now, and so not within the service's reach for writing: {tmp_path}/later."
    assert (ran.code, absent in ran.said) == (0, True)
    (tmp_path / "later").mkdir()
    assert "Not there now" not in contactd(*arguments).said


def test_systemd_is_told_nothing_where_it_does_not_listen() -> None:
    silent = Notify({})
    silent.ready()
    silent.status("all is well")
    assert silent.watchdog_s is None
    assert Notify({"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "10000000"}).watchdog_s == pytest.approx(4)
    assert Notify({"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"}).watchdog_s is None
    Notify({"NOTIFY_SOCKET": "/nowhere"}).ready()


def test_a_manager_that_does_not_listen_is_not_waited_for(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(tmp_path / "notify"))
        notify = Notify({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1000000"})
        # Many more than the kernel keeps for a reader (unix(7), max_dgram_qlen).
        for number in range(2000):
            notify.status(f"status {number}")
            notify.alive()
        assert deaf.recv(100) == b"STATUS=status 0"
        while True:
            try:
                deaf.recv(100, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
        # What could not be said then is said when it can be.
        notify.status("status 1999")
        assert deaf.recv(100) == b"STATUS=status 1999"
