"""The service as a process: what wakes it, what ends it, and what is done to its vault and state meanwhile."""

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from daemon.ask import asking, is_answering, socket_path
from daemon.errors import AlreadyRunning
from daemon.lending import borrowed, open_anew
from daemon.sitting import LATE_S, LOOK_ROUND_S
from folder_worlds import FolderWorld, card, edit, made, person
from service_worlds import PATIENCE_S, Running, running, until

pytestmark = pytest.mark.thorough

ADA = "Ada Byron"
QUICK = "[service]\ndebounce_s = 0.1\ninterval_s = 1\n"


@pytest.fixture
def world(tmp_path: Path) -> FolderWorld:
    world = made(tmp_path, more=QUICK)
    for name in (ADA, "Grace Hopper"):
        world.note(name).write_text(person(name, "company: Engines"))
    assert world.sync().code == 0
    return world


@pytest.fixture
def service(world: FolderWorld) -> Iterator[Running]:
    with running(world) as service:
        yield service


def said_by_card(world: FolderWorld, text: str, name: str = ADA) -> bool:
    return until(lambda: text.encode() in world.card_of(name).read_bytes())


def said_by_note(world: FolderWorld, text: str, name: str = ADA) -> bool:
    return until(lambda: text in world.note(name).read_text())


def test_edits_travel_both_ways_while_it_runs(world: FolderWorld, service: Running) -> None:
    edit(world.note(ADA), "company: Engines", "company: Looms")
    assert said_by_card(world, "ORG:Looms")
    edit(world.card_of("Grace Hopper"), "ORG:Engines", "ORG:Navy")
    assert said_by_note(world, "company: Navy", "Grace Hopper")
    world.note("Mary Somerville").write_text(person("Mary Somerville", "company: Royal Society"))
    assert until(lambda: len(world.cards()) == 3)
    assert service.stop() == 0


def test_stopped_it_ends_well_and_leaves_no_socket(world: FolderWorld, service: Running) -> None:
    assert is_answering(world.state)
    begun = time.monotonic()
    assert service.stop() == 0
    assert time.monotonic() - begun < 30
    assert not socket_path(world.state).exists()
    assert world.sync().code == 0


def test_killed_it_is_as_if_it_had_never_been(world: FolderWorld, service: Running) -> None:
    edit(world.note(ADA), "company: Engines", "company: Looms")
    service.signal(signal.SIGKILL)
    service.ends()
    with running(world) as again:
        assert said_by_card(world, "ORG:Looms")
        assert again.stop() == 0


def test_a_second_one_is_told_of_the_first_and_disturbs_nothing(world: FolderWorld, service: Running) -> None:
    second = Running(world)
    assert second.ends() == 69
    assert f"contactd is already running (process {service.process.pid})" in second.log
    second.close()
    assert is_answering(world.state)
    edit(world.note(ADA), "company: Engines", "company: Looms")
    assert said_by_card(world, "ORG:Looms")


def test_without_a_marker_there_is_nothing_to_serve(tmp_path: Path) -> None:
    world = made(tmp_path)
    service = Running(world)
    assert service.ends() == 69
    assert "contactd init" in service.log
    service.close()


