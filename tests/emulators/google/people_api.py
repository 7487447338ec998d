"""The People API's methods on one account."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from emulators.google import answers
from emulators.google.answers import Refusal, error
from emulators.google.contacts import READABLE, AddressBook, Contact
from emulators.google.world import BatchFailure, Google

Doc = dict[str, Any]
Query = Mapping[str, Sequence[str]]

_TOKEN_LIVES = timedelta(days=7)
_FIXED = ("personFields", "sources", "pageSize", "requestSyncToken", "sortOrder")
_BATCH_UNITS = 6
_CODES = {"NOT_FOUND": 5, "FAILED_PRECONDITION": 9, "INVALID_ARGUMENT": 3, "INTERNAL": 13}
MUTATES = frozenset(
    [
        "createContact",
        "updateContact",
        "deleteContact",
        "batchCreateContacts",
        "batchUpdateContacts",
        "batchDeleteContacts",
        "modify",
        "create",
        "update",
        "delete",
    ]
)


class PeopleApi:
    """What one account's owner may do with the People API."""

    def __init__(self, google: Google, book: AddressBook) -> None:
        self._google, self._book = google, book

    def call(self, method: str, path: Mapping[str, str], query: Query, body: Doc) -> Doc:
        """Carry out a method.

        Errors: `Refusal`.
        """
        name = method.removeprefix("people.")
        self._take_quota(name)
        handlers = {
            "people.connections.list": lambda: self._list(path, query),
            "people.get": lambda: self._shown(self._found(f"people/{path['peopleId']}"), query, "personFields"),
            "people.getBatchGet": lambda: self._batch_get(query),
            "people.createContact": lambda: self._written(self._create(body), query),
            "people.updateContact": lambda: self._update(path, query, body),
            "people.deleteContact": lambda: self._delete(path),
            "people.batchCreateContacts": lambda: self._batch_create(body),
            "people.batchUpdateContacts": lambda: self._batch_update(body),
            "people.batchDeleteContacts": lambda: self._batch_delete(body),
            "contactGroups.list": lambda: self._groups(query),
            "contactGroups.create": lambda: self._create_group(body),
            "contactGroups.members.modify": lambda: self._book.modify_members(
                f"contactGroups/{path['contactGroupsId']}",
                body.get("resourceNamesToAdd", []),
                body.get("resourceNamesToRemove", []),
            ),
        }
        if name not in handlers:
            raise Refusal(answers.no_such_page())
        return handlers[name]()

    def _take_quota(self, name: str) -> None:
        units = _BATCH_UNITS if ".batch" in name or name.endswith("getBatchGet") else 1
        if name.rpartition(".")[2] in MUTATES and not self._google.spend("write", units):
            raise Refusal(answers.minute_quota("write"))
        if not self._google.spend("read", units):
            raise Refusal(answers.minute_quota("read"))

    def _list(self, path: Mapping[str, str], query: Query) -> Doc:
        if path["peopleId"] != "me":
            raise Refusal(error(400, "Must be a request for people/me.", "INVALID_ARGUMENT"))
        fields, size = _mask(query, "personFields"), int(_one(query, "pageSize", "100")) or 100
        if not 1 <= size <= 1000:
            raise Refusal(answers.garbage_token())
        fixed, page, since = _fingerprint(query), _one(query, "pageToken"), _one(query, "syncToken")
        wants_token = _one(query, "requestSyncToken") == "true"
        start, began = self._opened(since, fixed) if since else (None, "")
        if not page and start is None and wants_token:
            self._take_full_sync()
        at, until = self._paged(page, fixed, start)
        rows = self._rows(start, until)
        made: Doc = {}
        if shown := [self._book.shown(each, fields, query.get("sources", [])) for each in rows[at : at + size]]:
            made |= {"connections": shown}
        if rows:
            made |= {"totalItems": len(rows), "totalPeople": len(rows)}
        if at + size < len(rows):
            made["nextPageToken"] = _token("page", fixed, at + size, until)
        elif wants_token and (start is None or self._google.unconfirmed.delta_has_next_token):
            made["nextSyncToken"] = _token("sync", fixed, until, began or self._google.clock.now.timestamp())
        return made

    def _take_full_sync(self) -> None:
        limits = self._google.limits
        if limits.full_syncs is not None:
            if not limits.full_syncs:
                raise Refusal(answers.minute_quota("read"))
            limits.full_syncs -= 1

    def _opened(self, token: str, fixed: str) -> tuple[int, str]:
        """Read a sync token: how far it goes, and when the full sync was from which it comes."""
        kind, token_fixed, seen, began = _untoken(token)
        if kind != "sync":
            raise Refusal(answers.garbage_token())
        if token_fixed != fixed:
            raise Refusal(error(400, "Sync token was issued for other parameters.", "INVALID_ARGUMENT"))
        if self._google.clock.now.timestamp() - float(began) > _TOKEN_LIVES.total_seconds():
            said = self._google.unconfirmed
            raise Refusal(
                answers.expired_sync_token(said.expired_code, said.expired_status, with_reason=said.expired_has_reason)
            )
        return int(seen), began

    def _paged(self, page: str, fixed: str, start: int | None) -> tuple[int, int]:
        """Return where a page begins, and up to where the journal counts for this listing."""
        if page:
            kind, token_fixed, at, until = _untoken(page)
            if kind != "page" or token_fixed != fixed:
                raise Refusal(answers.garbage_token())
            return int(at), int(until)
        said = self._google.unconfirmed
        lags = start is not None or said.listing_lags_too
        seen = self._book.seen_until(said.feed_lag if lags else timedelta(0))
        return 0, max(seen, start or 0)

    def _rows(self, start: int | None, until: int) -> list[Contact]:
        return self._book.as_of(until) if start is None else self._book.changed(start, until)

    def _batch_get(self, query: Query) -> Doc:
        names = list(query.get("resourceNames", []))
        if not 1 <= len(names) <= 200:
            raise Refusal(answers.garbage_token())
        fields = _mask(query, "personFields")
        return {"responses": [self._got(name, fields, query.get("sources", [])) for name in names]}

    def _got(self, name: str, fields: Iterable[str], sources: Sequence[str]) -> Doc:
        contact = self._book.named(name)
        if contact is None:
            status = {"code": 5, "message": "Requested entity was not found."}
            return {"requestedResourceName": name, "httpStatusCode": 404, "status": status}
        shown = self._book.shown(contact, fields, sources)
        return {"requestedResourceName": name, "httpStatusCode": 200, "person": shown}

    def _found(self, name: str) -> Contact:
        contact = self._book.named(name)
        if contact is None:
            raise Refusal(answers.not_found())
        return contact

    def _shown(self, contact: Contact, query: Query, parameter: str) -> Doc:
        return self._book.shown(contact, _mask(query, parameter), query.get("sources", []))

    def _create(self, person: Doc) -> Contact:
        self._check(person)
        if person.get("memberships") and not self._google.unconfirmed.create_takes_groups:
            raise Refusal(answers.garbage_token())
        return self._book.create(person)

    def _check(self, person: Doc) -> None:
        """Refuse, or fail on, what a test says."""
        text = json.dumps(person, ensure_ascii=False)
        if self._google.refuses and self._google.refuses in text:
            raise Refusal(answers.garbage_token())
        if self._google.fails_on and self._google.fails_on in text:
            raise Refusal(answers.internal())

    def _written(self, contact: Contact, query: Query) -> Doc:
        """Show a contact after it was written: all of it, where nothing is asked for (recorded)."""
        fields = _listed(query, "personFields") or READABLE
        return self._book.shown(contact, _checked(list(fields), "personFields"), query.get("sources", []))

    def _update(self, path: Mapping[str, str], query: Query, body: Doc) -> Doc:
        contact = self._found(f"people/{path['peopleId']}")
        self._check(body)
        self._book.update(contact, body, _listed(query, "updatePersonFields"))
        return self._written(contact, query)

    def _delete(self, path: Mapping[str, str]) -> Doc:
        self._book.delete(self._found(f"people/{path['peopleId']}"))
        return {}

    def _batch_create(self, body: Doc) -> Doc:
        people = [each["contactPerson"] for each in body.get("contacts", [])]
        if not 1 <= len(people) <= 200:
            raise Refusal(answers.garbage_token())
        read_mask = _masked(body.get("readMask", ""))
        made = self._each(people, self._create)
        if not read_mask:
            return {}
        return {"createdPeople": [self._answered(each, read_mask, body.get("sources", [])) for each in made]}

    def _batch_update(self, body: Doc) -> Doc:
        people: dict[str, Doc] = body.get("contacts", {})
        if not 1 <= len(people) <= 200:
            raise Refusal(answers.garbage_token())
        kinds, read_mask = [each for each in body["updateMask"].split(",") if each], _masked(body.get("readMask", ""))

        def update(item: tuple[str, Doc]) -> Contact:
            contact = self._found(item[0])
            self._check(item[1])
            self._book.update(contact, item[1], kinds)
            return contact

        made = self._each(list(people.items()), update)
        if not read_mask:
            return {}
        sources = body.get("sources", [])
        each = zip(people, made, strict=True)
        return {
            "updateResult": {
                name: {"requestedResourceName": name} | self._answered(one, read_mask, sources) for name, one in each
            }
        }

    def _each(self, items: Sequence[Any], work: Any) -> list[Contact | Refusal]:  # noqa: ANN401  # of whatever kind the batch is
        """Carry out a batch; what a bad item does to the others is one of the things that nobody knows."""
        how = self._google.unconfirmed.batch_failure
        if how is BatchFailure.WHOLE:
            book = _Snapshot(self._book)
            try:
                return [work(item) for item in items]
            except Refusal:
                book.restore()
                raise
        done: list[Contact | Refusal] = []
        for item in items:
            try:
                done.append(work(item))
            except Refusal as refusal:
                if how is BatchFailure.PARTLY:
                    raise
                done.append(refusal)
        return done

    def _answered(self, outcome: Contact | Refusal, read_mask: Sequence[str], sources: Sequence[str]) -> Doc:
        if isinstance(outcome, Contact):
            return {"httpStatusCode": 200, "person": self._book.shown(outcome, read_mask, sources)}
        said = outcome.answer.body
        assert isinstance(said, dict)
        code = _CODES[said["error"]["status"]]
        return {"httpStatusCode": outcome.answer.status, "status": {"code": code, "message": said["error"]["message"]}}

    def _batch_delete(self, body: Doc) -> Doc:
        names = body.get("resourceNames", [])
        if not 1 <= len(names) <= 500:
            raise Refusal(answers.garbage_token())
        for contact in [self._found(name) for name in names]:
            self._book.delete(contact)
        return {}

    def _groups(self, query: Query) -> Doc:
        size, at = int(_one(query, "pageSize", "30")) or 30, int(_one(query, "pageToken", "0"))
        names = list(self._book.groups)
        shown = [self._book.shown_group(name) for name in names[at : at + size]]
        made: Doc = {"contactGroups": shown, "totalItems": len(names)}
        if at + size < len(names):
            return made | {"nextPageToken": str(at + size)}
        return made | {"nextSyncToken": _token("groups", "", 0, 0)}

    def _create_group(self, body: Doc) -> Doc:
        shown = self._book.shown_group(self._book.create_group(body["contactGroup"]["name"]))
        return {name: value for name, value in shown.items() if name != "memberCount"}


