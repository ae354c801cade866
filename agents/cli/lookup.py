"""`renown score`, `top`, `explain` and `history`: what Redis says of people."""

from __future__ import annotations

import re
import sys
from typing import Any

import click
import msgspec

from agents.cli.asking import ask, explanation_of, tell_unknown, valid_user
from agents.cli.target import data_option, resolve
from agents.lookup.documents import ranked_document, score_document
from agents.lookup.reader import NETWORK_PATTERN
from agents.lookup.shown import show
from agents.lookup.stored import StoredScore
from schemas.errors import RenownError
from schemas.printing import printable

MOST_TOP = 10_000
SCORE_COLUMNS = ("user", "score", "target", "1 day", "7 days", "percentile", "relationships", "momentum")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout and nothing else.")


@click.command()
@click.argument("users", nargs=-1, required=True, metavar="USER...")
@json_option
@data_option
def score(users: tuple[str, ...], data: str, *, as_json: bool) -> None:
    """Show the scores of one or several users; with --json one line each. Exit 1 when any has none.

    Example: renown score github:torvalds --json
    """
    asked = [valid_user(user) for user in users]
    found = ask(resolve(data), lambda reader: reader.scores(asked))
    known = [each for each in found if each is not None]
    if as_json:
        for each in known:
            _print_json(score_document(each))
    elif known:
        show(SCORE_COLUMNS, [_row(each) for each in known], sys.stdout)
    if missing := [user for user, each in zip(asked, found, strict=True) if each is None]:
        tell_unknown(missing)


@click.command()
@click.option("-n", "count", type=click.IntRange(1, MOST_TOP), default=10, show_default=True, help="How many.")
@click.option("--network", help="Only users of this network.")
@click.option("--momentum", is_flag=True, help="Order by momentum: who is rising now.")
@json_option
@data_option
def top(count: int, network: str | None, data: str, *, momentum: bool, as_json: bool) -> None:
    """Show the leaderboard: ordered by influence mass, with the shown score beside it.

    Example: renown top -n 20 --network github
    """
    if network is not None and (momentum or not re.fullmatch(NETWORK_PATTERN, network)):
        raise RenownError(f"--network {network!r}: send a network such as github, and not with --momentum")
    found = ask(resolve(data), lambda reader: reader.top(count, network, by_momentum=momentum))
    if as_json:
        _print_json([ranked_document(each) for each in found])
    elif found:
        show(("rank", *SCORE_COLUMNS), [(str(each.rank), *_row(each.score)) for each in found], sys.stdout)
    else:
        raise RenownError(f"no scores{f' in network {network}' if network else ''} yet; `renown drain` waits for them")


@click.command()
@click.argument("user")
@json_option
@data_option
def explain(user: str, data: str, *, as_json: bool) -> None:
    """Show why a user has her score: parts in percent, counts, and the moments that weigh most.

    Example: renown explain github:torvalds
    """
    settings, asked = resolve(data), valid_user(user)
    found = ask(settings, lambda reader: explanation_of(reader, settings, asked))
    if found is None:
        tell_unknown([asked])
    elif as_json:
        _print_json(found)
    else:
        for line in found.lines:
            click.echo(printable(line))


@click.command()
@click.argument("user")
@json_option
@data_option
def history(user: str, data: str, *, as_json: bool) -> None:
    """Show a user's score day by day, at most 90 days back.

    Example: renown history github:torvalds --json
    """
    asked = valid_user(user)
    days = ask(resolve(data), lambda reader: reader.history(asked))
    if not days:
        tell_unknown([asked])
    elif as_json:
        _print_json({"user": asked, "days": [day._asdict() for day in days]})
    else:
        show(("day", "score"), [(day.day, f"{day.score:.1f}") for day in days], sys.stdout)


def _row(found: StoredScore) -> tuple[str, ...]:
    return (
        found.user if found.linked_to is None else f"{found.user}, linked to {found.linked_to}",
        f"{found.score:.1f}{'*' if found.provisional else ''}",
        f"{found.target_score:.1f}",
        _change(found.change_1d),
        _change(found.change_7d),
        f"{found.percentile:.1f}",
        f"{found.relationships:.1f}",
        f"{found.momentum:.2f}",
    )


def _change(change: float | None) -> str:
    return "-" if change is None else f"{change:+.1f}"


def _print_json(value: Any) -> None:
    click.echo(msgspec.json.encode(value))
