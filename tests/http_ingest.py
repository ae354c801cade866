"""HTTP ingest as tests see it: over a real socket, with a delivery that does as the test says, and keys."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from aiohttp import ClientSession, TCPConnector, web
from prometheus_client import CollectorRegistry

from agents.access.changes import add
from agents.access.gate import Gate, KeyGate, OpenGate
from agents.access.key import Purpose
from agents.access.key_file import changing
from agents.access.ring import KeyRing
from agents.http.admission import Limits
from agents.http.serving import runner_of
from agents.ingest.delivery import Delivery
from agents.ingest.http import Ingest, build
from agents.ingest.http_metrics import PATH, HttpMetrics
from agents.ingest.kafka import KafkaAwayError
from agents.ingest.outcomes import Ready

NOW_MS = 1_790_000_000_000
GOOD = {"id": "1", "kind": "like", "actor": "x:a", "target": "x:b", "occurred_at": 5}


class FakeDelivery:
    """Keeps what it is given, or refuses as Kafka does when it is away."""

    def __init__(self, *, away: bool = False) -> None:
        self.away = away
        self.delivered: list[Ready] = []
        self.sources: set[str] = set()

    def start(self) -> None:
        """Nothing to connect to."""

    async def stop(self) -> None:
        """Nothing to close."""

    async def deliver(self, ready: Sequence[Ready], source: str) -> None:
        """Keep `ready`."""
        if self.away:
            raise KafkaAwayError("away")
        self.delivered += ready
        self.sources.add(source)

    async def is_up(self) -> bool:
        """Whether it keeps anything."""
        return not self.away


@asynccontextmanager
async def serving(
    delivery: FakeDelivery, gate: Gate | None = None, limits: Limits | None = None
) -> AsyncIterator[ClientSession]:
    """Give a client of the server as `renown collect` runs it."""
    registry, gate = CollectorRegistry(), gate or OpenGate()
    metrics = HttpMetrics(registry, gate.names())
    ingest = Ingest(cast("Delivery", delivery), metrics, registry, lambda: NOW_MS, 300.0, gate, limits or Limits())
    runner = runner_of(build(ingest), ingest.limits.request_limit_s)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        async with ClientSession(f"http://{host}:{port}", connector=TCPConnector(force_close=True)) as session:
            yield session
    finally:
        await runner.cleanup()


async def posted(
    delivery: FakeDelivery,
    body: bytes,
    content_type: str = "application/json",
    encoding: str = "",
    limits: Limits | None = None,
) -> tuple[int, dict[str, Any]]:
    headers = {"Content-Type": content_type} | ({"Content-Encoding": encoding} if encoding else {})
    async with (
        serving(delivery, limits=limits) as client,
        client.post(PATH, data=io.BytesIO(body), headers=headers) as answer,
    ):
        return answer.status, json.loads(await answer.read())


class Keys:
    """A file of keys and a gate on it, with clocks that stand still until they are moved."""

    def __init__(self, folder: Path, *, rate: float = 1_000.0) -> None:
        self.path = folder / "keys.json"
        self.now_s = 1_000.0
        self.texts: dict[str, str] = {}
        for name, purpose in (("blog", Purpose.INGEST), ("forum", Purpose.INGEST), ("prom", Purpose.METRICS)):
            with changing(self.path) as found:
                _, self.texts[name] = add(found, name, purpose, now_s=self.now_s)
        self.gate = KeyGate(KeyRing(self.path, lambda: self.now_s), rate, 10.0, lambda: self.now_s)

    def header(self, name: str) -> dict[str, str]:
        """Return the header that shows the key of `name`."""
        return {"Authorization": f"Bearer {self.texts[name]}"}


async def answered(
    client: ClientSession, headers: dict[str, str], body: Any = GOOD
) -> tuple[int, bytes, dict[str, str]]:
    async with client.post(PATH, json=body, headers=headers) as answer:
        kept = {name: answer.headers[name] for name in ("WWW-Authenticate", "Retry-After") if name in answer.headers}
        return answer.status, await answer.read(), kept


async def raw(client: ClientSession, *parts: bytes, pause_s: float = 0.0) -> bytes:
    """Send bytes as they are and return all that comes back until the server closes."""
    base = client._base_url
    assert base is not None
    reader, writer = await asyncio.open_connection(base.host, base.port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause_s)
        async with asyncio.timeout(20):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()
