"""`renown ingest` as a process: summary, exit codes, signals."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.topics import apply
from deploy.local import ports
from deploy.local.state import StackState
from schemas.topics import Topics
from streams.settings import Settings

pytestmark = pytest.mark.integration
LIMIT_S = 60


@pytest.fixture
def env(stack: StackState, own_prefix: str) -> dict[str, str]:
    """Give an environment that leads to topics of this test's own."""
    own = Settings(bootstrap=stack.bootstrap_servers, redis_url=stack.redis_url, prefix=own_prefix, partitions=4)
    asyncio.run(apply(own))
    root = str(Path(__file__).parents[2])
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RENOWN_")}
    return {
        **inherited,
        "PYTHONPATH": root,
        "RENOWN_BOOTSTRAP": own.bootstrap,
        "RENOWN_REDIS_URL": own.redis_url,
        "RENOWN_PREFIX": own_prefix,
        "RENOWN_DATA": "/nowhere/at/all",
    }


def _started(env: dict[str, str], *arguments: str) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "agents.cli.main", "ingest", *arguments]
    return subprocess.Popen(argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


async def _arrived(env: dict[str, str], count: int) -> None:
    """Return once Kafka holds `count` events."""
    consumer = AIOKafkaConsumer(bootstrap_servers=env["RENOWN_BOOTSTRAP"], enable_auto_commit=False)
    topic = Topics(env["RENOWN_PREFIX"]).engagements.name
    await consumer.start()
    try:
        async with asyncio.timeout(LIMIT_S):
            while sum((await consumer.end_offsets([TopicPartition(topic, n) for n in range(4)])).values()) < count:  # noqa: ASYNC110 - the broker tells nobody
                await asyncio.sleep(0.05)
    finally:
        await consumer.stop()


def test_the_sample_hour_is_sent_and_counted(env: dict[str, str]) -> None:
    """What the demo shows first."""
    sample = str(files("agents.ingest.sample") / "github-2015-01-01-15.ndjson.gz")
    process = _started(env, sample, "--format", "gharchive", "--json")
    out, err = process.communicate(timeout=LIMIT_S)
    summary = json.loads(out)
    assert (process.returncode, summary["sent"], summary["refused"]) == (0, 2819, {"self_engagement": 542})
    assert err == b""


def test_a_pipe_that_stays_open_is_left_cleanly_on_ctrl_c(env: dict[str, str]) -> None:
    """What arrived is sent and told; the process does not wait for more."""
    process = _started(env, "-", "--json")
    assert process.stdin is not None
    process.stdin.write(b'{"id":"1","kind":"like","actor":"x:a","target":"x:b","occurred_at":5}\n')
    process.stdin.flush()
    asyncio.run(_arrived(env, 1))
    process.send_signal(signal.SIGINT)
    assert process.wait(LIMIT_S) == 130
    out, err = process.communicate()
    assert json.loads(out)["sent"] == 1
    assert b"Traceback" not in err


@pytest.mark.parametrize(
    ("bootstrap", "arguments", "said"),
    [
        (f"{ports.HOST}:9", ["-", "--wait", "0.2"], "not reachable"),
        (None, ["/no/such/file"], "no such file"),
        (None, ["-"], "nothing in - could be sent"),
    ],
)
def test_failures_are_one_line_and_exit_code_1(
    env: dict[str, str], bootstrap: str | None, arguments: list[str], said: str
) -> None:
    """Never a traceback."""
    process = _started(env | ({"RENOWN_BOOTSTRAP": bootstrap} if bootstrap else {}), *arguments)
    _, err = process.communicate(b"", timeout=LIMIT_S)
    assert process.returncode == 1
    assert said in err.decode()
    assert err.count(b"\n") == 1
