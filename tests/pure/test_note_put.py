"""Edits as the owner sees them: the note's lines before, the wanted values, the note's lines after."""

import pytest

from mappings.errors import EditRefused
from mappings.note import FieldRefused, put
from mappings.person import FieldName, Uid, Value
from mappings.record import NotePath
from notes import PATH, note, rules

Changes = dict[FieldName, Value]


@pytest.mark.parametrize(
    ("before", "changes", "after"),
    [
        # One value, in the style it had.
        ('last_contact: "2025-11-07"\n', {"last_contact": "2025-11-08"}, 'last_contact: "2025-11-08"\n'),
        ("last_contact: '2025-11-07'\n", {"last_contact": "2025-11-08"}, "last_contact: '2025-11-08'\n"),
        ("last_contact: 2025-11-07\n", {"last_contact": "2025-11-08"}, "last_contact: 2025-11-08\n"),
        ("last_contact:   2025-11-07   # met\n", {"last_contact": "2025-11-08"}, "last_contact:   2025-11-08   # met\n"),
        ("last_contact: soon-ish # x\nrole: A\n", {"title": "B"}, "last_contact: soon-ish # x\nrole: B\n"),
        ("role: A\n", {"title": "It's: B"}, 'role: "It\'s: B"\n'),
        ("role: 'A'\n", {"title": "It's B"}, "role: 'It''s B'\n"),
        ('role: "A"\n', {"title": 'a \\ "b"'}, 'role: "a \\\\ \\"b\\""\n'),
        ("role: A\n", {"title": "yes"}, 'role: "yes"\n'),
        ("role: A\n", {"title": "1e3"}, 'role: "1e3"\n'),
        ("role: A\n", {"title": "12:30"}, 'role: "12:30"\n'),
        ("role: A\n", {"title": "2025-11-07"}, 'role: "2025-11-07"\n'),
        ("role: A\n", {"title": "#1 of R&D"}, 'role: "#1 of R&D"\n'),
        ("role: A\n", {"title": "Ingénieur, Zürich ☃"}, "role: Ingénieur, Zürich ☃\n"),
        ("role: 'A'\n", {"title": "<% x %>{{y}}"}, 'role: "\\x3C% x %>\\x7B{y}}"\n'),
        ("role: one\n  two # c\nz: 1\n", {"title": "B"}, "role: B # c\nz: 1\n"),
        ("é: ☃😀\nrole: Ä\n", {"title": "Ö"}, "é: ☃😀\nrole: Ö\n"),
        ("? role\n: A\n", {"title": "B"}, "? role\n: B\n"),
        ("x: {a: [1, 2], b: .nan}\nrole: A\n", {"title": "B"}, "x: {a: [1, 2], b: .nan}\nrole: B\n"),
        # A value that is not there yet, and one that goes.
        ("role:\n", {"title": "B"}, "role: B\n"),
        ("role:  # why\n", {"title": "B"}, "role: B  # why\n"),
        ("role: \nemail:  \n", {"title": "B", "emails": ("a@b.test", "c@d.test")}, "role: B\nemail:\n  - a@b.test\n  - c@d.test\n"),
        ("role: ''\n", {"title": "B"}, "role: 'B'\n"),
        ("role: ~\n", {"title": "B"}, "role: B\n"),
        ("last_contact:\n", {"last_contact": "2025-11-08"}, 'last_contact: "2025-11-08"\n'),
        ("phone:\n", {"phones": ("+49 30 1",)}, 'phone: "+49 30 1"\n'),
        ("role: A\n", {"title": ""}, "role:\n"),
        ("role:  A  # why\n", {"title": ""}, "role:    # why\n"),
        ("role: 'A'\n", {"title": ""}, "role: ''\n"),
        ('next_meeting: "2025-11-07"\n', {"next_meeting": ""}, 'next_meeting: ""\n'),
        # Lists keep their layout.
        ("emails:\n- a@b.test\n- c@d.test # c\n", {"emails": ("a@b.test", "x@y.test")}, "emails:\n- a@b.test\n- x@y.test # c\n"),
        ("emails:\n  - a@b.test # a\n  # own\n  - 'c@d.test'\n", {"emails": ("c@d.test",)}, "emails:\n  # own\n  - 'c@d.test'\n"),
        ("emails:\n  -   'a@b.test'\nz: 1\n", {"emails": ("a@b.test", "c@d.test")}, "emails:\n  -   'a@b.test'\n  -   c@d.test\nz: 1\n"),
        ("emails:\n  - a@b.test\n", {"emails": ()}, "emails:\n"),
        ("emails:\n  - \nz: 1\n", {"emails": ("a@b.test", "c@d.test")}, "emails:\n  - a@b.test\n  - c@d.test\nz: 1\n"),
        ("emails: [a@b.test, 'c@d.test',\"e@f.test\"] # c\n", {"emails": ("a@b.test", "e@f.test")}, 'emails: [a@b.test, "e@f.test"] # c\n'),
        ("emails: [a@b.test, c@d.test]\n", {"emails": ("a@b.test",)}, "emails: [a@b.test]\n"),
        ("emails: [ a@b.test , c@d.test, ]\n", {"emails": ("x@y.test", "c@d.test", "z@z.test")}, "emails: [ x@y.test , c@d.test , z@z.test, ]\n"),
        ("emails: [a@b.test,]\n", {"emails": ()}, "emails: []\n"),
        ("emails: []\n", {"emails": ("a@b.test",)}, "emails: [a@b.test]\n"),
        ("org: ['[[A]]']\n", {"organization": "B"}, "org: ['B']\n"),
        ("org: []\n", {"organization": "B, C"}, 'org: ["B, C"]\n'),
        ("org:\n  - '[[A]]'\n", {"organization": ""}, "org:\n"),
        # One value becomes several, in the list style of the block.
        ("email: a@b.test\n", {"emails": ("a@b.test", "c@d.test")}, "email:\n  - a@b.test\n  - c@d.test\n"),
        ("email: 'a@b.test'\ntags:\n- x\n", {"emails": ("a@b.test", "c@d.test")}, "email:\n- 'a@b.test'\n- c@d.test\ntags:\n- x\n"),
        ("email: a@b.test\ntags: [x]\n", {"emails": ("a@b.test", "c@d.test")}, "email: [a@b.test, c@d.test]\ntags: [x]\n"),
        ("email: a@b.test # work\n", {"emails": ("a@b.test", "c@d.test")}, "email: [a@b.test, c@d.test] # work\n"),
        ("email:\n", {"emails": ("a@b.test", "c@d.test")}, "email:\n  - a@b.test\n  - c@d.test\n"),
        ("email: a@b.test\n", {"emails": ("x@y.test", "c@d.test")}, "email:\n  - x@y.test\n  - c@d.test\n"),
        ("email: a@b.test\nemail_2: c@d.test\n", {"emails": ("c@d.test",)}, "email:\nemail_2: c@d.test\n"),
        # A new key is one line, or one list, at the end.
        ("x: 1 # end\n", {"title": "B"}, "x: 1 # end\nrole: B\n"),
        ("x: 'a'\n", {"department": "B"}, "x: 'a'\ndepartment: B\n"),
        ("", {"phones": ("+49 30 1",), "birthday": "--12-10"}, 'phone: "+49 30 1"\nbirthday: "--12-10"\n'),
        ("tags:\n- x\n", {"links": ("https://a.test", "https://b.test")}, "tags:\n- x\nurl:\n- https://a.test\n- https://b.test\n"),
        ("x: |\n  text\n\n# end\n", {"location": "Turin"}, "x: |\n  text\n\n# end\nlocation: Turin\n"),
        # The first spelling that says something is the one that is written.
        ("company:\norg: A\n", {"organization": "B"}, "company:\norg: B\n"),
        ("company: A\norg: C\n", {"organization": "B"}, "company: B\norg: C\n"),
        ("title: Ada\n", {"name": "Ada King"}, "title: Ada King\n"),
        ("first_name: A\nlast_name: K\n", {"name": "B L", "given_name": "B", "family_name": "L"}, "first_name: B\nlast_name: L\n"),
        ("first_name: A\nlast_name: K\n", {"given_name": "B"}, "first_name: B\nlast_name: K\n"),
        # An address is replaced with the form that it stood in, and keeps that form while it stays.
        ('email: "[c@x.test](mailto:c@x.test)"\n', {"emails": ("d@x.test",)}, 'email: "d@x.test"\n'),
        ("emails:\n  - Ann <a@x.test>\n  - mailto:b@x.test\n", {"emails": ("a@x.test", "d@x.test")}, "emails:\n  - Ann <a@x.test>\n  - d@x.test\n"),
        ("email: '<a@x.test>'\ntags:\n- x\n", {"emails": ("A@x.test", "b@x.test")}, "email:\n- '<a@x.test>'\n- b@x.test\ntags:\n- x\n"),
        ('email: "[c@x.test](mailto:c@x.test)"\nrole: A\n', {"emails": ("c@x.test",), "title": "B"}, 'email: "[c@x.test](mailto:c@x.test)"\nrole: B\n'),
        # What the note says already, in another spelling, is left alone.
        ("phone: '0049 (0)30 1'\nemail: A@B.test\n", {"phones": ("+49 30 1",), "emails": ("a@b.test",)}, "phone: '0049 (0)30 1'\nemail: A@B.test\n"),
    ],
)  # fmt: skip
def test_only_the_value_changes(before: str, changes: Changes, after: str) -> None:
    body = "\n# Ada\n\nname: x\n---\nemail: a@b.test  \n"
    assert put(PATH, note(before, body), changes, None, rules()) == note(after, body)
    crlf, bom = note(before, body).replace("\n", "\r\n"), "\ufeff" + note(before, body).rstrip("\n")
    assert put(PATH, crlf, changes, None, rules()) == note(after, body).replace("\n", "\r\n")
    assert put(PATH, bom, changes, None, rules()) == "\ufeff" + note(after, body).rstrip("\n")


