"""The commands, run within the test's own process: a process of its own costs more than all that most of them do."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from daemon.cli import main
from folder_worlds import Ran

Contactd = Callable[..., Ran]


@pytest.fixture
def contactd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Contactd:
    """Run a command for an owner whose home is the test's folder, and whose input and output are pipes."""
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path) -> Ran:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        return Ran(result.exit_code, result.output)

    return run
