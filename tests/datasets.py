"""Recorded data that is not ours to distribute: found in the folder that RENOWN_DATASETS names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("RENOWN_DATASETS") or Path(__file__).parents[2] / "shared" / "data")


def higgs() -> Path:
    """Return the Higgs activity list; skip the test where nobody has put it."""
    path = FOLDER / "higgs" / "higgs-activity_time.txt.gz"
    if not path.is_file():
        pytest.skip("the Higgs list has no licence to be shipped: get it from its authors, set RENOWN_DATASETS")
    return path
