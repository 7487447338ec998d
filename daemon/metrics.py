"""How things stand, as a file for Prometheus' node exporter: counts and times, and no names but those of accounts.

Source: prometheus.io, "Exposition formats", text format 0.0.4; the collector reads whole files named `*.prom`, so each
is written beside and renamed over.
"""

import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from daemon.post import Post

_HELP = {
    "contactd_up": "Whether the vault is there and kept in step.",
    "contactd_account_up": "Whether the account could be read or written the last time.",
    "contactd_account_failing_since_seconds": "Since when the account fails, 0 if it does not.",
    "contactd_waiting": "What waits for the owner.",
    "contactd_written_at_seconds": "When this was written.",
}


def write(path: Path, posts: Iterable[Post], waiting: int, now: datetime, *, up: bool) -> None:
    """Write the file anew.

    Errors: `OSError`; the file is as it was.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text("".join(_lines(posts, waiting, now, up=up)), encoding="utf-8")
    beside.chmod(0o644)
    beside.replace(path)


def _lines(posts: Iterable[Post], waiting: int, now: datetime, *, up: bool) -> Iterator[str]:
    posts = tuple(posts)
    yield from _metric("contactd_up", [("", int(up))])
    down = [(f'{{account="{post.name}"}}', post.failing_since) for post in posts]
    yield from _metric("contactd_account_up", [(label, int(since is None)) for label, since in down])
    times = [(label, 0 if since is None else int(since.timestamp())) for label, since in down]
    yield from _metric("contactd_account_failing_since_seconds", times)
    yield from _metric("contactd_waiting", [("", waiting)])
    yield from _metric("contactd_written_at_seconds", [("", int(now.timestamp()))])


def _metric(name: str, values: Iterable[tuple[str, int]]) -> Iterator[str]:
    yield f"# HELP {name} {_HELP[name]}\n# TYPE {name} gauge\n"
    yield from (f"{name}{label} {value}\n" for label, value in values)
