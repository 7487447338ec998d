"""When which account is read next, by tables worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.schedule import Failure, Turn, after_failure, after_success, at_once, calmness, first

NOW = 1000.0
MIDDLE = 0.5
"""The chance that leaves a span as it is."""


def read(turn: Turn, *, news: bool, ends: tuple[float, ...] = (), chance: float = MIDDLE) -> Turn:
    return after_success(turn, 180.0, NOW, chance, news=news, meeting_ends_s=ends)


def test_a_new_account_is_read_at_once() -> None:
    assert first(NOW).due_s == NOW


@pytest.mark.parametrize(("calm", "times"), [(0, 1), (3, 1), (4, 1.3), (5, 1.69), (20, 4), (10**9, 4)])
def test_who_says_nothing_new_is_asked_ever_more_seldom(calm: int, times: float) -> None:
    assert calmness(calm) == pytest.approx(times)


def test_news_bring_the_interval_back() -> None:
    turn = Turn(NOW, NOW, 0, 20)
    assert read(turn, news=False).due_s == NOW + 720
    assert read(turn, news=True).due_s == NOW + 180


@pytest.mark.parametrize(
    ("ends", "due"),
    [
        ((), 180),
        ((NOW + 30,), 90),
        ((NOW + 3000, NOW + 90, NOW + 30), 90),
        ((NOW + 500,), 180),
        ((NOW - 30,), 30),
        ((NOW - 61,), 180),
    ],
)
def test_a_meeting_that_ends_is_looked_for_a_minute_later(ends: tuple[float, ...], due: float) -> None:
    assert read(first(NOW), news=True, ends=ends).due_s == pytest.approx(NOW + due)


@pytest.mark.parametrize(
    ("failure", "failures", "span"),
    [
        (Failure.AWAY, 0, 30),
        (Failure.AWAY, 1, 60),
        (Failure.AWAY, 6, 1920),
        (Failure.AWAY, 7, 3600),
        (Failure.AWAY, 10**6, 3600),
        (Failure.SIGNED_OUT, 0, 1800),
        (Failure.SIGNED_OUT, 5, 3600),
        (Failure.MISUNDERSTOOD, 0, 900),
        (Failure.MISUNDERSTOOD, 9, 21600),
    ],
)
def test_the_time_until_the_next_try_doubles_up_to_a_bound(failure: Failure, failures: int, span: float) -> None:
    turn = after_failure(Turn(NOW, NOW, failures, 0), failure, None, NOW, MIDDLE)
    assert turn.due_s == pytest.approx(NOW + span)
    assert turn.failures == failures + 1


@pytest.mark.parametrize(("asked", "due"), [(None, 30), (0, 30), (-5, 30), (10, 30), (7200, 7200)])
def test_a_provider_is_not_asked_before_it_wants_to_be(asked: float | None, due: float) -> None:
    turn = after_failure(first(NOW), Failure.AWAY, asked, NOW, MIDDLE)
    assert turn.due_s == pytest.approx(NOW + due)
    # Not even when the owner is in a hurry.
    assert at_once(turn, NOW + 1).due_s == max(NOW + 1, NOW + max(asked or 0, 0))


def test_success_forgets_failures() -> None:
    turn = read(Turn(NOW, NOW, 9, 0), news=False)
    assert (turn.failures, turn.due_s) == (0, NOW + 180)


@given(st.floats(0, 1), st.integers(0, 100))
def test_chance_moves_a_span_by_a_tenth_at_most(chance: float, failures: int) -> None:
    assert 162 <= read(first(NOW), news=True, chance=chance).due_s - NOW <= 198 + 1e-9
    turn = after_failure(Turn(NOW, NOW, failures, 0), Failure.AWAY, None, NOW, chance)
    assert 27 - 1e-9 <= turn.due_s - NOW <= 3960 + 1e-9
