"""Frames compressed by zstd with a dictionary that both sides have."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from backports import zstd

from schemas.errors import BadSettingError


def unpacker_of(dictionary: Path, most_bytes: int) -> Callable[[bytes], bytes]:
    """Return what unpacks a frame; what cannot be unpacked, or to more than `most_bytes`, comes back as it is.

    Raises BadSettingError while not one could be unpacked: then the server compresses with another dictionary, and
    every frame would be refused.
    """
    known, any_yet = _loaded(dictionary), False

    def unpack(packed: bytes) -> bytes:
        nonlocal any_yet
        decompressor = zstd.ZstdDecompressor(zstd_dict=known)
        try:
            plain = decompressor.decompress(packed, most_bytes + 1)
        except zstd.ZstdError as error:
            if not any_yet:
                remedy = f"the first frame cannot be unpacked ({error}); leave --compress out"
                raise BadSettingError("--compress", True, remedy) from error
            return packed
        any_yet = True
        return plain if decompressor.eof and len(plain) <= most_bytes else packed

    return unpack


@lru_cache(maxsize=4)
def _loaded(path: Path) -> zstd.ZstdDict:
    return zstd.ZstdDict(path.read_bytes())
