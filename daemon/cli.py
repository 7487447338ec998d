"""Arguments → call → exit code; nothing else. What a command needs is imported when it runs, so that --help is quick."""
# ruff: noqa: PLC0415, PLR0913  # late imports, as said; and a command's options are its function's parameters

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO, TypeVar

import click

_USAGE = 64
"""Source: sysexits.h, EX_USAGE; click's own 2 says here that an account could not be reached."""

_INTERRUPTED = 130
"""What a shell says of a program that SIGINT ended."""

_NAMED_CONFIG = "daemon.cli.config"
"""Key of a context's meta: the configuration that the owner named, None if it is the usual one."""


@contextmanager
def _usage_has_its_own_code() -> Generator[None]:
    try:
        yield
    except click.UsageError as error:
        setattr(error, "exit_code", _USAGE)  # noqa: B010  # declared as the class's, but an error may have its own
        raise


class Commands(click.Group):
    """Commands whose errors say what to do, and end with the exit code that means it."""

    def make_context(self, *args: object, **extra: object) -> click.Context:
        with _usage_has_its_own_code():
            return super().make_context(*args, **extra)  # type: ignore[arg-type]  # passed on as they came

    def invoke(self, ctx: click.Context) -> object:
        try:
            with _usage_has_its_own_code():
                return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, BrokenPipeError):
            raise
        except (KeyboardInterrupt, click.Abort):
            click.echo("\ncontactd: interrupted. What was done is recorded; the next run goes on from there.", err=True)
            ctx.exit(_INTERRUPTED)
        except Exception as error:  # noqa: BLE001  # the outermost place: what nobody expected ends here, and says so
            from daemon import failure

            message, exit_code = failure.told(error)
            click.echo(_finished(message, sys.stderr, ctx), err=True)
            ctx.exit(exit_code)


def _listen(ctx: click.Context, param: click.Parameter, verbose: bool) -> bool:  # noqa: ARG001, FBT001  # as click calls it
    import logging

    from daemon import log

    log.set_up(logging.DEBUG if verbose else logging.WARNING)
    return verbose


def _config_path(ctx: click.Context, param: click.Parameter, named: Path | None) -> Path:  # noqa: ARG001  # as click calls it
    from daemon.paths import config_path

    ctx.meta[_NAMED_CONFIG] = named
    return named if named is not None else config_path()


Function = TypeVar("Function", bound=Callable[..., None])

_FILE = click.Path(path_type=Path)
_config = click.option(
    "--config", "config_path", type=_FILE, callback=_config_path, help="The configuration to use.", metavar="FILE"
)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def _verbose(text: str, *, expose_value: bool) -> Callable[[Function], Function]:
    return click.option("-v", "--verbose", is_flag=True, callback=_listen, expose_value=expose_value, help=text)


def _common(function: Function) -> Function:
    return _config(_verbose("Log more to the error stream.", expose_value=False)(function))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="contactd")
def main() -> None:
    """Keep a vault of people notes and your address books in step."""


@main.command()
@click.argument("vault", type=_FILE, required=False)
@_common
def init(vault: Path | None, config_path: Path) -> None:
    """Begin with a vault: look at it and write a configuration.

    VAULT is the folder of the notes; without it you are asked, or it is the folder that you are in.
    """
    from daemon import begin
    from daemon.progress import Progress
    from daemon.render import plain

    begin.init(config_path, vault, _ask, lambda line: _say(plain(line)), Progress(sys.stderr), _now())


@main.command()
@click.option("--once", is_flag=True, required=True, help="Sync once and exit.")
@click.option("--dry-run", is_flag=True, help="Show the plan, touch nothing.")
@_json
@click.option("--yes", is_flag=True, help="Carry out a first or large plan without asking.")
@click.option("--account", "accounts", multiple=True, metavar="NAME", help="Only this account; may be repeated.")
@_config
@_verbose("Name every step, and log more.", expose_value=True)
@click.pass_context
def sync(
    ctx: click.Context,
    *,
    once: bool,  # noqa: ARG001  # required, until there is a service to run without it
    dry_run: bool,
    as_json: bool,
    yes: bool,
    accounts: tuple[str, ...],
    config_path: Path,
    verbose: bool,
) -> None:
    """Bring notes and contacts into step."""
    from daemon import sync_once
    from daemon.ownership import Beginning

    is_named = ctx.get_parameter_source("config_path") is click.core.ParameterSource.COMMANDLINE
    beginning = Beginning.MARK if yes and is_named else Beginning.REFUSE
    wish = sync_once.Wish(config_path, frozenset(accounts), yes, as_json, verbose, beginning)
    say = click.echo if as_json else _say
    ctx.exit(sync_once.dry_run(wish, say) if dry_run else sync_once.sync_once(wish, say, _approved))


