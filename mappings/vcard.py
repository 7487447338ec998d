"""vCard text ⇄ person: a lens on the lines of one card, versions 3.0 and 4.0, and 2.1 as far as nothing is lost.

Only the properties that a field stands for are ours (`vcard_fields` is their table, `full_name` has the names), and of those
only the lines whose value changes are written anew; all other lines stay as they are, to the byte and in their place.

The laws: *GetPut*, putting back what was got is the same text; *PutGet*, what was put is what is got, as far as
a card can hold it: `get(put(text, changes)).person` is `project(person with changes)`. One thing is on purpose
outside of it: a part of N that the new full name no longer has goes with the old name (`put`).

Source: RFC 6350, RFC 2426; vCard 2.1 (versit, 1996).
"""

import re
from collections.abc import Mapping

from mappings import full_name, projection
from mappings.errors import EditRefused, UnreadableRecord
from mappings.fields import FIELDS, same, texts, value_of
from mappings.normalize import tidy
from mappings.person import FieldName, Person, Uid, Value
from mappings.plain_text import Doubt, refuse_controls
from mappings.record import Reading
from mappings.vcard_address import new_address
from mappings.vcard_card import Card, parsed, split_cards
from mappings.vcard_fields import MANY, ONE
from mappings.vcard_text import composed, escape, single, split, unescape

_UID = "X-CONTACTD-UID"
_NAMES: frozenset[FieldName] = frozenset({"name", "given_name", "family_name"})
# Positions in N (RFC 6350 section 6.2.2).
_FAMILY, _GIVEN, _ADDITIONAL = 0, 1, 2
_CRLF = "\r\n"
_GROUP = re.compile(
    r"^(?:[\w-]+\.)?(?:X-ADDRESSBOOKSERVER-)?KIND(?:;[^:\n]*)?:[ \t]*group[ \t\r]*$", re.IGNORECASE | re.MULTILINE
)


def decode(content: bytes) -> str:
    """Return the text of a file of cards; a byte order mark stays in it, so that encoding gives the same bytes.

    Errors: `UnreadableRecord` for anything but UTF-8 (RFC 6350 section 3.1), as another charset could not be
    told for certain.
    """
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableRecord(content.count(b"\n", 0, error.start) + 1, "not UTF-8") from error


def cards(text: str) -> tuple[str, ...]:
    """Cut a text into its cards, from BEGIN:VCARD to END:VCARD; put together again they are the text.

    A card within a card (2.1's AGENT) is part of the outer one. A text of blank lines has no cards.
    Errors: `UnreadableRecord`.
    """
    return tuple("".join(line.raw for line in card) for card in split_cards(text))


def is_group(text: str) -> bool:
    """Tell whether a card is a list of others and no person.

    Source: RFC 6350 section 6.1.4; Apple's address books say so by a property of their own.
    """
    return _GROUP.search(text) is not None


def get(text: str) -> Reading:
    """Read the one card of a text; `uid` is its X-CONTACTD-UID.

    Given and family name are blank where they only repeat what the full name says (`full_name`). A card without
    FN has the name that N makes, additional names included; one without either has a blank name.
    Errors: `UnreadableRecord` if the card is broken; a value that is not safe to read is held.
    """
    return _reading(parsed(text))


def put(text: str, changes: Mapping[FieldName, Value], uid: Uid | None) -> str:
    """Return the text with these fields changed, and X-CONTACTD-UID set unless `uid` is None.

    A value that means the same as the card's (`fields.same`) is left as it is spelled there. Given or family name
    equal to what the full name implies is the same as blank. With a new full name, the parts of N that are implied
    follow it, and so does a part that does not occur in it and is not among the changes; additional names, prefix
    and suffix stay.
    Errors: `UnreadableRecord`; `EditRefused` if a field is held, or cannot be written without loss: no change is
    made then, not to the other fields either.
    """
    card = parsed(text)
    reading = _reading(card)
    wanted: dict[FieldName, Value] = {
        name: value for name, value in changes.items() if _is_change(reading, name, value)
    }
    for name, value in wanted.items():
        if name in reading.held:
            raise EditRefused(f"{name}: {reading.held[name]}")
        _without_controls(value)
    if not _NAMES.isdisjoint(wanted):
        card = _with_names(card, reading.person, changes)
    for name, value in wanted.items():
        if name not in _NAMES:
            card = _with_value(card, name, value)
    return (_with_uid(card, uid) if uid is not None and uid != reading.uid else card).text