@pytest.mark.parametrize(
    ("profile", "before", "changes", "after"),
    [
        ("kepano", "x: 1\n", {"organization": "Acme"}, "x: 1\norg:\n  - Acme\n"),
        ("kepano", "org:\n", {"organization": "Acme"}, "org:\n  - Acme\n"),
        ("czottmann", "Phone:\n", {"phones": ("+49 30 1",)}, 'Phone:\n  - "+49 30 1"\n'),
        ("czottmann", "First Name: A\nMiddle Name: M\nLast Name:\n", {"family_name": "K", "name": "A M K"}, "First Name: A\nMiddle Name: M\nLast Name: K\n"),
        ("vcf-contacts", "EMAIL[HOME]: a@b.test\n", {"emails": ("a@b.test", "c@d.test", "e@f.test")}, "EMAIL[HOME]: a@b.test\nEMAIL: c@d.test\nEMAIL[2]: e@f.test\n"),
        ("vcf-contacts", "N.GN: A\nN.FN: K\n", {"name": "Dr. K"}, "N.GN: A\nN.FN: K\nFN: Dr. K\n"),
        ("hal_md", "title:\norganizations:\n  - \n", {"title": "Cook", "organization": "krusty-krab"}, "title: Cook\norganizations:\n  - krusty-krab\n"),
    ],
)  # fmt: skip
def test_a_profile_decides_what_is_created(profile: str, before: str, changes: Changes, after: str) -> None:
    assert put(PATH, note(before), changes, None, rules(profile)) == note(after)


