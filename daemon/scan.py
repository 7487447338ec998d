"""The vault as people: which notes are persons, what they say, and who was not seen.

A note whose stat is as it was is not read again, unless the stat was taken too soon after a change to be trusted
(`RACY`), or its daily look is due: replication tools set mtimes, so no stat is believed for ever.

Who is who. A note's uid is the one that it carries. One that carries none (turned off, or not written yet) has the
uid by which its path is remembered; a remembered note that vanished while the very same bytes appeared elsewhere has
moved. Everybody else gets a uid derived from the vault and the path, the same on every machine.

A whole look lists the vault; a partial one (`rescan`) stats only the notes that may have changed, and believes what is
remembered of all others. Only whole looks tell that somebody is gone: a watcher may miss what has become of a note, and
its word would make two looks in a second of what is meant to be minutes. So in a partial look nothing is decided about
whoever was not found; that the note was moved it does see, because the uid or the bytes turn up elsewhere.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2s
from itertools import count
from uuid import UUID, uuid5
from zlib import crc32

from daemon import links, notes
from daemon.codec import pack_reading, unpack_reading
from daemon.errors import CutShort, VaultError, VaultMissing
from daemon.notes import NoteRow
from daemon.report import Trouble, VaultReport
from daemon.setup import Setup
from daemon.state import State, Transaction
from daemon.vault import FileStat, Listing, NoteFile, Problem
from mappings import note as note_lens
from mappings.errors import UnreadableNote
from mappings.person import Person, Uid
from mappings.profiles import is_excluded_path
from mappings.record import NotePath
from mappings.world import LOOKS_BEFORE_ABSENT, AbsentNote, NoteState, Whereabouts

RACY = timedelta(seconds=2)
"""A file changed less than this before it was read may change again within the same timestamp.

