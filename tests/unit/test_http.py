"""HTTP ingest over a real socket, with a delivery that does as the test says."""

from __future__ import annotations

import json

import pytest

from agents.http.admission import Limits
from agents.ingest.http_metrics import PATH
from tests.http_ingest import GOOD, NOW_MS, FakeDelivery, posted, serving


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
    status, answer = await posted(delivery, body.encode(), content_type)
    assert (status, answer["accepted"], answer["refused"]) == (202, count, 0)
    assert len(delivery.delivered) == count


async def test_each_item_is_judged_by_itself() -> None:
    """One bad item must not cost the good ones, and the sender must learn which it was."""
    late = GOOD | {"occurred_at": NOW_MS + 301_000}
    items = [GOOD, GOOD | {"kind": "poke"}, late, {"id": 3}, GOOD | {"target": "x:a"}]
    delivery = FakeDelivery()
    status, answer = await posted(delivery, json.dumps(items).encode())
    assert status == 207
    reasons = [item.get("reason") for item in answer["items"]]
    assert reasons == [None, "unknown_kind", "from_the_future", "invalid_field", "self_engagement"]
    assert (answer["accepted"], answer["refused"], len(delivery.delivered)) == (1, 4, 1)


async def test_an_item_goes_on_as_it_came() -> None:
    """Fields that we do not know belong to somebody downstream."""
    raw = b'{"id":"1","kind":"like","actor":"x:a","target":"x:b","occurred_at":5,"mine":[1, 2]}'
    delivery = FakeDelivery()
    await posted(delivery, b"[" + raw + b"]")
    assert [each.value for each in delivery.delivered] == [raw]


async def test_torn_lines_are_refused_line_by_line() -> None:
    """In JSON lines a torn last line says nothing about the others."""
    body = json.dumps(GOOD).encode() + b'\n{"id":"2","ki'
    status, answer = await posted(FakeDelivery(), body, "application/x-ndjson")
    assert (status, answer["accepted"], answer["items"][1]["reason"]) == (207, 1, "undecodable")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"{torn", 400),
        (b"[" * 60_000, 400),
        (b"\xff\xfe", 400),
        (b"[" + b"1," * 1_000 + b"1]", 422),
        (b"[" + b" " * 65_536 + b"]", 413),
    ],
)
async def test_a_body_that_cannot_be_split_is_a_problem(body: bytes, status: int) -> None:
    """Nothing of such a body is taken, and the answer is a document that programs can read."""
    delivery = FakeDelivery()
    found, answer = await posted(delivery, body, limits=Limits(max_body_bytes=65_536))
    assert (found, answer["status"], delivery.delivered) == (status, status, [])
    assert answer["detail"]


async def test_without_acknowledgement_nothing_is_claimed() -> None:
    """A 2xx is a promise; while Kafka is away the sender must keep its events."""
    async with serving(FakeDelivery(away=True)) as client:
        answer = await client.post(PATH, json=GOOD)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
        assert answer.content_type == "application/problem+json"
        assert (await client.get("/health")).status == 503


async def test_metrics_exist_at_zero_and_count_items() -> None:
    """An alert on a missing series must mean that the process is gone."""
    async with serving(FakeDelivery()) as client:
        assert 'renown_http_items_total{key="open",outcome="poison"} 0.0' in await (await client.get("/metrics")).text()
        await client.post(PATH, json=[GOOD, {}])
        text = await (await client.get("/metrics")).text()
    assert 'renown_http_items_total{key="open",outcome="accepted"} 1.0' in text
    assert 'renown_http_requests_total{status="207"} 1.0' in text


async def test_unknown_paths_and_methods_are_problems_too() -> None:
    """One shape of error for every mistake."""
    async with serving(FakeDelivery()) as client:
        for answer in (await client.get("/nothing"), await client.get(PATH)):
            assert answer.content_type == "application/problem+json"
            assert answer.status in {404, 405}
