"""One account's contacts and groups, as Google keeps them; the public methods are what its owner does on a phone.

A contact's entries are kept as a client may write them; what only the server says is made up when one is shown. Every
change is in a journal with what the contact was then, so that a feed may lag behind, and show what is no longer so.
"""

import base64
import copy
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from emulators.google.answers import Refusal, error, internal, no_etag, not_found, stale_etag
from emulators.google.clock import Clock

Doc = dict[str, Any]

WRITABLE = [
    "addresses",
    "biographies",
    "birthdays",
    "calendarUrls",
    "clientData",
    "emailAddresses",
    "events",
    "externalIds",
    "genders",
    "imClients",
    "interests",
    "locales",
    "locations",
    "memberships",
    "miscKeywords",
    "names",
    "nicknames",
    "occupations",
    "organizations",
    "phoneNumbers",
    "relations",
    "sipAddresses",
    "urls",
    "userDefined",
]
READABLE = frozenset([*WRITABLE, "ageRanges", "coverPhotos", "metadata", "photos", "skills"])
SINGLETONS = ("names", "birthdays", "genders", "biographies")
MY_CONTACTS = "contactGroups/myContacts"
SYSTEM_GROUPS = ("myContacts", "starred", "friends", "family", "coworkers", "blocked", "chatBuddies", "all")
_NEVER_PRIMARY = frozenset({"memberships"})
_TYPED = frozenset(
    {
        *("addresses", "calendarUrls", "emailAddresses", "events", "externalIds", "imClients", "miscKeywords"),
        *("organizations", "phoneNumbers", "relations", "sipAddresses", "urls"),
    }
)
_LABELS = {
    "home": "Home", "work": "Work", "mobile": "Mobile", "other": "Other", "homeFax": "Home Fax", "workFax": "Work Fax",
    "main": "Main", "pager": "Pager", "blog": "Blog", "profile": "Profile", "spouse": "Spouse",
}  # fmt: skip


@dataclass
class Contact:
    """One contact, in one version; `profile` are entries of a profile that is linked to it."""

    id: str
    resource_name: str
    entries: dict[str, list[Doc]]
    version: int
    updated_at: str
    is_deleted: bool = False
    previous_names: list[str] = field(default_factory=list[str])
    profile: dict[str, list[Doc]] = field(default_factory=dict[str, list[Doc]])

    @property
    def etag(self) -> str:
        """The version, as it stands at the contact's source."""
        return "#" + base64.b64encode(self.version.to_bytes(8, "big")).decode()


@dataclass(frozen=True)
class Change:
    """What a contact was at one time."""

    at: datetime
    contact: Contact


