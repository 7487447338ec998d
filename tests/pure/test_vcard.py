"""Each field of a card: how it reads in every version, and exactly what an edit of it writes."""

import pytest

from mappings import vcard
from mappings.errors import EditRefused, UnreadableRecord
from mappings.fields import value_of
from mappings.person import FieldName, Person, Uid, Value

Lines = tuple[str, ...]
EVERY = ("2.1", "3.0", "4.0")
LATER = ("3.0", "4.0")


def card(version: str, *lines: str, newline: str = "\r\n") -> str:
    return "".join(line + newline for line in ("BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD"))


READ: list[tuple[Lines, FieldName, Lines, Value]] = [
    # versions, field, lines, value
    (EVERY, "name", ("FN:Ada Lovelace",), "Ada Lovelace"),
    (LATER, "name", ("FN:Mr. John Richter\\, James Doe Sr.",), "Mr. John Richter, James Doe Sr."),
    (EVERY, "name", ("FN:Mr. John Richter, James Doe Sr.",), "Mr. John Richter, James Doe Sr."),
    (EVERY, "name", ("FN:  Ada   Lovelace ",), "Ada Lovelace"),
    (EVERY, "name", ("item1.FN;LANGUAGE=en:Ada",), "Ada"),
    (EVERY, "name", ("N:Lovelace;Ada",), "Ada Lovelace"),
    (EVERY, "name", (), ""),
    (("3.0",), "name", ("FN;CHARSET=UTF-8:Ñandú",), "Ñandú"),
    (("2.1",), "name", ("FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C3=91=\r\n=20=C3=91",), "Ñ Ñ"),
    (("2.1",), "name", ("FN;QUOTED-PRINTABLE;CHARSET=ISO-8859-1:Andr=E9",), "André"),
    (EVERY, "name", ("N:Lovelace;Ada;King;Lady;FRS",), "Ada King Lovelace"),
    (EVERY, "given_name", ("N:Lovelace;Ada;King;Lady;FRS",), "Ada"),
    (LATER, "name", ("N:Stevenson;John;Philip,Paul\\, Lord;Dr.;Jr.",), "John Philip Paul, Lord Stevenson"),
    (EVERY, "name", ("FN:Ada Lovelace", "N:Lovelace;Ada;King;;"), "Ada Lovelace"),
    (EVERY, "given_name", ("FN:Mr. John Doe", "N:Doe;John;;Mr.;"), "John"),
    (EVERY, "given_name", ("FN:Ada Lovelace", "N:Lovelace;Ada;;;"), ""),
    (EVERY, "given_name", ("FN:Ada", "N:;Ada;;;"), ""),
    (EVERY, "given_name", ("FN:Ada Lovelace", "N:Lovelace;Augusta"), "Augusta"),
    (EVERY, "family_name", ("FN:Mr. John Doe Jr.", "N:Doe;John;;Mr.;Jr."), "Doe"),
    (EVERY, "family_name", ("FN:Vincent van Gogh", "N:van Gogh;Vincent"), "van Gogh"),
    (EVERY, "family_name", ("FN:Ada", "N:Ada;;;;"), ""),
    (EVERY, "family_name", ("FN:Ada Lovelace", "N:Lovelace\\;;Ada"), "Lovelace;"),
    (EVERY, "nickname", ("NICKNAME:Gman",), "Gman"),
    (LATER, "nickname", ("NICKNAME:Johny\\,JayJay,JD",), "Johny,JayJay"),
    (EVERY, "emails", ("EMAIL;TYPE=INTERNET:a@b.test", "item1.EMAIL:c@d.test", "EMAIL:"), ("a@b.test", "c@d.test")),
    (EVERY, "emails", ("EMAIL:a@b.test", "EMAIL;TYPE=HOME:A@B.test"), ("a@b.test",)),
    (EVERY, "phones", ("TEL;TYPE=CELL:+1 2", "TEL;TYPE=HOME,FAX:3", "TEL;type=PAGER:4", "item1.TEL:5"), ("+1 2", "5")),
    (("2.1",), "phones", ("TEL;CELL;PREF:123", "TEL;WORK;FAX:4"), ("123",)),
    (
        ("4.0",),
        "phones",
        ('TEL;VALUE=uri;TYPE="work,voice":tel:+1-418-656-9254;ext=102',),
        ("+1-418-656-9254;ext=102",),
    ),
    (EVERY, "organization", ("ORG:IBM;Accounting;Dungeon", "ORG:Other"), "IBM"),
    (LATER, "organization", ("ORG:ABC\\, Inc.;North American Division;Marketing",), "ABC, Inc."),
    (("2.1",), "organization", ("ORG:Company, The;TheDepartment",), "Company, The"),
    (EVERY, "department", ("ORG:IBM;Accounting;Dungeon",), "Accounting"),
    (EVERY, "department", ("ORG:IBM",), ""),
    (EVERY, "title", ("ROLE:Programmer", "TITLE:Boss", "TITLE:Other"), "Boss"),
    (EVERY, "location", ("ADR;TYPE=HOME:;;1 Street;Haifa;;;", "ADR:;;;Tel Aviv;;;"), "Tel Aviv"),
    (EVERY, "location", ("ADR:;;;Tel Aviv",), "Tel Aviv"),
    (EVERY, "location", ("ADR:;;;Tel Aviv;;;Israel",), ""),
    (("4.0",), "location", ('ADR;LABEL="1 Street, Tel Aviv":;;;Tel Aviv;;;',), ""),
    (
        EVERY,
        "addresses",
        ("ADR:;;;Tel Aviv;;;", "ADR:;;15 Drive;Albany;New York;12345;USA"),
        ("15 Drive, Albany, New York 12345, USA",),
    ),
    (LATER, "addresses", ("ADR:;;Street4\\nBuilding 6;New York;;12345;",), ("Street4, Building 6, New York, 12345",)),
    (LATER, "addresses", ("ADR:;12 Drive\\nNice\\, Albany;;;;;",), ("12 Drive, Nice, Albany",)),
    (EVERY, "birthday", ("BDAY:1980-03-22",), "1980-03-22"),
    (EVERY, "birthday", ("BDAY;VALUE=date:19800322",), "1980-03-22"),
    (EVERY, "birthday", ("BDAY;VALUE=date-time:1987-09-27T08:30:00-06:00",), "1987-09-27"),
    (LATER, "birthday", ("BDAY:--0509",), "--05-09"),
    (LATER, "birthday", ("BDAY:--05-09",), "--05-09"),
    (("4.0",), "birthday", ("BDAY:--0203T1430",), "--02-03"),
    (("3.0",), "birthday", ("BDAY;X-APPLE-OMIT-YEAR=1604:1604-05-09",), "--05-09"),
    (("3.0",), "birthday", ("BDAY;X-APPLE-OMIT-YEAR=1900:1900-05-09",), "--05-09"),
    (EVERY, "birthday", ("BDAY:",), ""),
    (EVERY, "links", ("URL:http\\://a.test/?b=c\\,d", "URL:www.e.test"), ("http://a.test/?b=c,d", "www.e.test")),
    (LATER, "tags", ("CATEGORIES:a\\, b,c", "CATEGORIES:d,a"), ("a, b", "c", "d", "a")),
    (EVERY, "last_contact", ("i.X-ABDATE:2025-11-07", "i.X-ABLabel:last_contact"), "2025-11-07"),
    (EVERY, "last_contact", ("I.X-ABDATE;TYPE=pref:20251107", "i.X-ABLABEL:Last_Contact"), "2025-11-07"),
    (EVERY, "last_contact", ("item1.X-ABDATE:1975-03-01", "item1.X-ABLabel:_$!<Anniversary>!$_"), ""),
    (EVERY, "last_contact", ("X-ABDATE:1975-03-01", "X-ABLabel:last_contact"), ""),
    (EVERY, "last_contact", ("X-LAST-CONTACTED:2024-02-29T10:00:00Z",), "2024-02-29"),
    (
        EVERY,
        "last_contact",
        ("X-LAST-CONTACTED:2024-02-29", "i.X-ABDATE:2023-01-01", "i.X-ABLabel:last_contact"),
        "2023-01-01",
    ),
    (EVERY, "last_contact", ("X-LAST-CONTACTED:long ago",), ""),
]


