"""Both lens laws, over cards as programs write them and persons as nobody would: see `mappings.vcard`."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings import vcard
from mappings.content_line import lines
from mappings.errors import EditRefused
from mappings.fields import FIELDS, Cardinality, same, value_of, with_values
from mappings.fields import texts as texts_of
from mappings.person import FieldName, Person, Uid, Value

NAMES: frozenset[FieldName] = frozenset({"name", "given_name", "family_name"})

words = st.sampled_from(["Ada", "Lovelace", "van", "Gogh", "Dr.", "Ñandú", "ada", "😀", "e\u0301", "x" * 40])
odd = st.text(st.sampled_from("aB1 ,;:\\\"'=+@/<>(){}^%n\u00e9\u200d\u00a0\u2028-._"), max_size=12)
texts = st.one_of(st.lists(words, max_size=4).map(" ".join), odd)
dates = st.sampled_from(["1980-03-22", "2024-02-29", "2025-11-07"])
birthdays = st.one_of(dates, st.sampled_from(["--05-09", "--02-29", "", "soon", "1604-05-09"]))
emails = st.one_of(st.sampled_from(["a@b.test", "A@B.test", "c@d.test", "Ada <e@f.test>"]), texts)
phones = st.one_of(
    st.sampled_from(["+49 30 1234", "+49301234", "0049 (0)30 12-34", "030/1234", "+1-2;ext=5", "tel:+1"]), texts
)
links = st.one_of(st.sampled_from(["http://a.test/", "HTTP://a.test", "https://b.test/a,b;c?d=e"]), texts)


def several(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(strategy, max_size=3).map(tuple)


VALUES: Mapping[FieldName, st.SearchStrategy[Value]] = {
    "name": texts,
    "given_name": texts,
    "family_name": texts,
    "nickname": texts,
    "aliases": several(texts),
    "emails": several(emails),
    "former_emails": several(emails),
    "phones": several(phones),
    "organization": texts,
    "department": texts,
    "title": texts,
    "location": texts,
    "addresses": several(texts),
    "birthday": birthdays,
    "links": several(links),
    "tags": several(texts),
    "last_contact": st.one_of(dates, st.just("")),
    "next_meeting": texts,
    "last_1on1": texts,
    "meetings_90d": texts,
}
NOBODY = vcard.get("BEGIN:VCARD\nVERSION:3.0\nEND:VCARD\n").person
persons = st.fixed_dictionaries(dict(VALUES)).map(lambda values: with_values(NOBODY, values))
changes = st.fixed_dictionaries({}, optional=dict(VALUES))

OWNED_LINES = [
    "FN:Ada Lovelace", "FN:Mr. John Richter\\, James Doe Sr.", "FN:", "FN:Ada", "FN;CHARSET=UTF-8:Ñandú  Gogh", "FN:a\\nb",
    "N:Lovelace;Ada;;;", "N:Doe;John;Richter\\, James;Mr.;Sr.", "N:;;;;", "N:Ada", "N:van Gogh;Vincent;;", "N:;Ada",
    "NICKNAME:Countess", "NICKNAME;X=1:A\\,b,C,,d",
    "EMAIL;TYPE=INTERNET;TYPE=HOME:a@b.test", "item1.EMAIL;type=pref:c@d.test", "EMAIL:", "EMAIL:A@b.test",
    "TEL;TYPE=CELL:+49 30 1234", "TEL;TYPE=HOME,FAX:905-888", "TEL;TYPE=PAGER:1", "item2.TEL:+49-30-1234",
    "TEL;VALUE=uri;TYPE=\"work,voice\":tel:+1-418-656-9254;ext=102", "TEL:extension\\; 4",
    "ORG:IBM;Accounting;Dungeon", "ORG:IBM", "ORG:;R&D", "ORG:a\\;b;;",
    "TITLE:Money Counter", "TITLE;ALTID=1:Boss", "TITLE:two\\nlines",
    "ADR;TYPE=HOME:;;15 Crescent;Albany;New York;12345;USA", "ADR:;;;Tel Aviv;;;", "item3.ADR;TYPE=WORK:;;;Haifa",
    "ADR:;;;;;;", "ADR:;Drive\\n555\\, City;;;;;",
    "BDAY:1980-03-22", "BDAY;value=date:19800322", "BDAY;X-APPLE-OMIT-YEAR=1604:1604-05-09", "BDAY:--0509",
    "BDAY;VALUE=date-time:1996-10-22T14:00:00Z", "BDAY;VALUE=text:spring", "BDAY:1980-03",
    "URL:http\\://www.ibm.test", "item4.URL;type=pref:http://a.test/a,b", "URL:",
    "CATEGORIES:a,b\\,c", "CATEGORIES;X=y:My Contacts",
    "item5.X-ABDATE:2024-01-31", "item5.X-ABLabel:last_contact", "item5.X-ABLABEL:Last_Contact", "X-LAST-CONTACTED:2023-01-01",
    "X-CONTACTD-UID:u-1",
]  # fmt: skip
FOREIGN_LINES = [
    "UID:477343c8", "PHOTO;ENCODING=b;TYPE=JPEG:" + "QUJD" * 60, "item1.X-ABLabel:Work", "item2.X-ABLABEL:_$!<Assistant>!$_",
    "item3.X-ABADR:us", "item6.X-ABDATE:1975-03-01", "item6.X-ABLabel:_$!<Anniversary>!$_", "X-ABDATE:1776-07-04",
    "NOTE:one\\ntwo\\, \u2028 three", "NOTE;ENCODING=QUOTED-PRINTABLE:a=0D=0A=\nEND:VCARD", "REV:20120305T131933Z",
    'X-AIM;X-COUCHDB-UUID="cb9e:11;fc":me', "ROLE:Counter", "KEY;TYPE=work;VALUE=uri:http://a.test", "",
]  # fmt: skip


@st.composite
def cards(draw: st.DrawFn) -> str:
    """Build a card of lines in any order, each with a line ending and folding of its own."""
    body = draw(st.lists(st.sampled_from([*OWNED_LINES, *OWNED_LINES, *FOREIGN_LINES]), max_size=14))
    newline = draw(st.sampled_from(["\r\n", "\n", "\r\r\n"]))
    endings = st.sampled_from([newline, newline, newline, "\r\n", "\n"])
    version = draw(st.sampled_from(["3.0", "4.0"]))
    text = "".join(draw_folded(draw, line) + draw(endings) for line in body)
    ending = draw(st.sampled_from(["", newline, newline + newline]))
    start = draw(st.sampled_from(["", "\ufeff", newline]))
    return f"{start}BEGIN:VCARD{newline}VERSION:{version}{newline}{text}END:VCARD{ending}"


def draw_folded(draw: st.DrawFn, line: str) -> str:
    # Within the value, so that a line does not become blank and then another's continuation.
    first = line.find(":") + 1
    if not first or "QUOTED" in line or first >= len(line):
        return line
    places = sorted(draw(st.lists(st.integers(first, len(line) - 1), max_size=2, unique=True)), reverse=True)
    for place in places:
        line = line[:place] + draw(st.sampled_from(["\r\n ", "\n\t"])) + line[place:]
    return line


def foreign(text: str) -> list[str]:
    """Return all lines that no field stands for; labels are a field's where their group's line is."""
    owned = "FN N NICKNAME EMAIL TEL ORG TITLE ADR BDAY URL CATEGORIES X-ABDATE X-ABLABEL X-ABADR X-CONTACTD-UID"
    return [line.raw for line in lines(text) if line.name not in owned.split()]


@settings(max_examples=120, deadline=None)
@given(cards())
def test_putting_back_what_was_got_changes_nothing(text: str) -> None:
    reading = vcard.get(text)
    values: dict[FieldName, Value] = {
        name: value_of(reading.person, name) for name in FIELDS if name not in reading.held
    }
    assert vcard.put(text, values, reading.uid) == text


@settings(max_examples=200, deadline=None)
@given(cards(), changes)
def test_what_was_put_is_what_is_got_and_the_rest_survives(text: str, wanted: Mapping[FieldName, Value]) -> None:
    before = vcard.get(text)
    try:
        after = vcard.put(text, wanted, None)
    except EditRefused:
        return
    reading = vcard.get(after)
    expected = vcard.project(with_values(before.person, wanted))
    # Parts of N may go with the name that they were parts of; their rule has a table of its own.
    free = NAMES - wanted.keys() if not same("name", before.person.name, expected.name) else frozenset[FieldName]()
    differing = {
        name: (value_of(reading.person, name), value_of(expected, name))
        for name in FIELDS.keys() - free - before.held.keys()
        if not same(name, value_of(reading.person, name), value_of(expected, name))
    }
    assert differing == {}
    assert reading.held.keys() <= before.held.keys()
    assert foreign(after) == foreign(text)


@settings(max_examples=120, deadline=None)
@given(cards(), changes)
def test_a_change_of_one_field_leaves_the_other_properties(text: str, wanted: Mapping[FieldName, Value]) -> None:
    for name, value in wanted.items():
        try:
            after = vcard.put(text, {name: value}, None)
        except EditRefused:
            continue
        assert others_than(name, after) == others_than(name, text)


NEW_VALUES: Mapping[FieldName, str] = {
    "emails": "new@x.test",
    "phones": "+1555",
    "links": "http://new.test",
    "tags": "new",
}


@settings(max_examples=120, deadline=None)
@given(cards(), st.sampled_from(list(NEW_VALUES)), st.integers(0, 5))
def test_a_corrected_value_keeps_every_line_but_for_its_value(text: str, field: FieldName, index: int) -> None:
    reading = vcard.get(text)
    values = list(texts_of(value_of(reading.person, field)))
    if field in reading.held or not values:
        return
    values[index % len(values)] = NEW_VALUES[field]
    assert heads(vcard.put(text, {field: tuple(values)}, None), field) == heads(text, field)


def heads(text: str, field: FieldName) -> list[str]:
    """Return what stands before the values of a field's lines; blank lists may go."""
    return [line.head for line in lines(text) if line.name in {*PROPERTIES[field], "X-ABLABEL"} and line.value.strip()]


