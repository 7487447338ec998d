"""A run that makes notes, or an undo that takes them away, ends at every step: the next runs end where an uncut one would."""

from collections.abc import Callable
from dataclasses import replace

from daemon import journal, links, undo
from daemon.setup import NewNotes
from simulation.story import Story
from simulation.world import HOME, Crash, one_by_one
from worlds import person

RUN = 2
"""Of the worlds here, the run that makes the notes."""

WISH = NewNotes(frozenset(), frozenset({HOME}), "People", None, 20)


class Counted(Story):
    """A story in which the process ends at the `left`th step from now on."""

    def __init__(self) -> None:
        self.left = 0
        super().__init__()
        self.world.setup = replace(self.world.setup, new_notes=WISH)

    def _step(self, name: str) -> None:
        del name
        self.left -= 1
        if self.left == 0:
            raise Crash


def arrived() -> Counted:
    """Return a world in which two contacts wait for their notes."""
    story = Counted()
    story.sync()
    for number in (1, 2):
        name = f"Person {number}"
        story.world.books[HOME].add(person({"name": name, "emails": (f"{number}@example.test",)}), extra="NOTE:theirs")
    return story


def take_back(story: Story, run: int) -> None:
    world = story.world
    what = undo.past(world.state, run, None)
    undo.carry_out(world.setup, world.state, what, lambda: world.now, lambda _: True, one_by_one)


def settled(story: Counted) -> object:
    """Return all that matters of a world after a few more runs, which find nothing to do in the end."""
    story.left = 0
    story.world.vault.restart()
    for _ in range(4):
        story.sync()
    world = story.world
    assert (journal.unfinished(world.state), world.vault.aside) == ((), {})
    return (
        {path: file.content for path, file in world.vault.files.items()},
        {
            name: [(one.uid, one.person, one.extra) for one in book.entries.values()]
            for name, book in world.books.items()
        },
        sorted((link.account, link.uid, sorted(link.base)) for link in links.links(world.state)),
        links.tombstones(world.state) if not world.vault.files else None,
    )


def cut(
    make: Callable[[], Counted], act: Callable[[Counted], object], then: Callable[[Counted], object]
) -> list[object]:
    """Return what comes of the act when the process ends at each of its steps, and at last of one that nobody cut."""
    found: list[object] = []
    for step in range(1, 10_000):
        story = make()
        story.left = step
        try:
            act(story)
        except Crash:
            found.append(then(story))
        else:
            return [*found, then(story)]
    raise AssertionError("it never ends")


def test_a_run_that_makes_notes() -> None:
    *cuts, whole = cut(arrived, lambda story: story.sync(), settled)
    assert len(cuts) > 20
    assert [one for one in cuts if one != whole] == []


def made() -> Counted:
    story = arrived()
    # Nobody else has anything to do: what is undone is all that there is.
    story.world.setup = replace(story.world.setup, accounts=story.world.setup.accounts[:1])
    story.sync()
    return story


def test_an_undo_that_takes_notes_away_is_asked_for_again() -> None:
    def twice(story: Counted) -> object:
        story.left = 0
        story.world.vault.restart()
        take_back(story, RUN)
        return settled(story)

    *cuts, whole = cut(made, lambda story: take_back(story, RUN), twice)
    assert len(cuts) > 20
    assert [one for one in cuts if one != whole] == []


def test_an_undo_that_was_cut_short_leaves_each_note_linked_or_gone_and_every_contact() -> None:
    def rested(story: Counted) -> object:
        settled(story)
        notes = story.world.vault.files.values()
        linked = {link.uid for link in links.links(story.world.state)}
        buried = {one.uid for one in links.tombstones(story.world.state)}
        return len(notes), len(linked), len(buried), len(story.world.books[HOME].entries)

    *cuts, whole = cut(made, lambda story: take_back(story, RUN), rested)
    assert whole == (0, 0, 2, 2)
    assert set(cuts) == {(2, 2, 0, 2), (1, 1, 1, 2), whole}