@main.command("status")
@_json
@_common
@click.pass_context
def show_status(ctx: click.Context, *, as_json: bool, config_path: Path) -> None:
    """Tell how everything stands since the last run."""
    from daemon import render_status, status
    from daemon.config import load

    stands = status.status(load(config_path), _now())
    if as_json:
        click.echo(render_status.status_json(stands))
    else:
        _say(render_status.status(stands, _now()))
    ctx.exit(stands.exit_code)


@main.command()
@click.option("--all", "settled_too", is_flag=True, help="Also those that a rule settled or that are over.")
@_json
@_common
def conflicts(*, settled_too: bool, as_json: bool, config_path: Path) -> None:
    """Show where note and contact differ and you decide."""
    from daemon import errands

    (click.echo if as_json else _say)(
        errands.show_conflicts(config_path, _now(), settled_too=settled_too, as_json=as_json)
    )


@main.command()
@_json
@_common
def links(*, as_json: bool, config_path: Path) -> None:
    """Show which notes and contacts wait to be linked by you."""
    from daemon import errands

    (click.echo if as_json else _say)(errands.show_links(config_path, _now(), as_json=as_json))


@main.command()
@click.argument("note")
@click.argument("contact")
@click.option("--account", metavar="NAME", help="The account, where several might be meant.")
@_common
def link(note: str, contact: str, account: str | None, config_path: Path) -> None:
    """Link a note to a contact, or have one made.

    NOTE is a path in the vault, a file name or a uid; CONTACT is an id that `contactd links` shows, or the word
    "new" to have a contact made.
    """
    from daemon import errands

    _say(errands.link(config_path, note, contact, account, _now()))


@main.command()
@_common
@click.pass_context
def doctor(ctx: click.Context, config_path: Path) -> None:
    """Look whether all is there that contactd needs."""
    from daemon import errands

    text, exit_code = errands.examine(config_path, _now())
    _say(text)
    ctx.exit(exit_code)


@main.command()
@_common
def takeover(config_path: Path) -> None:
    """Let this machine keep the vault in step, not another."""
    from daemon import errands

    _say(errands.take_over(config_path, _now()))


@main.command()
@click.argument("file", type=_FILE)
@_common
def backup(file: Path, config_path: Path) -> None:
    """Copy what contactd remembers into a new file."""
    from daemon import errands

    _say(errands.back_up(config_path, file, _now()))


@main.command()
@click.argument("file", type=_FILE)
@_common
def restore(file: Path, config_path: Path) -> None:
    """Bring back what contactd remembered, from a backup.

    What it remembers now is kept in the folder `backups` of its state.
    """
    from daemon import errands

    _say(errands.restore(config_path, file, _now()))


@main.group()
def account() -> None:
    """Rename or forget an account."""


@account.command("rename")
@click.argument("old")
@click.argument("new")
@_common
def rename_account(old: str, new: str, config_path: Path) -> None:
    """Keep the links of an account that has a new name.

    The configuration calls it NEW already; what is remembered of OLD becomes its.
    """
    from daemon import errands

    _say(errands.rename_account(config_path, old, new, _now()))


@account.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_common
def remove_account(*, name: str, yes: bool, config_path: Path) -> None:
    """Forget what is linked in an account.

    Notes and contacts stay as they are. The configuration is yours to edit.
    """
    from daemon import errands

    _say(errands.remove_account(config_path, name, lambda question: yes or _confirmed(question), _now()))


def _say(text: str) -> None:
    click.echo(_finished(text, sys.stdout, click.get_current_context()))


def _finished(text: str, stream: TextIO, ctx: click.Context) -> str:
    """Make every command in a text one that can be copied and run, and break lines for a terminal, not for a pipe."""
    import shlex
    import shutil

    from daemon.render import fitted, runnable

    named = ctx.meta.get(_NAMED_CONFIG)
    text = runnable(text, f"--config {shlex.quote(str(named))}" if named is not None else "")
    text = fitted(text, shutil.get_terminal_size().columns) if stream.isatty() else text
    # A terminal may speak less than Unicode.
    return text.encode(stream.encoding, "backslashreplace").decode(stream.encoding)


def _ask(question: str, default: str) -> str:
    """Ask the owner; where nobody can be asked, the default stands."""
    if not sys.stdin.isatty():
        return default
    return str(click.prompt(question, default=default, err=True))


def _approved(question: str) -> bool:
    """Ask about a plan; where nobody can be asked, it waits."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    return click.confirm(_finished(question, sys.stderr, click.get_current_context()), err=True)


def _confirmed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise click.UsageError("this is asked on a terminal; elsewhere, say --yes")
    return click.confirm(question, err=True)


def _now() -> datetime:
    return datetime.now(UTC)
