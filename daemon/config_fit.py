"""A configuration that is right → values, without pydantic; any other is refused without a word (see `config_shape`).

Whoever gets a `Misfit` has `config_check` read the configuration, which either finds the problems or, where only
pydantic understands a connector's options, the values.
"""

from collections.abc import ItemsView, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Annotated, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from connectors import registry
from daemon.config_shape import (
    AccountKeys,
    Check,
    FieldKeys,
    Place,
    StateKeys,
    Table,
    VaultKeys,
    Written,
    WrittenAccount,
    is_list,
    is_table,
    unsuitable,
)
from mappings.person import FieldName

Shape = TypeVar("Shape")

_ACCOUNT_KEYS = frozenset(key.name for key in fields(AccountKeys))


class Misfit(Exception):
    """The configuration is not right somewhere, or not plain enough."""


def fitted(table: Table) -> Written:
    """Return the configuration that a parsed file holds.

    Errors: `Misfit`.
    """
    if any(misuses(table)):
        raise Misfit
    return built(Written, table)


def built(shape: type[Shape], table: object) -> Shape:
    """Return the dataclass that a table holds.

    Errors: `Misfit`.
    """
    hints = get_type_hints(shape, include_extras=True)
    try:
        return shape(**{key: _fitted(hints[key], value) for key, value in _items(table)})
    except (KeyError, TypeError, ValueError) as error:
        raise Misfit from error


def parted(table: Table) -> tuple[Table, Table]:
    """Part an account's table into the keys that every connector has, and the connector's own."""
    ours = {key: value for key, value in table.items() if key in _ACCOUNT_KEYS}
    return ours, {key: value for key, value in table.items() if key not in _ACCOUNT_KEYS}


def misuses(table: Table) -> Iterator[tuple[Place, str]]:
    """Find what is right by itself but not where it stands, with its place; what is not right is passed over."""
    yield from _misplaced_state(table)
    yield from _unsuitable(("fields",), table.get("fields"))
    for name, account in _rows(table.get("accounts")):
        yield from _unsuitable(("accounts", name, "fields"), dict(_rows(account)).get("fields"))


def _misplaced_state(table: Table) -> Iterator[tuple[Place, str]]:
    with suppress(Misfit):
        vault, state = built(VaultKeys, _path_in(table.get("vault"))), built(StateKeys, _path_in(table.get("state")))
        if state.path.is_relative_to(vault.path):
            yield ("state", "path"), "lies within the vault, which other programs copy about; expected a place outside"


def _unsuitable(place: Place, settings: object) -> Iterator[tuple[Place, str]]:
    for name, row in _rows(settings):
        with suppress(Misfit):
            known = cast("FieldName", _fitted(FieldName, name))
            yield from (((*place, name, key), text) for key, text in unsuitable(known, built(FieldKeys, row)))


def _path_in(table: object) -> Table:
    return {key: value for key, value in _rows(table) if key == "path"}


def _rows(value: object) -> Iterable[tuple[str, object]]:
    return value.items() if is_table(value) else ()


def _account(table: object) -> WrittenAccount:
    ours, own = parted(dict(_items(table)))
    keys = built(AccountKeys, ours)
    options = registry.connector(keys.connector).options
    # A connector that cannot be used stops nobody: the keys that it would have stand as they are until it can.
    return WrittenAccount(keys, own if options is dict else built(options, own))


def _fitted(hint: object, value: object) -> object:
    if hint is WrittenAccount:
        return _account(value)
    if isinstance(hint, type) and get_origin(hint) is None:
        return _plain(hint, value)
    return _composed(get_origin(hint), get_args(hint), value)


def _plain(kind: type[object], value: object) -> object:
    if is_dataclass(kind):
        return built(kind, value)
    if issubclass(kind, Enum):
        return kind(value)
    if kind is Path and isinstance(value, str):
        return Path(value)
    if kind is float and type(value) is int:
        return float(value)
    # Exactly this type: for Python, a truth value is a number too.
    if kind in {str, int, bool, float} and type(value) is kind:
        return value
    raise Misfit


def _composed(origin: object, args: tuple[object, ...], value: object) -> object:
    if origin is Annotated:
        return _fitted(args[0], _checked(args[1:], value))
    # `X | None` is a key that may be left out; TOML itself has nothing that is None. Two names for one thing in 3.11.
    if (origin is Union or origin is UnionType) and len(args) == 2 and args[1] is type(None):
        return _fitted(args[0], value)
    if origin is Literal and isinstance(value, str) and value in args:
        return value
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis and is_list(value):
        return tuple(_fitted(args[0], item) for item in value)
    if origin is Mapping:
        return {_fitted(args[0], key): _fitted(args[1], item) for key, item in _items(value)}
    raise Misfit


def _checked(marks: tuple[object, ...], value: object) -> object:
    for mark in marks:
        if not isinstance(mark, Check):
            raise Misfit
        mark.check(value)
    return value


def _items(table: object) -> ItemsView[str, object]:
    if not is_table(table):
        raise Misfit
    return table.items()
