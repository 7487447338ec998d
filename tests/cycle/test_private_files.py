"""Everything that contactd keeps of the owner's people is his alone to read, whatever the umask of who runs it."""

import os
import shlex
import stat
from pathlib import Path

from folder_worlds import CONTACTD, card, edit, made, person, run


def test_all_that_a_run_keeps_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    world = made(tmp_path)
    world.note("Ada Canary").write_text(person("Ada Canary", "email: ada.canary@example.test"))
    (world.contacts / "bo.vcf").write_text(card("Bo Other", "EMAIL:bo@example.test"), newline="")
    for old, new in (("ada.canary@", "ada.later@"), ("ada.later@", "ada.last@")):
        # As lax as a umask can be: whatever a file is to be kept from must be in its own mode.
        command = (
            f"umask 0 && exec {shlex.join([str(CONTACTD), 'sync', '--once', '--yes', '--config', str(world.config)])}"
        )
        assert run(world.root, "sh", "-c", command).code == 0
        edit(world.note("Ada Canary"), old, new)
    assert modes(world.state, stat.S_ISDIR) == {0o700}
    assert modes(world.state, stat.S_ISREG) == {0o600}


def modes(folder: Path, is_kind: object) -> set[int]:
    places = [folder, *(Path(root) / name for root, dirs, files in os.walk(folder) for name in (*dirs, *files))]
    kinds = {place: place.lstat().st_mode for place in places}
    return {stat.S_IMODE(mode) for mode in kinds.values() if callable(is_kind) and is_kind(mode)}
