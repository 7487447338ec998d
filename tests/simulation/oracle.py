"""The oracle: what must hold of a history, whatever happened in it. Judges by the ledger and the sides themselves.

Of the program's state it reads only what the program claims there (links, bases, conflicts, questions, holds), never
how it came to it. Rule names are those of the promises that the program makes:

- `agree` bound sides say the same in every compared field, or a conflict, a hold or a question says why not
- `rest` once nobody does anything, the program stops doing things as well
- `lost` a value that somebody typed is in a note, in a record or in the log of conflicts, unless its owner replaced
  or cleared it where it stood, or deleted what it stood in
- `undone` a value that somebody replaced or cleared where both sides had it does not come back unasked
- `spurious` a conflict needs two sides that left what they last had in common
- `bytes` only mapped values of a note, and only compared fields of a record, are changed by the program
- `deleted` the program ends no link and deletes no record that nobody's deletion explains, and makes none anew
- `double` a person has one record in an account
- `base` a base claims only what both sides have had
- `dropped` what is in the log of conflicts stays there
- `unasked` nobody waits for an answer without a cause
- `error` the program ends with nothing but the errors that it declares
"""

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.memory import Entry
from daemon import conflicts, links
from daemon.conflicts import KeptConflict
from mappings.fields import FIELDS, texts
from mappings.person import Uid
from mappings.record import AccountName, NotePath, RemoteId
from mappings.world import LinkState
from simulation import notetext, values
from simulation.hand import Hand
from simulation.ledger import Keys, Ledger, pair_of
from simulation.notetext import Illegible
from simulation.values import TYPED
from simulation.violation import Violation
from simulation.world import World

_AT_HOME = tuple(name for name, row in FIELDS.items() if not row.held_by)