class TestAsked:
    """`sync --once` and the commands that change the state, while the service runs."""

    @pytest.mark.usefixtures("service")
    def test_a_sync_is_done_by_the_service_and_told_as_ever(self, world: FolderWorld) -> None:
        (world.contacts / "new.vcf").write_text(card(ADA, "EMAIL:x@example.test"))
        ran = world.sync()
        assert (ran.code, "home: 3 contacts seen" in ran.said) == (0, True)
        document = json.loads(world.sync("--json").said)
        assert (document["exit_code"], document["accounts"][0]["health"]) == (0, "ok")
        assert world.contactd("sync", "--once", "--account", "nobody").code == 64

    def test_what_only_reads_works_beside_it(self, world: FolderWorld, service: Running) -> None:
        for command in (("status",), ("conflicts",), ("links",), ("sync", "--once", "--dry-run"), ("doctor",)):
            assert world.contactd(*command).code == 0
        assert "at work" in world.contactd("status").said
        assert service.process.poll() is None

    @pytest.mark.usefixtures("service")
    def test_a_plan_that_waits_is_let_run_by_the_owner(self, world: FolderWorld) -> None:
        met = world.root / "Met"
        met.mkdir()
        for number in range(40):
            (met / f"Person {number}.md").write_text(person(f"Person {number}"))
        met.rename(world.vault / "People" / "Met")  # all at once: a round between two of them would write the first
        assert until(lambda: world.contactd("status").code == 4)
        assert len(world.cards()) == 2
        assert world.contactd("sync", "--once").code == 4
        assert world.sync().code == 0
        assert len(world.cards()) == 42

    def test_the_state_is_lent_to_a_command_and_taken_back(self, world: FolderWorld, service: Running) -> None:
        with borrowed(world.state):
            edit(world.note(ADA), "company: Engines", "company: Looms")
            time.sleep(1)
            assert b"ORG:Looms" not in world.card_of(ADA).read_bytes()
        assert said_by_card(world, "ORG:Looms")
        copy = world.root / "copy.db"
        assert world.contactd("backup", str(copy)).code == 0
        assert world.contactd("restore", str(copy)).code == 0
        # What differs before both sides were read again is asked about.
        assert world.sync().code == 0
        edit(world.note(ADA), "company: Looms", "company: Cards")
        assert said_by_card(world, "ORG:Cards")
        assert service.process.poll() is None

    def test_an_account_that_was_renamed_meanwhile_keeps_its_links(self, world: FolderWorld, service: Running) -> None:
        linked = world.linked()
        edit(world.config, "[accounts.home]", "[accounts.work]")
        assert world.contactd("account", "rename", "home", "work").code == 0
        edit(world.note(ADA), "company: Engines", "company: Looms")
        assert said_by_card(world, "ORG:Looms")
        assert world.linked() == linked
        assert service.stop() == 0

    def test_opened_anew_it_reads_accounts_before_their_time(self, world: FolderWorld) -> None:
        edit(world.config, "interval_s = 1", "interval_s = 86400")
        open_anew(world.state)
        with running(world) as service:
            assert until(lambda: "last read just now" in world.contactd("status").said)
            edit(world.card_of(ADA), "ORG:Engines", "ORG:Looms")
            open_anew(world.state)
            assert said_by_note(world, "company: Looms")
            assert service.stop() == 0

    @pytest.mark.usefixtures("service")
    def test_a_borrower_that_dies_gives_back(self, world: FolderWorld) -> None:
        script = "import sys, os; from pathlib import Path; from daemon.lending import borrowed\n"
        script += "with borrowed(Path(sys.argv[1])): os._exit(1)"
        subprocess.run([sys.executable, "-c", script, world.state], check=False)
        edit(world.note(ADA), "company: Engines", "company: Looms")
        assert said_by_card(world, "ORG:Looms")

    def test_the_socket_is_the_owners_alone(self, world: FolderWorld, service: Running) -> None:
        assert socket_path(world.state).stat().st_mode & 0o777 == 0o600
        if os.geteuid() == 0:
            socket_path(world.state).chmod(0o666)
            world.state.chmod(0o755)
            asked = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
            asked += 's.sendall(b\'{"ask": "sync"}\\n\'); print(s.recv(100))'
            command = [
                "setpriv",
                "--reuid=65534",
                "--clear-groups",
                "python3",
                "-c",
                asked,
                str(socket_path(world.state)),
            ]
            for folder in world.root.parents:
                if folder.stat().st_mode & 0o5 == 0:
                    pytest.skip("another user cannot come that far")
            heard = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
            assert heard.stdout.strip() in {"b''", ""}
        assert service.process.poll() is None

    @pytest.mark.usefixtures("service")
    def test_what_makes_no_sense_is_not_answered(self, world: FolderWorld) -> None:
        with pytest.raises(AlreadyRunning), asking(world.state, {"ask": "everything"}):
            pass
        assert world.sync().code == 0


