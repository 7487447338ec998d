"""Which connectors there are, by the name that the configuration gives them; each is imported only when asked for.

A connector is a module that offers these names:

- `Options`: its own keys of an account's table. Best a frozen dataclass of text, numbers, truth values, `Path`s,
  tuples and further such dataclasses, which costs nothing to read; a pydantic model with `extra="forbid"` serves
  too. Paths come with `~/` expanded. `ValueError` from `__post_init__` or a validator becomes a problem of the
  configuration.
- `open_contacts(account: AccountName, options: Options, tokens: TokenStore) -> Contacts | None`: the address book,
  None where the options ask for none. It sends no request, and asks `tokens` nothing yet.

if it can read calendars,

- `open_calendars(account: AccountName, options: Options, tokens: TokenStore) -> tuple[Calendar, ...]`: those that the
  options name. It sends no request, and asks `tokens` nothing yet.

and, if an account has to be signed in to,

- `sign_in(asked: SignIn, options: Options, tokens: TokenStore) -> tuple[str, ...]`: let the owner sign in and keep what
  comes of it; the answer is what he is to be told, a line each. Errors: `SignInFailed`, `TryLater`.

- `signed_in(account: AccountName, options: Options, tokens: TokenStore) -> SignedIn`: who has, from what is kept; no
  request is sent. Errors: `SignInNeeded`, `TryLater`, `Misunderstood`.

and, if the configuration says where its password comes from,

- `password_source(options: Options) -> Source | None`: where from, None if no password is needed.

Connectors from elsewhere name their module in the entry-point group `contactd.connectors`; a name of ours is ours.
What they do is guarded (`elsewhere`): one that cannot be used is an account that always fails, and stops no other.
How to write one is told in README.md beside this module.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import ParamSpec, TypeVar

from connectors import elsewhere
from connectors.calendar_interface import Calendar
from connectors.elsewhere import Unusable
from connectors.errors import ConnectorError, Misunderstood, SignInFailed
from connectors.interface import Contacts, SignedIn, SignIn
from connectors.secrets import Source
from connectors.tokens import TokenStore
from mappings.record import AccountName
from mappings.world import NewContacts

GROUP = "contactd.connectors"

_BUILT_IN = {
    "dav": "connectors.dav",
    "google": "connectors.google",
    "microsoft": "connectors.microsoft",
    "vdir": "connectors.vdir",
}
_OFFERED = ("Options", "open_contacts")

_LOCAL = frozenset({"vdir"})
"""Connectors to folders of the owner's own: what is written there is shown to nobody else."""


Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


class UnknownConnector(ConnectorError):
    """No connector has this name: say so, with those known."""


@dataclass(frozen=True, slots=True)
class Connector:
    """What a connector's module offers; `options` is the type of what the others take.

    `unusable` is why it cannot be used, "" if it can; its options are a `dict` then, of whatever the owner wrote.
    `sign_in`, `signed_in` and `password_source` are None where there is no such thing.
    """

    unusable: str
    options: type[object]
    open_contacts: Callable[[AccountName, object, TokenStore], Contacts | None]
    open_calendars: Callable[[AccountName, object, TokenStore], tuple[Calendar, ...]]
    sign_in: Callable[[SignIn, object, TokenStore], tuple[str, ...]] | None
    signed_in: Callable[[AccountName, object, TokenStore], SignedIn] | None
    password_source: Callable[[object], Source | None] | None


def known() -> tuple[str, ...]:
    """Return the names of all connectors, sorted."""
    return tuple(sorted({*_BUILT_IN, *_from_elsewhere()}))


