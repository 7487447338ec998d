"""Whoever is told to be at rest has the empty plan: the shortcut never changes what is done.

Asked of every person in every look of many histories of the simulation, of which most are anything but calm.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

import pytest

from mappings import plan
from mappings.at_rest import Calm, calm, is_at_rest
from mappings.brakes import Limit
from mappings.fields import Direction
from mappings.person import FieldName, Uid, Value
from mappings.person_plan import NOTHING, Pair, plan_person
from mappings.world import NoteState, World
from simulation.history import run
from worlds import account, link, note, policies, record, world

CHUNKS, HISTORIES = 4, 15


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_whoever_is_at_rest_has_the_empty_plan(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    worlds: list[World] = []
    asked = [0, 0]

    def seen(state: World, stirred: AbstractSet[Uid]) -> Calm:
        worlds.append(state)
        return calm(state, stirred)

    def checked(person: NoteState, pairs: Sequence[Pair], calmly: Calm) -> bool:
        rests = is_at_rest(person, pairs, calmly)
        asked[rests] += 1
        if rests:
            assert plan_person(person, pairs, (), (), worlds[-1]) == NOTHING
        return rests

    monkeypatch.setattr(plan, "calm", seen)
    monkeypatch.setattr(plan, "is_at_rest", checked)
    for seed in range(chunk * HISTORIES + 1, (chunk + 1) * HISTORIES + 1):
        run(seed)
    assert min(asked) > 50


ADA: Mapping[FieldName, Value] = {"name": "Ada", "title": "Analyst", "emails": ("ada@example.test",)}


def is_calm(state: World) -> bool:
    """Tell whether nobody of a world needs a plan, as the plan itself goes by it."""
    asked: list[bool] = []

    def seen(person: NoteState, pairs: Sequence[Pair], calmly: Calm) -> bool:
        asked.append(is_at_rest(person, pairs, calmly))
        return asked[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "is_at_rest", seen)
        plan.plan(state, {one.name: Limit(1000, 100) for one in state.accounts}, frozenset())
    return all(asked)


def test_a_person_in_step_is_at_rest_and_one_with_any_difference_is_not() -> None:
    ada = record("1", ADA, uid="ada")
    linked = link("ada", "1", ADA)
    assert is_calm(world(note("ada", ADA), accounts=(account(ada),), links=(linked,)))
    assert not is_calm(world(note("ada", {**ADA, "title": "Poet"}), accounts=(account(ada),), links=(linked,)))
    changed = record("1", {**ADA, "title": "Poet"}, uid="ada")
    assert not is_calm(world(note("ada", ADA), accounts=(account(changed),), links=(linked,)))
    assert not is_calm(world(note("ada", ADA), accounts=(account(record("1", ADA)),), links=(linked,)))
    assert not is_calm(world(note("ada", ADA, carries_uid=False), accounts=(account(ada),), links=(linked,)))
    assert not is_calm(world(note("ada", ADA), accounts=(account(ada),), links=(link("ada", "1", {}),)))


def test_a_field_that_is_off_does_not_disturb() -> None:
    off = policies(directions={"title": Direction.OFF})
    ada = record("1", {**ADA, "title": "Poet"}, uid="ada")
    state = world(note("ada", ADA), accounts=(account(ada, policies=off),), links=(link("ada", "1", ADA),))
    assert is_calm(state)
