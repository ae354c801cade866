"""Tables for people: framed on a terminal, plain aligned columns into a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from schemas.printing import printable


def show(columns: Sequence[str], rows: Sequence[Sequence[str]], out: TextIO) -> None:
    """Print the rows; cells are taken literally, escaped where a terminal would obey them. Named texts align left."""
    rows = [[printable(cell) for cell in row] for row in rows]
    if out.isatty():
        table = Table(box=None, header_style="bold", pad_edge=False)
        for name in columns:
            table.add_column(name, justify="left" if _is_text(name) else "right", overflow="fold")
        for row in rows:
            table.add_row(*map(Text, row))
        Console(file=out).print(table)
        return
    widths = [max(len(row[at]) for row in (columns, *rows)) for at in range(len(columns))]
    for row in (columns, *rows):
        cells = [
            cell.ljust(width) if _is_text(name) else cell.rjust(width)
            for cell, width, name in zip(row, widths, columns, strict=True)
        ]
        out.write("  ".join(cells).rstrip() + "\n")


def _is_text(name: str) -> bool:
    return name in {"user", "day", "model", "topic", "reason", "detail", "source", "name", "id", "for", "state", ""}
