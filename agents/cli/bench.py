"""`renown bench`: measurements, each on a stack of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
import orjson

from agents.bench import document as documents
from agents.bench.figures import Figure, Run
from agents.bench.machine import load_average
from agents.bench.progress import Shown
from agents.bench.report import lines
from agents.ingest.formats import FORMATS
from schemas.errors import BadSettingError

F = TypeVar("F", bound=Callable[..., Any])
Measure = Callable[[Shown], tuple[Run, Mapping[str, Any]]]
FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def bench() -> None:
    """Measure speed, latency and memory on this machine; every run starts its own Kafka, Redis and workers.

    Example: renown bench pipeline --events 1000000 --workers 2 --save now.json
    """


def output_options(command: F) -> F:
    """Add --runs, --json, --save and --against."""
    for option in (
        click.option("--against", type=FILE, help="Show ratios to the measurement saved in this file."),
        click.option("--save", type=FILE, help="Save the measurement as JSON."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout."),
        click.option("--runs", type=click.IntRange(1), default=3, show_default=True, help="Repetitions."),
    ):
        command = option(command)
    return command


def measured(
    name: str, arguments: Mapping[str, Any], figures: Sequence[Figure], measure: Measure, out: Mapping[str, Any]
) -> None:
    """Measure `out["runs"]` times, then print, save and compare as `out` says."""
    before = documents.read(out["against"], name) if out["against"] else None
    if out["save"] and not out["save"].absolute().parent.is_dir():
        raise BadSettingError("save", str(out["save"]), "its folder does not exist; make it first")
    shown, load_before = Shown(sys.stderr), load_average()
    runs, also = [], []
    for number in range(1, out["runs"] + 1):
        shown.label = f"run {number} of {out['runs']}: "
        run, beside = measure(shown)
        runs.append(run)
        also.append(beside)
    found = documents.document(name, arguments, figures, runs, _merged(also), load_before)
    if before is not None:
        found["against"] = documents.compared(found, before)
    if out["save"]:
        documents.save(found, out["save"])
    click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2) if out["as_json"] else "\n".join(lines(found, figures)))


def _merged(also: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the runs have beside their figures: versions once, anything else as one list over the runs."""
    names = {name: None for one in also for name in one}
    return {name: also[0][name] if name == "versions" else [one[name] for one in also] for name in names}


@bench.command()
@click.option("--events", type=click.IntRange(1_000), default=1_000_000, show_default=True, help="Engagements.")
@click.option("--users", type=click.IntRange(2), default=200_000, show_default=True, help="People among them.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Worker processes.")
@click.option("--seed", type=int, default=1, show_default=True, help="Other seeds, other engagements.")
@click.option("--profile", type=FILE, help="Save a cProfile of the first worker and show its dearest functions.")
@click.option("--flame", type=FILE, help="Save a flame graph of the first worker, an SVG.")
@output_options
def pipeline(
    events: int, users: int, workers: int, seed: int, profile: Path | None, flame: Path | None, **out: Any
) -> None:
    """Events a second, and CPU of every part per event, of a burst through the whole pipeline.

    Exit code 1 when the tables do not count exactly what was sent. Example: renown bench pipeline --workers 2
    """
    from agents.bench.throughput import FIGURES, PipelineJob, measure

    job = PipelineJob(events, users, workers, seed, profile, flame)
    measured("pipeline", job.arguments(), FIGURES, lambda shown: measure(job, shown), out)
    if profile is not None:
        from agents.bench.profiling import dearest

        click.echo(dearest(profile), err=True)


@bench.command()
@click.option("--rate", type=click.IntRange(1), default=5_000, show_default=True, help="Engagements a second.")
@click.option("--seconds", type=click.FloatRange(1), default=30.0, show_default=True, help="Time measured.")
@click.option("--warm", "warm_s", type=click.FloatRange(0), default=15.0, show_default=True, help="Seconds before it.")
@click.option("--marks", type=click.FloatRange(0.1), default=100.0, show_default=True, help="Probes a second.")
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Worker processes.")
@click.option("--seed", type=int, default=1, show_default=True, help="Other seeds, other people.")
@output_options
def latency(rate: int, seconds: float, warm_s: float, marks: float, workers: int, seed: int, **out: Any) -> None:
    """Milliseconds from an engagement's append to its score in Redis, at a steady rate.

    Seen twice: by the pipeline's own stamps, and by a probe that looks into Redis. Example: renown bench latency
    """
    from agents.bench.latency import FIGURES, LatencyJob, measure

    job = LatencyJob(rate, seconds, warm_s, marks, workers, seed)
    measured("latency", job.arguments(), FIGURES, lambda shown: measure(job, shown), out)


