"""What every connector to contacts does, whatever the provider.

A connector joins by a fixture `book`, an empty `AddressBook`, in a module that takes all of this one:
`from connectors.contract.test_contacts import *`. What the stranger does there must not pass through the connector.
"""

from collections.abc import Mapping
from typing import Protocol

import pytest

from connectors.errors import CursorExpired, Gone, PreconditionFailed, Refused
from connectors.interface import ChangeSet, Contacts, Cursor, Deleted, Unreadable, Written
from mappings.fields import FIELDS, Format, blank, same, value_of, with_values
from mappings.operation import Agreed, Change, CreateRecord, DeleteRecord, RestoreRecord, UpdateRecord
from mappings.person import FieldName, Person, Uid, Value
from mappings.record import AccountName, Etag, Record, RemoteId

ACCOUNT = AccountName("home")
UID = Uid("7c5c1a52-1d5e-5d0a-9d8f-4f2f6d1f1a11")
OTHER_UID = Uid("0b2d6c1e-33aa-5b53-8a53-aa50a4c0f5d2")

NOBODY = Person(**{name: blank(name) for name in FIELDS})  # type: ignore[arg-type]  # each blank has its field's shape

GRACE = with_values(
    NOBODY,
    {
        "name": "Grace Hopper",
        "nickname": "Amazing Grace",
        "emails": ("grace@example.test", "hopper@navy.example"),
        "phones": ("+1 202 555 0143",),
        "organization": "Navy; Reserve, active",
        "department": "Computation",
        "title": "Rear Admiral",
        "location": "New York",
        "birthday": "1906-12-09",
        "links": ("https://example.test/grace",),
        "tags": ("pioneer",),
        "last_contact": "2026-03-01",
    },
)

NEW_VALUES: Mapping[FieldName, Value] = {
    "name": "Ada King",
    "given_name": "Augusta",
    "family_name": "Byron",
    "nickname": "Enchantress",
    "emails": ("ada@example.test", "countess@example.test"),
    "phones": ("+44 20 7946 0018",),
    "organization": "Analytical Engines, Ltd; London",
    "department": "Notes",
    "title": "Countess",
    "location": "London",
    "birthday": "--12-10",
    "links": ("https://example.test/note-g",),
    "tags": ("friend",),
    "last_contact": "2026-11-20",
}
"""One for each field that may be pushed and that a card can hold."""

OTHERWISE: Mapping[Format, Mapping[FieldName, Value]] = {Format.GRAPH: {"birthday": "1985-12-10"}}
"""What else to put where a format cannot hold one of them: Outlook knows no birthday without its year."""


def new_values(contacts: Contacts) -> Mapping[FieldName, Value]:
    """Return a new value for each field that these contacts can hold, such as they can hold it."""
    values: dict[FieldName, Value] = {**NEW_VALUES, **OTHERWISE.get(contacts.format, {})}
    return {name: value for name, value in values.items() if contacts.format in FIELDS[name].held_by}


class AddressBook(Protocol):
    """An address book with a stranger's hand in it. A stranger's record has an e-mail and the title `Analyst`."""

    def connector(self) -> Contacts:
        """Return a connector that shares nothing with those returned before but the book."""
        ...

    def add(self, name: str) -> RemoteId:
        """Add a stranger's record, without a uid and with data that we have no word for."""
        ...

    def retitle(self, remote_id: RemoteId, title: str) -> None: ...

    def remove(self, remote_id: RemoteId) -> None: ...

    def spoil(self, remote_id: RemoteId) -> None:
        """Make a record one that is not understood."""
        ...

    def foreign(self, remote_id: RemoteId) -> str:
        """Return what the record holds of that data; anything else if some of it is lost."""
        ...

    def size(self) -> int:
        """Return how many records there are."""
        ...

    def expired_cursor(self) -> Cursor | None:
        """Return a cursor that the provider refuses by now, None if it has no cursors."""
        ...


