"""`contactd sync`, the service: watch, schedule, signals, questions, and a word to systemd; the rest is `rounds`.

Theory of operation
-------------------
The service works in *sittings*. A sitting takes the lock, opens the state, the vault and the accounts, and runs rounds
until it has a reason to end: to stop (SIGTERM, SIGINT), to begin anew with another configuration (SIGHUP), to lend the
lock to a command, or because the state cannot be written just now. Whatever the reason, the steps at hand are finished,
the rest is journaled as not done, and the next sitting, or the next start, plans anew. There is one way to begin and
one way to end, and both are also what a crash leads to.

A *vault that is not there* ends no sitting: nothing is decided while it is away, and all is looked at when it is back.
Only one that another machine keeps in step, or that nobody has begun with, is none of this program's business.

One thread does everything here; others only put something into its inbox: signals, the watcher, questions, workers.
It wakes by itself for what is due, and every few seconds to see whether the vault, the state and the watcher are still
the ones that it began with. If it wakes much later than it wanted to (suspend, a stopped process), it believes nothing
that it remembers of the time in between.
"""

import logging
import os
import signal
import time
import traceback
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from pathlib import Path
from queue import Empty, SimpleQueue
from random import Random
from types import FrameType

from daemon import ask, conflicts, metrics, opening, ownership, power, sandbox, serving, sync_asked
from daemon.ask import Line
from daemon.config import load
from daemon.crew import Crew, Done
from daemon.database import DATABASE_NAME, make_folder
from daemon.desktop import Desktop, send
from daemon.errors import (
    AlreadyRunning,
    ConfigError,
    DaemonError,
    NotOurVault,
    StateError,
    StateUnusable,
    VaultError,
    VaultMissing,
)
from daemon.health import Health
from daemon.lock import only_instance
from daemon.marker import Marker
from daemon.notify import Notify
from daemon.ownership import Beginning
from daemon.progress import WatchedVault
from daemon.report import Report
from daemon.rounds import Clock, Desk, Post, Rounds
from daemon.serving import AccountServed, Serving
from daemon.state import State
from daemon.watch import Dirty, Watch

LOOK_ROUND_S = 10.0
"""How often the vault's identity, the state's file and the watcher are looked at."""

LATE_S = 30.0
"""Whoever wakes this much later than he wanted to has missed something."""

WIND_UP_S = 20.0
"""How long the steps at hand are waited for at the end of a sitting; systemd waits for thirty seconds."""

AGAIN_S = 30.0
"""When a state that could not be written is tried again."""

LEND_WAIT_S = 1.0

_log = logging.getLogger(__name__)


class Ending(Enum):
    """Why a sitting ends."""

    STOP = auto()
    RELOAD = auto()
    LEND = auto()
    STATE_UNUSABLE = auto()


class Nudge(Enum):
    """What is put into the inbox besides questions and what workers have done."""

    SIGNAL = auto()
    DIRTY = auto()


Message = Nudge | Line | Done


class Inbox:
    """Everything that wakes the one thread; anybody may put something in, a signal's handler too."""

    def __init__(self) -> None:
        self._messages: SimpleQueue[Message] = SimpleQueue()
        self._is_dirty = False

    def put(self, message: Message) -> None:
        self._messages.put(message)

    def dirty(self) -> None:
        """Note that the watcher has said something; a burst of events is one message."""
        if not self._is_dirty:
            self._is_dirty = True
            self._messages.put(Nudge.DIRTY)

    def wait(self, span_s: float) -> list[Message]:
        """Return what has come, as soon as anything has, at the latest after this time."""
        messages: list[Message] = []
        try:
            messages.append(self._messages.get(timeout=max(span_s, 0.0)))
            while True:
                messages.append(self._messages.get_nowait())
        except Empty:
            self._is_dirty = False
            return messages


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


def serve(config_path: Path) -> int:
    """Run the service until it is told to stop.

    Result: the exit code.
    Errors: `ConfigError`, `AlreadyRunning`, `NotOurVault`, `NoMarker`, `StateError`.
    """
    try:
        return _serve(Service(config_path))
    except DaemonError:
        raise
    except Exception as error:
        _tell_crash(error)
        raise


