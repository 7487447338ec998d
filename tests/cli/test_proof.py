"""The long proofs, each for a short while: that they can fail is shown by what they count."""

import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

PROOF = Path(__file__).parents[1] / "proof"

pytestmark = pytest.mark.thorough


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"proof_{name}", PROOF / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder outside the system's temporary one, in which vim saves otherwise."""
    folder = Path(tempfile.mkdtemp(prefix="contactd-proof-", dir=os.environ.get("CONTACTD_ELSEWHERE", "/var/tmp")))  # noqa: S108
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("editor", ["vim", "sed", "nano", "in_place"])
def test_no_edit_is_lost_to_an_editor_that_saves_while_we_write(
    editor: str, elsewhere: Path, needs_tool: Callable[[str], Path]
) -> None:
    if editor == "vim" and shutil.which("vim") is None:
        needs_tool("vim.tiny")
    if editor == "nano":
        needs_tool("nano")
        needs_tool("script")
    module = script("editor_races")
    lost, wrote = module.races(elsewhere, module.EDITORS[editor], 50)
    assert lost == 0
    assert wrote > 0


def test_after_a_soak_both_sides_say_what_was_last_said_and_nothing_has_grown(elsewhere: Path) -> None:
    assert script("soak").soak(elsewhere, 30) == []
