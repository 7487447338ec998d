"""Cards that phones and programs exported: all load, and an edit of one field touches that field's lines only."""

import os
from pathlib import Path

import pytest

from mappings import vcard
from mappings.content_line import lines
from mappings.errors import EditRefused
from mappings.fields import FIELDS, same, value_of, with_values
from mappings.person import FieldName, Uid, Value

SHARED = os.environ.get("CONTACTD_SHARED")
FOLDER = Path(SHARED or "") / "corpora" / "vcards"
FILES = sorted(FOLDER.glob("*.vcf")) if SHARED else []

pytestmark = pytest.mark.skipif(not FILES, reason="CONTACTD_SHARED names no folder with vCards")


def cards() -> list[tuple[str, str]]:
    return [(path.stem, text) for path in FILES for text in vcard.cards(vcard.decode(path.read_bytes()))]


def only_card(name: str) -> str:
    (text,) = vcard.cards(vcard.decode((FOLDER / f"{name}.vcf").read_bytes()))
    return text


def test_every_card_loads_and_stays_as_it_is() -> None:
    assert (len(FILES), len(cards())) == (18, 26)
    for path in FILES:
        assert "".join(vcard.cards(vcard.decode(path.read_bytes()))).encode() == path.read_bytes()
    for name, text in cards():
        reading = vcard.get(text)
        assert dict(reading.held) == {}, name
        assert vcard.put(text, {field: value_of(reading.person, field) for field in FIELDS}, reading.uid) == text, name


EXPECTED: dict[str, dict[FieldName, Value]] = {
    "John_Doe_IPHONE": {
        "name": "Mr. John Richter James Doe Sr.",
        "given_name": "John",
        "family_name": "Doe",
        "nickname": "Johny",
        "emails": ("john.doe@ibm.com",),
        "phones": ("905-555-1234", "905-666-1234", "905-777-1234", "905-222-1234"),
        "organization": "IBM",
        "department": "Accounting",
        "title": "Money Counter",
        "birthday": "2012-06-06",
        "links": ("http://www.ibm.com",),
        "last_contact": "",
    },
    "John_Doe_EVOLUTION": {
        "name": "Mr. John Richter, James Doe Sr.",
        "emails": ("john.doe@ibm.com",),
        "phones": ("905-666-1234", "905-555-1234"),
        "organization": "IBM",
        "department": "Accounting",
        "birthday": "1980-03-22",
        "addresses": ("15 Crescent moon drive, Albaney, New York 12345, United States of America",),
        "tags": ("VIP",),
        "location": "",
    },
    "John_Doe_MS_OUTLOOK": {
        "name": "Mr. John Richter James Doe Sr.",
        "emails": ("john.doe@ibm.cm",),
        "phones": ("(905) 555-1234", "(905) 666-1234"),
        "title": "Money Counter",
        "birthday": "1980-03-22",
    },
    "outlook-2003": {
        "name": "John Doe III",
        "given_name": "John",
        "family_name": "Doe",
        "organization": "Company, The",
        "department": "TheDepartment",
        "emails": ("jdoe@hotmail.com",),
        "birthday": "1980-03-21",
    },
    "gmail-single": {
        "name": "Greg Dartmouth",
        "given_name": "",
        "family_name": "",
        "phones": ("555 555 1111", "555 555 2222"),
        "addresses": ("123 Home St, Home City, HM 12345", "321 Custom St, Custom City, TX 98765, USA"),
        "links": ("http://TheProfile.com",),
        "last_contact": "",
    },
    "rfc6350-example": {
        "name": "Simon Perreault",
        "given_name": "",
        "birthday": "--02-03",
        "phones": ("+1-418-656-9254;ext=102", "+1-418-262-6501"),
        "organization": "Viagenie",
    },
    "John_Doe_LOTUS_NOTES": {"nickname": "Johny,JayJay", "phones": ("+1 (212) 204-34456",), "department": "SUN"},
    "fullcontact": {"title": "Title1", "organization": "Organization1", "birthday": "2016-08-01", "tags": ("Tag",)},
    "thunderbird-MoreFunctionsForAddressBook-extension": {
        "name": "John Doe",
        "phones": ("555-555-1111", "555-555-2222", "555-555-5555"),
        "tags": ("category1, category2, category3",),
    },
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_card_reads_as_a_human_reads_it(name: str) -> None:
    person = vcard.get(only_card(name)).person
    assert {field: value_of(person, field) for field in EXPECTED[name]} == EXPECTED[name]


EDITS: dict[FieldName, tuple[Value, set[str]]] = {
    "name": ("Ñora, the Second", {"FN", "N"}),
    "given_name": ("Ñora", {"N"}),
    "family_name": ("Second; third", {"N"}),
    "nickname": ("Ñ,o", {"NICKNAME"}),
    "emails": (("new@example.test",), {"EMAIL"}),
    "phones": (("+49 30 1234567",), {"TEL"}),
    "organization": ("Ñew, Ltd; Co", {"ORG"}),
    "department": ("R&D", {"ORG"}),
    "title": ("Chief " + "of all " * 12, {"TITLE"}),
    "location": ("Tel Aviv", {"ADR"}),
    "birthday": ("1991-12-31", {"BDAY"}),
    "links": (("https://example.test/?a,b;c",), {"URL"}),
    "tags": (("a, b", "ñ"), {"CATEGORIES"}),
    "last_contact": ("2025-11-07", {"X-ABDATE"}),
}
# Labels go with the line that they label, and the last contact's comes with it.
LABELS = {"X-ABLABEL", "X-ABADR"}


def others(text: str, properties: set[str]) -> list[str]:
    return [line.raw for line in lines(text) if line.name not in properties]


@pytest.mark.parametrize("field", EDITS)
def test_an_edit_of_one_field_touches_its_lines_only(field: FieldName) -> None:
    value, properties = EDITS[field]
    for name, text in cards():
        after = vcard.put(text, {field: value}, None)
        assert others(after, properties | LABELS) == others(text, properties | LABELS), name
        # For the cards that have no name at all, a part of one makes one; parts may go with the old full name.
        expected = vcard.project(with_values(vcard.get(text).person, {field: value}))
        parts = {"given_name", "family_name"} if field == "name" else set[str]()
        for other in FIELDS.keys() - parts:
            assert same(other, value_of(vcard.get(after).person, other), value_of(expected, other)), (name, other)


@pytest.mark.parametrize("field", [field for field in EDITS if field != "name"])
def test_emptying_one_field_touches_its_lines_only_or_is_refused(field: FieldName) -> None:
    blank: Value = () if isinstance(EDITS[field][0], tuple) else ""
    refused = set[str]()
    for name, text in cards():
        try:
            after = vcard.put(text, {field: blank}, None)
        except EditRefused:
            refused.add(name)
            continue
        assert same(field, value_of(vcard.get(after).person, field), blank), name
        properties = EDITS[field][1] | LABELS
        assert others(after, properties) == others(text, properties), name
    # Cards with a second one of its kind, which would take the place of the first.
    expected = {"title": {"fullcontact"}, "birthday": {"fullcontact"}, "organization": {"John_Doe_ANDROID"}}
    assert refused == expected.get(field, set())


def test_a_uid_is_one_more_line() -> None:
    for name, text in cards():
        after = vcard.put(text, {}, Uid("u-1"))
        added = [line.raw.rstrip("\r\n") for line in lines(after) if line.name == "X-CONTACTD-UID"]
        assert (added, others(after, {"X-CONTACTD-UID"})) == (["X-CONTACTD-UID:u-1"], others(text, set())), name
