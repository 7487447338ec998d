"""A second reader and writer of people notes, for the notes of a simulation only: what the program's own is judged by.

It shares nothing with the note lens but the shape of the notes: frontmatter of single lines and block lists, and
`**Label**: value (qualifier)` lines of which the role's may go on with `at <organization> (qualifier)`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from yaml12 import parse_yaml

from mappings.person import FieldName
from simulation.values import MANY, TYPED

KEYS: Mapping[str, FieldName] = {
    "title": "name",
    "nickname": "nickname",
    "emails": "emails",
    "email": "emails",
    "phone": "phones",
    "company": "organization",
    "department": "department",
    "role": "title",
    "location": "location",
    "birthday": "birthday",
    "url": "links",
    "last_contact": "last_contact",
}
_LABELS: Mapping[str, FieldName] = {"Role": "title", "Location": "location", "Department": "department"}
_KEY_OF: Mapping[FieldName, str] = {field: key for key, field in reversed(list(KEYS.items()))}

_PARTS = re.compile(r"\A---\n(?P<block>.*?\n)---\n(?P<body>.*)\Z", re.DOTALL)
_ENTRY = re.compile(r"^(?P<key>[a-z_]+):[^\n]*\n(?:[- ][^\n]*\n)*", re.MULTILINE)
_LINE = re.compile(r"^\*\*(?P<label>[A-Z][a-z]+)\*\*:(?P<value>[^\n]*)$", re.MULTILINE)
_ROLE_AT = re.compile(r"^\*\*Role\*\*:[^\n]* at [^\n]*$", re.MULTILINE)
_QUALIFIER = re.compile(r"\s*\([^()]*\)\s*$")

Fields = Mapping[FieldName, tuple[str, ...]]


class Illegible(Exception):
    """The text is not a note of ours: it is empty, or somebody broke it."""


def read(text: str, path: str) -> Fields:
    """Return what a note says, every typed field; `path` names a person without a name.

    Errors: `Illegible`.
    """
    block, body = _parts(text)
    found: dict[FieldName, list[str]] = {field: [] for field in TYPED}
    for key, value in _parsed(block).items():
        field = KEYS.get(key)
        if field is not None:
            found[field] += [each for each in _texts(value) if each not in found[field]]
    for field, part in _spoken(body):
        value = _QUALIFIER.sub("", part).strip()
        if value and not found[field]:
            found[field].append(value)
    found["name"] = found["name"] or [path.rpartition("/")[2].removesuffix(".md")]
    return {field: tuple(values) for field, values in found.items()}


def uid(text: str) -> str:
    """Return the uid that a note carries, "" if none. Errors: `Illegible`."""
    return str(_parsed(_parts(text)[0]).get("uid") or "")


def skeleton(text: str) -> str:
    """Return all of a note that is nobody's to change but its owner's. Errors: `Illegible`."""
    block, body = _parts(text)
    unmapped = _ENTRY.sub(lambda entry: "" if entry["key"] in {*KEYS, "uid"} else entry[0], block)
    return (
        unmapped
        + "---\n"
        + _LINE.sub(lambda line: f"**{line['label']}**:" if line["label"] in _LABELS else line[0], body)
    )


def pieces(text: str, field: FieldName) -> tuple[str, ...]:
    """Return the very characters in which a field stands, qualifiers included."""
    block, body = _parts(text)
    entries = tuple(entry[0] for entry in _ENTRY.finditer(block) if KEYS.get(entry["key"]) == field)
    return entries + tuple(part for spoken, part in _spoken(body) if spoken == field)


def write(text: str, field: FieldName, values: Sequence[str]) -> str:
    """Return the text with a field changed as its owner would do it: where it stands, else as a new property.

    Errors: `Illegible`.
    """
    block, body = _parts(text)
    entries = [entry for entry in _ENTRY.finditer(block) if KEYS.get(entry["key"]) == field]
    if entries:
        for entry in reversed(entries[1:]):
            block = block[: entry.start()] + block[entry.end() :]
        new = _entry(entries[0]["key"], field, values)
        return _joined(block[: entries[0].start()] + new + block[entries[0].end() :], body)
    if field == "title" and not values and _ROLE_AT.search(body):
        # Without a role the line would not read well; whoever clears it says the organization elsewhere.
        organization = read(text, "")["organization"]
        return write(_joined(block, _ROLE_AT.sub("**Role**:", body)), "organization", organization)
    changed = _spoken_anew(body, field, values)
    if changed is not None:
        return _joined(block, changed)
    return _joined(block + _entry(_KEY_OF[field], field, values), body)


def without_uid(text: str) -> str:
    """Return the text as it is before anybody put a uid into it. Errors: `Illegible`."""
    block, body = _parts(text)
    return _joined(re.sub(r"^uid:[^\n]*\n", "", block, flags=re.MULTILINE), body)


def _parts(text: str) -> tuple[str, str]:
    parts = _PARTS.match(text)
    if parts is None:
        raise Illegible
    return parts["block"], parts["body"]


def _joined(block: str, body: str) -> str:
    return f"---\n{block}---\n{body}"


def _parsed(block: str) -> Mapping[str, object]:
    try:
        document: object = parse_yaml(block)
    except ValueError as error:
        raise Illegible from error
    if not isinstance(document, dict):
        raise Illegible
    return {str(key): value for key, value in document.items()}


def _texts(value: object) -> list[str]:
    items: list[object] = [*value] if isinstance(value, list) else [value]  # pyright: ignore[reportUnknownVariableType]  # YAML says no more
    return [str(item) for item in items if item not in {None, ""}]


def _entry(key: str, field: FieldName, values: Sequence[str]) -> str:
    quoted = [f'"{value}"' if field in {"phones", "birthday", "last_contact"} else value for value in values]
    if field in MANY and len(values) > 1:
        return f"{key}:\n" + "".join(f"- {value}\n" for value in quoted)
    return f"{key}: {quoted[0]}\n" if quoted else f"{key}:\n"


def _spoken(body: str) -> Iterator[tuple[FieldName, str]]:
    """Yield each field of the labelled lines with its part of the line, qualifiers included."""
    for line in _LINE.finditer(body):
        field = _LABELS.get(line["label"])
        if field is None:
            continue
        first, _, second = line["value"].partition(" at ")
        yield field, first
        if field == "title" and second:
            yield "organization", second


def _spoken_anew(body: str, field: FieldName, values: Sequence[str]) -> str | None:
    """Return the body with a line's value changed, None if no line says the field."""
    value = values[0] if values else ""
    for line in _LINE.finditer(body):
        spoken = _LABELS.get(line["label"])
        first, at, second = line["value"].partition(" at ")
        if spoken == field:
            new = f" {value} (says who)" if value else ""
            return body[: line.start("value")] + new + at + second + body[line.end("value") :]
        if spoken == "title" and field == "organization" and at:
            new = f" at {value} (since then)" if value else ""
            return body[: line.start("value")] + first + new + body[line.end("value") :]
    return None
