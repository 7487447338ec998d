"""Folders of contacts in one mailbox: which the owner chose, and whether a contact lies in any of them.

The folder that every mailbox comes with is in no list, and has an id of its own that always means it.

Source: https://learn.microsoft.com/graph/known-issues; what other clients do.
"""

from collections.abc import Iterator, Mapping
from urllib.parse import quote

from connectors.errors import Misunderstood, TryLater
from connectors.graph_client import GraphClient, objects, word

DEFAULT_FOLDER = "Contacts"
"""What the owner calls the folder that a mailbox comes with, whatever its name is in his language."""

FOLDERS_MAX = 500

_ALIAS = "contacts"


def path_of(folder: str) -> str:
    """Return the path of a folder's contacts."""
    return f"/me/contactFolders/{quote(folder, safe='')}/contacts"


class Folders:
    """The folders of these names."""

    def __init__(self, client: GraphClient, names: tuple[str, ...]) -> None:
        self._client = client
        self._names = names
        self._ids: tuple[str, ...] = ()

    def ids(self) -> tuple[str, ...]:
        """Return the ids of the folders that the owner chose."""
        if not self._ids:
            others = {name for name in self._names if name != DEFAULT_FOLDER}
            ids: Mapping[str, str] = self._ids_of(others) if others else {DEFAULT_FOLDER: _ALIAS}
            self._ids = tuple(_ALIAS if name == DEFAULT_FOLDER else ids[name] for name in self._names)
        return self._ids

    def places(self) -> frozenset[str] | None:
        """Return the ids of all folders of contacts; None if they are not told, and then every place is one."""
        try:
            return self._all_places()
        except Misunderstood:
            return None

    def _all_places(self) -> frozenset[str] | None:
        reply = self._client.get(f"/me/contactFolders/{_ALIAS}?$select=id")
        default = word(reply.document, "id") if reply.succeeded else ""
        if not default:
            return None
        found, unseen = {default, *self._own_places()}, [_ALIAS]
        found |= {word(folder, "id") for page in self._client.pages(_folders_url("")) for folder in objects(page)}
        unseen += sorted(found - {default})
        while unseen and len(found) < FOLDERS_MAX:
            inner = {
                word(row, "id") for page in self._client.pages(_folders_url(unseen.pop())) for row in objects(page)
            }
            unseen += sorted(inner - found)
            found |= inner
        return frozenset(found)

    def _own_places(self) -> Iterator[str]:
        """Yield what contacts of the chosen folders say is their place, should a folder's id have several forms."""
        for folder in self.ids():
            reply = self._client.get(f"{path_of(folder)}?$top=1&$select=parentFolderId")
            yield from (word(row, "parentFolderId") for row in objects(reply.document))

    def _ids_of(self, names: set[str]) -> Mapping[str, str]:
        known: dict[str, str] = {}
        for url in (_folders_url(""), _folders_url(_ALIAS)):
            for page in self._client.pages(url):
                known |= {word(row, "displayName"): word(row, "id") for row in objects(page)}
        missing = sorted(names - known.keys())
        if missing:
            there = ", ".join(sorted({DEFAULT_FOLDER, *known}))
            raise TryLater(f"no folder of contacts is called {', '.join(missing)}; there are: {there}", None)
        return known


def _folders_url(parent: str) -> str:
    inner = f"/{quote(parent, safe='')}/childFolders" if parent else ""
    return f"/me/contactFolders{inner}?$top=999&$select=id,displayName"
