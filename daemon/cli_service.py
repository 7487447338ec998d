"""The commands about the service as a unit of systemd."""
# ruff: noqa: PLC0415  # late imports, so that --help is quick

from pathlib import Path

import click

from daemon.command import common, say


@click.group()
def service() -> None:
    """Install the service for systemd, or take it away."""


@service.command()
@click.option("--no-start", is_flag=True, help="Only write the unit.")
@click.option("--linger", is_flag=True, help="Also run while you are not logged in.")
@common
def install(*, no_start: bool, linger: bool, config_path: Path) -> None:
    """Write the unit and start it; again after paths in the configuration have changed."""
    from daemon import unit

    say(unit.install(config_path, start=not no_start, linger=linger))


@service.command()
@common
def uninstall(config_path: Path) -> None:
    """Stop the service and remove its unit."""
    from daemon import unit

    del config_path
    say(unit.uninstall())


@service.command("status")
@common
@click.pass_context
def service_status(ctx: click.Context, config_path: Path) -> None:
    """Tell what systemd says of the service."""
    from daemon import unit

    text, exit_code = unit.status(config_path)
    say(text)
    ctx.exit(exit_code)
