"""Three-way merge: a table of every meeting of two or three sides, and what holds for any of them."""

from collections.abc import Mapping
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.conflict import UNDECIDED
from mappings.fields import FIELDS, Cardinality, Direction, Rule, keys, same, value_of
from mappings.merge import Merged, Side, merge, target
from mappings.person import FieldName, Uid, Value
from mappings.record import AccountName
from worlds import WRITABLE, person, policies

Values = Mapping[FieldName, Value]
UNKNOWN = object()


def side(
    name: FieldName, base: Value | object, ours: Value, theirs: Value, *, account: str = "home",
    rule: Rule | None = None, direction: Direction | None = None,
) -> Side:  # fmt: skip
    agreed: Values = {} if base is UNKNOWN else {name: cast("Value", base)}
    rules: dict[FieldName, Rule] = {name: rule} if rule else {}
    directions: dict[FieldName, Direction] = {name: direction} if direction else {}
    return Side(
        AccountName(account), agreed, person({name: ours}), person({name: theirs}),
        policies(rules, directions), frozenset({name}), {},
    )  # fmt: skip


def merged(name: FieldName, ours: Value, *sides: Side, takes: frozenset[FieldName] = WRITABLE) -> Merged:
    return merge(Uid("u"), person({name: ours}), sides, takes, {}, UNDECIDED)


def outcome(name: FieldName, result: Merged, *sides: Side) -> tuple[Value, list[Value], str]:
    """Return what the note says afterwards, what each record is to say, and `open`, the settling rule, or ``."""
    verdict = result.verdicts[name]
    clash = "" if verdict.conflict is None else verdict.conflict.settled_by or "open"
    return verdict.value, [target(name, one, result.person, verdict) for one in sides], clash


@pytest.mark.parametrize(
    ("name", "base", "ours", "theirs", "after", "record", "clash"),
    [
        # nothing changed; equal changes
        ("title", "A", "A", "A", "A", "A", ""),
        ("title", "A", "B", "B", "B", "B", ""),
        # a one-sided change travels both ways, whatever the rule; so does a deletion
        ("title", "A", "B", "A", "B", "B", ""),
        ("title", "A", "A", "B", "B", "B", ""),
        ("organization", "A", "A", "B", "B", "B", ""),
        ("title", "A", "", "A", "", "", ""),
        ("title", "A", "A", "", "", "", ""),
        # both changed: the rule speaks
        ("title", "A", "B", "C", "B", "B", "vault wins"),
        ("organization", "A", "B", "C", "B", "C", "open"),
        ("last_contact", "2025-01-01", "2025-02-01", "2025-03-01", "2025-02-01", "2025-03-01", "open"),
        ("nickname", "A", "B", "C", "B", "C", "open"),
        ("nickname", "", "B", "C", "B", "C", "open"),
        # a deletion against a change is always asked
        ("title", "A", "", "C", "", "C", "open"),
        ("title", "A", "B", "", "B", "", "open"),
        ("emails", ("a@x",), (), ("a@x", "b@x"), (), ("a@x", "b@x"), "open"),
        # without a base: equal adopts, blank takes the other, lists unite, everything else asks
        ("title", UNKNOWN, "A", "A", "A", "A", ""),
        ("title", UNKNOWN, "", "A", "A", "A", ""),
        ("title", UNKNOWN, "A", "", "A", "A", ""),
        ("title", UNKNOWN, "A", "B", "A", "B", "open"),
        ("last_contact", UNKNOWN, "2025-01-01", "2025-02-01", "2025-01-01", "2025-02-01", "open"),
        ("emails", UNKNOWN, ("a@x",), ("b@x",), ("a@x", "b@x"), ("a@x", "b@x"), ""),
        # lists merge value by value, and spelling is not a change
        ("emails", ("a@x",), ("a@x", "b@x"), ("a@x", "c@x"), ("a@x", "b@x", "c@x"), ("a@x", "b@x", "c@x"), ""),
        ("emails", ("a@x", "b@x"), ("b@x",), ("a@x", "b@x", "c@x"), ("b@x", "c@x"), ("b@x", "c@x"), ""),
        ("emails", ("a@x",), ("A@X",), ("a@x",), ("A@X",), ("A@X",), ""),
        (
            "phones",
            ("+49 30 1",),
            ("+49301",),
            ("+49 30 1", "+49 30 2"),
            ("+49301", "+49 30 2"),
            ("+49301", "+49 30 2"),
            "",
        ),
        ("emails", ("a@x",), ("a@x",), (), (), (), ""),
    ],
)
def test_two_sides(
    name: FieldName, base: Value, ours: Value, theirs: Value, after: Value, record: Value, clash: str
) -> None:
    one = side(name, base, ours, theirs)
    assert outcome(name, merged(name, ours, one), one) == (after, [record], clash)


