"""Plans as text: one line for each step, in words; many steps as counts and the first of them."""

from collections import Counter
from collections.abc import Sequence
from typing import assert_never

from daemon.difference import change
from daemon.render import People, Shown, aligned, field_name, page, plain
from mappings.brakes import Brake, FirstRun, Kind, Place, RulesChanged, TooMany
from mappings.fields import FIELDS, texts, value_of
from mappings.operation import (
    Agree,
    Bookkeeping,
    Change,
    CreateNote,
    CreateRecord,
    DeleteRecord,
    Follow,
    Link,
    Operation,
    Parting,
    Rebase,
    RememberDate,
    RemoveNote,
    RestoreNote,
    RestoreRecord,
    Resume,
    Suspend,
    Unlink,
    UpdateRecord,
    WriteNote,
)
from mappings.person import Person, Uid
from mappings.plan import Plan
from mappings.record import MEETINGS

SHOWN_MAX = 50
"""More steps than this are counted, and only the first few shown."""

_SHOWN_OF_MANY = 20

_PARTINGS = {
    Parting.NOTE_DELETED: "its note is gone; the contact is kept",
    Parting.CONTACT_SAYS_MORE: "its note is gone; the contact says more than it did, or was edited since, and is kept",
    Parting.RECORD_DELETED: "the contact is gone; the note is kept",
    Parting.ANOTHER_PERSON: "the note is about somebody else by now; the contact is kept",
    Parting.NOTE_UNDONE: "making the note is undone; the contact is kept",
    Parting.UNDONE: "making the contact is undone",
    Parting.BY_OWNER: "you parted them",
}
_EVIDENCE = {"uid": "it carries the note's uid", "address": "same e-mail address or phone number, and nobody else's"}


def is_shown(step: Operation) -> bool:
    """Tell whether a step does anything that the owner could see; agreeing is remembering what is so already."""
    return not isinstance(step, Agree | Rebase | RememberDate)


def key(step: Operation) -> tuple[str, Uid, str]:
    """Return what a step is known by in two plans of one run: what kind it is, whose, and where."""
    match step:
        case WriteNote() | CreateNote() | RemoveNote() | RestoreNote():
            place = str(step.path)
        case Agree() | Rebase():
            place = step.agreed.account
        case RememberDate():
            place = step.field
        case _:
            place = step.account
    return type(step).__name__, step.uid, place


def lines(steps: Sequence[Operation], people: People, *, all_of_them: bool) -> Sequence[str]:
    """Return the steps, one line each; of very many the counts and the first, unless all are wanted."""
    shown = [step for step in steps if is_shown(step)]
    if all_of_them or len(shown) <= SHOWN_MAX:
        return _table(shown, people)
    counted = Counter(_kind(step) for step in shown)
    return [
        *_table(shown[:_SHOWN_OF_MANY], people),
        f"  and {len(shown) - _SHOWN_OF_MANY} more; --verbose shows all. In all:",
        *aligned([(kind, str(count)) for kind, count in counted.items()], "  "),
    ]


def question(plan: Plan, people: People, *, all_of_them: bool) -> str:
    """Return what would be done if the owner let the accounts run that wait, and why he is asked."""
    reasons = [f"{brake.account}: {why(brake)}" for brake in plan.brakes]
    names = ", ".join(sorted({brake.account for brake in plan.brakes}))
    plan_lines = lines(plan.waiting, people, all_of_them=all_of_them)
    return page(["To be done:", *plan_lines, *reasons, f"Carry this out for {names}?"])


def why(brake: Brake) -> str:
    """Return why an account waits for the owner."""
    match brake:
        case FirstRun():
            return "this is its first run"
        case RulesChanged():
            return "the configuration has other rules for it or for notes than when it last ran"
        case TooMany():
            what = _TOO_MANY[brake.place, brake.kind].format(brake.people)
            return f"this run would {what}, and more than {brake.limit} are never touched unasked"


_TOO_MANY = {
    (Place.NOTES, Kind.CREATE): "make {} notes",
    (Place.NOTES, Kind.CHANGE): "change {} notes",
    (Place.NOTES, Kind.DELETE): "part {} notes from contacts that are gone",
    (Place.NOTES, Kind.LOWER): "take back the last contact of {} notes, as their meetings no longer count",
    (Place.CONTACTS, Kind.CREATE): "make {} contacts",
    (Place.CONTACTS, Kind.CHANGE): "change {} contacts",
    (Place.CONTACTS, Kind.DELETE): "delete {} contacts whose notes are gone, or part from them",
}


