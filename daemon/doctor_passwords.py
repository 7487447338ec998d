"""Whether each password can be had where the service needs it: inside its sandbox, if it is installed as a unit.

What the owner can read, the service often cannot: its sandbox hides the home, and a keyring may answer only to who
sits at the desktop. So the same look is taken by this program once more, started by systemd with the unit's own
restrictions; without a unit, or without systemd, only as the owner, and that is said. A password is thrown away as soon
as it was had.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from connectors import registry, secrets
from connectors.errors import ConnectorError, SignInNeeded
from connectors.secrets import FromCredential, FromKeyring, Ring, Source
from daemon import unit_sandbox
from daemon.config import Config
from daemon.finding import Finding, Verdict
from daemon.render_doctor import parsed
from daemon.unit import NoUserManager
from mappings.record import AccountName

_RINGS: Mapping[Ring, str] = {
    Ring.ANSWERS: "it answers",
    Ring.LOCKED: "it is locked",
    Ring.SILENT: "it does not answer within a second",
    Ring.NONE: "there is none",
}


def examine(config: Config, config_path: Path) -> Iterator[Finding]:
    """Look at the keyring and at every password, as the service would see them where that can be tried."""
    try:
        told = unit_sandbox.run(("doctor", "--passwords", "--json", "--config", str(config_path)), _limit_s(config))
    except NoUserManager as error:
        remedy = "`contactd service install` leaves out what this machine refuses"
        yield Finding("sandbox", Verdict.PARTIAL, f"nothing starts inside the service's: {error}", remedy)
        told = None
    if told is None:
        yield from (
            replace(one, text=f"{one.text} (tried as you, not inside the service's sandbox)") for one in here(config)
        )
        return
    outside = {one.about: one for one in here(config)}
    for one in parsed(told):
        yield _compared(one, outside.get(one.about))


def here(config: Config) -> Iterator[Finding]:
    """Look at the same from this very process."""
    sources = _sources(config)
    yield _keyring(config, {name for name, source in sources.items() if isinstance(source, FromKeyring)})
    for name, source in sources.items():
        yield _password(name, source)


def _compared(inside: Finding, outside: Finding | None) -> Finding:
    """Tell of what was seen inside the sandbox, and of a difference to what the owner can have."""
    told = replace(inside, text=f"{inside.text} (tried inside the service's sandbox)")
    if inside.verdict is Verdict.FINE or outside is None or outside.verdict is not Verdict.FINE:
        return told
    remedy = (
        "outside the sandbox it can be had: run `contactd service install` again if a path is new, give what it needs by "
        "`systemctl --user edit contactd.service` (BindReadOnlyPaths=), or use password_file or password_credential"
    )
    return replace(told, remedy=remedy)


def _sources(config: Config) -> Mapping[AccountName, Source | ConnectorError]:
    """Return where each account's password comes from, or what keeps a connector from elsewhere from saying so."""
    found: dict[AccountName, Source | ConnectorError] = {}
    for account in config.accounts:
        asks = registry.connector(account.connector).password_source
        try:
            source = asks(account.options) if asks is not None else None
        except ConnectorError as error:
            found[account.name] = error
        else:
            if source is not None:
                found[account.name] = source
    return found


def _keyring(config: Config, needed_by: set[AccountName]) -> Finding:
    ring = secrets.ring()
    if ring is Ring.ANSWERS:
        return Finding("keyring", Verdict.FINE, _RINGS[ring], "")
    if not needed_by:
        text = f"{_RINGS[ring]}; no password is in it, and new sign-ins are kept in files that only you can read"
        return Finding("keyring", Verdict.FINE, text, f"none is needed; the files are in {config.tokens}")
    remedy = (
        "unlock it before the service starts"
        if ring is Ring.LOCKED
        else "install one that runs without a desktop, or use password_command, password_file or password_credential"
    )
    text = f"{_RINGS[ring]}, and has the passwords of {', '.join(sorted(needed_by))}"
    return Finding("keyring", Verdict.PARTIAL, text, remedy)


def _password(name: AccountName, source: Source | ConnectorError) -> Finding:
    about = f"password of {name}"
    if isinstance(source, ConnectorError):
        return Finding(about, Verdict.PARTIAL, str(source), "")
    if isinstance(source, FromCredential) and not secrets.has_credentials():
        text = "it is a systemd credential, which only the service is given"
        return Finding(about, Verdict.FINE, text, "`contactd service install`, then look again")
    try:
        secrets.secret(name, source)
    except SignInNeeded as error:
        return Finding(about, Verdict.PARTIAL, str(error), "")
    return Finding(about, Verdict.FINE, "can be had", "")


def _limit_s(config: Config) -> float:
    return secrets.COMMAND_S_MAX * (1 + len(config.accounts))
