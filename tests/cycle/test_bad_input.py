"""A broken configuration, note or card is named by its place and left alone; all else goes on, and nothing is lost."""

from collections.abc import Callable
from pathlib import Path

import pytest

from daemon.conflicts import all_conflicts
from folder_worlds import FolderWorld, card, edit, made, person, seen

Breakage = Callable[[bytes], bytes]

# What befalls each note, and the line on which its reader finds the cause.
BROKEN_NOTES: dict[str, tuple[Breakage, str]] = {
    "No Fence": (lambda note: note[: note.rindex(b"---")], "line 1"),
    "Twice Keyed": (lambda note: note.replace(b"email:", b"email: second@example.test\nemail:"), "line 5"),
    "Tab Indented": (lambda note: note.replace(b"- type/people", b"\t- type/people"), "line 6"),
    "Latin One": (lambda note: note.replace(b"title: Latin One", b"title: L\xe4tin One"), "line 3"),
}
BROKEN_CARDS: dict[str, tuple[Breakage, str]] = {
    "No End": (lambda content: content.replace(b"END:VCARD\r\n", b""), "line 8"),
    "Two Cards": (lambda content: content + card("Some Body").encode(), "holds 2 cards"),
    "Not Text": (lambda _: bytes(range(256)), "line 2"),
}
WHOLE = ("Edited Note", "Edited Card")


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> FolderWorld:
    world = made(tmp_path_factory.mktemp("synced"))
    for name in (*BROKEN_NOTES, *BROKEN_CARDS, *WHOLE):
        world.note(name).write_text(person(name, f"email: {_box(name)}@example.test"))
    assert world.sync().code == 0
    return world


@pytest.fixture
def world(synced: FolderWorld, tmp_path: Path) -> FolderWorld:
    return synced.copied_to(tmp_path)


def _box(name: str) -> str:
    return name.replace(" ", "").lower()


def test_a_broken_configuration_tells_every_problem_and_touches_nothing(tmp_path: Path) -> None:
    world = made(
        tmp_path,
        vault='profle = "kepano"\npeople = "People"',
        account='new_contacts = "some"\ndelete_with_note = 1',
        more='[brakes]\npeople = -1\n[fields.titel]\nrule = "ask"\n[fields.title]\nrule = "vault win"',
    )
    ran = world.sync()
    title, *problems = ran.said.splitlines()
    assert ran.code == 78
    assert "configuration" in title
    assert sorted(problem.strip().partition(": ")[0] for problem in problems) == [
        "accounts.home.delete_with_note",
        "accounts.home.new_contacts",
        "brakes.people",
        "fields.titel",
        "fields.title.rule",
        "vault.people",
        "vault.profle",
    ]
    assert all("expected" in problem or "did you mean" in problem for problem in problems)
    assert seen(tmp_path).keys() == {"config.toml"}


def test_a_configuration_that_is_no_toml_is_named_with_its_line(tmp_path: Path) -> None:
    world = made(tmp_path, more="[brakes\npeople = 1")
    line = world.config.read_text().splitlines().index("[brakes") + 1
    ran = world.sync()
    assert (ran.code, f"{world.config}: " in ran.said, f"at line {line}," in ran.said) == (78, True, True)


def test_what_is_broken_is_named_with_file_and_line_and_all_else_goes_on(world: FolderWorld) -> None:
    cards = {name: world.card_of(name) for name in (*BROKEN_CARDS, *WHOLE)}
    _break(world, cards)
    edit(world.note("Edited Note"), "editednote@", "from.note@")
    edit(cards["Edited Card"], "editedcard@", "from.card@")
    before = world.sides()
    ran = world.sync()
    lines = ran.said.splitlines()
    assert ran.code == 1
    for name, (_, line) in BROKEN_NOTES.items():
        assert any(f"People/{name}.md" in told and line in told for told in lines), (name, ran.said)
    for name, (_, line) in BROKEN_CARDS.items():
        assert any(cards[name].name in told and line in told for told in lines), (name, ran.said)
        assert any(f"People/{name}.md" in told and line in told for told in lines), (name, ran.said)
    after = world.sides()
    assert {path for path in before if after[path] != before[path]} == {
        "vault/People/Edited Card.md",
        f"contacts/{cards['Edited Note'].name}",
    }
    assert b"from.card@" in after["vault/People/Edited Card.md"].content
    assert b"from.note@" in after[f"contacts/{cards['Edited Note'].name}"].content


