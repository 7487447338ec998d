"""The configuration as the program has it: frozen values, made once, at the door.

Secrets never stand in it, and nothing else is asked: no environment variable overrides a key.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from connectors import registry
from daemon.config_fit import Misfit, fitted
from daemon.config_shape import (
    BrakeKeys,
    CreateNotes,
    FieldTables,
    MeetingKeys,
    ProfileName,
    ServiceKeys,
    Table,
    Written,
    WrittenAccount,
    is_list,
    is_table,
)
from daemon.errors import ConfigError
from daemon.paths import expanded
from mappings.brakes import Limit
from mappings.fields import DEFAULT_POLICIES, FIELDS, Direction, Policy, Rule
from mappings.meeting_case import MeetingRules
from mappings.person import FieldName
from mappings.record import AccountName
from mappings.world import NewContacts

DEFAULT_LIMIT = Limit(people=5, share_percent=10)


@dataclass(frozen=True, slots=True)
class VaultConfig:
    """Where the notes are and how they are written.

    `people` are globs below the root; a note that one of them matches is a person's. `uid_key` is "" where notes
    are not to carry their uid. `review_note` is the path of the note in which open questions are asked, "" for none. Notes for people
    who have none are made in `new_notes_folder` from `new_note_template`, "" for the built-in one.
    """

    path: Path
    profile: ProfileName
    people: tuple[str, ...]
    uid_key: str
    review_note: str
    new_notes_folder: str
    new_note_template: str
    new_notes_per_run: int


@dataclass(frozen=True, slots=True)
class AccountConfig:
    """One account with everything that the owner, or the default, says of it.

    `options` are what `registry.connector(connector).open_contacts` takes. `email` is the account's own address, "" if
    it is not said; `me` are all of the owner's here.
    """

    name: AccountName
    connector: str
    options: object
    email: str
    me: tuple[str, ...]
    new_contacts: NewContacts
    delete_with_note: bool
    create_notes: CreateNotes
    policies: Mapping[FieldName, Policy]
    limit: Limit
    interval_s: int


@dataclass(frozen=True, slots=True)
class MeetingConfig:
    """Which meetings count, and what comes of them.

    `timezone` is "" for the system's; `fields` are the derived fields that are kept up, and `created` those of them
    whose key is added to notes that lack it.
    """

    timezone: str
    rules: MeetingRules
    back: timedelta
    ahead: timedelta
    keep_titles: bool
    fields: frozenset[FieldName]
    created: frozenset[FieldName]
    from_context: bool
    limit: Limit


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration; `state` is the folder of the state, `undo_for` how long runs are kept, `accounts` are in the order of the file."""

    vault: VaultConfig
    state: Path
    undo_for: timedelta
    meetings: MeetingConfig
    service: ServiceKeys
    accounts: tuple[AccountConfig, ...]

    @property
    def tokens(self) -> Path:
        """The folder of what lets us into the accounts (`connectors.tokens`)."""
        return self.state / "tokens"


def load(path: Path) -> Config:
    """Read the configuration.

    Errors: `ConfigError` with every problem at once, each `key.path: what is wrong; what was expected`.
    """
    table = _parsed(path)
    try:
        return _resolved(_written(table))
    except ConfigError as error:
        raise ConfigError(error.problems, path) from error


def _parsed(path: Path) -> Table:
    text = _text(path)
    try:
        return {key: _expanded(value) for key, value in tomllib.loads(text).items()}
    except tomllib.TOMLDecodeError as error:
        *_, last_line = lines = text.split("\n")
        end = f"at line {len(lines)}, column {len(last_line) + 1}"
        reason = str(error).replace("at end of document", end)
        raise ConfigError((f"{path}: {reason}; expected TOML",)) from error
    except RecursionError as error:
        raise ConfigError((f"{path}: is nested too deep; expected TOML with tables of plain keys",)) from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError((f"{path}: there is no such file; `contactd init` makes one",)) from error
    except OSError as error:
        raise ConfigError((f"{path}: cannot be read ({error.strerror}); expected a file of TOML",)) from error
    except UnicodeDecodeError as error:
        raise ConfigError((f"{path}: is not UTF-8 at byte {error.start}; expected a file of TOML",)) from error


def _expanded(value: object) -> object:
    """Put the owner's home for `~` wherever a text begins so: only paths do."""
    if isinstance(value, str):
        return expanded(value)
    if is_list(value):
        return [_expanded(item) for item in value]
    if is_table(value):
        return {key: _expanded(item) for key, item in value.items()}
    return value


def _written(table: Table) -> Written:
    try:
        return fitted(table)
    except Misfit:
        # Only here: importing pydantic-settings takes longer than a sync that finds nothing to do.
        from daemon.config_check import checked  # noqa: PLC0415

        return checked(table)


