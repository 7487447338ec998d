"""What `contactd doctor` found, as text or as JSON, and back from that."""

import json
from collections.abc import Iterable

from daemon.finding import Finding, Verdict, exit_code
from daemon.render import document, page

_MARKS = {Verdict.FINE: "ok ", Verdict.HELD: "BAD", Verdict.PARTIAL: "BAD", Verdict.NOT_OURS: "BAD"}


def findings(found: Iterable[Finding]) -> str:
    """Return the findings, one line each, with the remedy below."""
    lines: list[str] = []
    for one in found:
        lines.append(f"{_MARKS[one.verdict]} {one.about}: {one.text}")
        lines += [f"    {one.remedy}"] if one.remedy else []
    return page(lines)


def findings_json(found: Iterable[Finding]) -> str:
    """Return the same as JSON, one object; the worst exit code is the whole's."""
    all_found = tuple(found)
    told = [
        {"about": one.about, "exit_code": int(one.verdict), "text": one.text, "remedy": one.remedy} for one in all_found
    ]
    return document({"exit_code": exit_code(all_found), "findings": told})


def parsed(text: str) -> tuple[Finding, ...]:
    """Return the findings that `findings_json` has written."""
    return tuple(
        Finding(one["about"], Verdict(one["exit_code"]), one["text"], one["remedy"])
        for one in json.loads(text)["findings"]
    )
