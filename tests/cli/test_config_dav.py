"""What is said of a `dav` account's keys that are not right; nothing of a password is."""

from pathlib import Path

import pytest

from connectors import dav
from connectors.secrets import FromCommand, FromCredential, FromFile, FromKeyring
from daemon.config import load
from daemon.errors import ConfigError

URL = 'url = "https://dav.example.test/"\n'


def written(tmp_path: Path, keys: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(f'[vault]\npath = "/notes"\n[accounts.cloud]\nconnector = "dav"\n{keys}')
    return path


def options(tmp_path: Path, keys: str) -> dav.Options:
    (account,) = load(written(tmp_path, URL + keys)).accounts
    assert isinstance(account.options, dav.Options)
    return account.options


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ("", "accounts.cloud.url: is missing; expected a value, which this connector needs"),
        ('url = "dav.example.test"\n', "is no https:// address; expected https://, a host and perhaps a path"),
        ('url = "http://192.168.1.2:5232/"\n', "by which everybody on the way reads along; expected https://"),
        ('url = "https://me:hush@dav.example.test/"\n', "has a user name in it; expected https://"),
        (URL + 'contacts = "http://dav.example.test/me/"\n', "by which everybody on the way reads along"),
        (URL + 'calendars = ["http://dav.example.test/me/"]\n', "by which everybody on the way reads along"),
        (URL + 'password_command = ["a"]\npassword_file = "/b"\n', "password_credential, not several"),
        (URL + 'password_file = "hush"\n', "password_file must begin with / or ~/"),
        (URL + 'password = "hush"\n', "accounts.cloud.password: unknown key"),
        (URL + 'password_command = "pass show hush"\n', "accounts.cloud.password_command: is text; expected"),
    ],
)
def test_what_is_wrong_is_said_with_what_is_expected(tmp_path: Path, keys: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, keys))
    assert problem in str(caught.value)
    assert "hush" not in str(caught.value)


def test_a_server_on_this_machine_needs_no_encryption(tmp_path: Path) -> None:
    for host in ("localhost:5232", "127.0.0.1", "[::1]:5232"):
        (account,) = load(written(tmp_path, f'url = "http://{host}/"\n')).accounts
        assert isinstance(account.options, dav.Options)


def test_the_password_comes_from_where_the_keys_say_and_from_the_keyring_otherwise(tmp_path: Path) -> None:
    named = 'username = "me"\n'
    assert options(tmp_path, "").source is None
    assert options(tmp_path, named).source == FromKeyring()
    assert options(tmp_path, named + 'password_command = ["pass", "dav"]\n').source == FromCommand(("pass", "dav"))
    assert options(tmp_path, 'password_file = "/run/word"\n').source == FromFile(Path("/run/word"))
    assert options(tmp_path, 'password_credential = "dav"\n').source == FromCredential("dav")
