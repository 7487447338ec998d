"""Connectors from elsewhere, kept from doing harm by a fault of theirs: an account with one fails by itself.

Nobody has checked their code. So whatever they raise that is not of the protocol, and whatever they return that is
not, becomes `Misunderstood`: that account is stopped and named, and all others go on. What was under way is *unclear*,
as after any account-wide failure, and the next good read tells; nothing is stored that was not looked through.

A module that cannot be used at all is an account that cannot be read. It has an address book and a calendar, which
always fail: left out, it would look as if the owner had given its contacts and meetings up.

What is told of a fault is its kind and place in the code, never its message: that may hold what a contact says.
"""

import traceback
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeVar

from connectors.calendar_interface import NOTHING_KNOWN, Calendar, EventSet, Known
from connectors.conformity import misfit
from connectors.errors import (
    ConnectorError,
    CursorExpired,
    Gone,
    Misunderstood,
    PreconditionFailed,
    Refused,
    SignInNeeded,
    TryLater,
)
from connectors.interface import ChangeSet, Contacts, Cursor, Deleted, Unreadable, Written
from mappings.event import CalendarName, Window
from mappings.fields import Format
from mappings.operation import CreateRecord, DeleteRecord, RestoreRecord, UpdateRecord
from mappings.record import AccountName, Etag, Record, RemoteId

UNUSABLE = CalendarName("-")
"""The calendar of an account of which nobody can tell what calendars it has."""

_ALLOWED = (TryLater, SignInNeeded, Misunderstood)
_CONTACTS = ("account", "format", "changes", "read", "create", "update", "delete", "restore")
_CALENDAR = ("account", "name", "events")

Opened = TypeVar("Opened")
Outcome = TypeVar("Outcome")
Item = TypeVar("Item")


@contextmanager
def blamed(what: str, *more: type[ConnectorError]) -> Generator[None]:
    """Let pass what the protocol allows to be raised, and `more`; make a `Misunderstood` of anything else.

    Shapes: `what` names the connector and what was asked of it.
    """
    allowed: tuple[type[ConnectorError], ...] = (*_ALLOWED, *more)
    try:
        yield
    except allowed as error:
        if isinstance(error, TryLater) and misfit(error.retry_after_s, float | int | None):
            raise Misunderstood(f"{what} raised TryLater with something that is no number of seconds", "") from error
        raise
    except (Exception, SystemExit) as error:  # nobody checked that code; what it raises ends here
        raise Misunderstood(f"{what} raised {fault(error)}", "") from error