def _serve(service: Service) -> int:
    make_folder(service.config.state)
    _log.info("sandbox: %s", sandbox.probe(Path.home()))
    with _signals(service.on_signal), ExitStack() as listening:
        is_first = True
        while True:
            ending = _sitting(service, listening, is_first=is_first)
            is_first = False
            match ending:
                case Ending.STOP:
                    service.notify.stopping()
                    return 0
                case Ending.RELOAD:
                    service.reload()
                case Ending.LEND:
                    _lend(service)
                    # Whoever borrowed may have renamed an account there.
                    service.reload()
                case Ending.STATE_UNUSABLE:
                    _wait(service, lambda: False, AGAIN_S)


def _sitting(service: Service, listening: ExitStack, *, is_first: bool) -> Ending:
    """Run one sitting; see the module."""
    service.ending = None if service.ending is not Ending.STOP else Ending.STOP
    state_home = service.config.state
    with ExitStack() as held:
        _lock(service, held, state_home, is_first=is_first)
        if service.stopping():
            return Ending.STOP
        if is_first:
            listening.enter_context(ask.listening(state_home, service.inbox.put))
        has_opened = False
        try:
            with closing(State.open(state_home, now())) as state:
                has_opened = True
                return Sitting(service, state).run()
        except StateUnusable as error:
            if is_first and not has_opened:
                raise
            _log.error("%s; tried again in %d seconds", error, AGAIN_S)
            service.notify.status(str(error))
            return service.ending or Ending.STATE_UNUSABLE


def _lock(service: Service, held: ExitStack, state_home: Path, *, is_first: bool) -> None:
    """Take the lock; who has lent it waits until whoever has it lets go."""
    while not service.stopping():
        try:
            held.enter_context(only_instance(state_home))
        except AlreadyRunning:
            if is_first:
                raise
            _wait(service, lambda: False, LEND_WAIT_S)
        else:
            return


def _lend(service: Service) -> None:
    """Let a command have the lock until its connection ends."""
    line, service.lend_to = service.lend_to, None
    if line is None:
        return
    service.notify.status("waits for a command that changes what is remembered")
    line.answer({"lent": True})
    service.ending = None
    _wait(service, lambda: not line.is_open(), float("inf"))
    line.close()


def _wait(service: Service, is_over: Callable[[], bool], span_s: float) -> None:
    """Wait between two sittings, giving signs of life; questions are kept for the next."""
    until_s, kept = seconds() + span_s, list[Message]()
    while seconds() < until_s and service.ending is not Ending.STOP and not is_over():
        service.alive()
        kept += service.inbox.wait(min(0.2, until_s - seconds()))
    for message in kept:
        service.inbox.put(message)


