"""Configurations, right ones and broken ones: what the program gets, and what the owner is told."""

import sys
from collections.abc import Iterable
from dataclasses import FrozenInstanceError
from datetime import timedelta
from pathlib import Path

import pytest

from connectors import registry
from connectors.vdir import Options
from daemon.config import AccountConfig, Config, MeetingConfig, VaultConfig, load
from daemon.config_check import checked
from daemon.config_fit import fitted
from daemon.config_shape import ServiceKeys, one_of
from daemon.errors import ConfigError
from daemon.paths import config_path
from mappings.brakes import Limit
from mappings.fields import DEFAULT_POLICIES, Direction, Policy, Rule
from mappings.meeting_case import DEFAULT_RULES
from mappings.record import AccountName
from mappings.world import NewContacts

VAULT = '[vault]\npath = "/notes"\n'


def _any_of(names: Iterable[str]) -> str:
    return " or ".join(f'"{name}"' for name in names)


VDIR = '[accounts.home]\nconnector = "vdir"\n'


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The owner's home, an empty folder; no XDG variable is set."""
    for variable in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def read(text: str) -> Config:
    path = config_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return load(path)


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert caught.value.exit_code == 78
    return caught.value.problems


def test_the_smallest_configuration(home: Path) -> None:
    config = read("""\
        [vault]
        path = "~/Notes"

        [state]                                  # default: the XDG state home
        path = "~/.local/state/contactd"

        [accounts.home]
        connector = "vdir"
        contacts = "~/.contacts/people"          # a folder of .vcf
        calendars = ["~/.calendars/work"]        # folders of .ics
        me = ["me@example.test"]
        new_contacts = "all"
        """)
    assert config == Config(
        vault=VaultConfig(
            home / "Notes",
            profile="people-notes",
            people=(),
            uid_key="uid",
            review_note="",
            new_notes_folder="People",
            new_note_template="",
            new_notes_per_run=20,
        ),
        state=home / ".local/state/contactd",
        undo_for=timedelta(days=90),
        meetings=MeetingConfig(
            timezone="",
            rules=DEFAULT_RULES,
            back=timedelta(days=400),
            ahead=timedelta(days=60),
            keep_titles=False,
            fields=frozenset({"last_contact", "next_meeting"}),
            created=frozenset(),
            from_context=False,
            limit=Limit(people=5, share_percent=10),
        ),
        service=ServiceKeys(),
        accounts=(
            AccountConfig(
                name=AccountName("home"),
                connector="vdir",
                options=Options(contacts=home / ".contacts/people", calendars=(home / ".calendars/work",)),
                email="",
                me=("me@example.test",),
                new_contacts=NewContacts.ALL,
                delete_with_note=False,
                create_notes="none",
                policies=DEFAULT_POLICIES,
                limit=Limit(people=5, share_percent=10),
                interval_s=180,
            ),
        ),
    )


def test_nothing_of_it_can_be_changed() -> None:
    config = read(VAULT + VDIR)
    with pytest.raises(FrozenInstanceError):
        config.vault.uid_key = "id"  # type: ignore[misc]
    with pytest.raises(TypeError):
        config.accounts[0].policies["title"] = DEFAULT_POLICIES["name"]  # type: ignore[index]


def test_a_field_goes_by_the_account_then_by_the_fields_table_then_by_its_default() -> None:
    config = read(
        VAULT
        + '[fields.title]\nrule = "ask"\n[fields.emails]\ndirection = "pull"\n'
        + VDIR
        + '[accounts.home.fields.title]\ndirection = "push"\n[accounts.home.fields.birthday]\nrule = "ask"\n'
        + '[accounts.work]\nconnector = "vdir"\n'
    )
    home, work = (account.policies for account in config.accounts)
    assert home["title"] == Policy(Rule.ASK, Direction.PUSH)
    assert home["emails"] == Policy(Rule.UNION, Direction.PULL)
    assert home["birthday"] == Policy(Rule.ASK, Direction.BOTH)
    assert work["title"] == Policy(Rule.ASK, Direction.BOTH)
    assert work["birthday"] == Policy(Rule.FILL_BLANK, Direction.BOTH)


def test_brakes_go_by_the_account_then_by_the_brakes_table_then_by_their_default() -> None:
    config = read(
        VAULT
        + "[brakes]\npeople = 0\n"
        + VDIR
        + '[accounts.home.brakes]\nshare_percent = 0\n[accounts.work]\nconnector = "vdir"\n'
    )
    assert [account.limit for account in config.accounts] == [Limit(0, 0), Limit(0, 10)]