class AddressBook:
    """The contacts and groups of one account."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._numbers = itertools.count(0x1A2B3C4D5E6F)
        self._versions = itertools.count(1)
        self.contacts: dict[str, Contact] = {}
        self.journal: list[Change] = []
        self.groups: dict[str, Doc] = {f"contactGroups/{name}": {"name": name} for name in SYSTEM_GROUPS}
        self.group_journal: list[tuple[datetime, str]] = []
        self.spoiled: set[str] = set()
        self.hidden: set[str] = set()
        """Contacts that lists leave out although they are there."""
        self.old_names_work = True

    # What the owner does.

    def add(self, **entries: list[Doc]) -> str:
        """Add a contact; return its source id."""
        number = next(self._numbers)
        made = Contact(f"{number:x}", f"people/c{number}", {}, 0, "")
        for kind, each in entries.items():
            _set(made, kind, each)
        if not made.entries.get("memberships"):
            _set(made, "memberships", [_membership(MY_CONTACTS)])
        self._kept(made)
        return made.id

    def edit(self, source_id: str, **entries: list[Doc]) -> None:
        """Replace whole arrays of a contact."""
        for kind, each in entries.items():
            _set(self.contacts[source_id], kind, each)
        self._kept(self.contacts[source_id])

    def touch(self, source_id: str) -> None:
        """Let the feed show a contact again although nothing has changed in it, its version included."""
        self.journal.append(Change(self._clock.now, copy.deepcopy(self.contacts[source_id])))

    def mourn(self, source_id: str) -> None:
        """Let the feed say that a contact is deleted, which is there."""
        shown = copy.deepcopy(self.contacts[source_id])
        shown.is_deleted = True
        self.journal.append(Change(self._clock.now, shown))

    def remove(self, source_id: str) -> None:
        """Put a contact into the bin."""
        self.contacts[source_id].is_deleted = True
        self._kept(self.contacts[source_id])

    def spoil(self, source_id: str) -> None:
        """Let a contact be shown from now on as no document says that it can be."""
        self.spoiled.add(source_id)
        self._kept(self.contacts[source_id])

    def merge(self, survivor: str, loser: str) -> None:
        """Merge two duplicates: the survivor gets what it lacks, the other is deleted."""
        kept, gone = self.contacts[survivor], self.contacts[loser]
        for kind, entries in gone.entries.items():
            if kind not in SINGLETONS:
                further = [entry for entry in entries if entry not in kept.entries.get(kind, [])]
                kept.entries[kind] = [*kept.entries.get(kind, []), *copy.deepcopy(further)]
            else:
                kept.entries.setdefault(kind, copy.deepcopy(entries))
        self._kept(kept)
        self.remove(loser)

    def link_profile(self, source_id: str, account_id: str, **entries: list[Doc]) -> None:
        """Let a profile turn up behind a contact, which is known by another name from then on."""
        contact = self.contacts[source_id]
        contact.previous_names.append(contact.resource_name)
        contact.resource_name = f"people/{account_id}"
        contact.profile = copy.deepcopy(entries)
        self._kept(contact)

    def add_group(self, name: str) -> str:
        """Add a label; return its resource name."""
        resource_name = f"contactGroups/{next(self._numbers):x}"
        self.groups[resource_name] = {"name": name}
        self.group_journal.append((self._clock.now, resource_name))
        return resource_name

    # What the API does.

    @property
    def living(self) -> list[Contact]:
        return [contact for contact in self.contacts.values() if not contact.is_deleted]

    def named(self, resource_name: str) -> Contact | None:
        """Return the contact that has, or once had, this resource name."""
        for contact in self.contacts.values():
            if resource_name in {contact.resource_name, *(contact.previous_names if self.old_names_work else ())}:
                return None if contact.is_deleted else contact
        return None

    def seen_until(self, lag: timedelta) -> int:
        """Return how much of the journal a feed that lags shows by now."""
        shown = [number for number, change in enumerate(self.journal, 1) if change.at <= self._clock.now - lag]
        return max(shown, default=0)

    def as_of(self, seen: int) -> list[Contact]:
        """Return the contacts as the journal had them then."""
        latest = {change.contact.id: change.contact for change in self.journal[:seen]}
        return [each for each in latest.values() if not each.is_deleted and each.id not in self.hidden]

    def changed(self, since: int, until: int) -> list[Contact]:
        """Return what changed in a part of the journal, each contact as it was last in it."""
        return list({change.contact.id: change.contact for change in self.journal[since:until]}.values())

    def create(self, person: Doc) -> Contact:
        number = next(self._numbers)
        made = Contact(f"{number:x}", f"people/c{number}", {}, 0, "")
        for kind in WRITABLE:
            if kind in person:
                _set(made, kind, person[kind])
        if not made.entries.get("memberships"):
            _set(made, "memberships", [_membership(MY_CONTACTS)])
        self._check_groups(made.entries["memberships"])
        self._kept(made)
        return made

    def update(self, contact: Contact, person: Doc, kinds: Iterable[str]) -> None:
        """Replace the arrays that the mask names; one that the body lacks is cleared."""
        self.check_guard(contact, person)
        changed = copy.deepcopy(contact)
        for kind in kinds:
            if kind not in WRITABLE:
                raise Refusal(error(400, f'Invalid updatePersonFields mask path: "{kind}".', "INVALID_ARGUMENT"))
            _set(changed, kind, person.get(kind, []))
        if not changed.entries.get("memberships"):
            raise Refusal(
                error(400, "A contact must always have at least one contact group membership.", "INVALID_ARGUMENT")
            )
        self._check_groups(changed.entries["memberships"])
        contact.entries = changed.entries
        self._kept(contact)

    def check_guard(self, contact: Contact, person: Doc) -> None:
        """Make sure that an update is made from the latest version."""
        sources = [each for each in person.get("metadata", {}).get("sources", []) if each.get("type") == "CONTACT"]
        guards = [each["etag"] for each in sources if each.get("etag")]
        if "etag" in person:
            guards.append(_version_in(person["etag"]))
        if not guards:
            raise Refusal(no_etag())
        if any(guard != contact.etag for guard in guards):
            raise Refusal(stale_etag())

    def delete(self, contact: Contact) -> None:
        self.remove(contact.id)

    def modify_members(self, group: str, add: Iterable[str], remove: Iterable[str]) -> Doc:
        """Put contacts into a group and take others out."""
        if group not in self.groups:
            raise Refusal(not_found())
        missing: list[str] = []
        last: list[str] = []
        for name in add:
            contact = self.named(name)
            if contact is None:
                missing.append(name)
            elif group not in _groups_of(contact):
                contact.entries["memberships"].append(_membership(group))
                self._kept(contact)
        for name in remove:
            contact = self.named(name)
            if contact is None:
                missing.append(name)
            elif _groups_of(contact) == [group]:
                last.append(name)
            elif group in _groups_of(contact):
                contact.entries["memberships"] = [
                    each for each in contact.entries["memberships"] if _group_in(each) != group
                ]
                self._kept(contact)
        return {key: value for key, value in (
            ("notFoundResourceNames", missing), ("canNotRemoveLastContactGroupResourceNames", last)
        ) if value}  # fmt: skip

    def create_group(self, name: str) -> str:
        if any(group["name"] == name for group in self.groups.values()):
            raise Refusal(error(409, "Contact group name already exists.", "ALREADY_EXISTS"))
        return self.add_group(name)

    def shown_group(self, resource_name: str) -> Doc:
        """Return a group as it is shown."""
        group, bare = self.groups[resource_name], resource_name.partition("/")[2]
        members = sum(resource_name in _groups_of(contact) for contact in self.living)
        shown: Doc = {
            "resourceName": resource_name,
            "groupType": "SYSTEM_CONTACT_GROUP" if bare in SYSTEM_GROUPS else "USER_CONTACT_GROUP",
            "name": group["name"],
            "formattedName": group["name"],
        }
        if bare not in SYSTEM_GROUPS:
            shown |= {"etag": "Z3JvdXA=", "metadata": {"updateTime": self._clock.text()}}
        return shown | ({"memberCount": members} if members else {})

    def shown(self, contact: Contact, fields: Iterable[str], sources: Iterable[str]) -> Doc:
        """Return a contact as it is shown to whoever asks for these fields."""
        asked = sorted(set(fields))
        made: Doc = {"resourceName": contact.resource_name, "etag": _person_etag(contact, asked)}
        if "metadata" in asked:
            made["metadata"] = _metadata(contact)
        if contact.is_deleted:
            return {**made, "metadata": _metadata(contact)}
        with_profile = not list(sources) or "READ_SOURCE_TYPE_PROFILE" in sources
        for kind in asked:
            if entries := list(self._shown_entries(contact, kind, with_profile=with_profile)):
                made[kind] = entries
        return made | ({"emailAddresses": "none that anybody knows"} if contact.id in self.spoiled else {})

    def _shown_entries(self, contact: Contact, kind: str, *, with_profile: bool) -> Iterator[Doc]:
        if kind == "photos":
            photo = {"url": "https://lh3.googleusercontent.com/cm/AAk=s100", "default": True}
            yield {"metadata": {"primary": True, "source": {"type": "CONTACT", "id": contact.id}}, **photo}
        primary = kind not in _NEVER_PRIMARY
        if with_profile:
            for entry in contact.profile.get(kind, []):
                source = {"type": "PROFILE", "id": contact.resource_name.partition("/")[2]}
                yield {"metadata": {"source": source} | ({"primary": True} if primary else {}), **entry}
                primary = False
        for entry in contact.entries.get(kind, []):
            own = copy.deepcopy(entry)
            metadata = {"source": {"type": "CONTACT", "id": contact.id}} | own.pop("metadata", {})
            yield _shown_entry(kind, {"metadata": metadata | ({"primary": True} if primary else {}), **own})
            primary = False

    def _check_groups(self, memberships: Iterable[Doc]) -> None:
        if any(_group_in(each) not in self.groups for each in memberships):
            raise Refusal(error(400, "Contact group not found.", "INVALID_ARGUMENT"))

    def _kept(self, contact: Contact) -> None:
        contact.version = next(self._versions)
        contact.updated_at = self._clock.text()
        self.contacts[contact.id] = contact
        self.journal.append(Change(self._clock.now, copy.deepcopy(contact)))


def _set(contact: Contact, kind: str, entries: list[Doc]) -> None:
    if kind in SINGLETONS and len(entries) > 1:
        raise Refusal(error(400, f"Cannot have more than one person.{kind} per source.", "INVALID_ARGUMENT"))
    if kind == "organizations" and any({"startDate", "endDate"} & entry.keys() for entry in entries):
        raise Refusal(internal())
    kept = [_kept_entry(kind, entry) for entry in entries]
    if kept:
        contact.entries[kind] = kept
    else:
        contact.entries.pop(kind, None)


def _kept_entry(kind: str, entry: Doc) -> Doc:
    own: Doc = {name: copy.deepcopy(value) for name, value in entry.items() if not _is_default(value)}
    is_first = own.pop("metadata", {}).get("sourcePrimary")
    if kind == "names":
        own = _named(own)
    if kind == "nicknames" and own.get("type") == "DEFAULT":
        del own["type"]
    if kind == "biographies":
        own.setdefault("contentType", "TEXT_PLAIN")
    if kind == "birthdays":
        own["date"] = {part: number for part, number in own.get("date", {}).items() if number}
    return {"metadata": {"sourcePrimary": True}, **own} if is_first or kind == "names" else own


def _is_default(value: object) -> bool:
    """Tell whether a value is one that proto3's JSON leaves out."""
    return value in ("", [], {}) or (value == 0 and not isinstance(value, float))