def known_from(changes: ChangeSet) -> dict[RemoteId, Etag]:
    understood = {record.remote_id: record.etag for record in changes.records}
    return understood | {bad.remote_id: bad.etag for bad in changes.unreadable}


def the_record(contacts: Contacts, remote_id: RemoteId) -> Record:
    (record,) = contacts.read([remote_id])
    assert isinstance(record, Record)
    return record


def creation(uid: Uid, person: Person) -> CreateRecord:
    return CreateRecord(ACCOUNT, uid, person, Agreed(ACCOUNT, {}))


def written(outcome: Written | PreconditionFailed | Gone | Refused) -> Written:
    assert isinstance(outcome, Written)
    return outcome


def an_update(record: Record, values: Mapping[FieldName, Value], *, insert_uid: bool = False) -> UpdateRecord:
    changes = tuple(Change(name, value_of(record.person, name), value, ("note",)) for name, value in values.items())
    return UpdateRecord(ACCOUNT, UID, record.remote_id, record.etag, changes, insert_uid, Agreed(ACCOUNT, values))


def a_deletion(record: Record) -> DeleteRecord:
    return DeleteRecord(ACCOUNT, UID, record.remote_id, record.etag)


def a_restoring(record: Record, before: str | None, after: str | None) -> RestoreRecord:
    etag = record.etag if after is not None else None
    return RestoreRecord(ACCOUNT, UID, record.remote_id, etag, before, after, Agreed(ACCOUNT, {}))


def test_an_empty_book_is_read_completely(book: AddressBook) -> None:
    changes = book.connector().changes(None, {})
    assert (changes.records, changes.removed, changes.unreadable) == ((), (), ())
    assert (changes.complete, changes.listed) == (True, 0)


def test_what_was_created_is_what_is_read(book: AddressBook) -> None:
    contacts = book.connector()
    (created,) = contacts.create([creation(UID, GRACE)])
    (record,) = book.connector().changes(None, {}).records
    assert written(created).before is None
    assert (record.remote_id, record.person, record.uid) == (written(created).record.remote_id, GRACE, UID)
    assert record.reading.held == {}


def test_several_creates_make_several_records_and_answer_in_order(book: AddressBook) -> None:
    outcomes = list(book.connector().create([creation(UID, GRACE), creation(OTHER_UID, GRACE)]))
    assert [written(outcome).record.uid for outcome in outcomes] == [UID, OTHER_UID]
    assert book.size() == 2


def test_a_create_whose_answer_was_lost_is_repeated_without_making_a_second_record(book: AddressBook) -> None:
    (first,) = book.connector().create([creation(UID, GRACE)])
    (second,) = book.connector().create([creation(UID, GRACE)])
    assert written(second) == written(first)
    assert book.size() == 1


def test_a_repeated_create_keeps_what_a_stranger_changed_meanwhile(book: AddressBook) -> None:
    (first,) = book.connector().create([creation(UID, GRACE)])
    book.retitle(written(first).record.remote_id, "Professor")
    (second,) = book.connector().create([creation(UID, GRACE)])
    assert written(second).record.person.title == "Professor"
    assert book.size() == 1


def test_a_strangers_record_is_read_and_has_no_uid(book: AddressBook) -> None:
    remote_id = book.add("Ada Lovelace")
    (record,) = book.connector().changes(None, {}).records
    assert (record.remote_id, record.uid) == (remote_id, None)
    assert (record.person.name, record.person.title) == ("Ada Lovelace", "Analyst")
    assert record.person.emails == ("ada@example.test",)


