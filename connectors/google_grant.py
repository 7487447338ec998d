"""The owner's grant at Google: what a sign-in left behind, kept in the token store, renewed when it runs out.

Theory of operation
-------------------
google-auth renews the access token; here is what it leaves open. One process renews at a time, and whoever waited for
it takes what it got instead of renewing again. What is new is durable before it is used: should Google replace the
refresh token, the old one may be worthless from that moment on.

A grant that Google no longer takes is final until the owner signs in again; anything else that goes wrong says nothing
of the grant, which is kept.
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from connectors.errors import SignInNeeded, TryLater
from connectors.interface import SignedIn
from connectors.oauth import Client
from connectors.tokens import TokenStore
from mappings.record import AccountName

if TYPE_CHECKING:
    # Importing it takes longer than a sync that finds nothing to do: it waits until something is asked.
    from google.oauth2.credentials import Credentials

TESTING_ENDS_AFTER_DAYS = 7
"""How long a grant lives while the consent screen's publishing status is Testing."""

_UNUSED_ENDS_AFTER_S = 180 * 24 * 3600
_PROBABLY_TESTING_S = (TESTING_ENDS_AFTER_DAYS + 1) * 24 * 3600
_TESTING = (
    'the consent screen is in Testing, where every sign-in ends after 7 days; set it to "In production" in the Google '
    "Cloud console (Google Auth Platform, Audience)"
)


@dataclass(frozen=True, slots=True)
class Grant:
    """What is kept of a sign-in; times are Unix seconds. `ends_at_s` is 0 where Google did not say that it ends."""

    client_id: str
    refresh_token: str
    access_token: str
    expires_at_s: float
    scopes: tuple[str, ...]
    email: str
    signed_in_at_s: float
    ends_at_s: float


class _Refresher(Protocol):
    """google-auth's transport of requests."""

    def __call__(self, url: str, method: str = ..., body: object = ...) -> object: ...


def read_grant(tokens: TokenStore, account: AccountName) -> Grant:
    """Return what is kept of the account's sign-in.

    Errors: `SignInNeeded` if there is nothing, or nothing that can be read; `TryLater`.
    """
    text = tokens.read(account)
    if text is None:
        raise SignInNeeded(account, "nobody has signed in to it yet")
    try:
        said = cast("dict[str, object]", json.loads(text))
        grant = Grant(**said)  # type: ignore[arg-type]  # what is of another type is found out below
        scopes = tuple(grant.scopes)
        return replace(grant, scopes=scopes, expires_at_s=float(grant.expires_at_s))
    except (TypeError, ValueError) as error:
        raise SignInNeeded(account, "what was kept of its sign-in cannot be read") from error


def write_grant(tokens: TokenStore, account: AccountName, grant: Grant) -> None:
    """Keep a sign-in; it is durable when this returns. Errors: `TryLater`."""
    tokens.write(account, json.dumps(asdict(grant)))


def read_client(path: Path, authorize_url: str, token_url: str, ca_file: Path | None) -> Client:
    """Read the file that the Google Cloud console gives for an OAuth client.

    Errors: `TryLater` with what is wrong with it.
    """
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        installed = said["installed"]
        return Client(str(installed["client_id"]), str(installed["client_secret"]), authorize_url, token_url, ca_file)
    except OSError as error:
        raise TryLater(f"client_secret_file {path} cannot be read: {error.strerror}", None) from error
    except (KeyError, TypeError, ValueError) as error:
        kind = 'download the JSON of an OAuth client of the type "Desktop app"'
        raise TryLater(f"client_secret_file {path} is not what it should be; {kind}", None) from error


