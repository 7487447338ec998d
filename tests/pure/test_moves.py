"""Which missing record is followed to which new one, and which never."""

from collections.abc import Mapping

import pytest

from mappings.brakes import Limit
from mappings.moves import mixed_up, moves
from mappings.operation import Follow, Parting, Unlink, UpdateRecord, WriteNote
from mappings.person import FieldName, Uid, Value
from mappings.plan import Plan, plan
from mappings.record import AccountName, Record, RemoteId
from mappings.world import AccountState, LinkState, Tombstone
from worlds import account, link, note, record, world

HOME = AccountName("home")
ADA: dict[FieldName, Value] = {"name": "Ada", "title": "Analyst"}
OLD, NEW = record("1", ADA, uid="ada"), record("2", ADA, uid="ada")
LINKED = (link("ada", "1", ADA),)
BRAKES = ({HOME: Limit(5, 10)}, frozenset[AccountName]())
FOLLOWED = Follow(HOME, Uid("ada"), RemoteId("1"), RemoteId("2"), "uid")


def home(
    *records: Record,
    missing: Mapping[str, int],
    arrived: Mapping[str, int],
    unreadable: Mapping[RemoteId, str] | None = None,
) -> AccountState:
    gone, came = ({RemoteId(remote_id): looks for remote_id, looks in each.items()} for each in (missing, arrived))
    return account(*records, missing=gone, arrived=came, unreadable=unreadable or {})


def followed(state: AccountState, *links: LinkState, parted: tuple[str, str] | None = None) -> list[Follow]:
    tombstones = {Tombstone(HOME, Uid(parted[0]), RemoteId(parted[1]))} if parted else set[Tombstone]()
    return list(moves(state, world(accounts=(state,), links=links or LINKED, tombstones=frozenset(tombstones))))


def planned(state: AccountState, values: Mapping[FieldName, Value] = ADA) -> Plan:
    return plan(world(note("ada", values), accounts=(state,), links=LINKED), *BRAKES)


@pytest.mark.parametrize(
    ("missing", "arrived"),
    [
        ({"1": 1}, {"2": 1}),
        # the listing hit the instant between the two names
        ({"1": 2}, {"2": 1}),
        ({"1": 3}, {"2": 3}),
    ],
)
def test_a_record_that_came_when_the_linked_one_had_gone_is_that_one(
    missing: dict[str, int], arrived: dict[str, int]
) -> None:
    assert followed(home(OLD, NEW, missing=missing, arrived=arrived)) == [FOLLOWED]


@pytest.mark.parametrize(
    ("between", "last", "why_not"),
    [
        # looks that have missed the one between, looks since it came; looks since the last one came
        ((1, 2), 1, ""),
        ((2, 2), 2, ""),
        ((1, 3), 1, "the one between was there beside the first, as a copy is"),
        ((1, 2), 2, "the last one was there beside the one between"),
    ],
)
def test_a_record_that_was_renamed_again_before_it_was_followed_is_followed_still(
    between: tuple[int, int], last: int, why_not: str
) -> None:
    missed, came = between
    renamed_twice = home(
        OLD, NEW, record("between", ADA, uid="ada"),
        missing={"1": 2, "between": missed},
        arrived={"between": came, "2": last},
    )  # fmt: skip
    assert followed(renamed_twice) == ([] if why_not else [FOLLOWED]), why_not


def test_one_that_was_linked_before_it_got_its_uid_is_followed_as_well() -> None:
    assert followed(home(record("1", ADA), NEW, missing={"1": 1}, arrived={"2": 1})) == [FOLLOWED]
    somebodys = (record("1", ADA, uid="before"), record("2", ADA, uid="before"))
    assert followed(home(*somebodys, missing={"1": 1}, arrived={"2": 1})) == [FOLLOWED]


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (home(OLD, NEW, missing={}, arrived={"2": 1}), "the linked one is there"),
        (home(OLD, NEW, missing={"1": 1}, arrived={"2": 2}), "a copy that was there beside it, with old values perhaps"),
        (home(OLD, NEW, missing={"1": 1}, arrived={}), "a copy that was there long before"),
        (home(OLD, record("2", ADA), missing={"1": 1}, arrived={"2": 1}), "it carries nobody's uid"),
        (home(OLD, record("2", ADA, uid="bob"), missing={"1": 1}, arrived={"2": 1}), "it is another person's"),
        (home(OLD, NEW, record("3", ADA, uid="ada"), missing={"1": 1}, arrived={"2": 1, "3": 1}), "two candidates"),
        (home(OLD, NEW, record("3", ADA, uid="ada"), missing={"1": 1}, arrived={"2": 1}), "one of two candidates is old"),
        (home(OLD, NEW, record("3", ADA, uid="ada"), missing={"1": 1, "3": 1}, arrived={"2": 1}), "two are missing"),
        (home(record("1", ADA, uid="bob"), NEW, missing={"1": 1}, arrived={"2": 1}), "they carry different uids"),
        (home(NEW, missing={"1": 1}, arrived={"2": 1}, unreadable={RemoteId("1"): "broken"}), "nobody knows what it was"),
    ],
)  # fmt: skip
def test_what_could_be_something_else_is_not_followed(state: AccountState, why: str) -> None:
    assert followed(state) == [], why


