"""What is particular to contacts at Microsoft: feeds that err, ids that move, limits, and answers that are lost."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import pytest

from connectors.errors import (
    ConnectorError,
    CursorExpired,
    Gone,
    Misunderstood,
    PreconditionFailed,
    Refused,
    SignInNeeded,
    TryLater,
)
from connectors.graph_client import GraphClient
from connectors.graph_contacts import GraphContacts
from connectors.graph_sign_in import Lent
from connectors.http import Client
from connectors.interface import ChangeSet, Cursor, Deleted, Written
from emulators.graph import facts
from emulators.graph.contacts import DEFAULT
from emulators.graph.server import served
from emulators.graph.service import IN_FLIGHT_MAX, Service
from emulators.graph.wire import Ask, Fault, answers, done_but_says, lost, says, unheard
from mappings import graph_properties
from mappings.fields import value_of
from mappings.operation import Agreed, Change, CreateRecord, DeleteRecord, UpdateRecord
from mappings.person import FieldName, Uid, Value
from mappings.record import AccountName, Etag, Record, RemoteId
from worlds import person

HOME = AccountName("home")
UID = Uid("7c5c1a52-1d5e-5d0a-9d8f-4f2f6d1f1a11")
DAY_S = 86_400.0


@dataclass
class World:
    """A mailbox, and what a caller knows of it."""

    service: Service
    base: str

    def contacts(self, *folders: str, marked_line: bool = False) -> GraphContacts:
        http = Client(self.base, wait=self.service.clock.advance)
        client = GraphClient(HOME, self.base, http, Lent("t"), self.service.clock.advance)
        now = lambda: self.service.clock.now  # noqa: E731  # a clock
        return GraphContacts(HOME, client, folders or ("Contacts",), now, marked_line=marked_line)

    def add(self, name: str, folder: str = DEFAULT, **properties: Any) -> RemoteId:  # noqa: ANN401  # a contact's
        held: dict[str, Any] = {"displayName": name, **properties}
        return RemoteId(self.service.contacts.add(folder, **held))

    def names(self) -> list[str]:
        return sorted(one.properties["displayName"] for one in self.service.contacts.live())

    def uids(self) -> list[str]:
        return sorted(uid for one in self.service.contacts.live() if (uid := one.extended.get(_UID_ID)))


_UID_ID = graph_properties.id_of(graph_properties.UID)


@pytest.fixture
def world() -> Iterator[World]:
    service = Service()
    with served(service) as base:
        yield World(service, base)


def known_of(changes: ChangeSet) -> dict[RemoteId, Etag]:
    return {record.remote_id: record.etag for record in changes.records}


def creation(number: int, name: str = "") -> CreateRecord:
    someone = person({"name": name or f"Ada {number}", "emails": (f"ada{number}@example.test",)})
    return CreateRecord(HOME, Uid(f"uid-{number}"), someone, Agreed(HOME, {}))


def update(record: Record, **values: Value) -> UpdateRecord:
    changes = tuple(
        Change(_field(name), value_of(record.person, _field(name)), value, ("note",)) for name, value in values.items()
    )
    return UpdateRecord(HOME, UID, record.remote_id, record.etag, changes, insert_uid=False, agreed=Agreed(HOME, {}))


def _field(name: str) -> FieldName:
    return name  # type: ignore[return-value]  # a test's own word


def a_change(world: World) -> tuple[ChangeSet, RemoteId, RemoteId]:
    """Read three contacts, change one and remove another; return the first read and those two."""
    _, changed, removed = (world.add(name) for name in ("Ada", "Grace", "Joan"))
    first = world.contacts().changes(None, {})
    world.service.contacts.edit(changed, jobTitle="Admiral")
    world.service.contacts.remove(removed)
    return first, changed, removed


@pytest.mark.parametrize(
    "switch",
    [
        {}, {"empty_page_first": True}, {"duplicates": True}, {"replays": True}, {"partial_rows": True},
        {"select_ignored": True}, {"removed_in_first_round": True}, {"reason": "changed"}, {"null_lists": True},
        {"control_characters": True}, {"trash_is_readable": True}, {"shuffles_batches": False}, {"base64_bodies": True},
        {"delta_page_max": 1}, {"page_default": 1},
    ],
    ids=lambda switch: next(iter(switch), "plain"),
)  # fmt: skip
def test_a_change_and_a_removal_are_read_however_the_feed_tells_them(world: World, switch: dict[str, Any]) -> None:
    for name, value in switch.items():
        setattr(world.service.switches, name, value)
    first, changed, removed = a_change(world)
    known = known_of(first)
    second = world.contacts().changes(first.cursor, known)
    assert [(record.remote_id, record.person.title) for record in second.records] == [(changed, "Admiral")]
    assert second.removed == (removed,)
    world.service.counters.clear()
    third = world.contacts().changes(second.cursor, known | known_of(second))
    assert third.records == ()
    assert world.service.counters.writes == 0


def test_nothing_changed_is_one_request(world: World) -> None:
    for number in range(700):
        world.add(f"Ada {number}")
    first = world.contacts().changes(None, {})
    assert (len(first.records), first.listed) == (700, 700)
    world.service.counters.clear()
    assert world.contacts().changes(first.cursor, known_of(first)).records == ()
    assert (world.service.counters.requests, world.service.counters.items) == (1, 0)


def test_everything_is_read_in_pages_once_it_is_much(world: World) -> None:
    for number in range(2_100):
        world.add(f"Ada {number}")
    world.service.counters.clear()
    assert len(world.contacts().changes(None, {}).records) == 2_100
    # Five pages of the feed, of 500 each, and three of the folder, of 999.
    assert world.service.counters.requests == 5 + 3


def test_our_own_writes_come_back_as_no_news_even_late(world: World) -> None:
    first = world.contacts().changes(None, {})
    world.service.switches.writes_show_late = True
    (made,) = world.contacts().create([creation(1)])
    assert isinstance(made, Written)
    known = {made.record.remote_id: made.record.etag}
    quiet = world.contacts().changes(first.cursor, known)
    assert (quiet.records, quiet.removed) == ((), ())
    world.service.contacts.settle()
    assert world.contacts().changes(quiet.cursor, known).records == ()


def test_a_contact_that_the_feed_calls_removed_is_not_while_it_can_be_read(world: World) -> None:
    remote_id = world.add("Ada")
    first = world.contacts().changes(None, {})
    world.service.contacts.report_removed(remote_id)
    assert world.contacts().changes(first.cursor, known_of(first)).removed == ()


@pytest.mark.parametrize("folders", [("Contacts", "Family"), ("Contacts",)])
def test_a_contact_that_was_moved_to_another_folder_is_the_same_contact(world: World, folders: tuple[str, ...]) -> None:
    family = world.service.contacts.add_folder("Family")
    remote_id = world.add("Ada")
    first = world.contacts(*folders).changes(None, {})
    world.service.contacts.move(remote_id, family)
    second = world.contacts(*folders).changes(first.cursor, known_of(first))
    assert second.removed == ()
    (record,) = world.contacts().read([remote_id])
    assert isinstance(record, Record)


def test_a_contact_that_was_moved_there_and_back_is_still_there(world: World) -> None:
    remote_id = world.add("Ada")
    first = world.contacts().changes(None, {})
    world.service.contacts.move(remote_id, world.service.contacts.add_folder("Family"))
    world.service.contacts.move(remote_id, DEFAULT)
    assert world.contacts().changes(first.cursor, known_of(first)).removed == ()


@pytest.mark.parametrize("readable", [False, True])
def test_a_contact_in_the_trash_is_removed_whether_it_can_still_be_read_or_not(world: World, *, readable: bool) -> None:
    world.service.switches.trash_is_readable = readable
    world.service.contacts.add_folder("Inner", DEFAULT)
    first, _, removed = a_change(world)
    assert world.contacts().changes(first.cursor, known_of(first)).removed == (removed,)
    assert world.contacts().changes(None, known_of(first)).removed == (removed,)


def test_a_deletion_that_is_never_reported_is_found_within_a_day(world: World) -> None:
    world.service.switches.loses_deletes = True
    first, changed, removed = a_change(world)
    known = known_of(first)
    second = world.contacts().changes(first.cursor, known)
    assert second.removed == ()
    world.service.clock.advance(DAY_S + 1)
    with pytest.raises(CursorExpired):
        world.contacts().changes(second.cursor, known)
    complete = world.contacts().changes(None, known)
    assert (complete.removed, [record.remote_id for record in complete.records]) == ((removed,), [changed])


@pytest.mark.parametrize("expiry", ["410", "410-location", "400", "404"])
@pytest.mark.parametrize("code", ["SyncStateNotFound", "syncStateNotFound", "ResyncRequired", "SyncStateInvalid"])
def test_a_link_that_is_worn_out_is_followed_by_reading_everything(world: World, expiry: str, code: str) -> None:
    world.service.switches.expiry, world.service.switches.error_code = expiry, code
    first, changed, removed = a_change(world)
    world.service.contacts.expire_links()
    with pytest.raises(CursorExpired):
        world.contacts().changes(first.cursor, known_of(first))
    complete = world.contacts().changes(None, known_of(first))
    assert (complete.complete, complete.removed) == (True, (removed,))
    assert [record.remote_id for record in complete.records] == [changed]


def test_a_storm_of_worn_out_links_ends(world: World) -> None:
    for number in range(3):
        world.add(f"Ada {number}")
    world.service.switches.delta_page_max = 1
    world.service.plan(answers(410, "SyncStateNotFound"), lambda ask: "$skiptoken" in ask.query, times=99)
    with pytest.raises(TryLater):
        world.contacts().changes(None, {})
    assert world.service.counters.requests < 10


def test_a_round_that_was_lost_half_way_is_begun_once_more(world: World) -> None:
    for number in range(3):
        world.add(f"Ada {number}")
    world.service.switches.delta_page_max = 1
    world.service.plan(answers(410, "SyncStateNotFound"), lambda ask: "$skiptoken" in ask.query)
    assert len(world.contacts().changes(None, {}).records) == 3


@pytest.mark.parametrize("elsewhere", ["http://127.0.0.1:9", "https://graph.example.test"])
def test_a_link_to_another_host_is_not_followed(world: World, elsewhere: str) -> None:
    first, _, _ = a_change(world)
    world.service.switches.links_elsewhere = elsewhere
    second = world.contacts().changes(first.cursor, known_of(first))
    with pytest.raises(Misunderstood, match="nothing was sent"):
        world.contacts().changes(second.cursor, known_of(first))


@pytest.mark.parametrize("cursor", ["", "{}", "[1]", '{"read_at": "now", "links": {}}', "delta"])
def test_a_cursor_that_is_none_is_an_old_one(world: World, cursor: str) -> None:
    with pytest.raises(CursorExpired):
        world.contacts().changes(Cursor(cursor), {})


def test_other_folders_than_before_are_read_from_the_start(world: World) -> None:
    world.service.contacts.add_folder("Family")
    first = world.contacts().changes(None, {})
    with pytest.raises(CursorExpired):
        world.contacts("Contacts", "Family").changes(first.cursor, {})


def test_chosen_folders_are_read_and_the_first_gets_the_new_contacts(world: World) -> None:
    family = world.service.contacts.add_folder("Family")
    world.service.contacts.add_folder("Cousins", DEFAULT)
    world.add("Ada")
    world.add("Grace", family)
    contacts = world.contacts("Family", "Cousins")
    assert [record.person.name for record in contacts.changes(None, {}).records] == ["Grace"]
    assert isinstance(next(contacts.create([creation(1)])), Written)
    assert len(world.service.contacts.live(family)) == 2


def test_a_folder_that_is_not_there_is_told_with_those_that_are(world: World) -> None:
    world.service.contacts.add_folder("Family")
    with pytest.raises(TryLater, match="Kin; there are: Contacts, Family"):
        world.contacts("Kin").changes(None, {})


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (answers(404, "MailboxNotEnabledForRESTAPI"), SignInNeeded),
        (answers(404, "ErrorInvalidUser"), SignInNeeded),
        (answers(403, "ErrorAccessDenied"), SignInNeeded),
        (answers(401, "InvalidAuthenticationToken"), SignInNeeded),
        (answers(404, "ResourceNotFound"), Misunderstood),
        (answers(503, "UnknownError"), TryLater),
        (says(503, b""), TryLater),
        (says(503, b"<html>busy</html>"), TryLater),
        (says(200, b"<html>sign in to this network</html>"), TryLater),
        (says(200, b'{"value": [{"id'), TryLater),
        (says(200, b""), TryLater),
        (answers(429, "ApplicationThrottled", Retry_After="7.25"), TryLater),
        (answers(429, "TooManyRequests"), TryLater),
        (unheard, TryLater),
    ],
)
def test_whatever_answers_in_the_place_of_contacts_removes_none(
    world: World, fault: Fault, error: type[ConnectorError]
) -> None:
    first, changed, removed = a_change(world)
    known = known_of(first)
    world.service.plan(fault, times=40)
    for since in (first.cursor, None):
        with pytest.raises(error):
            world.contacts().changes(since, known)
    assert world.service.counters.requests < 40
    world.service.clock.advance(60)
    world.service.forget_faults()
    healed = world.contacts().changes(first.cursor, known)
    assert ([record.remote_id for record in healed.records], healed.removed) == ([changed], (removed,))


@pytest.mark.parametrize(
    "fault",
    [
        answers(429, "ApplicationThrottled", Retry_After="2.128"),
        answers(429, "ApplicationThrottled", retry_after="0"),
        answers(429, "ApplicationThrottled"),
        answers(503, "UnknownError"),
        answers(504, ""),
        says(503, b""),
    ],
)
@pytest.mark.parametrize("where", ["request", "item"])
def test_a_moment_of_trouble_is_waited_for(world: World, fault: Fault, where: str) -> None:
    first, changed, removed = a_change(world)

    def hits(ask: Ask) -> bool:
        return (ask.path[:2] == ("me", "contacts")) == (where == "item")

    world.service.plan(fault, hits, times=2)
    second = world.contacts().changes(first.cursor, known_of(first))
    assert ([record.remote_id for record in second.records], second.removed) == ([changed], (removed,))


# Writing.


def test_ten_thousand_new_contacts_cost_their_batches_and_never_more_than_four_at_once(world: World) -> None:
    size = 10_000
    contacts = world.contacts()
    first = contacts.changes(None, {})
    assert sum(isinstance(outcome, Written) for outcome in contacts.create([creation(n) for n in range(size)])) == size
    assert world.service.counters.requests <= 1.1 * (size / 20 + 10)
    assert world.service.counters.in_flight_max <= IN_FLIGHT_MAX
    assert first.cursor is not None
    assert len(world.service.contacts.live()) == size


def test_hundreds_of_updates_cost_two_batches_for_twenty(world: World) -> None:
    for number in range(200):
        world.add(f"Ada {number}")
    records = world.contacts().changes(None, {}).records
    world.service.counters.clear()
    outcomes = list(world.contacts().update([update(record, title="Analyst") for record in records]))
    assert all(isinstance(outcome, Written) for outcome in outcomes)
    assert (world.service.counters.requests, world.service.counters.in_flight_max) == (20, 1)


Answered = Callable[[], Fault]


@pytest.mark.parametrize(
    "fault",
    [
        lost,
        unheard,
        done_but_says(503),
        done_but_says(504),
        answers(503, "UnknownError"),
        answers(500, ""),
        says(502, b"<html>"),
    ],
    ids=["lost", "unheard", "done503", "done504", "not503", "not500", "not502"],
)
@pytest.mark.parametrize("where", ["batch", "item"])
@pytest.mark.parametrize("times", [1, 30])
def test_a_create_without_a_clear_answer_makes_one_contact_and_no_second(
    world: World, fault: Fault, where: str, times: int
) -> None:
    def hits(ask: Ask) -> bool:
        return ask.path == ("$batch",) if where == "batch" else ask.method == "POST" and ask.path != ("$batch",)

    intents = [creation(number) for number in range(45)]
    world.service.plan(fault, hits, times=times)
    for _ in range(60):
        try:
            outcomes: Sequence[Written | Refused] = list(world.contacts().create(intents))
        except TryLater:
            continue
        if all(isinstance(outcome, Written) for outcome in outcomes):
            break
    assert world.uids() == sorted(intent.uid for intent in intents)
    assert len(world.names()) == 45
    assert world.service.counters.requests < 1_500


@pytest.mark.parametrize("where", ["PATCH", "DELETE"])
@pytest.mark.parametrize("fault", [lost, unheard, done_but_says(503), answers(503, "UnknownError"), answers(429, "")])
def test_a_write_without_a_clear_answer_is_never_taken_for_more_than_it_is(
    world: World, fault: Fault, where: str
) -> None:
    for number in range(5):
        world.add(f"Ada {number}")
    world.service.plan(fault, lambda ask: ask.method == where)
    records = world.contacts().changes(None, {}).records
    for _ in range(5):
        known = {record.remote_id: record for record in world.contacts().changes(None, {}).records}
        left = [known[record.remote_id] for record in records if record.remote_id in known]
        if where == "PATCH":
            outcomes: list[object] = [*world.contacts().update([update(record, title="Poet") for record in left])]
        else:
            deletions = [DeleteRecord(HOME, UID, record.remote_id, record.etag) for record in left]
            outcomes = [*world.contacts().delete(deletions)]
        assert all(isinstance(each, Written | Deleted | PreconditionFailed | Gone) for each in outcomes)
    titles = [one.properties["jobTitle"] for one in world.service.contacts.live()]
    assert titles == (["Poet"] * 5 if where == "PATCH" else [])
    assert world.service.counters.writes <= 5 * 2 + 1


@pytest.mark.parametrize("times", [1, 2])
def test_a_412_without_a_change_is_tried_once_more(world: World, times: int) -> None:
    world.add("Ada")
    (record,) = world.contacts().changes(None, {}).records
    world.service.plan(answers(412, "ErrorIrresolvableConflict"), lambda ask: ask.method == "PATCH", times=times)
    (outcome,) = world.contacts().update([update(record, title="Poet")])
    assert isinstance(outcome, Written if times == 1 else PreconditionFailed)


@pytest.mark.parametrize("honours", [False, True])
def test_what_changes_between_our_look_and_our_write_is_not_overwritten_where_the_service_helps(
    world: World, *, honours: bool
) -> None:
    world.service.switches.honours_if_match = honours
    remote_id = world.add("Ada")
    (record,) = world.contacts().changes(None, {}).records

    def edits_first(ask: Ask, act: Any) -> Any:  # noqa: ANN401  # a fault
        del ask
        world.service.contacts.edit(remote_id, jobTitle="Countess")
        return act()

    world.service.plan(edits_first, lambda ask: ask.method == "PATCH")
    (outcome,) = world.contacts().update([update(record, title="Poet")])
    now = world.service.contacts.find(remote_id).properties["jobTitle"]
    assert (type(outcome), now) == ((PreconditionFailed, "Countess") if honours else (Written, "Poet"))


@pytest.mark.parametrize(
    "switch",
    [
        {"patch_answers_nothing": True}, {"touches_after_write": True}, {"extension_change_shows": False},
        {"honours_if_match": True}, {"notes_with_crlf": True}, {"base64_bodies": True},
    ],
    ids=lambda switch: next(iter(switch)),
)  # fmt: skip
def test_two_reads_after_any_edit_bring_nothing_to_write(world: World, switch: dict[str, Any]) -> None:
    for name, value in switch.items():
        setattr(world.service.switches, name, value)
    (made,) = world.contacts(marked_line=True).create([creation(1)])
    assert isinstance(made, Written)
    wanted: dict[str, Value] = {
        "name": "Ada King", "nickname": "Countess", "emails": ("a@x.test", "b@x.test", "c@x.test"),
        "phones": ("1", "2", "3", "4", "5"), "organization": "Engines", "department": "Notes", "title": "Poet",
        "location": "London", "birthday": "1985-12-10", "links": ("https://a.test",), "tags": ("friend",),
        "last_contact": "2026-11-20",
    }  # fmt: skip
    (outcome,) = world.contacts(marked_line=True).update([update(made.record, **wanted)])
    assert isinstance(outcome, Written)
    (read,) = world.contacts().read([made.record.remote_id])
    assert isinstance(read, Record)
    assert read.person == outcome.record.person
    again = replace(read, etag=read.etag)
    world.service.counters.clear()
    (quiet,) = world.contacts(marked_line=True).update([update(again, **wanted)])
    assert isinstance(quiet, Written)
    assert world.service.counters.writes == 0


def everything_filled(world: World) -> RemoteId:
    """Add a contact with every property that there is, and what other programs keep in it."""
    texts = {name: f"some {name}" for name in facts.TEXTS}
    texts |= {
        "birthday": "1985-12-10T11:59:00Z",
        "personalNotes": "one\r\ntwo\u2028three",
        "businessHomePage": "https://a.test",
    }
    lists = {name: [f"1 {name}", f"2 {name}"] for name in facts.LISTS}
    address = {part: f"some {part}" for part in facts.ADDRESS_PARTS}
    emails = [{"name": f"Label {n}", "address": f"{n}@x.test"} for n in range(3)]
    held: dict[str, Any] = {**texts, **lists, **dict.fromkeys(facts.ADDRESSES, address), "emailAddresses": emails}
    remote_id = RemoteId(world.service.contacts.add(**held))
    stored = world.service.contacts.find(remote_id)
    stored.extended |= {
        "String {00020329-0000-0000-c000-000000000046} Name Theirs": "theirs",
        graph_properties.id_of(graph_properties.LOCATION): "Paris",
    }
    stored.extensions["com.theirs"] = {"extensionName": "com.theirs", "id": "com.theirs", "deep": {"a": [1]}}
    return remote_id


EDITS: dict[FieldName, tuple[Value, set[str]]] = {
    "name": ("Ada King", {"displayName", "givenName", "surname"}),
    "nickname": ("Countess", {"nickName"}),
    "emails": (("0@x.test", "new@x.test", "2@x.test"), {"emailAddresses"}),
    "phones": (("1 businessPhones", "2 businessPhones", "1 homePhones", "2 homePhones", "7"), {"mobilePhone"}),
    "organization": ("Engines", {"companyName"}),
    "department": ("", {"department"}),
    "title": ("Poet", {"jobTitle"}),
    "location": ("London", set()),
    "birthday": ("1986-01-02", {"birthday"}),
    "links": ((), {"businessHomePage"}),
    "tags": (("1 categories",), {"categories"}),
    "last_contact": ("2026-11-20", set()),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_of_one_field_of_a_full_contact_changes_nothing_else(world: World, name: FieldName) -> None:
    remote_id = everything_filled(world)
    stored = world.service.contacts.find(remote_id)
    before, extended, extensions = (
        json.loads(json.dumps(each)) for each in (stored.properties, stored.extended, stored.extensions)
    )
    (record,) = world.contacts().read([remote_id])
    assert isinstance(record, Record)
    value, properties = EDITS[name]
    (outcome,) = world.contacts().update([update(record, **{name: value})])
    assert isinstance(outcome, Written)
    changed = {each for each, was in before.items() if stored.properties[each] != was}
    assert changed == properties
    ours = {"location": graph_properties.LOCATION, "last_contact": graph_properties.LAST_CONTACT}.get(name, "")
    touched = {each for each in {*extended, *stored.extended} if extended.get(each) != stored.extended.get(each)}
    assert touched == ({graph_properties.id_of(ours)} if ours else set())
    assert stored.extensions == extensions


def test_a_correction_of_an_address_keeps_the_labels_of_all(world: World) -> None:
    remote_id = everything_filled(world)
    (record,) = world.contacts().read([remote_id])
    assert isinstance(record, Record)
    list(world.contacts().update([update(record, emails=("0@x.test", "new@x.test", "2@x.test"))]))
    entries = world.service.contacts.find(remote_id).properties["emailAddresses"]
    assert [(each["name"], each["address"]) for each in entries] == [
        ("Label 0", "0@x.test"),
        ("Label 1", "new@x.test"),
        ("Label 2", "2@x.test"),
    ]


def test_a_value_that_the_service_will_not_take_is_refused_alone(world: World) -> None:
    for number in range(3):
        world.add(f"Ada {number}")
    records = world.contacts().changes(None, {}).records
    world.service.plan(
        answers(400, "ErrorPropertyValidationFailure"),
        lambda ask: ask.method == "PATCH" and ask.path[-1] == records[1].remote_id,
        times=9,
    )
    outcomes = list(world.contacts().update([update(record, title="Poet") for record in records]))
    assert [type(outcome) for outcome in outcomes] == [Written, Refused, Written]


def test_a_contact_that_may_not_be_written_stops_no_other(world: World) -> None:
    for number in range(3):
        world.add(f"Ada {number}")
    records = world.contacts().changes(None, {}).records
    world.service.plan(
        answers(403, "ErrorAccessDenied"),
        lambda ask: ask.method == "PATCH" and ask.path[-1] == records[0].remote_id,
        times=9,
    )
    outcomes = list(world.contacts().update([update(record, title="Poet") for record in records]))
    assert [type(outcome) for outcome in outcomes] == [Refused, Written, Written]


def test_one_item_that_always_fails_stops_no_other(world: World) -> None:
    for number in range(30):
        world.add(f"Ada {number}")
    records = world.contacts().changes(None, {}).records
    world.service.plan(
        answers(500, "ErrorInternalServerError"),
        lambda ask: ask.method == "PATCH" and ask.path[-1] == records[1].remote_id,
        times=99,
    )
    outcomes = list(world.contacts().update([update(record, title="Poet") for record in records]))
    assert [type(each) for each in outcomes].count(Written) == 29
    assert isinstance(outcomes[1], PreconditionFailed)


def test_halves_of_characters_in_a_contact_break_nothing(world: World) -> None:
    remote_id = world.add("Ada \ud83d", personalNotes="\udc00", jobTitle="Poet \ud83d\ude00")
    (record,) = world.contacts().changes(None, {}).records
    assert (record.person.name, record.person.title) == ("Ada", "Poet \U0001f600")
    (outcome,) = world.contacts().update([update(record, department="Notes")])
    assert isinstance(outcome, Written)
    assert outcome.before is not None
    assert outcome.before.encode()
    assert world.service.contacts.find(remote_id).properties["personalNotes"] == "\udc00"


@pytest.mark.parametrize("size", [1, 2])
def test_folders_whose_ids_have_several_forms_lose_no_contact(world: World, size: int) -> None:
    world.service.contacts.add_folder("Family")
    ids = [world.add(f"Ada {number}") for number in range(size)]
    first = world.contacts().changes(None, {})
    for remote_id in ids:
        world.service.contacts.report_removed(remote_id)
    world.service.switches.folder_ids_differ = True
    assert world.contacts().changes(first.cursor, known_of(first)).removed == ()


def test_the_limit_of_requests_is_told_and_kept_to(world: World) -> None:
    world.service.limit = 30
    with pytest.raises(TryLater):
        list(world.contacts().create([creation(number) for number in range(60)]))
    assert world.service.counters.requests < 20
    world.service.clock.advance(601)
    world.service.limit = 10**9
    assert all(isinstance(each, Written) for each in world.contacts().create([creation(n) for n in range(60)]))
    assert len(world.uids()) == len(set(world.uids())) == 60


def test_a_uid_in_other_capitals_is_another_persons(world: World) -> None:
    one, other = creation(1), replace(creation(1, "Grace"), uid=Uid("UID-1"))
    list(world.contacts().create([one]))
    (outcome,) = world.contacts().create([other])
    assert isinstance(outcome, Written)
    assert outcome.record.person.name == "Grace"
    assert world.names() == ["Ada 1", "Grace"]


def test_a_uid_with_quotes_and_other_signs_is_found_again(world: World) -> None:
    odd = replace(creation(1), uid=Uid("it's & 50% + #1?/ü"))
    for _ in range(2):
        (outcome,) = world.contacts().create([odd])
        assert isinstance(outcome, Written)
    assert len(world.names()) == 1


def test_an_id_with_signs_of_other_programs_is_no_other_path(world: World) -> None:
    assert [type(each) for each in world.contacts().read([RemoteId("a/../b?$select=id"), RemoteId(quote("ä"))])] == [
        Gone,
        Gone,
    ]


def test_the_last_contact_is_shown_in_the_notes_only_where_that_is_wished(world: World) -> None:
    world.add("Ada", personalNotes="met at the fair")
    (record,) = world.contacts().changes(None, {}).records
    (quiet,) = world.contacts().update([update(record, last_contact="2026-11-19")])
    assert isinstance(quiet, Written)
    stored = world.service.contacts.find(record.remote_id)
    assert stored.properties["personalNotes"] == "met at the fair"
    list(world.contacts(marked_line=True).update([update(quiet.record, last_contact="2026-11-20")]))
    assert stored.properties["personalNotes"] == "met at the fair\nLast contact: 2026-11-20 [contactd]"


@pytest.mark.parametrize(("size", "changed", "requests"), [(200, 1, 2), (200, 20, 2), (200, 100, 2), (2_500, 40, 3)])
def test_what_changed_is_read_in_as_few_requests_as_can_be(
    world: World, size: int, changed: int, requests: int
) -> None:
    ids = [world.add(f"Ada {number}") for number in range(size)]
    first = world.contacts().changes(None, {})
    for remote_id in ids[:changed]:
        world.service.contacts.edit(remote_id, jobTitle="Poet")
    world.service.counters.clear()
    assert len(world.contacts().changes(first.cursor, known_of(first)).records) == changed
    assert world.service.counters.requests == requests
