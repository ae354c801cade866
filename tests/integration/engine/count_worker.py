"""A worker that counts acts per user: the smallest thing whose result can be checked by hand.

argv: app id, partitions, bootstrap. Environment: STANDBYS, SESSION_S, MAX_CHUNK, COMMIT_S, SLOW_S (seconds per
event), MEMBER (name of a static member), PAIRS=1 (also a pair per act), BATCH_BYTES (of the changelog). Prints
`DONE <events> owned <partitions>` lines five times a second.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time

import faust
import numpy as np

from streams.engine.batches import TARGET_BYTES
from streams.engine.chunk import Chunk
from streams.engine.engine import Engine
from streams.engine.install import faust_settings
from streams.engine.partition import Partition

APP_ID, PARTITIONS, BOOTSTRAP = sys.argv[1], int(sys.argv[2]), sys.argv[3]
SLOW_S = float(os.environ.get("SLOW_S", "0"))
WITH_PAIRS = os.environ.get("PAIRS") == "1"


def count_acts(partition: Partition, chunk: Chunk) -> None:
    """Count each act once: a row that already contains an offset passes over it."""
    slots = partition.slots_at(chunk.view, chunk.key_at, chunk.key_len)
    rows, offsets = partition.state.rows, chunk.offsets + 1
    fresh = offsets > rows["given_last"][slots]
    slots, offsets = slots[fresh], offsets[fresh]
    np.add.at(rows["given"], (slots, 0), 1)
    np.maximum.at(rows["given_last"], slots, offsets)
    partition.state.dirty[slots] = True
    if WITH_PAIRS:
        others = (offsets % 5).astype(np.uint64) + 1
        numbers = partition.state.pairs.find_or_add(slots, others)
        np.add.at(partition.state.pairs.slots["granted"], numbers, 1.0)
        partition.state.pairs.dirty[numbers] = True


def build() -> tuple[faust.App, Engine]:
    """Return the app and its engine."""
    settings = faust_settings(
        partitions=PARTITIONS,
        session_timeout_s=float(os.environ.get("SESSION_S", "6")),
        commit_interval_s=float(os.environ.get("COMMIT_S", "0.5")),
        standby_replicas=int(os.environ.get("STANDBYS", "0")),
        member_name=os.environ.get("MEMBER", ""),
        max_chunk=int(os.environ.get("MAX_CHUNK", "20000")),
    )
    app = faust.App(APP_ID, broker=f"kafka://{BOOTSTRAP}", datadir=f"/tmp/renown-{os.getpid()}", **settings)
    engine = Engine(app, hash_key=b"0123456789abcdef", partitions=PARTITIONS)
    engine.barrier.batch_bytes = int(os.environ.get("BATCH_BYTES", str(TARGET_BYTES)))
    return app, engine


def main() -> None:
    """Run until stopped."""
    app, engine = build()
    seen = {"events": 0, "first": 0.0, "last": 0.0, "cpu0": 0.0, "cpu": 0.0, "users": 0}
    engine.on_lost.append(lambda gone: print("LOST", sorted(gone), flush=True))  # noqa: T201

    async def slow_down() -> None:
        if SLOW_S:
            await asyncio.sleep(SLOW_S * seen["users"])

    def apply(partition: Partition, chunk: Chunk) -> None:
        if not seen["first"]:
            seen["first"], seen["cpu0"] = time.perf_counter(), time.process_time()
        count_acts(partition, chunk)
        seen["events"] += len(chunk)
        seen["users"] = len(chunk)
        seen["last"], seen["cpu"] = time.perf_counter(), time.process_time()

    engine.step("count", f"{APP_ID}-events", apply, after=slow_down)

    @app.task
    async def report() -> None:
        while True:
            await asyncio.sleep(0.2)
            rate, cost = 0.0, 0.0
            if seen["last"] > seen["first"]:
                rate = seen["events"] / (seen["last"] - seen["first"])
                cost = (seen["cpu"] - seen["cpu0"]) / seen["events"] * 1e6
            owned = len(engine.partitions())
            print(f"DONE {seen['events']} owned {owned} rate {rate:.0f}/s cpu {cost:.2f} us", flush=True)  # noqa: T201

    app.finalize()
    app.Worker(
        loglevel=os.environ.get("LOG", "WARN"), redirect_stdouts=False, blocking_timeout=0
    ).execute_from_commandline()


if __name__ == "__main__":
    main()