Source: Git's "racy" index entries; FAT keeps times of two seconds.
"""

REHASH_EVERY = timedelta(days=1)

_READER = 3
"""Raised whenever notes are read otherwise than before, so that every note is read again."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """The vault's part of the world, and the account of how it was read; `leftovers` are of a run cut short.

    `news` are paths that do not say what they said in the look before, `failed` those that could not be read just now.
    `left` is what the next partial look goes on from.
    `whole` says that the vault was listed, `understood` that all that is listed could be read. `files` are all notes,
    people's or not; `former` is what notes said of people who are not found now, `addresses`
    those in notes that are nobody's.
    """

    notes: tuple[NoteState, ...]
    absent: Mapping[Uid, AbsentNote]
    unreadable_people: frozenset[Uid]
    report: VaultReport
    leftovers: tuple[NotePath, ...]
    news: frozenset[NotePath]
    failed: frozenset[NotePath]
    left: "Left"
    whole: bool
    understood: bool
    files: tuple[NotePath, ...]
    former: tuple[Person, ...]
    addresses: frozenset[str]


@dataclass(frozen=True, slots=True)
class Left:
    """What a look leaves open for the next: notes that were not there or could not be read, and as in `Listing`."""

    unseen: frozenset[NotePath]
    problems: tuple[Problem, ...]
    unread: tuple[Problem, ...]


def never() -> bool:
    """Let a look go on to its end."""
    return False


def scan(setup: Setup, state: State, now: datetime, stopping: Callable[[], bool] = never) -> Scanned:
    """Look at the whole vault, and remember what was read; `stopping` is asked before each note.

    Errors: `VaultMissing`; `CutShort`, and nothing is remembered. A note or folder that cannot be read is in the report, and nobody in it is absent.
    """
    known, listing = notes.rows(state), setup.vault.listing()
    look = _look_at(setup, listing, known, links.people(state), now, stopping)
    return _scanned(setup, state, listing, known, look, whole=True)


def rescan(
    setup: Setup,
    state: State,
    last: Left,
    paths: AbstractSet[NotePath],
    now: datetime,
    stopping: Callable[[], bool] = never,
) -> Scanned:
    """Look at these notes and at those that were not where they were; the rest is as the last look saw it.

    Shapes: `last` was left by the last look, whole or partial.
    Errors: as `scan`.
    """
    known = notes.rows(state)
    asked = {*paths, *last.unseen, *(row.path for row in known.values() if row.missing_looks)}
    seen = setup.vault.look_at(sorted(asked))
    listing = Listing(
        notes=(*(stat_in(row) for row in known.values() if row.path not in asked), *seen.notes),
        problems=(*(one for one in last.problems if one.path not in asked), *seen.problems),
        unread=(*(one for one in last.unread if one.path not in asked), *seen.unread),
        leftovers=(),
    )
    look = _look_at(setup, listing, known, links.people(state), now, stopping)
    return _scanned(setup, state, listing, known, look, whole=False)


def _scanned(
    setup: Setup,
    state: State,
    listing: Listing,
    known: Mapping[NotePath, NoteRow],
    look: "_Look",
    *,
    whole: bool,
) -> Scanned:
    remembered = look.remembered
    waiting = _waiting(look, known, remembered)
    found = _people(setup, look.rows, known, remembered)
    people = [note for note in found if note.uid not in waiting]
    carried = {note.uid for note in people}
    lost = {uid: path for uid, path in remembered.items() if uid not in carried}
    unreadable = {uid for uid, path in lost.items() if not (whole and _is_absent(uid, path, look, listing, known))}
    gone = {uid: path for uid, path in lost.items() if uid not in unreadable}
    with state.transaction() as tx:
        _remember(tx, look, known, frozenset(lost.values() if not whole else gone.values()))
        if whole:
            notes.count_missing(tx, gone.values())
        if whole and listing.complete:
            notes.drop_rows(tx, known.keys() - look.rows.keys() - look.failed.keys() - set(lost.values()))
        # Of two notes with one uid the one that had it first stays whose it is.
        at_home = {note.uid for note in people if remembered.get(note.uid) == note.path}
        for note in people:
            if note.uid not in at_home:
                links.remember_person(tx, note.uid, note.path)
    absent = {
        uid: AbsentNote(path, known[path].missing_looks + 1, _whereabouts(uid, known[path], look, listing))
        for uid, path in gone.items()
        if path in known
    }
    unseen = known.keys() - {stat.path for stat in listing.notes}
    return Scanned(
        notes=tuple(people),
        absent=absent,
        unreadable_people=frozenset(unreadable),
        report=_report(listing, look, people, _rivals(found, waiting, look, remembered)),
        leftovers=listing.leftovers,
        news=frozenset({*_news(look, known), *(path for path in unseen if not known[path].missing_looks)}),
        failed=frozenset(look.failed),
        left=Left(frozenset({*unseen, *look.failed}), listing.problems, listing.unread),
        whole=whole,
        understood=listing.complete and not look.failed and not any(map(_is_unreadable, look.rows.values())),
        files=tuple(stat.path for stat in listing.notes),
        former=tuple(_former(lost.values(), known)),
        addresses=frozenset(address for row in look.rows.values() for address in row.addresses),
    )


def _is_unreadable(row: NoteRow) -> bool:
    return row.unreadable_reason is not None


def _former(paths: Iterable[NotePath], known: Mapping[NotePath, NoteRow]) -> Iterator[Person]:
    """Yield what notes said, when they were read last, of people who are not found now."""
    for path in paths:
        reading = unpack_reading(packed) if path in known and (packed := known[path].reading) is not None else None
        if reading is not None:
            yield reading.person


def stat_in(row: NoteRow) -> FileStat:
    """Return what the file system said of a note when it was read."""
    return FileStat(row.path, row.device, row.inode, row.size_bytes, row.mtime_ns, row.ctime_ns)


def _news(look: "_Look", known: Mapping[NotePath, NoteRow]) -> Iterator[NotePath]:
    """Yield the notes that say something else than before, or can no longer be read."""
    yield from look.failed
    for row in look.fresh:
        before = known.get(row.path)
        if before is None or (before.note_hash, before.rules_key) != (row.note_hash, row.rules_key):
            yield row.path


@dataclass(frozen=True, slots=True)
class _Look:
    """The rows of all notes that are there, those of them that were read just now, and what could not be.

    `remembered` is where everybody's note was before.
    """

    remembered: Mapping[Uid, NotePath]
    rows: Mapping[NotePath, NoteRow]
    fresh: Sequence[NoteRow]
    failed: Mapping[NotePath, str]


def _look_at(
    setup: Setup,
    listing: Listing,
    known: Mapping[NotePath, NoteRow],
    remembered: Mapping[Uid, NotePath],
    now: datetime,
    stopping: Callable[[], bool],
) -> _Look:
    rules_key = _rules_key(setup)
    rows: dict[NotePath, NoteRow] = {}
    fresh: list[NoteRow] = []
    failed: dict[NotePath, str] = {}
    for stat in listing.notes:
        if stopping():
            raise CutShort("a look at the notes was cut short")
        if is_excluded_path(stat.path, setup.rules.template_folders):
            continue
        row = known.get(stat.path)
        if row is None or not _is_valid(row, stat, rules_key, now):
            try:
                file = setup.vault.read(stat.path)
            except VaultMissing:
                raise
            except VaultError as error:
                failed[stat.path] = error.reason
                continue
            row = _row(setup, file, remembered, rules_key, now)
            fresh.append(row)
        rows[stat.path] = row
    return _Look(remembered, rows, fresh, failed)


def _is_valid(row: NoteRow, stat: FileStat, rules_key: str, now: datetime) -> bool:
    """Tell whether a row speaks of the file as it is; the daily look is spread over a day by the path."""
    due = row.hashed_at + REHASH_EVERY + timedelta(seconds=crc32(row.path.encode()) % REHASH_EVERY.total_seconds() / 2)
    seen = (row.device, row.inode, row.size_bytes, row.mtime_ns, row.ctime_ns)
    return (
        row.trusted
        and seen == (stat.device, stat.inode, stat.size, stat.mtime_ns, stat.ctime_ns)
        and row.rules_key == rules_key
        # A clock that was set back makes the last look lie in the future; then the next one is due as well.
        and row.hashed_at <= now < due
    )


def remember_made(tx: Transaction, setup: Setup, file: NoteFile, uid: Uid, now: datetime) -> None:
    """Remember a note that was just made, as if a look had seen it: if it is deleted before the next, it is missed."""
    row = _row(setup, file, {}, _rules_key(setup), now)
    notes.put_rows(tx, [replace(row, trusted=False)])
    links.remember_person(tx, uid, file.path)


def _row(setup: Setup, file: NoteFile, remembered: Mapping[Uid, NotePath], rules_key: str, now: datetime) -> NoteRow:
    stat = file.stat
    racy_ns = (now - RACY).timestamp() * 1e9
    row = NoteRow(
        path=file.path,
        device=stat.device,
        inode=stat.inode,
        size_bytes=stat.size,
        mtime_ns=stat.mtime_ns,
        ctime_ns=stat.ctime_ns,
        trusted=max(stat.mtime_ns, stat.ctime_ns) < racy_ns,
        note_hash=file.note_hash,
        hashed_at=now,
        rules_key=rules_key,
        uid=None,
        reading=None,
        holdable=frozenset(),
        dated=frozenset(),
        context_date="",
        unwritable="",
        unreadable_line=None,
        unreadable_reason=None,
        missing_looks=0,
        addresses=(),
    )
    try:
        text = note_lens.decode(file.content)
        found = note_lens.read(file.path, text, setup.rules)
    except UnreadableNote as error:
        # Whoever the note is about must not count as absent, wherever the note was moved to before it broke.
        whose = _uid_in(file.content, setup.rules.uid_key, remembered)
        return replace(row, uid=whose, unreadable_line=error.line, unreadable_reason=error.reason)
    if found is None:
        whose = _uid_in(file.content, setup.rules.uid_key, remembered)
        return replace(row, uid=whose, addresses=note_lens.addresses(text, setup.rules))
    return replace(
        row,
        uid=found.reading.uid,
        reading=pack_reading(found.reading),
        holdable=found.holdable,
        dated=found.dated,
        context_date=found.context_date,
        unwritable=found.unwritable,
    )


def _uid_in(content: bytes, uid_key: str, remembered: Mapping[Uid, NotePath]) -> Uid | None:
    """Return the remembered uid that stands in a note which nobody can read, or which is nobody's any more."""
    if not uid_key or not remembered:
        return None
    line = re.search(rb"^" + re.escape(uid_key.encode()) + rb"[ \t]*:[ \t]*[\"']?([^\"'\r\n]+)", content, re.MULTILINE)
    uid = Uid(line[1].decode(errors="replace").strip()) if line is not None else None
    return uid if uid in remembered else None


