"""How one connector reaches one of Google's APIs: google-api-python-client, whose every error ends here.

Its discovery documents are on this machine, so building a service asks nobody. A service is built once, when it is first
used, and belongs to one connector, whose calls never overlap; building it again and again keeps memory for good.

What only reads is asked again after a failure. What writes is sent once: after a failure nobody knows whether it was
carried out. httplib2 would send a request again by itself when a connection breaks before the answer, contacts that are
made included, so it is given connections that break in a way which it does not repeat. Only a refusal for the sake of a
minute's quota is waited out in both cases: nothing was done then.
"""

import http.client
import random
import time
import weakref
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast
from urllib.parse import urlsplit

from connectors import google_answers, google_grant
from connectors.errors import ConnectorError, Misunderstood, TryLater
from connectors.google_answers import Refused, Sort
from connectors.http import is_loopback
from connectors.oauth import Client
from connectors.tokens import TokenStore
from mappings.errors import UnreadableRecord
from mappings.json_object import JsonObject, frozen
from mappings.record import AccountName

if TYPE_CHECKING:
    # Importing it takes longer than a sync that finds nothing to do: it waits until something is asked.
    import httplib2
    from googleapiclient.http import HttpRequest

TIMEOUT_S = 60
"""How long to wait for the next bytes of an answer."""

READ_AGAIN_S = (0.5, 2.0)
"""The pauses after which what only reads is asked again, where Google does not say how long to wait."""

QUOTA_WAITS_S = (5.0, 15.0, 30.0, 30.0)
"""The pauses in which a minute's quota comes back; they are drawn from half to one and a half of these."""

WAIT_S_MAX = 60.0
"""The longest wait that a server is granted at once; beyond it the account is left alone."""