@pytest.mark.parametrize("name", NEW_VALUES)
def test_an_update_changes_its_field_and_nothing_else(book: AddressBook, name: FieldName) -> None:
    remote_id = book.add("Ada Lovelace")
    contacts = book.connector()
    before, foreign = the_record(contacts, remote_id), book.foreign(remote_id)
    if name not in new_values(contacts):
        (refused,) = contacts.update([an_update(before, {name: NEW_VALUES[name]})])
        assert isinstance(refused, Refused)
        return
    value = new_values(contacts)[name]
    (outcome,) = contacts.update([an_update(before, {name: value})])
    after = the_record(book.connector(), remote_id)
    assert same(name, value_of(after.person, name), value)
    assert changed_fields(before.person, after.person) == {name}
    assert book.foreign(remote_id) == foreign
    assert written(outcome).record.person == after.person
    assert written(outcome).before != written(outcome).after


def changed_fields(before: Person, after: Person) -> set[FieldName]:
    return {name for name in NEW_VALUES if not same(name, value_of(before, name), value_of(after, name))}


def test_an_update_of_all_fields_at_once_is_one_write(book: AddressBook) -> None:
    remote_id = book.add("Ada Lovelace")
    record, foreign = the_record(book.connector(), remote_id), book.foreign(remote_id)
    values = new_values(book.connector())
    (outcome,) = book.connector().update([an_update(record, values)])
    assert changed_fields(record.person, written(outcome).record.person) == set(values)
    assert book.foreign(remote_id) == foreign


def test_a_field_is_blanked(book: AddressBook) -> None:
    record = the_record(book.connector(), book.add("Ada Lovelace"))
    (outcome,) = book.connector().update([an_update(record, {"title": "", "emails": ()})])
    after = written(outcome).record.person
    assert (after.name, after.title, after.emails) == ("Ada Lovelace", "", ())


def test_an_update_puts_the_uid_in_where_it_is_asked_to(book: AddressBook) -> None:
    record = the_record(book.connector(), book.add("Ada Lovelace"))
    list(book.connector().update([an_update(record, {}, insert_uid=True)]))
    after = the_record(book.connector(), record.remote_id)
    assert (after.uid, after.person) == (UID, record.person)


def test_an_update_puts_the_uid_in_the_place_of_another(book: AddressBook) -> None:
    """The owner linked a contact by hand that had been somebody else's."""
    (made,) = book.connector().create([creation(OTHER_UID, GRACE)])
    list(book.connector().update([an_update(written(made).record, {}, insert_uid=True)]))
    after = the_record(book.connector(), written(made).record.remote_id)
    assert (after.uid, after.person) == (UID, GRACE)


def test_an_update_leaves_the_uid_out_where_it_is_not_asked_for(book: AddressBook) -> None:
    record = the_record(book.connector(), book.add("Ada Lovelace"))
    list(book.connector().update([an_update(record, {"title": "Countess"})]))
    assert the_record(book.connector(), record.remote_id).uid is None


def test_updates_one_after_the_other_each_go_by_the_etag_of_the_one_before(book: AddressBook) -> None:
    contacts = book.connector()
    record = the_record(contacts, book.add("Ada Lovelace"))
    for title in ("Countess", "Analyst", "Countess", "Analyst"):
        (outcome,) = contacts.update([an_update(record, {"title": title})])
        record = written(outcome).record
        assert record.person.title == title


def test_what_a_stranger_changed_since_it_was_read_is_not_overwritten(book: AddressBook) -> None:
    record = the_record(book.connector(), book.add("Ada Lovelace"))
    book.retitle(record.remote_id, "Countess")
    (outcome,) = book.connector().update([an_update(record, {"title": "Poet"})])
    assert isinstance(outcome, PreconditionFailed)
    assert the_record(book.connector(), record.remote_id).person.title == "Countess"


def test_what_a_stranger_changed_since_it_was_read_is_not_deleted(book: AddressBook) -> None:
    record = the_record(book.connector(), book.add("Ada Lovelace"))
    book.retitle(record.remote_id, "Countess")
    (outcome,) = book.connector().delete([a_deletion(record)])
    assert isinstance(outcome, PreconditionFailed)
    assert the_record(book.connector(), record.remote_id).person.title == "Countess"


