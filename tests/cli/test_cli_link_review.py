"""Doubtful links: told with their evidence, answered by one key each, and once answered never asked about again."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from folder_worlds import CONTACTD, FolderWorld, Ran, card, made, person
from terminal import terminal

Contactd = Callable[..., Ran]
Command = Callable[..., Ran]
NeedsTool = Callable[[str], Path]
ADA, GRACE, EDITH = "Ada Byron", "Grace Hopper", "Edith Clarke"


@pytest.fixture
def world(tmp_path: Path) -> FolderWorld:
    return made(tmp_path)


@pytest.fixture
def told(contactd: Contactd, world: FolderWorld) -> Command:
    """Run a command on the world."""
    return lambda *arguments: contactd(*arguments, "--config", world.config)


@pytest.fixture
def doubtful(told: Command, world: FolderWorld) -> FolderWorld:
    """Three people whom contacts of the same name may be."""
    for name, line in ((ADA, "company: Engines"), (GRACE, "company: Navy"), (EDITH, "company: GE")):
        world.note(name).write_text(person(name, line), "utf-8")
    for number, (name, line) in enumerate(
        [(ADA, "ORG:Engines"), (GRACE, "ORG:Army"), (EDITH, "ORG:x"), (EDITH, "ORG:GE")]
    ):
        (world.contacts / f"{number}.vcf").write_text(card(name, line), newline="")
    assert told("sync", "--once", "--yes").code == 1
    assert len(waiting(told)) == 3
    return world


def waiting(told: Command) -> list[str]:
    return sorted(one["path"] for one in json.loads(told("links", "--json").said)["waiting"])


def test_all_are_gone_through_with_one_key_each(
    told: Command, doubtful: FolderWorld, needs_tool: NeedsTool, tmp_path: Path
) -> None:
    command: list[str | Path] = [CONTACTD, "links", "review", "--config", doubtful.config]
    with terminal(needs_tool("tmux"), tmp_path, command) as screen:
        for number, path in enumerate(waiting(told), start=1):
            shown = screen.wait_for(f"Person {number} of 3")
            assert path in shown
            assert all(len(line) <= 80 for line in shown.splitlines())
            screen.type({f"People/{ADA}.md": "1", f"People/{GRACE}.md": "x", f"People/{EDITH}.md": "1"}[path])
        screen.wait_for("ENDED 0")
    assert waiting(told) == []
    told("sync", "--once", "--yes")
    links = {remote_id for _, remote_id in doubtful.linked()}
    # The likeliest of two stands first; whoever was told apart has a contact of her own.
    assert {"0.vcf", "3.vcf"} < links
    assert len(links) == 3
    assert "1.vcf" not in links


def test_the_evidence_is_shown_and_the_likeliest_stands_first(
    doubtful: FolderWorld, needs_tool: NeedsTool, tmp_path: Path
) -> None:
    command: list[str | Path] = [CONTACTD, "links", "review", "--config", doubtful.config]
    with terminal(needs_tool("tmux"), tmp_path, command, lines=40) as screen:
        for number in range(1, 4):
            shown = screen.wait_for(f"Person {number} of 3")
            if f"{EDITH}.md" in shown:
                assert shown.index("3.vcf") < shown.index("2.vcf")
                assert "same name, same organization: GE" in shown
            screen.type("s")
        screen.wait_for("3 people left")


def test_who_was_told_apart_by_command_is_never_asked_about_again(told: Command, doubtful: FolderWorld) -> None:
    assert told("never", GRACE, "1.vcf").code == 0
    assert waiting(told) == [f"People/{ADA}.md", f"People/{EDITH}.md"]
    told("sync", "--once", "--yes")
    assert waiting(told) == [f"People/{ADA}.md", f"People/{EDITH}.md"]
    assert len(doubtful.cards()) == 5
    assert told("never", GRACE, "nothing.vcf").code == 64


def test_what_was_parted_stays_so_until_it_is_linked_again(told: Command, doubtful: FolderWorld) -> None:
    told("link", ADA, "0.vcf")
    told("sync", "--once", "--yes")
    assert told("unlink", ADA).code == 0
    before = doubtful.sides()
    for _ in range(3):
        told("sync", "--once", "--yes")
    assert doubtful.sides() == before
    assert "parted by you" in told("links").said
    assert f"People/{ADA}.md" not in waiting(told)
    assert told("unlink", ADA).code == 64
    assert told("link", ADA, "0.vcf").code == 0
    told("sync", "--once", "--yes")
    assert "0.vcf" in {remote_id for _, remote_id in doubtful.linked()}


def test_without_a_terminal_it_says_what_to_do_instead(told: Command) -> None:
    ran = told("links", "review")
    assert (ran.code, "contactd link" in ran.said) == (64, True)
