"""What a request may cost: sizes, patience, headers, and strangers' questions."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pytest

from agents.http.admission import HEALTH_S, Health, Limits
from agents.http.encodings import TooLargeError, inflated
from agents.ingest import bodies
from agents.ingest.http_metrics import PATH
from tests.http_ingest import GOOD, FakeDelivery, Keys, answered, posted, raw, serving

TORN = 'renown_http_turned_away_total{key="open",reason="torn"} 1.0'


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("x-gzip", gzip.compress)]
)
async def test_a_packed_body_counts_as_what_it_holds(encoding: str, pack: Any) -> None:
    """Senders of many events pack them; a torn or mixed stream is refused whole."""
    packed = pack(json.dumps([GOOD, GOOD]).encode())
    assert (await posted(FakeDelivery(), packed, encoding=encoding))[1]["accepted"] == 2
    for damaged in (packed[:-3], packed + b"more", b"plain", b""):
        assert (await posted(FakeDelivery(), damaged, encoding=encoding))[0] == 400


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip\tgzip"])
async def test_other_encodings_are_named_as_such(encoding: str) -> None:
    """Unpacking what was packed twice is how small bombs become large."""
    status, answer = await posted(FakeDelivery(), gzip.compress(b"[]"), encoding=encoding)
    assert (status, "gzip" in answer["detail"]) == (415, True)


def test_a_bomb_is_never_inflated_beyond_the_limit() -> None:
    """A megabyte that unpacks to a gigabyte must cost what any other body may cost."""
    bomb = gzip.compress(bytes(200_000_000), 1)
    tracemalloc.start()
    with pytest.raises(TooLargeError, match="more than 1000000 bytes"):
        inflated(bomb, "gzip", 1_000_000)
    assert tracemalloc.get_traced_memory()[1] < 3_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"[" + b"11," * 1_000_000 + b"1]", "application/json"), (b"11\n" * 1_000_000, "application/jsonl")],
)
def test_items_beyond_the_limit_are_not_even_made(body: bytes, content_type: str) -> None:
    """Counting millions of items by making them is an attack that works."""
    tracemalloc.start()
    with pytest.raises(bodies.TooManyItemsError, match="more than 1000 items"):
        bodies.items(body, content_type, 1_000)
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("count", [1, 2, 999, 1_000])
def test_every_list_up_to_the_limit_comes_through_whole(count: int) -> None:
    """The bounded reader must not change what a list says."""
    values = [json.dumps({"n": number, "list": [None, [number]]}).encode() for number in range(count)]
    assert bodies.items(b"[" + b" , ".join(values) + b"]", "", 1_000) == values


async def test_who_sends_too_slowly_is_let_go() -> None:
    """Connections that drip hold a place each; thousands of them are the cheapest attack there is."""
    async with serving(FakeDelivery(), limits=Limits(request_limit_s=1.0)) as client:
        assert await raw(client, b"POST ", b"/v1/eng", b"agements", b" HTTP/1.1\r\n", pause_s=0.05) == b""
        head = b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
        answer = await raw(client, head, b"{", pause_s=0.05)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"Connection: close" in answer


async def test_headers_are_bounded_and_a_key_in_damaged_ones_is_not_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Parsers quote what they cannot read; logs travel further than requests do."""
    caplog.set_level(logging.DEBUG)
    keys = Keys(tmp_path)
    start = b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + keys.texts["blog"].encode()
    async with serving(FakeDelivery(), keys.gate) as client:
        for rest in (b"\x00\r\n\r\n", b"\r\nbad header\r\n\r\n", b"\r\nX: " + b"y" * 5_000 + b"\r\n\r\n",
                     b"\r\nX: y" * 70 + b"\r\n\r\n", b" " + b"z" * 5_000 + b"\r\n\r\n"):  # fmt: skip
            assert b" 400 " in (await raw(client, start + rest)).splitlines()[0]
        await answered(client, keys.header("blog"))
        await answered(client, {"Authorization": keys.texts["forum"] + "x"})
    out = capfd.readouterr()
    for text in keys.texts.values():
        assert text[15:] not in caplog.text + out.out + out.err
    assert "Authorization" not in caplog.text + out.out + out.err


async def test_a_body_that_breaks_off_is_counted_and_not_an_error_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    """Senders die in the middle of a body every day; a traceback for each would fill the disk."""
    async with serving(FakeDelivery()) as client:
        head = b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        base = client._base_url
        assert base is not None
        _, writer = await asyncio.open_connection(base.host, base.port)
        writer.write(head + b"2\r\n[{\r\n")
        writer.write_eof()
        async with asyncio.timeout(20):
            while TORN not in await (await client.get("/metrics")).text():  # noqa: ASYNC110 - asked over HTTP
                await asyncio.sleep(0.02)
        writer.close()
    assert caplog.text == ""


async def test_strangers_asking_for_health_do_not_make_us_ask_kafka() -> None:
    """The one page without a key must cost next to nothing."""
    asked: list[float] = []
    now_s = 100.0

    async def probe() -> bool:
        await asyncio.sleep(0)
        asked.append(now_s)
        return True

    health = Health(probe, lambda: now_s)
    assert await asyncio.gather(*(health.is_up() for _ in range(50))) == [True] * 50
    assert len(asked) == 1
    now_s += HEALTH_S
    assert await health.is_up()
    assert len(asked) == 2
