"""`renown demo`: a real hour of GitHub through the whole pipeline, by the same commands that anybody can type."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
import redis

from agents.cli.target import data_option, resolve
from agents.local_topics import SETTINGS_FILE
from agents.redis_connection import redis_login
from deploy.local.redis import find_client
from schemas.errors import RenownError
from schemas.redis_keys import RedisKeys
from streams.settings import Settings

SAMPLE = "github-2015-01-01-15.ndjson.gz"


class DemoError(RenownError):
    """A step of the demo failed; its own output says why."""


@click.command()
@click.option("--workers", default=2, show_default=True, help="Worker processes.")
@data_option
def demo(data: str, workers: int) -> None:
    """Start a local stack, score a real hour of GitHub activity, show who leads and why.

    Leaves the stack running; `renown down` stops it. Example: renown demo
    """
    started = time.monotonic()
    _choose_profile(Path(data))
    _step("a real Kafka and a real Redis", "up", "--data", data, "--workers", str(workers))
    sample = files("agents.ingest.sample") / SAMPLE
    _step("one hour of GitHub (2015-01-01, 15:00 UTC)", "ingest", str(sample), "--format", "gharchive", "--data", data)
    _step("waiting until every event is scored and readable", "drain", "--data", data)
    _step("who leads", "top", "-n", "10", "--data", data)
    settings = resolve(data)
    leader = _leader(settings)
    _step(f"why {leader} leads", "explain", leader, "--data", data)
    _say_how_to_look_up(settings, leader)
    _say_latency(settings)
    took_s = time.monotonic() - started
    click.echo(f"\nDone in {took_s:.1f} s. The stack runs on; `renown down --data {data}` stops it.")


def _choose_profile(folder: Path) -> None:
    """Have the stack in `folder` score by the profile for short data sets, unless it was told otherwise."""
    file = folder / SETTINGS_FILE
    if not file.exists() and "RENOWN_PROFILE" not in os.environ:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text('profile = "burst"  # for data of a few days\n')


def _step(title: str, *arguments: str) -> None:
    shown = " ".join(a.rsplit("/", 1)[-1] if a.endswith(SAMPLE) else a for a in arguments)
    click.secho(f"\n{title}\n$ renown {shown}", bold=True)
    code = subprocess.run([sys.executable, "-m", "agents.cli.main", *arguments], check=False).returncode
    if code:
        raise DemoError(f"`renown {shown}` ended with exit code {code}; its own message stands above")


def _redis(settings: Settings) -> Any:
    """Return a client that answers in text, which its type does not know."""
    return redis.Redis.from_url(settings.redis_url, decode_responses=True, **redis_login(settings))


def _leader(settings: Settings) -> str:
    found = _redis(settings).zrevrange(RedisKeys(settings.redis_prefix).top(), 0, 0)
    if not found:
        raise DemoError("the leaderboard is empty; `renown status` tells whether the workers run")
    return str(found[0])


def _say_how_to_look_up(settings: Settings, leader: str) -> None:
    port = settings.redis_url.rsplit(":", 1)[1].split("/")[0]
    key = RedisKeys(settings.redis_prefix).user(leader)
    click.secho("\nFrom any program, in any language", bold=True)
    click.echo(f"$ {find_client()} -p {port} HGET {key} score\n{_redis(settings).hget(key, 'score')}")


def _say_latency(settings: Settings) -> None:
    """Print how long the scores took from the broker's append of their event to Redis, first calibration included."""
    meta = _redis(settings).hgetall(RedisKeys(settings.redis_prefix).meta())
    click.secho("\nFrom event to readable score", bold=True)
    if "latency_p50_ms" in meta:
        half, most = (int(meta[name]) / 1000 for name in ("latency_p50_ms", "latency_p99_ms"))
        click.echo(f"half within {half:.2f} s, 99 of 100 within {most:.2f} s, over {meta['latency_samples']} scores;")
        click.echo("they came in one burst and waited for the first calibration (`renown bench latency`: steady load)")
    else:
        click.echo("nothing new was scored: every event of the sample was counted before")
