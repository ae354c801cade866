"""Writes the dashboards: `python -m agents.operations.dashboards deploy/grafana`."""

from __future__ import annotations

import sys
from pathlib import Path

from agents.operations.dashboards.files import files

if __name__ == "__main__":
    for name, text in files().items():
        (Path(sys.argv[1]) / name).write_text(text)
