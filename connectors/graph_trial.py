"""After a sign-in: one call of each service that is wanted, and words for what is wrong with it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from connectors.errors import SignInFailed, SignInNeeded
from connectors.graph_client import GraphClient

_DAY = timedelta(days=1)
_HINTS = {"Calendars": '; perhaps it takes calendar_permission = "Calendars.Read"'}


def trial(client: GraphClient, *, contacts: bool, calendars: bool) -> tuple[str, ...]:
    """Read what is wanted once; say what can be read.

    Errors: `SignInFailed` with what to do, `TryLater`, `Misunderstood`.
    """
    return tuple(_told(client, [*_calls(contacts=contacts, calendars=calendars)]))


def _calls(*, contacts: bool, calendars: bool) -> Iterator[tuple[str, str]]:
    if contacts:
        yield "Contacts", "/me/contacts?$top=1&$select=id"
    if calendars:
        start, end = datetime.now(UTC), datetime.now(UTC) + _DAY
        span = f"startDateTime={start:%Y-%m-%dT%H:%M:%SZ}&endDateTime={end:%Y-%m-%dT%H:%M:%SZ}"
        yield "Calendars", f"/me/calendarView?{span}&$select=id&$top=1"


def _told(client: GraphClient, calls: list[tuple[str, str]]) -> Iterator[str]:
    for what, url in calls:
        failed, hint = f"signed in, but {what.lower()} cannot be read", _HINTS.get(what, "")
        try:
            reply = client.get(url)
        except SignInNeeded as error:
            raise SignInFailed(f"{failed}: {error.reason}{hint}") from error
        if not reply.succeeded:
            raise SignInFailed(f"{failed} ({reply.status} {reply.code}){hint}")
        yield f"{what} can be read."
