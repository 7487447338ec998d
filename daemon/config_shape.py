"""THE KEYS: what the owner may write into the configuration, as written; `config` makes of it what the program uses.

Two readers walk these dataclasses. `config_fit` builds them from a configuration that is right and refuses any other;
`config_check` goes over a refused one with pydantic-settings and finds every problem in it. They are two because
importing pydantic-settings takes longer than a whole sync that finds nothing to do, and configurations are mostly
right; they cannot disagree on a value, as each key's `Check` is its own and the second reader's word is final.

None as a default means "not said here".
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, TypeGuard
from zoneinfo import ZoneInfo

from connectors import registry
from connectors.registry import UnknownConnector
from daemon.paths import state_home
from mappings.event import Kind
from mappings.fields import FIELDS, Cardinality, Direction, Field, Rule
from mappings.meeting_case import DEFAULT_RULES, Counts
from mappings.person import FieldName
from mappings.world import NewContacts

Table = Mapping[str, object]
"""A TOML table as parsed, with the owner's home for `~`."""

Place = tuple[str | int, ...]
"""The keys that lead to a value; a number is an item of a list, counted from 0."""


def is_table(value: object) -> TypeGuard[dict[str, object]]:
    """Tell whether a TOML value is a table; its keys are text then."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[object]]:
    """Tell whether a TOML value is a list."""
    return isinstance(value, list)


@dataclass(frozen=True, slots=True)
class Check:
    """What a key's value must fulfil beyond its type; raises `ValueError` with what is wrong and what was expected."""

    check: Callable[[object], None]

    def passed(self, value: object) -> object:
        self.check(value)
        return value

    def __get_pydantic_core_schema__(self, source: object, handler: Callable[[object], Mapping[str, object]]) -> object:
        """Tell pydantic, which looks for this method in annotations, to check first and then go on as usual."""
        # In pydantic-core's own words, because pydantic is not imported where the configuration is right.
        function = {"type": "no-info", "function": self.passed}
        return {"type": "function-before", "function": function, "schema": handler(source)}


def _is(holds: Callable[[object], bool], expected: str) -> Check:
    def check(value: object) -> None:
        if not holds(value):
            raise ValueError(f"{judged(value)}; expected {expected}")

    return Check(check)


def _text_like(pattern: str, expected: str) -> Check:
    return _is(lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None, expected)


def _whole_number(lowest: int, highest: int, expected: str) -> Check:
    return _is(lambda value: type(value) is int and lowest <= value <= highest, expected)


def _check_connector(value: object) -> None:
    if not isinstance(value, str):
        raise ValueError(f"{judged(value)}; expected {one_of(registry.known())}")  # noqa: TRY004  # what pydantic collects
    try:
        registry.connector(value)
    except UnknownConnector as error:
        raise ValueError(str(error)) from error


def _check_zone(value: object) -> None:
    wanted = 'the name of a time zone, like "Europe/Berlin", or "" for the system\'s'
    if not isinstance(value, str):
        raise ValueError(f"{judged(value)}; expected {wanted}")  # noqa: TRY004  # what pydantic collects
    try:
        zone = value and ZoneInfo(value)
    except (LookupError, ValueError, OSError) as error:
        raise ValueError(f"{judged(value)}; expected {wanted}") from error
    del zone


def _check_allowed(value: object) -> None:
    leaving = [name for name in FIELDS if name not in _AT_HOME]
    if value not in leaving:
        raise ValueError(f"{judged(value)}; expected {one_of(leaving)}")


def _is_number(value: object) -> TypeGuard[float]:
    return type(value) in {int, float}


def judged(value: object) -> str:
    """Say what is wrong with a value by its kind: problems may be logged, and texts may be addresses or secrets."""
    match value:
        case "":
            return "is empty"
        case str():
            return "does not fit"
        case bool():
            return f"is {str(value).lower()}"
        case int() | float():
            return f"is {value}"
        case list() | tuple():
            return "is a list"
        case dict():
            return "is a table"
        case _:
            return "is a date or time"


