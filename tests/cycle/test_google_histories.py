"""Short random histories between a vault and a Google account that is late, odd and sometimes broken.

Every edit is a word of its own. When all has come to rest, the last word of each field is on both sides, or is what a
conflict was asked about; each person is there once, and a further run writes nothing.
"""

import re
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from daemon import conflicts
from emulators.google import answers
from emulators.google.server import Server
from emulators.google.world import BatchFailure, Silence, When
from google_cycles import World, made

pytestmark = pytest.mark.thorough

HISTORIES = range(12)
STEPS = 14
NAMES = ("Ada", "Grace", "Mary")
FAULTS = (
    Silence.HANG_UP, Silence.CUT_OFF, answers.internal(), answers.unavailable(), answers.unauthorized(),
    answers.expired_sync_token(), answers.garbage_token(), answers.minute_quota("write", **{"Retry-After": "0"}),
)  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> Generator[World]:
    with Server().running() as server:
        yield from made(server, tmp_path)


@pytest.mark.parametrize("seed", HISTORIES)
def test_a_history_comes_to_rest_with_the_last_word_on_both_sides(world: World, seed: int) -> None:
    rng = Random(seed)  # noqa: S311  # a history that can be told again
    make_odd(world, rng)
    for name in NAMES:
        world.write(name, f"email: {name.lower()}@example.test", f"role: {name}0")
    said: dict[str, list[str]] = {name: [f"{name}0"] for name in NAMES}
    for number in range(1, STEPS):
        name = rng.choice(NAMES)
        if happen(world, rng, name, f"{name}{number}"):
            said[name].append(f"{name}{number}")
    world.google.google.faults.clear()
    world.rest(may_ask=True)
    assert sorted(each.entries["names"][0]["givenName"] for each in world.google.book.living) == sorted(NAMES)
    known = [kept.conflict for kept in conflicts.all_conflicts(world.state)]
    asked = {str(word) for one in known for word in (one.ours, *one.theirs.values())}
    for name, words in said.items():
        there = world.contact(name)["organizations"][0]["title"]
        here = re.search(r"(?m)^role: (.*)$", world.note(name).read_text())
        assert here is not None
        assert here[1] == there or {here[1], there} <= asked, name
        assert words[-1] in {here[1], there, *asked}, name


def make_odd(world: World, rng: Random) -> None:
    """Draw how this Google is where nobody knows."""
    google = world.google.google
    google.unconfirmed.feed_lag = timedelta(seconds=rng.choice((0, 5, 200)))
    google.unconfirmed.listing_lags_too = rng.random() < 0.5
    google.unconfirmed.batch_failure = rng.choice(tuple(BatchFailure))
    google.tokens.rotates = rng.random() < 0.5
    if rng.random() < 0.5:
        world.keep_connector()


def happen(world: World, rng: Random, name: str, word: str) -> bool:
    """Let something happen; True if somebody has said the word of this person."""
    contact = world.found(name)
    match rng.choice(("note", "note", "contact", "touch", "run", "run", "fault")):
        case "note":
            text = world.note(name).read_text()
            world.note(name).write_text(re.sub(r"(?m)^role: .*$", f"role: {word}", text))
            return True
        case "contact" if contact is not None:
            world.google.book.edit(contact.id, organizations=[{"title": word}])
            return True
        case "touch" if contact is not None:
            world.google.book.touch(contact.id)
        case "fault":
            world.google.google.fault("", rng.choice(tuple(When)), rng.choice(FAULTS))
        case _:
            world.run(apart=timedelta(seconds=rng.choice((1, 60, 900))))
    return False
