"""Compile the stages' kernels on a tiny chunk: that takes seconds, which a worker in the group does not have."""

from __future__ import annotations

from typing import Final

import numpy as np

from schemas.credit import decode_credits, encode_credits
from schemas.rows import empty_users
from streams.engine.batches import grouped
from streams.engine.chunk import Chunk
from streams.engine.framing import RecordArrays, Slices, gathered
from streams.engine.keys import laid_out
from streams.engine.records import COLUMNS, OFFSET, VALUE_AT, VALUE_LEN
from streams.settings import Settings
from streams.stages.admission import admit
from streams.stages.packing import packed
from streams.stages.rendering import seven_days
from streams.stages.score_text import FLOATS, WHOLE, Fields, Same, score_texts

_PLAIN: Final = b'{"id":"1","kind":"like","actor":"x:a","target":"x:b","occurred_at":0}'
_DOUBTFUL: Final = b'{"id":"2","kind":"like","actor":"x:\\u0061","target":"x:b","occurred_at":0}'


def warm() -> None:
    """Return when everything is compiled, or found in the cache on disk."""
    settings = Settings()
    for values in ([_PLAIN], [_PLAIN, _DOUBTFUL, b""]):
        columns = admit(chunk_of(values), settings).columns
        count = len(columns.at)
        mass, established = np.ones(count), np.ones(count, np.uint8)
        for _, record in packed(0, columns, np.arange(count), mass, established, mass, settings.partitions):
            decode_credits(encode_credits(record))
    _publish()


def _publish() -> None:
    """Frame one score of a user in a buffer that may be written to, as a partition's is."""
    buf, at, length = laid_out([b"x:a"])
    users = gathered([Slices(buf.copy(), at, length)])
    count = len(users.at)
    fields = Fields(
        np.zeros((count, FLOATS)),
        np.zeros((count, WHOLE), np.int64),
        np.zeros(count, np.int64),
        np.zeros(count, np.uint8),
    )
    seven_days(empty_users(count), 0.0)
    list(grouped(RecordArrays(users, score_texts(users, fields, Same(0, "", 0)))))


def chunk_of(values: list[bytes]) -> Chunk:
    """Return `values` as a chunk of a log that holds nothing else."""
    length = np.fromiter(map(len, values), np.int64, len(values))
    table = np.zeros((COLUMNS, len(values)), np.int64)
    table[OFFSET] = np.arange(len(values))
    table[VALUE_AT], table[VALUE_LEN] = np.cumsum(length) - length, length
    return Chunk("warm", 0, 0, len(values) - 1, b"".join(values), table)
