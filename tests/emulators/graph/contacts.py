"""The contacts of one mailbox: folders, ids of two kinds, change keys, extended properties, and the feeds of changes."""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from emulators.graph import facts
from emulators.graph.clock import Clock
from emulators.graph.facts import SINGLE
from emulators.graph.switches import Switches
from emulators.graph.wire import Ask, Document, Refusal, Reply

_ID_EQ = re.compile(r"id eq '((?:[^']|'')*)'")
_BY_PROPERTY = re.compile(
    rf"{SINGLE}/any\((\w+):\s*\1/id eq '((?:[^']|'')*)' and \1/value eq '((?:[^']|'')*)'\)", re.IGNORECASE
)
_BY_ADDRESS = re.compile(r"emailAddresses/any\((\w+):\s*\1/address eq '((?:[^']|'')*)'\)", re.IGNORECASE)
_NAMES = {"givenName", "surname", "middleName", "title", "generation"}


def _id(kind: str, text: str, size_bytes: int) -> str:
    digest = hashlib.shake_256(f"{kind} {text}".encode()).digest(size_bytes)
    return kind + base64.urlsafe_b64encode(digest).decode()


DEFAULT = _id("AAMkF", "contacts", 61)
TRASH = _id("AAMkF", "deleted items", 61)


@dataclass
class Stored:
    """One contact, as the store has it; `moves` counts those from folder to folder, which change its classic id."""

    number: int
    folder: str
    properties: Document
    extended: dict[str, str] = field(default_factory=dict[str, str])
    extensions: dict[str, Document] = field(default_factory=dict[str, Document])
    changes: int = 0
    moves: int = 0
    gone: bool = False

    def __post_init__(self) -> None:
        self.immutable_id = _id("AAkALg", str(self.number), 49)
        self.classic_id = ""
        self.name_anew()

    def name_anew(self) -> None:
        self.classic_id = _id("AAMkAD", f"{self.number} {self.moves}", 105)

    @property
    def change_key(self) -> str:
        return base64.b64encode(f"EQ{self.number:05d}{self.changes:05d}".encode()).decode()


@dataclass(frozen=True)
class Change:
    """One entry of the journal that the feeds are read from."""

    folder: str
    number: int
    classic_id: str
    is_removal: bool
    is_new: bool


@dataclass(frozen=True)
class Token:
    """What a link stands for: the rest of a round, or the place from which the next one goes."""

    folder: str
    select: tuple[str, ...]
    rows: tuple[Change, ...]
    position: int
    is_delta: bool


