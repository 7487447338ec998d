"""People API person ⇄ person: a lens on the JSON of one Google contact.

Only what a field stands for is ours (`google_fields` is their table, `google_name` has the names). `put` rebuilds whole
arrays out of the ones that were read, because the API replaces them whole; `google_person.difference` of before and
after is the smallest mask for it.

The laws: *GetPut*, putting back what was got is the same object; *PutGet*, what was put is what is got, as far as a
contact can hold it: `get(put(contact, changes)).person` is `project(person with changes)`. Outside of it are tags,
which are memberships in groups and written by the connector, and addresses, which are only read.

Source: discovery document people.v1.
"""

from collections.abc import Mapping

from mappings import full_name, projection
from mappings.errors import EditRefused
from mappings.fields import same, texts, value_of
from mappings.google_fields import MANY, ONE, UID_KEY, read_addresses, read_uid, with_defined
from mappings.google_name import NO_PARTS, joined, name_of, parts_of, renamed, split, with_parts
from mappings.google_person import entries, group_of, nobody, with_entries
from mappings.json_object import JsonObject, json_object
from mappings.normalize import tidy
from mappings.person import FieldName, Person, Uid, Value
from mappings.plain_text import Doubt, refuse_controls
from mappings.record import Reading

Labels = Mapping[str, str]
"""The owner's contact groups: their resource names, and the names that he gave them."""

_NAMES: frozenset[FieldName] = frozenset({"name", "given_name", "family_name"})


def get(contact: JsonObject, labels: Labels) -> Reading:
    """Read one contact; `uid` is what `clientData` says under our key, tags are the labels that it has.

    Given and family name are blank where they only repeat what the full name says.
    Errors: `UnreadableRecord` if an array is none; a value that is not safe to read is held.
    """
    held: dict[FieldName, str] = {}

    def one(name: FieldName) -> str:
        try:
            return ONE[name].read(contact)
        except Doubt as doubt:
            held[name] = doubt.reason
            return ""

    def many(name: FieldName) -> tuple[str, ...]:
        try:
            return read_addresses(contact) if name == "addresses" else MANY[name].read(contact)
        except Doubt as doubt:
            held[name] = doubt.reason
            return ()

    try:
        name, given, family = _read_names(contact)
    except Doubt as doubt:
        held |= dict.fromkeys(_NAMES, doubt.reason)
        name, given, family = "", "", ""
    person = Person(
        name=name,
        given_name=given,
        family_name=family,
        nickname=one("nickname"),
        aliases=(),
        emails=many("emails"),
        former_emails=(),
        phones=many("phones"),
        organization=one("organization"),
        department=one("department"),
        title=one("title"),
        location=one("location"),
        addresses=many("addresses"),
        birthday=one("birthday"),
        links=many("links"),
        tags=_read_tags(contact, labels),
        last_contact=one("last_contact"),
        next_meeting="",
        last_1on1="",
        meetings_90d="",
    )
    uid = read_uid(contact)
    return Reading(Uid(uid) if uid else None, person, held)


def put(contact: JsonObject, changes: Mapping[FieldName, Value], uid: Uid | None) -> JsonObject:
    """Return the contact with these fields changed, and our uid set unless `uid` is None; tags are left alone.

    A value that means the same as the contact's (`fields.same`) is left as it is spelled there. With a new full name
    the parts that are still in their place in it stay what they are (`google_name.renamed`).
    Errors: `UnreadableRecord`; `EditRefused` if a field is held, or cannot be written without loss: no change is made
    then, not to the other fields either.
    """
    reading = get(contact, {})
    for name, value in changes.items():
        if name == "tags" or not (name in reading.held or not same(name, value_of(reading.person, name), value)):
            continue
        if name in reading.held:
            raise EditRefused(f"{name}: {reading.held[name]}")
        contact = _with_value(contact, name, value)
    return with_defined("clientData", UID_KEY, contact, uid) if uid is not None and uid != reading.uid else contact


def new(person: Person, uid: Uid) -> JsonObject:
    """Return a contact of what Google can hold of the person (`project`), with the uid in it, but for tags.

    Errors: `EditRefused` if a value has control characters.
    """
    held = project(person)
    contact = nobody()
    if held.name:
        entry = with_parts(json_object({}), split(refuse_controls(held.name), held.given_name, held.family_name))
        contact = with_entries(contact, "names", [entry])
    for name, lens in ONE.items():
        if value := _one(value_of(held, name)):
            contact = lens.write(contact, refuse_controls(value))
    for name, several in MANY.items():
        contact = several.write(contact, texts(value_of(held, name)))
    addresses = [json_object({"formattedValue": refuse_controls(address)}) for address in held.addresses]
    return with_defined("clientData", UID_KEY, with_entries(contact, "addresses", addresses), uid)


def project(person: Person) -> Person:
    """Return what Google can hold of a person: `get(new(person)).person` means the same, field by field.

    What has no place: `projection.common`. Given and family name are parts of the full name and cannot say anything
    else: they are kept as far as they fit it.
    """
    name = tidy(person.name) or tidy(f"{person.given_name} {person.family_name}")
    parts = split(name, tidy(person.given_name), tidy(person.family_name))
    given, family = full_name.shown(name, parts.given, parts.family)
    return projection.common(person, name, given, family)


def _read_names(contact: JsonObject) -> tuple[str, str, str]:
    entry = next(iter(entries(contact, "names")), None)
    if entry is None:
        return "", "", ""
    parts, name = parts_of(entry), name_of(entry)
    return name, *full_name.shown(name, parts.given, parts.family)


def _read_tags(contact: JsonObject, labels: Labels) -> tuple[str, ...]:
    groups = (group_of(membership) for membership in entries(contact, "memberships"))
    return tuple(dict.fromkeys(tidy(labels[group]) for group in groups if group in labels))


def _with_value(contact: JsonObject, name: FieldName, value: Value) -> JsonObject:
    for text in texts(value):
        refuse_controls(text)
    if name == "name":
        return _with_name(contact, tidy(_one(value)))
    if name in MANY:
        return MANY[name].write(contact, texts(value))
    if name in ONE:
        return ONE[name].write(contact, tidy(_one(value)))
    if name == "addresses":
        raise EditRefused("addresses are only read from contacts")
    raise EditRefused(f"a Google contact has no place for {name}")


def _with_name(contact: JsonObject, name: str) -> JsonObject:
    if not name:
        raise EditRefused("the contact would be left without a name")
    entry = next(iter(entries(contact, "names")), json_object({}))
    before = parts_of(entry)
    parts = renamed(before, name) if before != NO_PARTS else split(name, "", "")
    if joined(parts) != name:
        raise EditRefused("the name cannot be taken apart so that it stays the same")
    return with_entries(contact, "names", [with_parts(entry, parts)])


def _one(value: Value) -> str:
    return next(iter(texts(value)), "")
