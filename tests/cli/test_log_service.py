"""The service's log: to a journal of our own, with a priority for each line, as JSON, and never a secret."""

import io
import json
import logging
import socket
import struct
import sys
from pathlib import Path

import pytest

from daemon.log_service import Journal, Json, Prefixed, priority

SECRET = "refresh_token=s3cr3t"  # noqa: S105  # of nobody


def record(message: str, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord("daemon.rounds", level, "", 0, message, (), None)


def fields(datagram: bytes) -> dict[str, str]:
    """Read a datagram as journald does: `NAME=text`, or a name, a length and bytes that may be several lines."""
    found: dict[str, str] = {}
    while datagram:
        line, _, rest = datagram.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            (size,) = struct.unpack("<Q", rest[:8])
            value, rest = rest[8 : 8 + size], rest[8 + size + 1 :]
        found[name.decode()] = value.decode()
        datagram = rest
    return found


def test_a_journal_gets_every_record_with_its_fields(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(tmp_path / "journal"))
        handler = Journal(tmp_path / "journal")
        handler.handle(record("account home is down: away"))
        handler.handle(record(f"two\nlines of {SECRET}", logging.ERROR))
        handler.close()
        assert fields(journal.recv(1 << 16)) == {
            "MESSAGE": "account home is down: away",
            "PRIORITY": "4",
            "SYSLOG_IDENTIFIER": "contactd",
            "CONTACTD_FROM": "daemon.rounds",
        }
        second = fields(journal.recv(1 << 16))
        assert (second["MESSAGE"], second["PRIORITY"]) == ("two\nlines of refresh_token=[removed]", "3")


def test_without_a_journal_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    handler = Journal(tmp_path / "nowhere")
    handler.handle(record("account home is down"))
    handler.close()
    assert stream.getvalue() == "<4>account home is down\n"


def test_every_line_bears_its_priority() -> None:
    assert Prefixed().format(record("one\ntwo", logging.CRITICAL)) == "<2>one\n<2>two"
    assert [priority(level) for level in (10, 20, 30, 40, 50)] == [7, 6, 4, 3, 2]


def test_json_is_an_object_a_line_without_secrets() -> None:
    line = Json().format(record(f"sent {SECRET}\nagain"))
    document = json.loads(line)
    assert "\n" not in line
    assert (document["level"], document["message"]) == ("warning", "sent refresh_token=[removed]\nagain")