def test_the_owners_addresses_include_the_accounts_own() -> None:
    config = read(VAULT + VDIR + 'email = "a@example.test"\nme = ["b@example.test", "a@example.test"]\n')
    assert config.accounts[0].me == ("a@example.test", "b@example.test")


def test_no_environment_variable_has_a_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT__PATH", "/elsewhere")
    monkeypatch.setenv("BRAKES", '{"people": 1}')
    assert checked({"vault": {"path": "/notes"}}) == fitted({"vault": {"path": "/notes"}})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ('vault: is missing; expected the table [vault] with path = "…", the folder of the notes',)),
        ("[vault]", ("vault.path: is missing; expected the folder of the notes",)),
        ("vault = 3", ("vault: is 3; expected a table",)),
        ('[vault]\npath = "Notes"', ("vault.path: does not fit; expected a path that begins with / or ~/, in quotes",)),
        ('[vault]\npath = ""', ("vault.path: is empty; expected a path that begins with / or ~/, in quotes",)),
        (
            "[vault]\npath = 2026-11-07",
            ("vault.path: is a date or time; expected a path that begins with / or ~/, in quotes",),
        ),
        (VAULT + "pepole = []", ("vault.pepole: unknown key; did you mean people?",)),
        (VAULT + 'people = "People/**"', ('vault.people: is text; expected a list, like ["one", "two"]',)),
        (
            VAULT + 'people = ["People/**", "../Others"]',
            ('vault.people, item 2: does not fit; expected a pattern of paths within the vault, like "People/**"',),
        ),
        (
            VAULT + 'profile = "people notes"',
            (
                (
                    'vault.profile: does not fit; expected "people-notes", "vcf-contacts", "kepano", "czottmann" or "hal_md"'
                    ' (did you mean "people-notes"?)'
                ),
            ),
        ),
        (VAULT + "uid_key = false", ('vault.uid_key: is false; expected letters, digits, - and _, or "" for none',)),
        (VAULT + "[satte]", ("satte: unknown key; did you mean state?",)),
        (VAULT + "[zzz]", ("zzz: unknown key; expected vault, state, fields, brakes, meetings, service, accounts",)),
        (
            VAULT + '[state]\npath = "/notes/.contactd"',
            ("state.path: lies within the vault, which other programs copy about; expected a place outside",),
        ),
        (
            '[vault]\npath = "~"\npepole = []',
            (
                "vault.pepole: unknown key; did you mean people?",
                "state.path: lies within the vault, which other programs copy about; expected a place outside",
            ),
        ),
        (VAULT + "[brakes]\npeople = true", ("brakes.people: is true; expected a whole number of people, 0 or more",)),
        (
            VAULT + "[service]\ninterval_s = 0\ndebounce_s = 61\nmetrics_file = 'm'\nscan_interval = 1",
            (
                "service.interval_s: is 0; expected a whole number of seconds, from 1 to a week",
                "service.debounce_s: is 61; expected a number of seconds, from 0 to 60, like 0.5",
                'service.metrics_file: does not fit; expected a path that begins with / or ~/, in quotes, or "" for none',
                "service.scan_interval: unknown key; did you mean scan_interval_s?",
            ),
        ),
        (VAULT + "[brakes]\npeople = -1", ("brakes.people: is -1; expected a whole number of people, 0 or more",)),
        (
            VAULT + "[brakes]\nshare_percent = 200",
            ("brakes.share_percent: is 200; expected a whole number from 0 to 100",),
        ),
        (VAULT + "[fields.titel]", ("fields.titel: unknown key; did you mean title?",)),
        (VAULT + "[fields.title]\nrul = 1", ("fields.title.rul: unknown key; did you mean rule?",)),
        (
            VAULT + '[fields.title]\ndirection = "out"',
            ('fields.title.direction: does not fit; expected "push", "pull", "both" or "off"',),
        ),
        (
            VAULT + '[fields.title]\nrule = "union"',
            (
                'fields.title.rule: "union" does not suit title; expected "vault wins", "remote wins", "fill blank" or "ask"',
            ),
        ),
        (
            VAULT + '[fields.tags]\ndirection = "both"',
            ('fields.tags.direction: "both" would let tags leave the vault, which they never do; expected "off"',),
        ),
        (
            VAULT + '[accounts."my home"]\nconnector = "vdir"',
            ('accounts."my home": does not fit; expected letters, digits, - and _',),
        ),
        (VAULT + "[accounts]\nhome = 1", ("accounts.home: is 1; expected a table",)),
        (VAULT + "[accounts.home]", (f"accounts.home.connector: is missing; expected {one_of(registry.known())}",)),
        (
            VAULT + "[accounts.home]\nconnector = 1",
            (f"accounts.home.connector: is 1; expected {one_of(registry.known())}",),
        ),
        (
            VAULT + '[accounts.home]\nconnector = "vdri"',
            (f'accounts.home.connector: no connector is called "vdri"; expected {_any_of(registry.known())}',),
        ),
        (VAULT + VDIR + "contacts = 4", ("accounts.home.contacts: is 4; expected a path in quotes",)),
        (VAULT + VDIR + "calendar = []", ("accounts.home.calendar: unknown key; did you mean calendars?",)),
        (
            VAULT + VDIR + 'me = ["me"]',
            ("accounts.home.me, item 1: does not fit; expected an e-mail address in quotes",),
        ),
        (
            VAULT + '[meetings]\ntimezone = "Nowhere/At_all"\nfree = "sometimes"\ndays_back = 0\nroms = []',
            (
                (
                    "meetings.timezone: does not fit; "
                    'expected the name of a time zone, like "Europe/Berlin", or "" for the system\'s'
                ),
                "meetings.days_back: is 0; expected a whole number of days, 1 to 3650",
                'meetings.free: does not fit; expected "never", "one to one" or "always"',
                "meetings.roms: unknown key; did you mean rooms?",
            ),
        ),
        (
            VAULT + '[meetings]\nrooms = ["room"]\nexcluded_domains = ["@example.test"]\nkinds = ["party"]',
            (
                (
                    'meetings.kinds, item 1: does not fit; expected "ordinary", "out of office", "focus", '
                    '"working location", "birthday" or "from mail"'
                ),
                'meetings.rooms, item 1: does not fit; expected a pattern of addresses in quotes, like "all@*"',
                'meetings.excluded_domains, item 1: does not fit; expected a domain in quotes, like "example.org"',
            ),
        ),
        (
            VAULT + VDIR + 'delete_with_note = "no"',
            ("accounts.home.delete_with_note: does not fit; expected true or false",),
        ),
        (
            VAULT + VDIR + 'new_contacts = "every"',
            ('accounts.home.new_contacts: does not fit; expected "none", "reachable" or "all"',),
        ),
        (
            VAULT + VDIR + '[accounts.home.fields.emails]\nrule = "latest date"',
            (
                (
                    'accounts.home.fields.emails.rule: "latest date" does not suit emails; '
                    'expected "vault wins", "remote wins", "fill blank", "union" or "ask"'
                ),
            ),
        ),
    ],
)
def test_each_problem_is_named_with_its_key_and_what_was_expected(text: str, expected: tuple[str, ...]) -> None:
    assert problems(text) == expected


