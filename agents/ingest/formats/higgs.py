"""Lines `actor target second kind`, kinds RT, MT, RE, sorted by time: the Higgs activity file.

One act may be told twice: a mention with a share or reply by the same actor to the same target in the same
second is that act, and so is an exact repetition. Users become `higgs:<number>`, an act's id
`higgs:<actor>:<target>:<second>:<kind>`.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from agents.ingest.formats.columns import Columns
from agents.ingest.formats.opening import Meter, Stream, opened
from agents.ingest.outcomes import Refused
from schemas.engagement import MAX_OCCURRED_AT_MS
from schemas.errors import BadRecordError, shown
from schemas.kinds import KIND_CODE, KINDS
from schemas.reasons import Reason

BLOCK_BYTES: Final = 8 * 1024 * 1024
KIND_OF: Final = {"RT": KIND_CODE["share"], "MT": KIND_CODE["mention"], "RE": KIND_CODE["reply"]}
_CODE_OF: Final = {code: letters for letters, code in KIND_OF.items()}
_MENTION: Final = KIND_CODE["mention"]
_FIELDS: Final = 4
_MAX_DIGITS: Final = 18
_NAMES: Final = ("actor", "target", "second", "kind")
_TYPES: Final = {
    "actor": pa.int64(),
    "target": pa.int64(),
    "second": pa.int64(),
    "kind": pa.dictionary(pa.int32(), pa.string()),
}
_READ: Final = pa_csv.ReadOptions(column_names=list(_NAMES), use_threads=False, block_size=2 * BLOCK_BYTES)
_PARSE: Final = pa_csv.ParseOptions(delimiter=" ", quote_char=False, ignore_empty_lines=True)

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Lines:
    """Well-formed lines as columns; `line` counts from 1."""

    line: Ints
    actor: Ints
    target: Ints
    second: Ints
    kind: Ints

    def __len__(self) -> int:
        return len(self.line)

    def __getitem__(self, chosen: npt.NDArray[Any] | slice) -> _Lines:
        return _Lines(*(column[chosen] for column in self._columns()))

    def __add__(self, other: _Lines) -> _Lines:
        return _Lines(*(np.concatenate(both) for both in zip(self._columns(), other._columns(), strict=True)))

    def _columns(self) -> tuple[Ints, Ints, Ints, Ints, Ints]:
        return self.line, self.actor, self.target, self.second, self.kind


def event_id(actor: int, target: int, second: int, kind: int) -> bytes:
    """Return the act's id.

    >>> event_id(1, 2, 1341100972, 3)
    b'higgs:1:2:1341100972:reply'
    """
    return f"higgs:{actor}:{target}:{second}:{KINDS[kind]}".encode()


def columns(path: str, meter: Meter | None = None) -> Iterator[Columns]:
    """Yield the file's acts block by block; raise SourceError when it cannot be read.

    A block ends between two seconds, so that both lines of one act are always in the same block.
    """
    pending = _no_lines()
    with opened(path, meter) as stream:
        for first_line, block in _whole_lines(stream):
            lines, refused = _parsed(block, first_line)
            lines = pending + lines
            cut = int(np.searchsorted(lines.second, lines.second[-1])) if len(lines) else 0
            pending = lines[cut:]
            yield _columns_of(lines[:cut], refused)
    yield _columns_of(pending, [])


def _no_lines() -> _Lines:
    none = np.zeros(0, np.int64)
    return _Lines(none, none, none, none, none)


def _whole_lines(stream: Stream) -> Iterator[tuple[int, bytes]]:
    """Yield (number of the first line, bytes) of blocks that end with a line."""
    first, carry = 1, b""
    while block := stream.read(BLOCK_BYTES):
        end = block.rfind(b"\n") + 1
        whole, carry = (carry + block[:end], block[end:]) if end else (b"", carry + block)
        if whole:
            yield first, whole
            first += whole.count(b"\n")
    if carry:
        yield first, carry + b"\n"


def _parsed(block: bytes, first_line: int) -> tuple[_Lines, list[Refused]]:
    try:
        table = pa_csv.read_csv(
            io.BytesIO(block), read_options=_READ, parse_options=_PARSE, convert_options=_CONVERT
        ).combine_chunks()
    except pa.ArrowInvalid:
        return _parsed_singly(block, first_line)
    nulls = sum(table[name].null_count for name in _NAMES)
    kinds = table["kind"].chunk(0) if table.num_rows else None
    if (
        kinds is None
        or nulls
        or table.num_rows != block.count(b"\n")
        or not set(kinds.dictionary.to_pylist()) <= KIND_OF.keys()
    ):
        return _parsed_singly(block, first_line)
    codes = np.array([KIND_OF[name] for name in kinds.dictionary.to_pylist()], np.int64)
    lines = _Lines(
        np.arange(first_line, first_line + table.num_rows),
        table["actor"].to_numpy(),
        table["target"].to_numpy(),
        table["second"].to_numpy(),
        codes[kinds.indices.to_numpy()],
    )
    if (
        min(lines.actor.min(), lines.target.min(), lines.second.min()) < 0
        or lines.second.max() > MAX_OCCURRED_AT_MS // 1000
    ):
        return _parsed_singly(block, first_line)
    return lines, []


_CONVERT: Final = pa_csv.ConvertOptions(column_types=_TYPES, strings_can_be_null=True)


def _parsed_singly(block: bytes, first_line: int) -> tuple[_Lines, list[Refused]]:
    """Return the lines of a block that holds some that break the format, and those as refusals."""
    rows: list[tuple[int, int, int, int, int]] = []
    refused: list[Refused] = []
    for number, line in enumerate(block.split(b"\n")[:-1], first_line):
        if not line.strip():
            continue
        try:
            rows.append((number, *_line(line)))
        except BadRecordError as error:
            refused.append(Refused(error, number, line))
    table = np.array(rows, np.int64).reshape(-1, _FIELDS + 1).T
    return _Lines(*np.ascontiguousarray(table)), refused


def _line(line: bytes) -> tuple[int, int, int, int]:
    words = line.split()
    if len(words) != _FIELDS:
        raise BadRecordError(Reason.UNDECODABLE, f"{shown(line)}: send `actor target second kind`")
    if not all(word.isdigit() and len(word) <= _MAX_DIGITS for word in words[:3]):
        raise BadRecordError(Reason.INVALID_FIELD, f"{shown(line)}: actor, target and second are whole numbers")
    kind = KIND_OF.get(words[3].decode(errors="replace"))
    if kind is None:
        raise BadRecordError(Reason.UNKNOWN_KIND, f"{shown(line)}: send one of {', '.join(KIND_OF)}")
    actor, target, second = (int(word) for word in words[:3])
    if second * 1000 > MAX_OCCURRED_AT_MS:
        raise BadRecordError(Reason.INVALID_FIELD, f"{shown(line)}: send a second between 1970 and 2100")
    return actor, target, second, kind


def _columns_of(lines: _Lines, refused: list[Refused]) -> Columns:
    own = lines.actor == lines.target
    refused = sorted([*refused, *_self_engagements(lines[own])], key=lambda each: each.line)
    others = lines[~own]
    acts = others[_first_told(others)]
    numbers, codes = np.unique(np.concatenate((acts.actor, acts.target)), return_inverse=True)
    return Columns(
        users=[b"higgs:%d" % number for number in numbers.tolist()],
        actors=codes[: len(acts)].astype(np.int64),
        targets=codes[len(acts) :].astype(np.int64),
        kinds=acts.kind.astype(np.uint8),
        at_ms=acts.second * 1000,
        refused=refused,
        duplicates=len(others) - len(acts),
    )


def _self_engagements(lines: _Lines) -> Iterator[Refused]:
    rows = zip(lines.line.tolist(), lines.actor.tolist(), lines.second.tolist(), lines.kind.tolist(), strict=True)
    for number, actor, second, kind in rows:
        error = BadRecordError(Reason.SELF_ENGAGEMENT, f"actor and target are both higgs:{actor}")
        yield Refused(error, number, f"{actor} {actor} {second} {_CODE_OF[kind]}".encode())


def _first_told(lines: _Lines) -> npt.NDArray[np.bool_]:
    """Return which lines tell of an act first: no repetition, no mention beside a share or reply."""
    if not len(lines):
        return np.zeros(0, np.bool_)
    order = np.lexsort((lines.line, lines.kind, lines.target, lines.actor, lines.second))
    ordered = lines[order]
    starts = np.ones(len(lines), np.bool_)
    for column in (ordered.actor, ordered.target, ordered.second):
        starts[1:] &= column[1:] == column[:-1]
    starts[1:] = ~starts[1:]
    repeated = np.zeros(len(lines), np.bool_)
    repeated[1:] = ~starts[1:] & (ordered.kind[1:] == ordered.kind[:-1])
    explained = np.logical_or.reduceat(ordered.kind != _MENTION, np.flatnonzero(starts))
    twin = (ordered.kind == _MENTION) & explained[np.cumsum(starts) - 1]
    first = np.empty(len(lines), np.bool_)
    first[order] = ~(repeated | twin)
    return first
