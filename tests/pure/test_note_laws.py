"""Both lens laws over notes as nobody would write them, and hostile values: see `mappings.note`."""

from collections.abc import Mapping

import pytest
import yaml12
from hypothesis import event, given, settings
from hypothesis import strategies as st

from mappings.errors import UnreadableNote
from mappings.fields import FIELDS, Cardinality, same, value_of
from mappings.note import FieldRefused, put, read
from mappings.person import FieldName, Value
from mappings.profiles import PROFILES
from notes import PATH, attempt, note, rules

GLOB = "People/**"

plain = st.sampled_from(
    [
        "Ada",
        "Ada Lovelace",
        "R&D",
        "Zürich ☃",
        "C#",
        "a: b",
        "- x",
        "x #y",
        "yes",
        "007",
        "12:30",
        "[[Acme]]",
        "it's",
        'say "x"',
    ]
)
odd = st.text(st.sampled_from("aZ09 '\"\\:#-?[]{},&*!|>@`%<=.~é☃😀()\u2028\u202e\t\n"), max_size=10)
emails = st.sampled_from(["a@b.test", "A@B.test", "c@d.test", "e@f.test"])
phones = st.sampled_from(["+49 30 1", "+49301", "030/1", "0049301", "+1-2;ext=5", "01234"])
dates = st.sampled_from(["2025-11-07", "2025-11-08", "--12-10", "12-10", "2025-11-07T10:00", "soon"])
anything = st.one_of(plain, odd, emails, phones, dates)

spellings = sorted({key for profile in PROFILES.values() for keys in profile.spellings.values() for key in keys})
keys = st.one_of(st.sampled_from(spellings), st.sampled_from(["uid", "created", "other", "email_2", "TEL[CELL]", "é"]))


def quoted(text: str, style: str) -> str:
    match style:
        case "single":
            return "'" + text.replace("'", "''") + "'"
        case "double":
            return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'
        case _:
            return text


scalars = st.builds(quoted, anything, st.sampled_from(["plain", "plain", "single", "double"]))


def dashed(items: list[str], indent: str) -> str:
    return "".join(f"\n{indent}- {item}" for item in items)


values = st.one_of(
    scalars,
    st.just(""),
    st.builds(dashed, st.lists(scalars, min_size=1, max_size=3), st.sampled_from(["", "  "])),
    st.lists(scalars, max_size=3).map(lambda items: "[" + ", ".join(items) + "]"),
    st.sampled_from(["|\n  one\n  two", "{first: A, last: B}", "\n  - label: x\n    value: a@b.test", "[[Acme]]", "~"]),
)
gaps, comments = st.sampled_from([" ", "  "]), st.sampled_from(["", "", " # why", "  "])
entries = st.tuples(keys, st.just(":"), gaps, values, comments, st.just("\n")).map("".join)
labels = st.sampled_from(["Role", "Title", "Company", "Location", "Email", "Phone", "Department", "Birthday", "Else"])
marked = labels.map("**{}**: ".format)
qualifiers, more = st.sampled_from(["", " (x)", " (x; y) (z)"]), st.sampled_from(["", " at Acme", " at Acme (y)", "  "])
lines = st.tuples(marked, anything, qualifiers, more, st.just("\n")).map("".join)


@st.composite
def notes(draw: st.DrawFn) -> str:
    yaml = "".join(draw(st.lists(entries, max_size=6, unique_by=lambda entry: entry.partition(":")[0])))
    section = "".join(draw(st.lists(lines, max_size=3)))
    text = note(yaml, f"# Ada\n\n## Profile\n\n{section}\n## Else\n\n**Role**: x\n")
    text = text.replace("\n", draw(st.sampled_from(["\n", "\n", "\r\n"])))
    return draw(st.sampled_from(["", "\ufeff"])) + draw(st.sampled_from([text, text.rstrip("\n")]))


profiles = st.sampled_from(sorted(PROFILES))

wanted: Mapping[FieldName, st.SearchStrategy[Value]] = {
    name: (
        anything | st.just("") if field.cardinality is Cardinality.ONE else st.lists(anything, max_size=3).map(tuple)
    )
    for name, field in FIELDS.items()
}


@settings(max_examples=400)
@given(text=notes(), profile=profiles)
def test_putting_back_what_was_got_changes_nothing(text: str, profile: str) -> None:
    try:
        found = read(PATH, text, rules(profile, GLOB))
    except UnreadableNote:
        event("unreadable")
        return
    if found is None or found.unwritable:
        return
    event("readable")
    person, held = found.reading.person, found.reading.held
    got: dict[FieldName, Value] = {name: value_of(person, name) for name in FIELDS if name not in held}
    assert put(PATH, text, got, found.reading.uid, rules(profile, GLOB)) == text