def _named(own: Doc) -> Doc:
    parts = ("honorificPrefix", "givenName", "middleName", "familyName", "honorificSuffix")
    if not any(own.get(part) for part in parts) and own.get("unstructuredName"):
        given, _, family = own["unstructuredName"].rpartition(" ")
        own |= {
            name: value for name, value in (("givenName", given or family), ("familyName", given and family)) if value
        }
    own.pop("unstructuredName", None)
    return own


def _shown_entry(kind: str, entry: Doc) -> Doc:
    """Add what only the server says."""
    if "type" in entry and kind in _TYPED:
        entry["formattedType"] = _LABELS.get(entry["type"], entry["type"])
    if kind == "names":
        parts = [entry.get(part, "") for part in ("honorificPrefix", "givenName", "middleName", "familyName")]
        shown = " ".join(filter(None, [*parts, entry.get("honorificSuffix", "")]))
        if shown:
            rest = " ".join(filter(None, parts[:3]))
            last_first = ", ".join(filter(None, [entry.get("familyName", ""), rest, entry.get("honorificSuffix", "")]))
            entry |= {"displayName": shown, "displayNameLastFirst": last_first, "unstructuredName": shown}
    if kind == "phoneNumbers" and (canonical := _canonical(entry.get("value", ""))):
        entry["canonicalForm"] = canonical
    if kind == "addresses" and "formattedValue" not in entry:
        parts = [
            entry.get(part) for part in ("streetAddress", "extendedAddress", "poBox", "city", "postalCode", "country")
        ]
        entry["formattedValue"] = "\n".join(filter(None, parts))
    if kind == "memberships":
        group = entry["contactGroupMembership"]
        group["contactGroupId"] = group["contactGroupResourceName"].partition("/")[2]
    if kind == "genders" and "value" in entry:
        entry["formattedValue"] = entry["value"].title()
    if kind == "imClients" and "protocol" in entry:
        entry["formattedProtocol"] = entry["protocol"].title()
    return entry


