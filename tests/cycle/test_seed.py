"""The note that the project was made for, in step with a card: to it, back from it, both at once."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from daemon.conflicts import ConflictState, all_conflicts, open_conflicts
from folder_worlds import FolderWorld, difference, edit, made, run, seen

NAME = "Ronnie Lazar"
ROLE = "**Role**: Cloud team lead (one of two leads; VMs vs platform split) at VAST Data (Cloud)\n"
LOCATION = "**Location**: Tel Aviv (implied)\n"


@pytest.fixture(scope="module")
def untouched(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> FolderWorld:
    world = made(tmp_path_factory.mktemp("untouched"))
    shutil.copyfile(shared / "corpora" / "seed" / f"{NAME}.md", world.note(NAME))
    return world


@pytest.fixture(scope="module")
def synced(untouched: FolderWorld, tmp_path_factory: pytest.TempPathFactory) -> FolderWorld:
    world = untouched.copied_to(tmp_path_factory.mktemp("synced"))
    assert world.sync().code == 0
    return world


@pytest.fixture
def world(synced: FolderWorld, tmp_path: Path) -> FolderWorld:
    return synced.copied_to(tmp_path)


def test_the_card_says_what_the_note_does_and_nothing_else(synced: FolderWorld) -> None:
    (path,) = synced.cards()
    uid = path.stem
    assert path.read_text().splitlines() == [
        "BEGIN:VCARD",
        "VERSION:3.0",
        f"UID:{uid}",
        f"X-CONTACTD-UID:{uid}",
        "N:Lazar;Ronnie;;;",
        "FN:Ronnie Lazar",
        "ORG:VAST Data",
        "TITLE:Cloud team lead",
        "ADR:;;;Tel Aviv;;;",
        "item1.X-ABDATE:2025-11-07",
        "item1.X-ABLabel:last_contact",
        "END:VCARD",
    ]


def test_the_note_gains_its_uid_and_no_other_byte(untouched: FolderWorld, synced: FolderWorld) -> None:
    (path,) = synced.cards()
    before, after = untouched.note(NAME).read_bytes(), synced.note(NAME).read_bytes()
    assert difference(before, after) == ((), (f"uid: {path.stem}\n",))


def test_a_second_run_writes_nothing(world: FolderWorld) -> None:
    before = world.sides()
    ran = world.sync()
    assert (ran.code, world.sides()) == (0, before)


CARD_EDITS = {
    # A remote value takes the place of the old one, and of the qualifier directly behind it, which spoke of that one.
    "title": ("TITLE:Cloud team lead", "TITLE:Platform lead", ROLE, "**Role**: Platform lead at VAST Data (Cloud)\n"),
    "organization": (
        "ORG:VAST Data",
        "ORG:Northlight",
        ROLE,
        "**Role**: Cloud team lead (one of two leads; VMs vs platform split) at Northlight\n",
    ),
    "location": ("ADR:;;;Tel Aviv;;;", "ADR:;;;Haifa;;;", LOCATION, "**Location**: Haifa\n"),
    "last contact": (
        "X-ABDATE:2025-11-07",
        "X-ABDATE:2025-12-01",
        'last_contact: "2025-11-07"\n',
        'last_contact: "2025-12-01"\n',
    ),
    "name": ("FN:Ronnie Lazar", "FN:Ronnie Lazar-Levi", "title: Ronnie Lazar\n", "title: Ronnie Lazar-Levi\n"),
}


@pytest.mark.parametrize(("old", "new", "gone", "came"), CARD_EDITS.values(), ids=CARD_EDITS)
def test_an_edit_of_the_card_by_hand_is_one_line_of_the_note(
    world: FolderWorld, old: str, new: str, gone: str, came: str
) -> None:
    note = world.note(NAME).read_bytes()
    (path,) = world.cards()
    edit(path, old, new)
    card = seen(world.contacts)
    assert world.sync().code == 0
    assert difference(note, world.note(NAME).read_bytes()) == ((gone,), (came,))
    assert seen(world.contacts) == card


def test_an_edit_of_the_note_is_one_line_of_the_card_and_leaves_the_qualifier(world: FolderWorld) -> None:
    (path,) = world.cards()
    card = path.read_bytes()
    edit(world.note(NAME), "Cloud team lead (one of two", "Platform lead (one of two")
    note = world.note(NAME).read_bytes()
    assert world.sync().code == 0
    assert difference(card, path.read_bytes()) == (("TITLE:Cloud team lead\r\n",), ("TITLE:Platform lead\r\n",))
    assert world.note(NAME).read_bytes() == note


KHARD = """\
[addressbooks]
[[people]]
path = {contacts}
[general]
default_action = list
editor = true
merge_editor = true
"""


def test_an_edit_by_khard_is_one_line_of_the_note(world: FolderWorld, needs_tool: Callable[[str], Path]) -> None:
    """It writes every card anew: other order, other spelling of labels, keys of its own."""
    khard = needs_tool("khard")
    settings = world.root / "khard.conf"
    settings.write_text(KHARD.format(contacts=world.contacts))
    template = run(world.root, khard, "-c", settings, "show", "--format=yaml", NAME).said
    filled = world.root / "edited.yaml"
    filled.write_text(template.replace("\nTitle: Cloud team lead\n", "\nTitle: Platform lead\n"))
    note, card = world.note(NAME).read_bytes(), world.card_of(NAME).read_bytes()
    khard_said = run(world.root, khard, "-c", settings, "edit", "-i", filled, NAME, answers="yes\n")
    assert khard_said.code == 0, khard_said
    rewritten = world.card_of(NAME).read_bytes()
    assert len(difference(card, rewritten).gone) > 5
    assert world.sync().code == 0
    assert difference(note, world.note(NAME).read_bytes()) == (
        (ROLE,),
        ("**Role**: Platform lead at VAST Data (Cloud)\n",),
    )
    assert world.card_of(NAME).read_bytes() == rewritten
    before = world.sides()
    assert (world.sync().code, world.sides()) == (0, before)


def test_both_sides_editing_one_field_is_a_clash_that_keeps_both_values(world: FolderWorld) -> None:
    edit(world.note(NAME), "at VAST Data (Cloud)", "at Northlight (Cloud)")
    edit(world.card_of(NAME), "ORG:VAST Data", "ORG:Southlight")
    before = world.sides()
    first, second = world.sync(), world.sync()
    assert (first.code, second.code, world.sides()) == (1, 1, before)
    with world.opened_state() as state:
        (kept,) = open_conflicts(state)
    assert (kept.conflict.field, kept.conflict.ours) == ("organization", "Northlight")
    assert (dict(kept.conflict.theirs), dict(kept.conflict.bases)) == ({"home": "Southlight"}, {"home": "VAST Data"})


def test_a_clash_holds_only_its_own_field_and_ends_when_the_sides_agree(world: FolderWorld) -> None:
    edit(world.note(NAME), "at VAST Data (Cloud)", "at Northlight (Cloud)")
    edit(world.card_of(NAME), "ORG:VAST Data", "ORG:Southlight")
    edit(world.card_of(NAME), ";;;Tel Aviv;;;", ";;;Haifa;;;")
    assert world.sync().code == 1
    assert "**Location**: Haifa\n" in world.note(NAME).read_text()
    edit(world.card_of(NAME), "ORG:Southlight", "ORG:Northlight")
    settled = world.sides()
    assert (world.sync().code, world.sides()) == (0, settled)
    with world.opened_state() as state:
        (kept,) = all_conflicts(state)
    assert (kept.state, kept.conflict.field) == (ConflictState.CLOSED, "organization")


def test_a_clash_that_a_rule_settles_is_kept_with_both_values(world: FolderWorld) -> None:
    edit(world.note(NAME), "Cloud team lead (one of two leads", "Cloud lead (one of two leads")
    edit(world.card_of(NAME), "TITLE:Cloud team lead", "TITLE:Platform lead")
    note = world.note(NAME).read_bytes()
    assert world.sync().code == 0
    assert world.note(NAME).read_bytes() == note
    assert b"TITLE:Cloud lead\r\n" in world.card_of(NAME).read_bytes()
    with world.opened_state() as state:
        (kept,) = all_conflicts(state)
    assert (kept.state, kept.conflict.ours) == (ConflictState.SETTLED, "Cloud lead")
    assert dict(kept.conflict.theirs) == {"home": "Platform lead"}


def test_different_fields_edited_on_both_sides_merge(world: FolderWorld) -> None:
    edit(world.note(NAME), "**Location**: Tel Aviv (implied)", "**Location**: Haifa (since May)")
    edit(world.card_of(NAME), "TITLE:Cloud team lead", "TITLE:Platform lead")
    note, card = world.note(NAME).read_bytes(), world.card_of(NAME).read_bytes()
    assert world.sync().code == 0
    assert difference(note, world.note(NAME).read_bytes()) == (
        (ROLE,),
        ("**Role**: Platform lead at VAST Data (Cloud)\n",),
    )
    assert difference(card, world.card_of(NAME).read_bytes()) == (
        ("ADR:;;;Tel Aviv;;;\r\n",),
        ("ADR:;;;Haifa;;;\r\n",),
    )
    before = world.sides()
    assert (world.sync().code, world.sides()) == (0, before)
