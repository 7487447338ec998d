import time

import pytest

from mappings.errors import UnreadableNote
from mappings.fields import FIELDS, blank, value_of
from mappings.note import NOTE_BYTES_MAX, NoteReading, decode, read
from mappings.person import FieldName, Value
from mappings.record import NotePath
from notes import PATH, note, rules


def reading(text: str, profile: str = "people-notes", path: NotePath = PATH) -> NoteReading:
    found = read(path, text, rules(profile))
    assert found is not None
    return found


def said(text: str, profile: str = "people-notes") -> dict[FieldName, Value]:
    person = reading(text, profile).reading.person
    values: dict[FieldName, Value] = {name: value_of(person, name) for name in FIELDS}
    return {name: value for name, value in values.items() if value != blank(name)}


ADA: dict[FieldName, Value] = {"name": "Ada Lovelace"}


@pytest.mark.parametrize(
    ("yaml", "values"),
    [
        ("", ADA),
        ("title: Ada King\n", {"name": "Ada King"}),
        ("title:\nname: Ada King\n", {"name": "Ada King"}),
        ("name: {first: Ada, last: King}\n", {"name": "Ada King", "given_name": "Ada", "family_name": "King"}),
        ("first_name: Ada\nlast_name: King\n", {"name": "Ada King", "given_name": "Ada", "family_name": "King"}),
        ("FN: A. King\nN.GN: Ada\n", {"name": "A. King", "given_name": "Ada"}),
        (
            "emails: [a@b.test, 'c@d.test']\nemail_2: e@f.test\nEMAIL[WORK]: A@B.test\n",
            ADA | {"emails": ("a@b.test", "c@d.test", "e@f.test", "A@B.test")},
        ),
        ('email: "[c@x.test](mailto:c@x.test)"\n', ADA | {"emails": ("c@x.test",)}),
        (
            "emails:\n  - mailto:b@x.test\n  - Ann <a@x.test>\n  - <c@x.test>\n  - '[[d@x.test]]'\n",
            ADA | {"emails": ("b@x.test", "a@x.test", "c@x.test", "d@x.test")},
        ),
        ("email:\n  - email_label: work\n    email_address: a@b.test\n", ADA | {"emails": ("a@b.test",)}),
        ("emails: [{label: x, value: a@b.test}, c@d.test]\n", ADA | {"emails": ("a@b.test", "c@d.test")}),
        (
            'phone: "+49301234"\nmobile: +49 30 1\nTEL[1:CELL]: 030/1\n',
            ADA | {"phones": ("+49301234", "+49 30 1", "030/1")},
        ),
        ("company: Acme\norg: Other\n", ADA | {"organization": "Acme"}),
        ("company:\norg: Other\n", ADA | {"organization": "Other"}),
        ('org: ["[[Acme]]"]\n', ADA | {"organization": "Acme"}),
        ('org: "[[Firms/Acme|Acme Inc.]]"\n', ADA | {"organization": "Acme Inc."}),
        ('org: "[[Firms/Acme#History]]"\n', ADA | {"organization": "Acme"}),
        ("company: >-\n  Acme\n  Works\n", ADA | {"organization": "Acme Works"}),
        ("role: Engineer at Large\n", ADA | {"title": "Engineer at Large"}),
        ("birthday: 1815-12-10\n", ADA | {"birthday": "1815-12-10"}),
        ("birthday: --12-10\n", ADA | {"birthday": "--12-10"}),
        ('birthday: "12-10"\n', ADA | {"birthday": "--12-10"}),
        ("last-contacted: 2025-11-07T10:30:00\n", ADA | {"last_contact": "2025-11-07"}),
        ("tags: ['#a/b', c]\naliases: Ada\n", ADA | {"tags": ("a/b", "c"), "aliases": ("Ada",)}),
        ("url: https://a.test/\nlinkedin: [https://b.test]\n", ADA | {"links": ("https://a.test/", "https://b.test")}),
        ("location: null\ncity: ~\nteam: ''\nrole:\n", ADA),
        (
            "city: 10115 Berlin\nteam: 007\nrole: yes\n",
            ADA | {"location": "10115 Berlin", "department": "007", "title": "yes"},
        ),
    ],
)
def test_every_spelling_is_read(yaml: str, values: dict[FieldName, Value]) -> None:
    assert said(note(yaml)) == values


