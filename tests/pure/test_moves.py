"""Which missing record is followed to which new one, and which never."""

from collections.abc import Mapping

import pytest

from mappings.brakes import Limit
from mappings.moves import moves
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
    return plan(world(note("ada", values), accounts=(state,), links=LINKED), {HOME: Limit(5, 10)}, frozenset())


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
