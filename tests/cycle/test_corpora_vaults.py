"""Three vaults that nobody of this project made: who is a person there, what their notes gain, how edits come back."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from folder_worlds import Difference, FolderWorld, Seen, difference, made, seen, writable_copy

UID_LINE = re.compile(r"uid: [0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\n")


@dataclass(frozen=True, slots=True)
class Vault:
    """One of them: the notes of people and their names; whether they have a uid of their own; edits that come back.

    `edits` are, by name, text to replace in the card, and the lines that this takes out of the note and puts there.
    """

    folder: str
    profile: str
    people: Mapping[str, str]
    has_uids: bool
    edits: tuple[tuple[str, str, str, Difference], ...]


VAULTS = (
    Vault(
        "vault-kepano",
        "kepano",
        {
            "References/Kevin Kelly.md": "Kevin Kelly",
            "References/Paul Chambers.md": "Paul Chambers",
            "References/Steph Ango.md": "Steph Ango",
        },
        has_uids=False,
        edits=(
            (
                "Steph Ango",
                "ORG:Obsidian\r\n",
                "ORG:Dynalist\r\n",
                Difference(('  - "[[Obsidian]]"\n',), ('  - "Dynalist"\n',)),
            ),
            (
                "Kevin Kelly",
                "END:",
                "EMAIL:kevin@example.test\r\nEND:",
                Difference((), ("email: kevin@example.test\n",)),
            ),
            ("Paul Chambers", "END:", "ORG:Blue Note\r\nEND:", Difference((), ("org:\n", "  - Blue Note\n"))),
        ),
    ),
    Vault(
        "vault-czottmann",
        "czottmann",
        {"People/Carlo Zottmann.md": "Carlo Zottmann", "People/Jane Doe.md": "Jane Doe"},
        has_uids=True,
        edits=(
            (
                "Carlo Zottmann",
                "TEL:+491234567890\r\n",
                "TEL:+491234567891\r\n",
                Difference(('  - "+491234567890"\n',), ('  - "+491234567891"\n',)),
            ),
            ("Jane Doe", "END:", "TEL:+44 20 7946 0000\r\nEND:", Difference((), ('  - "+44 20 7946 0000"\n',))),
        ),
    ),
    Vault(
        "vault-hal_md",
        "hal_md",
        {"test_data/john-doe/John Doe.md": "John Doe"},
        has_uids=False,
        edits=(("John Doe", "FN:John Doe", "FN:John Roe", Difference(("last_name: Doe\n",), ("last_name: Roe\n",))),),
    ),
)


@pytest.fixture(scope="module", params=VAULTS, ids=lambda vault: vault.folder)
def vault(request: pytest.FixtureRequest) -> Vault:
    chosen: Vault = request.param
    return chosen


@pytest.fixture(scope="module")
def before(vault: Vault, shared: Path) -> Seen:
    return seen(shared / "corpora" / vault.folder)


@pytest.fixture(scope="module")
def synced(vault: Vault, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> FolderWorld:
    world = made(tmp_path_factory.mktemp("vault"), vault=f'profile = "{vault.profile}"')
    world.note("").parent.rmdir()
    writable_copy(shared / "corpora" / vault.folder, world.vault)
    assert world.sync().code == 0
    return world


def test_people_and_nobody_else_have_a_card(vault: Vault, synced: FolderWorld) -> None:
    names = [re.findall(r"^FN:(.*?)\r?$", path.read_text(), re.MULTILINE) for path in synced.cards()]
    assert sorted(names) == [[name] for name in sorted(vault.people.values())]


def test_their_notes_gain_the_uid_line_and_nothing_else_is_touched(
    vault: Vault, before: Seen, synced: FolderWorld
) -> None:
    after = seen(synced.vault)
    changed = {path for path in before if after[path].content != before[path].content}
    assert (after.keys() - before.keys(), changed) == (
        {"contactd-vault.md"},
        set() if vault.has_uids else vault.people.keys(),
    )
    for path in changed:
        gone, (came,) = difference(before[path].content, after[path].content)
        assert not gone
        assert UID_LINE.fullmatch(came)
        assert came.removeprefix("uid: ").strip() in synced.card_of(vault.people[path]).read_text()


def test_a_second_run_writes_nothing_and_an_edit_of_the_card_is_the_least_change_of_the_note(
    vault: Vault, synced: FolderWorld, tmp_path: Path
) -> None:
    world = synced.copied_to(tmp_path)
    still = world.sides()
    assert (world.sync().code, world.sides()) == (0, still)
    for name, old, new, _ in vault.edits:
        card = world.card_of(name)
        card.write_bytes(card.read_bytes().replace(old.encode(), new.encode(), 1))
    assert world.sync().code == 0
    paths = {name: path for path, name in vault.people.items()}
    for name, _, _, expected in vault.edits:
        path = f"vault/{paths[name]}"
        assert difference(still[path].content, world.sides()[path].content) == expected
    after = world.sides()
    edited = {f"vault/{paths[name]}" for name, *_ in vault.edits}
    assert {path for path in still if path.startswith("vault/") and after[path] != still[path]} == edited
