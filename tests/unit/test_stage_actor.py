"""What the actor stage makes of a chunk, record by record: granted, repeated, refused, or sent where it belongs."""

from __future__ import annotations

import json

import numpy as np

from schemas.command import Command, encode_command, subject_of
from schemas.credit import decode_credits
from schemas.reasons import Reason
from streams.engine.chunk import Chunk
from streams.engine.dedupe import Seen
from streams.engine.hashing import hash_id
from streams.engine.partition import Partition
from streams.engine.partitioner import partition_of
from streams.engine.records import COLUMNS, OFFSET, STAMP, VALUE_AT, VALUE_LEN
from streams.metrics import Metrics
from streams.model.parameters import Parameters
from streams.settings import Settings
from streams.stages import columns, packing, scan
from streams.stages.actor import ActorStage
from streams.stages.forward import Forwarder
from streams.stages.letters import Outbox
from streams.stages.stream_time import StreamTime
from streams.stages.warm import warm

SETTINGS = Settings()
NOW_MS = 1_800_000_000_000
HERE = [f"x:u{i}" for i in range(200) if partition_of(f"x:u{i}".encode(), SETTINGS.partitions) == 0]
AWAY = next(f"x:u{i}" for i in range(200) if partition_of(f"x:u{i}".encode(), SETTINGS.partitions) == 1)


def event(act_id: str, actor: str, target: str, **more: object) -> bytes:
    fields = {"id": act_id, "kind": "share", "actor": actor, "target": target, "occurred_at": NOW_MS - 1000, **more}
    return json.dumps(fields, ensure_ascii=False).encode()


def chunk_of(values: list[bytes | None], first: int = 100) -> Chunk:
    table = np.zeros((COLUMNS, len(values)), np.int64)
    length = np.array([len(value or b"") for value in values])
    table[OFFSET], table[STAMP] = np.arange(first, first + len(values)), NOW_MS
    table[VALUE_AT] = np.cumsum(length) - length
    table[VALUE_LEN] = [-1 if value is None else len(value) for value in values]
    return Chunk("engagements", 0, first, first + len(values) - 1, b"".join(v or b"" for v in values), table)


class Stage:
    """An actor stage on one partition that sends nothing: what it would send is looked at."""

    def __init__(self) -> None:
        def nowhere() -> None:
            raise AssertionError

        self.metrics, self.outbox = Metrics(), Outbox(nowhere, SETTINGS.topics)
        self.forwarder = Forwarder(nowhere, "credits", SETTINGS.partitions)
        self.stage = ActorStage(SETTINGS, Parameters(), self.forwarder, self.outbox, StreamTime(), self.metrics)
        self.partition = Partition(0, SETTINGS.hash_key.encode())
        self.partition.extra["seen"] = Seen(SETTINGS.dedupe_horizon, 100)

    def apply(self, values: list[bytes | None]) -> None:
        """Apply `values` as the log from offset 100 on."""
        self.stage.apply(self.partition, chunk_of(values))

    def forwarded(self) -> list[tuple[int, bytes, int]]:
        """Return offset, target and actor hash of every packed event, in order of offsets; check where each goes."""
        found = []
        for partition, packed in self.forwarder._packed.items():
            for source, value in packed:
                record = decode_credits(value)
                ends = np.cumsum(record.lengths, dtype=np.int64)
                names = [record.names[e - n : e].tobytes() for e, n in zip(ends, record.lengths, strict=True)]
                assert source == record.source == 0
                assert all(partition_of(name, SETTINGS.partitions) == partition for name in names)
                found += [
                    (record.first + int(one["offset_delta"]), names[one["target"]], int(one["actor"]))
                    for one in record.events
                ]
        return sorted(found)


def hashed(user: str) -> int:
    return hash_id(user.encode(), SETTINGS.hash_key.encode())


