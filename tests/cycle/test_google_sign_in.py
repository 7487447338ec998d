"""`contactd auth` for a Google account, with the installed program, a browser that agrees by itself, and what goes wrong."""

import json
import os
import subprocess
import threading
from collections.abc import Generator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from connectors.google_access import CALENDARS_SCOPE, CONTACTS_SCOPE
from emulators.google import answers
from emulators.google.server import Server
from emulators.google.world import When
from folder_worlds import CONTACTD, FolderWorld, run
from google_worlds import ME, GoogleWorld, made

PATIENCE_S = 120


class SignedIn(NamedTuple):
    """How a sign-in ended: the address that was shown, and everything that was said."""

    code: int
    address: str
    said: str


@pytest.fixture
def server() -> Generator[Server]:
    with Server().running() as running:
        yield running


@pytest.fixture
def worlds(server: Server, tmp_path: Path) -> tuple[FolderWorld, GoogleWorld]:
    return made(server, tmp_path, signed_in=False)


def sign_in(world: FolderWorld) -> SignedIn:
    """Sign in as somebody at another machine does: the address is read from its line and opened in a browser."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    with subprocess.Popen(
        [str(CONTACTD), "auth", "home", "--no-browser", "--config", str(world.config)],
        env=mine | {"HOME": str(world.root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        guard = threading.Timer(PATIENCE_S, process.kill)
        guard.start()
        assert process.stdout is not None
        lines: list[str] = []
        address = ""
        for line in process.stdout:
            lines.append(line)
            if line.startswith("http") and " " not in line.strip():
                address = line.strip()
                httpx.get(address, follow_redirects=True, trust_env=False)
        code = process.wait()
        guard.cancel()
    return SignedIn(code, address, "".join(lines))


def test_whoever_signs_in_is_told_as_whom_and_that_each_api_works(worlds: tuple[FolderWorld, GoogleWorld]) -> None:
    world, google = worlds
    done = sign_in(world)
    assert (done.code, "Signed in as owner@example.test." in done.said) == (0, True)
    assert "People API: works." in done.said
    assert "Google Calendar API: works." in done.said
    query = parse_qs(urlsplit(done.address).query)
    assert query["code_challenge_method"] == ["S256"]
    assert query["scope"] == [f"openid email {CONTACTS_SCOPE} {CALENDARS_SCOPE}"]
    redirect = urlsplit(query["redirect_uri"][0])
    assert (redirect.hostname, len(redirect.path) > 16) == ("127.0.0.1", True)
    assert google.google.violations == []
    (token,) = (world.state / "tokens").glob("*.token")
    assert (token.stat().st_mode & 0o777, token.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert world.sync().code == 0


def test_no_more_is_asked_for_than_what_is_synced_needs(server: Server, tmp_path: Path) -> None:
    world, _ = made(server, tmp_path, signed_in=False, account="contacts = false")
    address = sign_in(world).address
    assert parse_qs(urlsplit(address).query)["scope"] == [f"openid email {CALENDARS_SCOPE}"]


def test_nothing_that_lets_anybody_in_is_said(worlds: tuple[FolderWorld, GoogleWorld]) -> None:
    world, google = worlds
    done = sign_in(world)
    said = done.said.replace(done.address, "")
    secrets = [*google.google.tokens.access, *google.google.tokens.refresh, google.google.client_secret]
    assert [secret for secret in secrets if secret in said] == []


def test_a_box_that_was_left_unticked_is_named_and_nothing_is_kept(worlds: tuple[FolderWorld, GoogleWorld]) -> None:
    world, google = worlds
    google.google.account(ME).granted = frozenset({CALENDARS_SCOPE})
    done = sign_in(world)
    assert done.code == 2
    assert "does not cover what is needed for the People API: a box was left unticked" in done.said
    assert list((world.state / "tokens").glob("*.token")) == []


def test_whoever_declines_is_told_what_else_it_might_be(worlds: tuple[FolderWorld, GoogleWorld]) -> None:
    world, google = worlds
    google.google.account(ME).denies = True
    done = sign_in(world)
    assert (done.code, "test users" in done.said) == (2, True)


def test_another_account_than_the_configured_one_is_not_taken(worlds: tuple[FolderWorld, GoogleWorld]) -> None:
    world, google = worlds
    assert sign_in(world).code == 0
    kept = (world.state / "tokens" / "home.token").read_bytes()
    google.google.account("somebody.else@example.test")
    done = sign_in(world)
    assert (done.code, "signed in as somebody.else@example.test, but this account is" in done.said) == (2, True)
    assert (world.state / "tokens" / "home.token").read_bytes() == kept


def test_an_api_that_is_not_enabled_is_named_with_the_place_to_enable_it(
    worlds: tuple[FolderWorld, GoogleWorld],
) -> None:
    world, google = worlds
    google.google.fault("connections.list", When.BEFORE, answers.api_disabled())
    done = sign_in(world)
    assert done.code == 0
    assert "People API: the People API is not enabled in the project" in done.said
    assert "Google Calendar API: works." in done.said


def test_a_grant_that_ends_is_dated(worlds: tuple[FolderWorld, GoogleWorld]) -> None:
    world, google = worlds
    google.google.tokens.refresh_lifetime_s = 7 * 24 * 3600
    done = sign_in(world)
    assert "This sign-in ends on 20" in done.said
    assert "the consent screen is in Testing" in done.said


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read"),
        ("{", "Desktop app"),
        (json.dumps({"web": {"client_id": "x", "client_secret": "y"}}), "Desktop app"),
    ],
)
def test_a_file_that_is_not_the_clients_is_named(
    worlds: tuple[FolderWorld, GoogleWorld], content: str | None, told: str
) -> None:
    world, google = worlds
    if content is None:
        google.client_secret_file.unlink()
    else:
        google.client_secret_file.write_text(content)
    done = sign_in(world)
    assert (done.code, told in done.said, done.address) == (2, True, "")


def test_a_client_whose_secret_is_another_by_now_is_told_so(worlds: tuple[FolderWorld, GoogleWorld]) -> None:
    world, google = worlds
    google.google.client_secret = google.google.client_secret[::-1]
    done = sign_in(world)
    assert (done.code, "download the file again" in done.said) == (2, True)


def test_accounts_that_need_no_sign_in_or_are_not_there_are_a_matter_of_usage(
    worlds: tuple[FolderWorld, GoogleWorld],
) -> None:
    world, _ = worlds
    world.config.write_text(world.config.read_text() + '[accounts.folder]\nconnector = "vdir"\n')
    folder = run(world.root, CONTACTD, "auth", "folder", "--config", world.config)
    nobody = run(world.root, CONTACTD, "auth", "nobody", "--config", world.config)
    assert (folder.code, "needs no sign-in" in folder.said) == (64, True)
    assert (nobody.code, "expected home, folder" in nobody.said) == (64, True)


def test_a_device_code_is_refused_with_the_way_that_works(worlds: tuple[FolderWorld, GoogleWorld]) -> None:
    world, _ = worlds
    done = run(world.root, CONTACTD, "auth", "home", "--device", "--config", world.config)
    assert (done.code, "--no-browser" in done.said) == (2, True)


def test_a_sign_in_goes_with_its_account_when_that_is_renamed_and_is_gone_when_it_is_removed(
    worlds: tuple[FolderWorld, GoogleWorld],
) -> None:
    world, _ = worlds
    assert sign_in(world).code == 0
    assert world.sync().code == 0
    world.config.write_text(world.config.read_text().replace("accounts.home", "accounts.mine"))
    assert world.contactd("account", "rename", "home", "mine").code == 0
    assert world.sync().code == 0
    assert world.contactd("account", "remove", "mine", "--yes").code == 0
    assert [path.name for path in (world.state / "tokens").iterdir() if path.suffix == ".token"] == []


@pytest.mark.parametrize(("days", "is_near"), [(7, False), (2, True)])
def test_the_status_says_when_a_sign_in_will_probably_end(
    worlds: tuple[FolderWorld, GoogleWorld], days: int, is_near: bool
) -> None:
    world, google = worlds
    google.google.tokens.refresh_lifetime_s = days * 24 * 3600
    before = datetime.now().astimezone()
    assert "not signed in: nobody has signed in to it yet" in world.contactd("status").said
    sign_in(world)
    said = world.contactd("status").said
    ends = [f"ends probably on {at + timedelta(days=days):%Y-%m-%d}" for at in (before, datetime.now().astimezone())]
    assert any(f"signed in as owner@example.test, {end}" in said for end in ends), said
    assert ("its sign-in ends soon" in said, "`contactd auth home" in said) == (is_near, is_near)
    (account,) = json.loads(world.contactd("status", "--json").said)["accounts"]
    assert (account["sign_in"]["email"], account["sign_in"]["ends_soon"]) == ("owner@example.test", is_near)


def test_a_sign_in_without_an_end_lasts_for_half_a_year_in_which_nobody_uses_it(
    worlds: tuple[FolderWorld, GoogleWorld],
) -> None:
    world, _ = worlds
    sign_in(world)
    said = world.contactd("status").said
    days = [f"{datetime.now().astimezone() + timedelta(days=180, hours=hours):%Y-%m-%d}" for hours in (0, 1)]
    assert any(f"signed in as owner@example.test, ends on {day} if it is not used until then" in said for day in days)
