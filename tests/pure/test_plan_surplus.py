"""A record that has less room than a note: what is over stays in the note, is told, and is never taken for deleted."""

from collections.abc import Mapping

import pytest

from mappings.brakes import Limit
from mappings.fields import Format, Rule
from mappings.operation import Agree, Link, UpdateRecord, WriteNote, values_after
from mappings.person import FieldName
from mappings.plan import Plan, plan
from mappings.record import AccountName, Record
from mappings.world import AccountState, World
from worlds import account, link, note, policies, record, world

HOME = AccountName("home")
FIVE = ("1@x.test", "2@x.test", "3@x.test", "4@x.test", "5@x.test")


def planned(state: World) -> Plan:
    return plan(state, {one.name: Limit(people=1000, share_percent=100) for one in state.accounts}, frozenset())


def a_small_account(*records: Record, rules: Mapping[FieldName, Rule] | None = None) -> AccountState:
    return account(*records, format=Format.GRAPH, policies=policies(rules))


def linked_world(note_emails: tuple[str, ...], theirs: tuple[str, ...], base: tuple[str, ...], rule: Rule) -> World:
    return world(
        note("ann", {"name": "Ann", "emails": note_emails}),
        accounts=(a_small_account(record("r", {"name": "Ann", "emails": theirs}, uid="ann"), rules={"emails": rule}),),
        links=(link("ann", "r", {"name": "Ann", "emails": base}),),
    )


@pytest.mark.parametrize("rule", [Rule.UNION, Rule.VAULT_WINS, Rule.REMOTE_WINS, Rule.ASK])
def test_what_a_record_has_no_room_for_is_neither_pushed_nor_taken_for_deleted_and_is_told(rule: Rule) -> None:
    result = planned(linked_world(FIVE, FIVE[:3], FIVE[:3], rule))
    assert (result.operations, result.conflicts) == ((), ())
    assert [(one.account, one.field, one.count) for one in result.surplus] == [(HOME, "emails", 2)]


@pytest.mark.parametrize("rule", [Rule.UNION, Rule.VAULT_WINS, Rule.REMOTE_WINS, Rule.ASK])
def test_an_address_changed_in_a_full_record_reaches_the_note_beside_the_surplus(rule: Rule) -> None:
    theirs = ("1@x.test", "2@x.test", "new@x.test")
    (write,) = planned(linked_world(FIVE, theirs, FIVE[:3], rule)).operations
    assert isinstance(write, WriteNote)
    assert {*values_after(write.changes)["emails"]} == {*theirs, "4@x.test", "5@x.test"}


def test_an_address_that_goes_makes_room_for_one_that_had_none() -> None:
    (update,) = planned(linked_world(FIVE[1:], FIVE[:3], FIVE[:3], Rule.UNION)).operations
    assert isinstance(update, UpdateRecord)
    assert {*values_after(update.changes)["emails"]} == {*FIVE[1:4]}


@pytest.mark.parametrize("rule", [Rule.UNION, Rule.ASK])
def test_a_full_record_met_for_the_first_time_keeps_its_addresses(rule: Rule) -> None:
    state = world(
        note("ann", {"name": "Ann", "emails": FIVE}),
        accounts=(
            a_small_account(record("r", {"name": "Ann", "emails": FIVE[2:]}, uid="ann"), rules={"emails": rule}),
        ),
    )
    result = planned(state)
    assert (result.conflicts, [type(step) for step in result.operations]) == ((), [Link, Agree])


def test_a_birthday_that_a_record_cannot_hold_stays_and_one_that_it_has_does_not_overwrite_it() -> None:
    state = world(
        note("ann", {"name": "Ann", "birthday": "--07-22"}),
        accounts=(a_small_account(record("r", {"name": "Ann", "birthday": "1974-07-22"}, uid="ann")),),
        links=(link("ann", "r", {"name": "Ann"}),),
    )
    result = planned(state)
    assert (result.operations, result.conflicts) == ((), ())
    assert [(one.field, one.count) for one in result.surplus] == [("birthday", 1)]


@pytest.mark.parametrize(
    ("noted", "theirs", "base", "steps", "surplus"),
    [
        ("", "--07-22", "", [WriteNote], 0),
        ("--07-22", "--07-22", "", [Agree], 0),
        ("--07-22", "--07-22", "--07-22", [], 0),
        ("", "--07-22", "--07-22", [UpdateRecord], 0),
        ("--07-23", "--07-22", "--07-22", [], 1),
        ("1974-07-22", "--07-22", "--07-22", [UpdateRecord], 0),
    ],
)
def test_a_birthday_without_its_year_is_held_where_a_phone_has_put_it(
    noted: str, theirs: str, base: str, steps: list[type], surplus: int
) -> None:
    state = world(
        note("ann", {"name": "Ann", "birthday": noted}),
        accounts=(a_small_account(record("r", {"name": "Ann", "birthday": theirs}, uid="ann")),),
        links=(link("ann", "r", {"name": "Ann", "birthday": base}),),
    )
    result = planned(state)
    assert ([type(step) for step in result.operations], len(result.surplus)) == (steps, surplus)
