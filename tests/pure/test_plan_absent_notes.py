"""What becomes of a contact whose note is gone, where its owner wishes that contacts follow their notes."""

from dataclasses import replace

from mappings.brakes import Limit
from mappings.operation import DeleteRecord, Operation, Parting, Unlink
from mappings.person import FieldName, Uid, Value
from mappings.plan import plan
from mappings.record import AccountName, Etag, NotePath, RemoteId
from mappings.world import AbsentNote, LinkState, NoteState, Whereabouts
from worlds import account, link, note, record, world

HOME = AccountName("home")
ADA: dict[FieldName, Value] = {"name": "Ada", "emails": ("ada@example.test",)}
GONE = {Uid("ada"): AbsentNote(NotePath("People/Ada.md"), looks=2, whereabouts=Whereabouts.GONE)}


def parted(contact: dict[FieldName, Value], *others: NoteState) -> list[Operation]:
    home = account(record("1", contact, uid="ada"), delete_with_note=True)
    state = world(*others, accounts=(home,), links=(link("ada", "1", ADA),), absent=GONE)
    return list(plan(state, {HOME: Limit(1000, 100)}, frozenset()).operations)


def test_a_contact_as_both_sides_knew_it_goes_with_its_note() -> None:
    assert parted(ADA) == [DeleteRecord(HOME, Uid("ada"), record("1", ADA).remote_id, record("1", ADA).etag)]


def test_a_contact_that_says_more_than_the_note_ever_did_is_kept() -> None:
    kept = Unlink(HOME, Uid("ada"), record("1", ADA).remote_id, Parting.CONTACT_SAYS_MORE)
    assert parted({**ADA, "title": "Analyst"}) == [kept]


def test_a_contact_that_was_touched_since_its_note_was_last_there_is_kept() -> None:
    """Whatever was edited is nothing that is compared: a NOTE, a photo."""
    touched = replace(record("1", ADA, uid="ada"), etag=Etag("another"))
    home = account(touched, delete_with_note=True)
    steps = plan(
        world(accounts=(home,), links=(link("ada", "1", ADA),), absent=GONE), {HOME: Limit(1000, 100)}, frozenset()
    ).operations
    assert steps == (Unlink(HOME, Uid("ada"), RemoteId("1"), Parting.CONTACT_SAYS_MORE),)


def test_a_contact_with_a_value_that_was_never_agreed_on_is_kept() -> None:
    home = account(record("1", ADA, uid="ada"), delete_with_note=True)
    unmet = LinkState(HOME, Uid("ada"), RemoteId("1"), {"name": "Ada"}, record("1", ADA).etag)
    state = world(accounts=(home,), links=(unmet,), absent=GONE)
    steps = plan(state, {HOME: Limit(1000, 100)}, frozenset()).operations
    assert steps == (Unlink(HOME, Uid("ada"), RemoteId("1"), Parting.CONTACT_SAYS_MORE),)


def test_a_contact_that_another_note_would_be_linked_to_is_kept_for_it() -> None:
    """A note that was moved and edited, and carries no uid, looks like a deleted one and a new one."""
    kept = Unlink(HOME, Uid("ada"), record("1", ADA).remote_id, Parting.NOTE_DELETED)
    assert parted(ADA, note("ada, moved", ADA)) == [kept]
