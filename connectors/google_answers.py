"""What Google's refusals mean, named by what the caller does next.

Statuses alone mislead: an expired sync token, a stale version and a wrong argument are all 400, a quota may be 403 or
429, and one kind of 429 lasts for hours. So the reasons and messages decide, and a body that is no JSON decides nothing.

Source: captured bodies; discovery documents; https://developers.google.com/workspace/calendar/api/guides/errors
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import cast

from connectors.errors import ConnectorError, Misunderstood, SignInNeeded, TryLater
from mappings.record import AccountName

LONG_S = 6 * 3600.0
"""How long to leave an account alone whose quota clears slowly."""

DISABLED_S = 3600.0
"""How soon to look again whether the owner has enabled an API."""

_MESSAGE_LENGTH_MAX = 200


class Sort(Enum):
    """What a refusal is about."""

    BUSY = "too many requests in this minute"
    LONG_QUOTA = "a quota that clears within hours"
    DOWN = "the server fails"
    EXPIRED = "the sync token is too old"
    STALE = "the record is no longer what the request says"
    NOT_FOUND = "there is no such thing"
    DISABLED = "the API is not enabled"
    FORBIDDEN = "the grant does not cover it"
    UNKNOWN_TO_US = "the grant is not taken"
    FULL = "the account holds no more contacts"
    WRONG = "the request is refused as it is"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that says no; `code` and `message` are Google's, the message shortened."""

    sort: Sort
    status: int
    code: str
    message: str
    retry_after_s: float | None


class Refused(ConnectorError):
    """Google refused a request; whoever sent it knows what that means for which record."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"Google answered {refusal.status} {refusal.code}")
        self.refusal = refusal


def refusal_of(status: int, content: bytes, retry_after: str) -> Refusal:
    """Read an answer that says no."""
    said = _Said(content)
    sort = _sort(status, said)
    wait_s = float(retry_after) if retry_after.isascii() and retry_after.isdigit() else None
    return Refusal(
        sort, status, said.status or ", ".join(sorted(said.reasons)), said.message[:_MESSAGE_LENGTH_MAX], wait_s
    )


def is_about_the_account(refusal: Refusal) -> bool:
    """Tell whether a refusal would have met any other request too."""
    return refusal.sort in {Sort.BUSY, Sort.LONG_QUOTA, Sort.DOWN, Sort.DISABLED, Sort.FORBIDDEN, Sort.UNKNOWN_TO_US}


def for_the_account(account: AccountName, api: str, refusal: Refusal) -> ConnectorError:
    """Say what a refusal means for the account as a whole."""
    match refusal.sort:
        case Sort.BUSY:
            return TryLater(f"the minute's quota of the {api} is used up", refusal.retry_after_s or 60.0)
        case Sort.LONG_QUOTA:
            return TryLater(f"Google takes no more for now ({api}); that quota clears within hours", LONG_S)
        case Sort.DOWN:
            return TryLater(f"the {api} answered {refusal.status}", refusal.retry_after_s)
        case Sort.DISABLED:
            cure = f"enable it in the Google Cloud console: APIs & Services, Library, {api}"
            return TryLater(f"the {api} is not enabled in the project of the OAuth client; {cure}", DISABLED_S)
        case Sort.FORBIDDEN:
            return SignInNeeded(account, f"its sign-in does not cover what the {api} is asked for")
        case Sort.UNKNOWN_TO_US:
            return SignInNeeded(account, "Google does not accept its sign-in")
        case Sort.EXPIRED | Sort.STALE | Sort.NOT_FOUND | Sort.FULL | Sort.WRONG:
            return Misunderstood(f"the {api} answered {refusal.status} {refusal.code}", refusal.message)


class _Said:
    """The parts of an error's body that mean something, in both of Google's forms; blank where it is no JSON."""

    def __init__(self, content: bytes) -> None:
        try:
            body = _table(json.loads(content))
        except (ValueError, RecursionError):
            body = {}
        error = _table(body.get("error"))
        self.message = _text(error.get("message"))
        self.status = _text(error.get("status"))
        self.reasons = frozenset(_reasons(error))


def _reasons(error: dict[str, object]) -> Iterator[str]:
    for detail in _list(error.get("details")):
        yield _text(_table(detail).get("reason"))
        for violation in _list(_table(detail).get("violations")):
            yield _text(_table(violation).get("subject"))
    for each in _list(error.get("errors")):
        yield _text(_table(each).get("reason"))


_BUSY_REASONS = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED"})
_LONG_REASONS = frozenset({"quotaExceeded", "dailyLimitExceeded", "QUOTA_EXCEEDED"})
_DISABLED_REASONS = frozenset({"SERVICE_DISABLED", "accessNotConfigured"})


def _sort(status: int, said: _Said) -> Sort:
    if status in {403, 429}:
        return _sort_of_limit(status, said)
    if status == 401:
        return Sort.UNKNOWN_TO_US
    if status >= 500 or status == 408:
        return Sort.DOWN
    if status == 410 or "EXPIRED_SYNC_TOKEN" in said.reasons or said.message.startswith("Sync token is expired"):
        return Sort.EXPIRED
    # A page without either is an address that nobody serves: it says nothing of any contact.
    if status == 404 and (said.status == "NOT_FOUND" or "notFound" in said.reasons):
        return Sort.NOT_FOUND
    if "MY_CONTACTS_OVERFLOW_COUNT" in said.message:
        return Sort.FULL
    if status in {409, 412} or "is different than the current person.etag" in said.message:
        return Sort.STALE
    return Sort.WRONG


def _sort_of_limit(status: int, said: _Said) -> Sort:
    if said.reasons & _LONG_REASONS or "check quota" in said.message:
        return Sort.LONG_QUOTA
    if said.reasons & _DISABLED_REASONS or "it is disabled" in said.message:
        return Sort.DISABLED
    if status == 429 or said.reasons & _BUSY_REASONS:
        return Sort.BUSY
    return Sort.FORBIDDEN


def _table(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
