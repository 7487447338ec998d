"""One sitting of the service: what is open in it, and what is done while it lasts; `service` says why it ends."""

import logging
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

from daemon import conflicts, metrics, opening, ownership, power, serving, sync_asked
from daemon.ask import Line
from daemon.crew import Crew, Done
from daemon.database import DATABASE_NAME
from daemon.errors import NotOurVault, StateError, VaultError, VaultMissing
from daemon.health import Health
from daemon.inbox import Ending, Message, Nudge
from daemon.marker import Marker
from daemon.ownership import Beginning
from daemon.post import Clock, Post
from daemon.process import Service, now, seconds
from daemon.progress import WatchedVault
from daemon.report import Report
from daemon.rounds import Desk, Rounds
from daemon.serving import AccountServed, Serving
from daemon.state import State
from daemon.watch import Dirty, Watch

LOOK_ROUND_S = 10.0
"""How often the vault's identity, the state's file and the watcher are looked at."""

LATE_S = 30.0
"""Whoever wakes this much later than he wanted to has missed something."""

WIND_UP_S = 20.0
"""How long the steps at hand are waited for at the end of a sitting; systemd waits for thirty seconds."""

_log = logging.getLogger(__name__)


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
