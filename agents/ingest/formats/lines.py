"""A byte stream as blocks of numbered lines, with a bound on what one line may hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from agents.ingest.formats.opening import Stream

BLOCK_BYTES = 256 * 1024
MAX_LINE_BYTES = 1024 * 1024
"""A longer line is cut here: no contract allows a record a tenth as long, and memory must stay bounded."""


class Line(NamedTuple):
    """One line without its end, numbered from 1; `cut` says that it was longer than MAX_LINE_BYTES."""

    number: int
    value: bytes
    cut: bool = False


def line_blocks(stream: Stream) -> Iterator[list[Line]]:
    """Yield the stream's lines block by block, as they arrive; blank lines count in numbers and are left out."""
    reader = _LineReader()
    while block := stream.read1(BLOCK_BYTES):
        if lines := reader.feed(block):
            yield lines
    if lines := reader.finish():
        yield lines


class _LineReader:
    def __init__(self) -> None:
        self._carry = b""
        self._cut = False
        self._number = 0

    def feed(self, block: bytes) -> list[Line]:
        pieces = (self._carry + block).split(b"\n")
        self._carry = pieces.pop()
        lines = [line for piece in pieces if (line := self._line(piece))]
        if len(self._carry) > MAX_LINE_BYTES:
            self._carry, self._cut = self._carry[:MAX_LINE_BYTES], True
        return lines

    def finish(self) -> list[Line]:
        line = self._line(self._carry)
        return [line] if line else []

    def _line(self, piece: bytes) -> Line | None:
        self._number += 1
        cut, self._cut = self._cut or len(piece) > MAX_LINE_BYTES, False
        value = piece[:MAX_LINE_BYTES].removesuffix(b"\r")
        return Line(self._number, value, cut) if value.strip() else None