@pytest.mark.parametrize(
    ("version", "field", "lines", "value"), [(version, *row) for versions, *row in READ for version in versions]
)
def test_a_field_reads(version: str, field: FieldName, lines: Lines, value: Value) -> None:
    reading = vcard.get(card(version, *lines))
    assert (value_of(reading.person, field), dict(reading.held)) == (value, {})


HELD: list[tuple[Lines, Lines, set[FieldName]]] = [
    (LATER, ("FN:Ada\\nLovelace",), {"name", "given_name", "family_name"}),
    (LATER, ("FN:Ada L", "N:L;Ada\\nX"), {"name", "given_name", "family_name"}),
    (LATER, ("N:L;Ada;X\\nY",), {"name", "given_name", "family_name"}),
    (EVERY, ("TITLE:a\x00b",), {"title"}),
    (LATER, ("ORG:IBM\\nEurope",), {"organization"}),
    (LATER, ("EMAIL:a@b.test", "EMAIL:c\\nd"), {"emails"}),
    (EVERY, ("BDAY;VALUE=text:circa 1800",), {"birthday"}),
    (EVERY, ("BDAY:1985-04",), {"birthday"}),
    (EVERY, ("BDAY:1012",), {"birthday"}),
    (EVERY, ("BDAY:---12",), {"birthday"}),
    (EVERY, ("BDAY:1985-02-30",), {"birthday"}),
    (EVERY, ("i.X-ABDATE:recently", "i.X-ABLabel:last_contact"), {"last_contact"}),
    (EVERY, ("TITLE;ENCODING=b:Qm9zcw==",), {"title"}),
    (("2.1",), ("TITLE;BASE64:Qm9zcw==",), {"title"}),
    (("2.1",), ("TITLE:Bo\r\n ss",), {"title"}),
    (("2.1",), ("TITLE;ENCODING=QUOTED-PRINTABLE:Boss=0D=0Aof all",), {"title"}),
    (("2.1",), ("TITLE;ENCODING=QUOTED-PRINTABLE:=C3",), {"title"}),
    (("2.1",), ("TITLE;ENCODING=QUOTED-PRINTABLE;CHARSET=X-OWN:Boss",), {"title"}),
]


