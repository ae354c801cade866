"""The dearest functions of a saved profile as a table."""

from __future__ import annotations

import io
import pstats
from pathlib import Path
from typing import Final

ROWS: Final = 30


def dearest(profile: Path, rows: int = ROWS) -> str:
    """Return the functions with the most time of their own, as Python's pstats prints them."""
    text = io.StringIO()
    pstats.Stats(str(profile), stream=text).sort_stats("tottime").print_stats(rows)
    return text.getvalue().strip()
