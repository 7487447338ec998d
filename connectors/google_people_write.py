"""Changes of Google contacts, many at once: what was drafted is sent, and what became of each is found out.

A batch that fails as a whole says nothing certain of its items, since nobody has documented whether some of them were
carried out. So each is looked at again: a contact that says what it was to say was written, one that is as it was before
is sent by itself, anything else has moved on. A contact on which Google itself fails is told as refused after that, and
does not keep the others from being written; where Google fails on everything, the account is left alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from connectors.errors import TryLater
from connectors.google_answers import Refused
from connectors.google_contact import Contact, contact_of
from connectors.google_people_api import BATCH_SIZE, EVERYTHING, Item, ItemRefused, NotAnswered, NotFound, PeopleApi
from mappings.errors import UnreadableRecord
from mappings.google_person import body, written
from mappings.json_object import JsonObject

FAILURES_MAX = 3
"""After so many contacts in a row on which Google fails, it is Google and not the contacts."""

Outcome = TypeVar("Outcome")

Result = JsonObject | ItemRefused | NotFound
"""The contact as it was written, or why it was not."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One contact as it was just read, as it is to be, and the arrays in which the two differ."""

    contact: Contact
    after: JsonObject
    kinds: tuple[str, ...]

    @property
    def body(self) -> JsonObject:
        return body(self.after, self.kinds, self.contact.source)


def write(api: PeopleApi, drafts: Sequence[Draft]) -> Iterator[tuple[int, Result]]:
    """Carry out drafts, those of one mask together; yield each one's number with what became of it, as it is known."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for number, draft in enumerate(drafts):
        groups.setdefault(draft.kinds, []).append(number)
    for kinds, numbers in groups.items():
        if not kinds:
            yield from ((number, drafts[number].contact.person) for number in numbers)
            continue
        for first in range(0, len(numbers), BATCH_SIZE):
            some = numbers[first : first + BATCH_SIZE]
            yield from zip(some, _written(api, [drafts[number] for number in some]), strict=True)


def in_order(found: Iterable[tuple[int, Outcome]]) -> Iterator[Outcome]:
    """Yield numbered outcomes by their numbers, each as soon as those before it are known."""
    waiting: dict[int, Outcome] = {}
    upcoming = 0
    for number, outcome in found:
        waiting[number] = outcome
        while upcoming in waiting:
            yield waiting.pop(upcoming)
            upcoming += 1


def _written(api: PeopleApi, drafts: Sequence[Draft]) -> Iterator[Result]:
    if len(drafts) == 1:
        yield from _one_by_one(api, drafts)
        return
    kinds = drafts[0].kinds
    try:
        items: dict[str, Item] = api.update({draft.contact.name: draft.body for draft in drafts}, kinds)
    except (Refused, TryLater):
        yield from _looked_at(api, drafts)
        return
    for draft in drafts:
        item = items[draft.contact.name]
        if isinstance(item, NotAnswered):
            yield from _looked_at(api, [draft])
        else:
            yield item


def _looked_at(api: PeopleApi, drafts: Sequence[Draft]) -> Iterator[Result]:
    """Find out what became of contacts whose batch failed, and send what was not written."""
    failures = 0
    for draft, item in zip(drafts, api.got([draft.contact.name for draft in drafts], EVERYTHING), strict=True):
        result = _settled(draft, item)
        if result is not None:
            yield result
            continue
        try:
            yield from _one_by_one(api, [draft])
            failures = 0
        except TryLater as error:
            failures += 1
            if failures >= FAILURES_MAX:
                raise
            yield _failed(api, draft, error)


def _failed(api: PeopleApi, draft: Draft, error: TryLater) -> Result:
    """Say what became of a contact on which Google failed; if it cannot even be read, nobody knows."""
    (item,) = api.got([draft.contact.name], EVERYTHING)
    return _settled(draft, item) or ItemRefused(f"not written: {error.reason}", is_stale=False)


def _settled(draft: Draft, item: Item) -> Result | None:
    """Tell what a fresh look says of a draft, None if it was not written and still can be."""
    match item:
        case NotFound() | ItemRefused():
            return item
        case NotAnswered():
            raise TryLater(str(item), None)
        case JsonObject():
            return _compared(draft, item)


def _compared(draft: Draft, person: JsonObject) -> Result | None:
    try:
        contact = contact_of(person)
    except UnreadableRecord as error:
        return ItemRefused(error.reason, is_stale=False)
    if contact is None:
        return NotFound("there is no such contact")
    if contact.source.etag == draft.contact.source.etag:
        return None
    if all(written(person, kind) == written(draft.after, kind) for kind in draft.kinds):
        return person
    return ItemRefused("it has changed since it was read", is_stale=True)


def _one_by_one(api: PeopleApi, drafts: Sequence[Draft]) -> Iterator[Result]:
    for draft in drafts:
        item = api.update_one(draft.contact.name, draft.body, draft.kinds)
        if isinstance(item, NotAnswered):
            raise TryLater(str(item), None)
        yield item