def new(person: Person, uid: Uid) -> str:
    """Return a complete vCard 3.0 of what a card can hold of the person (`project`), with the uid in it.

    Errors: `EditRefused` if a value has control characters.
    """
    held = project(person)
    given, family = full_name.parts(held.name, held.given_name, held.family_name)
    name = (escape(part, "3.0", ";") for part in (family, given))
    contents = [
        ("UID", escape(uid, "3.0", "")),
        (_UID, escape(uid, "3.0", "")),
        # Both must be there even if blank (RFC 2426 sections 3.1.1 and 3.1.2).
        ("N", ";".join((*name, "", "", ""))),
        ("FN", escape(held.name, "3.0", "")),
        *(new_address(address) for address in held.addresses),
    ]
    lines = (composed(head, text, _CRLF, "3.0").raw for head, text in contents)
    card = parsed("".join(("BEGIN:VCARD\r\nVERSION:3.0\r\n", *lines, "END:VCARD\r\n")))
    for field in FIELDS:
        value = value_of(held, field)
        if value and field not in {*_NAMES, "addresses"}:
            card = _with_value(card, field, _without_controls(value))
    return card.text


def project(person: Person) -> Person:
    """Return what a card can hold of a person: `get(new(person)).person` means the same, field by field.

    What has no place: `projection.common`. Without a full name, given and family name make one; where they only
    repeat it they are blank (`full_name`).
    """
    name = tidy(person.name) or tidy(f"{person.given_name} {person.family_name}")
    given, family = full_name.shown(name, tidy(person.given_name), tidy(person.family_name))
    return projection.common(person, name, given, family)


def _reading(card: Card) -> Reading:
    held: dict[FieldName, str] = {}

    def one(name: FieldName) -> str:
        try:
            return ONE[name].read(card)
        except Doubt as doubt:
            held[name] = doubt.reason
            return ""

    def many(name: FieldName) -> tuple[str, ...]:
        try:
            return MANY[name].read(card)
        except Doubt as doubt:
            held[name] = doubt.reason
            return ()

    try:
        name, given, family = _read_names(card)
    except Doubt as doubt:
        # Without the full name nobody can say what the parts add to it.
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
        tags=many("tags"),
        last_contact=one("last_contact"),
        next_meeting="",
        last_1on1="",
        meetings_90d="",
    )
    return Reading(_uid(card), person, held)


def _is_change(reading: Reading, name: FieldName, value: Value) -> bool:
    return name in reading.held or not same(name, value_of(reading.person, name), value)


def _with_value(card: Card, name: FieldName, value: Value) -> Card:
    if name in MANY:
        return MANY[name].write(card, texts(value))
    if name in ONE:
        return ONE[name].write(card, _one(value))
    raise EditRefused(f"a card has no place for {name}")


def _without_controls(value: Value) -> Value:
    for text in texts(value):
        refuse_controls(text)
    return value


def _one(value: Value) -> str:
    return next(iter(texts(value)), "")


def _full_name(card: Card) -> str:
    line = card.first("FN")
    return single(card.text_of(line)) if line is not None else ""


def _part(card: Card, index: int) -> str:
    line = card.first("N")
    return card.component(line, index) if line is not None else ""


def _read_names(card: Card) -> tuple[str, str, str]:
    given, family = _part(card, _GIVEN), _part(card, _FAMILY)
    name = _full_name(card) or tidy(f"{given} {_additional(card)} {family}")
    return name, *full_name.shown(name, given, family)


def _additional(card: Card) -> str:
    """Return the additional names, of which there may be several (RFC 6350 section 6.2.2). Errors: `Doubt`."""
    line = card.first("N")
    parts = split(card.text_of(line), ";") if line is not None else []
    return " ".join(map(single, split(parts[_ADDITIONAL], ","))) if len(parts) > _ADDITIONAL else ""


def _with_names(card: Card, before: Person, changes: Mapping[FieldName, Value]) -> Card:
    name = tidy(_one(changes.get("name", before.name)))
    if before.name and not name:
        raise EditRefused("a card cannot be without its full name (RFC 6350 section 6.2.1)")

    def part(field: FieldName) -> str:
        if field in changes:
            return tidy(_one(changes[field]))
        kept = _one(value_of(before, field))
        return kept if name == before.name or full_name.occurs(kept, name) else ""

    given, family = part("given_name"), part("family_name")
    if card.first("N") is None and not (given or family):
        return _with_full_name(card, name)
    return _with_parts(_with_full_name(card, name), *full_name.parts(name, given, family))


def _with_full_name(card: Card, name: str) -> Card:
    if name == _full_name(card):
        return card
    line, text = card.first("FN"), escape(name, card.version, "")
    return card.saying(line, text) if line is not None else card.adding("FN", text)


def _with_parts(card: Card, given: str, family: str) -> Card:
    if card.first("N") is None:
        separator = ";"
        both = (escape(part, card.version, separator) for part in (family, given))
        return card.adding("N", separator.join([*both, "", "", ""]))
    for index, value in ((_FAMILY, family), (_GIVEN, given)):
        line = card.first("N")
        if line is not None and value != card.component(line, index):
            card = card.with_component(line, index, value)
    return card


def _uid(card: Card) -> Uid | None:
    line = card.first(_UID)
    text = unescape(line.value).strip() if line is not None else ""
    return Uid(text) if text else None


def _with_uid(card: Card, uid: Uid) -> Card:
    line, text = card.first(_UID), escape(uid, card.version, "")
    return card.saying(line, text) if line is not None else card.adding(_UID, text)
