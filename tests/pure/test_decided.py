"""What the owner decides of a state of the sides: carried out exactly, and only as long as that state lasts."""

from collections.abc import Mapping

import pytest

from mappings.brakes import Limit
from mappings.conflict import UNDECIDED, ConflictId, Decided, Standstill
from mappings.fields import Rule
from mappings.merge import OWNER
from mappings.operation import UpdateRecord, WriteNote
from mappings.person import FieldName, Uid, Value
from mappings.plan import Plan, plan
from mappings.record import AccountName
from mappings.world import World
from worlds import account, link, note, policies, record, world

Values = Mapping[FieldName, Value]
HOME = AccountName("home")
WORK = AccountName("work")
ADA = Uid("ada")

CLASHES: tuple[tuple[FieldName, Value, Value, Value, Value], ...] = (
    ("organization", "Navy", "Army", "Guild", "Circus"),
    ("title", "Analyst", "", "Poet", "Countess"),
    ("emails", ("a@example.test",), (), ("b@example.test",), ("a@example.test", "c@example.test")),
    ("birthday", "1815-12-10", "", "1815-12-11", "1815-12-12"),
)
"""A field that is asked about: what both sides agreed on, what the note and the contact say now, a further value."""


def ada(name: FieldName, base: Value, ours: Value, theirs: Value, decided: Decided = UNDECIDED) -> World:
    return world(
        note("ada", {"name": "Ada", name: ours}),
        accounts=(account(record("1", {"name": "Ada", name: theirs}, uid="ada")),),
        links=(link("ada", "1", {"name": "Ada", name: base}),),
        decided=decided,
    )


def planned(state: World) -> Plan:
    roomy = Limit(people=1000, share_percent=100)
    return plan(state, {one.name: roomy for one in state.accounts}, frozenset())


def the_conflict(state: World) -> ConflictId:
    (conflict,) = planned(state).conflicts
    assert not conflict.settled_by
    return conflict.id


def told_to_say(result: Plan) -> tuple[Values, Values]:
    """Return what the note and the contact are told to say otherwise."""
    to_note: dict[FieldName, Value] = {}
    to_contact: dict[FieldName, Value] = {}
    for step in result.operations:
        if isinstance(step, WriteNote):
            to_note |= {change.field: change.after for change in step.changes}
        elif isinstance(step, UpdateRecord):
            to_contact |= {change.field: change.after for change in step.changes}
    return to_note, to_contact


@pytest.mark.parametrize(("name", "base", "ours", "theirs", "other"), CLASHES)
def test_each_answer_makes_both_sides_say_it(
    name: FieldName, base: Value, ours: Value, theirs: Value, other: Value
) -> None:
    conflict = the_conflict(ada(name, base, ours, theirs))
    answers: tuple[tuple[Value, tuple[Values, Values]], ...] = (
        (ours, ({}, {name: ours})),
        (theirs, ({name: theirs}, {})),
        (other, ({name: other}, {name: other})),
    )
    for chosen, told in answers:
        result = planned(ada(name, base, ours, theirs, Decided({conflict: chosen}, {}, {})))
        assert told_to_say(result) == told
        (settled,) = result.conflicts
        assert (settled.id, settled.settled_by, settled.chosen) == (conflict, OWNER, chosen)


def test_an_answer_is_about_what_the_owner_saw_and_nothing_else() -> None:
    conflict = the_conflict(ada("organization", "Navy", "Army", "Guild"))
    answered = Decided({conflict: "Army"}, {}, {})
    (asked_again,) = planned(ada("organization", "Navy", "Army", "Circus", answered)).conflicts
    assert (asked_again.settled_by, asked_again.id == conflict) == ("", False)


def test_an_answer_reaches_every_account_that_says_otherwise() -> None:
    def state(decided: Decided) -> World:
        says: dict[str, Values] = {"1": {"organization": "Guild"}, "2": {"organization": "Circus"}}
        return world(
            note("ada", {"organization": "Army"}),
            accounts=(
                account(record("1", says["1"], uid="ada")),
                account(record("2", says["2"], uid="ada"), name="work"),
            ),
            links=(
                link("ada", "1", {"organization": "Navy"}),
                link("ada", "2", {"organization": "Navy"}, account_name="work"),
            ),
            decided=decided,
        )

    chosen = planned(state(Decided({the_conflict(state(UNDECIDED)): "Guild"}, {}, {})))
    written = {step.account: step.changes[0].after for step in chosen.operations if isinstance(step, UpdateRecord)}
    assert written == {WORK: "Guild"}
    assert told_to_say(chosen)[0] == {"organization": "Guild"}


