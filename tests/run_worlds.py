"""Worlds at rest in which something has happened that the next run is to write; and what both sides say in them."""

from collections.abc import Mapping
from dataclasses import replace
from random import Random

from connectors.memory import payload
from daemon import undo
from daemon.undo import Undone
from mappings.fields import Rule
from mappings.person import FieldName, Value
from mappings.record import AccountName, NotePath, RemoteId
from simulation.story import ADA, NOTE, Story
from simulation.values import MANY, TYPED, fresh
from simulation.world import HOME, WORK, Nature, one_by_one
from worlds import person

PEOPLE = tuple(NotePath(f"People/{name}.md") for name in ("Ada", "Grace", "Edith"))
KEYS: Mapping[FieldName, str] = {
    "title": "role",
    "organization": "company",
    "location": "location",
    "birthday": "birthday",
    "emails": "emails",
    "nickname": "nickname",
}
"""Where a note of these tests has each field."""


def sides(story: Story) -> tuple[Mapping[NotePath, bytes], Mapping[AccountName, Mapping[RemoteId, str]]]:
    """Return all that both sides say, but for what only a provider writes."""
    books = {
        name: {each: payload(entry) for each, entry in book.entries.items()} for name, book in story.world.books.items()
    }
    return {path: file.content for path, file in story.world.vault.files.items()}, books


def take_back(story: Story, run: int, name: str | None = None) -> Undone:
    world = story.world
    what = undo.past(world.state, run, name)
    return undo.carry_out(world.setup, world.state, what, lambda: world.now, lambda _: True, one_by_one)


def note(name: str, values: Mapping[FieldName, str]) -> bytes:
    lines = [f"{KEYS[field]}: {value}" for field, value in values.items()]
    return "\n".join(
        ["---", "type: people", f"title: {name}", *lines, "tags:", "- people", "---", "Met at the fair.", ""]
    ).encode()


def drawn(rng: Random) -> Story:
    """Return a world in step with whatever happened since; nothing is synced of that yet."""
    rules: tuple[tuple[FieldName, Rule], ...] = tuple(
        (field, rng.choice((Rule.VAULT_WINS, Rule.REMOTE_WINS, Rule.ASK))) for field in ("title", "organization")
    )
    story = Story(replace(Nature.calm(), rules=rules, uid_key=rng.choice(("uid", "uid", ""))))
    for number, path in enumerate(PEOPLE):
        if rng.random() < 0.8:
            values: dict[FieldName, str] = {
                field: fresh(field, rng.randrange(400)) for field in KEYS if rng.random() < 0.6
            }
            if rng.random() < 0.5:
                values["emails"] = fresh("emails", number)
            story.world.vault.save(path, note(f"Person Q{number}", values), by_rename=True)
        if rng.random() < 0.4:
            said: dict[FieldName, Value] = {
                field: fresh(field, rng.randrange(400)) for field in TYPED if rng.random() < 0.5 and field not in MANY
            }
            said |= {"name": f"Person Q{number}", "emails": (fresh("emails", number),)}
            who = person(said)
            rng.choice((story.world.books[HOME], story.world.books[WORK])).add(who, extra="NOTE:liked the engine")
    if rng.random() < 0.7:
        story.sync()
        story.sync()
        happens(story, rng)
    return story


def happens(story: Story, rng: Random) -> None:
    """Let owner and strangers edit both sides."""
    for path, file in list(story.world.vault.files.items()):
        for field in KEYS:
            if rng.random() < 0.2:
                old = [line for line in file.content.decode().splitlines() if line.startswith(f"{KEYS[field]}:")]
                line = f"{KEYS[field]}: {fresh(field, rng.randrange(400, 900))}"
                if old and len(old) == 1 and field not in MANY:
                    content = story.world.vault.files[path].content.decode().replace(old[0], line).encode()
                    story.world.vault.save(path, content, by_rename=True)
    for book in story.world.books.values():
        for remote_id in list(book.entries):
            for field in ("title", "organization", "location", "birthday"):
                if rng.random() < 0.2:
                    book.edit(remote_id, {field: fresh(field, rng.randrange(400, 900))})


def in_step(text: bytes = NOTE) -> Story:
    story = Story()
    story.world.vault.save(ADA, text, by_rename=True)
    story.sync()
    story.sync()
    return story


def the_entry(story: Story) -> RemoteId:
    (remote_id,) = story.world.books[HOME].entries
    return remote_id
