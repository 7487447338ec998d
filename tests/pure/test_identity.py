"""Which record is whom: a table of every way in which a note and a record can look alike."""

import pytest

from mappings.identity import Matches, match
from mappings.person import Uid
from mappings.record import Record, RemoteId
from mappings.world import AccountState, LinkState, NoteState, Tombstone
from worlds import account, link, note, record

ADA = note("ada", {"name": "Ada Lovelace", "emails": ("ada@example.test",), "phones": ("+44 20 1",)})
NAMESAKE = note("other", {"name": "ada  LOVELACE"})
TWIN = note("twin", {"name": "A. Lovelace", "emails": ("ADA@example.test",)})


def found(
    notes: list[NoteState],
    home: AccountState,
    *links: LinkState,
    suspended: tuple[LinkState, ...] = (),
    parted: tuple[str, str] | None = None,
    strangers: tuple[str, ...] = (),
) -> Matches:
    tombstones = frozenset({Tombstone(home.name, Uid(parted[0]), RemoteId(parted[1]))} if parted else ())
    others = frozenset(Tombstone(home.name, Uid("ada"), RemoteId(remote_id)) for remote_id in strangers)
    return match(notes, home, links, suspended, tombstones, others)


def summary(matches: Matches) -> dict[str, str]:
    """Return what became of each person: the record and its evidence, the doubt, or `new`."""
    linked = {str(one.uid): f"{one.remote_id} by {one.evidence}" for one in matches.linked}
    asked = {str(one.uid): f"{one.doubt.name} {','.join(one.candidates)}".strip() for one in matches.questions}
    return linked | asked | {str(uid): "new" for uid in matches.new}


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([], "new"),
        ([record("1", {"name": "Somebody"})], "new"),
        # our own uid is the strongest sign, even where nothing else fits
        ([record("1", {"name": "Renamed"}, uid="ada")], "1 by uid"),
        ([record("1", {}, uid="ada"), record("2", {}, uid="ada")], "SEVERAL_UIDS 1,2"),
        # an address that exactly one note and one record own
        ([record("1", {"emails": ("Ada@Example.test",)})], "1 by address"),
        ([record("1", {"phones": ("0044201",)})], "1 by address"),
        ([record("1", {"emails": ("ada@example.test",)}), record("2", {"emails": ("ada@example.test",)})], "SEVERAL_RECORDS 1,2"),
        ([record("1", {"emails": ("ada@example.test",)}), record("2", {"phones": ("+44201",)})], "SEVERAL_RECORDS 1,2"),
        # a shared phone does not hide an e-mail that is somebody's own
        ([record("1", {"emails": ("ada@example.test",), "phones": ("+44201",)}), record("2", {"phones": ("+44201",)})], "1 by address"),
        # a name never links, but it blocks a second one
        ([record("1", {"name": "ADA  lovelace"})], "SAME_NAME 1"),
        ([record("1", {"name": "Ada Lovelace"}), record("2", {"emails": ("ada@example.test",)})], "2 by address"),
    ],
)  # fmt: skip
def test_one_note(records: list[Record], expected: str) -> None:
    assert summary(found([ADA], account(*records))) == {"ada": expected}


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([record("1", {"name": "Ada Lovelace"})], "new"),
        ([record("1", {"emails": ("ada@example.test",)}), record("2", {"phones": ("+44201",)})], "new"),
        # a second card with one uid could never be told from the first
        ([record("1", {}, uid="ada"), record("2", {}, uid="ada")], "SEVERAL_UIDS 1,2"),
    ],
)
def test_an_owner_who_asked_for_a_contact_has_answered_every_doubt_but_that_of_the_uid(
    records: list[Record], expected: str
) -> None:
    assert summary(found([ADA], account(*records, asked_for=frozenset({Uid("ada")})))) == {"ada": expected}


def test_an_address_among_the_aliases_is_owned_too() -> None:
    grace = note("grace", {"name": "Grace", "aliases": ("Amazing Grace", "grace@example.test")})
    assert summary(found([grace], account(record("1", {"emails": ("grace@example.test",)})))) == {
        "grace": "1 by address"
    }


def test_two_notes_with_one_address_block_only_each_other() -> None:
    grace = note("grace", {"name": "Grace"})
    home = account(record("1", {"emails": ("ada@example.test",)}))
    assert summary(found([ADA, TWIN, grace], home)) == {
        "ada": "SEVERAL_NOTES 1",
        "twin": "SEVERAL_NOTES 1",
        "grace": "new",
    }


def test_a_linked_note_still_owns_its_address() -> None:
    home = account(record("1", {"emails": ("ada@example.test",)}))
    assert summary(found([ADA, TWIN], home, link("ada", "1", {}))) == {"twin": "SEVERAL_NOTES 1"}


