"""The installed service as a process: started, talked to, disturbed and ended; what it says and does is looked at."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from folder_worlds import CONTACTD, FolderWorld

PATIENCE_S = 60.0
"""Others load the machine; nothing is measured by this."""


def until(holds: Callable[[], bool], patience_s: float = PATIENCE_S) -> bool:
    """Wait until something holds; False if it does not in time."""
    end = time.monotonic() + patience_s
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


class Running:
    """One process of the service, with its log and what it tells systemd."""

    def __init__(self, world: FolderWorld, *options: str, **environment: str) -> None:
        self.world = world
        self._told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._told.bind(str(world.root / f"notify-{time.monotonic_ns()}"))
        self._told.setblocking(False)
        self.told: list[str] = []
        self._log = world.root / "service.log"
        mine = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
        notify = {"NOTIFY_SOCKET": str(self._told.getsockname())}
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [CONTACTD, "sync", *options, "--config", world.config],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=mine | {"HOME": str(world.root)} | notify | environment,
                cwd=world.root,
            )

    def hears(self, text: str) -> bool:
        """Tell whether systemd is told this, now or soon."""
        return until(lambda: any(text in one for one in self._heard()))

    def _heard(self) -> list[str]:
        with suppress(BlockingIOError):
            while True:
                self.told.append(self._told.recv(1 << 16).decode())
        return self.told

    @property
    def log(self) -> str:
        return self._log.read_text()

    def says(self, text: str) -> bool:
        return until(lambda: text in self.log)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ends(self) -> int:
        """Wait for the end; return the exit code."""
        return self.process.wait(PATIENCE_S)

    def stop(self) -> int:
        self.signal(signal.SIGTERM)
        return self.ends()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._told.close()


@contextmanager
def running(world: FolderWorld, *options: str, **environment: str) -> Generator[Running]:
    """Have the service at work, from READY on."""
    service = Running(world, *options, **environment)
    try:
        assert service.hears("READY=1"), service.log
        yield service
    finally:
        service.close()


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