@pytest.mark.parametrize(
    ("version", "lines", "fields"), [(version, *row) for versions, *row in HELD for version in versions]
)
def test_what_is_not_safe_to_read_is_held_and_not_written(version: str, lines: Lines, fields: set[FieldName]) -> None:
    text = card(version, *lines)
    reading = vcard.get(text)
    assert reading.held.keys() == fields
    for field in fields:
        assert value_of(reading.person, field) in {"", ()}
        with pytest.raises(EditRefused):
            vcard.put(text, {field: "x"}, None)


WRITE: list[tuple[Lines, dict[FieldName, Value], Lines, Lines]] = [
    # versions, changes, lines before, lines after
    (LATER, {"name": "Ada, Countess"}, ("item1.FN;LANGUAGE=en:Ada",), ("item1.FN;LANGUAGE=en:Ada\\, Countess",)),
    (EVERY, {"name": "Ada King"}, ("N:Lovelace;Ada;;;", "FN:Ada Lovelace"), ("N:King;Ada;;;", "FN:Ada King")),
    (EVERY, {"name": "Ada King"}, ("FN:Ada", "N:;;;;"), ("FN:Ada King", "N:King;Ada;;;")),
    (EVERY, {"name": "Ada King"}, ("FN:Ada",), ("FN:Ada King",)),
    (EVERY, {"name": "Ada King"}, ("N:Lovelace;Ada;;;",), ("N:King;Ada;;;", "FN:Ada King")),
    (EVERY, {"name": "Ada Byron"}, ("N:Lovelace;Ada;King;;",), ("N:Byron;Ada;King;;", "FN:Ada Byron")),
    (
        EVERY,
        {"name": "Dr. John Doe"},
        ("FN:Mr. John Doe", "N:Doe;John;A.;Mr.;Sr."),
        ("FN:Dr. John Doe", "N:Doe;John;A.;Mr.;Sr."),
    ),
    (
        EVERY,
        {"name": "Dr. Ada King"},
        ("FN:Dr. Ada Byron Sr.", "N:Byron;Ada;B.;Dr.;Sr."),
        ("FN:Dr. Ada King", "N:King;Ada;B.;Dr.;Sr."),
    ),
    (
        EVERY,
        {"name": "Ada King", "family_name": "Byron"},
        ("FN:Ada Byron Sr.", "N:Byron;Ada;;;"),
        ("FN:Ada King", "N:Byron;Ada;;;"),
    ),
    (
        EVERY,
        {"given_name": "Augusta"},
        ("FN:Ada Lovelace", "N:Lovelace;Ada;B.;;"),
        ("FN:Ada Lovelace", "N:Lovelace;Augusta;B.;;"),
    ),
    (EVERY, {"given_name": "Augusta"}, ("FN:Ada Lovelace",), ("FN:Ada Lovelace", "N:Lovelace;Augusta;;;")),
    (EVERY, {"given_name": "Ada"}, ("FN:Ada Lovelace", "N:Lovelace;Ada"), ("FN:Ada Lovelace", "N:Lovelace;Ada")),
    (EVERY, {"family_name": ""}, ("FN:Ada Lovelace", "N:King;Ada"), ("FN:Ada Lovelace", "N:Lovelace;Ada")),
    (EVERY, {"family_name": "King"}, ("N:Lovelace;Ada",), ("N:King;Ada", "FN:Ada Lovelace")),
    (LATER, {"nickname": "A,B"}, ("NICKNAME;X=1:Johny\\,J,JD",), ("NICKNAME;X=1:A\\,B,JD",)),
    (EVERY, {"nickname": ""}, ("NICKNAME:Johny",), ()),
    (
        EVERY,
        {"emails": ("c@d.test", "new@e.test")},
        ("item1.EMAIL:a@b.test", "item1.X-ABLabel:Old", 'EMAIL;TYPE=HOME;X-UUID="1":C@d.test', "NOTE:x"),
        ("item1.EMAIL:new@e.test", "item1.X-ABLabel:Old", 'EMAIL;TYPE=HOME;X-UUID="1":C@d.test', "NOTE:x"),
    ),
    (
        EVERY,
        {"emails": ()},
        ("item1.EMAIL:a@b.test", "item1.TEL:1", "item1.X-ABLabel:Old"),
        ("item1.TEL:1", "item1.X-ABLabel:Old"),
    ),
    (
        EVERY,
        {"phones": ("+49 30 1234", "5")},
        ("TEL;TYPE=CELL:+49-30-1234", "TEL;TYPE=FAX:2", "TEL:3"),
        ("TEL;TYPE=CELL:+49-30-1234", "TEL;TYPE=FAX:2", "TEL:5"),
    ),
    (
        ("4.0",),
        {"phones": ("+1 (2) 3",)},
        ("TEL;VALUE=uri;TYPE=cell:tel:+9",),
        ("TEL;VALUE=uri;TYPE=cell:tel:+1--2--3",),
    ),
    (
        ("4.0",),
        {"phones": ("+9", "+1 (2) 3", "45;6")},
        ("TEL;VALUE=uri;TYPE=cell:tel:+9",),
        ("TEL;VALUE=uri;TYPE=cell:tel:+9", "TEL;VALUE=uri:tel:+1--2--3", "TEL:45\\;6"),
    ),
    (
        LATER,
        {"organization": "A;B"},
        ("ORG;TYPE=work:IBM;Accounting;Dungeon",),
        ("ORG;TYPE=work:A\\;B;Accounting;Dungeon",),
    ),
    (EVERY, {"organization": ""}, ("ORG:IBM;Accounting",), ("ORG:;Accounting",)),
    (EVERY, {"organization": ""}, ("ORG:IBM",), ()),
    (EVERY, {"department": "R&D"}, ("ORG:IBM",), ("ORG:IBM;R&D",)),
    (EVERY, {"department": ""}, ("ORG:IBM;Accounting",), ("ORG:IBM",)),
    (EVERY, {"organization": "IBM", "department": "R&D"}, ("NOTE:",), ("NOTE:", "ORG:IBM;R&D")),
    (EVERY, {"title": "Boss"}, ("TITLE;X=y:Clerk", "TITLE:Other"), ("TITLE;X=y:Boss", "TITLE:Other")),
    (EVERY, {"title": "Boss"}, (), ("TITLE:Boss",)),
    (EVERY, {"title": ""}, ("item1.TITLE:Clerk", "item1.X-ABLabel:x"), ()),
    (
        EVERY,
        {"location": "Haifa"},
        ("ADR;TYPE=HOME:;;1 Street;Ada;;;", "item1.ADR:;;;Tel Aviv;;;", "item1.X-ABADR:il"),
        ("ADR;TYPE=HOME:;;1 Street;Ada;;;", "item1.ADR:;;;Haifa;;;", "item1.X-ABADR:il"),
    ),
    (EVERY, {"location": "Haifa"}, ("ADR:;;1 Street;Ada;;;",), ("ADR:;;1 Street;Ada;;;", "ADR:;;;Haifa;;;")),
    (EVERY, {"location": ""}, ("item1.ADR:;;;Tel Aviv;;;", "item1.X-ABADR:il"), ()),
    (("3.0",), {"birthday": "1990-05-09"}, ("BDAY;value=date:1980-03-22",), ("BDAY;value=date:1990-05-09",)),
    (("3.0",), {"birthday": "1990-05-09"}, ("BDAY;VALUE=date-time:1980-03-22T10:00:00Z",), ("BDAY:1990-05-09",)),
    (("3.0",), {"birthday": "--05-09"}, ("BDAY:1980-03-22",), ("BDAY;X-APPLE-OMIT-YEAR=1604:1604-05-09",)),
    (("3.0",), {"birthday": "1990-05-09"}, ("BDAY;X-APPLE-OMIT-YEAR=1604:1604-05-09",), ("BDAY:1990-05-09",)),
    (("4.0",), {"birthday": "1990-05-09"}, ("BDAY;CALSCALE=gregorian:--0509",), ("BDAY;CALSCALE=gregorian:19900509",)),
    (("4.0",), {"birthday": "--05-09"}, (), ("BDAY:--0509",)),
    (("2.1",), {"birthday": "1990-05-09"}, ("BDAY:19800322",), ("BDAY:1990-05-09",)),
    (EVERY, {"birthday": ""}, ("BDAY:19800322",), ()),
    (EVERY, {"birthday": "1980-03-22"}, ("BDAY:19800322T100000",), ("BDAY:19800322T100000",)),
    (
        LATER,
        {"links": ("http://A.test", "https://b.test/?c,d;e")},
        ("item1.URL;type=pref:http\\://A.test/", "item1.X-ABLabel:_$!<HomePage>!$_"),
        ("item1.URL;type=pref:http\\://A.test/", "URL:https://b.test/?c\\,d;e", "item1.X-ABLabel:_$!<HomePage>!$_"),
    ),
    (("2.1",), {"links": ("https://b.test/?c,d;e",)}, (), ("URL:https://b.test/?c,d;e",)),
    (LATER, {"tags": ("b", "c,d")}, ("CATEGORIES;X=y:a,b", "CATEGORIES:e"), ("CATEGORIES;X=y:c\\,d,b",)),
    (LATER, {"tags": ("a, b",)}, (), ("CATEGORIES:a\\, b",)),
    (
        EVERY,
        {"last_contact": "2025-11-07"},
        ("item1.EMAIL:a@b.test", "ITEM3.X-ABDATE:1975-03-01", "ITEM3.X-ABLabel:_$!<Anniversary>!$_"),
        (
            "item1.EMAIL:a@b.test",
            "ITEM3.X-ABDATE:1975-03-01",
            "ITEM3.X-ABLabel:_$!<Anniversary>!$_",
            "item2.X-ABDATE:2025-11-07",
            "item2.X-ABLabel:last_contact",
        ),
    ),
    (
        EVERY,
        {"last_contact": "2025-11-07"},
        ("a.X-ABDATE;TYPE=pref:2024-01-01", "a.X-ABLABEL:LAST_CONTACT", "X-LAST-CONTACTED:2023-01-01"),
        ("a.X-ABDATE;TYPE=pref:2025-11-07", "a.X-ABLABEL:LAST_CONTACT", "X-LAST-CONTACTED:2023-01-01"),
    ),
    (EVERY, {"last_contact": ""}, ("a.X-ABDATE:2024-01-01", "a.X-ABLabel:last_contact", "NOTE:x"), ("NOTE:x",)),
    (
        ("2.1",),
        {"title": "Boß"},
        ("TITLE;LANGUAGE=de:Boss",),
        ("TITLE;LANGUAGE=de;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Bo=C3=9F",),
    ),
    (("2.1",), {"title": "Boss"}, ("TITLE;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Bo=C3=9F",), ("TITLE:Boss",)),
    (("2.1",), {"organization": "A;B, C"}, ("ORG:IBM;Accounting",), ("ORG:A\\;B, C;Accounting",)),
    (
        ("2.1",),
        {"title": "Ñ" * 12},
        (),
        ("TITLE;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C3=91=C3=91=C3=91=C3=91=\r\n" + "=C3=91" * 8,),
    ),
    (
        ("3.0",),
        {"title": "x" * 80},
        ("TITLE:long\r\n  ago", "NOTE:" + "y" * 90),
        ("TITLE:" + "x" * 69 + "\r\n " + "x" * 11, "NOTE:" + "y" * 90),
    ),
    (("3.0",), {"title": "x"}, ("TITLE;CHARSET=UTF-8:ü",), ("TITLE;CHARSET=UTF-8:x",)),
    (("3.0",), {"title": "x"}, ("TITLE;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:=FC",), ("TITLE:x",)),
    (LATER, {"title": "a\\nb"}, (), ("TITLE:a\\\\nb",)),
    (
        ("2.1",),
        {"department": "R&D"},
        ("ORG;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C3=91=", "", "TEL:1"),
        ("ORG;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C3=91;R&D", "TEL:1"),
    ),
]