@pytest.mark.parametrize(
    ("yaml", "field", "reason"),
    [
        ("phone: +49301234\n", "phones", "quote it"),
        ("phones:\n  - '+49 30 1'\n  - 01234\n", "phones", "quote it"),
        ("org: [[Acme]]\n", "organization", "quotes"),
        ("org: [Acme, Other]\n", "organization", "several values"),
        ("birthday: 10 December\n", "birthday", "not a date"),
        ("last_contact: 2025-02-30\n", "last_contact", "not a date"),
        ("emails: [{x: a@b.test}]\n", "emails", "nested"),
        ("email: none yet\n", "emails", "`none yet` is no e-mail address"),
        ("emails: [a@b.test, 'c@d.test, e@f.test']\n", "emails", "`c@d.test, e@f.test` is no e-mail address"),
        ('email: "[a@b.test](mailto:c@d.test)"\n', "emails", "no e-mail address"),
        ("company: !x Acme\n", "organization", "alias or has a tag"),
    ],
)
def test_what_cannot_be_read_safely_is_held_with_a_reason(yaml: str, field: FieldName, reason: str) -> None:
    found = reading(note(yaml)).reading
    assert reason in found.held[field]
    assert value_of(found.person, field) == blank(field)


def profile_section(*lines: str) -> str:
    return note(
        "", "\n# Ada\n\n## Profile\n\n" + "".join(f"{line}\n" for line in lines) + "\n## Later\n\n**Role**: none\n"
    )


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("**Role**: Analyst", {"title": "Analyst"}),
        ("**Title:** Analyst  ", {"title": "Analyst"}),
        ("- **Role**: Analyst at Acme", {"title": "Analyst", "organization": "Acme"}),
        (
            "**Role**: Lead (one of two; at times) at VAST Data (Cloud) (EMEA)",
            {"title": "Lead", "organization": "VAST Data"},
        ),
        ("**Role**: VP (Sales) EMEA", {"title": "VP (Sales) EMEA"}),
        ("**Role**: Lead at [[Firms/Acme|Acme]]", {"title": "Lead", "organization": "Acme"}),
        ("**Company**: [[Acme]] (since May)", {"organization": "Acme"}),
        ("**Location**: Tel Aviv (implied)", {"location": "Tel Aviv"}),
        ("**Location**: (unknown)", {}),
        ("**Email**: a@b.test (work), c@d.test; e@f.test", {"emails": ("a@b.test", "c@d.test", "e@f.test")}),
        ("**Email**: mailto:a@b.test (work)", {"emails": ("a@b.test",)}),
        ("**Phone**: +49 30 1 (home)", {"phones": ("+49 30 1",)}),
        ("**Department**: Engines", {"department": "Engines"}),
        ("**Birthday**: 1815-12-10", {"birthday": "1815-12-10"}),
        ("**Relationship**: friend", {}),
        ("Role: Analyst", {}),
        ("```\n**Role**: in a code block\n```\n**Location**: Turin", {"location": "Turin"}),
        ("~~~\n```\n## Profile\n**Role**: in a code block\n~~~", {}),
        ("### Past\n**Role**: before", {}),
    ],
)
def test_lines_of_the_profile_section_are_read(line: str, values: dict[FieldName, Value]) -> None:
    assert said(profile_section(line)) == ADA | values
    assert said(profile_section(line).replace("\n", "\r\n")) == ADA | values


@pytest.mark.parametrize(
    ("lines", "fields"),
    [
        (["**Role**: Head at Lunch at Acme"], {"title", "organization"}),
        (["**Company**: Bed at Beyond"], {"organization"}),
        (["**Role**: *Lead*"], {"title"}),
        (["**Role**: Lead (of"], {"title"}),
        (["**Email**: <a@b.test>"], {"emails"}),
        (["**Location**: [Turin](geo:1)"], {"location"}),
        (["**Role**: Lead", "**Role**: Analyst"], {"title"}),
        (["**Role**: Lead at Acme", "**Company**: Other"], {"organization"}),
        (["**Birthday**: in May"], {"birthday"}),
    ],
)
def test_a_line_that_is_more_than_plain_words_is_held(lines: list[str], fields: set[FieldName]) -> None:
    assert set(reading(profile_section(*lines)).reading.held) == fields


