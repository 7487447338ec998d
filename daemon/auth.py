"""`contactd auth`: let the owner sign in to an account. The state is not touched; what comes of it is the token store's.

A running service opens its accounts anew, and uses the new sign-in at once.
"""

import os
import sys
import webbrowser
from collections.abc import Callable
from pathlib import Path

from connectors import registry
from connectors.errors import ConnectorError
from connectors.interface import Page, SignIn, Way
from connectors.tokens import open_store
from daemon import lending
from daemon.config import AccountConfig, Config, load
from daemon.errors import DaemonError, UnknownAccount


class NotSignedIn(DaemonError):
    """The sign-in did not succeed: say why. What was kept before still is."""

    exit_code = 2


def auth(config_path: Path, name: str, way: Way, say: Callable[[str], None]) -> str:
    """Sign in to an account.

    Shapes: `say` is given lines while the owner is waited for; the answer is what came of it.
    Errors: `UnknownAccount`, `NotSignedIn`.
    """
    config = load(config_path)
    account = _account(config, name)
    connector = registry.connector(account.connector)
    if connector.unusable:
        raise NotSignedIn(f"not signed in to {name}: {connector.unusable}")
    sign_in = connector.sign_in
    if sign_in is None:
        raise UnknownAccount(f"accounts.{name} needs no sign-in: its connector is {account.connector}")
    asked = SignIn(account.name, account.email, way, lambda page: _show(page, way, say))
    try:
        told = sign_in(asked, account.options, open_store(config.tokens))
    except ConnectorError as error:
        raise NotSignedIn(f"not signed in to {name}: {error}") from error
    lending.open_anew(config.state)
    return "\n".join(told)


def _account(config: Config, name: str) -> AccountConfig:
    for account in config.accounts:
        if account.name == name:
            return account
    known = ", ".join(account.name for account in config.accounts)
    raise UnknownAccount(f"there is no account {name}; expected {known or 'one in the configuration'}")


def _show(page: Page, way: Way, say: Callable[[str], None]) -> None:
    """Show the page; its address stands alone on a line, for whoever copies it, or another program reads it."""
    if page.code:
        say(f"Open this page in any browser, and type the code {page.code} there:")
        say(page.address)
        return
    if way is Way.BROWSER and _has_screen() and webbrowser.open(page.address):
        say("Your browser shows the sign-in page. If it does not, open this address:")
    else:
        say("Open this address in a browser on this machine, or in one from which the port in it is forwarded here:")
    say(page.address)


def _has_screen() -> bool:
    """Tell whether a browser could open a window: one for terminals would take this one, and nobody could sign in."""
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
