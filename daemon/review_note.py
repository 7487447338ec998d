"""The review inside the vault: open conflicts and doubtful links as a note with boxes to tick, on a phone as well.

Ticks are taken in before a plan is made, and become the same choices that the commands remember; the note is written
after a run, only if it asks something else than before. It is never a person's note, and an edit of it that arrives
while we write is never lost: it is read by the next run.
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime

from daemon import conflicts, deciding, linking
from daemon.deciding import NoSuchChoice, Take, TakeBoth, TakeNote, TakeRemote
from daemon.errors import NoteChanged, VaultError, VaultMissing
from daemon.linking import NoSuchLink, Waiting
from daemon.links import people
from daemon.render import field_name, value
from daemon.report import Trouble
from daemon.setup import Setup
from daemon.state import Readable, State
from mappings.conflict import Conflict
from mappings.person import Person
from mappings.record import NotePath
from mappings.review_note import Asked, Box, Choice, QuestionId, rendered, ticked

ASKED_MAX = 100
"""More questions than this in one note help nobody; the rest follow as these are answered."""

_CANDIDATES_MAX = 9
_NOTE, _BOTH, _NEW, _NOBODY = Choice("n"), Choice("b"), Choice("w"), Choice("x")


def take_answers(setup: Setup, state: State, now: datetime) -> None:
    """Remember what was ticked since the note was written; what does not fit any more, or is ticked twice, is left."""
    if setup.review_note is None:
        return
    text = _text(setup, setup.review_note)
    if text is None:
        return
    answers = {question: marks[0] for question, marks in ticked(text).items() if len(marks) == 1}
    if not answers:
        return
    for kept in conflicts.open_conflicts(state):
        choice = answers.get(QuestionId(kept.conflict.id))
        take = None if choice is None else _takes(kept.conflict).get(choice)
        if take is not None:
            deciding.settle(state, kept.conflict, take, now)
    for waiting in linking.waiting(state):
        choice = answers.get(_id_of(waiting))
        if choice is not None:
            _answer(state, waiting, choice)


def keep(setup: Setup, state: Readable) -> Trouble | None:
    """Write the note if it is to say something else than it does; return what stood in the way.

    Errors: `VaultMissing`.
    """
    path = setup.review_note
    if path is None:
        return None
    try:
        _write(setup, path, list(_asked(state))[:ASKED_MAX])
    except VaultMissing:
        raise
    except NoteChanged:
        # It is being edited; the next run asks anew.
        return None
    except VaultError as error:
        return Trouble(path, 0, error.reason)
    return None


def _write(setup: Setup, path: NotePath, asked: list[Asked]) -> None:
    before = _text(setup, path)
    if before is None and not asked:
        return
    after = rendered(before, asked)
    if before is None:
        setup.vault.create(path, after.encode())
    elif after != before:
        setup.vault.replace(path, setup.vault.read(path).note_hash, after.encode())
        setup.vault.settle()


def _text(setup: Setup, path: NotePath) -> str | None:
    """Return what the note says, None if it is not there, or cannot be read now."""
    try:
        return setup.vault.read(path).content.decode("utf-8")
    except VaultMissing:
        raise
    except (VaultError, UnicodeDecodeError):
        return None


def _asked(state: Readable) -> Iterator[Asked]:
    paths = people(state)
    for kept in conflicts.open_conflicts(state):
        conflict = kept.conflict
        about = f"{_name(paths.get(conflict.uid, NotePath(conflict.uid)))}, {field_name(conflict.field)}"
        yield Asked(QuestionId(conflict.id), about, tuple(_boxes(conflict)))
    for waiting in linking.waiting(state):
        question = waiting.question
        about = f"{_name(question.path)}, {question.account}, {question.detail}"
        yield Asked(_id_of(waiting), about, tuple(_link_boxes(waiting)))


def _boxes(conflict: Conflict) -> Iterator[Box]:
    for choice, take in _takes(conflict).items():
        match take:
            case TakeNote():
                yield Box(choice, "note", value(conflict.ours))
            case TakeRemote(account) if account is not None:
                yield Box(choice, account, value(conflict.theirs[account]))
            case _:
                yield Box(choice, "all of them", value(deciding.chosen(conflict, take)))


def _takes(conflict: Conflict) -> Mapping[Choice, Take]:
    takes: dict[Choice, Take] = {_NOTE: TakeNote()}
    takes |= {
        Choice(str(number)): TakeRemote(account) for number, account in enumerate(sorted(conflict.theirs), start=1)
    }
    if deciding.is_list(conflict):
        takes[_BOTH] = TakeBoth()
    return takes


def _link_boxes(waiting: Waiting) -> Iterator[Box]:
    for number, candidate in enumerate(waiting.candidates[:_CANDIDATES_MAX], start=1):
        yield Box(Choice(f"c{number}"), "link to", _described(candidate.person) or candidate.remote_id)
    yield Box(_NEW, "make a new contact", "")
    if waiting.candidates:
        yield Box(_NOBODY, "none of these", "")


def _answer(state: State, waiting: Waiting, choice: Choice) -> None:
    account, uid = waiting.question.account, waiting.question.uid
    try:
        if choice == _NEW:
            linking.ask_for_new(state, account, uid)
        elif choice == _NOBODY:
            for candidate in waiting.candidates:
                linking.tell_apart(state, account, uid, candidate.remote_id)
        elif choice.startswith("c") and choice[1:].isdecimal() and 1 <= int(choice[1:]) <= len(waiting.candidates):
            linking.link(state, account, uid, waiting.candidates[int(choice[1:]) - 1].remote_id)
    except (NoSuchLink, NoSuchChoice):
        # The side has moved on since the note was written; what is doubtful then is asked anew.
        return


def _id_of(waiting: Waiting) -> QuestionId:
    """Return the same for the same doubt about the same contacts, another as soon as one of these is another."""
    question = waiting.question
    text = "\x1f".join((question.account, question.uid, question.kind, *question.candidates))
    return QuestionId(hashlib.blake2s(text.encode(), digest_size=4).hexdigest())


def _described(person: Person | None) -> str:
    if person is None:
        return ""
    parts = (person.name, person.title, person.organization, *person.emails, *person.phones)
    return ", ".join(part for part in parts if part)


def _name(path: NotePath) -> str:
    return path.rpartition("/")[2].removesuffix(".md")
