"""HTTP ingest over a real socket, with a delivery that does as the test says."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from agents.ingest.delivery import Delivery
from agents.ingest.http import MAX_BODY_BYTES, PATH, Ingest, build
from agents.ingest.http_metrics import HttpMetrics
from agents.ingest.kafka import KafkaAwayError
from agents.ingest.outcomes import Ready

NOW_MS = 1_790_000_000_000
GOOD = {"id": "1", "kind": "like", "actor": "x:a", "target": "x:b", "occurred_at": 5}


class FakeDelivery:
    """Keeps what it is given, or refuses as Kafka does when it is away."""

    def __init__(self, *, away: bool = False) -> None:
        self.away = away
        self.delivered: list[Ready] = []

    def start(self) -> None:
        """Nothing to connect to."""

    async def stop(self) -> None:
        """Nothing to close."""

    async def deliver(self, ready: Sequence[Ready]) -> None:
        """Keep `ready`."""
        if self.away:
            raise KafkaAwayError("away")
        self.delivered += ready

    async def is_up(self) -> bool:
        """Whether it keeps anything."""
        return not self.away


def _client(delivery: FakeDelivery) -> AbstractAsyncContextManager[TestClient[Any, Any]]:
    registry = CollectorRegistry()
    ingest = Ingest(cast("Delivery", delivery), HttpMetrics(registry), registry, lambda: NOW_MS, 300.0)
    return TestClient(TestServer(build(ingest)))


async def _post(
    delivery: FakeDelivery, body: bytes, content_type: str = "application/json"
) -> tuple[int, dict[str, Any]]:
    async with _client(delivery) as client:
        answer = await client.post(PATH, data=io.BytesIO(body), headers={"Content-Type": content_type})
        return answer.status, json.loads(await answer.read())


@pytest.mark.parametrize(
    ("body", "content_type", "count"),
    [
        (json.dumps(GOOD), "application/json", 1),
        (json.dumps([GOOD, GOOD]), "application/json", 2),
        (f"{json.dumps(GOOD)}\n{json.dumps(GOOD)}\n", "text/plain", 2),
        (f"{json.dumps(GOOD)}\n", "application/x-ndjson", 1),
    ],
)
async def test_objects_lists_and_lines_are_accepted_alike(body: str, content_type: str, count: int) -> None:
    """Senders choose the shape that costs them least."""
    delivery = FakeDelivery()
    status, answer = await _post(delivery, body.encode(), content_type)
    assert (status, answer["accepted"], answer["refused"]) == (202, count, 0)
    assert len(delivery.delivered) == count


async def test_each_item_is_judged_by_itself() -> None:
    """One bad item must not cost the good ones, and the sender must learn which it was."""
    late = GOOD | {"occurred_at": NOW_MS + 301_000}
    items = [GOOD, GOOD | {"kind": "poke"}, late, {"id": 3}, GOOD | {"target": "x:a"}]
    delivery = FakeDelivery()
    status, answer = await _post(delivery, json.dumps(items).encode())
    assert status == 207
    reasons = [item.get("reason") for item in answer["items"]]
    assert reasons == [None, "unknown_kind", "from_the_future", "invalid_field", "self_engagement"]
    assert (answer["accepted"], answer["refused"], len(delivery.delivered)) == (1, 4, 1)


async def test_an_item_goes_on_as_it_came() -> None:
    """Fields that we do not know belong to somebody downstream."""
    raw = b'{"id":"1","kind":"like","actor":"x:a","target":"x:b","occurred_at":5,"mine":[1, 2]}'
    delivery = FakeDelivery()
    await _post(delivery, b"[" + raw + b"]")
    assert [each.value for each in delivery.delivered] == [raw]


async def test_torn_lines_are_refused_line_by_line() -> None:
    """In JSON lines a torn last line says nothing about the others."""
    body = json.dumps(GOOD).encode() + b'\n{"id":"2","ki'
    status, answer = await _post(FakeDelivery(), body, "application/x-ndjson")
    assert (status, answer["accepted"], answer["items"][1]["reason"]) == (207, 1, "undecodable")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"{torn", 400),
        (b"[" * 100_000, 400),
        (b"\xff\xfe", 400),
        (json.dumps([GOOD] * 1_001).encode(), 413),
        (b"[" + b" " * MAX_BODY_BYTES + b"]", 413),
    ],
)
async def test_a_body_that_cannot_be_split_is_a_problem(body: bytes, status: int) -> None:
    """Nothing of such a body is taken, and the answer is a document that programs can read."""
    delivery = FakeDelivery()
    found, answer = await _post(delivery, body)
    assert (found, answer["status"], delivery.delivered) == (status, status, [])
    assert answer["detail"]


async def test_without_acknowledgement_nothing_is_claimed() -> None:
    """A 2xx is a promise; while Kafka is away the sender must keep its events."""
    async with _client(FakeDelivery(away=True)) as client:
        answer = await client.post(PATH, json=GOOD)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
        assert answer.content_type == "application/problem+json"
        assert (await client.get("/health")).status == 503


async def test_metrics_exist_at_zero_and_count_items() -> None:
    """An alert on a missing series must mean that the process is gone."""
    async with _client(FakeDelivery()) as client:
        assert 'renown_http_items_total{outcome="poison"} 0.0' in await (await client.get("/metrics")).text()
        await client.post(PATH, json=[GOOD, {}])
        text = await (await client.get("/metrics")).text()
    assert 'renown_http_items_total{outcome="accepted"} 1.0' in text
    assert 'renown_http_requests_total{status="207"} 1.0' in text


async def test_unknown_paths_and_methods_are_problems_too() -> None:
    """One shape of error for every mistake."""
    async with _client(FakeDelivery()) as client:
        for answer in (await client.get("/nothing"), await client.get(PATH)):
            assert answer.content_type == "application/problem+json"
            assert answer.status in {404, 405}