def connector(name: str) -> Connector:
    """Import the connector of this name.

    Result: one from elsewhere that cannot be used says so, and all that it opens fails.
    Errors: `UnknownConnector`.
    """
    if name in _BUILT_IN:
        return _offered(importlib.import_module(_BUILT_IN[name]))
    modules = _from_elsewhere().get(name)
    if modules is None:
        choices = " or ".join(f'"{choice}"' for choice in known())
        raise UnknownConnector(f'no connector is called "{name}"; expected {choices}')
    try:
        return _guarded(name, _offered(_module(name, modules)))
    except ConnectorError as error:
        return _unusable(str(error))


def new_contacts(name: str) -> NewContacts:
    """Return which people get a contact where the owner does not say: all in folders of his own, else the reachable."""
    return NewContacts.ALL if name in _LOCAL else NewContacts.REACHABLE


def _no_calendars(account: AccountName, options: object, tokens: TokenStore) -> tuple[Calendar, ...]:
    del account, options, tokens
    return ()


def _offered(module: ModuleType) -> Connector:
    return Connector(
        unusable="",
        options=module.Options,
        open_contacts=module.open_contacts,
        open_calendars=getattr(module, "open_calendars", _no_calendars),
        sign_in=getattr(module, "sign_in", None),
        signed_in=getattr(module, "signed_in", None),
        password_source=getattr(module, "password_source", None),
    )


def _module(name: str, modules: frozenset[str]) -> ModuleType:
    """Import a module from elsewhere. Errors: `Misunderstood`."""
    if len(modules) > 1:
        raise Misunderstood(f"several modules call themselves connector {name}: {', '.join(sorted(modules))}", "")
    try:
        module = importlib.import_module(*modules)
    except ImportError as error:
        raise Misunderstood(f"the module of connector {name} cannot be imported: {error}", "") from error
    except (Exception, SystemExit) as error:  # nobody checked that code; what it raises ends here
        reason = f"the module of connector {name} cannot be imported: it raised {elsewhere.fault(error)}"
        raise Misunderstood(reason, "") from error
    missing = [offered for offered in _OFFERED if not callable(getattr(module, offered, None))]
    if missing:
        raise Misunderstood(f"the module of connector {name} does not offer {' and '.join(missing)}", "")
    return module


def _guarded(name: str, offered: Connector) -> Connector:
    """Return the connector with whatever may be called of it guarded."""

    def open_contacts(account: AccountName, options: object, tokens: TokenStore) -> Contacts | None:
        return elsewhere.open_contacts(name, account, lambda: offered.open_contacts(account, options, tokens))

    def open_calendars(account: AccountName, options: object, tokens: TokenStore) -> tuple[Calendar, ...]:
        return elsewhere.open_calendars(name, account, lambda: offered.open_calendars(account, options, tokens))

    return replace(
        offered,
        open_contacts=open_contacts,
        open_calendars=open_calendars,
        sign_in=_blamed(f"connector {name}, asked to sign in,", offered.sign_in),
        signed_in=_blamed(f"connector {name}, asked who has signed in,", offered.signed_in),
        password_source=_blamed(f"connector {name}, asked for its password's place,", offered.password_source),
    )


def _blamed(what: str, offered: Callable[Asked, Answer] | None) -> Callable[Asked, Answer] | None:
    if offered is None:
        return None

    def ask(*arguments: Asked.args, **named: Asked.kwargs) -> Answer:
        with elsewhere.blamed(what, SignInFailed):
            return offered(*arguments, **named)

    return ask


def _unusable(reason: str) -> Connector:
    return Connector(
        unusable=reason,
        options=dict,
        open_contacts=lambda account, _options, _tokens: Unusable(account, reason),
        open_calendars=lambda account, _options, _tokens: (Unusable(account, reason),),
        sign_in=None,
        signed_in=None,
        password_source=None,
    )


def _from_elsewhere() -> Mapping[str, frozenset[str]]:
    # Only here: the import takes longer than reading the configuration, and most have no connectors from elsewhere.
    from importlib.metadata import entry_points  # noqa: PLC0415

    found = entry_points(group=GROUP)
    return {name: frozenset(point.value for point in found.select(name=name)) for name in found.names}
