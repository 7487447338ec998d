"""The lock of a state for commands that change it: free, or borrowed from the running service.

The service finishes the step that it is at and lets go; when the command's connection ends, however it ends, it takes
the lock back, opens everything anew and looks at everything again.
"""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from daemon import ask
from daemon.errors import AlreadyRunning
from daemon.lock import only_instance


@contextmanager
def borrowed(state_home: Path) -> Generator[None]:
    """Hold the lock of an existing state home for the duration of the block.

    Errors: `AlreadyRunning` if another command holds it that did not borrow it; behind one that did, it is waited for.
    """
    with ExitStack() as held:
        try:
            held.enter_context(only_instance(state_home))
        except AlreadyRunning:
            held.enter_context(ask.asking(state_home, {"ask": "borrow"}))
            held.enter_context(only_instance(state_home))
        yield


def open_anew(state_home: Path) -> None:
    """Have a service that is at work open its configuration and accounts anew, and read everything; else do nothing."""
    if ask.is_answering(state_home):
        with suppress(AlreadyRunning), borrowed(state_home):
            pass
