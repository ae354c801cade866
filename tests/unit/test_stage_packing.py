"""Packing by columns gives each partition what a plain loop over events would."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.credit import ESTABLISHED
from schemas.errors import BrokenGuaranteeError
from streams.stages.columns import Columns, Users
from streams.stages.packing import packed

PARTITIONS = 3
Events = list[tuple[int, int]]


def columns_of(homes: list[int], pairs: Events, seed: int) -> Columns:
    """Return engagements between users that live at `homes`; everything but the pairs is random."""
    rng, n = np.random.default_rng(seed), len(pairs)
    texts = [f"x:{i}{'y' * (i % 3)}".encode() for i in range(len(homes))]
    length = np.array([len(text) for text in texts])
    users = Users(
        buf=np.frombuffer(b"".join(texts), np.uint8),
        start=np.cumsum(length) - length,
        length=length,
        hashes=rng.integers(0, 2**63, len(homes)).astype(np.uint64),
        homes=np.array(homes),
    )
    return Columns(
        offsets=np.cumsum(rng.integers(1, 9, n)),
        produced_at_ms=rng.integers(1, 10**12, n),
        kinds=rng.integers(0, 4, n).astype(np.uint8),
        at=rng.random(n),
        acts=np.zeros(n, np.uint64),
        actors=np.array([actor for actor, _ in pairs], np.int64),
        targets=np.array([target for _, target in pairs], np.int64),
        users=users,
    )


@st.composite
def chunks(draw: st.DrawFn) -> tuple[Columns, np.ndarray]:
    """Return columns and which of their events are granted, at least one."""
    homes = draw(st.lists(st.integers(0, PARTITIONS - 1), min_size=1, max_size=12))
    user = st.integers(0, len(homes) - 1)
    pairs = draw(st.lists(st.tuples(user, user), min_size=1, max_size=40))
    kept = draw(st.lists(st.integers(0, len(pairs) - 1), min_size=1, unique=True).map(sorted))
    return columns_of(homes, pairs, draw(st.integers(0, 99))), np.array(kept, np.int64)


@given(chunks())
def test_each_partition_gets_its_own_events_in_order(chunk: tuple[Columns, np.ndarray]) -> None:
    """A watermark drops what lies below it: an event out of order, or in a strange partition, would be lost."""
    c, kept = chunk
    rng = np.random.default_rng(7)
    mass, reach, est = rng.random(len(kept)), rng.random(len(kept)), rng.integers(0, 2, len(kept)).astype(np.uint8)
    records = dict(packed(5, c, kept, mass, est, reach, PARTITIONS))
    for partition in range(PARTITIONS):
        mine = [q for q, i in enumerate(kept) if c.users.homes[c.targets[i]] == partition]
        if not mine:
            assert partition not in records
            continue
        record, places = records[partition], kept[mine]
        ends = np.cumsum(record.lengths)
        names = [record.names[end - n : end].tobytes() for end, n in zip(ends, record.lengths, strict=True)]
        events = record.events
        assert (record.source, record.produced_at_ms) == (5, c.produced_at_ms[places].min())
        assert (events["offset_delta"] + record.first).tolist() == c.offsets[places].tolist()
        assert [names[t] for t in events["target"]] == [c.users.name(int(t)) for t in c.targets[places]]
        assert len(names) == len(set(names)) == len(set(events["target"].tolist()))
        assert events["actor"].tolist() == c.users.hashes[c.actors[places]].tolist()
        assert events["at"].tolist() == c.at[places].tolist()
        assert events["mass"].tolist() == mass[mine].tolist()
        assert events["reach"].tolist() == reach[mine].astype(np.float32).tolist()
        assert events["flags"].tolist() == (c.kinds[places] + ESTABLISHED * est[mine]).tolist()


def test_a_target_beyond_the_partitions_is_refused() -> None:
    """The kernels would write outside their arrays."""
    c = columns_of([PARTITIONS], [(0, 0)], 1)
    with pytest.raises(BrokenGuaranteeError, match="partition is 3"):
        list(packed(0, c, np.zeros(1, np.int64), np.ones(1), np.ones(1, np.uint8), np.ones(1), PARTITIONS))
