"""Notes made for people who have none, where strangers, editors, other machines and templates do their worst."""

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from agendas import AgendaWorld, agenda_world, meeting
from daemon.codec import time_text
from daemon.database import LOST_STATE_AT
from daemon.errors import NotOurVault
from daemon.folder_vault import FolderVault
from daemon.marker import Marker
from daemon.state import State, set_meta
from daemon.vault import NoteFile
from mappings.newcomers import NoNote
from mappings.record import NotePath
from meeting_worlds import ACCEPTED, BOB, at, invited
from memory_worlds import HOME, MARKER
from newcomer_worlds import GRACE, NONE, add, does_nothing, meet_bob, notes, reasons, wishing


@pytest.fixture
def world(tmp_path: Path) -> AgendaWorld:
    """A world in step, in which Ada has a note and a contact; from now on notes are made for everybody."""
    made = agenda_world(tmp_path)
    made.sync()
    return wishing(made)


class TestTemplates:
    def of_owner(self, world: AgendaWorld, text: str) -> None:
        path = world.world.vault / "meta/person.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        rules = replace(world.setup.rules, template_folders=("meta/person.md",))
        world.setup = replace(world.setup, rules=rules)
        wishing(world, template=NotePath("meta/person.md"), folder="Contacts/New")

    def test_the_owners_template_serves_and_is_nobodys_note(self, world: AgendaWorld) -> None:
        self.of_owner(world, "---\ntags: [people, met]\ntitle:\n---\n## Notes\n")
        add(world, GRACE)
        report = world.sync()
        note = notes(world)["Contacts/New/Grace Hopper.md"].decode()
        assert note.startswith("---\ntags: [people, met]\ntitle: Grace Hopper\nemail: grace@example.test\n")
        assert note.endswith("\n---\n## Notes\n")
        assert (report.vault.people, report.exit_code) == (1, 0)
        does_nothing(world)

    @pytest.mark.parametrize("text", ["---\ntags: [people]\ntitle:\n---\n# <% tp.file.title %>\n", "no frontmatter"])
    def test_one_that_will_not_do_makes_no_note_and_is_told(self, world: AgendaWorld, text: str) -> None:
        self.of_owner(world, text)
        add(world, GRACE)
        report = world.sync()
        assert list(notes(world)) == ["meta/person.md"]
        assert reasons(report)[0].startswith("the template meta/person.md cannot be used: ")

    def test_one_that_is_not_there_makes_no_note_and_is_told(self, world: AgendaWorld) -> None:
        wishing(world, template=NotePath("nowhere.md"))
        add(world, GRACE)
        assert "nowhere.md cannot be used" in reasons(world.sync())[0]


