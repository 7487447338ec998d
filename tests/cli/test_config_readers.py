"""A configuration is read by a quick reader, and by a thorough one where that refuses: they agree on every value."""

import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from daemon.config_check import checked
from daemon.config_fit import Misfit, fitted
from mappings.meeting_case import Counts, MeetingRules

VAULT = '[vault]\npath = "/notes"\n'
DAV = '[accounts.cloud]\nconnector = "dav"\nurl = "https://dav.example.test/"\n'
VDIR = '[accounts.home]\nconnector = "vdir"\n'

COUNTED = [key.name for key in fields(MeetingRules) if key.type is Counts]

RIGHT = [
    VAULT + "[state]\n[fields]\n[brakes]\n[accounts]\n",
    VAULT,
    VAULT + VDIR,
    VAULT + VDIR + 'contacts = "/c"\ncalendars = ["/a", "/b"]\nnew_contacts = "none"\ndelete_with_note = true\n',
    VAULT + '[service]\ndebounce_s = 1\ndebounce_max_s = 2.5\nmetrics_file = "/m.prom"\nnotifications = true\n',
    VAULT + 'uid_key = ""\nprofile = "kepano"\npeople = ["People/**", "@*.md"]\n',
    VAULT
    + '[meetings]\ntimezone = "Asia/Kathmandu"\nkeep_titles = true\nnext_meeting = true\nlast_1on1 = true\n'
    + 'meetings_90d = true\nrecent_context = true\ndays_back = 30\ndays_ahead = 7\nkinds = ["ordinary", "focus"]\n'
    + 'people_max = 3\nrooms = ["*@rooms.test"]\nmailing_lists = []\nexcluded_domains = ["ours.test"]\n'
    + "".join(f'{key} = "one to one"\n' for key in COUNTED),
    VAULT + '[state]\npath = "/state"\n[brakes]\npeople = 3\n[fields.links]\nrule = "ask"\ndirection = "push"\n',
    VAULT + DAV,
    VAULT + DAV + 'username = "me"\ncontacts = ""\ncalendars = ["Work"]\npassword_command = ["pass", "show", "dav"]\n',
    VAULT + DAV + 'contacts = "Friends"\npassword_file = "/run/word"\ndelete_with_note = true\n',
    VAULT + DAV + 'password_credential = "dav"\n',
]


@pytest.mark.parametrize("text", RIGHT)
def test_both_readers_get_the_same_values(text: str) -> None:
    table = tomllib.loads(text)
    assert fitted(table) == checked(table)


def test_a_right_configuration_is_read_without_pydantic(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(VAULT + VDIR)
    script = (
        "import sys; from pathlib import Path; from daemon.config import load; load(Path(sys.argv[1]));"
        "sys.exit('pydantic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script, config], check=False).returncode == 0


ODD: list[object] = ["", "~", "x", 0, -1, 1.5, True, [], ["x"], [[]], {}, {"x": 1}]


def mostly(*right: object) -> st.SearchStrategy[object]:
    return st.sampled_from([*right * 30, *ODD])


def table_of(**keys: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.fixed_dictionaries({}, optional=keys)


FIELD_TABLES = table_of(
    title=table_of(rule=mostly("ask", "fill blank"), direction=mostly("pull", "off")),
    emails=table_of(rule=mostly("union"), odd=mostly("ask")) | mostly({}),
    tags=table_of(direction=mostly("off")),
)
BRAKES = table_of(people=mostly(0, 7), share_percent=mostly(0, 100))
MEETINGS = table_of(
    timezone=mostly("", "Europe/Berlin", "Nowhere/At all"),
    keep_titles=mostly(True, False),
    days_back=mostly(1, 400, 4000),
    free=mostly("never", "one to one", "always", "sometimes"),
    kinds=mostly([], ["ordinary", "focus"], ["out of office"], ["party"]),
    people_max=mostly(0, 8),
    rooms=mostly([], ["*@rooms.example.test"], ["room"]),
    excluded_domains=mostly([], ["example.test"], ["@example.test", "test"]),
    odd=mostly("never"),
)
ACCOUNT = st.fixed_dictionaries(
    {"connector": mostly("vdir")},
    optional={
        "contacts": mostly("/contacts"),
        "calendars": mostly([], ["/a", "/b"]),
        "email": mostly("me@example.test"),
        "me": mostly(["me@example.test"]),
        "new_contacts": mostly("none", "reachable"),
        "delete_with_note": mostly(True, False),
        "fields": FIELD_TABLES,
        "brakes": BRAKES,
    },
)
VAULT_TABLE = table_of(profile=mostly("kepano"), people=mostly(["People/**"]), uid_key=mostly("id", ""))
DAV_ACCOUNT = st.fixed_dictionaries(
    {
        "connector": mostly("dav"),
        "url": mostly("https://dav.example.test/", "http://127.0.0.1:5232/", "http://a.test/"),
    },
    optional={
        "username": mostly("me"),
        "password_command": mostly(["pass", "dav"]),
        "password_file": mostly("/run/word"),
        "password_credential": mostly("dav"),
        "contacts": mostly("", "Friends", "/me/friends/"),
        "calendars": mostly(["Work"], ["https://dav.example.test/work/"]),
        "delete_with_note": mostly(True, False),
    },
)
TABLES = st.fixed_dictionaries(
    {
        "vault": VAULT_TABLE,
        "accounts": st.dictionaries(st.sampled_from(["home", "a b", ""]), ACCOUNT | DAV_ACCOUNT, max_size=1),
    },
    optional={
        "state": table_of(path=mostly("/state", "/notes/state")),
        "fields": FIELD_TABLES,
        "brakes": BRAKES,
        "meetings": MEETINGS,
        "service": table_of(
            interval_s=mostly(60), debounce_s=mostly(0.2, 1), metrics_file=mostly("/m.prom"), notifications=mostly(True)
        ),
    },
)


@given(TABLES)
def test_the_quick_reader_takes_nothing_that_the_thorough_one_refuses(table: dict[str, dict[str, object]]) -> None:
    table["vault"]["path"] = "/notes"
    try:
        values = fitted(table)
    except Misfit:
        event("refused")
        return
    event("taken")
    assert values == checked(table)
