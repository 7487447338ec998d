"""The emulator against what Google really said: recorded traffic, and the shapes in it.

A request that was recorded is sent to the emulator; its answer must have the very members that the recorded one has.
Values differ, and so may members that only a bigger account has.
"""

import json
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from emulators.google.discovery import CALENDAR, PEOPLE
from emulators.google.server import Server

Doc = dict[str, Any]

ME = "me@example.test"
_ALL_SCOPES = "https://www.googleapis.com/auth/contacts https://www.googleapis.com/auth/calendar.events.readonly"


class Recorded(NamedTuple):
    """One request and its answer."""

    verb: str
    url: str
    body: Doc
    answer: Doc


@pytest.fixture
def server() -> Generator[Server]:
    with Server().running() as running:
        running.google.account(ME)
        running.google.tokens.access["t"] = (ME, running.google.clock.now.timestamp() + 3600, _ALL_SCOPES)
        yield running


@pytest.fixture
def folder(shared: Path) -> Path:
    found = shared / "corpora/google-recorded"
    if not found.is_dir():
        pytest.skip("CONTACTD_SHARED has no recorded traffic")
    return found


def recorded(folder: Path, name: str) -> Recorded:
    request, answer = (
        (folder / f"{name}_{kind}.txt").read_text().replace("\r\n", "\n") for kind in ("request", "response")
    )
    head, _, body = request.partition("\n\n")
    verb, url = head.splitlines()[0].split(" ")[:2]
    said = answer.partition("\n\n")[2].strip()
    return Recorded(verb, url, json.loads(body) if body.strip() else {}, json.loads(said) if said else {})


def sent(server: Server, one: Recorded, path: str = "", body: Doc | None = None) -> Doc:
    """Send a recorded request, to another resource or with another body where ids differ."""
    parts = urlsplit(one.url)
    response = httpx.request(
        one.verb,
        f"{server.base}{path or parts.path}",
        params=parse_qs(parts.query),
        json=body if body is not None else one.body or None,
        headers={"Authorization": "Bearer t"},
        trust_env=False,
    )
    assert response.status_code == 200, response.text
    answer: Doc = response.json()
    return answer


def members(value: object, place: str = "") -> Iterator[str]:
    """Yield the places of everything in a JSON value; all items of a list are in one place."""
    if isinstance(value, dict):
        for name, each in cast("Doc", value).items():
            yield f"{place}/{name}"
            yield from members(each, f"{place}/{name}")
    elif isinstance(value, list):
        for each in cast("list[object]", value):
            yield from members(each, place)


def same_shape(ours: Doc, theirs: Doc, but: frozenset[str] = frozenset()) -> None:
    ours_at, theirs_at = set(members(ours)), set(members(theirs))
    assert {place for place in ours_at ^ theirs_at if not any(place.startswith(each) for each in but)} == set()


# The recorder's account has a photo of its own, and the server knew the regions of his addresses.
_DIFFER = frozenset({"/names/metadata/sourcePrimary", "/photos/metadata", "/photos/default"})


def test_a_person_lives_and_dies_as_recorded(server: Server, folder: Path) -> None:
    book = server.google.accounts[ME].book
    create, fetch, modify, delete = (
        recorded(folder / "people", f"person1_{step}") for step in ("create", "fetch", "modify", "delete")
    )
    group = book.add_group("Friends of ours")
    body = json.loads(json.dumps(create.body))
    made = sent(server, create, body=body)
    same_shape(made, create.answer, _DIFFER)
    at = f"/v1/{made['resourceName']}"
    same_shape(sent(server, fetch, at), fetch.answer, _DIFFER)
    # The recorded request names its own versions and groups.
    change = json.loads(json.dumps(modify.body)) | {"etag": made["etag"], "resourceName": made["resourceName"]}
    change["metadata"] = {"sources": [{key: made["metadata"]["sources"][0][key] for key in ("type", "id", "etag")}]}
    change["memberships"] = [
        {"contactGroupMembership": {"contactGroupResourceName": name}} for name in ("contactGroups/myContacts", group)
    ]
    changed = sent(server, modify, f"{at}:updateContact", change)
    same_shape(changed, modify.answer, _DIFFER | {"/addresses"})
    assert sent(server, delete, f"{at}:deleteContact") == delete.answer == {}
    assert server.google.violations == []


