"""The commands about meetings: why a date is what it is, what is to be ignored, and whom one has not seen for long."""
# ruff: noqa: PLC0415  # late imports, so that --help is quick

from pathlib import Path

import click

from daemon.command import AS_JSON, common, now, say

_FOR = click.option("--for", "person", metavar="PERSON", help="Only for this person.")


@click.command()
@click.argument("person")
@AS_JSON
@common
def why(person: str, *, as_json: bool, config_path: Path) -> None:
    """Say why somebody's dates are what they are.

    PERSON is the name, or the path, file name or uid of the note.
    """
    from daemon import errands_meetings

    (click.echo if as_json else say)(errands_meetings.why(config_path, person, now(), as_json=as_json))


@click.command()
@click.argument("event")
@_FOR
@common
def ignore(event: str, person: str | None, config_path: Path) -> None:
    """Let a meeting not count, for anybody or for one person.

    EVENT is the id in brackets that `contactd why` shows.
    """
    from daemon import errands_meetings

    say(errands_meetings.ignore(config_path, event, person, now()))


@click.command()
@click.argument("event")
@_FOR
@common
def unignore(event: str, person: str | None, config_path: Path) -> None:
    """Let a meeting count again that was ignored.

    EVENT is the id in brackets that `contactd why` shows.
    """
    from daemon import errands_meetings

    say(errands_meetings.count_again(config_path, event, person, now()))


@click.command()
@click.option("--tag", metavar="TAG", help="Only those whose note has this tag, or one below it.")
@AS_JSON
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV instead of text.")
@common
def people(tag: str | None, *, as_json: bool, as_csv: bool, config_path: Path) -> None:
    """List everybody, the longest silence first."""
    from daemon import errands_meetings

    if as_json and as_csv:
        raise click.UsageError("say --json or --csv, not both")
    text = errands_meetings.people(config_path, tag, now(), "json" if as_json else "csv" if as_csv else "text")
    (click.echo if as_json or as_csv else say)(text)


COMMANDS = (why, ignore, unignore, people)
