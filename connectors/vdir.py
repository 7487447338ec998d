"""Contacts in a folder of .vcf files, one card in each, as vdirsyncer, khard and khal keep them.

The remote id is the file's name. The etag is the hash of its content and, behind a `;`, what the file system said of
it when it was read: as long as it still says that, the file is not read again. It is left out while it could not be
trusted, and writes only go by the hash.

A folder has no feed: every read is complete. A folder that is not there is an account that cannot be reached now,
never one without contacts; a file that cannot be read is there, never removed.

Source: https://vdirsyncer.pimutils.org/en/stable/vdir.html
"""

import os
import re
import stat
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from connectors import files
from connectors.calendar_interface import Calendar
from connectors.errors import Gone, PreconditionFailed, Refused, TryLater
from connectors.file_etag import etag_of, hash_in, hash_of, is_same
from connectors.files import Changed, NotPlain
from connectors.interface import ChangeSet, Contacts, Cursor, Deleted, Unreadable, Written
from connectors.tokens import TokenStore
from mappings import vcard
from mappings.errors import EditRefused, UnreadableRecord
from mappings.event import CalendarName
from mappings.fields import Format
from mappings.operation import CreateRecord, DeleteRecord, RestoreRecord, UpdateRecord
from mappings.person import FieldName, Uid, Value
from mappings.record import AccountName, Etag, Record, RemoteId

SECOND_LOOK_S = 0.05
"""After this a file that was not there is looked for again: some editors move it away before they write it anew."""

_SAFE_UID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+@-]{0,199}")
_CONFLICT_COPY = re.compile(r"\.sync-conflict-|conflicted copy", re.IGNORECASE)
"""How Syncthing, Nextcloud and Dropbox name the loser of two edits."""


@dataclass(frozen=True, slots=True)
class Options:
    """What an account of this connector is configured with: a folder of .vcf files, folders of .ics files."""

    contacts: Path | None = None
    calendars: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        for folder in (self.contacts, *self.calendars):
            if folder is not None and not folder.is_absolute():
                raise ValueError(f"{folder} must begin with / or ~/, since a service is in no folder of the owner's")


def open_contacts(account: AccountName, options: Options, tokens: TokenStore) -> Contacts | None:
    """Return the account's address book, None if it has only calendars. The folder need not be there yet."""
    del tokens
    return None if options.contacts is None else ContactsFolder(account, options.contacts)


def open_calendars(account: AccountName, options: Options, tokens: TokenStore) -> tuple[Calendar, ...]:
    """Return the account's calendars, named by their folders; the folders need not be there yet."""
    del tokens
    if not options.calendars:
        return ()
    # Only here: what reads calendars takes longer to import than all else, and many have none.
    from connectors.vdir_calendar import CalendarFolder  # noqa: PLC0415

    names = [folder.name for folder in options.calendars]
    return tuple(
        CalendarFolder(account, CalendarName(str(folder) if names.count(folder.name) > 1 else folder.name), folder)
        for folder in dict.fromkeys(options.calendars)
    )


_REFUSALS = (NotPlain, EditRefused, UnreadableRecord, PermissionError)
"""What concerns one card only and the owner has to cure."""

_Intent = TypeVar("_Intent", UpdateRecord, DeleteRecord, RestoreRecord)
_Outcome = TypeVar("_Outcome", Written, Deleted, Written | Deleted)


@dataclass(frozen=True, slots=True)
class _Card:
    """A file that holds one card which is understood."""

    content: bytes
    text: str
    record: Record

    @property
    def etag(self) -> Etag:
        return self.record.etag