@dataclass(slots=True)
class Oracle:
    """One history's judge: `violations` are final, `residue` counts what is known to be unavoidable, by its name."""

    world: World
    ledger: Ledger
    hand: Hand
    violations: list[Violation]
    residue: dict[str, int]
    _judged: int = 0

    def note_replaced(self, path: NotePath, before: bytes, after: bytes) -> None:
        """Judge what the program did to a note."""
        self.ledger.see_note(path, after)
        if b"\ntype: meeting\n" in before:
            self._find("bytes", f"{path}: written although it is no person's")
        old, new = before.decode(), after.decode()
        try:
            said, says = notetext.read(old, path), notetext.read(new, path)
            if notetext.skeleton(old) != notetext.skeleton(new):
                self._find("bytes", f"{path}: more than mapped values changed:\n{old}\n=>\n{new}")
            if notetext.uid(old) not in {"", notetext.uid(new)}:
                self._find("bytes", f"{path}: the uid changed")
        except Illegible:
            self._find("bytes", f"{path}: written although it could not be read, or broken by it")
            return
        for name in TYPED:
            if said[name] == says[name] and notetext.pieces(old, name) != notetext.pieces(new, name):
                self._find("bytes", f"{path}: {name} says the same in other characters")

    def record_written(
        self, account: AccountName, remote_id: RemoteId, before: Entry | None, after: Entry | None
    ) -> None:
        """Judge what the program did to a record."""
        if any((one.account, one.remote_id) == (account, remote_id) for one in links.suspended(self.world.state)):
            self._find("bytes", f"{account} {remote_id}: written for a note that is no person's")
        if before is not None and after is not None:
            self._judge_update(account, remote_id, before, after)
        elif after is not None:
            self._judge_creation(account, remote_id, after)
        elif before is not None:
            self._judge_deletion(account, remote_id)

    def after_cycle(self, *, calm: bool) -> None:
        """Judge the conflicts that a cycle has found; then, if nothing disturbed it, take down who agrees."""
        by_uid = {(link.uid, link.account): link for link in links.links(self.world.state)}
        ((count,),) = self.world.state.all("SELECT count(*) FROM conflicts")
        if count < self._judged:
            self._find("dropped", f"{self._judged - count} conflicts are gone")
        elif count > self._judged:
            for conflict in conflicts.all_conflicts(self.world.state)[self._judged :]:
                self._judge_conflict(conflict, by_uid)
        self._judged = count
        self._forget_parted(by_uid)
        if calm:
            for link in by_uid.values():
                self._take_down(link)

    def state_lost(self) -> None:
        """Expect an empty log."""
        self._judged = 0

    def _find(self, rule: str, words: str) -> None:
        self.violations.append(Violation(rule, words))

    def _count(self, name: str) -> None:
        self.residue[name] = self.residue.get(name, 0) + 1

    def _judge_update(self, account: AccountName, remote_id: RemoteId, before: Entry, after: Entry) -> None:
        if before.extra != after.extra:
            self._find("bytes", f"{account} {remote_id}: its own data changed")
        if before.uid not in {None, after.uid} and after.uid != self._linked_uid(account, remote_id):
            self._find("bytes", f"{account} {remote_id}: its uid became another one than that of its note")
        if (account, remote_id) in self.hand.poisoned:
            self._find("bytes", f"{account} {remote_id}: written although nobody understands it")
        for name in ("given_name", "family_name", "tags", "addresses", *_AT_HOME):
            if getattr(before.person, name) != getattr(after.person, name):
                self._find("bytes", f"{account} {remote_id}: {name} changed")

    def _judge_creation(self, account: AccountName, remote_id: RemoteId, after: Entry) -> None:
        if self._is_forgotten():
            return
        key = (account, after.uid or "")
        if key in self.ledger.deleted_record_uids:
            self._find("deleted", f"{account} {remote_id}: made anew for {after.uid}, whose record was deleted")
        self.ledger.created[key] += 1
        if self.ledger.created[key] > 1:
            self._find("double", f"{account} {remote_id}: a further record made for {after.uid}")

    def _judge_deletion(self, account: AccountName, remote_id: RemoteId) -> None:
        uid = self._linked_uid(account, remote_id)
        if not self.world.nature.delete_with_note or uid is None or not self._is_explained(uid):
            self._find("deleted", f"{account} {remote_id}: deleted, though nobody deleted the note")

    def _linked_uid(self, account: AccountName, remote_id: RemoteId) -> Uid | None:
        bound = links.links(self.world.state)
        return next((one.uid for one in bound if (one.account, one.remote_id) == (account, remote_id)), None)

    def _is_forgotten(self) -> bool:
        # Without a uid in the note, a state that is lost takes the memory of a deletion with it.
        return bool(self.ledger.lost_states) and not self.world.nature.uid_key

    def _is_explained(self, uid: Uid) -> bool:
        return self.ledger.note_was_deleted(uid, links.path_of(self.world.state, uid))

    def _judge_conflict(self, kept: KeptConflict, by_uid: Mapping[tuple[Uid, AccountName], LinkState]) -> None:
        conflict = kept.conflict
        fresh: set[Keys] = set()
        met: set[Keys] = set()
        path = links.path_of(self.world.state, conflict.uid)
        for account, value in conflict.theirs.items():
            link = by_uid.get((conflict.uid, account))
            if link is None or path is None:
                return
            record = self.ledger.current((account, link.remote_id))
            agreed = self.ledger.agreed[record][conflict.field]
            held = self.ledger.held[path][conflict.field] & self.ledger.held[record][conflict.field]
            for side in (values.keys(texts(value)), values.keys(texts(conflict.ours))):
                fresh |= {side} if _is_fresh(side, agreed, held) else set()
                met |= {side} if _is_fresh(side, held, held) else set()
        if len(fresh) < 2:
            if self.world.nature.fussy:
                self._count("conflict over an account's own spelling")
            elif conflict.returned:
                self._count("edit that may be an older copy's")
            else:
                self._find("spurious", f"{conflict}")
        elif len(met) < 2:
            self._count("conflict after a write whose outcome was not learnt")

    def _forget_parted(self, by_uid: Mapping[tuple[Uid, AccountName], LinkState]) -> None:
        known = (*by_uid.values(), *links.suspended(self.world.state))
        bound = {self.ledger.current((link.account, link.remote_id)) for link in known}
        for side in [side for side in self.ledger.agreed if side not in bound]:
            self.ledger.part(side)

    def _take_down(self, link: LinkState) -> None:
        path = links.path_of(self.world.state, link.uid)
        pair = pair_of(self.world, path, link) if path is not None else None
        if pair is not None:
            for name in TYPED:
                ours, theirs = (values.keys(said[name]) for said in pair)
                if ours == theirs:
                    self.ledger.agreed[link.account, link.remote_id][name].add(ours)


def _is_fresh(side: Keys, common: set[Keys], held: set[Keys]) -> bool:
    """Tell whether a side left what was in common; nobody types a blank, so it is fresh where both ever held another."""
    return side not in common or (not side and len(held) > 1)
