"""What the simulation has found, each as the shortest story that shows it."""

from datetime import timedelta

from daemon import cycle, links
from daemon.errors import NoteChanged
from daemon.report import Report
from mappings.record import NotePath
from simulation.world import Nature, World, one_by_one

ADA = NotePath("People/Ada.md")
MOVED = NotePath("Archive/Ada.md")
_NOTE = b"---\ntype: people\ntitle: Ada\ntags:\n- people\n---\n"


class Story:
    """A world in which one thing at a time happens; `failing` is the step at which the next read fails."""

    def __init__(self) -> None:
        self.failing = ""
        self.world = World(Nature.calm(), self._step)

    def _step(self, name: str) -> None:
        if name == self.failing:
            self.failing = ""
            raise NoteChanged("it is being saved right now")

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


def test_a_note_that_was_moved_and_cannot_be_read_yet_is_not_gone() -> None:
    story = Story()
    story.world.vault.save(ADA, _NOTE, by_rename=True)
    story.sync()
    content = story.world.vault.files.pop(ADA)
    story.sync()
    story.world.vault.files[MOVED] = content
    story.failing = "note asked"
    story.sync()
    assert {link.account for link in links.links(story.world.state)} == {"home", "work"}
