"""Evidence for a link that only the owner may make: what a note and a contact share, and how much they look alike.

It ranks; it never links. Where no contact is named by the doubt itself, the contacts of nobody that look most alike are
offered.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from mappings.fields import FIELDS, keys, texts, value_of
from mappings.normalize import name_key
from mappings.person import FieldName, Person
from mappings.record import Record, RemoteId

OFFERED_MAX = 5
_ALIKE_PERCENT = 70
"""Names that are less alike than this are no suggestion."""

_TELLING: tuple[FieldName, ...] = ("emails", "phones", "birthday", "organization", "title", "location", "nickname")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A contact that might be meant, and what speaks for it; `likeness` is a percentage of the names."""

    remote_id: RemoteId
    person: Person
    evidence: tuple[str, ...]
    likeness: int


def ranked(person: Person, candidates: Iterable[Record]) -> tuple[Suggestion, ...]:
    """Return contacts, the likeliest first."""
    found = [_suggestion(person, record) for record in candidates]
    return tuple(sorted(found, key=lambda one: (-len(one.evidence), -one.likeness, one.remote_id)))


def alike(person: Person, records: Mapping[RemoteId, Record]) -> tuple[Suggestion, ...]:
    """Return the contacts whose names are most like a person's, the likeliest first; none that is unlike."""
    names = {remote_id: name_key(record.person.name) for remote_id, record in records.items() if record.person.name}
    near = process.extract(
        name_key(person.name), names, scorer=fuzz.token_sort_ratio, limit=OFFERED_MAX, score_cutoff=_ALIKE_PERCENT
    )
    return ranked(person, (records[remote_id] for _, _, remote_id in near))


def _suggestion(person: Person, record: Record) -> Suggestion:
    likeness = round(fuzz.token_sort_ratio(name_key(person.name), name_key(record.person.name)))
    return Suggestion(record.remote_id, record.person, tuple(_evidence(person, record.person, likeness)), likeness)


def _evidence(person: Person, other: Person, likeness: int) -> Iterator[str]:
    if name_key(person.name) == name_key(other.name):
        yield "same name"
    elif likeness >= _ALIKE_PERCENT:
        yield f"names {likeness} % alike"
    for name in _TELLING:
        shared = keys(name, value_of(person, name)) & keys(name, value_of(other, name))
        if shared:
            key = FIELDS[name].key
            same = next(text for text in texts(value_of(other, name)) if key(text) in shared)
            yield f"same {name.removesuffix('s') if name in {'emails', 'phones'} else name}: {same}"
