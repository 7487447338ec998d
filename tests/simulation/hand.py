"""The hands of people: the owner in the vault, the owner or somebody else in the accounts.

Each action is a method that is given its own chances, does something to the world, writes it into the ledger, and
returns what it did in words; None if there is nothing to do it to.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from mappings.fields import FIELDS, Cardinality, texts
from mappings.person import FieldName, Value
from mappings.record import AccountName, NotePath, RemoteId
from simulation import diary_hand, notetext, values, whereabouts
from simulation.ledger import Ledger, Side, Typed, fields_of_note, fields_of_record
from simulation.notetext import Illegible
from simulation.values import MANY, TYPED
from simulation.world import HOME, WORK, World
from worlds import person

Typing = dict[FieldName, tuple[str, ...]]
NOWHERE = NotePath("")
"""Where a value is typed that has no place yet."""

Action = Callable[[Random], str | None]

_PERSONS, _NOBODYS = "type: people\n", "type: meeting\n"
_BROKEN_LINE = "broken: [unclosed\n"

_NOTE = """\
---
type: people
title: {name}
created: '2019-01-03'  # by hand
tags:
- people
- needs-review
x-extra: "kept as it is"
---

# {stem}

## Profile

{profile}**Relationship**: colleague

## Log

- met at the *harbour*
"""


@dataclass(slots=True)
class Unfinished:
    """Something that a hand has begun: what ends it, and whether that can wait for the end of the history."""

    after_steps: int
    patient: bool
    finish: Callable[[], str]


@dataclass(slots=True)
class Hand:
    """Everybody's hands."""

    world: World
    ledger: Ledger
    moment: Callable[[], str]
    steps: Callable[[], int]
    unfinished: list[Unfinished] = field(default_factory=list[Unfinished])
    busy: set[NotePath] = field(default_factory=set[NotePath])
    poisoned: set[Side] = field(default_factory=set[Side])
    copies: set[NotePath] = field(default_factory=set[NotePath])
    interrupted: set[NotePath] = field(default_factory=set[NotePath])
    worded: set[Side] = field(default_factory=set[Side])
    _number: int = 0
    _files: int = 0

    def actions(self) -> Sequence[tuple[int, Action]]:
        """Return what people do, and how often each of it."""
        common: list[tuple[int, Action]] = [
            (40, self.edit_note),
            (36, self.edit_record),
            (4, self.save_in_an_instant),
            (3, self.vanish_for_an_instant),
            (3, self.save_late),
            (3, self.move_note),
            (2, self.touch_note),
            (3, self.add_note),
            (3, self.add_record),
            (3, self.expire_cursors),
            (3, self.rename_record),
            (8, self.make_nobodys),
            (3, self.annotate),
            (2, self.break_note),
            (2, self.unmount),
            (1, self.fail_to_list),
        ]
        if self.world.nature.deletions:
            common += [(4, self.delete_note), (4, self.delete_record), (2, self.copy_note), (2, self.add_double)]
            common += [(5, self.copy_record)]
        if self.world.nature.calendars:
            # What is nobody's for a while may lose the outcome of a write; dates have enough to do with people's notes.
            common = [one for one in common if one[1] != self.make_nobodys]
            common += diary_hand.actions(self.world, self.addresses)
        return common

    def addresses(self) -> list[str]:
        """Return the e-mail addresses in notes."""
        return sorted({text for path in self.notes() for text in self._said(path)["emails"]})

    def has_word(self, path: NotePath) -> bool:
        """Tell whether somebody wrote a last contact into a note, or into a record that may be its; old copies count."""
        sides = self.worded | {side for side, name in self.ledger.put_back if name == "last_contact"}
        return path in sides or any(isinstance(side, tuple) for side in sides)

    def edit_note(self, rng: Random) -> str | None:
        paths = self.notes()
        if not paths:
            return None
        path = rng.choice(paths)
        text = self.world.vault.files[path].content.decode()
        name, new = self.retyped(rng, path, notetext.read(text, path))
        self.save(rng, path, notetext.write(text, name, new))
        return f"owner edits {name} of {path}: {', '.join(new) or 'nothing'}"

    def edit_record(self, rng: Random) -> str | None:
        account, remote_id = self.any_record(rng)
        if remote_id is None:
            return None
        book = self.world.books[account]
        name, new = self.retyped(rng, (account, remote_id), fields_of_record(book.all_entries[remote_id]))
        book.edit(remote_id, {name: _shaped(name, new)})
        return f"somebody edits {name} of {account} {remote_id}: {', '.join(new) or 'nothing'}"

    def add_note(self, rng: Random) -> str:
        self._files += 1
        stem = f"Person {self._files}"
        path = NotePath(f"People/{stem}.md")
        said: Typing = {name: (self._type(name, path),) for name in TYPED if name == "name" or rng.random() < 0.4}
        self._word(said, path)
        self.save(rng, path, _composed(rng, stem, said))
        return f"owner writes {path}: {_listed(said)}"

    def add_record(self, rng: Random) -> str:
        account = rng.choice((HOME, WORK))
        names: list[FieldName] = [name for name in TYPED if name == "name" or rng.random() < 0.4]
        if self.world.nature.calendars:
            # Whose word it is, once somebody is linked to it, nobody could follow.
            names = [name for name in names if name != "last_contact"]
        return self._add(account, {name: _shaped(name, (self._type(name, NOWHERE),)) for name in names})

    def add_twin_record(self, rng: Random) -> str | None:
        """Add what is the same person as a note, by its e-mail; other fields may differ."""
        paths = [path for path in self.notes() if self._said(path)["emails"]]
        if not paths:
            return None
        said = self._said(rng.choice(paths))
        twin: dict[FieldName, Value] = {"name": said["name"][0], "emails": said["emails"]}
        for name in _OWN:
            if rng.random() < 0.5:
                twin[name] = self._type(name, NOWHERE)
        return self._add(rng.choice((HOME, WORK)), twin)

    def add_double(self, rng: Random) -> str | None:
        """Add somebody of the same name, or who shares an e-mail: nobody can tell whose record it is."""
        paths = self.notes()
        if not paths:
            return None
        said = self._said(rng.choice(paths))
        names: tuple[FieldName, ...] = ("name", "emails") if rng.random() < 0.5 else ("name",)
        self.ledger.doubtful.add("double")
        return self._add(rng.choice((HOME, WORK)), {name: _shaped(name, said[name]) for name in names})

    def delete_note(self, rng: Random) -> str | None:
        paths = self.notes()
        if not paths:
            return None
        path = rng.choice(paths)
        name = self._said(path)["name"][0]
        self._remove(path)
        self.unfinished.append(Unfinished(rng.randint(1, 60), True, lambda: self._annotate_namesake(name)))
        return f"owner deletes {path}"

    def delete_record(self, rng: Random) -> str | None:
        account, remote_id = self.any_record(rng)
        return None if remote_id is None else self._remove_record(account, remote_id)

    def _remove_record(self, account: AccountName, remote_id: RemoteId) -> str:
        entry = self.world.books[account].all_entries[remote_id]
        self.world.books[account].remove(remote_id)
        self.ledger.deleted_records.add((account, remote_id))
        self.ledger.created.pop((account, entry.uid or ""), None)
        if entry.uid is not None and self._is_linked(account, remote_id):
            # One that was made and deleted before anybody learnt that it was made may be made again.
            self.ledger.deleted_record_uids.add((account, entry.uid))
        self._let_go("\n".join(text for found in fields_of_record(entry).values() for text in found))
        return f"somebody deletes {account} {remote_id}"

    def annotate(self, rng: Random) -> str | None:
        """Write into a record what no note has a place for."""
        account, remote_id = self.any_record(rng)
        if remote_id is None:
            return None
        self._number += 1
        self.world.books[account].annotate(remote_id, f"remark {self._number}")
        self.ledger.touched[account, remote_id] = self.steps()
        return f"somebody annotates {account} {remote_id}"

    def _annotate_namesake(self, name: str) -> str:
        """Write into the contact of somebody whose note was just deleted, as if he were missed there."""
        for account, book in self.world.books.items():
            for remote_id, entry in book.all_entries.items():
                if entry.person.name == name and (account, remote_id) not in self.poisoned:
                    self._number += 1
                    book.annotate(remote_id, f"remark {self._number}")
                    self.ledger.touched[account, remote_id] = self.steps()
                    return f"somebody annotates {account} {remote_id}"
        return "nobody is missed"

    def rename_record(self, rng: Random) -> str | None:
        """Give a record another id, as a program does that names files after people, or a provider that merges two."""
        account, remote_id = self.any_record(rng)
        if remote_id is None or self.world.books[account].all_entries[remote_id].uid is None:
            return None
        renamed = self.world.books[account].rename(remote_id)
        self.ledger.rename((account, remote_id), (account, renamed))
        return f"somebody renames {account} {remote_id}: {renamed}"

    def copy_record(self, rng: Random) -> str | None:
        """Copy a record with all that is in it, its uid too; perhaps the copy is what is kept in the end."""
        account, remote_id = self.any_record(rng)
        if remote_id is None:
            return None
        entry = self.world.books[account].all_entries[remote_id]
        copied = self.world.books[account].add(entry.person, entry.extra, entry.uid)
        self.ledger.doubtful.add("copied record")
        self.ledger.copied_uids.add((account, entry.uid or ""))
        self.ledger.remember_copy((account, remote_id), (account, copied))
        if rng.random() < 0.5:
            self.unfinished.append(Unfinished(rng.randint(1, 400), True, lambda: self._keep_copy(account, remote_id)))
        return f"somebody copies {account} {remote_id}: {copied}"

    def move_note(self, rng: Random) -> str | None:
        paths = self.notes()
        if not paths:
            return None
        path = rng.choice(paths)
        folder = "Archive" if path.startswith("People/") else "People"
        target = NotePath(f"{folder}/{path.rpartition('/')[2]}")
        if target in self.world.vault.files:
            return None
        self.world.vault.move(path, target)
        self.ledger.follow(path, target)
        self.interrupted |= {target} if path in self.interrupted else set()
        self.worded |= {target} if path in self.worded else set()
        if not notetext.uid(self.world.vault.files[target].content.decode()):
            # Moved and edited before the next look, such a note is another one to anybody.
            self.ledger.deleted_notes |= {path, target}
        return f"owner moves {path} to {target}"

    def copy_note(self, rng: Random) -> str | None:
        paths = self.notes()
        if not paths:
            return None
        path = rng.choice(paths)
        ending = rng.choice((".sync-conflict-20260301-120000-ABCDEFG.md", " copy.md"))
        target = NotePath(path.removesuffix(".md") + ending)
        self.ledger.follow(path, target)
        # Were the note gone for an instant before a look has seen both, the copy would be the note, moved.
        self.interrupted.add(path)
        self.copies.add(target)
        self.ledger.doubtful.add("copied")
        self.save(rng, target, self.world.vault.files[path].content.decode())
        self.unfinished.append(Unfinished(rng.randint(1, 400), True, lambda: self._remove_copy(target)))
        return f"owner copies {path} to {target}"

    def save_in_an_instant(self, rng: Random) -> str | None:
        """Save as editors do that write in place: the file is empty for a moment."""
        return self._interrupted(rng, "empties", lambda path: self.world.vault.save(path, b"", by_rename=False))

    def vanish_for_an_instant(self, rng: Random) -> str | None:
        """Save as editors do that move the old file away first."""
        return self._interrupted(rng, "takes away", self.world.vault.files.pop)

    def save_late(self, rng: Random) -> str | None:
        """Save into a file that was opened before it was replaced; it is not the note any more."""
        aside = self.world.vault.aside
        if not aside:
            return None
        name = rng.choice(sorted(aside))
        held = aside[name]
        said = fields_of_note(held.path, held.content)
        if said is None:
            return None
        new = self._type("department", held.path)
        content = notetext.write(held.content.decode(), "department", (new,)).encode()
        aside[name] = type(held)(held.path, content, held.known)
        self.ledger.doubtful.add("saved late")
        return f"owner saves {held.path} into the file that it was: {new}"

    def make_nobodys(self, rng: Random) -> str | None:
        """Turn a note into one that is no person's, and back after a while, or when all else is at rest."""
        paths = [path for path in self.notes() if _PERSONS in self.world.vault.files[path].content.decode()]
        if not paths:
            return None
        path = rng.choice(paths)
        self.save(rng, path, self.world.vault.files[path].content.decode().replace(_PERSONS, _NOBODYS, 1))
        if rng.random() < 0.5:
            self.unfinished.append(Unfinished(rng.randint(50, 400), True, self.make_persons))
        return f"owner makes {path} nobody's"

    def touch_note(self, rng: Random) -> str | None:
        paths = self.notes()
        if not paths:
            return None
        path = rng.choice(paths)
        self.save(rng, path, self.world.vault.files[path].content.decode())
        return f"{path} is saved as it is"

    def break_note(self, rng: Random) -> str | None:
        paths = self.notes()
        if not paths:
            return None
        path = rng.choice(paths)
        broken = self.world.vault.files[path].content.decode().replace("---\n", f"---\n{_BROKEN_LINE}", 1)
        self.save(rng, path, broken)
        self.unfinished.append(Unfinished(rng.randint(1, 400), True, lambda: self._repair(path)))
        return f"owner breaks {path}"

    def unmount(self, rng: Random) -> str | None:
        if not self.world.vault.mounted:
            return None
        self.world.vault.mounted = False
        self.unfinished.append(Unfinished(rng.randint(1, 200), True, self._mount))
        return "the vault is unmounted"

    def lock_note(self, rng: Random) -> str | None:
        """Let nobody write a note but its owner, who takes the lock away for that."""
        paths = [path for path in self.notes() if path not in self.world.vault.locked]
        if not paths:
            return None
        path = rng.choice(paths)
        self.world.vault.locked.add(path)
        self.unfinished.append(Unfinished(rng.randint(1, 400), True, lambda: self._unlock(path)))
        return f"owner makes {path} read-only"

    def fail_to_list(self, rng: Random) -> str | None:
        self.world.vault.readable = False
        self.unfinished.append(Unfinished(rng.randint(1, 200), True, self._list_again))
        return "a folder of the vault cannot be read"

    def expire_cursors(self, rng: Random) -> str:
        account = rng.choice((HOME, WORK))
        self.world.books[account].expire_cursors()
        return f"{account} lets its cursors expire"

    def poison(self, rng: Random) -> str:
        """Leave a note and a record behind that nobody will ever understand."""
        path = NotePath("People/Poison.md")
        text = _composed(rng, "Poison", {"name": ("Nobody",)}).replace("---\n", f"---\n{_BROKEN_LINE}", 1)
        self.save(rng, path, text)
        remote_id = self.world.books[HOME].add(person({"name": "Nobody else"}))
        self.world.books[HOME].spoil(remote_id, "not a card")
        self.poisoned |= {path, (HOME, remote_id)}
        return f"{path} and {HOME} {remote_id} are unreadable for ever"

    def come_to_rest(self) -> list[str]:
        """Finish everything that was begun, and see to what only the owner can."""
        done = [each.finish() for each in self.unfinished]
        self.unfinished.clear()
        for path in sorted(self.world.vault.files):
            if ".contactd-conflict-" in path:
                self.world.vault.move(path, NotePath(f"Sorted out/{path.rpartition('/')[2]}.txt"))
                done.append(f"owner puts {path} aside")
        return done

    def hide(self, rng: Random) -> str:
        """Show an account's folder empty for one look."""
        account = rng.choice((HOME, WORK))
        self.world.books[account].expire_cursors()
        self.world.books[account].hidden = True
        return f"{account} looks empty"

    def lose_state(self) -> str:
        """Lose the program's state, with everything that stood nowhere else."""
        self.ledger.lost_states += 1
        before = whereabouts.everything(self.world)
        self.world.lose_state()
        after = whereabouts.everything(self.world)
        self.ledger.gone |= {
            values.key(typed.text)
            for typed in self.ledger.typed
            if values.key(typed.text) in before and values.key(typed.text) not in after
        }
        for side in list(self.ledger.agreed):
            self.ledger.part(side)
        return "the state is lost"

    def _interrupted(self, rng: Random, verb: str, begin: Callable[[NotePath], object]) -> str | None:
        # Once in a note's history: that two looks in a row hit such an instant is what two looks are trusted not to do.
        paths = [path for path in self.notes() if path not in self.interrupted]
        if not paths:
            return None
        path = rng.choice(paths)
        self.interrupted.add(path)
        text = self.world.vault.files[path].content.decode()
        edited = rng.random() < 0.5
        begin(path)
        self.busy.add(path)
        seed = rng.random()

        def finish() -> str:
            self.busy.discard(path)
            again = values.seeded(seed)
            name, new = self.retyped(again, path, notetext.read(text, path)) if edited else ("name", ())
            self.save(again, path, notetext.write(text, name, new) if edited else text)
            return f"an editor has saved {path}" + (f" with {name}: {', '.join(new) or 'nothing'}" if edited else "")

        self.unfinished.append(Unfinished(rng.randint(1, 30), False, finish))
        return f"an editor {verb} {path}"

    def retyped(self, rng: Random, side: Side, said: notetext.Fields) -> tuple[FieldName, tuple[str, ...]]:
        """Choose a field and type into it; what is typed over or cleared was seen by whoever did it."""
        name = rng.choice(TYPED)
        if name == "last_contact" and not self.world.nature.words:
            name = "location"
        elif name == "last_contact":
            self.worded |= {side}
        old = said[name]
        chance = rng.random()
        if chance < 0.15 and old and name != "name":
            new: tuple[str, ...] = ()
        elif name in MANY and old and chance < 0.3:
            new = tuple(text for text in old if text != rng.choice(old))
        elif name in MANY and chance < 0.65:
            new = (*old, self._type(name, side))
        else:
            new = (self._type(name, side), *old[1:])
        for lost in values.keys(old) - values.keys(new):
            self.ledger.overwrite(side, name, lost)
        return name, new

    def _word(self, said: Typing, side: Side) -> None:
        """Remember on which side somebody has a word on the last contact, or take it away where nobody is to have one."""
        if not self.world.nature.words:
            said.pop("last_contact", None)
        elif "last_contact" in said:
            self.worded |= {side}

    def _type(self, name: FieldName, side: Side) -> str:
        self._number += 1
        text = values.fresh(name, self._number)
        self.ledger.typed.append(Typed(text, name, side, self.moment()))
        return text

    def _add(self, account: AccountName, said: dict[FieldName, Value]) -> str:
        extra = f"extra {self._number}"
        remote_id = self.world.books[account].add(person({**said, "given_name": "Augusta", "tags": ("kept",)}), extra)
        return f"somebody adds {account} {remote_id}: {_listed(said)}"

    def _is_linked(self, account: AccountName, remote_id: RemoteId) -> bool:
        bound = self.world.state.all("SELECT account, remote_id FROM links")
        return any(self.ledger.current((owner, known)) == (account, remote_id) for owner, known in bound)

    def all_carry_uids(self) -> bool:
        """Tell whether every note that can be opened now carries a uid: some are locked, or were saved without."""
        files = self.world.vault.files
        return all(notetext.uid(files[path].content.decode()) for path in self.notes())

    def any_record(self, rng: Random) -> tuple[AccountName, RemoteId | None]:
        """Return a record that somebody could open now."""
        account = rng.choice((HOME, WORK))
        entries = self.world.books[account].all_entries
        found = [remote_id for remote_id in entries if (account, remote_id) not in self.poisoned]
        return account, rng.choice(found) if found else None

    def any_note(self, rng: Random) -> NotePath | None:
        """Return a note that somebody could open now."""
        paths = self.notes()
        return rng.choice(paths) if paths else None

    def notes(self) -> list[NotePath]:
        """Return the notes that somebody could open now."""
        files = self.world.vault.files
        if not self.world.vault.mounted:
            return []
        return [
            path
            for path in sorted(files)
            if path not in self.busy | self.copies
            and path.endswith(".md")
            and ".contactd-conflict-" not in path
            and fields_of_note(path, files[path].content) is not None
        ]

    def _said(self, path: NotePath) -> notetext.Fields:
        return notetext.read(self.world.vault.files[path].content.decode(), path)

    def save(self, rng: Random, path: NotePath, text: str) -> None:
        """Save a note in one of the ways of editors and replication tools."""
        set_back = int((self.world.now - timedelta(days=1)).timestamp() * 1e9) if rng.random() < 0.1 else None
        self.world.vault.save(path, text.encode(), by_rename=rng.random() < 0.3, mtime_ns=set_back)
        self.ledger.see_note(path, text.encode())

    def _remove(self, path: NotePath) -> None:
        content = self.world.vault.files.pop(path).content
        self.ledger.deleted_notes.add(path)
        self.ledger.deleted_at[path] = self.steps()
        if path not in self.copies:
            with suppress(Illegible):
                uid = notetext.uid(content.decode())
                self.ledger.deleted_uids.add(uid)
                self.ledger.deleted_at[uid] = self.steps()
        self._let_go(content.decode())
        if self.world.nature.delete_with_note:
            self.ledger.gone |= self._typed_in(content.decode())

    def _remove_copy(self, path: NotePath) -> str:
        if path in self.world.vault.files:
            self._remove(path)
        return f"owner removes {path}"

    def _let_go(self, deleted: str) -> None:
        """Whatever stood only in what was just deleted has gone with it."""
        left = whereabouts.everything(self.world)
        self.ledger.gone |= {key for key in self._typed_in(deleted) if key not in left}

    def _typed_in(self, text: str) -> set[str]:
        there = values.key(text)
        return {key for typed in self.ledger.typed if (key := values.key(typed.text)) in there}

    def _keep_copy(self, account: AccountName, remote_id: RemoteId) -> str:
        _, current = self.ledger.current((account, remote_id))
        if current in self.world.books[account].all_entries:
            return self._remove_record(account, RemoteId(current))
        return f"{account} {remote_id} is gone already"

    def _repair(self, path: NotePath) -> str:
        file = self.world.vault.files.get(path)
        if file is not None:
            text = file.content.decode().replace(_BROKEN_LINE, "", 1)
            self.world.vault.save(path, text.encode(), by_rename=False)
            self.ledger.see_note(path, text.encode())
        return f"owner repairs {path}"

    def has_nobodys(self) -> bool:
        """Tell whether some note is no person's at present."""
        return any(_NOBODYS in file.content.decode() for file in self.world.vault.files.values())

    def make_persons(self) -> str:
        """Make every note a person's again: those that were moved meanwhile as well."""
        for path, file in sorted(self.world.vault.files.items()):
            text = file.content.decode()
            if _NOBODYS in text:
                self.world.vault.save(path, text.replace(_NOBODYS, _PERSONS, 1).encode(), by_rename=False)
        return "owner makes every note a person's again"

    def _mount(self) -> str:
        self.world.vault.mounted = True
        return "the vault is mounted again"

    def _unlock(self, path: NotePath) -> str:
        self.world.vault.locked.discard(path)
        return f"{path} may be written again"

    def _list_again(self) -> str:
        self.world.vault.readable = True
        return "the folder can be read again"


def _shaped(name: FieldName, found: Sequence[str]) -> Value:
    if FIELDS[name].cardinality is Cardinality.MANY:
        return tuple(found)
    return found[0] if found else ""


def _listed(said: Mapping[FieldName, Value]) -> str:
    return "; ".join(f"{name}: {', '.join(texts(value))}" for name, value in said.items())


def _composed(rng: Random, stem: str, said: Mapping[FieldName, tuple[str, ...]]) -> str:
    """Write a note in the seed's style: role, organization and location in its body, or all as properties."""
    rest = dict(said)
    profile = ""
    if rng.random() < 0.5:
        role = " at ".join(f"{rest.pop(name)[0]} (of two)" for name in _ROLE if name in rest and "title" in said)
        location = f"{rest.pop('location')[0]} (implied)" if "location" in rest else ""
        profile = f"**Role**: {role}\n**Location**: {location}\n"
    text = _NOTE.format(name=rest.pop("name")[0], stem=stem, profile=profile)
    for name, found in rest.items():
        text = notetext.write(text, name, found)
    return text


_OWN: tuple[FieldName, ...] = ("title", "location")
_ROLE: tuple[FieldName, ...] = ("title", "organization")
