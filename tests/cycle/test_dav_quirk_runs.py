"""The installed program with servers that keep something else than what they were given: nobody's value is lost."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from dav_quirks import BOOK, Quirks, Quirky, quirky
from folder_worlds import FolderWorld, person, seen

pytestmark = pytest.mark.thorough


def world_with(root: Path, server: Quirky) -> FolderWorld:
    world = FolderWorld(root)
    world.vault.joinpath("People").mkdir(parents=True)
    paths = {"v": json.dumps(str(world.vault)), "s": json.dumps(str(world.state))}
    world.config.write_text(
        f"[vault]\npath = {paths['v']}\n[state]\npath = {paths['s']}\n"
        f'[accounts.home]\nconnector = "dav"\nurl = "{server.url}"\nnew_contacts = "all"\n'
    )
    world.note("Ada King").write_text(person("Ada King", "email: ad@example.test", "job_title: Analyst"))
    return world


def rests(world: FolderWorld, server: Quirky, code: int) -> None:
    """Nobody writes anything in two further runs."""
    notes, cards = seen(world.vault), dict(server.cards)
    server.wire.requests.clear()
    for _ in range(2):
        ran = world.sync()
        assert ran.code == code, ran.said
    assert (server.wire.writes, seen(world.vault), server.cards) == ([], notes, cards)


def dropping(name: str) -> Callable[[str], str]:
    def keep(text: str) -> str:
        return re.sub(rf"(?m)^{name}[:;].*\r\n", "", text)

    return keep


def test_a_value_that_the_server_drops_stays_in_the_note_and_is_told(tmp_path: Path) -> None:
    with quirky(Quirks(keep=dropping("TITLE"))) as server:
        world = world_with(tmp_path, server)
        assert world.sync().code == 0
        ran = world.sync()
        assert ran.code == 1, ran.said
        assert "the server keeps it otherwise than it was written" in ran.said
        assert "job_title: Analyst" in world.note("Ada King").read_text()
        rests(world, server, 1)
        (path,) = server.cards
        server.put(path, server.cards[path][1].replace("END:VCARD", "NICKNAME:Ad\r\nEND:VCARD"))
        for _ in range(2):
            assert world.sync().code in {0, 1}
        text = world.note("Ada King").read_text()
        assert "job_title: Analyst" in text
        assert "Ad\n" in text
        rests(world, server, 1)


def test_a_value_that_the_server_rewrites_is_neither_sent_again_nor_taken_for_an_edit(tmp_path: Path) -> None:
    with quirky(Quirks(keep=lambda text: text.replace("TITLE:Analyst", "TITLE:ANALYST (VERIFIED)"))) as server:
        world = world_with(tmp_path, server)
        assert world.sync().code == 0
        rests(world, server, 1)
        assert "job_title: Analyst" in world.note("Ada King").read_text()


@pytest.mark.parametrize("name", ["X-CONTACTD-UID", "UID"])
def test_an_id_that_the_server_drops_is_not_sent_again_and_again(tmp_path: Path, name: str) -> None:
    with quirky(Quirks(keep=dropping(name))) as server:
        world = world_with(tmp_path, server)
        assert world.sync().code == 0
        rests(world, server, 0)
        assert len(server.cards) == 1


def test_a_server_that_empties_its_address_book_takes_no_note_with_it(tmp_path: Path) -> None:
    with quirky(Quirks()) as server:
        world = world_with(tmp_path, server)
        for number in range(12):
            world.note(f"P{number} Q").write_text(person(f"P{number} Q", f"email: p{number}@example.test"))
        assert world.sync().code == 0
        notes = seen(world.vault)
        server.cards.clear()
        server.forget_tokens()
        # The first look only misses them; what the second misses too waits for the owner.
        assert [world.contactd("sync", "--once").code for _ in range(3)] == [0, 4, 4]
        assert (seen(world.vault), server.cards) == (notes, {})


def test_a_stranger_in_the_place_of_a_new_card_is_told_and_everybody_else_arrives(tmp_path: Path) -> None:
    with quirky(Quirks(unacceptable=lambda text: 403 if "Ada King" in text else None)) as server:
        world = world_with(tmp_path, server)
        world.note("Bo Lind").write_text(person("Bo Lind", "email: bo@example.test"))
        ran = world.sync()
        assert ran.code == 1, ran.said
        assert "the server does not take it: 403 (valid-address-data)" in ran.said
        assert ["FN:Bo Lind" in text for text in server.texts().values()] == [True]
        assert BOOK in next(iter(server.cards))
