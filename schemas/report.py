"""Report: what a partition tells all workers. Topic `renown.calibration.v1`, key `report:<partition>`, compacted.

It carries the partition's sketch (for calibration), its stream time, and how far its scores have got (for
`renown drain`).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import msgspec

from schemas.calibration import Histogram
from schemas.errors import BadRecordError, shown
from schemas.reasons import Reason


class Report(msgspec.Struct, frozen=True, gc=False):
    """One partition's report.

    `as_of` is its stream time in epoch ms; `influence` and `relationships` are its sketches;
    `applied` is the credit offset up to which credits are folded in, `settled` the one up to which every score
    is acknowledged and every row durable, under calibration `map_version` at `as_of`; `commands` the offset up to
    which commands are durably obeyed; all exclusive.
    """

    partition: int
    as_of: int
    users: int
    influence: Histogram
    relationships: Histogram
    applied: int
    settled: int
    map_version: int
    commands: int = 0


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Report)


def report_key(partition: int) -> bytes:
    """Return the record key of a partition's report."""
    return b"report:%d" % partition


def encode_report(report: Report) -> bytes:
    """Return the report as JSON."""
    return _ENCODER.encode(report)


def decode_report(value: bytes) -> Report:
    """Return the report in `value`; raise BadRecordError when it is not one."""
    try:
        return _DECODER.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadRecordError(Reason.UNDECODABLE, f"report {shown(value)}: {error}") from error


def basis_of(reports: Iterable[Report]) -> int:
    """Return a checksum of the sketches in `reports`: equal sketches, equal basis."""
    ordered = sorted(reports, key=lambda r: r.partition)
    return zlib.crc32(_ENCODER.encode([(r.partition, r.influence, r.relationships) for r in ordered]))
