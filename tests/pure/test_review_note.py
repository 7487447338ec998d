"""The review note as text: what is asked is what is ticked, nothing in it acts, and nothing beside it is touched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.review_note import BEGIN, EMPTY, END, Asked, Box, Choice, QuestionId, harmless, rendered, ticked

LOOMS = Asked(
    QuestionId("35a88783"), "Ada: organization", (Box(Choice("n"), "note", "Looms"), Box(Choice("1"), "home", "Tables"))
)
ENGINES = Asked(
    QuestionId("0badcafe"), "Ada: title", (Box(Choice("n"), "note", "Boss"), Box(Choice("1"), "home", "Chief"))
)


def tick(text: str, line: str) -> str:
    """Tick the box whose line says so, as Obsidian does."""
    (found,) = (each for each in text.split("\n") if line in each)
    return text.replace(found, found.replace("[ ]", "[x]"))


def test_a_new_note_asks_and_is_no_persons() -> None:
    text = rendered(None, [LOOMS])
    assert text.startswith("---\ncontactd: off\n---\n")
    assert "- [ ] note: Looms ^contactd-35a88783-n\n" in text
    assert ticked(text) == {}


def test_a_tick_is_read_by_its_id_whatever_the_line_says() -> None:
    text = tick(rendered(None, [LOOMS, ENGINES]), "Tables")
    assert ticked(text) == {"35a88783": ("1",)}
    assert ticked(text.replace("home: Tables", "I take this one")) == {"35a88783": ("1",)}
    assert ticked(text.replace("\n", "\r\n")) == {"35a88783": ("1",)}


def test_what_asks_the_same_is_not_written_anew_whatever_is_ticked() -> None:
    text = tick(rendered(None, [LOOMS, ENGINES]), "Tables")
    for same in (text, text.replace("\n", "\r\n"), text.replace("[x]", "[X]"), text.replace("- [", "* [")):
        assert rendered(same, [LOOMS, ENGINES]) == same or same.count("* [")


def test_what_stands_outside_the_marks_is_kept_to_the_byte() -> None:
    text = rendered(None, [LOOMS])
    edited = f"\ufeff{text.replace('# Contact review', '# Mine  ')}\r\nmy own words\t"
    changed = rendered(edited, [ENGINES])
    assert changed.partition(BEGIN)[0] == edited.partition(BEGIN)[0]
    assert changed.partition(END)[2] == edited.partition(END)[2]
    assert ("Looms" in changed, "Chief" in changed) == (False, True)


def test_without_any_question_it_says_so_and_without_marks_they_come_at_the_end() -> None:
    assert EMPTY in rendered(rendered(None, [LOOMS]), [])
    mine = "# What I wrote\n\nno marks here"
    text = rendered(mine, [LOOMS])
    assert (text.startswith(mine), rendered(text, [LOOMS])) == (True, text)


def test_two_ticks_of_one_question_are_kept_and_named() -> None:
    text = tick(tick(rendered(None, [LOOMS]), "Looms"), "Tables")
    assert ticked(text) == {"35a88783": ("n", "1")}
    again = rendered(text, [LOOMS])
    assert ("Two boxes are ticked" in again, ticked(again)) == (True, ticked(text))
    assert rendered(again, [LOOMS]) == again


HOSTILE = [
    "<%* tp.system.prompt('x') %>", "---", "a\nb", "a\r\nb", "`rm -rf`", "[[Secret]]", "![[Secret]]", "\u202egnp.exe",
    "- [x] x ^contactd-35a88783-1", "%% contactd: end %%", "$= dv.pages()", "<iframe src=x>", "#tag", "\0", "\u2028", "| a |",
    "obsidian://open?x", "x" * 10_000, "{{date}}", "==mark==", "*x*", "_x_", "~~~", "1. x",
]  # fmt: skip


@pytest.mark.parametrize("said", HOSTILE)
def test_hostile_names_and_values_never_break_the_note_or_act_in_it(said: str) -> None:
    asked = Asked(QuestionId("35a88783"), said, (Box(Choice("n"), "note", said), Box(Choice("1"), "home", "Tables")))
    text = rendered(None, [asked])
    inside = text.partition(BEGIN)[2].partition(END)[0]
    assert not set(inside) & set('<>`$|{}=~_\\\0\u202e\u2028\r*!"')
    assert ("[[" in inside, "%%" in inside, inside.count("\n- [ ] ")) == (False, False, 2)
    assert ticked(text) == {}
    assert ticked(tick(text, "Tables")) == {"35a88783": ("1",)}


@given(st.text(max_size=60))
def test_whatever_a_contact_says_one_line_stays_one_line_that_is_not_ticked(said: str) -> None:
    text = rendered(None, [Asked(QuestionId("35a88783"), said, (Box(Choice("n"), "note", said),))])
    plain = rendered(None, [Asked(QuestionId("35a88783"), "x", (Box(Choice("n"), "note", "x"),))])
    assert (text.count("\n"), ticked(text)) == (plain.count("\n"), {})
    assert rendered(text, [Asked(QuestionId("35a88783"), said, (Box(Choice("n"), "note", said),))]) == text


@given(st.text())
def test_any_text_is_a_note_to_read_and_to_write(text: str) -> None:
    ticked(text)
    once = rendered(text, [LOOMS])
    assert rendered(once, [LOOMS]) == once


def test_letters_of_every_script_are_shown() -> None:
    assert harmless("José Müller, 株式会社 Ünï-Corp, O'Neil, अनिता") == "José Müller, 株式会社 Ünï-Corp, O'Neil, अनिता"