@pytest.mark.parametrize(
    ("version", "changes", "before", "after"), [(version, *row) for versions, *row in WRITE for version in versions]
)
def test_an_edit_writes(version: str, changes: dict[FieldName, Value], before: Lines, after: Lines) -> None:
    assert vcard.put(card(version, *before), changes, None) == card(version, *after)


CORRECTED: list[tuple[Lines, dict[FieldName, Value], Lines, Lines]] = [
    # versions, changes, lines before, lines after
    (
        LATER,
        {"emails": ("new@x.test", "home@x.test")},
        ("item1.EMAIL;TYPE=WORK,pref:a@x.test", "item1.X-ABLabel:Büro", "EMAIL;TYPE=HOME:home@x.test"),
        ("item1.EMAIL;TYPE=WORK,pref:new@x.test", "item1.X-ABLabel:Büro", "EMAIL;TYPE=HOME:home@x.test"),
    ),
    (
        ("4.0",),
        {"emails": ("home@x.test", "new@x.test", "third@x.test")},
        ('EMAIL;PREF=1;ALTID=1;TYPE="work,x":a@x.test', "NOTE:x", "EMAIL;TYPE=home:home@x.test"),
        (
            'EMAIL;PREF=1;ALTID=1;TYPE="work,x":new@x.test',
            "NOTE:x",
            "EMAIL;TYPE=home:home@x.test",
            "EMAIL:third@x.test",
        ),
    ),
    (
        EVERY,
        {"emails": ("c@x.test",)},
        ("EMAIL;TYPE=WORK:a@x.test", "item1.EMAIL:b@x.test", "item1.X-ABLabel:Old", "EMAIL:"),
        ("EMAIL;TYPE=WORK:c@x.test", "EMAIL:"),
    ),
    (
        EVERY,
        {"emails": ("c@x.test", "d@x.test")},
        ("EMAIL;TYPE=WORK:a@x.test", "EMAIL;TYPE=HOME:A@x.test", "EMAIL;TYPE=X:b@x.test"),
        ("EMAIL;TYPE=WORK:c@x.test", "EMAIL;TYPE=HOME:c@x.test", "EMAIL;TYPE=X:d@x.test"),
    ),
    (
        ("2.1",),
        {"emails": ("ü@x.test",)},
        ("EMAIL;INTERNET;PREF:a@x.test",),
        ("EMAIL;INTERNET;PREF;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C3=BC@x.test",),
    ),
    (
        ("3.0",),
        {"phones": ("+49 30 1235", "5")},
        ("TEL;TYPE=FAX:2", "a.TEL;TYPE=CELL;TYPE=pref:+49 30 1234", "a.X-ABLabel:Büro", "TEL;TYPE=HOME:5"),
        ("TEL;TYPE=FAX:2", "a.TEL;TYPE=CELL;TYPE=pref:+49 30 1235", "a.X-ABLabel:Büro", "TEL;TYPE=HOME:5"),
    ),
    (
        ("4.0",),
        {"phones": ("+49 30 1235", "5")},
        ('item1.TEL;VALUE=uri;PREF=1;TYPE="work,voice":tel:+49-30-1234', "item1.X-ABLabel:Büro", "TEL:5"),
        ('item1.TEL;VALUE=uri;PREF=1;TYPE="work,voice":tel:+49-30-1235', "item1.X-ABLabel:Büro", "TEL:5"),
    ),
    (
        ("4.0",),
        {"phones": ("+1-418-656-9254;ext=103",)},
        ("TEL;VALUE=uri;TYPE=work:tel:+1-418-656-9254;ext=102",),
        ("TEL;VALUE=uri;TYPE=work:tel:+1-418-656-9254;ext=103",),
    ),
    # A number without its country is no URI by itself.
    (("4.0",), {"phones": ("45;6",)}, ("TEL;PREF=1;VALUE=uri;TYPE=cell:tel:+9",), ("TEL;PREF=1;TYPE=cell:45\\;6",)),
    (("4.0",), {"phones": ("+8",)}, ("TEL;VALUE=text;TYPE=cell:+9",), ("TEL;VALUE=text;TYPE=cell:+8",)),
    (LATER, {"phones": ("+8",)}, ("TEL;TYPE=cell:tel:+9",), ("TEL;TYPE=cell:tel:+8",)),
    (
        LATER,
        {"links": ("https://b.test/?c,d;e",)},
        ("item1.URL;type=pref:http\\://a.test/", "item1.X-ABLabel:_$!<HomePage>!$_"),
        ("item1.URL;type=pref:https://b.test/?c\\,d;e", "item1.X-ABLabel:_$!<HomePage>!$_"),
    ),
    (
        LATER,
        {"tags": ("c,d", "b")},
        ("CATEGORIES;X=1:a", "CATEGORIES;X=2:b"),
        ("CATEGORIES;X=1:c\\,d", "CATEGORIES;X=2:b"),
    ),
    (
        LATER,
        {"tags": ("a", "d", "e")},
        ("CATEGORIES;X=1:a", "CATEGORIES;X=2:b,"),
        ("CATEGORIES;X=1:a", "CATEGORIES;X=2:d,e"),
    ),
    (EVERY, {"tags": ("b",)}, ("CATEGORIES;X=1:a", "CATEGORIES;X=2:b"), ("CATEGORIES;X=2:b",)),
]


