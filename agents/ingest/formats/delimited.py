"""CSV: a header with the contract's field names, one engagement a row; other columns are ignored."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO, cast

from agents.ingest.formats.opening import SourceError, Stream
from agents.ingest.outcomes import FIELDS, Outcome, Outcomes, Refused, outcome_of
from schemas.errors import BadRecordError
from schemas.reasons import Reason

BLOCK_ROWS = 2_000
REQUIRED = ("id", "kind", "actor", "target", "occurred_at")
_TRUE = frozenset({"1", "true", "yes"})
_UNDO = {**dict.fromkeys(("", "0", "false", "no"), False), **dict.fromkeys(_TRUE, True)}


def outcomes(stream: Stream) -> Outcomes:
    """Yield what becomes of each row; raise SourceError when the header lacks a field of the contract.

    Bytes that are not UTF-8 pass as lone surrogates, which the encoder refuses row by row.
    """
    text = io.TextIOWrapper(cast("BinaryIO", stream), "utf-8", "surrogateescape", newline="")
    try:
        reader = csv.reader(text, strict=True)
        rows = _rows(reader, _columns(_header(reader)))
        while block := list(islice(rows, BLOCK_ROWS)):
            yield block
    finally:
        text.detach()


def _header(reader: Iterator[list[str]]) -> list[str]:
    try:
        return next(reader, [])
    except csv.Error as error:
        raise SourceError(f"not CSV: {error}; check --format") from error


def _columns(header: list[str]) -> dict[str, int]:
    names = [name.strip().removeprefix("\ufeff") for name in header]
    if missing := [name for name in REQUIRED if name not in names]:
        raise SourceError(f"CSV header {','.join(names)[:80]!r} lacks {', '.join(missing)}; name the contract's fields")
    return {name: names.index(name) for name in FIELDS if name in names}


def _rows(reader: Any, columns: dict[str, int]) -> Iterator[Outcome]:
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            refusal = BadRecordError(Reason.UNDECODABLE, f"not CSV: {error}; quote fields with commas or quotes")
            yield Refused(refusal, reader.line_num, b"")
            continue
        if row:
            yield outcome_of(_mapping(row, columns), reader.line_num)


def _mapping(row: list[str], columns: dict[str, int]) -> dict[str, Any]:
    cells: dict[str, Any] = {name: row[at] for name, at in columns.items() if at < len(row) and row[at] != ""}
    instant = cells.get("occurred_at", "")
    if instant.isascii() and instant.isdigit() and len(instant) < 20:  # noqa: PLR2004 - an int64 in decimal
        cells["occurred_at"] = int(instant)
    if "undo" in cells:
        cells["undo"] = _UNDO.get(cells["undo"].lower(), cells["undo"])
    return cells
