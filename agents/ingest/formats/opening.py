"""Files, pipes and standard input as one stream of plain bytes; gzip and zstd are recognised by their first bytes."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from backports import zstd

from schemas.errors import RenownError

STDIN = "-"
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
STDIN_FD = 0


class SourceError(RenownError):
    """A source that cannot be read (further): names it and what to do about it."""


class Stream(Protocol):
    """A readable stream that hands out what is there (`read1`) instead of waiting for a full block."""

    def read1(self, size: int = -1, /) -> bytes:
        """Return at least one byte and at most `size`, nothing at the end."""

    def read(self, size: int = -1, /) -> bytes:
        """Return `size` bytes, or all of them."""


Meter = Callable[[int], None]
"""Told how many bytes of the stored (compressed) file were consumed so far."""


@contextmanager
def opened(path: str, meter: Meter | None = None) -> Iterator[Stream]:
    """Give the plain bytes of `path` (`-` is standard input); raise SourceError when they cannot be had."""
    with _raw(path) as raw, _reported(path):
        magic = cast("_Peekable", raw).peek(len(ZSTD_MAGIC))
        metered = cast("BinaryIO", _Metered(raw, meter)) if meter else raw
        if magic.startswith(ZSTD_MAGIC):
            with zstd.ZstdFile(metered) as unpacked:
                yield unpacked
        elif magic.startswith(GZIP_MAGIC):
            with gzip.GzipFile(fileobj=metered) as plain:
                yield cast("Stream", plain)
        else:
            yield cast("Stream", metered)


def stored_bytes(path: str) -> int | None:
    """Return the size of the file, None for a pipe."""
    if path == STDIN or not Path(path).is_file():
        return None
    return Path(path).stat().st_size


class _Peekable(Protocol):
    def peek(self, size: int = 0, /) -> bytes: ...


class _Metered(io.BufferedIOBase):
    """A stream that tells how far it was read."""

    def __init__(self, raw: BinaryIO, meter: Meter) -> None:
        super().__init__()
        self._raw, self._meter, self._consumed = raw, meter, 0

    def readable(self) -> bool:
        """Return True: readers of text ask."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Return `size` bytes, or all of them."""
        return self._seen(self._raw.read(-1 if size is None else size))

    def read1(self, size: int = -1, /) -> bytes:
        """Return what is there, at most `size` bytes."""
        return self._seen(cast("Stream", self._raw).read1(size))

    def _seen(self, block: bytes) -> bytes:
        self._consumed += len(block)
        self._meter(self._consumed)
        return block


@contextmanager
def _raw(path: str) -> Iterator[BinaryIO]:
    """Give the stored bytes. Standard input is opened anew: a reader thread may hold it when the process ends."""
    try:
        raw = os.fdopen(STDIN_FD, "rb", closefd=False) if path == STDIN else Path(path).open("rb")  # noqa: SIM115
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise SourceError(f"{path}: {reason}; name a readable file, or - for standard input") from error
    with raw:
        yield raw


@contextmanager
def _reported(path: str) -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile, zstd.ZstdError) as error:
        raise SourceError(f"{path}: damaged or cut compressed data ({error}); fetch the file again") from error
    except OSError as error:
        raise SourceError(f"{path}: {error}; check the file and the disk") from error
