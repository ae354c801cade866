"""On a real broker: older owners and unreadable state are refused, and a worker says why it ends or waits."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from deploy.local.kafka import KafkaServer
from deploy.local.progress import Silent
from deploy.local.state import KafkaState
from schemas.errors import BadSettingError, FencedError
from schemas.rows import USER_VERSION
from streams.engine import snapshot
from streams.engine.changelog import packed
from streams.engine.chunk import Chunk
from streams.engine.dedupe import Seen, first_needed, rebuilt
from streams.engine.failure import EX_SOFTWARE, EX_TEMPFAIL
from streams.engine.fencing import FencedWriter
from streams.engine.hashing import hash_slices, key_words
from streams.engine.layout import STATE, STATE_VERSION, USER_BYTES
from streams.engine.log_reader import read_log
from streams.engine.partition import Partition
from streams.engine.preflight import preflight
from streams.engine.restore import apply
from tests.integration.engine.workers import SLOW, Topics, pipeline, until

pytestmark = pytest.mark.integration
HASH_KEY = bytes(range(16))
HORIZON = 1000


@pytest.fixture
def topics(kafka_bootstrap: str, own_prefix: str) -> Iterator[Topics]:
    """Empty topics of this test alone."""
    with pipeline(kafka_bootstrap, f"{own_prefix}-guards", 0) as made:
        yield made


async def test_this_broker_refuses_an_older_epoch(topics: Topics) -> None:
    """The one promise of the broker that everything rests on."""
    older = FencedWriter(topics.bootstrap, topics.app_id)
    newer = FencedWriter(topics.bootstrap, topics.app_id)
    try:
        await older.probe(topics.changelog)
        await older.claim(topics.changelog, 1)
        await older.append(topics.changelog, 1, [(b"net:a", b"1", ())])
        await newer.claim(topics.changelog, 1)
        with pytest.raises(FencedError, match="another worker owns it now"):
            await older.append(topics.changelog, 1, [(b"net:a", b"2", ())])
        assert await newer.append(topics.changelog, 1, [(b"net:a", b"3", ())]) == 5
    finally:
        await older.stop()
        await newer.stop()
    assert [value for key, value in topics.records() if key == b"net:a"] == [b"1", b"3"]


async def test_an_older_owner_cannot_raise_its_epoch(topics: Topics) -> None:
    """Renewal keeps a claim alive; it must never take one back."""
    older = FencedWriter(topics.bootstrap, topics.app_id)
    newer = FencedWriter(topics.bootstrap, topics.app_id)
    try:
        await older.claim(topics.changelog, 2)
        await older.refresh(idle_s=0, old_s=0)
        await newer.claim(topics.changelog, 2)
        with pytest.raises(FencedError):
            await older.refresh(idle_s=0, old_s=0)
        await newer.append(topics.changelog, 2, [(b"net:a", b"", ())])
    finally:
        await older.stop()
        await newer.stop()


async def test_a_user_with_very_many_pairs_survives_a_restart(topics: Topics) -> None:
    """More than a batch's usual size goes into one batch all the same, compressed, and reads back whole."""
    source, copy = Partition(0, HASH_KEY), Partition(0, HASH_KEY)
    slot = source.slots([b"net:" + b"x" * 250])
    pairs = source.state.pairs
    numbers = pairs.find_or_add(np.repeat(slot, 60_000), np.arange(60_000).astype(np.uint64))
    pairs.slots["granted"][numbers] = np.random.default_rng(1).random(60_000)
    pairs.dirty[numbers] = True
    taken = snapshot.take(source)
    assert taken is not None
    writer = FencedWriter(topics.bootstrap, topics.app_id)
    try:
        await writer.claim(topics.changelog, 0)
        last = await writer.append_packed(topics.changelog, 0, packed(taken))
    finally:
        await writer.stop()
    async for chunk in read_log(topics.bootstrap, topics.changelog, 0, 0, last + 1):
        apply(copy, chunk)
    assert copy.position == last == 60_002
    order = np.argsort(copy.state.pairs.others)
    assert (copy.state.pairs.slots["granted"][order] == pairs.slots["granted"]).all()


NEWER = [
    (
        b"net:of-the-future",
        bytes((USER_VERSION + 1,)) + bytes(USER_BYTES - 1),
        f"layout version {USER_VERSION + 1}",
        USER_VERSION,
    ),
    (STATE + b"%d" % (STATE_VERSION + 1), b"", f"state version {STATE_VERSION + 1}", STATE_VERSION),
]


@pytest.mark.parametrize(("key", "value", "what", "reads"), NEWER, ids=["row", "state"])
def test_a_changelog_of_a_newer_release_ends_the_worker_by_name(
    topics: Topics, key: bytes, value: bytes, what: str, reads: int
) -> None:
    """Skipped records would be users silently at zero."""
    topics.send(100)

    async def spoil() -> None:
        writer = FencedWriter(topics.bootstrap, topics.app_id)
        await writer.claim(topics.changelog, 3)
        await writer.append(topics.changelog, 3, [(key, value, ())])
        await writer.stop()

    asyncio.run(spoil())
    worker = topics.start()
    assert worker.ended() == EX_SOFTWARE
    said = [line for line in worker.lines if "stopped" in line]
    assert len(said) == 1
    assert f"was written by a newer release: {what}, this release reads up to {reads}" in said[0]
    assert "run that release or a newer one" in said[0]
    assert topics.changelog in said[0]
    assert "Traceback" not in "".join(worker.lines)


