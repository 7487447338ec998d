"""Links and bases: exact, merged field by field, and not believed when a bit has flipped."""

import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon import links
from daemon.state import State
from mappings.fields import FIELDS, Cardinality
from mappings.person import FieldName, Uid, Value
from mappings.record import AccountName, Etag, NotePath, RemoteId
from mappings.world import LinkState, Tombstone

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOME, WORK = AccountName("home"), AccountName("work")
ADA = Uid("ada")
CARD = RemoteId("ada.vcf")


def linked() -> State:
    state = State.in_memory()
    with state.transaction() as tx:
        links.add_link(tx, HOME, ADA, CARD)
        links.agree(tx, HOME, ADA, {"name": "Ada", "emails": ("ada@example.test",)})
    return state


def base_of(state: State) -> dict[FieldName, Value]:
    (link,) = links.links(state)
    return dict(link.base)


def test_a_new_link_has_agreed_on_nothing() -> None:
    state = State.in_memory()
    with state.transaction() as tx:
        links.add_link(tx, HOME, ADA, CARD)
    assert links.links(state) == (LinkState(HOME, ADA, CARD, {}, Etag("")),)


def test_agreeing_changes_the_named_fields_and_keeps_blank_ones_as_agreed() -> None:
    state = linked()
    with state.transaction() as tx:
        links.agree(tx, HOME, ADA, {"emails": (), "title": ""})
    assert base_of(state) == {"name": "Ada", "emails": (), "title": ""}


def test_a_link_that_has_ended_agrees_on_nothing() -> None:
    state = linked()
    with state.transaction() as tx:
        links.remove_link(tx, HOME, ADA)
        links.agree(tx, HOME, ADA, {"name": "Ada"})
    assert links.links(state) == ()


@pytest.mark.parametrize(("uid", "remote_id"), [("ada", "other.vcf"), ("bob", "ada.vcf")])
def test_nobody_is_linked_twice_in_an_account(uid: str, remote_id: str) -> None:
    state = linked()
    with pytest.raises(sqlite3.IntegrityError), state.transaction() as tx:
        links.add_link(tx, HOME, Uid(uid), RemoteId(remote_id))
    with state.transaction() as tx:
        links.add_link(tx, WORK, ADA, CARD)
    assert [(link.account, link.uid) for link in links.links(state)] == [(HOME, ADA), (WORK, ADA)]


@pytest.mark.parametrize("bit", [0, 70, 100, 300])
def test_a_base_with_a_flipped_bit_is_as_if_it_were_lost_until_values_are_agreed_on_anew(
    tmp_path: Path, bit: int
) -> None:
    with closing(State.open(tmp_path, NOW)) as state, state.transaction() as tx:
        links.add_link(tx, HOME, ADA, CARD)
        links.agree(tx, HOME, ADA, {"name": "Ada", "emails": ("ada@example.test",)})
    content = bytearray((tmp_path / "state.db").read_bytes())
    start = content.index(b'{"name":"Ada"') - 8
    content[start + bit // 8] ^= 1 << bit % 8
    (tmp_path / "state.db").write_bytes(content)
    with closing(State.open(tmp_path, NOW)) as state:
        assert links.links(state) == (LinkState(HOME, ADA, CARD, {}, Etag("")),)
        assert links.damaged_bases(state) == ((HOME, ADA),)
        with state.transaction() as tx:
            links.agree(tx, HOME, ADA, {"title": "Countess"})
        assert base_of(state) == {"title": "Countess"}
        assert links.damaged_bases(state) == ()


def test_fields_that_this_program_does_not_know_or_knows_otherwise_are_passed_over() -> None:
    state = linked()
    with state.transaction() as tx:
        # As a later program would have agreed: a field of its own, and a title with several values.
        later = {"name": "Ada", "pronouns": "she", "title": ("Countess", "Lady")}
        links.agree(tx, HOME, ADA, later)  # type: ignore[arg-type]  # names that the table lacks
    assert base_of(state) == {"name": "Ada", "emails": ("ada@example.test",)}


def test_tombstones_are_found_by_the_whole_pair() -> None:
    state = State.in_memory()
    pair, other = Tombstone(HOME, ADA, CARD), Tombstone(HOME, ADA, RemoteId("2.vcf"))
    with state.transaction() as tx:
        for tombstone in (pair, other, pair):
            links.bury(tx, tombstone, "contact deleted", NOW)
        links.unbury(tx, HOME, ADA, RemoteId("2.vcf"))
    assert links.tombstones(state) == {pair}


def test_people_are_remembered_where_they_were_last_seen() -> None:
    state = State.in_memory()
    with state.transaction() as tx:
        links.remember_person(tx, ADA, NotePath("Ada.md"))
        links.remember_person(tx, Uid("bob"), NotePath("Bob.md"))
        links.remember_person(tx, ADA, NotePath("Archive/Ada ⚓.md"))
        links.forget_person(tx, Uid("bob"))
    assert links.people(state) == {"ada": "Archive/Ada ⚓.md"}
    assert links.path_of(state, ADA) == "Archive/Ada ⚓.md"
    assert links.path_of(state, Uid("bob")) is None


# Everything that a text can hold: NUL, newlines, bidirectional marks, astral planes, lone surrogates.
ANY_TEXT = st.text(st.characters(), max_size=12)
# Names of people, records and accounts are what a file or a protocol can carry: UTF-8.
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


def values() -> st.SearchStrategy[dict[FieldName, Value]]:
    by_field: dict[FieldName, st.SearchStrategy[Value]] = {
        name: ANY_TEXT if field.cardinality is Cardinality.ONE else st.lists(ANY_TEXT, max_size=3).map(tuple)
        for name, field in FIELDS.items()
    }
    return st.fixed_dictionaries({}, optional=by_field)


STEPS = st.lists(st.tuples(st.sampled_from(("agree", "remove", "crash")), st.integers(0, 2), values()), max_size=10)


def carry_out(state: State, step: str, uid: Uid, agreed: dict[FieldName, Value]) -> None:
    with state.transaction() as tx:
        if step == "remove":
            links.remove_link(tx, HOME, uid)
            return
        if uid not in {link.uid for link in links.links(tx)}:
            links.add_link(tx, HOME, uid, RemoteId(uid))
        links.agree(tx, HOME, uid, agreed)
        if step == "crash":
            raise KeyboardInterrupt


@settings(max_examples=60)
@given(uids=st.lists(NAMES, min_size=3, max_size=3, unique=True), steps=STEPS)
def test_any_history_of_links_reads_back_exactly(
    uids: list[str], steps: list[tuple[str, int, dict[FieldName, Value]]]
) -> None:
    expected: dict[str, dict[FieldName, Value]] = {}
    with closing(State.in_memory()) as state:
        for step, index, agreed in steps:
            uid = Uid(uids[index])
            with suppress(KeyboardInterrupt):
                carry_out(state, step, uid, agreed)
            if step == "agree":
                expected[uid] = expected.get(uid, {}) | agreed
            elif step == "remove":
                expected.pop(uid, None)
        assert {link.uid: link.base for link in links.links(state)} == expected
        assert links.damaged_bases(state) == ()
