"""A first look at a vault: how many notes are about people, and in which spelling they are written. Writes nothing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from daemon.errors import VaultError, VaultMissing
from daemon.progress import Tell, WatchedVault
from daemon.report import Trouble
from mappings import note as note_lens
from mappings.errors import UnreadableNote
from mappings.note_rules import NoteRules
from mappings.person import FieldName
from mappings.profiles import PROFILES, Profile, detect, is_excluded_path
from mappings.record import NotePath

Texts = Mapping[NotePath, str]


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found; `spellings` are the keys that people's notes mostly use, by the field as which they are read."""

    notes: int
    people: int
    profile: str
    spellings: Mapping[FieldName, str]
    troubles: tuple[Trouble, ...]


def survey(root: Path, tell: Tell) -> Survey:
    """Look at every note of a vault.

    Result: the profile is the one that knows the most people; between equals the marks of the whole vault decide.
    Errors: `VaultMissing` if there is no such folder.
    """
    vault = WatchedVault(root, None, tell)
    listing = vault.listing()
    texts, troubles = _texts(vault, [stat.path for stat in listing.notes if not is_excluded_path(stat.path)])
    tell("finding out how people's notes are written")
    likely = detect(_keys(text) for text in texts.values()).profile
    found = {name: _people(texts, profile) for name, profile in PROFILES.items()}
    best = max(PROFILES, key=lambda name: (len(found[name]), name == likely))
    spellings = _spellings([texts[path] for path in found[best]], PROFILES[best])
    return Survey(len(listing.notes), len(found[best]), best, spellings, troubles)


def _texts(vault: WatchedVault, paths: Sequence[NotePath]) -> tuple[Texts, tuple[Trouble, ...]]:
    texts: dict[NotePath, str] = {}
    troubles: list[Trouble] = []
    for path in paths:
        try:
            texts[path] = note_lens.decode(vault.read(path).content)
        except VaultMissing:
            raise
        except VaultError as error:
            troubles.append(Trouble(path, 0, error.reason))
        except UnreadableNote as error:
            troubles.append(Trouble(path, error.line or 0, error.reason))
    return texts, tuple(troubles)


def _people(texts: Texts, profile: Profile) -> Sequence[NotePath]:
    rules = NoteRules(profile, people_globs=(), uid_key="", template_folders=())
    return [path for path, text in texts.items() if _is_person(path, text, rules)]


def _is_person(path: NotePath, text: str, rules: NoteRules) -> bool:
    try:
        return note_lens.read(path, text, rules) is not None
    except UnreadableNote:
        return False


def _keys(text: str) -> frozenset[str]:
    try:
        return note_lens.keys(text)
    except UnreadableNote:
        return frozenset()


def _spellings(texts: Sequence[str], profile: Profile) -> Mapping[FieldName, str]:
    uses = Counter(key for text in texts for key in sorted(_keys(text)))
    spellings: dict[FieldName, str] = {}
    for key, _ in uses.most_common():
        if (found := profile.field_of(key)) is not None:
            spellings.setdefault(found[0], key)
    return spellings
