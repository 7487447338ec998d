"""The canonical person: what a note and a record say of one human, in one shape.

Every field is required, so that a codec which forgets one does not type-check.
A field holds either one text or several; a blank one is `""` or `()`. Dates are ISO text, because a
birthday may lack its year and because the value must travel between note, card and state unchanged:

- `birthday` is `YYYY-MM-DD`, or `--MM-DD` where the year is unknown (RFC 6350 section 4.3.1);
- `last_contact`, `next_meeting` and `last_1on1` are `YYYY-MM-DD`; `meetings_90d` is a whole number.

Spelling is kept (`+49 30 1234` stays as typed); `fields.same` says when two spellings mean one value.
"""

from dataclasses import dataclass
from typing import Literal, NewType

Uid = NewType("Uid", str)
"""Our own stable name of a person, kept in the note and in every record; adopted verbatim where one exists."""

Value = str | tuple[str, ...]
"""What a field holds: one text, or several in the order of their source."""

FieldName = Literal[
    "name",
    "given_name",
    "family_name",
    "nickname",
    "aliases",
    "emails",
    "former_emails",
    "phones",
    "organization",
    "department",
    "title",
    "location",
    "addresses",
    "birthday",
    "links",
    "tags",
    "last_contact",
    "next_meeting",
    "last_1on1",
    "meetings_90d",
]


@dataclass(frozen=True, slots=True)
class Person:
    """One human, as a note or a record has them; see the module for the shape of each value."""

    name: str
    given_name: str
    family_name: str
    nickname: str
    aliases: tuple[str, ...]
    emails: tuple[str, ...]
    former_emails: tuple[str, ...]
    phones: tuple[str, ...]
    organization: str
    department: str
    title: str
    location: str
    addresses: tuple[str, ...]
    birthday: str
    links: tuple[str, ...]
    tags: tuple[str, ...]
    last_contact: str
    next_meeting: str
    last_1on1: str
    meetings_90d: str
