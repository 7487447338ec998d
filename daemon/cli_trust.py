"""The commands by which the owner decides: conflicts, plans, and taking back what was done."""
# ruff: noqa: PLC0415, PLR0913  # late imports, so that --help is quick; a command's options are its parameters

from pathlib import Path

import click

from daemon.command import AS_JSON, asking, common, now, say, tell


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
    """Decide a conflict: what all sides are to say.

    CONFLICT is the id that `contactd conflicts` shows, or its beginning.
    """
    from daemon import deciding, errands_decide, sync_once
    from daemon.ownership import Beginning

    answer = deciding.answer(take, values, account)
    say(errands_decide.settle(config_path, conflict, answer, now()))
    if not later:
        wish = sync_once.Wish(config_path, frozenset(), False, False, False, Beginning.REFUSE)  # noqa: FBT003  # a sync as usual
        ctx.exit(sync_once.sync_once(wish, say, asking()))