@pytest.mark.parametrize(
    ("direction", "base", "ours", "theirs", "after", "record", "clash"),
    [
        (Direction.PUSH, "A", "B", "A", "B", "B", ""),
        (Direction.PUSH, "A", "A", "B", "A", "B", ""),
        (Direction.PUSH, "A", "B", "C", "B", "B", "vault wins"),
        (Direction.PULL, "A", "B", "A", "B", "A", ""),
        (Direction.PULL, "A", "A", "B", "B", "B", ""),
    ],
)
def test_a_change_only_travels_the_way_it_may(
    direction: Direction, base: str, ours: str, theirs: str, after: str, record: str, clash: str
) -> None:
    one = side("title", base, ours, theirs, direction=direction)
    assert outcome("title", merged("title", ours, one), one) == (after, [record], clash)


@pytest.mark.parametrize(("ours", "theirs"), [("2025-02-01", "2025-03-01"), ("2025-03-01", "2025-02-01")])
def test_the_later_of_two_dates(ours: str, theirs: str) -> None:
    one = side("last_contact", "2025-01-01", ours, theirs, rule=Rule.LATEST_DATE)
    assert outcome("last_contact", merged("last_contact", ours, one), one) == (
        "2025-03-01",
        ["2025-03-01"],
        "latest date",
    )


@pytest.mark.parametrize(
    ("rule", "chosen", "clash"),
    [(Rule.VAULT_WINS, "B", "vault wins"), (Rule.REMOTE_WINS, "C", "remote wins"), (Rule.ASK, "B", "open")],
)
def test_a_rule_that_settles_a_clash_is_recorded_with_both_values(rule: Rule, chosen: str, clash: str) -> None:
    one = side("organization", "A", "B", "C", rule=rule)
    verdict = merged("organization", "B", one).verdicts["organization"]
    assert verdict.conflict is not None
    assert (verdict.value, verdict.conflict.settled_by or "open") == (chosen, clash)
    assert (verdict.conflict.ours, verdict.conflict.theirs, verdict.conflict.bases) == (
        "B",
        {"home": "C"},
        {"home": "A"},
    )


@pytest.mark.parametrize(
    ("home", "work", "ours", "after", "records", "clash"),
    [
        # one account changed: note and the other account follow
        (("A", "B"), ("A", "A"), "A", "B", ["B", "B"], ""),
        # an account that was away is behind, not in conflict
        (("B", "B"), ("A", "A"), "B", "B", ["B", "B"], ""),
        (("B", "C"), ("A", "A"), "B", "C", ["C", "C"], ""),
        # two accounts changed: equal is agreement, different is one clash that names both
        (("A", "B"), ("A", "B"), "A", "B", ["B", "B"], ""),
        (("A", "B"), ("A", "C"), "A", "A", ["B", "C"], "open"),
        # the note changed too: the vault wins over both
        (("A", "B"), ("A", "C"), "D", "D", ["D", "D"], "vault wins"),
    ],
)
def test_three_sides(
    home: tuple[str, str], work: tuple[str, str], ours: str, after: str, records: list[str], clash: str
) -> None:
    sides = [
        side("title", base, ours, theirs, account=name) for name, (base, theirs) in (("home", home), ("work", work))
    ]
    result = merged("title", ours, *sides)
    assert outcome("title", result, *sides) == (after, records, clash)
    conflict = result.verdicts["title"].conflict
    assert conflict is None or set(conflict.theirs) == {"home", "work"}


