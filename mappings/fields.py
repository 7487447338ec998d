"""THE TABLE: every field's name, cardinality, clash rule, direction, and who can hold it.

Codecs, merge, plan and display walk this table; none of them has an `if` for a field of its own.
The defaults are the owner's to override, field by field and account by account (`Policy`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from mappings import normalize
from mappings.person import FieldName, Person, Value


class Cardinality(StrEnum):
    """How many values a field has."""

    ONE = "one"
    MANY = "many"


class Rule(StrEnum):
    """What happens when both sides changed a field since they last agreed."""

    VAULT_WINS = "vault wins"
    REMOTE_WINS = "remote wins"
    FILL_BLANK = "fill blank"
    UNION = "union"
    LATEST_DATE = "latest date"
    ASK = "ask"


class Direction(StrEnum):
    """Which way a field's changes travel: `push` is note to record, `pull` is record to note."""

    PUSH = "push"
    PULL = "pull"
    BOTH = "both"
    OFF = "off"

    @property
    def pushes(self) -> bool:
        return self in {Direction.PUSH, Direction.BOTH}

    @property
    def pulls(self) -> bool:
        return self in {Direction.PULL, Direction.BOTH}


class Format(StrEnum):
    """A wire format that records are kept in."""

    VCARD = "vcard"
    GOOGLE = "google"
    GRAPH = "graph"


@dataclass(frozen=True, slots=True)
class Policy:
    """How one field is treated on one link; of several values `only` those of these keys travel, None for all."""

    rule: Rule
    direction: Direction
    only: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One row of the table.

    `key` maps a single value to what is compared: two values with one key are the same value, spelled differently.
    `derived` fields are computed from calendars; the brakes on mass change do not count them.
    """

    name: FieldName
    cardinality: Cardinality
    rule: Rule
    direction: Direction
    held_by: frozenset[Format]
    key: Callable[[str], str]
    derived: bool

    @property
    def policy(self) -> Policy:
        return Policy(self.rule, self.direction)


_EVERY = frozenset(Format)
_NONE: frozenset[Format] = frozenset()


def _one(
    name: FieldName,
    rule: Rule,
    direction: Direction = Direction.BOTH,
    *,
    key: Callable[[str], str] = normalize.text_key,
) -> Field:
    return Field(name, Cardinality.ONE, rule, direction, _EVERY, key, derived=False)


def _many(
    name: FieldName,
    rule: Rule,
    direction: Direction = Direction.BOTH,
    *,
    key: Callable[[str], str] = normalize.text_key,
) -> Field:
    return Field(name, Cardinality.MANY, rule, direction, _EVERY, key, derived=False)


_ROWS: tuple[Field, ...] = (
    _one("name", Rule.VAULT_WINS),
    # The parts follow the name. A part that the full name implies says nothing of its own, so that a change of the
    # full name alone would look like an edit of its parts; synced by themselves they undo each other.
    # Google's full name is made of them, so there they cannot say anything of their own.
    replace(_one("given_name", Rule.FILL_BLANK, Direction.OFF), held_by=_EVERY - {Format.GOOGLE}),
    replace(_one("family_name", Rule.FILL_BLANK, Direction.OFF), held_by=_EVERY - {Format.GOOGLE}),
    _one("nickname", Rule.FILL_BLANK),
    # Aliases are the vault's own link targets; they only help to recognise a person.
    replace(_many("aliases", Rule.UNION, Direction.OFF), held_by=_NONE),
    _many("emails", Rule.UNION, key=normalize.email_key),
    # Addresses that somebody no longer has; they only help to recognise a person.
    replace(_many("former_emails", Rule.UNION, Direction.OFF, key=normalize.email_key), held_by=_NONE),
    _many("phones", Rule.UNION, key=normalize.phone_key),
    _one("organization", Rule.ASK),
    _one("department", Rule.FILL_BLANK),
    _one("title", Rule.VAULT_WINS),
    _one("location", Rule.VAULT_WINS),
    _many("addresses", Rule.FILL_BLANK, Direction.PULL),
    _one("birthday", Rule.FILL_BLANK),
    _many("links", Rule.UNION, key=normalize.link_key),
    # Tags stay home until the owner lists those that may leave.
    _many("tags", Rule.UNION, Direction.OFF),
    # A clash is between two people: a date that a calendar gave is no edit, and gives way to one.
    replace(_one("last_contact", Rule.ASK), derived=True),
    replace(_one("next_meeting", Rule.VAULT_WINS, Direction.OFF), held_by=_NONE, derived=True),
    replace(_one("last_1on1", Rule.VAULT_WINS, Direction.OFF), held_by=_NONE, derived=True),
    replace(_one("meetings_90d", Rule.VAULT_WINS, Direction.OFF), held_by=_NONE, derived=True),
)

FIELDS: Mapping[FieldName, Field] = {row.name: row for row in _ROWS}

DERIVED: frozenset[FieldName] = frozenset(row.name for row in _ROWS if row.derived)

NAMES: frozenset[FieldName] = frozenset(row.name for row in _ROWS)

DEFAULT_POLICIES: Mapping[FieldName, Policy] = {row.name: row.policy for row in _ROWS}


def value_of(person: Person, name: FieldName) -> Value:
    """Return one field's value; the only place where a field is reached by its name."""
    value: Value = getattr(person, name)
    return value


def with_values(person: Person, values: Mapping[FieldName, Value]) -> Person:
    """Return the person with these fields replaced; each value has its own field's shape."""
    return replace(person, **values)  # type: ignore[arg-type]  # a mapping cannot say which shape belongs to which name


def blank(name: FieldName) -> Value:
    """Return the value that says "nothing" for this field."""
    return "" if FIELDS[name].cardinality is Cardinality.ONE else ()


def texts(value: Value) -> tuple[str, ...]:
    """Return the values of a field as a tuple, whatever its cardinality; a blank one is empty."""
    if isinstance(value, tuple):
        return value
    return (value,) if value else ()


def keys(name: FieldName, value: Value) -> frozenset[str]:
    """Return what is compared of a value: the set of its texts' keys."""
    key = FIELDS[name].key
    return frozenset(key(text) for text in texts(value))


def shared(person: Person, policies: Mapping[FieldName, Policy]) -> Person:
    """Return the person without the values that do not travel."""
    kept: dict[FieldName, Value] = {
        name: tuple(text for text in texts(value_of(person, name)) if FIELDS[name].key(text) in policy.only)
        for name, policy in policies.items()
        if policy.only is not None
    }
    return with_values(person, kept) if kept else person


def same(name: FieldName, left: Value, right: Value) -> bool:
    """Tell whether two values mean the same; spelling and the order of several do not count."""
    return left == right or keys(name, left) == keys(name, right)
