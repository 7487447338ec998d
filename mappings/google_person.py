"""A People API person as JSON: whose its entries are, which version it is, and what of it a client may write.

A person is made of arrays of entries, each entry with the source that it is from. Only the entries of the source
CONTACT are the owner's to write; others come from profiles, and written back they would become the contact's own.
An update replaces whole arrays, so an array is always sent with all of its entries.

Source: discovery document people.v1 (`Person`, `FieldMetadata`, `Source`; "Output only" members; `updatePersonFields`).
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mappings.errors import UnreadableRecord
from mappings.json_object import EMPTY, Json, JsonObject, json_object
from mappings.record import Etag, RemoteId

WRITABLE_KINDS = (
    *("addresses", "biographies", "birthdays", "calendarUrls", "clientData", "emailAddresses", "events", "externalIds"),
    *("genders", "imClients", "interests", "locales", "locations", "memberships", "miscKeywords", "names", "nicknames"),
    *("occupations", "organizations", "phoneNumbers", "relations", "sipAddresses", "urls", "userDefined"),
)
"""The arrays that an update may replace (`updatePersonFields`)."""

ENTRIES_MAX = 100
"""A list leaves out what is beyond this in the arrays of addresses and numbers (`emailAddresses`, `phoneNumbers`)."""

_OUTPUT_ONLY = frozenset(
    {"formattedType", "formattedProtocol", "canonicalForm", "contactGroupId", "displayNameLastFirst"}
)
_OUTPUT_ONLY_OF: Mapping[str, frozenset[str]] = {
    "names": frozenset({"displayName"}),
    "genders": frozenset({"formattedValue"}),
}
_PLACE = "people/"


class Source(NamedTuple):
    """The contact behind a person: its lasting id, and its version, which is the same whatever fields were asked for."""

    id: RemoteId
    etag: Etag


def source_of(person: JsonObject) -> Source | None:
    """Return the person's contact, None for one that has none (a mere profile).

    Errors: `UnreadableRecord`, also for a person that does not say of what it is made.
    """
    if "metadata" not in person.members:
        raise UnreadableRecord(None, "a person that does not say where it is from")
    for source in person.object("metadata").objects("sources"):
        if source.text("type") == "CONTACT":
            if not source.text("id"):
                raise UnreadableRecord(None, "a contact without an id")
            return Source(RemoteId(source.text("id")), Etag(source.text("etag")))
    return None


def is_deleted(person: JsonObject) -> bool:
    """Tell whether this is what a change feed says of a contact that is gone."""
    return person.object("metadata").flag("deleted")


def usual_name(remote_id: RemoteId) -> str:
    """Return the resource name that a contact has unless a profile is linked to it.

    Source: observed; the decimal of the same number that the source's id has in hexadecimal.
    """
    try:
        return f"{_PLACE}c{int(remote_id, 16)}"
    except ValueError:
        return f"{_PLACE}{remote_id}"


def entries(person: JsonObject, kind: str) -> tuple[JsonObject, ...]:
    """Return an array's entries that are the contact's own. Errors: `UnreadableRecord`."""
    return tuple(entry for entry in person.objects(kind) if _is_own(entry))


def with_entries(person: JsonObject, kind: str, own: Iterable[JsonObject]) -> JsonObject:
    """Return the person with these as the array's entries; those of profiles are no part of what is written."""
    kept = tuple(own)
    return person.with_members({kind: kept}) if kept else person.without([kind])


def written(person: JsonObject, kind: str) -> tuple[JsonObject, ...]:
    """Return an array as it is to be sent: without what only the server says."""
    return tuple(_cleaned(entry, kind) for entry in entries(person, kind))


def difference(before: JsonObject, after: JsonObject) -> tuple[str, ...]:
    """Return the smallest mask: the arrays in which two persons differ, in what a client may write."""
    return tuple(kind for kind in WRITABLE_KINDS if _said(before, kind) != _said(after, kind))


def body(person: JsonObject, kinds: Iterable[str], source: Source | None) -> JsonObject:
    """Return what is sent to have these arrays, guarded by the source's version where there is one."""
    members: dict[str, Json] = {kind: written(person, kind) for kind in kinds}
    if source is not None:
        guard = json_object({"type": "CONTACT", "id": source.id, "etag": source.etag})
        members["metadata"] = json_object({"sources": (guard,)})
    return json_object(members)


def _said(person: JsonObject, kind: str) -> object:
    """Return what an array says; groups are a set, in whatever order they are listed."""
    said = written(person, kind)
    return frozenset(map(group_of, said)) if kind == "memberships" else said


def group_of(membership: JsonObject) -> str:
    """Return the resource name of the group of which this is a membership, "" for a domain's."""
    return membership.object("contactGroupMembership").text("contactGroupResourceName")


def _is_own(entry: JsonObject) -> bool:
    return entry.object("metadata").object("source").text("type") in {"", "CONTACT"}


def _cleaned(entry: JsonObject, kind: str) -> JsonObject:
    said = _without_output(entry, kind)
    # The one member of the metadata that a client may write.
    is_first = entry.object("metadata").flag("sourcePrimary")
    return said.with_members({"metadata": json_object({"sourcePrimary": True})}) if is_first else said


def _without_output(entry: JsonObject, kind: str) -> JsonObject:
    bare = entry.without({"metadata"} | _OUTPUT_ONLY | _OUTPUT_ONLY_OF.get(kind, frozenset()))
    inner = {name: _without_output(value, "") for name, value in bare.members.items() if isinstance(value, JsonObject)}
    return bare.with_members(inner) if inner else bare


def nobody() -> JsonObject:
    """Return a person of whom nothing is said."""
    return EMPTY
