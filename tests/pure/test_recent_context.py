"""The newest date of a note's list "Recent Context"."""

import pytest

from mappings.recent_context import newest_date

SECTION = "# Ada\n\n- 2027-01-01: before\n\n## Recent Context\n\n"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("- 2025-11-07: [[2025-11-07 - We met]] - 1:1 with Ada\n- 2025-11-09: later\n", "2025-11-09"),
        ("* 2025-11-07 met\n+ [[2025-11-08]] read\n", "2025-11-08"),
        ("  - 2025-11-07: indented\n", "2025-11-07"),
        ("- 2025-13-07: no month\n- 2025-02-30: no day\n", ""),
        ("- met on 2025-11-07\n2025-11-08: no item\n- 2025-11-071 is no date\n", ""),
        ("- 2025-11-07: here\n\n## Log\n\n- 2026-01-01: there\n", "2025-11-07"),
        ("", ""),
    ],
)
def test_the_newest_dated_item_of_the_section(lines: str, expected: str) -> None:
    assert newest_date(SECTION + lines, 0) == expected


def test_without_the_section_there_is_none() -> None:
    assert newest_date("# Ada\n\n- 2025-11-07: met\n", 0) == ""