def test_a_deleted_record_is_gone_and_leaves_its_payload(book: AddressBook) -> None:
    contacts = book.connector()
    record = the_record(contacts, book.add("Ada Lovelace"))
    (outcome,) = contacts.delete([a_deletion(record)])
    assert isinstance(outcome, Deleted)
    assert outcome.remote_id == record.remote_id
    assert "Ada Lovelace" in outcome.before
    assert book.size() == 0


def test_what_is_gone_is_told_so_by_every_verb(book: AddressBook) -> None:
    contacts = book.connector()
    record = the_record(contacts, book.add("Ada Lovelace"))
    book.remove(record.remote_id)
    outcomes = (
        *contacts.read([record.remote_id]),
        *contacts.update([an_update(record, {"title": "Poet"})]),
        *contacts.delete([a_deletion(record)]),
    )
    assert [type(outcome) for outcome in outcomes] == [Gone, Gone, Gone]
    assert book.size() == 0


def test_each_item_has_its_outcome_in_order_and_a_bad_one_stops_nothing(book: AddressBook) -> None:
    contacts = book.connector()
    good, stale, gone, spoilt, last = (the_record(contacts, book.add(f"Ada {number}")) for number in range(5))
    book.retitle(stale.remote_id, "Countess")
    book.remove(gone.remote_id)
    book.spoil(spoilt.remote_id)
    intents = [an_update(record, {"title": "Poet"}) for record in (good, stale, gone, spoilt, last)]
    outcomes = list(contacts.update(intents))
    assert [type(outcome) for outcome in outcomes] == [Written, PreconditionFailed, Gone, PreconditionFailed, Written]
    assert [written(outcomes[at]).record.remote_id for at in (0, 4)] == [good.remote_id, last.remote_id]


def test_outcomes_come_as_they_are_known(book: AddressBook) -> None:
    contacts = book.connector()
    records = [the_record(contacts, book.add(f"Ada {number}")) for number in range(2)]
    outcomes = contacts.update([an_update(record, {"title": "Poet"}) for record in records])
    assert isinstance(next(outcomes), Written)
    assert the_record(book.connector(), records[0].remote_id).person.title == "Poet"


def test_nothing_is_news_that_is_known(book: AddressBook) -> None:
    for number in range(6):
        book.add(f"Ada {number}")
    first = book.connector().changes(None, {})
    second = book.connector().changes(None, known_from(first))
    assert (second.records, second.removed, second.unreadable, second.listed) == ((), (), (), 6)
    since = book.connector().changes(first.cursor, known_from(first))
    assert (since.records, since.removed, since.unreadable) == ((), (), ())


def test_only_what_changed_is_news(book: AddressBook) -> None:
    ids = [book.add(f"Ada {number}") for number in range(6)]
    first = book.connector().changes(None, {})
    book.retitle(ids[3], "Countess")
    added = book.add("Ada 6")
    since = book.connector().changes(first.cursor, known_from(first))
    assert {record.remote_id: record.person.title for record in since.records} == {ids[3]: "Countess", added: "Analyst"}


def test_our_own_write_is_no_news_once_its_etag_is_known(book: AddressBook) -> None:
    book.add("Ada Lovelace")
    first = book.connector().changes(None, {})
    (outcome,) = book.connector().update([an_update(first.records[0], {"title": "Poet"})])
    record = written(outcome).record
    since = book.connector().changes(first.cursor, {record.remote_id: record.etag})
    assert since.records == ()


def test_a_removed_record_is_reported_until_it_is_forgotten(book: AddressBook) -> None:
    kept, removed = book.add("Ada Lovelace"), book.add("Grace Hopper")
    known = known_from(book.connector().changes(None, {}))
    book.remove(removed)
    for _ in range(2):
        assert book.connector().changes(None, known).removed == (removed,)
    del known[removed]
    assert book.connector().changes(None, known).removed == ()
    assert the_record(book.connector(), kept).person.name == "Ada Lovelace"


