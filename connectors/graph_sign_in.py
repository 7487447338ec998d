"""Who we are at Microsoft: sign-in of a public client with msal, and access tokens from then on.

What is kept is msal's cache with the refresh token, and beside it the last access token, so that a run which needs no
new one neither imports msal nor asks the authority anything. A token is stored before it is used, and one process at a
time renews: each renewal gives a new refresh token, and the older ones grow stale.

An access token is opaque and never looked into; who signed in is in the id token.

Source: msal; https://learn.microsoft.com/entra/identity-platform/refresh-tokens, /reference-error-codes.
"""

import hmac
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol
from urllib.parse import urlencode

from connectors.errors import ConnectorError, Misunderstood, SignInFailed, SignInNeeded, TryLater
from connectors.http import Answer, Client, Request
from connectors.interface import Page, SignedIn, SignIn, Way
from connectors.loopback import TIME_LIMIT_S, listening
from connectors.tokens import TokenStore
from mappings.normalize import email_key
from mappings.record import AccountName

SPARE_S = 300.0
"""A token that has no longer to live is renewed; one that cannot be is used to its end."""

_REMEDIES: Mapping[int, str] = {
    50011: "the registration lacks the redirect URI http://localhost (platform: mobile and desktop applications)",
    50020: "this account does not belong to the configured tenant",
    50034: "this account does not belong to the configured tenant",
    50076: "your organisation asks for a second factor",
    50079: "your organisation asks you to set up a second factor",
    50105: "your organisation has not assigned this application to you",
    50158: "your organisation asks for another proof of who you are",
    50173: "the password was changed, or the sign-in taken back",
    50194: "the registration is for one tenant only: set tenant to it",
    53000: "your organisation lets in only devices that it manages",
    53001: "your organisation lets in only devices that it manages",
    53003: "a rule of your organisation (conditional access) does not allow this sign-in; try it without --device",
    65001: "nobody has consented to what contactd asks for",
    65004: "you declined what contactd asks for",
    70008: "the sign-in was not used for too long",
    70011: "the registration does not know the permissions that contactd asks for",
    70043: "your organisation asks to sign in anew from time to time",
    90008: "the registration does not know the permissions that contactd asks for",
    90094: "an administrator of your organisation has to consent first",
    700016: "no registration has this client_id in this tenant",
    700082: "the sign-in was not used for 90 days",
    7000218: "the registration does not allow public client flows: set that to yes",
}
"""What an error number of Microsoft's means to the owner; never what is decided by."""

_UNUSED_ENDS_AFTER_S = 90 * 24 * 3600.0
"""How long a refresh token lives that nobody uses (refresh-tokens, "Token lifetime")."""

_ONLY_NAMES_US = "User.Read"
"""Without it everything works all the same."""

_BUSY = frozenset({"temporarily_unavailable", "server_error"})


class _Application(Protocol):
    """What is used of msal's public client, which has no types."""

    def get_accounts(self) -> Sequence[Mapping[str, Any]]: ...

    def acquire_token_silent_with_error(
        self, scopes: list[str], account: Mapping[str, Any], *, force_refresh: bool, http_exceptions: tuple[type, ...]
    ) -> dict[str, Any] | None: ...

    def initiate_device_flow(self, scopes: list[str]) -> dict[str, Any]: ...

    def acquire_token_by_device_flow(self, flow: dict[str, Any]) -> dict[str, Any]: ...

    def initiate_auth_code_flow(
        self, scopes: list[str], *, redirect_uri: str, prompt: str, login_hint: str | None, response_mode: str
    ) -> dict[str, Any]: ...

    def acquire_token_by_auth_code_flow(self, flow: dict[str, Any], found: dict[str, str]) -> dict[str, Any]: ...