def others_than(field: FieldName, text: str) -> list[str]:
    """Return the lines of all properties that a field may not touch."""
    return [line.raw for line in lines(text) if line.name not in {*PROPERTIES[field], "X-ABLABEL", "X-ABADR"}]


PROPERTIES: Mapping[FieldName, tuple[str, ...]] = {
    "name": ("FN", "N"),
    "given_name": ("FN", "N"),
    "family_name": ("FN", "N"),
    "nickname": ("NICKNAME",),
    "aliases": (),
    "emails": ("EMAIL",),
    "former_emails": (),
    "phones": ("TEL",),
    "organization": ("ORG",),
    "department": ("ORG",),
    "title": ("TITLE",),
    "location": ("ADR",),
    "addresses": (),
    "birthday": ("BDAY",),
    "links": ("URL",),
    "tags": ("CATEGORIES",),
    "last_contact": ("X-ABDATE",),
    "next_meeting": (),
    "last_1on1": (),
    "meetings_90d": (),
}


@settings(max_examples=150, deadline=None)
@given(persons)
def test_a_new_card_holds_what_a_card_can_hold(person: Person) -> None:
    text = vcard.new(person, Uid("u;1"))
    reading, expected = vcard.get(text), vcard.project(person)
    assert (reading.uid, reading.held) == ("u;1", {})
    for name in FIELDS:
        assert same(name, value_of(reading.person, name), value_of(expected, name)), name
    assert vcard.project(expected) == expected


@given(persons, st.sampled_from([name for name in FIELDS if name in VALUES]), st.sampled_from("\n\x00\x7f\ud800"))
def test_control_characters_are_refused(person: Person, name: FieldName, control: str) -> None:
    text = vcard.new(replace(person, name="Ada"), Uid("u"))
    value = f"a{control}b"
    with pytest.raises(EditRefused):
        vcard.put(text, {name: value if FIELDS[name].cardinality is Cardinality.ONE else (value,)}, None)
