"""What Google answers when it does not do what it was asked: each with the body that was captured, or is documented.

Sources are named in the facts that the emulator follows; bodies are theirs with made-up values.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Doc = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; `body` is sent as it is if it is text."""

    status: int
    body: Doc | str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def content(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body, ensure_ascii=False).encode()

    @property
    def content_type(self) -> str:
        return "text/html; charset=UTF-8" if isinstance(self.body, str) else "application/json; charset=UTF-8"


class Refusal(Exception):
    """A request ends here, with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def error(code: int, message: str, status: str, *details: Doc, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an error as the People API words it (google.rpc.Status)."""
    body: Doc = {"code": code, "message": message, "status": status}
    if details:
        body["details"] = list(details)
    return Answer(code, {"error": body}, headers or {})


def info(reason: str, domain: str, **metadata: str) -> Doc:
    """Return the detail that names a reason (google.rpc.ErrorInfo)."""
    made: Doc = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": domain}
    return made | ({"metadata": metadata} if metadata else {})


def calendar_error(code: int, reason: str, message: str, domain: str = "calendar", **place: str) -> Answer:
    """Return an error as the Calendar API words it."""
    each = {"domain": domain, "reason": reason, "message": message, **place}
    return Answer(code, {"error": {"errors": [each], "code": code, "message": message}})


_EXPIRED = "Sync token is expired. Clear local cache and retry call without the sync token."


def expired_sync_token(code: int = 400, status: str = "FAILED_PRECONDITION", *, with_reason: bool = True) -> Answer:
    details = [info("EXPIRED_SYNC_TOKEN", "people.googleapis.com")] if with_reason else []
    return error(code, _EXPIRED, status, *details)


def garbage_token() -> Answer:
    return error(400, "Request contains an invalid argument.", "INVALID_ARGUMENT")


def stale_etag() -> Answer:
    message = (
        "Request person.etag is different than the current person.etag. Clear local cache and get the latest person."
    )
    return error(400, message, "FAILED_PRECONDITION")


def no_etag() -> Answer:
    message = "Request must set person.etag or person.metadata.sources.etag for the source that is being updated."
    return error(400, message, "INVALID_ARGUMENT")


def not_found() -> Answer:
    return error(404, "Requested entity was not found.", "NOT_FOUND")


def minute_quota(kind: str = "read", **headers: str) -> Answer:
    metric = f"people.googleapis.com/critical_{kind}_requests"
    message = (
        f"Quota exceeded for quota metric 'Critical {kind} requests' and limit 'Critical {kind} requests per minute per "
        "user' of service 'people.googleapis.com' for consumer 'project_number:1'."
    )
    detail = info("RATE_LIMIT_EXCEEDED", "googleapis.com", quota_metric=metric, service="people.googleapis.com")
    return error(429, message, "RESOURCE_EXHAUSTED", detail, headers=headers)


def long_quota() -> Answer:
    violation = {"subject": "QUOTA_EXCEEDED", "description": "FBS quota limit exceeded"}
    detail = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}
    return error(429, "Resource has been exhausted (e.g. check quota).", "RESOURCE_EXHAUSTED", detail)


def api_disabled(api: str = "People API") -> Answer:
    message = (
        f"{api} has not been used in project 1 before or it is disabled. Enable it by visiting "
        "https://console.developers.google.com/apis/api/people.googleapis.com/overview?project=1 then retry."
    )
    return error(403, message, "PERMISSION_DENIED", info("SERVICE_DISABLED", "googleapis.com", consumer="projects/1"))


def scope_missing() -> Answer:
    detail = info("ACCESS_TOKEN_SCOPE_INSUFFICIENT", "googleapis.com", service="people.googleapis.com")
    return error(403, "Request had insufficient authentication scopes.", "PERMISSION_DENIED", detail)


def unauthorized() -> Answer:
    message = (
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
        "authentication credential."
    )
    return error(401, message, "UNAUTHENTICATED")


def internal() -> Answer:
    return error(500, "Internal error encountered.", "INTERNAL")


def unavailable(**headers: str) -> Answer:
    return error(503, "The service is currently unavailable.", "UNAVAILABLE", headers=headers)


def no_such_page() -> Answer:
    return Answer(
        404, "<!DOCTYPE html>\n<html lang=en>\n<title>Error 404 (Not Found)!!1</title>\n<p>404. That is an error."
    )


def calendar_rate_limit(code: int = 403, reason: str = "rateLimitExceeded") -> Answer:
    return calendar_error(code, reason, "Rate Limit Exceeded", "usageLimits")


def calendar_gone(reason: str = "fullSyncRequired") -> Answer:
    return calendar_error(410, reason, "Sync token is no longer valid, a full sync is required.")


def invalid_grant() -> Answer:
    return Answer(400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."})