class _Cache(Protocol):
    """What is used of msal's cache."""

    def deserialize(self, text: str) -> None: ...

    def serialize(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Registration:
    """The application that the owner registered, and what it asks for; `authority` ends in the tenant."""

    client_id: str
    authority: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is kept of a sign-in; `until` is when the access token ends, in seconds since 1970."""

    cache: str
    token: str
    until: float
    scopes: tuple[str, ...]


def signed_in(account: AccountName, tokens: TokenStore) -> SignedIn:
    """Return who has signed in, from what is kept, and when that ends if nobody uses it.

    Errors: `SignInNeeded`, `Misunderstood`, `TryLater`.
    """
    kept = _unpacked(tokens.read(account))
    if kept is None:
        raise SignInNeeded(account, "nobody has signed in yet")
    try:
        # Read without msal, which takes longer to import than telling how everything stands.
        known = json.loads(kept.cache).get("Account", {}).values()
        email = next((str(one.get("username") or "") for one in known), "")
    except (ValueError, AttributeError) as error:
        raise Misunderstood("what is kept of the sign-in is not what contactd wrote", "") from error
    # It was last used when its access token was given, an hour or so before that ends.
    return SignedIn(email, kept.until + _UNUSED_ENDS_AFTER_S, unless_used=True)


class Access:
    """Access tokens of one account."""

    def __init__(
        self,
        account: AccountName,
        registration: Registration,
        tokens: TokenStore,
        http: Callable[[], Client],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._account = account
        self._registration = registration
        self._tokens = tokens
        self._http = http
        self._now = now
        self._kept: _Kept | None = None
        self._lock = threading.Lock()

    def token(self, *, anew: bool) -> str:
        """Return an access token; `anew` if the last one was refused. Errors: `SignInNeeded`, `TryLater`."""
        with self._lock:
            if anew or self._kept is None or self._now() > self._kept.until - SPARE_S:
                self._kept = self._renewed(refused=self._kept.token if anew and self._kept else "")
            return self._kept.token

    def _renewed(self, *, refused: str) -> _Kept:
        with self._tokens.locked(self._account):
            kept = _unpacked(self._tokens.read(self._account))
            if kept is None:
                raise SignInNeeded(self._account, "nobody has signed in yet")
            missing = set(self._registration.scopes) - set(kept.scopes)
            if missing:
                raise SignInNeeded(self._account, f"not signed in for {', '.join(sorted(missing))}")
            # Another process may have renewed it meanwhile.
            if kept.token != refused and self._now() < kept.until - SPARE_S:
                return kept
            try:
                renewed = self._refreshed(kept)
            except TryLater:
                if refused or self._now() > kept.until:
                    raise
                return kept
            self._tokens.write(self._account, _packed(renewed))
            return renewed

    def _refreshed(self, kept: _Kept) -> _Kept:
        try:
            app, cache = _application(self._registration, self._http(), kept.cache)
        except SignInFailed as error:
            raise SignInNeeded(self._account, str(error)) from error
        accounts = app.get_accounts()
        if not accounts:
            raise SignInNeeded(self._account, "the sign-in that was kept is empty")
        scopes = [*self._registration.scopes]
        with _errors_of_msal(lambda reason: SignInNeeded(self._account, reason)):
            answer = app.acquire_token_silent_with_error(
                scopes, account=accounts[0], force_refresh=True, http_exceptions=(TryLater,)
            )
        if answer is None or "access_token" not in answer:
            raise _refusal(self._account, answer or {})
        return _kept_of(answer, cache.serialize(), self._now(), kept.scopes)


@dataclass(frozen=True, slots=True)
class Lent:
    """The access token of a sign-in that is not yet kept."""

    text: str

    def token(self, *, anew: bool) -> str:
        """Return it, whatever was made of it before."""
        del anew
        return self.text


@dataclass(frozen=True, slots=True)
class Granted:
    """A sign-in that succeeded: as whom, for what; `keep` makes it last."""

    email: str
    scopes: tuple[str, ...]
    token: str
    keep: Callable[[], None]


def sign_in(
    asked: SignIn, registration: Registration, tokens: TokenStore, http: Client, limit_s: float = TIME_LIMIT_S
) -> Granted:
    """Let the owner sign in; nothing is kept yet.

    Errors: `SignInFailed`, `TryLater`.
    """
    app, cache = _application(registration, http, "")
    scopes = [*registration.scopes]
    with _errors_of_msal(SignInFailed):
        answer = _by_code(app, scopes, asked) if asked.way is Way.DEVICE else _by_page(app, scopes, asked, limit_s)
    if "access_token" not in answer:
        raise SignInFailed(_told(answer))
    # What is not said is granted as it was asked for (RFC 6749 section 5.1).
    granted = tuple(str(answer.get("scope") or " ".join(scopes)).split())
    known = {_short(scope).casefold() for scope in granted}
    lacking = [scope for scope in scopes if scope.casefold() not in known and scope != _ONLY_NAMES_US]
    if lacking:
        raise SignInFailed(
            f"Microsoft granted less than was asked for, without {', '.join(lacking)}; consent to all of it"
        )
    email = _email_of(answer)
    if asked.email and email and "@" in email and email_key(email) != email_key(asked.email):
        raise SignInFailed(
            f"you signed in as {email}, but the account is configured for {asked.email}; sign in as that"
        )
    kept = _kept_of(answer, cache.serialize(), time.time(), tuple(scopes))

    def keep() -> None:
        with tokens.locked(asked.account):
            tokens.write(asked.account, _packed(kept))

    return Granted(email, granted, kept.token, keep)


def _by_code(app: _Application, scopes: Sequence[str], asked: SignIn) -> dict[str, Any]:
    flow = app.initiate_device_flow([*scopes])
    if "user_code" not in flow:
        raise SignInFailed(_told(flow))
    asked.show(Page(flow["verification_uri"], flow["user_code"]))
    return app.acquire_token_by_device_flow(flow)


def _by_page(app: _Application, scopes: Sequence[str], asked: SignIn, limit_s: float) -> dict[str, Any]:
    # Of the redirect that is registered, http://localhost, Microsoft lets only the port differ.
    with listening("/", host="localhost") as listener:
        flow = app.initiate_auth_code_flow(
            [*scopes],
            redirect_uri=listener.redirect_uri.removesuffix("/"),
            prompt="select_account",
            login_hint=asked.email or None,
            response_mode="form_post",
        )
        asked.show(Page(flow["auth_uri"], ""))
        state = str(flow["state"])
        found = listener.query(lambda query: hmac.compare_digest(query.get("state", ""), state), limit_s)
    return app.acquire_token_by_auth_code_flow(flow, dict(found))


class _errors_of_msal:  # noqa: N801  # used like a function
    """End msal's errors here."""

    def __init__(self, refusal: Callable[[str], ConnectorError]) -> None:
        self._refusal = refusal

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, import_module("msal.exceptions").MsalServiceError):
            raise TryLater("Microsoft's sign-in service failed", None) from error
        if isinstance(error, RuntimeError | ValueError | KeyError):
            # What it says may hold what was sent: the code, the state.
            raise self._refusal(f"Microsoft's sign-in answered what msal refuses ({type(error).__name__})") from None


