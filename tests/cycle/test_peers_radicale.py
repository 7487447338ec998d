"""vdirsyncer carries the folder of cards to a Radicale and back: edits made there reach the note, and nothing echoes."""

import re
import socket
import subprocess
import threading
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import unquote

import pytest

from folder_worlds import FolderWorld, Ran, Seen, difference, edit, made, run, writable_copy

SAMPLE_VAULT = Path(__file__).parent.parent / "sample_vault"
COLLECTION = "/me/people/"
TIMEOUT_S = 20

RADICALE = """\
[server]
hosts = 127.0.0.1:{port}
[auth]
type = none
[storage]
filesystem_folder = {root}/server
[logging]
level = info
"""

VDIRSYNCER = """\
[general]
status_path = "{root}/status/"
[pair people]
a = "folder"
b = "server"
collections = null
conflict_resolution = null
[storage folder]
type = "filesystem"
path = "{root}/contacts/"
fileext = ".vcf"
[storage server]
type = "carddav"
url = "http://127.0.0.1:{port}/me/people/"
username = "me"
password = "any"
"""

ADDRESS_BOOK = """\
<create xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"><set><prop>
<resourcetype><collection/><c:addressbook/></resourcetype></prop></set></create>"""

LISTING = '<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>'


@dataclass(frozen=True, slots=True)
class Server:
    """A Radicale on this machine, asked by hand."""

    port: int

    def ask(self, method: str, path: str, body: str = "", **headers: str) -> str:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        # Any user may write below its own name; the password is "any".
        sent = {"Authorization": "Basic bWU6YW55", "Content-Type": "text/xml"} | headers
        connection.request(method, path, body.encode(), sent)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        assert answer.status in {200, 201, 204, 207}, (method, path, answer.status, text)
        return text

    def etags(self) -> Mapping[str, str]:
        """Return the etag of every card, by its path."""
        listed = self.ask("PROPFIND", COLLECTION, LISTING, Depth="1")
        found = re.findall(r"<href>(/[^<]+\.vcf)</href>.*?<getetag>([^<]+)</getetag>", listed, re.DOTALL)
        return {unquote(path): etag for path, etag in found}

    def path_of(self, name: str) -> str:
        (found,) = (path for path in self.etags() if f"\nFN:{name}\n" in self.ask("GET", path).replace("\r\n", "\n"))
        return found


@dataclass(frozen=True, slots=True)
class Chain:
    """Notes, the folder of cards, and the server that vdirsyncer keeps in step with the folder."""

    world: FolderWorld
    server: Server
    vdirsyncer: Callable[..., Ran]

    def round(self) -> None:
        """Run vdirsyncer, then ourselves."""
        carried = self.vdirsyncer("sync")
        assert carried.code == 0, carried.said
        ran = self.world.sync()
        assert ran.code == 0, ran.said

    def sides(self) -> tuple[Seen, Mapping[str, str]]:
        return self.world.sides(), self.server.etags()

    def rests(self) -> None:
        """Once vdirsyncer has carried what we wrote, nobody writes anything more."""
        assert self.vdirsyncer("sync").code == 0
        before = self.sides()
        assert self.world.sync().code == 0
        self.round()
        assert self.sides() == before


@pytest.fixture(scope="module")
def server(needs_tool: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    radicale = needs_tool("radicale")
    root = tmp_path_factory.mktemp("radicale")
    settings, port = root / "radicale.conf", _free_port()
    settings.write_text(RADICALE.format(root=root, port=port))
    with subprocess.Popen([radicale, "--config", settings], stderr=subprocess.PIPE, text=True) as process:
        said = iter(process.stderr or ())
        try:
            assert any("server ready" in line for line in said)
            # What it says from now on must not fill the pipe.
            reader = threading.Thread(target=list, args=(said,))
            reader.start()
            started = Server(port)
            started.ask("MKCOL", COLLECTION, ADDRESS_BOOK)
            yield started
        finally:
            process.kill()
        reader.join()


def _free_port() -> int:
    """Return a port that nobody uses just now; Radicale cannot choose one itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def chain(server: Server, needs_tool: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """The sample vault, carried all the way to the server."""
    program = needs_tool("vdirsyncer")
    world = made(tmp_path_factory.mktemp("chain"))
    writable_copy(SAMPLE_VAULT, world.vault)
    settings = world.root / "vdirsyncer.conf"
    settings.write_text(VDIRSYNCER.format(root=world.root, port=server.port))

    def vdirsyncer(*arguments: str) -> Ran:
        return run(world.root, program, *arguments, answers="y\n" * 9, VDIRSYNCER_CONFIG=str(settings))

    assert world.sync().code == 0
    assert vdirsyncer("discover", "people").code == 0
    chain = Chain(world, server, vdirsyncer)
    chain.round()
    return chain


def test_everybody_arrives_at_the_server_and_nothing_comes_back(chain: Chain) -> None:
    names = re.findall(r"^FN:(.*?)\r?$", chain.server.ask("GET", COLLECTION), re.MULTILINE)
    assert sorted(names) == [
        "Ana Lucía Prado",
        "Freya Lindqvist",
        "Jun Watanabe",
        "Mira Castellan",
        "Ngozi Adeyemi",
        "Oona Byrne",
        "Samir Haddad",
        "Tobias Renner",
    ]
    chain.rests()


def test_an_edit_at_the_server_is_one_line_of_the_note(chain: Chain) -> None:
    path = chain.server.path_of("Tobias Renner")
    note = chain.world.note("Tobias Renner").read_bytes()
    card = chain.server.ask("GET", path)
    assert card.count("TITLE:Editor") == 1
    changed = card.replace("TITLE:Editor", "TITLE:Publisher")
    chain.server.ask("PUT", path, changed, **{"Content-Type": "text/vcard", "If-Match": chain.server.etags()[path]})
    chain.round()
    assert difference(note, chain.world.note("Tobias Renner").read_bytes()) == (
        ("**Role**: Editor at Kiosk & Quill\n",),
        ("**Role**: Publisher at Kiosk & Quill\n",),
    )
    chain.rests()


def test_an_edit_of_the_note_arrives_at_the_server(chain: Chain) -> None:
    path = chain.server.path_of("Samir Haddad")
    edit(chain.world.note("Samir Haddad"), "+353 1 555 0123", "+353 1 555 0124")
    assert chain.world.sync().code == 0
    chain.round()
    assert re.findall(r"^TEL.*?:(.*?)\r?$", chain.server.ask("GET", path), re.MULTILINE) == ["+353 1 555 0124"]
    chain.rests()
