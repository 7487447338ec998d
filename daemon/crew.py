"""The accounts' workers: one thread for each account, one piece of work at a time, so that no account waits for another.

Threads are never waited for at the end: one that hangs in a request does not keep the process alive. What it may have
been about to do is an open intent, which the next start settles.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue

from mappings.record import AccountName

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one piece of work: what it returned, or the error that it raised; `crew` is whose work it was."""

    crew: "Crew"
    account: AccountName
    returned: object
    error: Exception | None


class Crew:
    """The workers of a process; `told` is called by a worker's thread when a piece of work is done."""

    def __init__(self, told: Callable[[Done], None]) -> None:
        self._told = told
        self._works: dict[AccountName, SimpleQueue[Work | None]] = {}

    def give(self, account: AccountName, work: Work) -> None:
        """Have a piece of work done by the account's thread, after what was given to it before."""
        if account not in self._works:
            self._works[account] = SimpleQueue()
            threading.Thread(target=self._labour, args=(account,), name=f"account {account}", daemon=True).start()
        self._works[account].put(work)

    def dismiss(self) -> None:
        """Let every thread end after what was given to it."""
        for works in self._works.values():
            works.put(None)
        self._works.clear()

    def _labour(self, account: AccountName) -> None:
        works = self._works[account]
        while (work := works.get()) is not None:
            try:
                done = Done(self, account, work(), None)
            except Exception as error:  # noqa: BLE001  # it is raised where it is dealt with, in the main thread
                done = Done(self, account, None, error)
            self._told(done)
