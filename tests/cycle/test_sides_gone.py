"""What is not there is not deleted: vaults and folders that vanish, notes and cards that are removed, moved, doubled."""

import shutil
from pathlib import Path

import pytest

from daemon.conflicts import link_questions
from folder_worlds import FolderWorld, Ran, card, edit, made, person, seen

NAMES = tuple(f"Ada Of{letter}" for letter in "ABCDEFGHIJKL")
ADA = NAMES[0]


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> FolderWorld:
    """Twelve people, more than any brake lets pass."""
    world = made(tmp_path_factory.mktemp("synced"))
    for name in NAMES:
        world.note(name).write_text(person(name, f"email: {name[-1].lower()}@example.test"))
    assert world.sync().code == 0
    return world


@pytest.fixture
def world(synced: FolderWorld, tmp_path: Path) -> FolderWorld:
    return synced.copied_to(tmp_path)


def _unasked(world: FolderWorld) -> Ran:
    """Sync where nobody can be asked, and nobody has said yes."""
    return world.contactd("sync", "--once")


def _questions(world: FolderWorld) -> set[tuple[str, str]]:
    """Return the people who wait to be linked by the owner, and why."""
    with world.opened_state() as state:
        return {(question.path, question.kind) for question in link_questions(state)}


@pytest.mark.parametrize("is_mount_point", [True, False], ids=["emptied", "removed"])
def test_a_vault_that_is_gone_is_missing_never_deleted(world: FolderWorld, *, is_mount_point: bool) -> None:
    linked, cards, notes = world.linked(), seen(world.contacts), seen(world.vault)
    away = world.vault.rename(world.root / "away")
    if is_mount_point:
        world.vault.mkdir()
    ran = world.sync()
    assert (ran.code, "nothing was deleted" in ran.said) == (69, True)
    assert world.sync().code == 69
    assert (world.linked(), seen(world.contacts)) == (linked, cards)
    assert not list(world.root.glob("vault/*"))
    if is_mount_point:
        world.vault.rmdir()
    away.rename(world.vault)
    assert (world.sync().code, seen(world.vault), seen(world.contacts)) == (0, notes, cards)


def test_a_folder_of_contacts_that_is_not_there_is_away_never_deleted(world: FolderWorld) -> None:
    linked, sides = world.linked(), world.sides()
    away = world.contacts.rename(world.root / "away")
    edit(world.note(ADA), "a@example.test", "new.a@example.test")
    codes = [world.sync().code for _ in range(3)]
    assert (codes, world.linked(), world.contacts.exists()) == ([2, 2, 2], linked, False)
    away.rename(world.contacts)
    assert world.sync().code == 0
    assert "new.a@example.test" in world.card_of(ADA).read_text()
    assert world.sides().keys() == sides.keys()


def test_contacts_that_are_suddenly_all_gone_wait_for_the_owner_and_resume(world: FolderWorld) -> None:
    linked, sides = world.linked(), world.sides()
    away = world.contacts.rename(world.root / "away")
    world.contacts.mkdir()
    # One look may have hit the instant of a replacement; from the second on it would be a deletion.
    codes = [_unasked(world).code for _ in range(3)][1:]
    assert (codes, world.linked(), seen(world.contacts)) == ([4, 4], linked, {})
    world.contacts.rmdir()
    away.rename(world.contacts)
    assert (_unasked(world).code, world.sides(), world.linked()) == (0, sides, linked)


def test_a_deleted_note_leaves_its_contact_alone_and_is_not_made_again(world: FolderWorld) -> None:
    card_before = world.card_of(ADA).read_bytes()
    world.note(ADA).unlink()
    assert (world.sync().code, len(world.linked())) == (0, 12)
    assert (world.sync().code, len(world.linked())) == (0, 11)
    notes = seen(world.vault)
    edit(world.card_of(ADA), "a@example.test", "new.a@example.test")
    assert (world.sync().code, seen(world.vault)) == (0, notes)
    assert world.card_of(ADA).read_bytes() == card_before.replace(b"a@example", b"new.a@example")


def test_a_deleted_note_that_comes_back_is_linked_by_the_owner_only(world: FolderWorld) -> None:
    content = world.note(ADA).read_bytes()
    world.note(ADA).unlink()
    world.sync()
    world.sync()
    world.note(ADA).write_bytes(content)
    before = world.sides()
    assert (world.sync().code, world.sides()) == (1, before)
    assert _questions(world) == {(f"People/{ADA}.md", "CAME_BACK")}
    assert len(world.linked()) == 11


def test_a_deleted_contact_leaves_its_note_alone_and_is_not_made_again(world: FolderWorld) -> None:
    world.card_of(ADA).unlink()
    before = world.sides()
    world.sync()
    world.sync()
    assert (len(world.linked()), world.sides()) == (11, before)
    edit(world.note(ADA), "a@example.test", "new.a@example.test")
    edited = world.sides()
    world.sync()
    assert (world.sides(), _questions(world)) == (edited, {(f"People/{ADA}.md", "DELETED")})


