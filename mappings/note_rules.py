"""What the owner decided about notes: how they are known, read and written."""

from dataclasses import dataclass

from mappings.profiles import Profile


@dataclass(frozen=True, slots=True)
class NoteRules:
    """What the owner decided about notes.

    `people_globs` make a person of every note whose path they match. `uid_key` is the key for our uid, "" if
    notes are not to carry one. `template_folders` are templates, or hold some, under other names than `Templates`.
    """

    profile: Profile
    people_globs: tuple[str, ...]
    uid_key: str
    template_folders: tuple[str, ...]
