"""How everything stands, as text or as JSON."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime

from daemon.codec import time_text
from daemon.health import Health
from daemon.render import ago, day, document, field_name, number, page, undone, waiting
from daemon.status import AccountStatus, Status

_SHOWN_MAX = 20
"""Of each kind of thing that is held or kept, so many are named."""


def status(stands: Status, now: datetime) -> str:
    """Return how everything stands, for the owner to read."""
    parts = (
        _vault(stands),
        _service(stands, now),
        _accounts(stands, now),
        _held(stands),
        _kept(stands),
        _last(stands, now),
    )
    return page(line for part in parts for line in part)


def status_json(stands: Status) -> str:
    """Return the same as JSON, one object."""
    told = {
        "exit_code": stands.exit_code,
        "vault": {"path": str(stands.vault), "not_ours": stands.not_ours},
        "accounts": [_account_json(one) for one in stands.accounts],
        "dates_waiting": stands.dates.waiting if stands.dates is not None else "",
        "conflicts": stands.conflicts,
        "questions": stands.questions,
        "holds": [{**asdict(hold), "since": time_text(since)} for hold, since in stands.holds],
        "kept_notes": [{**asdict(one), "at": time_text(one.at)} for one in stands.kept_notes],
        "apart": [{**asdict(one), "at": time_text(one.at)} for one in stands.apart],
        "undone": [{"id": one.id, "path": stands.people.get(one.uid), **asdict(one)} for one in stands.undone],
        "last_run": _last_json(stands),
        "service": _service_json(stands),
    }
    return document(told)


def _account_json(account: AccountStatus) -> Mapping[str, object]:
    sign_in = account.sign_in
    kept = None if sign_in is None else {**asdict(sign_in), "ends_at": _time(sign_in.ends_at)}
    return {**asdict(account), "last_success_at": _time(account.last_success_at), "sign_in": kept}


def _time(at: datetime | None) -> str | None:
    return None if at is None else time_text(at)


def _service_json(stands: Status) -> Mapping[str, object] | None:
    service = stands.service
    if service is None:
        return None
    accounts = {
        name: {"next_at": time_text(one.next_at), "failing_since": _time(one.failing_since)}
        for name, one in service.accounts.items()
    }
    since = time_text(service.since)
    return {"pid": service.pid, "since": since, "trouble": service.trouble, "accounts": accounts}


def _last_json(stands: Status) -> Mapping[str, object] | None:
    run, last = stands.last_run, stands.last
    if run is None:
        return None
    return {
        "run": run.id,
        "kind": run.kind,
        "started_at": time_text(run.started_at),
        "finished_at": _time(run.finished_at),
        "exit_code": run.exit_code,
        "incomplete": last.incomplete if last is not None else "",
        "skipped": list(last.skipped) if last is not None else [],
        "undone": list(last.undone) if last is not None else [],
    }


def _vault(stands: Status) -> Iterator[str]:
    yield f"vault: {stands.vault}" + (f": {stands.not_ours}" if stands.not_ours else ", kept in step by this machine")


def _accounts(stands: Status, now: datetime) -> Iterator[str]:
    if not stands.accounts:
        yield "No account is configured: nothing is kept in step."
    for account in stands.accounts:
        yield f"{account.name}: {'; '.join((*_account(account, now), *_signed_in(account)))}"
        if account.sign_in is not None and account.sign_in.ends_soon and account.sign_in.ends_at is not None:
            when = _date(account.sign_in.ends_at)
            ended = "ended" if account.sign_in.ends_at <= now else "ends soon"
            yield f"  its sign-in {ended} ({when}): `contactd auth {account.name}` begins a new one"
        if account.waiting:
            yield from _waiting(account.steps_waiting, account.waiting)
        yield from (f"  skipped: {one}" for one in account.skipped[:_SHOWN_MAX])
    if stands.dates is not None:
        yield "dates from calendars:"
        yield from _waiting(stands.dates.steps_waiting, stands.dates.waiting)


def _waiting(steps: int, reason: str) -> Iterator[str]:
    yield f"  a plan of {number(steps, 'step')} waits for you (`contactd apply` shows and approves it): {reason}"
    yield "  `contactd sync --once --dry-run` shows it, `contactd sync --once --yes` carries it out"


def _account(account: AccountStatus, now: datetime) -> Iterator[str]:
    if not account.has_contacts:
        yield "has no address book"
        return
    if account.last_success_at is None:
        yield "never read so far"
    else:
        stale = ", which is long ago" if account.stale else ""
        yield f"last read {ago(account.last_success_at, now)}{stale}"
    if account.trouble:
        yield f"in the last run {account.trouble}"
    yield f"{number(account.linked, 'note')} linked"
    if account.unlinked:
        yield f"{number(account.unlinked, 'contact')} without a note"


def _signed_in(account: AccountStatus) -> Iterator[str]:
    sign_in = account.sign_in
    # What the last run was told at the account's door counts for more than what is kept here.
    if sign_in is None or account.trouble.startswith(Health.SIGNED_OUT):
        return
    if sign_in.trouble:
        yield f"not signed in: {sign_in.trouble}"
        return
    who = f"signed in as {sign_in.email}" if sign_in.email else "signed in"
    if sign_in.ends_at is None:
        yield who
    elif sign_in.unless_used:
        yield f"{who}, ends on {_date(sign_in.ends_at)} if it is not used until then"
    else:
        yield f"{who}, ends probably on {_date(sign_in.ends_at)}"


def _date(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d}"


def _service(stands: Status, now: datetime) -> Iterator[str]:
    service = stands.service
    if service is None:
        return
    yield f"service: at work, process {service.pid}, since {day(service.since)}"
    if service.trouble:
        yield f"  it waits: {service.trouble}"
    for name, one in service.accounts.items():
        down = f", down since {day(one.failing_since)}" if one.failing_since is not None else ""
        wait_s = max((one.next_at - now).total_seconds(), 0)
        yield f"  {name} is read in {number(round(wait_s), 'second')} at the latest{down}"


def _held(stands: Status) -> Iterator[str]:
    if stands.conflicts:
        yield f"{number(stands.conflicts, 'conflict')} for you to decide: `contactd conflicts`"
    if stands.questions:
        yield f"{stands.questions} to be linked by you: `contactd links`"
    for hold, since in stands.holds[:_SHOWN_MAX]:
        place = ", ".join(part for part in (hold.account, field_name(hold.kind)) if part)
        what = f"{hold.subject}{f' ({place})' if place else ''}: {hold.reason}{waiting(hold.waiting)}"
        yield f"held: {what} (since {day(since)})"
    yield from _more(len(stands.holds))
    if stands.last is not None:
        if stands.last.incomplete:
            yield f"not all notes could be listed: {stands.last.incomplete}"
        yield from (f"skipped: {one}" for one in stands.last.skipped[:_SHOWN_MAX])
        yield from _more(len(stands.last.skipped))
        yield from (f"not done: {one}" for one in stands.last.undone[:_SHOWN_MAX])


def _kept(stands: Status) -> Iterator[str]:
    for kept in stands.kept_notes[:_SHOWN_MAX]:
        yield f"contact deleted in {kept.account}, note kept: {kept.path} (since {day(kept.at)})"
    yield from _more(len(stands.kept_notes))
    for one in stands.apart[:_SHOWN_MAX]:
        yield f"no person's note at present, its contact in {one.account} left alone: {one.path} (since {day(one.at)})"
    yield from _more(len(stands.apart))
    yield from (f"left as you undid it: {undone(one, stands.people)}" for one in stands.undone[:_SHOWN_MAX])
    yield from _more(len(stands.undone))
    if stands.undone:
        yield "  an edit of a side moves it again, or `contactd settle ID`; `contactd conflicts` shows the ids"


def _more(count: int) -> Iterator[str]:
    if count > _SHOWN_MAX:
        yield f"  and {count - _SHOWN_MAX} more; --json has all"


def _last(stands: Status, now: datetime) -> Iterator[str]:
    run = stands.last_run
    if run is None:
        # Where the vault is not ours yet, something else comes first and was told.
        yield (
            "There was no run so far." if stands.not_ours else "There was no run so far: `contactd sync --once` begins."
        )
    elif run.finished_at is None:
        yield f"The last run began {ago(run.started_at, now)} and has not ended: it is at work, or was cut short."
        yield "What was cut short is settled by the next run; nothing is lost."
    else:
        yield f"Last run: {day(run.finished_at)} ({ago(run.finished_at, now)}). {_verdict(stands)}"


def _verdict(stands: Status) -> str:
    if not stands.exit_code and stands.undone:
        return "In step then, but for what you have undone."
    return {
        0: "All was in step then.",
        1: "In step then, but for what is told above.",
        2: "Not everything could be reached, or was read lately.",
        4: "A plan waits for you.",
        69: "Nothing is done until the vault is this machine's to keep in step.",
    }[stands.exit_code]
