"""The barrier's order, and what happens when it is cut short."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from schemas.errors import BrokenGuaranteeError
from streams.engine.barrier import Barrier
from streams.engine.batches import Batch, counted
from streams.engine.metrics import NoMetrics
from streams.engine.partition import Partition


class Writer:
    """Notes appends; refuses them while told so."""

    def __init__(self, seen: list[str]) -> None:
        self.seen = seen
        self.refuse = False

    async def append_packed(self, topic: str, partition: int, batches: Iterable[Batch]) -> int:
        """Note how many records were appended, or refuse."""
        count = counted(batches)
        await asyncio.sleep(0)
        if self.refuse:
            raise ConnectionError
        self.seen.append(f"{topic}-{partition}: {count}")
        return 100 + count


class Scene:
    """One partition, a barrier with two stages, and everything that happened in order."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.partition = Partition(3, bytes(16))
        self.partition.active = True
        self.writer: Any = Writer(self.seen)
        self.barrier = Barrier("log", lambda: self.writer, lambda: [self.partition], NoMetrics())
        self.barrier.before += [self.stage("first"), self.stage("second")]
        self.barrier.on_commit.append(lambda: self.seen.append("committed"))
        self.change()

    def change(self) -> None:
        """Make two users and a meta dirty."""
        slots = self.partition.slots([b"net:a", b"net:b"])
        self.partition.state.dirty[slots] = True
        self.partition.set_meta(b"wm", b"1")

    def stage(self, name: str) -> Any:
        """Return a stage that notes when it is called and when it is acknowledged."""

        def snapshot() -> Any:
            self.seen.append(f"{name} taken")
            return self.send(name)

        return snapshot

    async def send(self, name: str) -> None:
        """Note the acknowledgement."""
        await asyncio.sleep(0)
        self.seen.append(f"{name} acknowledged")


async def test_forwards_come_before_rows_and_rows_before_the_commit() -> None:
    """A durable row whose forward is missing would never send it again."""
    scene = Scene()
    await scene.barrier.run()
    assert scene.seen == [
        "first taken", "second taken", "first acknowledged", "second acknowledged", "log-3: 3", "committed"
    ]  # fmt: skip
    assert scene.partition.position == 103
    assert not scene.partition.is_dirty


async def test_changes_after_the_snapshot_wait_for_the_next_barrier() -> None:
    """Their events are not in the offsets about to be committed."""
    scene = Scene()
    running = asyncio.create_task(scene.barrier.run())
    await asyncio.sleep(0)
    scene.change()
    await running
    assert scene.partition.is_dirty


async def test_barriers_run_one_at_a_time() -> None:
    """Two at once could write an older row over a newer one."""
    scene = Scene()
    await asyncio.gather(scene.barrier.run(), scene.barrier.run())
    taken = [at for at, what in enumerate(scene.seen) if what == "first taken"]
    assert scene.seen.index("log-3: 3") < taken[1]


async def test_nothing_runs_after_a_barrier_that_was_cut_short() -> None:
    """What it took is marked clean and may not be durable."""
    scene = Scene()
    scene.writer.refuse = True
    with pytest.raises(ConnectionError):
        await scene.barrier.run()
    assert "committed" not in scene.seen
    scene.writer.refuse = False
    with pytest.raises(BrokenGuaranteeError, match="cut short"):
        await scene.barrier.run()


async def test_a_stage_that_fails_keeps_the_rows_back() -> None:
    """And the stages behind it are not left waiting."""
    scene = Scene()

    async def fails() -> None:
        await asyncio.sleep(0)
        raise ConnectionError

    scene.barrier.before.insert(0, fails)
    with pytest.raises(ConnectionError):
        await scene.barrier.run()
    assert scene.seen == ["first taken", "second taken"]


async def test_a_cancelled_barrier_counts_as_cut_short() -> None:
    """A rebalance that takes too long cancels it."""
    scene = Scene()
    running = asyncio.create_task(scene.barrier.run())
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert scene.barrier.interrupted
