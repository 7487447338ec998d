"""The command by which the owner signs in."""
# ruff: noqa: PLC0415  # late imports, so that --help is quick

from pathlib import Path

import click

from daemon.command import common, say, tell


@click.command()
@click.argument("account")
@click.option("--no-browser", is_flag=True, help="Print the address of the page instead of opening it.")
@click.option("--device", is_flag=True, help="Sign in on another device, by a code (Microsoft).")
@common
def auth(*, account: str, no_browser: bool, device: bool, config_path: Path) -> None:
    """Sign in to an account.

    ACCOUNT is its name in the configuration. It waits until you are done, for five minutes at the most.
    """
    from connectors.interface import Way
    from daemon.auth import auth as sign_in

    way = Way.DEVICE if device else Way.ADDRESS if no_browser else Way.BROWSER
    # Told as it is: an address that is broken into lines cannot be copied.
    say(sign_in(config_path, account, way, tell))
