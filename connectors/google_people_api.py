"""The People API's methods that are used, as values: persons in, persons and refusals out.

Everything asks for the contact's own data alone (`READ_SOURCE_TYPE_CONTACT`), and changes of one account are sent one
after the other, as the documentation wants it.

Source: discovery document people.v1.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from connectors.errors import ConnectorError, Misunderstood, TryLater
from connectors.google_access import Access, Ask, documented
from connectors.google_answers import Refused, Sort
from mappings.google_person import WRITABLE_KINDS
from mappings.json_object import Json, JsonObject, json_object, plain

LIST_SIZE = 1000
"""The most that a page of a list may hold."""

BATCH_SIZE = 200
"""The most that a batch may hold that reads, makes or changes."""

DELETE_SIZE = 500
MEMBERS_SIZE = 1000

PAGES_MAX = 100
"""No account holds more than 25,000 contacts; whoever sends more pages than this sends them in a circle."""

EVERYTHING = ",".join((*WRITABLE_KINDS, "metadata"))
"""All that a client may write, so that a record can be put back."""

OWN_SOURCES = ["READ_SOURCE_TYPE_CONTACT"]

_NOT_FOUND = 5
_INVALID = frozenset({3, 6, 9, 11})
"""Codes of google.rpc.Status by which one item of a batch is refused: nothing was done about it."""


class ItemRefused(ConnectorError):
    """One item of a batch is refused; `is_stale` says that it is because the contact has moved on."""

    def __init__(self, reason: str, *, is_stale: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_stale = is_stale


class NotFound(ConnectorError):
    """There is no such contact."""


class NotAnswered(ConnectorError):
    """Nobody knows what became of one item of a batch."""


Item = JsonObject | ItemRefused | NotFound | NotAnswered
"""What became of one item of a batch: the person as it is now, or why not."""


class Page(NamedTuple):
    """One page of a list; `sync_token` is "" on all but the last."""

    persons: tuple[JsonObject, ...]
    sync_token: str


class PeopleApi:
    """The People API for one account."""

    def __init__(self, access: Access) -> None:
        self.access = access

    def pages(self, fields: str, sync_token: str, *, with_token: bool) -> Iterator[Page]:
        """Read the contacts, or what became of them since a sync token, page by page.

        Shapes: a sync token is good for the same fields only; the last page has the next one.
        Errors: `Refused`; `Misunderstood` for pages without an end.
        """
        asked: dict[str, object] = {
            "resourceName": "people/me",
            "personFields": fields,
            "pageSize": LIST_SIZE,
            "sources": OWN_SOURCES,
        }
        if with_token:
            asked["requestSyncToken"] = True
        if sync_token:
            asked["syncToken"] = sync_token
        page_token = ""
        for _ in range(PAGES_MAX):
            with documented():
                page = self._page({**asked, "pageToken": page_token} if page_token else asked)
                page_token = page.text("nextPageToken")
                read = Page(page.objects("connections"), page.text("nextSyncToken"))
            yield read
            if not page_token:
                return
        raise Misunderstood("the People API lists pages without an end", "")

    def _page(self, asked: Mapping[str, object]) -> JsonObject:
        return self.access.ask(lambda people: people.people().connections().list(**asked))

    def got(self, names: Sequence[str], fields: str) -> list[Item]:
        """Read contacts by their resource names, in that order, as they are at this moment."""
        found: list[Item] = []
        for first in range(0, len(names), BATCH_SIZE):
            with documented():
                found.extend(self._got(list(names[first : first + BATCH_SIZE]), fields))
        return found

    def _got(self, names: list[str], fields: str) -> Iterator[Item]:
        answer = self._ask(
            lambda people: people.people().getBatchGet(resourceNames=names, personFields=fields, sources=OWN_SOURCES)
        )
        by_name = {each.text("requestedResourceName"): each for each in answer.objects("responses")}
        return (_item(by_name.get(name)) for name in names)

    def create(self, persons: Sequence[JsonObject]) -> list[Item]:
        """Make contacts, at most a batch of them, and return them in that order. Errors: `Refused`."""
        body = json_object(
            {
                "contacts": tuple(json_object({"contactPerson": person}) for person in persons),
                "readMask": EVERYTHING,
                "sources": tuple(OWN_SOURCES),
            }
        )
        answer = self.access.tell(lambda people: people.people().batchCreateContacts(body=plain(body)))
        with documented():
            made = answer.objects("createdPeople")
            if len(made) != len(persons):
                raise TryLater("the People API did not say what became of each contact that was to be made", None)
            return [_item(each) for each in made]

    def update(self, persons: Mapping[str, JsonObject], kinds: Sequence[str]) -> dict[str, Item]:
        """Replace these arrays of contacts, at most a batch of them, by their resource names. Errors: `Refused`."""
        members: dict[str, Json] = dict(persons)
        body = json_object(
            {
                "contacts": json_object(members),
                "updateMask": ",".join(kinds),
                "readMask": EVERYTHING,
                "sources": tuple(OWN_SOURCES),
            }
        )
        answer = self.access.tell(lambda people: people.people().batchUpdateContacts(body=plain(body)))
        with documented():
            results = answer.object("updateResult")
            return {name: _item(results.object(name) if name in results.members else None) for name in persons}

    def update_one(self, name: str, person: JsonObject, kinds: Sequence[str]) -> Item:
        """Replace these arrays of one contact. Errors: `Refused` with what is about the whole account."""
        try:
            return self.access.tell(
                lambda people: people.people().updateContact(
                    resourceName=name,
                    body=plain(person),
                    updatePersonFields=",".join(kinds),
                    personFields=EVERYTHING,
                    sources=OWN_SOURCES,
                )
            )
        except Refused as error:
            return refused_item(error)

    def create_one(self, person: JsonObject) -> Item:
        """Make one contact. Errors: `Refused` with what is about the whole account."""
        try:
            return self.access.tell(
                lambda people: people.people().createContact(
                    body=plain(person), personFields=EVERYTHING, sources=OWN_SOURCES
                )
            )
        except Refused as error:
            return refused_item(error)

    def delete(self, names: Sequence[str]) -> None:
        """Delete contacts, at most a batch of them; one that changed meanwhile is deleted too. Errors: `Refused`."""
        if len(names) == 1:
            self.access.tell(lambda people: people.people().deleteContact(resourceName=names[0]))
            return
        body = {"resourceNames": list(names)}
        self.access.tell(lambda people: people.people().batchDeleteContacts(body=body))

    def groups(self) -> dict[str, str]:
        """Return the owner's own contact groups, their names by their resource names."""
        found: dict[str, str] = {}
        page_token = ""
        for _ in range(PAGES_MAX):
            page = self._group_page({"pageToken": page_token} if page_token else {})
            with documented():
                for group in page.objects("contactGroups"):
                    if group.text("groupType") == "USER_CONTACT_GROUP":
                        found[group.text("resourceName")] = group.text("name")
                page_token = page.text("nextPageToken")
            if not page_token:
                return found
        raise Misunderstood("the People API lists groups without an end", "")

    def _group_page(self, further: Mapping[str, str]) -> JsonObject:
        return self._ask(
            lambda people: people.contactGroups().list(
                pageSize=LIST_SIZE, groupFields="name,groupType,metadata", **further
            )
        )

    def create_group(self, name: str) -> str:
        """Make a contact group and return its resource name."""
        body = {"contactGroup": {"name": name}}
        answer = self._tell(lambda people: people.contactGroups().create(body=body))
        with documented():
            return answer.text("resourceName")

    def change_members(self, group: str, add: Sequence[str], remove: Sequence[str]) -> None:
        """Put contacts into a group, and take others out; whoever is gone by now is passed over."""
        moves = [("resourceNamesToAdd", name) for name in add] + [("resourceNamesToRemove", name) for name in remove]
        for first in range(0, len(moves), MEMBERS_SIZE):
            body: dict[str, list[str]] = {}
            for member, name in moves[first : first + MEMBERS_SIZE]:
                body.setdefault(member, []).append(name)
            self._modify(group, body)

    def _modify(self, group: str, body: Mapping[str, list[str]]) -> None:
        self._tell(lambda people: people.contactGroups().members().modify(resourceName=group, body=body))

    def _ask(self, request: Ask) -> JsonObject:
        """Send what reads, and can only be refused for a reason that we do not know."""
        try:
            return self.access.ask(request)
        except Refused as error:
            raise self.access.not_understood(error) from error

    def _tell(self, request: Ask) -> JsonObject:
        try:
            return self.access.tell(request)
        except Refused as error:
            raise self.access.not_understood(error) from error


def refused_item(error: Refused) -> ItemRefused | NotFound:
    """Say what the refusal of a request for one contact means for it."""
    refusal = error.refusal
    if refusal.sort is Sort.NOT_FOUND:
        return NotFound("there is no such contact")
    if refusal.sort is Sort.FULL:
        return ItemRefused("the Google account holds no more contacts", is_stale=False)
    return ItemRefused(f"Google: {refusal.message or refusal.status}", is_stale=refusal.sort is Sort.STALE)


def _item(response: JsonObject | None) -> Item:
    """Read a batch's word on one item (`PersonResponse`)."""
    if response is None:
        return NotAnswered("Google did not say what became of it")
    status = response.object("status")
    code, message = status.number("code"), status.text("message")
    if code == _NOT_FOUND:
        return NotFound("there is no such contact")
    if code in _INVALID:
        return ItemRefused(f"Google: {message}", is_stale="is different than the current person.etag" in message)
    person = response.object("person")
    return person if person.members and not code else NotAnswered("Google did not say what became of it")
