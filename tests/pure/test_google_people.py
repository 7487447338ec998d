"""The lens on Google contacts: what is read, what is written, and that nothing else changes."""

from collections.abc import Mapping

import pytest

from mappings.errors import EditRefused
from mappings.fields import with_values
from mappings.google_people import get, new, project, put
from mappings.google_person import body, difference, source_of, usual_name, written
from mappings.json_object import JsonObject, composed, frozen, parsed
from mappings.person import FieldName, Uid, Value
from mappings.record import RemoteId
from worlds import person

UID = Uid("7c5c1a52-1d5e-5d0a-9d8f-4f2f6d1f1a11")
OWN = {"source": {"type": "CONTACT", "id": "1a2b"}}
PRIMARY = {**OWN, "primary": True}
LABELS = {"contactGroups/1f": "Friends", "contactGroups/2f": "Work"}


def contact(**arrays: object) -> JsonObject:
    """Return a contact as the API sends it."""
    source = {"type": "CONTACT", "id": "1a2b", "etag": "#v1=", "updateTime": "2026-07-27T12:43:24.772772Z"}
    return frozen(
        {"resourceName": "people/c6699", "etag": "%EgM=", "metadata": {"sources": [source], "objectType": "PERSON"}}
        | arrays
    )


def name_entry(**parts: str) -> dict[str, object]:
    return {"metadata": {**PRIMARY, "sourcePrimary": True}, "displayName": "made by the server", **parts}


def one_change(before: JsonObject, changes: Mapping[FieldName, Value]) -> dict[str, object]:
    """Return what is sent for a change: the arrays of the smallest mask."""
    after = put(before, changes, None)
    sent = body(after, difference(before, after), None)
    return {name: [dict(entry.members) for entry in sent.objects(name)] for name in sent.members}


def test_a_contact_as_people_keep_them_is_read() -> None:
    ada = contact(
        names=[name_entry(honorificPrefix="Dr.", givenName="Ada", middleName="King", familyName="Lovelace")],
        nicknames=[{"metadata": PRIMARY, "value": "Enchantress"}, {"metadata": OWN, "value": "AAL", "type": "INITIALS"}],
        emailAddresses=[
            {"metadata": PRIMARY, "value": "ada@example.test", "type": "work", "formattedType": "Work"},
            {"metadata": OWN, "value": "countess@example.test"},
        ],
        phoneNumbers=[
            {"metadata": PRIMARY, "value": "06 12345678", "canonicalForm": "+31612345678", "type": "mobile"},
            {"metadata": OWN, "value": "020 1234567", "type": "homeFax"},
        ],
        organizations=[{"metadata": PRIMARY, "name": "Engines", "department": "Notes", "title": "Analyst"}],
        addresses=[{"metadata": PRIMARY, "formattedValue": "St James 1\nLondon\nGB", "streetAddress": "St James 1",
                    "city": "London", "postalCode": "SW1", "country": "UK", "countryCode": "GB"}],
        birthdays=[{"metadata": PRIMARY, "date": {"month": 12, "day": 10}}],
        urls=[{"metadata": PRIMARY, "value": "https://example.test/ada", "type": "blog"}],
        userDefined=[
            {"metadata": PRIMARY, "key": "shoe size", "value": "37"},
            {"metadata": OWN, "key": "last_contact", "value": "2026-01-31"},
            {"metadata": OWN, "key": "Location", "value": "London, mostly"},
        ],
        clientData=[{"metadata": PRIMARY, "key": "other.app", "value": "x"}, {"metadata": OWN, "key": "contactd.uid", "value": UID}],
        memberships=[
            {"metadata": OWN, "contactGroupMembership": {"contactGroupResourceName": "contactGroups/myContacts"}},
            {"metadata": OWN, "contactGroupMembership": {"contactGroupResourceName": "contactGroups/2f"}},
        ],
    )  # fmt: skip
    reading = get(ada, LABELS)
    assert reading.uid == UID
    assert reading.held == {}
    assert reading.person == person(
        {
            "name": "Dr. Ada King Lovelace",
            "given_name": "Ada",
            "nickname": "Enchantress",
            "emails": ("ada@example.test", "countess@example.test"),
            "phones": ("06 12345678",),
            "organization": "Engines",
            "department": "Notes",
            "title": "Analyst",
            "location": "London, mostly",
            "addresses": ("St James 1, London, SW1, UK",),
            "birthday": "--12-10",
            "links": ("https://example.test/ada",),
            "tags": ("Work",),
            "last_contact": "2026-01-31",
        }
    )
    assert put(ada, {}, None) is ada


