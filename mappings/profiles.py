"""Profiles: which keys a vault's notes use for which field, and which notes are never a person's.

A profile reads every spelling seen in the wild and writes the one that stands in the note; only where none
does, it creates its own. Profiles differ where one word means two things: `title` is the person's name in
one vault and the job in the next.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import cached_property

from mappings.person import FieldName
from mappings.record import NotePath

VAULT_MARKER = "contactd-vault.md"


class Sign(Enum):
    """What speaks for a note being a person's."""

    TYPE = auto()
    CATEGORY = auto()
    TAG = auto()
    FOLDER = auto()
    FULL_NAME = auto()
    PERSONAL_KEY = auto()


@dataclass(frozen=True)
class Profile:
    """One convention of writing people notes.

    `spellings` are in the order in which they are read. `created_as` names the key to add; a field that is
    missing there is never added to a note. `listed` fields are added as a list even for one value; of a
    `numbered` field every further value is a key of its own (`EMAIL`, `EMAIL[2]`). `middle_names` are keys
    whose text stands between given and family name. `enough` are signs of which one alone makes a person.
    `marks` are keys that give the convention away.
    """

    name: str
    spellings: Mapping[FieldName, tuple[str, ...]]
    created_as: Mapping[FieldName, str]
    listed: frozenset[FieldName]
    numbered: frozenset[FieldName]
    middle_names: tuple[str, ...]
    enough: frozenset[Sign]
    marks: frozenset[str]

    @cached_property
    def _ranks(self) -> Mapping[str, tuple[FieldName, int]]:
        return {key: (field, rank) for field, keys in self.spellings.items() for rank, key in enumerate(keys)}

    def field_of(self, key: str) -> tuple[FieldName, int] | None:
        """Return which field a key is and how early it is read: `EMAIL[WORK]` and `email_2` are further ones."""
        found = self._ranks.get(key)
        if found is not None:
            return found
        plain = _NUMBERED.sub("", key)
        found = self._ranks.get(plain) if plain != key else None
        return found if found is not None and found[0] in _SEVERAL else None


_NUMBERED = re.compile(r"(?:\[[^\]]*\]|_\d+)$")
_SEVERAL: frozenset[FieldName] = frozenset({"emails", "phones", "addresses", "links"})

_SPELLINGS: Mapping[FieldName, tuple[str, ...]] = {
    "name": ("name", "full_name", "FN", "person-name"),
    "given_name": ("given_name", "first_name", "N.GN", "First Name"),
    "family_name": ("family_name", "last_name", "N.FN", "Last Name"),
    "nickname": ("nickname", "NICKNAME", "Nickname"),
    "aliases": ("aliases",),
    "emails": ("emails", "email", "EMAIL", "Email", "s_email"),
    "former_emails": ("former_emails", "former_email", "old_emails"),
    "phones": ("phones", "phone", "mobile", "TEL", "Phone"),
    "organization": (
        "company",
        "org",
        "organization",
        "employer",
        "Company",
        "ORG",
        "organizations",
        "person_org",
        "person-company",
    ),
    "department": ("department", "team"),
    "title": ("role", "job_title", "job", "TITLE", "ROLE", "Role", "person_title"),
    "location": ("location", "city", "based-in", "prm-location"),
    "addresses": ("addresses", "address", "ADR", "Street Address"),
    "birthday": ("birthday", "Birthday", "BDAY", "birth-date", "prm-birthday"),
    "links": ("links", "url", "website", "URL", "linkedin", "linkedin_url"),
    "tags": ("tags",),
    "last_contact": (
        "last_contact",
        "last_contacted",
        "last-contacted",
        "lastContact",
        "last_chat",
        "Last chat",
        "last_chatted",
        "prm-last-contacted",
    ),
    "next_meeting": ("next_meeting",),
    "last_1on1": ("last_1on1",),
    "meetings_90d": ("meetings_90d",),
}

_NAME_AS_TITLE: Mapping[FieldName, tuple[str, ...]] = {"name": ("title", *_SPELLINGS["name"])}
_JOB_AS_TITLE: Mapping[FieldName, tuple[str, ...]] = {"title": ("title", *_SPELLINGS["title"])}
_NO_FIELDS: frozenset[FieldName] = frozenset()

