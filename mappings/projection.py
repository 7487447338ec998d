"""What a vCard and a Google contact can both hold of a person; the parts of the name are each format's own rule."""

from mappings.normalize import birthday_of, date_of, tidy
from mappings.person import Person


def common(person: Person, name: str, given_name: str, family_name: str) -> Person:
    """Return the person under these names, tidy, without what has no place in either format.

    Aliases, former addresses and what is counted of meetings have none; nor has a birthday or last contact that is no
    date.
    """
    return Person(
        name=name,
        given_name=given_name,
        family_name=family_name,
        nickname=tidy(person.nickname),
        aliases=(),
        emails=_tidy(person.emails),
        former_emails=(),
        phones=_tidy(person.phones),
        organization=tidy(person.organization),
        department=tidy(person.department),
        title=tidy(person.title),
        location=tidy(person.location),
        addresses=_tidy(person.addresses),
        birthday=person.birthday if birthday_of(person.birthday) == person.birthday else "",
        links=_tidy(person.links),
        tags=_tidy(person.tags),
        last_contact=person.last_contact if date_of(person.last_contact) == person.last_contact else "",
        next_meeting="",
        last_1on1="",
        meetings_90d="",
    )


def _tidy(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(value for value in map(tidy, values) if value)
