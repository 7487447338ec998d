"""Hands in the calendars of a history: meetings are made, moved, answered, cancelled and deleted."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from mappings.event import Event, EventUid, Response, Status, Timed
from mappings.record import RemoteId
from meeting_worlds import ACCEPTED, MEETING, crowd, invited
from simulation.diaries import Diary
from simulation.world import World

Action = Callable[[Random], str | None]

_ANSWERS = (Response.ACCEPTED, Response.ACCEPTED, Response.ACCEPTED, Response.DECLINED, Response.TENTATIVE)
_SOON = timedelta(days=2)


def actions(world: World, addresses: Callable[[], Sequence[str]]) -> list[tuple[int, Action]]:
    """Return what people do in calendars, and how often each of it; `addresses` are those in notes."""

    def changing(change: Callable[[Random, Event], Event], words: str) -> Action:
        return lambda rng: _change(rng, world, change, words)

    return [
        (40, lambda rng: meet(rng, world, addresses())),
        (16, changing(_moved, "is moved")),
        (16, changing(lambda rng, event: _answered(event, rng.choice(_ANSWERS)), "is answered")),
        (10, changing(lambda _, event: replace(event, status=Status.CANCELLED), "is cancelled")),
        (10, changing(lambda _, event: _declined(event), "is declined by the guest")),
        (20, lambda rng: _delete(rng, world)),
    ]


def come_to_rest(world: World) -> None:
    """Take out what would take place while everybody rests."""
    for diary in world.diaries.values():
        for source, event in diary.events().items():
            start, end = _times(event)
            if end > world.now - timedelta(minutes=1) and start < world.now + _SOON:
                diary.agenda.remove(source)


def meet(rng: Random, world: World, guests: Sequence[str]) -> str | None:
    """Let the owner meet one of the guests, perhaps with others, in one of the calendars or in both."""
    if not guests:
        return None
    guest = rng.choice(guests)
    begins = rng.choice((-rng.randint(2, 24 * 300), -rng.randint(2, 24 * 20), rng.randint(24 * 3, 24 * 9)))
    start = world.now.replace(minute=17, second=0, microsecond=0) + timedelta(hours=begins)
    name, others = f"meeting-{rng.getrandbits(32)}", rng.choice((0, 0, 1, 7, 8))
    theirs = rng.choice((Response.ACCEPTED, Response.ACCEPTED, Response.NEEDS_ACTION, Response.DECLINED))
    kept_in = rng.choice(((0,), (1,), (0, 1)))
    for diary in (list(world.diaries.values())[number] for number in kept_in):
        event = replace(
            MEETING,
            uid=EventUid(name),
            when=Timed(start, start + timedelta(minutes=30)),
            organizer=guest if not others else "host@example.test",
            attendees=(replace(ACCEPTED, response=rng.choice(_ANSWERS)), invited(guest, theirs), *crowd(others - 1)),
            title=name,
        )
        diary.agenda.add(event)
    return f"{name} with {guest} at {start:%Y-%m-%d %H:%M}, {others} others, in {len(kept_in)} calendars"


def _change(rng: Random, world: World, change: Callable[[Random, Event], Event], words: str) -> str | None:
    found = _any_event(rng, world)
    if found is None:
        return None
    diary, source, event = found
    diary.agenda.put(source, change(rng, event))
    return f"{event.uid} in {diary.account} {words}"


def _delete(rng: Random, world: World) -> str | None:
    found = _any_event(rng, world)
    if found is None:
        return None
    diary, source, event = found
    diary.agenda.remove(source)
    return f"{event.uid} in {diary.account} is deleted"


def _any_event(rng: Random, world: World) -> tuple[Diary, RemoteId, Event] | None:
    diary = rng.choice(list(world.diaries.values()))
    events = diary.events()
    if not events:
        return None
    source = rng.choice(sorted(events))
    return diary, source, events[source]


def _moved(rng: Random, event: Event) -> Event:
    start, end = _times(event)
    by = timedelta(hours=rng.randint(-24 * 30, -1))
    return replace(event, when=Timed(start + by, end + by))


def _answered(event: Event, answer: Response) -> Event:
    return replace(event, attendees=(replace(event.attendees[0], response=answer), *event.attendees[1:]))


def _declined(event: Event) -> Event:
    mine, guest, *others = event.attendees
    return replace(event, attendees=(mine, replace(guest, response=Response.DECLINED), *others))


def _times(event: Event) -> tuple[datetime, datetime]:
    assert isinstance(event.when, Timed)
    return event.when.start, event.when.end
