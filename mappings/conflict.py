"""A conflict is a value: who, which field, what every side says, what they last agreed on.

It holds its own field and nothing else; the person's other fields go on.

What the owner decides is a value too, and says of which state of the sides it was said: a choice names the conflict that
he saw, a standstill what every side said. So a decision means nothing any more once a side has changed again. A
standstill has the name of a conflict of its sides, so that one that he put back can be chosen for, too.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NewType

from mappings.person import FieldName, Uid, Value
from mappings.record import AccountName, NoteHash

ConflictId = NewType("ConflictId", str)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Several sides changed one field differently.

    `theirs` and `bases` are by account; an account without a base for the field is missing in `bases`.
    `settled_by` is empty while the owner is asked; else it names the rule that chose `chosen`. `returned` are the sides
    (accounts, or `note`) whose value is doubted, because it came back soon after a write of ours (`mappings.returns`).
    """

    uid: Uid
    field: FieldName
    ours: Value
    theirs: Mapping[AccountName, Value]
    bases: Mapping[AccountName, Value]
    settled_by: str
    chosen: Value
    returned: tuple[str, ...]

    @property
    def id(self) -> ConflictId:
        """The same for the same clash in every run, different as soon as a side changes again."""
        return _id_of(self.uid, self.field, self.ours, self.theirs)


@dataclass(frozen=True, slots=True)
class Standstill:
    """One field of one person that the owner has put back: it stays as it is while all sides say what they said then.

    `theirs` is by account, as each account can hold it. The owner may settle it like a clash of just these sides.
    """

    uid: Uid
    field: FieldName
    ours: Value
    theirs: Mapping[AccountName, Value]

    @property
    def id(self) -> ConflictId:
        """That of a clash of the same sides: what the owner chooses for it is chosen for this state of them only."""
        return _id_of(self.uid, self.field, self.ours, self.theirs)

    def as_clash(self, bases: Mapping[AccountName, Value]) -> Conflict:
        """Return its sides as a clash that nobody has settled; `bases` are what the links agree on now, by account."""
        return Conflict(
            self.uid, self.field, self.ours, self.theirs, bases, settled_by="", chosen=self.ours, returned=()
        )


@dataclass(frozen=True, slots=True)
class Bare:
    """A person whose uid an undo took out again: the note, and the contacts of `accounts`, are not given it.

    Until the note changes: `note_hash` is what it was then.
    """

    note_hash: NoteHash
    accounts: frozenset[AccountName]


@dataclass(frozen=True, slots=True)
class Decided:
    """What the owner has decided.

    The values he chose, by the conflict that he saw; the fields that stand still; who is to be without a uid.
    """

    choices: Mapping[ConflictId, Value]
    standstills: Mapping[tuple[Uid, FieldName], Standstill]
    bare: Mapping[Uid, Bare]


UNDECIDED = Decided({}, {}, {})


def _id_of(uid: Uid, field: FieldName, ours: Value, theirs: Mapping[AccountName, Value]) -> ConflictId:
    sides = "\x1f".join(f"{account}={value!r}" for account, value in sorted(theirs.items()))
    text = "\x1e".join((uid, field, repr(ours), sides))
    return ConflictId(hashlib.blake2s(text.encode(), digest_size=4).hexdigest())
