"""The lens on Graph contacts: what is read, what a PATCH says, and both laws over contacts as nobody would write them.

The samples follow https://learn.microsoft.com/graph/api/resources/contact; `taken` does to a contact what the page
on updates says the service does.
"""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings import graph_contacts, graph_json, graph_properties
from mappings.errors import EditRefused, UnreadableRecord
from mappings.fields import FIELDS, same, value_of, with_values
from mappings.graph_contacts import contact
from mappings.graph_json import Json, JsonObject
from mappings.person import FieldName, Person, Uid, Value
from worlds import NOBODY, person

NAMES: frozenset[FieldName] = frozenset({"name", "given_name", "family_name"})
UID = Uid("7c5c1a52-1d5e-5d0a-9d8f-4f2f6d1f1a11")

ANN: dict[str, Json] = {
    "@odata.etag": 'W/"EQAAABYAAABk"', "id": "AAMkAG_a-b=", "changeKey": "EQAAABYAAABk",
    "createdDateTime": "2026-01-05T09:00:00Z", "lastModifiedDateTime": "2026-01-06T09:00:00Z", "categories": ["friend"],
    "parentFolderId": "AAMkF=", "birthday": "1974-07-22T11:59:00Z", "fileAs": "Doe, Ann", "displayName": "Ann Doe",
    "givenName": "Ann", "surname": "Doe", "jobTitle": "CTO", "companyName": "Acme", "department": "R&D",
    "nickName": "Annie", "imAddresses": ["ann@chat.test"], "homePhones": ["+1 555 0102"], "mobilePhone": "+1 555 0100",
    "businessPhones": ["+1 555 0101"], "children": ["Bo"], "personalNotes": "met at the fair", "spouseName": "Cy",
    "emailAddresses": [{"name": "Ann Doe", "address": "ann@example.com"}], "homeAddress": {}, "otherAddress": {},
    "businessAddress": {"street": "1 Main St\r\nFloor 2", "city": "Reno", "state": "NV", "postalCode": "89501",
                        "countryOrRegion": "USA"},
    "businessHomePage": "https://acme.test", "middleName": "Q", "title": "Dr", "generation": "III",
}  # fmt: skip


def taken(document: JsonObject, body: JsonObject) -> JsonObject:
    """Return the contact after a PATCH: absent is unchanged, null clears, lists are replaced, ours are set one by one."""
    ours = dict(graph_properties.read(document))
    names = {graph_properties.id_of(name): name for name in graph_properties.NAMES}
    for item in graph_json.children(body, graph_properties.PROPERTY):
        ours[names[graph_json.raw_text(item, "id")]] = graph_json.raw_text(item, "value")
    rest = {name: value for name, value in body.items() if name != graph_properties.PROPERTY}
    return graph_properties.carried({**document, **rest}, ours)


def put(document: JsonObject, changes: Mapping[FieldName, Value], uid: Uid | None = None) -> JsonObject:
    return graph_contacts.put(contact(document), changes, uid, marked_line=False)


def got(document: JsonObject) -> Person:
    return graph_contacts.get(contact(document)).person


def test_a_contact_is_read() -> None:
    assert got(ANN) == person(
        {
            "name": "Ann Doe", "nickname": "Annie", "emails": ("ann@example.com",), "organization": "Acme",
            "phones": ("+1 555 0100", "+1 555 0101", "+1 555 0102"), "department": "R&D", "title": "CTO",
            "addresses": ("1 Main St, Floor 2, Reno, NV 89501, USA",), "birthday": "1974-07-22",
            "links": ("https://acme.test",), "tags": ("friend",),
        }
    )  # fmt: skip


def test_nothing_at_all_is_nobody() -> None:
    assert got({}) == NOBODY
    nulls: dict[str, Json] = dict.fromkeys(ANN)
    assert got(nulls) == NOBODY


