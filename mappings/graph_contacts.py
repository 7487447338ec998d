"""Graph contact ⇄ person: a lens on the JSON of one contact as the v1.0 API gives and takes it.

`put` returns the body of a PATCH with the properties that change and no others: what is absent keeps its value. A
list is replaced whole, so it is rebuilt from the one that is there. Location, last contact and our uid have no
property and live in extended ones (`graph_properties`), which are given beside the contact's own.

The laws: *GetPut*, putting back what was got is an empty body; *PutGet*, what was put is what is got once the
service has taken the body, as far as a contact can hold it (`project`). One thing is on purpose outside of it: with
a new full name, parts that it no longer has go with the old one, as on a card (`full_name`).

Source: https://learn.microsoft.com/graph/api/resources/contact and /api/contact-update (both v1.0). The limits on
lists are the service's own words: "exceeds the max allowed value of 3"; that of `homePhones` is the store's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mappings import full_name, graph_json, graph_notes_line, graph_properties
from mappings.errors import EditRefused
from mappings.fields import FIELDS, keys, same, texts, value_of
from mappings.graph_json import Json, JsonObject, one_line
from mappings.normalize import birthday_of, date_of, email_key, is_email, link_key, phone_key, text_key, tidy
from mappings.person import FieldName, Person, Uid, Value
from mappings.plain_text import refuse_controls
from mappings.record import Reading
from mappings.value_places import difference, distinct

EMAILS_MAX = 3
LIST_PHONES_MAX = 2
"""Of `businessPhones`, and of `homePhones`; `mobilePhone` is one more."""

CAPS: Mapping[FieldName, int] = {"emails": EMAILS_MAX, "phones": 1 + 2 * LIST_PHONES_MAX, "links": 1, "addresses": 3}
"""How many values a contact holds of a field with several."""

_TEXT_PROPERTIES = (
    "assistantName", "birthday", "businessHomePage", "companyName", "department", "displayName", "fileAs", "generation",
    "givenName", "initials", "jobTitle", "manager", "middleName", "mobilePhone", "nickName", "officeLocation",
    "personalNotes", "profession", "spouseName", "surname", "title", "yomiCompanyName", "yomiGivenName", "yomiSurname",
)  # fmt: skip
_LIST_PROPERTIES = ("businessPhones", "categories", "children", "emailAddresses", "homePhones", "imAddresses")
_ADDRESS_PARTS = ("street", "city", "state", "postalCode", "countryOrRegion")

_NAME_PROPERTIES = frozenset({"givenName", "middleName", "surname", "title", "generation"})
_NAMES: frozenset[FieldName] = frozenset({"name", "given_name", "family_name"})
_TEXTS: Mapping[FieldName, str] = {
    "nickname": "nickName",
    "organization": "companyName",
    "department": "department",
    "title": "jobTitle",
}
_EXTENDED: Mapping[FieldName, str] = {
    "location": graph_properties.LOCATION,
    "last_contact": graph_properties.LAST_CONTACT,
}
_ADDRESSES = ("businessAddress", "homeAddress", "otherAddress")
# Outlook keeps a birthday as noon of the day, almost; an instant in the year 1 or 1601 is its word for none.
_BIRTHDAY_TIME = "T11:59:00Z"
_YEAR_MIN = "1900"
# What phones write for a birthday without its year; read, but not written, as nobody knows whether the service takes it.
_YEAR_OF_PHONES = "1604"
_YEARS_FOR_NONE = frozenset({"0001", "1601"})


@dataclass(frozen=True, slots=True)
class EmailEntry:
    """One of the addresses; the service fills in a name of its own, and may give one without an address."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Contact:
    """What we read of a contact; lists are as they stand, `extended` is what our properties say."""

    display_name: str
    given_name: str
    surname: str
    file_as: str
    single: Mapping[str, str]
    emails: tuple[EmailEntry, ...]
    mobile_phone: str
    business_phones: tuple[str, ...]
    home_phones: tuple[str, ...]
    home_page: str
    addresses: tuple[str, ...]
    birthday: str
    categories: tuple[str, ...]
    notes: str
    extended: Mapping[str, str]