class Contacts:
    """The store, with the hands of other programs as its methods; `answer` in `Service` is the API."""

    def __init__(self, clock: Clock, switches: Switches, origin: list[str]) -> None:
        self._clock = clock
        self._switches = switches
        self._origin = origin
        self.folders: dict[str, Document] = {}
        self.stored: dict[int, Stored] = {}
        self._by_id: dict[str, Stored] = {}
        self._journal: list[Change] = []
        self._settled = 0
        self._tokens: dict[str, Token] = {}
        self._issued = 0
        self._made = 0

    # What other programs and people do.

    def add_folder(self, name: str, parent: str = "") -> str:
        folder = _id("AAMkF", name, 61)
        self.folders[folder] = {"id": folder, "displayName": name, "parentFolderId": parent or "AAMkRoot="}
        return folder

    def add(self, folder: str = DEFAULT, **properties: Any) -> str:  # noqa: ANN401  # a contact's
        """Add a contact, without any check; return its immutable id."""
        self._made += 1
        stored = Stored(self._made, folder, {**facts.blank(), **properties, "createdDateTime": self._clock.stamp()})
        self.stored[stored.number] = stored
        self._by_id |= {stored.immutable_id: stored, stored.classic_id: stored}
        self._touch(stored, is_new=True)
        return stored.immutable_id

    def edit(self, remote_id: str, **properties: Any) -> None:  # noqa: ANN401  # a contact's
        stored = self.find(remote_id)
        stored.properties.update(properties)
        self._touch(stored)

    def remove(self, remote_id: str) -> None:
        stored = self.find(remote_id)
        self._journal_removal(stored)
        stored.gone = True
        stored.folder = TRASH

    def move(self, remote_id: str, folder: str) -> None:
        stored = self.find(remote_id)
        self._journal_removal(stored)
        stored.folder = folder
        stored.moves += 1
        del self._by_id[stored.classic_id]
        stored.name_anew()
        self._by_id[stored.classic_id] = stored
        self._touch(stored, is_new=True)

    def settle(self) -> None:
        """Let everything that was written be in the feeds."""
        self._settled = len(self._journal)

    def expire_links(self) -> None:
        self._tokens.clear()

    def report_removed(self, remote_id: str) -> None:
        """Say in the feed that a contact is removed which is still there."""
        self._journal_removal(self.find(remote_id), lost=False)

    def find(self, remote_id: str) -> Stored:
        stored = self._by_id.get(remote_id)
        if stored is not None:
            readable = self._switches.trash_is_readable and remote_id == stored.immutable_id
            if not stored.gone or readable:
                return stored
        raise Refusal(404, "ErrorItemNotFound", "The specified object was not found in the store.")

    def live(self, folder: str | None = None) -> list[Stored]:
        return [one for one in self.stored.values() if not one.gone and folder in {None, one.folder}]

    # The API.

    def folder_id(self, named: str) -> str:
        if named.casefold() == "contacts" or named == DEFAULT:
            return DEFAULT
        if named not in self.folders:
            raise Refusal(404, "ErrorItemNotFound", "The specified folder could not be found in the store.")
        return named

    def folder_answer(self, named: str) -> Document:
        folder = self.folder_id(named)
        known = {"id": DEFAULT, "displayName": "Contacts", "parentFolderId": "AAMkRoot="}
        if self._switches.folder_ids_differ:
            known["id"] += "="
        return known if folder == DEFAULT else self.folders[folder]

    def create(self, ask: Ask, folder: str) -> Reply:
        body = dict(ask.body or {})
        self._check(body)
        remote_id = self.add(folder)
        stored = self.find(remote_id)
        self._take(stored, body)
        if not stored.properties["displayName"]:
            stored.properties["displayName"] = _full_name(stored.properties) or None
        if not stored.properties["fileAs"]:
            surname, given = stored.properties["surname"], stored.properties["givenName"]
            stored.properties["fileAs"] = (
                f"{surname}, {given}" if surname and given else stored.properties["displayName"]
            )
        return Reply(201, self.seen(stored, ask, answer=True))

    def update(self, ask: Ask, remote_id: str) -> Reply:
        stored = self.find(remote_id)
        self._check_match(stored, ask)
        body = dict(ask.body or {})
        self._check(body)
        self._take(stored, body)
        if _NAMES & body.keys() and "displayName" not in body:
            stored.properties["displayName"] = _full_name(stored.properties) or None
        only_extended = set(body) <= {SINGLE}
        if not only_extended or self._switches.extension_change_shows:
            self._touch(stored)
        answer = Reply(204) if self._answers_nothing(ask) else Reply(200, self.seen(stored, ask, answer=True))
        if self._switches.touches_after_write:
            self._touch(stored)
        return answer

    def delete(self, ask: Ask, remote_id: str) -> Reply:
        stored = self.find(remote_id)
        self._check_match(stored, ask)
        self.remove(remote_id)
        return Reply(204)

    def listing(self, ask: Ask, folder: str) -> Reply:
        found = [one for one in self.live(folder) if self._matches(one, ask.query.get("$filter", ""))]
        top = _number(ask.query.get("$top", ""), self._switches.page_default, self._switches.top_max)
        skip = _number(ask.query.get("$skip", "0"), 0, 10**9)
        body: Document = {"value": [self.seen(one, ask) for one in found[skip : skip + top]]}
        if skip + top < len(found):
            options = {**ask.query, "$skip": str(skip + top)}
            body["@odata.nextLink"] = self.link(ask.path, options)
        return Reply(200, body)

    def delta(self, ask: Ask, folder: str) -> Reply:
        if "$expand" in ask.query:
            raise Refusal(500, "InternalServerError", "Value cannot be null.\r\nParameter name: type")
        if {"$filter", "$orderby", "$search"} & ask.query.keys():
            raise Refusal(400, "ErrorInvalidUrlQueryFilter", "Change tracking is not supported with these options.")
        token = self._token(ask, folder)
        size = _number(ask.prefer.get("odata.maxpagesize", ""), self._switches.page_default, 10**9)
        size = min(size, self._switches.delta_page_max)
        page, rest = token.rows[:size], token.rows[size:]
        if self._switches.empty_page_first and token.is_delta:
            page, rest = (), token.rows
        rows = [row for change in page if (row := self._row(change, ask, token.select)) is not None]
        if self._switches.duplicates:
            rows += rows[:1]
        body: Document = {"@odata.context": "https://elsewhere.test/$metadata#Collection(contact)", "value": rows}
        if self._switches.null_lists and not rows:
            body["value"] = None
        if rest or (self._switches.empty_page_first and token.is_delta):
            body["@odata.nextLink"] = self._issue(
                ask, "$skiptoken", Token(folder, token.select, rest, token.position, False)
            )
        else:
            body["@odata.deltaLink"] = self._issue(
                ask, "$deltatoken", Token(folder, token.select, (), token.position, True)
            )
        return Reply(200, body)

    def seen(self, stored: Stored, ask: Ask, *, answer: bool = False) -> Document:
        """Return a contact as this request is to see it; what it expands is never in the answer to a write."""
        remote_id = stored.immutable_id if ask.immutable else stored.classic_id
        whole: Document = {
            **stored.properties,
            "id": remote_id,
            "changeKey": stored.change_key,
            "lastModifiedDateTime": self._clock.stamp(),
            "parentFolderId": stored.folder,
        }
        select = ask.query.get("$select", "")
        if select:
            wanted = {"id", *select.split(",")}
            whole = {name: value for name, value in whole.items() if name in wanted}
        if self._switches.control_characters and isinstance(whole.get("personalNotes"), str):
            whole["personalNotes"] += "\x00\x01"
        whole["@odata.etag"] = f'W/"{stored.change_key}"'
        return whole if answer else {**whole, **self._expanded(stored, ask.query.get("$expand", ""))}

    def link(self, path: Sequence[str], options: dict[str, str]) -> str:
        origin = self._switches.links_elsewhere or self._origin[0]
        query = "&".join(f"{name}={_quoted(value)}" for name, value in options.items())
        return f"{origin}/v1.0/{'/'.join(_quoted(part) for part in path)}?{query}"

    def _expanded(self, stored: Stored, expand: str) -> Document:
        found: Document = {}
        if f"{SINGLE}(" in expand:
            wanted = {each.replace("''", "'") for each in _ID_EQ.findall(expand)}
            values = [{"id": name, "value": value} for name, value in stored.extended.items() if name in wanted]
            if values:
                found[SINGLE] = values
        if re.search(r"(^|,)extensions\b", expand) and stored.extensions:
            found["extensions"] = list(stored.extensions.values())
        return found

    def _matches(self, stored: Stored, condition: str) -> bool:
        if not condition:
            return True
        if match := _BY_PROPERTY.fullmatch(condition):
            name, value = (each.replace("''", "'") for each in match.groups()[1:])
            return stored.extended.get(name, "\0").casefold() == value.casefold()
        if match := _BY_ADDRESS.fullmatch(condition):
            addresses = [each.get("address") or "" for each in stored.properties["emailAddresses"]]
            return match[2].casefold() in {each.casefold() for each in addresses}
        raise Refusal(400, "ErrorInvalidUrlQueryFilter", "The query filter contains one or more invalid nodes.")

    def _check(self, body: Document) -> None:
        facts.checked(body)
        birthday = body.get("birthday")
        if birthday and birthday < "1900" and self._switches.refuses_birthday_before_1900:
            raise Refusal(400, "ErrorInvalidRequest", "The birthday is out of range.")

    def _check_match(self, stored: Stored, ask: Ask) -> None:
        wanted = ask.headers.get("if-match", "")
        if self._switches.honours_if_match and wanted and wanted != f'W/"{stored.change_key}"':
            raise Refusal(412, "ErrorIrresolvableConflict", "The change key passed in the request does not match.")

    def _answers_nothing(self, ask: Ask) -> bool:
        return self._switches.patch_answers_nothing or ask.prefer.get("return") == "minimal"

    def _take(self, stored: Stored, body: Document) -> None:
        for name, value in body.items():
            if name == SINGLE:
                stored.extended.update({item["id"]: item["value"] for item in value})
            elif name == "extensions":
                stored.extensions.update(
                    {item["extensionName"]: {**item, "id": item["extensionName"]} for item in value}
                )
            elif not name.startswith("@"):
                stored.properties[name] = value
        for entry in stored.properties["emailAddresses"]:
            entry["name"] = entry.get("name") or entry.get("address")
        notes = stored.properties["personalNotes"]
        if self._switches.notes_with_crlf and notes:
            stored.properties["personalNotes"] = notes.replace("\r\n", "\n").replace("\n", "\r\n")

    def _touch(self, stored: Stored, *, is_new: bool = False) -> None:
        stored.changes += 1
        self._note(Change(stored.folder, stored.number, stored.classic_id, False, is_new))

    def _journal_removal(self, stored: Stored, *, lost: bool | None = None) -> None:
        loses = self._switches.loses_deletes if lost is None else lost
        if not loses:
            self._note(Change(stored.folder, stored.number, stored.classic_id, True, False))

    def _note(self, change: Change) -> None:
        self._journal.append(change)
        if not self._switches.writes_show_late:
            self.settle()

    def _token(self, ask: Ask, folder: str) -> Token:
        named = ask.query.get("$skiptoken") or ask.query.get("$deltatoken")
        if named is None:
            select = tuple(filter(None, ask.query.get("$select", "").split(",")))
            position = self._settled
            seen = {change.number for change in self._journal[: self._settled]}
            rows = [
                Change(folder, one.number, one.classic_id, False, True)
                for one in self.live(folder)
                if one.number in seen
            ]
            if self._switches.removed_in_first_round:
                rows = [
                    Change(folder, one.number, one.classic_id, True, False) for one in self.stored.values() if one.gone
                ] + rows
            return Token(folder, select, tuple(rows), position, True)
        if named not in self._tokens:
            raise self._expired(ask)
        token = self._tokens[named]
        return token if not token.is_delta else self._next_round(token)

    def _next_round(self, token: Token) -> Token:
        position = max(token.position - 3, 0) if self._switches.replays else token.position
        since = [change for change in self._journal[position : self._settled] if change.folder == token.folder]
        last: dict[int, Change] = {}
        news = self._journal[token.position : self._settled]
        made = {change.number for change in news if change.is_new and change.folder == token.folder}
        for change in since:
            last.pop(change.number, None)
            last[change.number] = change
        rows = tuple(change for change in last.values() if not (change.is_removal and self._never_was(change, made)))
        return Token(token.folder, token.select, rows, self._settled, True)

    def _never_was(self, change: Change, made: set[int]) -> bool:
        """Tell whether a contact was made and removed between two rounds: of that nothing is told."""
        stored = self.stored[change.number]
        return change.number in made and (stored.gone or stored.folder != change.folder)

    def _expired(self, ask: Ask) -> Refusal:
        if self._switches.expiry == "400":
            return Refusal(400, "ErrorInvalidIdMalformed", "Id is malformed.")
        status = 404 if self._switches.expiry == "404" else 410
        refusal = Refusal(status, self._switches.error_code, "The sync state generation is not found; generation=149;")
        if self._switches.expiry == "410-location":
            refusal.reply.headers["Location"] = self.link(ask.path, {"$deltatoken": ""})
        return refusal

    def _row(self, change: Change, ask: Ask, select: tuple[str, ...]) -> Document | None:
        stored = self.stored[change.number]
        remote_id = stored.immutable_id if ask.immutable else change.classic_id
        if change.is_removal:
            removed = {"reason": self._switches.reason}
            return {"@odata.type": "#microsoft.graph.contact", "id": remote_id, "@removed": removed}
        if stored.gone:
            return None
        whole = self.seen(stored, ask)
        if select and not self._switches.select_ignored:
            whole = {name: value for name, value in whole.items() if name in {"id", "@odata.etag", *select}}
        if self._switches.partial_rows:
            whole = {name: value for name, value in whole.items() if name not in {"changeKey", "@odata.etag"}}
        return {"@odata.type": "#microsoft.graph.contact", **whole}

    def _issue(self, ask: Ask, kind: str, token: Token) -> str:
        self._issued += 1
        name = f"{self._issued}-{'R0usmcCM996atia' * 20}"
        self._tokens[name] = token
        return self.link(ask.path, {kind: name})


def _full_name(properties: Document) -> str:
    return " ".join(filter(None, (properties["givenName"], properties["middleName"], properties["surname"])))


def _quoted(text: str) -> str:
    return re.sub(
        r"[^A-Za-z0-9._~$!*'(),;:@=-]", lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), text
    )


def _number(text: str, default: int, most: int) -> int:
    if not text:
        return default
    if not text.isdigit() or int(text) > most:
        raise Refusal(400, "BadRequest", f"The limit of '{most}' was exceeded.")
    return int(text)
