"""Parquet: columns with the contract's field names; `occurred_at` as text, epoch milliseconds or timestamp."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.ingest.formats.opening import STDIN, Meter, SourceError, opened
from agents.ingest.outcomes import FIELDS, Outcomes, outcome_of

if TYPE_CHECKING:
    from pyarrow import RecordBatch
    from pyarrow.parquet import ParquetFile

BLOCK_ROWS = 2_000
REQUIRED = frozenset({"id", "kind", "actor", "target", "occurred_at"})


def outcomes(path: str, meter: Meter | None = None) -> Outcomes:
    """Yield what becomes of each row; raise SourceError for what is not Parquet or lacks a field.

    `meter` is told the share of rows that were read, as bytes of the file.
    """
    with tempfile.TemporaryDirectory(prefix="renown-parquet-") as folder:
        yield from _rows(_seekable(path, Path(folder)), meter or (lambda _: None))


def _seekable(path: str, folder: Path) -> str:
    """Return a path that can be sought in: Parquet's directory is at its end, a pipe has none."""
    if path != STDIN:
        return path
    copy = folder / "stdin.parquet"
    with opened(path) as stream, copy.open("wb") as out:
        while block := stream.read(1 << 20):
            out.write(block)
    return str(copy)


def _rows(path: str, meter: Meter) -> Outcomes:
    from pyarrow import ArrowException

    file = _file(path)
    names = [name for name in FIELDS if name in file.schema_arrow.names]
    if missing := sorted(REQUIRED - set(names)):
        raise SourceError(f"{path}: no column {', '.join(missing)}; name the columns as the contract's fields")
    line = 0
    try:
        for batch in file.iter_batches(BLOCK_ROWS, columns=names):
            rows = _with_numbers(batch).to_pylist()
            yield [outcome_of(_plain(row), line + at) for at, row in enumerate(rows, 1)]
            line += len(rows)
            meter(Path(path).stat().st_size * line // file.metadata.num_rows)
    except (ArrowException, OSError) as error:
        raise SourceError(f"{path}: damaged after row {line} ({str(error)[:80]}); fetch the file again") from error


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


def _with_numbers(batch: RecordBatch) -> RecordBatch:
    """Return the batch with instants as epoch milliseconds; one without a zone is UTC. Python knows no nanoseconds."""
    import pyarrow as pa

    at = batch.schema.get_field_index("occurred_at")
    if not pa.types.is_timestamp(batch.schema.field(at).type):
        return batch
    zone = batch.schema.field(at).type.tz
    numbers = batch.column(at).cast(pa.timestamp("ms", zone), safe=False).cast(pa.int64())
    return batch.set_column(at, "occurred_at", numbers)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
        for name, value in row.items()
    }
