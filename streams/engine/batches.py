"""Kafka v2 record batches: the 61-byte header, its checksum and its compression, read and written."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from aiokafka.codec import gzip_decode, lz4_decode, lz4_encode, snappy_decode, zstd_decode
from aiokafka.record.util import calc_crc32c

from schemas.errors import BrokenGuaranteeError
from streams.engine.framing import RecordArrays, framed_arrays
from streams.engine.records import Record, framed

HEADER: Final = struct.Struct(">qiibIhiqqqhii")
_BEFORE_CRC = struct.Struct(">qiibI")
_AFTER_CRC = struct.Struct(">hiqqqhii")
_CRC_AT: Final = 17
_LENGTH_FROM: Final = 12
_AFTER_LENGTH: Final = 9
_MAGIC: Final = 2
_CODEC_MASK: Final = 0x07
_CONTROL: Final = 0x20
LZ4: Final = 3
_DECODERS: Final = {1: gzip_decode, 2: snappy_decode, 3: lz4_decode, 4: zstd_decode}
TARGET_BYTES: Final = 900_000
COMPRESS_ABOVE: Final = 1_000_000
"""A batch beyond this is compressed, so that even a user with very many changed pairs fits into one."""

Records = Sequence[Record] | RecordArrays
"""Records one by one, or as arrays where there are many."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Framed records that the broker appends as a whole: all of them or none."""

    body: bytes
    count: int


@dataclass(frozen=True, slots=True)
class Producer:
    """Who writes: producer id, epoch and the sequence number of the batch's first record."""

    pid: int
    epoch: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Frame:
    """One fetched batch: `body` is None where the records lie uncompressed at raw[at:end]."""

    base: int
    last: int
    count: int
    stamp: int
    at: int
    end: int
    body: bytes | None


def encoded(batch: Batch, producer: Producer, stamp_ms: int) -> bytes:
    """Return the batch as the broker takes it, compressed when it is large."""
    codec, body = 0, batch.body
    if len(body) > COMPRESS_ABOVE:
        codec, body = LZ4, lz4_encode(body, level=1)
    tail = _AFTER_CRC.pack(
        codec,
        batch.count - 1,
        stamp_ms,
        stamp_ms,
        producer.pid,
        producer.epoch,
        producer.sequence,
        batch.count,
    )
    tail += body
    return _BEFORE_CRC.pack(0, len(tail) + _AFTER_LENGTH, 0, _MAGIC, calc_crc32c(tail)) + tail


def grouped(records: Records, target: int = TARGET_BYTES) -> Iterator[Batch]:
    """Yield the records in order as batches of about `target` bytes; a larger record gets its own batch."""
    if isinstance(records, RecordArrays):
        yield from (Batch(body, count) for body, count in framed_arrays(records, target))
    else:
        yield from _grouped(records, target)


def _grouped(records: Sequence[Record], target: int) -> Iterator[Batch]:
    parts: list[bytes] = []
    size = 0
    for record in records:
        part = framed(record, len(parts))
        if parts and size + len(part) > target:
            yield Batch(b"".join(parts), len(parts))
            parts, size = [framed(record, 0)], 0
            part = parts[0]
        else:
            parts.append(part)
        size += len(part)
    if parts:
        yield Batch(b"".join(parts), len(parts))


def frames(raw: bytes, *, check_crcs: bool) -> Iterator[Frame]:
    """Yield the whole batches in a fetch response; a cut-off last one is left for the next fetch.

    Control batches come with count 0. BrokenGuaranteeError names a batch that is not v2 or whose checksum
    differs.
    """
    at = 0
    while len(raw) - at >= HEADER.size:
        base, length, _, magic, crc, attributes, last_delta, stamp, _, _, _, _, count = HEADER.unpack_from(raw, at)
        end = at + _LENGTH_FROM + length
        if end > len(raw):
            return
        if magic != _MAGIC or end < at + HEADER.size or count < 0 or last_delta < 0:
            message = f"record batch at offset {base} is not of format v2 (magic {magic}, {count} records)"
            raise BrokenGuaranteeError(message)
        if check_crcs and calc_crc32c(raw[at + _CRC_AT + 4 : end]) != crc:
            message = f"record batch at offset {base} does not match its checksum"
            raise BrokenGuaranteeError(message)
        codec = attributes & _CODEC_MASK
        body = _decompressed(codec, raw[at + HEADER.size : end], base) if codec and count else None
        kept = 0 if attributes & _CONTROL else count
        yield Frame(base, base + last_delta, kept, stamp, at + HEADER.size, end, body)
        at = end


def _decompressed(codec: int, body: bytes, base: int) -> bytes:
    decode = _DECODERS.get(codec)
    if decode is None:
        message = f"record batch at offset {base} is compressed by codec {codec}, which nobody knows"
        raise BrokenGuaranteeError(message)
    return bytes(decode(body))


def counted(batches: Iterable[Batch]) -> int:
    """Return how many records the batches hold."""
    return sum(batch.count for batch in batches)
