"""What is remembered: told by `status` and `doctor`, backed up, restored, renamed, forgotten."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from daemon.lock import only_instance
from folder_worlds import FolderWorld, Ran, edit, made, person, seen

Contactd = Callable[..., Ran]
Command = Callable[..., Ran]
ADA = "Ada Byron"


@pytest.fixture
def world(tmp_path: Path) -> FolderWorld:
    world = made(tmp_path)
    for name in (ADA, "Grace Hopper", "Mary Somerville"):
        world.note(name).write_text(person(name, "company: Engines"))
    return world


@pytest.fixture
def told(contactd: Contactd, world: FolderWorld) -> Command:
    """Run a command on the world."""
    return lambda *arguments: contactd(*arguments, "--config", world.config)


@pytest.fixture
def synced(told: Command, world: FolderWorld) -> FolderWorld:
    assert told("sync", "--once", "--yes").code == 0
    return world


class TestStatus:
    def test_before_any_run_nothing_is_made_and_the_marker_is_asked_for(
        self, told: Command, world: FolderWorld
    ) -> None:
        before = seen(world.root)
        ran = told("status")
        assert (ran.code, "never read so far" in ran.said, "run `contactd init " in ran.said) == (69, True, True)
        assert seen(world.root) == before

    @pytest.mark.usefixtures("synced")
    def test_in_step_it_says_so_and_ends_with_0(self, told: Command) -> None:
        ran = told("status")
        assert (ran.code, "home: last read just now; 3 notes linked\n" in ran.said) == (0, True)
        assert ran.said.endswith("All was in step then.\n")

    def test_it_works_beside_a_running_sync_and_writes_nothing(self, told: Command, synced: FolderWorld) -> None:
        before = synced.sides()
        with only_instance(synced.state):
            assert told("status").code == 0
            assert told("conflicts").code == 0
        assert synced.sides() == before

    def test_a_plan_that_waits_is_told_with_the_way_to_let_it_run(self, told: Command) -> None:
        told("sync", "--once", "--yes", "--dry-run")
        told("init")
        assert told("sync", "--once").code == 4
        ran = told("status")
        words = ("a plan of 3 steps waits for you", "contactd apply", "this is its first run")
        assert (ran.code, [word in ran.said for word in words]) == (4, [True, True, True])
        assert told("sync", "--once", "--yes").code == 0
        assert told("status").code == 0

    def test_an_account_that_is_away_says_why_since_when_and_what_to_do(
        self, told: Command, synced: FolderWorld
    ) -> None:
        synced.contacts.rename(synced.root / "away")
        assert told("sync", "--once").code == 2
        ran = told("status")
        assert (ran.code, "create it, mount it, or correct accounts.home.contacts" in ran.said) == (2, True)
        (account,) = json.loads(told("status", "--json").said)["accounts"]
        assert (account["linked"], account["trouble"].partition(":")[0]) == (3, "away")
        (synced.root / "away").rename(synced.contacts)
        assert (told("sync", "--once").code, told("status").code) == (0, 0)

    def test_what_is_held_and_skipped_is_named(self, told: Command, synced: FolderWorld) -> None:
        edit(synced.note(ADA), "type: people", "type: people\ntype: people")
        synced.card_of("Grace Hopper").write_text("BEGIN:VCARD\nVERSION:3.0\nFN:Grace\n")
        assert told("sync", "--once").code == 1
        ran = told("status")
        assert ran.code == 1
        assert f"skipped: People/{ADA}.md, line 3" in ran.said
        assert ".vcf: line" in ran.said


class TestDoctor:
    def test_all_is_well(self, told: Command, synced: FolderWorld) -> None:
        before = seen(synced.vault)
        ran = told("doctor")
        assert (ran.code, "BAD" in ran.said, "can be read: 3 contacts" in ran.said) == (0, False, True)
        assert seen(synced.vault) == before

    def test_each_trouble_comes_with_its_remedy(self, told: Command, synced: FolderWorld) -> None:
        synced.contacts.rename(synced.root / "away")
        (synced.state / "state.db").chmod(0o644)
        ran = told("doctor")
        assert ran.code == 2
        assert f"chmod go= {synced.state / 'state.db'}" in ran.said
        assert "create it, mount it, or correct accounts.home.contacts" in ran.said

    def test_a_password_is_looked_for_and_never_told(self, told: Command, synced: FolderWorld) -> None:
        secret = synced.root / "password"
        secret.write_text("hunter2\n")
        secret.chmod(0o644)
        table = f'[accounts.dav]\nconnector = "dav"\nurl = "http://127.0.0.1:9/"\npassword_file = "{secret}"\n'
        synced.config.write_text(f"{synced.config.read_text()}\n{table}")
        ran = told("doctor", "--passwords")
        assert (ran.code, f"BAD password of dav: accounts.dav.password_file: others may read {secret}" in ran.said) == (
            2,
            True,
        )
        assert f"chmod 600 {secret}" in ran.said
        secret.chmod(0o600)
        ran = told("doctor", "--passwords")
        assert (ran.code, "ok  password of dav: can be had" in ran.said, "hunter2" in ran.said) == (0, True, False)
        ran = told("doctor")
        assert "ok  password of dav: can be had (tried " in ran.said
        assert "BAD dav: " in ran.said

    def test_each_calendar_is_looked_at(self, told: Command, synced: FolderWorld) -> None:
        edit(synced.config, 'connector = "vdir"', f'connector = "vdir"\ncalendars = ["{synced.root}/work"]')
        assert "BAD home, calendar work: " in told("doctor").said
        (synced.root / "work").mkdir()
        ran = told("doctor")
        assert (ran.code, "ok  home, calendar work: can be read" in ran.said) == (0, True)

    def test_a_contact_that_cannot_be_read_is_named_until_it_is_mended(
        self, told: Command, synced: FolderWorld
    ) -> None:
        card = synced.card_of(ADA)
        content = card.read_bytes()
        card.write_bytes(content.replace(b"END:VCARD\r\n", b""))
        for _ in range(2):
            ran = told("doctor")
            assert (ran.code, f"BAD home: {card.name}: line 8: END:VCARD is missing\n" in ran.said) == (1, True)
            told("sync", "--once")
        card.write_bytes(content)
        assert told("doctor").code == 0

    def test_a_missing_vault_comes_with_every_cure(self, told: Command, synced: FolderWorld) -> None:
        (synced.vault / "contactd-vault.md").unlink()
        for command in ("doctor", "status", "sync"):
            ran = told(command, *(["--once"] if command == "sync" else []))
            assert (ran.code, "`contactd init " in ran.said, "Mount it" in ran.said) == (69, True, True)

    def test_a_damaged_state_is_not_to_be_trusted(self, told: Command, synced: FolderWorld) -> None:
        (synced.state / "state.db").write_bytes(b"nothing of the kind" * 1000)
        ran = told("doctor")
        assert (ran.code, "`contactd restore " in ran.said) == (69, True)


class TestBackup:
    def test_what_is_restored_is_in_step_again(self, told: Command, synced: FolderWorld) -> None:
        copy = synced.root / "copy.db"
        assert told("backup", copy).code == 0
        linked, sides = synced.linked(), synced.sides()
        told("account", "remove", "home", "--yes")
        assert synced.linked() == []
        assert told("restore", copy).code == 0
        assert synced.linked() == linked
        assert (told("sync", "--once").code, synced.sides()) == (0, sides)

    def test_no_file_is_overwritten(self, told: Command, synced: FolderWorld) -> None:
        ran = told("backup", synced.config)
        assert (ran.code, ran.said.startswith(f"contactd: {synced.config} was not written: ")) == (69, True)

    @pytest.mark.parametrize("name", ["nowhere.db", "config.toml"])
    def test_what_is_no_backup_changes_nothing(self, told: Command, synced: FolderWorld, name: str) -> None:
        linked = synced.linked()
        ran = told("restore", synced.root / name)
        assert (ran.code, "the state is as it was: it " in ran.said, "move" in ran.said) == (69, True, False)
        assert ran.said.startswith(f"contactd: {synced.root / name} was not restored")
        assert synced.linked() == linked


class TestAccount:
    def test_a_new_name_keeps_the_links(self, told: Command, synced: FolderWorld) -> None:
        early = told("account", "rename", "home", "work")
        assert (early.code, "change [accounts.home] to [accounts.work] there" in early.said) == (64, True)
        edit(synced.config, "[accounts.home]", "[accounts.work]")
        linked, sides = synced.linked(), synced.sides()
        assert told("account", "rename", "home", "work").code == 0
        assert (told("sync", "--once").code, synced.linked(), synced.sides()) == (0, linked, sides)
        assert "work: last read just now; 3 notes linked" in told("status").said

    def test_a_name_with_links_of_its_own_is_not_given_to_another(self, told: Command, synced: FolderWorld) -> None:
        edit(synced.config, "[accounts.home]", "[accounts.work]")
        told("sync", "--once", "--yes")
        ran = told("account", "rename", "home", "work")
        assert (ran.code, "`contactd account remove work " in ran.said) == (64, True)

    def test_to_forget_needs_a_word_and_deletes_nothing(self, told: Command, synced: FolderWorld) -> None:
        sides = synced.sides()
        assert told("account", "remove", "home").code == 64
        assert len(synced.linked()) == 3
        assert told("account", "remove", "home", "--yes").code == 0
        assert (synced.linked(), synced.sides()) == ([], sides)

    @pytest.mark.usefixtures("synced")
    def test_nobody_forgets_what_is_not_known(self, told: Command) -> None:
        ran = told("account", "remove", "work", "--yes")
        assert (ran.code, "known: home" in ran.said) == (64, True)


def test_what_changes_the_state_waits_for_nobody(told: Command, synced: FolderWorld) -> None:
    with only_instance(synced.state):
        for command in (
            ("account", "remove", "home", "--yes"),
            ("link", ADA, "new"),
            ("takeover",),
            ("sync", "--once"),
        ):
            assert told(*command).code == 69
