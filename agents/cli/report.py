"""`renown report`: a user's week."""

from __future__ import annotations

import click
import msgspec

from agents.cli.asking import ask, explanation_of, tell_unknown, valid_user
from agents.cli.target import data_option, resolve
from agents.lookup.reader import Reader
from agents.lookup.week import WeeklyReport, report_of
from schemas.printing import printable
from streams.settings import Settings


@click.command()
@click.argument("user")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout and nothing else.")
@data_option
def report(user: str, data: str, *, as_json: bool) -> None:
    """Show a user's last seven days: what changed, why, who helped, and what could be done.

    Example: renown report github:torvalds
    """
    settings, asked = resolve(data), valid_user(user)
    found = ask(settings, lambda reader: _reported(reader, settings, asked))
    if found is None:
        tell_unknown([asked])
    elif as_json:
        click.echo(msgspec.json.encode(found))
    else:
        for line in (f"The week of {asked}, {found.first_day} to {found.last_day}", *found.lines, *found.advice):
            click.echo(printable(line))


async def _reported(reader: Reader, settings: Settings, user: str) -> WeeklyReport | None:
    explanation = await explanation_of(reader, settings, user)
    return None if explanation is None else report_of(explanation, await reader.history(user))