def test_all_problems_are_reported_at_once() -> None:
    assert problems("""\
        vualt = 1
        [vault]
        pepole = 3
        [fields.name]
        rule = "union"
        [brakes]
        people = "5"
        share_percent = 101
        [accounts.home]
        connector = "vdir"
        contacts = 4
        me = "x"
        foo = 1
        [accounts.work]
        connector = "vdri"
        email = "x"
        anything = 1
        """) == (
        "vault.path: is missing; expected the folder of the notes",
        "vault.pepole: unknown key; did you mean people?",
        "brakes.people: does not fit; expected a whole number of people, 0 or more",
        "brakes.share_percent: is 101; expected a whole number from 0 to 100",
        'accounts.home.me: is text; expected a list, like ["one", "two"]',
        "accounts.home.contacts: is 4; expected a path in quotes",
        (
            "accounts.home.foo: unknown key; expected connector, email, me, new_contacts, delete_with_note, "
            "create_notes, allow, tags, interval_s, fields, brakes, contacts, calendars"
        ),
        f'accounts.work.connector: no connector is called "vdri"; expected {_any_of(registry.known())}',
        "accounts.work.email: does not fit; expected an e-mail address in quotes",
        "vualt: unknown key; did you mean vault?",
        'fields.name.rule: "union" does not suit name; expected "vault wins", "remote wins", "fill blank" or "ask"',
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[vault\n", "Expected ']' at the end of a table declaration (at line 1, column 7); expected TOML"),
        ("[vault]\npath = 'x", 'Expected "\'" (at line 2, column 10); expected TOML'),
        ("a = 1\na = 2", "Cannot overwrite a value (at line 2, column 6); expected TOML"),
    ],
)
def test_what_is_not_toml_is_named_with_line_and_column(text: str, problem: str) -> None:
    assert problems(text) == (f"{config_path()}: {problem}",)


