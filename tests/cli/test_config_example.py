"""The example names every key there is and nothing else, and what it calls a default is one."""

import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from connectors import dav, google_access, microsoft, vdir
from daemon.config import load
from daemon.config_shape import (
    AccountKeys,
    BrakeKeys,
    FieldKeys,
    MeetingKeys,
    ServiceKeys,
    StateKeys,
    VaultKeys,
    Written,
)
from mappings.fields import FIELDS

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"

WITHOUT_DEFAULTS = """\
[vault]
path = "~/Notes"

[accounts.home]
connector = "vdir"
contacts = "~/.contacts/people"
calendars = ["~/.calendars/work"]
email = "me@example.test"
me = ["myself@example.test"]
tags = ["friend"]
allow = ["emails", "phones", "organization", "title", "last_contact"]

[accounts.cloud]
connector = "dav"
url = "https://cloud.example.test/"
username = "me"
password_command = ["pass", "show", "cloud"]
contacts = "Contacts"
calendars = ["Work", "https://cloud.example.test/calendars/me/private/"]

[accounts.outlook]
connector = "microsoft"
client_id = "00000000-0000-0000-0000-000000000000"

[accounts.mail]
connector = "google"
client_secret_file = "~/.config/contactd/google.json"
"""

OTHER_PASSWORDS = {"password_file", "password_credential"}
"""Of which an account can have only one; the others stand in comments."""


def test_what_it_calls_a_default_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    config = tmp_path / "config.toml"
    config.write_text(WITHOUT_DEFAULTS)
    assert load(EXAMPLE) == load(config)


def test_every_key_and_no_other_stands_in_it() -> None:
    example = tomllib.loads(EXAMPLE.read_text())
    account = example["accounts"]["home"]
    assert example.keys() == _keys(Written)
    assert example["vault"].keys() == _keys(VaultKeys)
    assert example["state"].keys() == _keys(StateKeys)
    assert example["meetings"].keys() == _keys(MeetingKeys)
    assert example["service"].keys() == _keys(ServiceKeys)
    assert example["brakes"].keys() == account["brakes"].keys() == _keys(BrakeKeys)
    assert account.keys() == _keys(AccountKeys) | _keys(vdir.Options)
    assert example["accounts"]["cloud"].keys() == {"connector"} | _keys(dav.Options) - OTHER_PASSWORDS
    assert all(f"{key} = " in EXAMPLE.read_text() for key in OTHER_PASSWORDS)
    assert example["accounts"]["outlook"].keys() == {"connector"} | _keys(microsoft.Options)
    assert example["accounts"]["outlook"]["endpoints"].keys() | {"ca_file"} == _keys(microsoft.Endpoints)
    assert example["accounts"]["mail"].keys() == {"connector"} | _keys(google_access.Options)
    assert example["accounts"]["mail"]["endpoints"].keys() | {"ca_file"} == _keys(google_access.Endpoints)
    assert example["fields"].keys() == FIELDS.keys()
    for table in (*example["fields"].values(), *account["fields"].values()):
        assert table.keys() == _keys(FieldKeys)


Shape = (
    Written | VaultKeys | StateKeys | MeetingKeys | BrakeKeys | FieldKeys | ServiceKeys
    | AccountKeys
    | vdir.Options | dav.Options | microsoft.Options | microsoft.Endpoints | google_access.Options | google_access.Endpoints
)  # fmt: skip


def _keys(shape: type[Shape]) -> set[str]:
    return {key.name for key in fields(shape)}
