"""`make sync`: run contactd once on a copy of the sample vault, and say in plain words what happened.

The copy, its address book, configuration and state lie in one folder and are kept, so that whoever edits
the note or the card sees the next run carry the edit over.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

_TESTS = Path(__file__).parent.parent
_CONTACTD = Path(sys.executable).with_name("contactd")
_SHOWN = "Mira Castellan"
_MET = "Ngozi Adeyemi"

_CONFIG = """\
[vault]
path = {vault}

[state]
path = {state}

[accounts.home]
connector = "vdir"
contacts = {contacts}
calendars = [{calendar}]
me = ["me@example.test"]
"""

Bytes = Mapping[Path, bytes]
"""The content of every note and card, by path."""


def main(folder: Path) -> int:
    """Set the folder up where it is not yet, sync once, print what was written; return contactd's exit code."""
    config = prepare(folder)
    before = contents(folder)
    code = subprocess.run([_CONTACTD, "sync", "--once", "--yes", "--config", config], check=False).returncode
    if code == 0:
        print(report(folder, before, contents(folder)))
    else:
        print(f"\ncontactd ended with exit code {code}; its own words stand above. It was run with {config}")
    return code


def prepare(folder: Path) -> Path:
    """Copy the sample vault and calendar into the folder unless they are there; return the configuration's path."""
    _copy_once(_TESTS / "sample_vault", folder / "vault")
    _copy_once(_TESTS / "sample_calendar", folder / "calendar")
    (folder / "contacts").mkdir(exist_ok=True)
    names = ("vault", "state", "contacts", "calendar")
    config = folder / "config.toml"
    config.write_text(_CONFIG.format(**{name: _toml(folder / name) for name in names}), encoding="utf-8")
    return config


def contents(folder: Path) -> Bytes:
    """Read all notes and cards of the folder."""
    paths = [*folder.glob("vault/**/*.md"), *folder.glob("contacts/**/*.vcf")]
    return {path: path.read_bytes() for path in sorted(paths)}


def report(folder: Path, before: Bytes, after: Bytes) -> str:
    """Say which notes and cards were written, where to look, and what to try next."""
    written = [path for path, content in after.items() if before.get(path) != content]
    card = _card(after)
    return "\n".join(
        [
            "",
            *_changes(folder, written),
            "",
            f"A note:    {folder / 'vault' / 'People' / f'{_SHOWN}.md'}",
            f"Its card:  {card}",
            "",
            after[card].decode().replace("\r\n", "\n"),
            "Edit either of the two and run `make sync` again: the other follows.",
            f"{_MET} has a last contact from the calendar; this says why:",
            f'    {_CONTACTD} why "{_MET}" --config {folder / "config.toml"}',
            f"The configuration is {folder / 'config.toml'}; `make clean` removes all of it.",
        ]
    )


def _changes(folder: Path, written: Iterable[Path]) -> list[str]:
    lines = [f"  {path.relative_to(folder)}" for path in written]
    return ["Written:", *lines] if lines else ["Nothing had to be written: all is in step."]


def _card(after: Bytes) -> Path:
    named = f"\nFN:{_SHOWN}".encode()
    return next(path for path, content in after.items() if path.suffix == ".vcf" and named in content)


def _copy_once(source: Path, target: Path) -> None:
    if target.exists():
        return
    half_done = target.with_name(f"{target.name}.copying")
    shutil.rmtree(half_done, ignore_errors=True)
    shutil.copytree(source, half_done)
    half_done.rename(target)


def _toml(path: Path) -> str:
    """Return the path as a TOML basic string, whose escapes are those of JSON."""
    return json.dumps(str(path.absolute()))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