Folder = Annotated[Path, _text_like(r"/.*", "a path that begins with / or ~/, in quotes")]
FileOrNone = Annotated[str, _text_like(r"|/.*", 'a path that begins with / or ~/, in quotes, or "" for none')]
Switch = Annotated[bool, _is(lambda value: isinstance(value, bool), "true or false")]
Address = Annotated[str, _text_like(r"[^@\s]+@[^@\s]+", "an e-mail address in quotes")]
Glob = Annotated[str, _text_like(r"(?!/)(?!.*\.\.).+", 'a pattern of paths within the vault, like "People/**"')]
Name = Annotated[str, _text_like(r"[A-Za-z0-9_-]+", "letters, digits, - and _")]
PropertyName = Annotated[str, _text_like(r"[A-Za-z0-9_-]*", 'letters, digits, - and _, or "" for none')]
_NOTE_NAME = r"(?!.*(?:^|/)\.)(?:[^/\\:*?\"<>|]+(?:/[^/\\:*?\"<>|]+)*\.md)?"
NoteName = Annotated[str, _text_like(_NOTE_NAME, 'a path in the vault, like "Contact review.md", or "" for none')]
_FOLDER_NAME = r"(?!.*(?:^|/)\.)(?:[^/\\:*?\"<>|]+(?:/[^/\\:*?\"<>|]+)*)?"
FolderName = Annotated[
    str, _text_like(_FOLDER_NAME, 'a folder in the vault, like "People", or "" for the vault itself')
]
NewNotesCount = Annotated[int, _whole_number(0, 1000, "a whole number of notes, 0 to 1000")]
People = Annotated[int, _whole_number(0, 10**9, "a whole number of people, 0 or more")]
Seconds = Annotated[int, _whole_number(1, 7 * 86400, "a whole number of seconds, from 1 to a week")]
Quiet = Annotated[
    float, _is(lambda value: _is_number(value) and 0 <= value <= 60, "a number of seconds, from 0 to 60, like 0.5")
]
Percent = Annotated[int, _whole_number(0, 100, "a whole number from 0 to 100")]
Days = Annotated[int, _whole_number(1, 3650, "a whole number of days, 1 to 3650")]
ZoneName = Annotated[str, Check(_check_zone)]
AddressPattern = Annotated[str, _text_like(r"[^@\s]*@[^@\s]+", 'a pattern of addresses in quotes, like "all@*"')]
Domain = Annotated[str, _text_like(r"(?:[^@\s.]+\.)+[^@\s.]+", 'a domain in quotes, like "example.org"')]
ConnectorName = Annotated[str, Check(_check_connector)]
Tag = Annotated[str, _text_like(r"[^\s#,]+", "a tag without # and blanks")]
AllowedField = Annotated[FieldName, Check(_check_allowed)]
CreateNotes = Literal["none", "met", "all"]
ProfileName = Literal["people-notes", "vcf-contacts", "kepano", "czottmann", "hal_md"]


@dataclass(frozen=True, slots=True)
class VaultKeys:
    """Where the notes are, and how they are written."""

    path: Folder
    profile: ProfileName = "people-notes"
    people: tuple[Glob, ...] = ()
    uid_key: PropertyName = "uid"
    review_note: NoteName = ""
    new_notes_folder: FolderName = "People"
    new_note_template: NoteName = ""
    new_notes_per_run: NewNotesCount = 20


@dataclass(frozen=True, slots=True)
class StateKeys:
    """Where contactd remembers what both sides last agreed on."""

    path: Folder = field(default_factory=state_home)
    undo_days: Days = 90


@dataclass(frozen=True, slots=True)
class FieldKeys:
    """How one field is treated; what is not said stays as it is."""

    rule: Rule | None = None
    direction: Direction | None = None


@dataclass(frozen=True, slots=True)
class BrakeKeys:
    """How much may change without being asked; what is not said stays as it is."""

    people: People | None = None
    share_percent: Percent | None = None