@pytest.mark.parametrize(
    ("before", "changes", "after"),
    [
        ("**Role**: A (x; y at z) at B (C)", {"title": "D"}, "**Role**: D at B (C)"),
        ("**Role**: A (x; y at z) at B (C)", {"organization": "D"}, "**Role**: A (x; y at z) at D"),
        ("**Role**: A (x) at B (C)", {"organization": ""}, "**Role**: A (x)"),
        ("**Role**: A at B", {"title": "C", "organization": "D"}, "**Role**: C at D"),
        ("- **Location:** Turin (implied)  ", {"location": "Rome"}, "- **Location:** Rome  "),
        ("**Location**: Turin (implied)", {"location": ""}, "**Location**:"),
        ("**Location**: (unknown)", {"location": "Rome"}, "**Location**: Rome"),
        ("**Location**:", {"location": "Rome"}, "**Location**: Rome"),
        ("**Email**: a@b.test (old), c@d.test", {"emails": ("x@y.test", "c@d.test")}, "**Email**: x@y.test, c@d.test"),
        ("**Email**: a@b.test", {"emails": ()}, "**Email**:"),
        ("**Email**: mailto:a@b.test (old)", {"emails": ("x@y.test",)}, "**Email**: x@y.test"),
        ("**Company**: [[Acme]] (x)", {"organization": "Bcme"}, "**Company**: Bcme"),
    ],
)
def test_a_line_keeps_everything_but_the_value_and_its_qualifier(before: str, changes: Changes, after: str) -> None:
    def text(line: str) -> str:
        return note("title: Ada\n", f"## Profile\n\n**Background**: none (at all)\n{line}\n\n## Else\n**Role**: x\n")

    assert put(PATH, text(before), changes, None, rules()) == text(after)
    crlf = put(PATH, text(before).replace("\n", "\r\n"), changes, None, rules())
    assert crlf == text(after).replace("\n", "\r\n")