@pytest.mark.parametrize(
    ("changes", "body"),
    [
        ({"title": "CEO"}, {"jobTitle": "CEO"}),
        ({"title": ""}, {"jobTitle": None}),
        ({"title": "CTO", "organization": "Acme"}, {}),
        (
            {"name": "Ann Roe"},
            {"displayName": "Ann Roe", "givenName": "Ann", "surname": "Roe", "fileAs": "Roe, Ann"},
        ),
        (
            {"given_name": "Anna"},
            {"displayName": "Ann Doe", "givenName": "Anna", "surname": "Doe", "fileAs": "Doe, Anna"},
        ),
        (
            {"emails": ("ann@example.com", "doe@example.com")},
            {"emailAddresses": [{"name": "Ann Doe", "address": "ann@example.com"}, {"address": "doe@example.com"}]},
        ),
        # A correction keeps its place and its label.
        ({"emails": ("ann@example.org",)}, {"emailAddresses": [{"name": "Ann Doe", "address": "ann@example.org"}]}),
        ({"emails": ("ANN@example.com",)}, {}),
        ({"emails": ()}, {"emailAddresses": []}),
        ({"phones": ("+1 555 0100", "+1 555 0109", "+1 555 0102")}, {"businessPhones": ["+1 555 0109"]}),
        ({"phones": ("+1 555 0101", "+1 555 0102")}, {"mobilePhone": None}),
        (
            {"phones": ("+1 555 0100", "+1 555 0101", "+1 555 0102", "1", "2")},
            {"businessPhones": ["+1 555 0101", "1"], "homePhones": ["+1 555 0102", "2"]},
        ),
        ({"birthday": "1980-01-02"}, {"birthday": "1980-01-02T11:59:00Z"}),
        ({"birthday": ""}, {"birthday": None}),
        ({"links": ("https://ann.test",)}, {"businessHomePage": "https://ann.test"}),
        ({"links": ("https://acme.test/",)}, {}),
        ({"tags": ("friend", "climber")}, {"categories": ["friend", "climber"]}),
        (
            {"location": "Reno"},
            {
                graph_properties.PROPERTY: [
                    {"id": graph_properties.id_of(graph_properties.LOCATION), "value": "Reno"},
                ]
            },
        ),
    ],
)
def test_a_patch_says_what_changes_and_nothing_else(
    changes: Mapping[FieldName, Value], body: Mapping[str, Json]
) -> None:
    assert put(ANN, changes) == body


def test_the_uid_goes_into_a_property_of_ours_unless_it_is_there() -> None:
    body = put(ANN, {}, UID)
    assert body == {graph_properties.PROPERTY: [{"id": graph_properties.id_of("ContactdUid"), "value": UID}]}
    after = taken(ANN, body)
    assert graph_contacts.get(contact(after)).uid == UID
    assert put(after, {}, UID) == {}


def test_a_property_of_ours_is_known_by_its_id_in_any_case_and_others_are_not_ours() -> None:
    ours = graph_properties.id_of("ContactdLocation")
    document: JsonObject = {
        graph_properties.PROPERTY: [
            {"id": ours.replace("String {", "").replace(ours[8:44], "x"), "value": "nowhere"},
            {"id": f"String {{{ours[8:44].upper()}}} Name ContactdLocation", "value": "Reno"},
            {"id": "String {00020329-0000-0000-C000-000000000046} Name ContactdLocation", "value": "elsewhere"},
        ]
    }
    assert got(document).location == "Reno"


@pytest.mark.parametrize(
    ("birthday", "read", "held"),
    [
        ("1974-07-22T11:59:00Z", "1974-07-22", False),
        ("1974-07-22", "1974-07-22", False),
        ("1974-07-22T23:00:00.0000000Z", "1974-07-22", False),
        ("0001-01-01T00:00:00Z", "", False),
        ("1601-01-01T00:00:00Z", "", False),
        ("1604-12-10T11:59:00Z", "--12-10", False),
        ("1815-12-10T11:59:00Z", "", True),
        ("soon", "", True),
    ],
)
def test_a_birthday_is_the_day_in_utc_and_what_is_none_is_none(birthday: str, read: str, *, held: bool) -> None:
    reading = graph_contacts.get(contact({"birthday": birthday}))
    assert (reading.person.birthday, "birthday" in reading.held) == (read, held)


@pytest.mark.parametrize(
    "entry", [{"name": "ann@", "address": None}, {"name": "Ann", "address": "/O=EXCHANGELABS/OU=X/CN=ANN"}]
)
def test_an_address_that_is_none_holds_the_addresses_rather_than_look_like_a_deletion(entry: dict[str, Json]) -> None:
    document: JsonObject = {"emailAddresses": [{"name": "A", "address": "a@b.test"}, entry]}
    assert set(graph_contacts.get(contact(document)).held) == {"emails"}
    with pytest.raises(EditRefused):
        put(document, {"emails": ("a@b.test",)})


def test_entries_without_anything_in_them_are_no_addresses() -> None:
    document: JsonObject = {"emailAddresses": [None, {"name": None, "address": None}, {"address": "a@b.test"}]}
    assert got(document).emails == ("a@b.test",)