def test_neither_a_pair_that_was_parted_nor_a_record_of_another_note_is_followed() -> None:
    renamed = home(OLD, NEW, missing={"1": 1}, arrived={"2": 1})
    assert followed(renamed, parted=("ada", "2")) == []
    assert followed(renamed, *LINKED, link("bob", "2", {})) == []


def test_an_edit_of_one_side_travels_although_the_record_was_renamed() -> None:
    edited = record("2", {**ADA, "title": "Boss"}, uid="ada")
    result = planned(home(OLD, edited, missing={"1": 1}, arrived={"2": 1}))
    assert [type(step) for step in result.operations] == [Follow, WriteNote]
    result = planned(home(OLD, NEW, missing={"1": 1}, arrived={"2": 1}), {**ADA, "title": "Chief"})
    (_, update) = result.operations
    assert isinstance(update, UpdateRecord)
    assert (update.remote_id, [change.after for change in update.changes]) == ("2", ["Chief"])
    assert not result.conflicts


def test_a_folder_whose_files_were_all_renamed_does_not_wait() -> None:
    people = [f"p{number}" for number in range(20)]
    cards = [record(f"{person} {age}", ADA, uid=person) for person in people for age in ("old", "new")]
    state = home(*cards, missing={f"{one} old": 2 for one in people}, arrived={f"{one} new": 2 for one in people})
    links = tuple(link(one, f"{one} old", ADA) for one in people)
    result = plan(
        world(*(note(one, ADA) for one in people), accounts=(state,), links=links), {HOME: Limit(5, 10)}, frozenset()
    )
    assert ({type(step) for step in result.operations}, len(result.operations), result.brakes) == ({Follow}, 20, ())


def test_a_record_is_not_gone_while_one_that_came_since_cannot_be_read() -> None:
    renamed = home(OLD, missing={"1": 2}, arrived={"2": 1}, unreadable={RemoteId("2"): "no END"})
    assert planned(renamed).operations == ()
    broken_before = home(OLD, missing={"1": 2}, arrived={}, unreadable={RemoteId("2"): "no END"})
    assert planned(broken_before).operations == (Unlink(HOME, Uid("ada"), RemoteId("1"), Parting.RECORD_DELETED),)


class TestMixedUp:
    """A program that numbers its files anew, or two files that changed their names."""

    LINKS = (link("ada", "1", ADA), link("bob", "2", ADA), link("cy", "3", ADA))

    def mixed(self, *records: Record, missing: Mapping[str, int] | None = None) -> set[str]:
        state = home(*records, missing=missing or {}, arrived={})
        return {str(uid) for uid in mixed_up(state, world(accounts=(state,), links=self.LINKS))}

    def carrying(self, **uids: str) -> tuple[Record, ...]:
        return tuple(record(remote_id.removeprefix("r"), ADA, uid=uid) for remote_id, uid in uids.items())

    def test_two_that_changed_their_ids_are_both_held_and_the_third_is_not(self) -> None:
        records = self.carrying(r1="bob", r2="ada", r3="cy")
        assert self.mixed(*records) == {"ada", "bob"}
        notes = (note("ada", ADA), note("bob", {**ADA, "title": "Boss"}), note("cy", ADA))
        result = plan(world(*notes, accounts=(home(*records, missing={}, arrived={}),), links=self.LINKS), *BRAKES)
        assert (result.operations, {hold.uid for hold in result.holds}) == ((), {"ada", "bob"})

    def test_files_that_were_numbered_anew_are_all_held(self) -> None:
        assert self.mixed(*self.carrying(r1="bob", r2="cy", r3="cy"), missing={"3": 2}) == {"ada", "bob", "cy"}

    def test_a_copy_that_has_not_got_its_own_uid_yet_is_none_of_them(self) -> None:
        assert self.mixed(*self.carrying(r1="ada", r2="ada", r3="cy")) == set()

    def test_one_that_carries_nobodys_uid_that_is_linked_is_none_of_them(self) -> None:
        assert self.mixed(*self.carrying(r1="before", r2="bob", r3="cy")) == set()