CONTACTS_SCOPE = "https://www.googleapis.com/auth/contacts"
CALENDARS_SCOPE = "https://www.googleapis.com/auth/calendar.events.readonly"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where Google is; all but the defaults is for tests."""

    people: str = "https://people.googleapis.com"
    calendar: str = "https://www.googleapis.com/calendar/v3"
    authorize: str = "https://accounts.google.com/o/oauth2/v2/auth"
    token: str = "https://oauth2.googleapis.com/token"  # noqa: S105  # an address
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        for name in ("people", "calendar", "authorize", "token"):
            parts = urlsplit(str(getattr(self, name)))
            is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
            if not is_safe or not parts.hostname or parts.username is not None:
                raise ValueError(f"{name} must be an https:// address, or an http:// one of this machine")


@dataclass(frozen=True, slots=True)
class Options:
    """What an account of this connector is configured with; `calendars` are ids of calendars, or `primary`."""

    client_secret_file: Path
    contacts: bool = True
    calendars: tuple[str, ...] = ("primary",)
    endpoints: Endpoints = field(default_factory=Endpoints)

    def __post_init__(self) -> None:
        if not self.client_secret_file.is_absolute():
            raise ValueError(
                "client_secret_file must begin with / or ~/, since a service is in no folder of the owner's"
            )

    @property
    def scopes(self) -> tuple[str, ...]:
        """What is asked for: no more than what is synced needs."""
        contacts = (CONTACTS_SCOPE,) if self.contacts else ()
        return (*contacts, *((CALENDARS_SCOPE,) if self.calendars else ()))


@dataclass(frozen=True, slots=True)
class Api:
    """One API, as it is called in words and to the library, and what a grant must cover for it."""

    title: str
    name: str
    version: str
    scope: str


PEOPLE = Api("People API", "people", "v1", CONTACTS_SCOPE)
CALENDAR = Api("Google Calendar API", "calendar", "v3", CALENDARS_SCOPE)


class Service(Protocol):
    """A service of the library, whose methods are made at run time."""

    def __getattr__(self, name: str) -> Callable[..., "Service"]: ...


Ask = Callable[["Service"], object]
"""Makes a request of the service; what it returns is an `HttpRequest`."""


@contextmanager
def documented() -> Generator[None]:
    """Read an answer; one that is of another shape than documented is not understood, whatever it may mean."""
    try:
        yield
    except UnreadableRecord as error:
        raise Misunderstood(f"Google answered something that it does not document: {error.reason}", "") from error


class Access:
    """One API for one connector."""

    def __init__(
        self,
        account: AccountName,
        api: Api,
        options: Options,
        tokens: TokenStore,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.account = account
        self.api = api
        self._options = options
        self._tokens = tokens
        self._wait = wait
        self._service: Service | None = None
        self._hang_up: Callable[[], None] = _nothing_to_hang_up

    def ask(self, request: Ask) -> JsonObject:
        """Send what reads and changes nothing.

        Errors: `Refused` with what Google says of this request; what meets the whole account, as every method of a
        connector raises it.
        """
        pauses = list(READ_AGAIN_S)
        while True:
            try:
                return self.tell(request)
            except TryLater as error:
                if not pauses or (error.retry_after_s or 0.0) >= WAIT_S_MAX:
                    raise
                self._wait(max(error.retry_after_s or 0.0, _drawn(pauses.pop(0))))

    def tell(self, request: Ask) -> JsonObject:
        """Send what writes; after `TryLater` it may or may not have been done. Errors: as `ask`."""
        pauses = list(QUOTA_WAITS_S)
        while True:
            try:
                return self._sent(request)
            except Refused as error:
                refusal = error.refusal
                wait_s = refusal.retry_after_s if refusal.retry_after_s is not None else _drawn((*pauses, 0.0)[0])
                if refusal.sort is Sort.BUSY and pauses and wait_s <= WAIT_S_MAX:
                    pauses.pop(0)
                    self._wait(wait_s)
                elif google_answers.is_about_the_account(refusal):
                    raise google_answers.for_the_account(self.account, self.api.title, refusal) from error
                else:
                    raise

    def not_understood(self, error: Refused) -> ConnectorError:
        """Say what a refusal means that nothing can be done about here."""
        return google_answers.for_the_account(self.account, self.api.title, error.refusal)

    def _sent(self, request: Ask) -> JsonObject:
        import httplib2  # noqa: PLC0415  # see above
        from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError  # noqa: PLC0415  # idem
        from googleapiclient.errors import Error, HttpError  # noqa: PLC0415  # idem

        try:
            # Retries of its own would repeat what writes, and take no notice of how long Google asks to wait.
            return frozen(cast("HttpRequest", request(self._opened())).execute(num_retries=0))
        except HttpError as error:
            retry_after = str(cast("Mapping[str, object]", error.resp).get("retry-after", ""))
            raise Refused(google_answers.refusal_of(int(error.resp.status), error.content, retry_after)) from error
        except RefreshError as error:
            raise self._not_renewed(error) from error
        except TransportError as error:
            raise TryLater("Google's sign-in server cannot be reached", None) from error
        except (httplib2.HttpLib2Error, http.client.HTTPException, OSError) as error:
            # httplib2 keeps a connection whose answer was cut off, and would lose the next request on it.
            self._hang_up()
            raise TryLater(f"the {self.api.title} cannot be reached ({type(error).__name__})", None) from error
        except (ValueError, UnreadableRecord) as error:
            # A page of the network in between, or an answer that was cut off.
            raise TryLater(f"the {self.api.title} answered something that is no JSON", None) from error
        except (GoogleAuthError, Error) as error:
            raise TryLater(f"the {self.api.title} cannot be used ({type(error).__name__})", None) from error

    def _not_renewed(self, error: Exception) -> ConnectorError:
        """Tell a grant that has ended from a server that did not answer as it should."""
        said = str(error.args[0]) if error.args else ""
        if said.startswith("invalid_grant"):
            return google_grant.ended(self.account, self._tokens, time.time())
        if said.startswith(("invalid_client", "unauthorized_client")):
            reason = "Google does not know the OAuth client of client_secret_file any more; download the file again"
            return TryLater(reason, None)
        return TryLater("Google's sign-in server did not renew the access", None)

    def _opened(self) -> Service:
        if self._service is None:
            self._service = self._built()
        return self._service

    def _client(self) -> Client:
        endpoints = self._options.endpoints
        return google_grant.read_client(
            self._options.client_secret_file, endpoints.authorize, endpoints.token, endpoints.ca_file
        )

    def _built(self) -> Service:
        # Fetched by name: one says nothing of types, the other has a type for each of 500 APIs.
        authorized = import_module("google_auth_httplib2").AuthorizedHttp
        build = import_module("googleapiclient.discovery").build
        endpoints = self._options.endpoints
        kept = google_grant.credentials(self.account, self._tokens, self._client, frozenset({self.api.scope}))
        connections = _connections(endpoints.ca_file)
        # Connectors are simply let go of; their connections must not stay open for that.
        weakref.finalize(self, connections.close)
        self._hang_up = connections.close
        service = build(
            self.api.name,
            self.api.version,
            http=authorized(kept, http=connections),
            client_options={"api_endpoint": str(getattr(endpoints, self.api.name))},
            cache_discovery=False,
            static_discovery=True,
        )
        return cast("Service", service)


def _nothing_to_hang_up() -> None:
    """Do nothing: there has been no connection yet."""


def _connections(ca_file: Path | None) -> "httplib2.Http":
    """Return httplib2's client with nothing that is not wanted: no cache, no proxy, no redirects, no second sending."""
    import httplib2  # noqa: PLC0415  # see above

    class Once(httplib2.HTTPConnectionWithTimeout):
        def getresponse(self) -> http.client.HTTPResponse:
            return _answer(super().getresponse)

    class OnceOverTls(httplib2.HTTPSConnectionWithTimeout):
        def getresponse(self) -> http.client.HTTPResponse:
            return _answer(super().getresponse)

    class Connections(httplib2.Http):
        def request(  # as the base class has it
            self,
            uri: str,
            method: str = "GET",
            body: object = None,
            headers: object = None,
            redirections: int = 0,
            connection_type: object = None,
        ) -> object:
            connection_type = OnceOverTls if uri.startswith("https:") else Once
            # httplib2 says little of types.
            return super().request(uri, method, body, headers, redirections, connection_type)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]

    opened = Connections(timeout=TIMEOUT_S, proxy_info=None, ca_certs=None if ca_file is None else str(ca_file))
    opened.follow_redirects = False
    return opened


def _answer(receive: Callable[[], http.client.HTTPResponse]) -> http.client.HTTPResponse:
    """Receive an answer; a connection that breaks before it is an error of the network, which httplib2 leaves alone."""
    try:
        return receive()
    except (http.client.BadStatusLine, http.client.ResponseNotReady) as error:
        raise ConnectionResetError("no answer came") from error


def _drawn(pause_s: float) -> float:
    """Return about that long, so that several accounts do not come back in the same instant."""
    return pause_s * random.uniform(0.5, 1.5)  # noqa: S311  # nothing secret hangs on it
