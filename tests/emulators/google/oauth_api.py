"""Google's sign-in: the page that asks for consent, here one that consents by itself, and the token endpoint."""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from emulators.google import answers
from emulators.google.answers import Answer
from emulators.google.world import Google

Doc = dict[str, Any]

_LONG = {"email": "https://www.googleapis.com/auth/userinfo.email"}


def authorize(google: Google, query: Mapping[str, str]) -> Answer:
    """Answer the page's address as if its owner had signed in, ticked what he ticks, and agreed."""
    redirect = query["redirect_uri"]
    expected = {"response_type": "code", "client_id": google.client_id, "code_challenge_method": "S256"}
    wrong = [name for name, value in expected.items() if query.get(name) != value]
    if wrong or urlsplit(redirect).hostname not in {"127.0.0.1", "::1", "localhost"} or not query.get("code_challenge"):
        return Answer(400, f"<!DOCTYPE html>\n<p>Error 400: invalid_request {wrong}")
    account = google.accounts[google.signs_in]
    if account.denies:
        return _redirected(redirect, {"error": "access_denied", "state": query["state"]})
    asked = query["scope"].split(" ")
    granted = [scope for scope in asked if account.granted is None or scope in account.granted | {"openid", "email"}]
    code = f"4/0A{secrets.token_urlsafe(24)}"
    google.tokens.codes[code] = {
        "email": account.email, "scope": " ".join(granted), "redirect_uri": redirect, "challenge": query["code_challenge"],
    }  # fmt: skip
    shown = " ".join(_LONG.get(scope, scope) for scope in granted)
    return _redirected(
        redirect, {"state": query["state"], "code": code, "scope": shown, "iss": "https://accounts.google.com"}
    )


def token(google: Google, form: Mapping[str, str], authorization: str) -> Answer:
    """Answer the token endpoint; the client's secret may stand in the form or in the header."""
    client = (form.get("client_id", ""), form.get("client_secret", ""))
    if authorization.startswith("Basic "):
        name, _, secret = base64.b64decode(authorization[6:]).decode().partition(":")
        client = (name, secret)
    if client != (google.client_id, google.client_secret):
        return Answer(401, {"error": "invalid_client", "error_description": "The OAuth client was not found."})
    if form.get("grant_type") == "refresh_token":
        return _refreshed(google, form)
    return _exchanged(google, form)


def email_of(google: Google, access_token: str) -> tuple[str, str] | None:
    """Return whose token it is and for what, None if it is good for nothing by now."""
    email, expires_at, scope = google.tokens.access.get(access_token, ("", 0.0, ""))
    if not email or email in google.tokens.revoked or expires_at <= google.clock.now.timestamp():
        return None
    return email, scope


def _exchanged(google: Google, form: Mapping[str, str]) -> Answer:
    code = google.tokens.codes.pop(form.get("code", ""), None)
    verifier = form.get("code_verifier", "")
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    if code is None or code["challenge"] != challenge or code["redirect_uri"] != form.get("redirect_uri"):
        return answers.invalid_grant()
    google.tokens.revoked.discard(code["email"])
    refresh = f"1//0{secrets.token_urlsafe(24)}"
    google.tokens.refresh[refresh] = (code["email"], code["scope"])
    made = _given(google, code["email"], code["scope"]) | {"refresh_token": refresh}
    if google.tokens.refresh_lifetime_s is not None:
        made["refresh_token_expires_in"] = google.tokens.refresh_lifetime_s
    if "openid" in code["scope"].split(" "):
        made["id_token"] = _id_token(google, code["email"])
    return Answer(200, made)


def _refreshed(google: Google, form: Mapping[str, str]) -> Answer:
    email, scope = google.tokens.refresh.get(form.get("refresh_token", ""), ("", ""))
    if not email or email in google.tokens.revoked:
        return answers.invalid_grant()
    made = _given(google, email, scope)
    if google.tokens.rotates:
        del google.tokens.refresh[form["refresh_token"]]
        made["refresh_token"] = f"1//0{secrets.token_urlsafe(24)}"
        google.tokens.refresh[made["refresh_token"]] = (email, scope)
    return Answer(200, made)


def _given(google: Google, email: str, scope: str) -> Doc:
    access = f"ya29.{secrets.token_urlsafe(32)}"
    google.tokens.access[access] = (email, google.clock.now.timestamp() + google.tokens.lifetime_s, scope)
    shown = " ".join(_LONG.get(each, each) for each in scope.split(" "))
    return {"access_token": access, "expires_in": google.tokens.lifetime_s, "scope": shown, "token_type": "Bearer"}


def _id_token(google: Google, email: str) -> str:
    claims = {"iss": "https://accounts.google.com", "aud": google.client_id, "email": email, "email_verified": True}
    parts = [json.dumps(each).encode() for each in ({"alg": "RS256"}, claims)] + [b"signature"]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def _redirected(to: str, query: Mapping[str, str]) -> Answer:
    return Answer(302, "", {"Location": f"{to}?{urlencode(query)}"})
