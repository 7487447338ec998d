"""Arguments → call → exit code; nothing else. What a command needs is imported when it runs, so that --help is quick."""

from pathlib import Path

import click

from daemon.errors import ConfigError, DaemonError


class Commands(click.Group):
    """The commands; an error that names what to do becomes its message and its exit code."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            click.echo("The configuration cannot be used:", err=True)
            for problem in error.problems:
                click.echo(f"  {problem}", err=True)
            ctx.exit(error.exit_code)
        except DaemonError as error:
            click.echo(f"contactd: {error}", err=True)
            ctx.exit(error.exit_code)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="contactd")
def main() -> None:
    """Keep a vault of people notes and your address books in step."""


@main.command()
@click.option("--once", is_flag=True, required=True, help="Sync once and exit.")
@click.option("--dry-run", is_flag=True, help="Show the plan, touch nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
@click.option("--yes", is_flag=True, help="Carry out a first or large plan without asking.")
@click.option("--account", "accounts", multiple=True, metavar="NAME", help="Only this account; may be repeated.")
@click.option("--config", type=click.Path(path_type=Path), help="The configuration to use.")
@click.option("-v", "--verbose", is_flag=True, help="Name every step that was done.")
@click.pass_context
def sync(
    ctx: click.Context,
    *,
    once: bool,  # noqa: ARG001  # required, until there is a service to run without it
    dry_run: bool,
    as_json: bool,
    yes: bool,
    accounts: tuple[str, ...],
    config: Path | None,
    verbose: bool,
) -> None:
    """Bring notes and contacts into step."""
    from daemon import sync_once
    from daemon.ownership import Beginning
    from daemon.paths import config_path

    beginning = Beginning.MARK if yes and config is not None else Beginning.REFUSE
    wish = sync_once.Wish(config or config_path(), frozenset(accounts), yes, as_json, verbose, beginning)
    ctx.exit((sync_once.dry_run if dry_run else sync_once.sync_once)(wish, click.echo))
