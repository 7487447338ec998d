"""A kept plan is carried out exactly as it was kept, over random worlds in which every kind of step occurs.

And taken back, it leaves both sides as they were before it.
"""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import get_args

import pytest

from daemon import apply as applying
from daemon import cycle, journal, links, saved_plan
from daemon.apply import Applied
from daemon.journal import OperationState, RunId
from daemon.saved_plan import SavedPlan, Step
from daemon.undo import NothingToUndo
from mappings import note as note_lens
from mappings.fields import same, value_of
from mappings.operation import NoteWrite, Operation, RemoteWrite
from mappings.person import Person, Uid
from mappings.record import AccountName, NotePath, RemoteId
from run_worlds import eventful, happens, sides, take_back
from simulation.story import Story
from simulation.values import seeded
from simulation.world import one_by_one


def kept(story: Story, folder: Path) -> SavedPlan:
    """Return the plan of everything that would be done, as the owner's file has it; nothing is touched for it."""
    world = story.world
    state = world.state.copied_in_memory()
    seen = cycle.look(world.setup, state, world.now, one_by_one)
    paths = {**links.people(state), **{note.uid: note.path for note in seen.world.notes}}
    target = folder / "plan.json"
    saved_plan.write(
        target, saved_plan.saved(applying.whole(world.setup, seen), paths, world.now), world.setup.vault_id
    )
    return saved_plan.read(target, world.setup.vault_id)


def applied(story: Story, plan: SavedPlan) -> Applied:
    world = story.world
    return applying.carry_out(world.setup, world.state, plan, lambda: world.now, lambda _: True, one_by_one)


def contents(story: Story) -> tuple[Mapping[NotePath, bytes], Mapping[AccountName, list[str]]]:
    """Return what both sides say; a contact that is made anew has another id."""
    notes, books = sides(story)
    return notes, {name: sorted(book.values()) for name, book in books.items()}


def steps(story: Story, operations: Iterable[Operation]) -> Mapping[Uid, tuple[Step, ...]]:
    return saved_plan.saved(operations, {}, story.world.now).steps


def written(story: Story, run: int) -> Mapping[Uid, tuple[Step, ...]]:
    """Return the writes that a run has begun, person by person, in no order; it must have done each of them."""
    entries = journal.entries(story.world.state, RunId(run))
    assert {entry.state for entry in entries} <= {OperationState.DONE}
    return {uid: writes(own) for uid, own in steps(story, (entry.operation for entry in entries)).items()}


def writes(own: tuple[Step, ...]) -> tuple[Step, ...]:
    names = {kind.__name__ for kind in get_args(NoteWrite | RemoteWrite)}
    return tuple(sorted(step for step in own if json.loads(step)["kind"] in names))


@pytest.mark.parametrize("seed", range(120))
def test_a_plan_is_carried_out_exactly_and_taken_back_whole(seed: int, tmp_path: Path) -> None:
    story, twin = (eventful(seeded("apply", seed)) for _ in range(2))
    plan, before = kept(story, tmp_path), contents(story)
    done = applied(story, plan)
    assert done.selected.moved == ()
    if done.report is None:
        assert (dict(plan.steps), contents(story)) == ({}, before)
        return
    assert steps(story, done.report.plan.operations) == plan.steps
    asked = {uid: own for uid, own in ((uid, writes(own)) for uid, own in plan.steps.items()) if own}
    assert written(story, done.report.run) == asked
    twin.sync()
    assert contents(story) == contents(twin)
    if not asked:
        return
    undone = take_back(story, done.report.run)
    assert undone.undoing.refusals == ()
    for _ in range(3):
        assert contents(story) == before
        story.sync()


Sides = tuple[Person | None, Mapping[tuple[AccountName, RemoteId], Person]]
"""What a person's note says, None where there is none, and every contact that is linked or meant by a step."""


def sides_of(story: Story, uid: Uid, plan: SavedPlan) -> Sides:
    world = story.world
    path = NotePath(plan.paths[uid])
    file = world.vault.files.get(path)
    reading = note_lens.read(path, file.content.decode(), world.setup.rules) if file else None
    meant = {(link.account, link.remote_id) for link in links.links(world.state) if link.uid == uid}
    for step in map(json.loads, plan.steps[uid]):
        meant |= {(step.get("account"), step.get("remote_id"))}
        meant |= {(one["agreed"]["account"], one["remote_id"]) for one in step.get("joined", ())}
    records = {
        (name, remote_id): entry.person
        for name, book in world.books.items()
        for remote_id, entry in book.entries.items()
        if (name, remote_id) in meant
    }
    return reading.reading.person if reading else None, records


def hit(own: tuple[Step, ...], note: Person | None, records: Mapping[tuple[AccountName, RemoteId], Person]) -> bool:
    """Tell whether a field that a step is to change no longer says what it said when the plan was made."""
    for step in map(json.loads, own):
        side = note if step["kind"] == "WriteNote" else records.get((step.get("account"), step.get("remote_id")))
        for change in step.get("changes", ()):
            before = tuple(change["before"]) if isinstance(change["before"], list) else change["before"]
            if side is None or not same(change["field"], value_of(side, change["field"]), before):
                return True
    return False


@pytest.mark.parametrize("seed", range(120))
def test_just_the_people_whose_sides_have_moved_are_left_out_and_named(seed: int, tmp_path: Path) -> None:
    rng = seeded("apply after edits", seed)
    story = eventful(rng)
    plan = kept(story, tmp_path)
    then = {uid: sides_of(story, uid, plan) for uid in plan.steps}
    happens(story, rng)
    # Somebody writes into the text of a note, which has moved nothing that a step is about.
    for path, file in list(story.world.vault.files.items()):
        if rng.random() < 0.3:
            story.world.vault.save(path, file.content + b"Wrote a letter.\n", by_rename=True)
    before = {uid: sides_of(story, uid, plan) for uid in plan.steps}
    done = applied(story, plan)
    moved = set(done.selected.moved)
    did: Mapping[Uid, tuple[Step, ...]] = written(story, done.report.run) if done.report else {}
    assert did == {uid: asked for uid, own in plan.steps.items() if uid not in moved and (asked := writes(own))}
    for uid, own in plan.steps.items():
        note, records = before[uid]
        if uid in moved:
            assert before[uid] != then[uid], own
            assert sides_of(story, uid, plan) == before[uid], own
        else:
            assert not hit(own, note, records), own


def test_every_kind_of_step_occurs_in_these_worlds() -> None:
    """So that one that is added to the closed set, and to no world, is noticed."""
    missing = set[type](get_args(Operation))
    for seed in range(120):
        story = eventful(seeded("apply", seed))
        report = story.sync()
        missing -= set(map(type, report.plan.operations))
        with suppress(NothingToUndo):
            missing -= set(map(type, take_back(story, report.run).undoing.operations))
        if not missing:
            break
    assert missing == set()
