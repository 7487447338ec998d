"""The owner's labels: contact groups at Google, by their names to us.

Which groups there are is asked for when a contact is in one that is not known; renamed ones are noticed whenever
everything is read. System groups (`myContacts`, `starred`) are no labels. Groups are never deleted, and never emptied of
the last group that a contact is in, which Google refuses: such a contact is put into `myContacts` first.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from connectors.google_people_api import PeopleApi
from mappings.google_person import entries, group_of
from mappings.json_object import JsonObject
from mappings.normalize import name_key

MY_CONTACTS = "contactGroups/myContacts"

SYSTEM_GROUPS = frozenset(
    f"contactGroups/{name}"
    for name in ("all", "blocked", "chatBuddies", "coworkers", "family", "friends", "myContacts", "starred")
)


class Wanted(NamedTuple):
    """A contact and the labels that it is to have, and no others."""

    person: JsonObject
    tags: tuple[str, ...]


class Labels:
    """One account's labels."""

    def __init__(self, api: PeopleApi) -> None:
        self._api = api
        self._names: dict[str, str] = {}
        self._others: set[str] = set(SYSTEM_GROUPS)

    def forget(self) -> None:
        """Ask anew the next time."""
        self._names.clear()
        self._others = set(SYSTEM_GROUPS)

    def of(self, persons: Iterable[JsonObject]) -> Mapping[str, str]:
        """Return the labels, those of these persons at least."""
        groups = {group for person in persons for group in groups_of(person)} - self._names.keys() - self._others
        if groups:
            self._names = self._api.groups()
            self._others |= groups - self._names.keys()
        return self._names

    def move(self, wanted: Iterable[Wanted]) -> frozenset[str]:
        """Give contacts their labels and take others off; return the resource names of those that were moved."""
        adds: defaultdict[str, list[str]] = defaultdict(list)
        removes: defaultdict[str, list[str]] = defaultdict(list)
        for person, tags in wanted:
            name, before = person.text("resourceName"), groups_of(person)
            after = {self._group(tag) for tag in tags}
            labels = before & self._names.keys()
            for group in sorted(after - before):
                adds[group].append(name)
            for group in sorted(labels - after):
                removes[group].append(name)
            if not (before - labels) | after:
                adds[MY_CONTACTS].append(name)
        for group in sorted(adds):
            self._api.change_members(group, adds[group], ())
        for group in sorted(removes):
            self._api.change_members(group, (), removes[group])
        return frozenset(name for names in (*adds.values(), *removes.values()) for name in names)

    def put_into(self, person: JsonObject, groups: frozenset[str]) -> bool:
        """Put a contact into the groups that it was in, those that are gone left out; tell whether that moved it."""
        name, before = person.text("resourceName"), groups_of(person)
        self._names = self._api.groups() if groups - SYSTEM_GROUPS else self._names
        open_to_all = {MY_CONTACTS, "contactGroups/starred", *self._names}
        for group in sorted((groups - before) & open_to_all):
            self._api.change_members(group, [name], ())
        for group in sorted(before - groups if groups & open_to_all else ()):
            self._api.change_members(group, (), [name])
        return bool(before ^ (groups & open_to_all))

    def _group(self, tag: str) -> str:
        """Return the group of a name, made if there is none. Names differ by more than their case."""
        found = self._found(tag)
        if found is None:
            self._names = self._api.groups()
            found = self._found(tag)
        if found is None:
            found = self._api.create_group(tag)
            self._names = {**self._names, found: tag}
        return found

    def _found(self, tag: str) -> str | None:
        return next((group for group, name in self._names.items() if name_key(name) == name_key(tag)), None)


def groups_of(person: JsonObject) -> frozenset[str]:
    """Return the groups that a contact is in."""
    return frozenset(filter(None, map(group_of, entries(person, "memberships"))))