class ContactsFolder:
    """A folder of .vcf files."""

    def __init__(self, account: AccountName, folder: Path) -> None:
        self.account = account
        self.format = Format.VCARD
        self._folder = folder
        self._swept = False

    def changes(self, since: Cursor | None, known: Mapping[RemoteId, Etag]) -> ChangeSet:
        del since
        with self._opened() as folder_fd:
            listed = _listing(folder_fd)
            # A listing may miss a file that is replaced at that moment (POSIX, readdir); asking for its name does not.
            listed |= {name: status for name in known if name not in listed and (status := _status(folder_fd, name))}
            found = (
                _as_read(_look(folder_fd, name, status))
                for name, status in listed.items()
                if not is_same(status, known.get(name))
            )
            news = [each for each in found if each is not None and each.etag != known.get(each.remote_id)]
        return ChangeSet(
            records=tuple(each for each in news if isinstance(each, Record)),
            removed=tuple(name for name in known if name not in listed),
            unreadable=tuple(each for each in news if isinstance(each, Unreadable)),
            cursor=None,
            complete=True,
            listed=len(listed),
        )

    def read(self, remote_ids: Sequence[RemoteId]) -> Iterator[Record | Unreadable | Gone]:
        for remote_id in remote_ids:
            look = self._look(remote_id) or self._look_again(remote_id)
            yield look.record if isinstance(look, _Card) else look

    def create(self, intents: Sequence[CreateRecord]) -> Iterator[Written | Refused]:
        for intent in intents:
            with self._opened_to_write() as folder_fd:
                outcome = _created(folder_fd, intent)
            yield outcome

    def update(self, intents: Sequence[UpdateRecord]) -> Iterator[Written | PreconditionFailed | Gone | Refused]:
        for intent in intents:
            yield self._written(intent, _updated)

    def delete(self, intents: Sequence[DeleteRecord]) -> Iterator[Deleted | PreconditionFailed | Gone | Refused]:
        for intent in intents:
            yield self._written(intent, _deleted)

    def restore(
        self, intents: Sequence[RestoreRecord]
    ) -> Iterator[Written | Deleted | PreconditionFailed | Gone | Refused]:
        for intent in intents:
            yield self._made_anew(intent) if intent.after is None else self._written(intent, _restored)

    def _made_anew(self, intent: RestoreRecord) -> Written | PreconditionFailed | Refused:
        text = intent.before or ""
        with self._opened_to_write() as folder_fd:
            try:
                record = _record(intent.remote_id, text)
                files.create(folder_fd, intent.remote_id, text.encode())
            except FileExistsError:
                pass
            except _REFUSALS as error:
                return Refused(intent.remote_id, _reason(error))
            else:
                return Written(record, None, text)
        look = self._look(intent.remote_id)
        if isinstance(look, _Card) and look.text == text:
            return Written(look.record, None, look.text)
        return PreconditionFailed(intent.remote_id, "is there again, and is not what it was")

    def _look(self, remote_id: RemoteId) -> _Card | Unreadable | None:
        with self._opened() as folder_fd:
            status = _status(folder_fd, remote_id)
            return None if status is None else _look(folder_fd, remote_id, status)

    def _look_again(self, remote_id: RemoteId) -> _Card | Unreadable | Gone:
        time.sleep(SECOND_LOOK_S)
        return self._look(remote_id) or Gone(remote_id, "no longer in the folder")

    def _written(
        self, intent: _Intent, write: Callable[[int, _Intent, _Card], _Outcome]
    ) -> _Outcome | PreconditionFailed | Gone | Refused:
        """Carry out a write if the card is still what the intent was made from."""
        look = self._look(intent.remote_id) or self._look_again(intent.remote_id)
        if isinstance(look, Gone):
            return look
        if hash_in(look.etag) != hash_in(intent.etag or Etag("")):
            return PreconditionFailed(intent.remote_id, "changed since it was read")
        if isinstance(look, Unreadable):
            return Refused(intent.remote_id, look.reason)
        with self._opened_to_write() as folder_fd:
            try:
                return write(folder_fd, intent, look)
            except (Changed, FileNotFoundError):
                return PreconditionFailed(intent.remote_id, "changed while it was being written")
            except _REFUSALS as error:
                return Refused(intent.remote_id, _reason(error))

    @contextmanager
    def _opened(self) -> Generator[int]:
        """Open the folder; errors that nobody took for one card's are the account's."""
        try:
            with files.opened(self._folder) as folder_fd:
                yield folder_fd
        except FileNotFoundError as error:
            cure = f"create it, mount it, or correct accounts.{self.account}.contacts"
            raise TryLater(f"folder {self._folder} does not exist: {cure}", None) from error
        except OSError as error:
            raise TryLater(f"folder {self._folder}: {_reason(error)}", None) from error

    @contextmanager
    def _opened_to_write(self) -> Generator[int]:
        with self._opened() as folder_fd:
            if not self._swept:
                files.sweep(folder_fd, time.time())
                self._swept = True
            yield folder_fd


def _created(folder_fd: int, intent: CreateRecord) -> Written | Refused:
    name = _name_for(intent.uid)
    try:
        text = vcard.new(intent.person, intent.uid)
        record = _record(name, text)
        files.create(folder_fd, name, text.encode())
    except FileExistsError:
        return _found(folder_fd, name, intent.uid)
    except _REFUSALS as error:
        return Refused(None, _reason(error))
    return Written(record, None, text)


def _found(folder_fd: int, name: RemoteId, uid: Uid) -> Written | Refused:
    """Tell our own card, made by a create whose answer was lost, from somebody else's of the same name."""
    status = _status(folder_fd, name)
    look = None if status is None else _look(folder_fd, name, status)
    if isinstance(look, _Card) and look.record.uid == uid:
        return Written(look.record, None, look.text)
    return Refused(name, f"a file {name} that is not this person's is in its place; rename that one")