def test_what_a_profile_says_is_not_the_contacts_own_and_is_never_written_back() -> None:
    theirs = {"metadata": {"primary": True, "source": {"type": "PROFILE", "id": "99"}}, "givenName": "Augusta"}
    both = contact(names=[theirs, {"metadata": OWN, "givenName": "Ada", "familyName": "Lovelace"}])
    assert get(both, {}).person.name == "Ada Lovelace"
    assert one_change(both, {"name": "Ada King"})["names"] == [{"givenName": "Ada", "familyName": "King"}]


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        ({"givenName": "Ada", "familyName": "Lovelace"}, "Ada Lovelace"),
        ({"givenName": "Ada", "honorificSuffix": "PhD"}, "Ada PhD"),
        ({"familyName": "山田", "givenName": "太郎"}, "山田 太郎"),
        ({"familyName": "김", "givenName": "민준"}, "김 민준"),
        ({"unstructuredName": "Acme Repairs"}, "Acme Repairs"),
        ({}, "made by the server"),
    ],
)
def test_a_full_name_is_put_together_from_its_parts_whatever_the_server_shows(parts: dict[str, str], name: str) -> None:
    assert get(contact(names=[name_entry(**parts)]), {}).person.name == name


@pytest.mark.parametrize(
    ("old", "name", "new_parts"),
    [
        ({"givenName": "Ada", "familyName": "Lovelace"}, "Ada King", {"givenName": "Ada", "familyName": "King"}),
        (
            {"honorificPrefix": "Dr.", "givenName": "Ada", "familyName": "Lovelace", "honorificSuffix": "III"},
            "Dr. Augusta Ada Lovelace III",
            {"honorificPrefix": "Dr.", "givenName": "Augusta Ada", "familyName": "Lovelace", "honorificSuffix": "III"},
        ),
        (
            {"givenName": "Ada", "middleName": "King", "familyName": "Lovelace"},
            "Augusta King Lovelace",
            {"givenName": "Augusta", "middleName": "King", "familyName": "Lovelace"},
        ),
        (
            {"givenName": "Vincent", "familyName": "van Gogh"},
            "Theo van Gogh",
            {"givenName": "Theo", "familyName": "van Gogh"},
        ),
        ({"honorificPrefix": "Dr.", "givenName": "Ada", "familyName": "Lovelace"}, "Grace Hopper", {"givenName": "Grace", "familyName": "Hopper"}),
        ({"givenName": "Ada"}, "山田 太郎", {"familyName": "山田", "givenName": "太郎"}),
        ({"givenName": "Ada", "familyName": "Lovelace"}, "Ada", {"givenName": "Ada"}),
    ],
)  # fmt: skip
def test_a_new_name_keeps_the_parts_that_are_in_their_place(
    old: dict[str, str], name: str, new_parts: dict[str, str]
) -> None:
    before = contact(names=[name_entry(**old, phoneticGivenName="Ey-duh")])
    sent = one_change(before, {"name": name})
    primary = frozen({"metadata": {"sourcePrimary": True}}).members
    assert sent == {"names": [{**primary, **new_parts, "phoneticGivenName": "Ey-duh"}]}
    assert get(put(before, {"name": name}, None), {}).person.name == name


def test_a_contact_is_never_left_without_its_name() -> None:
    with pytest.raises(EditRefused):
        put(contact(names=[name_entry(givenName="Ada")]), {"name": ""}, None)


def test_a_corrected_value_keeps_its_entry_and_others_keep_their_order() -> None:
    before = contact(
        phoneNumbers=[
            {"metadata": PRIMARY, "value": "+1 1", "canonicalForm": "+11", "type": "work", "formattedType": "Work"},
            {"metadata": OWN, "value": "+1 2", "type": "pager"},
            {"metadata": OWN, "value": "+1 3", "type": "Sailing boat"},
        ]
    )
    assert one_change(before, {"phones": ("+1 9", "+1 3", "+1 4")}) == {
        "phoneNumbers": [
            {"value": "+1 9", "type": "work"},
            {"value": "+1 2", "type": "pager"},
            {"value": "+1 3", "type": "Sailing boat"},
            {"value": "+1 4"},
        ]
    }
    assert one_change(before, {"phones": ()}) == {"phoneNumbers": [{"value": "+1 2", "type": "pager"}]}


