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

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from connectors.memory import Entry
from daemon import conflicts, links
from daemon.conflicts import KeptConflict
from mappings.fields import texts
from mappings.operation import Parting
from mappings.person import FieldName, Uid
from mappings.record import AccountName, NotePath, RemoteId
from mappings.world import LinkState
from simulation import notetext, values, whereabouts
from simulation.hand import Hand
from simulation.ledger import Keys, Ledger, Side, fields_of_note, fields_of_record
from simulation.notetext import Illegible
from simulation.values import TYPED
from simulation.world import World


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was not kept, in words."""

    rule: str
    words: str


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
        if before is not None and after is not None:
            self._judge_update(account, remote_id, before, after)
        elif after is not None:
            self._judge_creation(account, remote_id, after)
        elif before is not None:
            self._judge_deletion(account, remote_id)

    def after_cycle(self, *, calm: bool) -> None:
        """Judge the conflicts that a cycle has found; then, if nothing disturbed it, take down who agrees."""
        kept = conflicts.all_conflicts(self.world.state)
        if len(kept) < self._judged:
            self._find("dropped", f"{self._judged - len(kept)} conflicts are gone")
        by_uid = {(link.uid, link.account): link for link in links.links(self.world.state)}
        for conflict in kept[self._judged :]:
            self._judge_conflict(conflict, by_uid)
        self._judged = len(kept)
        self._forget_parted(by_uid)
        if calm:
            for link in by_uid.values():
                self._take_down(link)

    def state_lost(self) -> None:
        """Expect an empty log."""
        self._judged = 0

    def at_rest(self) -> None:
        """Judge the end of a history."""
        self._judge_pairs()
        self._judge_bases()
        self._judge_losses()
        self._judge_doubles()
        self._judge_partings()
        self._judge_questions()

    def _find(self, rule: str, words: str) -> None:
        self.violations.append(Violation(rule, words))

    def _count(self, name: str) -> None:
        self.residue[name] = self.residue.get(name, 0) + 1

    def _judge_update(self, account: AccountName, remote_id: RemoteId, before: Entry, after: Entry) -> None:
        if before.extra != after.extra:
            self._find("bytes", f"{account} {remote_id}: its own data changed")
        if before.uid not in {None, after.uid}:
            self._find("bytes", f"{account} {remote_id}: its uid changed")
        if (account, remote_id) in self.hand.poisoned:
            self._find("bytes", f"{account} {remote_id}: written although nobody understands it")
        for name in ("given_name", "family_name", "tags", "addresses", "aliases", "next_meeting"):
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
        uid = next(
            (one.uid for one in links.links(self.world.state) if (one.account, one.remote_id) == (account, remote_id)),
            None,
        )
        if not self.world.nature.delete_with_note or uid is None or not self._note_was_deleted(uid):
            self._find("deleted", f"{account} {remote_id}: deleted, though nobody deleted the note")

    def _is_forgotten(self) -> bool:
        # Without a uid in the note, a state that is lost takes the memory of a deletion with it.
        return bool(self.ledger.lost_states) and not self.world.nature.uid_key

    def _note_was_deleted(self, uid: Uid) -> bool:
        path = links.path_of(self.world.state, uid)
        return uid in self.ledger.deleted_uids or path in self.ledger.deleted_notes

    def _judge_conflict(self, kept: KeptConflict, by_uid: Mapping[tuple[Uid, AccountName], LinkState]) -> None:
        conflict = kept.conflict
        fresh: set[Keys] = set()
        met: set[Keys] = set()
        path = links.path_of(self.world.state, conflict.uid)
        for account, value in conflict.theirs.items():
            link = by_uid.get((conflict.uid, account))
            if link is None or path is None:
                return
            agreed = self.ledger.agreed[account, link.remote_id][conflict.field]
            held = self.ledger.held[path][conflict.field] & self.ledger.held[account, link.remote_id][conflict.field]
            for side in (values.keys(texts(value)), values.keys(texts(conflict.ours))):
                fresh |= {side} if _is_fresh(side, agreed) else set()
                met |= {side} if _is_fresh(side, held) else set()
        if len(fresh) < 2:
            if self.world.nature.fussy:
                self._count("conflict over an account's own spelling")
            else:
                self._find("spurious", f"{conflict}")
        elif len(met) < 2:
            self._count("conflict after a write whose outcome was not learnt")

    def _forget_parted(self, by_uid: Mapping[tuple[Uid, AccountName], LinkState]) -> None:
        bound = {(link.account, link.remote_id) for link in by_uid.values()}
        for side in [side for side in self.ledger.agreed if side not in bound]:
            self.ledger.part(side)

    def _take_down(self, link: LinkState) -> None:
        pair = self._pair(link)
        if pair is not None:
            for name in TYPED:
                ours, theirs = (values.keys(said[name]) for said in pair)
                if ours == theirs:
                    self.ledger.agreed[link.account, link.remote_id][name].add(ours)

    def _pair(self, link: LinkState) -> tuple[notetext.Fields, notetext.Fields] | None:
        path = links.path_of(self.world.state, link.uid)
        file = self.world.vault.files.get(path) if path is not None else None
        entry = self.world.books[link.account].all_entries.get(link.remote_id)
        if path is None or file is None or entry is None or entry.unreadable:
            return None
        said = fields_of_note(path, file.content)
        return None if said is None else (said, fields_of_record(entry))

    def _judge_pairs(self) -> None:
        asked = {(one.conflict.uid, one.conflict.field) for one in conflicts.open_conflicts(self.world.state)}
        held = conflicts.holds_since(self.world.state)
        for link in links.links(self.world.state):
            path, pair = links.path_of(self.world.state, link.uid), self._pair(link)
            if pair is None or path is None:
                continue
            for name in TYPED:
                ours, theirs = (values.keys(said[name]) for said in pair)
                is_held = any(one.subject == path and one.kind in {"", name} for one in held)
                if ours != theirs and (link.uid, name) not in asked and not is_held:
                    self._find(
                        "agree",
                        f"{path} and {link.account} {link.remote_id}: {name} {pair[0][name]} != {pair[1][name]}",
                    )
                elif ours == theirs and (link.uid, name) not in asked and not is_held:
                    self._judge_undone(link, path, name, ours)

    def _judge_undone(self, link: LinkState, path: NotePath, name: FieldName, common: Keys) -> None:
        logged = {
            key
            for one in conflicts.all_conflicts(self.world.state)
            if (one.conflict.uid, one.conflict.field) == (link.uid, name)
            for value in (one.conflict.ours, *one.conflict.theirs.values())
            for key in values.keys(texts(value))
        }
        sides: list[Side] = [path, *((one.account, one.remote_id) for one in self._living_links(link.uid))]
        for key in common - logged:
            if self.ledger.was_undone(key, (link.account, link.remote_id), sides):
                self._find("undone", f"{path} {name}: {key} came back, though somebody replaced or cleared it")

    def _living_links(self, uid: Uid) -> list[LinkState]:
        """Return a person's links to records that are there: an edit that nobody saw goes with what it was made in."""
        return [
            link
            for link in links.links(self.world.state)
            if link.uid == uid and link.remote_id in self.world.books[link.account].all_entries
        ]

    def _judge_bases(self) -> None:
        for link in links.links(self.world.state):
            path = links.path_of(self.world.state, link.uid)
            for name in TYPED:
                if name not in link.base or path is None:
                    continue
                base = values.keys(texts(link.base[name]))
                for side in (path, (link.account, link.remote_id)):
                    if base not in self.ledger.held[side][name]:
                        self._find("base", f"{side}: {name} never said {link.base[name]!r}")

    def _judge_losses(self) -> None:
        written = whereabouts.everything(self.world)
        for typed in self.ledger.typed:
            key = values.key(typed.text)
            if key not in written and key not in self.ledger.overwritten and key not in self.ledger.gone:
                self._find("lost", f"{typed.field} {typed.text!r}, typed at {typed.side} ({typed.moment})")

    def _judge_doubles(self) -> None:
        for account, book in self.world.books.items():
            seen: set[str] = set()
            for remote_id, entry in book.all_entries.items():
                if entry.uid in seen:
                    self._find("double", f"{account} {remote_id}: a second record of {entry.uid}")
                seen |= {entry.uid} if entry.uid is not None else set()

    def _judge_partings(self) -> None:
        rows = self.world.state.all("SELECT account, uid, remote_id, reason FROM tombstones")
        for account, uid, remote_id, reason in rows:
            if reason == Parting.NOTE_DELETED and not self._note_was_deleted(uid):
                self._find("deleted", f"{uid} was parted from {account} {remote_id}: no note was deleted")
            if reason == Parting.RECORD_DELETED and (account, remote_id) not in self.ledger.deleted_records:
                self._find("deleted", f"{uid} was parted from {account} {remote_id}: it was not deleted")

    def _judge_questions(self) -> None:
        innocent = not (self.ledger.doubtful or self.ledger.deleted_notes or self.ledger.deleted_records)
        if not innocent or self.ledger.lost_states:
            return
        bound = {(link.account, link.uid) for link in links.links(self.world.state)}
        asked: set[tuple[AccountName, Uid]] = set()
        for question in conflicts.link_questions(self.world.state):
            asked.add((question.account, question.uid))
            if not self._has_namesake(question.account, question.uid):
                self._find("unasked", f"{question.path}, {question.account}: {question.detail}")
        for uid, path in links.people(self.world.state).items():
            for account in self.world.books:
                if (account, uid) not in bound | asked and path in self.world.vault.files:
                    self._find("agree", f"{path} has no record in {account}")

    def _has_namesake(self, account: AccountName, uid: Uid) -> bool:
        """Tell whether there is a contact of the same name which nobody is linked to."""
        path = links.path_of(self.world.state, uid)
        said = fields_of_note(path, self.world.vault.files[path].content) if path in self.world.vault.files else None
        bound = {link.remote_id for link in links.links(self.world.state) if link.account == account}
        free = [entry for remote_id, entry in self.world.books[account].all_entries.items() if remote_id not in bound]
        return said is not None and any((entry.person.name,) == said["name"] for entry in free)


def _is_fresh(side: Keys, common: set[Keys]) -> bool:
    """Tell whether a side left what was in common; nobody types a blank, so it is fresh wherever it was not always so."""
    return side not in common or (not side and len(common) > 1)


def broken_rules(violations: list[Violation]) -> Iterator[str]:
    """Yield the names of the rules that were broken, each once."""
    yield from dict.fromkeys(violation.rule for violation in violations)
