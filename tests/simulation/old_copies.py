"""Editors and programs that hold an old copy of a note or a record, and save it over what has become of it since.

Whoever saves has seen nothing of what came meanwhile. What a person had put there by hand is lost to it as it would be
without contactd. What contactd had put there lately came from the other side: that it must not take from there as well.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from connectors.memory import Entry
from mappings.fields import value_of
from mappings.person import FieldName, Value
from mappings.record import AccountName, NotePath, RemoteId
from simulation import notetext, values
from simulation.hand import Action, Hand, Unfinished
from simulation.ledger import Said, fields_of_note, fields_of_record
from simulation.values import TYPED

_STEPS = (1, 400)
"""How many steps of the program a copy grows old, at least and at most; a history may end before."""


@dataclass(frozen=True, slots=True)
class OldCopies:
    """What the hand does with old copies."""

    hand: Hand

    def actions(self) -> list[tuple[int, Action]]:
        """Return what is done, and how often each of it."""
        return [(8, self.keep_note_open), (8, self.keep_record)]

    def keep_note_open(self, rng: Random) -> str | None:
        """Open a note in an editor, which will save what it read, perhaps with an edit."""
        path = self.hand.any_note(rng)
        if path is None:
            return None
        buffer, seed = self.hand.world.vault.files[path].content, rng.random()
        self._later(rng, lambda: self._save_note(values.seeded(seed), path, buffer.decode()))
        return f"an editor opens {path}"

    def keep_record(self, rng: Random) -> str | None:
        """Copy a record into a program, which will send it back whole or in part."""
        account, remote_id = self.hand.any_record(rng)
        if remote_id is None:
            return None
        entry, seed = self.hand.world.books[account].all_entries[remote_id], rng.random()
        self._later(rng, lambda: self._send_record(values.seeded(seed), account, remote_id, entry))
        return f"a program copies {account} {remote_id}"

    def _later(self, rng: Random, finish: Callable[[], str]) -> None:
        self.hand.unfinished.append(Unfinished(rng.randint(*_STEPS), True, finish))

    def _save_note(self, rng: Random, path: NotePath, buffer: str) -> str:
        world, ledger = self.hand.world, self.hand.ledger
        if path not in self.hand.notes():
            return f"the editor of {path} closes"
        edited = rng.random() < 0.5
        name, new = self.hand.retyped(rng, path, notetext.read(buffer, path)) if edited else ("name", ())
        text = notetext.write(buffer, name, new) if edited else buffer
        before, after = fields_of_note(path, world.vault.files[path].content), notetext.read(text, path)
        ledger.save_over(path, before or {}, after, world.now, frozenset({name} if edited else ()))
        self.hand.save(rng, path, text)
        return f"an editor saves its old {path}" + (f" with {name}: {', '.join(new) or 'nothing'}" if edited else "")

    def _send_record(self, rng: Random, account: AccountName, remote_id: RemoteId, old: Entry) -> str:
        world, ledger = self.hand.world, self.hand.ledger
        book = world.books[account]
        side = ledger.current((account, remote_id))
        now = book.all_entries.get(RemoteId(side[1]))
        if now is None or now.unreadable:
            return f"the program forgets {account} {remote_id}"
        sent: list[FieldName] = [name for name in TYPED if name != "name"]
        if rng.random() < 0.5:
            sent = rng.sample(sent, 3)
        changes: dict[FieldName, Value] = {name: value_of(old.person, name) for name in sent}
        before = fields_of_record(now)
        said = fields_of_record(old)
        after: Said = {name: said[name] if name in changes else before[name] for name in before}
        ledger.save_over(side, before, after, world.now, frozenset())
        book.edit(RemoteId(side[1]), changes)
        return f"a program sends its old {account} {side[1]}: {', '.join(sent)}"
