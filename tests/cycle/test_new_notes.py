"""Notes that are made for people who have none: contacts, and those whom the owner met. Never one too many."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from agendas import AgendaWorld, agenda_world, meeting
from connectors.memory import Memory
from daemon import cycle, links, undo
from daemon.cycle import Look
from daemon.render_plan import is_shown
from mappings.brakes import Limit
from mappings.event import Response
from mappings.fields import Direction
from mappings.newcomers import NoNote
from mappings.operation import CreateNote, UpdateRecord
from mappings.person import Uid
from mappings.record import AccountName
from mappings.world import Tombstone
from meeting_worlds import ACCEPTED, BOB, invited
from memory_worlds import HOME, WORK, account_of, one_by_one
from memory_worlds import person as note_of
from newcomer_worlds import GRACE, NONE, add, does_nothing, meet_bob, notes, reasons, uid_in, wishing
from worlds import person

GRACE_NOTE = """---
type: people
title: Grace Hopper
last_contact:
auto_created: true
tags:
- type/people
- needs-review
email: grace@example.test
role: Admiral
birthday: "1906-12-09"
uid: {uid}
---
"""
BOB_NOTE = """---
type: people
title:
created: '2026-11-03'
last_contact: "2026-11-09"
auto_created: true
tags:
- type/people
- needs-review
email: bob@example.test
uid: {uid}
---
"""


@pytest.fixture
def world(tmp_path: Path) -> AgendaWorld:
    """A world in step, in which Ada has a note and a contact; from now on notes are made for everybody."""
    made = agenda_world(tmp_path)
    made.sync()
    return wishing(made)


class TestContacts:
    def test_a_contact_gets_a_note_is_linked_to_it_and_a_second_run_does_nothing(self, world: AgendaWorld) -> None:
        remote_id = add(world, GRACE)
        report = world.sync()
        assert report.deeds is not None
        assert (report.exit_code, report.deeds.notes_made) == (0, 1)
        ((path, note),) = notes(world).items()
        uid = uid_in(note)
        assert (path, note.decode()) == ("People/Grace Hopper.md", GRACE_NOTE.format(uid=uid))
        entry = world.world.books[HOME].entries[remote_id]
        assert (entry.uid, entry.person, entry.extra) == (uid, person(GRACE), "NOTE:of theirs")
        does_nothing(world)
        world.world.remote_edit(HOME, uid, {"title": "Rear admiral"})
        world.sync()
        assert b"role: Rear admiral\n" in notes(world)[path]

    def test_the_same_is_made_on_every_machine(self, tmp_path: Path) -> None:
        found: list[Mapping[str, bytes]] = []
        for number in (1, 2):
            world = agenda_world(tmp_path / str(number))
            world.sync()
            add(wishing(world), GRACE)
            meet_bob(world, 3, 9)
            world.sync()
            found.append(notes(world))
        assert len(found[0]) == 2
        assert found[0] == found[1]

    def test_who_was_met_has_the_dates_of_the_meetings_in_his_note(self, world: AgendaWorld) -> None:
        add(world, {"name": "Bob", "emails": ("Bob@Example.test",)})
        meet_bob(world, 3, 9)
        world.sync()
        ((path, note),) = notes(world).items()
        assert path == "People/Bob.md"
        assert b"created: '2026-11-03'\nlast_contact: \"2026-11-09\"\n" in note
        found = world.world.in_book(HOME, uid_in(note))
        assert found is not None
        assert found.last_contact == "2026-11-09"
        does_nothing(world)
        meet_bob(world, 12)
        world.sync(approve=False)
        assert b'last_contact: "2026-11-12"\n' in notes(world)[path]

    def test_a_note_that_its_owner_deleted_is_never_made_again(self, world: AgendaWorld) -> None:
        add(world, GRACE)
        meet_bob(world, 9)
        world.sync()
        for path in notes(world):
            (world.world.vault / path).unlink()
        for _ in range(4):
            assert set(reasons(world.sync())) <= {NoNote.HAD_ONE}
            assert notes(world) == {}
        assert set(reasons(world.sync())) == {NoNote.HAD_ONE}
        assert len(world.world.books[HOME].entries) == 2

    def test_one_that_is_deleted_before_anybody_has_looked_at_it_is_missed_like_any_other(
        self, world: AgendaWorld
    ) -> None:
        remote_id = add(world, GRACE)
        world.sync()
        world.world.note("Grace Hopper").unlink()
        for _ in range(3):
            world.sync()
        assert notes(world) == {}
        assert [link.uid for link in links.links(world.world.state)] == ["ada"]
        assert [one.remote_id for one in links.tombstones(world.world.state)] == [remote_id]

    @pytest.mark.parametrize(
        ("name", "lines", "reason"),
        [
            ("Grace Hopper", ["type: people", "tags: [people]"], NoNote.NAMESAKE),
            ("A", ["type: people", "tags: [people]", "title: grace  HOPPER"], NoNote.NAMESAKE),
            ("A", ["type: people", "tags: [people]", "aliases: [Grace Hopper]"], NoNote.NAMESAKE),
            ("grace hopper", ["contactd: off"], NoNote.NAMESAKE),
            ("A", ["type: people", "tags: [people]", "former_emails: GRACE@example.test"], ""),
            ("A", ["contactd: off", "email: Grace@example.test"], NoNote.OWNED),
            ("A", ["type: meeting", "email: Grace@example.test"], NoNote.OWNED),
            ("A", ["tags: [people, no-contactd]", "EMAIL: Grace@example.test"], NoNote.OWNED),
        ],
    )
    def test_whoever_may_have_a_note_gets_none(
        self, world: AgendaWorld, name: str, lines: list[str], reason: str
    ) -> None:
        path = world.world.vault / "Elsewhere" / f"{name}.md"
        path.parent.mkdir()
        path.write_text("\n".join(["---", *lines, "---", ""]))
        before = notes(world)
        add(world, GRACE)
        report = world.sync()
        assert reasons(report) == ([reason] if reason else [])
        assert list(notes(world)) == list(before)

    def test_what_is_not_one_person_gets_none(self, world: AgendaWorld) -> None:
        book = world.world.books[HOME]
        add(world, {"name": "One", "emails": ("office@example.test",)})
        add(world, {"name": "Two", "emails": ("office@example.test",)})
        add(world, {"organization": "A firm", "phones": ("+49 30 1",)})
        add(world, {"name": "Me", "emails": ("me@example.test",)})
        book.add(person({"name": "Lost"}), uid=Uid("of a note that is nowhere"))
        buried = add(world, {"name": "Buried"})
        with world.world.state.transaction() as tx:
            links.bury(tx, Tombstone(HOME, Uid("gone"), buried), "note deleted", world.now)
        report = world.sync()
        assert notes(world) == {}
        assert reasons(report) == [
            NoNote.SEVERAL, NoNote.SEVERAL, NoNote.NAMELESS, NoNote.OWN, NoNote.CARRIES_UID, NoNote.HAD_ONE,
        ]  # fmt: skip

    def test_a_person_in_two_accounts_gets_one_note(self, tmp_path: Path) -> None:
        world = agenda_world(tmp_path, accounts=(HOME, WORK))
        world.sync()
        wishing(world, contacts=frozenset({HOME, WORK}))
        add(world, GRACE)
        add(world, {**GRACE, "title": ""}, WORK)
        world.sync()
        world.sync()
        assert list(notes(world)) == ["People/Grace Hopper.md"]
        uid = uid_in(notes(world)["People/Grace Hopper.md"])
        assert world.world.in_book(WORK, uid) == person(GRACE)
        does_nothing(world)

    def test_homonyms_get_one_note_and_a_second_one_once_they_are_told_apart(self, world: AgendaWorld) -> None:
        add(world, {"name": "Kim Lee", "emails": ("kim@example.test",)})
        second = add(world, {"name": "kim lee", "emails": ("lee@example.test",)})
        assert reasons(world.sync()) == [NoNote.NAMESAKE]
        (first,) = notes(world)
        assert reasons(world.sync()) == [NoNote.NAMESAKE]
        with world.world.state.transaction() as tx:
            links.tell_apart(tx, HOME, Uid(uid_in(notes(world)[first])), second)
        world.sync()
        assert [first, *sorted(notes(world))] == [
            "People/Kim Lee.md",
            "People/Kim Lee.md",
            "People/kim lee 56f5d94c.md",
        ]


class TestPeopleMet:
    def test_whom_the_owner_met_gets_a_note_with_the_dates_and_a_second_run_does_nothing(
        self, world: AgendaWorld
    ) -> None:
        wishing(world, contacts=NONE)
        meet_bob(world, 3, 9)
        world.sync()
        ((path, note),) = notes(world).items()
        assert (path, note.decode()) == ("People/bob@example.test.md", BOB_NOTE.format(uid=uid_in(note)))
        does_nothing(world)
        meet_bob(world, 12)
        assert world.sync(approve=False).exit_code == 0
        assert b'last_contact: "2026-11-12"\n' in notes(world)[path]

    def test_a_contact_that_comes_later_is_linked_and_gives_the_name(self, world: AgendaWorld) -> None:
        wishing(world, contacts=NONE)
        meet_bob(world, 9)
        world.sync()
        remote_id = add(world, {"name": "Bob Byron", "emails": ("bob@example.test",)})
        world.sync()
        ((_, note),) = notes(world).items()
        assert b"title: Bob Byron\n" in note
        entry = world.world.books[HOME].entries[remote_id]
        assert (entry.person.name, entry.uid) == ("Bob Byron", uid_in(note))
        does_nothing(world)

    def test_a_contact_that_is_there_gives_the_name_at_once_and_is_linked_by_the_next_run(
        self, world: AgendaWorld
    ) -> None:
        wishing(world, contacts=NONE)
        remote_id = add(world, {"name": "Bob Byron", "emails": ("bob@example.test",), "title": "Poet"})
        meet_bob(world, 9)
        world.sync()
        assert list(notes(world)) == ["People/Bob Byron.md"]
        world.sync()
        ((_, note),) = notes(world).items()
        assert b"role: Poet\n" in note
        assert world.world.books[HOME].entries[remote_id].uid == uid_in(note)
        does_nothing(world)

    def test_nobody_else_gets_one(self, world: AgendaWorld) -> None:
        wishing(world, contacts=NONE)
        world.agenda.add(
            meeting(
                "no answer", 9, organizer=BOB, attendees=(replace(ACCEPTED, response=Response.DECLINED), invited(BOB))
            )
        )
        world.agenda.add(meeting("to come", 28, organizer=BOB, attendees=(ACCEPTED, invited(BOB))))
        world.agenda.add(
            meeting("list", 9, organizer="team@example.test", attendees=(ACCEPTED, invited("ada+x@example.test")))
        )
        world.sync()
        assert notes(world) == {}

    def test_meetings_of_other_accounts_make_no_notes(self, world: AgendaWorld) -> None:
        wishing(world, met=frozenset({WORK}), contacts=NONE)
        meet_bob(world, 9)
        world.sync()
        assert notes(world) == {}

    def test_a_contact_of_a_note_that_does_not_know_the_address_keeps_a_second_note_from_being_made(
        self, world: AgendaWorld
    ) -> None:
        wishing(world, contacts=NONE)
        world.world.note("Ada").write_text("---\ntype: people\ntitle: Ada\nuid: ada\n---\n")
        world.world.remote_edit(HOME, "ada", {"emails": (BOB,)})
        policies = {**world.setup.accounts[0].policies}
        policies["emails"] = replace(policies["emails"], direction=Direction.PUSH)
        world.setup = replace(world.setup, accounts=(replace(world.setup.accounts[0], policies=policies),))
        meet_bob(world, 9)
        report = world.sync()
        assert (notes(world), reasons(report)) == ({}, [NoNote.OWNED])


class TestLimits:
    def test_one_run_makes_no_more_than_the_owner_wants(self, world: AgendaWorld) -> None:
        wishing(world, per_run=2)
        for number in range(5):
            add(world, {"name": f"Person {number}"})
        for made, waiting in ((2, 3), (4, 1), (5, 0), (5, 0)):
            report = world.sync()
            assert (len(notes(world)), reasons(report)) == (made, [NoNote.LATER] * waiting)

    def test_too_many_at_once_wait_for_the_owner(self, world: AgendaWorld) -> None:
        account = account_of(Memory(HOME, world.world.books[HOME]), Limit(people=2, share_percent=10))
        world.setup = replace(world.setup, accounts=(account,))
        for number in range(3):
            add(world, {"name": f"Person {number}"})
        world.sync()
        (world.world.vault / "People/Person 0.md").unlink()
        for number in range(3):
            add(world, {"name": f"Another {number}"})
        before = notes(world)
        report = world.sync(approve=False)
        assert (report.exit_code, notes(world)) == (4, before)
        assert [(one.kind, one.people) for one in report.plan.brakes] == [("create", 3)]  # type: ignore[union-attr]  # the first run is over

    def test_turning_it_on_is_shown_first(self, tmp_path: Path) -> None:
        world = agenda_world(tmp_path)
        world.sync()
        add(wishing(world), GRACE)
        report = world.sync(approve=False)
        assert (report.exit_code, notes(world)) == (4, {})
        assert [type(step).__name__ for step in report.plan.waiting if is_shown(step)] == ["CreateNote", "UpdateRecord"]

    def test_while_a_note_cannot_be_read_none_is_made(self, world: AgendaWorld) -> None:
        broken = world.world.vault / "People/Broken.md"
        broken.write_text("---\ntype: people\nemail: [\n---\n")
        add(world, GRACE)
        assert "cannot be read" in reasons(world.sync())[0]
        assert list(notes(world)) == ["People/Broken.md"]
        broken.unlink()
        world.sync()
        assert list(notes(world)) == ["People/Grace Hopper.md"]

    @pytest.mark.parametrize(
        "text", ["Shopping list\n", note_of("Edith", "edith")], ids=["nobody's", "somebody else's"]
    )
    def test_a_note_that_has_become_anothers_keeps_nobody_from_getting_one(self, world: AgendaWorld, text: str) -> None:
        """Its person is missed in every look from then on, and yet the note was looked at."""
        world.world.note("Ada").write_text(text)
        world.sync()
        add(world, GRACE)
        for _ in range(2):
            report = world.sync()
            assert report.deeds is not None
            assert report.deeds.postponed == ()
        assert list(notes(world)) == ["People/Grace Hopper.md"]

    @pytest.mark.parametrize("meanwhile", [None, ""], ids=["taken away", "emptied"])
    def test_one_whose_note_is_being_saved_while_the_vault_is_looked_at_gets_no_second(
        self, world: AgendaWorld, meanwhile: str | None
    ) -> None:
        remote_id = add(world, GRACE)
        path = world.world.note("Admiral")
        if meanwhile is not None:
            path.write_text(meanwhile)
        world.setup = replace(world.setup, accounts=(replace(world.setup.accounts[0], limit=Limit(0, 0)),))

        def saved_before_approval(seen: Look) -> frozenset[AccountName]:
            assert [type(step) for step in seen.plan.waiting if is_shown(step)] == [CreateNote, UpdateRecord]
            path.write_text(note_of("Grace Hopper", "grace", "email: grace@example.test"))
            return frozenset({HOME})

        report = cycle.sync(world.setup, world.world.state, lambda: world.now, saved_before_approval, one_by_one)
        assert report.deeds is not None
        assert [one.place for one in report.deeds.postponed] == ["People/Grace Hopper.md"]
        world.sync()
        assert list(notes(world)) == ["People/Admiral.md"]
        assert world.world.books[HOME].entries[remote_id].uid == "grace"
        does_nothing(world)


class TestUndo:
    def take_back(self, world: AgendaWorld, run: int) -> undo.Undone:
        what = undo.past(world.world.state, run, None)
        return undo.carry_out(world.setup, world.world.state, what, lambda: world.now, lambda _: True, one_by_one)

    def test_what_was_made_is_taken_away_and_stays_away_and_can_be_made_again(self, world: AgendaWorld) -> None:
        remote_id = add(world, GRACE)
        before = world.world.books[HOME].entries[remote_id]
        run = world.sync().run
        made, entry = notes(world), world.world.books[HOME].entries[remote_id]
        undone = self.take_back(world, run)
        assert undone.undoing.refusals == ()
        for _ in range(3):
            assert notes(world) == {}
            after = world.world.books[HOME].entries[remote_id]
            assert (after.uid, after.person, after.extra) == (before.uid, before.person, before.extra)
            world.sync()
        self.take_back(world, undone.run)
        assert notes(world) == made
        assert replace(world.world.books[HOME].entries[remote_id], etag=entry.etag) == entry
        does_nothing(world)

    def test_a_contact_is_not_deleted_with_a_note_that_is_undone(self, world: AgendaWorld) -> None:
        world.setup = replace(world.setup, accounts=(replace(world.setup.accounts[0], delete_with_note=True),))
        add(world, GRACE)
        run = world.sync().run
        world.sync()
        self.take_back(world, run)
        for _ in range(3):
            world.sync()
        assert len(world.world.books[HOME].entries) == 2

    def test_a_note_that_somebody_changed_or_moved_stays(self, world: AgendaWorld) -> None:
        add(world, GRACE)
        meet_bob(world, 9)
        run = world.sync().run
        (world.world.vault / "People/Grace Hopper.md").rename(world.world.vault / "Grace.md")
        bob = world.world.vault / "People/bob@example.test.md"
        bob.write_bytes(bob.read_bytes() + b"Likes cake.\n")
        before = notes(world)
        undone = self.take_back(world, run)
        assert sorted(one.reason for one in undone.undoing.refusals if not one.account) == [
            "was changed since",
            "was moved since",
        ]
        assert notes(world) == before