def _application(registration: Registration, http: Client, cached: str) -> tuple[_Application, _Cache]:
    """Return msal's application. Errors: `TryLater`, `SignInFailed` if the authority does not know the tenant."""
    # Only here: it takes longer to import than most runs take.
    msal = import_module("msal")
    cache: _Cache = msal.SerializableTokenCache()
    if cached:
        cache.deserialize(cached)
    try:
        app: _Application = msal.PublicClientApplication(
            registration.client_id,
            authority=registration.authority,
            token_cache=cache,
            http_client=_Http(http),
            # It asks whether a host is one of Microsoft's own; ours is the one that the owner configured.
            instance_discovery=False,
        )
    except ValueError as error:
        tenant = registration.authority.rsplit("/", 1)[-1]
        raise SignInFailed(f'Microsoft knows no tenant "{tenant}"; correct it in the configuration') from error
    return app, cache


class _Response:
    """An answer as msal looks at it."""

    def __init__(self, answer: Answer) -> None:
        self.status_code = answer.status
        self.text = answer.body.decode(errors="replace")
        self.headers = dict(answer.headers)

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise TryLater(f"Microsoft's sign-in service answered {self.status_code}", None)


class _Http:
    """Our client as msal uses one: what it may reach, and how long it waits, is as everywhere."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str | None] | None = None,
        **_: object,
    ) -> _Response:
        target = f"{url}?{urlencode(params)}" if params else url
        return self._checked(self._client.ask(Request("GET", target, _known(headers))))

    def post(
        self,
        url: str,
        data: Mapping[str, object] | str | None = None,
        headers: Mapping[str, str | None] | None = None,
        **_: object,
    ) -> _Response:
        form = data if isinstance(data, str) else urlencode({k: v for k, v in (data or {}).items() if v is not None})
        sent = {**_known(headers), "Content-Type": "application/x-www-form-urlencoded"}
        return self._checked(self._client.tell(Request("POST", url, sent, form.encode())))

    def close(self) -> None:
        self._client.close()

    def _checked(self, answer: Answer) -> _Response:
        try:
            json.loads(answer.body)
        except ValueError as error:
            raise TryLater("something answered in place of Microsoft's sign-in service", None) from error
        return _Response(answer)


def _known(headers: Mapping[str, str | None] | None) -> dict[str, str]:
    return {name: value for name, value in (headers or {}).items() if value is not None}


def _refusal(account: AccountName, answer: Mapping[str, Any]) -> SignInNeeded | TryLater:
    """Return what a refused renewal means. What is decided by is the error's name; its numbers only explain it."""
    if answer.get("error") in _BUSY:
        return TryLater("Microsoft's sign-in service is busy", None)
    return SignInNeeded(account, _told(answer))


