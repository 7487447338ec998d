"""What we write, judged by a parser that nobody here wrote: vobject, which khard and Radicale read cards with."""

import warnings

import pytest

from mappings import vcard
from mappings.person import Person, Uid

vobject = pytest.importorskip("vobject", reason="vobject is not installed")

PERSON = Person(
    name="Ada, Countess of Lovelace",
    given_name="Ada",
    family_name="King; Noel",
    nickname="Ada\\B",
    aliases=(),
    emails=("ada@b.test", "a@c.test"),
    former_emails=(),
    phones=("+49 30 1234;5",),
    organization="Engines, Ltd; Co",
    department="R&D",
    title="Programmer " * 12 + "ñ" * 80,
    location="Tel Aviv, Yafo",
    addresses=(),
    birthday="--12-10",
    links=("https://a.test/?b,c;d",),
    tags=("a,b", "c"),
    last_contact="2025-11-07",
    next_meeting="",
    last_1on1="",
    meetings_90d="",
)


def test_vobject_reads_a_new_card_as_it_was_meant() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        read = vobject.readOne(vcard.new(PERSON, Uid("u-1")))
        read.validate(raiseException=True)
    assert (read.fn.value, read.n.value.given, read.n.value.family) == (PERSON.name, "Ada", "King; Noel")
    assert [each.value for each in read.contents["email"]] == list(PERSON.emails)
    assert (read.tel.value, read.url.value) == ("+49 30 1234;5", "https://a.test/?b,c;d")
    assert (read.org.value, read.title.value) == (["Engines, Ltd; Co", "R&D"], PERSON.title.strip())
    assert (read.adr.value.city, read.adr.value.street, read.nickname.value) == ("Tel Aviv, Yafo", "", "Ada\\B")
    assert read.categories.value == ["a,b", "c"]
    assert (read.bday.value, read.bday.params["X-APPLE-OMIT-YEAR"]) == ("1604-12-10", ["1604"])
    dates = {each.group: each.value for each in read.contents["x-abdate"]}
    labels = {each.group: each.value for each in read.contents["x-ablabel"]}
    assert (dates, labels) == ({"item1": "2025-11-07"}, {"item1": "last_contact"})
    assert (read.uid.value, read.x_contactd_uid.value) == ("u-1", "u-1")
