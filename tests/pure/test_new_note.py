"""A note made for somebody: a name that every system takes, and strangers' words in values of the frontmatter only."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.errors import EditRefused
from mappings.new_note import NewNote, built_in, filled, marked, stem_of, uid_of
from mappings.person import FieldName, Uid, Value
from mappings.profiles import PROFILES
from mappings.record import NotePath
from notes import PATH, rules

VAULT = UUID(int=1)
DEVICES = ("CON", "con", "PRN", "aux", "Nul", "COM1", "lpt9")


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("  Ada \t Lovelace ", "Ada Lovelace"),
        ("../../etc/passwd", "etc passwd"),
        ("C:\\Ada", "C Ada"),
        ("Ada #1 [x] ^y |z|", "Ada 1 x y z"),
        ('A*B?C"D<E>F%G', "A B C D E F G"),
        ("<%* tp.x %>", "tp.x"),
        ("--Ada", "Ada"),
        (".Ada", "Ada"),
        ("Ada. . ", "Ada"),
        ("A\0d\x1ba\x85", "A d a"),
        ("Ada\u202e.md.exe", "Ada .md.exe"),
        ("Ada\u2028Byron", "Ada Byron"),
        ("e\u0301", "\u00e9"),
        ("CON", "_CON"),
        ("con.txt", "_con.txt"),
        ("COM1 ", "_COM1"),
        ("\ud800", "Unnamed"),
        ("", "Unnamed"),
        ("///", "Unnamed"),
        ("...", "Unnamed"),
        ("a" * 500, "a" * 117),
        ("\u00e4" * 100, "\u00e4" * 58),
    ],
)
def test_a_name_becomes_one_that_every_system_takes(name: str, stem: str) -> None:
    assert stem_of(name) == stem


@given(st.text(st.characters(), max_size=150) | st.sampled_from(DEVICES))
def test_no_name_leads_anywhere_else_or_breaks_a_link(name: str) -> None:
    for stem in (stem_of(name), marked(stem_of(name), "somewhere")):
        assert not set(stem) & set('/\\:*?"<>|#^[]%\0\r\n\x7f\u202e')
        assert 0 < len(f"{stem}.md".encode()) <= 120
        assert (stem[0] in ".- ", stem[-1] in ". ") == (False, False)
        assert stem.partition(".")[0].rstrip().upper() not in map(str.upper, DEVICES)


def test_who_has_the_same_name_is_told_apart_by_where_he_comes_from_and_always_the_same() -> None:
    assert marked("Kim Lee", "home\n1") == "Kim Lee 39fa7c80"
    assert marked("Kim Lee", "home\n2") != marked("Kim Lee", "home\n1")
    assert uid_of(VAULT, "home", "1") == "a58f2d95-f529-58a2-87d7-9197f2aad4e4"


def made(template: str, values: dict[FieldName, Value], created: str = "", path: NotePath = PATH) -> NewNote:
    return filled(template, path, Uid("u-1"), created, values, rules())


BUILT_IN = built_in(PROFILES["people-notes"])
HOSTILE = (
    "<%* app.vault.delete() %>",
    "<% tp.file.title %>",
    "{{title}}",
    "---",
    "`= this.file.path`",
    '": x\\" # y',
    "' - [ ] task",
    "a: b",
    "# heading",
    "*alias",
    "&anchor",
    "!!python/object",
    "null",
    "2026-11-09",
    "007",
    "<img src=x>",
)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", HOSTILE)
def test_what_strangers_wrote_is_a_value_and_nothing_else(name: str, profile: str) -> None:
    owner = rules(profile)
    note = filled(built_in(owner.profile), PATH, Uid("u-1"), "2026-11-03", {"name": name, "title": name}, owner)
    assert note.reading.reading.person.name == name
    assert (note.reading.reading.uid, note.reading.unwritable) == ("u-1", "")
    assert ("<%" in note.text, "{{" in note.text) == (False, False)
    head, fence, body = note.text.removeprefix("---\n").partition("\n---\n")
    assert (body, fence, "---" in head.split("\n")) == ("", "\n---\n", False)


@pytest.mark.parametrize(
    "name", ["Ada\nByron", "Ada\u202eByron", "A\0", "Ada\u2028Byron", "x" * 2000, "[[Secret]] ![[Secret]]"]
)
def test_a_name_that_cannot_be_written_makes_no_note(name: str) -> None:
    with pytest.raises(EditRefused, match="name cannot be written"):
        made(BUILT_IN, {"name": name})


def test_any_other_value_that_cannot_be_written_is_left_out() -> None:
    note = made(BUILT_IN, {"name": "Ada", "title": "Boss\u202e", "nickname": "A"})
    assert (note.reading.reading.person.title, list(note.refused)) == ("", ["title"])
    assert "nickname: A\n" in note.text


OWNERS = """---\r
# how I like it
tags: [people, "met"]
title:
status: to do # mine
created:
email: []
---\r
# Person\r

