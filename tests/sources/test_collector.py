"""The collector: what it waits for, what it connects to again, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
from aiohttp import RequestInfo, WSServerHandshakeError
from multidict import CIMultiDict
from prometheus_client import CollectorRegistry

from agents.ingest.kafka import KafkaAwayError
from agents.ingest.live.backoff import Backoff
from agents.ingest.live.collector import Collector, Publishing, _asked_s
from agents.ingest.live.contract import FeedError, Frame, Source
from agents.ingest.live.metrics import CollectMetrics, Lost
from agents.ingest.live.state import State
from agents.ingest.outcomes import Ready, Refused
from agents.ingest.publisher import Publisher
from agents.ingest.tally import Tally
from tests.sources.numbers import NOW_MS, Kept, Numbers
from tests.sources.smallest import Lines


class Endings:
    """Kafka as a collector meets it: away twice, then failing to acknowledge, then well."""

    def __init__(self) -> None:
        self.script = ["away", "away", "silent", "well"]
        self.kept = Kept()

    @asynccontextmanager
    async def publishing(self, _tally: Tally) -> AsyncIterator[Publisher]:
        """Give a publisher, or what stands next in the script."""
        now = self.script.pop(0)
        if now == "away":
            raise KafkaAwayError("away")
        yield cast("Publisher", Kept(away=True) if now == "silent" else self.kept)


class Ending(Numbers):
    """Numbers whose feed is over after the last one."""

    async def frames(self, cursor: str | None, attempt: int) -> AsyncGenerator[Frame, None]:
        """Yield the numbers after the cursor."""
        self.asked.append(cursor or "")
        self.attempt = attempt
        for number in self.numbers:
            if number > int(cursor or 0):
                yield Frame(str(number).encode())


def _collector(source: Source, state: State, publishing: Publishing) -> Collector:
    quick = [Backoff(first_s=0.001, longest_s=0.001) for _ in range(2)]
    metrics = CollectMetrics(CollectorRegistry(), "numbers")
    return Collector(source, state, publishing, metrics, lambda: NOW_MS, 300.0, *quick)


async def test_kafka_is_waited_for_and_the_feed_read_again_from_the_cursor(tmp_path: Path) -> None:
    """What Kafka did not acknowledge is not given up, and nothing before the cursor is read twice."""
    kafka, source = Endings(), Ending(100, 101, 102)
    with State(tmp_path, "numbers", "", 0) as state:
        state.commit("100", 100_000)
        collector = _collector(source, state, kafka.publishing)
        await collector.run(asyncio.Event())
        assert state.cursor == "102"
    assert source.asked[1:] == ["100", "100"]
    assert kafka.script == []
    assert collector.metrics.lost[Lost.KAFKA]._value.get() == 3


async def test_a_cut_feed_is_connected_to_at_the_next_host(tmp_path: Path) -> None:
    """A source chooses its host by the count of failures."""
    attempts: list[int] = []
    stop = asyncio.Event()

    class Cut(Numbers):
        async def frames(self, cursor: str | None, attempt: int) -> AsyncGenerator[Frame, None]:
            attempts.append(attempt)
            if len(attempts) == 4:
                stop.set()
            async for frame in super().frames(cursor, attempt):
                yield frame

    @asynccontextmanager
    async def publishing(_tally: Tally) -> AsyncIterator[Publisher]:
        yield cast("Publisher", Kept())

    with State(tmp_path, "numbers", "", 0) as state:
        await _collector(Cut(100), state, publishing).run(stop)
    assert attempts[:4] == [0, 1, 2, 3]


async def test_a_kafka_that_hangs_does_not_hold_up_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who orders an end gets one; what is not acknowledged is read again."""
    monkeypatch.setattr("agents.ingest.live.collector.FINISH_S", 0.05)
    stop = asyncio.Event()

    class Hanging(Kept):
        async def flush(self) -> None:
            stop.set()
            await asyncio.Event().wait()

    @asynccontextmanager
    async def publishing(_tally: Tally) -> AsyncIterator[Publisher]:
        yield cast("Publisher", Hanging())

    with State(tmp_path, "numbers", "", 0) as state:
        await asyncio.wait_for(_collector(Ending(100), state, publishing).run(stop), 30)
        assert state.cursor is None


async def test_a_server_that_asks_for_time_gets_it() -> None:
    """Coming back sooner makes it worse."""
    headers = CIMultiDict({"Retry-After": "7"})
    info = cast("RequestInfo", None)
    assert _asked_s(WSServerHandshakeError(info, (), status=429, headers=headers)) == 7.0
    assert _asked_s(WSServerHandshakeError(info, (), status=429)) == 0.0
    assert _asked_s(FeedError("slow", 3.0)) == 3.0
    assert _asked_s(OSError()) == 0.0


async def test_the_smallest_source_is_a_whole_one(tmp_path: Path) -> None:
    """What the README shows must run: cut after each line, it still brings every one, and says what was bad."""
    acts = [b'{"id":"%d","kind":"like","actor":"x:a","target":"x:b","occurred_at":%d}' % (n, n) for n in range(1, 5)]
    stop, asked, kept = asyncio.Event(), list[bytes](), Kept()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readline()).strip())
        after = int(asked[-1] or 0)
        if after == len(acts):
            stop.set()
        writer.write(b"".join(line + b"\n" for line in [*acts[after : after + 1], b"{"]))
        writer.close()

    @asynccontextmanager
    async def publishing(_tally: Tally) -> AsyncIterator[Publisher]:
        yield cast("Publisher", kept)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        source = Lines("{}:{}".format(*server.sockets[0].getsockname()))
        with State(tmp_path, "lines", source.feed, 0) as state:
            await _collector(source, state, publishing).run(stop)
            assert state.cursor == "4"
    assert [each.value for each in kept.outcomes if isinstance(each, Ready)] == acts
    assert {each.value for each in kept.outcomes if isinstance(each, Refused)} == {b"{"}
    assert asked[:5] == [b"", b"1", b"2", b"3", b"4"]