def test_what_is_nested_without_end_is_named() -> None:
    assert problems(f"a = {'[' * 5000}") == (
        f"{config_path()}: is nested too deep; expected TOML with tables of plain keys",
    )


def test_what_is_not_text_is_named() -> None:
    path = config_path()
    path.parent.mkdir(parents=True)
    path.write_bytes(b"# caf\xe9\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert caught.value.problems == (f"{path}: is not UTF-8 at byte 5; expected a file of TOML",)


def test_without_a_file_there_is_a_way_out() -> None:
    with pytest.raises(ConfigError) as caught:
        load(config_path())
    assert caught.value.problems == (f"{config_path()}: there is no such file; `contactd init` makes one",)


def test_a_problem_repeats_no_text_that_may_be_a_secret() -> None:
    told = problems(VAULT + VDIR + 'password = "s3cr3t"\nemail = "s3cr3t"\nme = ["s3cr3t"]\nnew_contacts = "s3cr3t"\n')
    assert len(told) == 4
    assert "s3cr3t" not in "".join(told)


ELSEWHERE = """\
from datetime import timedelta
from pathlib import Path
from pydantic import BaseModel, ConfigDict

class Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    folder: Path
    depth: int = 1

def open_contacts(account, options, tokens):
    return None
"""


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three connectors from elsewhere are installed: one in order, one that lacks a part, one that cannot be imported."""
    points = ["there = there_connector", "half = json", "broken = no_such_module_anywhere"]
    (tmp_path / "there_connector.py").write_text(ELSEWHERE)
    (tmp_path / "there-1.0.dist-info").mkdir()
    (tmp_path / "there-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: there\nVersion: 1.0\n")
    (tmp_path / "there-1.0.dist-info" / "entry_points.txt").write_text("\n".join(["[contactd.connectors]", *points]))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])


@pytest.mark.usefixtures("elsewhere")
def test_a_connector_from_elsewhere_reads_its_own_keys_and_makes_contacts_of_the_reachable(home: Path) -> None:
    account = read(VAULT + '[accounts.far]\nconnector = "there"\nfolder = "~/far"\n').accounts[0]
    assert dict(account.options) == {"folder": home / "far", "depth": 1}  # type: ignore[call-overload]  # a pydantic model
    assert account.new_contacts is NewContacts.REACHABLE


@pytest.mark.usefixtures("elsewhere")
def test_what_the_owner_wrote_wrong_for_a_connector_from_elsewhere_is_named() -> None:
    accounts = {"c": "theer", "d": 'there"\nfodler = "/far'}
    assert problems(
        VAULT + "".join(f'[accounts.{name}]\nconnector = "{value}"\n' for name, value in accounts.items())
    ) == (
        f'accounts.c.connector: no connector is called "theer"; expected {_any_of(registry.known())}',
        "accounts.d.folder: is missing; expected a value, which this connector needs",
        "accounts.d.fodler: unknown key; did you mean folder?",
    )


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("name", ["half", "broken"])
def test_a_connector_that_cannot_be_used_is_no_fault_of_the_configuration(name: str) -> None:
    """Else one that an update has broken would stop every account."""
    (account,) = read(VAULT + f'[accounts.far]\nconnector = "{name}"\ndepth = 2\n').accounts
    assert account.options == {"depth": 2}
    assert registry.connector(name).unusable


@pytest.mark.usefixtures("elsewhere")
def test_a_connector_that_cannot_be_used_hides_no_problem_of_another_account() -> None:
    text = (
        VAULT + '[accounts.far]\nconnector = "broken"\ndepth = 2\n[accounts.near]\nconnector = "vdir"\ncontact = "/a"\n'
    )
    assert problems(text) == ("accounts.near.contact: unknown key; did you mean contacts?",)


def test_listed_tags_travel_both_ways_and_no_others(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(VAULT + VDIR + 'tags = ["friend", "work/climbing"]\n')
    (account,) = load(path).accounts
    expected = Policy(Rule.UNION, Direction.BOTH, frozenset({"friend", "work/climbing"}))
    assert account.policies["tags"] == expected
    path.write_text(VAULT + VDIR + 'tags = ["friend"]\nallow = ["emails"]\n')
    (account,) = load(path).accounts
    assert account.policies["tags"] == Policy(Rule.UNION, Direction.PULL, frozenset({"friend"}))


@pytest.mark.parametrize("tag", ["#friend", "two words", ""])
def test_a_tag_is_written_without_its_sign(tag: str) -> None:
    (problem,) = problems(VAULT + VDIR + f"tags = [{tag!r}]\n")
    assert problem.startswith("accounts.home.tags, item 1: ")
    assert problem.endswith("expected a tag without # and blanks")
