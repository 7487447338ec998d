"""Both lens laws, over contacts as Google sends them and persons as nobody would: see `mappings.google_people`."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.errors import EditRefused
from mappings.fields import FIELDS, Format, same, value_of, with_values
from mappings.google_name import Parts, joined, renamed, split
from mappings.google_people import get, new, project, put
from mappings.google_person import WRITABLE_KINDS, difference
from mappings.json_object import JsonObject, composed, frozen, parsed
from mappings.normalize import tidy
from mappings.person import FieldName, Person, Uid, Value
from worlds import NOBODY

words = st.sampled_from(["Ada", "Lovelace", "van", "Gogh", "Dr.", "III", "山田", "太郎", "ada", "e\u0301", "x" * 40])
odd = st.text(st.sampled_from("aB1 ,;:\\\"'=+@/<>(){}^%n\u00e9\u200d\u00a0\u2028-._"), max_size=12)
texts = st.one_of(st.lists(words, max_size=4).map(" ".join), odd)
dates = st.sampled_from(["1980-03-22", "2024-02-29", "2025-11-07"])
emails = st.one_of(st.sampled_from(["a@b.test", "A@B.test", "c@d.test"]), texts)
phones = st.one_of(st.sampled_from(["+49 30 1234", "+49301234", "0049 (0)30 12-34", "030/1234"]), texts)
links = st.one_of(st.sampled_from(["http://a.test/", "HTTP://a.test", "https://b.test/a,b;c?d=e"]), texts)


def several(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(strategy, max_size=3).map(tuple)


VALUES: Mapping[FieldName, st.SearchStrategy[Value]] = {
    "name": texts,
    "nickname": texts,
    "emails": several(emails),
    "phones": several(phones),
    "organization": texts,
    "department": texts,
    "title": texts,
    "location": texts,
    "birthday": st.one_of(dates, st.sampled_from(["--05-09", "--02-29", "", "soon"])),
    "links": several(links),
    "last_contact": st.one_of(dates, st.just("")),
}
EVERY: Mapping[FieldName, st.SearchStrategy[Value]] = {
    **VALUES,
    "given_name": texts,
    "family_name": texts,
    "addresses": several(texts),
    "aliases": several(texts),
}
persons = st.fixed_dictionaries(dict(EVERY)).map(lambda values: with_values(NOBODY, values))
changes = st.fixed_dictionaries({}, optional=dict(VALUES))

METADATA = st.sampled_from(
    [
        {"source": {"type": "CONTACT", "id": "1a"}},
        {"primary": True, "source": {"type": "CONTACT", "id": "1a"}},
        {"primary": True, "source": {"type": "PROFILE", "id": "9"}},
        {"sourcePrimary": True, "source": {"type": "CONTACT", "id": "1a"}},
    ]
)


def entry(**members: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    return st.fixed_dictionaries({"metadata": METADATA}, optional=dict(members))


values = st.one_of(st.sampled_from(["a@b.test", "+49 30 1234", "http://a.test", "two\nlines"]), texts)
types = st.sampled_from(["work", "homeFax", "Sailing boat", "DEFAULT", "INITIALS"])
shown = st.just("made by the server")
ARRAYS: dict[str, st.SearchStrategy[dict[str, object]]] = {
    "names": entry(
        givenName=texts, familyName=texts, middleName=texts, honorificPrefix=texts, honorificSuffix=texts,
        displayName=shown, unstructuredName=texts, phoneticGivenName=texts,
    ),
    "nicknames": entry(value=values, type=types),
    "emailAddresses": entry(value=values, type=types, displayName=texts, formattedType=shown),
    "phoneNumbers": entry(value=values, type=types, canonicalForm=shown),
    "organizations": entry(
        name=texts, department=texts, title=texts, current=st.booleans(), symbol=texts, startDate=st.just({"year": 1900})
    ),
    "birthdays": entry(date=st.sampled_from([{"month": 5, "day": 9}, {"year": 1980}, {}]), text=texts),
    "urls": entry(value=values, type=types),
    "userDefined": entry(key=st.sampled_from(["last_contact", "location", "Location", "shoe size"]), value=values),
    "clientData": entry(key=st.sampled_from(["contactd.uid", "other"]), value=texts),
    "biographies": entry(value=values),
}  # fmt: skip
contacts = st.fixed_dictionaries({}, optional={kind: st.lists(each, max_size=3) for kind, each in ARRAYS.items()}).map(
    frozen
)


@given(contacts)
def test_putting_back_what_was_got_changes_nothing(contact: JsonObject) -> None:
    reading = get(contact, {})
    got: dict[FieldName, Value] = {name: value_of(reading.person, name) for name in VALUES if name not in reading.held}
    assert put(contact, got, reading.uid) is contact


@settings(max_examples=300)
@given(contacts, changes)
def test_what_was_put_is_what_is_got_and_all_else_is_as_it_was(
    contact: JsonObject, wanted: dict[FieldName, Value]
) -> None:
    before = get(contact, {})
    try:
        after = put(contact, wanted, Uid("u"))
    except EditRefused:
        return
    reading = get(after, {})
    expected = project(with_values(before.person, wanted))
    for name in VALUES:
        if name not in before.held or name in wanted:
            assert same(name, value_of(reading.person, name), value_of(expected, name)), name
    assert reading.uid == "u"
    assert set(difference(contact, after)) <= set(WRITABLE_KINDS) - {"biographies"}


@given(persons)
def test_a_new_contact_says_what_google_can_hold(somebody: Person) -> None:
    try:
        made = new(somebody, Uid("u"))
    except EditRefused:
        return
    reading = get(made, {})
    expected = project(somebody)
    assert reading.held == {}
    assert [
        name
        for name in FIELDS
        if name not in {"addresses", "tags"}
        and not same(name, value_of(reading.person, name), value_of(expected, name))
    ] == []
    assert project(expected) == expected


parts = st.builds(Parts, *[st.lists(words, max_size=2).map(" ".join)] * 5)


@given(parts, st.lists(words, min_size=1, max_size=5).map(" ".join))
def test_a_name_is_put_together_as_it_was_taken_apart(old: Parts, name: str) -> None:
    assert joined(renamed(old, tidy(name))) == tidy(name)
    assert joined(renamed(old, joined(old))) == joined(old)
    assert joined(split(tidy(name), old.given, old.family)) == tidy(name)


def test_every_field_that_google_holds_is_put_by_a_law() -> None:
    held = {name for name, row in FIELDS.items() if Format.GOOGLE in row.held_by}
    assert held - VALUES.keys() == {"addresses", "tags"}


def recorded(shared: Path) -> list[JsonObject]:
    """Return every person of the recorded traffic."""
    found: list[JsonObject] = []
    for path in sorted((shared / "corpora/google-recorded/people").glob("*.txt")):
        _, _, text = path.read_text().replace("\r\n", "\n").partition("\n\n")
        if '"resourceName": "people/' in text and path.name.endswith(
            ("response.txt", "response_1.txt", "response_2.txt")
        ):
            body = json.loads(text)
            found.extend(frozen(each) for each in body.get("connections", [body.get("person", body)]))
    return found


def test_recorded_contacts_are_read_and_put_back_as_they_are(shared: Path) -> None:
    people = recorded(shared)
    if not people:
        pytest.skip("CONTACTD_SHARED has no recorded traffic")
    for contact in people:
        assert put(contact, {}, None) is contact
        assert parsed(composed(contact)) == contact
    john = next(one for one in people if get(one, {}).person.nickname == "Johnny")
    reading = get(john, {})
    assert (reading.person.name, reading.person.given_name) == ("Dr. John Jay Doe III", "John")
    assert reading.person.emails == ("john@kde.exampletest", "john@home.testexample", "john@private.stuff")
    assert reading.person.title == "Super Developer"
