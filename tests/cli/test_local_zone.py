"""The system's time zone: its rules for the whole year, whatever the season is now."""

from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo

import pytest

from daemon.local_zone import local_zone

JANUARY, JULY = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)


def offsets(zone: tzinfo) -> tuple[timedelta | None, timedelta | None]:
    return JANUARY.astimezone(zone).utcoffset(), JULY.astimezone(zone).utcoffset()


BERLIN = (timedelta(hours=1), timedelta(hours=2))


@pytest.mark.parametrize("name", ["Europe/Berlin", ":Europe/Berlin"])
def test_the_variable_names_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", name)
    assert offsets(local_zone()) == BERLIN


def test_the_file_holds_its_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TZ", raising=False)
    rules = next((Path(root, "Europe/Berlin") for root in TZPATH if Path(root, "Europe/Berlin").exists()), None)
    if rules is None:
        pytest.skip("this machine has no zone database of its own")
    localtime = tmp_path / "localtime"
    localtime.symlink_to(rules)
    zone = local_zone(localtime)
    assert (offsets(zone), getattr(zone, "key", "")) == (BERLIN, "Europe/Berlin")


@pytest.mark.parametrize("content", [b"", b"no rules"])
def test_where_nothing_can_be_read_the_offset_of_today_serves(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TZ", raising=False)
    (tmp_path / "localtime").write_bytes(content)
    zone = local_zone(tmp_path / "localtime")
    now = datetime.now(UTC)
    assert now.astimezone(zone).utcoffset() == now.astimezone().utcoffset()


def test_a_variable_that_nobody_understands_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Nowhere/At_all")
    assert local_zone().utcoffset(JULY) is not None


def test_summer_and_winter_are_told_apart_by_a_zone_of_the_configuration() -> None:
    assert offsets(ZoneInfo("Europe/Berlin")) == BERLIN
