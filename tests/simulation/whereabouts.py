"""Where values are: all that is written in the vault, in the accounts and in the log of conflicts, as one text."""

from connectors.memory import payload
from simulation import values
from simulation.world import World


def everything(world: World) -> str:
    """Return all that is written anywhere, spelled as `values.key` spells."""
    notes = [file.content.decode() for file in world.vault.files.values()]
    aside = [one.content.decode() for one in world.vault.aside.values() if one.content not in one.known]
    records = [
        payload(entry).replace('", "', "\n") for book in world.books.values() for entry in book.all_entries.values()
    ]
    return values.key("\n".join((*notes, *aside, *records, *log(world))))


def log(world: World) -> list[str]:
    """Return the values in all conflicts that were ever found."""
    rows = world.state.all("SELECT ours, theirs, bases, chosen FROM conflicts")
    return [text.replace('","', "\n") for row in rows for text in row]
