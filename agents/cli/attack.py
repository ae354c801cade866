"""`renown attack`: what an attack on the score gains, what it costs and whom it moves."""

from __future__ import annotations

import io
import json

import click
from rich.console import Console
from rich.table import Table

from agents.attack.outcome import Outcome
from agents.attack.run import attack as attacked
from agents.attack.scenarios import SCENARIOS
from agents.attack.stream import collected
from agents.cli.replay import blocks, instant, setting
from agents.ingest.formats import FORMATS
from schemas.errors import BadSettingError
from streams.model.parameters import PROFILES, model_name, named

_TABLE_WIDTH = 150


@click.command()
@click.argument("file", type=click.Path(allow_dash=True), required=False)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="jsonl", show_default=True, help="What FILE holds."
)
@click.option(
    "--scenario", type=click.Choice(["all", *SCENARIOS]), default="all", show_default=True, help="Which attack."
)
@click.option("--size", type=click.IntRange(1), help="One size instead of --sizes.")
@click.option("--sizes", default="10,100,1000", show_default=True, help="Accounts, or acts of a lone voice.")
@click.option("--price-per-engagement", "price", type=click.FloatRange(0), default=0.01, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Draws beneficiaries and instants.")
@click.option("--as-of", help="Attack and score as of then: RFC 3339 or epoch ms.  [default: the newest event]")
@click.option("--profile", type=click.Choice(list(PROFILES)), default="default", show_default=True)
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Set one parameter; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per attack.")
@click.option("--list", "listing", is_flag=True, help="Name the attacks and stop.")
def attack(
    file: str | None,
    form: str,
    scenario: str,
    size: int | None,
    sizes: str,
    price: float,
    seed: int,
    as_of: str | None,
    profile: str,
    settings: tuple[str, ...],
    *,
    as_json: bool,
    listing: bool,
) -> None:
    """Inject attacks into the engagements in FILE; report the beneficiary's score before and after.

    Example: renown attack higgs-activity_time.txt.gz --format higgs --profile burst --scenario fresh-bots
    """
    if listing:
        for name, one in SCENARIOS.items():
            click.echo(f"{name:14}{one.meaning}")
        return
    if file is None:
        raise BadSettingError("file", file, "name a file of engagements, or use --list")
    parameters = named(profile, dict(setting(text) for text in settings))
    names = list(SCENARIOS) if scenario == "all" else [scenario]
    steps = [size] if size is not None else _sizes(sizes)
    stream = collected(blocks(file, form, lambda _: None))
    if as_of is not None:
        stream = stream.until(int(instant(as_of) * 1000))
        if not len(stream):
            raise BadSettingError("as-of", as_of, "no event is that old; send a later instant")
    found: list[Outcome] = []
    for outcome in attacked(stream, names, steps, parameters, seed=seed, price=price):
        found.append(outcome)
        if as_json:
            click.echo(json.dumps({"model": model_name(profile, parameters), **outcome.as_json()}))
    if not as_json:
        click.echo(_table(found), nl=False)


def _sizes(text: str) -> list[int]:
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdigit() and int(word) for word in words):
        raise BadSettingError("sizes", text, "send whole numbers above 0 with commas between")
    return [int(word) for word in words]


def _table(found: list[Outcome]) -> str:
    measures = list(found[0].moved)
    table = Table(box=None, header_style="bold")
    for name in ("attack", "size", "for", "paid"):
        table.add_column(name, justify="right" if name in {"size", "paid"} else "left")
    for name in (*measures, "rank", "a point", "p99", "max", "losers", "touched"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in found:
        own = one.moved[measures[0]]
        price = "-" if own.price_per_point is None else f"{own.price_per_point:.3f}"
        table.add_row(
            one.scenario,
            f"{one.size:,}",
            one.standing,
            f"{one.paid:,}",
            f"{own.score[0]:.1f} > {own.score[1]:.1f}",
            *(f"{one.moved[name].gain:+.1f}" for name in measures[1:]),
            f"{own.rank[0]:,} > {own.rank[1]:,}",
            price,
            f"{own.moved_p99:.2f}",
            f"{own.moved_max:.1f}",
            f"{own.losers:,}",
            f"{own.mean_change:+.2f}",
        )
    text = io.StringIO()
    Console(file=text, width=_TABLE_WIDTH).print(table)
    return text.getvalue()