def _people(
    setup: Setup,
    rows: Mapping[NotePath, NoteRow],
    known: Mapping[NotePath, NoteRow],
    remembered: Mapping[Uid, NotePath],
) -> list[NoteState]:
    """Give every people note its uid; see the module."""
    readings = [(row, unpack_reading(row.reading)) for row in rows.values() if row.reading is not None]
    carried = {reading.uid for _, reading in readings if reading is not None and reading.uid is not None}
    by_path = {path: uid for uid, path in remembered.items() if uid not in carried}
    by_hash = {known[path].note_hash: uid for path, uid in by_path.items() if path in known and path not in rows}
    taken = carried | remembered.keys()
    people: list[NoteState] = []
    for row, reading in sorted(readings, key=lambda pair: pair[0].path):
        if reading is None:
            continue
        uid = reading.uid or by_path.get(row.path) or by_hash.pop(row.note_hash, None)
        if uid is None:
            uid = _derived_uid(setup.vault_id, row.path, taken)
            taken.add(uid)
        people.append(
            NoteState(
                path=row.path,
                note_hash=row.note_hash,
                uid=uid,
                reading=reading,
                holdable=row.holdable,
                dated=row.dated,
                context_date=row.context_date,
                unwritable=row.unwritable,
                refused={},
            )
        )
    return people