def fault(error: BaseException) -> str:
    """Say what was raised and where, without its message."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}{where}"


@dataclass(frozen=True, slots=True)
class Unusable:
    """The address book and the calendar of an account whose connector cannot be used; they say why."""

    account: AccountName
    reason: str
    format: Format = Format.VCARD
    name: CalendarName = UNUSABLE

    def changes(self, since: Cursor | None, known: Mapping[RemoteId, Etag]) -> ChangeSet:
        del since, known
        self._fail()

    def read(self, remote_ids: Sequence[RemoteId]) -> Iterator[Record | Unreadable | Gone]:
        del remote_ids
        self._fail()

    def create(self, intents: Sequence[CreateRecord]) -> Iterator[Written | Refused]:
        del intents
        self._fail()

    def update(self, intents: Sequence[UpdateRecord]) -> Iterator[Written | PreconditionFailed | Gone | Refused]:
        del intents
        self._fail()

    def delete(self, intents: Sequence[DeleteRecord]) -> Iterator[Deleted | PreconditionFailed | Gone | Refused]:
        del intents
        self._fail()

    def restore(
        self, intents: Sequence[RestoreRecord]
    ) -> Iterator[Written | Deleted | PreconditionFailed | Gone | Refused]:
        del intents
        self._fail()

    def events(self, window: Window, known: Known = NOTHING_KNOWN) -> EventSet:
        del window, known
        self._fail()

    def _fail(self) -> NoReturn:
        raise Misunderstood(self.reason, "")


class GuardedContacts:
    """An address book from elsewhere, of which nothing comes through that is not of the protocol."""

    def __init__(self, name: str, account: AccountName, contacts: Contacts) -> None:
        self.account = account
        self.format = contacts.format
        self._who = f"connector {name}"
        self._contacts = contacts

    def changes(self, since: Cursor | None, known: Mapping[RemoteId, Etag]) -> ChangeSet:
        what = f"{self._who}, asked for changes,"
        # After a complete read there is nothing else to be tried.
        with blamed(what, *([] if since is None else [CursorExpired])):
            found = self._contacts.changes(since, known)
        return _fitting(what, found, ChangeSet)

    def read(self, remote_ids: Sequence[RemoteId]) -> Iterator[Record | Unreadable | Gone]:
        what = f"{self._who}, asked to read,"
        outcomes = _outcomes(what, remote_ids, self._contacts.read, Record | Unreadable)
        for remote_id, outcome in zip(remote_ids, outcomes, strict=True):
            yield _about(what, outcome, remote_id)

    def create(self, intents: Sequence[CreateRecord]) -> Iterator[Written | Refused]:
        what = f"{self._who}, asked to create,"
        for intent, outcome in zip(intents, _outcomes(what, intents, self._contacts.create, Written), strict=True):
            if isinstance(outcome, Written) and outcome.record.uid != intent.uid:
                raise Misunderstood(f"{what} made a record that does not carry the uid", "")
            yield outcome

    def update(self, intents: Sequence[UpdateRecord]) -> Iterator[Written | PreconditionFailed | Gone | Refused]:
        what = f"{self._who}, asked to update,"
        for intent, outcome in zip(intents, _outcomes(what, intents, self._contacts.update, Written), strict=True):
            yield _about(what, outcome, intent.remote_id)

    def delete(self, intents: Sequence[DeleteRecord]) -> Iterator[Deleted | PreconditionFailed | Gone | Refused]:
        what = f"{self._who}, asked to delete,"
        for intent, outcome in zip(intents, _outcomes(what, intents, self._contacts.delete, Deleted), strict=True):
            yield _about(what, outcome, intent.remote_id)

    def restore(
        self, intents: Sequence[RestoreRecord]
    ) -> Iterator[Written | Deleted | PreconditionFailed | Gone | Refused]:
        what = f"{self._who}, asked to restore,"
        yield from _outcomes(what, intents, self._contacts.restore, Written | Deleted)


class GuardedCalendar:
    """A calendar from elsewhere, of which nothing comes through that is not of the protocol."""

    def __init__(self, connector: str, account: AccountName, calendar: Calendar) -> None:
        self.account = account
        self.name = calendar.name
        self._what = f"connector {connector}, asked for events,"
        self._calendar = calendar

    def events(self, window: Window, known: Known = NOTHING_KNOWN) -> EventSet:
        with blamed(self._what):
            found = self._calendar.events(window, known)
        return _fitting(self._what, found, EventSet)


def open_contacts(name: str, account: AccountName, opening: Callable[[], Contacts | None]) -> Contacts | None:
    """Return the address book that a connector of this name opens, guarded; one that always fails if it cannot."""
    what = f"connector {name}, asked for its address book,"
    try:
        with blamed(what):
            contacts = opening()
            if contacts is None:
                return None
            _look_over(what, contacts, account, _CONTACTS)
            if misfit(contacts.format, Format):
                raise Misunderstood(f"{what} gave one whose format is none of ours", "")
            return GuardedContacts(name, account, contacts)
    except ConnectorError as error:
        return Unusable(account, str(error))


def open_calendars(
    name: str, account: AccountName, opening: Callable[[], tuple[Calendar, ...]]
) -> tuple[Calendar, ...]:
    """Return the calendars that a connector of this name opens, guarded; one that always fails if it cannot."""
    what = f"connector {name}, asked for its calendars,"
    try:
        with blamed(what):
            calendars = tuple(opening())
            for calendar in calendars:
                _look_over(what, calendar, account, _CALENDAR)
            names = [calendar.name for calendar in calendars]
            if misfit(tuple(names), tuple[str, ...]) or len(set(names)) < len(names):
                raise Misunderstood(f"{what} gave some without a name of their own", "")
            return tuple(GuardedCalendar(name, account, calendar) for calendar in calendars)
    except ConnectorError as error:
        return (Unusable(account, str(error)),)


def _look_over(what: str, opened: object, account: AccountName, members: Sequence[str]) -> None:
    missing = [member for member in members if not hasattr(opened, member)]
    if missing:
        raise Misunderstood(f"{what} gave one without {' and '.join(missing)}", "")
    if getattr(opened, "account") != account:  # noqa: B009  # whether it has one was looked at just now
        raise Misunderstood(f"{what} gave one of another account", "")


def _fitting(what: str, value: Opened, kind: type[Opened]) -> Opened:
    wrong = misfit(value, kind)
    if wrong:
        raise Misunderstood(f"{what} gave something that is no {kind.__name__}: {wrong}", "")
    return value


def _outcomes(
    what: str, items: Sequence[Item], ask: Callable[[Sequence[Item]], Iterator[Outcome]], good: object
) -> Iterator[Outcome]:
    """Yield one outcome for each item, each looked through; what else a connector yields is a fault."""
    with blamed(what):
        outcomes = iter(ask(items))
    for _ in range(len(items)):
        with blamed(what):
            outcome = next(outcomes, None)
        if outcome is None:
            raise Misunderstood(f"{what} gave too few outcomes", "")
        if wrong := _fault_of(outcome, good):
            raise Misunderstood(f"{what} gave an outcome that is none: {wrong}", "")
        yield outcome
    with blamed(what):
        beyond = next(outcomes, None)
    if beyond is not None:
        raise Misunderstood(f"{what} gave more outcomes than there were items", "")


def _fault_of(outcome: object, good: object) -> str:
    if isinstance(outcome, PreconditionFailed | Gone | Refused):
        return misfit(outcome.reason, str)
    return misfit(outcome, good)


def _about(what: str, outcome: Outcome, remote_id: RemoteId) -> Outcome:
    """Return the outcome if it is about this record: taken for another's it would have a base that nobody agreed on."""
    match outcome:
        case Written():
            found: RemoteId | None = outcome.record.remote_id
        case Record() | Unreadable() | Deleted() | PreconditionFailed() | Gone() | Refused():
            found = outcome.remote_id
        case _:
            found = None
    if found != remote_id:
        raise Misunderstood(f"{what} gave an outcome in the place of another's", "")
    return outcome
