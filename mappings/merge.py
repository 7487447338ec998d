"""Three-way merge of one person: the note and every record that it is linked to, each against its own base.

Theory of operation. Every link has its own base, so "changed" is a statement about one link: the note changed
*against a link* if it differs from that link's base, a record changed if it differs from its own. A field's
verdict is found from the records that changed, in this order:

1. No record changed: the note stands; links whose base differs from it are behind and get it.
2. All changed records, and the note if it changed against one of them, say the same: that value is taken.
3. They differ: a clash. The field's rule speaks, unless a value was deleted on one side and changed on another,
   or two sides never agreed on this field: then the owner is asked, whatever the rule.

Note that a note which differs from the base of an *unchanged* record has not clashed with anybody: that link is
merely behind (its account was away). Fields of several values that unite are merged value by value instead,
so that they clash only where one side emptied the field and another changed it.

Before all this comes a value that has *returned* (`mappings.returns`): it is nobody's word until somebody's own word
bears it out, so wherever another side would lose something to it, the owner is asked, whatever the rule. Above all
stands what the owner has decided of exactly this state of the sides: a clash takes the value that he chose, and a field
that he has put back stands still, unless he has chosen a value for it since.

Source: diff3 (Khanna, Kunal, Pierce, "A Formal Investigation of Diff3", 2007), with one base per branch.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mappings.conflict import Conflict, Decided, Standstill
from mappings.fields import FIELDS, Cardinality, Policy, Rule, blank, keys, same, texts, value_of, with_values
from mappings.operation import Change
from mappings.person import FieldName, Person, Uid, Value
from mappings.record import MEETINGS, AccountName
from mappings.returns import Undone, is_at_stake
from mappings.world import Base

NOTE = "note"
"""The note as a source of a change, beside account names."""

OWNER = "you"
"""The owner as one: he settled a conflict."""


@dataclass(frozen=True, slots=True)
class Side:
    """One link's part in a merge.

    `ours` is the note's person as this link's format can hold it; `fields` those that may be compared here:
    held by the format, not off, and readable on both sides. `undone` are those of the record that have returned.
    """

    account: AccountName
    base: Base
    ours: Person
    theirs: Person
    policies: Mapping[FieldName, Policy]
    fields: frozenset[FieldName]
    undone: Undone

    def common(self, name: FieldName) -> Value:
        """Return what both last agreed on; a field that they never agreed on counts as blank."""
        return self.base.get(name, blank(name))

    def changed(self, name: FieldName) -> bool:
        """Tell whether the record's value differs from the base."""
        return not same(name, value_of(self.theirs, name), self.common(name))

    def note_changed(self, name: FieldName) -> bool:
        """Tell whether the note's value differs from the base."""
        return not same(name, value_of(self.ours, name), self.common(name))

    def pulls(self, name: FieldName) -> bool:
        """Tell whether the record's changes may reach the note."""
        return self.policies[name].direction.pulls

    def pushes(self, name: FieldName) -> bool:
        """Tell whether the note's changes may reach the record."""
        return self.policies[name].direction.pushes


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one field.

    `value` is what the note is to say; `sources` on whose word (empty: nobody's, nothing was decided).
    `conflict` is the clash, if there was one: open if nothing settled it, and then `value` is the note's.
    `stands_still` says that the owner has put the field back, and no side has changed it since.
    """

    value: Value
    sources: tuple[str, ...]
    conflict: Conflict | None
    stands_still: bool

    @property
    def is_open(self) -> bool:
        return self.conflict is not None and not self.conflict.settled_by

    @property
    def rests(self) -> bool:
        """Tell whether nothing of the field may travel anywhere."""
        return self.is_open or self.stands_still


@dataclass(frozen=True, slots=True)
class Merged:
    """What the note is to say after the merge, and how each compared field came to it."""

    person: Person
    verdicts: Mapping[FieldName, Verdict]

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """Every clash, open or settled by a rule."""
        return tuple(verdict.conflict for verdict in self.verdicts.values() if verdict.conflict is not None)


def merge(  # what is known of a person is of many kinds
    uid: Uid, ours: Person, sides: Sequence[Side], takes: frozenset[FieldName], undone: Undone, decided: Decided
) -> Merged:
    """Merge the note with all its records, field by field.

    Shapes: `takes` are the fields that the note can be given; a record's change of another stays where it is.
    `undone` are the note's fields that have returned.
    Result: see the module; an open clash keeps the note's value and holds only its own field.
    Errors: none; a clash is a value.
    """
    verdicts: dict[FieldName, Verdict] = {}
    for name in FIELDS:
        among, value = [side for side in sides if name in side.fields], value_of(ours, name)
        if returned := _returned(name, value, among, name in takes, undone.get(name)):
            found = _doubted(uid, name, value, among, returned)
            verdicts[name] = _as_decided(found, uid, name, value, among, decided)
        elif among:
            found = _verdict(uid, name, value, among, name in takes)
            verdicts[name] = _as_decided(found, uid, name, value, among, decided)
    merged: dict[FieldName, Value] = {name: verdict.value for name, verdict in verdicts.items()}
    return Merged(with_values(ours, merged), verdicts)


def target(name: FieldName, side: Side, merged: Person, verdict: Verdict) -> Value:
    """Return what the record is to say, given what it can hold of the merged person.

    Result: the record's own value wherever nothing is to be written there.
    """
    theirs = value_of(side.theirs, name)
    if not side.pushes(name) or verdict.rests:
        return theirs
    wanted = value_of(merged, name)
    if OWNER in verdict.sources:
        return wanted
    if _unites(name, [side]) and side.changed(name) and side.account not in verdict.sources:
        # As an edit of the record's own list: what it gained and the note did not take stays there.
        return _united(name, texts(theirs), [(side.common(name), wanted)])
    # What somebody wrote into a record, and nobody heard, gives way to no date that was merely derived.
    if side.changed(name) and verdict.sources in {(), (MEETINGS,)}:
        return theirs
    return wanted


def _as_decided(  # a field of a person, and its sides, are named everywhere here
    found: Verdict, uid: Uid, name: FieldName, ours: Value, sides: Sequence[Side], decided: Decided
) -> Verdict:
    """Return the verdict that the owner's own decision makes of one."""
    standstill = decided.standstills.get((uid, name))
    if standstill is not None and stands_still(standstill, ours, sides):
        return _put_back(standstill, sides, decided)
    if not found.is_open or found.conflict is None or found.conflict.id not in decided.choices:
        return found
    chosen = decided.choices[found.conflict.id]
    conflict = replace(found.conflict, settled_by=OWNER, chosen=chosen)
    return Verdict(chosen, (OWNER,), conflict, stands_still=False)


def _put_back(standstill: Standstill, sides: Sequence[Side], decided: Decided) -> Verdict:
    """Return the verdict on a field that was put back: it stays so, or takes what the owner has chosen for it since."""
    chosen = decided.choices.get(standstill.id)
    if chosen is None:
        return Verdict(standstill.ours, (), None, stands_still=True)
    bases = {side.account: side.base[standstill.field] for side in sides if standstill.field in side.base}
    conflict = replace(standstill.as_clash(bases), settled_by=OWNER, chosen=chosen)
    return Verdict(chosen, (OWNER,), conflict, stands_still=False)


def stands_still(standstill: Standstill, ours: Value, sides: Iterable[Side]) -> bool:
    """Tell whether every side that can be seen says what it said when the owner put the field back."""
    name = standstill.field
    return same(name, standstill.ours, ours) and all(
        side.account in standstill.theirs and same(name, standstill.theirs[side.account], value_of(side.theirs, name))
        for side in sides
    )


def _verdict(uid: Uid, name: FieldName, ours: Value, sides: Sequence[Side], takable: bool) -> Verdict:  # noqa: FBT001  # a fact, not a mode
    changed = [side for side in sides if side.changed(name)]
    speakers = [side for side in changed if takable and side.pulls(name)]
    note_speaks = any(side.note_changed(name) for side in changed)
    if not speakers and not note_speaks:
        return Verdict(ours, (), None, stands_still=False)
    if _deletion_meets_change(name, ours, changed):
        return _clash(uid, name, ours, changed, settled_by="", chosen=ours)
    if _unites(name, sides):
        united = _united(name, texts(ours), [(side.common(name), value_of(side.theirs, name)) for side in speakers])
        return Verdict(united, _sources(speakers) or (NOTE,), None, stands_still=False)
    spoken, surplus = _parted(name, ours, changed)
    values = _distinct(name, [*([spoken] if note_speaks else []), *(value_of(side.theirs, name) for side in changed)])
    if len(values) == 1:
        value = _with_surplus(values[0], surplus)
        return Verdict(value, _sources(speakers) or (NOTE,), None, stands_still=False)
    return _settled(uid, name, ours, changed, speakers, note_speaks)


def _returned(
    name: FieldName,
    ours: Value,
    sides: Sequence[Side],
    takable: bool,  # noqa: FBT001  # a fact, not a mode
    undone: Change | None,
) -> tuple[str, ...]:
    """Return the sides whose value has returned, would travel, and is borne out by nobody."""
    doubted: dict[str, tuple[Value, Change]] = {}
    if undone is not None and any(side.note_changed(name) and side.pushes(name) for side in sides):
        doubted[NOTE] = ours, undone
    for side in sides:
        if name in side.undone and side.changed(name) and side.pulls(name) and takable:
            doubted[side.account] = value_of(side.theirs, name), side.undone[name]
    if not doubted:
        return ()
    said: dict[str, Value] = {NOTE: ours, **{side.account: value_of(side.theirs, name) for side in sides}}
    # Whoever never agreed on the field has not changed it: what it says may be as old as what came back.
    met = [side for side in sides if name in side.base]
    spoke: set[str] = {side.account for side in met if side.changed(name)}
    spoke |= {NOTE} if any(side.note_changed(name) for side in met) else set()
    words = [said[who] for who in spoke - doubted.keys()]
    return tuple(
        who
        for who, (value, change) in doubted.items()
        if any(is_at_stake(change, value, said[other]) for other in said if other != who)
        and all(is_at_stake(change, value, word) for word in words)
    )


def _doubted(uid: Uid, name: FieldName, ours: Value, sides: Sequence[Side], returned: tuple[str, ...]) -> Verdict:
    involved = [side for side in sides if side.changed(name) or side.note_changed(name)]
    conflict = replace(_conflict(uid, name, ours, involved), returned=returned)
    return Verdict(ours, (), conflict, stands_still=False)


def _settled(
    uid: Uid,
    name: FieldName,
    ours: Value,
    changed: Sequence[Side],
    speakers: Sequence[Side],
    note_speaks: bool,  # noqa: FBT001  # a fact
) -> Verdict:
    spoken, surplus = _parted(name, ours, changed)
    rules = {side.policies[name].rule for side in changed}
    strangers = any(name not in side.base for side in changed)
    rule = Rule.ASK if strangers or len(rules) > 1 else next(iter(rules))
    chosen = _chosen(name, rule, spoken if note_speaks else None, [value_of(side.theirs, name) for side in speakers])
    if chosen is None:
        return _clash(uid, name, ours, changed, settled_by="", chosen=ours)
    return _clash(uid, name, ours, changed, settled_by=rule.value, chosen=_with_surplus(chosen, surplus))


def _parted(name: FieldName, ours: Value, sides: Sequence[Side]) -> tuple[Value, tuple[str, ...]]:
    """Tell what the note says to these records from what they have no room for, which none of them can speak of."""
    if FIELDS[name].cardinality is Cardinality.ONE or not texts(ours):
        return ours, ()
    held = {key for side in sides for key in keys(name, value_of(side.ours, name))}
    surplus = tuple(text for text in texts(ours) if FIELDS[name].key(text) not in held)
    return tuple(text for text in texts(ours) if text not in surplus), surplus


def _with_surplus(value: Value, surplus: tuple[str, ...]) -> Value:
    return (*texts(value), *surplus) if surplus else value


def _chosen(name: FieldName, rule: Rule, ours: Value | None, theirs: Sequence[Value]) -> Value | None:
    """Return the value that a rule picks out of a clash, None if it leaves the choice to the owner.

    Shapes: `ours` is None where the note did not change; no value is blank (that is asked before any rule).
    """
    match rule:
        case Rule.VAULT_WINS:
            return ours
        case Rule.REMOTE_WINS:
            distinct = _distinct(name, theirs)
            return distinct[0] if len(distinct) == 1 else None
        case Rule.LATEST_DATE:
            # ISO dates sort as text (ISO 8601-1 section 5.3.1); only texts of one form can be compared.
            dates = [text for value in (ours, *theirs) if value is not None for text in texts(value)]
            return max(dates) if FIELDS[name].cardinality is Cardinality.ONE and dates else None
        case Rule.FILL_BLANK | Rule.UNION | Rule.ASK:
            # Neither side is blank, and one text cannot be the union of two.
            return None


def _clash(
    uid: Uid, name: FieldName, ours: Value, changed: Sequence[Side], *, settled_by: str, chosen: Value
) -> Verdict:
    conflict = replace(_conflict(uid, name, ours, changed), settled_by=settled_by, chosen=chosen)
    won = tuple(account for account, value in conflict.theirs.items() if same(name, value, chosen))
    sources = (won if not same(name, chosen, ours) else (NOTE,)) if settled_by else ()
    return Verdict(chosen, sources, conflict, stands_still=False)


def _conflict(uid: Uid, name: FieldName, ours: Value, sides: Sequence[Side]) -> Conflict:
    """Return the clash of the note with these sides, which nothing settles."""
    theirs = {side.account: value_of(side.theirs, name) for side in sides}
    bases = {side.account: side.base[name] for side in sides if name in side.base}
    return Conflict(uid, name, ours, theirs, bases, settled_by="", chosen=ours, returned=())


def _deletion_meets_change(name: FieldName, ours: Value, changed: Sequence[Side]) -> bool:
    """Tell whether one side emptied the field while another gave it a value that is not the base's."""
    pairs = [(side.common(name), value_of(side.theirs, name)) for side in changed]
    pairs += [(side.common(name), ours) for side in changed if side.note_changed(name)]
    emptied = any(texts(base) and not texts(value) for base, value in pairs)
    return emptied and any(texts(value) for _, value in pairs)


def _unites(name: FieldName, sides: Iterable[Side]) -> bool:
    return FIELDS[name].cardinality is Cardinality.MANY and all(
        side.policies[name].rule is Rule.UNION for side in sides
    )


def _united(name: FieldName, start: tuple[str, ...], edits: Sequence[tuple[Value, Value]]) -> tuple[str, ...]:
    """Apply each (base, edited) pair's removals, then its additions, to the texts that stand there."""
    key = FIELDS[name].key
    removed = {gone for base, edited in edits for gone in keys(name, base) - keys(name, edited)}
    result = [text for text in start if key(text) not in removed]
    present = {key(text) for text in result}
    for base, edited in edits:
        for text in texts(edited):
            if key(text) not in present and key(text) not in keys(name, base):
                present.add(key(text))
                result.append(text)
    return tuple(result)


def _distinct(name: FieldName, values: Sequence[Value]) -> list[Value]:
    distinct: list[Value] = []
    for value in values:
        if not any(same(name, value, seen) for seen in distinct):
            distinct.append(value)
    return distinct


def _sources(sides: Sequence[Side]) -> tuple[str, ...]:
    return tuple(side.account for side in sides)