class TestSignals:
    def test_usr1_syncs_now(self, world: FolderWorld) -> None:
        edit(world.config, "interval_s = 1", "interval_s = 86400")
        with running(world) as service:
            assert until(lambda: "last read just now" in world.contactd("status").said)
            edit(world.card_of(ADA), "ORG:Engines", "ORG:Looms")
            service.signal(signal.SIGUSR1)
            assert said_by_note(world, "company: Looms")

    def test_hup_reads_the_configuration_anew(self, world: FolderWorld, service: Running) -> None:
        edit(world.config, "[accounts.home]", '[accounts.home]\nnew_contacts = "none"')
        # While it is stopped, so that the first look by the new rules sees them, and none by the former.
        service.signal(signal.SIGSTOP)
        world.note("Mary Somerville").write_text(person("Mary Somerville"))
        edit(world.note(ADA), "company: Engines", "company: Looms")
        service.signal(signal.SIGHUP)
        service.signal(signal.SIGCONT)
        assert service.says("the configuration was read anew")
        # Other rules than before: the first plan by them waits to be seen.
        assert until(lambda: world.contactd("status").code == 4)
        assert world.sync().code == 0
        assert said_by_card(world, "ORG:Looms")
        assert len(world.cards()) == 2
        assert service.stop() == 0

    def test_a_broken_configuration_is_refused_and_every_problem_named(
        self, world: FolderWorld, service: Running
    ) -> None:
        good = world.config.read_text()
        world.config.write_text(good.replace("interval_s = 1", "interval_s = 0\nhurry = true"))
        service.signal(signal.SIGHUP)
        assert service.says("service.interval_s: is 0; expected")
        assert service.says("service.hurry: unknown key")
        edit(world.note(ADA), "company: Engines", "company: Looms")
        assert said_by_card(world, "ORG:Looms")
        world.config.write_text(good.replace(str(world.state), str(world.root / "elsewhere")))
        service.signal(signal.SIGHUP)
        assert service.says("state.path can only be changed by a restart")
        assert service.stop() == 0

    def test_many_at_once_are_one_after_the_other(self, world: FolderWorld, service: Running) -> None:
        for _ in range(20):
            service.signal(signal.SIGHUP)
            service.signal(signal.SIGUSR1)
        edit(world.note(ADA), "company: Engines", "company: Looms")
        assert said_by_card(world, "ORG:Looms")
        assert service.stop() == 0


class TestVaultAway:
    """Nothing is deleted, a reason is told, and it goes on by itself when the vault is back."""

    def gone(self, world: FolderWorld, service: Running) -> None:
        assert service.says("it is waited for")
        assert service.hears("nothing was deleted")
        assert world.sync().code == 69
        assert len(world.cards()) == 2
        assert service.process.poll() is None

    def back(self, world: FolderWorld, service: Running) -> None:
        assert service.says("the vault is back")
        edit(world.note(ADA), "company: Engines", "company: Looms")
        assert said_by_card(world, "ORG:Looms")
        assert len(world.cards()) == 2
        assert service.stop() == 0

    def test_renamed_and_back(self, world: FolderWorld, service: Running) -> None:
        world.vault.rename(world.root / "moved")
        self.gone(world, service)
        (world.root / "moved").rename(world.vault)
        self.back(world, service)

    def test_another_folder_in_its_place(self, world: FolderWorld, service: Running) -> None:
        world.vault.rename(world.root / "moved")
        (world.vault / "People").mkdir(parents=True)
        self.gone(world, service)
        shutil.rmtree(world.vault)
        (world.root / "moved").rename(world.vault)
        self.back(world, service)

    def test_unmounted_and_mounted_again(self, world: FolderWorld) -> None:
        if os.geteuid() != 0:
            pytest.skip("only root can mount")
        disk = world.root / "disk"
        shutil.copytree(world.vault, disk)
        subprocess.run(["/bin/mount", "--bind", disk, world.vault], check=True)
        mounted = True
        try:
            with running(world) as service:
                edit(world.note(ADA), "company: Engines", "company: Cards")
                assert said_by_card(world, "ORG:Cards")
                (world.vault / "keeps the mount busy").touch()
                subprocess.run(["/bin/umount", world.vault], check=True)
                mounted = False
                shutil.rmtree(world.vault)
                world.vault.mkdir()
                self.gone(world, service)
                subprocess.run(["/bin/mount", "--bind", disk, world.vault], check=True)
                mounted = True
                edit(world.note(ADA), "company: Cards", "company: Engines")
                self.back(world, service)
        finally:
            if mounted:
                subprocess.run(["/bin/umount", "--lazy", world.vault], check=True)

    def test_away_at_the_start_it_is_waited_for(self, world: FolderWorld) -> None:
        world.vault.rename(world.root / "moved")
        with running(world) as service:
            self.gone(world, service)
            (world.root / "moved").rename(world.vault)
            edit(world.note(ADA), "company: Engines", "company: Looms")
            assert said_by_card(world, "ORG:Looms")

    def test_another_machines_vault_is_let_go_of(self, world: FolderWorld, service: Running) -> None:
        marker = world.vault / "contactd-vault.md"
        text = marker.read_text()
        machine = next(line for line in text.splitlines() if line.startswith("contactd_machine"))
        marker.write_text(text.replace(machine, "contactd_machine: 00000000-0000-4000-8000-000000000009"))
        assert service.ends() == 69
        assert "contactd takeover" in service.log


