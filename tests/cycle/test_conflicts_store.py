"""What waits for the owner stays until it is settled, with all its values, and since when."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from daemon import conflicts, journal
from daemon.conflicts import ConflictState, Held, KeptConflict, LinkQuestion
from daemon.journal import RunId
from daemon.state import State
from mappings.conflict import Conflict
from mappings.person import FieldName, Uid, Value
from mappings.record import AccountName, NotePath, RemoteId

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOME, WORK = AccountName("home"), AccountName("work")
ADA, BOB = Uid("ada"), Uid("bob")
OPEN, SETTLED, DECIDED, CLOSED, SUPERSEDED = ConflictState


def clash(
    theirs: Value, *, uid: Uid = ADA, field: FieldName = "title", settled_by: str = "", account: AccountName = HOME
) -> Conflict:
    chosen: Value = "Countess" if settled_by else ""
    return Conflict(uid, field, "Countess", {account: theirs}, {account: "Lady"}, settled_by, chosen, ())


def day(number: int) -> datetime:
    return NOW + timedelta(days=number)


def found(
    state: State, number: int, *clashes: Conflict, untouched: frozenset[Uid | AccountName] = frozenset()
) -> RunId:
    """Let a run find these conflicts on the given day."""
    with state.transaction() as tx:
        run = journal.begin_run(tx, "sync", day(number))
        conflicts.sync_open(tx, [one for one in clashes if not one.settled_by], day(number), run, untouched)
        conflicts.record_settled(tx, [one for one in clashes if one.settled_by], day(number), run)
    return run


def test_a_conflict_comes_back_with_every_value_and_keeps_its_since() -> None:
    state = State.in_memory()
    many = Conflict(
        BOB, "emails", ("b@example.test",), {HOME: (), WORK: ("\ud800", "x")}, {HOME: ("y",)}, "", (), (HOME,)
    )
    first = found(state, 0, clash("Duchess"), many)
    found(state, 1, many, clash("Duchess"))
    assert conflicts.open_conflicts(state) == (
        KeptConflict(clash("Duchess"), first, day(0), OPEN, None),
        KeptConflict(many, first, day(0), OPEN, None),
    )


def test_a_conflict_that_is_no_longer_found_is_closed_and_kept() -> None:
    state = State.in_memory()
    first = found(state, 0, clash("Duchess"))
    found(state, 1)
    assert conflicts.open_conflicts(state) == ()
    assert conflicts.all_conflicts(state) == (KeptConflict(clash("Duchess"), first, day(0), CLOSED, day(1)),)


def test_a_conflict_that_comes_back_after_it_was_closed_begins_anew() -> None:
    state = State.in_memory()
    found(state, 0, clash("Duchess"))
    found(state, 1)
    found(state, 2, clash("Duchess"))
    assert [(kept.state, kept.since) for kept in conflicts.all_conflicts(state)] == [(CLOSED, day(0)), (OPEN, day(2))]


def test_a_clash_whose_values_change_again_is_superseded_and_waits_as_long_as_the_first() -> None:
    state = State.in_memory()
    first = found(state, 0, clash("Duchess"))
    second = found(state, 1, clash("Queen"))
    assert conflicts.all_conflicts(state) == (
        KeptConflict(clash("Duchess"), first, day(0), SUPERSEDED, day(1)),
        KeptConflict(clash("Queen"), second, day(0), OPEN, None),
    )


def test_conflicts_of_people_and_accounts_that_were_not_looked_at_stay_open() -> None:
    state = State.in_memory()
    found(state, 0, clash("Duchess"), clash("Sir", uid=BOB), clash("Dr", uid=Uid("cy"), account=WORK))
    found(state, 1, untouched=frozenset((BOB, WORK)))
    assert [kept.conflict.uid for kept in conflicts.open_conflicts(state)] == [BOB, "cy"]


def test_a_clash_that_a_rule_settles_is_kept_once_however_often_it_is_planned() -> None:
    state = State.in_memory()
    ruled = clash("Duchess", settled_by="vault wins")
    first = found(state, 0, ruled)
    found(state, 0, ruled)
    assert conflicts.open_conflicts(state) == ()
    assert conflicts.all_conflicts(state) == (KeptConflict(ruled, first, day(0), SETTLED, day(0)),)


def test_an_open_conflict_that_a_rule_settles_later_is_closed_and_the_rule_named() -> None:
    state = State.in_memory()
    found(state, 0, clash("Duchess"))
    found(state, 1, clash("Duchess", settled_by="vault wins"))
    kept = conflicts.all_conflicts(state)
    assert [(one.state, one.conflict.settled_by) for one in kept] == [(CLOSED, ""), (SETTLED, "vault wins")]


def test_fields_are_apart() -> None:
    state = State.in_memory()
    found(state, 0, clash("Duchess"), clash("Duchess", field="organization"))
    found(state, 1, clash("Duchess", field="organization"))
    assert [kept.conflict.field for kept in conflicts.open_conflicts(state)] == ["organization"]


def test_a_conflict_of_a_field_that_this_program_lacks_is_passed_over_and_stays() -> None:
    state = State.in_memory()
    found(state, 0, clash("Duchess"))
    with state.transaction() as tx:
        tx.run("UPDATE conflicts SET field = 'pronouns'")
    found(state, 1)
    assert conflicts.all_conflicts(state) == ()
    assert state.all("SELECT state FROM conflicts") == [("open",)]


def test_questions_are_as_last_found_and_keep_since_when_they_wait() -> None:
    state = State.in_memory()
    same = LinkQuestion(HOME, ADA, NotePath("Ada.md"), "same name", (RemoteId("1"), RemoteId("2")), "two of them")
    gone = LinkQuestion(WORK, ADA, NotePath("Ada.md"), "several notes", (), "")
    late = LinkQuestion(HOME, BOB, NotePath("Bob.md"), "same name", (RemoteId("3"),), "")
    for number, questions in enumerate(([same, gone], [late, same])):
        with state.transaction() as tx:
            conflicts.sync_questions(tx, questions, day(number))
    assert list(conflicts.link_questions(state).items()) == [(same, day(0)), (late, day(1))]


def test_holds_are_as_last_found_and_keep_since_when_they_are_held() -> None:
    state = State.in_memory()
    same = Held("Ada.md", AccountName(""), "title", "duplicate keys", {"home": "Countess"})
    gone = Held("1.vcf", HOME, "unreadable", "no colon", {})
    with state.transaction() as tx:
        conflicts.sync_holds(tx, [gone, same], day(0))
        conflicts.sync_holds(tx, [replace(same, waiting={"home": "Duchess", "work": ("x", "y")})], day(1))
    ((held, since),) = conflicts.holds_since(state).items()
    assert (held, since, held.waiting) == (same, day(0), {"home": "Duchess", "work": ("x", "y")})