@pytest.mark.parametrize(
    ("version", "changes", "before", "after"),
    [(version, *row) for versions, *row in CORRECTED for version in versions],
)
def test_a_corrected_value_keeps_its_line(
    version: str, changes: dict[FieldName, Value], before: Lines, after: Lines
) -> None:
    assert vcard.put(card(version, *before), changes, None) == card(version, *after)


REFUSED: list[tuple[Lines, dict[FieldName, Value], Lines]] = [
    (EVERY, {"name": ""}, ("FN:Ada",)),
    (EVERY, {"name": ""}, ("N:Lovelace;Ada",)),
    (EVERY, {"aliases": ("Ada",)}, ("FN:Ada",)),
    (EVERY, {"next_meeting": "2026-01-01"}, ("FN:Ada",)),
    (EVERY, {"meetings_90d": "3"}, ("FN:Ada",)),
    (EVERY, {"addresses": ("1 Street",)}, ("FN:Ada",)),
    (EVERY, {"title": ""}, ("TITLE:a", "TITLE:b")),
    (EVERY, {"nickname": ""}, ("NICKNAME:a,b",)),
    (EVERY, {"nickname": ""}, ("NICKNAME:a", "NICKNAME:b")),
    (EVERY, {"organization": ""}, ("ORG:a", "ORG:b")),
    (EVERY, {"location": ""}, ("ADR:;;;a;;;", "ADR:;;;b;;;")),
    (EVERY, {"birthday": ""}, ("BDAY:19800322", "BDAY:19800323")),
    (EVERY, {"last_contact": ""}, ("X-LAST-CONTACTED:2024-01-01",)),
    (EVERY, {"birthday": "1604-05-09"}, ()),
    (EVERY, {"birthday": "May"}, ()),
    (EVERY, {"last_contact": "yesterday"}, ()),
    (EVERY, {"title": "a\nb"}, ()),
    (EVERY, {"emails": ("a@b.test", "c\rd")}, ()),
    (("2.1",), {"title": "a\\b"}, ()),
    (("2.1",), {"birthday": "--05-09"}, ()),
]


