"""The ledger: every meeting that a calendar has shown, as it last did, and the owner's vetoes.

What a complete read says about its window is all that is known of the window from then on; outside of it what was
known stays, since a meeting of years ago may be the last one. A record that is not understood now keeps what was known
of it. What a read that is not complete shows is *unsettled*, and lies over the settled until the next complete one.

A row is one record of one calendar (a file, a provider's event) with all that takes place of it, so that a run which
finds every record unchanged writes nothing. Titles are in it only if the owner keeps them, those of private events
never.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple, TypedDict

from connectors.calendar_interface import NOTHING_KNOWN, EventSet, Known
from connectors.interface import Cursor
from daemon.codec import is_whole, pack_document, time_text, unpack_document
from daemon.state import Readable, Transaction, get_meta, set_meta
from mappings.event import (
    AllDay,
    Attendee,
    AttendeeKind,
    Availability,
    CalendarName,
    Event,
    EventUid,
    Kind,
    Occurrence,
    Response,
    Status,
    Timed,
    Window,
    is_within,
)
from mappings.meeting_case import Veto
from mappings.meeting_copies import MeetingId, Sighting, sighting_with_title, sighting_without_title
from mappings.meetings import Ledger
from mappings.person import Uid
from mappings.record import AccountName, Etag, RemoteId

_READER = "1"
"""Raised whenever calendars are read otherwise than before, so that every record is read again."""

_VERSION = "ledger_version"
_NAMED = "ledger_calendars"
_HAS_TITLES = "ledger_has_titles"
_ANYBODY = ""


class _Details(TypedDict):
    """What the occurrences of a record have in common, as JSON has it."""

    uid: str
    title: str
    status: str
    is_draft: bool
    kind: str
    availability: str
    is_private: bool
    organizer: str
    attendees: list[tuple[str, str, str, bool]]
    attendees_complete: bool
    own_response: str


_Occurrence = tuple[str, str, str, str, str]
"""Its name, start, end, meeting id and likeness."""

_Group = tuple[_Details, list[_Occurrence]]


class CalendarId(NamedTuple):
    """Which calendar."""

    account: AccountName
    name: CalendarName


class Counts(NamedTuple):
    """How many events are remembered of a calendar, and how many of them have attendees."""

    events: int
    with_attendees: int

    @property
    def names_nobody(self) -> bool:
        """Whether there are events and none has any attendee, as in the feeds that Google and Exchange publish."""
        return self.events > 0 and self.with_attendees == 0


def known(state: Readable, calendar: CalendarId, window: Window, *, keep_titles: bool) -> Known:
    """Return what a calendar need not send again: what it sent of this very window, if it was read as it would be now."""
    rows = state.all("SELECT span, cursor FROM calendars WHERE account = ? AND calendar = ?", calendar)
    if not rows or rows[0][0] != _span(window, keep_titles=keep_titles):
        return NOTHING_KNOWN
    cursor = rows[0][1]
    sql = "SELECT source, etag, packed FROM sightings WHERE account = ? AND calendar = ? AND settled"
    etags = {
        RemoteId(source): Etag(etag) for source, etag, packed in state.all(sql, calendar) if etag and is_whole(packed)
    }
    return Known(etags, None if cursor is None else Cursor(cursor))


def store(tx: Transaction, calendar: CalendarId, window: Window, found: EventSet, *, keep_titles: bool) -> None:
    """Store what a read of a window has returned."""
    remember = sighting_with_title if keep_titles else sighting_without_title
    version_before = version(tx)
    sent: defaultdict[RemoteId, list[Sighting]] = defaultdict(list)
    for event in found.events:
        sent[event.source].append(remember(event))
    if not found.complete:
        _store_part(tx, calendar, sent)
        return
    broken = {one.source for one in found.unreadable}
    before = _etags(tx, calendar)
    for source in sorted((before.keys() | sent.keys() | found.etags.keys()) - found.unchanged):
        etag = found.etags.get(source, Etag(""))
        kept = _kept(tx, calendar, source, sent.get(source, ()), None if source in broken else window)
        _put(tx, calendar, source, etag, kept)
    _renew(tx, calendar, {source: found.etags.get(source, Etag("")) for source in found.unchanged}, before)
    if tx.all("SELECT 1 FROM sightings WHERE account = ? AND calendar = ? AND NOT settled LIMIT 1", calendar):
        tx.run("DELETE FROM sightings WHERE account = ? AND calendar = ? AND NOT settled", calendar)
        _changed(tx)
    _finish(tx, calendar, _span(window, keep_titles=keep_titles), found.cursor, recount=version(tx) != version_before)
    if keep_titles:
        set_meta(tx, _HAS_TITLES, "yes")


def drop_titles(tx: Transaction) -> None:
    """Forget every title that was kept."""
    if get_meta(tx, _HAS_TITLES) is None:
        return
    for account, calendar, source, settled, packed in tx.all(
        "SELECT account, calendar, source, settled, packed FROM sightings"
    ):
        groups = _groups(packed)
        for details, _ in groups:
            details["title"] = ""
        tx.run(
            "UPDATE sightings SET packed = ? WHERE account = ? AND calendar = ? AND source = ? AND settled = ?",
            (pack_document(groups), account, calendar, source, settled),
        )
    tx.run("DELETE FROM meta WHERE key = ?", (_HAS_TITLES,))
    _changed(tx)


def name_calendars(tx: Transaction, named: Iterable[CalendarId]) -> None:
    """Remember which calendars the owner names now."""
    text = json.dumps(sorted(named))
    if get_meta(tx, _NAMED) != text:
        set_meta(tx, _NAMED, text)
        _changed(tx)


def ledger(state: Readable) -> Ledger:
    """Return every sighting that counts.

    Calendars that the owner does not name any more do not count; but only once all named ones have been read: a calendar that
    has just got another name must not look as if all its meetings were gone.
    """
    settled: list[Sighting] = []
    unsettled: list[Sighting] = []
    counting = _counting(state)
    rows = state.all("SELECT account, calendar, source, settled, packed FROM sightings")
    for account, calendar, source, is_settled, packed in rows:
        if counting is None or (account, calendar) in counting:
            (settled if is_settled else unsettled).extend(_unpacked(packed, account, calendar, source))
    return Ledger(tuple(settled), tuple(unsettled))


def counts(state: Readable, calendar: CalendarId) -> Counts:
    """Return how much is remembered of a calendar."""
    sql = "SELECT events, with_attendees FROM calendars WHERE account = ? AND calendar = ?"
    rows = state.all(sql, calendar)
    return Counts(*rows[0]) if rows else Counts(0, 0)


def blind(state: Readable) -> tuple[CalendarId, ...]:
    """Return the named calendars whose events have no attendees."""
    return tuple(calendar for calendar in sorted(_named(state)) if counts(state, calendar).names_nobody)


def is_begun(state: Readable) -> bool:
    """Tell whether any calendar was ever read completely."""
    return bool(state.all("SELECT 1 FROM calendars LIMIT 1"))


def version(state: Readable) -> str:
    """Return what changes whenever a sighting or a veto does."""
    return get_meta(state, _VERSION) or "0"


def accounts(state: Readable) -> frozenset[AccountName]:
    """Return the accounts of which meetings are remembered."""
    return frozenset(
        AccountName(account)
        for (account,) in state.all("SELECT account FROM calendars UNION SELECT account FROM sightings")
    )


def vetoes(state: Readable) -> frozenset[Veto]:
    """Return what the owner told to ignore."""
    rows = state.all("SELECT meeting, uid FROM vetoes")
    return frozenset(Veto(MeetingId(meeting), Uid(uid) if uid != _ANYBODY else None) for meeting, uid in rows)


def ignore(tx: Transaction, veto: Veto, at: datetime) -> None:
    """Remember that a meeting does not count."""
    tx.run("INSERT INTO vetoes VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (*_columns(veto), time_text(at)))
    _changed(tx)


def count_again(tx: Transaction, veto: Veto) -> None:
    """Forget that a meeting does not count."""
    tx.run("DELETE FROM vetoes WHERE meeting = ? AND uid = ?", _columns(veto))
    _changed(tx)


def rename_account(tx: Transaction, old: AccountName, new: AccountName) -> None:
    """Give an account another name in every sighting."""
    for table in _TABLES:
        tx.run(f"UPDATE {table} SET account = ? WHERE account = ?", (new, old))  # noqa: S608  # our own table names
    _changed(tx)


def remove_account(tx: Transaction, account: AccountName) -> None:
    """Forget the meetings of an account."""
    for table in _TABLES:
        tx.run(f"DELETE FROM {table} WHERE account = ?", (account,))  # noqa: S608  # our own table names
    _changed(tx)


_TABLES = ("calendars", "sightings")


def _columns(veto: Veto) -> tuple[str, str]:
    return veto.meeting, _ANYBODY if veto.uid is None else veto.uid


def _span(window: Window, *, keep_titles: bool) -> str:
    """Return a name of what was asked for and how it is read."""
    zone = getattr(window.zone, "key", None) or str(window.zone)
    return f"{_READER} {window.start.isoformat()} {window.end.isoformat()} {zone} {'titles' if keep_titles else ''}"


def _etags(state: Readable, calendar: CalendarId) -> dict[RemoteId, Etag]:
    rows = state.all("SELECT source, etag FROM sightings WHERE account = ? AND calendar = ? AND settled", calendar)
    return {RemoteId(source): Etag(etag) for source, etag in rows}


def _store_part(tx: Transaction, calendar: CalendarId, sent: dict[RemoteId, list[Sighting]]) -> None:
    for source, sightings in sent.items():
        _put(
            tx,
            calendar,
            source,
            Etag(""),
            _overlaid(_stored(tx, calendar, source, settled=False), sightings),
            settled=False,
        )


def _kept(
    tx: Transaction, calendar: CalendarId, source: RemoteId, sent: Sequence[Sighting], window: Window | None
) -> list[Sighting]:
    """Return what a record is known by: what was sent, and what was known that the read does not speak of.

    `window` is None where the record is not understood whole: then the read speaks of nothing else.
    """
    known_before = _stored(tx, calendar, source, settled=True)
    beyond = [one for one in known_before if window is None or not is_within(one.event.when, window)]
    return _overlaid(beyond, sent)


def _overlaid(under: Iterable[Sighting], over: Sequence[Sighting]) -> list[Sighting]:
    told = {(one.event.uid, one.event.occurrence) for one in over}
    return [*(one for one in under if (one.event.uid, one.event.occurrence) not in told), *over]


def _stored(tx: Transaction, calendar: CalendarId, source: RemoteId, *, settled: bool) -> list[Sighting]:
    sql = "SELECT packed FROM sightings WHERE account = ? AND calendar = ? AND source = ? AND settled = ?"
    rows = tx.all(sql, (*calendar, source, settled))
    return [one for (packed,) in rows for one in _unpacked(packed, *calendar, source)]


def _put(
    tx: Transaction,
    calendar: CalendarId,
    source: RemoteId,
    etag: Etag,
    sightings: Sequence[Sighting],
    *,
    settled: bool = True,
) -> None:
    if sightings or etag:
        row = (*calendar, source, settled, etag, _packed(sightings))
        tx.run("INSERT OR REPLACE INTO sightings VALUES (?, ?, ?, ?, ?, ?)", row)
    else:
        sql = "DELETE FROM sightings WHERE account = ? AND calendar = ? AND source = ? AND settled = ?"
        tx.run(sql, (*calendar, source, settled))
    _changed(tx)


def _renew(tx: Transaction, calendar: CalendarId, etags: dict[RemoteId, Etag], before: dict[RemoteId, Etag]) -> None:
    """Keep the new etags of records that hold what they held."""
    tx.run_each(
        "UPDATE sightings SET etag = ? WHERE account = ? AND calendar = ? AND source = ? AND settled",
        [(etag, *calendar, source) for source, etag in etags.items() if etag and before.get(source) != etag],
    )


def _finish(tx: Transaction, calendar: CalendarId, span: str, cursor: Cursor | None, *, recount: bool) -> None:
    sql = "SELECT span, cursor FROM calendars WHERE account = ? AND calendar = ?"
    if recount or tx.all(sql, calendar) != [(span, cursor)]:
        row = (*calendar, span, cursor, *_count(tx, calendar))
        tx.run("INSERT OR REPLACE INTO calendars VALUES (?, ?, ?, ?, ?, ?)", row)
        _changed(tx)


def _count(tx: Transaction, calendar: CalendarId) -> Counts:
    """Count the events that are remembered, and those that have attendees."""
    sql = "SELECT packed FROM sightings WHERE account = ? AND calendar = ? AND settled"
    groups = [group for (packed,) in tx.all(sql, calendar) for group in _groups(packed)]
    return Counts(
        events=sum(len(occurrences) for _, occurrences in groups),
        with_attendees=sum(len(occurrences) for details, occurrences in groups if details["attendees"]),
    )


def _changed(tx: Transaction) -> None:
    set_meta(tx, _VERSION, str(int(version(tx)) + 1))


def _counting(state: Readable) -> set[CalendarId] | None:
    """Return the calendars that count; None for all."""
    named = _named(state)
    return named if named <= _read_once(state) else None


def _named(state: Readable) -> set[CalendarId]:
    pairs: list[tuple[str, str]] = json.loads(get_meta(state, _NAMED) or "[]")
    return {CalendarId(AccountName(account), CalendarName(calendar)) for account, calendar in pairs}


def _read_once(state: Readable) -> set[CalendarId]:
    rows = state.all("SELECT account, calendar FROM calendars")
    return {CalendarId(AccountName(account), CalendarName(calendar)) for account, calendar in rows}


def _packed(sightings: Sequence[Sighting]) -> bytes:
    """Return sightings as a list of groups: what many occurrences have in common, and what each has of its own."""
    groups: dict[str, _Group] = {}
    for one in sightings:
        details = _details(one.event)
        group = groups.setdefault(repr(details), (details, []))
        start, end = one.event.when.start, one.event.when.end
        group[1].append((one.event.occurrence, _moment_text(start), _moment_text(end), one.id, one.likeness))
    return pack_document(list(groups.values()))


def _details(event: Event) -> _Details:
    return {
        "uid": event.uid,
        "title": event.title,
        "status": event.status,
        "is_draft": event.is_draft,
        "kind": event.kind,
        "availability": event.availability,
        "is_private": event.is_private,
        "organizer": event.organizer,
        "attendees": [(one.address, one.response, one.kind, one.is_optional) for one in event.attendees],
        "attendees_complete": event.attendees_complete,
        "own_response": event.own_response,
    }


def _unpacked(packed: bytes, account: AccountName, calendar: CalendarName, source: RemoteId) -> Iterator[Sighting]:
    """Yield the sightings of a record; of one that is damaged none, until it is read again."""
    for details, occurrences in _groups(packed):
        attendees = tuple(
            Attendee(address, Response(response), AttendeeKind(kind), is_optional)
            for address, response, kind, is_optional in details["attendees"]
        )
        for occurrence, start, end, meeting, likeness in occurrences:
            event = Event(
                uid=EventUid(details["uid"]),
                occurrence=Occurrence(occurrence),
                account=account,
                calendar=calendar,
                source=source,
                when=_when(start, end),
                title=details["title"],
                status=Status(details["status"]),
                is_draft=details["is_draft"],
                kind=Kind(details["kind"]),
                availability=Availability(details["availability"]),
                is_private=details["is_private"],
                organizer=details["organizer"],
                attendees=attendees,
                attendees_complete=details["attendees_complete"],
                own_response=Response(details["own_response"]),
            )
            yield Sighting(MeetingId(meeting), likeness, event)


def _groups(packed: bytes) -> list[_Group]:
    """Return what a row holds; nothing if it is damaged."""
    groups: list[_Group] | None = unpack_document(packed)
    return groups or []


def _moment_text(moment: datetime | date) -> str:
    return moment.astimezone(UTC).isoformat() if isinstance(moment, datetime) else moment.isoformat()


def _when(start: str, end: str) -> Timed | AllDay:
    if "T" in start:
        return Timed(datetime.fromisoformat(start), datetime.fromisoformat(end))
    return AllDay(date.fromisoformat(start), date.fromisoformat(end))