def contact(document: JsonObject) -> Contact:
    """Take a contact apart. Errors: `UnreadableRecord` if a property is not of its documented type."""
    return Contact(
        display_name=graph_json.text(document, "displayName"),
        given_name=graph_json.text(document, "givenName"),
        surname=graph_json.text(document, "surname"),
        file_as=graph_json.text(document, "fileAs"),
        single={name: graph_json.text(document, name) for name in _TEXTS.values()},
        emails=tuple(_email(entry) for entry in graph_json.children(document, "emailAddresses")),
        mobile_phone=graph_json.text(document, "mobilePhone"),
        business_phones=graph_json.texts(document, "businessPhones"),
        home_phones=graph_json.texts(document, "homePhones"),
        home_page=graph_json.text(document, "businessHomePage"),
        addresses=tuple(_address(graph_json.child(document, name)) for name in _ADDRESSES),
        birthday=graph_json.text(document, "birthday"),
        categories=graph_json.texts(document, "categories"),
        notes=graph_json.raw_text(document, "personalNotes"),
        extended=graph_properties.read(document),
    )


def get(read: Contact) -> Reading:
    """Read a contact; `uid` is our extended property's.

    Given and family name are blank where they only repeat what the full name says (`full_name`).
    """
    held = dict(_doubts(read))
    name = read.display_name or tidy(f"{read.given_name} {read.surname}")
    given, family = full_name.shown(name, read.given_name, read.surname)
    uid = read.extended.get(graph_properties.UID)
    person = Person(
        name=name,
        given_name=given,
        family_name=family,
        nickname=read.single["nickName"],
        aliases=(),
        former_emails=(),
        emails=() if "emails" in held else distinct(email_key, [entry.address for entry in read.emails]),
        phones=_phones(read),
        organization=read.single["companyName"],
        department=read.single["department"],
        title=read.single["jobTitle"],
        location=read.extended.get(graph_properties.LOCATION, ""),
        addresses=distinct(text_key, read.addresses),
        birthday="" if "birthday" in held else _birthday(read),
        links=(read.home_page,) if read.home_page else (),
        tags=distinct(text_key, [one_line(tag) for tag in read.categories]),
        last_contact="" if "last_contact" in held else read.extended.get(graph_properties.LAST_CONTACT, ""),
        next_meeting="",
        last_1on1="",
        meetings_90d="",
    )
    return Reading(None if uid is None else Uid(uid), person, held)


def put(read: Contact, changes: Mapping[FieldName, Value], uid: Uid | None, *, marked_line: bool) -> JsonObject:
    """Return the body of a PATCH that makes these changes, and sets our uid unless `uid` is None; empty if none does.

    Shapes: `marked_line` says whether a line of the notes is to show the last contact too.
    A value that means the same as the contact's (`fields.same`) is left as it is spelled there. With a new full name
    the parts that it implies follow, and so does `fileAs` where it was only made of them.
    Errors: `EditRefused` if a field is held, or cannot be written without loss; no change is to be made then.
    """
    reading = get(read)
    wanted: dict[FieldName, Value] = {}
    for name, value in changes.items():
        if name in reading.held:
            raise EditRefused(f"{name}: {reading.held[name]}")
        if not same(name, value_of(reading.person, name), value):
            wanted[name] = _plain(value)
    body: dict[str, Json] = {}
    if not _NAMES.isdisjoint(wanted):
        body |= _names(read, reading.person, changes)
    for name, value in wanted.items():
        if name not in _NAMES and name not in _EXTENDED:
            body |= _property(read, name, value)
    if marked_line and "last_contact" in wanted:
        body |= {"personalNotes": graph_notes_line.shown(read.notes, _one(wanted["last_contact"]))}
    return body | _extended(reading, wanted, uid)


