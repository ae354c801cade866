"""`renown stability`: how far scores move from day to day, in pauses, and by late or shuffled input."""

from __future__ import annotations

import click
import orjson

from agents.cli.evaluate import loaded, model_of, print_table, recording_options, steps
from agents.evidence import tables
from agents.evidence.stability import STEPS
from agents.evidence.stability import stability as measured


@click.command()
@recording_options
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Draws which acts come late.")
def stability(file: str, form: str, profile: str, settings: tuple[str, ...], seed: int, *, as_json: bool) -> None:
    """Replay the engagements in FILE hour by hour and say what moves.

    Example: renown stability higgs-activity_time.txt.gz --format higgs --profile burst
    """
    parameters, model = model_of(profile, settings)
    found = loaded(file, form)
    with steps("stability", STEPS) as advance:
        document = measured(found, parameters, model, seed, advance)
    if as_json:
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))
        return
    for table in (tables.moves, tables.overlaps, tables.pauses, tables.disorders):
        print_table(table(document))
