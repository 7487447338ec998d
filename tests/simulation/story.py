"""A history told by hand: a world in which one thing at a time happens, and a sync whenever it is asked for."""

from datetime import timedelta

from connectors.errors import TryLater
from daemon import cycle
from daemon.errors import NoteChanged
from daemon.report import Report
from mappings.record import NotePath
from simulation.world import HOME, WORK, Crash, Nature, World, one_by_one

ADA = NotePath("People/Ada.md")
NOTE = b"---\ntype: people\ntitle: Ada\ntags:\n- people\n---\n"


class Story:
    """A world in which one thing at a time happens: at `failing` a step fails once, at `dying` the process ends.

    It ends also once `lives` more steps are done, if that is a number.
    """

    def __init__(self, nature: Nature | None = None) -> None:
        self.failing = self.dying = ""
        self.lives: int | None = None
        self.world = World(nature or Nature.calm(), self._step)

    def _step(self, name: str) -> None:
        if name == self.failing:
            self.failing = ""
            if name.startswith((HOME, WORK)):
                raise TryLater("timed out", None)
            raise NoteChanged("it is being saved right now")

        if name == self.dying:
            raise Crash

        if self.lives is not None:
            self.lives -= 1
            if self.lives < 0:
                self.lives = None
                raise Crash

    def edit_note(self, old: bytes, new: bytes) -> None:
        self.world.vault.save(ADA, self.world.vault.files[ADA].content.replace(old, new), by_rename=True)

    def sync(self) -> Report:
        world = self.world
        world.pass_time(timedelta(minutes=1))
        return cycle.sync(
            world.setup,
            world.state,
            lambda: world.now,
            lambda seen: frozenset(brake.account for brake in seen.plan.brakes),
            one_by_one,
        )