**Email**: \r
**Role**:

## Notes
no newline at the end"""


def test_the_owners_template_keeps_every_byte_that_is_not_a_value() -> None:
    note = made(
        OWNERS, {"name": "Ada", "emails": ("a@example.test",), "title": "Countess", "tags": ("friend",)}, "2026-11-03"
    )
    assert note.text == OWNERS.replace("title:", "title: Ada").replace("created:", "created: '2026-11-03'").replace(
        "email: []", "email: [a@example.test]"
    ).replace('"met"]', '"met", friend]').replace("---\r\n# Person", "role: Countess\r\nuid: u-1\r\n---\r\n# Person")
    assert "**Role**:\n" in note.text


def test_without_a_meeting_there_is_no_day_of_the_first() -> None:
    assert "created" not in made(OWNERS, {"name": "Ada"}).text
    kept = OWNERS.replace("created:", "created: long ago")
    assert "created: long ago\n" in made(kept, {"name": "Ada"}, "2026-11-03").text


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("no frontmatter", "no frontmatter"),
        ("---\ntype: people\n", "no closing"),
        (BUILT_IN + "# <% tp.file.title %>\n", "commands of a template plug-in"),
        (BUILT_IN + "# {{title}}\n", "commands of a template plug-in"),
        (BUILT_IN.replace("title:", "title: <% x %>"), "commands of a template plug-in"),
        ("---\ntype: meeting\n---\n", "would not read as this person's note|not a person's"),
        (
            "---\ntype: people\ntags: [people, no-contactd]\n---\n",
            "would not read as this person's note|not a person's",
        ),
        ("---\ntype: people\ntitle:\ntags: [people]\nuid: somebody\n---\n", "another uid"),
        ("---\ntype: &a people\ntags: [people]\n---\n", "anchor"),
        ("---\ntype: people\ntype: people\n---\n", "twice|type"),
    ],
)
def test_a_template_that_will_not_do_makes_no_note(template: str, reason: str) -> None:
    with pytest.raises(EditRefused, match=reason):
        made(template, {"name": "Ada"})


def test_a_template_without_a_key_for_the_name_leaves_it_to_the_file() -> None:
    nameless = BUILT_IN.replace("title:\n", "")
    assert made(nameless, {"name": "Ada Lovelace"}).reading.reading.person.name == "Ada Lovelace"
    with pytest.raises(EditRefused, match="name cannot be written"):
        made(nameless, {"name": "Ada: Lovelace"})


@pytest.mark.parametrize("stem", ["Template Smith", "Index", "Ada MOC", "x.sync-conflict-1"])
def test_a_name_that_is_no_persons_makes_no_note(stem: str) -> None:
    with pytest.raises(EditRefused):
        made(BUILT_IN, {"name": "Ada"}, path=NotePath(f"People/{stem}.md"))
