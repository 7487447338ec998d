"""What the reference connector offers beyond the contract: pages that can be cut, failures before and after."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from connectors.errors import TryLater
from connectors.interface import Written
from connectors.memory import PAGE_SIZE, Book, Memory
from mappings.operation import Agreed, Change, CreateRecord, UpdateRecord
from mappings.person import Uid
from mappings.record import AccountName, RemoteId
from worlds import person

HOME = AccountName("home")
UID = Uid("7c5c1a52-1d5e-5d0a-9d8f-4f2f6d1f1a11")


class PowerCut(BaseException):
    """The end of the process."""


@dataclass
class At:
    """Does something at the nth time that a step is reached, and writes down all steps."""

    step: str
    act: Callable[[], None]
    nth: int = 1
    steps: list[str] = field(default_factory=list[str])

    def __call__(self, step: str) -> None:
        self.steps.append(step)
        if step == self.step and self.steps.count(step) == self.nth:
            self.act()


def fail() -> None:
    raise TryLater("the line is down", None)


def end() -> None:
    raise PowerCut


def book_of(size: int) -> tuple[Book, list[RemoteId]]:
    book = Book()
    return book, [book.add(person({"name": f"Ada {number}"})) for number in range(size)]


def creation(uid: Uid) -> CreateRecord:
    return CreateRecord(HOME, uid, person({"name": "Grace"}), Agreed(HOME, {}))


def titles(book: Book) -> list[str]:
    return [entry.person.title for entry in book.entries.values()]


def test_a_read_cut_between_two_pages_gives_no_cursor_and_loses_nothing_when_repeated() -> None:
    book, ids = book_of(PAGE_SIZE + 1)
    first = Memory(HOME, book).changes(None, {})
    for remote_id in ids:
        book.edit(remote_id, {"title": "Countess"})
    with pytest.raises(TryLater):
        Memory(HOME, book, At("page asked", fail, nth=2)).changes(first.cursor, {})
    assert len(Memory(HOME, book).changes(first.cursor, {}).records) == PAGE_SIZE + 1


def test_what_changes_while_pages_are_read_is_read_by_the_next_at_the_latest() -> None:
    book, ids = book_of(PAGE_SIZE + 1)
    edit_the_first = At("page done", lambda: book.edit(ids[0], {"title": "Countess"}))
    first = Memory(HOME, book, edit_the_first).changes(None, {})
    known = {record.remote_id: record.etag for record in first.records}
    (record,) = Memory(HOME, book).changes(first.cursor, known).records
    assert (record.remote_id, record.person.title) == (ids[0], "Countess")


def test_what_is_added_while_pages_are_read_is_read_by_the_next() -> None:
    book, _ = book_of(PAGE_SIZE + 1)
    first = Memory(HOME, book, At("page done", lambda: void(book.add(person({"name": "Grace"}))))).changes(None, {})
    assert first.listed == PAGE_SIZE + 1
    assert [record.person.name for record in Memory(HOME, book).changes(first.cursor, {}).records] == ["Grace"]


def void(_: object) -> None:
    return None


def test_a_removal_is_in_the_feed_once() -> None:
    book, ids = book_of(2)
    first = Memory(HOME, book).changes(None, {})
    known = {record.remote_id: record.etag for record in first.records}
    book.remove(ids[0])
    second = Memory(HOME, book).changes(first.cursor, known)
    assert second.removed == (ids[0],)
    assert Memory(HOME, book).changes(second.cursor, known).removed == ()


@pytest.mark.parametrize(("step", "made"), [("create asked", 0), ("create done", 1)])
@pytest.mark.parametrize(("act", "error"), [(fail, TryLater), (end, PowerCut)])
def test_a_create_that_is_cut_short_and_repeated_makes_one_record(
    step: str, made: int, act: Callable[[], None], error: type[BaseException]
) -> None:
    book = Book()
    with pytest.raises(error):
        list(Memory(HOME, book, At(step, act)).create([creation(UID)]))
    assert len(book.entries) == made
    (outcome,) = Memory(HOME, book).create([creation(UID)])
    assert isinstance(outcome, Written)
    assert (outcome.before, len(book.entries)) == (None, 1)


def test_outcomes_before_a_failure_are_known_and_the_rest_was_not_done() -> None:
    book, _ = book_of(3)
    contacts = Memory(HOME, book, At("update asked", fail, nth=3))
    records = contacts.changes(None, {}).records
    change = Change("title", "", "Countess", ("note",))
    intents = [
        UpdateRecord(HOME, UID, record.remote_id, record.etag, (change,), insert_uid=False, agreed=Agreed(HOME, {}))
        for record in records
    ]
    outcomes = contacts.update(intents)
    assert [isinstance(next(outcomes), Written) for _ in range(2)] == [True, True]
    with pytest.raises(TryLater):
        next(outcomes)
    assert titles(book) == ["Countess", "Countess", ""]


def test_every_write_is_a_new_etag_even_back_to_what_was() -> None:
    book, (remote_id,) = book_of(1)
    etags = [book.entries[remote_id].etag]
    for title in ("Countess", "", "Countess", ""):
        book.edit(remote_id, {"title": title})
        etags.append(book.entries[remote_id].etag)
    assert len(set(etags)) == 5


def test_an_id_is_never_used_again() -> None:
    book, (remote_id,) = book_of(1)
    book.remove(remote_id)
    assert book.add(person({"name": "Grace"})) != remote_id


def test_steps_are_named_before_and_after_each_request() -> None:
    book, _ = book_of(PAGE_SIZE + 1)
    seen = At("", fail)
    contacts = Memory(HOME, book, seen)
    contacts.changes(None, {})
    list(contacts.create([creation(UID)]))
    assert seen.steps == ["page asked", "page done", "page asked", "page done", "create asked", "create done"]
