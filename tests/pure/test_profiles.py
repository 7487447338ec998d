import pytest

from mappings.note import keys, read
from mappings.profiles import PROFILES, Profile, detect, is_excluded_path
from mappings.record import NotePath
from notes import rules


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_what_a_profile_creates_it_also_reads(profile: Profile) -> None:
    read_as = {field: profile.field_of(key) for field, key in profile.created_as.items()}
    assert {field: found[0] for field, found in read_as.items() if found is not None} == {
        field: field for field in profile.created_as
    }


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_no_key_means_two_fields_in_one_profile(profile: Profile) -> None:
    every = [key for spellings in profile.spellings.values() for key in spellings]
    assert len(every) == len(set(every))


@pytest.mark.parametrize(
    "path",
    [
        "contactd-vault.md",
        "Templates/Person.md",
        "x/my templates/Person.md",
        "People Template.md",
        "People/.hidden.md",
        ".trash/Ada.md",
        ".obsidian/Ada.md",
        "People/Ada.sync-conflict-20260101-101010-ABCDEFG.md",
        "People/Ada (Conflicted copy dev 202601011010).md",
        "People/Ada (conflicted copy 2026-01-01).md",
        "People/~Ada.md",
        "People/Ada.md~",
        "People/Ada.tmp",
        "People/Ada.tmp.md",
        "People/Ada.txt",
        "People/People.md",
        "Categories/People.md",
        "People/index.md",
        "People/README.md",
        "People/Team MOC.md",
        "Vorlagen/Person.md",
    ],
)
def test_some_files_are_nobody_by_their_path(path: str) -> None:
    assert is_excluded_path(NotePath(path), ("Vorlagen",))


@pytest.mark.parametrize(
    "path",
    [
        "Ada.md",
        "People/Ada Lovelace.md",
        "People/@Ada.md",
        "john-doe/john-doe.md",
        "A/contactd-vault.md",
        "People/Jan Moc.md",
        "Contemplate/Ada.MD",
    ],
)
def test_other_notes_may_be_people(path: str) -> None:
    assert not is_excluded_path(NotePath(path), ("Vorlagen",))


PEOPLE = [
    ("People/Ada.md", "type: people\n"),
    ("Ada.md", "type: person\ntags: [people/mathematicians]\n"),
    ("Ada.md", "type: [Contact]\nemail:\n"),
    ("Ada.md", "tags: '#person/x, other'\nbirthday: 1815-12-10\n"),
    ("Ada.md", 'categories: ["[[People]]"]\nphone:\n'),
    ("Ada.md", "note_type: person\nfirst_name: Ada\nlast_name: L\n"),
    ("Contacts/Ada.md", "FN: Ada\n"),
    ("a/people/b/Ada.md", "Email: [a@b.test]\n"),
    ("Ada.md", 'fileClass: "[[Person]]"\ntag: person\n'),
]

NOBODY = [
    ("Ada.md", "type: people\n"),
    ("Ada.md", "tags: [person]\n"),
    ("People/Ada.md", "created: 2026-01-01\n"),
    ("Ada.md", "FN: Ada\nemail: a@b.test\nbirthday:\n"),
    ("Acme.md", "tags: [organization]\nemail: info@acme.test\nphone: x\n"),
    ("Meetings/x.md", "type: people\ntags: [person]\n"),
    ("People/x.md", "type: [people, meeting]\n"),
    ("People/x.md", "type: people\ntags: [type/meeting]\n"),
    ("People/x.md", "type: people\ndate: 2026-01-01\nattendees: [Ada]\n"),
    ("People/x.md", "type: people\nDate: 2026-01-01\npeople: [Ada]\n"),
    ("People/x.md", 'categories: ["[[Meetings]]", "[[People]]"]\n'),
    ("People/x.md", 'type: people\ntitle: "{{title}}"\n'),
    ("People/x.md", 'type: people\ntitle: "<% tp.file.title %>"\n'),
    ("People/x.md", "type: people\ntags: [moc]\n"),
    ("Templates/x.md", "type: people\ntags: [person]\n"),
]


@pytest.mark.parametrize(("path", "yaml"), PEOPLE)
def test_two_signs_make_a_person(path: str, yaml: str) -> None:
    assert read(NotePath(path), f"---\n{yaml}---\n", rules()) is not None


@pytest.mark.parametrize(("path", "yaml"), NOBODY)
def test_one_sign_or_a_template_meeting_or_index_makes_none(path: str, yaml: str) -> None:
    assert read(NotePath(path), f"---\n{yaml}---\n", rules()) is None


@pytest.mark.parametrize(
    ("profile", "yaml"),
    [("kepano", 'categories: ["[[People]]"]\n'), ("vcf-contacts", "FN: Ada\n"), ("vcf-contacts", "N.GN: A\nN.FN: L\n")],
)
def test_where_a_convention_has_one_marker_it_is_enough(profile: str, yaml: str) -> None:
    assert read(NotePath("References/Ada.md"), f"---\n{yaml}---\n", rules(profile)) is not None
    assert read(NotePath("References/Ada.md"), f"---\n{yaml}---\n", rules()) is None


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("Folk/*.md", "Folk/Ada.md", True),
        ("Folk/*.md", "Folk/old/Ada.md", False),
        ("Folk/**/*.md", "Folk/Ada.md", True),
        ("Folk/**/*.md", "Folk/old/er/Ada.md", True),
        ("**", "anything/Ada.md", True),
        ("A?a.md", "Ada.md", True),
        ("[A]da.md", "Ada.md", False),
        ("Folk/*.md", "Folk/Template.md", False),
    ],
)
def test_a_glob_is_enough_alone(glob: str, path: str, *, matches: bool) -> None:
    for text in ("no frontmatter at all\n", "---\nx: 1\n---\n"):
        assert (read(NotePath(path), text, rules("people-notes", glob)) is not None) == matches
    meeting = read(NotePath(path), "---\ntype: meeting\n---\n", rules("people-notes", glob))
    assert meeting is None


@pytest.mark.parametrize(
    ("notes", "profile"),
    [
        (["type: people\nlast_contact:\n"], "people-notes"),
        (["FN: Ada\nTITLE: x\n"], "vcf-contacts"),
        (['categories: ["[[People]]"]\ntype: []\norg:\n'], "kepano"),
        (["First Name: Ada\nLast Name: L\n"], "czottmann"),
        (["first_name: Ada\nslug: ada\n"], "hal_md"),
        (["email: x\n"], "people-notes"),
        ([], "people-notes"),
    ],
)
def test_a_vault_shows_its_profile(notes: list[str], profile: str) -> None:
    assert detect(keys(f"---\n{yaml}---\n") for yaml in notes).profile == profile


def test_a_vault_shows_the_spelling_that_it_uses_most() -> None:
    found = detect(
        [frozenset({"type", "org"}), frozenset({"type", "company"}), frozenset({"type", "org", "last_chat"})]
    )
    assert found.spellings["organization"] == "org"
    assert found.spellings["last_contact"] == "last_chat"
    assert found.notes_showing_it == 3
