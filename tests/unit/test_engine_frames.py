"""Batches on the wire: read as aiokafka writes them, written as aiokafka reads them, damage refused."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import BrokenGuaranteeError
from streams.engine.batches import COMPRESS_ABOVE, HEADER, Batch, Producer, encoded, frames, grouped
from streams.engine.chunk import Chunk
from streams.engine.raw_fetch import read_fetch
from streams.engine.records import COLUMNS, DAMAGED, Record, framed, scan_records
from streams.engine.varints import encoded_varint, get_varint

CODECS = {0: "none", 1: "gzip", 2: "snappy", 3: "lz4", 4: "zstd"}
HEADERS = st.lists(st.tuples(st.text(max_size=5), st.binary(max_size=5)), max_size=3)
RECORDS = st.lists(
    st.tuples(st.none() | st.binary(max_size=20), st.none() | st.binary(max_size=300), HEADERS),
    min_size=1,
    max_size=30,
)


def written_by_aiokafka(records: list[Record], base: int, codec: int = 0) -> bytes:
    """One batch by the library's own builder, placed at offset `base` as a broker does."""
    builder = DefaultRecordBatchBuilder(
        2, codec, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=0, batch_size=1 << 24
    )
    for i, (key, value, headers) in enumerate(records):
        assert builder.append(i, 1000 + i, key, value, list(headers)) is not None
    return struct.pack(">q", base) + bytes(builder.build())[8:]


def read_by_aiokafka(raw: bytes) -> list[Any]:
    memory, found = MemoryRecords(raw), []
    while memory.has_next():
        batch = memory.next_batch()
        assert batch is not None
        assert batch.validate_crc()
        found += list(batch)
    return found


def contents(chunk: Chunk) -> list[Record]:
    headers = [chunk.headers(i) for i in range(len(chunk))]
    return list(zip(chunk.keys, chunk.values, headers, strict=True))


@pytest.mark.parametrize("codec", CODECS, ids=CODECS.get)
@given(first=RECORDS, second=RECORDS)
def test_a_fetch_reads_as_it_was_written(codec: int, first: list[Record], second: list[Record]) -> None:
    """Keys, values, headers, offsets and times of every codec arrive as the producer sent them."""
    raw = written_by_aiokafka(first, 100, codec) + written_by_aiokafka(second, 1000)
    chunk = read_fetch("t", 0, raw, 100, check_crcs=True)
    assert contents(chunk) == first + second
    offsets = [*range(100, 100 + len(first)), *range(1000, 1000 + len(second))]
    assert chunk.offsets.tolist() == offsets
    assert chunk.timestamps_ms.tolist() == [1000 + o % 100 if o < 1000 else o for o in offsets]
    assert (chunk.first, chunk.last) == (100, 999 + len(second))


@given(RECORDS, st.integers(0, 40))
def test_records_before_the_fetch_position_stay_out(records: list[Record], skip: int) -> None:
    """A batch is fetched whole; its head may have been processed already."""
    chunk = read_fetch("t", 0, written_by_aiokafka(records, 7), 7 + skip, check_crcs=False)
    assert contents(chunk) == records[skip:]


@given(RECORDS, st.integers(1, 400))
def test_what_we_write_aiokafka_reads(records: list[Record], target: int) -> None:
    """Other tools, and any later release, must be able to read the changelog."""
    raw = b"".join(encoded(batch, Producer(5, 1, 9), 77) for batch in grouped(records, target))
    found = [(r.key, r.value, [(k, v) for k, v in r.headers]) for r in read_by_aiokafka(raw)]
    assert found == [(key, value, list(headers)) for key, value, headers in records]


def test_a_large_batch_travels_compressed_and_reads_the_same() -> None:
    """A user with very many changed pairs must fit under the broker's limit."""
    batch = next(grouped([(b"k", b"v" * COMPRESS_ABOVE, ())]))
    raw = encoded(batch, Producer(1, 0, 0), 0)
    assert len(raw) < COMPRESS_ABOVE // 10
    assert read_fetch("t", 0, raw, 0, check_crcs=True).values == [b"v" * COMPRESS_ABOVE]


def test_a_cut_off_batch_waits_for_the_next_fetch() -> None:
    """Brokers cut a fetch anywhere; half a batch is no damage."""
    whole = written_by_aiokafka([(b"a", b"1", [])], 0)
    cut = written_by_aiokafka([(b"b", b"2", [])], 1)[:-3]
    chunk = read_fetch("t", 0, whole + cut, 0, check_crcs=True)
    assert (chunk.keys, chunk.last) == ([b"a"], 0)


