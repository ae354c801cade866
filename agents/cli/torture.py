"""`renown torture`: a seeded random sequence of faults for as long as it is told, judged on the way and at the end."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from agents.bench.progress import Shown
from agents.cli.faults import bed, report, told
from agents.faults.records import hostile
from agents.faults.scene import scene
from agents.faults.torture import Torture

RATE = 500.0


@click.command()
@click.option("--minutes", type=click.FloatRange(0.1), default=30.0, show_default=True, help="How long.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed does the same again.")
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path), help="Folder for logs; else a temporary one.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def torture(minutes: float, seed: int, keep: Path | None, *, as_json: bool) -> None:
    """Do everything bad to one pipeline, in an order drawn from a seed; exit 1 on any loss or doubling.

    Every step is told when it is done, so that a failure can be repeated. Example: renown torture --minutes 30 --seed 7
    """
    shown = Shown(sys.stderr)
    with (
        bed(keep) as made,
        scene(
            made,
            made.folder / "torture",
            hostile,
            seed=seed,
            rate=RATE,
            workers=2,
            own_broker=True,
            settings={},
        ) as on,
    ):
        outcomes = Torture(on, seed, shown.say).run(minutes)
        shown.say(told(outcomes[-1]))
    sys.exit(report(outcomes, as_json=as_json))
