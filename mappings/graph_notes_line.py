"""One marked line in a contact's notes that shows the date of the last contact; all other text is the owner's."""

import re

_LINE = re.compile(r"^Last contact: [^\r\n]* \[contactd\][ \t]*(?:\r\n|\r|\n|\Z)", re.MULTILINE)


def shown(notes: str, date: str) -> str:
    """Return the notes with the line saying this date, or without the line if the date is blank.

    A line that is there keeps its place; a new one is the last.
    """
    newline = "\r\n" if "\r\n" in notes else "\n"
    line = f"Last contact: {date} [contactd]"
    found = _LINE.search(notes)
    if found is None:
        return notes if not date else f"{notes}{'' if _ends_line(notes) else newline}{line}"
    if not date:
        return notes[: found.start()] + notes[found.end() :]
    ending = found.group()[len(found.group().rstrip("\r\n")) :]
    return f"{notes[: found.start()]}{line}{ending}{notes[found.end() :]}"


def _ends_line(notes: str) -> bool:
    return not notes or notes.endswith(("\n", "\r"))