def test_control_batches_are_passed_over() -> None:
    """Transaction markers of other producers are no records, but they take offsets."""
    raw = bytearray(written_by_aiokafka([(b"a", b"1", [])], 4))
    struct.pack_into(">h", raw, 21, 0x20)
    chunk = read_fetch("t", 0, bytes(raw), 4, check_crcs=False)
    assert (len(chunk), chunk.last) == (0, 4)


@given(RECORDS, st.data())
def test_a_flipped_bit_is_refused_by_checksum(records: list[Record], data: st.DataObject) -> None:
    """Silent corruption would become somebody's score."""
    raw = bytearray(written_by_aiokafka(records, 3))
    at = data.draw(st.integers(21, len(raw) - 1))
    raw[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(BrokenGuaranteeError, match="offset 3"):
        read_fetch("t", 0, bytes(raw), 3, check_crcs=True)


@given(RECORDS, st.data())
def test_damaged_records_never_lead_out_of_their_batch(records: list[Record], data: st.DataObject) -> None:
    """The compiled scan checks no index by itself: every length in a damaged frame must be distrusted."""
    raw = bytearray(written_by_aiokafka(records, 0))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(HEADER.size, len(raw) - 1))] = data.draw(st.integers(0, 255))
    buf = np.frombuffer(bytes(raw), np.uint8)
    slow = np.zeros((COLUMNS, len(records)), np.int64)
    fast = slow.copy()
    arguments = (buf, HEADER.size, len(raw), len(records), 0, 0, 0)
    rows = scan_records.py_func(*arguments, slow, 0)
    assert scan_records(*arguments, fast, 0) == rows
    assert (slow == fast).all()
    for at, length in ((2, 3), (4, 5)):
        inside = fast[length] < 1
        inside |= (fast[at] >= HEADER.size) & (fast[at] + fast[length] <= len(raw))
        assert inside.all()


@given(RECORDS)
def test_a_record_that_runs_past_its_batch_is_refused_unread(records: list[Record]) -> None:
    """Behind the batch lies another partition's data: reading on would hand it out as this record's."""
    whole = framed(records[0], 0)
    buf = np.frombuffer(whole * 2, np.uint8)
    for end in range(1, len(whole)):
        table = np.zeros((COLUMNS, 1), np.int64)
        assert scan_records(buf, 0, end, 1, 9, 9, 0, table, 0) == DAMAGED
        assert not table.any()


@pytest.mark.parametrize("at", [4, 6])
def test_a_length_beyond_its_record_is_refused(at: int) -> None:
    """Key and value are bounded by their record, not by the buffer."""
    raw = bytearray(framed((b"k", b"v", ()), 0) + bytes(200))
    raw[at] = 2 * 50
    table = np.zeros((COLUMNS, 1), np.int64)
    assert scan_records(np.frombuffer(bytes(raw), np.uint8), 0, 9, 1, 0, 0, 0, table, 0) == DAMAGED


def test_a_batch_of_an_old_format_is_refused() -> None:
    """Formats v0 and v1 have no producer epoch to trust."""
    raw = bytearray(written_by_aiokafka([(b"a", b"1", [])], 8))
    raw[16] = 1
    with pytest.raises(BrokenGuaranteeError, match="offset 8 is not of format v2"):
        list(frames(bytes(raw), check_crcs=False))


@given(st.integers(-(2**62), 2**62))
def test_varints_read_as_written(value: int) -> None:
    """Lengths and offsets are varints; -1 is null."""
    raw = encoded_varint(value)
    assert get_varint(np.frombuffer(raw, np.uint8), 0, len(raw)) == (value, len(raw))
    assert get_varint(np.frombuffer(raw, np.uint8), 0, len(raw) - 1)[1] == -1


def test_headers_that_overrun_their_record_are_refused() -> None:
    """Headers are parsed lazily, after the frame was found sound."""
    chunk = read_fetch("t", 0, written_by_aiokafka([(b"a", b"1", [("h", b"x")])], 0), 0, check_crcs=True)
    chunk.table[7, 0] -= 1
    with pytest.raises(ValueError, match="damaged record headers"):
        chunk.headers(0)


def test_a_batch_counts_its_records() -> None:
    """The producer's sequence advances by it."""
    assert [b.count for b in grouped([(b"k", b"", ())] * 5, target=1)] == [1] * 5
    assert list(grouped([])) == []
    assert next(grouped([(None, None, ())])) == Batch(bytes((12, 0, 0, 0, 1, 1, 0)), 1)