class TestHardWorlds:
    def test_notes_that_keep_no_uid_are_linked_and_stay_so(self, world: AgendaWorld) -> None:
        world.setup = replace(world.setup, rules=replace(world.setup.rules, uid_key=""))
        world.sync()
        remote_id = add(world, GRACE)
        world.sync()
        ((path, note),) = notes(world).items()
        assert b"uid" not in note
        does_nothing(world)
        world.world.books[HOME].edit(remote_id, {"title": "Rear admiral"})
        world.sync()
        assert b"role: Rear admiral\n" in notes(world)[path]

    @pytest.mark.parametrize(
        ("name", "file"),
        [
            ("<%* app.vault.delete() %>", "app.vault.delete()"),
            ("../../.ssh/Ada", "ssh Ada"),
            ("---", "Unnamed"),
            ("CON", "_CON"),
            ("Ada [[Secret", "Ada Secret"),
            ("{{title}}", "{{title}}"),
            ("e\u0301" * 90, "\u00e9" * 58),
        ],
    )
    def test_hostile_names_stay_in_their_values(self, world: AgendaWorld, name: str, file: str) -> None:
        remote_id = add(world, {"name": name, "title": "<% evil %>"})
        world.sync()
        ((path, note),) = notes(world).items()
        assert path == f"People/{file}.md"
        assert (b"<%" in note, b"{{" in note) == (False, False)
        entry = world.world.books[HOME].entries[remote_id]
        assert (entry.person.name, entry.person.title) == (name, "<% evil %>")
        does_nothing(world)

    def test_a_name_that_no_note_can_hold_makes_none_and_the_contact_keeps_it(self, world: AgendaWorld) -> None:
        remote_id = add(world, {"name": "Ada\u202eByron", "emails": ("x@example.test",)})
        report = world.sync()
        assert notes(world) == {}
        assert "its name cannot be written" in reasons(report)[0]
        assert world.world.books[HOME].entries[remote_id].person.name == "Ada\u202eByron"

    @pytest.mark.parametrize(
        "address", ["a#b@example.test", "-x@example.test", "{{x}}@example.test", "l" * 130 + "@example.test"]
    )
    def test_an_odd_address_never_becomes_a_name(self, world: AgendaWorld, address: str) -> None:
        wishing(world, contacts=NONE)
        world.agenda.add(meeting("cake", 9, organizer=address, attendees=(ACCEPTED, invited(address))))
        world.sync()
        world.sync()
        assert len(notes(world)) == (1 if len(address) < 117 else 0)
        assert [entry.person.name for entry in world.world.books[HOME].entries.values()] == ["Ada"]

    def test_what_the_owner_makes_in_the_same_instant_is_not_touched(self, world: AgendaWorld) -> None:
        remote_id = add(world, GRACE)
        mine = world.world.vault / "People/Grace Hopper.md"

        class Raced(FolderVault):
            def create(self, path: NotePath, content: bytes) -> NoteFile:
                mine.write_text("mine")
                return super().create(path, content)

        vault = world.setup.vault
        world.setup = replace(world.setup, vault=Raced(world.world.vault, MARKER))
        report = world.sync()
        assert report.deeds is not None
        assert (report.deeds.notes_made, len(report.deeds.postponed)) == (0, 1)
        world.setup = replace(world.setup, vault=vault)
        assert reasons(world.sync()) == [NoNote.NAMESAKE]
        assert mine.read_text() == "mine"
        assert world.world.books[HOME].entries[remote_id].uid is None

    def test_after_a_loss_of_the_state_nobody_whom_the_owner_met_before_gets_a_note(self, world: AgendaWorld) -> None:
        with world.world.state.transaction() as tx:
            set_meta(tx, LOST_STATE_AT, time_text(at(10)))
        meet_bob(world, 9, 12)
        world.agenda.add(
            meeting("tea", 13, organizer="new@example.test", attendees=(ACCEPTED, invited("new@example.test")))
        )
        world.sync()
        assert list(notes(world)) == ["People/new@example.test.md"]

    def test_a_note_that_is_being_saved_keeps_a_second_one_from_being_made(self, world: AgendaWorld) -> None:
        wishing(world, contacts=NONE)
        path = world.world.vault / "People/Robert.md"
        path.write_text(f"---\ntype: people\ntags: [people]\nemail: {BOB}\n---\n")
        meet_bob(world, 9)
        world.sync()
        before = path.read_bytes()
        for emptied in (b"", None):
            path.unlink() if emptied is None else path.write_bytes(emptied)
            world.sync()
            assert [one for one in notes(world) if one != "People/Robert.md"] == []
            path.write_bytes(before)
            world.sync()

    def test_two_machines_make_it_once(self, world: AgendaWorld) -> None:
        add(world, GRACE)
        world.sync()
        other = replace(
            world,
            setup=replace(world.setup, vault=FolderVault(world.world.vault, Marker(MARKER.vault_id, UUID(int=9)))),
        )
        with pytest.raises(NotOurVault):
            other.sync()
        # It takes over with a state of its own.
        other.setup = replace(world.setup)
        other.world = replace(world.world, state=State.in_memory())
        with other.world.state.transaction() as tx:
            set_meta(tx, LOST_STATE_AT, time_text(other.now))
        before = notes(world)
        other.sync()
        other.sync()
        assert notes(world) == before
        assert len(world.world.books[HOME].entries) == 2
