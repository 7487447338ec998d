"""What `--json` prints, key by key: programs of others read it, so every key that comes or goes shows here.

A shape names what stands behind each key: a type, `Each(shape)` for lists and for mappings whose keys are names, or a
mapping with exactly these keys. `OneOf` says what else may stand there.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from daemon.config_shape import is_list, is_table
from folder_worlds import FolderWorld, Ran, card, edit, made, person
from mappings.fields import FIELDS

Contactd = Callable[..., Ran]
Told = Callable[..., Any]
"""Returns what JSON says, which is what these tests are to find out."""

ADA, GRACE, MARY = "Ada Byron", "Grace Hopper", "Mary Somerville"


class Each(NamedTuple):
    """A list of these, or a mapping from names to these."""

    shape: object


class OneOf(NamedTuple):
    """Either of two."""

    left: object
    right: object


NONE = type(None)
VALUE = OneOf(str, Each(str))
TROUBLE = {"place": str, "line": int, "reason": str}
CHANGE = {"field": str, "before": VALUE, "after": VALUE, "sources": Each(str)}
AGREED = {"account": str, "values": Each(VALUE)}
PERSON: Mapping[str, object] = dict.fromkeys(FIELDS, VALUE)
STEP = {"kind": str, "path": OneOf(str, NONE), "uid": str}
STEPS: Mapping[str, Mapping[str, object]] = {
    "WriteNote": {"note_hash": str, "changes": Each(CHANGE), "insert_uid": bool, "agreed": Each(AGREED)},
    "CreateRecord": {"account": str, "person": PERSON, "agreed": AGREED},
    "UpdateRecord": {
        "account": str, "remote_id": str, "etag": str, "changes": Each(CHANGE), "insert_uid": bool, "agreed": AGREED,
    },
}  # fmt: skip
CONFLICT = {
    "id": str, "path": OneOf(str, NONE), "uid": str, "field": str, "ours": VALUE, "theirs": Each(VALUE),
    "bases": Each(VALUE), "settled_by": str, "chosen": VALUE, "returned": Each(str),
}  # fmt: skip
DONE = {
    "notes_written": int, "notes_made": int, "notes_removed": int, "created": Each(int), "updated": Each(int), "deleted": Each(int), "linked": int,
    "parted": int, "failures": Each(TROUBLE), "postponed": Each(TROUBLE), "copies": Each(str), "broken": Each(str),
}  # fmt: skip
SYNC = {
    "run": int,
    "dry_run": bool,
    "exit_code": int,
    "vault": {"files": int, "people": int, "read": int, "troubles": Each(TROUBLE), "incomplete": str},
    "accounts": Each({
        "name": str, "health": str, "reason": str, "retry_after_s": OneOf(float, NONE), "listed": int, "changed": int,
        "missing": int, "troubles": Each(TROUBLE), "linked": int, "unlinked": int,
    }),
    "calendars": Each({
        "account": str, "name": str, "health": str, "reason": str, "listed": int, "events": int,
        "troubles": Each(TROUBLE), "names_nobody": bool,
    }),
    "plan": {
        "operations": Each(object),
        "waiting": Each(object),
        "conflicts": Each(CONFLICT),
        "questions": Each({
            "account": str, "uid": str, "path": str, "kind": str, "detail": str, "candidates": Each(str),
        }),
        "holds": Each({
            "uid": str, "path": str, "account": str, "field": str, "reason": str, "remote_id": str,
            "waiting": Each(VALUE),
        }),
        "brakes": Each(object),
        "kept_home": Each(int),
        "surplus": Each({"uid": str, "path": str, "account": str, "field": str, "count": int}),
        "unmade": Each({"source": str, "name": str, "reason": str}),
    },
    "done": OneOf(DONE, NONE),
}  # fmt: skip
APART = {"account": str, "uid": str, "remote_id": str, "path": str, "at": str}
STATUS = {
    "exit_code": int,
    "vault": {"path": str, "not_ours": str},
    "accounts": Each({
        "name": str, "has_contacts": bool, "trouble": str, "last_success_at": OneOf(str, NONE), "stale": bool,
        "linked": int, "unlinked": int, "waiting": str, "steps_waiting": int, "skipped": Each(str),
        "sign_in": OneOf({
            "email": str, "ends_at": OneOf(str, NONE), "unless_used": bool, "ends_soon": bool, "trouble": str,
        }, NONE),
    }),
    "dates_waiting": str,
    "conflicts": int,
    "questions": int,
    "holds": Each({
        "subject": str, "account": str, "kind": str, "reason": str, "waiting": Each(VALUE), "since": str,
    }),
    "kept_notes": Each({"account": str, "path": str, "at": str}),
    "apart": Each(APART),
    "undone": Each({"path": OneOf(str, NONE), "uid": str, "field": str, "ours": VALUE, "theirs": Each(VALUE)}),
    "last_run": OneOf({
        "run": int, "kind": str, "started_at": str, "finished_at": OneOf(str, NONE), "exit_code": OneOf(int, NONE),
        "incomplete": str, "skipped": Each(str), "undone": Each(str),
    }, NONE),
    "service": OneOf({
        "pid": int, "since": str, "trouble": str,
        "accounts": Each({"next_at": str, "failing_since": OneOf(str, NONE)}),
    }, NONE),
}  # fmt: skip
DOCTOR = {"exit_code": int, "findings": Each({"about": str, "exit_code": int, "text": str, "remedy": str})}
CONFLICTS = Each({**CONFLICT, "state": str, "since": str, "closed_at": OneOf(str, NONE)})
LINKS = {
    "waiting": Each({
        "account": str, "uid": str, "path": str, "kind": str, "detail": str, "since": str,
        "candidates": Each({"remote_id": str, "person": OneOf(PERSON, NONE)}),
    }),
    "parted": Each({
        "account": str, "uid": str, "remote_id": str, "path": OneOf(str, NONE), "reason": str, "at": str,
    }),
    "apart": Each(APART),
}  # fmt: skip


def misfits(where: str, content: object, shape: object) -> list[str]:
    """Return every place at which a document is not of its shape."""
    if is_table(shape):
        if not is_table(content) or content.keys() != shape.keys():
            return [f"{where}: expected {list(shape)}, found {content!r}"]
        return [found for key, inner in shape.items() for found in misfits(f"{where}.{key}", content[key], inner)]
    match shape:
        case OneOf(left, right):
            found = misfits(where, content, left)
            return found and (misfits(where, content, right) and found)
        case Each(each):
            if not is_list(content) and not is_table(content):
                return [f"{where}: {content!r} is neither a list nor a mapping"]
            items = content.items() if is_table(content) else enumerate(content)
            return [found for key, item in items for found in misfits(f"{where}.{key}", item, each)]
        case type():
            fits = isinstance(content, shape) and (shape is object or isinstance(content, bool) is (shape is bool))
            return [] if fits else [f"{where}: {content!r} is no {shape.__name__}"]
        case _:
            raise TypeError(shape)


@pytest.fixture
def told(contactd: Contactd, tmp_path: Path) -> Told:
    """A world that has something of everything: run a command on it, and have its JSON."""
    (tmp_path / "ics").mkdir()
    world = made(tmp_path, account=f'calendars = ["{tmp_path}/ics"]', more=_AWAY.format(tmp_path))

    def told(*arguments: str) -> Any:  # noqa: ANN401  # as said above
        return json.loads(contactd(*arguments, "--json", "--config", world.config).said)

    for name in (ADA, GRACE, MARY):
        world.note(name).write_text(person(name, "company: Engines"))
    told("sync", "--once", "--yes")
    edit(world.note(ADA), "company: Engines", "company: Looms\nrole: Analyst")
    edit(world.card_of(ADA), "Engines", "Tables")
    world.card_of(GRACE).unlink()
    for _ in range(2):
        told("sync", "--once")
    _more_happens(world)
    return told


_AWAY = '[accounts.away]\nconnector = "vdir"\ncontacts = "{}/nowhere"\n'


def _more_happens(world: FolderWorld) -> None:
    world.note("Zed").write_text(person("Zed"))
    world.note("New").write_text(person("New"))
    (world.contacts / "z.vcf").write_text(card("Zed"))
    (world.contacts / "broken.vcf").write_text("BEGIN:VCARD")
    edit(world.card_of(MARY), "Engines", "Moons")
    edit(world.card_of(ADA), "TITLE:Analyst", "TITLE:Countess")
    edit(world.note(ADA), "type: people", "type: people\nlocation: London")
    world.note(MARY).chmod(0o444)
    world.note("Bad").write_text("---\ntype: people\nbirthday: 1\n")


@pytest.mark.parametrize(
    ("command", "shape"),
    [
        (("sync", "--once"), SYNC),
        (("sync", "--once", "--dry-run"), SYNC),
        (("status",), STATUS),
        (("doctor",), DOCTOR),
        (("conflicts",), CONFLICTS),
        (("conflicts", "--all"), CONFLICTS),
        (("links",), LINKS),
    ],
)
def test_json_has_exactly_these_keys(told: Told, command: tuple[str, ...], shape: object) -> None:
    told("sync", "--once", "--dry-run")
    assert misfits("", told(*command), shape) == []


def test_each_step_says_what_it_is_and_whose(told: Told) -> None:
    document = told("sync", "--once")
    steps = document["plan"]["operations"]
    assert {step["kind"] for step in steps} == {"WriteNote", "CreateRecord", "UpdateRecord"}
    assert [found for step in steps for found in misfits(step["kind"], step, {**STEP, **STEPS[step["kind"]]})] == []


def test_what_the_world_has_is_in_the_documents(told: Told) -> None:
    document, status, links = told("sync", "--once"), told("status"), told("links")
    plan = document["plan"]
    assert all(document[key] for key in ("accounts", "calendars", "done"))
    assert all(plan[key] for key in ("operations", "conflicts", "questions", "holds"))
    assert all(status[key] for key in ("accounts", "holds", "kept_notes", "last_run"))
    assert all(links[key] for key in ("waiting", "parted"))


def test_what_went_wrong_is_no_json_and_not_on_the_output(contactd: Contactd, tmp_path: Path) -> None:
    ran = contactd("status", "--json", "--config", tmp_path / "nowhere.toml")
    assert (ran.code, ran.said.startswith("The configuration")) == (78, True)
