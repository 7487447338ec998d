"""Tags: those that the owner listed travel both ways, all others stay on the side that has them."""

from dataclasses import replace

import pytest

from mappings.brakes import Limit
from mappings.fields import DEFAULT_POLICIES, Direction, Format, Policy, Rule
from mappings.operation import CreateRecord, UpdateRecord, WriteNote, values_after
from mappings.plan import Plan, plan
from mappings.world import AccountState, NoteState, World
from worlds import WRITABLE, account, link, note, record, world

LISTED = {**DEFAULT_POLICIES, "tags": Policy(Rule.UNION, Direction.BOTH, frozenset({"friend", "climber"}))}


def planned(state: World) -> Plan:
    return plan(state, {one.name: Limit(people=1000, share_percent=100) for one in state.accounts}, frozenset())


def ann(*tags: str) -> NoteState:
    return replace(note("ann", {"name": "Ann", "tags": tags}), holdable=WRITABLE | {"tags"})


def book(*tags: str, format_: Format = Format.VCARD) -> AccountState:
    return account(record("r", {"name": "Ann", "tags": tags}, uid="ann"), policies=LISTED, format=format_)


def linked(noted: tuple[str, ...], theirs: tuple[str, ...], base: tuple[str, ...]) -> World:
    return world(ann(*noted), accounts=(book(*theirs),), links=(link("ann", "r", {"name": "Ann", "tags": base}),))


@pytest.mark.parametrize("form", Format)
def test_others_are_no_difference(form: Format) -> None:
    state = world(
        ann("friend", "type/people"),
        accounts=(book("Blue category", "friend", format_=form),),
        links=(link("ann", "r", {"name": "Ann", "tags": ("friend",)}),),
    )
    result = planned(state)
    assert (result.operations, result.conflicts, result.surplus) == ((), (), ())


def test_a_listed_tag_of_the_note_goes_beside_what_the_contact_has() -> None:
    (update,) = planned(linked(("friend", "type/people", "climber"), ("Blue", "friend"), ("friend",))).operations
    assert isinstance(update, UpdateRecord)
    assert {*values_after(update.changes)["tags"]} == {"Blue", "friend", "climber"}
    assert {*update.agreed.values["tags"]} == {"friend", "climber"}


def test_a_listed_tag_that_the_note_lost_goes_and_no_other() -> None:
    (update,) = planned(linked(("type/people",), ("Blue", "friend"), ("friend",))).operations
    assert isinstance(update, UpdateRecord)
    assert values_after(update.changes) == {"tags": ("Blue",)}


def test_a_listed_tag_of_the_contact_comes_beside_what_the_note_has() -> None:
    (write,) = planned(linked(("type/people",), ("Blue", "climber"), ())).operations
    assert isinstance(write, WriteNote)
    assert values_after(write.changes) == {"tags": ("type/people", "climber")}
    assert write.agreed[0].values == {"tags": ("climber",)}


def test_a_new_contact_gets_the_listed_ones() -> None:
    state = world(ann("friend", "type/people"), accounts=(account(policies=LISTED),))
    (creation,) = (step for step in planned(state).operations if isinstance(step, CreateRecord))
    assert (creation.person.tags, creation.agreed.values["tags"]) == (("friend",), ("friend",))