@pytest.mark.parametrize(
    ("version", "changes", "lines"), [(version, *row) for versions, *row in REFUSED for version in versions]
)
def test_an_edit_is_refused(version: str, changes: dict[FieldName, Value], lines: Lines) -> None:
    with pytest.raises(EditRefused):
        vcard.put(card(version, *lines), changes, None)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r\r\n"])
def test_a_new_line_ends_as_the_card_does(newline: str) -> None:
    text = card("3.0", "FN:Ada", newline=newline)
    assert vcard.put(text, {"title": "Boss"}, Uid("u-1")) == card(
        "3.0", "FN:Ada", "TITLE:Boss", "X-CONTACTD-UID:u-1", newline=newline
    )


def test_a_rewritten_line_keeps_its_own_ending() -> None:
    text = card("3.0", "FN:Ada").replace("FN:Ada\r\n", "FN:Ada\n")
    assert vcard.put(text, {"name": "Eve"}, None) == text.replace("Ada", "Eve")


@pytest.mark.parametrize(
    ("before", "uid", "after"),
    [
        (("UID:theirs",), None, ("UID:theirs",)),
        (("UID:theirs",), "u,1", ("UID:theirs", "X-CONTACTD-UID:u\\,1")),
        (("x-contactd-uid;A=b:old",), "new", ("x-contactd-uid;A=b:new",)),
        (("X-CONTACTD-UID:u-1",), "u-1", ("X-CONTACTD-UID:u-1",)),
    ],
)
def test_the_uid_of_others_is_never_changed(before: Lines, uid: str | None, after: Lines) -> None:
    wanted = None if uid is None else Uid(uid)
    assert vcard.put(card("3.0", *before), {}, wanted) == card("3.0", *after)


