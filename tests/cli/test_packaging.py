"""What is shipped and how it is set up: the wheel, the import names, the locks."""

import json
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from folder_worlds import made, person, run

ROOT = Path(__file__).parent.parent.parent
ELSEWHERE = ROOT / "tests" / "elsewhere"
PACKAGES = ("connectors", "daemon", "mappings")
LOCKS = ("requirements-build.txt", "requirements-dev.txt", "requirements-peers.txt", "requirements.txt")
LOCKED = re.compile(
    r"^(?P<name>[a-z0-9.-]+)==\S+(?: ; [^\\]+)? \\\n(?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", re.MULTILINE
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the tree with the locked build back end and nothing from elsewhere."""
    return built(ROOT, tmp_path_factory.mktemp("wheel"))


def built(tree: Path, folder: Path) -> Path:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=tree, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(wheel: Path, environment: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(environment), "install"]
    subprocess.run([*pip, "--quiet", "--no-index", "--no-deps", str(wheel)], check=True)


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_the_three_packages_whole_and_no_other_code(wheel: Path) -> None:
    modules = {str(path.relative_to(ROOT)) for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    markers = {f"{package}/py.typed" for package in PACKAGES}
    assert {name for name in names_in(wheel) if name.endswith((".py", ".typed"))} == modules | markers


def test_units_and_the_example_configuration_travel_in_the_wheel(wheel: Path) -> None:
    sources = [*(ROOT / "systemd").glob("contactd*"), *ROOT.glob("config.example.toml")]
    shared_data = {Path(name).name for name in names_in(wheel) if ".data/data/share/contactd/" in name}
    assert shared_data == {path.name for path in sources}


def test_the_wheel_brings_one_command_and_the_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        texts = {Path(name).name: archive.read(name).decode() for name in archive.namelist() if ".dist-info/" in name}
    assert texts["entry_points.txt"].split("\n")[:2] == ["[console_scripts]", "contactd = daemon.cli:main"]
    assert texts["LICENSE"].startswith("MIT License")


def test_the_installed_wheel_owns_its_import_names_alone(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    owners = (
        "import json, sys; sys.path = [sys.argv[1], *sys.path]; "
        "from importlib.metadata import packages_distributions; print(json.dumps(packages_distributions()))"
    )
    # Without site-packages (-S) only the unpacked wheel is seen.
    asked = subprocess.run([sys.executable, "-I", "-S", "-c", owners, tmp_path], check=True, capture_output=True)
    assert json.loads(asked.stdout) == {package: ["contactd"] for package in PACKAGES}


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environment_with(wheel, tmp_path_factory.mktemp("installed") / "venv")


def environment_with(wheel: Path, environment: Path) -> Path:
    """Make an environment of its own with the wheel in it, as pipx and uv do; what it needs is lent by this one."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    install(wheel, environment)
    (site_packages,) = environment.glob("lib/python*/site-packages")
    # A path in a .pth file brings its packages, but not the .pth file there that leads to the sources.
    (site_packages / "lent.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return environment


def test_what_is_installed_works_without_the_sources(installed: Path, tmp_path: Path) -> None:
    def said(*command: str) -> str:
        ran = run(tmp_path, installed / "bin" / "contactd", *command)
        assert ran.code == 0, ran.said
        return ran.said

    where = run(tmp_path, installed / "bin" / "python", "-c", "import daemon; print(daemon.__file__)")
    assert Path(where.said.strip()).is_relative_to(installed)
    shutil.copytree(ROOT / "tests" / "sample_vault", tmp_path / "Notes")
    assert said("--help").startswith("Usage: contactd ")
    assert said("--version").startswith("contactd, version ")
    said("init", "Notes")
    assert "8 made; 8 notes linked" in said("sync", "--once", "--yes")
    assert said("sync", "--once").endswith("All is in step.\n")
    assert "BAD" not in said("doctor")


def test_the_installation_brings_the_units_and_the_example(installed: Path) -> None:
    shared = installed / "share" / "contactd"
    sources = [ROOT / "config.example.toml", *(ROOT / "systemd").glob("contactd*")]
    brought = {path.name: path.read_bytes() for path in shared.rglob("*") if path.is_file()}
    assert brought == {path.name: path.read_bytes() for path in sources}


@pytest.fixture(scope="module")
def with_another(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with the example of a connector from elsewhere beside it, built and installed as its author would."""
    environment = environment_with(wheel, tmp_path_factory.mktemp("with_another") / "venv")
    install(built(ELSEWHERE, tmp_path_factory.mktemp("another")), environment)
    return environment


def test_an_installed_connector_from_elsewhere_passes_the_suite_that_is_installed(
    with_another: Path, tmp_path: Path
) -> None:
    shutil.copy(ELSEWHERE / "tests" / "test_jsonfile.py", tmp_path)
    python = with_another / "bin" / "python"
    where = run(tmp_path, python, "-c", "import connectors.contract, contactd_jsonfile as c; print(connectors, c)")
    assert where.said.count(str(with_another)) == 2
    tried = run(tmp_path, python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_jsonfile.py")
    assert re.search(r"^[6-9]\d passed in ", tried.said, re.MULTILINE), tried.said


def test_an_installed_connector_from_elsewhere_is_found_and_used_in_a_sync(with_another: Path, tmp_path: Path) -> None:
    def said(*command: str) -> str:
        ran = run(tmp_path, with_another / "bin" / "contactd", *command, "--config", str(world.config))
        assert ran.code == 0, ran.said
        return ran.said

    people = tmp_path / "people.json"
    account = f'[accounts.file]\nconnector = "jsonfile"\nfile = "{people}"\nnew_contacts = "all"\n'
    world = made(tmp_path, more=account)
    people.write_text(json.dumps({"1": {"name": "Ada Byron", "emails": ["ada@example.test"], "shoe_size": 37}}))
    world.note("Ada Byron").write_text(person("Ada Byron", "email: ada@example.test", "role: Analyst"))
    world.note("Grace Hopper").write_text(person("Grace Hopper"))
    said("init")
    said("sync", "--once", "--yes")
    ada, grace = json.loads(people.read_text()).values()
    assert (ada["title"], ada["shoe_size"], grace["name"]) == ("Analyst", 37, "Grace Hopper")
    people.write_text(people.read_text().replace("Analyst", "Countess"))
    said("sync", "--once", "--yes")
    assert "role: Countess\n" in world.note("Ada Byron").read_text()
    assert said("sync", "--once").endswith("All is in step.\n")
    assert "file: can be read: 2 contacts" in said("doctor")


def test_the_page_on_connectors_shows_the_example_as_it_is_and_travels_with_the_wheel(wheel: Path) -> None:
    page = (ROOT / "connectors" / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```\w+\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    for name in ("pyproject.toml", "contactd_jsonfile.py", "tests/test_jsonfile.py"):
        assert (ELSEWHERE / name).read_text(encoding="utf-8") in shown, name
    assert "connectors/README.md" in names_in(wheel)


def test_all_that_it_needs_is_locked(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        needed = re.findall(r"^Requires-Dist: ([A-Za-z0-9.-]+)", archive.read(name).decode(), re.MULTILINE)
    locked = re.findall(r"^([a-z0-9.-]+)==", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert needed
    assert set(needed) <= set(locked)


def test_nothing_else_in_this_environment_owns_our_import_names() -> None:
    # An editable installation maps no names, so there may be no owner; a foreign one would shadow our modules.
    owners = packages_distributions()
    assert {owner for package in PACKAGES for owner in owners.get(package, [])} <= {"contactd"}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_is_nothing_but_versions_with_hashes(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    left = LOCKED.sub("", text)
    assert [line for line in left.splitlines() if not line.lstrip().startswith("#")] == []
    assert "://" not in text


def test_every_lock_file_is_tested() -> None:
    assert sorted(path.name for path in ROOT.glob("requirements*.txt")) == list(LOCKS)


def test_what_runs_is_what_is_tested() -> None:
    def versions(name: str) -> set[str]:
        return set(re.findall(r"^\S+==\S+", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))

    assert versions("requirements.txt") | versions("requirements-build.txt") <= versions("requirements-dev.txt")
