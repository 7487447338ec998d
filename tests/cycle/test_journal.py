"""The journal: intents whole enough to be carried out from it alone, outcomes with the bytes from before and after."""

import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon import journal
from daemon.intents import Kind, Write, kind_of, pack_operation, unpack_operation
from daemon.journal import Entry, OperationState, Run, RunId, Unfinished
from daemon.state import State
from mappings.fields import FIELDS, Cardinality
from mappings.operation import (
    Agreed,
    Change,
    CreateNote,
    CreateRecord,
    DeleteRecord,
    Joined,
    RemoveNote,
    RestoreNote,
    RestoreRecord,
    UpdateRecord,
    WriteNote,
)
from mappings.person import FieldName, Uid, Value
from mappings.record import AccountName, Etag, NoteHash, NotePath, RemoteId
from worlds import person

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOME, WORK = AccountName("home"), AccountName("work")
ADA = Uid("ada")

TITLE = Change("title", "", "Countess", ("note", "home"))
MAIL = Change("emails", ("a@example.test",), (), ("work",))
WRITE = WriteNote(ADA, NotePath("Ada.md"), NoteHash("h"), (TITLE, MAIL), True, (Agreed(HOME, {"title": "Countess"}), Agreed(WORK, {"emails": ()})))  # fmt: skip
CREATE = CreateRecord(HOME, ADA, person({"name": "Ada ⚓", "phones": ("1", "2")}), Agreed(HOME, {"name": "Ada ⚓"}))  # fmt: skip
UPDATE = UpdateRecord(HOME, ADA, RemoteId("ada.vcf"), Etag('"1"'), (TITLE,), False, Agreed(HOME, {"title": "Countess"}))
DELETE = DeleteRecord(WORK, ADA, RemoteId("7"), Etag("2"))
ALL: tuple[Write, ...] = (WRITE, CREATE, UPDATE, DELETE)


def test_after_a_crash_every_intent_is_there_whole_and_in_order(tmp_path: Path) -> None:
    with closing(State.open(tmp_path, NOW)) as state, state.transaction() as tx:
        run = journal.begin_run(tx, "sync", NOW)
        first = journal.intend(tx, run, [WRITE], NOW)
        second = journal.intend(tx, run, [CREATE, UPDATE, DELETE], NOW)
    with closing(State.open(tmp_path, NOW)) as state:
        ids = first + second
        assert journal.unfinished(state) == tuple(
            Unfinished(number, run, operation) for number, operation in zip(ids, ALL, strict=True)
        )


def test_a_crash_before_the_intents_are_durable_leaves_none_of_the_group() -> None:
    state = State.in_memory()
    with state.transaction() as tx:
        run = journal.begin_run(tx, "sync", NOW)

    def crash(run: RunId) -> None:
        with state.transaction() as tx:
            journal.intend(tx, run, ALL, NOW)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        crash(run)
    assert journal.unfinished(state) == ()


def test_outcomes_end_intents_and_keep_what_was_before_and_after() -> None:
    state = State.in_memory()
    with state.transaction() as tx:
        run = journal.begin_run(tx, "sync", NOW)
        write, create, update, delete = journal.intend(tx, run, ALL, NOW)
        journal.keep_before(tx, write, b"old \xff note")
        journal.done(tx, write, None, b"new note")
        journal.created(tx, create, RemoteId("new.vcf"), b"BEGIN:VCARD")
        journal.failed(tx, update, "the record moved on")
        journal.dropped(tx, delete, "cut short")
    assert journal.unfinished(state) == ()
    done, failed, dropped = OperationState.DONE, OperationState.FAILED, OperationState.DROPPED
    assert journal.entries(state, run) == (
        Entry(write, run, WRITE, None, b"old \xff note", b"new note", done, "", NOW),
        Entry(create, run, CREATE, RemoteId("new.vcf"), None, b"BEGIN:VCARD", done, "", NOW),
        Entry(update, run, UPDATE, RemoteId("ada.vcf"), None, None, failed, "the record moved on", NOW),
        Entry(delete, run, DELETE, RemoteId("7"), None, None, dropped, "cut short", NOW),
    )