@pytest.mark.parametrize(
    "changes",
    [
        {"emails": ("1@x.test", "2@x.test", "3@x.test", "4@x.test")},
        {"phones": ("1", "2", "3", "4", "5", "6")},
        {"links": ("https://one.test", "https://two.test")},
        {"birthday": "--07-22"},
        {"birthday": "1815-12-10"},
        {"addresses": ("1 Main St",)},
        {"title": "two\nlines"},
        {"next_meeting": "2026-12-01"},
        {"last_contact": "soon"},
        {"name": ""},
    ],
)
def test_what_a_contact_cannot_hold_is_refused(changes: Mapping[FieldName, Value]) -> None:
    with pytest.raises(EditRefused):
        put(ANN, {**changes, "department": "Sales"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"displayName": 7},
        {"emailAddresses": "ann@example.com"},
        {"emailAddresses": ["ann@example.com"]},
        {"homeAddress": []},
        {"businessPhones": [1]},
    ],
)
def test_what_is_not_of_its_documented_type_is_not_understood(wrong: dict[str, Json]) -> None:
    with pytest.raises(UnreadableRecord):
        contact({**ANN, **wrong})


def test_control_characters_and_line_breaks_are_blanks() -> None:
    assert got({"displayName": "Ann\x00 \u202eDoe\r\n"}).name == "Ann Doe"


def test_what_there_is_no_room_for_never_pushes_out_what_is_there() -> None:
    many = person({"emails": ("1@x.test", "2@x.test", "3@x.test", "4@x.test", "5@x.test")})
    assert graph_contacts.project(many, {}).emails == ("1@x.test", "2@x.test", "3@x.test")
    there: dict[FieldName, Value] = {"emails": ("5@x.test", "4@x.test", "gone@x.test")}
    assert graph_contacts.project(many, there).emails == ("1@x.test", "4@x.test", "5@x.test")
    more: dict[FieldName, Value] = {"emails": ("5@x.test", "4@x.test", "3@x.test", "2@x.test")}
    assert graph_contacts.project(many, more).emails == ("2@x.test", "3@x.test", "4@x.test", "5@x.test")


@pytest.mark.parametrize(
    ("notes", "date", "after"),
    [
        ("", "2026-11-20", "Last contact: 2026-11-20 [contactd]"),
        ("met at the fair", "2026-11-20", "met at the fair\nLast contact: 2026-11-20 [contactd]"),
        ("a\r\nb\r\n", "2026-11-20", "a\r\nb\r\nLast contact: 2026-11-20 [contactd]"),
        (
            "a\r\nLast contact: 2026-01-01 [contactd]\r\nb",
            "2026-11-20",
            "a\r\nLast contact: 2026-11-20 [contactd]\r\nb",
        ),
        ("a\nLast contact: 2026-01-01 [contactd]\nb", "", "a\nb"),
        ("Last contact: yesterday", "", "Last contact: yesterday"),
    ],
)
def test_the_last_contact_is_shown_in_one_marked_line_and_the_other_text_stays(
    notes: str, date: str, after: str
) -> None:
    document: JsonObject = {
        "personalNotes": notes,
        graph_properties.PROPERTY: graph_properties.written({graph_properties.LAST_CONTACT: "2026-01-01"}),
    }
    body = graph_contacts.put(contact(document), {"last_contact": date}, None, marked_line=True)
    assert body["personalNotes"] == after


words = st.sampled_from(["Ada", "Lovelace", "van", "Gogh", "Dr.", "Ñandú", "😀", "e\u0301", "x" * 300, "a, b; c"])
texts = st.one_of(
    st.lists(words, max_size=3).map(" ".join), st.text(st.sampled_from("aB1 ,;:'\"<>\u00a0-."), max_size=9)
)
emails = st.sampled_from(["a@b.test", "A@B.test", "c@d.test", "e@f.test", "g@h.test"])
phones = st.one_of(st.sampled_from(["+49 30 1234", "+49301234", "0049 (0)30 12-34", "030/1234", "1", "2"]), texts)
links = st.sampled_from(["http://a.test/", "HTTP://a.test", "https://b.test/a,b;c?d=e"])
dates = st.sampled_from(["1980-03-22", "2024-02-29", "2025-11-07"])


def several(strategy: st.SearchStrategy[str], most: int) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(strategy, max_size=most).map(tuple)


