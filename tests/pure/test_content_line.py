import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings import content_line
from mappings.content_line import Line, fold, lines, unfold
from mappings.errors import UnreadableRecord

LINES = [
    # raw, group, name, bare head, value
    ("FN:Ada\r\n", "", "FN", "FN", "Ada"),
    ("fn:Ada\n", "", "FN", "fn", "Ada"),
    ("FN:\n", "", "FN", "FN", ""),
    ("item1.X-ABLabel:_$!<Home>!$_\r\n", "item1", "X-ABLABEL", "item1.X-ABLabel", "_$!<Home>!$_"),
    ("URL:http://a.test/?b=c;d\r\n", "", "URL", "URL", "http://a.test/?b=c;d"),
    ('TEL;TYPE="work,voice";X="a:b;c":+1\r\n', "", "TEL", "TEL", "+1"),
    ("FN:A\r\n da\r\n", "", "FN", "FN", "Ada"),
    ("FN:A\r\n\tda\n  B\r\n", "", "FN", "FN", "Ada B"),
    ("EMAIL;TYPE=wo\r\n rk:a@b.test\r\n", "", "EMAIL", "EMAIL", "a@b.test"),
    ("NICK\r\n NAME:Ada\r\n", "", "NICKNAME", "NICKNAME", "Ada"),
    ("FN:A\r\r\n da\r\r\n", "", "FN", "FN", "Ada"),
    ("NOTE;ENCODING=QUOTED-PRINTABLE:a=0D=0A=\r\nb=\r\n c\r\n", "", "NOTE", "NOTE", "a=0D=0Ab c"),
    ("NOTE;QUOTED-PRINTABLE:a=\n:b\n", "", "NOTE", "NOTE", "a:b"),
    ("PHOTO;ENCODING=b:AA=\r\n", "", "PHOTO", "PHOTO", "AA="),
    ("NOTE:one\u2028two\x85three\x0bfour\n", "", "NOTE", "NOTE", "one\u2028two\x85three\x0bfour"),
]


@pytest.mark.parametrize(("raw", "group", "name", "head", "value"), LINES)
def test_a_line_says(raw: str, group: str, name: str, head: str, value: str) -> None:
    (line,) = lines(raw)
    assert (line.raw, line.group, line.name, line.bare_head, line.value) == (raw, group, name, head, value)


@pytest.mark.parametrize(
    ("head", "parameter", "values"),
    [
        ("TEL;TYPE=work,voice;type=Cell", "TYPE", {"WORK", "VOICE", "CELL"}),
        ('TEL;TYPE="work,voice"', "TYPE", {"WORK", "VOICE"}),
        ("TEL;WORK;PREF", "TYPE", {"WORK", "PREF"}),
        ('TEL;X-UUID="a;b";PREF=1', "PREF", {"1"}),
        ("TEL", "TYPE", set[str]()),
    ],
)
def test_values_of_a_parameter(head: str, parameter: str, values: set[str]) -> None:
    (line,) = lines(f"{head}:1\n")
    assert line.values_of(parameter) == values


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("FN:a\nnonsense\n", 2),
        ("FN:a\r\n b\r\n\r\nTEL;WORK\r\n", 4),
        ("FN:a\n:no name\n", 2),
        ("F N:a\n", 1),
        ('TEL;X="open:1\nFN:b"\n', 1),
        ("TEL;X", 1),
    ],
)
def test_what_is_no_line_is_named_by_its_number(text: str, number: int) -> None:
    with pytest.raises(UnreadableRecord) as caught:
        list(lines(text))
    assert caught.value.line == number


def test_blank_lines_and_a_byte_order_mark_say_nothing() -> None:
    assert [line.name for line in lines("\ufeff\r\nFN:a\n\n  \nTEL:1\n")] == ["", "", "FN", "", "TEL"]


PHYSICAL = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["", "item1.", "A.", " ", "\t"]),
        st.sampled_from(["", "FN", "TEL;WORK", "NOTE;ENCODING=QUOTED-PRINTABLE", 'X-Y;Z="a:b"', "é"]),
        st.sampled_from(["", ":", ":a=", ":é\\n", ":=3D="]),
        st.sampled_from(["\n", "\r\n", "\r\r\n", ""]),
    ),
)


@given(st.lists(PHYSICAL, max_size=8).map("".join))
def test_lines_are_the_text(text: str) -> None:
    try:
        found = list(lines(text))
    except UnreadableRecord:
        return
    assert "".join(line.raw for line in found) == text


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=300))
def test_folded_lines_are_short_and_whole(text: str) -> None:
    folded = fold(text, "\r\n")
    assert unfold(folded) == text
    assert all(len(piece.encode()) <= 75 for piece in folded.split("\r\n"))


def test_folding_keeps_characters_whole() -> None:
    assert fold("N:" + "é" * 40, "\n") == "N:" + "é" * 36 + "\n " + "é" * 4


def test_a_made_line_is_read_as_it_was_made() -> None:
    line = content_line.written("item1.TEL;TYPE=cell", "1" * 80, "\n")
    assert line == Line(
        f"item1.TEL;TYPE=cell:{'1' * 55}\n {'1' * 25}\n", "item1", "TEL", "item1.TEL;TYPE=cell", 20, quoted=False
    )
