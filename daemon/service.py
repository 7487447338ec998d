"""`contactd sync`, the service: one sitting after the other, until it is told to stop.

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
import signal
import traceback
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import FrameType

from daemon import ask, sandbox
from daemon.database import make_folder
from daemon.errors import AlreadyRunning, DaemonError, StateUnusable
from daemon.inbox import Ending, Message
from daemon.lock import only_instance
from daemon.process import Service, now, seconds
from daemon.sitting import Sitting
from daemon.state import State

AGAIN_S = 30.0
"""When a state that could not be written is tried again."""

LEND_WAIT_S = 1.0

_log = logging.getLogger(__name__)


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


def _tell_crash(error: Exception) -> None:
    """Log where an error arose that is nobody's but ours; not its text, which may name people."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    _log.critical("%s\n%s", type(error).__name__, frames)


@contextmanager
def _signals(handler: Callable[[int, FrameType | None], None]) -> Generator[None]:
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