def test_what_a_note_cannot_take_stays_in_the_record() -> None:
    one = side("emails", ("a@x",), ("a@x", "b@x"), ("a@x", "c@x"))
    result = merged("emails", ("a@x", "b@x"), one, takes=frozenset())
    assert outcome("emails", result, one) == (("a@x", "b@x"), [("a@x", "c@x", "b@x")], "")


texts: st.SearchStrategy[Value] = st.sampled_from(["", "A", "B", "C"])
lists: st.SearchStrategy[Value] = st.lists(st.sampled_from(["a@x", "A@x", "b@x", "c@x"]), max_size=3).map(tuple)
names: st.SearchStrategy[FieldName] = st.sampled_from(
    [name for name, row in FIELDS.items() if row.held_by and name != "tags"]
)


@st.composite
def meetings(draw: st.DrawFn) -> tuple[FieldName, Value, list[Side]]:
    """One field, the note's value, and one to three accounts with bases and values of their own."""
    name = draw(names)
    values = texts if FIELDS[name].cardinality is Cardinality.ONE else lists
    ours = draw(values)
    sides = [
        side(name, draw(st.one_of(st.just(UNKNOWN), values)), ours, draw(values), account=account,
             rule=draw(st.sampled_from([None, *Rule])), direction=draw(st.sampled_from([None, Direction.BOTH])))
        for account in ("home", "work", "club")[: draw(st.integers(1, 3))]
    ]  # fmt: skip
    return name, ours, sides


@given(meetings())
def test_no_changed_value_vanishes(meeting: tuple[FieldName, Value, list[Side]]) -> None:
    """Whatever somebody changed is in the note, still in its own record, or in a conflict with all its values."""
    name, ours, sides = meeting
    result = merged(name, ours, *sides)
    after, records, _ = outcome(name, result, *sides)
    conflict = result.verdicts[name].conflict
    told = keys(name, after).union(*(keys(name, value) for value in (conflict.theirs.values() if conflict else ())))
    told |= keys(name, conflict.ours) if conflict else frozenset()
    for one, value in zip(sides, records, strict=True):
        gained = keys(name, value_of(one.theirs, name)) - keys(name, one.common(name))
        removed_by_others = FIELDS[name].cardinality is Cardinality.MANY
        assert removed_by_others or gained <= told | keys(name, value)


@given(meetings())
def test_a_second_merge_has_nothing_to_do(meeting: tuple[FieldName, Value, list[Side]]) -> None:
    """When every side says what the merge told it to, and the bases know it, all is in step."""
    name, ours, sides = meeting
    result = merged(name, ours, *sides)
    verdict = result.verdicts[name]
    if verdict.is_open or any(not one.pushes(name) or not one.pulls(name) for one in sides):
        return
    after = verdict.value
    settled = [
        side(name, after, after, target(name, one, result.person, verdict), account=one.account) for one in sides
    ]
    again = merged(name, after, *settled)
    assert again.conflicts == ()
    assert same(name, again.verdicts[name].value, after)
    assert all(
        same(name, target(name, one, again.person, again.verdicts[name]), value_of(one.theirs, name)) for one in settled
    )


@given(meetings())
def test_the_order_of_accounts_does_not_matter(meeting: tuple[FieldName, Value, list[Side]]) -> None:
    name, ours, sides = meeting
    forth, back = (merged(name, ours, *order).verdicts[name] for order in (sides, sides[::-1]))
    assert same(name, forth.value, back.value)
    assert forth.is_open == back.is_open


def test_an_open_clash_holds_only_its_own_field() -> None:
    base: Values = {"title": "A", "organization": "O"}
    one = Side(AccountName("home"), base, person({"title": "B", "organization": "P"}), person({"title": "A", "organization": "Q"}),
               policies(), frozenset({"title", "organization"}), {})  # fmt: skip
    result = merge(Uid("u"), person({"title": "B", "organization": "P"}), [one], WRITABLE, {}, UNDECIDED)
    assert result.verdicts["organization"].is_open
    assert target("title", one, result.person, result.verdicts["title"]) == "B"