def test_a_record_that_is_linked_elsewhere_is_not_taken() -> None:
    moved = note("moved", {"name": "Moved", "phones": ("+1 5",)})
    linked = note("linked", {"name": "Linked"})
    home = account(record("1", {"phones": ("+15",)}))
    assert summary(found([moved, linked], home, link("linked", "1", {}))) == {"moved": "LINKED_ELSEWHERE 1"}


def test_a_record_that_is_kept_for_a_note_that_is_no_persons_is_nobody_elses() -> None:
    apart = (link("archived", "1", {}),)
    by_address = account(record("1", {"emails": ("ada@example.test",)}, uid="archived"))
    assert summary(found([ADA], by_address, suspended=apart)) == {"ada": "KEPT_APART 1"}
    assert summary(found([ADA], account(record("1", {}, uid="ada")), suspended=apart)) == {"ada": "KEPT_APART 1"}
    by_name = account(record("1", {"name": "Ada Lovelace"}, uid="archived"))
    assert summary(found([ADA], by_name, suspended=apart)) == {"ada": "SAME_NAME 1"}


def test_a_linked_namesake_does_not_block() -> None:
    home = account(record("1", {"name": "Ada Lovelace"}))
    assert summary(found([ADA, NAMESAKE], home, link("ada", "1", {}))) == {"other": "new"}


def test_a_uid_and_an_address_that_point_at_one_record_are_both_asked() -> None:
    home = account(record("1", {"emails": ("ada@example.test",)}, uid="other"))
    assert summary(found([ADA, NAMESAKE], home)) == {"ada": "SEVERAL_NOTES 1", "other": "SEVERAL_NOTES 1"}


def test_a_parted_pair_is_never_joined_again_by_itself() -> None:
    back = account(record("1", {"emails": ("ada@example.test",)}, uid="ada"))
    assert summary(found([ADA], back, parted=("ada", "1"))) == {"ada": "CAME_BACK 1"}
    assert summary(found([ADA], account(), parted=("ada", "1"))) == {"ada": "DELETED"}


def test_a_new_record_of_a_parted_person_is_linked() -> None:
    """The owner deleted the contact and made another one with the same address: the pair is a new one."""
    home = account(record("2", {"emails": ("ada@example.test",)}))
    assert summary(found([ADA], home, parted=("ada", "1"))) == {"ada": "2 by address"}


def test_after_a_lost_state_a_note_with_a_uid_makes_no_contact() -> None:
    fresh = note("fresh", {"name": "Fresh"}, carries_uid=False)
    assert summary(found([ADA, fresh], account(recovering=True))) == {"ada": "LOST", "fresh": "new"}


@pytest.mark.parametrize(("looks", "expected"), [(1, {}), (2, {"ada": "new"})])
def test_a_record_that_one_look_missed_makes_its_note_wait(looks: int, expected: dict[str, str]) -> None:
    """Other programs save a card by removing and making it again; a second one must not be made in between."""
    home = account(record("1", {"emails": ("ada@example.test",)}), missing={RemoteId("1"): looks})
    assert summary(found([ADA], home)) == expected


def test_accounts_do_not_see_each_others_links() -> None:
    home = account(record("1", {"emails": ("ada@example.test",)}))
    elsewhere = link("ada", "9", {}, account_name="work")
    assert found([ADA], home, elsewhere).linked[0].remote_id == "1"


@pytest.mark.parametrize(
    ("records", "strangers", "expected"),
    [
        # told apart, a namesake no longer blocks a contact of her own
        ([record("1", {"name": "Ada Lovelace"})], ("1",), "new"),
        ([record("1", {"name": "Ada Lovelace"}), record("2", {"name": "ada lovelace"})], ("1",), "SAME_NAME 2"),
        # of two that own her address the other is left
        ([record("1", {"emails": ("ada@example.test",)}), record("2", {"emails": ("ada@example.test",)})], ("1",), "2 by address"),
        ([record("1", {"emails": ("ada@example.test",)})], ("1",), "new"),
        # of two that carry her uid, as copies do, the other is left
        ([record("1", {}, uid="ada"), record("2", {}, uid="ada")], ("1",), "2 by uid"),
    ],
)  # fmt: skip
def test_whoever_the_owner_told_apart_is_not_meant(
    records: list[Record], strangers: tuple[str, ...], expected: str
) -> None:
    assert summary(found([ADA], account(*records), strangers=strangers)) == {"ada": expected}


@pytest.mark.parametrize(
    ("records", "parted"),
    [
        # a second contact with her uid would be a duplicate of the one she is not
        ([record("1", {}, uid="ada")], None),
        ([record("1", {}, uid="ada")], ("ada", "1")),
        # renamed since
        ([record("2", {}, uid="ada")], ("ada", "1")),
        ([record("1", {"emails": ("ada@example.test",)})], ("ada", "1")),
        ([], ("ada", "1")),
    ],
)
def test_who_was_told_apart_from_her_own_contact_is_let_be(
    records: list[Record], parted: tuple[str, str] | None
) -> None:
    assert summary(found([ADA], account(*records), parted=parted, strangers=("1",))) == {}
