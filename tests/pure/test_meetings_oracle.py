"""Random histories of calendars and notes, against a definition of `last_contact` that knows no step before the last.

The oracle sees plain copies of meetings and what the owner typed when; it never sees an event, a tally or a memory.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

import pytest

from mappings.date_memory import NOTHING_REMEMBERED, DateMemory, carried_out
from mappings.derived_dates import settle_last
from mappings.event import CalendarName, Event, EventUid, Response, Status, Timed
from mappings.meeting_case import DEFAULT_RULES, Veto
from mappings.meeting_copies import Sighting, sighting_without_title
from mappings.meetings import Clock, Evidence, Ledger, recompute
from mappings.person import Uid
from mappings.record import AccountName
from meeting_worlds import ADA, AT_WORK, BOB, CLOCK, HOME, ME, MEETING, NOW, PEOPLE, WORK, crowd, invited

ADA_UID = Uid("ada")
ZONE = CLOCK.zone
HISTORIES = 2_000
STEPS = 10

RANKS = {Response.NEEDS_ACTION: 0, Response.DECLINED: 1, Response.TENTATIVE: 2, Response.ACCEPTED: 3}
CALENDARS = {HOME: ME, WORK: AT_WORK}


@dataclass(frozen=True)
class Copy:
    """One meeting as one of two calendars has it."""

    name: str
    account: AccountName
    start: datetime
    answer: Response
    cancelled: bool
    ada: Response
    others: int
    length: timedelta


@dataclass(frozen=True)
class Look:
    """What the owner typed since the last look (`typed` is only true if the note changed), and what counted then."""

    typed: bool
    noted: str | None
    had_key: bool
    counted: frozenset[datetime]


def counted_starts(copies: Iterable[Copy], ignored: set[str], now: datetime) -> frozenset[datetime]:
    """Return the starts of the meetings that count for Ada, by the definition."""
    by_name: dict[str, list[Copy]] = {}
    for copy in copies:
        by_name.setdefault(copy.name, []).append(copy)
    starts: set[datetime] = set()
    for name, same in by_name.items():
        speaker = max(same, key=lambda copy: (RANKS[copy.answer], copy.start))
        came = speaker.answer is Response.ACCEPTED and speaker.start + speaker.length <= now
        off = name in ignored or any(copy.cancelled or copy.ada is Response.DECLINED for copy in same)
        if came and not off and speaker.others + 1 <= 8:
            starts.add(speaker.start)
    return frozenset(starts)


def definition(looks: Sequence[Look]) -> str | None:
    """Return what the note is to say after these looks, from the owner's last word and what counted since."""

    def day(starts: frozenset[datetime]) -> str:
        return max(starts).astimezone(ZONE).date().isoformat() if starts else ""

    derived = day(looks[-1].counted)
    said = max((index for index, look in enumerate(looks) if look.typed), default=None)
    if said is None:
        return derived if any(look.counted for look in looks) else None
    word, then = looks[said].noted, looks[said].counted
    if word is None:
        return None
    if not word and not looks[said].had_key:
        return derived
    is_floor = bool(word) and word >= day(then)
    ended = any(start > max(then) if then else True for look in looks[said + 1 :] for start in look.counted)
    return max(word, derived) if is_floor or ended else word


