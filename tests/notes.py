"""Small notes for tests of the note lens."""

from collections.abc import Mapping

from mappings.errors import EditRefused, UnreadableNote
from mappings.note import decode, put
from mappings.note_rules import NoteRules
from mappings.person import FieldName, Uid, Value
from mappings.profiles import PROFILES
from mappings.record import NotePath

PATH = NotePath("People/Ada Lovelace.md")


def rules(profile: str = "people-notes", *globs: str, uid_key: str = "uid") -> NoteRules:
    return NoteRules(PROFILES[profile], globs, uid_key, ())


def note(yaml: str, body: str = "") -> str:
    """Return a person's note with these frontmatter lines beside those that make it one."""
    return f"---\ntype: people\n{yaml}---\n{body}"


def attempt(
    path: NotePath, raw: str | bytes, changes: Mapping[FieldName, Value], uid: str | None, owner: NoteRules
) -> str | EditRefused | UnreadableNote:
    """Return the edited note, or why it is not to be had."""
    try:
        text = raw if isinstance(raw, str) else decode(raw)
        return put(path, text, changes, None if uid is None else Uid(uid), owner)
    except (EditRefused, UnreadableNote) as refusal:
        return refusal
