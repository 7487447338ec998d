"""Worlds in which people who have no note get one: Ada has a note and a contact, Grace and Bob do not."""

from collections.abc import Mapping
from dataclasses import replace

from agendas import AgendaWorld, meeting
from daemon.render_plan import is_shown
from daemon.report import Report
from daemon.setup import NewNotes
from mappings.person import FieldName, Value
from mappings.record import AccountName, RemoteId
from meeting_worlds import ACCEPTED, BOB, invited
from memory_worlds import HOME
from worlds import person

NONE: frozenset[AccountName] = frozenset()
GRACE: dict[FieldName, Value] = {
    "name": "Grace Hopper",
    "emails": ("grace@example.test",),
    "title": "Admiral",
    "birthday": "1906-12-09",
}


def wishing(world: AgendaWorld, **changes: object) -> AgendaWorld:
    wish = NewNotes(frozenset({HOME}), frozenset({HOME}), "People", None, 20)
    world.setup = replace(world.setup, new_notes=replace(wish, **changes))  # type: ignore[arg-type]  # a test names only what differs
    return world


def notes(world: AgendaWorld) -> Mapping[str, bytes]:
    root = world.world.vault
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*.md"))
        if path.name not in {"Ada.md", "contactd-vault.md"}
    }


def add(world: AgendaWorld, values: Mapping[FieldName, Value], account: AccountName = HOME) -> RemoteId:
    return world.world.books[account].add(person(values), extra="NOTE:of theirs")


def meet_bob(world: AgendaWorld, *days: int) -> None:
    for day in days:
        world.agenda.add(meeting(f"cake {day}", day, organizer=BOB, attendees=(ACCEPTED, invited(BOB))))


def reasons(report: Report) -> list[str]:
    return [one.reason for one in report.plan.unmade]


def does_nothing(world: AgendaWorld) -> None:
    before = notes(world)
    report = world.sync(approve=False)
    assert [step for step in report.plan.operations if is_shown(step)] == []
    assert (report.exit_code, notes(world)) == (0, before)


def uid_in(note: bytes) -> str:
    return note.decode().partition("uid: ")[2].partition("\n")[0]