def new(person: Person, uid: Uid, *, marked_line: bool) -> JsonObject:
    """Return the body of a POST that makes a contact of what one can hold of the person (`project`), with the uid.

    Errors: `EditRefused` if a value has control characters.
    """
    held = project(person, {})
    changes: dict[FieldName, Value] = {
        name: value_of(held, name) for name in FIELDS if value_of(held, name) and name != "addresses"
    }
    body = dict(put(contact({}), changes, uid, marked_line=marked_line))
    # Which of the places a line of text belongs to, nobody knows; the first stands where no kind is claimed.
    for name, address in zip(reversed(_ADDRESSES), held.addresses, strict=False):
        body[name] = {"street": _one(_plain(address))}
    return body


def is_as(document: JsonObject, other: JsonObject) -> bool:
    """Tell whether two contacts say the same in all that a client may write."""
    return not restoring(document, other)


def restoring(before: JsonObject, now: JsonObject) -> JsonObject:
    """Return the body of a PATCH that makes a contact what it was, in all that a client may write; empty if it is.

    Result: for a contact of which nothing is said yet, the body of a POST that makes it anew.
    """
    body: dict[str, Json] = {}
    for name in _TEXT_PROPERTIES:
        if (before.get(name) or None) != (now.get(name) or None):
            body[name] = before.get(name) or None
    for name in _LIST_PROPERTIES:
        if (before.get(name) or []) != (now.get(name) or []):
            body[name] = before.get(name) or []
    for name in _ADDRESSES:
        was, is_now = (_parts(graph_json.child(document, name)) for document in (before, now))
        if was != is_now:
            # All five where there is an address, as nobody promises what becomes of those that are left out.
            body[name] = was if any(is_now.values()) else {part: text for part, text in was.items() if text}
    if not _NAME_PROPERTIES.isdisjoint(body):
        # The service makes the full name anew out of parts that come alone.
        body |= {name: before.get(name) or None for name in ("displayName", "fileAs")}
    said, says = graph_properties.read(before), graph_properties.read(now)
    changed = {name: said.get(name, "") for name in {**said, **says} if said.get(name) != says.get(name)}
    return body | ({graph_properties.PROPERTY: graph_properties.written(changed)} if changed else {})


def project(person: Person, there: Mapping[FieldName, Value]) -> Person:
    """Return what a contact can hold of a person, given what the one in question holds or last held.

    Of more values than it has room for, those that it has already stay, and then the first of the others: what is
    left over never pushes out what is there, nor does it look deleted.
    Aliases, former addresses and the next meeting have no place, nor has a birthday before 1900, or without its year
    unless a phone has put just that one there.
    """
    name = tidy(person.name) or tidy(f"{person.given_name} {person.family_name}")
    given, family = full_name.shown(name, tidy(person.given_name), tidy(person.family_name))

    def several(field: FieldName) -> tuple[str, ...]:
        values = distinct(FIELDS[field].key, [tidy(value) for value in texts(value_of(person, field))])
        return _within(CAPS.get(field), field, values, there.get(field, ()))

    return Person(
        name=name,
        given_name=given,
        family_name=family,
        nickname=tidy(person.nickname),
        aliases=(),
        former_emails=(),
        emails=several("emails"),
        phones=several("phones"),
        organization=tidy(person.organization),
        department=tidy(person.department),
        title=tidy(person.title),
        location=tidy(person.location),
        addresses=several("addresses"),
        birthday=_held_birthday(person.birthday, there.get("birthday", "")),
        links=several("links"),
        tags=several("tags"),
        last_contact=person.last_contact if date_of(person.last_contact) == person.last_contact else "",
        next_meeting="",
        last_1on1="",
        meetings_90d="",
    )


def _within(cap: int | None, name: FieldName, values: tuple[str, ...], there: Value) -> tuple[str, ...]:
    if cap is None or len(values) <= cap:
        return values
    key, known = FIELDS[name].key, keys(name, there)
    staying = [value for value in values if key(value) in known]
    coming = [value for value in values if key(value) not in known]
    chosen = {*staying, *coming[: max(cap - len(staying), 0)]}
    return tuple(value for value in values if value in chosen)


def _email(entry: JsonObject) -> EmailEntry:
    return EmailEntry(graph_json.raw_text(entry, "name"), graph_json.text(entry, "address"))