NAME_PARTS: frozenset[FieldName] = frozenset({"given_name", "family_name"})


@settings(max_examples=600)
@given(text=notes(), profile=profiles, name=st.sampled_from(sorted(FIELDS)), data=st.data())
def test_what_was_put_is_what_is_got_and_nothing_else_changed(
    text: str, profile: str, name: FieldName, data: st.DataObject
) -> None:
    value = data.draw(wanted[name])
    owner = rules(profile, GLOB)
    after_text = attempt(PATH, text, {name: value}, None, owner)
    if not isinstance(after_text, str):
        event(type(after_text).__name__)
        assert after_text.reason
        assert not isinstance(after_text, FieldRefused) or after_text.field == name
        return
    before = read(PATH, text, owner)
    event("written")
    after = read(PATH, after_text, owner)
    assert before is not None
    assert after is not None
    assert same(name, value_of(after.reading.person, name), value)
    assert after.reading.held == before.reading.held
    for other in FIELDS:
        if other not in {name, "name"} and not (name == "name" and other in NAME_PARTS):
            assert value_of(after.reading.person, other) == value_of(before.reading.person, other), other
    assert_only_lines_of_one_place_changed(text, after_text, name)
    again = put(PATH, after_text, {name: value}, None, owner)
    assert again == after_text


def assert_only_lines_of_one_place_changed(before: str, after: str, name: FieldName) -> None:
    """A field with one value changes one line, or adds one; a list (kepano's `org`) adds its key as well.

    A name may be the sum of its parts, which have lines of their own.
    """
    old, new = before.split("\n"), after.split("\n")
    while old and new and old[0] == new[0]:
        del old[0], new[0]
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    if FIELDS[name].cardinality is Cardinality.ONE and name != "name":
        assert len(old) <= 1
        assert len(new) <= 2


HOSTILE = [
    "x\n---\nbody", "---", "<%* await tp.system.prompt() %>", "{{title}}", "a\u2028b", "a\u202eb", "`= this.file`", "```dataviewjs",
    "[[Secret]]", "![[Secret]]", "a: b", "a #b", "- a", "? a", "@a", "*a", "&a", "!a", "|", ">", "'", '"', "\\", "a\\", "%a", "=",
    "<<", "~", "null", "[a", "{a", "a, b]", "x" * 10_000, "$= dv.pages()", "<iframe src=x>", "obsidian://open", "\ufeff", "\x00", "\x85",
]  # fmt: skip

PLACES = [
    "role: A\n", "role: 'A'\n", 'role: "A"\n', "role:\n", "role: ''\n", "role:  # why\n", "", "role: [A]\n", "role:\n  - A\n", "role: [ 'A' ]\n",
]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE, ids=repr)
def test_hostile_values_are_written_as_what_they_are_or_refused(value: str) -> None:
    body = "# Ada\n\n## Profile\n\n**Location**: Turin\n"
    for place in PLACES:
        after = attempt(PATH, note(place, body), {"title": value}, None, rules())
        if not isinstance(after, str):
            assert isinstance(after, FieldRefused)
            assert after.field == "title"
            continue
        head, _, rest = after.removeprefix("---\n").partition("---\n")
        assert rest == body
        assert "<%" not in after
        assert "{{" not in after
        assert len(head.splitlines()) == max(2, len(note(place).splitlines()) - 2)
        read_by_another = yaml12.parse_yaml(head)
        assert isinstance(read_by_another, dict)
        assert read_by_another["role"] in (value, [value])


@pytest.mark.parametrize("value", [value for value in HOSTILE if len(value) < 1000], ids=repr)
def test_hostile_values_in_a_body_are_refused_or_harmless(value: str) -> None:
    text = note("", "## Profile\n\n**Role**: A (x) at B\n**Location**: Turin\n")
    after = attempt(PATH, text, {"title": value}, None, rules())
    if isinstance(after, FieldRefused):
        return
    assert after == text.replace("A (x)", value)
    assert not set(value) & set("\n<>`[]{}*\\\u2028\u202e")


@given(uid=st.one_of(st.uuids().map(str), odd, plain))
def test_a_uid_is_kept_verbatim_or_refused(uid: str) -> None:
    after = attempt(PATH, note("title: Ada\n"), {}, uid, rules())
    if not isinstance(after, str):
        return
    found = read(PATH, after, rules())
    assert found is not None
    assert found.reading.uid == uid