def credentials(
    account: AccountName, tokens: TokenStore, read: Callable[[], Client], scopes: frozenset[str]
) -> "Credentials":
    """Return credentials for google-auth that keep themselves in the store.

    Shapes: `read` reads the OAuth client's file, which may be another by the time that the grant is renewed.

    Errors: `SignInNeeded` if the grant is missing, another client's, or lacks one of the scopes; `TryLater`.
    """
    from google.oauth2.credentials import Credentials  # noqa: PLC0415  # see above

    grant, client = read_grant(tokens, account), read()
    if grant.client_id != client.id:
        raise SignInNeeded(account, "its sign-in was for another OAuth client than that of client_secret_file")
    if missing := scopes - set(grant.scopes):
        what = "contacts" if any(scope.endswith("/contacts") for scope in missing) else "calendars"
        raise SignInNeeded(account, f"its sign-in does not cover {what}")

    class Kept(Credentials):
        """Renews under the store's lock, and keeps what it gets before anybody uses it."""

        def refresh(self, request: _Refresher) -> None:
            with tokens.locked(account):
                kept = read_grant(tokens, account)
                if kept.access_token == self.token or kept.expires_at_s <= time.time() + _SPARE_S:
                    current = read()
                    self._client_id, self._client_secret = current.id, current.secret
                    self._refresh_token = kept.refresh_token
                    try:
                        super().refresh(request)  # type: ignore[no-untyped-call]  # google-auth says little of types
                    except (AttributeError, KeyError, TypeError, ValueError) as error:
                        # What google-auth does with an answer of status 200 that is not what it expects.
                        raise TryLater("Google's sign-in server answered something that is no token", None) from error
                    expiry = cast("datetime | None", self.expiry)
                    kept = replace(
                        kept,
                        access_token=str(self.token),
                        refresh_token=str(self._refresh_token),
                        expires_at_s=0.0 if expiry is None else _seconds(expiry),
                    )
                    write_grant(tokens, account, kept)
                self.token, self.expiry = kept.access_token, _naive(kept.expires_at_s)

    return Kept(  # type: ignore[no-untyped-call]  # idem
        token=grant.access_token,
        refresh_token=grant.refresh_token,
        token_uri=client.token_url,
        client_id=client.id,
        client_secret=client.secret,
        expiry=_naive(grant.expires_at_s),
    )


def ended(account: AccountName, tokens: TokenStore, now_s: float) -> SignInNeeded:
    """Say that Google no longer takes the grant, and why that may be."""
    try:
        grant = read_grant(tokens, account)
    except (SignInNeeded, TryLater):
        return SignInNeeded(account, "Google no longer accepts its sign-in")
    if grant.ends_at_s and now_s >= grant.ends_at_s:
        day = datetime.fromtimestamp(grant.ends_at_s, UTC).date()
        return SignInNeeded(account, f"its sign-in ended on {day}, as Google had announced: {_TESTING}")
    if now_s - grant.signed_in_at_s < _PROBABLY_TESTING_S:
        return SignInNeeded(account, f"Google no longer accepts its sign-in; probably {_TESTING}")
    return SignInNeeded(
        account, "Google no longer accepts its sign-in: access was taken away, or it was not used for six months"
    )


def signed_in(grant: Grant) -> SignedIn:
    """Return who signed in, and when that ends: as Google said, or after half a year in which it is not used.

    Source: https://developers.google.com/identity/protocols/oauth2, "Refresh token expiration".
    """
    if grant.ends_at_s:
        return SignedIn(grant.email, grant.ends_at_s, unless_used=False)
    # It was last used when its access token was given, an hour before that ends.
    unused_at_s = grant.expires_at_s + _UNUSED_ENDS_AFTER_S if grant.expires_at_s else None
    return SignedIn(grant.email, unused_at_s, unless_used=True)


def announced_end(grant: Grant) -> str:
    """Say when a grant ends, "" if Google did not say."""
    if not grant.ends_at_s:
        return ""
    return f"This sign-in ends on {datetime.fromtimestamp(grant.ends_at_s, UTC).date()}: {_TESTING}."


_SPARE_S = 240.0
"""An access token that ends sooner is renewed at once; google-auth thinks so of one with less than 3:45 minutes left."""


def _naive(seconds: float) -> datetime:
    """Return a time as google-auth wants it: in UTC, and not saying so."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def _seconds(naive: datetime) -> float:
    return naive.replace(tzinfo=UTC).timestamp()
