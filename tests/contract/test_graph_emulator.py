"""The emulator of Graph itself: judged by the published schema, and by what it must refuse."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import ValidationError

from connectors.graph_client import GraphClient
from connectors.graph_contacts import GraphContacts
from connectors.graph_events import GraphCalendar
from connectors.graph_sign_in import Lent
from connectors.http import Client
from connectors.interface import Written
from emulators.graph import facts
from emulators.graph.schema import judge
from emulators.graph.server import served
from emulators.graph.service import Service
from emulators.graph.wire import Document
from mappings.event import CalendarName, Window
from mappings.operation import Agreed, Change, CreateRecord, DeleteRecord, UpdateRecord
from mappings.person import Uid
from mappings.record import AccountName
from worlds import person

HOME = AccountName("home")
START = datetime(2026, 5, 3, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass
class Asker:
    """Somebody who asks by hand."""

    service: Service

    def ask(self, method: str, path: str, body: Document | None = None, **headers: str) -> tuple[int, Document]:
        sent = {"Authorization": "Bearer t", **{name.replace("_", "-"): value for name, value in headers.items()}}
        content = json.dumps(body).encode() if body is not None else b""
        reply = self.service.serve(method, f"/v1.0{path}", sent, content)
        return reply.status, json.loads(reply.content() or b"{}")


@pytest.fixture
def asker() -> Asker:
    return Asker(Service())


@pytest.fixture
def schema(shared: Path) -> Path:
    return shared / "contracts" / "graph-schema.json"


@pytest.fixture
def judged(schema: Path) -> Iterator[tuple[Service, str]]:
    service = Service()
    service.validate = judge(schema)
    with served(service) as base:
        yield service, base


def test_all_that_we_ask_and_all_that_it_answers_fits_the_published_schema(judged: tuple[Service, str]) -> None:
    service, base = judged
    client = GraphClient(HOME, base, Client(base), Lent("t"), service.clock.advance)
    contacts = GraphContacts(HOME, client, ("Contacts",))
    for number in range(70):
        service.contacts.add(displayName=f"Ada {number}", emailAddresses=[{"name": "A", "address": "a@x.test"}])
    first = contacts.changes(None, {})
    someone = person({"name": "Grace", "location": "Reno", "birthday": "1906-12-09", "phones": ("1", "2")})
    (made,) = contacts.create([CreateRecord(HOME, Uid("u"), someone, Agreed(HOME, {}))])
    assert isinstance(made, Written)
    change = Change("title", "", "Admiral", ("note",))
    (done,) = contacts.update(
        [UpdateRecord(HOME, Uid("u"), made.record.remote_id, made.record.etag, (change,), False, Agreed(HOME, {}))]
    )
    assert isinstance(done, Written)
    list(contacts.delete([DeleteRecord(HOME, Uid("u"), done.record.remote_id, done.record.etag)]))
    service.contacts.remove(first.records[0].remote_id)
    contacts.changes(first.cursor, {record.remote_id: record.etag for record in first.records})
    attendee = {"type": "required", "status": None, "emailAddress": {"name": "A", "address": "/O=X"}}
    service.calendars.add(START, START + HOUR, attendees=[attendee])
    service.calendars.add_day("2026-05-04", "2026-05-05")
    calendar = GraphCalendar(HOME, CalendarName("Calendar"), client)
    assert len(calendar.events(Window(START, START + 72 * HOUR, UTC)).events) == 2
    assert service.violations == []


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("contact", {"id": "a", "website": "https://a.test"}),
        ("contact", {"id": "a", "businessPhones": "1"}),
        ("contactDeltaPage", {"value": [], "@odata.nextLink": "https://a", "@odata.deltaLink": "https://b"}),
        ("batchRequest", {"requests": [{"id": str(n), "method": "GET", "url": "/me"} for n in range(21)]}),
        ("event", {"id": "a", "showAs": "asleep"}),
    ],
)
def test_the_judge_can_say_no(schema: Path, name: str, wrong: Document) -> None:
    with pytest.raises(ValidationError):
        judge(schema)(name, wrong)


def test_the_facts_in_code_are_those_of_the_schema(schema: Path) -> None:
    properties: dict[str, dict[str, Any]] = json.loads(schema.read_text())["$defs"]["contact"]["properties"]
    later = {"primaryEmailAddress", "secondaryEmailAddress", "tertiaryEmailAddress"}
    navigation = {name for name, each in properties.items() if each.get("x-navigation")}
    assert set(properties) - later - navigation == {*facts.blank(), *facts.READ_ONLY}
    assert {name for name, each in properties.items() if each.get("type") == "array"} - navigation == {
        *facts.LISTS,
        "emailAddresses",
    }


def test_a_page_is_ten_and_the_most_is_a_thousand(asker: Asker) -> None:
    for number in range(12):
        asker.service.contacts.add(displayName=str(number))
    status, page = asker.ask("GET", "/me/contacts")
    assert (status, len(page["value"])) == (200, 10)
    assert "$skip" in page["@odata.nextLink"] or "%24skip" in page["@odata.nextLink"]
    assert asker.ask("GET", "/me/contacts?$top=1001")[0] == 400


def test_an_id_is_immutable_only_where_that_is_preferred(asker: Asker) -> None:
    remote_id = asker.service.contacts.add(displayName="Ada")
    classic = asker.ask("GET", "/me/contacts?$select=id")[1]["value"][0]["id"]
    _, page = asker.ask("GET", "/me/contacts?$select=id", Prefer='IdType="ImmutableId", outlook.timezone="UTC"')
    assert (page["value"][0]["id"], len(remote_id), len(classic)) == (remote_id, 74, 146)
    asker.service.contacts.move(remote_id, asker.service.contacts.add_folder("Family"))
    assert asker.ask("GET", f"/me/contacts/{remote_id}")[0] == 200
    status, error = asker.ask("GET", f"/me/contacts/{classic}")
    assert (status, error["error"]["code"]) == (404, "ErrorItemNotFound")


def test_the_default_folder_is_in_no_list_but_has_a_name_of_its_own(asker: Asker) -> None:
    asker.service.contacts.add_folder("Family")
    assert [one["displayName"] for one in asker.ask("GET", "/me/contactFolders")[1]["value"]] == ["Family"]
    assert asker.ask("GET", "/me/contactFolders/contacts")[1]["displayName"] == "Contacts"


def test_names_in_parts_make_the_full_name_anew(asker: Asker) -> None:
    remote_id = asker.service.contacts.add(displayName="Countess", givenName="Ada", surname="King")
    assert asker.ask("PATCH", f"/me/contacts/{remote_id}", {"givenName": "Augusta"})[1]["displayName"] == "Augusta King"
    body = {"givenName": "Ada", "displayName": "Countess"}
    assert asker.ask("PATCH", f"/me/contacts/{remote_id}", body)[1]["displayName"] == "Countess"


def test_extended_properties_are_in_no_answer_to_a_write_and_only_where_they_are_asked_for(asker: Asker) -> None:
    name = "String {5be03f7c-2d4e-4f0b-8a1c-96d7e2b4a813} Name X"
    body = {"displayName": "Ada", "singleValueExtendedProperties": [{"id": name, "value": "1"}]}
    _, made = asker.ask("POST", "/me/contacts", body)
    expand = f"$expand=singleValueExtendedProperties($filter=id eq '{name}')"
    assert "singleValueExtendedProperties" not in made
    assert "singleValueExtendedProperties" not in asker.ask("GET", "/me/contacts")[1]["value"][0]
    (found,) = asker.ask("GET", f"/me/contacts?{expand}")[1]["value"]
    assert found["singleValueExtendedProperties"] == [{"id": name, "value": "1"}]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/me/contacts", {"emailAddresses": [{"address": f"{n}@x.test"} for n in range(4)]}, 400),
        ("POST", "/me/contacts", {"businessPhones": ["1", "2", "3"]}, 400),
        ("POST", "/me/contacts", {"website": "https://a.test"}, 400),
        ("POST", "/me/contacts", {"changeKey": "x"}, 400),
        ("POST", "/me/contacts", {"singleValueExtendedProperties": [{"id": "Name X", "value": "1"}]}, 400),
        ("PATCH", "/me/contacts", {"title": "x"}, 400),
        ("GET", "/me/contactFolders/contacts/contacts/delta?$expand=extensions", None, 500),
        ("GET", "/me/contactFolders/contacts/contacts/delta?$filter=x", None, 400),
        ("GET", "/me/contactFolders/contacts/contacts/delta?$deltatoken=old", None, 410),
        ("GET", "/me/contacts/a%2Fb", None, 400),
        ("GET", "/me/calendarView", None, 400),
        ("GET", "/me/calendarView?startDateTime=2026-01-01&endDateTime=2026-02-01&$select=createdDateTime", None, 400),
        ("POST", "/$batch", {"requests": [{"id": "1", "method": "GET", "url": "/me"}] * 2}, 400),
        ("POST", "/$batch", {"requests": [{"id": str(n), "method": "GET", "url": "/me"} for n in range(21)]}, 400),
        ("POST", "/$batch", {"requests": []}, 400),
    ],
)
def test_what_the_service_refuses(asker: Asker, method: str, path: str, body: Document | None, status: int) -> None:
    assert asker.ask(method, path, body)[0] == status


def test_the_fifth_item_of_a_batch_that_waits_for_nobody_is_throttled(asker: Asker) -> None:
    requests = [{"id": str(n), "method": "GET", "url": "/me/contacts"} for n in range(6)]
    _, answer = asker.ask("POST", "/$batch", {"requests": requests})
    statuses = {one["id"]: one["status"] for one in answer["responses"]}
    assert statuses == {"0": 200, "1": 200, "2": 200, "3": 200, "4": 429, "5": 429}


def test_an_item_that_fails_takes_those_that_wait_for_it_along(asker: Asker) -> None:
    requests: list[Document] = [{"id": "0", "method": "GET", "url": "/me/contacts/none"}]
    requests += [{"id": str(n), "method": "GET", "url": "/me/contacts", "dependsOn": [str(n - 1)]} for n in (1, 2)]
    _, answer = asker.ask("POST", "/$batch", {"requests": requests})
    assert {one["id"]: one["status"] for one in answer["responses"]} == {"0": 404, "1": 424, "2": 424}


def test_whoever_is_not_known_is_not_let_in_and_whoever_may_not_is_refused(asker: Asker) -> None:
    assert asker.ask("GET", "/me/contacts", Authorization="Bearer other")[0] == 401
    asker.service.scopes_of["t"] = frozenset({"Calendars.Read"})
    assert asker.ask("GET", "/me/contacts")[0] == 403


def test_occurrences_are_whole_in_a_view_and_stubs_in_the_feed(asker: Asker) -> None:
    asker.service.calendars.add(START, START + HOUR, type="occurrence", seriesMasterId="m", subject="Tea")
    span = "startDateTime=2026-05-01T00:00:00Z&endDateTime=2026-06-01T00:00:00Z"
    (whole,) = asker.ask("GET", f"/me/calendarView?{span}")[1]["value"]
    (stub,) = asker.ask("GET", f"/me/calendarView/delta?{span}")[1]["value"]
    assert (whole["subject"], "subject" in stub, stub["seriesMasterId"]) == ("Tea", False, "m")
    assert whole["start"] == {"dateTime": "2026-05-03T09:00:00.0000000", "timeZone": "UTC"}


def test_times_are_in_the_zone_that_is_preferred_but_whole_days_never_move(asker: Asker) -> None:
    asker.service.calendars.add(START, START + HOUR)
    asker.service.calendars.add_day("2026-05-04", "2026-05-05", offset_h=2)
    span = "startDateTime=2026-05-01T00:00:00Z&endDateTime=2026-06-01T00:00:00Z"
    _, page = asker.ask("GET", f"/me/calendarView?{span}", Prefer='outlook.timezone="Europe/Berlin"')
    assert [one["start"]["dateTime"][:13] for one in page["value"]] == ["2026-05-03T11", "2026-05-04T00"]
    early = "startDateTime=2026-05-01T00:00:00Z&endDateTime=2026-05-03T23:00:00Z"
    assert len(asker.ask("GET", f"/me/calendarView?{early}")[1]["value"]) == 2