def _canonical(number: str) -> str:
    """Return a number as the server of a Dutch account does, "" for one that it cannot parse."""
    digits = re.sub(r"[^\d+]", "", number)
    if re.search(r"[A-Za-z]", number) or len(digits) < 9:
        return ""
    return digits if digits.startswith("+") else f"+31{digits.lstrip('0')}"


def _metadata(contact: Contact) -> Doc:
    source = {
        "type": "CONTACT",
        "id": contact.id,
        "etag": contact.etag,
        "updateTime": "1970-01-01T00:00:00Z" if contact.is_deleted else contact.updated_at,
    }
    made: Doc = {"sources": [source], "objectType": "PERSON"}
    return made | ({"deleted": True} if contact.is_deleted else {})


def _person_etag(contact: Contact, asked: Iterable[str]) -> str:
    """Return what guards a whole person: it is another one for other fields, though nothing changed."""
    return "%" + base64.b64encode(f"{','.join(asked)}|{contact.etag}".encode()).decode()


def _version_in(person_etag: str) -> str:
    try:
        return base64.b64decode(person_etag.removeprefix("%")).decode().partition("|")[2]
    except ValueError:
        return ""


def _membership(group: str) -> Doc:
    return {"contactGroupMembership": {"contactGroupResourceName": group}}


def _group_in(membership: Mapping[str, Any]) -> str:
    return str(membership.get("contactGroupMembership", {}).get("contactGroupResourceName", ""))


def _groups_of(contact: Contact) -> list[str]:
    return [_group_in(each) for each in contact.entries.get("memberships", [])]