def test_what_was_edited_opposite_of_it_arrives_once_it_is_mended(world: FolderWorld) -> None:
    """Three looks at what is broken, more than it takes for what is gone to count as deleted."""
    cards = {name: world.card_of(name) for name in (*BROKEN_NOTES, *BROKEN_CARDS)}
    whole = {
        path: path.read_bytes() for path in (*map(world.note, BROKEN_NOTES), *(cards[name] for name in BROKEN_CARDS))
    }
    linked = world.linked()
    _break(world, cards)
    for name in BROKEN_NOTES:
        edit(cards[name], f"{_box(name)}@", f"{_box(name)}.new@")
    for name in BROKEN_CARDS:
        edit(world.note(name), f"{_box(name)}@", f"{_box(name)}.new@")
    broken = world.sides()
    assert [world.sync().code for _ in range(3)] == [1, 1, 1]
    assert (world.sides(), world.linked()) == (broken, linked)
    for path, content in whole.items():
        path.write_bytes(content)
    assert world.sync().code == 0
    for name in (*BROKEN_NOTES, *BROKEN_CARDS):
        for side in (world.note(name), cards[name]):
            assert f"{_box(name)}.new@example.test" in side.read_text()
    still = world.sides()
    assert (world.sync().code, world.sides(), world.linked()) == (0, still, linked)
    with world.opened_state() as state:
        assert all_conflicts(state) == ()


UNWRITABLE: dict[str, tuple[Callable[[Path], None], Callable[[Path], None], str]] = {
    "mode": (lambda note: note.chmod(0o444), lambda note: note.chmod(0o644), "it is read-only"),
    "second name": (
        lambda note: (note.parent.parent / "second name").hardlink_to(note),
        lambda note: (note.parent.parent / "second name").unlink(),
        "it has a second name (a hard link)",
    ),
    "anchor": (
        lambda note: _rewrite(note, lambda text: text.replace(b"tags:", b"tags: &all")),
        lambda note: _rewrite(note, lambda text: text.replace(b"tags: &all", b"tags:")),
        "anchors, aliases, tags or merge keys in the frontmatter",
    ),
}


@pytest.mark.parametrize(("lock", "unlock", "reason"), UNWRITABLE.values(), ids=UNWRITABLE.keys())
def test_what_would_come_into_a_note_that_may_not_be_written_waits_and_what_it_says_travels(
    world: FolderWorld, lock: Callable[[Path], None], unlock: Callable[[Path], None], reason: str
) -> None:
    note, linked = world.note("Edited Card"), world.linked()
    edit(note, "type: people", "type: people\nrole: Analyst")
    edit(world.card_of("Edited Card"), "END:VCARD", "NICKNAME:Eddie\nEND:VCARD")
    lock(note)
    before = note.read_bytes()
    for _ in range(2):
        ran = world.sync()
        assert (ran.code, note.read_bytes()) == (1, before)
        held = f"held: People/Edited Card.md (nickname): {reason}"
        assert [line for line in ran.said.splitlines() if held in line and line.endswith("; home says Eddie")]
        assert b"TITLE:Analyst" in world.card_of("Edited Card").read_bytes()
    assert "home says Eddie (since " in world.contactd("status").said
    unlock(note)
    assert (world.sync().code, world.linked()) == (0, linked)
    assert b"Eddie" in note.read_bytes()


def test_a_note_that_can_carry_no_uid_is_linked_all_the_same(tmp_path: Path) -> None:
    world = made(tmp_path)
    world.note("Ada").write_text(person("Ada", "role: Analyst"))
    world.note("Ada").chmod(0o444)
    before = world.note("Ada").read_bytes()
    assert (world.sync().code, world.sync().code) == (0, 0)
    world.note("Ada").chmod(0o644)
    edit(world.note("Ada"), "Analyst", "Countess")
    world.note("Ada").chmod(0o444)
    assert world.sync().code == 0
    assert b"TITLE:Countess" in world.card_of("Ada").read_bytes()
    assert world.note("Ada").read_bytes() == before.replace(b"Analyst", b"Countess")
    world.note("Ada").rename(world.note("Ada Byron"))
    assert (world.sync().code, len(world.cards())) == (0, 1)


def test_a_broken_card_is_told_once(world: FolderWorld) -> None:
    card_of = world.card_of("No End")
    _rewrite(card_of, lambda content: content.replace(b"END:VCARD\r\n", b""))
    (world.contacts / "nobodys.vcf").write_text("BEGIN:VCARD\r\n")
    ran = world.sync()
    told = [line for line in ran.said.splitlines() if card_of.name in line]
    assert told == [f"held: People/No End.md (home, {card_of.name}): line 8: END:VCARD is missing"]
    assert "  skipped: nobodys.vcf: line 2: END:VCARD is missing" in ran.said
    assert world.contactd("status").said.count(card_of.name) == 1


def _break(world: FolderWorld, cards: dict[str, Path]) -> None:
    for name, (broken, _) in BROKEN_NOTES.items():
        _rewrite(world.note(name), broken)
    for name, (broken, _) in BROKEN_CARDS.items():
        _rewrite(cards[name], broken)


def _rewrite(path: Path, broken: Breakage) -> None:
    content = path.read_bytes()
    assert broken(content) != content
    path.write_bytes(broken(content))
