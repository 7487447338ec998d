"""The service as a process: its configuration, its signals, its line to systemd, its clocks."""

import logging
import os
import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from daemon.ask import Line
from daemon.config import load
from daemon.desktop import Desktop, send
from daemon.errors import ConfigError
from daemon.inbox import Ending, Inbox, Nudge
from daemon.notify import Notify

_log = logging.getLogger(__name__)


class Service:
    """The process: its configuration, its inbox, its line to systemd."""

    def __init__(self, config_path: Path) -> None:
        self.config_path = config_path
        self.config = load(config_path)
        self.inbox = Inbox()
        self.notify = Notify(os.environ)
        self.ending: Ending | None = None
        self.sync_now = False
        self.lend_to: Line | None = None
        self.since = now()
        self.desktop = Desktop(send)
        self._alive_s = 0.0

    def stopping(self) -> bool:
        return self.ending is not None

    def alive(self) -> None:
        """Give a sign of life, now and then; long work calls this at every step."""
        if seconds() >= self._alive_s and self.notify.watchdog_s is not None:
            self._alive_s = seconds() + self.notify.watchdog_s / 4
            self.notify.alive()

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        """Take down what a signal wants; the thread is woken and does it."""
        del frame
        match number:
            case signal.SIGHUP:
                self.ending = self.ending or Ending.RELOAD
            case signal.SIGUSR1:
                self.sync_now = True
            case _:
                self.ending = Ending.STOP
        self.inbox.put(Nudge.SIGNAL)

    def reload(self) -> None:
        """Read the configuration anew; a broken one is refused, every problem named, and the former one stays."""
        self.notify.reloading(time.monotonic_ns() // 1000)
        try:
            config = load(self.config_path)
        except ConfigError as error:
            for problem in error.problems:
                _log.error("the changed configuration is refused, the former one stays: %s", problem)
            return
        if config.state != self.config.state:
            _log.error("the changed configuration is refused: state.path can only be changed by a restart")
            return
        self.config = config
        _log.info("the configuration was read anew")


def now() -> datetime:
    """Return the time, in the zone in which everything is stored."""
    return datetime.now(UTC)


def seconds() -> float:
    """Return seconds on a clock that never goes back, and goes on while the machine is suspended where it can."""
    return time.clock_gettime(_CLOCK)


_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
