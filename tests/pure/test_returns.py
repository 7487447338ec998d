"""Older copies saved over what contactd wrote: when a value that came back is doubted, and what ends the doubt."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from mappings.brakes import Limit
from mappings.conflict import Conflict
from mappings.fields import Direction, Rule, same
from mappings.operation import Agree, Agreed, Change, Operation, RestoreNote, UpdateRecord, WriteNote
from mappings.person import FieldName, Uid, Value
from mappings.plan import Plan, plan
from mappings.record import AccountName, Etag, NoteHash, NotePath, RemoteId
from mappings.world import Return, World
from worlds import account, link, note, policies, record, world

HOME, WORK = AccountName("home"), AccountName("work")
ADA = Uid("ada")
Values = Mapping[FieldName, Value]
OLD: Values = {"name": "Ada", "title": "Analyst"}
NEW: Values = {"name": "Ada", "title": "Boss"}
FEW: Values = {"name": "Ada", "emails": ("a@x.test",)}
MORE: Values = {"name": "Ada", "emails": ("a@x.test", "b@x.test")}


def changes(before: Values, after: Values) -> tuple[Change, ...]:
    blank: Mapping[FieldName, Value] = {name: () if isinstance(after[name], tuple) else "" for name in after}
    return tuple(
        Change(name, before.get(name, blank[name]), after[name], ())
        for name in after
        if not same(name, before.get(name, blank[name]), after[name])
    )


def numbers(*phones: str) -> Values:
    return {"name": "Ada", "phones": phones}


def wrote(before: Values, after: Values, *, insert_uid: bool = False) -> WriteNote:
    """What contactd has lately made of the note."""
    return WriteNote(ADA, NotePath("People/ada.md"), NoteHash("h"), changes(before, after), insert_uid, ())


def sent(before: Values, after: Values) -> UpdateRecord:
    """What contactd has lately made of the contact."""
    return UpdateRecord(HOME, ADA, RemoteId("1"), Etag("e"), changes(before, after), False, Agreed(HOME, {}))


def state(ours: Values, theirs: Values, base: Values, *writes: WriteNote | UpdateRecord | RestoreNote) -> World:
    return world(
        note("ada", ours),
        accounts=(account(record("1", theirs, uid="ada")),),
        links=(link("ada", "1", base),),
        writes=writes,
    )


def planned(of: World) -> Plan:
    return plan(of, {one.name: Limit(1000, 100) for one in of.accounts}, frozenset())


def doubted(of: World) -> dict[FieldName, tuple[str, ...]]:
    """Return the fields that are asked about, each with the sides that are not believed; nothing of them travels."""
    result = planned(of)
    found: dict[FieldName, tuple[str, ...]] = {
        one.field: one.returned for one in result.conflicts if not one.settled_by
    }
    assert not {change.field for step in result.operations for change in moved(step)} & found.keys()
    return found


def moved(step: Operation) -> tuple[Change, ...]:
    return step.changes if isinstance(step, WriteNote | UpdateRecord) else ()


def travels(of: World) -> set[FieldName]:
    return {change.field for step in planned(of).operations for change in moved(step)}


class TestNotes:
    def test_an_old_buffer_is_asked_about_with_every_value(self) -> None:
        result = planned(state(OLD, NEW, NEW, wrote(OLD, NEW)))
        clash = Conflict(ADA, "title", "Analyst", {HOME: "Boss"}, {HOME: "Boss"}, "", "Analyst", ("note",))
        assert (result.operations, result.conflicts) == ((), (clash,))

    @pytest.mark.parametrize("rule", list(Rule))
    def test_no_rule_settles_it(self, rule: Rule) -> None:
        old = state(OLD, NEW, NEW, wrote(OLD, NEW))
        home = replace(old.accounts[0], policies=policies({"title": rule}))
        assert doubted(replace(old, accounts=(home,))) == {"title": ("note",)}

    def test_a_value_that_is_new_travels(self) -> None:
        assert travels(state({**OLD, "title": "Chief"}, NEW, NEW, wrote(OLD, NEW))) == {"title"}

    def test_an_undo_long_after_the_write_travels(self) -> None:
        assert travels(state(OLD, NEW, NEW)) == {"title"}

    def test_a_field_that_was_blank_is_not_emptied_by_an_old_buffer(self) -> None:
        full: Values = {**OLD, "nickname": "Countess"}
        assert doubted(state(OLD, full, full, wrote(OLD, full))) == {"nickname": ("note",)}

    def test_a_buffer_in_which_something_else_was_edited_is_old_all_the_same(self) -> None:
        edited: Values = {**OLD, "location": "Paris"}
        of = state(edited, NEW, NEW, wrote(OLD, NEW))
        assert (doubted(of), travels(of)) == ({"title": ("note",)}, {"location"})

    def test_one_value_changed_back_beside_others_of_ours_is_an_edit(self) -> None:
        both: Values = {**NEW, "location": "Paris"}
        assert travels(state({**both, "title": "Analyst"}, both, both, wrote(OLD, both))) == {"title"}

    def test_what_was_written_later_proves_a_newer_buffer_too(self) -> None:
        both: Values = {**NEW, "location": "Paris"}
        of = state({**both, "title": "Analyst"}, both, both, wrote(OLD, NEW), wrote(NEW, both))
        assert travels(of) == {"title"}

    def test_one_of_several_that_stands_proves_nothing(self) -> None:
        """The owner may have typed into the old buffer what was typed on the phone too."""
        three: Values = {**NEW, "location": "Paris", "department": "Engines"}
        of = state({**OLD, "department": "Engines"}, three, three, wrote(OLD, three))
        assert doubted(of) == {"title": ("note",), "location": ("note",)}

    def test_a_uid_of_ours_proves_nothing(self) -> None:
        """It may have been taken out by another buffer, and put back by the very write that is undone now."""
        assert doubted(state(OLD, NEW, NEW, wrote(OLD, NEW, insert_uid=True))) == {"title": ("note",)}

    def test_a_buffer_from_between_two_writes_undoes_only_the_later(self) -> None:
        both: Values = {**NEW, "location": "Paris"}
        assert doubted(state(NEW, both, both, wrote(OLD, NEW), wrote(NEW, both))) == {"location": ("note",)}

    def test_a_buffer_from_before_two_writes_of_one_field_says_the_first_value(self) -> None:
        latest: Values = {**OLD, "title": "Chief"}
        assert doubted(state(OLD, latest, latest, wrote(OLD, NEW), wrote(NEW, latest))) == {"title": ("note",)}

    def test_a_value_that_we_brought_back_ourselves_proves_nothing_newer(self) -> None:
        """The location went to Paris and back; an old buffer says what it was before, and now is again."""
        paris: Values = {**NEW, "location": "Paris"}
        home: Values = {**NEW, "location": "Rome"}
        old: Values = {**OLD, "location": "Rome"}
        of = state(old, home, home, wrote(old, paris), wrote(paris, home))
        assert doubted(of) == {"title": ("note",)}

    def test_what_the_owner_restored_is_not_doubted(self) -> None:
        restored = RestoreNote(ADA, NotePath("People/ada.md"), NoteHash("h"), "")
        assert travels(state(OLD, NEW, NEW, wrote(OLD, NEW), restored)) == {"title"}

    def test_where_nothing_is_pushed_nothing_is_asked(self) -> None:
        old = state(OLD, NEW, NEW, wrote(OLD, NEW))
        home = replace(old.accounts[0], policies=policies(directions={"title": Direction.PULL}))
        assert planned(replace(old, accounts=(home,))).conflicts == ()


class TestContacts:
    def test_an_old_copy_is_asked_about_with_every_value(self) -> None:
        result = planned(state(NEW, OLD, NEW, sent(OLD, NEW)))
        clash = Conflict(ADA, "title", "Boss", {HOME: "Analyst"}, {HOME: "Boss"}, "", "Boss", ("home",))
        assert (result.operations, result.conflicts) == ((), (clash,))

    def test_one_field_alone_is_doubted_too_because_programs_send_single_fields(self) -> None:
        both: Values = {**NEW, "location": "Paris"}
        assert doubted(state(both, {**both, "title": "Analyst"}, both, sent(OLD, both))) == {"title": ("home",)}

    def test_a_value_that_is_new_travels(self) -> None:
        assert travels(state(NEW, {**OLD, "title": "Chief"}, NEW, sent(OLD, NEW))) == {"title"}

    def test_an_undo_long_after_the_write_travels(self) -> None:
        assert travels(state(NEW, OLD, NEW)) == {"title"}

    def test_an_account_with_its_own_spelling_is_doubted_too(self) -> None:
        loud: Values = {**NEW, "title": "BOSS"}
        assert doubted(state(loud, OLD, loud, sent(OLD, NEW))) == {"title": ("home",)}

    def test_a_card_whose_file_was_renamed_meanwhile_is_doubted_too(self) -> None:
        renamed = replace(sent(OLD, NEW), remote_id=RemoteId("former"))
        assert doubted(state(NEW, OLD, NEW, renamed)) == {"title": ("home",)}

    def test_what_does_not_reach_the_note_is_not_asked_about(self) -> None:
        old = state(NEW, OLD, NEW, sent(OLD, NEW))
        home = replace(old.accounts[0], policies=policies(directions={"title": Direction.PUSH}))
        assert planned(replace(old, accounts=(home,))).conflicts == ()


class TestLists:
    def test_an_address_that_an_old_buffer_lacks_is_not_taken_from_the_contact(self) -> None:
        assert doubted(state(FEW, MORE, MORE, wrote(FEW, MORE))) == {"emails": ("note",)}

    def test_nor_if_the_buffer_has_gained_another(self) -> None:
        mine: Values = {"name": "Ada", "emails": ("a@x.test", "mine@x.test")}
        assert doubted(state(mine, MORE, MORE, wrote(FEW, MORE))) == {"emails": ("note",)}

    def test_an_address_that_was_removed_does_not_come_back_by_an_old_buffer(self) -> None:
        assert doubted(state(MORE, FEW, FEW, wrote(MORE, FEW))) == {"emails": ("note",)}

    def test_an_address_that_was_removed_on_both_sides_proves_no_newer_buffer(self) -> None:
        before: Values = {"name": "Ada", "emails": ("a@x.test", "old@x.test")}
        ours: Values = {"name": "Ada", "emails": ("a@x.test",)}
        assert doubted(state(ours, MORE, MORE, wrote(before, MORE))) == {"emails": ("note",)}

    def test_a_new_one_in_the_place_of_what_was_written_in_the_place_of_another_travels(self) -> None:
        was, ours, mine = (numbers("+1 1"), numbers("+1 2"), numbers("+1 3"))
        in_the_note = state(mine, ours, ours, wrote(was, ours))
        in_the_contact = state(ours, mine, ours, sent(was, ours))
        assert [(doubted(of), travels(of)) for of in (in_the_note, in_the_contact)] == [({}, {"phones"})] * 2

    def test_but_not_where_what_it_replaced_is_back_beside_it(self) -> None:
        was, ours = numbers("+1 1"), numbers("+1 2")
        mine = numbers("+1 1", "+1 3")
        assert doubted(state(mine, ours, ours, wrote(was, ours))) == {"phones": ("note",)}

    def test_an_address_removed_there_too_is_removed(self) -> None:
        mine: Values = {"name": "Ada", "emails": ("a@x.test", "mine@x.test")}
        of = state(mine, FEW, MORE, wrote(FEW, MORE))
        assert (doubted(of), travels(of)) == ({}, {"emails"})

    def test_an_address_written_once_more_settles_it(self) -> None:
        mine: Values = {"name": "Ada", "emails": ("a@x.test", "mine@x.test", "b@x.test")}
        of = state(mine, MORE, MORE, wrote(FEW, MORE))
        assert (doubted(of), travels(of)) == ({}, {"emails"})

    def test_a_contact_that_loses_what_was_sent_to_it_is_asked_about(self) -> None:
        assert doubted(state(MORE, FEW, MORE, sent(FEW, MORE))) == {"emails": ("home",)}


class TestEnd:
    """A return that was found stands until a side says otherwise, however old the write is by then."""

    FOUND = Return(ADA, AccountName(""), Change("title", "Analyst", "Boss", ()))

    def remembered(self, ours: Values, theirs: Values, base: Values = NEW) -> World:
        return replace(state(ours, theirs, base), returns=(self.FOUND,))

    def test_it_stands_without_the_write(self) -> None:
        of = self.remembered(OLD, NEW)
        assert doubted(of) == {"title": ("note",)}
        assert planned(of).returns == (self.FOUND,)

    def test_it_stands_although_something_of_ours_was_written_since(self) -> None:
        paris: Values = {**OLD, "location": "Paris"}
        of = replace(self.remembered(paris, {**NEW, "location": "Paris"}, {**NEW, "location": "Paris"}))
        assert doubted(replace(of, writes=(wrote(OLD, paris),))) == {"title": ("note",)}

    def test_it_is_remembered_while_its_account_is_away(self) -> None:
        of = self.remembered(OLD, NEW)
        away = replace(of, accounts=(replace(of.accounts[0], reachable=False),))
        assert (planned(away).conflicts, planned(away).returns) == ((), (self.FOUND,))

    def test_it_is_remembered_while_its_note_cannot_be_read(self) -> None:
        of = replace(self.remembered(OLD, NEW), notes=(), unreadable_people=frozenset({ADA}))
        assert planned(of).returns == (self.FOUND,)

    def test_it_is_forgotten_with_its_link(self) -> None:
        assert planned(replace(self.remembered(OLD, NEW), links=())).returns == ()

    def test_the_newer_value_written_once_more_ends_it(self) -> None:
        result = planned(self.remembered(NEW, NEW))
        assert (result.operations, result.conflicts, result.returns) == ((), (), ())

    def test_the_former_value_on_the_other_side_too_ends_it(self) -> None:
        result = planned(self.remembered(OLD, OLD))
        assert result.operations == (Agree(ADA, Agreed(HOME, {"title": "Analyst"})),)
        assert (planned(self.remembered(OLD, OLD, OLD)).returns, result.conflicts) == ((), ())

    def test_a_third_value_in_its_place_travels(self) -> None:
        of = self.remembered({**OLD, "title": "Chief"}, NEW)
        assert (travels(of), planned(of).returns) == ({"title"}, ())

    @pytest.mark.parametrize("rule", list(Rule))
    def test_a_third_value_on_the_other_side_is_asked_about_whatever_the_rule(self, rule: Rule) -> None:
        of = self.remembered(OLD, {**NEW, "title": "Chief"})
        home = replace(of.accounts[0], policies=policies({"title": rule}))
        assert doubted(replace(of, accounts=(home,))) == {"title": ("note",)}


class TestTwoAccounts:
    def two(
        self, ours: Values, at_home: Values, at_work: Values, bases: tuple[Values, Values], *writes: WriteNote
    ) -> World:
        return world(
            note("ada", ours),
            accounts=(account(record("1", at_home, uid="ada")), account(record("2", at_work, uid="ada"), name="work")),
            links=(link("ada", "1", bases[0]), link("ada", "2", bases[1], account_name="work")),
            writes=writes,
        )

    def test_all_that_would_lose_are_named(self) -> None:
        result = planned(self.two(OLD, NEW, NEW, (NEW, NEW), wrote(OLD, NEW)))
        assert [one.theirs for one in result.conflicts] == [{HOME: "Boss", WORK: "Boss"}]

    def test_one_that_was_away_and_never_heard_of_the_newer_value_does_not_bear_the_older_out(self) -> None:
        of = self.two(OLD, NEW, OLD, (NEW, OLD), wrote(OLD, NEW))
        assert doubted(of) == {"title": ("note",)}

    def test_one_that_was_linked_just_now_does_not_either(self) -> None:
        of = self.two(OLD, NEW, OLD, (NEW, OLD), wrote(OLD, NEW))
        unmet = replace(of.links[1], base={})
        assert doubted(replace(of, links=(of.links[0], unmet))) == {"title": ("note",)}

    def test_one_in_which_somebody_wrote_the_former_value_bears_it_out(self) -> None:
        of = self.two(OLD, OLD, NEW, (NEW, NEW), wrote(OLD, NEW))
        assert (doubted(of), travels(of)) == ({}, {"title"})

    def test_two_old_copies_do_not_bear_each_other_out(self) -> None:
        of = self.two(OLD, NEW, OLD, (NEW, NEW), wrote(OLD, NEW))
        sent_to_work = replace(sent(OLD, NEW), account=WORK, remote_id=RemoteId("2"))
        assert doubted(replace(of, writes=(*of.writes, sent_to_work))) == {"title": ("note", "work")}
