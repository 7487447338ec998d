"""Arguments → call → exit code; nothing else. What a command needs is imported when it runs, so that --help is quick."""
# ruff: noqa: PLC0415, PLR0913  # late imports, as said; and a command's options are its function's parameters

import sys
from pathlib import Path

import click

from daemon import cli_auth, cli_meetings, cli_service, cli_trust
from daemon.command import (
    AS_JSON,
    CONFIG,
    FILE,
    Commands,
    ask,
    asking,
    collect_seldom,
    common,
    confirmed,
    now,
    say,
    tell,
    verbose_option,
)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="contactd")
def main() -> None:
    """Keep a vault of people notes and your address books in step."""
    collect_seldom()


@main.command()
@click.argument("vault", type=FILE, required=False)
@common
def init(vault: Path | None, config_path: Path) -> None:
    """Begin with a vault: look at it and write a configuration.

    VAULT is the folder of the notes; without it you are asked, or it is the folder that you are in.
    """
    from daemon import begin
    from daemon.progress import Progress
    from daemon.render import plain

    begin.init(config_path, vault, ask, lambda line: say(plain(line)), Progress(sys.stderr), now())


@main.command()
@click.option("--once", is_flag=True, help="Sync once and exit; without it, be the service.")
@click.option("--dry-run", is_flag=True, help="Show the plan, touch nothing.")
@AS_JSON
@click.option("--yes", is_flag=True, help="Carry out a first or large plan without asking.")
@click.option("--account", "accounts", multiple=True, metavar="NAME", help="Only this account; may be repeated.")
@CONFIG
@click.option("--log-json", is_flag=True, help="The service logs JSON, an object a line.")
@verbose_option("Name every step, and log more.", expose_value=True)
@click.pass_context
def sync(
    ctx: click.Context,
    *,
    once: bool,
    dry_run: bool,
    as_json: bool,
    yes: bool,
    accounts: tuple[str, ...],
    config_path: Path,
    log_json: bool,
    verbose: bool,
) -> None:
    """Bring notes and contacts into step: once, or as a service that goes on until it is stopped."""
    if not once:
        if dry_run or as_json or yes or accounts:
            raise click.UsageError("these options are for --once")
        _serve(ctx, config_path, log_json=log_json, verbose=verbose)
    from daemon import sync_once
    from daemon.ownership import Beginning

    is_named = ctx.get_parameter_source("config_path") is click.core.ParameterSource.COMMANDLINE
    beginning = Beginning.MARK if yes and is_named else Beginning.REFUSE
    wish = sync_once.Wish(config_path, frozenset(accounts), yes, as_json, verbose, beginning)
    answer = tell if as_json else say
    ctx.exit(sync_once.dry_run(wish, answer) if dry_run else sync_once.sync_once(wish, answer, asking()))


def _serve(ctx: click.Context, config_path: Path, *, log_json: bool, verbose: bool) -> None:
    from daemon import log_service, service

    log_service.set_up(as_json=log_json, verbose=verbose)
    ctx.exit(service.serve(config_path))


@main.command("status")
@AS_JSON
@common
@click.pass_context
def show_status(ctx: click.Context, *, as_json: bool, config_path: Path) -> None:
    """Tell how everything stands since the last run."""
    from daemon import render_status, status
    from daemon.config import load

    stands = status.status(load(config_path), now())
    if as_json:
        tell(render_status.status_json(stands))
    else:
        say(render_status.status(stands, now()))
    ctx.exit(stands.exit_code)


@main.command()
@click.option("--all", "settled_too", is_flag=True, help="Also those that a rule settled or that are over.")
@AS_JSON
@common
def conflicts(*, settled_too: bool, as_json: bool, config_path: Path) -> None:
    """Show where note and contact differ and you decide, or have undone."""
    from daemon import errands

    (tell if as_json else say)(errands.show_conflicts(config_path, now(), settled_too=settled_too, as_json=as_json))


@main.group(invoke_without_command=True)
@AS_JSON
@common
@click.pass_context
def links(ctx: click.Context, *, as_json: bool, config_path: Path) -> None:
    """Show which notes and contacts wait to be linked by you."""
    from daemon import errands

    if ctx.invoked_subcommand is None:
        (tell if as_json else say)(errands.show_links(config_path, now(), as_json=as_json))


links.add_command(cli_trust.review_links)


@main.command()
@click.argument("note")
@click.argument("contact")
@click.option("--account", metavar="NAME", help="The account, where several might be meant.")
@common
def link(note: str, contact: str, account: str | None, config_path: Path) -> None:
    """Link a note to a contact, or have one made.

    NOTE is a path in the vault, a file name or a uid; CONTACT is an id that `contactd links` shows, or the word
    "new" to have a contact made.
    """
    from daemon import errands

    say(errands.link(config_path, note, contact, account, now()))


@main.command()
@click.option("--passwords", is_flag=True, help="Look only at the keyring and the passwords, and not in the sandbox.")
@AS_JSON
@common
@click.pass_context
def doctor(ctx: click.Context, *, passwords: bool, as_json: bool, config_path: Path) -> None:
    """Look whether all is there that contactd needs."""
    from daemon import errands

    if passwords:
        text, exit_code = errands.examine_passwords(config_path, as_json=as_json)
    else:
        text, exit_code = errands.examine(config_path, now(), as_json=as_json)
    if as_json:
        tell(text)
    else:
        say(text)
    ctx.exit(exit_code)


@main.command()
@common
def takeover(config_path: Path) -> None:
    """Let this machine keep the vault in step, not another."""
    from daemon import errands

    say(errands.take_over(config_path, now()))


@main.command()
@click.argument("file", type=FILE)
@common
def backup(file: Path, config_path: Path) -> None:
    """Copy what contactd remembers into a new file."""
    from daemon import errands

    say(errands.back_up(config_path, file, now()))


@main.command()
@click.argument("file", type=FILE)
@common
def restore(file: Path, config_path: Path) -> None:
    """Bring back what contactd remembered, from a backup.

    What it remembers now is kept in the folder `backups` of its state.
    """
    from daemon import errands

    say(errands.restore(config_path, file, now()))


@main.group()
def account() -> None:
    """Rename or forget an account."""


@account.command("rename")
@click.argument("old")
@click.argument("new")
@common
def rename_account(old: str, new: str, config_path: Path) -> None:
    """Keep the links of an account that has a new name.

    The configuration calls it NEW already; what is remembered of OLD becomes its.
    """
    from daemon import errands

    say(errands.rename_account(config_path, old, new, now()))


@account.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def remove_account(*, name: str, yes: bool, config_path: Path) -> None:
    """Forget what is linked in an account.

    Notes and contacts stay as they are. The configuration is yours to edit.
    """
    from daemon import errands

    say(errands.remove_account(config_path, name, lambda question: yes or confirmed(question), now()))


for _command in (
    cli_auth.auth,
    cli_service.service,
    cli_trust.show_conflict,
    cli_trust.settle,
    cli_trust.show_log,
    cli_trust.undo,
    cli_trust.plan,
    cli_trust.apply,
    cli_trust.review,
    cli_trust.show_egress,
    cli_trust.unlink,
    cli_trust.never,
    *cli_meetings.COMMANDS,
):
    main.add_command(_command)