def test_the_same_value_in_another_spelling_is_left_as_it_is_spelled() -> None:
    before = contact(
        phoneNumbers=[{"metadata": PRIMARY, "value": "+49 30 1234"}],
        emailAddresses=[{"metadata": PRIMARY, "value": "Ada@Example.test"}],
        urls=[{"metadata": PRIMARY, "value": "https://example.test"}],
    )
    same = {"phones": ("+49301234",), "emails": ("ada@example.test",), "links": ("https://example.test/",)}
    assert put(before, same, None) is before  # type: ignore[arg-type]  # mypy sees the keys as any text


def test_a_change_of_the_title_keeps_company_and_department_and_the_current_one_counts() -> None:
    before = contact(
        organizations=[
            {"metadata": PRIMARY, "name": "Old", "title": "Clerk"},
            {
                "metadata": OWN,
                "name": "Engines",
                "department": "Notes",
                "title": "Analyst",
                "current": True,
                "symbol": "E",
            },
        ]
    )
    assert get(before, {}).person.organization == "Engines"
    assert one_change(before, {"title": "Countess"}) == {
        "organizations": [
            {"name": "Old", "title": "Clerk"},
            {"name": "Engines", "department": "Notes", "title": "Countess", "current": True, "symbol": "E"},
        ]
    }


def test_an_organization_of_which_nothing_is_left_goes_unless_another_would_take_its_place() -> None:
    alone = contact(organizations=[{"metadata": PRIMARY, "title": "Analyst", "type": "work", "formattedType": "Work"}])
    assert one_change(alone, {"title": ""}) == {"organizations": []}
    two = contact(organizations=[{"metadata": PRIMARY, "title": "Analyst"}, {"metadata": OWN, "name": "Engines"}])
    with pytest.raises(EditRefused, match="take the place"):
        put(two, {"title": ""}, None)


def test_an_organization_with_dates_is_held_because_google_fails_on_writing_one() -> None:
    dated = contact(
        organizations=[{"metadata": PRIMARY, "name": "Engines", "startDate": {"year": 1842}}],
        phoneNumbers=[{"metadata": PRIMARY, "value": "+1 1"}],
    )
    reading = get(dated, {})
    assert reading.held.keys() == {"organization", "department", "title"}
    with pytest.raises(EditRefused, match="start or end date"):
        put(dated, {"title": "Analyst"}, None)
    assert one_change(dated, {"phones": ("+1 2",)}) == {"phoneNumbers": [{"value": "+1 2"}]}


@pytest.mark.parametrize(
    ("date", "birthday", "held"),
    [
        ({"year": 1980, "month": 3, "day": 22}, "1980-03-22", False),
        ({"month": 2, "day": 29}, "--02-29", False),
        ({"year": 1604, "month": 5, "day": 9}, "--05-09", False),
        ({"year": 1980}, "", True),
        ({"year": 1980, "month": 3}, "", True),
        ({}, "", True),
        ({"year": 1981, "month": 2, "day": 29}, "", True),
    ],
)
def test_birthdays_with_and_without_a_year_are_read_and_no_year_is_made_up(
    date: dict[str, int], birthday: str, *, held: bool
) -> None:
    reading = get(contact(birthdays=[{"metadata": PRIMARY, "date": date, "text": "in spring"}]), {})
    assert (reading.person.birthday, "birthday" in reading.held) == (birthday, held)


def test_a_new_birthday_goes_without_the_old_ones_words() -> None:
    before = contact(birthdays=[{"metadata": PRIMARY, "date": {"month": 3, "day": 1}, "text": "1 March"}])
    after = put(before, {"birthday": "1980-03-22"}, None)
    assert written(after, "birthdays") == (frozen({"date": {"year": 1980, "month": 3, "day": 22}}),)
    assert one_change(before, {"birthday": ""}) == {"birthdays": []}


def test_dates_and_places_of_ours_leave_the_owners_own_fields_alone() -> None:
    before = contact(userDefined=[{"metadata": PRIMARY, "key": "shoe size", "value": "37"},
                                  {"metadata": OWN, "key": "last_contact", "value": "2026-01-31"}])  # fmt: skip
    assert one_change(before, {"last_contact": "2026-11-20", "location": "London"}) == {
        "userDefined": [
            {"key": "shoe size", "value": "37"},
            {"key": "last_contact", "value": "2026-11-20"},
            {"key": "location", "value": "London"},
        ]
    }
    assert one_change(before, {"last_contact": ""}) == {"userDefined": [{"key": "shoe size", "value": "37"}]}


