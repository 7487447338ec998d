import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.normalize import email_of, is_email, phone_key

WRITTEN = st.text(st.sampled_from("0019+()*#-. xXaAkZ;/:é٣\u00a0"), max_size=14)
PIECES = st.lists(st.sampled_from(["tel:", "TEL:", "00", "(0)", "+", "ext. ", "x", ";ext=", "-GO", "12", " "])).map(
    "".join
)


@pytest.mark.parametrize(
    ("number", "key"),
    [
        ("+49 (0)30 12-34", "+49301234"),
        ("0049 30 1234", "+49301234"),
        ("tel:+49-30-1234", "+49301234"),
        ("555-1234 x12", "5551234x12"),
        ("555-1234 ext. 12", "5551234x12"),
        ("tel:5551234;ext=12", "5551234x12"),
        ("555-1234 home", "5551234"),
        ("555 1234 (M)", "5551234"),
        ("+49 30 1234567 PRIVAT", "+49301234567"),
        ("Mobile: 555-1234", "5551234"),
        ("tel:7042;phone-context=x.test", "7042"),
        ("1-800-FLOWERS", "18003569377"),
        ("1-800-flowers", "18003569377"),
        ("1 (800) FLOWERS", "18003569377"),
        ("1800FLOWERS", "18003569377"),
        ("tel:1-800-FLOWERS", "18003569377"),
        ("+1 800 GOT-JUNK ext. 12", "+18004685865x12"),
        ("1-877-KARS-4-KIDS", "1877527745437"),
        ("1-800-ABCDEFGHIJKLMNOPQRSTUVWXYZ", "180022233344455566677778889999"),
        ("*123#", "*123#"),
        ("#123", "#123"),
        ("*31# 030 1234", "*31#0301234"),
        ("ask Bob", "ask Bob"),
        ("Fax x12", "Fax x12"),
        ("", ""),
    ],
)
def test_a_phone_key_is_what_is_dialled(number: str, key: str) -> None:
    assert phone_key(number) == key


@given(WRITTEN | PIECES | st.text(max_size=10))
def test_the_key_of_a_phone_key_is_itself(number: str) -> None:
    assert phone_key(phone_key(number)) == phone_key(number)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("a@x", "a@x"),
        (" A@x.test ", "A@x.test"),
        ("mailto:b@x.test", "b@x.test"),
        ("MAILTO:b@x.test", "b@x.test"),
        ("<a@x.test>", "a@x.test"),
        ("<mailto:a@x.test>", "a@x.test"),
        ("Ann <a@x.test>", "a@x.test"),
        ('"Lovelace, Ann" <a@x.test>', "a@x.test"),
        ("'A@x.test' <a@x.test>", "a@x.test"),
        ("[c@x.test](mailto:c@x.test)", "c@x.test"),
        ("[Write to Ann](mailto:c@x.test)", "c@x.test"),
        # In doubt: two addresses, one that is more than an address, or none.
        ("[c@x.test](mailto:d@x.test)", None),
        ("b@x.test, Ann <a@x.test>", None),
        ("Ann <a@x.test>, Bob <b@x.test>", None),
        ("mailto:b@x.test?subject=Hi", None),
        ("mailto:b%2Bc@x.test", None),
        ("[c@x.test](https://x.test)", None),
        ("a@x.test (work)", None),
        ("Ann", None),
        ("", None),
    ],
)
def test_the_address_in_the_forms_that_people_write(text: str, address: str | None) -> None:
    assert email_of(text) == address


@given(st.text(st.sampled_from("ab@.<>[]()%?: mailto"), max_size=20))
def test_an_address_that_was_found_is_one(text: str) -> None:
    address = email_of(text)
    assert address is None or (is_email(address) and email_of(address) == address)
