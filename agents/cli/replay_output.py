"""How `renown replay` writes scores: a table for people, JSON lines or parquet for programs."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO, Final

import msgspec
import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agents.replay import Replayed
from schemas.kinds import KINDS
from schemas.printing import printable
from schemas.score import Counts

OUTPUTS: Final = ("table", "jsonl", "parquet")
_SLICE_USERS: Final = 20_000
_TABLE_WIDTH: Final = 110


class Line(msgspec.Struct, frozen=True, gc=False):
    """One user's line: `score` and `relationships` with one decimal, masses in full."""

    user: str
    score: float
    target_score: float
    raw: float
    relationships: float
    momentum: float
    received: Counts


def write(sink: BinaryIO, result: Replayed, output: str, count: int) -> None:
    """Write the scores to `sink`, most raw mass first; `count` bounds the table only."""
    order = np.argsort(-result.reading.raw, kind="stable")
    if output == "jsonl":
        _write_jsonl(sink, result, order)
    elif output == "parquet":
        _write_parquet(sink, result, order)
    else:
        sink.write(_table(result, order[:count]).encode())
    sink.flush()


def lines(result: Replayed, order: npt.NDArray[np.int64]) -> Iterator[Line]:
    """Yield the lines of the users at `order`."""
    for start in range(0, len(order), _SLICE_USERS):
        at = order[start : start + _SLICE_USERS]
        columns = (
            result.score[at].round(1),
            result.score[at].round(3),
            result.reading.raw[at],
            result.relationships[at].round(1),
            result.reading.momentum[at],
        )
        users = [result.users[i].decode() for i in at.tolist()]
        numbers = (column.tolist() for column in columns)
        yield from map(Line, users, *numbers, map(Counts, *result.rows["received"][at].T.tolist()))


def _write_jsonl(sink: BinaryIO, result: Replayed, order: npt.NDArray[np.int64]) -> None:
    encoder = msgspec.json.Encoder()
    sink.writelines(
        encoder.encode_lines(list(lines(result, order[start : start + _SLICE_USERS])))
        for start in range(0, len(order), _SLICE_USERS)
    )


def _write_parquet(sink: BinaryIO, result: Replayed, order: npt.NDArray[np.int64]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pa_parquet

    received = [pa.array(result.rows["received"][order, code]) for code in range(len(KINDS))]
    table = pa.table(
        {
            "user": pa.array([result.users[i].decode() for i in order.tolist()]),
            "score": result.score[order].round(1),
            "target_score": result.score[order].round(3),
            "raw": result.reading.raw[order],
            "relationships": result.relationships[order].round(1),
            "momentum": result.reading.momentum[order],
            "received": pa.StructArray.from_arrays(received, names=list(KINDS)),
        }
    )
    buffer = io.BytesIO()  # a pipe cannot tell its position, which the writer asks for
    pa_parquet.write_table(table, buffer)
    sink.write(buffer.getbuffer())


def _table(result: Replayed, order: npt.NDArray[np.int64]) -> str:
    table = Table(box=None, header_style="bold")
    table.add_column("user", overflow="fold")
    for name in ("score", "raw", "relationships", "momentum", *KINDS):
        table.add_column(name, justify="right")
    for line in lines(result, order):
        counts = (getattr(line.received, kind) for kind in KINDS)
        table.add_row(
            Text(printable(line.user)),
            f"{line.score:.1f}",
            f"{line.raw:,.2f}",
            f"{line.relationships:.1f}",
            f"{line.momentum:,.2f}",
            *(f"{count:,}" for count in counts),
        )
    text = io.StringIO()
    Console(file=text, width=_TABLE_WIDTH).print(table)
    return text.getvalue()
