"""The log of the service: to the journal in its own protocol, readable on a terminal, JSON where it is asked for.

Source: systemd.exec(5), `JOURNAL_STREAM`; "Native Journal Protocol" (systemd.io/JOURNAL_NATIVE_PROTOCOL);
sd-daemon(3), the `<N>` prefix for services whose lines a manager reads.
"""

import json
import logging
import os
import socket
import struct
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from daemon import log

JOURNAL = Path("/run/systemd/journal/socket")

_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
"""syslog's, by the level from which on they apply; what is below is 7, debug."""


def set_up(*, as_json: bool, verbose: bool) -> None:
    """Have the service log where it runs: see the module."""
    log.listen(logging.DEBUG if verbose else logging.INFO, _handler(os.environ, as_json=as_json))


def _handler(environment: Mapping[str, str], *, as_json: bool) -> logging.Handler:
    if as_json:
        return _stream(Json())
    if _goes_to_the_journal(environment):
        return Journal(JOURNAL)
    if "NOTIFY_SOCKET" in environment or "INVOCATION_ID" in environment:
        return _stream(Prefixed())
    return _stream(log.WithoutSecrets("%(asctime)s %(levelname)s %(message)s"))


def _stream(formatter: logging.Formatter) -> logging.Handler:
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(formatter)
    return lines


def _goes_to_the_journal(environment: Mapping[str, str]) -> bool:
    """Tell whether the error stream is the journal's own; a service may be started by one that is, with another."""
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return environment.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}" and JOURNAL.exists()


def priority(level: int) -> int:
    """Return syslog's priority of a level."""
    return next((number for least, number in _PRIORITIES if level >= least), 7)


class Prefixed(log.WithoutSecrets):
    """One line for each record, which begins with its priority."""

    def format(self, record: logging.LogRecord) -> str:
        prefix = f"<{priority(record.levelno)}>"
        return "\n".join(prefix + line for line in super().format(record).split("\n"))


class Json(log.WithoutSecrets):
    """One object for each record, on a line of its own."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        document = {"at": at, "level": record.levelname.lower(), "from": record.name, "message": super().format(record)}
        return json.dumps(document, ensure_ascii=False)


class Journal(logging.Handler):
    """Sends each record with its fields; what cannot be sent is written to the error stream instead."""

    def __init__(self, address: Path) -> None:
        super().__init__()
        self._address = str(address)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._instead = _stream(Prefixed())
        self.setFormatter(log.WithoutSecrets())

    def emit(self, record: logging.LogRecord) -> None:
        fields = {
            "MESSAGE": self.format(record),
            "PRIORITY": str(priority(record.levelno)),
            "SYSLOG_IDENTIFIER": "contactd",
            "CONTACTD_FROM": record.name,
        }
        try:
            self._socket.sendto(b"".join(_field(name, value) for name, value in fields.items()), self._address)
        except OSError:
            # Too long for a datagram, or no journal any more.
            self._instead.handle(record)

    def close(self) -> None:
        self._socket.close()
        super().close()


def _field(name: str, value: str) -> bytes:
    text = value.encode(errors="backslashreplace")
    if b"\n" not in text:
        return name.encode() + b"=" + text + b"\n"
    return name.encode() + b"\n" + struct.pack("<Q", len(text)) + text + b"\n"
