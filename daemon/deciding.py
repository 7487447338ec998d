"""What is the owner's to settle: which conflict is meant, and what his answer makes all sides say.

A field that an undo has put back, so that its sides differ, may be settled as well: it has the id and the answers of a
conflict. But it waits for nobody: it stays as it is, and is not asked about.

Nothing is written here: a choice becomes part of the next plan, and counts as long as no side changes again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from daemon import conflicts, decisions, links, standing
from daemon.conflicts import KeptConflict
from daemon.errors import DaemonError
from daemon.state import Readable, State
from mappings.conflict import Conflict, Standstill
from mappings.fields import FIELDS, Cardinality, keys, same, texts
from mappings.person import Value
from mappings.record import AccountName
from mappings.world import LinkState


class NoSuchChoice(DaemonError):
    """No such conflict waits, or it cannot be settled so: nothing was changed, say what could be."""

    exit_code = 64


@dataclass(frozen=True, slots=True)
class TakeNote:
    """All sides are to say what the note says."""


@dataclass(frozen=True, slots=True)
class TakeRemote:
    """All sides are to say what an account says; None is the only one that says something else than the note."""

    account: AccountName | None


@dataclass(frozen=True, slots=True)
class TakeBoth:
    """All sides are to have the values of all, for fields that hold several."""


@dataclass(frozen=True, slots=True)
class TakeValue:
    """All sides are to say this; no text at all empties the field."""

    texts: tuple[str, ...]


Take = TakeNote | TakeRemote | TakeBoth | TakeValue


def answer(side: str | None, values: tuple[str, ...], account: str | None) -> Take:
    """Return the answer that options make: a side, or values. Errors: `NoSuchChoice`."""
    if (side is None) == (not values):
        raise NoSuchChoice("say one of --note, --remote, --both, --value V")
    if account is not None and side != "remote":
        raise NoSuchChoice("--account goes with --remote only")
    match side:
        case "note":
            return TakeNote()
        case "remote":
            return TakeRemote(AccountName(account) if account is not None else None)
        case "both":
            return TakeBoth()
        case _:
            return TakeValue(values)


@dataclass(frozen=True, slots=True)
class PutBack:
    """A field that an undo has put back on one side: what the sides say as a conflict, and since when they do."""

    conflict: Conflict
    since: datetime


Kept = KeptConflict | PutBack
"""What has an id by which it may be settled."""


def put_back(state: Readable) -> tuple[PutBack, ...]:
    """Return the fields whose sides an undo has left differing, the oldest first.

    Result: without those that are asked about by now, because a side has changed since.
    """
    asked = {(one.conflict.uid, one.conflict.field) for one in conflicts.open_conflicts(state)}
    found = [(one, since) for one, since in standing.undone(state) if (one.uid, one.field) not in asked]
    known = links.links(state) if found else ()
    return tuple(PutBack(one.as_clash(_bases(one, known)), since) for one, since in found)


def _bases(one: Standstill, known: Iterable[LinkState]) -> Mapping[AccountName, Value]:
    return {link.account: link.base[one.field] for link in known if link.uid == one.uid and one.field in link.base}


def named(state: Readable, start: str) -> Kept:
    """Return what may be settled under an id, or under the beginning of one.

    Errors: `NoSuchChoice`.
    """
    every: tuple[Kept, ...] = (*conflicts.open_conflicts(state), *put_back(state))
    found = [one for one in every if one.conflict.id.startswith(start.lower())]
    if len(found) == 1:
        return found[0]
    if found:
        raise NoSuchChoice(f"several conflicts begin with {start}: {', '.join(one.conflict.id for one in found)}")
    raise NoSuchChoice(f"no conflict {start} waits; `contactd conflicts` shows those that do")


def settle(state: State, conflict: Conflict, take: Take, now: datetime) -> Value:
    """Remember what all sides of a conflict are to say, and return it.

    Errors: `NoSuchChoice` for an answer that does not fit.
    """
    value = chosen(conflict, take)
    with state.transaction() as tx:
        decisions.choose(tx, conflict.id, conflict.uid, value, now)
    return value


def chosen(conflict: Conflict, take: Take) -> Value:
    """Return the value that an answer makes of a conflict. Errors: `NoSuchChoice`."""
    match take:
        case TakeNote():
            return conflict.ours
        case TakeRemote(account):
            return _theirs(conflict, account)
        case TakeBoth():
            return _both(conflict)
        case TakeValue(told):
            return _told(conflict, told)
        case _:
            assert_never(take)


def is_list(conflict: Conflict) -> bool:
    """Tell whether the field holds several values, so that both sides may be right."""
    return FIELDS[conflict.field].cardinality is Cardinality.MANY


def _theirs(conflict: Conflict, account: AccountName | None) -> Value:
    others = {name: value for name, value in conflict.theirs.items() if not same(conflict.field, value, conflict.ours)}
    if account is not None:
        if account not in conflict.theirs:
            raise NoSuchChoice(f"{account} has no part in this; expected {' or '.join(sorted(conflict.theirs))}")
        return conflict.theirs[account]
    first, *rest = others.values() or conflict.theirs.values()
    if any(not same(conflict.field, first, value) for value in rest):
        raise NoSuchChoice(f"the accounts differ; say whose value: --remote --account {' or '.join(sorted(others))}")
    return first


def _both(conflict: Conflict) -> Value:
    if not is_list(conflict):
        raise NoSuchChoice("both can only be kept where a field holds several values; say --note, --remote or --value")
    return _united(conflict, (conflict.ours, *conflict.theirs.values()))


def _united(conflict: Conflict, values: Iterable[Value]) -> tuple[str, ...]:
    united: list[str] = []
    for value in values:
        for text in texts(value):
            if not keys(conflict.field, (text,)) & keys(conflict.field, tuple(united)):
                united.append(text)
    return tuple(united)


def _told(conflict: Conflict, told: tuple[str, ...]) -> Value:
    said = tuple(text.strip() for text in told if text.strip())
    if is_list(conflict):
        return said
    if len(said) > 1:
        raise NoSuchChoice("this field holds one value; say --value once")
    return said[0] if said else ""
