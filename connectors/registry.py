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
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType

from connectors.calendar_interface import Calendar
from connectors.errors import ConnectorError
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


class UnusableConnector(ConnectorError):
    """No connector has this name, or its module does not offer what one must: say so, with those known."""


@dataclass(frozen=True, slots=True)
class Connector:
    """What a connector's module offers; `options` is the type of what the others take.

    `sign_in`, `signed_in` and `password_source` are None where there is no such thing.
    """

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

    Errors: `UnusableConnector`.
    """
    module = _module(name)
    missing = [offered for offered in _OFFERED if not hasattr(module, offered)]
    if missing:
        raise UnusableConnector(f"the module of connector {name} does not offer {' and '.join(missing)}")
    open_calendars = getattr(module, "open_calendars", _no_calendars)
    return Connector(
        options=module.Options,
        open_contacts=module.open_contacts,
        open_calendars=open_calendars,
        sign_in=getattr(module, "sign_in", None),
        signed_in=getattr(module, "signed_in", None),
        password_source=getattr(module, "password_source", None),
    )


def new_contacts(name: str) -> NewContacts:
    """Return which people get a contact where the owner does not say: all in folders of his own, else the reachable."""
    return NewContacts.ALL if name in _LOCAL else NewContacts.REACHABLE


def _no_calendars(account: AccountName, options: object, tokens: TokenStore) -> tuple[Calendar, ...]:
    del account, options, tokens
    return ()


def _module(name: str) -> ModuleType:
    if name in _BUILT_IN:
        return importlib.import_module(_BUILT_IN[name])
    elsewhere = _from_elsewhere()
    if name not in elsewhere:
        choices = " or ".join(f'"{choice}"' for choice in known())
        raise UnusableConnector(f'no connector is called "{name}"; expected {choices}')
    try:
        return importlib.import_module(elsewhere[name])
    except ImportError as error:
        raise UnusableConnector(f"the module of connector {name} cannot be imported: {error}") from error


def _from_elsewhere() -> Mapping[str, str]:
    # Only here: the import takes longer than reading the configuration, and most have no connectors from elsewhere.
    from importlib.metadata import entry_points  # noqa: PLC0415

    return {entry_point.name: entry_point.value for entry_point in entry_points(group=GROUP)}
