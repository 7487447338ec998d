"""Microsoft's sign-in service for one person, good enough for stock msal: code with PKCE, device code, refresh.

Source: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow, /v2-oauth2-device-code.
"""

import base64
import hashlib
import html
import json
import re
import ssl
import threading
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from emulators.graph.service import Service
from emulators.graph.wire import Document

_TENANT = "11111111-2222-4333-8444-555555555555"
_OIDC = {"openid", "profile", "offline_access"}


@dataclass
class Refusal:
    """What the token endpoint says instead of giving a token."""

    error: str
    codes: tuple[int, ...] = ()
    status: int = 400
    suberror: str = ""

    def document(self) -> Document:
        text = f"AADSTS{self.codes[0] if self.codes else 0}: me@example.test is not let in.\r\nTrace ID: 1"
        return {
            "error": self.error,
            "error_description": text,
            "error_codes": list(self.codes),
            "suberror": self.suberror,
        }


@dataclass
class _Code:
    redirect_uri: str
    challenge: str
    nonce: str
    scopes: tuple[str, ...]


@dataclass
class _Device:
    scopes: tuple[str, ...]
    approved: bool


@dataclass
class Authority:
    """The service's state, and its switches. Every access token that it gives is good at `service`."""

    service: Service
    email: str = "me@example.test"
    client_id: str = "00000000-0000-0000-0000-000000000001"
    lifetime_s: int = 3600
    withheld: tuple[str, ...] = ()
    """Permissions that are not granted although they are asked for."""
    scope_in_full: bool = False
    says_scope: bool = True
    approves_devices: bool = True
    revokes_old: bool = False
    """A refresh token that has been used is worth nothing."""
    refusals: list[Refusal] = field(default_factory=list[Refusal])
    tenants: tuple[str, ...] = ("common", "organizations", "consumers", _TENANT)
    requests: Counter[str] = field(default_factory=Counter[str])
    secrets: list[str] = field(default_factory=list[str])
    """Every token and code that was given out: none of them may be seen anywhere."""
    answers_html: bool = False
    base: str = ""
    _codes: dict[str, _Code] = field(default_factory=dict[str, _Code])
    _devices: dict[str, _Device] = field(default_factory=dict[str, _Device])
    _refresh: set[str] = field(default_factory=set[str])
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def revoke(self) -> None:
        """Let no refresh token in any more, nor any access token."""
        self._refresh.clear()
        self.end_access()

    def end_access(self) -> None:
        """Let no access token in any more."""
        self.service.scopes_of.clear()

    def answer(self, method: str, url: str, form: Mapping[str, str]) -> tuple[int, str, dict[str, str]]:
        """Return status, body and headers."""
        parts = urlsplit(url)
        tenant, _, rest = parts.path.strip("/").partition("/")
        query = dict(parse_qsl(parts.query))
        with self._lock:
            self.requests[f"{method} {rest}"] += 1
            if self.answers_html:
                return 200, "<html>Welcome to this hotel's network</html>", {}
            if rest == "v2.0/.well-known/openid-configuration":
                return self._configuration(tenant)
            if rest == "oauth2/v2.0/authorize":
                return self._authorized(query)
            if rest == "oauth2/v2.0/devicecode":
                return self._device(form)
            if rest == "oauth2/v2.0/token":
                return self._token(form)
        return 404, "{}", {}

    def _configuration(self, tenant: str) -> tuple[int, str, dict[str, str]]:
        if tenant not in self.tenants:
            return 400, json.dumps(Refusal("invalid_tenant", (90002,)).document()), {}
        base = f"{self.base}/{tenant}"
        document = {
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        }
        return 200, json.dumps(document), {}

    def _authorized(self, query: Mapping[str, str]) -> tuple[int, str, dict[str, str]]:
        wrong = query.get("client_id") != self.client_id or query.get("code_challenge_method") != "S256"
        local = re.fullmatch(r"http://localhost:\d+/?", query.get("redirect_uri", ""))
        if wrong or local is None or "offline_access" not in query.get("scope", "").split():
            return 400, "<html>AADSTS50011</html>", {}
        code = self._secret("code")
        scopes = tuple(query["scope"].split())
        self._codes[code] = _Code(query["redirect_uri"], query["code_challenge"], query.get("nonce", ""), scopes)
        found = {"code": code, "state": query["state"], "client_info": _client_info()}
        if self.refusals:
            refusal = self.refusals.pop(0)
            found = {"error": refusal.error, "error_description": "declined", "state": query["state"]}
        if query.get("response_mode") != "form_post":
            return 302, "", {"Location": f"{query['redirect_uri']}?{urlencode(found)}"}
        fields = "".join(
            f'<input type="hidden" name="{name}" value="{html.escape(text)}">' for name, text in found.items()
        )
        return (
            200,
            f'<html><form method="post" action="{html.escape(query["redirect_uri"])}">{fields}</form></html>',
            {},
        )

    def _device(self, form: Mapping[str, str]) -> tuple[int, str, dict[str, str]]:
        if self.refusals:
            return self._refused()
        code = self._secret("device")
        self._devices[code] = _Device(tuple(form.get("scope", "").split()), self.approves_devices)
        document = {
            "device_code": code, "user_code": "FJC3-ABCD", "verification_uri": "https://example.test/devicelogin",
            "expires_in": 900, "interval": 0, "message": "To sign in, use a web browser",
        }  # fmt: skip
        return 200, json.dumps(document), {}

    def _token(self, form: Mapping[str, str]) -> tuple[int, str, dict[str, str]]:
        if self.refusals:
            return self._refused()
        if form.get("client_id") != self.client_id:
            return self._failed("unauthorized_client", 700016)
        match form.get("grant_type"):
            case "authorization_code":
                return self._exchanged(form)
            case "refresh_token":
                return self._refreshed(form)
            case "urn:ietf:params:oauth:grant-type:device_code":
                return self._polled(form)
            case _:
                return self._failed("unsupported_grant_type", 70003)

    def _exchanged(self, form: Mapping[str, str]) -> tuple[int, str, dict[str, str]]:
        code = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proven = code is not None and base64.urlsafe_b64encode(digest).decode().rstrip("=") == code.challenge
        if code is None or not proven or form.get("redirect_uri") != code.redirect_uri:
            return self._failed("invalid_grant", 70008)
        return self._given(code.scopes, code.nonce)

    def _refreshed(self, form: Mapping[str, str]) -> tuple[int, str, dict[str, str]]:
        token = form.get("refresh_token", "")
        if token not in self._refresh:
            return self._failed("invalid_grant", 700082)
        if self.revokes_old:
            self._refresh.discard(token)
        return self._given(tuple(form.get("scope", "").split()), "")

    def _polled(self, form: Mapping[str, str]) -> tuple[int, str, dict[str, str]]:
        device = self._devices.get(form.get("device_code", ""))
        if device is None:
            return self._failed("bad_verification_code", 70019)
        if not device.approved:
            return self._failed("authorization_pending", 70016)
        del self._devices[form["device_code"]]
        return self._given(device.scopes, "")

    def _given(self, scopes: tuple[str, ...], nonce: str) -> tuple[int, str, dict[str, str]]:
        granted = [scope for scope in scopes if scope not in {*_OIDC, *self.withheld}]
        access, refresh = self._secret("access"), self._secret("refresh")
        self._refresh.add(refresh)
        self.service.scopes_of[access] = frozenset(granted)
        full = "https://graph.microsoft.com/" if self.scope_in_full else ""
        document: dict[str, Any] = {
            "token_type": "Bearer", "scope": " ".join(full + scope for scope in granted), "expires_in": self.lifetime_s,
            "ext_expires_in": self.lifetime_s, "access_token": access, "refresh_token": refresh,
            "id_token": self._id_token(nonce), "client_info": _client_info(),
        }  # fmt: skip
        if not self.says_scope:
            del document["scope"]
        return 200, json.dumps(document), {}

    def _id_token(self, nonce: str) -> str:
        now = int(self.service.clock.now.timestamp())
        claims = {"aud": self.client_id, "iss": f"{self.base}/v2.0", "sub": "s", "tid": _TENANT, "oid": "o", "iat": now}
        claims |= {"exp": now + 10**9, "nonce": nonce, "preferred_username": self.email, "name": "Me"}
        return ".".join((_encoded({"alg": "RS256", "typ": "JWT"}), _encoded(claims), "c2ln"))

    def _refused(self) -> tuple[int, str, dict[str, str]]:
        refusal = self.refusals.pop(0)
        return refusal.status, json.dumps(refusal.document()), {}

    def _failed(self, error: str, code: int) -> tuple[int, str, dict[str, str]]:
        return 400, json.dumps(Refusal(error, (code,)).document()), {}

    def _secret(self, kind: str) -> str:
        secret = f"CANARY-{kind}-{hashlib.sha256(f'{kind} {len(self.secrets)}'.encode()).hexdigest()}"
        self.secrets.append(secret)
        return secret


def _encoded(document: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


def _client_info() -> str:
    return _encoded({"uid": "o", "utid": _TENANT})


@contextmanager
def signed_in_at(authority: Authority, server_file: Path) -> Generator[str]:
    """Serve the authority until the end of the block; the value is its address, https."""

    class Handler(_Handler):
        emulated = authority

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server_file)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    authority.base = f"https://localhost:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield authority.base
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    emulated: Authority
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def _answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        status, text, headers = self.emulated.answer(self.command, self.path, dict(parse_qsl(content)))
        body = text.encode()
        self.send_response_only(status)
        for name, value in {**headers, "Content-Length": str(len(body)), "Content-Type": "text/html"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _answer  # noqa: N815  # the base class's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        del format, args
