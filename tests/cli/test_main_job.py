"""`make sync`: what is made once and kept, and what its reader is told."""

import tomllib
from pathlib import Path

from tools.main_job import contents, prepare, report

CARD = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Mira Castellan\r\nEND:VCARD\r\n"


def test_the_configuration_names_the_copies_and_nothing_outside(tmp_path: Path) -> None:
    config = tomllib.loads(prepare(tmp_path).read_text(encoding="utf-8"))
    assert config == {
        "vault": {"path": str(tmp_path / "vault")},
        "state": {"path": str(tmp_path / "state")},
        "accounts": {
            "home": {
                "connector": "vdir",
                "contacts": str(tmp_path / "contacts"),
                "calendars": [str(tmp_path / "calendar")],
                "me": ["me@example.test"],
            }
        },
    }


def test_edits_of_the_copy_outlive_the_next_run(tmp_path: Path) -> None:
    prepare(tmp_path)
    note = tmp_path / "vault" / "People" / "Jun Watanabe.md"
    note.write_bytes(b"edited")
    prepare(tmp_path)
    assert note.read_bytes() == b"edited"


def test_a_copy_that_was_cut_short_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "vault.copying").mkdir()
    prepare(tmp_path)
    assert len(list((tmp_path / "vault" / "People").glob("*.md"))) == 8
    assert not (tmp_path / "vault.copying").exists()


def test_the_report_names_what_was_written_and_shows_the_card(tmp_path: Path) -> None:
    prepare(tmp_path)
    before = contents(tmp_path)
    (tmp_path / "contacts" / "m.vcf").write_bytes(CARD)
    told = report(tmp_path, before, contents(tmp_path))
    assert "Written:\n  contacts/m.vcf\n" in told
    assert "FN:Mira Castellan\n" in told


def test_a_run_that_wrote_nothing_says_that_all_is_in_step(tmp_path: Path) -> None:
    prepare(tmp_path)
    (tmp_path / "contacts" / "m.vcf").write_bytes(CARD)
    after = contents(tmp_path)
    assert "all is in step" in report(tmp_path, after, after)
