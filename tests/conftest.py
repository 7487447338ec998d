"""What any test may ask for: a program, the folder of shared material."""

import os
import shutil
from collections.abc import Callable, Generator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings

import dav_servers
from dav_servers import Server
from users import lacking

NeedsTool = Callable[[str], Path]

# No test reaches the keyring of whoever runs it, nor does a program that a test starts.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"

_PEERS = Path(__file__).parent.parent / ".venv-peers" / "bin"

# Two busy cores make any deadline a matter of luck; the number of examples is what bounds a test.
settings.register_profile("contactd", deadline=None, print_blob=True)
settings.load_profile("contactd")


@pytest.fixture
def open_folder() -> Generator[Path]:
    """A folder that any user can look into; pytest's own is closed again whenever another run of it begins."""
    with TemporaryDirectory(prefix="contactd-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture(scope="session")
def needs_tool() -> NeedsTool:
    """Find a program by name; without it the test is skipped with a word, and fails where `CI=true`."""
    return _tool


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder that `CONTACTD_SHARED` names; without the variable the test is skipped with a word."""
    named = os.environ.get("CONTACTD_SHARED")
    if not named:
        pytest.skip("CONTACTD_SHARED names no folder")
    folder = Path(named)
    if not folder.is_dir():
        pytest.fail(f"CONTACTD_SHARED is {named}, which is no folder")
    return folder


@pytest.fixture(scope="session")
def radicale(needs_tool: NeedsTool, tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    """A Radicale that all tests share; each makes collections of its own."""
    with dav_servers.radicale(needs_tool("radicale"), tmp_path_factory.mktemp("radicale")) as server:
        yield server


@pytest.fixture(scope="session")
def xandikos(needs_tool: NeedsTool, tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    """A xandikos that all tests share; each makes collections of its own."""
    with dav_servers.xandikos(needs_tool("xandikos"), tmp_path_factory.mktemp("xandikos")) as server:
        yield server


@pytest.fixture(params=["radicale", "xandikos"])
def dav_server(request: pytest.FixtureRequest) -> Server:
    """Each of the servers in turn."""
    server: Server = request.getfixturevalue(request.param)
    return server


def _tool(name: str) -> Path:
    found = shutil.which(name, path=os.pathsep.join((str(_PEERS), os.environ.get("PATH", os.defpath))))
    if found is None:
        lacking(f"{name} is not installed")
    return Path(found)
