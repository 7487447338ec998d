"""What is told to systemd: READY, STATUS, WATCHDOG, STOPPING; datagrams to the socket that it names, or nothing.

Source: sd_notify(3), sd_watchdog_enabled(3).
"""

import os
import socket
from collections.abc import Mapping

_WATCHDOG_SHARE = 0.4
"""How much of the time that systemd waits may go by between two signs of life."""


class Notify:
    """One process's line to its service manager; silent where there is none."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self._status = ""
        self.watchdog_s = _watchdog_s(environment) if self._address else None
        """How often a sign of life is due, None if nobody waits for any."""

    def ready(self) -> None:
        """Say that the service is at work."""
        self._send("READY=1")

    def status(self, text: str) -> None:
        """Say in one line how things are, unless that was said last; ids and accounts only."""
        if text != self._status and self._send("STATUS=" + text.replace("\n", " ")):
            self._status = text

    def alive(self) -> None:
        """Give a sign of life."""
        if self.watchdog_s is not None:
            self._send("WATCHDOG=1")

    def reloading(self, monotonic_us: int) -> None:
        """Say that the configuration is read anew; `ready` says that it was."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={monotonic_us}")

    def stopping(self) -> None:
        """Say that the service comes to its end."""
        self._send("STOPPING=1")

    def _send(self, text: str) -> bool:
        """Send a text and return whether it went; a manager that is gone, or does not listen now, is not waited for."""
        if self._address is None:
            return False
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as line:
            try:
                line.connect(self._address)
                line.sendall(text.encode())
            except OSError:
                return False
        return True


def _address(named: str) -> str | None:
    if named.startswith("@"):
        return "\0" + named[1:]
    return named if named.startswith("/") else None


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    waits_us = environment.get("WATCHDOG_USEC", "")
    meant_for = environment.get("WATCHDOG_PID", "")
    if not waits_us.isdigit() or int(waits_us) == 0 or meant_for not in {"", str(os.getpid())}:
        return None
    return int(waits_us) / 1e6 * _WATCHDOG_SHARE