class Sitting:
    """One sitting: everything that is open in it."""

    def __init__(self, service: Service, state: State) -> None:
        self._service = service
        self._config = service.config
        self._state = state
        keys = self._config.service
        self._dirty = Dirty(keys.debounce_s, keys.debounce_max_s)
        self._crew = Crew(service.inbox.put)
        self._rounds: Rounds | None = None
        self._watch: Watch | None = None
        self._lines: list[Line] = []
        self._asked_lines: list[Line] = []
        self._trouble = ""
        self._is_ready = False
        self._look_round_s = 0.0
        self._look_all_s = 0.0
        self._watch_again_s = 0.0
        self._file = _file_of(self._config.state)

    def run(self) -> Ending:
        """Work until there is a reason to end.

        Errors: as `serve`; what was begun is finished, or open in the journal.
        """
        try:
            while not self._service.stopping():
                self._tick()
                self._tell()
                self._await()
            return self._wind_up()
        finally:
            self._crew.dismiss()
            if self._watch is not None:
                self._watch.stop()
            self._pass_on()

    def _pass_on(self) -> None:
        """Leave to the next sitting what was not answered in this one; where there is none, nobody is kept waiting."""
        for line in (*self._lines, *self._asked_lines):
            if line.answered or self._service.ending is Ending.STOP:
                line.close()
            else:
                self._service.inbox.put(line)

    def _await(self) -> None:
        """Wait for something to do, and take what has come."""
        due_s = min(self._due_s(), seconds() + self._patience_s())
        messages = self._service.inbox.wait(due_s - seconds())
        if seconds() - due_s > LATE_S:
            _log.info("woken %d seconds late: everything is looked at", seconds() - due_s)
            self._look_again()
        for message in messages:
            self._take(message)

    def _patience_s(self) -> float:
        watchdog_s = self._service.notify.watchdog_s
        return min(LOOK_ROUND_S, watchdog_s if watchdog_s is not None else LOOK_ROUND_S)

    def _due_s(self) -> float:
        dues = [self._look_round_s, self._dirty.due_s()]
        if self._rounds is not None and not self._trouble:
            dues += [self._rounds.next_s(), self._look_all_s]
        return min(due for due in dues if due is not None)

    def _take(self, message: Message) -> None:
        match message:
            case Done():
                if self._rounds is not None:
                    self._rounds.done(message)
            case Line():
                self._asked(message)
            case Nudge.SIGNAL | Nudge.DIRTY:
                return

    def _asked(self, line: Line) -> None:
        match line.question.get("ask"):
            case "sync":
                self._lines.append(line)
            case "borrow":
                if self._service.lend_to is None:
                    self._service.lend_to = line
                    self._service.ending = self._service.ending or Ending.LEND
                else:
                    self._lines.append(line)
            case _:
                line.close()

    def _tick(self) -> None:
        """Do what is due; a vault that is away is waited for."""
        self._service.alive()
        if self._trouble:
            self._decline()
        now_s = seconds()
        try:
            if now_s >= self._look_round_s:
                self._look_round_s = now_s + LOOK_ROUND_S
                self._look_round()
            if self._rounds is not None and not self._trouble:
                self._work(self._rounds, now_s)
        except NotOurVault:
            raise
        except (VaultMissing, VaultError) as error:
            self._is_away(error)

    def _decline(self) -> None:
        """Tell those who asked for a sync why there is none."""
        for line in self._lines:
            line.answer({"code": VaultMissing.exit_code, "text": self._trouble})
            line.close()
        self._lines.clear()

    def _work(self, rounds: Rounds, now_s: float) -> None:
        due_s = self._dirty.due_s()
        if now_s >= self._look_all_s:
            self._dirty.add_all(now_s)
            self._look_all_s = now_s + self._config.service.scan_interval_s
            due_s = now_s
        if due_s is not None and due_s <= now_s:
            rounds.hint(self._dirty.take())
        if self._service.sync_now:
            self._service.sync_now = False
            self._look_again()
        for line in self._lines:
            rounds.ask(sync_asked.request(line, self._state, now_s))
        self._asked_lines += self._lines
        self._lines.clear()
        rounds.tick()

    def _look_round(self) -> None:
        """See whether everything is still what it was when it was opened."""
        if _file_of(self._config.state) != self._file:
            raise StateError(
                "the state was moved, removed or replaced while the service was at work; nothing more was written. "
                "Look at the folder that [state] path names, then start the service again"
            )
        if self._rounds is None:
            self._open()
        elif self._trouble:
            self._open_vault_anew(self._rounds)
        else:
            self._rounds.setup.vault.check_identity()
        is_blind = self._watch is None or not self._watch.alive()
        if not self._trouble and is_blind and seconds() >= self._watch_again_s:
            self._watch_anew()

    def _open(self) -> None:
        service, config = self._service, self._config
        marker = ownership.claim_here(config.vault.path, self._state, config.state, Beginning.REFUSE, now())
        self._marker = marker
        setup = replace(opening.setup(config, marker, frozenset()), vault=self._vault(marker))
        desk = Desk(
            state=self._state,
            crew=self._crew,
            clock=Clock(now, seconds, Random()),  # noqa: S311  # it spreads requests over time
            stopping=service.stopping,
            slowness=power.slowness,
            finished=self._finished,
            changed=self._changed,
        )
        intervals = {account.name: float(account.interval_s) for account in config.accounts}
        self._rounds = Rounds(desk, setup, intervals)
        self._trouble = ""

    def _vault(self, marker: Marker) -> WatchedVault:
        return WatchedVault(self._config.vault.path, marker, lambda _: self._service.alive())

    def _open_vault_anew(self, rounds: Rounds) -> None:
        vault = self._vault(self._marker)
        vault.check_identity()
        rounds.setup = replace(rounds.setup, vault=vault)
        _log.warning("the vault is back: everything is looked at")
        self._trouble = ""
        self._watch_anew()
        self._look_again()

    def _watch_anew(self) -> None:
        """Watch, or watch anew; whatever happened while nobody did is found by a look."""
        if self._watch is not None:
            self._watch.stop()
            self._watch = None
        try:
            self._watch = Watch(self._config.vault.path, self._dirty, seconds, self._service.inbox.dirty)
        except OSError as error:
            _log.warning(
                "the vault cannot be watched (%s): edits are found every %d seconds; `contactd doctor` says more",
                error.strerror,
                self._config.service.scan_interval_s,
            )
            self._watch_again_s = seconds() + self._config.service.scan_interval_s
        self._dirty.add_all(seconds())

    def _look_again(self) -> None:
        self._dirty.add_all(seconds())
        if self._rounds is not None:
            self._rounds.look_again()

    def _is_away(self, error: VaultError) -> None:
        is_news, self._trouble = str(error) != self._trouble, str(error)
        if is_news:
            _log.warning("%s; it is waited for", error)
            self._keep()
        if self._watch is not None:
            self._watch.stop()
            self._watch = None

    def _wind_up(self) -> Ending:
        """Wait for the steps at hand, not for ever: what hangs is settled by the next sitting, or the next start."""
        until_s = seconds() + WIND_UP_S
        while self._rounds is not None and self._rounds.at_work and seconds() < until_s:
            self._service.alive()
            for message in self._service.inbox.wait(0.2):
                if isinstance(message, Line):
                    self._lines.append(message)
                else:
                    self._take(message)
        return self._service.ending or Ending.STOP

    def _finished(self, report: Report) -> None:
        done = report.deeds
        if done is not None and (wrote := sum(report.counts[key] for key in ("notes_written", "contacts_written"))):
            _log.info("run %d: %d notes and contacts written", report.run, wrote)
        self._keep()

    def _changed(self, post: Post) -> None:
        is_out = post.report is not None and post.report.health is Health.SIGNED_OUT
        if is_out and self._config.service.notifications:
            self._service.desktop.signed_out(post.name, now())
        self._keep()

    def _keep(self) -> None:
        if self._rounds is None:
            return
        accounts = {
            post.name: AccountServed(now() + timedelta(seconds=_in_s(post)), post.failing_since)
            for post in self._rounds.posts
        }
        with self._state.transaction() as tx:
            serving.store(tx, Serving(os.getpid(), self._service.since, self._trouble, accounts))
        waiting = len(conflicts.open_conflicts(self._state)) + len(conflicts.link_questions(self._state))
        keys = self._config.service
        if keys.notifications:
            self._service.desktop.waits(waiting, now())
        if keys.metrics_file:
            self._write_metrics(Path(keys.metrics_file), self._rounds, waiting)

    def _write_metrics(self, path: Path, rounds: Rounds, waiting: int) -> None:
        try:
            metrics.write(path, rounds.posts, waiting, now(), up=not self._trouble)
        except OSError as error:
            _log.warning("the metrics file cannot be written: %s", error.strerror)

    def _tell(self) -> None:
        """Tell systemd how things are."""
        if not self._is_ready:
            self._is_ready = True
            self._service.notify.ready()
            self._keep()
        self._service.notify.status(self._trouble or _status_of(self._rounds))


def now() -> datetime:
    """Return the time, in the zone in which everything is stored."""
    return datetime.now(UTC)


def seconds() -> float:
    """Return seconds on a clock that never goes back, and goes on while the machine is suspended where it can."""
    return time.clock_gettime(_CLOCK)


_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def _tell_crash(error: Exception) -> None:
    """Log where an error arose that is nobody's but ours; not its text, which may name people."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    _log.critical("%s\n%s", type(error).__name__, frames)


def _in_s(post: Post) -> float:
    return min(max(post.turn.due_s - seconds(), 0.0), 1e7)


def _status_of(rounds: Rounds | None) -> str:
    if rounds is None:
        return "begins"
    down = [post.name for post in rounds.posts if post.failing_since is not None]
    busy = sorted(rounds.at_work)
    parts = [f"{len(rounds.posts)} accounts"]
    parts += [f"down: {', '.join(down)}"] if down else []
    parts += [f"at work: {', '.join(busy)}"] if busy else []
    return "; ".join(parts)


def _file_of(state_home: Path) -> tuple[int, int] | None:
    try:
        status = (state_home / DATABASE_NAME).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


@contextmanager
def _signals(handler: Callable[[int, FrameType | None], None]) -> Generator[None]:
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