def _told(answer: Mapping[str, Any]) -> str:
    """Say why somebody is not let in, in words; what Microsoft says may hold addresses, and is left out."""
    codes: Sequence[int] = answer.get("error_codes") or ()
    remedies = [_REMEDIES[code] for code in codes if code in _REMEDIES]
    numbers = ", ".join(f"AADSTS{code}" for code in codes)
    named = str(answer.get("suberror") or answer.get("error") or "no answer")
    name = named if named.replace("_", "").isalnum() else "an error"
    reason = remedies[0] if remedies else _OF_ERRORS.get(str(answer.get("error")), "Microsoft refuses the sign-in")
    return f"{reason} ({f'{name}, {numbers}' if numbers else name})"


_OF_ERRORS: Mapping[str, str] = {
    "interaction_required": "Microsoft wants you to sign in again",
    "login_required": "Microsoft wants you to sign in again",
    "consent_required": "nobody has consented to what contactd asks for",
    "invalid_grant": "the sign-in is no longer valid",
    "invalid_client": "the registration is not one of a public client, or not of this client_id",
    "unauthorized_client": "the registration is not one of a public client, or not of this client_id",
    "access_denied": "you, or a rule of your organisation, declined it",
    "authorization_declined": "you declined it",
    "expired_token": "nobody signed in before the code ended; begin again",
    "invalid_scope": "the registration does not know the permissions that contactd asks for",
}


def _email_of(answer: Mapping[str, Any]) -> str:
    claims: Mapping[str, Any] = answer.get("id_token_claims") or {}
    return str(claims.get("email") or claims.get("preferred_username") or "")


def _short(scope: str) -> str:
    """Return a permission's name: what is asked for by it may come back with the resource before it."""
    return scope.rsplit("/", 1)[-1]


def _kept_of(answer: Mapping[str, Any], cache: str, now: float, scopes: tuple[str, ...]) -> _Kept:
    return _Kept(cache, str(answer["access_token"]), now + float(answer.get("expires_in") or 0), scopes)


def _packed(kept: _Kept) -> str:
    document = {"cache": kept.cache, "token": kept.token, "until": kept.until, "scopes": list(kept.scopes)}
    return json.dumps(document, separators=(",", ":"))


def _unpacked(text: str | None) -> _Kept | None:
    try:
        document: dict[str, Any] = json.loads(text or "")
        return _Kept(document["cache"], document["token"], float(document["until"]), tuple(document["scopes"]))
    except (ValueError, KeyError, TypeError) as error:
        if text:
            raise Misunderstood("what is kept of the sign-in is not what contactd wrote", "") from error
        return None
