"""Published map: the calibration in force for all workers. Topic `renown.calibration.v1`, key `map`, compacted."""

from __future__ import annotations

from typing import Final

import msgspec

from schemas.calibration import CALIBRATION_VERSION, CalibrationMap
from schemas.errors import BadRecordError, shown
from schemas.reasons import Reason
from schemas.versions import newer

MAP_KEY: Final = b"map"


class PublishedMap(msgspec.Struct, frozen=True, gc=False):
    """A map with its place in time: of two maps the greater `version` is the newer.

    `warm_up` until stream time has left the first epoch: such a map is made anew whenever a sketch changes.
    `basis` is the checksum of the sketches that it was merged from.
    """

    version: int
    warm_up: bool
    basis: int
    map: CalibrationMap


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(PublishedMap)


def encode_map(published: PublishedMap) -> bytes:
    """Return the map as JSON."""
    return _ENCODER.encode(published)


def decode_map(value: bytes) -> PublishedMap:
    """Return the map in `value`; raise BadRecordError when it is not one, BrokenGuaranteeError for a newer one."""
    try:
        found = _DECODER.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadRecordError(Reason.UNDECODABLE, f"map {shown(value)}: {error}") from error
    if found.map.version > CALIBRATION_VERSION:
        raise newer(f"calibration map {found.version}", "calibration", found.map.version, CALIBRATION_VERSION)
    return found
