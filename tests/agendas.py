"""Worlds with calendars: notes in a folder, address books and agendas in memory, cycles at any time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from connectors.memory_calendar import Agenda, MemoryCalendar
from daemon import cycle
from daemon.cycle import Look
from daemon.report import Report
from daemon.setup import Meetings, Setup
from mappings.event import CalendarName, Event, EventUid, Response, Timed
from mappings.record import AccountName, RemoteId
from meeting_worlds import ACCEPTED, ADA, MEETING, at, invited
from memory_worlds import HOME, MemoryWorld, made, one_by_one, person

MAIN = CalendarName("main")
LATER = datetime(2026, 11, 23, 12, tzinfo=UTC)
ADA_NOTE = "Ada"


@dataclass(slots=True)
class AgendaWorld:
    """A memory world whose clock stands where a test puts it; Ada has a note, and in the first account a contact."""

    world: MemoryWorld
    agenda: Agenda
    now: datetime
    setup: Setup

    def sync(self, *, approve: bool = True) -> Report:
        def approved(seen: Look) -> frozenset[AccountName]:
            return frozenset(brake.account for brake in seen.plan.brakes) if approve else frozenset()

        return cycle.sync(self.setup, self.world.state, lambda: self.now, approved, one_by_one)

    def note_line(self, key: str = "last_contact") -> str | None:
        """Return what stands behind a key in Ada's note, quotes and all; None if there is no such key."""
        lines = self.world.note(ADA_NOTE).read_text().split("\n")
        return next((line.partition(":")[2].strip() for line in lines if line.startswith(f"{key}:")), None)

    def edit(self, key: str, text: str | None) -> None:
        """Let the owner give a key of Ada's note another text; None takes it out."""
        path = self.world.note(ADA_NOTE)
        lines = [line for line in path.read_text().split("\n") if not line.startswith(f"{key}:")]
        at_end = lines.index("---", 1)
        path.write_text(
            "\n".join([*lines[:at_end], *([f"{key}: {text}"] if text is not None else []), *lines[at_end:]])
        )

    def contact_date(self, account: AccountName = HOME) -> str | None:
        found = self.world.in_book(account, "ada")
        return None if found is None else found.last_contact

    def edit_contact(self, date: str, account: AccountName = HOME) -> None:
        self.world.remote_edit(account, "ada", {"last_contact": date})

    def meet(self, name: str, day: int, **changes: object) -> RemoteId:
        """Add a meeting of the owner and Ada in November."""
        return self.agenda.add(meeting(name, day, **changes))


def meeting(name: str, day: int, **changes: object) -> Event:
    settings: dict[str, object] = {"uid": EventUid(name), "when": Timed(at(day), at(day, 10)), **changes}
    return replace(MEETING, **settings)  # type: ignore[arg-type]  # a test names only what differs


def declined(name: str, day: int) -> Event:
    """Return a meeting that the owner declined."""
    return meeting(name, day, attendees=(replace(ACCEPTED, response=Response.DECLINED), invited(ADA)))


def agenda_world(
    root: Path,
    *lines: str,
    accounts: Sequence[AccountName] = (HOME,),
    calendars: Mapping[AccountName, Agenda] | None = None,
    meetings: Mapping[str, object] | None = None,
) -> AgendaWorld:
    """Make a world in which Ada's note has these lines beside her address, and the first account a calendar."""
    world = made(root, *accounts)
    world.note(ADA_NOTE).write_text(person("Ada", "ada", f"email: {ADA}", *lines))
    agendas = calendars or {accounts[0]: Agenda()}
    kept = replace(world.setup.meetings, **(meetings or {}))  # type: ignore[arg-type]  # a test names only what differs
    setup = replace(
        world.setup,
        calendars=tuple(MemoryCalendar(account, MAIN, agenda) for account, agenda in agendas.items()),
        meetings=kept,
    )
    return AgendaWorld(world, next(iter(agendas.values())), LATER, setup)


def limited(world: AgendaWorld, **changes: object) -> None:
    """Change what the owner decided about meetings."""
    change = partial(replace, world.setup.meetings)
    kept: Meetings = change(**changes)
    world.setup = replace(world.setup, meetings=kept)