def test_a_removed_record_is_in_the_changes_since_the_cursor(book: AddressBook) -> None:
    book.add("Ada Lovelace")
    removed = book.add("Grace Hopper")
    first = book.connector().changes(None, {})
    book.remove(removed)
    assert book.connector().changes(first.cursor, known_from(first)).removed == (removed,)


def test_a_bad_record_hides_no_other_and_is_not_removed(book: AddressBook) -> None:
    ids = [book.add(f"Ada {number}") for number in range(3)]
    first = book.connector().changes(None, {})
    book.spoil(ids[1])
    book.retitle(ids[2], "Countess")
    since = book.connector().changes(first.cursor, known_from(first))
    assert [each.remote_id for each in since.unreadable] == [ids[1]]
    assert since.unreadable[0].reason
    assert [record.remote_id for record in since.records] == [ids[2]]
    assert since.removed == ()


def test_a_bad_record_is_listed_and_told_apart_when_it_is_read(book: AddressBook) -> None:
    good, bad = book.add("Ada Lovelace"), book.add("Grace Hopper")
    book.spoil(bad)
    assert book.connector().changes(None, {}).listed == 2
    outcomes = list(book.connector().read([bad, good]))
    assert [type(outcome) for outcome in outcomes] == [Unreadable, Record]


def test_a_bad_record_is_neither_updated_nor_deleted(book: AddressBook) -> None:
    record = the_record(book.connector(), book.add("Ada Lovelace"))
    book.spoil(record.remote_id)
    (bad,) = book.connector().changes(None, {}).unreadable
    as_if = Record(bad.remote_id, bad.etag, record.reading)
    contacts = book.connector()
    outcomes = (*contacts.update([an_update(as_if, {"title": "Poet"})]), *contacts.delete([a_deletion(as_if)]))
    assert [type(outcome) for outcome in outcomes] == [Refused, Refused]
    assert book.size() == 1


def test_an_expired_cursor_says_so_and_a_complete_read_helps(book: AddressBook) -> None:
    book.add("Ada Lovelace")
    removed = book.add("Grace Hopper")
    known = known_from(book.connector().changes(None, {}))
    book.remove(removed)
    cursor = book.expired_cursor()
    if cursor is not None:
        with pytest.raises(CursorExpired):
            book.connector().changes(cursor, known)
    complete = book.connector().changes(None, known)
    assert (complete.complete, complete.records, complete.removed) == (True, (), (removed,))


def test_two_connectors_on_one_book_see_each_others_writes(book: AddressBook) -> None:
    ours, theirs = book.connector(), book.connector()
    (created,) = ours.create([creation(UID, GRACE)])
    (record,) = theirs.changes(None, {}).records
    (changed,) = theirs.update([an_update(record, {"title": "Commodore"})])
    (late,) = ours.update([an_update(written(created).record, {"title": "Captain"})])
    assert isinstance(late, PreconditionFailed)
    assert the_record(ours, record.remote_id) == written(changed).record


def test_a_value_with_a_field_that_cannot_be_held_is_refused_and_nothing_is_written(book: AddressBook) -> None:
    record = the_record(book.connector(), book.add("Ada Lovelace"))
    (outcome,) = book.connector().update([an_update(record, {"next_meeting": "2026-12-01", "title": "Poet"})])
    assert isinstance(outcome, Refused)
    assert outcome.reason
    assert the_record(book.connector(), record.remote_id) == record


