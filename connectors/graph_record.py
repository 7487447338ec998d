"""A contact as Graph's JSON has it, as a record and as the outcome of a request.

A payload is kept with our extended properties in it, and without the notes of the protocol.
"""

import json
from collections.abc import Mapping
from urllib.parse import quote

from connectors.errors import Gone, Misunderstood, PreconditionFailed, Refused
from connectors.graph_client import Item, Reply, objects, word
from connectors.interface import Unreadable, Written
from mappings import graph_contacts, graph_properties
from mappings.errors import UnreadableRecord
from mappings.graph_json import Json, JsonObject
from mappings.operation import DeleteRecord, UpdateRecord
from mappings.person import Uid
from mappings.record import Etag, Record, RemoteId

CHANGED = "changed since it was read"
GONE = "no longer among the contacts"
NOT_FOUND = "erroritemnotfound"


def looked_at(remote_id: RemoteId, reply: Reply) -> Record | Unreadable | Gone:
    """Return what a read of a contact found. Errors: `Misunderstood`."""
    if reply.succeeded:
        return seen_as(reply.document)
    if reply.status == 404 and reply.code == NOT_FOUND:
        return Gone(remote_id, GONE)
    raise Misunderstood(f"Graph does not read a contact: {reply.status} {reply.code}", "")


def seen_as(document: JsonObject) -> Record | Unreadable:
    """Return a contact that is there, understood or not."""
    try:
        return record_of(document)
    except UnreadableRecord as error:
        return Unreadable(id_of(document), etag_of(document), None, error.reason)


def record_of(document: JsonObject) -> Record:
    """Return a contact as a record. Errors: `UnreadableRecord`."""
    reading = graph_contacts.get(graph_contacts.contact(document))
    return Record(id_of(document), etag_of(document), reading)


def found_as(document: JsonObject) -> Written | Refused:
    """Return a contact that is there as the outcome of a create, whoever's answer was lost."""
    document = carrying(document, graph_properties.read(document))
    try:
        return Written(record_of(document), None, text_of(document))
    except UnreadableRecord as error:
        return Refused(id_of(document), error.reason)


def still(intent: UpdateRecord | DeleteRecord, reply: Reply) -> dict[str, Json] | PreconditionFailed | Gone | Refused:
    """Return the contact if it is still what the intent was made from."""
    if reply.succeeded:
        if etag_of(reply.document) != intent.etag:
            return PreconditionFailed(intent.remote_id, CHANGED)
        return dict(reply.document)
    if reply.status == 404 and reply.code == NOT_FOUND:
        return Gone(intent.remote_id, GONE)
    return Refused(intent.remote_id, refusal_of(reply))


def writing(method: str, document: JsonObject, body: JsonObject | None) -> Item:
    """Return a request that changes a contact, or deletes it if there is no body, as long as it is this one."""
    return Item(method, path_to(id_of(document)), body, {"If-Match": f'W/"{etag_of(document)}"'})


def written_properties(body: JsonObject) -> Mapping[str, str]:
    """Return what a body sets ours to, also to nothing."""
    ids = {graph_properties.id_of(name): name for name in graph_properties.NAMES}
    return {ids[word(item, "id")]: word(item, "value") for item in objects(body, graph_properties.PROPERTY)}


def carrying(document: JsonObject, ours: Mapping[str, str]) -> JsonObject:
    """Return a contact with our properties in it, and without the notes of the protocol."""
    plain = {name: value for name, value in document.items() if "@" not in name}
    return graph_properties.carried(plain, {name: ours.get(name, "") for name in graph_properties.NAMES})


def text_of(document: JsonObject) -> str:
    """Return a contact as the text of its payload."""
    plain = carrying(document, graph_properties.read(document))
    # In ASCII, because a text there may hold halves of characters that no encoding has.
    return json.dumps(plain, sort_keys=True)


def document_of(payload: str) -> JsonObject:
    """Return the contact of a payload."""
    document: dict[str, Json] = json.loads(payload)
    return document


def id_of(document: JsonObject) -> RemoteId:
    """Return a contact's id."""
    return RemoteId(word(document, "id"))


def etag_of(document: JsonObject) -> Etag:
    """Return a contact's change key."""
    return Etag(word(document, "changeKey"))


def uid_of(document: JsonObject) -> Uid:
    """Return the uid in a contact, "" if there is none or it is not understood."""
    try:
        return Uid(graph_properties.read(document).get(graph_properties.UID, ""))
    except UnreadableRecord:
        return Uid("")


def refusal_of(reply: Reply) -> str:
    """Return the reason of a refusal; the service's own words may have values in them."""
    return f"Microsoft refuses it ({reply.status} {reply.code or 'without a reason'})"


def path_to(remote_id: RemoteId) -> str:
    """Return the path of a contact."""
    # What came from elsewhere may hold the characters that stand for these in a path.
    return f"/me/contacts/{quote(remote_id.replace('/', '-').replace('+', '_'), safe='')}"
