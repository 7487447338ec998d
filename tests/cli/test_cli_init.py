"""`contactd init`: what it finds, what it writes, and what it leaves as it is."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from daemon.config import load
from daemon.marker import read_marker, write_marker
from folder_worlds import Ran, person, seen

Contactd = Callable[..., Ran]
SAMPLE = Path(__file__).parent.parent / "sample_vault"
CONFIG = Path(".config/contactd/config.toml")


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    return shutil.copytree(SAMPLE, tmp_path / "My Notes")


def test_a_new_owner_gets_as_far_as_the_first_sync_with_the_commands_that_init_names(
    contactd: Contactd, vault: Path, tmp_path: Path
) -> None:
    begun = contactd("init", vault)
    assert begun.code == 0
    assert "11 notes, 8 of them about people" in begun.said
    assert "  birthday:      birthday\n" in begun.said
    assert "`contactd sync --once --dry-run`\n" in begun.said
    assert contactd("sync", "--once", "--dry-run").code == 4
    assert contactd("sync", "--once", "--yes").code == 0
    assert len(list((tmp_path / ".contacts/people").glob("*.vcf"))) == 8


def test_the_configuration_is_the_owners_alone_and_says_what_was_found(
    contactd: Contactd, vault: Path, tmp_path: Path
) -> None:
    contactd("init", vault)
    assert (tmp_path / CONFIG).stat().st_mode & 0o777 == 0o600
    config = load(tmp_path / CONFIG)
    assert (config.vault.path, config.vault.profile) == (vault, "people-notes")
    assert [account.name for account in config.accounts] == ["home"]
    assert config.state == tmp_path / ".local/state/contactd"
    assert read_marker(vault) is not None


def test_done_again_it_keeps_the_configuration_and_brings_back_a_lost_marker(
    contactd: Contactd, vault: Path, tmp_path: Path
) -> None:
    contactd("init", vault)
    contactd("sync", "--once", "--yes")
    marker, config = read_marker(vault), (tmp_path / CONFIG).read_bytes() + b"# mine\n"
    (tmp_path / CONFIG).write_bytes(config)
    (vault / "contactd-vault.md").unlink()
    lost = contactd("sync", "--once")
    assert (lost.code, "`contactd init` writes it anew" in lost.said) == (69, True)
    assert contactd("init").code == 0
    assert (read_marker(vault), (tmp_path / CONFIG).read_bytes()) == (marker, config)
    assert contactd("sync", "--once").code == 0


def test_a_lost_marker_is_not_brought_back_in_a_folder_without_the_linked_people(
    contactd: Contactd, vault: Path, tmp_path: Path
) -> None:
    contactd("init", vault)
    contactd("sync", "--once", "--yes")
    vault.rename(tmp_path / "unmounted")
    vault.mkdir()
    again = contactd("init")
    assert (again.code, list(vault.iterdir())) == (69, [])


def test_no_configuration_is_overwritten_for_another_vault(contactd: Contactd, vault: Path, tmp_path: Path) -> None:
    contactd("init", vault)
    (tmp_path / "Other").mkdir()
    before = seen(tmp_path)
    other = contactd("init", tmp_path / "Other")
    assert (other.code, str(vault) in other.said) == (78, True)
    assert seen(tmp_path) == before


@pytest.mark.parametrize(
    ("frontmatter", "profile"),
    [
        ("categories:\n  - '[[People]]'\nbirthday: 1990-01-02", "kepano"),
        ("FN: Ada\nN.GN: Ada\nEMAIL[WORK]: ada@example.test", "vcf-contacts"),
        ("First Name: Ada\nLast Name: Byron\nEmail:\n  - ada@example.test\ntags:\n  - person", "czottmann"),
    ],
)
def test_the_profile_is_found(contactd: Contactd, tmp_path: Path, frontmatter: str, profile: str) -> None:
    (tmp_path / "Notes").mkdir()
    (tmp_path / "Notes" / "Ada.md").write_text(f"---\n{frontmatter}\n---\n")
    assert "1 note, 1 of them about people" in contactd("init", tmp_path / "Notes").said
    assert load(tmp_path / CONFIG).vault.profile == profile


def test_a_vault_without_people_is_told_how_to_name_them(contactd: Contactd, tmp_path: Path) -> None:
    (tmp_path / "Notes").mkdir()
    (tmp_path / "Notes" / "Diary.md").write_text("Nobody.\n")
    begun = contactd("init", tmp_path / "Notes")
    assert (begun.code, "`people` under [vault]" in begun.said) == (0, True)


def test_a_vault_of_another_machine_stays_its_own_until_it_is_taken_over(
    contactd: Contactd, vault: Path, tmp_path: Path
) -> None:
    (vault / "People" / "Ada.md").write_text(person("Ada"))
    contactd("init", vault)
    for name in (".config", ".local"):
        shutil.rmtree(tmp_path / name)
    begun = contactd("init", vault)
    assert (begun.code, "`contactd takeover`" in begun.said) == (69, True)
    assert contactd("sync", "--once").code == 69
    assert "from now on" in contactd("takeover").said
    assert contactd("sync", "--once", "--dry-run").code == 4
    assert "already; nothing was changed" in contactd("takeover").said


def test_a_lost_state_is_told_from_another_machine_and_a_backup_brings_all_of_it_back(
    contactd: Contactd, vault: Path, tmp_path: Path
) -> None:
    contactd("init", vault)
    contactd("sync", "--once", "--yes")
    assert contactd("backup", tmp_path / "copy.db").code == 0
    shutil.rmtree(tmp_path / ".local")
    for command in (("sync", "--once"), ("status",), ("init",)):
        lost = contactd(*command)
        assert (lost.code, "its state was lost, `contactd restore FILE`" in lost.said) == (69, True)
    assert contactd("restore", tmp_path / "copy.db").code == 0
    assert contactd("sync", "--once").said.endswith("All is in step.\n")


def test_a_vault_that_another_machine_took_over_says_just_that(contactd: Contactd, vault: Path) -> None:
    contactd("init", vault)
    contactd("sync", "--once", "--yes")
    marker = read_marker(vault)
    assert marker is not None
    write_marker(vault, replace(marker, machine_id=uuid4()))
    taken = contactd("sync", "--once")
    assert (taken.code, taken.said.startswith(f"contactd: {vault}: another machine keeps this vault in step")) == (
        69,
        True,
    )
    assert "lost" not in taken.said


@pytest.mark.parametrize("in_the_way", [".contacts", ".config"])
def test_where_nothing_can_be_made_it_says_so(contactd: Contactd, vault: Path, tmp_path: Path, in_the_way: str) -> None:
    (tmp_path / in_the_way).write_text("no folder")
    begun = contactd("init", vault)
    assert (begun.code, f"{tmp_path / in_the_way}" in begun.said, "cannot be made: " in begun.said) == (69, True, True)
    assert (read_marker(vault), (tmp_path / CONFIG).exists()) == (None, False)


def test_a_folder_that_is_not_there_is_no_vault(contactd: Contactd, tmp_path: Path) -> None:
    begun = contactd("init", tmp_path / "nowhere")
    assert (begun.code, "make it first" in begun.said, "deleted" in begun.said) == (69, True, False)
    assert seen(tmp_path) == {}
