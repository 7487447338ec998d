"""What was read of an account: looks that missed a record, readings that are not to be believed, names that change."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.interface import ChangeSet, Cursor, Unreadable
from daemon import conflicts, journal, links, notes, records
from daemon.codec import pack_reading, unpack_reading
from daemon.notes import NoteRow
from daemon.state import State
from mappings.conflict import Conflict
from mappings.fields import FIELDS, Cardinality
from mappings.operation import Agreed, Change, UpdateRecord, WriteNote
from mappings.person import FieldName, Uid, Value
from mappings.record import AccountName, Etag, NoteHash, NotePath, Reading, Record, RemoteId
from mappings.world import Tombstone
from worlds import person

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOME, WORK = AccountName("home"), AccountName("work")


def card(name: str, etag: str = "1") -> Record:
    reading = Reading(Uid(f"uid of {name}"), person({"name": name}), {"title": "holds ` at `"})
    return Record(RemoteId(f"{name}.vcf"), Etag(etag), reading)


def look(state: State, *found: Record, removed: tuple[str, ...] = (), complete: bool = True) -> None:
    change_set = ChangeSet(found, tuple(map(RemoteId, removed)), (), Cursor("c"), complete, len(found))
    with state.transaction() as tx:
        records.store_change_set(tx, HOME, change_set, NOW)


def test_records_come_back_exactly_and_their_etags_are_known() -> None:
    state = State.in_memory()
    look(state, card("Ada"), card("Bob", "7"))
    assert records.records(state, HOME) == ({"Ada.vcf": card("Ada"), "Bob.vcf": card("Bob", "7")}, {}, {})
    assert records.known(state, HOME) == {"Ada.vcf": "1", "Bob.vcf": "7"}
    assert records.records(state, WORK) == ({}, {}, {})


def test_the_cursor_is_stored_with_what_it_speaks_of() -> None:
    state = State.in_memory()
    look(state, card("Ada"))
    row = records.account_row(state, HOME)
    assert (row.cursor, row.last_success_at, row.first_run_done, row.recovering) == ("c", NOW, False, False)


def test_a_provider_that_reports_a_removal_once_is_counted_at_every_later_look() -> None:
    state = State.in_memory()
    look(state, card("Ada"), card("Bob"))
    counted: list[dict[RemoteId, int]] = []
    for removed in (("Ada.vcf",), (), ()):
        look(state, removed=removed, complete=False)
        counted.append(records.records(state, HOME)[2])
    assert counted == [{"Ada.vcf": 1}, {"Ada.vcf": 2}, {"Ada.vcf": 3}]
    assert records.records(state, HOME)[0] == {"Ada.vcf": card("Ada"), "Bob.vcf": card("Bob")}


def test_a_folder_that_lists_a_removal_again_is_counted_once_for_each_look() -> None:
    state = State.in_memory()
    look(state, card("Ada"))
    look(state, removed=("Ada.vcf",))
    look(state, removed=("Ada.vcf",))
    assert records.records(state, HOME)[2] == {"Ada.vcf": 2}


def test_a_missing_record_is_not_known_so_that_it_can_come_back_unchanged() -> None:
    state = State.in_memory()
    look(state, card("Ada"))
    look(state, removed=("Ada.vcf",))
    assert records.known(state, HOME) == {}
    look(state, card("Ada"))
    assert records.known(state, HOME) == {"Ada.vcf": "1"}
    assert records.records(state, HOME)[2] == {}


def test_our_own_write_ends_missing_and_a_forgotten_record_is_gone() -> None:
    state = State.in_memory()
    look(state, card("Ada"), card("Bob"))
    look(state, removed=("Ada.vcf", "Bob.vcf", "never seen.vcf"))
    with state.transaction() as tx:
        records.put_record(tx, HOME, card("Ada", "2"))
        records.forget_record(tx, HOME, RemoteId("Bob.vcf"))
    assert records.records(state, HOME) == ({"Ada.vcf": card("Ada", "2")}, {}, {})


def test_unreadable_records_have_a_reason_and_are_known() -> None:
    state = State.in_memory()
    look(state, card("Ada"))
    broken = (
        Unreadable(RemoteId("Ada.vcf"), Etag("2"), 4, "no colon"),
        Unreadable(RemoteId("Bob.vcf"), Etag("1"), None, "not UTF-8"),
    )
    with state.transaction() as tx:
        records.store_change_set(tx, HOME, ChangeSet((), (), broken, None, complete=True, listed=2), NOW)
    assert records.records(state, HOME) == ({}, {"Ada.vcf": "line 4: no colon", "Bob.vcf": "not UTF-8"}, {})
    assert records.known(state, HOME) == {"Ada.vcf": "2", "Bob.vcf": "1"}


def test_an_account_that_is_read_anew_keeps_its_readings_and_notices_what_went_meanwhile() -> None:
    state = State.in_memory()
    look(state, card("Ada"), card("Bob"))
    with state.transaction() as tx:
        records.read_anew(tx, HOME)
    assert records.known(state, HOME) == {}
    assert records.account_row(state, HOME).cursor is None
    assert set(records.records(state, HOME)[0]) == {"Ada.vcf", "Bob.vcf"}
    look(state, card("Ada"))
    assert records.records(state, HOME)[2] == {"Bob.vcf": 1}
    assert records.known(state, HOME) == {"Ada.vcf": "1"}


def test_a_damaged_reading_holds_its_record() -> None:
    state = State.in_memory()
    look(state, card("Ada"), card("Bob"))
    with state.transaction() as tx:
        tx.run("UPDATE records SET reading = CAST(reading || 'x' AS BLOB) WHERE remote_id = 'Ada.vcf'")
    readable, unreadable, _ = records.records(state, HOME)
    assert set(readable) == {"Bob.vcf"}
    assert set(unreadable) == {"Ada.vcf"}


def test_first_run_and_recovery_are_remembered_of_an_account_that_was_never_read() -> None:
    state = State.in_memory()
    with state.transaction() as tx:
        records.set_run_done(tx, HOME, "strict")
        records.set_recovering(tx, WORK, True)
    row = records.account_row(state, HOME)
    assert (row.first_run_done, row.rules) == (True, "strict")
    assert not records.account_row(state, HOME).recovering
    assert records.account_row(state, WORK).recovering
    assert records.accounts(state) == (HOME, WORK)


def everything(account: AccountName) -> State:
    """A state in which one account has left a trace in every table."""
    state = State.in_memory()
    uid = Uid("ada")
    clash = Conflict(uid, "title", "a", {account: "b"}, {account: "c"}, "", "a", ("note", account))
    change = Change("title", "a", "b", ("note", account))
    steps = (
        WriteNote(uid, NotePath("Ada.md"), NoteHash("h"), (change,), False, (Agreed(account, {"title": "b"}),)),
        UpdateRecord(account, uid, RemoteId("Ada.vcf"), Etag("1"), (change,), False, Agreed(account, {"title": "b"})),
    )
    with state.transaction() as tx:
        records.store_change_set(tx, account, ChangeSet((card("Ada"),), (), (), Cursor("c"), True, 1), NOW)
        links.add_link(tx, account, uid, RemoteId("Ada.vcf"))
        links.agree(tx, account, uid, {"title": "c"})
        links.bury(tx, Tombstone(account, Uid("bob"), RemoteId("Bob.vcf")), "contact deleted", NOW)
        run = journal.begin_run(tx, "sync", NOW)
        conflicts.sync_open(tx, [clash], NOW, run, ())
        question = conflicts.LinkQuestion(account, Uid("cy"), NotePath("Cy.md"), "same name", (RemoteId("Cy.vcf"),), "")
        conflicts.sync_questions(tx, [question], NOW)
        conflicts.sync_holds(tx, [conflicts.Held("Di.vcf", account, "unreadable", "no colon", {})], NOW)
        journal.intend(tx, run, steps, NOW)
    return state


def contents(state: State) -> dict[str, list[tuple[object, ...]]]:
    tables = [
        name for (name,) in state.all("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    ]
    return {name: state.all(f"SELECT * FROM {name}") for name in tables}  # noqa: S608  # our own tables


def test_a_renamed_account_is_as_if_it_had_always_had_that_name() -> None:
    state = everything(HOME)
    with state.transaction() as tx:
        records.rename_account(tx, HOME, WORK)
    assert contents(state) == contents(everything(WORK))


def test_a_removed_account_leaves_its_name_and_history_and_nothing_else() -> None:
    state = everything(HOME)
    with state.transaction() as tx:
        links.add_link(tx, WORK, Uid("ada"), RemoteId("Ada.vcf"))
        records.remove_account(tx, HOME)
    assert [link.account for link in links.links(state)] == [WORK]
    assert links.tombstones(state) == frozenset()
    assert records.records(state, HOME) == ({}, {}, {})
    assert conflicts.link_questions(state) == {}
    assert conflicts.holds_since(state) == {}
    assert [type(intent.operation) for intent in journal.unfinished(state)] == [WriteNote]
    row = records.account_row(state, HOME)
    assert (row.first_run_done, row.recovering) == (False, True)
    assert not records.account_row(state, AccountName("never there")).recovering


ANY_TEXT = st.text(st.characters(), max_size=10)
VALUES: dict[FieldName, st.SearchStrategy[Value]] = {
    name: ANY_TEXT if field.cardinality is Cardinality.ONE else st.lists(ANY_TEXT, max_size=3).map(tuple)
    for name, field in FIELDS.items()
}


@settings(max_examples=80)
@given(st.fixed_dictionaries(VALUES), st.none() | ANY_TEXT, st.dictionaries(st.sampled_from(sorted(FIELDS)), ANY_TEXT))
def test_any_reading_comes_back_exactly(
    values: dict[FieldName, Value], uid: str | None, held: dict[FieldName, str]
) -> None:
    reading = Reading(None if uid is None else Uid(uid), person(values), held)
    assert unpack_reading(pack_reading(reading)) == reading


def row(path: str, **changes: object) -> NoteRow:
    seen: dict[str, object] = {
        "path": NotePath(path),
        "device": 2**40,
        "inode": 2**62,
        "size_bytes": 900,
        "mtime_ns": 1_700_000_000_123_456_789,
        "ctime_ns": -1,
        "trusted": True,
        "note_hash": NoteHash("h"),
        "hashed_at": NOW,
        "rules_key": "r",
        "uid": Uid("ada"),
        "reading": pack_reading(card("Ada").reading),
        "dated": frozenset(("last_contact",)),
        "context_date": "2026-03-01",
        "holdable": frozenset(("name", "emails")),
        "unwritable": "",
        "unreadable_line": None,
        "unreadable_reason": None,
        "missing_looks": 0,
        "addresses": (),
    }
    return NoteRow(**(seen | changes))  # type: ignore[arg-type]  # a test names only what differs


def test_note_rows_come_back_exactly_and_replace_earlier_ones() -> None:
    state = State.in_memory()
    ada = row("Ada.md", hashed_at=NOW + timedelta(microseconds=1), missing_looks=3)
    broken = row(
        "Bob.md", reading=None, uid=None, unreadable_line=3, unreadable_reason="no closing fence", trusted=False
    )
    with state.transaction() as tx:
        notes.put_rows(tx, [row("Ada.md"), broken, row("Cy.md", holdable=frozenset[FieldName]())])
        notes.put_rows(tx, [ada])
        notes.drop_rows(tx, [NotePath("Cy.md")])
    assert notes.rows(state) == {"Ada.md": ada, "Bob.md": broken}


def test_looks_that_miss_a_note_are_counted_until_it_is_found() -> None:
    state = State.in_memory()
    with state.transaction() as tx:
        notes.put_rows(tx, [row("Ada.md"), row("Bob.md")])
        notes.count_missing(tx, [NotePath("Ada.md"), NotePath("Bob.md")])
        notes.count_missing(tx, [NotePath("Ada.md")])
        notes.found_again(tx, [NotePath("Bob.md")])
    assert {path: row.missing_looks for path, row in notes.rows(state).items()} == {"Ada.md": 2, "Bob.md": 0}


def test_a_note_row_whose_reading_is_damaged_is_not_there() -> None:
    state = State.in_memory()
    with state.transaction() as tx:
        notes.put_rows(tx, [row("Ada.md"), row("Bob.md")])
        tx.run("UPDATE notes SET reading = CAST(reading || 'x' AS BLOB) WHERE path = 'Ada.md'")
    assert set(notes.rows(state)) == {"Bob.md"}
