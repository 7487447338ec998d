"""The emulator's time: it passes when a test says so."""

from datetime import UTC, datetime, timedelta


class Clock:
    """Virtual time."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 25, 12, tzinfo=UTC)

    def advance(self, span: timedelta) -> None:
        self.now += span

    def text(self) -> str:
        """Return the time as Google writes it."""
        return self.now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
