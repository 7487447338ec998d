"""Who is a person: two signs out of type, category, tag, folder and a key that only people have.

One sign alone proves nothing: meeting notes carry `type: people`, companies have e-mail addresses. A match of
the owner's `[vault] people` globs is enough alone. Templates, meetings and index notes are never people.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from mappings.frontmatter import Block
from mappings.profiles import Profile, Sign, is_excluded_path
from mappings.record import NotePath
from mappings.yaml_scalar import has_template_command

_PEOPLE = frozenset({"people", "person", "persons", "contact", "contacts"})
_MEETINGS = frozenset({"meeting", "meetings"})
_TYPE_KEYS = ("type", "note_type", "fileClass")
_TAG_KEYS = ("tags", "tag")
_CATEGORY_KEYS = ("categories", "category")
_GUESTS = frozenset({"people", "attendees", "participants"})
_INDEX_TAGS = frozenset({"moc", "index"})
_HINT = re.compile(r"people|person|contact|mail|phone|mobile|tel|b(?:irth)?day|name|fn", re.IGNORECASE)
_TAG_SEPARATOR = re.compile(r"[\s,]+")


def matches(path: NotePath, globs: tuple[str, ...]) -> bool:
    """Tell whether one of the globs matches the whole path; `**` stands for any folders, `*` stays within one."""
    return any(_glob(glob).fullmatch(path) for glob in globs)


def may_be_person(frontmatter: str) -> bool:
    """Tell cheaply whether the text of a block could hold a sign at all; most notes of a vault cannot."""
    return _HINT.search(frontmatter) is not None


def is_person(path: NotePath, block: Block, profile: Profile, globs: tuple[str, ...]) -> bool:
    """Tell whether a note with frontmatter is a person's; see the module for the rule."""
    if is_excluded_path(path) or has_template_command(block.text) or _is_meeting(path, block) or _is_index(block):
        return False
    if matches(path, globs):
        return True
    signs = signs_of(path, block, profile)
    # Name and address are keys of one kind: they count once.
    kinds = {Sign.PERSONAL_KEY if sign is Sign.FULL_NAME else sign for sign in signs}
    return len(kinds) >= 2 or bool(signs & profile.enough)


def signs_of(path: NotePath, block: Block, profile: Profile) -> frozenset[Sign]:
    """Return the signs that a note's path and frontmatter show."""
    fields = {found[0] for key in block.keys if (found := profile.field_of(key)) is not None}
    shown = {
        Sign.TYPE: _says(block, _TYPE_KEYS, _PEOPLE),
        Sign.CATEGORY: _says(block, _CATEGORY_KEYS, _PEOPLE),
        Sign.TAG: bool(_tag_parts(block) & _PEOPLE),
        Sign.FOLDER: bool(_folders(path) & _PEOPLE),
        Sign.FULL_NAME: "FN" in block.keys or {"given_name", "family_name"} <= fields,
        Sign.PERSONAL_KEY: bool({"birthday", "emails", "phones"} & fields),
    }
    return frozenset(sign for sign, is_shown in shown.items() if is_shown)


def _is_meeting(path: NotePath, block: Block) -> bool:
    keys = {key.casefold() for key in block.keys}
    return (
        bool(_folders(path) & _MEETINGS)
        or bool(_tag_parts(block) & _MEETINGS)
        or _says(block, (*_TYPE_KEYS, *_CATEGORY_KEYS), _MEETINGS)
        or ("date" in keys and bool(keys & _GUESTS))
    )


def _is_index(block: Block) -> bool:
    return bool(_tag_parts(block) & _INDEX_TAGS) or _says(block, _TYPE_KEYS, _INDEX_TAGS)


def _says(block: Block, keys: Iterable[str], words: frozenset[str]) -> bool:
    return any(_word(text) in words for key in keys for text in block.texts(key))


def _word(text: str) -> str:
    return text.strip("[]# ").partition("|")[0].casefold()


def _tag_parts(block: Block) -> set[str]:
    tags = (tag for key in _TAG_KEYS for text in block.texts(key) for tag in _TAG_SEPARATOR.split(text))
    return {part for tag in tags for part in tag.lstrip("#").casefold().split("/")}


def _folders(path: NotePath) -> set[str]:
    return {folder.casefold() for folder in path.split("/")[:-1]}


@lru_cache(maxsize=64)
def _glob(glob: str) -> re.Pattern[str]:
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    meaning = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(meaning.get(piece, re.escape(piece)) for piece in pieces))