def _resolved(written: Written) -> Config:
    vault = written.vault
    return Config(
        vault=VaultConfig(
            vault.path,
            vault.profile,
            vault.people,
            vault.uid_key,
            vault.review_note,
            vault.new_notes_folder,
            vault.new_note_template,
            vault.new_notes_per_run,
        ),
        state=written.state.path,
        undo_for=timedelta(days=written.state.undo_days),
        meetings=_meetings(written.meetings, _limit(written.brakes)),
        service=written.service,
        accounts=tuple(_account(AccountName(name), account, written) for name, account in written.accounts.items()),
    )


def _account(name: AccountName, account: WrittenAccount, written: Written) -> AccountConfig:
    keys = account.keys
    return AccountConfig(
        name=name,
        connector=keys.connector,
        options=account.options,
        email=keys.email or "",
        me=tuple(dict.fromkeys([*([keys.email] if keys.email else []), *keys.me])),
        new_contacts=keys.new_contacts or registry.new_contacts(keys.connector),
        delete_with_note=keys.delete_with_note,
        create_notes=keys.create_notes,
        policies=_allowed(_with_tags(_policies(written.fields, keys.fields), keys.tags), keys.allow),
        limit=_limit(written.brakes, keys.brakes),
        interval_s=keys.interval_s or written.service.interval_s,
    )


def _meetings(keys: MeetingKeys, limit: Limit) -> MeetingConfig:
    created: dict[FieldName, bool] = {
        "next_meeting": keys.next_meeting,
        "last_1on1": keys.last_1on1,
        "meetings_90d": keys.meetings_90d,
    }
    wanted: frozenset[FieldName] = frozenset(name for name, is_wanted in created.items() if is_wanted)
    return MeetingConfig(
        timezone=keys.timezone,
        rules=_meeting_rules(keys),
        back=timedelta(days=keys.days_back),
        ahead=timedelta(days=keys.days_ahead),
        keep_titles=keys.keep_titles,
        fields=frozenset[FieldName]({"last_contact", "next_meeting"}) | wanted,
        created=wanted,
        from_context=keys.recent_context,
        limit=limit,
    )


def _meeting_rules(keys: MeetingKeys) -> MeetingRules:
    return MeetingRules(
        cancelled=keys.cancelled,
        drafts=keys.drafts,
        declined=keys.declined,
        kinds=frozenset(keys.kinds),
        all_day=keys.all_day,
        out_of_office=keys.out_of_office,
        working_elsewhere=keys.working_elsewhere,
        free=keys.free,
        private=keys.private,
        hidden_people=keys.hidden_people,
        people_max=keys.people_max,
        running=keys.running,
        rooms=keys.rooms,
        mailing_lists=keys.mailing_lists,
        they_declined=keys.they_declined,
        excluded_domains=frozenset(domain.casefold() for domain in keys.excluded_domains),
        tentative=keys.tentative,
        unanswered=keys.unanswered,
    )


def _policies(*tables: FieldTables) -> Mapping[FieldName, Policy]:
    """Lay the tables over the defaults, the later over the earlier."""
    policies = dict(DEFAULT_POLICIES)
    for name, keys in (item for table in tables for item in table.items()):
        before = policies[name]
        policies[name] = Policy(keys.rule or before.rule, keys.direction or before.direction)
    return MappingProxyType(policies)


def _with_tags(policies: Mapping[FieldName, Policy], tags: tuple[str, ...]) -> Mapping[FieldName, Policy]:
    """Let the tags travel that the owner listed, both ways; all others stay where they are."""
    if not tags:
        return policies
    listed = Policy(Rule.UNION, Direction.BOTH, frozenset(FIELDS["tags"].key(tag) for tag in tags))
    return MappingProxyType({**policies, "tags": listed})


def _allowed(policies: Mapping[FieldName, Policy], allow: tuple[FieldName, ...] | None) -> Mapping[FieldName, Policy]:
    """Keep at home what the owner did not allow to leave to an account; what it says may still come in.

    A contact cannot be without a name, so that one always goes.
    """
    if allow is None:
        return policies
    kept: dict[FieldName, Policy] = {
        name: replace(policy, direction=Direction.PULL if policy.direction.pulls else Direction.OFF)
        for name, policy in policies.items()
        if name not in {"name", *allow}
    }
    return MappingProxyType({**policies, **kept})


def _limit(*tables: BrakeKeys) -> Limit:
    """Lay the tables over the default, the later over the earlier."""
    limit = DEFAULT_LIMIT
    for keys in tables:
        limit = Limit(
            people=limit.people if keys.people is None else keys.people,
            share_percent=limit.share_percent if keys.share_percent is None else keys.share_percent,
        )
    return limit
