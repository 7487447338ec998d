"""What `contactd doctor` found, as text."""

from collections.abc import Iterable

from daemon.finding import Finding, Verdict
from daemon.render import page

_MARKS = {Verdict.FINE: "ok ", Verdict.HELD: "BAD", Verdict.PARTIAL: "BAD", Verdict.NOT_OURS: "BAD"}


def findings(found: Iterable[Finding]) -> str:
    """Return the findings, one line each, with the remedy below."""
    lines: list[str] = []
    for one in found:
        lines.append(f"{_MARKS[one.verdict]} {one.about}: {one.text}")
        lines += [f"    {one.remedy}"] if one.remedy else []
    return page(lines)
