"""Everything that wakes the service's one thread, and why its sittings end."""

from enum import Enum, auto
from queue import Empty, SimpleQueue

from daemon.ask import Line
from daemon.crew import Done


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