def _address(address: JsonObject) -> str:
    street, city, state, code, country = (graph_json.raw_text(address, name) for name in _ADDRESS_PARTS)
    lines = [one_line(line) for line in street.splitlines()]
    pieces = (*lines, one_line(city), one_line(f"{state} {code}"), one_line(country))
    return ", ".join(filter(None, pieces))


def _parts(address: JsonObject) -> dict[str, Json]:
    return {name: address.get(name) or None for name in _ADDRESS_PARTS}


def _doubts(read: Contact) -> Mapping[FieldName, str]:
    doubts: dict[FieldName, str] = {}
    if any(not is_email(entry.address) for entry in read.emails if entry.address or entry.name):
        doubts["emails"] = "one of the e-mail addresses is none, or was not given with its name"
    if read.birthday and not _birthday(read) and read.birthday[:4] not in _YEARS_FOR_NONE:
        doubts["birthday"] = "the birthday is not a day since 1900"
    last_contact = read.extended.get(graph_properties.LAST_CONTACT, "")
    if date_of(last_contact) != last_contact and last_contact:
        doubts["last_contact"] = "the date of the last contact is none"
    return doubts


def _phones(read: Contact) -> tuple[str, ...]:
    numbers = (read.mobile_phone, *read.business_phones, *read.home_phones)
    return distinct(phone_key, [one_line(number) for number in numbers])


def _birthday(read: Contact) -> str:
    """Return the day in UTC, in which the service gives it; "" for none, and for one that is not to be believed."""
    date = date_of(read.birthday) or ""
    if date.startswith(_YEAR_OF_PHONES):
        return birthday_of(date) or ""
    return date if _is_holdable_birthday(date) else ""


def _held_birthday(birthday: str, there: Value) -> str:
    """Return the birthday if a contact can be given it, or has it already."""
    return birthday if birthday == there or _is_holdable_birthday(birthday) else ""


def _is_holdable_birthday(birthday: str) -> bool:
    return birthday >= _YEAR_MIN and date_of(birthday) == birthday == birthday_of(birthday)


def _names(read: Contact, before: Person, changes: Mapping[FieldName, Value]) -> dict[str, Json]:
    """Return all three names, whichever changes: the service makes the full name anew out of parts that come alone."""
    name = tidy(_one(changes.get("name", before.name)))
    if before.name and not name:
        raise EditRefused("a contact cannot be without its name")

    def part(field: FieldName) -> str:
        if field in changes:
            return tidy(_one(changes[field]))
        kept = _one(value_of(before, field))
        return kept if name == before.name or full_name.occurs(kept, name) else ""

    given, family = full_name.parts(name, part("given_name"), part("family_name"))
    body: dict[str, Json] = {"displayName": name or None, "givenName": given or None, "surname": family or None}
    filed = {make(read.display_name, read.given_name, read.surname): make for make in _FILINGS}
    if read.file_as and (make := filed.get(read.file_as)) is not None:
        body["fileAs"] = make(name, given, family)
    return body


def _surname_first(name: str, given: str, family: str) -> str:
    return f"{family}, {given}" if given and family else name


def _given_first(name: str, given: str, family: str) -> str:
    return tidy(f"{given} {family}") or name


def _full(name: str, given: str, family: str) -> str:
    del given, family
    return name


_FILINGS: tuple[Callable[[str, str, str], str], ...] = (_given_first, _full, _surname_first)
"""What programs make `fileAs` of; the later win where two make the same."""


def _property(read: Contact, name: FieldName, value: Value) -> Mapping[str, Json]:
    if name in _TEXTS:
        return {_TEXTS[name]: _one(value) or None}
    match name:
        case "emails":
            return {"emailAddresses": _emails_saying(read, texts(value))}
        case "phones":
            return _phones_saying(read, texts(value))
        case "links":
            return {"businessHomePage": _link_saying(texts(value))}
        case "tags":
            return {"categories": _tags_saying(read, texts(value))}
        case "birthday":
            return {"birthday": _birthday_saying(_one(value))}
        case "addresses":
            raise EditRefused("addresses are only read from contacts")
        case _:
            raise EditRefused(f"a contact has no place for {name}")