class _Snapshot:
    """What a book was, to go back to it."""

    def __init__(self, book: AddressBook) -> None:
        self._book, self._length = book, len(book.journal)
        self._contacts = {key: (dict(one.entries), one.version, one.is_deleted) for key, one in book.contacts.items()}

    def restore(self) -> None:
        for key in list(self._book.contacts):
            if key not in self._contacts:
                del self._book.contacts[key]
                continue
            contact = self._book.contacts[key]
            contact.entries, contact.version, contact.is_deleted = self._contacts[key]
        del self._book.journal[self._length :]


def _mask(query: Query, parameter: str) -> list[str]:
    fields = _listed(query, parameter)
    if not fields:
        message = f"{parameter} mask is required. Please specify one or more valid paths."
        raise Refusal(error(400, message, "INVALID_ARGUMENT"))
    return _checked(fields, parameter)


def _masked(text: str) -> list[str]:
    return _checked([each for each in text.split(",") if each], "readMask")


def _checked(fields: list[str], parameter: str) -> list[str]:
    for path in fields:
        if path not in READABLE:
            raise Refusal(error(400, f'Invalid {parameter} mask path: "{path}".', "INVALID_ARGUMENT"))
    return fields


def _listed(query: Query, parameter: str) -> list[str]:
    return [each for value in query.get(parameter, []) for each in value.split(",") if each]


def _one(query: Query, parameter: str, otherwise: str = "") -> str:
    return next(iter(query.get(parameter, [])), otherwise)


def _fingerprint(query: Query) -> str:
    said = {name: sorted(query.get(name, [])) for name in _FIXED}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:12]


def _token(kind: str, fixed: str, first: object, second: object) -> str:
    return f"{kind}.{fixed}.{first}.{str(second).replace('.', '_')}"


def _untoken(token: str) -> tuple[str, str, str, str]:
    parts = token.split(".")
    if len(parts) != 4:
        raise Refusal(answers.garbage_token())
    kind, fixed, first, second = parts
    return kind, fixed, first, second.replace("_", ".")
