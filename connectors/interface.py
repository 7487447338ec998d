"""What a connector is: a protocol of eight members for contacts, a smaller one for calendars.

A connector reads and writes; it never decides. It has no base class: shared behaviour is functions.
`read`, `create`, `update`, `delete` and `restore` take a sequence and yield exactly one outcome per item, in order,
as soon as it is known; a connector groups the items as its provider allows. The caller has made every
intent durable before it passes it in, and records every outcome as it arrives.

An account-wide failure is raised (`connectors.errors`); items without an outcome by then are *unclear*:
they may or may not have been applied, and only a later read tells.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NewType, Protocol

from connectors.errors import Gone, PreconditionFailed, Refused
from mappings.fields import Format
from mappings.operation import CreateRecord, DeleteRecord, RestoreRecord, UpdateRecord
from mappings.record import AccountName, Etag, Record, RemoteId

Cursor = NewType("Cursor", str)
"""How far an account has been read: a sync-token (RFC 6578), a `deltaLink`; opaque."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that exists but is not understood; `line` is where, if its payload is text."""

    remote_id: RemoteId
    etag: Etag
    line: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """What a read since a cursor returned.

    `records` are those new or changed against what the caller said it knows; `removed` are ids of its own
    that the provider reports deleted or, in a complete read, no longer lists. `cursor` is to be stored only
    together with everything else in here. `listed` counts the records that the read accounts for, whether
    they changed or not, where the provider's answer covers them all (`complete`); else those in the answer.
    """

    records: tuple[Record, ...]
    removed: tuple[RemoteId, ...]
    unreadable: tuple[Unreadable, ...]
    cursor: Cursor | None
    complete: bool
    listed: int


@dataclass(frozen=True, slots=True)
class Written:
    """A record was created or updated: the record as it is now, its payload before (None if new) and after."""

    record: Record
    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """A record was deleted: its id and the payload that it had."""

    remote_id: RemoteId
    before: str


class Way(Enum):
    """How the owner gets to the page on which he signs in."""

    BROWSER = "a browser on this machine"
    ADDRESS = "any browser that reaches this machine, by the page's address"
    DEVICE = "any browser anywhere, by an address and a code"


@dataclass(frozen=True, slots=True)
class Page:
    """The page on which to sign in; `code` is what it asks for, "" if nothing."""

    address: str
    code: str


@dataclass(frozen=True, slots=True)
class SignIn:
    """That the owner wants to sign in to an account.

    `email` is the account's own address as configured, "" if it is not said. `show` shows him the page; whoever calls
    it then waits until he is done there.
    """

    account: AccountName
    email: str
    way: Way
    show: Callable[[Page], None]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who has signed in to an account, "" where the provider did not say, and when that ends.

    `ends_at_s` is in Unix seconds, None where no end is known; with `unless_used` each use before moves it on.
    """

    email: str
    ends_at_s: float | None
    unless_used: bool


class Contacts(Protocol):
    """One address book of one account.

    Errors: each method may raise `TryLater`, `SignInNeeded`, `Misunderstood`; `changes` also `CursorExpired`.
    """

    @property
    def account(self) -> AccountName:
        """The owner's name for the account."""
        ...

    @property
    def format(self) -> Format:
        """What records are kept in: says which fields they can hold."""
        ...

    def changes(self, since: Cursor | None, known: Mapping[RemoteId, Etag]) -> ChangeSet:
        """Read what is new since the cursor, or everything if it is None; `known` is what was read so far."""
        ...

    def read(self, remote_ids: Sequence[RemoteId]) -> Iterator[Record | Unreadable | Gone]:
        """Read single records as they are now."""
        ...

    def create(self, intents: Sequence[CreateRecord]) -> Iterator[Written | Refused]:
        """Make records that carry their uid; repeating a create whose answer was lost never makes a second one."""
        ...

    def update(self, intents: Sequence[UpdateRecord]) -> Iterator[Written | PreconditionFailed | Gone | Refused]:
        """Replace the changed fields, if the record still has the etag; everything else in it survives."""
        ...

    def delete(self, intents: Sequence[DeleteRecord]) -> Iterator[Deleted | PreconditionFailed | Gone | Refused]:
        """Delete records, if they still have the etag."""
        ...

    def restore(
        self, intents: Sequence[RestoreRecord]
    ) -> Iterator[Written | Deleted | PreconditionFailed | Gone | Refused]:
        """Put records back to an earlier payload, in all that a client may write, also what we have no word for.

        A record is put back only if it still has the etag and still is what `after` says, in all that a client may
        write; else somebody has changed it since (`PreconditionFailed`). One that is made anew (`after` None) may get
        another id; repeating that never makes a second one.
        """
        ...
