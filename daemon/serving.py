"""What the running service leaves in the state about itself, so that `status` can tell of it without asking it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from daemon.codec import time_of, time_text
from daemon.state import Readable, Transaction, get_meta, set_meta
from mappings.record import AccountName

_SERVING = "serving 1"
"""Meta; the number is raised whenever the shape changes."""


@dataclass(frozen=True, slots=True)
class AccountServed:
    """When an account is read next, and since when it fails; None where it does not."""

    next_at: datetime
    failing_since: datetime | None


@dataclass(frozen=True, slots=True)
class Serving:
    """The service as it was when it last had something to say; `trouble` is why it does nothing, "" if it works."""

    pid: int
    since: datetime
    trouble: str
    accounts: Mapping[AccountName, AccountServed]


class _Account(TypedDict):
    next_at: str
    failing_since: str | None


class _Document(TypedDict):
    pid: int
    since: str
    trouble: str
    accounts: dict[str, _Account]


def store(tx: Transaction, serving: Serving) -> None:
    """Keep what `status` will say of the service."""
    document: _Document = {
        "pid": serving.pid,
        "since": time_text(serving.since),
        "trouble": serving.trouble,
        "accounts": {
            name: {
                "next_at": time_text(one.next_at),
                "failing_since": None if one.failing_since is None else time_text(one.failing_since),
            }
            for name, one in serving.accounts.items()
        },
    }
    set_meta(tx, _SERVING, json.dumps(document))


def serving(state: Readable) -> Serving | None:
    """Return what the last service said of itself, None if there was none; whether it is still there is not said."""
    text = get_meta(state, _SERVING)
    if text is None:
        return None
    document: _Document = json.loads(text)
    accounts = {AccountName(name): _served(one) for name, one in document["accounts"].items()}
    return Serving(document["pid"], time_of(document["since"]), document["trouble"], accounts)


def _served(document: _Account) -> AccountServed:
    since = document["failing_since"]
    return AccountServed(time_of(document["next_at"]), None if since is None else time_of(since))
