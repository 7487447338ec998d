"""What a provider answered, named by what the caller does next.

Errors about one record are *yielded* as outcomes, so that one bad record never stops the others;
errors about the whole account are raised.
"""

from mappings.record import AccountName, RemoteId


class ConnectorError(Exception):
    """The root of everything that connectors raise or yield."""


class TryLater(ConnectorError):
    """Rate limit, time-out, 5xx, offline, folder not there: back off this account, the others go on."""

    def __init__(self, reason: str, retry_after_s: float | None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s


class SignInNeeded(ConnectorError):
    """Token revoked, password wrong or scope missing: stop this account, tell how to sign in.

    `remedy` is what the owner does about it, "" where that is `contactd auth`.
    """

    def __init__(self, account: AccountName, reason: str, remedy: str = "") -> None:
        super().__init__(f"{reason}; {remedy or f'run `contactd auth {account}`'}")
        self.reason = reason


class SignInFailed(ConnectorError):
    """The owner did not get in, or not to what is needed: say why and what to do; what was kept before still is."""


class Misunderstood(ConnectorError):
    """A reply outside the documented contract: stop this account, keep the reply for a bug report."""

    def __init__(self, reason: str, reply: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.reply = reply


class CursorExpired(ConnectorError):
    """The cursor is too old: read everything, keep the bases."""


class RecordError(ConnectorError):
    """About one record: yielded as its outcome."""

    def __init__(self, remote_id: RemoteId | None, reason: str) -> None:
        super().__init__(reason)
        self.remote_id = remote_id
        self.reason = reason


class PreconditionFailed(RecordError):
    """The record moved on since it was read: read again, plan again. Nothing was written."""


class Gone(RecordError):
    """The record no longer exists: treat as deleted there."""


class Refused(RecordError):
    """The provider, or the lens on its data, will not take this value: hold the person, show the reason."""