def test_new_values_become_keys_and_never_lines() -> None:
    text = note("", "## Profile\n**Role**: A\n**Email**: a@b.test\n")
    after = put(PATH, text, {"organization": "B", "emails": ("a@b.test", "c@d.test")}, None, rules())
    assert after == note("company: B\nemail: c@d.test\n", "## Profile\n**Role**: A\n**Email**: a@b.test\n")


@pytest.mark.parametrize(
    "value",
    ["a<b", "a>b", "`a`", "[[a]]", "[a](b)", "![a](b)", "{{a}}", "%%a%%", "$=a", "**a**", "==a==", "~~a~~", "#tag", "x #tag",
     "a://b", "a (b)", "Cook at Large", "a::b", "<% a %>", "a\u202eb", "a ^b", "a|b", "a\\b"],
)  # fmt: skip
def test_text_that_would_live_in_a_body_is_not_written_there(value: str) -> None:
    for line in ("**Role**: A", "**Role**: A at B", "**Role**:"):
        with pytest.raises(FieldRefused) as refusal:
            put(PATH, note("", f"## Profile\n{line}\n"), {"title": value}, None, rules())
        assert refusal.value.field == "title"


@pytest.mark.parametrize(
    ("before", "changes", "field", "reason"),
    [
        ("phone: +49301\n", {"phones": ("+49 30 1",)}, "phones", "quote it"),
        ("role: |\n  A\n", {"title": "B"}, "title", "block of lines"),
        ("role: A\n", {"title": "B\nC"}, "title", "plain line"),
        ("role: A\n", {"title": "B\x07"}, "title", "plain line"),
        ("role: A\n", {"title": " B"}, "title", "plain line"),
        ("role: A\n", {"title": "x" * 1001}, "title", "longer than 1,000"),
        ("emails: [{value: a@b.test}]\n", {"emails": ()}, "emails", "nested"),
        ("org: [A, B]\n", {"organization": "C"}, "organization", "several"),
        ("company: A\norg: B\n", {"organization": ""}, "organization", "read back"),
        ("org: A\n", {"organization": "[[B]]"}, "organization", "read back"),
        ("last_contact:\n", {"last_contact": "yesterday"}, "last_contact", "unreadable"),
        ("email: none\n", {"emails": ("a@b.test",)}, "emails", "no e-mail address"),
        ("email: a@b.test\n", {"emails": ("a@b.test", "none")}, "emails", "unreadable"),
        ("", {"name": "Ada King"}, "name", "adds no key"),
        ("", {"tags": ("x",)}, "tags", "adds no key"),
        ("emails:\n  - - a@b.test\n", {"emails": ()}, "emails", "quotes"),
        ("email: &x a@b.test\n", {"title": "B"}, None, "anchors"),
    ],
)
def test_what_cannot_be_written_without_doubt_is_refused(
    before: str, changes: Changes, field: FieldName | None, reason: str
) -> None:
    with pytest.raises(EditRefused, match=reason) as refusal:
        put(PATH, note(before), changes, None, rules())
    assert (refusal.value.field if isinstance(refusal.value, FieldRefused) else None) == field