class History:
    """Two calendars, one note, and a program that looks at them now and then."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311  # a seed that can be told
        self.now = NOW
        self.copies: list[Copy] = []
        self.settled: dict[AccountName, list[Copy]] = {HOME: [], WORK: []}
        self.unsettled: dict[AccountName, list[Copy]] = {HOME: [], WORK: []}
        self.ignored: set[str] = set()
        self.note: str | None = self.random.choice([None, None, "", self._some_day()])
        self.memory: DateMemory = NOTHING_REMEMBERED
        self.before: str | None = None
        self.looks: list[Look] = []

    def step(self) -> None:
        deeds = [self._meet, self._meet, self._answer, self._cancel, self._move, self._delete, self._decline]
        self.random.choice([*deeds, self._ignore, self._type, self._wait])()
        for account in CALENDARS:
            self.random.choice([self._read, self._read_in_part, self._stay_away])(account)
        self._look()

    def _meet(self) -> None:
        start = self.now + timedelta(hours=self.random.randint(-24 * 20, 24 * 5))
        others = self.random.choice([0, 0, 1, 7, 8])
        length = timedelta(hours=self.random.choice([0, 1, 30]))
        name = f"meeting {len(self.looks)}"
        for account in self.random.choice([[HOME], [WORK], [HOME, WORK]]):
            answer = self.random.choice([Response.ACCEPTED, Response.ACCEPTED, *RANKS])
            self.copies.append(
                Copy(name, account, start, answer, cancelled=False, ada=Response.ACCEPTED, others=others, length=length)
            )

    def _answer(self) -> None:
        self._change(lambda copy: replace(copy, answer=self.random.choice([Response.DECLINED, *RANKS])))

    def _cancel(self) -> None:
        self._change(lambda copy: replace(copy, cancelled=True))

    def _decline(self) -> None:
        self._change(lambda copy: replace(copy, ada=Response.DECLINED))

    def _move(self) -> None:
        by = timedelta(hours=self.random.randint(-100, 100))
        self._change(lambda copy: replace(copy, start=copy.start + by))

    def _change(self, change: Callable[[Copy], Copy]) -> None:
        if self.copies:
            chosen = self.random.randrange(len(self.copies))
            self.copies[chosen] = change(self.copies[chosen])

    def _delete(self) -> None:
        if self.copies:
            self.copies.pop(self.random.randrange(len(self.copies)))

    def _ignore(self) -> None:
        if self.copies:
            self.ignored ^= {self.random.choice(self.copies).name}

    def _wait(self) -> None:
        self.now += timedelta(hours=self.random.randint(1, 60))

    def _type(self) -> None:
        self.note = self.random.choice([self._some_day(), self._some_day(), "", None])

    def _some_day(self) -> str:
        return (self.now - timedelta(days=self.random.randint(0, 30))).date().isoformat()

    def _read(self, account: AccountName) -> None:
        self.settled[account] = [copy for copy in self.copies if copy.account == account]
        self.unsettled[account] = []

    def _read_in_part(self, account: AccountName) -> None:
        seen = [copy for copy in self.copies if copy.account == account and self.random.random() < 0.5]
        self.unsettled[account] = overlaid(self.unsettled[account], seen)

    def _stay_away(self, account: AccountName) -> None:
        """An account that cannot be reached says nothing."""

    def _look(self) -> None:
        counted = self._counted()
        self.looks.append(Look(self.note != self.before, self.note, self.before is not None, counted))
        evidence = self._derived()
        died = self.random.choice(["", "", "", "before the write", "after the write"])
        if died:
            settled = settle_last(self.memory, self.note, None, evidence, "")
            self.memory, self.note = settled.memory, settled.wanted if died == "after the write" else self.note
        settled = settle_last(self.memory, self.note, None, evidence, "")
        self.note = self.before = settled.wanted
        self.memory = carried_out(settled.memory, "")
        assert evidence is None or evidence.start == max(counted)

    def _counted(self) -> frozenset[datetime]:
        settled, unsettled = _both(self.settled), _both(self.unsettled)
        certain = counted_starts(settled, self.ignored, self.now)
        return certain | counted_starts(overlaid(settled, unsettled), self.ignored, self.now)

    def _derived(self) -> Evidence | None:
        settled, unsettled = ([_sighting(copy) for copy in _both(part)] for part in (self.settled, self.unsettled))
        for part in (settled, unsettled):
            self.random.shuffle(part)
        vetoes = frozenset(
            Veto(sighting.id, self.random.choice([ADA_UID, None]))
            for sighting in (*settled, *unsettled)
            if sighting.event.uid in self.ignored
        )
        ledger = Ledger(tuple(settled), tuple(unsettled))
        return recompute(ledger, PEOPLE, DEFAULT_RULES, vetoes, Clock(self.now, ZONE)).tally(ADA_UID).last_contact


def overlaid(under: Iterable[Copy], over: Sequence[Copy]) -> list[Copy]:
    told = {(copy.name, copy.account) for copy in over}
    return [*(copy for copy in under if (copy.name, copy.account) not in told), *over]


def _both(parts: dict[AccountName, list[Copy]]) -> list[Copy]:
    return [copy for part in parts.values() for copy in part]


@lru_cache(maxsize=1_000)
def _sighting(copy: Copy) -> Sighting:
    return sighting_without_title(_event(copy))


def _event(copy: Copy) -> Event:
    mine = invited(CALENDARS[copy.account], copy.answer)
    return replace(
        MEETING,
        uid=EventUid(copy.name),
        account=copy.account,
        calendar=CalendarName("main"),
        when=Timed(copy.start, copy.start + copy.length),
        status=Status.CANCELLED if copy.cancelled else Status.CONFIRMED,
        title=copy.name,
        organizer=BOB if copy.others else ADA,
        attendees=(mine, invited(ADA, copy.ada), *crowd(copy.others - 1)),
    )


@pytest.mark.parametrize("seeds", [range(first, first + 500) for first in range(0, HISTORIES, 500)], ids=str)
def test_the_note_says_what_the_definition_says(seeds: range) -> None:
    for seed in seeds:
        history = History(seed)
        for step in range(STEPS):
            history.step()
            expected = definition(history.looks)
            assert history.note == expected, f"seed {seed}, step {step}"
