"""What we keep in a contact at Microsoft where no property of its own has a place: our extended properties.

Nobody sees them in Outlook, every write leaves those of others alone, and the service can find a contact by one.
Answers to writes do not contain them; reads do only where they are asked for (`EXPAND`).

Source: https://learn.microsoft.com/graph/api/resources/extended-properties-overview. The set's id was made once at
random and never changes; each name takes one of the mailbox's named properties for ever, so there are three.
"""

import re
from collections.abc import Mapping

from mappings import graph_json
from mappings.graph_json import Json, JsonObject

UID, LAST_CONTACT, LOCATION = "ContactdUid", "ContactdLastContact", "ContactdLocation"

NAMES = (UID, LAST_CONTACT, LOCATION)

PROPERTY = "singleValueExtendedProperties"

_SET = "5be03f7c-2d4e-4f0b-8a1c-96d7e2b4a813"
# The service may give the set's id back in another case; names keep theirs.
_ID = re.compile(r"String \{([0-9A-Fa-f-]{36})\} Name (\w+)")


def id_of(name: str) -> str:
    """Return the id by which the service knows one of ours."""
    return f"String {{{_SET}}} Name {name}"


_ANY_OF_OURS = " or ".join(f"id eq '{id_of(name)}'" for name in NAMES)

EXPAND = f"{PROPERTY}($filter={_ANY_OF_OURS})"
"""The value of `$expand` that makes a read return ours; without the inner filter none are returned."""


def filter_of(name: str, value: str) -> str:
    """Return the value of `$filter` that finds the contacts in which one of ours says this, in any case of letters."""
    quoted = value.replace("'", "''")
    return f"{PROPERTY}/Any(ep: ep/id eq '{id_of(name)}' and ep/value eq '{quoted}')"


def read(document: JsonObject) -> Mapping[str, str]:
    """Return what ours say, by name; one that is blank is not there. Errors: `UnreadableRecord`."""
    found: dict[str, str] = {}
    for item in graph_json.children(document, PROPERTY):
        match = _ID.fullmatch(graph_json.raw_text(item, "id"))
        value = graph_json.text(item, "value")
        if match is not None and match[1].casefold() == _SET and match[2] in NAMES and value:
            found[match[2]] = value
    return found


def written(values: Mapping[str, str]) -> list[Json]:
    """Return the value of `PROPERTY` in a body that sets these; "" takes one away.

    Whether null takes one away is not certain, so a blank text does.
    """
    return [{"id": id_of(name), "value": value} for name, value in values.items()]


def carried(document: JsonObject, values: Mapping[str, str]) -> JsonObject:
    """Return a contact as an answer to a write has it, with what ours say now."""
    return {**document, PROPERTY: written({name: value for name, value in values.items() if value})}
