"""A sync that the running service is asked for: both ends of the conversation.

What waits for the owner comes back as a question; his yes is sent with the digest of the very plan that he saw, and any
other plan is asked about anew.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

from daemon import render_plan, render_run
from daemon.ask import Document, Line, asking
from daemon.config_shape import is_list
from daemon.cycle import Look
from daemon.links import people
from daemon.post import Request
from daemon.report import Report
from daemon.standing import standing
from daemon.state import State
from mappings.record import AccountName

_QUESTIONS_MAX = 3
"""How often the owner is asked, if the plan is another one each time."""


def sync(state_home: Path, wish: Document, say: Callable[[str], None], confirmed: Callable[[str], bool]) -> int:
    """Have the service sync, say what it did, and return the exit code.

    Shapes: `wish` has `accounts`, `yes`, `verbose` and `json`, as `contactd sync` has them.
    Errors: `AlreadyRunning` if it is no service that holds the lock.
    """
    answer = _asked(state_home, wish, "")
    for _ in range(_QUESTIONS_MAX):
        question = str(answer.get("question") or "")
        if not question or not confirmed(question):
            break
        answer = _asked(state_home, wish, str(answer.get("digest")))
    say(str(answer.get("text")))
    return int(str(answer.get("code")))


def _asked(state_home: Path, wish: Document, approved: str) -> Document:
    with asking(state_home, {**wish, "ask": "sync", "approved": approved}) as answer:
        return answer


def request(line: Line, state: State, now_s: float) -> Request:
    """Return the request that was made on a line; it is answered there."""
    wish = line.question
    named = wish.get("accounts")
    names = frozenset(AccountName(str(name)) for name in named) if is_list(named) else frozenset[AccountName]()
    verbose = bool(wish.get("verbose"))

    def approve(seen: Look) -> frozenset[AccountName]:
        if wish.get("yes") or (wish.get("approved") and wish.get("approved") == _digest(seen.plan.waiting)):
            return frozenset(brake.account for brake in seen.plan.brakes)
        return frozenset()

    def answer(report: Report) -> None:
        stands = standing(state)
        text = (
            render_run.report_json(report, stands)
            if wish.get("json")
            else render_run.report(report, stands, (), verbose=verbose)
        )
        waits = bool(report.plan.brakes)
        question = render_plan.question(report.plan, people(state), all_of_them=verbose) if waits else None
        line.answer(
            {"code": report.exit_code, "text": text, "question": question, "digest": _digest(report.plan.waiting)}
        )
        line.close()

    return Request(names, approve, answer, now_s)


def _digest(waiting: object) -> str:
    return hashlib.blake2s(repr(waiting).encode()).hexdigest()
