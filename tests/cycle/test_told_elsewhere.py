"""What is told outside the program: metrics for a machine, a word on the desktop, and what the machine is asked for."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daemon import doctor_machine, journal, metrics, schedule
from daemon.desktop import Desktop
from daemon.finding import Verdict
from daemon.post import Post
from daemon.power import on_battery
from daemon.state import State
from mappings.record import AccountName

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def post(name: str, failing_since: datetime | None) -> Post:
    return Post(AccountName(name), None, 180, schedule.first(0), failing_since=failing_since)


def test_metrics_say_who_is_down_and_since_when(tmp_path: Path) -> None:
    path = tmp_path / "contactd.prom"
    path.write_text("old")
    metrics.write(path, [post("home", None), post("work", NOW)], 3, NOW + timedelta(hours=1), up=True)
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    assert lines == [
        "contactd_up 1",
        'contactd_account_up{account="home"} 1',
        'contactd_account_up{account="work"} 0',
        'contactd_account_failing_since_seconds{account="home"} 0',
        'contactd_account_failing_since_seconds{account="work"} 1772366400',
        "contactd_waiting 3",
        "contactd_written_at_seconds 1772370000",
    ]
    assert [one.name for one in tmp_path.iterdir()] == ["contactd.prom"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_the_desktop_is_told_once_a_day_of_each_thing() -> None:
    said: list[str] = []
    desktop = Desktop(said.append)
    desktop.waits(0, NOW)
    for hours in (0, 1, 23, 25):
        desktop.waits(2, NOW + timedelta(hours=hours))
        desktop.signed_out("work", NOW + timedelta(hours=hours))
    assert len(said) == 4
    assert said[0].startswith("2 to be decided")
    desktop.waits(2, NOW - timedelta(days=400))
    assert len(said) == 5


def test_a_machine_is_on_battery_if_nothing_feeds_it(tmp_path: Path) -> None:
    def supply(name: str, **files: str) -> None:
        (tmp_path / name).mkdir(exist_ok=True)
        for file, text in files.items():
            (tmp_path / name / file).write_text(text + "\n")

    assert not on_battery(tmp_path / "nowhere")
    supply("BAT0", type="Battery")
    assert not on_battery(tmp_path)
    supply("AC", type="Mains", online="0")
    assert on_battery(tmp_path)
    supply("AC", online="1")
    assert not on_battery(tmp_path)


def test_more_folders_than_can_be_watched_are_told_with_the_remedy(tmp_path: Path) -> None:
    limits, vault = tmp_path / "limits", tmp_path / "vault"
    limits.mkdir()
    (limits / "max_user_watches").write_text("2\n")
    for name in ("a", "b", "c"):
        (vault / name).mkdir(parents=True)
    watching, clock = doctor_machine.examine(vault, State.in_memory(), NOW, limits)
    assert (watching.verdict, "fs.inotify.max_user_watches=8" in watching.remedy) == (Verdict.PARTIAL, True)
    assert clock.verdict is Verdict.FINE
    (limits / "max_user_watches").write_text("100000\n")
    assert next(doctor_machine.examine(vault, State.in_memory(), NOW, limits)).verdict is Verdict.FINE


@pytest.mark.parametrize(
    ("ahead", "verdict"),
    [
        (timedelta(days=-1), Verdict.FINE),
        # the service has begun it since the examination began
        (timedelta(seconds=1), Verdict.FINE),
        (timedelta(hours=1), Verdict.PARTIAL),
    ],
)
def test_a_clock_that_was_set_back_is_told_by_the_run_before(
    tmp_path: Path, ahead: timedelta, verdict: Verdict
) -> None:
    state = State.in_memory()
    with state.transaction() as tx:
        journal.begin_run(tx, "sync", NOW + ahead)
    _, clock = doctor_machine.examine(tmp_path, state, NOW)
    assert (clock.about, clock.verdict) == ("clock", verdict)