@pytest.mark.parametrize(
    ("lines", "uid"), [(("UID:a",), None), (("UID:a", "X-CONTACTD-UID:b\\,c"), "b,c"), (("X-CONTACTD-UID:",), None)]
)
def test_the_uid_that_is_read(lines: Lines, uid: str | None) -> None:
    assert vcard.get(card("4.0", *lines)).uid == uid


ADA = Person(
    name="Ada Lovelace",
    given_name="",
    family_name="",
    nickname="Countess",
    aliases=("ada",),
    emails=("ada@b.test", "a@c.test"),
    former_emails=("ada@old.test",),
    phones=("+49 30 1234",),
    organization="Engines; Ltd",
    department="R&D",
    title="Programmer, first",
    location="Tel Aviv",
    addresses=(),
    birthday="--12-10",
    links=("https://a.test/?b,c",),
    tags=("a,b", "c"),
    last_contact="2025-11-07",
    next_meeting="2026-01-01",
    last_1on1="2025-11-07",
    meetings_90d="3",
)


def test_a_new_card() -> None:
    assert vcard.new(ADA, Uid("u-1")) == card(
        "3.0",
        "UID:u-1",
        "X-CONTACTD-UID:u-1",
        "N:Lovelace;Ada;;;",
        "FN:Ada Lovelace",
        "NICKNAME:Countess",
        "EMAIL:ada@b.test",
        "EMAIL:a@c.test",
        "TEL:+49 30 1234",
        "ORG:Engines\\; Ltd;R&D",
        "TITLE:Programmer\\, first",
        "ADR:;;;Tel Aviv;;;",
        "BDAY;X-APPLE-OMIT-YEAR=1604:1604-12-10",
        "URL:https://a.test/?b\\,c",
        "CATEGORIES:a\\,b,c",
        "item1.X-ABDATE:2025-11-07",
        "item1.X-ABLabel:last_contact",
    )


