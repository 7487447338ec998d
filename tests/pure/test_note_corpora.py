"""Notes that nobody of this project wrote, as they are and damaged: edited exactly, or refused with a reason."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from mappings.fields import FIELDS, blank, same, value_of
from mappings.note import decode, put, read
from mappings.person import FieldName, Person, Uid, Value
from mappings.record import NotePath
from notes import attempt, rules

VAULTS = {"seed": "people-notes", "vault-kepano": "kepano", "vault-czottmann": "czottmann", "vault-hal_md": "hal_md"}


def corpus(shared: Path) -> Iterator[tuple[str, NotePath, bytes]]:
    for vault, profile in VAULTS.items():
        folder = shared / "corpora" / vault
        for file in sorted(folder.rglob("*.md")):
            yield profile, NotePath(file.relative_to(folder).as_posix()), file.read_bytes()


def person_in(shared: Path, vault: str, path: str) -> Person:
    text = decode((shared / "corpora" / vault / path).read_bytes())
    found = read(NotePath(path), text, rules(VAULTS[vault], "Ronnie Lazar.md"))
    assert found is not None
    return found.reading.person


def test_the_seed_says_what_its_owner_means(shared: Path) -> None:
    seed = person_in(shared, "seed", "Ronnie Lazar.md")
    said = {name: value_of(seed, name) for name in FIELDS if value_of(seed, name) != blank(name)}
    assert said == {
        "name": "Ronnie Lazar",
        "title": "Cloud team lead",
        "organization": "VAST Data",
        "location": "Tel Aviv",
        "last_contact": "2025-11-07",
        "tags": ("type/people", "needs-review"),
    }


SEED_EDITS: list[tuple[Mapping[FieldName, Value], str, str]] = [
    ({"last_contact": "2025-11-08"}, 'last_contact: "2025-11-07"', 'last_contact: "2025-11-08"'),
    ({"title": "Head of Cloud"}, "Cloud team lead (one of two leads; VMs vs platform split) at", "Head of Cloud at"),
    ({"organization": "Acme"}, "at VAST Data (Cloud)", "at Acme"),
    ({"location": "Haifa"}, "Tel Aviv (implied)", "Haifa"),
    ({"name": "Ron Lazar"}, "title: Ronnie Lazar", "title: Ron Lazar"),
    ({"phones": ("+972 1",)}, "- needs-review\n", '- needs-review\nphone: "+972 1"\n'),
]


@pytest.mark.parametrize(("changes", "old", "new"), SEED_EDITS)
def test_one_edit_of_the_seed_is_one_line(shared: Path, changes: Mapping[FieldName, Value], old: str, new: str) -> None:
    text = decode((shared / "corpora" / "seed" / "Ronnie Lazar.md").read_bytes())
    after = put(NotePath("Ronnie Lazar.md"), text, changes, None, rules())
    assert after == text.replace(old, new, 1)
    assert after != text


def test_exactly_the_people_of_the_vaults_are_people(shared: Path) -> None:
    people = {path for profile, path, raw in corpus(shared) if read(path, decode(raw), rules(profile)) is not None}
    assert people == {
        "Ronnie Lazar.md",
        "References/Kevin Kelly.md",
        "References/Paul Chambers.md",
        "References/Steph Ango.md",
        "People/Carlo Zottmann.md",
        "People/Jane Doe.md",
        "test_data/john-doe/John Doe.md",
    }


def test_the_people_of_the_vaults_read_as_they_are(shared: Path) -> None:
    carlo = person_in(shared, "vault-czottmann", "People/Carlo Zottmann.md")
    assert (carlo.name, carlo.given_name, carlo.family_name) == ("Carlo Zottmann", "Carlo", "Zottmann")
    assert (carlo.emails, carlo.phones) == (("carlo@zottmann.dev",), ("+491234567890",))
    assert (carlo.organization, carlo.birthday, len(carlo.links)) == ("ActionsDotWork.", "1974-01-01", 3)
    steph = person_in(shared, "vault-kepano", "References/Steph Ango.md")
    assert (steph.name, steph.organization, steph.links) == ("Steph Ango", "Obsidian", ("https://stephango.com/",))
    assert person_in(shared, "vault-hal_md", "test_data/john-doe/John Doe.md").name == "John Doe"


def _in_frontmatter(line: bytes) -> Callable[[bytes], bytes]:
    return lambda raw: raw.replace(b"---\n", b"---\n" + line, 1) if raw.startswith(b"---\n") else line + raw


MUTATIONS: Mapping[str, Callable[[bytes], bytes]] = {
    "as it is": lambda raw: raw,
    "CRLF": lambda raw: raw.replace(b"\n", b"\r\n"),
    "BOM": lambda raw: b"\xef\xbb\xbf" + raw,
    "no final newline": lambda raw: raw.rstrip(b"\n"),
    "trailing blanks": lambda raw: raw.replace(b"\n", b"  \n"),
    "tab behind the colon": _in_frontmatter(b"x:\ty\n"),
    "tab as indentation": _in_frontmatter(b"x:\n\t- y\n"),
    "duplicate keys": _in_frontmatter(b"x: 1\nx: 2\n"),
    "anchors": _in_frontmatter(b"x: &a 1\ny: *a\n"),
    "merge keys": _in_frontmatter(b"x: &a {b: 1}\ny:\n  <<: *a\n"),
    "comments": _in_frontmatter(b"# kept\n\nx: 1 # too\n"),
    "unicode": _in_frontmatter("é☃: 😀\n".encode()),
    "lone CR": lambda raw: raw.replace(b"\n", b"\r", 3),
    "NUL": lambda raw: raw + b"\0",
    "not UTF-8": lambda raw: raw + b"\xff",
    "no closing fence": lambda raw: raw.replace(b"\n---", b"\n"),
    "half a file": lambda raw: raw[: len(raw) // 2],
}

REFUSED_WHOLE = {
    "duplicate keys",
    "anchors",
    "merge keys",
    "tab behind the colon",
    "tab as indentation",
    "lone CR",
    "NUL",
    "not UTF-8",
}
"""Damage that must not be written beside, wherever a note has frontmatter."""

EDITS: list[Mapping[FieldName, Value]] = [
    {"last_contact": "2026-02-03"},
    {"organization": "Acme: the #1"},
    {"emails": ("x@y.test", "z@z.test")},
]


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_every_note_is_edited_exactly_or_refused(shared: Path, mutation: str) -> None:
    written = 0
    for profile, _, original in corpus(shared):
        raw = MUTATIONS[mutation](original)
        # Somebody's, whatever it is about and wherever it lies; the vaults' own uids are not ours.
        owner, path = rules(profile, "**", uid_key="contactd"), NotePath(f"Notes/{len(raw)}.md")
        for changes in EDITS:
            after = attempt(path, raw, changes, "u-1", owner)
            if not isinstance(after, str):
                assert after.reason
                continue
            written += 1
            assert mutation not in REFUSED_WHOLE or not original.startswith(b"---")
            assert_exact(raw.decode(), after, changes)
            found = read(path, after, owner)
            assert found is not None
            assert all(same(name, value_of(found.reading.person, name), value) for name, value in changes.items())
            assert attempt(path, after, changes, "u-1", owner) == after
    assert written > 200 or mutation in {*REFUSED_WHOLE, "no closing fence", "half a file"}


def test_a_note_of_1_mb_is_edited_exactly(shared: Path) -> None:
    for profile, path, raw in corpus(shared):
        if path.startswith(("Ronnie", "References/S", "People/", "test_data")):
            text = decode(raw) + "\nwords and words" * 70_000
            after = put(path, text, EDITS[2], Uid("u-1"), rules(profile, "**", uid_key="contactd"))
            assert_exact(text, after, EDITS[2])


def assert_exact(before: str, after: str, changes: Mapping[FieldName, Value]) -> None:
    """Few lines of the frontmatter changed; all others, and the whole body, are the same to the byte."""
    old, new = before.split("\n"), after.split("\n")
    gone, come = [line for line in old if line not in new], [line for line in new if line not in old]
    assert len(gone) <= sum(max(1, len(value)) if isinstance(value, tuple) else 1 for value in changes.values()) + 1
    # At most: an opening fence, `email:` and its two items, the uid, a closing fence, and a first line without its mark.
    assert len(come) <= 7
    body = before.partition("\n---")[2] if before.lstrip("\ufeff").startswith("---") else before.lstrip("\ufeff")
    assert after.endswith(body)