def test_braces_take_new_values_but_no_new_keys() -> None:
    text = "---\n{type: people, title: Ada, role: A}\n---\n"
    after = put(PATH, text, {"title": "B, C"}, None, rules())
    assert after == '---\n{type: people, title: Ada, role: "B, C"}\n---\n'
    with pytest.raises(FieldRefused, match="braces"):
        put(PATH, text, {"location": "Rome"}, None, rules())


def test_a_change_that_would_make_it_nobodys_note_is_refused() -> None:
    text = "---\ntype: people\ntags: [person]\n---\n"
    with pytest.raises(FieldRefused, match="no longer"):
        put(NotePath("Ada.md"), text, {"tags": ("meeting",)}, None, rules())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "uid: u-1\n"),
        ("uid:\nx: 1\n", "uid: u-1\nx: 1\n"),
        ('uid: ""\nx: 1\n', 'uid: "u-1"\nx: 1\n'),
        ("uid: u-1\n", "uid: u-1\n"),
    ],
)
def test_the_uid_is_one_line(before: str, after: str) -> None:
    assert put(PATH, note(before), {}, Uid("u-1"), rules()) == note(after)


def test_another_uid_is_never_replaced() -> None:
    with pytest.raises(EditRefused, match="another uid"):
        put(PATH, note("uid: mine\n"), {}, Uid("u-1"), rules())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("# Ada\n", '---\nuid: u-1\nphone: "+1"\n---\n# Ada\n'),
        ("", '---\nuid: u-1\nphone: "+1"\n---\n'),
        ("\ufeff# Ada\r\n", '\ufeff---\r\nuid: u-1\r\nphone: "+1"\r\n---\r\n# Ada\r\n'),
        ("---\n---\n# Ada", '---\nuid: u-1\nphone: "+1"\n---\n# Ada'),
        ("---\n\nA rule.\n", '---\nuid: u-1\nphone: "+1"\n---\n---\n\nA rule.\n'),
    ],
)
def test_a_note_without_frontmatter_gets_a_block_of_its_own(before: str, after: str) -> None:
    with_uid = put(PATH, before, {}, Uid("u-1"), rules("people-notes", "People/*.md"))
    assert put(PATH, with_uid, {"phones": ("+1",)}, None, rules("people-notes", "People/*.md")) == after


def test_nobodys_note_is_refused() -> None:
    with pytest.raises(EditRefused, match="not a person"):
        put(PATH, "# Ada\n", {"title": "B"}, None, rules())


@pytest.mark.parametrize(
    ("frontmatter", "wanted", "expected"),
    [
        ("First Name: Carlo\nLast Name: Zottmann", "Carlo Zottman", "First Name: Carlo\nLast Name: Zottman"),
        ("First Name: Carlo\nLast Name: Zottmann", "Karl Zottman", "First Name: Karl\nLast Name: Zottman"),
        (
            "First Name: Carlo\nMiddle Name: B.\nLast Name: Z",
            "Karl B. Z",
            "First Name: Karl\nMiddle Name: B.\nLast Name: Z",
        ),
        ("First Name: Carlo", "Karl", "First Name: Karl"),
    ],
)
def test_a_name_that_is_the_sum_of_its_parts_is_given_in_parts(frontmatter: str, wanted: str, expected: str) -> None:
    text = f"---\n{frontmatter}\ntags:\n  - Person\n---\n"
    assert put(NotePath("People/C.md"), text, {"name": wanted}, None, rules("czottmann")) == text.replace(
        frontmatter, expected
    )


def test_a_name_whose_parts_would_not_make_it_up_is_refused() -> None:
    text = "---\nFirst Name: Carlo\nMiddle Name: B.\nLast Name: Zottmann\ntags:\n  - Person\n---\n"
    with pytest.raises(FieldRefused, match="in parts"):
        put(NotePath("People/C.md"), text, {"name": "Carlo Zottmann"}, None, rules("czottmann"))
