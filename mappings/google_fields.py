"""Each field's place in a People API person: how it is read there, and how a new value is written.

Readers raise `Doubt` where a value cannot be read safely, writers `EditRefused` where it cannot be written so. What a
writer does not change in an entry, and every entry that it does not mean, stays as it came.

Source: discovery document people.v1; what the shapes below add to it is observed in recorded traffic.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from mappings.errors import EditRefused
from mappings.google_person import ENTRIES_MAX, entries, with_entries
from mappings.json_object import Json, JsonObject, json_object
from mappings.normalize import birthday_of, date_of, email_key, link_key, phone_key, tidy
from mappings.person import FieldName
from mappings.plain_text import Doubt, on_one_line, refuse_controls
from mappings.value_places import difference, distinct

UID_KEY = "contactd.uid"
"""The key in `clientData`, which no program shows, under which a contact carries our uid."""

_NO_CONTENT = frozenset({"metadata", "type", "formattedType", "current"})
_FOR_NO_VOICE = frozenset({"homefax", "workfax", "otherfax", "pager", "workpager"})
_NICKNAME_TYPES = frozenset({"", "DEFAULT"})
_DATED = "Google takes no change of a contact's organization that has a start or end date; take the dates out there"


@dataclass(frozen=True, slots=True)
class One:
    """The lens of a field with one value; writing "" removes it."""

    read: Callable[[JsonObject], str]
    write: Callable[[JsonObject, str], JsonObject]


@dataclass(frozen=True, slots=True)
class Many:
    """The lens of a field with several values, an entry for each; a value that stays keeps its entry.

    `is_ours` says which entries are the field's.
    """

    kind: str
    key: Callable[[str], str]
    is_ours: Callable[[JsonObject], bool]

    def read(self, person: JsonObject) -> tuple[str, ...]:
        """Return the values, one of each key. Errors: `Doubt`."""
        every = entries(person, self.kind)
        if len(every) >= ENTRIES_MAX:
            raise Doubt(f"has {ENTRIES_MAX} or more, of which Google does not list all")
        return distinct(self.key, [_value(entry) for entry in every if self.is_ours(entry)])

    def write(self, person: JsonObject, values: tuple[str, ...]) -> JsonObject:
        """Correct the entries of values that are gone, or remove them; add entries for further new ones."""
        places, added = difference(self.key, self.read(person), values)
        kept: list[JsonObject] = []
        for entry in entries(person, self.kind):
            new = places.get(self.key(_value(entry))) if self.is_ours(entry) and _value(entry) else None
            if new is None:
                kept.append(entry)
            elif new:
                kept.append(_saying(entry, new))
        return with_entries(person, self.kind, [*kept, *(_saying(json_object({}), value) for value in added)])


def _value(entry: JsonObject) -> str:
    return on_one_line(entry.text("value"))


def _saying(entry: JsonObject, value: str) -> JsonObject:
    # The number in its international form, which the server adds, was the old one's.
    return entry.without(["canonicalForm"]).with_members({"value": refuse_controls(value)})


def _any_entry(entry: JsonObject) -> bool:  # noqa: ARG001  # `is_ours` of an array whose entries are all the field's
    return True


def _is_for_voice(entry: JsonObject) -> bool:
    return entry.text("type").casefold() not in _FOR_NO_VOICE


def _replaced(every: Sequence[JsonObject], entry: JsonObject, new: JsonObject | None) -> Iterable[JsonObject]:
    for each in every:
        if each is not entry:
            yield each
        elif new is not None:
            yield new


def _without_one(
    every: Sequence[JsonObject], entry: JsonObject, is_next: Callable[[JsonObject], bool], what: str
) -> None:
    if any(is_next(each) for each in every if each is not entry):
        raise EditRefused(f"the contact has a further {what}, which would take the place of the removed one")


def _is_nickname(entry: JsonObject) -> bool:
    return entry.text("type") in _NICKNAME_TYPES


def _read_nickname(person: JsonObject) -> str:
    return next((_value(entry) for entry in entries(person, "nicknames") if _is_nickname(entry)), "")


def _write_nickname(person: JsonObject, value: str) -> JsonObject:
    every = entries(person, "nicknames")
    entry = next(filter(_is_nickname, every), None)
    if entry is None:
        return with_entries(person, "nicknames", [*every, json_object({"value": value})]) if value else person
    if not value:
        _without_one(every, entry, _is_nickname, "nickname")
    return with_entries(person, "nicknames", _replaced(every, entry, _saying(entry, value) if value else None))


def _organization(every: Sequence[JsonObject]) -> JsonObject | None:
    """Return the entry that counts: the current one, else the one that the server calls the first, else the first."""
    current = (entry for entry in every if entry.flag("current"))
    primary = (entry for entry in every if entry.object("metadata").flag("primary"))
    return next(current, None) or next(primary, None) or next(iter(every), None)


def _read_organization(member: str, person: JsonObject) -> str:
    every = entries(person, "organizations")
    if any(entry.members.keys() & {"startDate", "endDate"} for entry in every):
        raise Doubt(_DATED)
    entry = _organization(every)
    return on_one_line(entry.text(member)) if entry is not None else ""


def _write_organization(member: str, person: JsonObject, value: str) -> JsonObject:
    every = entries(person, "organizations")
    entry = _organization(every)
    if entry is None:
        return with_entries(person, "organizations", [json_object({member: value})]) if value else person
    said = entry.with_members({member: value}) if value else entry.without([member])
    is_blank = said.members.keys() <= _NO_CONTENT
    if is_blank:
        _without_one(every, entry, _any_entry, "organization")
    return with_entries(person, "organizations", _replaced(every, entry, None if is_blank else said))


def _read_birthday(person: JsonObject) -> str:
    every = entries(person, "birthdays")
    if not every:
        return ""
    date = every[0].object("date")
    year, month, day = (date.number(part) for part in ("year", "month", "day"))
    text = f"{year:04}-{month:02}-{day:02}" if year else f"--{month:02}-{day:02}"
    if birthday_of(text) is None:
        raise Doubt("the birthday is not a day of a month")
    # Apple's year for "none" may come by way of an import (see `normalize`).
    return birthday_of(text) or ""


def _write_birthday(person: JsonObject, value: str) -> JsonObject:
    if value and birthday_of(value) != value:
        raise EditRefused("the birthday is not of the form YYYY-MM-DD or --MM-DD")
    if not value:
        return with_entries(person, "birthdays", ())
    numbers = [int(part) for part in value.split("-") if part]
    date: dict[str, Json] = dict(zip(("year", "month", "day")[-len(numbers) :], numbers, strict=True))
    before = next(iter(entries(person, "birthdays")), json_object({}))
    # The text is the date once more, as free words: it would be the old one's.
    return with_entries(person, "birthdays", [before.without(["text"]).with_members({"date": json_object(date)})])


def _keyed(person: JsonObject, kind: str, key: str) -> list[JsonObject]:
    return [entry for entry in entries(person, kind) if entry.text("key").strip().casefold() == key]


def _read_defined(key: str, person: JsonObject) -> str:
    values = dict.fromkeys(_value(entry) for entry in _keyed(person, "userDefined", key))
    if len(values) > 1:
        raise Doubt(f"the contact has several fields {key} that differ")
    return next(iter(values), "")


def with_defined(kind: str, key: str, person: JsonObject, value: str) -> JsonObject:
    """Return the person with one entry of this key that says the value, none if it is blank."""
    ours = _keyed(person, kind, key)
    every = entries(person, kind)
    if not ours:
        entry = json_object({"key": key, "value": value})
        return with_entries(person, kind, [*every, entry]) if value else person
    others = [entry for entry in every if entry not in ours[1:] or entry is ours[0]]
    return with_entries(person, kind, _replaced(others, ours[0], _saying(ours[0], value) if value else None))


def _read_last_contact(person: JsonObject) -> str:
    text = _read_defined("last_contact", person)
    date = date_of(text)
    if text and date is None:
        raise Doubt("the date of the last contact is none")
    return date or ""


def _write_last_contact(person: JsonObject, value: str) -> JsonObject:
    if value and date_of(value) != value:
        raise EditRefused("the last contact is not a date of the form YYYY-MM-DD")
    return with_defined("userDefined", "last_contact", person, value)


def read_uid(person: JsonObject) -> str:
    """Return our uid in the contact, the first if two contacts with one each were merged, "" if there is none."""
    return next((entry.text("value").strip() for entry in _keyed(person, "clientData", UID_KEY)), "")


def read_addresses(person: JsonObject) -> tuple[str, ...]:
    """Return each address on one line. Errors: `Doubt`."""
    lines = (_one_line_address(entry) for entry in entries(person, "addresses"))
    return tuple(dict.fromkeys(filter(None, lines)))


def _one_line_address(entry: JsonObject) -> str:
    street, extended, box, city, region, code, country = (
        entry.text(part).strip()
        for part in ("streetAddress", "extendedAddress", "poBox", "city", "region", "postalCode", "country")
    )
    pieces = [street or extended or box, city, tidy(f"{region} {code}"), country]
    # The server's own text depends on the owner's language: it counts only where there are no parts.
    text = ", ".join(filter(None, pieces)) or entry.text("formattedValue")
    return on_one_line(text.strip().replace("\r", "").replace("\n", ", "))


ONE: Mapping[FieldName, One] = {
    "nickname": One(_read_nickname, _write_nickname),
    "organization": One(partial(_read_organization, "name"), partial(_write_organization, "name")),
    "department": One(partial(_read_organization, "department"), partial(_write_organization, "department")),
    "title": One(partial(_read_organization, "title"), partial(_write_organization, "title")),
    "location": One(partial(_read_defined, "location"), partial(with_defined, "userDefined", "location")),
    "birthday": One(_read_birthday, _write_birthday),
    "last_contact": One(_read_last_contact, _write_last_contact),
}

MANY: Mapping[FieldName, Many] = {
    "emails": Many("emailAddresses", email_key, _any_entry),
    "phones": Many("phoneNumbers", phone_key, _is_for_voice),
    "links": Many("urls", link_key, _any_entry),
}