def test_runs_are_listed_latest_first_and_one_that_was_cut_short_has_no_end() -> None:
    state = State.in_memory()
    later = NOW + timedelta(seconds=3)
    with state.transaction() as tx:
        first = journal.begin_run(tx, "sync", NOW)
        journal.finish_run(tx, first, 1, {"notes written": 2}, later)
        second = journal.begin_run(tx, "service", later)
    assert journal.last_runs(state, 5) == (
        Run(second, "service", later, None, None, {}),
        Run(first, "sync", NOW, later, 1, {"notes written": 2}),
    )
    assert [run.id for run in journal.last_runs(state, 1)] == [second]


def test_pruning_forgets_old_runs_with_their_bytes_but_no_open_intent() -> None:
    state = State.in_memory()
    with state.transaction() as tx:
        old, stuck, fresh = (journal.begin_run(tx, "sync", NOW + timedelta(days=day)) for day in (0, 1, 40))
        (finished,) = journal.intend(tx, old, [WRITE], NOW)
        journal.done(tx, finished, b"before", b"after")
        journal.intend(tx, stuck, [UPDATE], NOW)
        journal.prune(tx, NOW + timedelta(days=30))
    assert [run.id for run in journal.last_runs(state, 9)] == [fresh, stuck]
    assert state.all("SELECT count(*) FROM operations") == [(1,)]
    assert [intent.operation for intent in journal.unfinished(state)] == [UPDATE]


def test_an_intent_of_a_later_program_is_read_without_the_fields_that_this_one_lacks() -> None:
    document = json.loads(pack_operation(UPDATE))
    document["changes"].append({"field": "pronouns", "before": "", "after": "she", "sources": ["note"]})
    document["agreed"]["values"]["pronouns"] = "she"
    assert unpack_operation(Kind.UPDATE_RECORD, json.dumps(document)) == UPDATE


def test_an_intent_may_hold_any_kind_of_mapping() -> None:
    frozen = replace(UPDATE, agreed=Agreed(HOME, MappingProxyType({"title": "Countess"})))
    assert unpack_operation(Kind.UPDATE_RECORD, pack_operation(frozen)) == UPDATE


TEXT = st.text(st.characters(), max_size=8)


def values() -> st.SearchStrategy[dict[FieldName, Value]]:
    return st.fixed_dictionaries({}, optional={name: value(name) for name in FIELDS})


def value(name: FieldName) -> st.SearchStrategy[Value]:
    return TEXT if FIELDS[name].cardinality is Cardinality.ONE else st.lists(TEXT, max_size=3).map(tuple)


def changes() -> st.SearchStrategy[tuple[Change, ...]]:
    names = st.sampled_from(sorted(FIELDS))
    one = names.flatmap(
        lambda name: st.builds(Change, st.just(name), value(name), value(name), st.lists(TEXT).map(tuple))
    )
    return st.lists(one, max_size=3).map(tuple)


def operations() -> st.SearchStrategy[Write]:
    agreed = st.builds(Agreed, TEXT.map(AccountName), values())
    text = {
        "uid": TEXT.map(Uid),
        "account": TEXT.map(AccountName),
        "remote_id": TEXT.map(RemoteId),
        "etag": TEXT.map(Etag),
    }
    joined = st.lists(st.builds(Joined, text["remote_id"], agreed), max_size=2).map(tuple)
    created = {"uid": text["uid"], "account": text["account"]}
    return st.one_of(
        st.builds(WriteNote, text["uid"], TEXT.map(NotePath), TEXT.map(NoteHash), changes(), st.booleans(), st.lists(agreed, max_size=2).map(tuple)),
        st.builds(CreateNote, text["uid"], TEXT.map(NotePath), TEXT, text["account"], joined),
        st.builds(RemoveNote, text["uid"], TEXT.map(NotePath), TEXT.map(NoteHash), TEXT, joined),
        st.builds(CreateRecord, person=values().map(person), agreed=agreed, **created),
        st.builds(UpdateRecord, changes=changes(), insert_uid=st.booleans(), agreed=agreed, **text),
        st.builds(DeleteRecord, **text),
        st.builds(RestoreNote, text["uid"], TEXT.map(NotePath), TEXT.map(NoteHash), TEXT),
        st.builds(RestoreRecord, before=st.none() | TEXT, after=st.none() | TEXT, agreed=agreed, **text),
    )  # fmt: skip


@settings(max_examples=80)
@given(operations())
def test_any_operation_comes_back_exactly(operation: Write) -> None:
    assert unpack_operation(kind_of(operation), pack_operation(operation)) == operation