HUGE = {
    "one line": "**Role**: x" + " at y (" * 100_000,
    "blanks": "**Role**: x" + " " * 400_000 + "y",
    "lines": "**Email**: a@b.test (,\n" * 50_000,
    "parentheses": "**Role**: " + "(" * 100_000 + ")" * 100_000,
    "sections": "## Profile\n" * 50_000,
    "code": "```\n## Profile\n" * 50_000,
    "backticks": "`" * 400_000,
}


@pytest.mark.parametrize("section", HUGE.values(), ids=list(HUGE))
def test_a_huge_section_costs_no_more_than_its_length(section: str) -> None:
    started = time.process_time()
    reading(note("", f"## Profile\n{section}\n"))
    assert time.process_time() - started < 5


def test_frontmatter_outranks_the_body() -> None:
    text = note("role: Analyst\ncompany:\n", "## Profile\n**Role**: Lead at Acme\n")
    assert said(text) == ADA | {"title": "Analyst", "organization": "Acme"}


def test_the_section_may_stand_anywhere_and_more_than_once() -> None:
    body = "## Other\n```\n## Profile\n```\n## profile\n**Role**: Lead\n## Other\n**Location**: no\n# Contact\n**Email**: a@b.test"
    assert said(note("", body)) == ADA | {"title": "Lead", "emails": ("a@b.test",)}


@pytest.mark.parametrize(
    ("yaml", "uid"),
    [
        ("", None),
        ("uid:\n", None),
        ("uid: ''\n", None),
        ("uid: p1757589567647\n", "p1757589567647"),
        ("uid: 00123456789012345678901\n", "00123456789012345678901"),
        ("uid: 'urn:uuid:X'\n", "urn:uuid:X"),
    ],
)
def test_an_existing_uid_is_adopted_verbatim(yaml: str, uid: str | None) -> None:
    assert reading(note(yaml)).reading.uid == uid


def test_the_key_of_the_uid_is_the_owners_choice() -> None:
    text = note("uid: a\nUID: b\n")
    for key, uid in (("uid", "a"), ("UID", "b"), ("", None), ("id", None)):
        found = read(PATH, text, rules(uid_key=key))
        assert found is not None
        assert found.reading.uid == uid


def test_a_note_with_several_uids_is_not_written() -> None:
    assert "several" in reading(note("uid: [a, b]\n")).unwritable


def test_a_note_with_marks_is_read_but_not_written() -> None:
    found = reading(note("base: &x Acme\ncompany: Works\norg: *x\n"))
    assert found.reading.person.organization == "Works"
    assert "anchors" in found.unwritable


def test_holdable_is_what_has_a_place_or_gets_one() -> None:
    always = {
        "nickname",
        "emails",
        "phones",
        "organization",
        "department",
        "title",
        "location",
        "birthday",
        "links",
        "last_contact",
    }
    assert reading(note("")).holdable == always
    assert reading(note("title: Ada\ntags:\nnext_meeting:\n")).holdable == always | {"name", "tags", "next_meeting"}
    assert reading(note("first_name: Ada\n")).holdable == always | {"name", "given_name"}


def test_bytes_that_are_not_utf_8_are_refused_with_their_line() -> None:
    with pytest.raises(UnreadableNote, match="line 3: not UTF-8"):
        decode(b"---\na: 1\nb: \xff\n---\n")
    with pytest.raises(UnreadableNote, match="4 MiB"):
        decode(b"x" * (NOTE_BYTES_MAX + 1))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (note("title: A\n") + "nul \0 here", "line 5: a NUL"),
        (note("title: A\rrole: B\n"), "line 3: .*CR"),
        (note("title: A\ntitle: B\n"), "line 4: .*twice"),
        ("---\ntype: people\ntitle: Ada\n\nThe rest.\n", "line 1: .*no closing"),
    ],
)
def test_a_person_who_cannot_be_read_is_reported(text: str, reason: str) -> None:
    with pytest.raises(UnreadableNote, match=reason):
        read(PATH, text, rules())


@pytest.mark.parametrize(
    "text", ["", "no frontmatter", "---\nfoo: {{bar}\n---\n", "---\nfoo: 1\n", "---\n\nprose: with colon\n"]
)
def test_a_note_that_could_be_nobodys_is_not_reported(text: str) -> None:
    assert read(NotePath("Notes/x.md"), text, rules()) is None
