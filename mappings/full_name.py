"""A full name and its parts: what a card says of a name beyond repeating it.

A card must have N (RFC 2426 section 3.1.2), a note seldom says more than the full name. So a part of N which is
just what the full name gives when split at its last blank is *implied*: it reads as blank, follows the full name
when that changes, and is what a blank part is written as.
"""

from mappings.normalize import name_key


def implied(name: str) -> tuple[str, str]:
    """Return given and family name as a full name gives them: split at its last blank."""
    given, _, family = name.rpartition(" ")
    return (given, family) if given else (family, "")


def shown(name: str, given: str, family: str) -> tuple[str, str]:
    """Return what N's given and family part say beyond the full name; all tidy."""
    implied_given, implied_family = implied(name)
    if family == name and given in {"", implied_given}:
        # Of a name of one word, programs disagree on which part it is; some put every name into one.
        return "", ""
    return "" if given == implied_given else given, "" if family == implied_family else family


def parts(name: str, given: str, family: str) -> tuple[str, str]:
    """Return N's given and family part for a person's names; all tidy."""
    given, family = shown(name, given, family)
    implied_given, implied_family = implied(name)
    return given or implied_given, family or implied_family


def occurs(part: str, name: str) -> bool:
    """Tell whether a part of a name is in it, word by word."""
    return f" {name_key(part)} " in f" {name_key(name)} "