def _extended(reading: Reading, wanted: Mapping[FieldName, Value], uid: Uid | None) -> dict[str, Json]:
    values: dict[str, str] = {}
    for name, extended in _EXTENDED.items():
        if name in wanted:
            values[extended] = _one(wanted[name])
    last_contact = values.get(graph_properties.LAST_CONTACT, "")
    if last_contact and date_of(last_contact) != last_contact:
        raise EditRefused("the last contact is not a date of the form YYYY-MM-DD")
    if uid is not None and uid != reading.uid:
        values[graph_properties.UID] = uid
    return {graph_properties.PROPERTY: graph_properties.written(values)} if values else {}


def _emails_saying(read: Contact, values: tuple[str, ...]) -> list[Json]:
    places, added = difference(email_key, [entry.address for entry in read.emails if entry.address], values)
    entries: list[EmailEntry] = []
    for entry in read.emails:
        new = places.get(email_key(entry.address))
        if new is None:
            entries.append(entry)
        elif new:
            # A name that was only the old address says nothing of the new one.
            is_label = email_key(entry.name) != email_key(entry.address)
            entries.append(EmailEntry(entry.name if is_label else "", new))
    entries += [EmailEntry("", value) for value in added]
    _check_room(len(entries), EMAILS_MAX, "e-mail addresses")
    return [_email_json(entry) for entry in entries if entry.address]


def _email_json(entry: EmailEntry) -> Json:
    return {"name": entry.name, "address": entry.address} if entry.name else {"address": entry.address}


def _phones_saying(read: Contact, values: tuple[str, ...]) -> Mapping[str, Json]:
    places, added = difference(phone_key, _phones(read), values)

    def placed(number: str) -> str:
        return places.get(phone_key(one_line(number)), number)

    mobile = placed(read.mobile_phone)
    lists = [
        [new for number in numbers if (new := placed(number))] for numbers in (read.business_phones, read.home_phones)
    ]
    for value in added:
        if not mobile:
            mobile = value
            continue
        free = next((numbers for numbers in lists if len(numbers) < LIST_PHONES_MAX), None)
        if free is None:
            raise EditRefused(f"a contact has no room for more than {CAPS['phones']} phone numbers")
        free.append(value)
    body: dict[str, Json] = {}
    if mobile != read.mobile_phone:
        body["mobilePhone"] = mobile or None
    for name, before, after in zip(
        ("businessPhones", "homePhones"), (read.business_phones, read.home_phones), lists, strict=True
    ):
        if list(before) != after:
            _check_room(len(after), LIST_PHONES_MAX, f"numbers in {name}")
            body[name] = [*after]
    return body


def _check_room(count: int, most: int, what: str) -> None:
    if count > most:
        raise EditRefused(f"a contact has no room for more than {most} {what}")


def _link_saying(values: tuple[str, ...]) -> Json:
    _check_room(len(distinct(link_key, values)), CAPS["links"], "link")
    return values[0] if values else None


def _tags_saying(read: Contact, values: tuple[str, ...]) -> list[Json]:
    present = [one_line(tag) for tag in read.categories]
    places, added = difference(text_key, present, values)
    kept = [
        tag if (new := places.get(text_key(plain))) is None else new
        for tag, plain in zip(read.categories, present, strict=True)
    ]
    return [tag for tag in (*kept, *added) if tag]


def _birthday_saying(value: str) -> Json:
    if not value:
        return None
    if not _is_holdable_birthday(value):
        raise EditRefused("the birthday is not of the form YYYY-MM-DD, or before 1900")
    return f"{value}{_BIRTHDAY_TIME}"


def _plain(value: Value) -> Value:
    """Return a value tidy. Errors: `EditRefused` if it has control characters."""
    for each in texts(value):
        refuse_controls(each)
    return tidy(value) if isinstance(value, str) else tuple(filter(None, map(tidy, value)))


def _one(value: Value) -> str:
    return next(iter(texts(value)), "")