_ROWS = (
    Profile(
        name="people-notes",
        spellings={**_SPELLINGS, **_NAME_AS_TITLE},
        created_as={
            "nickname": "nickname",
            "emails": "email",
            "phones": "phone",
            "organization": "company",
            "department": "department",
            "title": "role",
            "location": "location",
            "birthday": "birthday",
            "links": "url",
            "last_contact": "last_contact",
        },
        listed=_NO_FIELDS,
        numbered=_NO_FIELDS,
        middle_names=(),
        enough=frozenset(),
        marks=frozenset({"type"}),
    ),
    Profile(
        name="vcf-contacts",
        spellings={**_SPELLINGS, **_JOB_AS_TITLE, "name": ("FN", "name")},
        created_as={
            "name": "FN",
            "given_name": "N.GN",
            "family_name": "N.FN",
            "nickname": "NICKNAME",
            "emails": "EMAIL",
            "phones": "TEL",
            "organization": "ORG",
            "title": "TITLE",
            "birthday": "BDAY",
            "links": "URL",
            "last_contact": "last_contact",
        },
        listed=_NO_FIELDS,
        numbered=frozenset({"emails", "phones", "links"}),
        middle_names=("N.MN",),
        # The plug-in itself knows its contacts by nothing else.
        enough=frozenset({Sign.FULL_NAME}),
        marks=frozenset({"FN", "N.GN", "N.FN"}),
    ),
    Profile(
        name="kepano",
        spellings={**_SPELLINGS, **_JOB_AS_TITLE},
        created_as={
            "emails": "email",
            "phones": "phone",
            "organization": "org",
            "title": "role",
            "birthday": "birthday",
            "links": "url",
            "last_contact": "last_contact",
        },
        listed=frozenset({"organization"}),
        numbered=_NO_FIELDS,
        middle_names=(),
        # `categories` is the one marker of this vault; `type` says author or musician, and there are no folders.
        enough=frozenset({Sign.CATEGORY}),
        marks=frozenset({"categories"}),
    ),
    Profile(
        name="czottmann",
        spellings={**_SPELLINGS, **_JOB_AS_TITLE},
        created_as={
            "given_name": "First Name",
            "family_name": "Last Name",
            "nickname": "Nickname",
            "emails": "Email",
            "phones": "Phone",
            "organization": "Company",
            "title": "Role",
            "birthday": "Birthday",
            "links": "URL",
            "last_contact": "last_contact",
        },
        listed=frozenset({"emails", "phones", "links", "addresses"}),
        numbered=_NO_FIELDS,
        middle_names=("Middle Name",),
        enough=frozenset(),
        marks=frozenset({"First Name", "Last Name"}),
    ),
    Profile(
        name="hal_md",
        spellings={**_SPELLINGS, **_JOB_AS_TITLE},
        created_as={
            "given_name": "first_name",
            "family_name": "last_name",
            "emails": "email",
            "phones": "phone",
            "organization": "organizations",
            "title": "title",
            "location": "city",
            "birthday": "birthday",
            "links": "url",
            "last_contact": "last_contact",
        },
        listed=frozenset({"organization"}),
        numbered=_NO_FIELDS,
        middle_names=(),
        enough=frozenset(),
        marks=frozenset({"first_name", "last_name", "slug"}),
    ),
)


def adding(profile: Profile, fields: Iterable[FieldName]) -> Profile:
    """Return the profile that adds these fields too, each by its first spelling."""
    added = {field: profile.spellings[field][0] for field in fields}
    return replace(profile, created_as={**added, **profile.created_as}) if added else profile


PROFILES: Mapping[str, Profile] = {row.name: row for row in _ROWS}

_WORDS = re.compile(r"[^\W_]+")
_TEMPLATE_WORDS = frozenset({"template", "templates"})
_INDEX_STEMS = frozenset({"index", "_index", "readme", "moc", "people", "person", "contacts"})
_CONFLICT_COPY = re.compile(r"\.sync-conflict-|\.contactd-conflict-|\([^()]*conflicted copy", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Detected:
    """Which profile fits a vault's people notes, how many of them show it, and which keys they use."""

    profile: str
    notes_showing_it: int
    spellings: Mapping[FieldName, str]


def is_excluded_path(path: NotePath, template_folders: tuple[str, ...] = ()) -> bool:
    """Tell whether a file is never a person's by its path alone, so that nobody needs to read it."""
    *folders, file_name = path.split("/")
    stem, dot, suffix = file_name.rpartition(".")
    if not dot or suffix.casefold() != "md" or path == VAULT_MARKER or stem.casefold() in _INDEX_STEMS:
        return True
    if any(part.startswith((".", "~")) for part in path.split("/")) or stem.endswith(("~", ".tmp")):
        return True
    if any(f"{path}/".startswith(f"{folder.strip('/')}/") for folder in template_folders):
        return True
    words = {word.casefold() for part in (*folders, stem) for word in _WORDS.findall(part)}
    return bool(words & _TEMPLATE_WORDS) or _CONFLICT_COPY.search(file_name) is not None or stem.endswith(" MOC")


def detect(notes: Iterable[frozenset[str]]) -> Detected:
    """Return the profile whose marks the most notes carry, given each note's keys; people-notes if none does."""
    seen = list(notes)
    # Of two that fit equally the later one is the more particular: kepano's notes have a `type`, too.
    showing = [(sum(bool(row.marks & keys) for keys in seen), rank, row.name) for rank, row in enumerate(_ROWS)]
    count, _, name = max(showing)
    name = name if count else "people-notes"
    profile = PROFILES[name]
    uses = Counter(key for keys in seen for key in keys)
    best: dict[FieldName, str] = {}
    for key, _ in uses.most_common():
        found = profile.field_of(key)
        if found is not None:
            best.setdefault(found[0], key)
    return Detected(name, count, best)
