"""Figures that the workers themselves publish."""

from __future__ import annotations

import asyncio
import time
from typing import Final
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from agents.bench.errors import BenchError
from agents.bench.rig import Rig

ANSWER_LIMIT_S: Final = 10.0
SHARED_LIMIT_S: Final = 60.0
POLL_S: Final = 0.2


def by_worker(rig: Rig, sample: str) -> dict[str, float]:
    """Return the sum over all labels of a sample such as `renown_emitted_total` for every worker."""
    return {name: _value(rig.metrics_ports[name], sample) for name in rig.workers}


async def until_shared(rig: Rig) -> None:
    """Return when every worker scores partitions, after the first engagement; BenchError after a minute."""
    until = time.monotonic() + SHARED_LIMIT_S
    while not all(held := by_worker(rig, "renown_partitions").values()):
        rig.check()
        if time.monotonic() > until:
            raise BenchError(
                f"workers without partitions after {SHARED_LIMIT_S:.0f} s: {list(held)}; use fewer --workers"
            )
        await asyncio.sleep(POLL_S)


def _value(port: int, sample: str) -> float:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=ANSWER_LIMIT_S) as answer:
        text = answer.read().decode()
    families = text_string_to_metric_families(text)
    return sum(one.value for family in families for one in family.samples if one.name == sample)
