"""The suite of contactd, on a file of ours with a stranger's hand in it."""

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.contract.test_contacts import *  # noqa: F403  # pytest runs what it finds in a module's names
from contactd_jsonfile import JsonFile
from mappings.record import AccountName, RemoteId

FOREIGN = {"shoe_size": 37, "pets": [{"name": "Puff", "kind": "cat"}]}


class Book:
    """An empty address book, written by a program that knows nothing of contactd."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._added = 0
        self._write({})

    def connector(self) -> JsonFile:
        return JsonFile(AccountName("home"), self._file)

    def add(self, name: str) -> RemoteId:
        self._added += 1
        entry = {"name": name, "emails": ["ada@example.test"], "title": "Analyst", **FOREIGN}
        self._write({**self._entries(), str(self._added): entry})
        return RemoteId(str(self._added))

    def retitle(self, remote_id: RemoteId, title: str) -> None:
        self._edit(remote_id, title=title)

    def remove(self, remote_id: RemoteId) -> None:
        self._write({id_: entry for id_, entry in self._entries().items() if id_ != remote_id})

    def spoil(self, remote_id: RemoteId) -> None:
        self._edit(remote_id, emails=7)

    def foreign(self, remote_id: RemoteId) -> str:
        return json.dumps({name: self._entries()[remote_id].get(name) for name in FOREIGN})

    def size(self) -> int:
        return len(self._entries())

    def expired_cursor(self) -> None:
        """There are no cursors."""

    def _edit(self, remote_id: RemoteId, **members: object) -> None:
        entries = self._entries()
        entries[remote_id].update(members)
        self._write(entries)

    def _entries(self) -> dict[str, dict[str, Any]]:
        entries: dict[str, dict[str, Any]] = json.loads(self._file.read_text())
        return entries

    def _write(self, entries: object) -> None:
        self._file.write_text(json.dumps(entries))


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path / "people.json")