def _waiting(look: _Look, known: Mapping[NotePath, NoteRow], remembered: Mapping[Uid, NotePath]) -> AbstractSet[Uid]:
    """Return the people whose note says nothing in this look, and who are not yet to be found elsewhere.

    An editor empties a file before it writes it, or takes it away. A copy with the same uid must not take its place
    meanwhile: what is merged into the copy would look like undone in the note itself. So for one look nobody does, if
    the file is still there, or if the copy was there before: then it is none that was moved. A file that still carries
    the uid, although it is no person's or cannot be read, is never replaced by a copy, whose values may be old.
    """
    carriers = Counter(row.uid for row in known.values())

    def is_first_look(uid: Uid, path: NotePath) -> bool:
        row = look.rows.get(path)
        says_nothing = row.reading is None if row is not None else carriers[uid] > 1
        return says_nothing and path in known and known[path].missing_looks + 1 < LOOKS_BEFORE_ABSENT

    def is_at_home(uid: Uid, path: NotePath) -> bool:
        row = look.rows.get(path)
        return row is not None and row.reading is None and row.uid == uid

    return {
        uid
        for uid, path in remembered.items()
        if path in look.failed or is_first_look(uid, path) or is_at_home(uid, path)
    }


def _rivals(
    found: Sequence[NoteState], waiting: AbstractSet[Uid], look: _Look, remembered: Mapping[Uid, NotePath]
) -> Iterator[Trouble]:
    """Yield the notes that carry the uid of a file which is no person's at present, or cannot be read."""
    for note in found:
        path = remembered.get(note.uid)
        if note.uid in waiting and path is not None and path in look.rows and look.rows[path].uid == note.uid:
            reason = f"carries the uid of {path}, which is no person's note at present; remove it from one of them"
            yield Trouble(note.path, 0, reason)


