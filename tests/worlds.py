"""Small worlds for tests: people, notes, records and accounts with only what a test cares about spelled out."""

from collections.abc import Mapping

from mappings.conflict import UNDECIDED
from mappings.fields import DEFAULT_POLICIES, DERIVED, FIELDS, Direction, Format, Policy, Rule, blank, with_values
from mappings.person import FieldName, Person, Uid, Value
from mappings.record import AccountName, Etag, NoteHash, NotePath, Reading, Record, RemoteId
from mappings.world import AccountState, LinkState, NewContacts, NoteState, Tombstone, World

NOBODY = Person(
    name="", given_name="", family_name="", nickname="", aliases=(), emails=(), former_emails=(), phones=(), organization="",
    department="", title="", location="", addresses=(), birthday="", links=(), tags=(), last_contact="",
    next_meeting="", last_1on1="", meetings_90d="",
)  # fmt: skip

WRITABLE = frozenset(FIELDS) - {
    *("given_name", "family_name", "addresses", "aliases", "former_emails", "tags"),
    *("next_meeting", "last_1on1", "meetings_90d"),
}
"""What a note of the default profile can be given."""


def person(values: Mapping[FieldName, Value]) -> Person:
    """Return somebody of whom only these fields are known."""
    return with_values(NOBODY, values)


def policies(
    rules: Mapping[FieldName, Rule] | None = None, directions: Mapping[FieldName, Direction] | None = None
) -> dict[FieldName, Policy]:
    """Return the table's policies with some rules and directions changed."""
    changed = dict(DEFAULT_POLICIES)
    for name, rule in (rules or {}).items():
        changed[name] = Policy(rule, changed[name].direction)
    for name, direction in (directions or {}).items():
        changed[name] = Policy(changed[name].rule, direction)
    return changed


def note(
    uid: str,
    values: Mapping[FieldName, Value],
    *,
    carries_uid: bool = True,
    unwritable: str = "",
    held: Mapping[FieldName, str] | None = None,
    refused: Mapping[FieldName, str] | None = None,
    dated: frozenset[FieldName] = frozenset(),
    context_date: str = "",
) -> NoteState:
    """Return a note of the person, at a path made from the uid; `dated` are keys that stand empty."""
    reading = Reading(Uid(uid) if carries_uid else None, person(values), held or {})
    return NoteState(
        path=NotePath(f"People/{uid}.md"),
        note_hash=NoteHash(f"hash of {uid}"),
        uid=Uid(uid),
        reading=reading,
        holdable=WRITABLE,
        dated=frozenset[FieldName](name for name in DERIVED if name in values) | dated,
        context_date=context_date,
        unwritable=unwritable,
        refused=refused or {},
    )


def record(
    remote_id: str,
    values: Mapping[FieldName, Value],
    *,
    uid: str | None = None,
    held: Mapping[FieldName, str] | None = None,
) -> Record:
    """Return a record as an account would list it."""
    return Record(
        RemoteId(remote_id),
        Etag(f"etag of {remote_id}"),
        Reading(Uid(uid) if uid else None, person(values), held or {}),
    )


_USUAL_ACCOUNT: dict[str, object] = {
    "format": Format.VCARD,
    "reachable": True,
    "first_run": False,
    "rules_changed": False,
    "recovering": False,
    "policies": DEFAULT_POLICIES,
    "new_contacts": NewContacts.ALL,
    "delete_with_note": False,
    "asked_for": frozenset[Uid](),
    "unreadable": {},
    "missing": {},
    "arrived": {},
}
_USUAL_WORLD: dict[str, object] = {
    "absent": {},
    "unreadable_people": frozenset[Uid](),
    "suspended": (),
    "tombstones": frozenset[Tombstone](),
    "strangers": frozenset[Tombstone](),
    "decided": UNDECIDED,
    "dates": None,
    "uid_in_notes": True,
    "writes": (),
    "returns": (),
    "newcomers": None,
}


def account(*records: Record, name: str = "home", **changes: object) -> AccountState:
    """Return a reachable account that has run before, with these records."""
    settings: dict[str, object] = {
        **_USUAL_ACCOUNT,
        "name": AccountName(name),
        "records": {item.remote_id: item for item in records},
        **changes,
    }
    return AccountState(**settings)  # type: ignore[arg-type]  # a test names only what differs


def link(uid: str, remote_id: str, base: Mapping[FieldName, Value], *, account_name: str = "home") -> LinkState:
    """Return a link whose base is complete: fields that are not named were blank on both sides.

    Its record is as `record` makes it: nobody has touched it since its note was last seen.
    """
    full: dict[FieldName, Value] = {name: blank(name) for name in FIELDS}
    return LinkState(
        AccountName(account_name), Uid(uid), RemoteId(remote_id), full | dict(base), Etag(f"etag of {remote_id}")
    )


def world(
    *notes: NoteState, accounts: tuple[AccountState, ...], links: tuple[LinkState, ...] = (), **changes: object
) -> World:
    """Return a world in which everything that is not named is as it should be."""
    settings: dict[str, object] = {
        **_USUAL_WORLD,
        "notes": notes,
        "accounts": accounts,
        "links": links,
        **changes,
    }
    return World(**settings)  # type: ignore[arg-type]  # a test names only what differs
