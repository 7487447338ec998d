"""What is wrong with a configuration, all of it, in plain words; or its values if nothing is (see `config_shape`).

pydantic-settings finds the places and the kinds of problems; every word that the owner reads is ours.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, create_model
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from connectors import registry
from connectors.registry import UnknownConnector
from daemon.config_fit import misuses, parted
from daemon.config_shape import (
    AccountKeys,
    BrakeKeys,
    FieldKeys,
    FieldTables,
    MeetingKeys,
    Name,
    Place,
    ServiceKeys,
    StateKeys,
    Table,
    VaultKeys,
    Written,
    WrittenAccount,
    is_table,
    judged,
    one_of,
)
from daemon.errors import ConfigError
from mappings.fields import FIELDS

_EXPECTED = {
    "bool_type": "true or false",
    "dataclass_type": "a table",
    "dict_type": "a table",
    "float_type": "a number",
    "int_type": "a whole number",
    "mapping_type": "a table",
    "path_type": "a path in quotes",
    "string_type": "text in quotes",
    "tuple_type": 'a list, like ["one", "two"]',
}
"""What to write instead, by pydantic's kind of problem."""


def checked(table: Table) -> Written:
    """Return the configuration that a parsed file holds.

    Errors: `ConfigError` with every problem.
    """
    problems = [_problem(place, text) for place, text in misuses(table)]
    try:
        file = _reader(table)()
    except ValidationError as error:
        found = [_problem(_place(details), _words(details, table)) for details in error.errors(include_url=False)]
        raise ConfigError((*found, *problems)) from error
    if problems:
        raise ConfigError(tuple(problems))
    return Written(**dict(file))


def _account(table: object) -> WrittenAccount:
    if not is_table(table):
        raise ValueError(f"{judged(table)}; expected a table")
    ours, own = parted(table)
    model = create_model(
        "Account",
        __config__=ConfigDict(extra="forbid"),
        ours=(AccountKeys, ...),
        own=(_options_of(ours) or dict[str, object], ...),
    )
    read = dict(model.model_validate({"ours": ours, "own": own}))
    return WrittenAccount(read["ours"], read["own"])


class _File(BaseSettings):
    """The keys of `Written`; what an account's table may hold depends on its connector, so it is read apart."""

    # Checks are for what the owner wrote, as TOML has it; a default is right by itself.
    model_config = SettingsConfigDict(extra="forbid", validate_default=False)

    vault: VaultKeys
    state: StateKeys = Field(default_factory=StateKeys)
    fields: FieldTables = {}
    brakes: BrakeKeys = BrakeKeys()
    meetings: MeetingKeys = MeetingKeys()
    service: ServiceKeys = ServiceKeys()
    accounts: Mapping[Name, Annotated[WrittenAccount, PlainValidator(_account)]] = {}


def _reader(table: Table) -> type[BaseSettings]:
    class FromTable(_File):
        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *_: object, **__: object
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            # The file alone: no environment variable has a say.
            return (InitSettingsSource(settings_cls, dict(table)),)

    return FromTable


def _options_of(account: Table) -> type[object] | None:
    """Return the type of the account's options; None where its connector is not known, so neither are they."""
    try:
        return registry.connector(str(account.get("connector"))).options
    except UnknownConnector:
        return None


def _place(details: ErrorDetails) -> Place:
    match details["loc"]:
        case ("accounts", name, "ours" | "own", *deeper):
            # A level that `_account` made; the owner's file does not have it.
            return ("accounts", name, *deeper)
        case place:
            return place


def _words(details: ErrorDetails, table: Table) -> str:
    place, value = _place(details), details["input"]
    match details["type"]:
        case "missing":
            return f"is missing; expected {_needed(place)}"
        case "extra_forbidden" | "unexpected_keyword_argument":
            return _unknown(str(place[-1]), _known(place[:-1], table))
        case "literal_error" if place[-1] == "[key]":
            return _unknown(str(place[-2]), FIELDS)
        case "enum" | "literal_error":
            return _no_choice(value, re.findall(r"'([^']*)'", details.get("ctx", {})["expected"]))
        case "value_error":
            return str(details.get("ctx", {})["error"])
        case kind:
            judgement = "is text" if isinstance(value, str) else judged(value)
            return f"{judgement}; expected {_EXPECTED.get(kind, details['msg'])}"


def _needed(place: Place) -> str:
    match place:
        case ("vault",):
            return 'the table [vault] with path = "…", the folder of the notes'
        case ("vault", "path"):
            return "the folder of the notes"
        case ("accounts", _, "connector"):
            return one_of(registry.known())
        case _:
            return "a value, which this connector needs"


def _unknown(key: str, known: Iterable[str]) -> str:
    known = tuple(known)
    close = get_close_matches(key, known, n=1)
    return f"unknown key; did you mean {close[0]}?" if close else f"unknown key; expected {', '.join(known) or 'none'}"


def _no_choice(value: object, choices: list[str]) -> str:
    close = get_close_matches(str(value), choices, n=1)
    hint = f' (did you mean "{close[0]}"?)' if close else ""
    return f"{judged(value)}; expected {one_of(choices)}{hint}"


def _known(place: Place, table: Table) -> tuple[str, ...]:
    """Return the keys that the table at this place may have."""
    match place:
        case ():
            return _keys(Written)
        case ("vault",):
            return _keys(VaultKeys)
        case ("state",):
            return _keys(StateKeys)
        case ("meetings",):
            return _keys(MeetingKeys)
        case ("service",):
            return _keys(ServiceKeys)
        case (*_, "brakes"):
            return _keys(BrakeKeys)
        case (*_, "fields", _):
            return _keys(FieldKeys)
        case ("accounts", name):
            account = _items(_items(table.get("accounts"))[str(name)])
            return (*_keys(AccountKeys), *_keys(_options_of(account)))
        case _:
            return ()


def _keys(shape: type[object] | None) -> tuple[str, ...]:
    if shape is not None and is_dataclass(shape):
        return tuple(key.name for key in fields(shape))
    if shape is not None and issubclass(shape, BaseModel):
        return tuple(shape.model_fields)
    return ()


def _items(value: object) -> Table:
    return value if is_table(value) else {}


def _problem(place: Place, text: str) -> str:
    keys = ".".join(_shown(key) for key in place if isinstance(key, str) and key != "[key]")
    items = "".join(f", item {key + 1}" for key in place if isinstance(key, int))
    return f"{keys}{items}: {text}"


def _shown(key: str) -> str:
    """Write a key as TOML does, in quotes where it needs them."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)