def test_a_note_that_is_moved_and_renamed_keeps_its_link(world: FolderWorld) -> None:
    linked = world.linked()
    moved = world.vault / "Archive" / "2026" / "Somebody.md"
    moved.parent.mkdir(parents=True)
    world.note(ADA).rename(moved)
    edit(world.card_of(ADA), "a@example.test", "new.a@example.test")
    before = world.sides()
    assert (world.sync().code, world.linked()) == (0, linked)
    assert {path for path, stamp in world.sides().items() if before[path] != stamp} == {
        "vault/Archive/2026/Somebody.md"
    }
    assert "email: new.a@example.test\n" in moved.read_text()


def test_two_notes_with_one_uid_are_both_held_until_one_of_them_goes(world: FolderWorld) -> None:
    twin = world.note("Copy")
    shutil.copyfile(world.note(ADA), twin)
    edit(twin, "a@example.test", "twin.a@example.test")
    edit(world.card_of(ADA), "a@example.test", "card.a@example.test")
    before = world.sides()
    ran = world.sync()
    assert (ran.code, world.sides()) == (1, before)
    assert f"People/{ADA}.md: " in ran.said
    assert "People/Copy.md: " in ran.said
    twin.unlink()
    assert world.sync().code == 0
    assert "email: card.a@example.test\n" in world.note(ADA).read_text()


def test_a_name_that_a_contact_bears_makes_no_second_one_and_no_link(world: FolderWorld) -> None:
    world.note("Bo Newcomer").write_text(person("Bo Newcomer"))
    (world.contacts / "other.vcf").write_text(card("Bo Newcomer", "TEL:+47 55 55 01 00"), newline="")
    before = world.sides()
    assert (world.sync().code, world.sides()) == (1, before)
    assert _questions(world) == {("People/Bo Newcomer.md", "SAME_NAME")}


def test_an_address_of_two_notes_blocks_these_two_only(world: FolderWorld) -> None:
    for name in ("Bo First", "Bo Second"):
        world.note(name).write_text(person(name, "email: both@example.test"))
    world.note("Cy Alone").write_text(person("Cy Alone", "email: cy@example.test"))
    (world.contacts / "other.vcf").write_text(card("Bo", "EMAIL:both@example.test"), newline="")
    before = world.sides()
    assert world.sync().code == 1
    after = world.sides()
    assert {path for path in before if after[path] != before[path]} == {"vault/People/Cy Alone.md"}
    assert after.keys() - before.keys() == {f"contacts/{world.card_of('Cy Alone').name}"}
    assert _questions(world) == {
        ("People/Bo First.md", "SEVERAL_NOTES"),
        ("People/Bo Second.md", "SEVERAL_NOTES"),
    }


def test_more_changes_than_are_plausible_wait_and_touch_neither_side(world: FolderWorld) -> None:
    for name in NAMES[:6]:
        edit(world.card_of(name), "@example.test", "@other.test")
    edit(world.note(NAMES[-1]), "@example.test", "@own.test")
    before = world.sides()
    assert (_unasked(world).code, world.sides()) == (4, before)
    assert world.sync().code == 0
    assert all("@other.test" in world.note(name).read_text() for name in NAMES[:6])
    assert "@own.test" in world.card_of(NAMES[-1]).read_text()


def test_a_first_run_waits_for_a_word_and_touches_neither_side(tmp_path: Path) -> None:
    world = made(tmp_path)
    world.note(ADA).write_text(person(ADA))
    (world.contacts / "other.vcf").write_text(card("Some Body"), newline="")
    assert world.contactd("init").code == 0
    before = world.sides()
    assert [_unasked(world).code, _unasked(world).code] == [4, 4]
    assert (world.sides(), world.linked()) == (before, [])
    assert world.sync().code == 0
    assert len(world.linked()) == 1


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["text", "json"])
def test_a_dry_run_touches_nothing_at_all(world: FolderWorld, options: tuple[str, ...]) -> None:
    edit(world.note(ADA), "a@example.test", "new.a@example.test")
    edit(world.card_of(NAMES[1]), "b@example.test", "new.b@example.test")
    world.note("New One").write_text(person("New One"))
    before = seen(world.root)
    ran = world.sync("--dry-run", *options)
    assert (ran.code, seen(world.root)) == (0, before)
    assert "new.a@example.test" in ran.said
    assert "new.b@example.test" in ran.said


def test_a_dry_run_before_the_first_run_makes_neither_state_nor_marker(tmp_path: Path) -> None:
    world = made(tmp_path)
    world.note(ADA).write_text(person(ADA))
    before = seen(world.root)
    ran = world.sync("--dry-run")
    assert (ran.code, seen(world.root), world.state.exists()) == (4, before, False)