def test_a_listing_and_what_changed_since_are_as_recorded(server: Server, folder: Path) -> None:
    book = server.google.accounts[ME].book
    first = recorded_pair(folder, "connections_initial_fetch_request", "connections_full_fetch_response")
    since = recorded_pair(folder, "connections_partial_followup_fetch_request", "connections_partial_fetch_response_2")
    for name in ("person1", "person2"):
        book.create(recorded(folder / "people", f"{name}_create").body)
    listed = sent(server, first)
    assert {name for name in listed if name != "connections"} <= {*first.answer, "nextSyncToken"}
    same_shape({"c": listed["connections"]}, {"c": first.answer["connections"]}, frozenset({"/c"}))
    followed = since._replace(url=_with_token(first.url, listed["nextSyncToken"]))
    book.remove(next(iter(book.contacts)))
    delta = sent(server, followed)
    assert [each["metadata"].get("deleted") for each in delta["connections"]] == [True]
    assert server.google.violations == []


def recorded_pair(folder: Path, request: str, answer: str) -> Recorded:
    head = (folder / "people" / f"{request}.txt").read_text().splitlines()[0].split(" ")
    text = (folder / "people" / f"{answer}.txt").read_text().replace("\r\n", "\n").partition("\n\n")[2]
    return Recorded(head[0], head[1], {}, json.loads(text))


def _with_token(url: str, token: str) -> str:
    return f"{url}&syncToken={token}"


def test_groups_are_made_and_listed_as_recorded(server: Server, folder: Path) -> None:
    create = recorded(folder / "people", "contactgroup2_create")
    server.google.accounts[ME].book.add(names=[{"givenName": "Ada"}])
    made = sent(server, create, body={"contactGroup": {"name": "Ours"}})
    assert set(made) <= set(create.answer) | {"etag"}
    listing = json.loads(
        (folder / "people/contactgroup_list_fetch_full_response.txt")
        .read_text()
        .replace("\r\n", "\n")
        .partition("\n\n")[2]
    )
    ours = sent(server, Recorded("GET", "/v1/contactGroups", {}, {}))
    assert set(members(ours)) >= set(members(listing)) - {"/contactGroups/metadata/updateTime"}
    assert server.google.violations == []


def test_every_recorded_body_is_one_that_the_schemas_allow(folder: Path) -> None:
    """The judge itself is judged: what Google sent must pass, in both directions."""
    judged = 0
    for api, part in ((PEOPLE, "people"), (CALENDAR, "calendar")):
        for path in sorted((folder / part).glob("*_request.txt")):
            answer = path.with_name(path.name.replace("_request", "_response"))
            head = path.read_text().splitlines()[0].split(" ")
            url = urlsplit(head[1])
            found = api.method(head[0], url.path)
            if found is None or not answer.exists():
                continue
            one = recorded(folder / part, path.name.removesuffix("_request.txt"))
            method, _ = found
            # The recorder's program sends one parameter that this method does not have, which Google passed over.
            problems = [
                each for each in api.problems_of_query(method, parse_qs(url.query)) if "sendUpdates" not in each
            ]
            assert problems == []
            assert api.problems_of_response(method, one.answer) == []
            judged += 1
    assert judged >= 20


def test_requests_that_the_schemas_do_not_allow_are_told(server: Server) -> None:
    requests: tuple[tuple[str, Doc], ...] = (
        ("/v1/people:createContact?personFields=names", {"name": "flat"}),
        ("/v1/people:createContact?personFields=names", {"names": [{"displayName": "only the server says this"}]}),
        ("/v1/people:batchUpdateContacts", {"contacts": [], "updateMask": "names"}),
        ("/v1/people:createContact?personFeilds=names", {}),
    )
    for path, body in requests:
        answer = httpx.post(f"{server.base}{path}", json=body, headers={"Authorization": "Bearer t"}, trust_env=False)
        assert answer.status_code == 400
    assert len(server.google.violations) == 4


def test_unknown_places_answer_with_a_page_that_is_no_json(server: Server) -> None:
    answer = httpx.post(f"{server.base}/v1/people/me:createContact", json={}, trust_env=False)
    assert (answer.status_code, answer.text[:15]) == (404, "<!DOCTYPE html>")
