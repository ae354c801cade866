"""Every fault that the suite knows, in the order in which it tries them."""

from __future__ import annotations

from typing import Final

from agents.faults import smalldisk
from agents.faults.acts import broker, clock, limits, rebalance, store, stream, workers
from agents.faults.fault import Fault
from agents.faults.records import hostile, hot

DISK_MB: Final = 160
"""Room for the broker's own topics and half a minute of load."""
FAULTS: Final = (
    Fault("crash-points", "a worker dies at every named crash point", workers.at_every_crash_point, quick=True),
    Fault("kill", "kill -9 of a worker at 20 random moments", workers.at_random),
    Fault("kill-two", "kill -9 of two workers at once", workers.two_at_once),
    Fault("kill-in-recovery", "kill -9 in the middle of recovery", workers.in_recovery, quick=True),
    Fault("kill-in-rebalance", "kill -9 during a rebalance", workers.in_rebalance),
    Fault("zombie", "a worker asleep past its session wakes up", workers.zombie, quick=True),
    Fault("storm", "workers come and go, with standbys", rebalance.storm, quick=True),
    Fault("storm-cold", "workers come and go, without standbys", rebalance.storm, settings={"standbys": "0"}),
    Fault("broker-kill", "kill -9 of the broker under load", broker.killed, own_broker=True, quick=True),
    Fault("broker-away", "the broker away for longer than every limit", broker.away, own_broker=True),
    Fault("broker-stalls", "the broker stands still for seconds, again and again", broker.stalls, own_broker=True),
    Fault("topics-unfit", "topics missing, of a wrong size, not compacted", broker.unfit_topics, quick=True),
    Fault("redis-kill", "Redis killed, back with its data", store.killed),
    Fault("redis-empty", "Redis killed, back empty", store.emptied, quick=True),
    Fault("redis-flushed", "FLUSHALL", store.flushed),
    Fault("redis-full", "Redis out of memory", store.full),
    Fault("redis-read-only", "Redis a read-only replica", store.read_only),
    Fault("redis-paused", "CLIENT PAUSE 30 s", store.paused),
    Fault("redis-hanging", "a proxy that accepts and hangs", store.hanging, quick=True),
    Fault("redis-failover", "the address leads to another Redis", store.failed_over),
    Fault("bad-input", "30 % bad records, repeats, disorder, a full replay", stream.bad_input, hostile, quick=True),
    Fault("clock-jumps", "one worker's clock jumps by an hour", clock.jumps, missing=clock.missing),
    Fault("clocks-apart", "two workers an hour apart", clock.apart, missing=clock.missing, quick=True),
    Fault(
        "disk-full",
        "no room under the broker",
        limits.disk_of_broker,
        own_broker=True,
        disk_mb=DISK_MB,
        missing=smalldisk.missing,
    ),
    Fault("redis-disk-full", "no room under Redis", limits.disk_of_store, disk_mb=DISK_MB, missing=smalldisk.missing),
    Fault("no-files", "no file descriptors left for a worker", limits.files, own_broker=True),
    Fault("no-memory", "no memory left for a worker", limits.memory),
    Fault(
        "poison",
        "the model fails over every fiftieth act",
        stream.poison,
        settings={"poison": f"price:{stream.POISONED}"},
        quick=True,
    ),
    Fault("hot-key", "one target takes 80 %, one actor sends 50 %", stream.hot_key, hot),
)


def chosen(names: tuple[str, ...], *, quick: bool) -> tuple[Fault, ...]:
    """Return the faults of these names, or all of them, or the quick ones; KeyError for an unknown name."""
    known = {fault.name: fault for fault in FAULTS}
    if names:
        return tuple(known[name] for name in names)
    return tuple(fault for fault in FAULTS if fault.quick or not quick)