NAMELESS = card("3.0", "X:y")
BROKEN = [
    ("", 1, "one card"),
    ("\r\n", 1, "one card"),
    ("FN:Ada\r\n", 1, "outside"),
    ("BEGIN:VCARD\nVERSION:3.0\nFN:Ada\n", 4, "END"),
    ("BEGIN:VCARD\nFN:Ada\nEND:VCARD\n", 1, "VERSION"),
    ("BEGIN:VCARD\nVERSION:5.0\nEND:VCARD\n", 1, "5.0"),
    ("BEGIN:VCARD\nVERSION:3.0\nFN Ada\nEND:VCARD\n", 3, "property"),
    ("BEGIN:VCARD\nVERSION:3.0\nF\u00fcn:Ada\nEND:VCARD\n", 3, "property"),
    (NAMELESS + NAMELESS, 1, "one card"),
    (NAMELESS + "TEL:1\r\n", 5, "outside"),
    ("BEGIN:VCARD\nVERSION:3.0\n" + NAMELESS, 3, "END"),
]


@pytest.mark.parametrize(("text", "line", "reason"), BROKEN)
def test_a_broken_card_is_named_by_its_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(UnreadableRecord, match=reason) as caught:
        vcard.get(text)
    assert caught.value.line == line
    with pytest.raises(UnreadableRecord, match=reason):
        vcard.put(text, {}, None)


def test_a_card_that_is_too_long_is_not_read() -> None:
    with pytest.raises(UnreadableRecord, match="longer"):
        vcard.get(card("3.0", "NOTE:" + "x" * (8 * 1024 * 1024)))
    with pytest.raises(UnreadableRecord, match="lines"):
        vcard.get(card("3.0", *["X:y"] * 20_001))


HOSTILE = ['X;A="' + ";" * 500_000, "X" + ';A="b' * 99_999, "a." * 100_000, "X;" + "=" * 500_000, "\\" * 50_001]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_line_is_read_or_refused_at_once(hostile: str) -> None:
    vcard.get(card("3.0", f"FN:{hostile}", f"N:{hostile}", f"ORG:{hostile}", f"CATEGORIES:{hostile}", f"ADR:{hostile}"))
    with pytest.raises(UnreadableRecord):
        vcard.get(card("3.0", "FN:Ada", hostile))


def test_a_card_within_a_card_is_another_persons() -> None:
    agent = card("2.1", "FN:Agent", "TEL:2")
    text = card("2.1", "FN:Ada", "AGENT:", agent.removesuffix("\r\n"), "TEL:1")
    assert vcard.cards(text) == (text,)
    assert (vcard.get(text).person.name, vcard.get(text).person.phones) == ("Ada", ("1",))
    assert vcard.put(text, {"phones": ("1", "3")}, None) == text.replace("TEL:1\r\n", "TEL:1\r\nTEL:3\r\n")


def test_cards_are_the_text() -> None:
    one, two = card("3.0", "FN:Ada"), card("4.0", "FN:Eve", newline="\n")
    text = f"\ufeff\r\n{one}\n\r\n{two}\n"
    assert vcard.cards(text) == (f"\ufeff\r\n{one}\n\r\n", f"{two}\n")
    assert vcard.cards("\r\n\n") == ()


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbfBEGIN:VCARD\r\n", "FN:\u00d1\n".encode()])
def test_decoding_loses_nothing(content: bytes) -> None:
    assert vcard.decode(content).encode() == content


@pytest.mark.parametrize("content", [b"BEGIN:VCARD\nFN:Andr\xe9\n", "\ufeffBEGIN\n:VCARD\n".encode("utf-16-be")])
def test_another_charset_is_not_guessed(content: bytes) -> None:
    with pytest.raises(UnreadableRecord, match="UTF-8"):
        vcard.decode(content)