class TestStateAway:
    def test_removed_under_it_nothing_more_is_written(self, world: FolderWorld, service: Running) -> None:
        world.state.rename(world.root / "elsewhere")
        assert service.ends() == 69
        assert "the state was moved, removed or replaced" in service.log
        assert len(world.cards()) == 2

    def test_a_state_that_is_locked_by_a_stranger_is_waited_for(self, world: FolderWorld, service: Running) -> None:
        # Longer than SQLite's own patience, with an edit that has to be journaled meanwhile.
        with closing(sqlite3.connect(world.state / "state.db", isolation_level=None)) as stranger:
            stranger.execute("BEGIN IMMEDIATE")
            edit(world.note(ADA), "company: Engines", "company: Looms")
            assert service.says("another program is using it")
            stranger.execute("ROLLBACK")
        assert said_by_card(world, "ORG:Looms")
        assert service.stop() == 0


def test_after_a_suspension_everything_is_looked_at_at_once(world: FolderWorld) -> None:
    edit(world.config, "interval_s = 1", "interval_s = 86400")
    with running(world) as service:
        assert until(lambda: "last read just now" in world.contactd("status").said)
        service.signal(signal.SIGSTOP)
        edit(world.card_of(ADA), "ORG:Engines", "ORG:Looms")
        # Longer than it may oversleep; a suspended machine is the same to it.
        time.sleep(LOOK_ROUND_S + LATE_S + 2)
        service.signal(signal.SIGCONT)
        assert said_by_note(world, "company: Looms")
        assert "everything is looked at" in service.log


def test_more_files_than_events_while_it_is_stopped_are_all_seen(tmp_path: Path) -> None:
    world = made(tmp_path, more=QUICK + "[brakes]\npeople = 100000\n")
    world.note(ADA).write_text(person(ADA))
    assert world.sync().code == 0
    with running(world) as service:
        assert until(lambda: "last read just now" in world.contactd("status").said)
        service.signal(signal.SIGSTOP)
        for number in range(20_000):
            (world.vault / "People" / f"{number}.md").write_bytes(b"not about anybody\n")
        world.note("Last One").write_text(person("Last One"))
        service.signal(signal.SIGCONT)
        assert until(lambda: len(world.cards()) == 2, 180)
        with world.opened_state() as state:
            assert until(lambda: state.all("SELECT count(*) FROM notes") == [(20_002,)], 180)
        assert service.stop() == 0


def test_a_full_disk_is_waited_for_and_nothing_is_lost(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    world = made(tmp_path, more=QUICK)
    world.state.mkdir(mode=0o700)
    subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "tmpfs", world.state], check=True)
    try:
        world.note(ADA).write_text(person(ADA, "company: Engines"))
        assert world.sync().code == 0
        with running(world) as service:
            assert until(lambda: "at work" in world.contactd("status").said)
            filling = world.state / "filling"
            with filling.open("wb", buffering=0) as file, suppress(OSError):
                while True:
                    file.write(bytes(4096))
            edit(world.note(ADA), "company: Engines", "company: Looms")
            assert service.says("tried again in")
            assert service.process.poll() is None
            filling.unlink()
            assert said_by_card(world, "ORG:Looms")
            assert service.stop() == 0
    finally:
        subprocess.run(["/bin/umount", "--lazy", world.state], check=True)


def test_an_account_that_hangs_delays_neither_the_others_nor_the_end(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        word = tmp_path / "word"
        word.write_text("secret")
        word.chmod(0o600)
        hanging = f'[accounts.cloud]\nconnector = "dav"\nurl = "http://127.0.0.1:{port}/"\nusername = "me"\n'
        world = made(tmp_path, more=f"{QUICK}{hanging}password_file = {json.dumps(str(word))}\n")
        world.note(ADA).write_text(person(ADA, "company: Engines"))
        assert world.sync("--account", "home").code in {0, 2}
        with running(world) as service:
            assert until(lambda: len(world.cards()) == 1)
            edit(world.note(ADA), "company: Engines", "company: Looms")
            assert said_by_card(world, "ORG:Looms")
            begun = time.monotonic()
            assert service.stop() == 0
            assert time.monotonic() - begun < 30