@bench.command()
@click.option("--users", type=click.IntRange(100), default=100_000, show_default=True, help="People scored.")
@click.option("--pairs", type=click.IntRange(1, 50), default=3, show_default=True, help="Others each engages with.")
@click.option("--seed", type=int, default=1, show_default=True, help="Other seeds, other names.")
@output_options
def memory(users: int, pairs: int, seed: int, **out: Any) -> None:
    """Bytes that a user and a pair cost a worker.

    Exit code 1 when the tables do not count exactly what was sent. Example: renown bench memory --users 100000
    """
    from agents.bench.memory import FIGURES, MemoryJob, measure

    job = MemoryJob(users, pairs, seed)
    measured("memory", job.arguments(), FIGURES, lambda shown: measure(job, shown), out)


def state_options(command: F) -> F:
    """Add --users, --pairs and --seed."""
    for option in (
        click.option("--seed", type=int, default=1, show_default=True, help="Other seeds, other names."),
        click.option("--pairs", type=click.IntRange(1, 50), default=1, show_default=True, help="Others each acts on."),
        click.option("--users", type=click.IntRange(100), default=100_000, show_default=True, help="People scored."),
    ):
        command = option(command)
    return command


@bench.command()
@state_options
@output_options
def recovery(users: int, pairs: int, seed: int, **out: Any) -> None:
    """Seconds until a killed worker, started anew, works on what it has read back from Kafka.

    Exit code 1 when the tables do not count exactly what was sent. Example: renown bench recovery --users 1000000
    """
    from agents.bench.recovery import RECOVERY, RecoveryJob, measure_recovery

    job = RecoveryJob(users, pairs, seed)
    measured("recovery", job.arguments(), RECOVERY, lambda shown: measure_recovery(job, shown), out)


@bench.command()
@state_options
@output_options
def takeover(users: int, pairs: int, seed: int, **out: Any) -> None:
    """Seconds until a worker with standby copies works in the place of one that was killed.

    Exit code 1 when the tables do not count exactly what was sent. Example: renown bench takeover --users 1000000
    """
    from agents.bench.recovery import TAKEOVER, RecoveryJob, measure_takeover

    job = RecoveryJob(users, pairs, seed)
    measured("takeover", job.arguments(), TAKEOVER, lambda shown: measure_takeover(job, shown), out)


@bench.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="jsonl", show_default=True, help="What FILE holds."
)
@click.option("--profile", default="default", show_default=True, help="Named parameters of the model.")
@output_options
def replay(file: Path, form: str, profile: str, **out: Any) -> None:
    """Events a second and peak memory of scoring FILE offline.

    Example: renown bench replay higgs-activity_time.txt.gz --format higgs --profile burst
    """
    from agents.bench.offline import FIGURES, ReplayJob, measure

    job = ReplayJob(file, form, profile)
    measured("replay", job.arguments(), FIGURES, lambda shown: measure(job, shown), out)


@bench.command()
@click.option("--users", type=click.IntRange(1, 200_000), default=20_000, show_default=True, help="People scored.")
@click.option("--seconds", type=click.FloatRange(1), default=10.0, show_default=True, help="Time of each measurement.")
@click.option("--rate", type=click.FloatRange(1), default=1_000.0, show_default=True, help="Steady reads a second.")
@click.option("--connections", type=click.IntRange(1, 1_000), default=32, show_default=True, help="Of the reader.")
@output_options
def reads(users: int, seconds: float, rate: float, connections: int, **out: Any) -> None:
    """Single scores a second over HTTP from one core, and milliseconds at a steady rate; needs wrk.

    Example: renown bench reads --rate 1000
    """
    from agents.bench.reads import FIGURES, ReadsJob, measure

    job = ReadsJob(users, seconds, rate, connections)
    measured("reads", job.arguments(), FIGURES, lambda shown: measure(job, shown), out)


@bench.command()
@click.option("--users", type=click.IntRange(1), default=100_000, show_default=True, help="People in Redis.")
@click.option("--updates", type=click.IntRange(1), default=200_000, show_default=True, help="Scores measured.")
@click.option("--seed", type=int, default=1, show_default=True, help="Other seeds, other people.")
@output_options
def scores(users: int, updates: int, seed: int, **out: Any) -> None:
    """CPU that a score costs the scoring agent and Redis; Kafka is left out.

    Example: renown bench scores --users 100000 --updates 200000
    """
    from agents.bench.scores import FIGURES, ScoresJob, measure

    job = ScoresJob(users, updates, seed)
    measured("scores", job.arguments(), FIGURES, lambda shown: measure(job, shown), out)
