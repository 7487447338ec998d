"""Who is a person: two signs out of type, category, tag, folder and a key that only people have.

One sign alone proves nothing: meeting notes carry `type: people`, companies have e-mail addresses. A match of
the owner's `[vault] people` globs is enough alone. Templates, meetings and index notes are never people, and neither
is a note that says of itself that it is to be kept out: by `contactd: off`, or by the tag `no-contactd`.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from mappings.frontmatter import Block
from mappings.person import FieldName
from mappings.profiles import Profile, Sign
from mappings.record import NotePath
from mappings.yaml_scalar import has_template_command

_PEOPLE = frozenset({"people", "person", "persons", "contact", "contacts"})
_MEETINGS = frozenset({"meeting", "meetings"})
_TYPE_KEYS = ("type", "note_type", "fileClass")
_TAG_KEYS = ("tags", "tag")
_CATEGORY_KEYS = ("categories", "category")
_GUESTS = frozenset({"people", "attendees", "participants"})
_INDEX = frozenset({"moc", "index"})
_PERSONAL_FIELDS: frozenset[FieldName] = frozenset({"birthday", "emails", "phones"})
_HINT = re.compile(r"people|person|contact|mail|phone|mobile|tel|b(?:irth)?day|name|fn", re.IGNORECASE)
_KEPT_OUT_KEY = "contactd"
_KEPT_OUT = frozenset({"off", "no", "false"})
_KEPT_OUT_TAG = "no-contactd"
_TAG_SEPARATOR = re.compile(r"[\s,]+")


def matches(path: NotePath, globs: tuple[str, ...]) -> bool:
    """Tell whether one of the globs matches the whole path; `**` stands for any folders, `*` stays within one."""
    return any(_glob(glob).fullmatch(path) for glob in globs)


def may_be_person(frontmatter: str) -> bool:
    """Tell cheaply whether the text of a block could hold a sign at all; most notes of a vault cannot."""
    return _HINT.search(frontmatter) is not None


def is_person(path: NotePath, block: Block, profile: Profile, globs: tuple[str, ...]) -> bool:
    """Tell whether a note with frontmatter is a person's; see the module for the rule."""
    words = _words_of(path, block)
    if _is_kept_out(words, block):
        return False
    if has_template_command(block.text) or _is_meeting(words, block) or (words.types | words.tags) & _INDEX:
        return False
    if matches(path, globs):
        return True
    signs = _signs(words, block, profile)
    # Name and address are keys of one kind: they count once.
    kinds = {Sign.PERSONAL_KEY if sign is Sign.FULL_NAME else sign for sign in signs}
    return len(kinds) >= 2 or bool(signs & profile.enough)


class _Words(NamedTuple):
    """What a note says it is, in lower case and without links and slashes."""

    types: frozenset[str]
    categories: frozenset[str]
    tags: frozenset[str]
    folders: frozenset[str]


def _words_of(path: NotePath, block: Block) -> _Words:
    tags = (tag for text in _texts(block, _TAG_KEYS) for tag in _TAG_SEPARATOR.split(text))
    return _Words(
        types=frozenset(map(_word, _texts(block, _TYPE_KEYS))),
        categories=frozenset(map(_word, _texts(block, _CATEGORY_KEYS))),
        tags=frozenset(part for tag in tags for part in tag.lstrip("#").casefold().split("/")),
        folders=frozenset(path.casefold().split("/")[:-1]),
    )


def _is_kept_out(words: _Words, block: Block) -> bool:
    """Tell whether its owner wants nothing of a note to be synced."""
    said = {text.strip().casefold() for text in block.texts(_KEPT_OUT_KEY)}
    return bool(said & _KEPT_OUT) or _KEPT_OUT_TAG in words.tags


def _signs(words: _Words, block: Block, profile: Profile) -> frozenset[Sign]:
    fields = {found[0] for key in block.nodes if (found := profile.field_of(key)) is not None}
    shown = (
        (Sign.TYPE, not words.types.isdisjoint(_PEOPLE)),
        (Sign.CATEGORY, not words.categories.isdisjoint(_PEOPLE)),
        (Sign.TAG, not words.tags.isdisjoint(_PEOPLE)),
        (Sign.FOLDER, not words.folders.isdisjoint(_PEOPLE)),
        (Sign.FULL_NAME, "FN" in block.nodes or {"given_name", "family_name"} <= fields),
        (Sign.PERSONAL_KEY, not fields.isdisjoint(_PERSONAL_FIELDS)),
    )
    return frozenset(sign for sign, is_shown in shown if is_shown)


def _is_meeting(words: _Words, block: Block) -> bool:
    if any(not said.isdisjoint(_MEETINGS) for said in (words.types, words.categories, words.tags, words.folders)):
        return True
    keys = {key.casefold() for key in block.nodes}
    return "date" in keys and not keys.isdisjoint(_GUESTS)


def _texts(block: Block, keys: tuple[str, ...]) -> Iterator[str]:
    for key in keys:
        yield from block.texts(key)


def _word(text: str) -> str:
    return text.strip("[]# ").partition("|")[0].casefold()


@lru_cache(maxsize=64)
def _glob(glob: str) -> re.Pattern[str]:
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    meaning = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(meaning.get(piece, re.escape(piece)) for piece in pieces))
