"""Worlds at rest in which something has happened that the next run is to write; and what both sides say in them."""

from collections.abc import Mapping
from dataclasses import replace
from random import Random

from connectors.memory import payload
from daemon import undo
from daemon.setup import NewNotes
from daemon.undo import Undone
from mappings.fields import Rule
from mappings.person import FieldName, Value
from mappings.record import AccountName, NotePath, RemoteId
from simulation import diary_hand
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


def eventful(rng: Random) -> Story:
    """Return a world in which everything may have happened that a run can answer to; nothing is synced of the last of it.

    Five people, each of whom at most one thing of `_LATER` befalls, which a run believes only if it sees it twice, and
    one of `_AT_ONCE`, beside edits and meetings of anybody.
    """
    nature = replace(
        Nature.calm(), calendars=True, delete_with_note=rng.random() < 0.5, uid_key=rng.choice(("uid", "uid", ""))
    )
    story = Story(nature)
    for number in range(5):
        story.world.vault.save(_path(number), note(f"Person Q{number}", _values(rng, number)), by_rename=True)
    apart = story.world.vault.files[_path(4)].content
    story.sync()
    story.sync()
    is_kept_apart = rng.random() < 0.4
    if is_kept_apart:
        story.world.vault.save(_path(4), b"Shopping list\n", by_rename=True)
        story.sync()
        story.sync()
    for number in range(4):
        if rng.random() < 0.5:
            rng.choice(_LATER)(story, number, rng)
    story.sync()
    if is_kept_apart:
        story.world.vault.save(_path(4), apart, by_rename=True)
    for number in range(4):
        if rng.random() < 0.6:
            rng.choice(_AT_ONCE)(story, number, rng)
    wish = NewNotes(frozenset[AccountName](), frozenset({HOME, WORK}), "People", None, 20)
    if rng.random() < 0.5:
        story.world.setup = replace(story.world.setup, new_notes=wish)
    happens(story, rng)
    return story


def _path(number: int) -> NotePath:
    return NotePath(f"People/Person Q{number}.md")


def _values(rng: Random, number: int) -> dict[FieldName, str]:
    values: dict[FieldName, str] = {field: fresh(field, rng.randrange(400)) for field in KEYS if rng.random() < 0.6}
    return {**values, "emails": fresh("emails", number)}


def _linked(story: Story, number: int, rng: Random) -> tuple[AccountName, RemoteId] | None:
    """Return one of the contacts that carry a person's address."""
    found = [
        (name, remote_id)
        for name, book in story.world.books.items()
        for remote_id, entry in book.entries.items()
        if fresh("emails", number) in entry.person.emails
    ]
    return rng.choice(found) if found else None


def _note_goes(story: Story, number: int, _: Random) -> None:
    story.world.vault.files.pop(_path(number), None)


def _note_is_nobodys(story: Story, number: int, _: Random) -> None:
    if _path(number) in story.world.vault.files:
        story.world.vault.save(_path(number), b"Shopping list\n", by_rename=True)


def _contact_goes(story: Story, number: int, rng: Random) -> None:
    if found := _linked(story, number, rng):
        story.world.books[found[0]].remove(found[1])


def _contact_is_renamed(story: Story, number: int, rng: Random) -> None:
    if found := _linked(story, number, rng):
        story.world.books[found[0]].rename(found[1])


def _all_sides_come_to_say_the_same(story: Story, number: int, rng: Random) -> None:
    place = fresh("location", 950 + number)
    file = story.world.vault.files.get(_path(number))
    if file is None or b"location:" not in file.content or (found := _linked(story, number, rng)) is None:
        return
    lines = [f"location: {place}" if one.startswith("location:") else one for one in file.content.decode().split("\n")]
    story.world.vault.save(_path(number), "\n".join(lines).encode(), by_rename=True)
    story.world.books[found[0]].edit(found[1], {"location": place})


def _stranger_comes(story: Story, number: int, rng: Random) -> None:
    said: dict[FieldName, Value] = {"name": f"Newcomer {number}", "emails": (fresh("emails", 960 + number),)}
    rng.choice(list(story.world.books.values())).add(person(said), extra="NOTE:a stranger")


def _note_comes(story: Story, number: int, rng: Random) -> None:
    """Somebody who has a contact already, or not."""
    address = fresh("emails", 970 + number)
    story.world.vault.save(_path(10 + number), note(f"Person Q{10 + number}", {"emails": address}), by_rename=True)
    if rng.random() < 0.5:
        said: dict[FieldName, Value] = {"name": f"Person Q{10 + number}", "emails": (address,), "nickname": "Nick"}
        story.world.books[HOME].add(person(said), extra="NOTE:known")


def _they_meet(story: Story, number: int, rng: Random) -> None:
    diary_hand.meet(rng, story.world, [fresh("emails", number)])


_LATER = (_note_goes, _note_is_nobodys, _contact_goes)
_AT_ONCE = (_contact_is_renamed, _all_sides_come_to_say_the_same, _stranger_comes, _note_comes, _they_meet)