def _derived_uid(vault_id: UUID, path: NotePath, taken: AbstractSet[Uid]) -> Uid:
    """Return the path's uid; a further one where the note that had this path first has taken it along."""
    names = (path if number == 1 else f"{path}\n{number}" for number in count(1))
    return next(uid for name in names if (uid := Uid(str(uuid5(vault_id, name)))) not in taken)


def _is_absent(uid: Uid, path: NotePath, look: _Look, listing: Listing, known: Mapping[NotePath, NoteRow]) -> bool:
    """Tell whether a remembered person was really not seen: not just unread, nor in a note that cannot be read."""
    if path in look.failed or any(row.uid == uid for row in look.rows.values() if row.unreadable_reason is not None):
        return False
    row = look.rows.get(path)
    if row is not None:
        return row.unreadable_reason is None
    # A link in the place of the note, or of a folder above it, leads to where nobody looks.
    if any(path == one.path or path.startswith(f"{one.path}/") for one in listing.problems):
        return False
    # A new note that cannot be read yet may be anybody's, moved there.
    return listing.complete and look.failed.keys() <= known.keys()


def _whereabouts(uid: Uid, last: NoteRow, look: _Look, listing: Listing) -> Whereabouts:
    """Tell what became of a note in which its person is not found: it may stand in its place, be archived, or a template."""
    row = look.rows.get(last.path)
    nobodys = [row for row in look.rows.values() if row.reading is None]
    if (row is not None and row.reading is None) or any(row.uid == uid for row in nobodys):
        return Whereabouts.NOBODYS
    moved = [stat.path for stat in listing.notes if (stat.device, stat.inode) == (last.device, last.inode)]
    if row is not None or any(path in look.rows and look.rows[path].reading is not None for path in moved):
        return Whereabouts.SOMEBODY_ELSES
    # Nobody's when it was seen last: it stopped being a person before it vanished, and that says nothing of the contact.
    was_nobodys = last.reading is None and last.unreadable_reason is None
    return Whereabouts.NOBODYS if moved or was_nobodys else Whereabouts.GONE


def _remember(tx: Transaction, look: _Look, known: Mapping[NotePath, NoteRow], missed: frozenset[NotePath]) -> None:
    """Store what was read; of notes whose person was missed, fresh but nobody's among them, the count of misses stays."""
    fresh = (replace(row, missing_looks=_looks(known, row)) if row.path in missed else row for row in look.fresh)
    notes.put_rows(tx, fresh)
    notes.found_again(tx, (path for path in look.rows.keys() - missed if path in known and known[path].missing_looks))


def _looks(known: Mapping[NotePath, NoteRow], row: NoteRow) -> int:
    return known[row.path].missing_looks if row.path in known else 0


def _rules_key(setup: Setup) -> str:
    """Return a name of the rules by which notes are read, the same in every process."""
    rules = setup.rules
    created = sorted(rules.profile.created_as.items())
    named = (_READER, rules.profile.name, created, rules.people_globs, rules.uid_key, rules.template_folders)
    return blake2s(repr(named).encode(), digest_size=8).hexdigest()


def _report(listing: Listing, look: _Look, people: Sequence[NoteState], rivals: Iterable[Trouble]) -> VaultReport:
    broken = [
        Trouble(row.path, row.unreadable_line or 0, row.unreadable_reason)
        for row in look.rows.values()
        if row.unreadable_reason is not None
    ]
    unread = [Trouble(path, 0, reason) for path, reason in look.failed.items()]
    odd = [Trouble(NotePath(problem.path), 0, problem.reason) for problem in listing.problems]
    return VaultReport(
        files=len(listing.notes),
        people=len(people),
        read=len(look.fresh),
        troubles=(*broken, *unread, *odd, *rivals),
        incomplete="; ".join(f"{problem.path}: {problem.reason}" for problem in listing.unread),
    )