@pytest.mark.parametrize("name", NEW_VALUES)
def test_what_an_update_changed_is_put_back_whole(book: AddressBook, name: FieldName) -> None:
    record = the_record(book.connector(), book.add("Ada Lovelace"))
    foreign = book.foreign(record.remote_id)
    if name not in new_values(book.connector()):
        pytest.skip(f"a contact has no place for {name} there")
    value = new_values(book.connector())[name]
    (outcome,) = book.connector().update([an_update(record, {name: value}, insert_uid=True)])
    update = written(outcome)
    (restored,) = book.connector().restore([a_restoring(update.record, update.before, update.after)])
    after = the_record(book.connector(), record.remote_id)
    assert isinstance(restored, Written)
    assert restored.record.person == after.person
    assert (after.uid, after.person, book.foreign(record.remote_id)) == (None, record.person, foreign)


def test_what_was_put_back_can_be_put_back_again(book: AddressBook) -> None:
    record = the_record(book.connector(), book.add("Ada Lovelace"))
    (outcome,) = book.connector().update([an_update(record, {"title": "Poet"})])
    update = written(outcome)
    (undone,) = book.connector().restore([a_restoring(update.record, update.before, update.after)])
    assert isinstance(undone, Written)
    (redone,) = book.connector().restore([a_restoring(undone.record, undone.before, undone.after)])
    assert isinstance(redone, Written)
    assert the_record(book.connector(), record.remote_id).person.title == "Poet"


def test_a_record_that_was_made_is_taken_away_again(book: AddressBook) -> None:
    (outcome,) = book.connector().create([creation(UID, GRACE)])
    made = written(outcome)
    (restored,) = book.connector().restore([a_restoring(made.record, None, made.after)])
    assert isinstance(restored, Deleted)
    assert book.size() == 0


def test_a_record_that_was_deleted_is_made_anew_once_with_all_that_it_held(book: AddressBook) -> None:
    record = the_record(book.connector(), book.add("Ada Lovelace"))
    (labelled,) = book.connector().update([an_update(record, {}, insert_uid=True)])
    record, foreign = written(labelled).record, book.foreign(record.remote_id)
    (outcome,) = book.connector().delete([a_deletion(record)])
    assert isinstance(outcome, Deleted)
    intent = a_restoring(record, outcome.before, None)
    (first,), (second,) = book.connector().restore([intent]), book.connector().restore([intent])
    assert isinstance(first, Written)
    assert isinstance(second, Written)
    assert first.before is None
    assert first.record.remote_id == second.record.remote_id
    assert book.size() == 1
    anew = the_record(book.connector(), first.record.remote_id)
    assert (anew.uid, anew.person, book.foreign(anew.remote_id)) == (UID, record.person, foreign)


def test_what_a_stranger_changed_since_is_not_put_back(book: AddressBook) -> None:
    record = the_record(book.connector(), book.add("Ada Lovelace"))
    (outcome,) = book.connector().update([an_update(record, {"title": "Poet"})])
    update = written(outcome)
    book.retitle(record.remote_id, "Countess")
    now = the_record(book.connector(), record.remote_id)
    stale, seen = (a_restoring(each, update.before, update.after) for each in (update.record, now))
    assert [type(one) for one in book.connector().restore([stale, seen])] == [PreconditionFailed, PreconditionFailed]
    assert the_record(book.connector(), record.remote_id) == now


def test_what_a_stranger_changed_since_it_was_made_is_not_taken_away(book: AddressBook) -> None:
    (outcome,) = book.connector().create([creation(UID, GRACE)])
    made = written(outcome)
    book.retitle(made.record.remote_id, "Professor")
    now = the_record(book.connector(), made.record.remote_id)
    (restored,) = book.connector().restore([a_restoring(now, None, made.after)])
    assert isinstance(restored, PreconditionFailed)
    assert book.size() == 1


def test_what_is_gone_is_not_put_back_over_nothing(book: AddressBook) -> None:
    record = the_record(book.connector(), book.add("Ada Lovelace"))
    (outcome,) = book.connector().update([an_update(record, {"title": "Poet"})])
    update = written(outcome)
    book.remove(record.remote_id)
    (restored,) = book.connector().restore([a_restoring(update.record, update.before, update.after)])
    assert isinstance(restored, Gone)
    assert book.size() == 0
