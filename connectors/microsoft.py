"""Microsoft: contacts and calendars of Outlook and Microsoft 365 by Graph; what the configuration says of an account.

Nothing is asked, and little imported, before it is needed.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from connectors.calendar_interface import Calendar
from connectors.http import Client, is_loopback, origin_of
from connectors.interface import Contacts, SignedIn, SignIn
from connectors.tokens import TokenStore
from mappings.event import CalendarName
from mappings.record import AccountName

if TYPE_CHECKING:
    from connectors.graph_client import Access, GraphClient
    from connectors.graph_sign_in import Registration

_CONTACTS = "Contacts.ReadWrite"
_CALENDAR_PERMISSIONS = ("Calendars.ReadBasic", "Calendars.Read")


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the services are, for tests; `ca_file` names an authority that signed their certificates."""

    graph: str = "https://graph.microsoft.com/v1.0"
    authority: str = "https://login.microsoftonline.com"
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        for name, url in (("graph", self.graph), ("authority", self.authority)):
            origin = origin_of(url)
            if origin.scheme != "https" and (name == "authority" or not is_loopback(origin.host)):
                raise ValueError(f"{name} must begin with https://")

    @property
    def graph_base(self) -> str:
        """The service with its version."""
        base = self.graph.rstrip("/")
        return base if urlsplit(base).path else f"{base}/v1.0"


@dataclass(frozen=True, slots=True)
class Options:
    """What an account of this connector is configured with.

    `tenant` is `common`, `organizations`, `consumers`, or a tenant of its own. `contact_folders` are names of folders
    of contacts; new contacts go into the first.
    """

    client_id: str
    tenant: str = "common"
    contacts: bool = True
    contact_folders: tuple[str, ...] = ("Contacts",)
    calendars: tuple[str, ...] = ("Calendar",)
    calendar_permission: str = "Calendars.ReadBasic"
    last_contact_in_notes: bool = False
    endpoints: Endpoints = field(default_factory=Endpoints)

    def __post_init__(self) -> None:
        if not self.client_id or not self.client_id.replace("-", "").isalnum():
            raise ValueError("client_id must be the application's id, as the registration shows it")
        if not self.tenant or not self.tenant.replace("-", "").replace(".", "").isalnum():
            raise ValueError('tenant must be "common", "organizations", "consumers", or the id or name of a tenant')
        if not self.contact_folders:
            raise ValueError("contact_folders names no folder; leave it out, or say contacts = false")
        if self.calendar_permission not in _CALENDAR_PERMISSIONS:
            raise ValueError(f"calendar_permission must be {' or '.join(_CALENDAR_PERMISSIONS)}")

    @property
    def scopes(self) -> tuple[str, ...]:
        """What has to be permitted, and nothing else."""
        contacts = (_CONTACTS,) if self.contacts else ()
        return (*contacts, *((self.calendar_permission,) if self.calendars else ()), "User.Read")


def open_contacts(account: AccountName, options: Options, tokens: TokenStore) -> Contacts | None:
    """Return the account's contacts, None if they are not wanted."""
    if not options.contacts:
        return None
    # Only here, as below: reading a configuration needs none of it.
    from connectors.graph_contacts import GraphContacts  # noqa: PLC0415

    folders = tuple(dict.fromkeys(options.contact_folders))
    client = _client(account, options, tokens)
    return GraphContacts(account, client, folders, marked_line=options.last_contact_in_notes)


def open_calendars(account: AccountName, options: Options, tokens: TokenStore) -> tuple[Calendar, ...]:
    """Return the account's calendars, by the names that the options give."""
    if not options.calendars:
        return ()
    from connectors.graph_events import GraphCalendar  # noqa: PLC0415

    client = _client(account, options, tokens)
    return tuple(GraphCalendar(account, CalendarName(name), client) for name in dict.fromkeys(options.calendars))


def sign_in(asked: SignIn, options: Options, tokens: TokenStore) -> tuple[str, ...]:
    """Let the owner sign in, and see whether what is wanted can be read.

    Errors: `SignInFailed`, `TryLater`.
    """
    from connectors import graph_sign_in  # noqa: PLC0415
    from connectors.graph_trial import trial  # noqa: PLC0415

    granted = graph_sign_in.sign_in(asked, _registration(options), tokens, _authority(options))
    client = _graph(asked.account, options, graph_sign_in.Lent(granted.token))
    told = trial(client, contacts=options.contacts, calendars=bool(options.calendars))
    granted.keep()
    return (f"Signed in as {granted.email or 'an account without a name'}.", *told)


def signed_in(account: AccountName, options: Options, tokens: TokenStore) -> SignedIn:
    """Return who has signed in, and when that ends. Errors: `SignInNeeded`, `Misunderstood`, `TryLater`."""
    del options
    from connectors import graph_sign_in  # noqa: PLC0415

    return graph_sign_in.signed_in(account, tokens)


def _client(account: AccountName, options: Options, tokens: TokenStore) -> "GraphClient":
    from connectors.graph_sign_in import Access  # noqa: PLC0415

    return _graph(account, options, Access(account, _registration(options), tokens, lambda: _authority(options)))


def _graph(account: AccountName, options: Options, access: "Access") -> "GraphClient":
    from connectors.graph_client import GraphClient  # noqa: PLC0415

    base = options.endpoints.graph_base
    return GraphClient(account, base, Client(base, ca_file=options.endpoints.ca_file), access)


def _registration(options: Options) -> "Registration":
    from connectors.graph_sign_in import Registration  # noqa: PLC0415

    base = options.endpoints.authority.rstrip("/")
    authority = base if urlsplit(base).path else f"{base}/{options.tenant}"
    return Registration(options.client_id, authority, options.scopes)


def _authority(options: Options) -> Client:
    return Client(options.endpoints.authority, ca_file=options.endpoints.ca_file)
