"""Parquet: columns with the contract's field names; `occurred_at` as text, epoch milliseconds or timestamp."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.ingest.formats.opening import STDIN, SourceError, opened
from agents.ingest.outcomes import FIELDS, Outcomes, outcome_of

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

BLOCK_ROWS = 2_000
REQUIRED = frozenset({"id", "kind", "actor", "target", "occurred_at"})


def outcomes(path: str) -> Outcomes:
    """Yield what becomes of each row; raise SourceError for what is not Parquet or lacks a field."""
    with tempfile.TemporaryDirectory(prefix="renown-parquet-") as folder:
        yield from _rows(_seekable(path, Path(folder)))


def _seekable(path: str, folder: Path) -> str:
    """Return a path that can be sought in: Parquet's directory is at its end, a pipe has none."""
    if path != STDIN:
        return path
    copy = folder / "stdin.parquet"
    with opened(path) as stream, copy.open("wb") as out:
        while block := stream.read(1 << 20):
            out.write(block)
    return str(copy)


def _rows(path: str) -> Outcomes:
    file = _file(path)
    names = [name for name in FIELDS if name in file.schema_arrow.names]
    if missing := sorted(REQUIRED - set(names)):
        raise SourceError(f"{path}: no column {', '.join(missing)}; name the columns as the contract's fields")
    line = 0
    for batch in file.iter_batches(BLOCK_ROWS, columns=names):
        rows = batch.to_pylist()
        yield [outcome_of(_plain(row), line + at) for at, row in enumerate(rows, 1)]
        line += len(rows)


def _file(path: str) -> ParquetFile:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise SourceError("reading Parquet needs pyarrow; install renown[stream]") from error
    try:
        return ParquetFile(path)
    except (ArrowException, OSError) as error:
        raise SourceError(f"{path}: not a Parquet file ({str(error)[:80]}); check --format") from error


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    instant = row.get("occurred_at")
    if isinstance(instant, datetime):
        aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
        row["occurred_at"] = int(aware.timestamp() * 1000)
    return {
        name: value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
        for name, value in row.items()
    }
