"""The dashboards' files: what each holds, by its name."""

from __future__ import annotations

from typing import Final

from agents.operations.dashboards.influence import INFLUENCE
from agents.operations.dashboards.overview import OVERVIEW
from agents.operations.dashboards.pipeline import PIPELINE
from agents.operations.dashboards.rendering import rendered

DASHBOARDS: Final = (OVERVIEW, PIPELINE, INFLUENCE)


def files() -> dict[str, str]:
    """Return every dashboard's text by the name of its file."""
    return {f"{dashboard.uid}.json": rendered(dashboard) for dashboard in DASHBOARDS}