def test_every_record_ends_where_it_belongs() -> None:
    """Plain records, those left to the codec, repeats, strangers and refusals in one chunk, none in another's place."""
    here, other = HERE[:2]
    odd = "x:é" if partition_of("x:é".encode(), SETTINGS.partitions) == 0 else here
    values: list[bytes | None] = [
        event("1", here, AWAY),
        event("1", here, AWAY),  # a repeat
        event("1", other, "x:é\u0301\u20ac"),  # the same id by another actor, a target that is not ASCII
        None,
        event("2", AWAY, here),  # at home elsewhere
        event("3", here, here),  # towards oneself
        event("4", here, "x:later", occurred_at=NOW_MS + 10**9),
        event("5", odd, "x:a\u00e9"),
        event("6", here, "x:undone", undo=True),
        event("1", here, AWAY).replace(b'"1"', b'"\\u0031"'),  # the repeat in other letters
        event("7", other, AWAY),
    ]
    stage = Stage()
    stage.apply(values)
    assert stage.forwarded() == [
        (100, AWAY.encode(), hashed(here)),
        (102, "x:é\u0301\u20ac".encode(), hashed(other)),
        (107, "x:a\u00e9".encode(), hashed(odd)),
        (110, AWAY.encode(), hashed(other)),
    ]
    metrics = stage.metrics
    assert metrics.repeats._value.get() == 2
    assert metrics.granted._value.get() == 4
    refused = {r.value: metrics.refused.labels(r.value)._value.get() for r in Reason}
    assert {reason: n for reason, n in refused.items() if n} == {
        Reason.UNDECODABLE.value: 1,
        Reason.SELF_ENGAGEMENT.value: 1,
        Reason.FROM_THE_FUTURE.value: 1,
        Reason.UNDO_UNKNOWN.value: 1,
    }
    rerouted = stage.outbox._waiting[SETTINGS.topics.engagements.name, 1]
    assert [(key, value) for key, value, _ in rerouted] == [(AWAY.encode(), values[4])]
    assert sorted(stage.partition.index.keys()) == sorted({u.encode() for u in (here, other, odd)})


def test_what_is_by_or_about_somebody_who_left_is_dropped_and_counted() -> None:
    """Nothing of it is forwarded, re-routed, kept as a letter or made a row; what is appended later counts again."""
    here, other, gone = HERE[:3]
    stage = Stage()
    for offset, (command, at_ms) in enumerate([("opt_out", NOW_MS - 1), ("opt_in", NOW_MS)]):
        value = encode_command(Command("c", command, subject_of(hashed(gone)), 0, "test"))  # type: ignore[arg-type]
        stage.stage.suppression.take(offset, at_ms, value)
    away = encode_command(Command("c", "opt_out", subject_of(hashed(AWAY)), 0, "test"))
    stage.stage.suppression.take(2, NOW_MS, away)
    stage.apply([event("1", gone, here), event("2", here, gone), event("3", here, other), event("4", AWAY, here)])
    assert stage.forwarded() == [(102, other.encode(), hashed(here))]
    assert stage.metrics.refused.labels(Reason.OPTED_OUT.value)._value.get() == 3
    assert not stage.outbox._waiting
    assert stage.partition.index.keys() == [here.encode()]
    later = chunk_of([event("5", gone, here)], 104)
    later.table[STAMP] = NOW_MS + 1
    stage.stage.apply(stage.partition, later)
    assert stage.forwarded()[1:] == [(104, here.encode(), hashed(gone))]


def test_rebuilding_the_seen_acts_admits_what_applying_admitted() -> None:
    """A new owner reads the log again: one act more or less than before, and a repeat counts or an act is lost."""
    here = HERE[0]
    values: list[bytes | None] = [
        event("1", here, AWAY),
        event("a\u00e9", here, AWAY),
        b"{",
        event("2", AWAY, here),
        event("a\u00e9", here, AWAY).replace("é".encode(), b"\\u00e9"),
    ]
    stage, again = Stage(), Stage()
    stage.apply(values)
    offsets, acts, readable = again.stage._acts(chunk_of(values))
    again.partition.extra["seen"].check(offsets, acts, readable)
    assert readable.tolist() == [1, 1, 0, 0]
    again.apply(values)
    assert [offset for offset, _, _ in stage.forwarded()] == [100, 101]
    assert again.forwarded() == []


def test_everything_is_compiled_before_the_first_chunk() -> None:
    """A kernel compiled between two polls holds a worker up for seconds, and its group throws it out."""
    warm()
    kernels = (scan.scan, columns._intern, packing._measure, packing._name, packing._sort)
    before = [len(kernel.signatures) for kernel in kernels]
    stage = Stage()
    stage.apply([event("1", HERE[0], AWAY), event("2", HERE[0], "x:é"), b""])
    stage.apply([event("3", HERE[0], AWAY)])
    assert all(before)
    assert [len(kernel.signatures) for kernel in kernels] == before
