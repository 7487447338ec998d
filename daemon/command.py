"""What every command line command is made of: its options, its errors, and how it speaks with whoever ran it."""
# ruff: noqa: PLC0415  # late imports, so that --help is quick

import gc
import os
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

_CONFIG, _IS_NAMED = "daemon.command.config", "daemon.command.config_is_named"
"""Keys of a context's meta: the command's configuration, and whether the owner named it."""


_COLLECT_AFTER = 100_000
"""How many more objects are made than freed before Python looks for cycles among them; 700 by default."""


def collect_seldom() -> None:
    """Let Python look for cycles seldom: nearly all that a run makes lives to its end, and is looked through in vain."""
    gc.set_threshold(_COLLECT_AFTER, 20, 20)


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
            text = "contactd: interrupted. What was done is recorded; the next run goes on from there."
            click.echo(f"\n{finished(text, sys.stderr, ctx)}", err=True)
            ctx.exit(_INTERRUPTED)
        except Exception as error:  # noqa: BLE001  # the outermost place: what nobody expected ends here, and says so
            from daemon import failure

            message, exit_code = failure.told(error, ctx.meta.get(_CONFIG))
            click.echo(finished(message, sys.stderr, ctx), err=True)
            ctx.exit(exit_code)


def _listen(ctx: click.Context, param: click.Parameter, verbose: bool) -> bool:  # noqa: ARG001, FBT001  # as click calls it
    import logging

    from daemon import log

    log.set_up(logging.DEBUG if verbose else logging.WARNING)
    return verbose


def _config_path(ctx: click.Context, param: click.Parameter, named: Path | None) -> Path:  # noqa: ARG001  # as click calls it
    from daemon.paths import config_path

    ctx.meta[_IS_NAMED] = named is not None
    path = ctx.meta[_CONFIG] = named if named is not None else config_path()
    return path


Function = TypeVar("Function", bound=Callable[..., None])

FILE = click.Path(path_type=Path)
CONFIG = click.option(
    "--config", "config_path", type=FILE, callback=_config_path, help="The configuration to use.", metavar="FILE"
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def verbose_option(text: str, *, expose_value: bool) -> Callable[[Function], Function]:
    """Return the option that logs more; `expose_value` gives it to the command too."""
    return click.option("-v", "--verbose", is_flag=True, callback=_listen, expose_value=expose_value, help=text)


def common(function: Function) -> Function:
    """Add the options that every command has."""
    return CONFIG(verbose_option("Log more to the error stream.", expose_value=False)(function))


class OutputLost(click.ClickException):
    """What was to be said could not be written, as into a file on a full disk; what was done is done.

    Source: sysexits.h, EX_IOERR.
    """

    exit_code = 74


def say(text: str) -> None:
    """Say something to whoever ran the command."""
    tell(finished(text, sys.stdout, click.get_current_context()))


def tell(text: str) -> None:
    """Write something out as it is, such as JSON."""
    try:
        click.echo(text)
    except BrokenPipeError:
        raise
    except OSError as error:
        # What stays in the buffer is tried again when Python ends, and makes it end with 120 (docs.python.org, "Note on
        # SIGPIPE"): it goes nowhere instead.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OutputLost(f"what is said cannot be written: {error.strerror}") from error


def finished(text: str, stream: TextIO, ctx: click.Context) -> str:
    """Make every command in a text one that can be copied and run; break lines and colour for a terminal, not for a pipe."""
    import shlex
    import shutil

    from daemon import difference
    from daemon.render import fitted, runnable

    text = runnable(text, f"--config {shlex.quote(str(ctx.meta[_CONFIG]))}" if ctx.meta.get(_IS_NAMED) else "")
    is_coloured = stream.isatty() and difference.is_wanted()
    text = text if is_coloured else difference.unmarked(text)
    text = fitted(text, shutil.get_terminal_size().columns) if stream.isatty() else text
    text = difference.painted(text)
    # A terminal may speak less than Unicode.
    return text.encode(stream.encoding, "backslashreplace").decode(stream.encoding)


def ask(question: str, default: str) -> str:
    """Ask the owner; where nobody can be asked, the default stands."""
    if not sys.stdin.isatty():
        return default
    return str(click.prompt(question, default=default, err=True))


def asking() -> Callable[[str], bool] | None:
    """Return how to ask about a plan; None where nobody can be asked: then it waits."""
    return approved if sys.stdin.isatty() and sys.stderr.isatty() else None


def approved(question: str) -> bool:
    """Ask about a plan; where nobody can be asked, it waits."""
    if asking() is None:
        return False
    return click.confirm(finished(question, sys.stderr, click.get_current_context()), err=True)


def confirmed(question: str) -> bool:
    """Ask yes or no; where nobody can be asked, that is a matter of usage."""
    if not sys.stdin.isatty():
        raise click.UsageError("this is asked on a terminal; elsewhere, say --yes")
    return click.confirm(finished(question, sys.stderr, click.get_current_context()), err=True)


def now() -> datetime:
    """Return the time, in the zone in which everything is stored."""
    return datetime.now(UTC)
