"""plan(world): what each state of the sides leads to, step by step, and what it never leads to."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from mappings.brakes import FirstRun, Kind, Limit, Place, RulesChanged, TooMany
from mappings.fields import Direction
from mappings.operation import (
    Agree,
    Bookkeeping,
    CreateNote,
    CreateRecord,
    DeleteRecord,
    Follow,
    Link,
    Operation,
    Parting,
    Rebase,
    RememberDate,
    RemoveNote,
    RestoreNote,
    RestoreRecord,
    Resume,
    Suspend,
    Unlink,
    UpdateRecord,
    WriteNote,
)
from mappings.person import FieldName, Uid, Value
from mappings.plan import Plan, plan
from mappings.record import AccountName, NotePath, RemoteId
from mappings.world import AbsentNote, NewContacts, Tombstone, Whereabouts, World
from worlds import account, link, note, policies, record, world

HOME = AccountName("home")
ADA: dict[FieldName, Value] = {"name": "Ada", "title": "Analyst"}
BOSS: dict[FieldName, Value] = {**ADA, "title": "Boss"}
ROOMY = Limit(people=1000, share_percent=100)


def planned(state: World, *, approved: frozenset[AccountName] = frozenset(), limit: Limit = ROOMY) -> Plan:
    return plan(state, {one.name: limit for one in state.accounts}, approved)


def told(step: Operation) -> str:
    """Return a step in a line: what, where, which fields become what."""
    match step:
        case WriteNote():
            changes = " ".join(f"{change.field}={change.after}" for change in step.changes)
            return f"note {step.uid} {changes}".strip() + (" +uid" if step.insert_uid else "")
        case CreateRecord():
            return f"create {step.account} {step.uid} {step.person.name}/{step.person.title}"
        case UpdateRecord():
            changes = " ".join(f"{change.field}={change.after}" for change in step.changes)
            return f"update {step.account} {step.remote_id} {changes}".strip() + (" +uid" if step.insert_uid else "")
        case DeleteRecord():
            return f"delete {step.account} {step.remote_id}"
        case CreateNote():
            return f"make note {step.path}"
        case RemoveNote() | RestoreNote() | RestoreRecord():
            raise AssertionError("no plan of a sync puts anything back")
        case _:
            return told_of_memory(step)


def told_of_memory(step: Bookkeeping) -> str:
    match step:
        case Link():
            return f"link {step.account} {step.uid} {step.remote_id}"
        case Follow():
            return f"follow {step.account} {step.former_id} {step.remote_id}"
        case Suspend():
            return f"suspend {step.account} {step.remote_id}"
        case Resume():
            return f"resume {step.account} {step.remote_id}"
        case Agree():
            return f"agree {step.agreed.account} {step.uid}"
        case Unlink():
            return f"unlink {step.account} {step.remote_id}: {step.parting}"
        case RememberDate() | Rebase():
            raise AssertionError("no plan without calendars does so")


def steps(result: Plan) -> list[str]:
    return [told(step) for step in result.operations]


def held_back(result: Plan) -> list[tuple[str, str, Mapping[str, Value]]]:
    return [(hold.field, hold.reason, hold.waiting) for hold in result.holds]


def test_all_in_step_is_an_empty_plan() -> None:
    state = world(note("ada", ADA), accounts=(account(record("1", ADA, uid="ada")),), links=(link("ada", "1", ADA),))
    assert planned(state) == Plan((), (), (), (), (), (), {}, (), (), (), 0, ())


def test_a_new_person_gets_a_record_and_the_note_its_uid() -> None:
    state = world(note("ada", ADA, carries_uid=False), accounts=(account(),))
    assert steps(planned(state)) == ["note ada +uid", "create home ada Ada/Analyst"]


def test_a_match_links_unites_what_it_can_and_asks_the_rest() -> None:
    ours: dict[FieldName, Value] = {**ADA, "emails": ("ada@x",)}
    theirs: dict[FieldName, Value] = {"name": "Ada", "title": "Boss", "emails": ("ada@x",), "nickname": "A"}
    result = planned(world(note("ada", ours), accounts=(account(record("1", theirs)),)))
    assert steps(result) == ["link home ada 1", "agree home ada", "note ada nickname=A", "update home 1 +uid"]
    assert [(clash.field, clash.ours, clash.theirs) for clash in result.conflicts] == [
        ("title", "Analyst", {HOME: "Boss"})
    ]


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ({**ADA, "title": "Boss"}, ADA, ["update home 1 title=Boss"]),
        (ADA, {**ADA, "title": "Boss"}, ["note ada title=Boss"]),
        ({**ADA, "title": "Boss"}, {**ADA, "title": "Boss"}, ["agree home ada"]),
        (
            {**ADA, "title": "Boss"},
            {**ADA, "location": "Paris"},
            ["note ada location=Paris", "update home 1 title=Boss"],
        ),
    ],
)
def test_changes_travel(ours: dict[FieldName, Value], theirs: dict[FieldName, Value], expected: list[str]) -> None:
    state = world(
        note("ada", ours),
        accounts=(account(record("1", theirs, uid="ada")),),
        links=(link("ada", "1", ADA),),
    )
    assert steps(planned(state)) == expected


def test_what_note_and_record_agree_on_after_the_note_is_written_goes_with_the_write() -> None:
    state = world(
        note("ada", ADA),
        accounts=(account(record("1", {**ADA, "title": "Boss"}, uid="ada")),),
        links=(link("ada", "1", ADA),),
    )
    (step,) = planned(state).operations
    assert isinstance(step, WriteNote)
    assert [(one.account, one.values) for one in step.agreed] == [(HOME, {"title": "Boss"})]


def test_a_change_in_one_account_reaches_the_other_through_the_note() -> None:
    state = world(
        note("ada", ADA),
        accounts=(
            account(record("1", {**ADA, "title": "Boss"}, uid="ada")),
            account(record("2", ADA, uid="ada"), name="work"),
        ),
        links=(link("ada", "1", ADA), link("ada", "2", ADA, account_name="work")),
    )
    assert steps(planned(state)) == ["note ada title=Boss", "update work 2 title=Boss"]


def test_an_account_that_is_away_is_as_if_unchanged() -> None:
    away = replace(account(record("1", {**ADA, "title": "Boss"}, uid="ada")), reachable=False)
    state = world(note("ada", {**ADA, "title": "Chief"}), accounts=(away,), links=(link("ada", "1", ADA),))
    assert planned(state).operations == ()


class TestDeletion:
    LINKED = (link("ada", "1", ADA),)

    def gone(
        self, looks: int, *, whereabouts: Whereabouts = Whereabouts.GONE, delete_with_note: bool = False
    ) -> list[str]:
        absent = {Uid("ada"): AbsentNote(NotePath("People/ada.md"), looks, whereabouts)}
        home = account(record("1", ADA, uid="ada"), delete_with_note=delete_with_note)
        return steps(planned(world(accounts=(home,), links=self.LINKED, absent=absent)))

    def test_one_look_decides_nothing(self) -> None:
        assert self.gone(1) == []

    def test_a_deleted_note_keeps_its_contact(self) -> None:
        assert self.gone(2) == [f"unlink home 1: {Parting.NOTE_DELETED}"]

    def test_a_contact_follows_its_note_only_where_the_owner_chose_so(self) -> None:
        assert self.gone(2, delete_with_note=True) == ["delete home 1"]

    def test_a_note_that_stops_being_a_person_is_never_a_deletion(self) -> None:
        assert self.gone(2, whereabouts=Whereabouts.NOBODYS, delete_with_note=True) == ["suspend home 1"]

    def test_a_note_that_is_a_person_again_takes_up_its_link_with_the_base(self) -> None:
        home = account(record("1", BOSS, uid="ada"))
        result = planned(world(note("ada", ADA), accounts=(home,), suspended=self.LINKED))
        assert (steps(result), result.conflicts) == (["resume home 1", "note ada title=Boss"], ())

    def test_a_link_that_is_kept_apart_is_not_ended_by_the_loss_of_its_note(self) -> None:
        absent = {Uid("ada"): AbsentNote(NotePath("People/ada.md"), 7, Whereabouts.GONE)}
        home = account(record("1", ADA, uid="ada"), delete_with_note=True)
        assert steps(planned(world(accounts=(home,), suspended=self.LINKED, absent=absent))) == []

    def test_a_link_stays_apart_while_its_account_is_away(self) -> None:
        away = replace(account(record("1", BOSS, uid="ada")), reachable=False)
        assert steps(planned(world(note("ada", ADA), accounts=(away,), suspended=self.LINKED))) == []

    def test_a_note_whose_contact_was_deleted_while_it_was_no_person_is_parted_when_it_is_one_again(self) -> None:
        home = account(missing={RemoteId("1"): 9})
        result = planned(world(note("ada", ADA), accounts=(home,), suspended=self.LINKED))
        assert steps(result) == ["resume home 1", f"unlink home 1: {Parting.RECORD_DELETED}"]

    def test_any_number_of_notes_may_stop_being_persons(self) -> None:
        people = [f"p{number}" for number in range(20)]
        absent = {Uid(one): AbsentNote(NotePath(f"{one}.md"), 2, Whereabouts.NOBODYS) for one in people}
        home = account(*(record(one, ADA, uid=one) for one in people))
        links = tuple(link(one, one, ADA) for one in people)
        result = planned(world(accounts=(home,), links=links, absent=absent), limit=Limit(5, 10))
        assert (len(result.operations), result.brakes) == (20, ())

    def test_a_note_that_is_somebody_elses_by_now_is_never_a_deletion(self) -> None:
        parted = self.gone(2, whereabouts=Whereabouts.SOMEBODY_ELSES, delete_with_note=True)
        assert parted == [f"unlink home 1: {Parting.ANOTHER_PERSON}"]

    @pytest.mark.parametrize(("looks", "expected"), [(1, []), (2, [f"unlink home 1: {Parting.RECORD_DELETED}"])])
    def test_a_deleted_contact_keeps_its_note(self, looks: int, expected: list[str]) -> None:
        home = account(record("1", ADA, uid="ada"), missing={RemoteId("1"): looks})
        assert steps(planned(world(note("ada", ADA), accounts=(home,), links=self.LINKED))) == expected

    def test_a_note_that_cannot_be_read_is_not_gone(self) -> None:
        absent = {Uid("ada"): AbsentNote(NotePath("People/ada.md"), 5, Whereabouts.NOBODYS)}
        state = world(
            accounts=(account(record("1", ADA)),),
            links=self.LINKED,
            absent=absent,
            unreadable_people=frozenset({Uid("ada")}),
        )
        assert steps(planned(state)) == []

    def test_a_parted_person_is_asked_about_not_made_again(self) -> None:
        state = world(
            note("ada", ADA), accounts=(account(),), tombstones=frozenset({Tombstone(HOME, Uid("ada"), RemoteId("1"))})
        )
        result = planned(state)
        assert (steps(result), [one.doubt.name for one in result.questions]) == ([], ["DELETED"])


class TestHolds:
    def test_two_notes_with_one_uid_are_both_held(self) -> None:
        copy = replace(note("ada", ADA), path=NotePath("Copy.md"))
        result = planned(world(note("ada", ADA), copy, accounts=(account(),)))
        assert (steps(result), [hold.path for hold in result.holds]) == ([], ["People/ada.md", "Copy.md"])

    def test_a_note_that_may_not_be_written_still_sends_its_changes(self) -> None:
        held = note("ada", {**ADA, "title": "Boss"}, unwritable="anchors")
        state = world(
            held,
            accounts=(account(record("1", {**ADA, "location": "Paris"}, uid="ada")),),
            links=(link("ada", "1", ADA),),
        )
        result = planned(state)
        assert steps(result) == ["update home 1 title=Boss"]
        assert held_back(result) == [("location", "anchors", {"home": "Paris"})]

    def test_a_note_that_may_not_be_written_needs_no_uid_and_is_held_only_for_what_would_come(self) -> None:
        boss = note("ada", {**ADA, "title": "Boss"}, carries_uid=False, unwritable="it is read-only")
        home = account(record("1", ADA, uid="ada"))
        result = planned(world(boss, accounts=(home,), links=(link("ada", "1", ADA),)))
        assert (steps(result), result.holds) == (["update home 1 title=Boss"], ())
        fresh = planned(world(boss, accounts=(account(),)))
        assert (steps(fresh), fresh.holds) == (["create home ada Ada/Boss"], ())

    @pytest.mark.parametrize(
        ("ours", "theirs", "expected"),
        [
            (BOSS, BOSS, []),
            (BOSS, {**ADA, "title": "Chief"}, []),
            ({**ADA, "emails": ("a@x",)}, {**ADA, "emails": ("b@x",)}, [("emails", "locked", {"home": ("b@x",)})]),
            (ADA, {**ADA, "addresses": ("1 High St",)}, []),
        ],
        ids=["said by both", "settled for the note", "united there only", "no place for it"],
    )
    def test_what_would_come_is_what_the_note_does_not_say_afterwards(
        self, ours: dict[FieldName, Value], theirs: dict[FieldName, Value], expected: list[object]
    ) -> None:
        locked = note("ada", ours, unwritable="locked")
        state = world(locked, accounts=(account(record("1", theirs, uid="ada")),), links=(link("ada", "1", ADA),))
        assert held_back(planned(state)) == expected

    def test_a_field_that_cannot_be_read_holds_only_itself(self) -> None:
        held = note("ada", {**ADA, "phones": ("49301",), "title": "Boss"}, held={"phones": "a number without its plus"})
        state = world(
            held,
            accounts=(account(record("1", {**ADA, "phones": ("+49 30 1",)}, uid="ada")),),
            links=(link("ada", "1", ADA),),
        )
        result = planned(state)
        assert steps(result) == ["update home 1 title=Boss"]
        assert held_back(result) == [("phones", "a number without its plus", {"home": ("+49 30 1",)})]

    def test_a_refused_field_is_held_and_nothing_of_it_travels_on(self) -> None:
        state = world(
            note("ada", ADA, refused={"title": "not plain text"}),
            accounts=(
                account(record("1", {**ADA, "title": "<b>"}, uid="ada")),
                account(record("2", ADA, uid="ada"), name="work"),
            ),
            links=(link("ada", "1", ADA), link("ada", "2", ADA, account_name="work")),
        )
        result = planned(state)
        assert (steps(result), [hold.field for hold in result.holds]) == ([], ["title"])

    def test_an_unreadable_card_is_not_a_deleted_one(self) -> None:
        home = account(unreadable={RemoteId("1"): "line 3: no END"})
        result = planned(world(note("ada", ADA), accounts=(home,), links=(link("ada", "1", ADA),)))
        assert (steps(result), [hold.reason for hold in result.holds]) == ([], ["line 3: no END"])


@pytest.mark.parametrize(
    ("setting", "values", "expected"),
    [
        (NewContacts.ALL, ADA, 1),
        (NewContacts.REACHABLE, ADA, 0),
        (NewContacts.REACHABLE, {**ADA, "emails": ("ada@x",)}, 1),
        (NewContacts.NONE, {**ADA, "emails": ("ada@x",)}, 0),
        (NewContacts.ALL, {"title": "Nameless"}, 0),
    ],
)
def test_who_gets_a_new_contact(setting: NewContacts, values: dict[FieldName, Value], expected: int) -> None:
    result = planned(world(note("ada", values), accounts=(account(new_contacts=setting),)))
    assert len(result.operations) == expected
    assert result.kept_home == ({} if expected else {HOME: 1})


def test_an_owner_who_asked_for_a_contact_gets_it_whatever_the_setting() -> None:
    home = account(new_contacts=NewContacts.NONE, asked_for=frozenset({Uid("ada")}))
    assert steps(planned(world(note("ada", ADA), accounts=(home,)))) == ["create home ada Ada/Analyst"]


def test_a_field_that_may_not_leave_is_not_in_a_new_record() -> None:
    home = account(policies=policies(directions={"title": Direction.PULL}))
    (step,) = planned(world(note("ada", ADA), accounts=(home,))).operations
    assert isinstance(step, CreateRecord)
    assert (step.person.name, step.person.title, "title" in step.agreed.values) == ("Ada", "", False)


class TestBrakes:
    def crowd(self, changed: int, total: int) -> World:
        notes = [note(f"p{number}", BOSS if number < changed else ADA) for number in range(total)]
        records = [record(f"r{number}", ADA, uid=f"p{number}") for number in range(total)]
        links = tuple(link(f"p{number}", f"r{number}", ADA) for number in range(total))
        return world(*notes, accounts=(account(*records),), links=links)

    def test_a_plan_within_the_limit_runs(self) -> None:
        assert len(planned(self.crowd(5, 10), limit=Limit(5, 10)).operations) == 5

    def test_a_plan_beyond_it_waits_whole(self) -> None:
        result = planned(self.crowd(6, 10), limit=Limit(5, 10))
        assert result.brakes == (TooMany(HOME, Place.CONTACTS, Kind.CHANGE, 6, 5),)
        assert (result.operations, len(result.waiting)) == ((), 6)

    def test_the_share_counts_the_linked_people(self) -> None:
        assert len(planned(self.crowd(9, 90), limit=Limit(5, 10)).operations) == 9

    def test_the_owner_can_let_it_run(self) -> None:
        assert len(planned(self.crowd(6, 10), limit=Limit(5, 10), approved=frozenset({HOME})).operations) == 6

    def test_derived_dates_do_not_count(self) -> None:
        state = self.crowd(0, 20)
        notes = tuple(note(str(one.uid), {**ADA, "last_contact": "2025-01-01"}) for one in state.notes)
        assert len(planned(replace(state, notes=notes), limit=Limit(5, 10)).operations) == 20

    def test_contacts_that_vanished_together_wait(self) -> None:
        state = self.crowd(0, 10)
        home = replace(state.accounts[0], missing={RemoteId(f"r{number}"): 2 for number in range(10)})
        result = planned(replace(state, accounts=(home,)), limit=Limit(5, 10))
        assert (result.operations, result.brakes) == ((), (TooMany(HOME, Place.NOTES, Kind.DELETE, 10, 5),))

    def test_the_first_run_waits_whatever_it_contains(self) -> None:
        result = planned(world(note("ada", ADA, carries_uid=False), accounts=(account(first_run=True),)))
        assert (steps(result), result.brakes) == ([], (FirstRun(HOME),))
        assert [told(step) for step in result.waiting] == ["note ada +uid", "create home ada Ada/Analyst"]

    def test_what_a_rule_settles_while_another_account_waits_is_told(self) -> None:
        # The waiting account takes part in the clash: without it this is another clash, and its loser is written over.
        told_apart: list[dict[FieldName, Value]] = [{**ADA, "title": title} for title in ("Note's", "Home's", "Work's")]
        state = world(
            note("ada", told_apart[0]),
            accounts=(
                account(record("r1", told_apart[1], uid="ada")),
                account(record("r2", told_apart[2], uid="ada"), name="work", first_run=True),
            ),
            links=(link("ada", "r1", ADA), link("ada", "r2", ADA, account_name="work")),
        )
        result = planned(state)
        assert steps(result) == ["update home r1 title=Note's"]
        assert [(one.theirs, one.settled_by) for one in result.conflicts] == [
            ({"home": "Home's", "work": "Work's"}, "vault wins"),
            ({"home": "Home's"}, "vault wins"),
        ]

    def test_a_run_under_other_rules_waits_however_little_it_would_do(self) -> None:
        state = self.crowd(1, 10)
        under_others = replace(state, accounts=(replace(state.accounts[0], rules_changed=True),))
        result = planned(under_others)
        assert (steps(result), result.brakes, len(result.waiting)) == ([], (RulesChanged(HOME),), 1)
        assert len(planned(under_others, approved=frozenset({HOME})).operations) == 1

    def test_a_run_under_other_rules_that_would_do_nothing_just_goes_on(self) -> None:
        state = self.crowd(0, 10)
        assert planned(replace(state, accounts=(replace(state.accounts[0], rules_changed=True),))).brakes == ()

    def test_a_uid_under_another_key_is_not_put_into_every_note_unasked(self) -> None:
        home = account(record("1", ADA, uid="ada"), rules_changed=True)
        state = world(note("ada", ADA, carries_uid=False), accounts=(home,), links=(link("ada", "1", ADA),))
        result = planned(state)
        assert (steps(result), [told(step) for step in result.waiting]) == ([], ["note ada +uid"])
        assert result.brakes == (RulesChanged(HOME),)

    def test_a_uid_that_another_account_asks_for_is_put_in_although_one_waits(self) -> None:
        home = account(record("1", BOSS, uid="ada"), rules_changed=True)
        work = account(record("2", ADA, uid="ada"), name="work")
        links = (link("ada", "1", ADA), link("ada", "2", ADA, account_name="work"))
        result = planned(world(note("ada", ADA, carries_uid=False), accounts=(home, work), links=links))
        assert (steps(result), result.brakes) == (["note ada +uid"], (RulesChanged(HOME),))

    def test_two_empty_sides_are_success_at_once(self) -> None:
        assert planned(world(accounts=(account(first_run=True),))) == Plan(
            (), (), (), (), (), (), {}, (), (), (), 0, ()
        )

    def test_a_braked_account_does_not_reach_the_note_and_the_others_go_on(self) -> None:
        crowd = self.crowd(0, 10)
        boss = [record(f"r{number}", {**ADA, "title": "Boss"}, uid=f"p{number}") for number in range(10)]
        work = account(record("w", {**ADA, "location": "Paris"}, uid="p0"), name="work", new_contacts=NewContacts.NONE)
        state = replace(
            crowd,
            accounts=(account(*boss), work),
            links=(*crowd.links, link("p0", "w", ADA, account_name="work")),
        )
        result = planned(state, limit=Limit(5, 10))
        assert steps(result) == ["note p0 location=Paris"]
        assert {brake.account for brake in result.brakes} == {HOME}

    def test_an_account_flooded_by_another_is_not_blamed_for_it(self) -> None:
        """Ten titles changed in one account would change ten contacts in the other: only the first one waits."""
        crowd = self.crowd(0, 10)
        boss = [record(f"r{number}", {**ADA, "title": "Boss"}, uid=f"p{number}") for number in range(10)]
        copies = [record(f"w{number}", ADA, uid=f"p{number}") for number in range(10)]
        elsewhere = tuple(link(f"p{number}", f"w{number}", ADA, account_name="work") for number in range(10))
        accounts = (account(*boss), account(*copies, name="work"))
        result = planned(replace(crowd, accounts=accounts, links=(*crowd.links, *elsewhere)), limit=Limit(5, 10))
        assert {brake.account for brake in result.brakes} == {HOME}