def test_what_cannot_be_read_for_certain_is_held_and_refused() -> None:
    odd = contact(
        userDefined=[
            {"metadata": PRIMARY, "key": "last_contact", "value": "last spring"},
            {"metadata": OWN, "key": "location", "value": "London"},
            {"metadata": OWN, "key": "location", "value": "Paris"},
        ],
        nicknames=[{"metadata": PRIMARY, "value": "two\nlines"}],
        emailAddresses=[{"metadata": OWN, "value": f"a{number}@example.test"} for number in range(100)],
    )
    reading = get(odd, {})
    assert reading.held.keys() == {"last_contact", "location", "nickname", "emails"}
    with pytest.raises(EditRefused, match="location: "):
        put(odd, {"title": "Analyst", "location": "Rome"}, None)


def test_values_with_control_characters_are_refused() -> None:
    with pytest.raises(EditRefused):
        put(contact(), {"title": "two\nlines"}, None)
    with pytest.raises(EditRefused):
        new(person({"name": "Ada", "emails": ("a\x00@b.test",)}), UID)


def test_the_uid_goes_beside_what_other_programs_keep() -> None:
    before = contact(clientData=[{"metadata": PRIMARY, "key": "other.app", "value": "x"}])
    after = put(before, {}, UID)
    assert get(after, {}).uid == UID
    assert difference(before, after) == ("clientData",)
    assert put(after, {}, UID) is after
    renamed = put(after, {}, Uid("another"))
    assert [entry.text("value") for entry in renamed.objects("clientData")] == ["x", "another"]


def test_an_update_is_guarded_by_the_contacts_own_version() -> None:
    ada = contact(nicknames=[{"metadata": PRIMARY, "value": "Enchantress"}])
    source = source_of(ada)
    assert source is not None
    assert source == (RemoteId("1a2b"), "#v1=")
    assert composed(body(put(ada, {"nickname": "AAL"}, None), ["nicknames"], source)) == (
        '{"metadata":{"sources":[{"etag":"#v1=","id":"1a2b","type":"CONTACT"}]},"nicknames":[{"value":"AAL"}]}'
    )


@pytest.mark.parametrize(
    ("hexadecimal", "decimal"),
    [
        ("8a6b0f5889920ca", "623380167042605258"),
        ("249cd98b0b527a8b", "2638222672945904267"),
        ("47c21a010c6b30c8", "5170723913980391624"),
    ],
)
def test_a_contacts_usual_name_is_its_id_in_decimals(hexadecimal: str, decimal: str) -> None:
    assert usual_name(RemoteId(hexadecimal)) == f"people/c{decimal}"


def test_groups_in_another_order_are_the_same_groups() -> None:
    groups = [{"contactGroupMembership": {"contactGroupResourceName": f"contactGroups/{name}"}} for name in "abc"]
    assert difference(contact(memberships=groups), contact(memberships=groups[::-1])) == ()
    assert difference(contact(memberships=groups), contact(memberships=groups[:2])) == ("memberships",)


def test_a_new_contact_holds_what_google_can_hold() -> None:
    grace = person({"name": "Grace Brewster Hopper", "given_name": "Grace", "emails": ("g@x.test",), "birthday": "--12-09",
                    "location": "New York", "title": "Admiral", "organization": "Navy", "aliases": ("Amazing",),
                    "next_meeting": "2026-12-01"})  # fmt: skip
    assert composed(new(grace, UID)) == composed(
        parsed(
            '{"names":[{"givenName":"Grace","middleName":"Brewster","familyName":"Hopper"}],'
            '"emailAddresses":[{"value":"g@x.test"}],"birthdays":[{"date":{"month":12,"day":9}}],'
            '"organizations":[{"name":"Navy","title":"Admiral"}],'
            '"userDefined":[{"key":"location","value":"New York"}],'
            f'"clientData":[{{"key":"contactd.uid","value":"{UID}"}}]}}'
        )
    )
    assert get(new(grace, UID), {}).person == project(grace)
    assert project(grace) == with_values(grace, {"aliases": (), "next_meeting": ""})
