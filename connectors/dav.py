"""The connector `dav`: contacts on a CardDAV server and calendars on a CalDAV server, of one account.

Source: RFC 6352, RFC 4791.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from connectors import http
from connectors.calendar_interface import Calendar
from connectors.interface import Contacts, SignIn
from connectors.secrets import FromKeyring, Source, source_of
from connectors.tokens import TokenStore
from mappings.event import CalendarName
from mappings.record import AccountName

if TYPE_CHECKING:
    from connectors.webdav import Session


@dataclass(frozen=True, slots=True)
class Options:
    """What an account of this connector is configured with.

    `url` is a server, a principal, a home or a collection. `contacts` is None for the only or usual address book, ""
    for none at all. Without a username the password is a bearer token; without a source of one too, nobody signs in.
    """

    url: str
    username: str = ""
    password_command: tuple[str, ...] = ()
    password_file: Path | None = None
    password_credential: str = ""
    contacts: str | None = None
    calendars: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_url(self.url)
        source_of(self.password_command, self.password_file, self.password_credential)
        for place in (self.contacts or "", *self.calendars):
            if place.startswith(("https://", "http://")):
                _check_url(place)

    @property
    def source(self) -> Source | None:
        """Where the password comes from, None if nobody signs in."""
        source = source_of(self.password_command, self.password_file, self.password_credential)
        return None if isinstance(source, FromKeyring) and not self.username else source


def open_contacts(account: AccountName, options: Options, tokens: TokenStore) -> Contacts | None:
    """Return the account's address book, None if it is to have none; nothing is asked yet."""
    del tokens
    if options.contacts == "":
        return None
    # Only here, as below: reading a configuration needs none of it.
    from connectors.carddav import AddressBook  # noqa: PLC0415

    return AddressBook(_session(account, options), options.contacts or "")


def open_calendars(account: AccountName, options: Options, tokens: TokenStore) -> tuple[Calendar, ...]:
    """Return the account's calendars, by the names or URLs that the options give; nothing is asked yet."""
    del tokens
    if not options.calendars:
        return ()
    from connectors.caldav import CalendarCollection  # noqa: PLC0415

    session = _session(account, options)
    names = [_shown(wanted) for wanted in options.calendars]
    return tuple(
        CalendarCollection(session, CalendarName(wanted if names.count(name) > 1 else name), wanted)
        for wanted, name in dict(zip(options.calendars, names, strict=True)).items()
    )


def sign_in(asked: SignIn, options: Options, tokens: TokenStore) -> tuple[str, ...]:
    """Look whether the server lets us in, and say what is there; there is nothing to keep.

    Errors: `SignInNeeded`, `TryLater`, `Misunderstood`.
    """
    del tokens
    from connectors.webdav import NotOffered, NotThere  # noqa: PLC0415
    from connectors.webdav_places import BOOK, CALENDAR, collections  # noqa: PLC0415

    session = _session(asked.account, options)
    lines: list[str] = []
    for kind in (BOOK, CALENDAR):
        try:
            names = [each.name for each in collections(session, kind)]
        except (NotThere, NotOffered):
            names = []
        lines.append(f"{kind.noun}s: {', '.join(names) or 'none was found'}")
    return (f"{session.client.origin.host} lets {options.username or 'us'} in.", *lines)


def password_source(options: Options) -> Source | None:
    """Return where the password comes from, None if nobody signs in."""
    return options.source


def _session(account: AccountName, options: Options) -> "Session":
    from connectors.webdav import Login, Session  # noqa: PLC0415

    return Session(account, options.url, Login(options.username, options.source))


def _shown(wanted: str) -> str:
    """Return a calendar's name, for one that is given by its URL the last part of that."""
    if not wanted.startswith(("/", "https://", "http://")):
        return wanted
    return unquote(urlsplit(wanted).path.rstrip("/").rpartition("/")[2]) or wanted


def _check_url(url: str) -> None:
    try:
        origin = http.origin_of(url)
    except ValueError as error:
        raise ValueError(f"url {error}; expected https://, a host and perhaps a path") from error
    if origin.scheme == "http" and not http.is_loopback(origin.host):
        raise ValueError("url begins with http://, by which everybody on the way reads along; expected https://")
