"""The commands by which the owner decides: conflicts, plans, and taking back what was done."""
# ruff: noqa: PLC0415, PLR0913  # late imports, so that --help is quick; a command's options are its parameters

from collections.abc import Callable
from pathlib import Path

import click

from daemon.command import AS_JSON, CONFIG, FILE, asking, common, confirmed, now, say, tell, verbose_option


@click.command("show")
@click.argument("conflict")
@AS_JSON
@common
def show_conflict(conflict: str, *, as_json: bool, config_path: Path) -> None:
    """Show one conflict with all that is known of it.

    CONFLICT is the id that `contactd conflicts` shows, or its beginning.
    """
    from daemon import errands_decide

    (tell if as_json else say)(errands_decide.show_conflict(config_path, conflict, now(), as_json=as_json))


@click.command()
@click.argument("conflict")
@click.option("--note", "take", flag_value="note", help="All sides are to say what the note says.")
@click.option("--remote", "take", flag_value="remote", help="All sides are to say what the contact says.")
@click.option("--both", "take", flag_value="both", help="All sides are to have the values of all (lists).")
@click.option("--value", "values", multiple=True, metavar="V", help='All sides are to say this; "" empties the field.')
@click.option("--account", metavar="NAME", help="With --remote, whose contact, where several differ.")
@click.option("--later", is_flag=True, help="Only remember it; the next sync carries it out.")
@common
@click.pass_context
def settle(
    ctx: click.Context,
    *,
    conflict: str,
    take: str | None,
    values: tuple[str, ...],
    account: str | None,
    later: bool,
    config_path: Path,
) -> None:
    """Decide a conflict, or what you have undone: what all sides are to say.

    CONFLICT is the id that `contactd conflicts` shows, or its beginning.
    """
    from daemon import deciding, errands_decide

    answer = deciding.answer(take, values, account)
    say(errands_decide.settle(config_path, conflict, answer, now()))
    if not later:
        _sync(ctx, config_path)


@click.command()
@click.option("--later", is_flag=True, help="Only remember the answers; the next sync carries them out.")
@common
@click.pass_context
def review(ctx: click.Context, *, later: bool, config_path: Path) -> None:
    """Go through all conflicts that wait, one key for each.

    Answers are remembered at once: whoever quits goes on from there the next time.
    """
    from daemon import errands_decide, prompt

    if not prompt.is_terminal():
        raise click.UsageError("this is asked on a terminal; elsewhere, say `contactd settle`")
    said = "The next `contactd sync --once` carries it out." if later else ""
    text, anything = errands_decide.review(config_path, said, now)
    say(text)
    if anything and not later:
        _sync(ctx, config_path)


@click.command("review")
@common
def review_links(config_path: Path) -> None:
    """Go through all who wait to be linked, one key for each."""
    from daemon import errands_decide, prompt

    if not prompt.is_terminal():
        raise click.UsageError("this is asked on a terminal; elsewhere, say `contactd link` and `contactd never`")
    say(errands_decide.review_links(config_path, now))


@click.command()
@click.argument("note")
@click.option("--account", metavar="NAME", help="The account, where the note has contacts in several.")
@common
def unlink(note: str, account: str | None, config_path: Path) -> None:
    """Part a note from its contact; both stay as they are.

    NOTE is a path in the vault, a file name or a uid.
    """
    from daemon import errands

    say(errands.unlink(config_path, note, account, now()))


@click.command()
@click.argument("note")
@click.argument("contact")
@click.option("--account", metavar="NAME", help="The account, where several might be meant.")
@common
def never(note: str, contact: str, account: str | None, config_path: Path) -> None:
    """Say that a note and a contact are two people.

    NOTE is a path in the vault, a file name or a uid; CONTACT is an id that `contactd links` shows.
    """
    from daemon import errands

    say(errands.tell_apart(config_path, note, contact, account, now()))


@click.command("log")
@click.argument("run", type=int, required=False)
@click.option("--all", "all_runs", is_flag=True, help="Also runs that wrote nothing.")
@AS_JSON
@common
def show_log(run: int | None, *, all_runs: bool, as_json: bool, config_path: Path) -> None:
    """Show what was written, run by run, or what one run wrote.

    RUN is a number that `contactd log` shows.
    """
    from daemon import errands_undo

    told = tell if as_json else say
    if run is None:
        told(errands_undo.show_runs(config_path, now(), all_runs=all_runs, as_json=as_json))
    else:
        told(errands_undo.show_run(config_path, run, now(), as_json=as_json))


@click.command("egress")
@click.option("--account", metavar="NAME", help="Only what went to this account.")
@AS_JSON
@common
def show_egress(account: str | None, *, as_json: bool, config_path: Path) -> None:
    """Show what has left your notes: which fields of whom, to which account, and when.

    Values are not kept; `contactd log` has those of the runs that it remembers.
    """
    from daemon import errands_undo

    (tell if as_json else say)(errands_undo.show_egress(config_path, account, now(), as_json=as_json))


@click.command()
@click.argument("run", type=int)
@click.option("--person", metavar="NOTE", help="Only this person: a path in the vault, a file name or a uid.")
@click.option("--dry-run", is_flag=True, help="Show what would be put back, touch nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
@click.pass_context
def undo(ctx: click.Context, *, run: int, person: str | None, dry_run: bool, yes: bool, config_path: Path) -> None:
    """Put notes and contacts back to what they were before a run.

    What somebody changed since is left as it is, and said. Nothing that was put back is done again until a side
    changes, or until you settle it. RUN is a number that `contactd log` shows.
    """
    from daemon import errands_undo

    if dry_run:
        say(errands_undo.undo_shown(config_path, run, person))
        return
    text, exit_code = errands_undo.undo(
        config_path, run, person, lambda shown: yes or confirmed(f"{shown}\nPut this back?")
    )
    say(text)
    ctx.exit(exit_code)


@click.command()
@click.option("-o", "--output", type=FILE, help="Keep the plan in this file, to be applied later.", metavar="FILE")
@AS_JSON
@CONFIG
@verbose_option("Name every step, and log more.", expose_value=True)
@click.pass_context
def plan(ctx: click.Context, *, output: Path | None, as_json: bool, config_path: Path, verbose: bool) -> None:
    """Show everything that would be done, and keep it for `contactd apply`."""
    from daemon import errands_plan

    text, exit_code = errands_plan.make(config_path, output, as_json=as_json, verbose=verbose)
    (tell if as_json else say)(text)
    ctx.exit(exit_code)


@click.command()
@click.argument("file", type=FILE, required=False)
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
@click.pass_context
def apply(ctx: click.Context, *, file: Path | None, yes: bool, config_path: Path) -> None:
    """Carry out a plan that was kept, or the one that waits.

    Exactly its steps are done; where a side has moved since, they are left out, and said. FILE is one that
    `contactd plan -o FILE` made.
    """
    from daemon import errands_plan

    ask: Callable[[str], bool] | None = None if yes else lambda shown: confirmed(f"{shown}\nCarry this out?")
    text, exit_code = errands_plan.apply(config_path, file, ask)
    say(text)
    ctx.exit(exit_code)


def _sync(ctx: click.Context, config_path: Path) -> None:
    """Carry out at once what was decided, as any sync would."""
    from daemon import sync_once
    from daemon.ownership import Beginning

    wish = sync_once.Wish(config_path, frozenset(), False, False, False, Beginning.REFUSE)  # noqa: FBT003  # a sync as usual
    ctx.exit(sync_once.sync_once(wish, say, asking()))
