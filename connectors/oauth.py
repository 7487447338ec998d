"""Signing in with OAuth for an application on the owner's machine: his own browser, PKCE, a redirect to this machine.

The client's secret and the code go as form fields, which Google and local providers take alike. What is granted is
what counts, not what was asked for: boxes can be unticked.

Source: RFC 8252, RFC 7636, RFC 6749 section 4.1; RFC 9700 section 2.1; OpenID Connect Core 1.0 section 3.1.3.7.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import urlencode

from connectors.errors import SignInFailed, TryLater

TIME_LIMIT_S = 300.0
"""How long a sign-in may take; whoever needs longer begins again."""

TOKEN_TAKES_S = 30.0
"""How long the token endpoint may take to answer."""

_ANSWER_BYTES_MAX = 1 << 20


@dataclass(frozen=True, slots=True)
class Client:
    """The application as the provider knows it, and where the provider is; `ca_file` is for tests."""

    id: str
    secret: str
    authorize_url: str
    token_url: str
    ca_file: Path | None


@dataclass(frozen=True, slots=True)
class Granted:
    """What a sign-in brought.

    `email` is the account that was signed in to, "" if the provider does not say. `ends_after_s` is when the grant as a
    whole ends, None if it is not said.
    """

    refresh_token: str
    access_token: str
    expires_in_s: int
    scopes: frozenset[str]
    email: str
    ends_after_s: int | None


def sign_in(
    client: Client,
    scopes: tuple[str, ...],
    further: Mapping[str, str],
    show: Callable[[str], None],
    limit_s: float = TIME_LIMIT_S,
) -> Granted:
    """Show the owner the provider's page and wait until he has agreed there.

    Shapes: `further` are the provider's own parameters of the page's address; `show` is given that address.
    Errors: `SignInFailed`, `TryLater`.
    """
    # Only here: a server takes longer to import than most commands have use for.
    from connectors.loopback import listening  # noqa: PLC0415

    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)

    def is_ours(query: Mapping[str, str]) -> bool:
        return hmac.compare_digest(query.get("state", "").encode(), state.encode())

    with listening(f"/{secrets.token_urlsafe(16)}") as listener:
        show(_page(client, scopes, further, listener.redirect_uri, state, verifier))
        query = listener.query(is_ours, limit_s)
        if "code" not in query:
            raise SignInFailed(_refusal(query.get("error", "")))
        form = {
            "grant_type": "authorization_code",
            "code": query["code"],
            "code_verifier": verifier,
            "redirect_uri": listener.redirect_uri,
            "client_id": client.id,
            "client_secret": client.secret,
        }
    return _granted(_told(client, form))


def _page(
    client: Client, scopes: tuple[str, ...], further: Mapping[str, str], redirect_uri: str, state: str, verifier: str
) -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    query = {
        "response_type": "code",
        "client_id": client.id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(scopes),
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **further,
    }
    return f"{client.authorize_url}?{urlencode(query)}"


def _refusal(error: str) -> str:
    if error == "access_denied":
        return (
            "the sign-in was declined on the page; if it was not you, the OAuth client may be in Testing and the account "
            "not among its test users"
        )
    return f"the sign-in page refused ({error if error.replace('_', '').isalnum() else 'without a reason'})"


def _told(client: Client, form: Mapping[str, str]) -> Mapping[str, object]:
    """Exchange the code. Nothing of the answer goes into an error but the provider's name for it."""
    # Only here: importing it takes longer than most commands.
    import httpx  # noqa: PLC0415

    try:
        answer = httpx.post(
            client.token_url,
            data=dict(form),
            headers={"Accept": "application/json"},
            verify=_tls(client.ca_file) if client.token_url.startswith("https:") else False,
            trust_env=False,
            follow_redirects=False,
            timeout=TOKEN_TAKES_S,
        )
    except httpx.HTTPError as error:
        raise TryLater(f"the token endpoint cannot be reached ({type(error).__name__})", None) from error
    if len(answer.content) > _ANSWER_BYTES_MAX:
        raise SignInFailed("the token endpoint sent too much")
    said = _members(answer.content)
    if answer.status_code != 200:
        raise SignInFailed(_why_not(said.get("error"), answer.status_code))
    return said


def _tls(ca_file: Path | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context()
        if ca_file is not None:
            context.load_verify_locations(ca_file)
    except (OSError, ssl.SSLError) as error:
        raise SignInFailed(f"{ca_file} cannot be read as certificates") from error
    return context


def _why_not(error: object, status: int) -> str:
    match error:
        case "invalid_client" | "unauthorized_client":
            return (
                "the provider does not know the OAuth client of client_secret_file, or its secret is another by now; "
                "download the file again"
            )
        case "invalid_grant":
            return "the provider no longer takes the code that its page gave; begin again"
        case "redirect_uri_mismatch":
            return "the OAuth client is not of the type Desktop app, so it may not redirect to this machine; make one that is"
        case _:
            return f"the token endpoint answered {status}"


def _granted(said: Mapping[str, object]) -> Granted:
    refresh, access = said.get("refresh_token"), said.get("access_token")
    if not isinstance(refresh, str) or not isinstance(access, str):
        raise SignInFailed(
            "the provider gave no lasting token; take contactd's access away on the account's security page, then sign in again"
        )
    scopes, lifetime, ends = said.get("scope"), said.get("expires_in"), said.get("refresh_token_expires_in")
    return Granted(
        refresh_token=refresh,
        access_token=access,
        expires_in_s=lifetime if isinstance(lifetime, int) else 0,
        scopes=frozenset(scopes.split()) if isinstance(scopes, str) else frozenset(),
        email=_email(said.get("id_token")),
        ends_after_s=ends if isinstance(ends, int) else None,
    )


def _email(id_token: object) -> str:
    """Return the address that an ID token names.

    It came from the token endpoint itself over TLS, which is what vouches for it (OpenID Connect Core section 3.1.3.7).
    """
    parts = id_token.split(".") if isinstance(id_token, str) else []
    if len(parts) != 3:
        return ""
    try:
        claims = _members(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except binascii.Error:
        return ""
    email = claims.get("email")
    return email if isinstance(email, str) else ""


def _members(content: bytes) -> Mapping[str, object]:
    try:
        said: object = json.loads(content)
    except ValueError:
        return {}
    return cast("dict[str, object]", said) if isinstance(said, dict) else {}