def still(name: FieldName, ours: Value, theirs: Value) -> Decided:
    return Decided({}, {(ADA, name): Standstill(ADA, name, ours, {HOME: theirs})}, {})


STATES: tuple[tuple[FieldName, Value, Value, Value], ...] = (
    ("title", "Analyst", "Poet", "Analyst"),
    ("title", "Analyst", "Analyst", "Poet"),
    ("title", "Analyst", "", "Poet"),
    ("emails", (), ("a@example.test",), ("b@example.test",)),
    ("organization", "Navy", "Army", "Guild"),
)


@pytest.mark.parametrize(("name", "base", "ours", "theirs"), STATES)
def test_a_field_that_was_put_back_stands_still_while_nobody_changes_it(
    name: FieldName, base: Value, ours: Value, theirs: Value
) -> None:
    result = planned(ada(name, base, ours, theirs, still(name, ours, theirs)))
    assert (result.operations, result.conflicts, result.moved_on) == ((), (), ())


@pytest.mark.parametrize(("ours", "theirs"), [("Countess", "Analyst"), ("Poet", "Countess")])
def test_a_field_moves_again_as_soon_as_a_side_changes(ours: str, theirs: str) -> None:
    decided = still("title", "Poet", "Analyst")
    free = planned(ada("title", "Analyst", ours, theirs))
    after = planned(ada("title", "Analyst", ours, theirs, decided))
    assert (after.operations, after.conflicts) == (free.operations, free.conflicts)
    assert after.moved_on == ((ADA, "title"),)


def test_other_fields_of_the_person_go_on_meanwhile() -> None:
    state = world(
        note("ada", {"title": "Poet", "location": "London"}),
        accounts=(account(record("1", {"title": "Analyst"}, uid="ada")),),
        links=(link("ada", "1", {"title": "Analyst"}),),
        decided=still("title", "Poet", "Analyst"),
    )
    assert told_to_say(planned(state)) == ({}, {"location": "London"})


def test_an_account_that_is_away_does_not_end_a_standstill() -> None:
    decided = Decided({}, {(ADA, "title"): Standstill(ADA, "title", "Poet", {HOME: "Analyst", WORK: "Analyst"})}, {})
    state = world(
        note("ada", {"title": "Poet"}),
        accounts=(
            account(record("1", {"title": "Analyst"}, uid="ada")),
            account(name="work", reachable=False),
        ),
        links=(link("ada", "1", {"title": "Analyst"}), link("ada", "2", {"title": "Analyst"}, account_name="work")),
        decided=decided,
    )
    assert (planned(state).operations, planned(state).moved_on) == ((), ())


def test_what_the_owner_chose_is_exact_even_where_lists_unite() -> None:
    rules = policies({"emails": Rule.UNION})
    base, ours, theirs = ("a@example.test",), (), ("b@example.test",)
    state = world(
        note("ada", {"emails": ours}),
        accounts=(account(record("1", {"emails": theirs}, uid="ada"), policies=rules),),
        links=(link("ada", "1", {"emails": base}),),
    )
    (conflict,) = planned(state).conflicts
    chosen = world(*state.notes, accounts=state.accounts, links=state.links, decided=Decided({conflict.id: ()}, {}, {}))
    assert told_to_say(planned(chosen)) == ({}, {"emails": ()})


@pytest.mark.parametrize(("name", "base", "ours", "theirs"), STATES)
def test_a_field_that_was_put_back_is_settled_by_its_id_and_has_not_moved_on_until_a_side_says_so(
    name: FieldName, base: Value, ours: Value, theirs: Value
) -> None:
    """A run may die between the choice and its writing: the field must not go its own way then."""
    ((_, standstill),) = still(name, ours, theirs).standstills.items()
    answers: tuple[tuple[Value, tuple[Values, Values]], ...] = (
        (ours, ({}, {name: ours})),
        (theirs, ({name: theirs}, {})),
    )
    for chosen, told in answers:
        decided = Decided({standstill.id: chosen}, {(ADA, name): standstill}, {})
        result = planned(ada(name, base, ours, theirs, decided))
        assert (told_to_say(result), result.moved_on) == (told, ())
        (settled,) = result.conflicts
        assert (settled.id, settled.settled_by, settled.chosen) == (standstill.id, OWNER, chosen)


def test_what_was_chosen_for_a_field_that_was_put_back_is_void_once_a_side_has_changed() -> None:
    standstill = Standstill(ADA, "title", "Poet", {HOME: "Analyst"})
    decided = Decided({standstill.id: "Analyst"}, {(ADA, "title"): standstill}, {})
    result = planned(ada("title", "Analyst", "Countess", "Analyst", decided))
    assert (told_to_say(result), result.moved_on) == (({}, {"title": "Countess"}), ((ADA, "title"),))