def _table(steps: Sequence[Operation], people: People) -> Sequence[str]:
    people = {**people, **{step.uid: step.path for step in steps if isinstance(step, CreateNote)}}
    return aligned([_row(step, people) for step in steps], "  ")


def _row(step: Operation, people: People) -> tuple[str, str]:
    """Return one step as the verb and the rest."""
    match step:
        case WriteNote():
            return "write note", _changed(step.path, step.changes, insert_uid=step.insert_uid)
        case CreateNote():
            return "make note", f"{step.path}: {_origin(step)}"
        case RemoveNote():
            return "take away note", f"{step.path}: nobody has changed it since it was made"
        case CreateRecord():
            return "make contact", f"{step.account}: {_name(step.uid, people)} ({_fields_of(step.person)})"
        case UpdateRecord():
            where = f"{step.account}: {_name(step.uid, people)}"
            return "change contact", _changed(where, step.changes, insert_uid=step.insert_uid)
        case DeleteRecord():
            return "delete contact", f"{step.account}: {_name(step.uid, people)} (its note is gone)"
        case RestoreNote():
            return "put back note", f"{step.path}: as it was, to the byte"
        case RestoreRecord():
            return _restored(step), f"{step.account}: {_name(step.uid, people)}: as it was"
        case _:
            return _remembered(step, people)


def _remembered(step: Bookkeeping, people: People) -> tuple[str, str]:
    """Return a step that writes nothing on either side."""
    match step:
        case Link():
            return "link", f"{step.account}: {_name(step.uid, people)} ({_EVIDENCE[step.evidence]})"
        case Follow():
            return "follow", f"{step.account}: {_name(step.uid, people)} (its contact is called {step.remote_id} now)"
        case Suspend():
            return (
                "keep apart",
                f"{step.account}: {_name(step.uid, people)} (the note is no person's; the contact is kept)",
            )
        case Resume():
            return "take up", f"{step.account}: {_name(step.uid, people)} (the note is a person's again)"
        case Unlink():
            return "part", f"{step.account}: {_name(step.uid, people)} ({_PARTINGS[step.parting]})"
        case Agree():
            return "agree", f"{step.agreed.account}: {_name(step.uid, people)}"
        case Rebase():
            return "no longer agree", f"{step.agreed.account}: {_name(step.uid, people)}"
        case RememberDate():
            return "remember", f"{_name(step.uid, people)}: {field_name(step.field)}"
        case _:
            assert_never(step)


def _kind(step: Operation) -> str:
    """Return what steps of one kind are counted under."""
    match step:
        case WriteNote():
            return "write note"
        case CreateNote():
            return "make note"
        case RemoveNote():
            return "take away note"
        case CreateRecord():
            return f"make contact in {step.account}"
        case UpdateRecord():
            return f"change contact in {step.account}"
        case DeleteRecord():
            return f"delete contact in {step.account}"
        case RestoreNote():
            return "put back note"
        case RestoreRecord():
            return f"{_restored(step)} in {step.account}"
        case _:
            return _kind_remembered(step)


def _kind_remembered(step: Bookkeeping) -> str:
    match step:
        case Link():
            return f"link to contact in {step.account}"
        case Follow():
            return f"follow contact in {step.account}"
        case Suspend():
            return f"keep apart from contact in {step.account}"
        case Resume():
            return f"take up contact in {step.account}"
        case Unlink():
            return f"part from contact in {step.account}"
        case Agree() | Rebase():
            return f"agree with {step.agreed.account}"
        case RememberDate():
            return f"remember {field_name(step.field)}"
        case _:
            assert_never(step)


def _origin(step: CreateNote) -> str:
    if step.source == MEETINGS:
        return "for somebody you met"
    return f"for a contact in {step.source}" if step.source else "as it was"


def _restored(step: RestoreRecord) -> str:
    if step.before is None:
        return "take away contact"
    return "make contact anew" if step.after is None else "put back contact"


def _changed(where: str, changes: Sequence[Change], *, insert_uid: bool) -> Shown:
    told = [f"{field_name(one.field)}: {change(one.before, one.after)}" for one in changes]
    return Shown(f"{plain(where)}: {'; '.join([*told, *(['its uid is added'] if insert_uid else [])])}")


def _fields_of(person: Person) -> str:
    return ", ".join(field_name(name) for name in FIELDS if texts(value_of(person, name)))


def _name(uid: Uid, people: People) -> str:
    return people.get(uid, uid).rpartition("/")[2].removesuffix(".md")
