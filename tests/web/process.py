"""`renown serve` as a process of its own, on scores that a test has written."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from deploy.local import ports
from schemas.score import Score
from tests.integration.pipeline import RENOWN
from tests.web.serving import Store

READY_LIMIT_S = 60.0
STOP_LIMIT_S = 20.0


def write(redis_url: str, prefix: str, *batches: Sequence[Score], position: int | None = None) -> None:
    """Write batches of scores one after the other; `position` counts those of earlier calls, None = none."""

    async def written() -> None:
        store = Store(redis_url, prefix, position)
        for batch in batches:
            await store.write(*batch)
        await store.redis.aclose()

    # In a thread of its own: a browser's library may run a loop in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(written())).result()


@contextmanager
def process(redis_url: str, prefix: str, folder: Path, /, **settings: str) -> Iterator[str]:
    """Give the address of a running server, and see it end cleanly; without `bootstrap` Kafka is away."""
    port, log = ports.pick(), folder / "serve.log"
    own = {
        "RENOWN_REDIS_URL": redis_url,
        "RENOWN_REDIS_PREFIX": prefix,
        "RENOWN_DATA": str(folder),
        "RENOWN_BOOTSTRAP": f"{ports.HOST}:{ports.pick()}",
        **{f"RENOWN_{name.upper()}": value for name, value in settings.items()},
    }
    env = {name: value for name, value in os.environ.items() if not name.startswith("RENOWN_")} | own
    with log.open("wb") as out:
        served = subprocess.Popen([*RENOWN, "serve", "--port", str(port)], env=env, stdout=out, stderr=out)
    try:
        _wait_ready(served, log)
        yield f"http://{ports.HOST}:{port}"
        served.send_signal(signal.SIGTERM)
        assert served.wait(STOP_LIMIT_S) == 0
        assert "Traceback" not in log.read_text()
    finally:
        served.kill()
        served.wait()


def _wait_ready(served: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + READY_LIMIT_S
    while "serve: listening on" not in log.read_text():
        assert served.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.05)