def _updated(folder_fd: int, intent: UpdateRecord, card: _Card) -> Written:
    changes: dict[FieldName, Value] = {change.field: change.after for change in intent.changes}
    text = vcard.put(card.text, changes, intent.uid if intent.insert_uid else None)
    if text == card.text:
        return Written(card.record, card.text, card.text)
    record = _record(intent.remote_id, text)
    files.replace(folder_fd, intent.remote_id, card.content, text.encode())
    return Written(record, card.text, text)


def _deleted(folder_fd: int, intent: DeleteRecord, card: _Card) -> Deleted:
    files.remove(folder_fd, intent.remote_id, card.content)
    return Deleted(intent.remote_id, card.text)


def _restored(folder_fd: int, intent: RestoreRecord, card: _Card) -> Written | Deleted:
    if card.text != intent.after:
        raise Changed
    if intent.before is None:
        files.remove(folder_fd, intent.remote_id, card.content)
        return Deleted(intent.remote_id, card.text)
    record = _record(intent.remote_id, intent.before)
    files.replace(folder_fd, intent.remote_id, card.content, intent.before.encode())
    return Written(record, card.text, intent.before)


def _listing(folder_fd: int) -> dict[RemoteId, os.stat_result]:
    """Return every file that might hold a card; one whose name is not UTF-8 has it with escapes."""
    listed: dict[RemoteId, os.stat_result] = {}
    with os.scandir(folder_fd) as entries:
        for entry in entries:
            if not _is_card_name(entry.name):
                continue
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if not stat.S_ISDIR(status.st_mode):
                listed[_id_of(entry.name)] = status
    return listed


def _status(folder_fd: int, remote_id: RemoteId) -> os.stat_result | None:
    if not _is_card_name(remote_id):
        return None
    try:
        return os.stat(remote_id, dir_fd=folder_fd, follow_symlinks=False)
    except (FileNotFoundError, ValueError):
        return None


def _look(folder_fd: int, remote_id: RemoteId, status: os.stat_result) -> _Card | Unreadable | None:
    """Read one card; None if the file has just gone away, which says nothing yet."""
    etag = etag_of("", status)
    if _CONFLICT_COPY.search(remote_id):
        return Unreadable(remote_id, etag, None, "a conflict copy that a file synchroniser made; merge or remove it")
    try:
        file = files.read(folder_fd, remote_id)
    except FileNotFoundError:
        if "\\x" in remote_id:
            return Unreadable(remote_id, etag, None, "its name is not UTF-8; rename the file")
        return None
    except NotPlain as error:
        return Unreadable(remote_id, etag, None, _reason(error))
    except OSError as error:
        # The next read may succeed without any sign of it in the file's status.
        return Unreadable(remote_id, Etag(""), None, _reason(error))
    etag = etag_of(hash_of(file.content), file.status)
    try:
        text = _one_card(file.content)
        return _Card(file.content, text, Record(remote_id, etag, vcard.get(text)))
    except UnreadableRecord as error:
        return Unreadable(remote_id, etag, error.line, error.reason)


def _as_read(look: _Card | Unreadable | None) -> Record | Unreadable | None:
    """Let go of the content, of which a folder with photos has too much to keep."""
    return look.record if isinstance(look, _Card) else look


def _one_card(content: bytes) -> str:
    """Return the text of a file if it can be that of one card."""
    if not content:
        raise UnreadableRecord(None, "empty; perhaps it is just being written")
    text = vcard.decode(content)
    if content.upper().count(b"BEGIN:VCARD") > 1 and len(count := vcard.cards(text)) > 1:
        raise UnreadableRecord(None, f"holds {len(count)} cards; one per file is what other programs read too")
    return text


def _record(remote_id: RemoteId, text: str) -> Record:
    """Return the record of a card about to be written; its file's status will be too young to be trusted."""
    return Record(remote_id, Etag(hash_of(text.encode())), vcard.get(text))


def _name_for(uid: Uid) -> RemoteId:
    """Return `<uid>.vcf`, as other programs name their files, or a hash of the uid where that is no safe name."""
    return RemoteId(f"{uid if _SAFE_UID.fullmatch(uid) else hash_of(uid.encode())}.vcf")


def _is_card_name(name: str) -> bool:
    return name.lower().endswith(".vcf") and not name.startswith(".") and "/" not in name


def _id_of(name: str) -> RemoteId:
    return RemoteId(name if name.isascii() else os.fsencode(name).decode(errors="backslashreplace"))


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