VALUES: Mapping[FieldName, st.SearchStrategy[Value]] = {
    "name": texts, "given_name": texts, "family_name": texts, "nickname": texts, "aliases": several(texts, 2),
    "emails": several(emails, 5), "phones": several(phones, 6), "organization": texts, "department": texts,
    "title": texts, "location": texts, "addresses": several(texts, 4),
    "birthday": st.one_of(dates, st.sampled_from(["--05-09", "1815-12-10", ""])), "links": several(links, 2),
    "tags": several(texts, 3), "last_contact": st.one_of(dates, st.just("")), "next_meeting": texts,
    "former_emails": several(emails, 2), "last_1on1": texts, "meetings_90d": texts,
}  # fmt: skip
persons = st.fixed_dictionaries(dict(VALUES)).map(lambda values: with_values(NOBODY, values))

entries = st.fixed_dictionaries(
    {"address": st.one_of(emails, emails, st.none(), st.just("/O=X/CN=Y"))},
    optional={"name": st.one_of(st.none(), emails, texts)},
)
postal = st.fixed_dictionaries(
    {}, optional={name: st.one_of(st.none(), texts) for name in ("street", "city", "state", "postalCode")}
)
either = st.one_of(st.none(), texts)
documents = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("displayName", "givenName", "surname", "fileAs", "nickName", "companyName", "jobTitle"), either),
        **dict.fromkeys(("mobilePhone", "personalNotes", "manager", "spouseName"), either),
        "businessHomePage": st.one_of(st.none(), links),
        "emailAddresses": st.lists(entries, max_size=3),
        "businessPhones": st.lists(phones, max_size=3), "homePhones": st.lists(phones, max_size=2),
        "categories": st.lists(texts, max_size=3), "children": st.lists(texts, max_size=2),
        "birthday": st.sampled_from([None, "1980-03-22T11:59:00Z", "0001-01-01T00:00:00Z", "1604-03-22T11:59:00Z"]),
        "homeAddress": postal, "businessAddress": postal, "otherAddress": st.one_of(st.none(), postal),
        graph_properties.PROPERTY: st.lists(
            st.fixed_dictionaries(
                {"id": st.sampled_from([*map(graph_properties.id_of, graph_properties.NAMES), "String 0x3001"]),
                 "value": st.one_of(dates, texts)}
            ),
            max_size=3, unique_by=lambda item: item["id"],
        ),
    },
)  # fmt: skip


@given(documents)
def test_putting_back_what_was_got_changes_nothing(document: JsonObject) -> None:
    reading = graph_contacts.get(contact(document))
    values: dict[FieldName, Value] = {
        name: value_of(reading.person, name) for name in FIELDS if name not in reading.held
    }
    assert put(document, values, reading.uid) == {}


@given(documents, st.fixed_dictionaries({}, optional=dict(VALUES)))
def test_what_was_put_is_what_is_got_and_the_rest_survives(
    document: JsonObject, changes: Mapping[FieldName, Value]
) -> None:
    before = graph_contacts.get(contact(document))
    there: dict[FieldName, Value] = {name: value_of(before.person, name) for name in FIELDS}
    wanted = graph_contacts.project(with_values(before.person, changes), there)
    asked: dict[FieldName, Value] = {name: value_of(wanted, name) for name in changes}
    if not NAMES.isdisjoint(changes):
        # A contact without a name gets one of its parts.
        asked["name"] = wanted.name
    try:
        body = put(document, asked)
    except EditRefused:
        return
    document_after = taken(document, body)
    after = graph_contacts.get(contact(document_after))
    for name in FIELDS:
        if name in before.held or name in NAMES - {"name"}:
            continue
        assert same(name, value_of(after.person, name), value_of(wanted, name)), name
    owned = {"displayName", "givenName", "surname", "fileAs", "nickName", "companyName", "jobTitle", "mobilePhone",
             "department", "businessHomePage", "emailAddresses", "businessPhones", "homePhones", "categories", "birthday",
             graph_properties.PROPERTY}  # fmt: skip
    assert {k: v for k, v in document.items() if k not in owned} == {
        k: v for k, v in document_after.items() if k not in owned
    }


@given(persons)
def test_a_new_contact_says_what_one_can_hold_of_the_person(someone: Person) -> None:
    body = graph_contacts.new(someone, UID, marked_line=False)
    reading = graph_contacts.get(contact(taken({}, body)))
    held = graph_contacts.project(someone, {})
    differing = [name for name in FIELDS if not same(name, value_of(reading.person, name), value_of(held, name))]
    assert (differing, reading.uid, reading.held) == ([], UID, {})
    assert json.loads(json.dumps(body)) == body


@given(persons, persons)
def test_what_a_contact_can_hold_it_can_hold_again(someone: Person, other: Person) -> None:
    there: dict[FieldName, Value] = {name: value_of(other, name) for name in FIELDS}
    held = graph_contacts.project(someone, there)
    assert graph_contacts.project(held, there) == held
