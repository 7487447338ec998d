"""Spelling: `tidy` cleans a text that was read, the `…_key` functions say which spellings mean one value.

Idempotent throughout: tidying a tidy text, or taking the key of a key, changes nothing.
"""

import re
import unicodedata

_NOT_DIALLED = re.compile(r"[^\d*#]+")
_DIGIT = re.compile(r"\d")
_TEL = re.compile(r"^(?:tel:\s*)+", re.IGNORECASE)
_EXTENSION = re.compile(r"(?:;ext=|\s*(?:x|ext\.?|extension)\s*)(\d+)\s*$", re.IGNORECASE)
_TRUNK_ZERO = re.compile(r"\(0\)")
_INTERNATIONAL_PREFIX = re.compile(r"^(?:00)+")
# Letters that hang on a short number, or are all capitals, are dialled: after more digits, in parentheses or apart
# from it they are a remark ("+49 30 1234567 privat", "555 1234 (M)").
_VANITY = re.compile(
    r"[\s().+/*#-]*(?:\d[\s().+/*#-]*){1,7}(?:(?<=[\d.-])[A-Za-z][A-Za-z\d\s./*#-]*|[A-Z][A-Z\d\s./*#-]*)"
)
_KEYPAD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "22233344455566677778889999")
_EMAIL = re.compile(r"[^\s@<>,;:\"()\[\]]+@[^\s@<>,;:\"()\[\]]+")
_EMAIL_FORM = re.compile(
    r"\[(?P<shown>[^\[\]]*)\]\(mailto:(?P<target>[^?%]+)\)"
    r"|(?P<name>[^<>]*)<(?:mailto:)?(?P<angled>[^?%]+)>"
    r"|mailto:(?P<bare>[^?%]+)",
    re.IGNORECASE,
)
_COUNT = re.compile(r"[0-9]{1,9}")
_FULL_DATE = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})(?:[T ].*)?")
_YEARLESS_DATE = re.compile(r"(?:--)?(\d{2})-?(\d{2})")
_DAYS_IN_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_YEAR_APPLE_WRITES_FOR_NONE = "1604"


def tidy(text: str) -> str:
    """Return the text in NFC on one line, with single blanks inside and none around."""
    # Nearly every value is such a text, and every comparison of two values comes here.
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    return " ".join(unicodedata.normalize("NFC", text).split())


def text_key(text: str) -> str:
    """Return what two spellings of a plain text have in common; case counts, blanks do not."""
    return tidy(text)


def name_key(name: str) -> str:
    """Return what two spellings of a name have in common for *suspecting* that they name one person."""
    return tidy(name).casefold()


def is_email(text: str) -> bool:
    """Tell whether a text is one e-mail address and nothing else."""
    return _EMAIL.fullmatch(text.strip()) is not None


def email_key(address: str) -> str:
    """Return the address in lower case.

    Source: RFC 5321 section 2.4 lets the local part be case-sensitive, no mail provider of today is.
    """
    return tidy(address).casefold()


def email_of(text: str) -> str | None:
    """Return the bare address of an e-mail address, `mailto:` link, Markdown link or `Name <address>`, else None.

    A form that shows one address and leads to another is in doubt, and so None.
    """
    if is_email(text):
        return text.strip()
    form = _EMAIL_FORM.fullmatch(text.strip())
    if form is None:
        return None
    address = (form["target"] or form["angled"] or form["bare"]).strip()
    shown = (form["shown"] or form["name"] or "").strip(" \"'")
    is_another = "@" in shown and email_key(shown) != email_key(address)
    return address if is_email(address) and not is_another else None


def phone_key(number: str) -> str:
    """Return what is dialled for a number, with `+` where it is international, and its extension.

    `00` before the country code means `+`, and a `(0)` behind one is not dialled (ITU-T E.123 section 7). The letters
    of a vanity number are the digits that they share a key with (ITU-T E.161).
    A text without digits is compared as it stands.
    """
    text = _TEL.sub("", tidy(number))
    extension = _EXTENSION.search(text)
    dialled = _dialled(text if extension is None else text[: extension.start()])
    if not dialled:
        return text
    return dialled + (f"x{extension[1]}" if extension is not None else "")


def _dialled(text: str) -> str:
    """Return the keys that are pressed for a number without its extension, "" for a text without digits."""
    if _DIGIT.search(text) is None:
        return ""
    if _VANITY.fullmatch(text) is not None:
        text = text.upper().translate(_KEYPAD)
    keys = _NOT_DIALLED.sub("", text)
    if not text.lstrip("( ").startswith("+") and not keys.startswith("00"):
        return keys
    return "+" + _INTERNATIONAL_PREFIX.sub("", _NOT_DIALLED.sub("", _TRUNK_ZERO.sub("", text)))


def link_key(link: str) -> str:
    """Return a link without the differences that address books make: the scheme's case, a closing slash."""
    text = tidy(link).removesuffix("/")
    scheme, separator, rest = text.partition("://")
    return f"{scheme.casefold()}{separator}{rest}" if separator else text


def date_of(text: str) -> str | None:
    """Return `YYYY-MM-DD` for a date or a date with a time, None for anything else."""
    match = _FULL_DATE.fullmatch(text.strip())
    if match is None or not _is_day(match[2], match[3], year=match[1]):
        return None
    return f"{match[1]}-{match[2]}-{match[3]}"


def count_of(text: str) -> str | None:
    """Return a whole number without zeros before it, None for anything else."""
    return str(int(text)) if _COUNT.fullmatch(text.strip()) else None


def birthday_of(text: str) -> str | None:
    """Return `YYYY-MM-DD`, or `--MM-DD` where the year is missing, None for anything else.

    Source: RFC 6350 section 6.2.5 (`--0415`); Apple writes the year 1604 for "none" (observed in its exports).
    """
    match = _YEARLESS_DATE.fullmatch(text.strip())
    if match is not None:
        return f"--{match[1]}-{match[2]}" if _is_day(match[1], match[2], year="2000") else None
    date = date_of(text)
    if date is not None and date.startswith(_YEAR_APPLE_WRITES_FOR_NONE):
        return f"-{date[4:]}"
    return date


def _is_day(month: str, day: str, *, year: str) -> bool:
    if not 1 <= int(month) <= 12 or not 1 <= int(day) <= _DAYS_IN_MONTH[int(month) - 1]:
        return False
    leap = int(year) % 4 == 0 and (int(year) % 100 != 0 or int(year) % 400 == 0)
    return (month, day) != ("02", "29") or leap