@dataclass(frozen=True, slots=True)
class MeetingKeys:
    """Which meetings count, and what comes of them; those of the rules are named as in `MeetingRules`."""

    timezone: ZoneName = ""
    keep_titles: Switch = False
    next_meeting: Switch = False
    last_1on1: Switch = False
    meetings_90d: Switch = False
    recent_context: Switch = False
    days_back: Days = 400
    days_ahead: Days = 60
    cancelled: Counts = DEFAULT_RULES.cancelled
    drafts: Counts = DEFAULT_RULES.drafts
    declined: Counts = DEFAULT_RULES.declined
    kinds: tuple[Kind, ...] = tuple(DEFAULT_RULES.kinds)
    all_day: Counts = DEFAULT_RULES.all_day
    out_of_office: Counts = DEFAULT_RULES.out_of_office
    working_elsewhere: Counts = DEFAULT_RULES.working_elsewhere
    free: Counts = DEFAULT_RULES.free
    private: Counts = DEFAULT_RULES.private
    hidden_people: Counts = DEFAULT_RULES.hidden_people
    people_max: People = DEFAULT_RULES.people_max
    running: Counts = DEFAULT_RULES.running
    rooms: tuple[AddressPattern, ...] = DEFAULT_RULES.rooms
    mailing_lists: tuple[AddressPattern, ...] = DEFAULT_RULES.mailing_lists
    they_declined: Counts = DEFAULT_RULES.they_declined
    excluded_domains: tuple[Domain, ...] = tuple(sorted(DEFAULT_RULES.excluded_domains))
    tentative: Counts = DEFAULT_RULES.tentative
    unanswered: Counts = DEFAULT_RULES.unanswered


@dataclass(frozen=True, slots=True)
class ServiceKeys:
    """How the service goes about its work."""

    interval_s: Seconds = 180
    debounce_s: Quiet = 0.5
    debounce_max_s: Quiet = 5.0
    scan_interval_s: Seconds = 600
    metrics_file: FileOrNone = ""
    notifications: Switch = False


FieldTables = Mapping[FieldName, FieldKeys]


@dataclass(frozen=True, slots=True)
class AccountKeys:
    """The keys of an account's table that every connector has; the others are the connector's own."""

    connector: ConnectorName
    email: Address | None = None
    me: tuple[Address, ...] = ()
    new_contacts: NewContacts | None = None
    delete_with_note: Switch = False
    create_notes: CreateNotes = "none"
    allow: tuple[AllowedField, ...] | None = None
    tags: tuple[Tag, ...] = ()
    interval_s: Seconds | None = None
    fields: FieldTables = field(default_factory=dict[FieldName, FieldKeys])
    brakes: BrakeKeys = BrakeKeys()


@dataclass(frozen=True, slots=True)
class WrittenAccount:
    """An account's table; `options` is of the connector's own type."""

    keys: AccountKeys
    options: object


@dataclass(frozen=True, slots=True)
class Written:
    """A whole configuration as written."""

    vault: VaultKeys
    state: StateKeys = field(default_factory=StateKeys)
    fields: FieldTables = field(default_factory=dict[FieldName, FieldKeys])
    brakes: BrakeKeys = BrakeKeys()
    meetings: MeetingKeys = MeetingKeys()
    service: ServiceKeys = ServiceKeys()
    accounts: Mapping[Name, WrittenAccount] = field(default_factory=dict[str, WrittenAccount])


def unsuitable(name: FieldName, keys: FieldKeys) -> Iterator[tuple[str, str]]:
    """Yield each key that the field cannot have so, with what is wrong and what was expected."""
    rules = [rule.value for rule in Rule if _suits(FIELDS[name], rule)]
    if keys.rule is not None and keys.rule not in rules:
        yield "rule", f'"{keys.rule}" does not suit {name}; expected {one_of(rules)}'
    if name in _AT_HOME and keys.direction not in {None, Direction.OFF}:
        yield "direction", f'"{keys.direction}" would let {name} leave the vault, which they never do; expected "off"'


def one_of(choices: Iterable[str]) -> str:
    """Name the choices, each in quotes."""
    *others, last = (f'"{choice}"' for choice in choices)
    return f"{', '.join(others)} or {last}" if others else last


_AT_HOME: frozenset[FieldName] = frozenset(
    {"tags", "given_name", "family_name", *(name for name in FIELDS if not FIELDS[name].held_by)}
)
"""Fields that no record can hold, and tags, of which an account's `tags` lists those that may leave."""


def _suits(row: Field, rule: Rule) -> bool:
    match rule:
        case Rule.UNION:
            return row.cardinality is Cardinality.MANY
        case Rule.LATEST_DATE:
            return row.derived and row.name != "meetings_90d"
        case Rule.VAULT_WINS | Rule.REMOTE_WINS | Rule.FILL_BLANK | Rule.ASK:
            return True
