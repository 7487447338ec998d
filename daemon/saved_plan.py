"""Plans that are kept, in a file of the owner's or in the state while they wait, and what of them still holds.

A kept plan is never carried out from its text: it says what the owner has seen, person by person, and what is carried
out are the steps of a plan of now that come to the very same. So a text that somebody made up can only keep steps from
being done. A person's steps hold together: a contact is told what the note says by then.

What a step was computed from, a hash or an etag, is not compared: an edit elsewhere in a note, or a server that counts
anew, has not moved a value. The values on both sides are.
"""

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import NewType, cast
from uuid import UUID

from daemon.codec import time_of, time_text
from daemon.config_shape import is_list, is_table
from daemon.database import sync_folder
from daemon.errors import DaemonError
from daemon.state import Readable, Transaction
from mappings.operation import Agree, CreateNote, Operation, Rebase, RememberDate
from mappings.person import Uid
from mappings.plan import Plan
from mappings.record import NotePath

FORMAT = "contactd plan 1"
SIZE_BYTES_MAX = 64 << 20

Step = NewType("Step", str)
"""One step as canonical JSON, without what it was computed from."""

_REMEMBERED = (Agree, Rebase, RememberDate)
"""What is merely remembered changes nothing that anybody could see."""

_COMPUTED_FROM = frozenset({"etag", "note_hash", "agreed"})


class UnusablePlan(DaemonError):
    """The file is no plan, or one of another vault: nothing was done, say why."""

    exit_code = 64


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """What was to be done when the plan was made, person by person; `paths` are where the notes were then."""

    made_at: datetime
    steps: Mapping[Uid, tuple[Step, ...]]
    paths: Mapping[Uid, str]


@dataclass(frozen=True, slots=True)
class Selected:
    """The steps of now that the kept plan has too, and the people for whom it is not what would be done now."""

    operations: tuple[Operation, ...]
    moved: tuple[Uid, ...]


def saved(operations: Iterable[Operation], paths: Mapping[Uid, NotePath], at: datetime) -> SavedPlan:
    """Return the plan to be kept of these steps."""
    operations = tuple(operations)
    steps = _by_person(operations)
    known = {**paths, **{step.uid: step.path for step in operations if isinstance(step, CreateNote)}}
    return SavedPlan(at, steps, {uid: known[uid] for uid in steps if uid in known})


def left_over(whole: Iterable[Operation], plan: Plan) -> Iterator[Operation]:
    """Yield what is left to be done for the people of whom anything waits; `whole` is what all accounts would do."""
    people = {step.uid for step in plan.waiting}
    doing = {_step(step) for step in plan.operations if step.uid in people and not isinstance(step, _REMEMBERED)}
    for step in whole:
        if step.uid in people and not isinstance(step, _REMEMBERED) and _step(step) not in doing:
            yield step


def select(kept: SavedPlan, operations: Sequence[Operation]) -> Selected:
    """Return what of a kept plan can be carried out by steps of a plan of now.

    Shapes: `operations` are all that would be done if every account were let.
    """
    now = _by_person(operations)
    same = {uid for uid, steps in kept.steps.items() if now.get(uid) == steps}
    return Selected(
        tuple(step for step in operations if step.uid in same),
        tuple(uid for uid in kept.steps if uid not in same),
    )


def write(path: Path, kept: SavedPlan, vault: UUID) -> None:
    """Write a plan into a new file that is the owner's alone, or over an older one; whole or not at all.

    Errors: `UnusablePlan`.
    """
    document = {
        "format": FORMAT,
        "vault": str(vault),
        "made_at": time_text(kept.made_at),
        "people": [
            {"uid": uid, "path": kept.paths.get(uid), "steps": [json.loads(step) for step in steps]}
            for uid, steps in kept.steps.items()
        ],
    }
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(document, file, ensure_ascii=True, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise UnusablePlan(f"{path} cannot be written: {error.strerror}") from error


def read(path: Path, vault: UUID) -> SavedPlan:
    """Read a plan that `write` wrote. Errors: `UnusablePlan`."""
    try:
        with path.open("rb") as file:
            content = file.read(SIZE_BYTES_MAX + 1)
        document: object = json.loads(content) if len(content) <= SIZE_BYTES_MAX else None
        kept = _of_document(document, vault)
    except OSError as error:
        raise UnusablePlan(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError):
        kept = None
    if kept is None:
        raise UnusablePlan(f"{path} holds no plan that `contactd plan -o FILE` made")
    return kept


def keep_waiting(tx: Transaction, kept: SavedPlan) -> None:
    """Keep the plan that waits for the owner, in the place of an earlier one."""
    tx.run("DELETE FROM waiting_steps")
    tx.run_each(
        "INSERT INTO waiting_steps VALUES (?, ?, ?, ?)",
        (
            (uid, kept.paths.get(uid, ""), "\n".join(steps), time_text(kept.made_at))
            for uid, steps in kept.steps.items()
        ),
    )


def waiting(state: Readable) -> SavedPlan | None:
    """Return the plan that waits for the owner, None if none does."""
    rows = state.all("SELECT uid, path, steps, made_at FROM waiting_steps")
    if not rows:
        return None
    steps = {Uid(uid): tuple(Step(step) for step in packed.split("\n")) for uid, _, packed, _ in rows}
    return SavedPlan(time_of(rows[0][3]), steps, {Uid(uid): path for uid, path, _, _ in rows if path})


def _by_person(operations: Iterable[Operation]) -> Mapping[Uid, tuple[Step, ...]]:
    steps: defaultdict[Uid, list[Step]] = defaultdict(list)
    for operation in operations:
        if not isinstance(operation, _REMEMBERED):
            steps[operation.uid].append(_step(operation))
    return {uid: tuple(own) for uid, own in steps.items()}


def _step(operation: Operation) -> Step:
    document = {each.name: _plain(getattr(operation, each.name)) for each in fields(operation)}
    for name in _COMPUTED_FROM:
        document.pop(name, None)
    return _canonical({"kind": type(operation).__name__, **document})


def _canonical(document: object) -> Step:
    return Step(json.dumps(document, sort_keys=True, separators=(",", ":")))


def _plain(value: object) -> object:
    """Return what JSON makes of a value of an operation."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in cast("tuple[object, ...]", value)]  # of whatever an operation holds
    return value


def _of_document(document: object, vault: UUID) -> SavedPlan | None:
    """Return the plan that a document holds, None if it is not one of ours. Errors: `UnusablePlan`."""
    if not (is_table(document) and document.get("format") == FORMAT and isinstance(document.get("made_at"), str)):
        return None
    if document.get("vault") != str(vault):
        raise UnusablePlan("this plan was made for another vault")
    people = document.get("people")
    if not is_list(people):
        return None
    steps: dict[Uid, tuple[Step, ...]] = {}
    paths: dict[Uid, str] = {}
    for person in people:
        if not (is_table(person) and isinstance(uid := person.get("uid"), str) and is_list(person.get("steps"))):
            return None
        own = person["steps"]
        steps[Uid(uid)] = tuple(_canonical(step) for step in own) if is_list(own) else ()
        if isinstance(path := person.get("path"), str):
            paths[Uid(uid)] = path
    return SavedPlan(time_of(str(document["made_at"])), steps, paths)
