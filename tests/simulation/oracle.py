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
- `answered` nothing is written of a field that an old copy was put back over, until a side says otherwise
- `unasked` nobody waits for an answer without a cause
- `dates` where nobody else ever wrote one, the last contact is what the calendars make it by its definition
- `error` the program ends with nothing but the errors that it declares
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.memory import Entry
from daemon import conflicts, links
from daemon.conflicts import KeptConflict
from mappings.conflict import Conflict
from mappings.fields import FIELDS, texts
from mappings.person import Uid
from mappings.record import AccountName, NotePath, RemoteId
from mappings.world import LinkState
from simulation import notetext, values
from simulation.hand import Hand
from simulation.ledger import Keys, Ledger, Said, Side, fields_of_note, fields_of_record, pair_of
from simulation.notetext import Illegible
from simulation.values import TYPED
from simulation.violation import Violation
from simulation.world import BEGINNING, World

_AT_HOME = tuple(name for name, row in FIELDS.items() if not row.held_by)


@dataclass(slots=True)
class Oracle:
    """One history's judge: `violations` are final, `residue` counts what is known to be unavoidable, by its name."""

    world: World
    ledger: Ledger
    hand: Hand
    violations: list[Violation]
    residue: dict[str, int]
    cycle_began: datetime = BEGINNING
    _judged: int = 0
    _waiting: tuple[tuple[Conflict, dict[Side, Keys]], ...] = ()

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
        self.ledger.program_wrote(path, said, says, self.world.now)
        for uid, where in links.people(self.world.state).items():
            if where == path:
                self._judge_answers(uid, path, said, says)
        if says["last_contact"] != said["last_contact"]:
            self._judge_date(path, said["emails"], "".join(says["last_contact"]))
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
            fields = fields_of_record(before), fields_of_record(after)
            self.ledger.program_wrote((account, remote_id), *fields, self.world.now)
            if (uid := self._linked_uid(account, remote_id)) is not None:
                self._judge_answers(uid, (account, remote_id), *fields)
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
        waiting = (one.conflict for one in conflicts.open_conflicts(self.world.state))
        self._waiting = tuple((conflict, self._asked(conflict)) for conflict in waiting if conflict.returned)
        self._forget_parted(by_uid)
        if calm:
            for link in by_uid.values():
                self._take_down(link)

    def state_lost(self) -> None:
        """Expect an empty log."""
        self._judged, self._waiting = 0, ()

    def _judge_date(self, path: NotePath, addresses: Sequence[str], date: str) -> None:
        """Judge a last contact that the program writes."""
        if not self.world.nature.calendars or self.hand.has_word(path):
            return
        expected = {self.world.last_contact(addresses, at) for at in (self.cycle_began, self.world.now)}
        if date not in expected:
            self._find("dates", f"{path}: last contact {date!r}, by its definition {sorted(expected)}")

    def _find(self, rule: str, words: str) -> None:
        self.violations.append(Violation(rule, words))

    def _count(self, name: str) -> None:
        self.residue[name] = self.residue.get(name, 0) + 1

    def _asked(self, conflict: Conflict) -> dict[Side, Keys]:
        """Return what every side of a conflict says that is open."""
        asked: dict[Side, Keys] = {}
        if (path := links.path_of(self.world.state, conflict.uid)) is not None:
            asked[path] = values.keys(texts(conflict.ours))
        for link in links.links(self.world.state):
            if link.uid == conflict.uid:
                # One that has no part in the conflict says what the note does.
                says = conflict.theirs.get(link.account, conflict.ours)
                asked[link.account, link.remote_id] = values.keys(texts(says))
        return asked

    def _judge_answers(self, uid: Uid, side: Side, before: Said, after: Said) -> None:
        """Expect that nothing is written of a field that an old copy was put back over, until a side says otherwise."""
        for conflict, asked in self._waiting:
            name = conflict.field
            if conflict.uid == uid and values.keys(before[name]) != values.keys(after[name]):
                now = [(before if one == side else self._said(one), keys) for one, keys in asked.items()]
                # A copy that takes a record's place says by itself what the record said.
                is_copied = any((account, uid) in self.ledger.copied_uids for account in conflict.theirs)
                is_bound = len(asked) > len(conflict.theirs) and not is_copied
                if is_bound and all(said is not None and values.keys(said[name]) == keys for said, keys in now):
                    self._find("answered", f"{side}: {name} written, though nobody answered {conflict}")

    def _said(self, side: Side) -> Said | None:
        if isinstance(side, tuple):
            entry = self.world.books[side[0]].all_entries.get(side[1])
            return None if entry is None else fields_of_record(entry)
        file = self.world.vault.files.get(side)
        return None if file is None else fields_of_note(side, file.content)

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
        elif self.ledger.touched.get((account, remote_id), -1) >= self._deleted_at(uid):
            self._find("deleted", f"{account} {remote_id}: deleted, though somebody has touched it since")

    def _deleted_at(self, uid: Uid) -> int:
        path = links.path_of(self.world.state, uid)
        return max(self.ledger.deleted_at.get(one, 0) for one in (uid, path or ""))

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
        if conflict.returned:
            self._judge_doubt(conflict, by_uid)
            return
        if self.world.nature.calendars and conflict.field == "last_contact":
            self._judge_words(conflict)
            return
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
        if len(fresh) < 2 and not self._is_put_back(conflict, by_uid):
            if self.world.nature.fussy:
                self._count("conflict over an account's own spelling")
            elif conflict.returned:
                self._count("edit that may be an older copy's")
            else:
                self._find("spurious", f"{conflict}")
        elif len(met) < 2:
            self._count("conflict after a write whose outcome was not learnt")

    def _is_put_back(self, conflict: Conflict, by_uid: Mapping[tuple[Uid, AccountName], LinkState]) -> bool:
        """Tell whether old copies were saved here long after; whoever did that counts as having typed them."""
        sides: set[Side | None] = {links.path_of(self.world.state, conflict.uid)}
        sides |= {(one.account, one.remote_id) for one in by_uid.values() if one.uid == conflict.uid}
        return any((side, conflict.field) in self.ledger.put_back for side in sides if side is not None)

    def _judge_doubt(self, conflict: Conflict, by_uid: Mapping[tuple[Uid, AccountName], LinkState]) -> None:
        """Expect that what is doubted was once overwritten by the program; best that an old copy was saved there."""
        for who in conflict.returned:
            link = by_uid.get((conflict.uid, AccountName(who)))
            side = (
                (AccountName(who), link.remote_id)
                if link is not None
                else links.path_of(self.world.state, conflict.uid)
            )
            # A copy that is kept in a record's place is an old one as well.
            is_copied = (AccountName(who), conflict.uid) in self.ledger.copied_uids
            if side is None or is_copied or (side, conflict.field) in self.ledger.put_back:
                continue
            if self.ledger.was_asked_for_cause(side, conflict.field):
                self._count("conflict over a value that somebody changed back")
            elif self.world.nature.fussy:
                self._count("conflict over an account's own spelling")
            else:
                self._find("spurious", f"{conflict}")

    def _judge_words(self, conflict: Conflict) -> None:
        """Judge a conflict over a last contact: what the calendars gave is nobody's word, and gives way to one."""
        words = {typed.text for typed in self.ledger.typed if typed.field == "last_contact"} | {""}
        if len(conflict.theirs) == 1 and not words.issuperset(texts(conflict.ours)):
            self._find("spurious", f"{conflict}")

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
