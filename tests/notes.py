"""Small notes for tests of the note lens."""

from mappings.note import NoteRules
from mappings.profiles import PROFILES
from mappings.record import NotePath

PATH = NotePath("People/Ada Lovelace.md")


def rules(profile: str = "people-notes", *globs: str, uid_key: str = "uid") -> NoteRules:
    return NoteRules(PROFILES[profile], globs, uid_key, ())


def note(yaml: str, body: str = "") -> str:
    """Return a person's note with these frontmatter lines beside those that make it one."""
    return f"---\ntype: people\n{yaml}---\n{body}"