async def test_a_set_rebuilt_from_the_log_decides_like_the_one_that_lived(topics: Topics) -> None:
    """A new owner must drop the same repeats as the old one would have."""
    topics.send(12_000)

    def hashes_of(chunk: Chunk) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        hashes = hash_slices(chunk.view, chunk.key_at, chunk.key_len, *key_words(HASH_KEY))
        return chunk.offsets, hashes + (chunk.offsets // 3).astype(np.uint64), np.ones(len(chunk), np.uint8)

    async def kept(seen: Seen, first: int) -> list[int]:
        keep: list[int] = []
        async for chunk in read_log(topics.bootstrap, topics.events, 0, first, 3000):
            offsets, hashes, flags = hashes_of(chunk)
            seen.check(offsets, hashes, flags)
            keep += flags.tolist()
        return keep

    lived = await kept(Seen(HORIZON, 0), 0)
    log = read_log(topics.bootstrap, topics.events, 0, first_needed(HORIZON, 2345), 2345)
    assert await kept(await rebuilt(HORIZON, 2345, log, hashes_of), 2345) == lived[2345:]


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_compressed_events_count_like_plain_ones(topics: Topics, codec: str) -> None:
    """Producers choose how they compress."""
    topics.send(5_000, codec=codec)
    topics.start()
    topics.wait_committed()
    topics.assert_exact()


async def test_a_missing_topic_is_named_before_the_worker_joins(topics: Topics) -> None:
    """In the group it would wait for it without a word."""
    with pytest.raises(BadSettingError, match="topics apply"):
        await preflight(topics.bootstrap, app_id="x", changelog=topics.changelog, topics=["nowhere"], partitions=4)
    with pytest.raises(BadSettingError, match="has 4 partitions, must have 8"):
        await preflight(topics.bootstrap, app_id="x", changelog=topics.changelog, topics=[], partitions=8)


async def test_a_worker_started_before_its_broker_says_so_once_and_waits() -> None:
    """Machines come up in any order."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    said: list[str] = []
    waiting = asyncio.create_task(
        preflight(address, app_id="x", changelog="c", topics=[], partitions=1, say=said.append)
    )
    await asyncio.sleep(2.5)
    waiting.cancel()
    assert said == [f"kafka at {address} does not answer; trying again until it does"]


class OwnBroker:
    """A broker that a test may kill: `start` also restarts it."""

    def __init__(self, folder: Path) -> None:
        self.server = KafkaServer(folder, Silent())
        self.state: KafkaState | None = None

    def start(self) -> str:
        """Return its address once it answers."""
        self.state = self.server.start(self.state, lambda *_: None)
        return f"127.0.0.1:{self.state.port}"

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.state is not None
        assert self.state.process is not None
        os.kill(self.state.process.pid, number)


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[OwnBroker]:
    """Start a broker for this test alone."""
    broker = OwnBroker(tmp_path / "kafka")
    broker.start()
    yield broker
    assert broker.state is not None
    broker.server.stop(broker.state)
    shutil.rmtree(tmp_path / "kafka", ignore_errors=True)


def test_a_broker_killed_and_restarted_costs_no_event(own_broker: OwnBroker, own_prefix: str) -> None:
    """The worker goes on or ends with a code that a supervisor acts on; either way the count is exact."""
    with pipeline(own_broker.start(), f"{own_prefix}-broker", 30_000) as topics:
        worker = topics.start(**SLOW)
        until(lambda: worker.events > 4_000)
        own_broker.signal(signal.SIGKILL)
        time.sleep(3)
        own_broker.start()
        deadline = time.monotonic() + 50
        while topics.committed() < topics.sent and time.monotonic() < deadline:
            if worker.process.poll() is not None:
                assert worker.process.returncode in {EX_TEMPFAIL, EX_SOFTWARE}
                worker = topics.start()
            time.sleep(0.5)
        topics.wait_committed(1)
        topics.assert_exact()


def test_a_broker_that_stays_away_ends_the_worker_with_one_line(own_broker: OwnBroker, own_prefix: str) -> None:
    """A supervisor restarts it, and the restarted one waits at its door; nobody reads ten thousand lines."""
    with pipeline(own_broker.start(), f"{own_prefix}-gone", 30_000) as topics:
        worker = topics.start(**SLOW)
        until(lambda: worker.events > 2_000)
        own_broker.signal(signal.SIGKILL)
        assert worker.ended(55) == EX_TEMPFAIL
        said = [line for line in worker.lines if "stopped" in line]
        assert len(said) == 1
        assert worker.lines[-1] == said[0]
        assert "Traceback" not in "".join(worker.lines)
        assert len(worker.lines) < 100
